"""Whole trainings against torch.optim.SGD: the same batches, 50 steps, every sensible combination of settings."""

import itertools

import numpy as np
import pytest
import torch

import fastprop as fp
from fastprop._native import philox
from oracles.twins import mean_loss, theta_of, twin
from reference import relative_error

ROWS, BATCH, EPOCHS = 150, 32, 10  # 5 steps an epoch, the last of 22 rows

SETTINGS = [
    {"momentum": momentum, "dampening": dampening, "weight_decay": weight_decay, "nesterov": nesterov}
    for momentum, dampening, weight_decay, nesterov in itertools.product(
        (0.0, 0.5, 0.9, 0.99), (0.0, 0.3, 1.0), (0.0, 0.01, 0.1), (False, True)
    )
    if not (nesterov and (momentum == 0 or dampening))  # which both refuse
]
ENDS = [
    ("mse", False, "identity"),
    ("mse", False, "sigmoid"),
    ("cross_entropy", False, "softmax"),
    ("cross_entropy", True, "identity"),
    ("binary_cross_entropy", False, "sigmoid"),
    ("binary_cross_entropy", True, "identity"),
]
LOSSES = {"mse": fp.MSE, "cross_entropy": fp.CrossEntropy, "binary_cross_entropy": fp.BinaryCrossEntropy}


def error_after_training(settings, loss, from_logits, last, activation, dtype, weighted=False):
    """max |theta - PyTorch's| / max |PyTorch's| after 50 steps."""
    rng = np.random.default_rng(0)
    X, w = rng.standard_normal((ROWS, 12)).astype(dtype), rng.random(ROWS).astype(dtype)
    targets = {
        "mse": rng.random((ROWS, 4)),
        "cross_entropy": np.eye(4)[rng.integers(0, 4, ROWS)],
        "binary_cross_entropy": rng.random((ROWS, 4)).round(1),
    }[loss].astype(dtype)
    layers = [fp.Dense(20, activation), fp.Dense(15, activation, use_bias=False), fp.Dense(4, last)]
    model = fp.Sequential(layers, n_inputs=12, dtype=dtype, seed=6)
    net = twin(model)

    trainer = fp.Trainer(model, LOSSES[loss](from_logits) if from_logits else LOSSES[loss](), fp.SGD(0.05, **settings))
    weights = w if weighted else None
    trainer.fit(X, targets, epochs=EPOCHS, batch_size=BATCH, sample_weight=weights, progress=False)
    assert trainer.step == 50

    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, **settings)
    x, y, rows_weights = (torch.from_numpy(a.astype(float)) for a in (X, targets, w))
    for epoch in range(EPOCHS):
        order = torch.from_numpy(philox.permutation(6, epoch, ROWS))
        for rows in order.split(BATCH):
            optimizer.zero_grad()
            mean_loss(loss, from_logits, net(x[rows]), y[rows], rows_weights[rows] if weighted else None).backward()
            optimizer.step()
    return relative_error(model.theta.astype(float), theta_of(net))


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: "-".join(map(str, s.values())))
def test_fifty_steps_are_pytorchs(settings):
    """Momentum, dampening, Nesterov and weight decay together: to 1e-12 of the largest parameter in float64."""
    assert error_after_training(settings, "cross_entropy", False, "softmax", "tanh", "float64") <= 1e-12


@pytest.mark.parametrize(("loss", "from_logits", "last"), ENDS)
@pytest.mark.parametrize("activation", ["identity", "sigmoid", "tanh", "relu", "softmax"])
@pytest.mark.parametrize("weighted", [False, True])
def test_fifty_steps_of_every_loss_and_activation_are_pytorchs(loss, from_logits, last, activation, weighted):
    """All of them on the way, not only at a single point."""
    settings = {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}
    assert error_after_training(settings, loss, from_logits, last, activation, "float64", weighted) <= 1e-12


@pytest.mark.parametrize("settings", SETTINGS[::5], ids=lambda s: "-".join(map(str, s.values())))
def test_fifty_steps_in_float32_stay_close_to_pytorchs_in_float64(settings):
    """From the same rounded beginnings; 50 steps do not let 2**-24 grow beyond 1e-5."""
    assert error_after_training(settings, "cross_entropy", False, "softmax", "tanh", "float32") <= 1e-5


@pytest.mark.parametrize(
    "settings",
    [{"nesterov": True}, {"momentum": 0.9, "dampening": 0.1, "nesterov": True}, {"weight_decay": -1}, {"momentum": -1}],
    ids=str,
)
def test_what_pytorch_refuses_is_refused(settings):
    """The same settings are impossible in both."""
    parameter = torch.nn.Parameter(torch.zeros(1))
    for make in (lambda: fp.SGD(0.1, **settings), lambda: torch.optim.SGD([parameter], lr=0.1, **settings)):
        with pytest.raises(ValueError, match=r".+"):
            make()


if __name__ == "__main__":  # python -m oracles.test_sgd, in tests/: the largest errors, for the record
    worst = {
        real: max(error_after_training(s, "cross_entropy", False, "softmax", "tanh", real) for s in SETTINGS)
        for real in ("float64", "float32")
    }
    print(f"{len(SETTINGS)} settings: {worst}")
    nesterov = {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}
    activations = ("identity", "sigmoid", "tanh", "relu", "softmax")
    found = [error_after_training(nesterov, *end, f, "float64", w) for end in ENDS for f in activations for w in (0, 1)]
    print(f"{len(found)} losses and activations, float64: {max(found):.2e}")
