"""Metrics: scores that training reports beside the loss. The core's kernels compute them, batch by batch."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastprop import _checks
from fastprop._values import frozen
from fastprop.losses import Loss

__all__ = ["MAE", "Accuracy", "Metric"]


@frozen
class Metric:
    """A score, the mean over rows, weighted as the loss is; call it on arrays, ``metric(o, y)``."""

    name: ClassVar[str]
    larger_is_better: ClassVar[bool] = True

    def kernel(self, loss: Loss, n_outputs: int) -> tuple[str, float]:
        """The name of the kernel that computes it beside this loss, and its setting."""
        return self.name, 0.0

    def check_values(self, y: NDArray[Any]) -> None:
        """Refuse targets of one output, numbers, that the metric is not defined for."""

    def __call__(self, o: ArrayLike, y: ArrayLike) -> float:
        raise NotImplementedError


@frozen
class Accuracy(Metric):
    """Share of rows, or of yes-or-no outputs, that are right: ``mean(argmax(o) == argmax(y))``.

    With several outputs a row is right where o and y are largest at the same output, or, after a binary
    cross-entropy, each output counts for itself: right on y's side of one half. One output is always counted so, and y
    must be 0 or 1 then. With ``from_logits=True`` the trainer puts o's dividing line at 0.

    Examples
    --------
    >>> Accuracy()([[0.1, 0.9], [0.8, 0.2]], [1, 1])
    0.5
    """

    name: ClassVar[str] = "accuracy"

    def kernel(self, loss: Loss, n_outputs: int) -> tuple[str, float]:
        if loss.targets == "probabilities" or n_outputs == 1:
            return "binary_accuracy", 0.0 if getattr(loss, "from_logits", False) else 0.5
        return "categorical_accuracy", 0.0

    def check_values(self, y: NDArray[Any]) -> None:
        odd = np.flatnonzero((y != 0) & (y != 1))
        if odd.size:
            raise ValueError(
                f"y[{odd[0]}] = {y.ravel()[odd[0]]:g}, but accuracy on one output is of yes or no, 1 or 0;"
                " for numbers use metrics=['mae']"
            )

    def __call__(self, o: ArrayLike, y: ArrayLike) -> float:
        o, y = np.asarray(o), np.asarray(y)
        if o.ndim == 1 or o.shape[1] == 1:
            return float(((o.ravel() > 0.5) == (y.ravel() > 0.5)).mean())
        return float((o.argmax(axis=1) == (y if y.ndim == 1 else y.argmax(axis=1))).mean())


@frozen
class MAE(Metric):
    """Mean absolute error over rows and outputs, ``mean(|o - y|)``.

    Examples
    --------
    >>> MAE()([1.0, 4.0], [0.0, 2.0])
    1.5
    """

    name: ClassVar[str] = "mae"
    larger_is_better: ClassVar[bool] = False

    def __call__(self, o: ArrayLike, y: ArrayLike) -> float:
        o_array: NDArray[Any] = np.asarray(o)
        return float(np.abs(o_array - np.asarray(y).reshape(o_array.shape)).mean())


METRICS: dict[str, Metric] = {metric.name: metric for metric in (Accuracy(), MAE())}


def get(metric: str | Metric) -> Metric:
    """The metric of that name, or itself."""
    return _checks.look_up("metric", metric, Metric, METRICS)
