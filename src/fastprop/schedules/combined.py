"""Schedules made of others: a warm-up in front, one after the other, products, and any Python function."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from fastprop import _checks
from fastprop._values import frozen
from fastprop.schedules.base import Clock, Schedule, Values, number_or_schedule

__all__ = ["FunctionSchedule", "ProductSchedule", "SequentialSchedule", "Warmup"]


@frozen
class Warmup(Schedule):
    """Up to a schedule's first value along a line in `steps` steps, then the schedule itself, from its start.

    ``first * (start_factor + (1 - start_factor) * t / steps)`` for t below `steps`, ``first`` being the schedule's
    first value. As PyTorch's ``SequentialLR([LinearLR(...), schedule], [steps])``.

    Parameters
    ----------
    schedule : Schedule or float
        What follows; a number for a constant.
    steps : int
        In the schedule's own count, epochs if that is per epoch. A schedule that ends with the fit ends there still.
    start_factor : float, default 1 / 3
        As in PyTorch's LinearLR; 0 or more.

    Raises
    ------
    TypeError, ValueError
        For a number out of its range.

    References
    ----------
    P. Goyal et al. (2017), "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour", arXiv:1706.02677, 2.2.

    Examples
    --------
    >>> import fastprop as fp
    >>> fp.Warmup(fp.StepDecay(1.0, 2, gamma=0.5), 2, start_factor=0.0)(range(6))
    array([0. , 0.5, 1. , 1. , 0.5, 0.5])
    """

    schedule: Schedule | float
    steps: int
    start_factor: float = 1 / 3

    def __post_init__(self) -> None:
        self._set(
            schedule=number_or_schedule("schedule", self.schedule),
            steps=_checks.integer("steps", self.steps),
            start_factor=_checks.number("start_factor", self.start_factor, low=0),
            per=_common_count(self, [self.schedule]),
        )

    def at(self, t: Values, total: int | None) -> Values:
        rest = None if total is None else max(total - self.steps, 1)
        later = _at(self.schedule, np.maximum(t - self.steps, 0.0), rest)
        first = _at(self.schedule, np.zeros(1), rest)[0]
        rising = first * (self.start_factor + (1 - self.start_factor) * t / self.steps)
        return np.where(t < self.steps, rising, later)


@frozen
class SequentialSchedule(Schedule):
    """One schedule after the other, each counting from 0: ``schedules[i]`` from ``milestones[i - 1]`` on.

    A schedule without a length of its own ends at the next milestone; the last one ends with the fit.

    Parameters
    ----------
    schedules : sequence of Schedule or float
        One more than there are milestones; all per step or all per epoch.
    milestones : sequence of int
        Where the second begins, and each one after it; rising.

    Raises
    ------
    TypeError, ValueError
        For milestones that do not fit, or schedules of which some count steps and some epochs.

    References
    ----------
    ``torch.optim.lr_scheduler.SequentialLR``.

    Examples
    --------
    >>> import fastprop as fp
    >>> fp.SequentialSchedule([0.5, fp.ExponentialDecay(1.0, 0.5)], [2])(range(5))
    array([0.5 , 0.5 , 1.  , 0.5 , 0.25])
    """

    schedules: tuple[Schedule | float, ...]
    milestones: tuple[int, ...]

    def __post_init__(self) -> None:
        schedules = _several(self.schedules)
        if not isinstance(self.milestones, Sequence) or isinstance(self.milestones, str):
            raise TypeError(f"milestones is a list of steps, not {_checks.describe(self.milestones)}")
        milestones = tuple(_checks.integer(f"milestones[{i}]", m) for i, m in enumerate(self.milestones))
        if len(milestones) != len(schedules) - 1:
            raise ValueError(
                f"{len(schedules)} schedules meet at {len(schedules) - 1} milestones, but {len(milestones)} are given:"
                f" {list(milestones)}"
            )
        if any(later <= earlier for earlier, later in pairwise(milestones)):
            raise ValueError(f"milestones must rise, but are {list(milestones)}")
        self._set(schedules=schedules, milestones=milestones, per=_common_count(self, schedules))

    def at(self, t: Values, total: int | None) -> Values:
        result = np.empty(t.shape)
        for schedule, begin, end in zip(
            self.schedules, (0, *self.milestones), (*self.milestones, None), strict=True
        ):  # fmt: skip
            here = (t >= begin) & (t < (np.inf if end is None else end))
            last = total if end is None else end
            result[here] = _at(schedule, t[here] - begin, None if last is None else max(last - begin, 1))
        return result


@frozen
class ProductSchedule(Schedule):
    """The product ``schedules[0] * schedules[1] * ...``, of which some may count steps and others epochs.

    Parameters
    ----------
    schedules : sequence of Schedule or float

    Raises
    ------
    TypeError, ValueError
        For anything else, or none.

    References
    ----------
    ``torch.optim.lr_scheduler.ChainedScheduler``, in which each schedule gives a factor.

    Examples
    --------
    >>> import fastprop as fp
    >>> halves = fp.StepDecay(0.1, 2, gamma=0.5)
    >>> fp.ProductSchedule([halves, fp.LinearRamp(1.0, start_factor=0.5, total_steps=2)])(range(4))
    array([0.05 , 0.075, 0.05 , 0.05 ])
    """

    schedules: tuple[Schedule | float, ...]

    def __post_init__(self) -> None:
        schedules = _several(self.schedules)
        _checks.choice("per", self.per, ("step", "epoch"))
        counts = {schedule.per for schedule in schedules if isinstance(schedule, Schedule)}
        self._set(schedules=schedules, per=_common_count(self, schedules) if len(counts) == 1 else "step")

    @property
    def is_of_steps(self) -> bool:
        return all(schedule.is_of_steps for schedule in self.schedules if isinstance(schedule, Schedule))

    def at(self, t: Values, total: int | None) -> Values:
        _common_count(self, self.schedules)
        product = np.ones(t.shape)
        for schedule in self.schedules:
            product = product * _at(schedule, t, total)
        return product

    def values(self, clock: Clock, count: int) -> Values:
        product = np.ones(count)
        for schedule in self.schedules:
            product = product * (schedule.values(clock, count) if isinstance(schedule, Schedule) else schedule)
        return product


@frozen
class FunctionSchedule(Schedule):
    """What a Python function gives for each step: ``function(step)``.

    The function is called with each whole number from 0 on, more than once if training is resumed, and must give the
    same number each time. Its bits are its own affair: the C library's ``exp`` may differ from one machine to the next.
    No file can hold a function: before `Trainer.save`, put another optimizer there.

    Parameters
    ----------
    function : callable
        From a whole number to a number.
    per : {"step", "epoch"}, default "step"
        What is counted.

    Raises
    ------
    TypeError
        If it is not callable, or, when it is called, gives no number.

    References
    ----------
    ``torch.optim.lr_scheduler.LambdaLR``, where the function gives a factor; Keras's ``LearningRateSchedule``.

    Examples
    --------
    >>> FunctionSchedule(lambda step: 0.1 / (1 + step))(range(3))
    array([0.1       , 0.05      , 0.03333333])
    """

    function: Callable[[int], float]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not callable(self.function):
            raise TypeError(f"function takes a step and gives a number, but is {_checks.describe(self.function)}")

    def at(self, t: Values, total: int | None) -> Values:
        numbers = [_checks.number(f"the schedule's function({int(k)})", self.function(int(k))) for k in t.ravel()]
        return np.array(numbers, dtype=float).reshape(t.shape)


def _at(schedule: Schedule | float, t: Values, total: int | None) -> Values:
    return schedule.at(t, total) if isinstance(schedule, Schedule) else np.full(t.shape, schedule)


def _several(schedules: object) -> tuple[Schedule | float, ...]:
    if not isinstance(schedules, Sequence) or isinstance(schedules, str):
        raise TypeError(f"schedules is a list of schedules, not {_checks.describe(schedules)}")
    if not schedules:
        raise ValueError("schedules is empty; at least one is wanted")
    return tuple(number_or_schedule(f"schedules[{i}]", schedule) for i, schedule in enumerate(schedules))


def _common_count(outer: Schedule, parts: Sequence[Schedule | float]) -> str:
    """What the parts count, steps or epochs; where all are numbers, what the outer one was told to."""
    told = _checks.choice("per", outer.per, ("step", "epoch"))
    counts = {part.per for part in parts if isinstance(part, Schedule)} or {told}
    if len(counts) > 1:
        raise ValueError(f"the schedules of a {type(outer).__name__} must all be per step, or all per epoch")
    return counts.pop()
