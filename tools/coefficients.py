"""Compute the constants of the core's elementary functions and print `coefficients.h`.

Each polynomial is fitted in 60-digit arithmetic at Chebyshev nodes, which comes within a small factor of the
minimax polynomial, and rounded to the type. Run by hand when a polynomial changes::

    python tools/coefficients.py > src/fastprop/_native/kernels/coefficients.h

Needs mpmath.
"""

from collections.abc import Callable
from dataclasses import dataclass

import mpmath as mp
import numpy as np

mp.mp.dps = 60

LN2 = mp.log(2)
NEAR_ZERO = mp.mpf(10) ** -12  # where a tail's formula would divide 0 by 0
TWO_OVER_PI_BITS = 1024 + 7 * 32  # the largest double's exponent, and the words read from there on

Function = Callable[[mp.mpf], mp.mpf]


def expm1_tail(r: mp.mpf) -> mp.mpf:
    return (mp.expm1(r) - r) / r**2 if abs(r) > mp.mpf(10) ** -20 else mp.mpf(1) / 2


def log_tail(z: mp.mpf) -> mp.mpf:
    s = mp.sqrt(z)
    return (mp.log1p(s) - mp.log1p(-s) - 2 * s) / (s * z)


def tanh_tail(z: mp.mpf) -> mp.mpf:
    x = mp.sqrt(z)
    return (mp.tanh(x) - x) / (x * z)


def erf_tail(z: mp.mpf) -> mp.mpf:
    x = mp.sqrt(z)
    return mp.erf(x) / x - 1


def softplus_tail(z: mp.mpf) -> mp.mpf:
    return mp.log(mp.cosh(mp.sqrt(z) / 2)) / z


def normal_tail(q: mp.mpf) -> mp.mpf:
    w = NORMAL_CENTER * (1 + q) / (1 - q)
    return (w + NORMAL_CENTER) * mp.erfc(w / mp.sqrt(2)) / 2 * mp.exp(w**2 / 2)


def sin_tail(z: mp.mpf) -> mp.mpf:
    r = mp.sqrt(z)
    return (mp.sin(r) - r) / (r * z)


