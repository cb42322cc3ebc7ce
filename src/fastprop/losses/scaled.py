"""A loss times a number."""

from typing import Any

import numpy as np

from fastprop import _checks
from fastprop._values import frozen
from fastprop.activations import Activation
from fastprop.losses._base import Array, Loss, Targets

__all__ = ["Scaled"]


@frozen
class Scaled(Loss):
    """A loss times a number above 0, and its gradient with it: ``0.5 * MSE()`` is short for it.

    For another library's factors: scikit-learn's MLP has half of the squared error, and sums where fastprop averages
    over outputs, ``n * BinaryCrossEntropy()``.

    Parameters
    ----------
    factor : float
    loss : Loss

    Examples
    --------
    >>> from fastprop.losses import MSE
    >>> half = 0.5 * MSE()
    >>> half, half([[1.0, 2.0]], [[0.0, 0.0]])
    (0.5 * MSE(), 1.25)
    """

    factor: float
    loss: Loss

    def __post_init__(self) -> None:
        object.__setattr__(self, "factor", _checks.positive("factor", self.factor))
        if not isinstance(self.loss, Loss):
            raise TypeError(f"loss is a loss, such as MSE(), not {_checks.describe(self.loss)}")
        if isinstance(self.loss, Scaled):
            object.__setattr__(self, "factor", self.factor * self.loss.factor)
            object.__setattr__(self, "loss", self.loss.loss)

    def __repr__(self) -> str:
        return f"{self.factor:g} * {self.loss!r}"

    @property
    def name(self) -> str:  # type: ignore[override]
        return self.loss.name

    @property
    def targets(self) -> Targets:  # type: ignore[override]
        return self.loss.targets

    @property
    def through(self) -> Activation | None:  # type: ignore[override]
        return self.loss.through

    @property
    def from_logits(self) -> bool:
        return bool(getattr(self.loss, "from_logits", False))

    def rows(self, o: Array, y: Array) -> Array:
        return self.factor * self.loss.rows(o, y)

    def settings(self, n_outputs: int) -> tuple[float, ...]:
        return self.loss.settings(n_outputs)

    def n_targets(self, n_outputs: int) -> int:
        return self.loss.n_targets(n_outputs)

    def kernel(self, n_outputs: int) -> tuple[Any, ...]:
        return *self.loss.kernel(n_outputs), self.factor

    def _check_outputs(self, o: Array) -> None:
        self.loss._check_outputs(o)

    def check_output(self, activation: Activation, n_outputs: int) -> None:
        self.loss.check_output(activation, n_outputs)

    def check_targets(self, name: str, y: Any, n_outputs: int, dtype: np.dtype[Any]) -> Array:
        return self.loss.check_targets(name, y, n_outputs, dtype)

    def ignore(self, name: str, y: Any) -> tuple[Array | None, Any]:
        return self.loss.ignore(name, y)

    def class_weights(self, y: Array, n_outputs: int) -> Array | None:
        return self.loss.class_weights(y, n_outputs)
