"""Schedules that go one way: from a value down, or up, to another.

Formulas and defaults are those of ``torch.optim.lr_scheduler``, in closed form: PyTorch's own go on from the last
value, and gather rounding errors. t counts steps from 0; ``value`` is what PyTorch's optimizers call ``lr``.
"""

from collections.abc import Sequence
from dataclasses import KW_ONLY

import numpy as np

from fastprop import _arithmetic, _checks
from fastprop._values import frozen
from fastprop.schedules.base import Schedule, Values

__all__ = [
    "ConstantFactor",
    "CosineDecay",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LinearRamp",
    "MultiStepDecay",
    "PolynomialDecay",
    "StepDecay",
]


@frozen
class ConstantFactor(Schedule):
    """``factor * value`` for the first `total_steps` steps, then ``value``.

    Parameters
    ----------
    value : float
        The value after those steps.
    factor : float, default 1 / 3
    total_steps : int, default 5
    per : {"step", "epoch"}, default "step"
        What is counted.

    Raises
    ------
    TypeError, ValueError
        For a number out of its range.

    References
    ----------
    ``torch.optim.lr_scheduler.ConstantLR``.

    Examples
    --------
    >>> ConstantFactor(0.3, factor=0.5, total_steps=2)(range(4))
    array([0.15, 0.15, 0.3 , 0.3 ])
    """

    value: float
    _: KW_ONLY
    factor: float = 1 / 3
    total_steps: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(
            value=_checks.number("value", self.value),
            factor=_checks.number("factor", self.factor, low=0),
            total_steps=_checks.integer("total_steps", self.total_steps, low=0),
        )

    def at(self, t: Values, total: int | None) -> Values:
        return np.where(t < self.total_steps, self.factor * self.value, self.value)


@frozen
class StepDecay(Schedule):
    """``value * gamma ** (t // step_size)``: a factor after each `step_size` steps.

    Parameters
    ----------
    value : float
        The value at the start.
    step_size : int
        Steps between two changes, 1 or more.
    gamma : float, default 0.1
        The factor, 0 or more.
    per : {"step", "epoch"}, default "step"
        What is counted.

    Raises
    ------
    TypeError, ValueError
        For a number out of its range.

    References
    ----------
    ``torch.optim.lr_scheduler.StepLR``; Keras's ``ExponentialDecay`` with ``staircase=True``.

    Examples
    --------
    >>> StepDecay(0.1, 2, gamma=0.5)(range(5))
    array([0.1  , 0.1  , 0.05 , 0.05 , 0.025])
    """

    value: float
    step_size: int
    _: KW_ONLY
    gamma: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(
            value=_checks.number("value", self.value),
            step_size=_checks.integer("step_size", self.step_size),
            gamma=_checks.number("gamma", self.gamma, low=0),
        )

    def at(self, t: Values, total: int | None) -> Values:
        return self.value * _arithmetic.whole_power(self.gamma, t // self.step_size)


@frozen
class MultiStepDecay(Schedule):
    """``value * gamma ** n``, n the milestones reached: those that are t or less.

    Parameters
    ----------
    value : float
        The value at the start.
    milestones : sequence of int
        Steps at which the value changes; one that stands twice counts twice.
    gamma : float, default 0.1
        The factor, 0 or more.
    per : {"step", "epoch"}, default "step"
        What is counted.

    Raises
    ------
    TypeError, ValueError
        For a number out of its range.

    References
    ----------
    ``torch.optim.lr_scheduler.MultiStepLR``.

    Examples
    --------
    >>> MultiStepDecay(1.0, [2, 3], gamma=0.5)(range(5))
    array([1.  , 1.  , 0.5 , 0.25, 0.25])
    """

    value: float
    milestones: tuple[int, ...]
    _: KW_ONLY
    gamma: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.milestones, Sequence) or isinstance(self.milestones, str):
            raise TypeError(f"milestones is a list of steps, not {_checks.describe(self.milestones)}")
        milestones = [_checks.integer(f"milestones[{i}]", m, low=0) for i, m in enumerate(self.milestones)]
        self._set(
            value=_checks.number("value", self.value),
            milestones=tuple(sorted(milestones)),
            gamma=_checks.number("gamma", self.gamma, low=0),
        )

    def at(self, t: Values, total: int | None) -> Values:
        reached = np.searchsorted(np.array(self.milestones, dtype=float), t, side="right")
        return self.value * _arithmetic.whole_power(self.gamma, reached)


@frozen
class ExponentialDecay(Schedule):
    """``value * gamma ** t``.

    Parameters
    ----------
    value : float
        The value at the start.
    gamma : float
        The factor from one step to the next, 0 or more.
    per : {"step", "epoch"}, default "step"
        What is counted.

    Raises
    ------
    TypeError, ValueError
        For a number out of its range.

    References
    ----------
    ``torch.optim.lr_scheduler.ExponentialLR``. Keras's ``ExponentialDecay(value, decay_steps, decay_rate)`` is this
    with ``gamma = decay_rate ** (1 / decay_steps)``.

    Examples
    --------
    >>> ExponentialDecay(1.0, 0.5)(range(4))
    array([1.   , 0.5  , 0.25 , 0.125])
    """

    value: float
    gamma: float

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(
            value=_checks.number("value", self.value), gamma=_checks.number("gamma", self.gamma, low=0)
        )  # fmt: skip

    def at(self, t: Values, total: int | None) -> Values:
        return self.value * _arithmetic.whole_power(self.gamma, t)


