"""What an activation is, and the plain ones."""

from dataclasses import fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastprop import _checks
from fastprop._values import frozen

__all__ = ["Activation", "Exponential", "Identity", "Sigmoid", "Softsign", "Tanh"]

Array = NDArray[Any]
SMALLEST, LARGEST = 1e-30, 1e30  # of a positive setting, so that neither it nor 1 by it leaves float32


@frozen
class Activation:
    """A function f, by which a layer makes its output from z: ``a = f(z)``.

    `activation(z)` gives f(z); `activation.slope(z)` gives f'(z), and `activation.backward(z, da)` dC/dz from dC/da.
    """

    name: ClassVar[str]

    def kernel(self) -> tuple[str, tuple[float, ...]]:
        """The name of its kernel, and the numbers that the kernel takes: its fields in order."""
        return self.name, tuple(float(getattr(self, field.name)) for field in fields(self))

    def __call__(self, z: ArrayLike) -> Array:
        raise NotImplementedError

    def slope(self, z: ArrayLike) -> Array:
        """f'(z), element by element."""
        raise NotImplementedError

    def backward(self, z: ArrayLike, da: ArrayLike) -> Array:
        """dC/dz from dC/da, both of z's shape."""
        return np.asarray(da) * self.slope(z)

    def _set(self, name: str, low: float, high: float = LARGEST) -> None:
        """Make a field a float, checked to be in low..high."""
        object.__setattr__(self, name, _checks.number(name, getattr(self, name), low=low, high=high))


@frozen
class Identity(Activation):
    """``f(z) = z``, ``f'(z) = 1``: for outputs that may be any number, and for logits.

    Examples
    --------
    >>> Identity()([-1.5, 2.0])
    array([-1.5,  2. ])
    """

    name: ClassVar[str] = "identity"

    def __call__(self, z: ArrayLike) -> Array:
        return np.array(z)

    def slope(self, z: ArrayLike) -> Array:
        return np.ones_like(z)


@frozen
class Sigmoid(Activation):
    """The logistic function, in 0..1.

    ::

        f(z)  = 1 / (1 + exp(-z))
        f'(z) = f(z) (1 - f(z))

    References
    ----------
    D. E. Rumelhart, G. E. Hinton & R. J. Williams (1986), "Learning Representations by Back-Propagating Errors",
    Nature 323, 533-536, eq. 2.

    Examples
    --------
    >>> Sigmoid()([0.0, 1000.0])
    array([0.5, 1. ])
    """

    name: ClassVar[str] = "sigmoid"

    def __call__(self, z: ArrayLike) -> Array:
        z = np.asarray(z)
        small = np.exp(-np.abs(z))  # never overflows
        return np.asarray(np.where(z >= 0, 1, small) / (1 + small))

    def slope(self, z: ArrayLike) -> Array:
        a = self(z)
        return np.asarray(a * (1 - a))


@frozen
class Tanh(Activation):
    """The hyperbolic tangent, in -1..1.

    ::

        f(z)  = tanh(z)
        f'(z) = 1 - f(z)**2

    References
    ----------
    Y. LeCun, L. Bottou, G. B. Orr & K.-R. Müller (1998), "Efficient BackProp", in "Neural Networks: Tricks of the
    Trade", section 4.4.

    Examples
    --------
    >>> Tanh()(0.0).item()
    0.0
    """

    name: ClassVar[str] = "tanh"

    def __call__(self, z: ArrayLike) -> Array:
        return np.asarray(np.tanh(z))

    def slope(self, z: ArrayLike) -> Array:
        return np.asarray(1 - self(z) ** 2)


@frozen
class Softsign(Activation):
    """In -1..1 as tanh, with tails that fall as ``1 / |z|``.

    ::

        f(z)  = z / (1 + |z|)
        f'(z) = 1 / (1 + |z|)**2

    References
    ----------
    J. Bergstra, G. Desjardins, P. Lamblin & Y. Bengio (2009), "Quadratic Polynomials Learn Better Image Features",
    Technical Report 1337, Université de Montréal.

    Examples
    --------
    >>> Softsign()([-1.0, 3.0])
    array([-0.5 ,  0.75])
    """

    name: ClassVar[str] = "softsign"

    def __call__(self, z: ArrayLike) -> Array:
        z = np.asarray(z)
        return np.asarray(z / (1 + np.abs(z)))

    def slope(self, z: ArrayLike) -> Array:
        return np.asarray(1 / (1 + np.abs(z)) ** 2)


@frozen
class Exponential(Activation):
    """For outputs that are positive, such as a Poisson distribution's mean.

    ::

        f(z)  = exp(z)
        f'(z) = f(z)

    Infinite from z = 88.8 on in float32, from 709.8 on in float64.

    References
    ----------
    P. McCullagh & J. A. Nelder (1989), "Generalized Linear Models", chapter 6: the logarithm is a Poisson
    distribution's canonical link. Keras's ``exponential``; PyTorch has no such module.

    Examples
    --------
    >>> Exponential()([0.0, -1000.0])
    array([1., 0.])
    """

    name: ClassVar[str] = "exponential"

    def __call__(self, z: ArrayLike) -> Array:
        return np.asarray(np.exp(z))

    def slope(self, z: ArrayLike) -> Array:
        return self(z)
