"""Where training goes back to when its numbers have left the finite ones."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["DivergedError", "Snapshots"]

Array = NDArray[Any]


class DivergedError(RuntimeError):
    """The loss became nan or infinite. The network, its optimizer and the counts are back where this epoch began, or
    the one before it where this one's first loss was not finite; no further than where the call of `fit` began.

    Attributes
    ----------
    epoch, step : int
        Where it happened, both counted from 0 over the trainer's life.
    """

    def __init__(self, epoch: int, step: int, learning_rate: float) -> None:
        self.epoch, self.step, self.learning_rate = epoch, step, learning_rate
        super().__init__(
            f"the loss is not finite at step {step} (epoch {epoch}, learning_rate {learning_rate:g});"
            " the network is back where that epoch began, or the one before. A smaller learning_rate, or inputs scaled"
            " to about 1, usually helps"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.epoch, self.step, self.learning_rate)


class Snapshots:
    """Copies of arrays as they were when an epoch of this fit began, and the one before it; memory is used again."""

    def __init__(self) -> None:
        self._copies: list[tuple[Array, ...]] = []  # the latest last
        self._epochs: list[int] = []  # of those that are valid, the last ones

    def forget(self) -> None:
        self._epochs = []

    def take(self, live: tuple[Array, ...], epoch: int) -> None:
        """A copy of what it is before that epoch."""
        if self._copies and [copy.shape for copy in self._copies[-1]] != [array.shape for array in live]:
            self._copies, self._epochs = [], []  # another optimizer, with other states
        copies = self._copies.pop(0) if len(self._copies) == 2 else tuple(np.empty_like(array) for array in live)
        for copy, array in zip(copies, live, strict=True):
            copy[:] = array
        self._copies.append(copies)
        self._epochs = [*self._epochs[-1:], epoch]

    def withdraw(self) -> None:
        """Take the latest copy back."""
        self._copies.insert(0, self._copies.pop())
        self._epochs.pop()

    def restore(self, live: tuple[Array, ...], back: int = 0) -> int:
        """Go to the latest copy, or `back` before it as far as there are; returns which epoch it is from before."""
        back = min(back, len(self._epochs) - 1)
        for copy, array in zip(self._copies[-1 - back], live, strict=True):
            array[:] = copy
        return self._epochs[-1 - back]
