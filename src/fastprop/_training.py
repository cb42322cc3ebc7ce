"""One call of `fit`: epochs over batches, scores, and what is told of them to callbacks, history and progress bar.

An epoch enters the engine in slices of about 50 ms, so that Ctrl-C is heard, the bar moves and a stop is obeyed; where
they end changes no bit of the result. A callback that wants to hear of each batch makes each a slice of its own. Short
epochs, between which nobody wants anything, enter it several in one slice.
"""

import warnings
from typing import TYPE_CHECKING

import numpy as np

from fastprop._native import dispatch
from fastprop._native.arrays import all_finite
from fastprop._scores import Scores
from fastprop._slices import Slicer, first_size
from fastprop._snapshots import DivergedError
from fastprop._sources import Batches, Order, RowSource, ScoredRows, StreamSource
from fastprop.callbacks import CallbackList
from fastprop.history import History
from fastprop.optimizers import Optimizer
from fastprop.progress import Progress

if TYPE_CHECKING:
    from fastprop.trainer import Trainer

__all__ = ["Training"]

ROWS_IN_A_SLICE = 16384  # of several epochs in one slice: their order stays in the cache
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
        self._slice: tuple[Order, Optimizer] = None, trainer.optimizer  # of the last several epochs in one slice
        if trainer._slicer is None:
            trainer._slicer = Slicer(first_size(3 * source.batch_size * trainer.model._work))
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
        left = self.epochs
        while left and not trainer.stop_training:
            count = self._together(left)
            try:
                if count > 1:
                    self._several(count)
                else:
                    self._epoch(self.source.order(trainer.epoch))
            except DivergedError as error:
                if not self.callbacks.forgive(error):
                    raise
                break
            left -= count
            if self.source.ended:
                warnings.warn(f"X ended before {self.epochs} epochs were done", stacklevel=4)
                break
        self.callbacks("on_train_end", self.logs)
        return self.history

    def _together(self, left: int) -> int:
        """How many of the epochs that are left enter the engine next, in one slice."""
        trainer, source = self.trainer, self.source
        if left == 1 or not isinstance(source, RowSource) or self.slicer.size < 2 * source.n_batches:
            return 1
        if not source.knows_ahead or self.validation is not None or trainer._scoring.whole:
            return 1
        if not trainer._memory.is_of_steps:
            return 1
        most = min(left, self.slicer.size // source.n_batches, ROWS_IN_A_SLICE // source.n_rows)
        return max(1, self.callbacks.epochs_ahead(most))

    def _several(self, count: int) -> None:
        """So many epochs in one slice. If they diverge they are gone through one by one, to find out where."""
        trainer, source = self.trainer, self.source
        assert isinstance(source, RowSource)
        trainer._snapshots.take(trainer._live(), trainer.epoch)
        order, scores, began = source.order(trainer.epoch, count), trainer._scores(count), trainer.step
        try:
            for batches in source.batches(order, self.slicer, count):
                trainer._take_steps(batches, scores)
                self.bar.advance(batches, scores.running)
            self._check_theta()
        except DivergedError:
            trainer._snapshots.restore(trainer._live())
            trainer._snapshots.withdraw()
            for own in [None] * count if order is None else np.split(order, count):
                if not trainer.stop_training:
                    self._epoch(own)
            return
        except BaseException:
            done = (trainer.step - began) // source.n_batches
            if done:
                self._record({name: numbers[:done] for name, numbers in scores.series().items()})
            raise
        self._slice = order, trainer.optimizer
        self._record(scores.series())
        self.callbacks("on_slice_end")

    def _epoch(self, order: Order) -> None:
        self.callbacks("on_epoch_begin", self.trainer.epoch, {})
        logs = self._batches(order)
        if logs is None:
            return
        if self.validation is not None and (self.history.n_epochs + 1) % self.validation_freq == 0:
            logs |= self._validate(self.validation)
        self._record({name: [number] for name, number in logs.items()})

    def _record(self, series: dict[str, list[float]]) -> None:
        """Epochs are over, with these scores."""
        histories = self.history, self.trainer.history
        if not self.callbacks.hear("on_epoch_end"):
            count = len(series["loss"])
            self.trainer._epoch += count
            for history in histories:
                history.extend(series)
            self.logs = {name: numbers[-1] for name, numbers in series.items()}
            self.bar.end_epochs(count, self.logs)
            return
        for numbers in zip(*series.values(), strict=True):
            # First recorded, then told: who saves the trainer in a callback saves it as after this epoch.
            self.logs = logs = dict(zip(series, numbers, strict=True))
            self.trainer._epoch += 1
            for history in histories:
                history.append(logs)
            self.bar.end_epochs(1, logs)
            before = logs.copy()
            self.callbacks("on_epoch_end", self.trainer.epoch - 1, logs)
            if logs != before:
                for history in histories:
                    history.amend(logs)

    def _batches(self, order: Order) -> Logs | None:
        """The epoch's steps and their scores, or None if it was stopped before its first. A diverging one leaves no
        trace.
        """
        trainer = self.trainer
        trainer._snapshots.take(trainer._live(), trainer.epoch)
        scores = trainer._scores()
        began = trainer.step
        try:
            self._slices(order, scores)
            self._check_theta()
        except DivergedError:
            # Without a step in this epoch it was the last of the epoch before that did the harm.
            self._go_back(0 if trainer.step > began else 1)
            raise
        return scores.final() if trainer.step > began else None

    def _check_theta(self) -> None:
        """The last step may have made it infinite, unseen by any loss."""
        model = self.trainer.model
        if not all_finite(dispatch.kernels(model.dtype, dispatch.chosen()), model.theta):
            raise self.trainer._diverged()

    def _go_back(self, n_epochs: int) -> None:
        """To where the epoch at work began, or the one before it."""
        trainer, source = self.trainer, self.source
        epoch = trainer._snapshots.restore(trainer._live(), n_epochs)
        recorded, trainer._epoch = trainer.epoch - epoch, epoch
        if recorded > 1:  # in one slice, of which all but the last are gone through once more
            assert isinstance(source, RowSource)
            (order, then), now = self._slice, trainer.optimizer
            trainer._adopt(then)
            last = (recorded - 1) * source.n_batches
            trainer._take_steps(Batches(source.rows, order, source.batch_size, 0, last), trainer._scores(recorded))
            trainer._adopt(now)
            trainer._epoch += recorded - 1
        if recorded:
            for history in (self.history, trainer.history):
                history.pop()

    def _slices(self, order: Order, scores: Scores) -> None:
        trainer, tell, by_batch = self.trainer, self.callbacks, self.callbacks.wants_batches
        for number, batches in enumerate(self.source.batches(order, self.slicer)):
            if trainer.stop_training:
                break
            if by_batch:
                tell("on_train_batch_begin", number, {})
            trainer._take_steps(batches, scores)
            self.bar.advance(batches, scores.running)
            if by_batch:
                tell("on_train_batch_end", number, scores.running())
            tell("on_slice_end")

    def _validate(self, validation: ScoredRows) -> Logs:
        self.callbacks("on_test_begin", {})
        scores = self.trainer._evaluate(validation)
        self.callbacks("on_test_end", scores)
        return {f"val_{name}": score for name, score in scores.items()}
