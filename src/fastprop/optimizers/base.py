"""What an optimizer is: a rule by which theta follows the gradient, and the options that all rules share.

A rule is frozen numbers. What the core's kernels need of it at a step (rates, decay, bias corrections) is computed here
for many steps at once, so that training need not return to Python for it. The trainer holds what a rule remembers.

The order of a step, for each parameter array::

    g = mean gradient of the `accumulate` batches since the last step
    g = g limited to -clip_value..clip_value
    g = g * min(1, clip_norm / (norm + 1e-6))                    norm over the array
    g = g * min(1, clip_global_norm / (norm + 1e-6))             norm over all arrays that learn
    g = g + l1 * sign(theta) + weight_decay * theta              coupled decay
    theta = theta * (1 - learning_rate * weight_decay)           decoupled decay
    theta, states = the rule(theta, g, states)
    W = W * max_norm / (norm + 1e-7)                             columns of a weight matrix longer than max_norm
    average = ema_decay * average + (1 - ema_decay) * theta
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, field, fields, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastprop import _checks
from fastprop._values import frozen
from fastprop.optimizers.groups import ParameterGroup
from fastprop.schedules import Clock, Schedule, number_or_schedule, values_of

__all__ = ["OPTIONS", "Number", "Optimizer", "flag", "number", "optional"]

Array = NDArray[Any]
Reals = NDArray[np.float64]
Number = float | Schedule
Values = float | Reals  # of a number over some steps

NORM_EPSILON = 1e-6  # of a clipped norm, as in torch.nn.utils.clip_grad_norm_
# What the engine does around a rule, and the numbers for not doing it
OPTIONS = {
    "l1": 0.0,
    "clip_value": math.inf,
    "clip_norm": math.inf,
    "clip_global_norm": math.inf,
    "max_norm": math.inf,
    "ema_decay": 0.0,
}


def number(default: Any, *, quiet: bool = False, scheduled: bool = True, positive: bool = False, **bounds: Any) -> Any:
    """A field for a number: its bounds as `_checks.number` takes them, 0 or more by default; a quiet one is left out of
    the repr where it is as by default.
    """
    return field(
        default=default,
        metadata={"bounds": {"low": 0} | bounds, "scheduled": scheduled, "positive": positive, "quiet": quiet},
    )


def optional(**bounds: Any) -> Any:
    """A field for a number above 0 or None, which turns an option off."""
    return field(
        default=None, metadata={"bounds": {"low": 0} | bounds, "scheduled": True, "positive": True, "quiet": True}
    )


def flag(default: bool = False, *, quiet: bool = False) -> Any:
    return field(default=default, metadata={"flag": True, "quiet": quiet})


@frozen
class Optimizer:
    """A rule; frozen numbers. The trainer holds its state, vectors as long as theta.

    All optimizers take these options, by name alone, beside their own. Any number may be a `Schedule`. A step does with
    them, array by array of theta, in this order: ``accumulate``, ``clip_value``, ``clip_norm``, ``clip_global_norm``,
    ``l1``, ``weight_decay``, the rule, ``max_norm``, ``ema_decay``.

    Parameters
    ----------
    learning_rate : float or Schedule
        Step size, 0 or more.
    weight_decay : float, default 0.0
        Pull of theta towards 0, of biases too: ``g += weight_decay * theta``, the gradient of
        ``weight_decay / 2 * sum(theta**2)``, as PyTorch's.
    decoupled_weight_decay : bool, default False
        Shrink theta apart from the gradient instead, ``theta *= 1 - learning_rate * weight_decay`` before the step: by
        default in AdamW and Lion. Keras does so in every optimizer.
    l1 : float, default 0.0
        Pull of theta towards 0 by a constant: ``g += l1 * sign(theta)``.
    clip_value : float, optional
        Each component of the gradient is limited to -clip_value..clip_value, as PyTorch's ``clip_grad_value_`` and
        Keras's ``clipvalue``.
    clip_norm : float, optional
        The gradient of each parameter array (each W, each b) is shortened to this Euclidean norm, Keras's ``clipnorm``;
        by PyTorch's formula, ``g * min(1, clip_norm / (norm + 1e-6))``.
    clip_global_norm : float, optional
        The whole gradient is shortened to this norm, as PyTorch's ``clip_grad_norm_`` (Keras's ``global_clipnorm``);
        arrays that are frozen do not count.
    max_norm : float, optional
        After the step, each column of each W (the weights into one unit) that is longer than this is shortened to it,
        as by ``torch.renorm(W, 2, 1, max_norm)``; Keras's ``MaxNorm(axis=0)``.
    accumulate : int, default 1
        Take a step from the mean gradient of so many batches. An epoch's end does not end the count, as in Keras.
        Schedules count batches; what a rule corrects by the number of its steps counts steps.
    ema_decay : float, optional
        Keep a moving average of theta, ``average = ema_decay * average + (1 - ema_decay) * theta`` after each step, at
        first theta itself: ``trainer.ema_model()``. Training is not changed by it (Keras's ``use_ema``, PyTorch's
        ``AveragedModel`` with ``get_ema_multi_avg_fn``).
    groups : sequence of ParameterGroup, optional
        Other rates, decays or limits for some of the parameters, or none for them to stay as they are.
    """

    name: ClassVar[str]

    learning_rate: Number = number(0.001)
    _: KW_ONLY
    weight_decay: Number = number(0.0)
    decoupled_weight_decay: bool = flag(quiet=True)
    l1: Number = number(0.0, quiet=True)
    clip_value: Number | None = optional()
    clip_norm: Number | None = optional()
    clip_global_norm: Number | None = optional()
    max_norm: Number | None = optional()
    accumulate: int = field(default=1, metadata={"quiet": True})
    ema_decay: Number | None = field(
        default=None, metadata={"bounds": {"low": 0, "high": 1, "open_high": True}, "scheduled": True, "quiet": True}
    )
    groups: tuple[ParameterGroup, ...] = field(default=(), metadata={"quiet": True})

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if "bounds" in one.metadata and not (value is None and one.default is None):
                object.__setattr__(self, one.name, _number(one.name, value, **one.metadata))
            elif one.metadata.get("flag"):
                object.__setattr__(self, one.name, _checks.flag(one.name, value))
        object.__setattr__(self, "accumulate", _checks.integer("accumulate", self.accumulate))
        object.__setattr__(self, "groups", _groups(self.groups))
        self.check()

    def check(self) -> None:
        """Refuse what a rule cannot do with numbers that are good each by itself."""

    def __repr__(self) -> str:
        """The code that makes it: the rule's own numbers, then what is not as by default."""
        shared = {one.name for one in fields(Optimizer)} - {"learning_rate"}
        parts = []
        for one in sorted(fields(self), key=lambda one: one.name in shared):
            value = getattr(self, one.name)
            if not one.metadata.get("quiet") or value != one.default:
                parts.append(f"{one.name}={list(value)!r}" if one.name == "groups" else f"{one.name}={value!r}")
        return f"{type(self).__name__}({', '.join(parts)})"

    # What a rule defines

    @property
    def kernel(self) -> str:
        """The name of the core's kernel for the rule with these settings."""
        return self.name

    @property
    def states(self) -> tuple[str, ...]:
        """Names of what the rule remembers from step to step: vectors as long as theta, in the kernel's order."""
        raise NotImplementedError

    @property
    def initial(self) -> tuple[float, ...]:
        """The numbers that its states are full of before the first step."""
        return (0.0,) * len(self.states)

    @property
    def settled(self) -> float:
        """The number of the step, counted from 1, from which on the rule's numbers change by schedules only."""
        return 1

    def rule_settings(self, now: Mapping[str, Any], t: NDArray[np.int64]) -> Sequence[Values]:
        """The kernel's numbers at the rule's steps t, counted from 1, where the settings are those of `now`."""
        raise NotImplementedError

    def rule(self, theta: Array, g: Array, state: Array, now: Mapping[str, float], t: int) -> None:
        """Step number t, from 1, in NumPy and in place: the definition."""
        raise NotImplementedError

    # What follows from it

    @property
    def has_options(self) -> bool:
        """Whether a step does more than follow the rule and decay."""
        return self.accumulate > 1 or any(
            any(getattr(one, name, None) for name in OPTIONS) for one in (self, *self.groups)
        )

    def for_array(self, layer: int, kind: str, n_layers: int) -> "tuple[Optimizer, tuple[Number, ...], bool]":
        """The rule for a parameter array by the groups that it belongs to, of which the later prevails; the factors of
        its rate; whether it is frozen.
        """
        changes: dict[str, Any] = {"groups": ()}
        factors: list[Number] = []
        frozen = False
        for group in self.groups:
            if group.holds(layer, kind, n_layers):
                changes |= group.changes()
                factors.append(group.rate_factor)
                frozen = group.frozen
        rate = changes.get("learning_rate", self.learning_rate)
        if not isinstance(rate, Schedule):
            for factor in factors:
                rate = rate if isinstance(factor, Schedule) else rate * factor
            changes["learning_rate"] = rate
            factors = [factor for factor in factors if isinstance(factor, Schedule)]
        return replace(self, **changes), tuple(factor for factor in factors if factor != 1), frozen

    def at(self, clock: Clock, count: int, factors: Sequence[Number] = ()) -> dict[str, Any]:
        """All numbers over the next `count` steps: schedules' as arrays (count,)."""
        now = self._numbers.copy()
        for name, bounds in self._scheduled:
            now[name] = values_of(name, now[name], clock, count, **bounds)
        for factor in factors:
            now["learning_rate"] = now["learning_rate"] * (
                values_of("rate_factor", factor, clock, count, low=0) if isinstance(factor, Schedule) else factor
            )
        return now

    def settings(self, clock: Clock, t: NDArray[np.int64], factors: Sequence[Number] = ()) -> Reals:
        """The kernel's numbers over the next steps, of which t counts those that the state remembers, from 1:
        (n_rows, n_settings), a row each, of which the last holds for all that are left.
        """
        return _rows(self._settings(clock, t, factors))

    def _settings(self, clock: Clock, t: NDArray[np.int64], factors: Sequence[Number]) -> list[Values]:
        if not self.schedules(factors):
            t = t[: int(np.searchsorted(t, self.settled)) + 1]
        now = self.at(clock, len(t), factors)
        decay, rate = now["weight_decay"], now["learning_rate"]
        shared = (0.0, 1 - rate * decay) if self.decoupled_weight_decay else (decay, 1.0)
        return [*shared, *self.rule_settings(now, t)]

    def schedules(self, factors: Sequence[Number]) -> list[Schedule]:
        """Those among its numbers, and among the factors of its rate."""
        own = [self._numbers[name] for name, _ in self._scheduled]
        return own + [factor for factor in factors if isinstance(factor, Schedule)]

    @cached_property
    def _numbers(self) -> dict[str, Any]:
        """All fields, schedules too."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @cached_property
    def _scheduled(self) -> list[tuple[str, Mapping[str, Any]]]:
        """The fields that are schedules, and their bounds."""
        return [
            (one.name, one.metadata["bounds"]) for one in fields(self) if isinstance(self._numbers[one.name], Schedule)
        ]

    def options(self, clock: Clock, count: int) -> Reals:
        """The numbers of l1, clip_value, clip_norm, clip_global_norm, max_norm and ema_decay over the next `count`
        steps: (n_rows, 6), as `settings`.
        """
        now = self.at(clock, count)
        return _rows([none if now[name] is None else now[name] for name, none in OPTIONS.items()])

    def update(self, theta: Array, grad: Array, state: Array, step: int) -> None:
        """One step in NumPy, in place: the definition that tests compare the core with. theta is one parameter array,
        `state` (n_states, n_params), and step counts from 0.

        It knows nothing of what goes beyond one array and one step: groups, clip_global_norm, accumulate, max_norm and
        ema_decay.
        """
        now = {
            name: float(value[0]) if isinstance(value, np.ndarray) else value
            for name, value in self.at(Clock(step, 0), 1).items()
        }
        g = grad
        if self.clip_value is not None:
            g = np.clip(g, -now["clip_value"], now["clip_value"])
        if self.clip_norm is not None:
            g = g * min(1.0, now["clip_norm"] / (float(np.sqrt((g * g).sum())) + NORM_EPSILON))
        g = g + now["l1"] * np.sign(theta)
        if self.decoupled_weight_decay:
            theta *= 1 - now["learning_rate"] * now["weight_decay"]
        else:
            g = g + now["weight_decay"] * theta
        self.rule(theta, g, state, now, step + 1)


def _number(name: str, value: Any, *, bounds: Any, scheduled: bool, positive: bool = False, quiet: bool) -> Any:
    if isinstance(value, Schedule) and not scheduled:
        raise TypeError(f"{name} is a number that stays the same, not {_checks.describe(value)}")
    result = number_or_schedule(name, value, **bounds)
    return _checks.positive(name, value) if positive and result == 0 else result


def _groups(groups: Any) -> tuple[ParameterGroup, ...]:
    if isinstance(groups, ParameterGroup) or not hasattr(groups, "__iter__"):
        raise TypeError(f"groups is a list of ParameterGroup, not {_checks.describe(groups)}")
    found = tuple(groups)
    for i, group in enumerate(found):
        if not isinstance(group, ParameterGroup):
            raise TypeError(f"groups[{i}] is a ParameterGroup, not {_checks.describe(group)}")
    return found


def _rows(columns: Sequence[Values]) -> Reals:
    """Columns of numbers, each alone or one per row, as a table."""
    n_rows = max((len(column) for column in columns if isinstance(column, np.ndarray)), default=1)
    table = np.empty((n_rows, len(columns)))
    for i, column in enumerate(columns):
        table[:, i] = column
    return table
