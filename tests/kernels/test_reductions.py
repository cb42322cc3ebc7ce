"""Sums down columns: their error and their ends. Their order is test_specification.py's."""

import numpy as np
import pytest

from bounds import EXACT, assert_same_bits, assert_within, gamma
from contract import BLOCK
from fastprop._native.kernel_calls import KernelCalls


@pytest.mark.parametrize("m", [1, 300, 5000])
def test_column_sums_stay_within_the_rounding_of_blocks(kernels: KernelCalls, rng: np.random.Generator, m: int) -> None:
    x = rng.standard_normal((m, 21)).astype(kernels.dtype)
    additions = min(m, BLOCK) + -(-m // BLOCK)
    bound = (gamma(additions, kernels.dtype) + gamma(m, EXACT)) * abs(x).sum(axis=0, dtype=EXACT)
    assert_within(kernels.column_sums(x), x.sum(axis=0, dtype=EXACT), bound)


@pytest.mark.parametrize("n", [*range(10), 15, 16, 17, 63, 64, 65, 130])
def test_one_element_that_is_no_number_is_found_wherever_it_stands(kernels: KernelCalls, n: int) -> None:
    """The largest numbers, the smallest and -0 are finite; beside them each of nan, inf and -inf is not."""
    limits = np.finfo(kernels.dtype)
    x = np.resize(np.array([limits.max, limits.min, limits.smallest_subnormal, -0.0], kernels.dtype), n)
    assert kernels.all_finite(x)
    for i in range(n):
        for value in (np.nan, -np.nan, np.inf, -np.inf):
            changed = x.copy()
            changed[i] = value
            assert not kernels.all_finite(changed)


def test_column_sums_of_no_rows_are_zero(kernels: KernelCalls) -> None:
    assert_same_bits(kernels.column_sums(np.empty((0, 5), kernels.dtype)), np.zeros(5, kernels.dtype))


def test_a_nan_stays_in_its_column(kernels: KernelCalls) -> None:
    x = np.ones((300, 19), kernels.dtype)
    x[299, 18] = x[0, 3] = np.nan
    expected = np.full(19, 300.0)
    expected[[3, 18]] = np.nan
    np.testing.assert_array_equal(kernels.column_sums(x), expected)
