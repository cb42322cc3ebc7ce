"""Rules that divide the gradient by the root of its own squares: Adagrad, Adadelta, RMSprop."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastprop._values import frozen
from fastprop.optimizers.base import Array, Number, Optimizer, Values, flag, number

__all__ = ["Adadelta", "Adagrad", "RMSprop"]


@frozen
class Adagrad(Optimizer):
    """Each parameter's rate falls with the squares of all its gradients so far. At step t, counted from 1::

        s = s + g**2                                        initial_accumulator at first
        theta = theta - learning_rate / (1 + (t - 1) * rate_decay) * g / (sqrt(s) + epsilon)

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.01
    rate_decay : float, default 0.0
        PyTorch's ``lr_decay``, 0 or more.
    initial_accumulator : float, default 0.0
        PyTorch's ``initial_accumulator_value``; Keras's default is 0.1.
    epsilon : float, default 1e-10
        Above 0; Keras's default is 1e-7.
    **options
        As for every `Optimizer`.

    References
    ----------
    J. Duchi, E. Hazan & Y. Singer (2011), "Adaptive Subgradient Methods for Online Learning and Stochastic
    Optimization", JMLR 12, 2121-2159; ``torch.optim.Adagrad``.

    Examples
    --------
    >>> Adagrad(0.1)
    Adagrad(learning_rate=0.1, rate_decay=0.0, initial_accumulator=0.0, epsilon=1e-10, weight_decay=0.0)
    """

    name: ClassVar[str] = "adagrad"

    learning_rate: Number = number(0.01)
    _: KW_ONLY
    rate_decay: Number = number(0.0)
    initial_accumulator: Number = number(0.0, scheduled=False)
    epsilon: Number = number(1e-10, positive=True)

    @property
    def states(self) -> tuple[str, ...]:
        return ("squares",)

    @property
    def initial(self) -> tuple[float, ...]:
        assert isinstance(self.initial_accumulator, float)
        return (self.initial_accumulator,)

    @property
    def settled(self) -> float:
        return 1 if self.rate_decay == 0 else math.inf

    def rule_settings(self, now: Mapping[str, Any], t: NDArray[np.int64]) -> Sequence[Values]:
        return now["epsilon"], -now["learning_rate"] / (1 + (t - 1) * now["rate_decay"])

    def rule(self, theta: Array, g: Array, state: Array, now: Mapping[str, float], t: int) -> None:
        (s,) = state
        s += g * g
        theta -= now["learning_rate"] / (1 + (t - 1) * now["rate_decay"]) * g / (np.sqrt(s) + now["epsilon"])


@frozen
class Adadelta(Optimizer):
    """Steps in the parameter's own unit: the gradient over the root of its mean square, times that of the steps::

        s = rho * s + (1 - rho) * g**2
        d = sqrt(u + epsilon) / sqrt(s + epsilon) * g
        u = rho * u + (1 - rho) * d**2
        theta = theta - learning_rate * d

    Parameters
    ----------
    learning_rate : float or Schedule, default 1.0
        Keras's default is 0.001.
    rho : float or Schedule, default 0.9
        Share of the means kept at each step, in 0..1; Keras's default is 0.95.
    epsilon : float or Schedule, default 1e-6
        Above 0; Keras's default is 1e-7.
    **options
        As for every `Optimizer`.

    References
    ----------
    M. D. Zeiler (2012), "ADADELTA: An Adaptive Learning Rate Method", arXiv:1212.5701, Algorithm 1;
    ``torch.optim.Adadelta``.

    Examples
    --------
    >>> Adadelta()
    Adadelta(learning_rate=1.0, rho=0.9, epsilon=1e-06, weight_decay=0.0)
    """

    name: ClassVar[str] = "adadelta"

    learning_rate: Number = number(1.0)
    _: KW_ONLY
    rho: Number = number(0.9, high=1)
    epsilon: Number = number(1e-6, positive=True)

    @property
    def states(self) -> tuple[str, ...]:
        return "squares", "squared_steps"

    def rule_settings(self, now: Mapping[str, Any], t: NDArray[np.int64]) -> Sequence[Values]:
        return now["rho"], 1 - now["rho"], now["epsilon"], -now["learning_rate"]

    def rule(self, theta: Array, g: Array, state: Array, now: Mapping[str, float], t: int) -> None:
        s, u = state
        s[:] = now["rho"] * s + (1 - now["rho"]) * g * g
        d = np.sqrt(u + now["epsilon"]) / np.sqrt(s + now["epsilon"]) * g
        u[:] = now["rho"] * u + (1 - now["rho"]) * d * d
        theta -= now["learning_rate"] * d


@frozen
class RMSprop(Optimizer):
    """The gradient over the root of its mean square, or of its variance, and a momentum::

        s = rho * s + (1 - rho) * g**2
        a = rho * a + (1 - rho) * g                         if centered, else 0
        h = g / (sqrt(max(s - a**2, 0)) + epsilon)
        v = momentum * v + h                                with a momentum, else h
        theta = theta - learning_rate * v

    PyTorch does not guard against a variance that rounding brings below 0. In Keras the rate multiplies before the
    momentum, and epsilon stands under the root.

    Parameters
    ----------
    learning_rate : float or Schedule, default 0.01
        Keras's default is 0.001.
    rho : float or Schedule, default 0.99
        Share of the means kept at each step, in 0..1; PyTorch's ``alpha``. Keras's default is 0.9.
    epsilon : float or Schedule, default 1e-8
        Above 0; Keras's default is 1e-7.
    momentum : float or Schedule, default 0.0
        Share of the velocity kept at each step, in 0..1, 1 excluded.
    centered : bool, default False
        Divide by the root of the variance instead of the mean square.
    **options
        As for every `Optimizer`.

    References
    ----------
    T. Tieleman & G. Hinton (2012), Lecture 6.5 of "Neural Networks for Machine Learning"; A. Graves (2013), "Generating
    Sequences With Recurrent Neural Networks", arXiv:1308.0850, for the centered form; ``torch.optim.RMSprop``.

    Examples
    --------
    >>> RMSprop(0.001, momentum=0.9)
    RMSprop(learning_rate=0.001, rho=0.99, epsilon=1e-08, momentum=0.9, centered=False, weight_decay=0.0)
    """

    name: ClassVar[str] = "rmsprop"

    learning_rate: Number = number(0.01)
    _: KW_ONLY
    rho: Number = number(0.99, high=1)
    epsilon: Number = number(1e-8, positive=True)
    momentum: Number = number(0.0, high=1, open_high=True)
    centered: bool = flag()

    @property
    def kernel(self) -> str:
        return "rmsprop" + "_centered" * self.centered + "_momentum" * (self.momentum != 0)

    @property
    def states(self) -> tuple[str, ...]:
        return ("squares", *("mean",) * self.centered, *("velocity",) * (self.momentum != 0))

    def rule_settings(self, now: Mapping[str, Any], t: NDArray[np.int64]) -> Sequence[Values]:
        return now["rho"], 1 - now["rho"], now["epsilon"], -now["learning_rate"], now["momentum"]

    def rule(self, theta: Array, g: Array, state: Array, now: Mapping[str, float], t: int) -> None:
        held = dict(zip(self.states, state, strict=True))
        s = variance = held["squares"]
        s[:] = now["rho"] * s + (1 - now["rho"]) * g * g
        if self.centered:
            a = held["mean"]
            a[:] = now["rho"] * a + (1 - now["rho"]) * g
            variance = np.maximum(s - a * a, 0)
        v = g / (np.sqrt(variance) + now["epsilon"])
        if self.momentum != 0:
            held["velocity"][:] = now["momentum"] * held["velocity"] + v
            v = held["velocity"]
        theta -= now["learning_rate"] * v
