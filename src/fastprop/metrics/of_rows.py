"""Metrics that are means over rows: the core's kernels compute them, batch by batch."""

import math
from typing import ClassVar

import numpy as np

from fastprop import _checks
from fastprop._values import frozen
from fastprop.losses import Loss
from fastprop.metrics._base import Array, OfRows

__all__ = [
    "Accuracy",
    "LogLoss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "RootMeanSquaredError",
    "TopKAccuracy",
]


def yes_or_no(loss: Loss, n_outputs: int) -> bool:
    """Whether each output is a question of its own."""
    return loss.targets in ("probabilities", "sides") or n_outputs == 1


@frozen
class Accuracy(OfRows):
    """Share of rows, or of yes-or-no outputs, that are right: ``mean(argmax(o) == argmax(y))``.

    With several outputs a row is right where o and y are largest at the same output, or, after a binary
    cross-entropy, each output counts for itself: right on y's side of one half. One output is always counted so, and y
    must be 0 or 1 then. With ``from_logits=True``, and for hinge losses, the trainer puts o's dividing line at 0.

    Examples
    --------
    >>> Accuracy()([[0.1, 0.9], [0.8, 0.2]], [1, 1])
    0.5
    """

    name: ClassVar[str] = "accuracy"

    def kernel(self, loss: Loss, n_outputs: int) -> tuple[str, float]:
        if yes_or_no(loss, n_outputs):
            return "binary_accuracy", loss.threshold
        return "categorical_accuracy", 0.0

    def check_values(self, y: Array) -> None:
        odd = np.flatnonzero((y != 0) & (y != 1))
        if odd.size:
            raise ValueError(
                f"y[{odd[0]}] = {y.ravel()[odd[0]]:g}, but accuracy on one output is of yes or no, 1 or 0;"
                " for numbers use metrics=['mae']"
            )

    def rows(self, o: Array, y: Array) -> Array:
        if o.shape[1] == 1:
            return np.asarray((o[:, 0] > 0.5) == (y[:, 0] > 0.5), dtype=float)
        return np.asarray(o.argmax(axis=1) == y.argmax(axis=1), dtype=float)


@frozen
class TopKAccuracy(OfRows):
    """Share of rows whose class is among the k largest outputs; of equal outputs the first come first.

    ::

        mean over rows of [fewer than k outputs come before that of y's class]

    Keras's ``TopKCategoricalAccuracy``; scikit-learn's ``top_k_accuracy_score`` lets the last of equals come first.

    Parameters
    ----------
    k : int, default 5

    Examples
    --------
    >>> TopKAccuracy(2)([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]], [1, 2])
    0.5
    """

    k: int = 5

    def __post_init__(self) -> None:
        _checks.integer("k", self.k)

    @property
    def name(self) -> str:  # type: ignore[override]
        return f"top_{self.k}_accuracy"

    def check(self, loss: Loss, n_outputs: int) -> None:
        OfRows.check(self, loss, n_outputs)
        if loss.targets != "classes":
            raise ValueError(f"the metric {self.name!r} is of classes, but {type(loss).__name__} has none")

    def kernel(self, loss: Loss, n_outputs: int) -> tuple[str, float]:
        return "top_k_accuracy", float(self.k)

    def rows(self, o: Array, y: Array) -> Array:
        order = np.argsort(-o, axis=1, kind="stable")[:, : self.k]
        return np.asarray((order == y.argmax(axis=1)[:, np.newaxis]).any(axis=1), dtype=float)


@frozen
class LogLoss(OfRows):
    """The cross-entropy of the predicted probabilities, whatever the loss is that they are trained by.

    ::

        mean over rows of -sum_j y_j log(o_j)                                       of classes
        mean over rows and outputs of -(y log(o) + (1 - y) log(1 - o))              of yes-or-no outputs

    scikit-learn's ``log_loss``: o is kept within epsilon and 1 - epsilon, that of the network's type.

    Examples
    --------
    >>> round(LogLoss()([[0.5, 0.5], [0.25, 0.75]], [0, 1]), 6)
    0.490415
    """

    name: ClassVar[str] = "log_loss"
    larger_is_better: ClassVar[bool] = False

    def check(self, loss: Loss, n_outputs: int) -> None:
        OfRows.check(self, loss, n_outputs)
        if loss.through is None:
            raise ValueError(f"the metric 'log_loss' is of probabilities, but {type(loss).__name__} has none")

    def kernel(self, loss: Loss, n_outputs: int) -> tuple[str, float]:
        name = "binary_log_loss" if yes_or_no(loss, n_outputs) else "categorical_log_loss"
        return name, float(getattr(loss, "from_logits", False))

    def rows(self, o: Array, y: Array) -> Array:
        epsilon = np.finfo(float).eps
        p = np.clip(o, epsilon, 1 - epsilon)
        if o.shape[1] == 1:
            return np.asarray(-(y * np.log(p) + (1 - y) * np.log(1 - p)).mean(axis=1))
        return np.asarray(-(y * np.log(p)).sum(axis=1))


@frozen
class MeanAbsoluteError(OfRows):
    """Mean absolute error over rows and outputs, ``mean(|o - y|)``.

    Examples
    --------
    >>> MeanAbsoluteError()([1.0, 4.0], [0.0, 2.0])
    1.5
    """

    name: ClassVar[str] = "mae"
    larger_is_better: ClassVar[bool] = False

    def kernel(self, loss: Loss, n_outputs: int) -> tuple[str, float]:
        return "mae", 0.0

    def rows(self, o: Array, y: Array) -> Array:
        return np.asarray(np.abs(o - y).mean(axis=1))


@frozen
class MeanSquaredError(OfRows):
    """Mean squared error over rows and outputs, ``mean((o - y)**2)``.

    Examples
    --------
    >>> MeanSquaredError()([1.0, 4.0], [0.0, 2.0])
    2.5
    """

    name: ClassVar[str] = "mse"
    larger_is_better: ClassVar[bool] = False

    def kernel(self, loss: Loss, n_outputs: int) -> tuple[str, float]:
        return "mse", 0.0

    def rows(self, o: Array, y: Array) -> Array:
        return np.asarray(((o - y) ** 2).mean(axis=1))


@frozen
class RootMeanSquaredError(OfRows):
    """The root of the mean squared error over rows and outputs, ``sqrt(mean((o - y)**2))``, in y's unit.

    As Keras's ``RootMeanSquaredError``; of several outputs scikit-learn's averages each one's root.

    Examples
    --------
    >>> RootMeanSquaredError()([3.0, 3.0], [0.0, 0.0])
    3.0
    """

    name: ClassVar[str] = "rmse"
    larger_is_better: ClassVar[bool] = False

    def kernel(self, loss: Loss, n_outputs: int) -> tuple[str, float]:
        return "mse", 0.0

    def finish(self, mean: float) -> float:
        return math.sqrt(mean)

    def rows(self, o: Array, y: Array) -> Array:
        return np.asarray(((o - y) ** 2).mean(axis=1))
