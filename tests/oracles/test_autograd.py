"""Gradients of whole networks against PyTorch's autograd, which was written by others and works another way."""

import numpy as np
import pytest
import torch

import fastprop as fp
from oracles.twins import mean_loss, theta_of, twin
from reference import random_case, relative_error

SEEDS = 500
CHUNKS = [range(first, first + 50) for first in range(0, SEEDS, 50)]


def errors(seed: int, dtype: str) -> tuple[float, float]:
    """Of the loss and of the gradient: the largest difference by the largest size. PyTorch works in float64.

    A float32 network is compared at its own, rounded, weights and data, so that the errors are its arithmetic's.
    """
    case = random_case(seed)
    model = case.fp_model(dtype)
    X, targets, w = (None if a is None else a.astype(dtype) for a in (case.X, case.targets, case.w))
    y = case.y if case.y.ndim == 1 else targets
    loss, grad = fp.gradient(model, X, y, case.fp_loss(), sample_weight=w)

    net = twin(model)
    x, t, weights = (None if a is None else torch.from_numpy(a.astype(float)) for a in (X, targets, w))
    expected = mean_loss(case.loss, case.from_logits, net(x), t, weights)
    expected.backward()
    return abs(loss - expected.item()) / abs(expected.item()), relative_error(grad.astype(float), theta_of(net, True))


@pytest.mark.parametrize("seeds", CHUNKS, ids=lambda seeds: f"{seeds.start}-{seeds.stop - 1}")
@pytest.mark.parametrize(("dtype", "bound"), [("float64", 1e-12), ("float32", 1e-5)])
def test_gradients_are_autograds(seeds, dtype, bound):
    """500 random networks: 1 to 5 layers, every activation and loss that there is, with and without biases and weights.

    The gradient's error is relative to its largest component: a component that is a small difference of large terms has
    their rounding error, in PyTorch too.
    """
    for seed in seeds:
        of_loss, of_gradient = errors(seed, dtype)
        assert of_loss <= bound, f"the loss of seed {seed}"
        assert of_gradient <= bound, f"the gradient of seed {seed}"


@pytest.mark.parametrize("units", [(300, 200, 100, 10), (784, 256, 10), (64, 1000, 1)], ids=str)
def test_gradients_of_large_networks_are_autograds(units):
    """Several blocks of 256 in every product, several panels, and rows beyond them."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((517, units[0])), rng.standard_normal((517, units[-1]))
    model = fp.mlp(*units, activation="tanh", dtype="float64", seed=1)
    loss, grad = fp.gradient(model, X, y, "mse")
    net = twin(model)
    expected = mean_loss("mse", False, net(torch.from_numpy(X)), torch.from_numpy(y))
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-13)
    assert relative_error(grad, theta_of(net, True)) <= 1e-13


if __name__ == "__main__":  # python -m oracles.test_autograd, in tests/: the largest errors, for the record
    for real in ("float64", "float32"):
        found = np.array([errors(seed, real) for seed in range(SEEDS)])
        of_loss, of_gradient = found.max(axis=0)
        print(f"{real}: largest error of {SEEDS} losses {of_loss:.2e}, of their gradients {of_gradient:.2e}")
