"""Activations of whole rows: each output depends on all of a layer's z, so that there is no slope for one alone."""

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from fastprop._values import frozen
from fastprop.activations.base import Activation, Array

__all__ = ["LogSoftmax", "Softmax"]


@frozen
class _OfRows(Activation):
    def slope(self, z: ArrayLike) -> Array:
        raise TypeError(f"{self.name} has no slope of its own for each output; use {self.name}.backward(z, da)")


@frozen
class Softmax(_OfRows):
    """Probabilities along each row: ``f(z)_j = exp(z_j) / sum_i exp(z_i)``, computed from z less its largest.

    Each output depends on the whole row, so there is no single slope: ``dC/dz_j = a_j (da_j - sum_i da_i a_i)``.

    References
    ----------
    J. S. Bridle (1990), "Probabilistic Interpretation of Feedforward Classification Network Outputs", Neurocomputing.

    Examples
    --------
    >>> Softmax()([[0.0, 0.0], [1000.0, 0.0]])
    array([[0.5, 0.5],
           [1. , 0. ]])
    """

    name: ClassVar[str] = "softmax"

    def __call__(self, z: ArrayLike) -> Array:
        z = np.asarray(z)
        exponentials = np.exp(z - z.max(axis=-1, keepdims=True))
        return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True))

    def backward(self, z: ArrayLike, da: ArrayLike) -> Array:
        a, da = self(z), np.asarray(da)
        return np.asarray(a * (da - (da * a).sum(axis=-1, keepdims=True)))


@frozen
class LogSoftmax(_OfRows):
    """Logarithms of softmax's probabilities.

    ::

        f(z)_j = z_j - h - log(sum_i exp(z_i - h)), h the row's largest z
        dC/dz_j = da_j - exp(a_j) sum_i da_i

    which is finite where the logarithm of a probability that rounds to 0 is not. To classify, a last layer of "softmax"
    with the loss "cross_entropy" computes as much and needs no step of its own.

    References
    ----------
    J. S. Bridle (1990), "Probabilistic Interpretation of Feedforward Classification Network Outputs", Neurocomputing.

    Examples
    --------
    >>> LogSoftmax()([[1000.0, 0.0]])
    array([[    0., -1000.]])
    """

    name: ClassVar[str] = "log_softmax"

    def __call__(self, z: ArrayLike) -> Array:
        z = np.asarray(z)
        shifted = z - z.max(axis=-1, keepdims=True)
        return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))

    def backward(self, z: ArrayLike, da: ArrayLike) -> Array:
        da = np.asarray(da)
        return np.asarray(da - np.exp(self(z)) * da.sum(axis=-1, keepdims=True))
