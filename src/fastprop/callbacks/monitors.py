"""Callbacks that watch a score: they stop training, keep the best weights, save files, lower the rate."""

import contextlib
import math
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastprop import _checks
from fastprop.callbacks.base import Callback
from fastprop.callbacks.rates import plain_rate, set_rate

__all__ = ["EarlyStopping", "ModelCheckpoint", "ReduceLROnPlateau"]

MODES = ("auto", "min", "max")


class _Monitor(Callback):
    """A callback that watches one score."""

    def __init__(self, monitor: str, mode: str) -> None:
        if not isinstance(monitor, str):
            raise TypeError(f"monitor is the name of a score, as 'val_loss', not {_checks.describe(monitor)}")
        self.monitor, self.mode = monitor, _checks.choice("mode", mode, MODES)

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        self._known = False
        if self.monitor.startswith("val_") and not self.params["validation"]:
            raise ValueError(
                f"{type(self).__name__} monitors {self.monitor!r}, but there are no validation data; give"
                f" validation_data or validation_split, or monitor={self.monitor.removeprefix('val_')!r}"
            )
        self.larger_is_better = self._direction()

    def _direction(self) -> bool:
        if self.mode != "auto":
            return self.mode == "max"
        name = self.monitor.removeprefix("val_")
        for metric in self.trainer.metrics:
            if metric.name == name:
                return metric.larger_is_better
        return False

    def current(self, logs: dict[str, float]) -> float | None:
        """The score, or None in an epoch without validation."""
        if self.monitor in logs:
            self._known = True
            return logs[self.monitor]
        if self._known or (self.monitor.startswith("val_") and not any(name.startswith("val_") for name in logs)):
            return None
        names = ", ".join(map(repr, logs))
        raise ValueError(f"{type(self).__name__} monitors {self.monitor!r}, but the scores of this fit are {names}")

    def better(self, score: float, best: float) -> bool:
        """Whether a score is better than the best; nan never is, and anything else is better than nan."""
        if math.isnan(best):
            return not math.isnan(score)
        return score > best if self.larger_is_better else score < best


