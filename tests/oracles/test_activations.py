"""Each activation, value and slope, against PyTorch's module of the same name and its autograd."""

import numpy as np
import pytest
import torch

from oracles.twins import ACTIVATIONS, known
from reference_activations import TRIED, Activation, corners

of_every_activation = pytest.mark.parametrize("f", TRIED, ids=repr)


def numbers(f: Activation, dtype: str) -> np.ndarray:
    """Rows of z: of about 1, larger ones, and near and at the corners."""
    rng = np.random.default_rng(0)
    z = np.concatenate([rng.standard_normal((40, 7)), 8 * rng.standard_normal((40, 7)), 0.01 * np.eye(7)])
    for corner in corners(f):
        z = np.concatenate([z, [[corner + step for step in (-0.1, -1e-3, -1e-5, 1e-5, 1e-3, 0.1, 1)]]])
    return z.astype(dtype)


def pytorchs(f: Activation, z: np.ndarray, da: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """f(z) and dC/dz from dC/da, in float64."""
    module = known(ACTIVATIONS, f.name, "activation")
    tensor = torch.from_numpy(z.astype(float)).requires_grad_()
    a = tensor * 1 if module is None else module(f)(tensor)
    a.backward(torch.from_numpy(da.astype(float)))
    return a.detach().numpy(), tensor.grad.numpy()


def errors(f: Activation, kernels, z: np.ndarray) -> tuple[float, float]:
    """Of f and of dC/dz: the largest, each relative to the larger of 1 and the value."""
    da = np.random.default_rng(1).choice([-2.0, -1.0, 0.5, 1.0], z.shape).astype(z.dtype)
    name, settings = f.kernel()
    a = kernels.activation_forward(name, z, settings)
    delta = kernels.activation_backward(name, a, z, da, settings)
    return tuple(
        float((abs(ours - theirs) / np.maximum(1, abs(theirs))).max())
        for ours, theirs in zip((a, delta), pytorchs(f, z, da), strict=True)
    )


@of_every_activation
def test_values_and_slopes_are_pytorchs(kernels, f):
    """In float64 to 1e-12; in float32 to 8 roundings, a few more where a whole row of 7 counts."""
    bound = 1e-12 if kernels.dtype == np.float64 else (8 if corners(f) or "max" not in f.name else 32) * 2.0**-24
    assert max(errors(f, kernels, numbers(f, kernels.dtype))) <= bound


@of_every_activation
def test_the_definition_in_numpy_is_pytorchs(f):
    """What is there to be read computes the same, far ends included."""
    ends = np.full((1, 7), 700.0) * [-1, 1, -1, 1, -1, 1, 1]
    z = np.concatenate([numbers(f, "float64"), np.linspace(-30, 30, 700).reshape(-1, 7), ends])
    da = np.random.default_rng(1).standard_normal(z.shape)
    a, delta = pytorchs(f, z, da)
    np.testing.assert_allclose(f(z), a, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(f.backward(z, da), delta, rtol=1e-12, atol=1e-14)
