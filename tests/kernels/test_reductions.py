"""Sums down columns and along rows, in the order that FP-1 fixes."""

import numpy as np
import pytest

from bounds import EXACT, assert_same_bits, assert_within, gamma
from contract import BLOCK, row_sum
from contract import column_sums as column_sums_by_contract
from fastprop._native.kernel_calls import KernelCalls

ROWS = [1, 2, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK + 1]
COLUMNS = [1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 33]


@pytest.mark.parametrize("m", ROWS)
@pytest.mark.parametrize("n", COLUMNS)
def test_column_sums_run_over_blocks_of_256_rows(
    kernels: KernelCalls, rng: np.random.Generator, m: int, n: int
) -> None:
    x = rng.standard_normal((m, n)).astype(kernels.dtype)
    assert_same_bits(kernels.column_sums(x), column_sums_by_contract(x))


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


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 9, 15, 16, 17, 31, 32, 33, 100])
def test_row_sums_run_over_sixteen_virtual_lanes(kernels: KernelCalls, rng: np.random.Generator, n: int) -> None:
    """Seen through softmax, whose denominator is one: a = e / sum(e) with e = exp(z - max(z))."""
    z = rng.standard_normal((1, n)).astype(kernels.dtype)
    e = kernels.elementary("exp", z - z.max())
    assert_same_bits(kernels.activation_forward("softmax", z), e / row_sum(e[0]))