class EarlyStopping(_Monitor):
    """Stops when the score ``monitor`` has not become better for ``patience`` epochs, and puts the best weights back.

    A score is better if it is so by more than `min_delta`. The weights are those after the best epoch, kept in one
    extra copy, and put back when training ends, stopped or not; the optimizer's state, the counts and the history stay
    as they are. In Keras that is off by default.

    Parameters
    ----------
    monitor : str, default "val_loss"
        A score's name, as it stands in the history.
    min_delta : float, default 0.0
        0 or more.
    patience : int, default 0
        Epochs without a better score after which training stops; with 0, the first.
    mode : {"auto", "min", "max"}, default "auto"
        Whether smaller or larger is better; "auto" knows it of the loss and the metrics.
    baseline : float, optional
        Patience counts from the start until a score is better than this.
    restore_best_weights : bool, default True
        The parameters and buffers of the best epoch; the optimizer's moving average of weights stays the last one.
    start_from_epoch : int, default 0
        Epochs of this call of `fit` at its beginning in which the score is not looked at.

    Attributes
    ----------
    best, best_epoch
        The best score of this fit, and its epoch.
    stopped_epoch : int or None
        The epoch after which training was stopped.

    Raises
    ------
    TypeError, ValueError
        For settings that make no sense; and in `fit`, for a score that there is not.

    References
    ----------
    Keras's ``EarlyStopping``; L. Prechelt (1998), "Early Stopping - But When?", in: Neural Networks: Tricks of the
    Trade, Springer.

    Examples
    --------
    >>> import fastprop as fp
    >>> X, y = fp.datasets.load_digits()
    >>> trainer = fp.Trainer(fp.mlp(64, 32, 10, output="softmax", seed=0), "cross_entropy", fp.SGD(0.3))
    >>> stopping = fp.EarlyStopping(patience=3)
    >>> history = trainer.fit(X / 16, y, epochs=200, validation_split=0.2, callbacks=[stopping])
    >>> history.n_epochs == stopping.best_epoch + 4
    True
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        *,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = True,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode)
        self.min_delta = _checks.number("min_delta", min_delta, low=0)
        self.patience = _checks.integer("patience", patience, low=0)
        self.baseline = None if baseline is None else _checks.number("baseline", baseline)
        self.restore_best_weights = _checks.flag("restore_best_weights", restore_best_weights)
        self.start_from_epoch = _checks.integer("start_from_epoch", start_from_epoch, low=0)
        self._forget()

    def _forget(self) -> None:
        self.best = math.nan
        self.best_epoch: int | None = None
        self.stopped_epoch: int | None = None
        self._wait = self._seen = 0
        self._weights: tuple[NDArray[Any], ...] | None = None

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        super().on_train_begin(logs)
        self._forget()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._seen += 1
        score = self.current(logs or {})
        if score is None or self._seen <= self.start_from_epoch:
            return
        self._wait += 1
        if self._improves(score, self.best):
            self.best, self.best_epoch = score, epoch
            if self.restore_best_weights:
                self._keep()
            if self.baseline is None or self._improves(score, self.baseline):
                self._wait = 0
                return
        if self._wait >= self.patience and self._seen > 1:
            self.stopped_epoch = epoch
            self.trainer.stop_training = True

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        if self._weights is not None:
            for array, kept in zip(self.trainer._weights(), self._weights, strict=True):
                array[...] = kept
            self._weights = None

    def _improves(self, score: float, best: float) -> bool:
        return self.better(score - self.min_delta if self.larger_is_better else score + self.min_delta, best)

    def _keep(self) -> None:
        weights = self.trainer._weights()
        if self._weights is None:
            self._weights = tuple(np.empty_like(array) for array in weights)
        for kept, array in zip(self._weights, weights, strict=True):
            kept[...] = array


class ModelCheckpoint(_Monitor):
    """Saves to ``filepath`` after each epoch: the trainer's whole state, for `Trainer.resume`, or the network alone.

    Each file is written whole or not at all, and an older one of its name is kept until then.

    Parameters
    ----------
    filepath : str or path
        May hold fields of ``str.format``: the number of epochs done, ``{epoch:03d}``, and scores, ``{val_loss:.4f}``.
    monitor : str, default "val_loss"
        The score that `save_best_only` goes by.
    save_best_only : bool, default False
        Save only where the score is better than all before it.
    save_weights_only : bool, default False
        Save the network alone, for `fastprop.load`: ``model.save`` and not ``trainer.save``.
    mode : {"auto", "min", "max"}, default "auto"
        Whether smaller or larger is better; "auto" knows it of the loss and the metrics.
    initial_value_threshold : float, optional
        What the first score must be better than, with `save_best_only`.
    period : int, default 1
        Save after every so many epochs.
    keep : int, optional
        How many files to keep, where names differ: those written before are removed. All by default.

    Attributes
    ----------
    best : float
        The best score saved.
    paths : list of str
        The files there are, the latest last.

    Raises
    ------
    TypeError, ValueError
        For settings that make no sense; and in `fit`, for a score that there is not.
    OSError
        In `fit`, if a file cannot be written.

    References
    ----------
    Keras's ``ModelCheckpoint``.
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        *,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        initial_value_threshold: float | None = None,
        period: int = 1,
        keep: int | None = None,
    ) -> None:
        super().__init__(monitor, mode)
        if not isinstance(filepath, (str, os.PathLike)):
            raise TypeError(f"filepath is a path, not {_checks.describe(filepath)}")
        self.filepath = os.fspath(filepath)
        self.save_best_only = _checks.flag("save_best_only", save_best_only)
        self.save_weights_only = _checks.flag("save_weights_only", save_weights_only)
        threshold = initial_value_threshold
        self.best = math.nan if threshold is None else _checks.number("initial_value_threshold", threshold)
        self.period = _checks.integer("period", period)
        self.keep = None if keep is None else _checks.integer("keep", keep)
        self.paths: list[str] = []

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        if self.save_best_only:
            super().on_train_begin(logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        scores = logs or {}
        if self.save_best_only:
            score = self.current(scores)
            if score is None or not self.better(score, self.best):
                return
        if (epoch + 1) % self.period:
            return
        path = self._path(epoch + 1, scores)
        (self.model if self.save_weights_only else self.trainer).save(path)
        if self.save_best_only:
            self.best = scores[self.monitor]
        self._remember(path)

    def _path(self, epochs: int, scores: dict[str, float]) -> str:
        try:
            return self.filepath.format(epoch=epochs, **scores)
        except (KeyError, IndexError) as error:
            names = ", ".join(map(repr, ("epoch", *scores)))
            raise ValueError(f"filepath {self.filepath!r} names {error}, but there is only {names}") from None

    def _remember(self, path: str) -> None:
        if path in self.paths:
            self.paths.remove(path)
        self.paths.append(path)
        while self.keep is not None and len(self.paths) > self.keep:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.paths.pop(0))


