"""Weights travel to PyTorch and back by name, and mean the same there; losses too."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import fastprop as fp
from oracles.twins import fresh_twin, theta_of, twin
from reference import random_case, relative_error

TORCH = {"float32": torch.float32, "float64": torch.float64}
SEEDS = range(0, 270, 5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_state_dict_loads_strictly_and_gives_the_same_outputs(dtype):
    """load_state_dict(strict=True): no name missing, none unknown; the outputs agree to rounding."""
    for seed in SEEDS:
        case = random_case(seed)
        model = case.fp_model(dtype)
        net = twin(model, TORCH[dtype])
        X = case.X.astype(dtype)
        expected = net(torch.from_numpy(X)).detach().numpy()
        bound = 1e-13 if dtype == "float64" else 1e-5
        assert relative_error(model.predict(X), expected) <= bound, seed


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_pytorchs_state_dict_comes_back(dtype):
    """PyTorch's own initial weights in our network: the same bits, and the same outputs."""
    for seed in SEEDS:
        case = random_case(seed)
        model = case.fp_model(dtype)
        torch.manual_seed(seed)
        net = fresh_twin(model, TORCH[dtype])
        model.load_state_dict(net.state_dict())
        assert model.theta.tobytes() == theta_of(net).tobytes()
        for name, array in model.state_dict().items():
            assert array.tobytes() == net.state_dict()[name].numpy().tobytes()


def test_a_saved_file_is_read_by_pytorch(tmp_path):
    """safetensors is the common ground: load_file gives a state dict that loads strictly."""
    model = fp.mlp(4, 5, 3, activation="tanh", output="softmax", seed=2)
    model.save(tmp_path / "model.safetensors")
    net = fresh_twin(model, torch.float32)
    net.load_state_dict(load_file(tmp_path / "model.safetensors"), strict=True)
    assert theta_of(net).tobytes() == model.theta.tobytes()


def test_pytorch_weights_of_another_shape_are_refused():
    """A network with another number of units, and one whose modules stand elsewhere."""
    model = fp.mlp(4, 5, 3)
    before = model.theta.tobytes()
    for other in (fp.mlp(4, 6, 3), fp.mlp(4, 5, 3, activation="identity")):
        with pytest.raises(ValueError, match=r"weight|missing"):
            model.load_state_dict(fresh_twin(other, torch.float32).state_dict())
    assert model.theta.tobytes() == before


# Losses, called on arrays

rng = np.random.default_rng(0)
OUTPUTS, Y, W = rng.standard_normal((50, 4)), rng.standard_normal((50, 4)), rng.random(50)
LABELS, SOFT, YES = rng.integers(0, 4, 50), rng.dirichlet(np.ones(4), 50), rng.random((50, 4)).round(1)


def torch_mean(rows: torch.Tensor, w: np.ndarray | None) -> float:
    rows = rows.reshape(50, -1).mean(dim=1).numpy()
    return float(np.average(rows, weights=w))


@pytest.mark.parametrize("w", [None, W], ids=["plain", "weighted"])
def test_losses_are_pytorchs(w):
    """MSELoss, CrossEntropyLoss of labels and of soft targets, BCELoss, BCEWithLogitsLoss."""
    o, y, labels, soft, yes = map(torch.from_numpy, (OUTPUTS, Y, LABELS, SOFT, YES))
    softmax, sigmoid = torch.softmax(o, dim=1), torch.sigmoid(o)
    cross_entropy = torch.nn.CrossEntropyLoss(reduction="none")
    close = {"rel": 1e-14}
    expected = torch_mean(torch.nn.MSELoss(reduction="none")(o, y), w)
    assert fp.MSE()(OUTPUTS, Y, w) == pytest.approx(expected, **close)
    for targets, tensor in ((LABELS, labels), (SOFT, soft)):
        expected = torch_mean(cross_entropy(o, tensor), w)
        assert fp.CrossEntropy(from_logits=True)(OUTPUTS, targets, w) == pytest.approx(expected, **close)
        assert fp.CrossEntropy()(softmax.numpy(), targets, w) == pytest.approx(expected, **close)
    expected = torch_mean(torch.nn.BCEWithLogitsLoss(reduction="none")(o, yes), w)
    assert fp.BinaryCrossEntropy(from_logits=True)(OUTPUTS, YES, w) == pytest.approx(expected, **close)
    expected = torch_mean(torch.nn.BCELoss(reduction="none")(sigmoid, yes), w)
    assert fp.BinaryCrossEntropy()(sigmoid.numpy(), YES, w) == pytest.approx(expected, **close)


def test_losses_without_weights_are_pytorchs_default_reduction():
    """reduction="mean" there is the mean over rows and outputs here."""
    o, y, labels = map(torch.from_numpy, (OUTPUTS, Y, LABELS))
    assert fp.MSE()(OUTPUTS, Y) == pytest.approx(torch.nn.MSELoss()(o, y).item(), rel=1e-14)
    found = fp.CrossEntropy(from_logits=True)(OUTPUTS, LABELS)
    assert found == pytest.approx(torch.nn.CrossEntropyLoss()(o, labels).item(), rel=1e-14)


def test_class_weights_are_pytorchs_weight_argument():
    """CrossEntropyLoss(weight=...) divides by the sum of the rows' weights, as class_weight does."""
    by_class = np.array([0.5, 2.0, 1.0, 3.0])
    model = fp.mlp(3, 4, dtype="float64", seed=1)
    X = rng.standard_normal((50, 3))
    trainer = fp.Trainer(model, fp.CrossEntropy(from_logits=True), fp.SGD(0.0))
    history = trainer.fit(
        X, LABELS, batch_size=50, shuffle=False, class_weight=dict(enumerate(by_class)), progress=False
    )
    o = twin(model)(torch.from_numpy(X))
    expected = torch.nn.CrossEntropyLoss(weight=torch.from_numpy(by_class))(o, torch.from_numpy(LABELS))
    assert history["loss"][0] == pytest.approx(expected.item(), rel=1e-14)
