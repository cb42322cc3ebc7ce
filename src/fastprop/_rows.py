"""Rows of data, checked: what a trainer or a gradient takes from a user, as the engine reads it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastprop import _checks
from fastprop._arithmetic import standard_arithmetic
from fastprop._values import frozen
from fastprop.losses import Loss
from fastprop.model import Sequential

__all__ = ["Rows"]

Array = NDArray[Any]


@frozen
class Rows:
    """X (m, n_inputs); y as labels (m,) in int64 or as numbers (m, n_targets); w (m,) or None for weights of 1; mean_w,
    by whose sum the loss is divided, (m,) or None for w.
    """

    X: Array
    y: Array
    w: Array | None
    mean_w: Array | None = None

    def __len__(self) -> int:
        return len(self.X)

    @classmethod
    @standard_arithmetic()
    def check(
        cls,
        model: Sequential,
        loss: Loss,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        class_weight: Mapping[int, float] | str | None = None,
        names: tuple[str, str, str] = ("X", "y", "sample_weight"),
    ) -> "Rows":
        """The rows, or an error that names what does not fit."""
        X_name, y_name, w_name = names
        X = _checks.features(X_name, X, model.n_inputs, model.dtype)
        _checks.some_rows(X_name, X)
        model.check_data(X_name, X)
        counted, y = loss.ignore(y_name, y)
        y = loss.check_targets(y_name, y, model.n_outputs, model.dtype)
        _checks.same_length(y_name, y, len(X), X_name)
        w = None if sample_weight is None else _checks.weights(w_name, sample_weight, len(X), model.dtype)
        if class_weight is not None:
            per_row = np.ones(len(X))
            counts = slice(None) if counted is None else counted
            per_row[counts] = class_weights(class_weight, y[counts], loss, model.n_outputs)
            both = "class_weight" if w is None else f"class_weight times {w_name}"
            w = _checks.weights(both, per_row if w is None else per_row * w, len(X), model.dtype)
        if counted is not None:
            counted = counted.astype(model.dtype)
            w = _checks.weights("what ignore_index leaves", counted if w is None else counted * w, len(X), model.dtype)
        return cls(X, y, w, mean_weights(loss, y, w, model))

    def split(self, share: float) -> tuple["Rows", "Rows"]:
        """The rows without their last `share`, and those."""
        n_last = int(len(self) * share)
        if not 0 < n_last < len(self):
            raise ValueError(
                f"validation_split={share:g} of {len(self)} rows leaves {len(self) - n_last} to train on and {n_last}"
                " to validate on; both need at least one"
            )
        at = len(self) - n_last
        first, last = self.part(slice(at)), self.part(slice(at, None))
        for part, purpose in ((first, "to train on"), (last, "to validate on")):
            if part.w is not None and not part.w.any():
                raise ValueError(f"validation_split={share:g} leaves only rows of weight 0 {purpose}")
        return first, last

    def part(self, rows: slice) -> "Rows":
        """Some of the rows, as views."""
        w, mean_w = (None if each is None else each[rows] for each in (self.w, self.mean_w))
        return Rows(self.X[rows], self.y[rows], w, mean_w)


def mean_weights(loss: Loss, y: Array, w: Array | None, model: Sequential) -> Array | None:
    """By whose sum the loss is divided, where it weighs classes by itself."""
    of_class = loss.class_weights(y, model.n_outputs)
    if of_class is None:
        return None
    return _checks.weights("class_weight of y", of_class if w is None else of_class * w, len(y), model.dtype)


def class_weights(class_weight: Mapping[int, float] | str, y: Array, loss: Loss, n_outputs: int) -> Array:
    """Each row's weight by its class."""
    if loss.targets == "classes":
        labels = y if y.ndim == 1 else y.argmax(axis=1)
        n_classes = n_outputs
    elif loss.targets in ("probabilities", "sides") and n_outputs == 1:
        labels = (y[:, 0] > 0.5).astype(np.int64)
        n_classes = 2
    else:
        raise ValueError(f"class_weight is for classes, but {type(loss).__name__} on {n_outputs} outputs has none")
    if isinstance(class_weight, str) and class_weight == "balanced":
        counts = np.bincount(labels, minlength=n_classes)
        present = np.count_nonzero(counts)
        return np.asarray((len(labels) / (present * np.maximum(counts, 1)))[labels])
    if isinstance(class_weight, str):
        raise _checks.unknown("class_weight", class_weight, ["balanced"])
    if not isinstance(class_weight, Mapping):
        raise TypeError(
            f"class_weight is a dict of label to weight, or 'balanced', not {_checks.describe(class_weight)}"
        )
    by_class = np.ones(n_classes)
    for label, weight in class_weight.items():
        index = _checks.integer("a label in class_weight", label, low=0, high=n_classes - 1)
        by_class[index] = _checks.number(f"class_weight[{label!r}]", weight, low=0)
    return np.asarray(by_class[labels])
