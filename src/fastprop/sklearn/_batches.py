"""An epoch's batches as scikit-learn makes them: their order, and what depends on the weights of their rows."""

import warnings
from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from fastprop.schedules import Schedule

__all__ = ["Batches", "size_of"]

Array = NDArray[Any]


def size_of(batch_size: str | int, n_rows: int) -> int:
    """The rows of a batch, with scikit-learn's warning where there are not as many."""
    if isinstance(batch_size, str):
        return min(200, n_rows)
    if batch_size > n_rows:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped", stacklevel=5
        )
    return min(int(batch_size), n_rows)


class BatchDecays(Schedule):
    """The weight decay of each batch of an epoch, over and over, from the step `first` on; where they follow the rows'
    weights, those of the epoch at work.
    """

    decays: Array
    first: int
    of_weights: bool

    def __init__(self, decays: Array, first: int, of_weights: bool) -> None:
        super().__init__()
        vars(self).update(decays=decays, first=first, of_weights=of_weights)

    @property
    def is_of_steps(self) -> bool:
        return not self.of_weights

    __eq__, __hash__ = object.__eq__, object.__hash__  # arrays have neither

    def at(self, t: Array, total: int | None) -> Array:
        return np.asarray(self.decays[(t.astype(np.int64) - self.first) % len(self.decays)])


class Batches:
    """Called with an epoch's number, it gives the order of its rows.

    Parameters
    ----------
    n_rows, size : int
    weights : array (n_rows,) or None
    offsets : array (n_rows,) or None
        What each row's loss lacks of scikit-learn's.
    alpha : float
    random_state : RandomState or None
        For a shuffle each epoch.
    """

    def __init__(
        self,
        n_rows: int,
        size: int,
        weights: Array | None,
        offsets: Array | None,
        alpha: float,
        random_state: RandomState | None,
    ) -> None:
        self.n_rows, self.size = n_rows, size
        self._weights, self._offsets, self._alpha, self._random_state = weights, offsets, alpha, random_state
        self._order = np.arange(n_rows)
        self._starts = np.arange(0, n_rows, size)
        self._counts = np.diff([*self._starts, n_rows])
        self._decays = np.empty(len(self._starts))
        self.offset = 0.0  # of the epoch's objective
        self._weigh()

    def __call__(self, epoch: int) -> Array:
        if self._random_state is not None:
            new = np.arange(self.n_rows)
            self._random_state.shuffle(new)
            self._order = self._order[new]  # as sklearn.utils.shuffle does
            if self._weights is not None:
                self._weigh()
        return self._order

    @property
    def knows_ahead(self) -> bool:
        """Whether it may be called for epochs to come: where no decay follows the epoch's order."""
        return self._weights is None

    def _weigh(self) -> None:
        """Each batch's decay, `alpha` over the sum of its weights, and its share of the offset."""
        if self._weights is None:
            sums = self._counts.astype(float)
        else:
            sums = np.add.reduceat(self._weights[self._order].astype(float), self._starts)
        self._decays[:] = np.divide(self._alpha, sums, where=sums > 0, out=np.zeros_like(sums))
        if self._offsets is None:
            return
        if self._weights is None:
            self.offset = float(self._offsets.mean())
            return
        weighted = np.add.reduceat((self._weights * self._offsets)[self._order], self._starts)
        means = np.divide(weighted, sums, where=sums > 0, out=np.zeros_like(sums))
        self.offset = float((means * self._counts).sum() / self.n_rows)

    def decay(self, step: int) -> float | Schedule:
        """Of the weights, from the trainer's step on."""
        if self._weights is None and (self._decays == self._decays[0]).all():
            return float(self._decays[0])
        return BatchDecays(self._decays, step, self._weights is not None)
