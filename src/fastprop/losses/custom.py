"""A loss that is a Python function."""

from collections.abc import Callable
from typing import Any

import numpy as np

from fastprop import _checks
from fastprop._values import frozen
from fastprop.losses._base import Array, Loss, Targets

__all__ = ["CustomLoss"]

Function = Callable[[Array, Array], tuple[Any, Any]]
TARGETS = ("values", "classes", "probabilities", "sides")


@frozen
class CustomLoss(Loss):
    """A loss of your own: a Python function of outputs and targets that returns its value and its gradient.

    ``function(o, y)`` is called once for each batch, with arrays of the network's type, o (m, n_outputs) and y
    (m, n_targets), and returns either of::

        losses (m,), gradient (m, n_outputs)            each row's C_i, and dC_i/do_i
        loss, a number, gradient (m, n_outputs)         C, the mean over the rows, and dC/do

    Rows can be weighted in the first form alone. What the function raises ends the call that trains or evaluates, which
    raises it unchanged; the network is then as after the last whole batch. A batch waits for Python meanwhile, and
    the results are those of NumPy's sums and functions: the promise of the same bits on all machines does not hold. A
    file cannot hold a function, so that a trainer with one cannot be saved; its model can.

    Parameters
    ----------
    function : callable
        Called by the thread that trains, with copies that it may keep.
    name : str, optional
        What to call it; the function's own name by default.
    targets : "values", "classes", "probabilities" or "sides", default "values"
        How y is checked; for "classes" the function gets one-hot rows.

    Examples
    --------
    >>> def quartic(o, y):
    ...     e = o - y
    ...     return (e**4).mean(axis=1), 4 * e**3 / e.shape[1]
    >>> CustomLoss(quartic)([[1.0, 2.0]], [[0.0, 0.0]])
    8.5
    """

    function: Function
    name: str = ""  # type: ignore[misc]
    targets: Targets = "values"  # type: ignore[misc]

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise TypeError(f"function is called with o and y, but {_checks.describe(self.function)} cannot be")
        if not isinstance(self.name, str):
            raise TypeError(f"name is a text, not {_checks.describe(self.name)}")
        _checks.choice("targets", self.targets, TARGETS)
        if not self.name:
            object.__setattr__(self, "name", getattr(self.function, "__name__", type(self.function).__name__))

    def kernel(self, n_outputs: int) -> tuple[Any, tuple[float, ...], int]:
        return self.scores, (), n_outputs

    def rows(self, o: Array, y: Array) -> Array:
        return self._value_and_gradient(o, y, weighted=False)[0]

    def scores(self, o: Array, y: Array, w: Array | None, scale: float) -> tuple[Array, Array]:
        """What a loss's kernel computes: the rows' weighted losses, and the gradient of the weighted mean."""
        losses, gradient = self._value_and_gradient(o, y, weighted=w is not None)
        weights = np.ones(len(o)) if w is None else w.astype(float)
        delta = gradient * (weights * scale)[:, np.newaxis]
        return np.ascontiguousarray(losses * weights), np.ascontiguousarray(delta.astype(o.dtype))

    def _value_and_gradient(self, o: Array, y: Array, *, weighted: bool) -> tuple[Array, Array]:
        returned = self.function(o, y)
        if not isinstance(returned, (tuple, list)) or len(returned) != 2:
            raise TypeError(f"{self.name} returns (losses, gradient), not {_checks.describe(returned)}")
        losses, gradient = (np.asarray(part, dtype=float) for part in returned)
        if gradient.shape != o.shape:
            raise ValueError(f"{self.name} returned a gradient of shape {gradient.shape}; o's, {o.shape}, is wanted")
        if losses.ndim == 0:
            if weighted:
                raise ValueError(
                    f"{self.name} returned a mean, but rows have weights; return each row's loss, ({len(o)},)"
                )
            return np.full(len(o), float(losses)), gradient * len(o)
        if losses.shape != (len(o),):
            raise ValueError(
                f"{self.name} returned losses of shape {losses.shape};"
                f" one for each row, ({len(o)},), or a number is wanted"
            )
        return losses, gradient
