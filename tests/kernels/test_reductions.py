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


def test_column_sums_of_no_rows_are_zero(kernels: KernelCalls) -> None:
    assert_same_bits(kernels.column_sums(np.empty((0, 5), kernels.dtype)), np.zeros(5, kernels.dtype))


def test_a_nan_stays_in_its_column(kernels: KernelCalls) -> None:
    x = np.ones((300, 19), kernels.dtype)
    x[299, 18] = x[0, 3] = np.nan
    expected = np.full(19, 300.0)
    expected[[3, 18]] = np.nan
    np.testing.assert_array_equal(kernels.column_sums(x), expected)
