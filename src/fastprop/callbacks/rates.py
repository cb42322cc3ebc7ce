"""The learning rate in the hands of callbacks."""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

from fastprop import _checks
from fastprop.callbacks.base import Callback

if TYPE_CHECKING:
    from fastprop.trainer import Trainer

__all__ = ["LearningRateScheduler", "plain_rate", "set_rate"]


def plain_rate(callback: Callback) -> float:
    """The trainer's learning rate, if it is a number."""
    rate = callback.trainer.optimizer.learning_rate
    if not isinstance(rate, float):
        raise ValueError(
            f"{type(callback).__name__} changes the learning rate, but that is a schedule already: {rate!r}"
        )
    return rate


def set_rate(trainer: "Trainer", rate: float) -> None:
    """Go on with the same optimizer and its state at another rate."""
    trainer.optimizer = dataclasses.replace(trainer.optimizer, learning_rate=rate)


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch to ``function(epoch, rate)``, rate being the one before.

    For a rate that follows from the epoch alone, a schedule in the optimizer does the same and needs no callback:
    ``SGD(fp.FunctionSchedule(function, per="epoch"))``. The rate is added to the scores as "learning_rate".

    Parameters
    ----------
    function : callable
        From the epoch, from 0 over the trainer's life, and the rate, to the new rate.

    Raises
    ------
    TypeError, ValueError
        If it is not callable; and in `fit`, if it gives no rate, or the rate is a schedule.

    References
    ----------
    Keras's ``LearningRateScheduler``.

    Examples
    --------
    >>> import fastprop as fp
    >>> halve = fp.LearningRateScheduler(lambda epoch, rate: rate / 2 if epoch else rate)
    >>> trainer = fp.Trainer(fp.mlp(1, 1), "mse", fp.SGD(0.1))
    >>> trainer.fit([[1.0]], [1.0], batch_size=1, epochs=3, callbacks=[halve])["learning_rate"]
    [0.1, 0.05, 0.025]
    """

    def __init__(self, function: Callable[[int, float], float]) -> None:
        if not callable(function):
            raise TypeError(f"function takes an epoch and a rate, but is {_checks.describe(function)}")
        self.function = function

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        rate = self.function(epoch, plain_rate(self))
        set_rate(self.trainer, _checks.number(f"the learning rate of epoch {epoch}", rate, low=0))

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = plain_rate(self)
