"""Focal losses: cross-entropies in which what is already right counts little."""

from collections.abc import Iterable
from typing import ClassVar

import numpy as np

from fastprop import _checks
from fastprop._arithmetic import standard_arithmetic
from fastprop._values import frozen
from fastprop.activations import Activation, Sigmoid, Softmax
from fastprop.losses._base import Array, Targets, times
from fastprop.losses._probabilities import ThroughActivation, check_length, per_output

__all__ = ["BinaryFocal", "Focal"]


@frozen
class Focal(ThroughActivation):
    """The focal loss over classes, after a last layer of "softmax": rows that are already right count little.

    With o the probabilities of n classes and y one-hot, or any probabilities::

        C = mean over rows of -sum_j alpha_j y_j (1 - o_j)**gamma log(o_j)

    as Keras's ``CategoricalFocalCrossentropy``; computed from z. With ``gamma=0, alpha=None`` it is `CrossEntropy`.

    Parameters
    ----------
    gamma : float, default 2.0
        How much less those count; 0 or more.
    alpha : float, sequence of float or None, default 0.25
        A weight for each class, or one for all; None for 1.
    from_logits : bool, default False
        The last layer is "identity" and o is z.

    References
    ----------
    T.-Y. Lin, P. Goyal, R. Girshick, K. He & P. Dollar (2017), "Focal Loss for Dense Object Detection", ICCV.

    Examples
    --------
    >>> round(Focal()([[0.5, 0.5]], [0]), 6)                    # log(2) / 16
    0.043322
    """

    name: ClassVar[str] = "focal"
    targets: ClassVar[Targets] = "classes"
    through: ClassVar[Activation | None] = Softmax()
    gamma: float = 2.0
    alpha: float | tuple[float, ...] | None = 0.25
    from_logits: bool = False

    def __post_init__(self) -> None:
        _checks.number("gamma", self.gamma, low=0)
        if isinstance(self.alpha, Iterable):
            object.__setattr__(self, "alpha", per_output("alpha", self.alpha))
        elif self.alpha is not None:
            _checks.positive("alpha", self.alpha)
        _checks.flag("from_logits", self.from_logits)

    def _weights(self, n_outputs: int) -> tuple[float, ...]:
        if isinstance(self.alpha, tuple):
            return self.alpha
        return (1.0 if self.alpha is None else float(self.alpha),) * n_outputs

    def rows(self, o: Array, y: Array) -> Array:
        logs = self._logs(o)
        targets = np.array(self._weights(o.shape[1])) * y * (-np.expm1(logs)) ** self.gamma
        return np.asarray(-times(targets, logs).sum(axis=1))

    def settings(self, n_outputs: int) -> tuple[float, ...]:
        return float(self.gamma), *self._weights(n_outputs)

    def check_output(self, activation: Activation, n_outputs: int) -> None:
        ThroughActivation.check_output(self, activation, n_outputs)
        if isinstance(self.alpha, tuple):
            check_length("alpha", self.alpha, n_outputs)


@frozen
class BinaryFocal(ThroughActivation):
    """The focal loss of independent yes-or-no outputs, after a last layer of "sigmoid".

    With o the probabilities and y 0, 1 or anything between, the mean over rows and outputs of::

        C = -(alpha y (1 - o)**gamma log(o) + (1 - alpha) (1 - y) o**gamma log(1 - o))

    as torchvision's ``sigmoid_focal_loss`` for y of 0 and 1, and Keras's ``BinaryFocalCrossentropy`` with
    ``apply_class_balancing=True``; computed from z. With ``gamma=0, alpha=None`` it is `BinaryCrossEntropy`.

    Parameters
    ----------
    gamma : float, default 2.0
        How much less outputs count that are already right; 0 or more.
    alpha : float or None, default 0.25
        The weight of yes, in 0..1, beside 1 - alpha of no; None for 1 each.
    from_logits : bool, default False
        The last layer is "identity" and o is z.

    References
    ----------
    T.-Y. Lin, P. Goyal, R. Girshick, K. He & P. Dollar (2017), "Focal Loss for Dense Object Detection", ICCV.

    Examples
    --------
    >>> round(BinaryFocal(alpha=None)([0.5, 0.5], [1, 0]), 6)   # log(2) / 4
    0.173287
    """

    name: ClassVar[str] = "binary_focal"
    targets: ClassVar[Targets] = "probabilities"
    through: ClassVar[Activation | None] = Sigmoid()
    gamma: float = 2.0
    alpha: float | None = 0.25
    from_logits: bool = False

    def __post_init__(self) -> None:
        _checks.number("gamma", self.gamma, low=0)
        if self.alpha is not None:
            _checks.number("alpha", self.alpha, low=0, high=1)
        _checks.flag("from_logits", self.from_logits)

    def rows(self, o: Array, y: Array) -> Array:
        yes, no = self._binary_logs(o)
        _, of_yes, of_no = self.settings(o.shape[1])
        terms = times(of_yes * y * np.exp(no) ** self.gamma, yes) + times(
            of_no * (1 - y) * np.exp(yes) ** self.gamma, no
        )
        return np.asarray(-terms.mean(axis=1))

    @standard_arithmetic()
    def settings(self, n_outputs: int) -> tuple[float, ...]:
        if self.alpha is None:
            return float(self.gamma), 1.0, 1.0
        return float(self.gamma), float(self.alpha), 1 - float(self.alpha)
