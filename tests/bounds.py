"""How far a rounded result may lie from the exact one (Higham 2002, "Accuracy and Stability of Numerical Algorithms",
section 3.1), and what "the same bits" means. Exact values are computed in np.longdouble, where it is wider than double.
"""

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

EXACT = np.longdouble


def gamma(k: ArrayLike, dtype: DTypeLike) -> ArrayLike:
    """k u / (1 - k u): the relative error of k roundings in dtype, and of as many in the reference's EXACT."""
    u = (EXACT(np.finfo(dtype).eps) + np.finfo(EXACT).eps) / 2
    return k * u / (1 - k * u)


def row_depth(n: int) -> int:
    """The most additions that a term of a row reduction passes: its virtual lane's, and the tree 8-4-2-1."""
    return -(-n // 16) + 4


def assert_within(actual: ArrayLike, exact: ArrayLike, bound: ArrayLike) -> None:
    """|actual - exact| <= bound, element by element; a NaN is never within."""
    actual, exact, bound = np.broadcast_arrays(np.asarray(actual, EXACT), exact, bound)
    error = abs(actual - exact)
    outside = ~(error <= bound)
    if outside.any():
        at = np.unravel_index(np.argmax(np.where(outside, error - bound, -np.inf)), error.shape)
        raise AssertionError(
            f"{outside.sum()} of {error.size} elements lie outside; at {tuple(map(int, at))}: "
            f"{actual[at]!r}, exactly {exact[at]!r}, off by {error[at]:.3g} where {bound[at]:.3g} is allowed"
        )


def assert_same_bits(actual: np.ndarray, expected: np.ndarray) -> None:
    """Equal to the last bit, the sign of zero included; any NaN is as good as any other."""
    assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
    same = (actual == expected) & (np.signbit(actual) == np.signbit(expected))
    differ = ~(same | (np.isnan(actual) & np.isnan(expected)))
    assert not differ.any(), (
        f"{differ.sum()} of {differ.size} elements differ, first {np.argwhere(differ)[0].tolist()}: "
        f"{actual[differ][0]!r} where {expected[differ][0]!r} was expected"
    )
