"""Activations that are smooth rectifiers: z times something that goes from 0 to 1, and softplus."""

import math
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike

from fastprop import _checks
from fastprop._values import frozen
from fastprop.activations.base import SMALLEST, Activation, Array, Sigmoid

__all__ = ["GELU", "HardSwish", "Mish", "SiLU", "Softplus"]

_sigmoid = Sigmoid()
_erfc = np.vectorize(math.erfc, otypes=[float])


@frozen
class GELU(Activation):
    """The Gaussian error linear unit: z times the share of a normal distribution below z.

    ::

        f(z)  = z Phi(z),  Phi(z) = (1 + erf(z / sqrt(2))) / 2
        f'(z) = Phi(z) + z exp(-z**2 / 2) / sqrt(2 pi)

    or, with ``approximate="tanh"``, Phi replaced by

    ``Phi(z) = (1 + tanh(u)) / 2``, ``u = sqrt(2 / pi) (z + 0.044715 z**3)``.

    Both are accurate to some units in the last place also where they are nearly 0, unlike PyTorch's and Keras's.

    Parameters
    ----------
    approximate : "none" or "tanh", default "none"
        PyTorch's names; Keras's ``approximate=True`` is "tanh".

    Raises
    ------
    ValueError
        For anything else.

    References
    ----------
    D. Hendrycks & K. Gimpel (2016), "Gaussian Error Linear Units (GELUs)", arXiv:1606.08415, eq. 1 and 2.

    Examples
    --------
    >>> GELU()([-1.0, 0.0, 1.0]).round(6)
    array([-0.158655,  0.      ,  0.841345])
    >>> GELU(approximate="tanh")(1.0).round(6).item()
    0.841192
    """

    name: ClassVar[str] = "gelu"

    approximate: Literal["none", "tanh"] = "none"

    def __post_init__(self) -> None:
        if not isinstance(self.approximate, str) or self.approximate not in ("none", "tanh"):
            raise ValueError(f"approximate is 'none' or 'tanh', not {_checks.describe(self.approximate)}")

    def kernel(self) -> tuple[str, tuple[float, ...]]:
        """The name of its kernel, and whether by tanh."""
        return self.name, (float(self.approximate == "tanh"),)

    def __call__(self, z: ArrayLike) -> Array:
        z = np.asarray(z)
        return np.asarray(z * self._share(z))

    def slope(self, z: ArrayLike) -> Array:
        z = np.asarray(z)
        p = self._share(z)
        if self.approximate == "tanh":
            return np.asarray(p + z * p * (1 - p) * math.sqrt(8 / math.pi) * (1 + 3 * 0.044715 * z**2))
        return np.asarray(p + z * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi))

    def _share(self, z: Array) -> Array:
        if self.approximate == "tanh":
            return _sigmoid(math.sqrt(8 / math.pi) * (z + 0.044715 * z**3))
        return np.asarray(_erfc(z / -math.sqrt(2)) / 2)


@frozen
class SiLU(Activation):
    """The sigmoid-weighted linear unit, also called swish.

    ::

        f(z)  = z s,  s = sigmoid(z)
        f'(z) = s (1 + z (1 - s))

    References
    ----------
    S. Elfwing, E. Uchibe & K. Doya (2018), "Sigmoid-Weighted Linear Units for Neural Network Function Approximation in
    Reinforcement Learning", Neural Networks 107, 3-11; as swish, P. Ramachandran, B. Zoph & Q. V. Le (2017), "Searching
    for Activation Functions", arXiv:1710.05941.

    Examples
    --------
    >>> SiLU()([-1.0, 0.0, 1.0]).round(6)
    array([-0.268941,  0.      ,  0.731059])
    """

    name: ClassVar[str] = "silu"

    def __call__(self, z: ArrayLike) -> Array:
        return np.asarray(z * _sigmoid(z))

    def slope(self, z: ArrayLike) -> Array:
        s = _sigmoid(z)
        return np.asarray(s * (1 + np.asarray(z) * (1 - s)))


@frozen
class Mish(Activation):
    """z times the hyperbolic tangent of its softplus.

    ::

        f(z)  = z t,  t = tanh(log(1 + exp(z)))
        f'(z) = t + z (1 - t**2) sigmoid(z)

    References
    ----------
    D. Misra (2020), "Mish: A Self Regularized Non-Monotonic Activation Function", BMVC.

    Examples
    --------
    >>> Mish()([-1.0, 0.0, 1.0]).round(6)
    array([-0.303401,  0.      ,  0.865098])
    """

    name: ClassVar[str] = "mish"

    def __call__(self, z: ArrayLike) -> Array:
        return np.asarray(z * np.tanh(np.logaddexp(0, z)))

    def slope(self, z: ArrayLike) -> Array:
        t = np.tanh(np.logaddexp(0, z))
        return np.asarray(t + z * (1 - t**2) * _sigmoid(z))


@frozen
class Softplus(Activation):
    """A smooth rectifier, positive everywhere.

    ::

        f(z)  = log(1 + exp(beta z)) / beta
        f'(z) = sigmoid(beta z)

    for every z, without overflow; PyTorch's returns z itself where beta z is above its ``threshold`` of 20, which
    differs by up to 2.1e-9.

    Parameters
    ----------
    beta : float, default 1.0
        Positive; the larger, the nearer to relu.

    Raises
    ------
    TypeError, ValueError
        For anything else.

    References
    ----------
    C. Dugas, Y. Bengio, F. Bélisle, C. Nadeau & R. Garcia (2001), "Incorporating Second-Order Functional Knowledge for
    Better Option Pricing", NIPS 13.

    Examples
    --------
    >>> Softplus()([-1000.0, 0.0, 1.0]).round(6)
    array([0.      , 0.693147, 1.313262])
    """

    name: ClassVar[str] = "softplus"

    beta: float = 1.0

    def __post_init__(self) -> None:
        self._set("beta", SMALLEST)

    def __call__(self, z: ArrayLike) -> Array:
        return np.asarray(np.logaddexp(0, self.beta * np.asarray(z)) / self.beta)

    def slope(self, z: ArrayLike) -> Array:
        return _sigmoid(self.beta * np.asarray(z))


@frozen
class HardSwish(Activation):
    """silu put together from two lines and a parabola.

    ::

        f(z)  = z min(max(z + 3, 0), 6) / 6
        f'(z) = 0 where z <= -3, 1 where z >= 3, else z / 3 + 1/2

    References
    ----------
    A. Howard et al. (2019), "Searching for MobileNetV3", ICCV, section 5.2.

    Examples
    --------
    >>> HardSwish()([-9.0, 1.5, 4.0])
    array([-0.   ,  1.125,  4.   ])
    """

    name: ClassVar[str] = "hard_swish"

    def __call__(self, z: ArrayLike) -> Array:
        z = np.asarray(z)
        return np.asarray(z * np.clip(z + 3, 0.0, 6.0) / 6)

    def slope(self, z: ArrayLike) -> Array:
        z = np.asarray(z)
        return np.where(z >= 3, 1, np.where(z <= -3, 0, z / 3 + 0.5))
