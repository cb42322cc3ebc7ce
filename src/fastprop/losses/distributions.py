"""Losses that are likelihoods: counts, amounts, and numbers with their own uncertainty."""

from typing import Any, ClassVar

import numpy as np

from fastprop import _checks
from fastprop._values import frozen
from fastprop.activations import Activation
from fastprop.losses._base import Array, Loss, times

__all__ = ["Gamma", "GaussianNLL", "Poisson", "Tweedie"]

LOG_2_PI_HALF = 0.9189385332046727  # log(2 pi) / 2


def _log_mean(o: Array, log_input: bool) -> Array:
    return o if log_input else np.log(o)


def _mean(o: Array, log_input: bool) -> Array:
    return np.exp(o) if log_input else o


@frozen
class _OfMean(Loss):
    """What has a mean above 0 for its output, or its logarithm."""

    def _check_outputs(self, o: Array) -> None:
        if not self.log_input and not (o > 0).all():  # type: ignore[attr-defined]
            row, column = np.argwhere(~(o > 0))[0]
            raise ValueError(
                f"o[{row}, {column}] = {o[row, column]:g}, but a mean is above 0;"
                f" for its logarithm use {type(self).__name__}(log_input=True)"
            )

    def check_output(self, activation: Activation, n_outputs: int) -> None:
        if not self.log_input:  # type: ignore[attr-defined]
            self._check_positive_output(activation, "log_input=True")


@frozen
class Poisson(_OfMean):
    """Negative log-likelihood of counts, whose mean, or its logarithm, is the output.

    The mean over rows and outputs of::

        C = exp(o) - y o                            with log_input: o is the logarithm of the mean
            o - y log(o + epsilon)                  without
            + y log(y) - y + log(2 pi y) / 2        where y > 1, if full: Stirling's log(y!)

    as PyTorch's ``PoissonNLLLoss``. Keras's ``Poisson`` is ``log_input=False, epsilon=1e-7``. y may be any number from
    0 on, such as a rate.

    Parameters
    ----------
    log_input : bool, default True
        Whether o is the logarithm of the mean, after a last layer of "identity"; else o is the mean itself, after one
        of "softplus" or "exponential".
    full : bool, default False
        Add what depends on y alone: no gradient, but a likelihood.
    epsilon : float, default 1e-8
        Without ``log_input``, keeps the logarithm from that of 0; positive.

    Examples
    --------
    >>> Poisson()([0.0, 0.0], [0, 3])                           # exp(0) each
    1.0
    >>> round(Poisson(log_input=False)([2.0], [2]), 6)          # 2 - 2 log(2)
    0.613706
    """

    name: ClassVar[str] = "poisson"
    log_input: bool = True
    full: bool = False
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        _checks.flag("log_input", self.log_input)
        _checks.flag("full", self.full)
        _checks.positive("epsilon", self.epsilon)

    def rows(self, o: Array, y: Array) -> Array:
        terms = np.exp(o) - y * o if self.log_input else o - y * np.log(o + self.epsilon)
        if self.full:
            large = np.where(y > 1, y, 1)
            terms = terms + np.where(y > 1, y * np.log(large) - y + np.log(2 * np.pi * large) / 2, 0)
        return np.asarray(terms.mean(axis=1))

    def settings(self, n_outputs: int) -> tuple[float, ...]:
        return float(self.log_input), float(self.full), float(self.epsilon), LOG_2_PI_HALF

    def check_targets(self, name: str, y: Any, n_outputs: int, dtype: np.dtype[Any]) -> Array:
        return _checks.not_negative(name, Loss.check_targets(self, name, y, n_outputs, dtype), "Poisson")


@frozen
class Gamma(_OfMean):
    """The gamma distribution's deviance: for positive amounts whose spread grows with their mean, as claims or prices.

    With the mean ``mu = exp(o)``, or o itself without ``log_input``, the mean over rows and outputs of::

        C = 2 (log(mu / y) + y / mu - 1)                dC/do = 2 (1 - y / mu) / (m n) with log_input

    which is scikit-learn's ``mean_gamma_deviance``. Twice what XGBoost's ``reg:gamma`` and LightGBM's ``gamma`` follow.

    Parameters
    ----------
    log_input : bool, default True
        As in `Poisson`.

    Examples
    --------
    >>> Gamma(log_input=False)([2.0, 3.0], [2.0, 3.0])
    0.0
    >>> round(Gamma()([0.0], [2.0]), 6)                         # 2 (log(1 / 2) + 2 - 1)
    0.613706
    """

    name: ClassVar[str] = "gamma"
    log_input: bool = True

    def __post_init__(self) -> None:
        _checks.flag("log_input", self.log_input)

    def rows(self, o: Array, y: Array) -> Array:
        d = _log_mean(o, self.log_input) - np.log(y)
        return np.asarray(2 * (d + np.expm1(-d)).mean(axis=1))

    def settings(self, n_outputs: int) -> tuple[float, ...]:
        return (float(self.log_input),)

    def check_targets(self, name: str, y: Any, n_outputs: int, dtype: np.dtype[Any]) -> Array:
        return _checks.above_zero(name, Loss.check_targets(self, name, y, n_outputs, dtype), "Gamma")


