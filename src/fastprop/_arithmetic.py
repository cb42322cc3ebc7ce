"""Arithmetic by Python and NumPy that the numerics contract covers: initial weights, rows' weights, means of scores.

The engine sets the floating-point environment by itself; here it is for the few numbers computed outside.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from fastprop._native import float_environment

__all__ = ["standard_arithmetic"]


@contextmanager
def standard_arithmetic() -> Iterator[None]:
    """Rounding to nearest and subnormals kept, whatever another library in the process has set, until the end of the
    block, or of the function that this decorates.
    """
    before = float_environment.enter()
    try:
        yield
    finally:
        float_environment.leave(before)
