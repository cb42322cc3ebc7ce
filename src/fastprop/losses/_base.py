"""What a loss is: a frozen value with a plain NumPy definition, the numbers that its kernel reads, and what it asks of
targets and networks.
"""

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastprop import _checks
from fastprop.activations import Activation

__all__ = ["Array", "Loss", "Targets", "times"]

Array = NDArray[Any]
Targets = Literal["values", "classes", "probabilities", "sides"]
FLOAT64 = np.dtype(np.float64)
POSITIVE = ("softplus", "exponential", "sigmoid", "softmax", "relu", "relu6", "hard_sigmoid")


class Loss:
    """A loss; call it on arrays, ``loss(o, y)``, for its value.

    Attributes
    ----------
    name : str
        Its name, "mse" and so on.
    targets : "values", "classes", "probabilities" or "sides"
        What y holds: numbers; class labels or one-hot rows; numbers in 0..1; or the two sides of a margin, 1 and
        either 0 or -1.
    through : Activation or None
        The last activation that it belongs to, if it belongs to one.
    """

    __slots__ = ()
    name: ClassVar[str]
    targets: ClassVar[Targets] = "values"
    through: ClassVar[Activation | None] = None

    def rows(self, o: Array, y: Array) -> Array:
        """Each row's loss, for matrices o (m, n_outputs) and y (m, n_targets)."""
        raise NotImplementedError

    def settings(self, n_outputs: int) -> tuple[float, ...]:
        """Its numbers, in the order in which the kernel reads them."""
        return ()

    def n_targets(self, n_outputs: int) -> int:
        """How many columns y has beside that many outputs."""
        return n_outputs

    def kernel(self, n_outputs: int) -> tuple[Any, ...]:
        """The kernel that computes it, as the engine asks for it: name, settings, columns of y; and maybe a factor."""
        return self.name, self.settings(n_outputs), self.n_targets(n_outputs)

    @property
    def threshold(self) -> float:
        """Where an output turns from no to yes."""
        return 0.0 if self.targets == "sides" or getattr(self, "from_logits", False) else 0.5

    def __mul__(self, factor: float) -> "Loss":
        from fastprop.losses.scaled import Scaled

        return Scaled(factor, self)

    __rmul__ = __mul__

    def __call__(self, o: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        o = self._outputs(o)
        counted, y = self.ignore("y", y)
        y = self.check_targets("y", y, o.shape[1], FLOAT64)
        _checks.same_length("y", y, len(o), "o")
        w = None if sample_weight is None else _checks.weights("sample_weight", sample_weight, len(y), FLOAT64)
        w = w if counted is None else counted * (1.0 if w is None else w)
        of_class = self.class_weights(y, o.shape[1])
        rows = self.rows(o, np.eye(o.shape[1])[y] if y.ndim == 1 else np.asarray(y, dtype=float))
        if w is None and of_class is None:
            return float(rows.mean())
        if of_class is None:
            return float(np.average(rows, weights=w))
        w = np.ones(len(y)) if w is None else w
        return float((w * rows).sum() / (w * of_class).sum())

    def _outputs(self, o: ArrayLike) -> Array:
        o = np.asarray(_checks.plain_numbers("o", _checks.as_array("o", o)), dtype=float)
        if o.ndim == 1:
            o = o[:, np.newaxis]
        if o.ndim != 2:
            raise ValueError(f"o is {o.ndim}-dimensional (shape {o.shape}), but (m, n_outputs) is wanted")
        self._check_outputs(o)
        return o

    def _check_outputs(self, o: Array) -> None:
        """Refuse outputs that the loss is not defined for."""

    def check_output(self, activation: Activation, n_outputs: int) -> None:
        """Refuse a network whose last layer the loss cannot follow."""

    def check_targets(self, name: str, y: Any, n_outputs: int, dtype: np.dtype[Any]) -> Array:
        """Y as the engine reads it, (m, n_targets) or labels (m,), or an error that says what is wrong."""
        if self.targets == "classes":
            return _checks.classes(name, y, n_outputs, dtype)
        if self.targets == "probabilities":
            return _checks.probabilities(name, y, n_outputs, dtype)
        array = _checks.values(name, y, self.n_targets(n_outputs), dtype)
        if self.targets == "sides":
            _checks.sides(name, array)
        return array

    def ignore(self, name: str, y: Any) -> tuple[Array | None, Any]:
        """Which rows count, (m,), or None for all; and y with a harmless target in the others."""
        return None, y

    def class_weights(self, y: Array, n_outputs: int) -> Array | None:
        """By what to multiply each row's weight in the sum that the loss is divided by; None for 1."""
        return None

    def _check_positive_output(self, activation: Activation, otherwise: str) -> None:
        """Where o is a mean above 0."""
        from fastprop.activations import ACTIVATIONS

        if activation.name in ACTIVATIONS and activation.name not in POSITIVE:
            raise ValueError(
                f"{self!r} takes outputs above 0, but the network's last layer is {activation.name!r};"
                f" end it with activation='softplus' or 'exponential', or use {otherwise}"
            )


def times(y: Array, logs: Array) -> Array:
    """The product y * logs, where 0 times the log of 0 is 0."""
    return np.multiply(y, logs, where=y != 0, out=np.zeros_like(logs))