class ReduceLROnPlateau(_Monitor):
    """Multiplies the learning rate by ``factor`` when a score has not become better for more than ``patience`` epochs.

    As PyTorch's, to its order of operations: with the best score b so far, a score is better if it is

    ============== ======================== ===================
    threshold_mode smaller is better        larger is better
    ============== ======================== ===================
    "rel"          ``< b * (1 - threshold)`` ``> b * (1 + threshold)``
    "abs"          ``< b - threshold``       ``> b + threshold``
    ============== ======================== ===================

    After a reduction `cooldown` epochs do not count as bad. The rate is added to the scores as "learning_rate". It is
    the optimizer's own; a group's rate follows it by its rate_factor, but one that a group has for itself stays.

    Parameters
    ----------
    monitor : str, default "val_loss"
        A score's name, as it stands in the history.
    factor : float, default 0.1
        In 0..1, 1 excluded.
    patience : int, default 10
    mode : {"auto", "min", "max"}, default "auto"
        Whether smaller or larger is better; "auto" knows it of the loss and the metrics.
    threshold : float, default 1e-4
    threshold_mode : {"rel", "abs"}, default "rel"
        Keras has only "abs", and calls the threshold min_delta.
    cooldown : int, default 0
    min_learning_rate : float, default 0.0
        The rate goes no lower.
    epsilon : float, default 1e-8
        A reduction by no more than this is not made.

    Raises
    ------
    TypeError, ValueError
        For settings that make no sense; and in `fit`, for a score that there is not, or a rate that is a schedule.

    References
    ----------
    ``torch.optim.lr_scheduler.ReduceLROnPlateau``.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        *,
        mode: str = "auto",
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_learning_rate: float = 0.0,
        epsilon: float = 1e-8,
    ) -> None:
        super().__init__(monitor, mode)
        self.factor = _checks.number("factor", factor, low=0, high=1, open_high=True)
        self.patience = _checks.integer("patience", patience, low=0)
        self.threshold = _checks.number("threshold", threshold, low=0)
        self.threshold_mode = _checks.choice("threshold_mode", threshold_mode, ("rel", "abs"))
        self.cooldown = _checks.integer("cooldown", cooldown, low=0)
        self.min_learning_rate = _checks.number("min_learning_rate", min_learning_rate, low=0)
        self.epsilon = _checks.number("epsilon", epsilon, low=0)

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        super().on_train_begin(logs)
        plain_rate(self)
        self.best = -math.inf if self.larger_is_better else math.inf
        self._bad = self._cooling = 0

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs = {} if logs is None else logs
        score = self.current(logs)
        logs["learning_rate"] = rate = plain_rate(self)
        if score is None:
            return
        if self.better(score, self._margin()):
            self.best, self._bad = score, 0
        else:
            self._bad += 1
        if self._cooling > 0:
            self._cooling -= 1
            self._bad = 0
        if self._bad > self.patience:
            lower = max(rate * self.factor, self.min_learning_rate)
            if rate - lower > self.epsilon:
                set_rate(self.trainer, lower)
            self._cooling, self._bad = self.cooldown, 0

    def _margin(self) -> float:
        """What a score must be better than."""
        if self.threshold_mode == "abs":
            return self.best + (self.threshold if self.larger_is_better else -self.threshold)
        return self.best * (1 + (self.threshold if self.larger_is_better else -self.threshold))
