"""solver="sgd", "adam" and the core's others: epochs in the core, and what scikit-learn decides after each."""

import warnings
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import check_scoring

import fastprop as fp
from fastprop.sklearn._batches import Batches
from fastprop.sklearn._categories import Encoded
from fastprop.sklearn._rules import SMALLEST_RATE, adapts, inverse_scaled

if TYPE_CHECKING:
    from fastprop.sklearn._base import BaseMLP

__all__ = ["Rows", "Watch", "train"]

Array = NDArray[Any]
Logs = dict[str, float]


class Rows(NamedTuple):
    """X; Y as scikit-learn encodes it, (m, n); y as it came; and weights."""

    X: Any
    Y: Array
    y: Any
    weights: Array | None


class Watch(fp.Callback):
    """After each epoch: the estimator's attributes, whether it goes on, and at what rate.

    Parameters
    ----------
    estimator : BaseMLP
    batches : Batches
    validation : Rows or None
    incremental : bool
        In a `partial_fit`, of one epoch, which is not stopped.
    """

    def __init__(self, estimator: "BaseMLP", batches: Batches, validation: Rows | None, incremental: bool) -> None:
        self.estimator, self.batches, self.validation, self.incremental = estimator, batches, validation, incremental
        self.best: tuple[Array, Array] | None = None  # theta and buffers
        if estimator.early_stopping and np.isfinite(estimator.best_validation_score_):
            self.keep_best(estimator._model)  # of an earlier call, with warm_start
        scoring = estimator.scoring
        self.scorer = None if scoring in (None, "loss") or validation is None else check_scoring(estimator, scoring)

    def keep_best(self, model: fp.Sequential) -> None:
        self.best = model.theta.copy(), model.buffers.copy()

    def restore_best(self, model: fp.Sequential) -> None:
        if self.best is not None:
            model.theta, model.buffers = self.best

    def epochs_ahead(self) -> int:
        """As many as have to go by without improvement before it may stop or set another rate."""
        estimator = self.estimator
        if adapts(estimator, "invscaling"):
            return 1
        return int(min(estimator.n_iter_no_change, estimator.max_iter)) + 1 - estimator._no_improvement_count

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        assert logs is not None
        estimator = self.estimator
        estimator.n_iter_ += 1
        estimator.loss_ = logs["objective"] + self.batches.offset
        estimator.t_ += self.batches.n_rows
        estimator.loss_curve_.append(estimator.loss_)
        self.say("Iteration {}, loss = {:.8f}", estimator.n_iter_, estimator.loss_)
        if self.validation is not None:
            self.validate(self.validation, logs)
        self.count()
        if adapts(estimator, "invscaling"):
            self.set_rate(inverse_scaled(estimator))
        if estimator._no_improvement_count > estimator.n_iter_no_change and self.stops():
            self.trainer.stop()
        elif not self.incremental and estimator.n_iter_ == estimator.max_iter:
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({estimator.max_iter}) reached and the optimization hasn't"
                " converged yet.",
                ConvergenceWarning,
                stacklevel=2,
            )

    def on_diverged(self, error: fp.DivergedError) -> bool:
        """With early stopping the best weights so far are the result, as in scikit-learn; else there is none."""
        if self.estimator.validation_scores_ is not None:
            self.estimator.validation_scores_.append(float("nan"))
        if self.best is None:
            return False
        warnings.warn(f"Stochastic Optimizer: training diverged: {error}", ConvergenceWarning, stacklevel=2)
        return True

    def say(self, text: str, *numbers: float) -> None:
        if self.estimator.verbose and not isinstance(self.estimator.verbose, str):
            print(text.format(*numbers))

    def set_rate(self, rate: float) -> None:
        self.trainer.optimizer = replace(self.trainer.optimizer, learning_rate=rate)

    def validate(self, data: Rows, logs: Logs) -> None:
        estimator = self.estimator
        estimator.validation_loss_curve_.append(logs["val_loss"] + estimator._offset(data))
        if self.scorer is not None:
            weights = {} if data.weights is None else {"sample_weight": data.weights}
            score = float(self.scorer(estimator, Encoded.of(data.X), data.y, **weights))
        elif estimator.scoring == "loss":
            score = -estimator.validation_loss_curve_[-1]
        else:
            score = estimator._default_score(estimator._model.predict(data.X), data)
        estimator.validation_scores_.append(score)
        self.say("Validation score: {:f}", score)

    def count(self) -> None:
        """The epochs without improvement; with early stopping of the score, else of the training loss."""
        estimator = self.estimator
        if estimator.early_stopping:
            score, best = estimator.validation_scores_[-1], estimator.best_validation_score_
            worse = score < best + estimator.tol
            if score > best:
                estimator.best_validation_score_ = score
                self.keep_best(self.model)
        else:
            worse = estimator.loss_ > estimator.best_loss_ - estimator.tol
            estimator.best_loss_ = min(estimator.best_loss_, estimator.loss_)
            if self.validation is not None:
                estimator.best_validation_score_ = max(
                    estimator.best_validation_score_, estimator.validation_scores_[-1]
                )
        estimator._no_improvement_count = estimator._no_improvement_count + 1 if worse else 0

    def stops(self) -> bool:
        """Whether training ends here; else it goes on at a fifth of the rate."""
        estimator = self.estimator
        what = "Validation score" if estimator.early_stopping else "Training loss"
        message = (
            f"{what} did not improve more than tol={estimator.tol:f}"
            f" for {estimator.n_iter_no_change} consecutive epochs."
        )
        if not adapts(estimator, "adaptive"):
            self.say(f"{message} Stopping.")
            return True
        rate = self.trainer.optimizer.learning_rate
        assert isinstance(rate, float)
        if rate <= SMALLEST_RATE:
            self.say(f"{message} Learning rate too small. Stopping.")
            return True
        self.say(f"{message} Setting learning rate to {rate / 5:f}")
        self.set_rate(rate / 5)
        estimator._no_improvement_count = 0
        return False


def train(
    trainer: fp.Trainer, data: Rows, targets: Array, watch: Watch, validation_targets: Array | None, *, shuffle: bool
) -> None:
    """Epochs until the watch stops them. Ctrl-C leaves what is learnt, with a warning."""
    estimator, validation = watch.estimator, watch.validation
    own = list(estimator.callbacks or ())
    if estimator.max_seconds is not None:
        own.append(fp.TimeBudget(estimator.max_seconds))
    try:
        trainer.fit(
            data.X, targets, epochs=1 if watch.incremental else estimator.max_iter, batch_size=watch.batches.size,
            sampler=watch.batches if shuffle else None, shuffle=False, sample_weight=data.weights,
            validation_data=None if validation is None else held_out(validation, validation_targets),
            callbacks=[watch, *own], progress=estimator.verbose == "progress",
        )  # fmt: skip
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=4)
    except fp.DivergedError as error:
        raise ValueError(
            "Solver produced non-finite parameter weights. The input data may contain large values and need to be"
            " preprocessed."
        ) from error
    finally:
        forget(own)
        if estimator.early_stopping:
            watch.restore_best(trainer.model)


def held_out(rows: Rows, targets: Array | None) -> tuple[Any, ...]:
    return (rows.X, targets) if rows.weights is None else (rows.X, targets, rows.weights)


def forget(callbacks: Iterable[fp.Callback]) -> None:
    """Take the trainer out of callbacks that are parameters, so that clones and pickles do not carry it along."""
    for callback in callbacks:
        for name in ("trainer", "model", "params"):
            vars(callback).pop(name, None)
