"""What losses of classes share: the activation that they belong to, weights of classes, labels to be ignored."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from fastprop import _checks
from fastprop._values import frozen
from fastprop.activations import Activation
from fastprop.losses._base import Array, Loss

__all__ = ["ThroughActivation", "check_ignored", "check_length", "ignored", "label_weights", "per_output"]


def per_output(name: str, given: Any) -> tuple[float, ...] | None:
    """Numbers from 0 on, one for each output, as a tuple."""
    if given is None:
        return None
    if not isinstance(given, Iterable) or isinstance(given, (str, dict)):
        raise TypeError(f"{name} is a sequence with a number for each output, not {_checks.describe(given)}")
    numbers = tuple(_checks.number(f"{name}[{i}]", number, low=0) for i, number in enumerate(given))
    if not any(numbers):
        raise ValueError(f"{name} is 0 for every output; at least one must be positive")
    return numbers


def check_length(name: str, numbers: tuple[float, ...] | None, n_outputs: int) -> None:
    if numbers is not None and len(numbers) != n_outputs:
        raise ValueError(f"{name} has {len(numbers)} numbers, but the network has {n_outputs} outputs")


def ignored(name: str, y: Any, index: int | None) -> tuple[Array | None, Any]:
    """Which rows of labels count, and y with label 0 in the others."""
    if index is None or (hasattr(y, "columns") and len(y.columns) != 1):
        return None, y
    array = _checks.as_array(name, y)
    labels = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    if labels.ndim != 1 or labels.dtype.kind not in "if":
        return None, y
    counted = labels != index
    if counted.all():
        return None, y
    if not counted.any():
        raise ValueError(f"{name} holds nothing but {index}, the label to be ignored (ignore_index)")
    return counted, np.where(counted, labels, 0)


def label_weights(y: Array, weights: tuple[float, ...] | None) -> Array | None:
    return None if weights is None or y.ndim != 1 else np.array(weights)[y]


def log_softmax(z: Array) -> Array:
    shifted = z - z.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


@frozen
class ThroughActivation(Loss):
    """What belongs to one last activation, or takes logits after none."""

    def _logs(self, o: Array) -> Array:
        """The logarithms of the probabilities."""
        if self.from_logits:  # type: ignore[attr-defined]
            return log_softmax(o)
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(o))

    def _binary_logs(self, o: Array) -> tuple[Array, Array]:
        """Those of yes and of no."""
        if self.from_logits:  # type: ignore[attr-defined]
            rest = np.log1p(np.exp(-abs(o)))
            return np.minimum(o, 0) - rest, np.minimum(-o, 0) - rest
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(o)), np.asarray(np.log1p(-o))

    def _check_outputs(self, o: Array) -> None:
        wrong = np.argwhere(~((o >= 0) & (o <= 1)))
        if wrong.size and not self.from_logits:  # type: ignore[attr-defined]
            row, column = wrong[0]
            raise ValueError(
                f"o[{row}, {column}] = {o[row, column]:g} is not in 0..1, as a probability must be;"
                f" for logits use {type(self).__name__}(from_logits=True)"
            )

    def check_output(self, activation: Activation, n_outputs: int) -> None:
        me = type(self).__name__
        if self.targets == "classes" and n_outputs == 1:
            raise ValueError(
                f"{me} chooses among 2 classes or more, but the network has 1 output;"
                " for yes or no use loss='binary_cross_entropy' after 'sigmoid'"
            )
        assert self.through is not None
        from_logits = self.from_logits  # type: ignore[attr-defined]
        wanted = "identity" if from_logits else self.through.name
        if activation.name == wanted:
            return
        if from_logits:
            raise ValueError(
                f"{me}(from_logits=True) follows a last layer of 'identity', but the network's is {activation.name!r};"
                f" use {me}() after {self.through.name!r}"
            )
        raise ValueError(
            f"{me} follows a last layer of {wanted!r}, but the network's is {activation.name!r};"
            f" end it with activation={wanted!r}"
            + (f", or use {me}(from_logits=True)" if activation.name == "identity" else "")
        )


def check_ignored(index: Any) -> None:
    if index is not None:
        _checks.integer("ignore_index", index, low=-(2**63), high=2**63 - 1)
