"""One call of `fit`: epochs over batches, scores, and what is told of them to callbacks, history and progress bar.

An epoch enters the engine in slices of about 50 ms, so that Ctrl-C is heard, the bar moves and a stop is obeyed; where
they end changes no bit of the result. A callback that wants to hear of each batch makes each a slice of its own.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from fastprop._rows import Rows
from fastprop._slices import Slicer
from fastprop._snapshots import DivergedError
from fastprop._sources import RowSource
from fastprop.callbacks import CallbackList
from fastprop.history import History
from fastprop.progress import Progress

if TYPE_CHECKING:
    from fastprop.trainer import Trainer

__all__ = ["Training"]

Logs = dict[str, float]


class Training:
    """The epochs of one call of `fit`, whose arguments have been checked."""

    def __init__(
        self,
        trainer: "Trainer",
        source: RowSource,
        validation: Rows | None,
        epochs: int,
        callbacks: CallbackList,
        bar: Progress,
    ) -> None:
        self.trainer, self.source, self.validation = trainer, source, validation
        self.epochs, self.callbacks, self.bar = epochs, callbacks, bar
        self.history = History()
        self.slicer = Slicer(largest=1) if callbacks.wants_batches else trainer._slicer

    def run(self) -> History:
        """Train until the epochs are done or somebody stops it."""
        trainer = self.trainer
        trainer._snapshots.forget()
        trainer.stop_training = False
        trainer._end = (trainer.step + self.epochs * self.source.n_batches, trainer.epoch + self.epochs)
        params = {"epochs": self.epochs, "steps": self.source.n_batches, "validation": self.validation is not None}
        self.callbacks.introduce(trainer, params)
        self.callbacks("on_train_begin")
        logs: Logs = {}
        for _ in range(self.epochs):
            if trainer.stop_training:
                break
            try:
                self._epoch(logs)
            except DivergedError as error:
                if not self.callbacks.forgive(error):
                    raise
                break
        self.callbacks("on_train_end", logs)
        return self.history

    def _epoch(self, logs: Logs) -> None:
        trainer = self.trainer
        self.callbacks("on_epoch_begin", trainer.epoch)
        scores = self._batches()
        if scores is None:
            return
        if self.validation is not None:
            scores |= self._validate(self.validation)
        logs.clear()
        logs.update(scores)
        # First recorded, then told: who saves the trainer in a callback saves it as after this epoch.
        trainer._epoch += 1
        for history in (self.history, trainer.history):
            history.append(logs)
        self.bar.end_epoch(logs)
        self.callbacks("on_epoch_end", trainer.epoch - 1, logs)
        for history in (self.history, trainer.history):
            history.amend(logs)

    def _batches(self) -> Logs | None:
        """The epoch's steps and their scores, or None if it was stopped before its first. A diverging one leaves no
        trace.
        """
        trainer = self.trainer
        trainer._snapshots.take(trainer._live())
        sums = trainer._no_sums()
        began = trainer.step

        def scores() -> Logs:
            return trainer._means(sums)

        try:
            self._slices(sums, scores)
            if not np.isfinite(trainer.model.theta).all():  # the last step may have done it, unseen by any loss
                raise trainer._diverged()
        except DivergedError:
            # Without a step in this epoch it was the last of the epoch before that did the harm.
            if trainer._snapshots.restore(trainer._live(), back=0 if trainer.step > began else 1):
                trainer._epoch -= 1
                for history in (self.history, trainer.history):
                    history.pop()
            raise
        return scores() if trainer.step > began else None

    def _slices(self, sums: np.ndarray, scores: Callable[[], Logs]) -> None:
        trainer, tell, by_batch = self.trainer, self.callbacks, self.callbacks.wants_batches
        for number, batches in enumerate(self.source.epoch(trainer.epoch, self.slicer)):
            if trainer.stop_training:
                break
            if by_batch:
                tell("on_train_batch_begin", number)
            trainer._take_steps(batches, sums)
            self.bar.advance(batches.n_rows, scores)
            if by_batch:
                tell("on_train_batch_end", number, scores())
            tell("on_slice_end")

    def _validate(self, validation: Rows) -> Logs:
        self.callbacks("on_test_begin")
        scores = self.trainer._evaluate(validation)
        self.callbacks("on_test_end", scores)
        return {f"val_{name}": score for name, score in scores.items()}
