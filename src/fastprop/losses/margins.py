"""Losses of the side on which an output lies, with a margin."""

from typing import ClassVar

import numpy as np

from fastprop._values import frozen
from fastprop.losses._base import Array, Loss, Targets

__all__ = ["Hinge", "SquaredHinge"]


@frozen
class Hinge(Loss):
    """The hinge loss of support vector machines: outputs beyond their side's margin cost nothing.

    With ``t = 1`` where y > 0 and -1 elsewhere, so that y may hold -1 and 1 or 0 and 1::

        C = mean over rows and outputs of max(0, 1 - t o)           dC/do = -t / (m n) where t o < 1, else 0

    as Keras's ``Hinge`` and scikit-learn's ``hinge_loss`` of two classes. o is any number; above 0 it means yes.

    References
    ----------
    C. Cortes & V. Vapnik (1995), "Support-Vector Networks", Machine Learning 20, 273-297.

    Examples
    --------
    >>> Hinge()([0.5, -2.0, 3.0], [1, -1, -1])                  # 0.5, 0 and 4
    1.5
    """

    name: ClassVar[str] = "hinge"
    targets: ClassVar[Targets] = "sides"

    def rows(self, o: Array, y: Array) -> Array:
        return np.asarray(np.maximum(0, 1 - np.where(y > 0, 1, -1) * o).mean(axis=1))


@frozen
class SquaredHinge(Loss):
    """The hinge loss squared, which has no corner.

    With ``t = 1`` where y > 0 and -1 elsewhere::

        C = mean over rows and outputs of max(0, 1 - t o)**2        dC/do = -2 t max(0, 1 - t o) / (m n)

    as Keras's ``SquaredHinge``.

    Examples
    --------
    >>> SquaredHinge()([0.5, -2.0], [1, 0])                     # 0.25 and 0
    0.125
    """

    name: ClassVar[str] = "squared_hinge"
    targets: ClassVar[Targets] = "sides"

    def rows(self, o: Array, y: Array) -> Array:
        return np.asarray((np.maximum(0, 1 - np.where(y > 0, 1, -1) * o) ** 2).mean(axis=1))