def cos_tail(z: mp.mpf) -> mp.mpf:
    return (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2


def parts(x: mp.mpf, bits: int, n: int) -> list[mp.mpf]:
    """Split x into a sum of n reals of `bits` bits, each the nearest to what those before have left."""
    result = []
    for _ in range(n):
        with mp.workprec(bits):
            part = +x
        result.append(part)
        x -= part
    return result


def fit(f: Function, low: mp.mpf, high: mp.mpf, n: int, weight: Function, bits: int) -> list[mp.mpf]:
    """The n coefficients, lowest first, of a polynomial near f on [low, high], each rounded to so many bits.

    Weighted least squares at 4 n Chebyshev nodes. The lowest is rounded first and the others are fitted anew to what is
    left, so that they make up for its rounding.
    """
    nodes = [(low + high) / 2 + (high - low) / 2 * mp.cos(mp.pi * (2 * i + 1) / (8 * n)) for i in range(4 * n)]
    weights = [weight(node) for node in nodes]
    left = [f(node) for node in nodes]
    rounded = []
    for done in range(n):
        powers = mp.matrix([[w * x**j for j in range(done, n)] for x, w in zip(nodes, weights, strict=True)])
        fitted = mp.lu_solve(powers, mp.matrix([w * y for w, y in zip(weights, left, strict=True)]))
        rounded += parts(fitted[0], bits, 1)
        left = [y - rounded[-1] * x**done for x, y in zip(nodes, left, strict=True)]
    return rounded


def literals(values: list[mp.mpf]) -> tuple[str, str]:
    single = ", ".join(float(np.float32(str(v))).hex() + "f" for v in values)
    double = ", ".join(float(v).hex() for v in values)
    return single, double


def even(_: mp.mpf) -> mp.mpf:
    return mp.mpf(1)


@dataclass(frozen=True)
class Polynomial:
    """f on low..high, where a pair gives float32's and float64's own."""

    name: str
    comment: str
    f: Function
    low: mp.mpf
    high: tuple[mp.mpf, mp.mpf]
    n_terms: tuple[int, int]
    weight: Function = even

    def __str__(self) -> str:
        single, double = (
            literals(fit(self.f, self.low, high, n, self.weight, bits))[i]
            for i, (high, n, bits) in enumerate(zip(self.high, self.n_terms, (24, 53), strict=True))
        )
        return (
            f"/* {self.comment} */\n"
            f"#define {self.name}_TERMS BY_TYPE{self.n_terms}\n"
            "#if FASTPROP_BITS == 32\n"
            f"static const real {self.name}_C[] = {{{single}}};\n"
            "#else\n"
            f"static const real {self.name}_C[] = {{{double}}};\n"
            "#endif\n"
        )


def same(high: mp.mpf) -> tuple[mp.mpf, mp.mpf]:
    return high, high


LOG_EDGE = (mp.sqrt(2) - 1) ** 2 / (mp.sqrt(2) + 1) ** 2
TANH_ROWS = 9
TANH_ONE = 9.3  # tanh rounds to 1 in float32 from 9.0109 on
TANH_SPREAD = 1.6  # takes 0..TANH_ONE to the eight pieces of 1..16
TANH_EDGE = mp.mpf("0.625") ** 2
NORMAL_CENTER = 5


def normal_q(w: str) -> mp.mpf:
    return (mp.mpf(w) - NORMAL_CENTER) / (mp.mpf(w) + NORMAL_CENTER)


OCTANT = (mp.pi / 4 + mp.mpf(1) / 200) ** 2  # a little wide: the number of quarter turns is a rounded product's
POLYNOMIALS = [
    Polynomial("EXPM1", "(exp(r) - 1 - r) / r**2 on |r| <= ln(2) / 2", expm1_tail, -LN2 / 2, same(LN2 / 2), (6, 11)),
    Polynomial(
        "LOG",
        "(log((1 + s) / (1 - s)) - 2 s) / s**3 in z = s**2, s <= 3 - sqrt(8)",
        log_tail,
        NEAR_ZERO,
        same(LOG_EDGE),
        (4, 8),
    ),
    Polynomial(
        "TANH", "(tanh(x) - x) / x**3 in z = x**2, |x| <= 0.625", tanh_tail, NEAR_ZERO, same(TANH_EDGE), (6, 13)
    ),
    Polynomial("ERF", "erf(x) / x - 1 in z = x**2, |x| <= 1", erf_tail, NEAR_ZERO, same(mp.mpf(1)), (8, 14)),
    Polynomial(
        "ERFC",
        "log(erfc(1 + u)) on 0 <= u <= 3 or 5, its error weighted by erfc(1 + u)",
        lambda u: mp.log(mp.erfc(1 + u)),
        mp.mpf(0),
        (mp.mpf(3), mp.mpf(5)),
        (9, 22),
        lambda u: mp.erfc(1 + u),
    ),
    Polynomial(
        "SOFTPLUS", "log(cosh(x / 2)) / z in z = x**2, |x| <= 1", softplus_tail, NEAR_ZERO, same(mp.mpf(1)), (5, 10)
    ),
    Polynomial(
        "NORMAL",
        f"(w + {NORMAL_CENTER}) Phi(-w) / exp(-w**2 / 2) in q = (w - {NORMAL_CENTER}) / (w + {NORMAL_CENTER}),"
        " w from 0 until that exp is 0; Phi the normal distribution's",
        normal_tail,
        mp.mpf(-1),
        (normal_q("14.5"), normal_q("38.7")),
        (10, 22),
        lambda q: 1 / normal_tail(q),
    ),
    Polynomial("SIN", "(sin(r) - r) / r**3 in z = r**2, |r| <= pi/4", sin_tail, NEAR_ZERO, same(OCTANT), (4, 7)),
    Polynomial("COS", "(cos(r) - 1 + z / 2) / z**2 in z = r**2", cos_tail, NEAR_ZERO, same(OCTANT), (3, 6)),
]


def tanh_piece(number: int, low: mp.mpf, high: mp.mpf) -> list[mp.mpf]:
    """A center, tanh there, and the coefficients of (tanh(center + d) - tanh(center)) / d; in the first piece, which
    begins at 0, less 1. The center is chosen where tanh is nearly a float, so that c0's rounding is next to none.
    """
    if number == 0:
        return [mp.mpf(0), mp.mpf(0), *fit(lambda d: mp.tanh(d) / d - 1, NEAR_ZERO, high, TANH_ROWS - 2, even, 24)]

    def rounding(center: mp.mpf) -> mp.mpf:
        return abs(mp.tanh(center) - parts(mp.tanh(center), 24, 1)[0])

    step = mp.mpf(2) ** -14
    center = min((mp.floor((low + high) / 2 / step) * step + i * step for i in range(-100, 100)), key=rounding)
    c0 = parts(mp.tanh(center), 24, 1)[0]

    def slope(d: mp.mpf) -> mp.mpf:
        return (mp.tanh(center + d) - c0) / d

    return [center, c0, *fit(slope, low - center, high - center, TANH_ROWS - 2, abs, 24)]


def print_tanh_table() -> None:
    edges = [(edge - 1) / TANH_SPREAD for edge in (1, 1.5, 2, 3, 4, 6, 8, 12)] + [TANH_ONE]
    pieces = [tanh_piece(i, *map(mp.mpf, edges[i : i + 2])) for i in range(8)]
    pieces = pieces[2:] + pieces[:2]  # as v_lookup counts
    print("/* tanh in eight pieces for float32, a column each: rows of centers, c0, c1, ... */")
    print(f"#define TANH_ROWS {TANH_ROWS}")
    print(f"#define TANH_SPREAD ((real){TANH_SPREAD})")
    print(f"#define TANH_ONE ((real){TANH_ONE})")
    print("#if FASTPROP_BITS == 32\nstatic const real TANH_TABLE[] = {")
    for row in zip(*pieces, strict=True):
        print(f"    {literals(list(row))[0]},")
    print("};\n#else\nstatic const real TANH_TABLE[8 * TANH_ROWS]; /* not used */\n#endif\n")


def constants() -> dict[str, tuple[mp.mpf, mp.mpf]]:
    """Names and their values for float32 and float64."""
    table = {"LOG2_E": same(1 / LN2), "TWO_OVER_PI": same(2 / mp.pi)}
    split = [(["LN2_HIGH", "LN2_LOW"], LN2), (["PI2_1", "PI2_2", "PI2_3"], mp.pi / 2)]
    for names, value in split:
        table |= zip(names, zip(*(parts(value, bits, len(names)) for bits in (24, 53)), strict=True), strict=True)
    return table


def two_over_pi_words() -> list[str]:
    with mp.workprec(TWO_OVER_PI_BITS + 64):
        bits = int(mp.floor(2 / mp.pi * mp.mpf(2) ** TWO_OVER_PI_BITS))
    return [f"{bits >> shift & 0xFFFFFFFF:#010x}" for shift in range(TWO_OVER_PI_BITS - 32, -1, -32)]


def main() -> None:
    print(
        "/* The elementary functions' polynomials, lowest power first, and constants: made by tools/coefficients.py. */"
    )
    print("#ifndef FASTPROP_COEFFICIENTS_H\n#define FASTPROP_COEFFICIENTS_H\n")
    print('#include "vec.h"\n')
    for polynomial in POLYNOMIALS:
        print(polynomial)
    print_tanh_table()
    for name, (single, double) in constants().items():
        print(f"#define {name} BY_TYPE({literals([single])[0]}, {literals([double])[1]})")
    print("/* pi/2 in two doubles, and 2/pi's binary digits, 32 at a time. */")
    for name, value in zip(["PI2_DOUBLE", "PI2_DOUBLE_LOW"], parts(mp.pi / 2, 53, 2), strict=True):
        print(f"#define {name} {literals([value])[1]}")
    print(f"static const uint32_t TWO_OVER_PI_WORDS[] = {{{', '.join(two_over_pi_words())}}};")
    print("\n#endif")


if __name__ == "__main__":
    main()
