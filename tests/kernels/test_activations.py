"""Activations a = f(z) and the step back, delta = dC/dz from a and da = dC/da."""

from collections.abc import Callable

import numpy as np
import pytest

from bounds import EXACT, assert_same_bits, assert_within, gamma, row_depth
from fastprop._native.kernel_calls import KernelCalls

SHAPES = [(1, 1), (3, 5), (2, 15), (4, 16), (3, 17), (2, 33), (7, 100)]
# f(z), f'(z) in terms of a, and the roundings of each. An elementary function's ULP are up to 2 u each.
Formula = Callable[[np.ndarray], np.ndarray]
ELEMENTWISE: dict[str, tuple[Formula, int, Formula, int]] = {
    "identity": (lambda z: z, 0, np.ones_like, 0),
    "relu": (lambda z: np.maximum(z, 0), 0, lambda a: a > 0, 0),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), 5, lambda a: a * (1 - a), 3),
    "tanh": (np.tanh, 4, lambda a: (1 - a) * (1 + a), 2),
}

in_every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def normals(rng: np.random.Generator, shape: tuple[int, int], dtype: np.dtype) -> np.ndarray:
    return (2 * rng.standard_normal(shape)).astype(dtype)


@in_every_shape
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_activations_are_their_formula(
    kernels: KernelCalls, rng: np.random.Generator, name: str, shape: tuple[int, int]
) -> None:
    formula, roundings, slope, slope_roundings = ELEMENTWISE[name]
    z, da = normals(rng, shape, kernels.dtype), normals(rng, shape, kernels.dtype)

    a = kernels.activation_forward(name, z)
    exact = formula(z.astype(EXACT))
    assert_within(a, exact, gamma(roundings, kernels.dtype) * abs(exact))

    exact = da * slope(a.astype(EXACT))
    delta = kernels.activation_backward(name, a, z, da)
    assert_within(delta, exact, gamma(slope_roundings, kernels.dtype) * abs(exact))


@in_every_shape
def test_softmax_stays_within_rounding(kernels: KernelCalls, rng: np.random.Generator, shape: tuple[int, int]) -> None:
    """z - max(z) rounded once moves exp by its own size times u; exp itself by 2 ULP; the division by one rounding.
    The sum inherits the largest of its terms' errors."""
    z = normals(rng, shape, kernels.dtype)
    below = z.astype(EXACT) - z.max(axis=1, keepdims=True)
    e = np.exp(below)
    exact = e / e.sum(axis=1, keepdims=True)
    roundings = abs(below) + abs(below).max(axis=1, keepdims=True) + 2 * 4 + row_depth(shape[1]) + 1
    assert_within(kernels.activation_forward("softmax", z), exact, gamma(roundings, kernels.dtype) * exact)


@in_every_shape
def test_softmax_steps_back_through_its_jacobian(
    kernels: KernelCalls, rng: np.random.Generator, shape: tuple[int, int]
) -> None:
    """dC/dz = (diag(a) - a aᵀ) da for each row."""
    z = normals(rng, shape, kernels.dtype)
    a = kernels.activation_forward("softmax", z)
    da = normals(rng, shape, kernels.dtype)
    exact = [(np.diag(row) - np.outer(row, row)) @ d for row, d in zip(a.astype(EXACT), da, strict=True)]
    size = a * (abs(da) + (abs(da) * a.astype(EXACT)).sum(axis=1, keepdims=True))
    bound = (gamma(row_depth(shape[1]) + 2, kernels.dtype) + gamma(shape[1] + 2, EXACT)) * size
    assert_within(kernels.activation_backward("softmax", a, z, da), exact, bound)


# Where slopes have steps, which differences must not straddle.
CORNERS = np.array([-3, -1, 0, 1, 3, 6])


def test_the_step_back_agrees_with_central_differences(
    kernels: KernelCalls, rng: np.random.Generator, activation: str, settings: Callable[[str], tuple[float, ...]]
) -> None:
    """Of C = sum(da f(z)) in each z[i, j]. The third derivatives are below 13 in size, so that truncation costs
    13 h**2 / 6 at most; each of two values of f is off by 2 ULP of its size or by rounding of that order, 10 u with
    softmax's sum."""
    h = 2.0 ** -round(np.finfo(kernels.dtype).nmant / 3)
    m, n = 2, 5
    z, da = np.clip(normals(rng, (m, n), kernels.dtype), -2.5, 2.5), normals(rng, (m, n), kernels.dtype)
    for corner in CORNERS:
        z += np.where(abs(z - corner) < 0.1, kernels.dtype.type(0.2), 0)
    numbers = settings(activation)
    numeric = np.empty((m, n), EXACT)
    for i, j in np.ndindex(m, n):
        above, below = z.copy(), z.copy()
        above[i, j] += h
        below[i, j] -= h
        a_above, a_below = (kernels.activation_forward(activation, shifted, numbers) for shifted in (above, below))
        numeric[i, j] = (da * (a_above.astype(EXACT) - a_below)).sum() / (EXACT(above[i, j]) - below[i, j])
    a = kernels.activation_forward(activation, z, numbers)
    delta = kernels.activation_backward(activation, a, z, da, numbers)
    size = np.maximum(1, abs(a)).max()
    tolerance = (13 * h**2 / 6 + gamma(10 + np.ptp(z), kernels.dtype) * size / h) * abs(da).sum(axis=1, keepdims=True)
    assert_within(delta, numeric, tolerance)


@pytest.mark.parametrize("n", [2, 16, 17, 40])
def test_softmax_of_extreme_z_stays_finite(kernels: KernelCalls, n: int) -> None:
    z = np.full((3, n), -1000, kernels.dtype)
    z[0, -1], z[1], z[2, 0] = 1000, 1000, -np.inf
    expected = np.zeros((3, n))
    expected[0, -1], expected[1], expected[2, 1:] = 1, 1 / n, 1 / (n - 1)
    assert_same_bits(kernels.activation_forward("softmax", z), expected.astype(kernels.dtype))


def test_softmax_does_not_see_a_shift_of_z(kernels: KernelCalls, rng: np.random.Generator) -> None:
    """Exact, where the shift is: z of few digits."""
    z = rng.integers(-40, 40, (5, 21)).astype(kernels.dtype) / 8
    shifted = z + kernels.dtype.type(512)
    assert_same_bits(kernels.activation_forward("softmax", shifted), kernels.activation_forward("softmax", z))


def test_relu_keeps_a_nan(kernels: KernelCalls) -> None:
    """A network that diverges says so, rather than printing zeros."""
    z = np.array([[np.nan, -1, 2, np.inf, -np.inf]], kernels.dtype)
    np.testing.assert_array_equal(kernels.activation_forward("relu", z), [[np.nan, 0, 2, np.inf, 0]])


@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_an_activation_is_the_elementary_function_to_the_bit(
    kernels: KernelCalls, rng: np.random.Generator, name: str
) -> None:
    z = normals(rng, (5, 13), kernels.dtype)
    assert_same_bits(kernels.activation_forward(name, z), kernels.elementary(name, z))
