"""Gradient descent, and the two rules that step by the gradient's sign."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastprop._values import frozen
from fastprop.optimizers.base import Array, Number, Optimizer, Values, flag, number
from fastprop.schedules import Schedule

__all__ = ["SGD", "Lion", "Rprop"]


@frozen
class SGD(Optimizer):
    """Gradient descent, with momentum, dampening, Nesterov's look ahead and weight decay.

    In PyTorch's form, to its order of operations::

        g = grad + weight_decay * theta
        v = g at the first step, momentum * v + (1 - dampening) * g after it
        g = g + momentum * v if nesterov, else v            (only with momentum)
        theta = theta - learning_rate * g

    The learning rate multiplies after the velocity v. In Keras and scikit-learn v holds scaled gradients::

        v = momentum * v - learning_rate * g
        theta = theta + v, or theta + momentum * v - learning_rate * g if nesterov

    the same for a constant rate, not when it changes; with ``rate_in_velocity=True`` it does so here.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.01
        Step size, 0 or more.
    momentum : float or Schedule, default 0.0
        Share of the velocity kept at each step, in 0..1, 1 excluded.
    dampening : float or Schedule, default 0.0
        Share of the gradient kept out of the velocity, in 0..1.
    nesterov : bool, default False
        Step along the gradient and the velocity to come; needs a momentum and no dampening.
    weight_decay : float or Schedule, default 0.0
        Pull of theta towards 0, 0 or more; the gradient of ``weight_decay / 2 * sum(theta**2)``.
    rate_in_velocity : bool, default False
        Keras's and scikit-learn's velocity; needs a momentum and no dampening.
    **options
        As for every `Optimizer`.

    Raises
    ------
    TypeError, ValueError
        For a number out of its range, or nesterov without momentum or with dampening.

    References
    ----------
    I. Sutskever, J. Martens, G. Dahl & G. Hinton (2013), "On the Importance of Initialization and Momentum in Deep
    Learning", ICML; ``torch.optim.SGD``.

    Examples
    --------
    >>> SGD(0.1, momentum=0.9)
    SGD(learning_rate=0.1, momentum=0.9, dampening=0.0, nesterov=False, weight_decay=0.0)
    """

    name: ClassVar[str] = "sgd"

    learning_rate: Number = number(0.01)
    _: KW_ONLY
    momentum: Number = number(0.0, high=1, open_high=True)
    dampening: Number = number(0.0, high=1)
    nesterov: bool = flag()
    rate_in_velocity: bool = flag(quiet=True)

    def check(self) -> None:
        for name in ("nesterov", "rate_in_velocity"):
            if getattr(self, name) and not (self.momentum != 0 and self.dampening == 0):
                raise ValueError(
                    f"{name}=True needs a momentum above 0 and a dampening of 0,"
                    f" but momentum is {self.momentum} and dampening is {self.dampening}"
                )

    @property
    def kernel(self) -> str:
        if self.momentum == 0:
            return "sgd"
        return "sgd_nesterov" if self.nesterov else "sgd_momentum"

    @property
    def states(self) -> tuple[str, ...]:
        if self.momentum == 0:
            return ()
        return ("scaled_velocity",) if self.rate_in_velocity else ("velocity",)

    @property
    def settled(self) -> float:
        return 2

    def rule_settings(self, now: Mapping[str, Any], t: NDArray[np.int64]) -> Sequence[Values]:
        if self.rate_in_velocity:
            return 1.0, now["momentum"], -now["learning_rate"], 0.0
        return -now["learning_rate"], now["momentum"], 1 - now["dampening"], (t == 1).astype(float)

    def rule(self, theta: Array, g: Array, state: Array, now: Mapping[str, float], t: int) -> None:
        if self.rate_in_velocity:
            (v,) = state
            v[:] = now["momentum"] * v - now["learning_rate"] * g
            theta += now["momentum"] * v - now["learning_rate"] * g if self.nesterov else v
            return
        if self.momentum != 0:
            (v,) = state
            v[:] = g if t == 1 else now["momentum"] * v + (1 - now["dampening"]) * g
            g = g + now["momentum"] * v if self.nesterov else v
        theta -= now["learning_rate"] * g


@frozen
class Rprop(Optimizer):
    """Resilient backpropagation: each parameter has a step size of its own, by its gradient's changes of sign.

    With g' the gradient before, 0 at first, and s the step sizes, the learning rate at first::

        s = s * eta_plus where g * g' > 0, s * eta_minus where g * g' < 0, within min_step..max_step
        g = 0 where g * g' < 0
        theta = theta - s * sign(g)

    For gradients of all rows at once; batches change signs by chance.

    Parameters
    ----------
    learning_rate : float, default 0.01
        The step sizes at first; no schedule, for they go their own way from there.
    eta_minus, eta_plus : float, default 0.5, 1.2
        How they shrink, in 0..1, and grow, above 1.
    min_step, max_step : float, default 1e-6, 50.0
        How small and how large they may become.
    **options
        As for every `Optimizer`; a decoupled decay would need a rate that goes on, and is refused.

    References
    ----------
    M. Riedmiller & H. Braun (1993), "A Direct Adaptive Method for Faster Backpropagation Learning: The RPROP
    Algorithm", IEEE Int. Conf. on Neural Networks, 586-591; ``torch.optim.Rprop`` (its ``etas`` and ``step_sizes``).

    Examples
    --------
    >>> Rprop()
    Rprop(learning_rate=0.01, eta_minus=0.5, eta_plus=1.2, min_step=1e-06, max_step=50.0, weight_decay=0.0)
    """

    name: ClassVar[str] = "rprop"

    learning_rate: Number = number(0.01, scheduled=False)
    _: KW_ONLY
    eta_minus: Number = number(0.5, positive=True, high=1, open_high=True)
    eta_plus: Number = number(1.2, low=1)
    min_step: Number = number(1e-6)
    max_step: Number = number(50.0)

    def check(self) -> None:
        if self.eta_plus == 1:
            raise ValueError(f"eta_plus must be above 1, but is {self.eta_plus}")
        smallest, largest = self.min_step, self.max_step
        if not isinstance(smallest, Schedule) and not isinstance(largest, Schedule) and smallest > largest:
            raise ValueError(f"min_step must be max_step or less, but is {smallest}, and max_step {largest}")
        if self.decoupled_weight_decay:
            raise ValueError("decoupled_weight_decay=True needs a learning rate for all steps, which Rprop has not")

    @property
    def states(self) -> tuple[str, ...]:
        return "gradient_before", "step_sizes"

    @property
    def initial(self) -> tuple[float, ...]:
        assert isinstance(self.learning_rate, float)
        return 0.0, self.learning_rate

    def rule_settings(self, now: Mapping[str, Any], t: NDArray[np.int64]) -> Sequence[Values]:
        return now["eta_minus"], now["eta_plus"], now["min_step"], now["max_step"]

    def rule(self, theta: Array, g: Array, state: Array, now: Mapping[str, float], t: int) -> None:
        before, s = state
        agreement = g * before
        s *= np.where(agreement > 0, now["eta_plus"], np.where(agreement < 0, now["eta_minus"], 1.0))
        np.clip(s, now["min_step"], now["max_step"], out=s)
        before[:] = np.where(agreement < 0, 0.0, g)
        theta -= s * np.sign(before)


@frozen
class Lion(Optimizer):
    """Evolved sign momentum: steps of one size, along the sign of a moving average of gradients::

        theta = theta * (1 - learning_rate * weight_decay)
        theta = theta - learning_rate * sign(beta_1 * m + (1 - beta_1) * g)
        m = beta_2 * m + (1 - beta_2) * g

    Rates are to be 3 to 10 times smaller than Adam's, and decays as much larger.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.0001
    beta_1, beta_2 : float or Schedule, default 0.9, 0.99
        Shares of m kept in the step, and in m; in 0..1, 1 excluded.
    decoupled_weight_decay : bool, default True
    **options
        As for every `Optimizer`.

    References
    ----------
    X. Chen et al. (2023), "Symbolic Discovery of Optimization Algorithms", NeurIPS, Algorithm 2. PyTorch has none;
    Keras's ``Lion`` does the same with a learning rate of 0.001.

    Examples
    --------
    >>> Lion(weight_decay=0.1)
    Lion(learning_rate=0.0001, beta_1=0.9, beta_2=0.99, weight_decay=0.1)
    """

    name: ClassVar[str] = "lion"

    learning_rate: Number = number(0.0001)
    _: KW_ONLY
    beta_1: Number = number(0.9, high=1, open_high=True)
    beta_2: Number = number(0.99, high=1, open_high=True)
    decoupled_weight_decay: bool = flag(True, quiet=True)

    @property
    def states(self) -> tuple[str, ...]:
        return ("m",)

    def rule_settings(self, now: Mapping[str, Any], t: NDArray[np.int64]) -> Sequence[Values]:
        beta_1, beta_2 = now["beta_1"], now["beta_2"]
        return beta_1, 1 - beta_1, beta_2, 1 - beta_2, -now["learning_rate"]

    def rule(self, theta: Array, g: Array, state: Array, now: Mapping[str, float], t: int) -> None:
        (m,) = state
        theta -= now["learning_rate"] * np.sign(now["beta_1"] * m + (1 - now["beta_1"]) * g)
        m[:] = now["beta_2"] * m + (1 - now["beta_2"]) * g
