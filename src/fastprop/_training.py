"""One call of `fit`: epochs over batches, scores, and what is told of them to callbacks, history and progress bar.

An epoch enters the engine in slices of about 50 ms, so that Ctrl-C is heard, the bar moves and a stop is obeyed; where
they end changes no bit of the result. A callback that wants to hear of each batch makes each a slice of its own.
"""

import warnings
from typing import TYPE_CHECKING

import numpy as np

from fastprop._scores import Scores
from fastprop._slices import Slicer
from fastprop._snapshots import DivergedError
from fastprop._sources import RowSource, ScoredRows, StreamSource
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
        source: RowSource | StreamSource,
        validation: ScoredRows | None,
        validation_freq: int,
        epochs: int,
        callbacks: CallbackList,
        bar: Progress,
    ) -> None:
        self.trainer, self.source, self.validation = trainer, source, validation
        self.validation_freq = validation_freq
        self.epochs, self.callbacks, self.bar = epochs, callbacks, bar
        self.history = History()
        self.logs: Logs = {}  # of the last epoch
        self.slicer = Slicer(largest=1) if callbacks.wants_batches else trainer._slicer

    def run(self) -> History:
        """Train until the epochs are done or somebody stops it."""
        trainer = self.trainer
        trainer._snapshots.forget()
        trainer.stop_training = False
        steps = self.source.n_batches
        trainer._end = (None if steps is None else trainer.step + self.epochs * steps, trainer.epoch + self.epochs)
        params = {"epochs": self.epochs, "steps": steps, "validation": self.validation is not None}
        self.callbacks.introduce(trainer, params)
        self.callbacks("on_train_begin", {})
        for _ in range(self.epochs):
            if trainer.stop_training:
                break
            try:
                self._epoch()
            except DivergedError as error:
                if not self.callbacks.forgive(error):
                    raise
                break
            if self.source.ended:
                warnings.warn(f"X ended before {self.epochs} epochs were done", stacklevel=4)
                break
        self.callbacks("on_train_end", self.logs)
        return self.history

    def _epoch(self) -> None:
        trainer = self.trainer
        self.callbacks("on_epoch_begin", trainer.epoch, {})
        logs = self._batches()
        if logs is None:
            return
        if self.validation is not None and (self.history.n_epochs + 1) % self.validation_freq == 0:
            logs |= self._validate(self.validation)
        self.logs = logs
        # First recorded, then told: who saves the trainer in a callback saves it as after this epoch.
        trainer._epoch += 1
        for history in (self.history, trainer.history):
            history.append(logs)
        self.bar.end_epoch(logs)
        if self.callbacks.hear("on_epoch_end"):
            before = logs.copy()
            self.callbacks("on_epoch_end", trainer.epoch - 1, logs)
            if logs != before:
                for history in (self.history, trainer.history):
                    history.amend(logs)

    def _batches(self) -> Logs | None:
        """The epoch's steps and their scores, or None if it was stopped before its first. A diverging one leaves no
        trace.
        """
        trainer = self.trainer
        trainer._snapshots.take(trainer._live())
        scores = trainer._scores()
        began = trainer.step
        try:
            self._slices(scores)
            if not np.isfinite(trainer.model.theta).all():  # the last step may have done it, unseen by any loss
                raise trainer._diverged()
        except DivergedError:
            # Without a step in this epoch it was the last of the epoch before that did the harm.
            if trainer._snapshots.restore(trainer._live(), back=0 if trainer.step > began else 1):
                trainer._epoch -= 1
                for history in (self.history, trainer.history):
                    history.pop()
            raise
        return scores.final() if trainer.step > began else None

    def _slices(self, scores: Scores) -> None:
        trainer, tell, by_batch = self.trainer, self.callbacks, self.callbacks.wants_batches
        for number, batches in enumerate(self.source.epoch(trainer.epoch, self.slicer)):
            if trainer.stop_training:
                break
            if by_batch:
                tell("on_train_batch_begin", number, {})
            trainer._take_steps(batches, scores)
            self.bar.advance(batches.n_rows, scores.running)
            if by_batch:
                tell("on_train_batch_end", number, scores.running())
            tell("on_slice_end")

    def _validate(self, validation: ScoredRows) -> Logs:
        self.callbacks("on_test_begin", {})
        scores = self.trainer._evaluate(validation)
        self.callbacks("on_test_end", scores)
        return {f"val_{name}": score for name, score in scores.items()}
