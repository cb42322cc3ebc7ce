"""Losses of classes: cross-entropies and their kin, which follow a softmax, a sigmoid or a log-softmax."""

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from fastprop import _checks
from fastprop._arithmetic import standard_arithmetic
from fastprop._values import frozen
from fastprop.activations import Activation, Sigmoid, Softmax
from fastprop.losses._base import Array, Loss, Targets, times
from fastprop.losses._probabilities import (
    ThroughActivation,
    check_ignored,
    check_length,
    ignored,
    label_weights,
    per_output,
)

__all__ = ["NLL", "BinaryCrossEntropy", "CrossEntropy", "KLDivergence"]


@frozen
class CrossEntropy(ThroughActivation):
    """Cross-entropy over classes, after a last layer of "softmax".

    With o the probabilities of n classes and y one-hot, or any probabilities::

        C = mean over rows of -sum_j y_j log(o_j)           dC/dz = (o - y) / m

    y may hold class labels, integers in 0..n - 1, or rows that sum to 1. Computed from z as
    ``log(sum_j exp(z_j)) - z_y``, which neither overflows nor takes the log of 0.

    Parameters
    ----------
    from_logits : bool, default False
        The last layer is "identity" and o is z, as PyTorch's ``CrossEntropyLoss`` has it.
    label_smoothing : float, default 0.0
        In 0..1: y becomes ``(1 - label_smoothing) y + label_smoothing / n``.
    class_weight : sequence of float, optional
        A weight for each class, c_j, from 0 on: terms become ``-c_j y_j log(o_j)``. Of labels the mean divides by the
        sum of the rows' classes' weights, of rows of probabilities by the number of rows, as in PyTorch, where it is
        called ``weight``. A ``class_weight`` in `Trainer.fit` weighs the metrics too.
    ignore_index : int, optional
        Rows with this label do not count, neither in the loss nor in the metrics; PyTorch's default is -100.

    References
    ----------
    J. S. Bridle (1990), "Probabilistic Interpretation of Feedforward Classification Network Outputs", Neurocomputing;
    label smoothing: C. Szegedy et al. (2016), "Rethinking the Inception Architecture for Computer Vision", CVPR.

    Examples
    --------
    >>> round(CrossEntropy()([[0.5, 0.25, 0.25]], [0]), 6)
    0.693147
    >>> round(CrossEntropy(from_logits=True)([[1000.0, 0.0]], [1]), 6)
    1000.0
    >>> round(CrossEntropy(class_weight=[1, 3])([[0.5, 0.5], [0.25, 0.75]], [0, 1]), 6)     # (log 2 + 3 log 4/3) / 4
    0.389048
    """

    name: ClassVar[str] = "cross_entropy"
    targets: ClassVar[Targets] = "classes"
    through: ClassVar[Activation | None] = Softmax()
    from_logits: bool = False
    label_smoothing: float = 0.0
    class_weight: tuple[float, ...] | None = None
    ignore_index: int | None = None

    def __post_init__(self) -> None:
        _checks.flag("from_logits", self.from_logits)
        _checks.number("label_smoothing", self.label_smoothing, low=0, high=1)
        object.__setattr__(self, "class_weight", per_output("class_weight", self.class_weight))
        check_ignored(self.ignore_index)

    def rows(self, o: Array, y: Array) -> Array:
        n = o.shape[1]
        weights = np.ones(n) if self.class_weight is None else np.array(self.class_weight)
        targets = weights * ((1 - self.label_smoothing) * y + self.label_smoothing / n)
        return np.asarray(-times(targets, self._logs(o)).sum(axis=1))

    @standard_arithmetic()
    def kernel(self, n_outputs: int) -> tuple[Any, tuple[float, ...], int]:
        if self.class_weight is None and not self.label_smoothing:
            return self.name, (), n_outputs
        smoothing = float(self.label_smoothing)
        weights = self.class_weight or (1.0,) * n_outputs
        return "adjusted_cross_entropy", (1 - smoothing, smoothing / n_outputs, *weights), n_outputs

    def check_output(self, activation: Activation, n_outputs: int) -> None:
        ThroughActivation.check_output(self, activation, n_outputs)
        check_length("class_weight", self.class_weight, n_outputs)

    def ignore(self, name: str, y: Any) -> tuple[Array | None, Any]:
        return ignored(name, y, self.ignore_index)

    def class_weights(self, y: Array, n_outputs: int) -> Array | None:
        return label_weights(y, self.class_weight)


@frozen
class NLL(Loss):
    """Negative log-likelihood of classes, after a last layer of "log_softmax".

    With o the logarithms of n classes' probabilities and y one-hot, or any probabilities::

        C = mean over rows of -sum_j y_j o_j                dC/do = -y / m

    as PyTorch's ``NLLLoss``: the value and the gradient of `CrossEntropy`, with ``predict`` giving logarithms.

    Parameters
    ----------
    class_weight, ignore_index
        As in `CrossEntropy`.

    Examples
    --------
    >>> NLL()([[-0.5, -1.5], [-3.0, -0.25]], [0, 1])
    0.375
    """

    name: ClassVar[str] = "nll"
    targets: ClassVar[Targets] = "classes"
    class_weight: tuple[float, ...] | None = None
    ignore_index: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "class_weight", per_output("class_weight", self.class_weight))
        check_ignored(self.ignore_index)

    def rows(self, o: Array, y: Array) -> Array:
        weights = np.ones(o.shape[1]) if self.class_weight is None else np.array(self.class_weight)
        return np.asarray(-times(weights * y, o).sum(axis=1))

    def settings(self, n_outputs: int) -> tuple[float, ...]:
        return self.class_weight or (1.0,) * n_outputs

    def _check_outputs(self, o: Array) -> None:
        wrong = np.argwhere(~(o <= 1e-6))
        if wrong.size:
            row, column = wrong[0]
            raise ValueError(f"o[{row}, {column}] = {o[row, column]:g} is no logarithm of a probability")

    def check_output(self, activation: Activation, n_outputs: int) -> None:
        if activation.name != "log_softmax":
            raise ValueError(
                f"NLL follows a last layer of 'log_softmax', but the network's is {activation.name!r};"
                " CrossEntropy follows 'softmax'"
            )
        check_length("class_weight", self.class_weight, n_outputs)

    def ignore(self, name: str, y: Any) -> tuple[Array | None, Any]:
        return ignored(name, y, self.ignore_index)

    def class_weights(self, y: Array, n_outputs: int) -> Array | None:
        return label_weights(y, self.class_weight)


