"""What a metric is: a score that training reports beside the loss, of each row by itself or of all rows together."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastprop import _checks
from fastprop._values import frozen
from fastprop.losses import Loss

__all__ = ["Array", "Metric", "OfRows", "WholeMetric", "matrices", "total"]

Array = NDArray[Any]


class Metric:
    """A score of outputs o and targets y; call it on arrays, ``metric(o, y)``.

    Attributes
    ----------
    name : str
        Its name in a history.
    larger_is_better : bool
    """

    __slots__ = ()
    name: ClassVar[str]
    larger_is_better: ClassVar[bool] = True

    def check(self, loss: Loss, n_outputs: int) -> None:
        """Refuse a loss whose outputs it cannot score."""

    def kernel(self, loss: Loss, n_outputs: int) -> tuple[str, float] | None:
        """The kernel that scores row by row beside this loss, and its setting; None if it takes all rows together."""
        return None

    def check_values(self, y: Array) -> None:
        """Refuse targets of one output, numbers, that the metric is not defined for."""

    def finish(self, mean: float) -> float:
        """The score, from the mean of the rows' scores."""
        return mean

    def whole(self, o: Array, y: Array, w: Array | None, loss: Loss) -> float:
        """The score of all rows: o (m, n_outputs), y as the engine reads it."""
        raise NotImplementedError

    def __call__(self, o: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        raise NotImplementedError


@frozen
class OfRows(Metric):
    """A mean over rows, by a kernel."""

    def check(self, loss: Loss, n_outputs: int) -> None:
        if loss.n_targets(n_outputs) != n_outputs:
            raise ValueError(
                f"the metric {self.name!r} compares each output with a target, but {loss!r} has {n_outputs} outputs for"
                f" {loss.n_targets(n_outputs)}; use a function of (y, o)"
            )

    def rows(self, o: Array, y: Array) -> Array:
        """Each row's score, for matrices o and y."""
        raise NotImplementedError

    def __call__(self, o: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        outputs, targets, w = matrices(o, y, sample_weight)
        return self.finish(float(np.average(self.rows(outputs, targets), weights=w)))


@frozen
class WholeMetric(Metric):
    """A score of all rows together, from the outputs that training or evaluation has collected."""

    def score(self, o: Array, y: Array, w: Array) -> float:
        """For o (m, n) and y (m, n), or (m,) for labels; w (m,)."""
        raise NotImplementedError

    def __call__(self, o: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        outputs, targets, w = matrices(o, y, sample_weight)
        return self.score(outputs, targets, np.ones(len(outputs)) if w is None else w)


def matrices(o: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None) -> tuple[Array, Array, Array | None]:
    """O (m, n) in float64; y (m, n), of labels one-hot; weights (m,) or None."""
    outputs = np.asarray(_checks.plain_numbers("o", _checks.as_array("o", o)), dtype=float)
    outputs = outputs[:, np.newaxis] if outputs.ndim == 1 else outputs
    targets = _checks.plain_numbers("y", _checks.as_array("y", y))
    _checks.same_length("y", targets, len(outputs), "o")
    n = outputs.shape[1]
    if n > 1 and (targets.ndim == 1 or targets.shape[1] == 1):
        targets = np.eye(n)[_checks.classes("y", targets, n, np.dtype(np.float64))]
    targets = np.asarray(targets, dtype=float).reshape(len(outputs), -1)
    if targets.shape != outputs.shape:
        raise ValueError(f"y has shape {targets.shape}, but o has {outputs.shape}")
    if sample_weight is None:
        return outputs, targets, None
    return outputs, targets, _checks.weights("sample_weight", sample_weight, len(outputs), np.dtype(np.float64))


def total(x: Array) -> Any:
    """The sum down the rows, one after the other, so that it is the same everywhere."""
    return np.cumsum(x, axis=0)[-1]
