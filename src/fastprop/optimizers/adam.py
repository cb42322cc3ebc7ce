"""Adam and its kin: moving averages of the gradient and of its square, corrected for their beginning at 0."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastprop._arithmetic import core, whole_power
from fastprop._values import frozen
from fastprop.optimizers.base import Array, Number, Optimizer, Reals, Values, flag, number

__all__ = ["Adam", "AdamW", "Adamax", "NAdam", "RAdam"]

MU_DECAY = 0.96  # of NAdam's momentum
TABLE = 256  # powers that are computed by themselves; the others are products of two of these
VANISHED = 45  # beta**t is below exp(-45) = 3e-20 where t (1 - beta) is more, and lost beside 1


@frozen
class Adam(Optimizer):
    """Steps along a moving average of the gradient, over the root of one of its square. At step t, counted from 1::

        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2                u = v, or with amsgrad the largest v so far
        theta = theta - learning_rate / (1 - beta_1**t) * m / (sqrt(u / (1 - beta_2**t)) + epsilon)

    With ``epsilon_hat=True`` epsilon is added to the root before its correction, as in Keras and scikit-learn::

        theta = theta - learning_rate * sqrt(1 - beta_2**t) / (1 - beta_1**t) * m / (sqrt(u) + epsilon)

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.001
    beta_1, beta_2 : float or Schedule, default 0.9, 0.999
        Shares of m and v kept at each step, in 0..1, 1 excluded.
    epsilon : float or Schedule, default 1e-8
        Above 0. Keras's default is 1e-7, of the other form.
    amsgrad : bool, default False
        Divide by the largest v so far (Reddi, Kale & Kumar 2018).
    epsilon_hat : bool, default False
        Where epsilon stands.
    **options
        As for every `Optimizer`. A weight decay is coupled, as in ``torch.optim.Adam``; `AdamW`'s is not.

    References
    ----------
    D. P. Kingma & J. Ba (2015), "Adam: A Method for Stochastic Optimization", ICLR, Algorithm 1; S. J. Reddi, S. Kale &
    S. Kumar (2018), "On the Convergence of Adam and Beyond", ICLR; ``torch.optim.Adam``.

    Examples
    --------
    >>> Adam(0.01, beta_2=0.99)
    Adam(learning_rate=0.01, beta_1=0.9, beta_2=0.99, epsilon=1e-08, amsgrad=False, weight_decay=0.0)
    """

    name: ClassVar[str] = "adam"

    learning_rate: Number = number(0.001)
    _: KW_ONLY
    beta_1: Number = number(0.9, high=1, open_high=True)
    beta_2: Number = number(0.999, high=1, open_high=True)
    epsilon: Number = number(1e-8, positive=True)
    amsgrad: bool = flag()
    epsilon_hat: bool = flag(quiet=True)

    @property
    def kernel(self) -> str:
        return "amsgrad" if self.amsgrad else "adam"

    @property
    def states(self) -> tuple[str, ...]:
        return ("m", "v", "v_max") if self.amsgrad else ("m", "v")

    @property
    def settled(self) -> float:
        return _vanished(self.beta_1, self.beta_2)

    def rule_settings(self, now: Mapping[str, Any], t: NDArray[np.int64]) -> Sequence[Values]:
        left = np.sqrt(1 - _powers(now["beta_2"], t))
        step = now["learning_rate"] / (1 - _powers(now["beta_1"], t))
        c, step = (1.0, step * left) if self.epsilon_hat else (1 / left, step)
        return *_shares(now), c, now["epsilon"], -step

    def rule(self, theta: Array, g: Array, state: Array, now: Mapping[str, float], t: int) -> None:
        m, v = state[:2]
        _average(m, v, g, now)
        u = v
        if self.amsgrad:
            u = np.maximum(state[2], v, out=state[2])
        rate = now["learning_rate"] / (1 - now["beta_1"] ** t)
        left = 1 - now["beta_2"] ** t
        if self.epsilon_hat:
            theta -= rate * math.sqrt(left) * m / (np.sqrt(u) + now["epsilon"])
        else:
            theta -= rate * m / (np.sqrt(u / left) + now["epsilon"])


@frozen
class AdamW(Adam):
    """Adam with decoupled weight decay::

        theta = theta * (1 - learning_rate * weight_decay)
        theta = Adam's step, from the gradient without decay

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.001
    beta_1, beta_2, epsilon, amsgrad, epsilon_hat
        As for `Adam`.
    weight_decay : float or Schedule, default 0.01
        PyTorch's default; Keras's is 0.004.
    decoupled_weight_decay : bool, default True
    **options
        As for every `Optimizer`.

    References
    ----------
    I. Loshchilov & F. Hutter (2019), "Decoupled Weight Decay Regularization", ICLR; ``torch.optim.AdamW``.

    Examples
    --------
    >>> AdamW(weight_decay=0.05)
    AdamW(learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-08, amsgrad=False, weight_decay=0.05)
    """

    name: ClassVar[str] = "adamw"

    weight_decay: Number = number(0.01)
    decoupled_weight_decay: bool = flag(True, quiet=True)


@frozen
class NAdam(Optimizer):
    """Adam that looks ahead along its momentum, as Nesterov's. With m and v as in Adam, at step t, counted from 1::

        mu(t) = beta_1 * (1 - 0.96**(t * momentum_decay) / 2)
        p = mu(1) * mu(2) * ... * mu(t)
        h = (1 - mu(t)) / (1 - p) * g + mu(t + 1) / (1 - p * mu(t + 1)) * m
        theta = theta - learning_rate * h / (sqrt(v / (1 - beta_2**t)) + epsilon)

    Keras's Nadam has the same mu with a fixed decay of 0.004.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.002
    beta_1 : float, default 0.9
        In 0..1, 1 excluded; no schedule, since p depends on all steps before.
    beta_2 : float or Schedule, default 0.999
    epsilon : float or Schedule, default 1e-8
        Above 0.
    momentum_decay : float, default 0.004
        How slowly the momentum grows, 0 or more.
    **options
        As for every `Optimizer`.

    References
    ----------
    T. Dozat (2016), "Incorporating Nesterov Momentum into Adam", ICLR Workshop; ``torch.optim.NAdam``.

    Examples
    --------
    >>> NAdam()
    NAdam(learning_rate=0.002, beta_1=0.9, beta_2=0.999, epsilon=1e-08, momentum_decay=0.004, weight_decay=0.0)
    """

    name: ClassVar[str] = "nadam"

    learning_rate: Number = number(0.002)
    _: KW_ONLY
    beta_1: Number = number(0.9, scheduled=False, high=1, open_high=True)
    beta_2: Number = number(0.999, high=1, open_high=True)
    epsilon: Number = number(1e-8, positive=True)
    momentum_decay: Number = number(0.004, scheduled=False)

    @property
    def states(self) -> tuple[str, ...]:
        return "m", "v"

    @property
    def settled(self) -> float:
        return math.inf

    def rule_settings(self, now: Mapping[str, Any], t: NDArray[np.int64]) -> Sequence[Values]:
        mu, ahead = self._mu(now, t), self._mu(now, t + 1)
        p = self._products(now, t)
        rate = now["learning_rate"]
        c = 1 / np.sqrt(1 - _powers(now["beta_2"], t))
        return *_shares(now), c, now["epsilon"], -rate * (1 - mu) / (1 - p), -rate * ahead / (1 - p * ahead)

    def _mu(self, now: Mapping[str, Any], t: Any) -> Reals:
        log = float(core("log", [MU_DECAY])[0])
        return np.asarray(now["beta_1"] * (1 - 0.5 * core("exp", np.asarray(t * now["momentum_decay"] * log, float))))

    def _products(self, now: Mapping[str, Any], t: NDArray[np.int64]) -> Reals:
        """mu(1) ... mu(t), from the first on at every call, but no further than they matter beside 1."""
        last = int(min(t[-1], _vanished(now["beta_1"])))
        so_far = np.multiply.accumulate(self._mu(now, np.arange(1, last + 1)))
        return np.asarray(so_far[np.minimum(t, last) - 1])

    def rule(self, theta: Array, g: Array, state: Array, now: Mapping[str, float], t: int) -> None:
        m, v = state
        _average(m, v, g, now)
        mu = [now["beta_1"] * (1 - 0.5 * MU_DECAY ** (i * now["momentum_decay"])) for i in range(1, t + 2)]
        p = math.prod(mu[:-1])
        h = (1 - mu[-2]) / (1 - p) * g + mu[-1] / (1 - p * mu[-1]) * m
        theta -= now["learning_rate"] * h / (np.sqrt(v / (1 - now["beta_2"] ** t)) + now["epsilon"])


@frozen
class RAdam(Optimizer):
    """Adam whose steps are rectified while v is an average of few squares. With m and v as in Adam, at step t from 1::

        r_inf = 2 / (1 - beta_2) - 1
        r = r_inf - 2 * t * beta_2**t / (1 - beta_2**t)
        w = sqrt((r - 4) * (r - 2) * r_inf / ((r_inf - 4) * (r_inf - 2) * r))
        h = w * sqrt(1 - beta_2**t) / (sqrt(v) + epsilon) if r > 5, else 1
        theta = theta - learning_rate / (1 - beta_1**t) * h * m

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.001
    beta_1, beta_2 : float or Schedule, default 0.9, 0.999
        In 0..1, 1 excluded.
    epsilon : float or Schedule, default 1e-8
        Above 0.
    **options
        As for every `Optimizer`.

    References
    ----------
    L. Liu et al. (2020), "On the Variance of the Adaptive Learning Rate and Beyond", ICLR, Algorithm 2;
    ``torch.optim.RAdam``.

    Examples
    --------
    >>> RAdam()
    RAdam(learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-08, weight_decay=0.0)
    """

    name: ClassVar[str] = "radam"

    learning_rate: Number = number(0.001)
    _: KW_ONLY
    beta_1: Number = number(0.9, high=1, open_high=True)
    beta_2: Number = number(0.999, high=1, open_high=True)
    epsilon: Number = number(1e-8, positive=True)

    @property
    def kernel(self) -> str:
        return "adam"

    @property
    def states(self) -> tuple[str, ...]:
        return "m", "v"

    @property
    def settled(self) -> float:
        return 2 * _vanished(self.beta_1, self.beta_2)

    def rule_settings(self, now: Mapping[str, Any], t: NDArray[np.int64]) -> Sequence[Values]:
        power = _powers(now["beta_2"], t)
        r, w = _rectification(now["beta_2"], power, t)
        rectified = r > 5
        step = now["learning_rate"] / (1 - _powers(now["beta_1"], t))
        step = np.where(rectified, step * np.sqrt(1 - power) * w, step)
        return *_shares(now), rectified.astype(float), np.where(rectified, now["epsilon"], 1.0), -step

    def rule(self, theta: Array, g: Array, state: Array, now: Mapping[str, float], t: int) -> None:
        m, v = state
        _average(m, v, g, now)
        left = 1 - now["beta_2"] ** t
        r, w = _rectification(now["beta_2"], 1 - left, np.array([t]))
        h = w[0] * math.sqrt(left) / (np.sqrt(v) + now["epsilon"]) if r[0] > 5 else 1.0
        theta -= now["learning_rate"] / (1 - now["beta_1"] ** t) * h * m


def _rectification(beta_2: Any, power: Any, t: NDArray[np.int64]) -> tuple[Any, Any]:
    """r, and w where r is above 5, else 0."""
    r_inf = 2 / (1 - beta_2) - 1
    r = r_inf - 2 * t * power / (1 - power)
    enough = np.where(r > 5, r, 5.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        w = np.sqrt((enough - 4) * (enough - 2) * r_inf / ((r_inf - 4) * (r_inf - 2) * enough))
    return r, np.where(r > 5, w, 0.0)


@frozen
class Adamax(Optimizer):
    """Adam by the largest gradient of late instead of the mean square. With m as in Adam, at step t, counted from 1::

        u = max(beta_2 * u, |g| + epsilon)
        theta = theta - learning_rate / (1 - beta_1**t) * m / u

    Keras adds epsilon to u in the step instead.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.002
        Keras's default is 0.001.
    beta_1, beta_2 : float or Schedule, default 0.9, 0.999
        In 0..1, 1 excluded.
    epsilon : float or Schedule, default 1e-8
        Above 0.
    **options
        As for every `Optimizer`.

    References
    ----------
    D. P. Kingma & J. Ba (2015), "Adam: A Method for Stochastic Optimization", ICLR, Algorithm 2;
    ``torch.optim.Adamax``.

    Examples
    --------
    >>> Adamax()
    Adamax(learning_rate=0.002, beta_1=0.9, beta_2=0.999, epsilon=1e-08, weight_decay=0.0)
    """

    name: ClassVar[str] = "adamax"

    learning_rate: Number = number(0.002)
    _: KW_ONLY
    beta_1: Number = number(0.9, high=1, open_high=True)
    beta_2: Number = number(0.999, high=1, open_high=True)
    epsilon: Number = number(1e-8, positive=True)

    @property
    def states(self) -> tuple[str, ...]:
        return "m", "u"

    @property
    def settled(self) -> float:
        return _vanished(self.beta_1)

    def rule_settings(self, now: Mapping[str, Any], t: NDArray[np.int64]) -> Sequence[Values]:
        beta_1, rest_1, beta_2, _ = _shares(now)
        return beta_1, rest_1, beta_2, now["epsilon"], -now["learning_rate"] / (1 - _powers(beta_1, t))

    def rule(self, theta: Array, g: Array, state: Array, now: Mapping[str, float], t: int) -> None:
        m, u = state
        m[:] = now["beta_1"] * m + (1 - now["beta_1"]) * g
        u[:] = np.maximum(now["beta_2"] * u, np.abs(g) + now["epsilon"])
        theta -= now["learning_rate"] / (1 - now["beta_1"] ** t) * m / u


def _average(m: Array, v: Array, g: Array, now: Mapping[str, float]) -> None:
    m[:] = now["beta_1"] * m + (1 - now["beta_1"]) * g
    v[:] = now["beta_2"] * v + (1 - now["beta_2"]) * g * g


def _shares(now: Mapping[str, Any]) -> tuple[Any, Any, Any, Any]:
    return now["beta_1"], 1 - now["beta_1"], now["beta_2"], 1 - now["beta_2"]


def _powers(beta: Any, t: NDArray[np.int64]) -> Reals:
    """beta**t by multiplications alone, a function of beta and t: beta is one number or as many as t."""
    if isinstance(beta, np.ndarray):
        return whole_power(beta, t)
    first, last = int(t[0]) // TABLE, int(t[-1]) // TABLE
    small = _table(beta, 1, 0)
    if first == last:
        return np.asarray(_table(beta, TABLE, first // TABLE * TABLE)[first % TABLE] * small[t % TABLE])
    large = _powers_of_tables(beta, first, last)
    return np.asarray(large[t // TABLE - first] * small[t % TABLE])


@lru_cache(maxsize=32)
def _table(beta: float, step: int, first: int) -> Reals:
    """The powers of beta by so many steps from `first` on, TABLE of them: the same at most calls."""
    return whole_power(beta, step * np.arange(first, first + TABLE))


@lru_cache(maxsize=32)
def _powers_of_tables(beta: float, first: int, last: int) -> Reals:
    return whole_power(beta, TABLE * np.arange(first, last + 1))


def _vanished(*betas: Any) -> float:
    """The step from which on the betas' powers are lost beside 1; never, where one is a schedule."""
    if not all(isinstance(beta, float) for beta in betas):
        return math.inf
    return float(max(math.ceil(VANISHED / (1 - beta)) for beta in betas))
