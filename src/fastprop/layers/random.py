"""Layers that draw random masks while the network is trained, and pass x on unchanged at prediction.

The masks are a function of the trainer's seed, of which of these layers it is, of the step and of the position in the
batch: they are the same for any number of threads, and a run resumed draws those of a run never stopped.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastprop import _checks
from fastprop.layers.base import Build, Layer

__all__ = ["AlphaDropout", "Dropout"]

SELU_LOWEST = -1.7580993408473766  # selu's limit at minus infinity


@dataclass(frozen=True, slots=True, repr=False)
class Dropout(Layer):
    """Sets each input to 0 with probability ``rate`` while training, and scales the others.

    ::

        training      a = x keep / (1 - rate)        keep 0 with probability rate, else 1
        prediction    a = x

    so that a's mean is x. Rates are multiples of 2**-32. As PyTorch's and Keras's.

    Parameters
    ----------
    rate : float
        In 0..1, 1 excluded.

    Raises
    ------
    TypeError, ValueError
        For a rate that is no number in that range.

    References
    ----------
    N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever & R. Salakhutdinov (2014), "Dropout: A Simple Way to Prevent
    Neural Networks from Overfitting", JMLR 15, 1929-1958.

    Examples
    --------
    >>> Dropout(0.5)([[1.0, 2.0]])                              # as at prediction
    array([[1., 2.]])
    """

    rate: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", _checks.number("rate", self.rate, low=0, high=1, open_high=True))

    @property
    def label(self) -> str:
        return f"{type(self).__name__}, {self.rate:g}"

    def settings(self) -> tuple[float, ...]:
        """The kept inputs' factor, and what is added to those kept and to those dropped."""
        return 1 / (1 - self.rate), 0.0, 0.0

    def compile(self, build: Build, x: int | None, n_in: int) -> int | None:
        mask = build.new_mask()
        if not build.training or self.rate == 0:
            return x
        return build.add("dropout", n_in, n_in, x, settings=(self.rate, *self.settings()), number=mask, own=n_in)

    def __call__(self, x: ArrayLike, **parameters: ArrayLike) -> NDArray[Any]:
        return np.array(x)


@dataclass(frozen=True, slots=True, repr=False)
class AlphaDropout(Dropout):
    """Dropout for selu: sets inputs to selu's lowest value, and keeps mean 0 and variance 1.

    ::

        training      a = s (x keep + alpha (1 - keep)) - s alpha rate      keep 0 with probability rate, else 1
        prediction    a = x

    with ``alpha = -1.7580993408473766`` and ``s = 1 / sqrt((1 - rate) (1 + rate alpha**2))``. As PyTorch's.

    Parameters
    ----------
    rate : float
        In 0..1, 1 excluded.

    Raises
    ------
    TypeError, ValueError
        For a rate that is no number in that range.

    References
    ----------
    G. Klambauer, T. Unterthiner, A. Mayr & S. Hochreiter (2017), "Self-Normalizing Neural Networks", NeurIPS 30.

    Examples
    --------
    >>> AlphaDropout(0.1)([[1.0, 2.0]])                         # as at prediction
    array([[1., 2.]])
    """

    def settings(self) -> tuple[float, ...]:
        s = 1 / math.sqrt((1 - self.rate) * (1 + self.rate * SELU_LOWEST**2))
        kept = -s * SELU_LOWEST * self.rate
        return s, kept, kept + s * SELU_LOWEST
