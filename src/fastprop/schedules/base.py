"""What a schedule is: a frozen description of a number that changes while a network is trained.

Any number of an optimizer may be one. A schedule counts the trainer's steps from 0 over its whole life, or with
``per="epoch"`` its epochs, so that a trainer that was saved and resumed goes on with the value that comes next. All its
lengths count such steps. A length of None ends where the call of `fit` ends: ``total_steps`` is then the step count
that the trainer will have reached, the same for one call as for the rest of it after a resume.

The values are part of the numerics contract: +, -, *, / and the core's own functions, never the C library's.
"""

from dataclasses import KW_ONLY, MISSING, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastprop import _checks
from fastprop._arithmetic import standard_arithmetic
from fastprop._values import frozen

__all__ = ["Clock", "Schedule", "number_or_schedule", "values_of"]

Values = NDArray[np.float64]


class Clock(NamedTuple):
    """Where training stands: steps and epochs done over the trainer's life, and how many there will be when the call of
    `fit` ends, where that is known.
    """

    step: int
    epoch: int
    total_steps: int | None = None
    total_epochs: int | None = None


@frozen
class Schedule:
    """A number for each step; frozen, without arrays. ``schedule(steps)`` gives the values at an array of steps."""

    _: KW_ONLY
    per: str = "step"

    @property
    def is_of_steps(self) -> bool:
        """Whether the step's number and the fit's end tell its values, so that they may be computed before."""
        return self.per == "step"

    def __post_init__(self) -> None:
        _checks.choice("per", self.per, ("step", "epoch"))

    def __repr__(self) -> str:
        """The code that makes it, without what is as by default."""
        values = {field: getattr(self, field.name) for field in (*fields(self)[1:], fields(self)[0])}  # `per` last
        parts = [repr(value) for field, value in values.items() if not field.kw_only and field.default is MISSING]
        parts += [
            f"{field.name}={value!r}"
            for field, value in values.items()
            if field.default is not MISSING and value != field.default
        ]
        return f"{type(self).__name__}({', '.join(parts)})"

    def at(self, t: Values, total: int | None) -> Values:
        """The values at the whole numbers t; `total` is where training ends, if that is known."""
        raise NotImplementedError

    @standard_arithmetic()
    def __call__(self, steps: ArrayLike, total_steps: int | None = None) -> Values:
        """The values at these steps, or epochs with ``per="epoch"``, in their shape, to look at or to draw;
        `total_steps` stands for the end of the fit.
        """
        return self.at(np.asarray(steps, dtype=float), total_steps)

    @standard_arithmetic()
    def values(self, clock: Clock, count: int) -> Values:
        """The values of the next `count` steps, which lie in one epoch: float64 (count,)."""
        if self.per == "epoch":
            return np.full(count, self.at(np.array([float(clock.epoch)]), clock.total_epochs)[0])
        return self.at(np.arange(clock.step, clock.step + count, dtype=float), clock.total_steps)

    def _set(self, **fields: Any) -> None:
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def _check_length(self, total_steps: int | None) -> None:
        if total_steps is not None:
            self._set(total_steps=_checks.integer("total_steps", total_steps))

    def _length(self, own: int | None, total: int | None) -> int:
        """The schedule's own length, or without one where the fit ends."""
        if own is not None:
            return own
        if total is None:
            raise ValueError(
                f"{type(self).__name__} ends with the fit, and where this one ends is not known: give it a total_steps"
            )
        return max(total, 1)


def number_or_schedule(name: str, value: object, **bounds: Any) -> "float | Schedule":
    """A schedule itself, or a number within the bounds, as `_checks.number` takes them."""
    return value if isinstance(value, Schedule) else _checks.number(name, value, **bounds)


def values_of(
    name: str,
    setting: "float | Schedule",
    clock: Clock,
    count: int,
    *,
    low: float = -np.inf,
    high: float = np.inf,
    open_high: bool = False,
) -> Values:
    """A setting's values over the next `count` steps, (count,); a schedule's must keep within the bounds as well."""
    if not isinstance(setting, Schedule):
        return np.full(count, setting)
    values = setting.values(clock, count)
    good = np.isfinite(values) & (low <= values) & ((values < high) if open_high else (values <= high))
    if not good.all():
        first = int(np.argmin(good))
        _checks.number(
            f"{name} at step {clock.step + first}, from its {type(setting).__name__},",
            float(values[first]), low=low, high=high, open_high=open_high,
        )  # fmt: skip
    return values
