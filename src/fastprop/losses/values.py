"""Losses of numbers: squared and absolute errors and what lies between, quantiles, and directions."""

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from fastprop import _checks
from fastprop._arithmetic import standard_arithmetic
from fastprop._values import frozen
from fastprop.activations import Activation
from fastprop.losses._base import Array, Loss

__all__ = ["MAE", "MSE", "CosineSimilarity", "Huber", "LogCosh", "Quantile", "SmoothL1"]


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
class MAE(Loss):
    """Mean absolute error: its best constant is the median, and outliers pull no harder than others.

    ::

        C = mean over rows and outputs of |o - y|           dC/do = sign(o - y) / (m n), 0 where o = y

    as PyTorch's ``L1Loss`` and Keras's ``MeanAbsoluteError``.

    Examples
    --------
    >>> MAE()([[1.0, -2.0]], [[0.0, 0.0]])
    1.5
    """

    name: ClassVar[str] = "mae"

    def rows(self, o: Array, y: Array) -> Array:
        return np.asarray(abs(o - y).mean(axis=1))


@frozen
class Huber(Loss):
    """Squared error near zero, absolute error beyond ``delta``.

    With ``e = o - y``, the mean over rows and outputs of::

        C = e**2 / 2 if |e| <= delta, else delta (|e| - delta / 2)        dC/de = e within -delta..delta

    as PyTorch's ``HuberLoss``; Keras does the same.

    Parameters
    ----------
    delta : float, default 1.0
        Where the parabola turns into a line, in the target's unit; positive.

    References
    ----------
    P. J. Huber (1964), "Robust Estimation of a Location Parameter", Ann. Math. Statist. 35(1), 73-101, eq. 1.

    Examples
    --------
    >>> Huber(delta=1.0)([[0.5, 3.0]], [[0.0, 0.0]])
    1.3125
    """

    name: ClassVar[str] = "huber"
    delta: float = 1.0

    def __post_init__(self) -> None:
        _checks.positive("delta", self.delta)

    def rows(self, o: Array, y: Array) -> Array:
        size = abs(o - y)
        near = np.minimum(size, self.delta)
        return np.asarray((near * (size - near / 2)).mean(axis=1))

    def settings(self, n_outputs: int) -> tuple[float, ...]:
        return float(self.delta), 1.0


@frozen
class SmoothL1(Loss):
    """Absolute error whose corner is rounded off within ``beta``: `Huber` with that delta, divided by it.

    With ``e = o - y``, the mean over rows and outputs of::

        C = e**2 / (2 beta) if |e| < beta, else |e| - beta / 2            dC/de = e / beta within -1..1

    as PyTorch's ``SmoothL1Loss``.

    Parameters
    ----------
    beta : float, default 1.0
        In the target's unit; 0 gives `MAE`.

    References
    ----------
    R. Girshick (2015), "Fast R-CNN", ICCV, eq. 3.

    Examples
    --------
    >>> SmoothL1(beta=2.0)([[1.0, 3.0]], [[0.0, 0.0]])
    1.125
    """

    name: ClassVar[str] = "smooth_l1"
    beta: float = 1.0

    def __post_init__(self) -> None:
        _checks.number("beta", self.beta, low=0)

    def rows(self, o: Array, y: Array) -> Array:
        if not self.beta:
            return MAE().rows(o, y)
        return Huber(self.beta).rows(o, y) / self.beta

    @standard_arithmetic()
    def kernel(self, n_outputs: int) -> tuple[Any, tuple[float, ...], int]:
        if not self.beta:
            return MAE().kernel(n_outputs)
        return "huber", (float(self.beta), 1 / self.beta), n_outputs


@frozen
class LogCosh(Loss):
    """The logarithm of the error's hyperbolic cosine: smooth everywhere, e**2 / 2 near zero, |e| - log(2) far away.

    ::

        C = mean over rows and outputs of log(cosh(o - y))                dC/do = tanh(o - y) / (m n)

    as Keras's ``LogCosh``; computed without overflow, and without cancellation near zero.

    Examples
    --------
    >>> round(LogCosh()([[1.0, 1000.0]], [[0.0, 0.0]]), 6)
    499.870317
    """

    name: ClassVar[str] = "log_cosh"

    def rows(self, o: Array, y: Array) -> Array:
        size = abs(o - y)
        t = np.expm1(-size)
        near, far = np.log1p(t * t / (2 * (1 + t + (size > 1)))), size + np.log1p(np.exp(-2 * size)) - np.log(2)
        return np.asarray(np.where(size > 1, far, near).mean(axis=1))


