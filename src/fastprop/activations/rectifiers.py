"""Rectifiers and what else is put together from straight lines and exponentials."""

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from fastprop._values import frozen
from fastprop.activations.base import LARGEST, SMALLEST, Activation, Array

__all__ = ["CELU", "ELU", "SELU", "HardSigmoid", "HardTanh", "LeakyReLU", "ReLU", "ReLU6"]


@frozen
class ReLU(Activation):
    """The rectifier.

    ::

        f(z)  = max(z, 0)
        f'(z) = 1 where z > 0, else 0

    References
    ----------
    V. Nair & G. E. Hinton (2010), "Rectified Linear Units Improve Restricted Boltzmann Machines", ICML.

    Examples
    --------
    >>> ReLU()([-1.0, 2.0])
    array([0., 2.])
    """

    name: ClassVar[str] = "relu"

    def __call__(self, z: ArrayLike) -> Array:
        return np.maximum(z, 0)

    def slope(self, z: ArrayLike) -> Array:
        return (np.asarray(z) > 0).astype(np.asarray(z).dtype)


@frozen
class LeakyReLU(Activation):
    """The rectifier, with a small slope for negative z.

    ::

        f(z)  = z where z > 0, else negative_slope z
        f'(z) = 1 where z > 0, else negative_slope

    Parameters
    ----------
    negative_slope : float, default 0.01
        0 or more. PyTorch's name and default; Keras's layer has 0.3, and called it alpha before Keras 3.

    Raises
    ------
    TypeError, ValueError
        For anything else.

    References
    ----------
    A. L. Maas, A. Y. Hannun & A. Y. Ng (2013), "Rectifier Nonlinearities Improve Neural Network Acoustic Models", ICML
    Workshop on Deep Learning for Audio, Speech and Language Processing.

    Examples
    --------
    >>> LeakyReLU(0.1)([-1.0, 2.0])
    array([-0.1,  2. ])
    """

    name: ClassVar[str] = "leaky_relu"

    negative_slope: float = 0.01

    def __post_init__(self) -> None:
        self._set("negative_slope", 0)

    def __call__(self, z: ArrayLike) -> Array:
        z = np.asarray(z)
        return np.where(z > 0, z, self.negative_slope * z)

    def slope(self, z: ArrayLike) -> Array:
        return np.where(np.asarray(z) > 0, 1, self.negative_slope)


@frozen
class ELU(Activation):
    """The exponential linear unit, which goes to ``-alpha`` where z falls.

    ::

        f(z)  = z where z > 0, else alpha (exp(z) - 1)
        f'(z) = 1 where z > 0, else f(z) + alpha

    Parameters
    ----------
    alpha : float, default 1.0
        0 or more.

    Raises
    ------
    TypeError, ValueError
        For anything else.

    References
    ----------
    D.-A. Clevert, T. Unterthiner & S. Hochreiter (2016), "Fast and Accurate Deep Network Learning by Exponential Linear
    Units (ELUs)", ICLR.

    Examples
    --------
    >>> ELU()([-1000.0, 2.0])
    array([-1.,  2.])
    """

    name: ClassVar[str] = "elu"

    alpha: float = 1.0

    def __post_init__(self) -> None:
        self._set("alpha", 0)

    def __call__(self, z: ArrayLike) -> Array:
        z = np.asarray(z)
        return np.where(z > 0, z, self.alpha * np.expm1(np.minimum(z, 0)))

    def slope(self, z: ArrayLike) -> Array:
        z = np.asarray(z)
        return np.where(z > 0, 1, self.alpha * np.exp(np.minimum(z, 0)))


@frozen
class SELU(Activation):
    """An ELU so scaled that deep networks keep means of 0 and variances of 1, if W begins as "lecun_normal".

    ::

        f(z)  = scale z where z > 0, else scale alpha (exp(z) - 1)
        f'(z) = scale where z > 0, else f(z) + scale alpha
        scale = 1.0507009873554805, alpha = 1.6732632423543772

    With ``kernel_initializer="auto"`` it begins so.

    References
    ----------
    G. Klambauer, T. Unterthiner, A. Mayr & S. Hochreiter (2017), "Self-Normalizing Neural Networks", NeurIPS, eq. 2 and
    14.

    Examples
    --------
    >>> SELU()([-1000.0, 1.0]).round(6)
    array([-1.758099,  1.050701])
    """

    name: ClassVar[str] = "selu"

    SCALE: ClassVar[float] = 1.0507009873554805
    ALPHA: ClassVar[float] = 1.6732632423543772

    def __call__(self, z: ArrayLike) -> Array:
        return self.SCALE * ELU(self.ALPHA)(z)

    def slope(self, z: ArrayLike) -> Array:
        return self.SCALE * ELU(self.ALPHA).slope(z)


