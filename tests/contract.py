"""The numerics contract FP-1 (docs/numerics.md) one number at a time, in exact fractions rounded once per operation.

Slow and obvious; it checks the executable specification, which checks the kernels. Zeros lose their sign here, so feed
it none.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import DTypeLike

BLOCK = 256
VIRTUAL_LANES = 16


def rounded(x: Fraction, dtype: DTypeLike) -> Fraction:
    """x to the nearest number of dtype, ties to even; x within its range."""
    if x == 0:
        return x
    info = np.finfo(dtype)
    exponent = abs(x).numerator.bit_length() - x.denominator.bit_length()
    if abs(x) < Fraction(2) ** exponent:
        exponent -= 1
    unit = Fraction(2) ** (max(exponent, int(info.minexp)) - info.nmant)
    return round(x / unit) * unit


def chain(pairs: Iterable[tuple[float, float]], dtype: DTypeLike) -> Fraction:
    """One chain of fused multiply-adds, from 0, in the order of the pairs."""
    total = Fraction(0)
    for a, b in pairs:
        total = rounded(Fraction(float(a)) * Fraction(float(b)) + total, dtype)
    return total


def product(a: np.ndarray, b: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    """a b + bias: blocks of 256 consecutive k, each one chain; blocks added in order; then the bias."""
    dtype = a.dtype
    c = np.empty((len(a), b.shape[1]), dtype)
    for i, j in np.ndindex(c.shape):
        pairs = list(zip(a[i], b[:, j], strict=True))
        total, *blocks = (chain(pairs[p : p + BLOCK], dtype) for p in range(0, len(pairs), BLOCK))
        for block in blocks:
            total = rounded(total + block, dtype)
        if bias is not None:
            total = rounded(total + Fraction(float(bias[j])), dtype)
        c[i, j] = float(total)
    return c


def row_dot(x: np.ndarray, y: np.ndarray) -> np.floating:
    """The sum of x y, vectors: element i in virtual lane i mod 16, each lane a chain; then the tree 8-4-2-1."""
    dtype = x.dtype
    lanes = [chain(zip(x[i::VIRTUAL_LANES], y[i::VIRTUAL_LANES], strict=True), dtype) for i in range(VIRTUAL_LANES)]
    while len(lanes) > 1:
        half = len(lanes) // 2
        lanes = [rounded(lanes[i] + lanes[i + half], dtype) for i in range(half)]
    return dtype.type(float(lanes[0]))


def row_sum(x: np.ndarray) -> np.floating:
    return row_dot(x, np.ones_like(x))


def column_sums(x: np.ndarray) -> np.ndarray:
    """Ascending rows in blocks of 256, from +0; blocks in order. Plain additions, which NumPy rounds as anyone does."""
    blocks = []
    for first in range(0, len(x), BLOCK):
        blocks.append(np.zeros(x.shape[1], x.dtype))
        for row in x[first : first + BLOCK]:
            blocks[-1] = blocks[-1] + row
    total, *others = blocks
    for block in others:
        total = total + block
    return total


def sgd(
    theta: np.ndarray, grad: np.ndarray, velocity: np.ndarray, settings: Sequence[float], step: int
) -> tuple[np.ndarray, np.ndarray]:
    """One step, (theta, velocity): a term on each line is one fused multiply-add, share g alone a multiplication."""
    dtype, (learning_rate, momentum, dampening, nesterov, weight_decay) = theta.dtype, settings
    step_size, inertia, share, decay = (
        Fraction(float(dtype.type(x))) for x in (-learning_rate, momentum, 1 - dampening, weight_decay)
    )
    new_theta, new_velocity = theta.copy(), velocity.copy()
    for i in range(len(theta)):
        parameter, slope, v = (Fraction(float(x[i])) for x in (theta, grad, velocity))
        g = rounded(decay * parameter + slope, dtype)
        if momentum:
            v = rounded(inertia * v + rounded(share * g, dtype), dtype) if step else g
            v = v if abs(v) >= Fraction(float(np.finfo(dtype).smallest_normal)) else Fraction(0)
            new_velocity[i] = float(v)
            g = rounded(inertia * v + g, dtype) if nesterov else v
        new_theta[i] = float(rounded(step_size * g + parameter, dtype))
    return new_theta, new_velocity
