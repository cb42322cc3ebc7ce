"""Losses C(o, y): what each is, in a formula and in NumPy. The core's kernels of the same names do the work.

A loss is a function of the network's output o, and a mean over the rows of a batch; with weights, a mean weighted by
them: ``sum_i w_i C_i / sum_i w_i``. The cross-entropies belong to one last activation each, which makes the step back
through both a plain difference, ``dC/dz = (o - y) / m``, and lets the core compute them from z without overflow.
"""

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastprop import _checks
from fastprop._values import frozen
from fastprop.activations import Activation, Sigmoid, Softmax

__all__ = ["MSE", "BinaryCrossEntropy", "CrossEntropy", "Loss"]

Array = NDArray[Any]


@frozen
class Loss:
    """A loss; call it on arrays, ``loss(o, y)``, for its value.

    Attributes
    ----------
    name : str
        Its name, "mse" and so on.
    targets : "values", "classes" or "probabilities"
        What y holds: numbers, class labels or one-hot rows, or numbers in 0..1.
    through : Activation or None
        The last activation that it belongs to, if it belongs to one.
    """

    name: ClassVar[str]
    targets: ClassVar[Literal["values", "classes", "probabilities"]] = "values"
    through: ClassVar[Activation | None] = None

    def rows(self, o: Array, y: Array) -> Array:
        """Each row's loss, for matrices o (m, n_outputs) and y (m, n_targets)."""
        raise NotImplementedError

    def settings(self) -> tuple[float, ...]:
        """Its numbers, in the order in which the kernel reads them."""
        return ()

    def n_targets(self, n_outputs: int) -> int:
        """How many columns y has beside that many outputs."""
        return n_outputs

    def kernel(self, n_outputs: int) -> tuple[str, tuple[float, ...], int]:
        """The kernel that computes it, as the engine asks for it: name, settings, columns of y."""
        return self.name, self.settings(), self.n_targets(n_outputs)

    def __call__(self, o: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        o, y = self._matrices(o, y)
        if sample_weight is None:
            return float(self.rows(o, y).mean())
        w = _checks.weights("sample_weight", sample_weight, len(y), np.dtype(np.float64))
        return float(np.average(self.rows(o, y), weights=w))

    def _matrices(self, o: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
        float64 = np.dtype(np.float64)
        o = np.asarray(_checks.plain_numbers("o", _checks.as_array("o", o)), dtype=float)
        if o.ndim == 1:
            o = o[:, np.newaxis]
        if o.ndim != 2:
            raise ValueError(f"o has {o.ndim} dimensions (shape {o.shape}), but (m, n_outputs) is wanted")
        self._check_values(o)
        if self.targets == "classes":
            y = _checks.classes("y", y, o.shape[1], float64)
            y = np.eye(o.shape[1])[y] if y.ndim == 1 else y
        elif self.targets == "probabilities":
            y = _checks.probabilities("y", y, o.shape[1], float64)
        else:
            y = _checks.values("y", y, o.shape[1], float64)
        _checks.same_length("y", y, len(o), "o")
        return o, np.asarray(y, dtype=float)

    def _check_values(self, o: Array) -> None:
        """Refuse outputs that the loss is not defined for."""

    def check_output(self, activation: Activation, n_outputs: int) -> None:
        """Refuse a network whose last layer the loss cannot follow."""


def _times(y: Array, logs: Array) -> Array:
    """The product y * logs, where 0 times the log of 0 is 0."""
    return np.multiply(y, logs, where=y != 0, out=np.zeros_like(logs))


@frozen
class MSE(Loss):
    """Mean squared error.

    ::

        C = mean over rows and outputs of (o - y)**2        dC/do = 2 (o - y) / (m n)

    as Keras and PyTorch; scikit-learn's MLP has half of it. y holds numbers, (m, n), or (m,) for one output.

    Examples
    --------
    >>> MSE()([[1.0, 2.0]], [[0.0, 0.0]])
    2.5
    """

    name: ClassVar[str] = "mse"

    def rows(self, o: Array, y: Array) -> Array:
        return np.asarray(((o - y) ** 2).mean(axis=1))


@frozen
class _CrossEntropy(Loss):
    from_logits: bool = False

    def __post_init__(self) -> None:
        _checks.flag("from_logits", self.from_logits)

    def _check_values(self, o: Array) -> None:
        wrong = np.argwhere(~((o >= 0) & (o <= 1)))
        if wrong.size and not self.from_logits:
            row, column = wrong[0]
            raise ValueError(
                f"o[{row}, {column}] = {o[row, column]:g} is not in 0..1, as a probability must be;"
                f" for logits use {type(self).__name__}(from_logits=True)"
            )

    def check_output(self, activation: Activation, n_outputs: int) -> None:
        if self.targets == "classes" and n_outputs == 1:
            raise ValueError(
                "CrossEntropy chooses among 2 classes or more, but the network has 1 output;"
                " for yes or no use loss='binary_cross_entropy' after 'sigmoid'"
            )
        assert self.through is not None
        wanted = "identity" if self.from_logits else self.through.name
        if activation.name == wanted:
            return
        me = type(self).__name__
        if self.from_logits:
            raise ValueError(
                f"{me}(from_logits=True) follows a last layer of 'identity', but the network's is {activation.name!r};"
                f" use {me}() after {self.through.name!r}"
            )
        raise ValueError(
            f"{me} follows a last layer of {wanted!r}, but the network's is {activation.name!r};"
            f" end it with activation={wanted!r}"
            + (f", or use {me}(from_logits=True)" if activation.name == "identity" else "")
        )


@frozen
class CrossEntropy(_CrossEntropy):
    """Cross-entropy over classes, after a last layer of "softmax".

    With o the probabilities of n classes and y one-hot, or any probabilities::

        C = mean over rows of -sum_j y_j log(o_j)           dC/dz = (o - y) / m

    y may hold class labels, integers in 0..n - 1, or rows that sum to 1. Computed from z as
    ``log(sum_j exp(z_j)) - z_y``, which neither overflows nor takes the log of 0.

    Parameters
    ----------
    from_logits : bool, default False
        The last layer is "identity" and o is z, as PyTorch's ``CrossEntropyLoss`` has it.

    Examples
    --------
    >>> round(CrossEntropy()([[0.5, 0.25, 0.25]], [0]), 6)
    0.693147
    >>> round(CrossEntropy(from_logits=True)([[1000.0, 0.0]], [1]), 6)
    1000.0
    """

    name: ClassVar[str] = "cross_entropy"
    targets: ClassVar[Literal["values", "classes", "probabilities"]] = "classes"
    through: ClassVar[Activation | None] = Softmax()

    def rows(self, o: Array, y: Array) -> Array:
        if self.from_logits:
            z = o - o.max(axis=1, keepdims=True)
            logs = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        else:
            with np.errstate(divide="ignore"):
                logs = np.log(o)
        return np.asarray(-_times(y, logs).sum(axis=1))


@frozen
class BinaryCrossEntropy(_CrossEntropy):
    """Cross-entropy of independent yes-or-no outputs, after a last layer of "sigmoid".

    With o the probabilities and y 0, 1 or anything between::

        C = mean over rows and outputs of -(y log(o) + (1 - y) log(1 - o))        dC/dz = (o - y) / (m n)

    Computed from z as ``max(z, 0) - y z + log(1 + exp(-|z|))``, which neither overflows nor takes the log of 0.

    Parameters
    ----------
    from_logits : bool, default False
        The last layer is "identity" and o is z, as PyTorch's ``BCEWithLogitsLoss`` has it.

    Examples
    --------
    >>> round(BinaryCrossEntropy()([0.5, 0.9], [1, 1]), 6)
    0.399254
    """

    name: ClassVar[str] = "binary_cross_entropy"
    targets: ClassVar[Literal["values", "classes", "probabilities"]] = "probabilities"
    through: ClassVar[Activation | None] = Sigmoid()

    def rows(self, o: Array, y: Array) -> Array:
        if self.from_logits:
            return np.asarray((np.maximum(o, 0) - y * o + np.log1p(np.exp(-np.abs(o)))).mean(axis=1))
        with np.errstate(divide="ignore"):
            terms = _times(y, np.log(o)) + _times(1 - y, np.log1p(-o))
        return np.asarray(-terms.mean(axis=1))


LOSSES: dict[str, Loss] = {loss.name: loss for loss in (MSE(), CrossEntropy(), BinaryCrossEntropy())}


def get(loss: str | Loss) -> Loss:
    """The loss of that name, or itself."""
    return _checks.look_up("loss", loss, Loss, LOSSES)