@frozen
class LinearRamp(Schedule):
    """``value`` times a factor that goes from `start_factor` to `end_factor` in `total_steps` steps along a line.

    Parameters
    ----------
    value : float
        What the factors multiply.
    start_factor : float, default 1 / 3
    end_factor : float, default 1.0
    total_steps : int or None, default 5
        Steps until `end_factor` is reached; None for the whole fit.
    per : {"step", "epoch"}, default "step"
        What is counted.

    Raises
    ------
    TypeError, ValueError
        For a number out of its range.

    References
    ----------
    ``torch.optim.lr_scheduler.LinearLR``, which takes no start_factor of 0 or above 1.

    Examples
    --------
    >>> LinearRamp(1.0, start_factor=0.5, total_steps=2)(range(4))
    array([0.5 , 0.75, 1.  , 1.  ])
    """

    value: float
    _: KW_ONLY
    start_factor: float = 1 / 3
    end_factor: float = 1.0
    total_steps: int | None = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(
            value=_checks.number("value", self.value),
            start_factor=_checks.number("start_factor", self.start_factor, low=0),
            end_factor=_checks.number("end_factor", self.end_factor, low=0),
        )
        self._check_length(self.total_steps)

    def at(self, t: Values, total: int | None) -> Values:
        length = self._length(self.total_steps, total)
        share = np.minimum(t, length) / length
        return self.value * (self.start_factor + (self.end_factor - self.start_factor) * share)


@frozen
class PolynomialDecay(Schedule):
    """``value * (1 - min(t, T) / T) ** power``, T being `total_steps`: down to 0, and 0 from there on.

    Parameters
    ----------
    value : float
        The value at the start.
    total_steps : int or None, default 5
        None for the whole fit.
    power : float, default 1.0
        Above 0.
    minimum : float, default 0.0
        The value at the end: ``minimum + (value - minimum) * (1 - min(t, T) / T) ** power``, as Keras's
        ``end_learning_rate``; PyTorch has none.
    per : {"step", "epoch"}, default "step"
        What is counted.

    Raises
    ------
    TypeError, ValueError
        For a number out of its range.

    References
    ----------
    ``torch.optim.lr_scheduler.PolynomialLR``; Keras's ``PolynomialDecay``.

    Examples
    --------
    >>> PolynomialDecay(1.0, total_steps=4, power=2.0)(range(5))
    array([1.    , 0.5625, 0.25  , 0.0625, 0.    ])
    """

    value: float
    _: KW_ONLY
    total_steps: int | None = 5
    power: float = 1.0
    minimum: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_length(self.total_steps)
        self._set(
            value=_checks.number("value", self.value),
            power=_checks.positive("power", self.power),
            minimum=_checks.number("minimum", self.minimum),
        )

    def at(self, t: Values, total: int | None) -> Values:
        length = self._length(self.total_steps, total)
        rest = 1 - np.minimum(t, length) / length
        return self.minimum + (self.value - self.minimum) * _arithmetic.power(rest, self.power)


@frozen
class CosineDecay(Schedule):
    """``minimum + (value - minimum) * (1 + cos(pi * t / T)) / 2``, T being `total_steps`.

    After T steps the cosine rises again, as PyTorch's does; Keras's ``CosineDecay`` stays at the minimum.

    Parameters
    ----------
    value : float
        The value at the start.
    total_steps : int, optional
        Steps to the minimum; the whole fit by default.
    minimum : float, default 0.0
        PyTorch's ``eta_min``.
    per : {"step", "epoch"}, default "step"
        What is counted.

    Raises
    ------
    TypeError, ValueError
        For a number out of its range.

    References
    ----------
    I. Loshchilov & F. Hutter (2017), "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR, eq. 5;
    ``torch.optim.lr_scheduler.CosineAnnealingLR``.

    Examples
    --------
    >>> CosineDecay(1.0, total_steps=2)(range(3))
    array([1. , 0.5, 0. ])
    """

    value: float
    _: KW_ONLY
    total_steps: int | None = None
    minimum: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_length(self.total_steps)
        self._set(value=_checks.number("value", self.value), minimum=_checks.number("minimum", self.minimum))

    def at(self, t: Values, total: int | None) -> Values:
        share = t / self._length(self.total_steps, total)
        return self.minimum + (self.value - self.minimum) * (1 + _arithmetic.cos_pi(share)) / 2


@frozen
class InverseTimeDecay(Schedule):
    """``value / (1 + rate * t / decay_steps)``, or with `staircase` of ``t // decay_steps``.

    Parameters
    ----------
    value : float
        The value at the start.
    rate : float, default 1.0
        0 or more; Keras's ``decay_rate``.
    decay_steps : int, default 1
        1 or more.
    staircase : bool, default False
        Whether the value changes only every `decay_steps` steps.
    per : {"step", "epoch"}, default "step"
        What is counted.

    Raises
    ------
    TypeError, ValueError
        For a number out of its range.

    References
    ----------
    Keras's ``InverseTimeDecay``; PyTorch has none.

    Examples
    --------
    >>> InverseTimeDecay(1.0, decay_steps=2)(range(4))
    array([1.        , 0.66666667, 0.5       , 0.4       ])
    """

    value: float
    _: KW_ONLY
    rate: float = 1.0
    decay_steps: int = 1
    staircase: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set(
            value=_checks.number("value", self.value),
            rate=_checks.number("rate", self.rate, low=0),
            decay_steps=_checks.integer("decay_steps", self.decay_steps),
            staircase=_checks.flag("staircase", self.staircase),
        )

    def at(self, t: Values, total: int | None) -> Values:
        passed = t // self.decay_steps if self.staircase else t / self.decay_steps
        return self.value / (1 + self.rate * passed)
