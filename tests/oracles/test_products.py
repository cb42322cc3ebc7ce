"""The matrix product against exact sums: fractions, which round nowhere, neither in the value nor in the bound.

The kernels' own tests sum in long double, which is no wider than double on some machines, and sum terms of one size.
Here terms span a hundred binades, or cancel.
"""

from fractions import Fraction

import numpy as np
import pytest

from contract import BLOCK
from fastprop._native.kernel_calls import KernelCalls

SHAPES = [(3, 5, 1), (3, 5, 8), (7, 33, 20), (2, 3, BLOCK - 1), (2, 3, BLOCK + 1), (1, 2, 4 * BLOCK + 3)]  # m, n, k

exactly = np.vectorize(Fraction, otypes=[object])


def even(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.standard_normal(shape)


def wide(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """2**-25 to 2**25, so that larger terms swallow smaller ones, and all products are normal numbers of float32."""
    return np.ldexp(rng.uniform(1, 2, shape) * rng.choice([-1, 1], shape), rng.integers(-25, 26, shape))


def most_roundings(k: int) -> int:
    """Those that a term passes: its block's chain of fused multiply-adds, the blocks' sum and the bias."""
    return min(k, BLOCK) + -(-k // BLOCK)


def error_by_bound(kernels: KernelCalls, a: np.ndarray, b: np.ndarray, bias: np.ndarray) -> float:
    """The largest of |c - exact| / (gamma_r (|a| |b| + |bias|)): Higham 2002, section 3.1, with r roundings."""
    A, B, extra = exactly(a), exactly(b), exactly(bias)
    roundings = most_roundings(a.shape[1]) * Fraction(float(np.finfo(kernels.dtype).eps)) / 2
    bound = roundings / (1 - roundings) * (abs(A) @ abs(B) + abs(extra))
    return float((abs(exactly(kernels.product(a, b, bias)) - (A @ B + extra)) / bound).max())


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("numbers", [even, wide])
def test_products_are_within_the_bound_of_the_exact_sums(
    kernels: KernelCalls, rng: np.random.Generator, numbers, shape: tuple[int, int, int]
) -> None:
    """Component by component; small ones beside large ones too."""
    m, n, k = shape
    a, b, bias = (numbers(rng, s).astype(kernels.dtype) for s in ((m, k), (k, n), (1, n)))
    assert error_by_bound(kernels, a, b, bias[0]) <= 1


@pytest.mark.parametrize("shape", SHAPES[1:], ids=str)
def test_sums_that_cancel_are_within_the_bound_too(
    kernels: KernelCalls, rng: np.random.Generator, shape: tuple[int, int, int]
) -> None:
    """The second half of k takes back the first but for the last bits: next to nothing is left but rounding errors."""
    m, n, k = shape
    half = k // 2
    a, b = (rng.standard_normal(s).astype(kernels.dtype) for s in ((m, k), (k, n)))
    a[:, half : 2 * half] = a[:, :half]
    b[half : 2 * half] = -b[:half] * (1 + 8 * np.finfo(kernels.dtype).eps)
    a[:, 2 * half :] = 0
    exact = exactly(a) @ exactly(b)
    assert abs(exact).max() < 1e-4 * (abs(a) @ abs(b)).min()
    assert error_by_bound(kernels, a, b, np.zeros(n, kernels.dtype)) <= 1
