"""Layers that draw random masks while the network is trained, and pass x on unchanged at prediction.

The masks are a function of the trainer's seed, of which of these layers it is, of the step and of the position in the
batch: they are the same for any number of threads, and a run resumed draws those of a run never stopped.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastprop._arithmetic import standard_arithmetic
from fastprop._values import frozen
from fastprop.layers.base import Build, Layer
from fastprop.schedules.base import Clock, Schedule, number_or_schedule, values_of

__all__ = ["AlphaDropout", "Dropout"]

SELU_LOWEST = -1.7580993408473766  # selu's limit at minus infinity
BOUNDS: dict[str, Any] = {"low": 0, "high": 1, "open_high": True}
FIRST = Clock(0, 0, 1, 1)

Rates = NDArray[np.float64]


@frozen
class Dropout(Layer):
    """Sets each input to 0 with probability ``rate`` while training, and scales the others.

    ::

        training      a = x keep / (1 - rate)        keep 0 with probability rate, else 1
        prediction    a = x

    so that a's mean is x. Rates are multiples of 2**-32. As PyTorch's and Keras's.

    Parameters
    ----------
    rate : float or Schedule
        In 0..1, 1 excluded; a schedule counts the trainer's batches, or its epochs.

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

    rate: float | Schedule

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", number_or_schedule("rate", self.rate, **BOUNDS))

    @property
    def label(self) -> str:
        rate = repr(self.rate) if isinstance(self.rate, Schedule) else f"{self.rate:g}"
        return f"{type(self).__name__}, {rate}"

    def factors(self, rate: Rates) -> tuple[Rates, Rates, Rates]:
        """At each rate the kept inputs' factor, and what is added to those kept and to those dropped."""
        return 1 / (1 - rate), np.zeros(rate.shape), np.zeros(rate.shape)

    @standard_arithmetic()
    def settings(self, clock: Clock = FIRST, count: int = 1) -> Rates:
        """The kernel's numbers for the next `count` batches, (count, 4): the rate, and three that follow from it."""
        rate = values_of("rate", self.rate, clock, count, **BOUNDS)
        return np.column_stack([rate, *self.factors(rate)])

    def compile(self, build: Build, x: int | None, n_in: int) -> int | None:
        mask = build.new_mask()
        if not build.training or self.rate == 0:
            return x
        schedule = self.settings if isinstance(self.rate, Schedule) else None
        return build.add(
            "dropout", n_in, n_in, x, settings=tuple(self.settings()[0]), schedule=schedule, number=mask, own=n_in
        )  # fmt: skip

    def __call__(self, x: ArrayLike, **parameters: ArrayLike) -> NDArray[Any]:
        return np.array(x)


@frozen
class AlphaDropout(Dropout):
    """Dropout for selu: sets inputs to selu's lowest value, and keeps mean 0 and variance 1.

    ::

        training      a = s (x keep + alpha (1 - keep)) - s alpha rate      keep 0 with probability rate, else 1
        prediction    a = x

    with ``alpha = -1.7580993408473766`` and ``s = 1 / sqrt((1 - rate) (1 + rate alpha**2))``. As PyTorch's.

    Parameters
    ----------
    rate : float or Schedule
        In 0..1, 1 excluded; a schedule counts the trainer's batches, or its epochs.

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

    def factors(self, rate: Rates) -> tuple[Rates, Rates, Rates]:
        s = 1 / np.sqrt((1 - rate) * (1 + rate * SELU_LOWEST**2))
        kept = -s * SELU_LOWEST * rate
        return s, kept, kept + s * SELU_LOWEST
