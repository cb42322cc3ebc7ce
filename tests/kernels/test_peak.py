"""The chains that measure the machine's peak: that as many multiply-adds are done as are counted."""

import numpy as np
import pytest

from bounds import assert_same_bits
from fastprop._native.kernel_calls import KernelCalls


@pytest.mark.parametrize("count", [0, 1, 4095, 4096, 4097, 10_000])
def test_each_lane_is_advanced_once_for_each_multiply_add(kernels: KernelCalls, count: int) -> None:
    """Each adds 1 x 1 to a whole number below 2**24, which is exact in both types."""
    sums = kernels.fma_chains(count)
    assert sums.size > 0
    assert_same_bits(sums, np.full(sums.size, 1 + count, kernels.dtype))