@frozen
class Quantile(Loss):
    """The pinball loss, whose best constant is a quantile: of each target one, or several at once.

    With ``e = y - o``, the mean over rows and outputs of::

        C = max(q e, (q - 1) e)        dC/do = -q where o < y, 1 - q where o > y, 0 where o = y

    For one quantile it is scikit-learn's ``mean_pinball_loss``. With Q quantiles a network has Q outputs for each of T
    targets, target by target: output ``t Q + i`` is target t's quantile i, so that ``o.reshape(m, T, Q)`` is a row's
    targets by quantiles. y is (m, T), or (m,) for one target.

    Parameters
    ----------
    quantiles : float or sequence of float, default 0.5
        Each between 0 and 1; 0.5 is the median.

    References
    ----------
    R. Koenker & G. Bassett (1978), "Regression Quantiles", Econometrica 46(1), 33-50.

    Examples
    --------
    >>> Quantile(0.9)([1.0, 1.0], [0.0, 3.0])                             # 0.1 and 1.8
    0.95
    >>> round(Quantile([0.1, 0.5, 0.9])([[1.0, 2.0, 3.0]], [2.5]), 6)     # 0.15, 0.25 and 0.05
    0.15
    """

    name: ClassVar[str] = "quantile"
    quantiles: tuple[float, ...] = (0.5,)

    def __post_init__(self) -> None:
        given: Any = self.quantiles
        several = isinstance(given, Iterable) and not isinstance(given, str)
        quantiles = tuple(given) if several else (given,)
        if not quantiles:
            raise ValueError("quantiles is empty; at least one, between 0 and 1, is wanted")
        for i, quantile in enumerate(quantiles):
            name = f"quantiles[{i}]" if several else "quantiles"
            if not 0 < _checks.number(name, quantile, low=0, high=1) < 1:
                raise ValueError(f"{name} must be between 0 and 1, but is {quantile}")
        object.__setattr__(self, "quantiles", tuple(float(quantile) for quantile in quantiles))

    def rows(self, o: Array, y: Array) -> Array:
        e = y[:, :, np.newaxis] - o.reshape(*y.shape, len(self.quantiles))
        q = np.array(self.quantiles)
        return np.asarray(np.maximum(q * e, (q - 1) * e).mean(axis=(1, 2)))

    def settings(self, n_outputs: int) -> tuple[float, ...]:
        return self.quantiles

    def n_targets(self, n_outputs: int) -> int:
        if n_outputs % len(self.quantiles):
            raise ValueError(
                f"{self!r} has {len(self.quantiles)} outputs for each target, but the network has {n_outputs} outputs"
            )
        return n_outputs // len(self.quantiles)

    def check_output(self, activation: Activation, n_outputs: int) -> None:
        self.n_targets(n_outputs)


@frozen
class CosineSimilarity(Loss):
    """How far each row's direction is from its target's: 0 for the same one, 1 for a right angle, 2 for the opposite.

    With ``N = sqrt((o . o + epsilon) (y . y + epsilon))``::

        C = mean over rows of 1 - o . y / N                dC/do = ((o . y / N) o / (o . o + epsilon) - y / N) / m

    as PyTorch's ``CosineEmbeddingLoss`` of pairs that belong together; Keras's ``CosineSimilarity`` is 1 less.

    Parameters
    ----------
    epsilon : float, default 1e-12
        Keeps vectors of length 0 from being divided by; positive.

    Examples
    --------
    >>> round(CosineSimilarity()([[1.0, 0.0], [0.0, 2.0]], [[3.0, 0.0], [4.0, 0.0]]), 6)
    0.5
    """

    name: ClassVar[str] = "cosine_similarity"
    epsilon: float = 1e-12

    def __post_init__(self) -> None:
        _checks.positive("epsilon", self.epsilon)

    def rows(self, o: Array, y: Array) -> Array:
        lengths = np.sqrt(((o * o).sum(axis=1) + self.epsilon) * ((y * y).sum(axis=1) + self.epsilon))
        return np.asarray(1 - (o * y).sum(axis=1) / lengths)

    def settings(self, n_outputs: int) -> tuple[float, ...]:
        return (float(self.epsilon),)
