"""Arithmetic by Python and NumPy that the numerics contract covers: initial weights, schedules, rows' weights, means of
scores.

The engine sets the floating-point environment by itself; here it is for the few numbers computed outside. +, -, *, /
and sqrt are the same everywhere. exp, log and cosines are the core's own, in float64, never the C library's.
"""

from collections.abc import Callable
from functools import cache, wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastprop._native import dispatch, float_environment

if TYPE_CHECKING:
    from fastprop._native.kernel_calls import KernelCalls

__all__ = ["column_moments", "core", "cos_pi", "power", "product", "standard_arithmetic", "whole_power"]

Reals = NDArray[np.float64]
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class standard_arithmetic:  # noqa: N801 - called as a function is, like those of contextlib
    """Rounding to nearest and subnormals kept, whatever another library in the process has set, until the end of the
    block, or of the function that this decorates.
    """

    def __enter__(self) -> None:
        self._before = float_environment.enter()

    def __exit__(self, *error: object) -> None:
        float_environment.leave(self._before)

    def __call__(self, function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        @wraps(function)
        def within(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
            with standard_arithmetic():
                return function(*args, **kwargs)

        return within


@cache
def _kernels() -> "KernelCalls":
    from fastprop._native.kernel_calls import KernelCalls  # only some networks need it

    return KernelCalls(dispatch.kernels(np.dtype(np.float64), dispatch.chosen()), dispatch.chosen())


def core(name: str, x: ArrayLike) -> Reals:
    """The core's "exp", "log", "sin", "cos" ... of each element, in float64."""
    array = np.asarray(x, dtype=np.float64)
    flat: Reals = _kernels().elementary(name, np.ascontiguousarray(array.ravel()))
    return flat.reshape(array.shape)


def product(a: Reals, b: Reals) -> Reals:
    """The core's a (m, k) b (k, n), each contiguous or such a one's transpose: NumPy's sums differ among machines."""
    return np.asarray(_kernels().product(a, b), dtype=np.float64)


def column_moments(X: Reals) -> tuple[Reals, Reals]:
    """The means of X's columns, and their variances, divided by the number of rows."""
    n = (X.shape[1],)
    mean, variance = _kernels().operation("column_moments", [np.ascontiguousarray(X)], [n, n])
    return mean, variance


def cos_pi(x: ArrayLike) -> Reals:
    """cos(pi x)."""
    return core("cos", np.pi * np.asarray(x, dtype=float))


def whole_power(base: ArrayLike, exponents: ArrayLike) -> Reals:
    """``base ** n``, one base or one for each exponent, for whole numbers n from 0, by repeated squaring:
    multiplications alone, at most 2 log2(n) each.
    """
    n = np.asarray(exponents).astype(np.int64)
    result = np.ones(n.shape)
    factor = np.asarray(base, dtype=float)
    with np.errstate(over="ignore"):
        while n.any():
            result = np.where(n & 1, result * factor, result)
            n = n >> 1
            factor = np.multiply(factor, factor)
    return result


def power(x: ArrayLike, exponent: float) -> Reals:
    """``x ** exponent`` for x of 0 or more and an exponent above 0."""
    base = np.asarray(x, dtype=float)
    if exponent.is_integer() and exponent <= 64:
        return _repeated_product(base, int(exponent))
    positive = base > 0
    logs = core("log", np.where(positive, base, 1.0))
    return np.where(positive, core("exp", exponent * logs), 0.0)


def _repeated_product(base: Reals, n: int) -> Reals:
    result = np.ones(base.shape)
    while n:
        if n & 1:
            result = result * base
        base = base * base
        n >>= 1
    return result
