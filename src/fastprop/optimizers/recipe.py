"""An optimizer laid out for one network: its groups, and what the trainer keeps for it from step to step."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from fastprop._arithmetic import standard_arithmetic
from fastprop._native.layout import Options, Rule
from fastprop.optimizers.base import OPTIONS, Number, Optimizer
from fastprop.schedules import Clock

__all__ = ["ALL_BATCHES", "AVERAGED", "N_COUNTS", "PENDING", "STEPS_OF_ARRAYS", "Recipe"]

Array = NDArray[Any]

# Of the counts of steps, as the engine keeps them
ALL_BATCHES, PENDING, AVERAGED, STEPS_OF_ARRAYS = range(4)
N_COUNTS = STEPS_OF_ARRAYS  # beside those of the arrays
AVERAGE_SHARE = list(OPTIONS).index("ema_decay")
SUMMED_TOGETHER = 256  # parameters of an array in each sum of squares
FORESEEN = 256  # batches, for which the rule's numbers are computed at once, where an epoch has fewer


class ParameterArray(Protocol):
    """One of the network's: a W, a b."""

    @property
    def layer(self) -> int: ...
    @property
    def kind(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def shape(self) -> tuple[int, ...]: ...


class Foreseen(NamedTuple):
    """Each group's numbers over the batches from `first` to before `last`, in a fit that ends at that step."""

    first: int
    last: int
    end: int | None
    settings: NDArray[np.float64]


class Recipe:
    """What the engine needs of an optimizer, for the next steps of one network.

    Parameters
    ----------
    optimizer : Optimizer
    arrays : sequence of ParameterArray
        The network's, in theta's order.
    n_layers : int
    steps : array (3 + n_arrays,)
        What the engine counts: arrays whose states remember different numbers of steps are groups of their own.

    Attributes
    ----------
    names : tuple of str
        The vectors that are kept, which outlive a file; `n_vectors` of them and scratch are there in memory.
    is_of_steps : bool
        Whether its numbers follow from the counts of steps alone, whatever the epoch.
    """

    def __init__(self, optimizer: Optimizer, arrays: Sequence[ParameterArray], n_layers: int, steps: Array) -> None:
        _check_groups(optimizer, arrays, n_layers)
        self.optimizer = optimizer
        self._arrays = arrays
        self._groups: list[tuple[Optimizer, tuple[Number, ...], int]] = []  # with the first array of each
        self._group_of = np.full(len(arrays), -1, np.int64)
        seen: dict[Any, int] = {}
        rules: dict[tuple[bool, ...], Any] = {}  # by the optimizer's groups that an array belongs to
        for i, array in enumerate(arrays):
            held = tuple(group.holds(array.layer, array.kind, n_layers) for group in optimizer.groups)
            if held not in rules:
                rules[held] = optimizer.for_array(array.layer, array.kind, n_layers)
            rule, factors, frozen = rules[held]
            if not frozen:
                key = rule, factors, int(steps[STEPS_OF_ARRAYS + i])
                if key not in seen:
                    seen[key] = len(self._groups)
                    self._groups.append((rule, factors, i))
                self._group_of[i] = seen[key]
        if not self._groups:
            self._groups.append((optimizer, (), 0))
        self._options = self._lay_out_options() if optimizer.has_options else None
        schedules = [schedule for rule, factors, _ in self._groups for schedule in rule.schedules(factors)]
        self._is_scheduled = bool(schedules)
        self.is_of_steps = all(schedule.is_of_steps for schedule in schedules)
        changes = optimizer.has_options or self._is_scheduled
        self._settled_at = math.inf if changes else max(rule.settled for rule, _, _ in self._groups)
        self._settled: Rule | None = None  # the same for all batches from there on
        self._foreseen: Foreseen | None = None

    def _lay_out_options(self) -> Options:
        rules = [rule for rule, _, _ in self._groups]
        accumulate = self.optimizer.accumulate
        measures = any(rule.clip_norm is not None or rule.clip_global_norm is not None for rule in rules)
        limits = any(rule.max_norm is not None for rule in rules)
        shapes = measures or accumulate > 1 or any(rule.clip_value is not None or rule.l1 != 0 for rule in rules)
        shapes_of = [array.shape if len(array.shape) == 2 else (1, math.prod(array.shape)) for array in self._arrays]
        places = [(a.start, *shape, _is_weight(a)) for a, shape in zip(self._arrays, shapes_of, strict=True)]
        n_blocks = sum(-(-rows * columns // SUMMED_TOGETHER) for _, rows, columns, _ in places)
        return Options(
            np.empty((0, 0, len(OPTIONS))), np.array(places, np.int64).reshape(-1, 4),
            accumulate, shapes, measures, limits,
            self.optimizer.ema_decay is not None, measures or limits or accumulate > 1,
            np.zeros(n_blocks), np.ones(len(places)),
        )  # fmt: skip

    @property
    def names(self) -> tuple[str, ...]:
        options = self._options
        if options is None:
            return self.optimizer.states
        return (*self.optimizer.states, *("average",) * options.averages, *("gradient",) * (options.accumulate > 1))

    @property
    def n_vectors(self) -> int:
        if self._options is None or not self._options.writes_down:
            return len(self.names)
        return len(self.optimizer.states) + self._options.averages + 1 + (self._options.accumulate > 1)

    def begin(self, vectors: Array, theta: Array) -> None:
        """Fill what is kept with what it is before the first step."""
        vectors[:] = 0
        for i, array in enumerate(self._arrays):
            group = self._group_of[i]
            rule = self._groups[group][0] if group >= 0 else self.optimizer
            place = slice(array.start, array.start + math.prod(array.shape))
            for vector, value in zip(vectors, rule.initial, strict=False):
                vector[place] = value
        if "average" in self.names:
            vectors[self.names.index("average"), : theta.size] = theta

    def rule(self, clock: Clock, count: int, vectors: Array, steps: Array) -> Rule:
        """For the next `count` batches."""
        settled = 1 + min(int(steps[STEPS_OF_ARRAYS + first]) for _, _, first in self._groups) >= self._settled_at
        if not settled:
            return self._rule(clock, count, vectors, steps)
        if self._settled is None or self._settled.vectors is not vectors or self._settled.steps is not steps:
            self._settled = self._rule(clock, count, vectors, steps)
        return self._settled

    @standard_arithmetic()
    def _rule(self, clock: Clock, count: int, vectors: Array, steps: Array) -> Rule:
        optimizer = self.optimizer
        settings = self._foresee(clock, count, steps)
        options = self._options
        if options is not None:
            numbers = _together(rule.options(clock, count) for rule, _, _ in self._groups)
            if options.averages:
                numbers = np.repeat(numbers, count, axis=0) if len(numbers) == 1 else numbers
                first = (int(steps[AVERAGED]) + self._steps_before(count, steps) == 0)[:, np.newaxis]
                numbers[..., AVERAGE_SHARE] = np.where(first, 1.0, 1 - numbers[..., AVERAGE_SHARE])
            settings, numbers = _of_one_length(settings, numbers)
            options = options._replace(numbers=numbers)
        return Rule(optimizer.kernel, len(optimizer.states), vectors, settings, self._group_of, steps, options)

    def _foresee(self, clock: Clock, count: int, steps: Array) -> NDArray[np.float64]:
        """Each group's numbers over the next `count` batches, (n_rows, n_groups, n). Where the step alone tells them,
        they are kept for some calls to come; a schedule is not asked beyond the fit's end.
        """
        end, ahead = None, FORESEEN
        if self._is_scheduled:
            end = clock.total_steps
            ahead = 0 if end is None else min(FORESEEN, end - clock.step)
        if not self.is_of_steps or count > ahead:
            return self._settings(clock, count, steps)
        batch, known = int(steps[ALL_BATCHES]), self._foreseen
        if known is None or known.end != end or not known.first <= batch <= known.last - count:
            known = self._foreseen = Foreseen(batch, batch + ahead, end, self._settings(clock, ahead, steps))
        begin = min(batch - known.first, len(known.settings) - 1)
        return known.settings[begin : begin + count]

    def _settings(self, clock: Clock, count: int, steps: Array) -> NDArray[np.float64]:
        before = self._steps_before(count, steps)
        return _together(
            rule.settings(clock, int(steps[STEPS_OF_ARRAYS + first]) + 1 + before, factors)
            for rule, factors, first in self._groups
        )

    def _steps_before(self, count: int, steps: Array) -> NDArray[np.int64]:
        """The steps done before each of the next `count` batches, from now on."""
        return (int(steps[PENDING]) + np.arange(count)) // self.optimizer.accumulate


def _is_weight(array: ParameterArray) -> bool:
    return array.kind == "weight" and len(array.shape) == 2


def _together(tables: Any) -> NDArray[np.float64]:
    """Groups' tables (n_rows, n) as one, (n_rows, n_groups, n)."""
    return np.stack(_of_one_length(*tables), axis=1)


def _of_one_length(*tables: Any) -> list[NDArray[np.float64]]:
    """Tables made as long as the longest, by their last rows."""
    longest = max(len(table) for table in tables)
    return [
        table if len(table) == longest else table[np.minimum(np.arange(longest), len(table) - 1)] for table in tables
    ]


def _check_groups(optimizer: Optimizer, arrays: Sequence[ParameterArray], n_layers: int) -> None:
    kinds = {array.kind for array in arrays}
    for i, group in enumerate(optimizer.groups):
        for layer in group.layers or ():
            if not -n_layers <= layer < n_layers:
                raise ValueError(f"groups[{i}] names layer {layer}, but the network's are 0..{n_layers - 1}")
        for kind in group.kinds or ():
            if kind not in kinds:
                known = ", ".join(map(repr, sorted(kinds)))
                raise ValueError(f"groups[{i}] names the kind {kind!r}, but the network's parameters are {known}")
