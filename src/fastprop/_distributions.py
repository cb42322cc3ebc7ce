"""From uniform random numbers to normal ones and to orthogonal matrices, with the same bits everywhere.

The arithmetic is NumPy's +, -, *, / and sqrt, and the core's log, erf and products (`fastprop._arithmetic`).
"""

import numpy as np
from numpy.typing import NDArray

from fastprop import _arithmetic

__all__ = ["normal", "orthonormal", "truncated_normal"]

Reals = NDArray[np.float64]

# M. J. Wichura (1988), "Algorithm AS 241: The Percentage Points of the Normal Distribution", Applied Statistics 37(3),
# 477-484: numerators and denominators for the middle, the tails and the far tails, the highest power first.
MIDDLE = (
    (2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4,
     1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.3871328727963666080e0),
    (5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4,
     5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1, 1.0),
)  # fmt: skip
TAILS = (
    (7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258e0,
     3.64784832476320460504e0, 5.76949722146069140550e0, 4.63033784615654529590e0, 1.42343711074968357734e0),
    (1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1,
     6.89767334985100004550e-1, 1.67638483018380384940e0, 2.05319162663775882187e0, 1.0),
)  # fmt: skip
FAR_TAILS = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2,
     2.96560571828504891230e-1, 1.78482653991729133580e0, 5.46378491116411436990e0, 6.65790464350110377720e0),
    (2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4,
     1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0),
)  # fmt: skip
COLUMNS_TOGETHER = 32  # of a matrix that is made orthogonal: enough for products, few enough to go through one by one


def normal(uniform: Reals) -> Reals:
    """Numbers of N(0, 1) from as many of U(0, 1) that are multiples of 2**-53, each from its own."""
    return _quantile(_centred(uniform))


def truncated_normal(uniform: Reals, cut: float) -> Reals:
    """The same of N(0, 1) between -cut and cut."""
    inside = float(_arithmetic.core("erf", cut / np.sqrt(2.0)))
    return np.clip(_quantile(_centred(uniform) * inside), -cut, cut)


def _centred(uniform: Reals) -> Reals:
    """U + 2**-54 - 1/2: symmetric about 0 and never an end of the interval; exact."""
    return uniform - 0.5 + 2.0**-54


def _quantile(q: Reals) -> Reals:
    """X such that N(0, 1) is below it with probability 1/2 + q, for q above -1/2 and below 1/2."""
    near = np.abs(q) <= 0.425
    r = np.sqrt(-_arithmetic.core("log", np.where(near, 0.5, 0.5 - np.abs(q))))
    tail = np.where(r <= 5, _ratio(TAILS, r - 1.6), _ratio(FAR_TAILS, r - 5.0))
    return np.where(near, q * _ratio(MIDDLE, 0.180625 - q * q), np.where(q < 0, -tail, tail))


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], r: Reals) -> Reals:
    above: Reals = np.full(r.shape, coefficients[0][0])
    below: Reals = np.full(r.shape, coefficients[1][0])
    for a, b in zip(coefficients[0][1:], coefficients[1][1:], strict=True):
        above = above * r + a
        below = below * r + b
    return above / below


def orthonormal(A: Reals) -> Reals:
    """Q of A = Q R, with orthonormal columns and R's diagonal positive: of A (m, n), n at most m, of full rank.

    By Gram and Schmidt's method, a few columns at a time, done twice, which is as good as Householder's and takes
    products alone (L. Giraud, J. Langou & M. Rozloznik (2005), "The Loss of Orthogonality in the Gram-Schmidt
    Orthogonalization Process", Comput. Math. Appl. 50, 1069-1075). For A of independent N(0, 1), Q is uniform among all
    such (F. Mezzadri (2007), "How to Generate Random Matrices from the Classical Compact Groups", Notices AMS 54).
    """
    n = A.shape[1]
    Q = np.empty((0, len(A)))  # its columns as rows
    for first in range(0, n, COLUMNS_TOGETHER):
        panel = np.ascontiguousarray(A[:, first : first + COLUMNS_TOGETHER].T)
        for _ in range(2):
            if first:
                panel = panel - _arithmetic.product(_arithmetic.product(panel, Q.T), Q)
            for i in range(len(panel)):
                v = panel[i : i + 1]
                for _ in range(2 * (i > 0)):
                    v = v - _arithmetic.product(_arithmetic.product(v, panel[:i].T), panel[:i])
                panel[i] = v / np.sqrt(_arithmetic.product(v, v.T))
        Q = np.concatenate([Q, panel])
    return np.ascontiguousarray(Q.T)
