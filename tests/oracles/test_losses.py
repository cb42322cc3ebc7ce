"""Every loss against PyTorch: its value and its gradient at the end of a network, in float64.

Where PyTorch has no such loss, the twin is the formula that its docstring names, in PyTorch's tensors; the gradient is
autograd's in any case.
"""

import numpy as np
import pytest
import torch

import fastprop as fp
from loss_cases import CASES, LossCase, data_of
from oracles.loss_twins import loss_twin
from oracles.twins import theta_of, twin
from reference import relative_error

each_case = pytest.mark.parametrize("case", CASES, ids=str)


@each_case
@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
def test_values_and_gradients_are_pytorchs(case: LossCase, weighted: bool):
    X, y, w = data_of(case)
    model = case.model(1)
    loss, grad = fp.gradient(model, X, y, case.loss, sample_weight=w if weighted else None)
    net = twin(model)
    expected = loss_twin(
        case.loss, net(torch.from_numpy(X)), torch.from_numpy(y), torch.from_numpy(w) if weighted else None
    )
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-12, abs=1e-12)
    assert relative_error(grad, theta_of(net, True)) <= 1e-12


MODULES = {  # PyTorch's own reductions, unweighted
    "CrossEntropy label_smoothing class_weight ignore_index": (
        LossCase(fp.CrossEntropy(True, 0.1, (0.5, 1.5, 2.5), ignore_index=-1), "identity", "some labels"),
        torch.nn.CrossEntropyLoss(torch.tensor([0.5, 1.5, 2.5]).double(), label_smoothing=0.1, ignore_index=-1),
    ),
    "CrossEntropy of probabilities": (
        LossCase(fp.CrossEntropy(True, 0.1, (0.5, 1.5, 2.5)), "identity", "distributions"),
        torch.nn.CrossEntropyLoss(torch.tensor([0.5, 1.5, 2.5]).double(), label_smoothing=0.1),
    ),
    "NLL": (
        LossCase(fp.NLL((0.5, 1.5, 2.5), ignore_index=-1), "log_softmax", "some labels"),
        torch.nn.NLLLoss(torch.tensor([0.5, 1.5, 2.5]).double(), ignore_index=-1),
    ),
    "MAE": (LossCase(fp.MAE()), torch.nn.L1Loss()),
    "Huber": (LossCase(fp.Huber(0.4)), torch.nn.HuberLoss(delta=0.4)),
    "SmoothL1": (LossCase(fp.SmoothL1(0.3)), torch.nn.SmoothL1Loss(beta=0.3)),
    "Poisson": (LossCase(fp.Poisson(full=True), targets="counts"), torch.nn.PoissonNLLLoss(full=True)),
    "BinaryCrossEntropy": (
        LossCase(fp.BinaryCrossEntropy(True, pos_weight=(0.5, 1.5, 2.5)), "identity", "probabilities"),
        torch.nn.BCEWithLogitsLoss(pos_weight=torch.tensor([0.5, 1.5, 2.5]).double()),
    ),
    "KLDivergence": (
        LossCase(fp.KLDivergence(True), "identity", "distributions"),
        lambda o, y: torch.nn.KLDivLoss(reduction="batchmean")(torch.log_softmax(o, 1), y),
    ),
    "CosineSimilarity": (
        LossCase(fp.CosineSimilarity()),
        lambda o, y: torch.nn.CosineEmbeddingLoss()(o, y, torch.ones(len(o))),
    ),
    "GaussianNLL": (
        LossCase(fp.GaussianNLL("plain", full=True), "softplus", n_outputs=6),
        lambda o, y: torch.nn.GaussianNLLLoss(full=True)(o[:, :3], y, o[:, 3:]),
    ),
}


@pytest.mark.parametrize("name", MODULES)
def test_means_are_those_of_pytorchs_modules(name: str):
    """Also in how they divide: by weights of classes, by the rows that are not ignored."""
    case, module = MODULES[name]
    X, y, _ = data_of(case)
    model = case.model(2)
    loss, grad = fp.gradient(model, X, y, case.loss)
    net = twin(model)
    expected = module(net(torch.from_numpy(X)), torch.from_numpy(y))
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-12)
    assert relative_error(grad, theta_of(net, True)) <= 1e-12


def test_gaussian_nll_clamps_as_pytorch_does():
    """Variances below epsilon, whose slopes pass."""
    rng = np.random.default_rng(0)
    o, y = np.hstack([rng.standard_normal((9, 2)), 0.3 * rng.random((9, 2))]), rng.standard_normal((9, 2))
    model = fp.Sequential([fp.Dense(4, use_bias=False)], n_inputs=4, dtype="float64")
    model.layers[0].W = np.eye(4)
    loss, grad = fp.gradient(model, o, y, fp.GaussianNLL("plain", epsilon=0.1))
    net = twin(model)
    outputs = net(torch.from_numpy(o))
    expected = torch.nn.GaussianNLLLoss(eps=0.1)(outputs[:, :2], torch.from_numpy(y), outputs[:, 2:])
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-13)
    assert relative_error(grad, theta_of(net, True)) <= 1e-13