@frozen
class BinaryCrossEntropy(ThroughActivation):
    """Cross-entropy of independent yes-or-no outputs, after a last layer of "sigmoid".

    With o the probabilities and y 0, 1 or anything between::

        C = mean over rows and outputs of -(y log(o) + (1 - y) log(1 - o))        dC/dz = (o - y) / (m n)

    Computed from z as ``max(z, 0) - y z + log(1 + exp(-|z|))``, which neither overflows nor takes the log of 0.

    Parameters
    ----------
    from_logits : bool, default False
        The last layer is "identity" and o is z, as PyTorch's ``BCEWithLogitsLoss`` has it.
    label_smoothing : float, default 0.0
        In 0..1: y becomes ``(1 - label_smoothing) y + label_smoothing / 2``, as in Keras.
    pos_weight : float or sequence of float, optional
        Multiplies ``y log(o)``: above 1 for fewer misses, below 1 for fewer false alarms; a number for each output, or
        one for all, as PyTorch's.

    Examples
    --------
    >>> round(BinaryCrossEntropy()([0.5, 0.9], [1, 1]), 6)
    0.399254
    >>> round(BinaryCrossEntropy(pos_weight=3)([0.5, 0.5], [1, 0]), 6)                      # 2 log 2
    1.386294
    """

    name: ClassVar[str] = "binary_cross_entropy"
    targets: ClassVar[Targets] = "probabilities"
    through: ClassVar[Activation | None] = Sigmoid()
    from_logits: bool = False
    label_smoothing: float = 0.0
    pos_weight: float | tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        _checks.flag("from_logits", self.from_logits)
        _checks.number("label_smoothing", self.label_smoothing, low=0, high=1)
        if isinstance(self.pos_weight, Iterable):
            object.__setattr__(self, "pos_weight", per_output("pos_weight", self.pos_weight))
        elif self.pos_weight is not None:
            _checks.number("pos_weight", self.pos_weight, low=0)

    def rows(self, o: Array, y: Array) -> Array:
        targets = (1 - self.label_smoothing) * y + self.label_smoothing / 2
        yes, no = self._binary_logs(o)
        terms = times(np.array(self._pos_weights(o.shape[1])) * targets, yes) + times(1 - targets, no)
        return np.asarray(-terms.mean(axis=1))

    def _pos_weights(self, n_outputs: int) -> tuple[float, ...]:
        if isinstance(self.pos_weight, tuple):
            return self.pos_weight
        return (1.0 if self.pos_weight is None else float(self.pos_weight),) * n_outputs

    @standard_arithmetic()
    def kernel(self, n_outputs: int) -> tuple[Any, tuple[float, ...], int]:
        if self.pos_weight is None and not self.label_smoothing:
            return self.name, (), n_outputs
        smoothing = float(self.label_smoothing)
        settings = (1 - smoothing, smoothing / 2, *self._pos_weights(n_outputs))
        return "adjusted_binary_cross_entropy", settings, n_outputs

    def check_output(self, activation: Activation, n_outputs: int) -> None:
        ThroughActivation.check_output(self, activation, n_outputs)
        if isinstance(self.pos_weight, tuple):
            check_length("pos_weight", self.pos_weight, n_outputs)


@frozen
class KLDivergence(ThroughActivation):
    """The Kullback-Leibler divergence of probabilities from their targets, after a last layer of "softmax".

    With o and y the probabilities of n classes, each row's of sum 1::

        C = mean over rows of sum_j y_j log(y_j / o_j)      dC/dz = (o - y) / m

    that is `CrossEntropy` less y's entropy: 0 where o is y. As Keras's ``KLDivergence``, and PyTorch's ``KLDivLoss``
    with ``reduction="batchmean"`` (its default divides by the outputs too), which is given log(o). Computed from z.

    Parameters
    ----------
    from_logits : bool, default False
        The last layer is "identity" and o is z.

    References
    ----------
    S. Kullback & R. A. Leibler (1951), "On Information and Sufficiency", Ann. Math. Statist. 22(1), 79-86.

    Examples
    --------
    >>> KLDivergence()([[0.5, 0.5]], [[0.5, 0.5]])
    0.0
    >>> round(KLDivergence()([[0.5, 0.5]], [[1.0, 0.0]]), 6)
    0.693147
    """

    name: ClassVar[str] = "kl_divergence"
    targets: ClassVar[Targets] = "classes"
    through: ClassVar[Activation | None] = Softmax()
    from_logits: bool = False

    def __post_init__(self) -> None:
        _checks.flag("from_logits", self.from_logits)

    def rows(self, o: Array, y: Array) -> Array:
        return np.asarray((times(y, np.log(np.where(y > 0, y, 1))) - times(y, self._logs(o))).sum(axis=1))