@frozen
class Tweedie(_OfMean):
    """A Tweedie distribution's deviance: its variance is proportional to the mean to the ``power``.

    With the mean ``mu = exp(o)``, or o itself without ``log_input``, and p the power, the mean over rows and outputs
    of::

        C = 2 (y**(2 - p) / ((1 - p) (2 - p)) - y mu**(1 - p) / (1 - p) + mu**(2 - p) / (2 - p))
            dC/do = 2 mu**(1 - p) (mu - y) / (m n) with log_input

    and its limits at p = 1, ``2 (y log(y / mu) - y + mu)``, and p = 2, `Gamma`: scikit-learn's
    ``mean_tweedie_deviance``. Twice what XGBoost's ``reg:tweedie`` and LightGBM's ``tweedie`` follow, whose default
    power is 1.5 too.

    Parameters
    ----------
    power : float, default 1.5
        1 for counts (Poisson); between 1 and 2 for amounts that are often exactly 0, such as an insurance's yearly
        claims; 2 (gamma) and more, with 3 (inverse Gaussian), for amounts above 0. At least 1; 0 would be `MSE`.
    log_input : bool, default True
        As in `Poisson`.

    References
    ----------
    B. Jorgensen (1987), "Exponential Dispersion Models", J. R. Stat. Soc. B 49(2), 127-162.

    Examples
    --------
    >>> Tweedie(power=1.5)([0.0, 0.0], [1.0, 1.0])
    0.0
    >>> Tweedie(power=1.5)([0.0], [0.0])                        # 2 mu**0.5 / 0.5
    4.0
    """

    name: ClassVar[str] = "tweedie"
    power: float = 1.5
    log_input: bool = True

    def __post_init__(self) -> None:
        _checks.number("power", self.power, low=1)
        _checks.flag("log_input", self.log_input)

    def rows(self, o: Array, y: Array) -> Array:
        p, mu = self.power, _mean(o, self.log_input)
        if p == 1:
            logs = np.log(np.where(y > 0, y, 1)) - _log_mean(o, self.log_input)
            return np.asarray(2 * (times(y, logs) - y + mu).mean(axis=1))
        if p == 2:
            return Gamma(self.log_input).rows(o, y)
        terms = y ** (2 - p) / ((1 - p) * (2 - p)) - y * mu ** (1 - p) / (1 - p) + mu ** (2 - p) / (2 - p)
        return np.asarray(2 * terms.mean(axis=1))

    def kernel(self, n_outputs: int) -> tuple[Any, tuple[float, ...], int]:
        of_log = float(self.log_input)
        if self.power == 1:
            return "poisson_deviance", (of_log,), n_outputs
        if self.power == 2:
            return "gamma", (of_log,), n_outputs
        return "tweedie", (of_log, float(self.power)), n_outputs

    def check_targets(self, name: str, y: Any, n_outputs: int, dtype: np.dtype[Any]) -> Array:
        array = Loss.check_targets(self, name, y, n_outputs, dtype)
        check = _checks.not_negative if self.power < 2 else _checks.above_zero
        return check(name, array, f"Tweedie(power={self.power:g})")


KINDS_OF_VARIANCE = ("plain", "log", "softplus")


@frozen
class GaussianNLL(Loss):
    """Negative log-likelihood of a normal distribution whose mean and variance are both outputs.

    A network has 2 T outputs for T targets: first the means, then what gives the variances, each in the targets'
    order. With ``v = max(variance, epsilon)``, the mean over rows and targets of::

        C = (log(v) + (mean - y)**2 / v) / 2            + log(2 pi) / 2 if full

    as PyTorch's ``GaussianNLLLoss``, whose clamp lets the slopes at v through.

    Parameters
    ----------
    variance : "log", "softplus" or "plain", default "log"
        What the second half of the outputs holds: the variance is their exponential, their softplus, or they
        themselves. The first two go with a last layer of "identity"; "plain", which is PyTorch's, with one that makes
        them positive, such as two branches of their own.
    full : bool, default False
        Add the constant.
    epsilon : float, default 1e-6
        The least variance; positive.

    References
    ----------
    D. A. Nix & A. S. Weigend (1994), "Estimating the Mean and Variance of the Target Probability Distribution", ICNN.

    Examples
    --------
    >>> GaussianNLL()([[1.0, 0.0]], [3.0])                      # mean 1, variance exp(0)
    2.0
    >>> round(GaussianNLL(variance="plain")([[1.0, 4.0]], [1.0]), 6)    # log(4) / 2
    0.693147
    """

    name: ClassVar[str] = "gaussian_nll"
    variance: str = "log"
    full: bool = False
    epsilon: float = 1e-6

    def __post_init__(self) -> None:
        _checks.choice("variance", self.variance, KINDS_OF_VARIANCE)
        _checks.flag("full", self.full)
        _checks.positive("epsilon", self.epsilon)

    def rows(self, o: Array, y: Array) -> Array:
        mean, spread = np.split(o, 2, axis=1)
        if self.variance != "plain":
            spread = np.exp(spread) if self.variance == "log" else np.logaddexp(0, spread)
        v = np.maximum(spread, self.epsilon)
        return np.asarray(((np.log(v) + (mean - y) ** 2 / v) / 2).mean(axis=1) + LOG_2_PI_HALF * self.full)

    def settings(self, n_outputs: int) -> tuple[float, ...]:
        kind = float(KINDS_OF_VARIANCE.index(self.variance))
        return kind, float(self.epsilon), LOG_2_PI_HALF * self.full

    def n_targets(self, n_outputs: int) -> int:
        if n_outputs % 2:
            raise ValueError(f"GaussianNLL has 2 outputs for each target, but the network has {n_outputs} outputs")
        return n_outputs // 2

    def check_output(self, activation: Activation, n_outputs: int) -> None:
        self.n_targets(n_outputs)
