"""Compute the polynomials of the core's elementary functions and print `coefficients.h`.

Each is interpolated in 60-digit arithmetic at Chebyshev nodes, which comes within a small factor of the
minimax polynomial, then rounded to the type. Run by hand when a polynomial changes::

    python tools/coefficients.py > src/fastprop/_native/kernels/coefficients.h

Needs mpmath.
"""

from collections.abc import Callable

import mpmath as mp
import numpy as np

mp.mp.dps = 60

LN2 = mp.log(2)


def expm1_tail(r: mp.mpf) -> mp.mpf:
    """(exp(r) - 1 - r) / r**2"""
    return (mp.expm1(r) - r) / r**2 if abs(r) > mp.mpf(10) ** -20 else mp.mpf(1) / 2


def log_tail(z: mp.mpf) -> mp.mpf:
    """(log((1 + s) / (1 - s)) - 2 s) / (s z) with z = s**2"""
    s = mp.sqrt(z)
    return (mp.log1p(s) - mp.log1p(-s) - 2 * s) / (s * z)


def tanh_tail(z: mp.mpf) -> mp.mpf:
    """(tanh(x) - x) / x**3 with z = x**2"""
    x = mp.sqrt(z)
    return (mp.tanh(x) - x) / (x * z)


def interpolate(f: Callable[[mp.mpf], mp.mpf], low: mp.mpf, high: mp.mpf, n: int) -> list[mp.mpf]:
    """The n coefficients, lowest first, of the polynomial through f at n Chebyshev nodes of [low, high]."""
    nodes = [(low + high) / 2 + (high - low) / 2 * mp.cos(mp.pi * (2 * i + 1) / (2 * n)) for i in range(n)]
    powers = mp.matrix(n, n)
    for i, node in enumerate(nodes):
        for j in range(n):
            powers[i, j] = node**j
    return list(mp.lu_solve(powers, mp.matrix([f(node) for node in nodes])))


def literals(values: list[mp.mpf]) -> tuple[str, str]:
    single = ", ".join(float(np.float32(str(v))).hex() + "f" for v in values)
    double = ", ".join(float(v).hex() for v in values)
    return single, double


def split_ln2(bits: int) -> tuple[mp.mpf, mp.mpf]:
    """Ln 2 as a leading part of `bits` bits and the rest, so that n * leading is exact for small n."""
    leading = mp.floor(LN2 * 2**bits) / mp.mpf(2) ** bits
    return leading, LN2 - leading


def table(
    name: str, comment: str, f: Callable[[mp.mpf], mp.mpf], low: mp.mpf, high: mp.mpf, n32: int, n64: int
) -> None:
    single = literals(interpolate(f, low, high, n32))[0]
    double = literals(interpolate(f, low, high, n64))[1]
    print(f"/* {comment} */")
    print(f"#define {name}_TERMS BY_TYPE({n32}, {n64})")
    print("#if FASTPROP_BITS == 32")
    print(f"static const real {name}_C[] = {{{single}}};")
    print("#else")
    print(f"static const real {name}_C[] = {{{double}}};")
    print("#endif\n")


def main() -> None:
    print("/* Polynomials of the elementary functions, lowest power first: made by tools/coefficients.py. */")
    print('#include "vec.h"\n')
    table("EXPM1", "(exp(r) - 1 - r) / r**2 on |r| <= ln(2) / 2", expm1_tail, -LN2 / 2, LN2 / 2, 5, 11)
    edge = (mp.sqrt(2) - 1) ** 2 / (mp.sqrt(2) + 1) ** 2
    table(
        "LOG",
        "(log((1 + s) / (1 - s)) - 2 s) / s**3 in z = s**2, s <= 3 - sqrt(8)",
        log_tail,
        mp.mpf(10) ** -12,
        edge,
        4,
        8,
    )
    table(
        "TANH",
        "(tanh(x) - x) / x**3 in z = x**2, |x| <= 0.625",
        tanh_tail,
        mp.mpf(10) ** -12,
        mp.mpf("0.625") ** 2,
        6,
        13,
    )
    for name, (single, double) in {
        "LN2_HIGH": (split_ln2(15)[0], split_ln2(41)[0]),
        "LN2_LOW": (split_ln2(15)[1], split_ln2(41)[1]),
        "LOG2_E": (1 / LN2, 1 / LN2),
    }.items():
        print(f"#define {name} BY_TYPE({literals([single])[0]}, {literals([double])[1]})")


if __name__ == "__main__":
    main()