@frozen
class CELU(Activation):
    """An ELU whose slope has no step at 0, whatever alpha.

    ::

        f(z)  = z where z > 0, else alpha (exp(z / alpha) - 1)
        f'(z) = 1 where z > 0, else f(z) / alpha + 1

    Parameters
    ----------
    alpha : float, default 1.0
        Positive. (PyTorch takes a negative one too.)

    Raises
    ------
    TypeError, ValueError
        For anything else.

    References
    ----------
    J. T. Barron (2017), "Continuously Differentiable Exponential Linear Units", arXiv:1704.07483.

    Examples
    --------
    >>> CELU(2.0)([-1000.0, 1.0])
    array([-2.,  1.])
    """

    name: ClassVar[str] = "celu"

    alpha: float = 1.0

    def __post_init__(self) -> None:
        self._set("alpha", SMALLEST)

    def __call__(self, z: ArrayLike) -> Array:
        z = np.asarray(z)
        return np.where(z > 0, z, self.alpha * np.expm1(np.minimum(z, 0) / self.alpha))

    def slope(self, z: ArrayLike) -> Array:
        z = np.asarray(z)
        return np.where(z > 0, 1, np.exp(np.minimum(z, 0) / self.alpha))


@frozen
class ReLU6(Activation):
    """The rectifier up to 6.

    ::

        f(z)  = min(max(z, 0), 6)
        f'(z) = 1 where 0 < z < 6, else 0

    References
    ----------
    A. Krizhevsky (2010), "Convolutional Deep Belief Networks on CIFAR-10", University of Toronto.

    Examples
    --------
    >>> ReLU6()([-1.0, 2.0, 7.0])
    array([0., 2., 6.])
    """

    name: ClassVar[str] = "relu6"

    def __call__(self, z: ArrayLike) -> Array:
        return np.clip(z, 0.0, 6.0)

    def slope(self, z: ArrayLike) -> Array:
        z = np.asarray(z)
        return np.where((z > 0) & (z < 6), 1.0, 0.0)


@frozen
class HardTanh(Activation):
    """A straight line between two bounds.

    ::

        f(z)  = min(max(z, min_val), max_val)
        f'(z) = 1 where min_val < z < max_val, else 0

    Parameters
    ----------
    min_val, max_val : float, default -1.0 and 1.0
        PyTorch's names; min_val below max_val, in float32 too.

    Raises
    ------
    TypeError, ValueError
        For anything else.

    References
    ----------
    R. Collobert (2004), "Large Scale Machine Learning", PhD thesis, Université Paris VI.

    Examples
    --------
    >>> HardTanh()([-3.0, 0.5, 3.0])
    array([-1. ,  0.5,  1. ])
    """

    name: ClassVar[str] = "hard_tanh"

    min_val: float = -1.0
    max_val: float = 1.0

    def __post_init__(self) -> None:
        self._set("min_val", -LARGEST)
        self._set("max_val", -LARGEST)
        if not np.float32(self.min_val) < np.float32(self.max_val):
            raise ValueError(
                f"min_val must be below max_val, but min_val is {self.min_val} and max_val is {self.max_val}"
            )

    def __call__(self, z: ArrayLike) -> Array:
        return np.clip(z, self.min_val, self.max_val)

    def slope(self, z: ArrayLike) -> Array:
        z = np.asarray(z)
        return np.where((z > self.min_val) & (z < self.max_val), 1.0, 0.0)


@frozen
class HardSigmoid(Activation):
    """The sigmoid as a straight line between 0 and 1.

    ::

        f(z)  = min(max(z + 3, 0), 6) / 6
        f'(z) = 1/6 where -3 < z < 3, else 0

    as in PyTorch and Keras 3; Keras 2's line has the slope 0.2.

    References
    ----------
    A. Howard et al. (2019), "Searching for MobileNetV3", ICCV, section 5.2.

    Examples
    --------
    >>> HardSigmoid()([-9.0, 0.0, 1.5])
    array([0.  , 0.5 , 0.75])
    """

    name: ClassVar[str] = "hard_sigmoid"

    def __call__(self, z: ArrayLike) -> Array:
        return np.asarray(np.clip(np.asarray(z) + 3, 0.0, 6.0) / 6)

    def slope(self, z: ArrayLike) -> Array:
        return np.where(np.abs(z) < 3, 1 / 6, 0.0)
