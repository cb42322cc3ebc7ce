"""Time, and what is made of it: turns in rounds, and medians of ratios."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

PAUSE = 0.03  # seconds after each turn: threads of OpenBLAS wait for more work that long, at full speed


@dataclass(frozen=True)
class Effort:
    """How long to measure: `seconds` for each case, in at least `rounds` rounds of turns of `turn` seconds.

    clock "wall" is time as it passes; "cpu" that in which the process ran, all its threads together, which a busy
    machine disturbs less, and which says nothing about several threads.
    """

    seconds: float
    rounds: int
    turn: float
    clock: str = "wall"


@dataclass(frozen=True)
class Turn:
    """Seconds per unit of work, by both clocks."""

    wall: float
    cpu: float


class Stopwatch:
    """Times `work(repeats)`, which does a thing of so many units so many times."""

    def __init__(self, work: Callable[[int], object], units: float = 1) -> None:
        self.work, self.units = work, units
        self.work(1)  # the first time of all, buffers are made and code is compiled
        self.seconds = self._time(1).wall

    def __call__(self, seconds: float) -> Turn:
        """A turn of about `seconds`, after warming up where that costs little."""
        if self.seconds < seconds:
            self.work(1)
        turn = self._time(max(1, round(seconds / self.seconds)))
        self.seconds = turn.wall
        return Turn(turn.wall / self.units, turn.cpu / self.units)

    def _time(self, repeats: int) -> Turn:
        cpu, wall = time.process_time(), time.perf_counter()
        self.work(repeats)
        return Turn((time.perf_counter() - wall) / repeats, (time.process_time() - cpu) / repeats)


class Rounds:
    """The turns of each that takes part, one in each round."""

    def __init__(self, turns: Mapping[str, list[Turn]], clock: str) -> None:
        self.turns, self.clock = turns, clock

    def __len__(self) -> int:
        return min(map(len, self.turns.values()))

    def seconds(self, name: str) -> list[float]:
        return [getattr(turn, self.clock) for turn in self.turns[name]]

    def median(self, name: str) -> float:
        return statistics.median(self.seconds(name))

    def ratio(self, name: str, to: str) -> float:
        """The median over rounds of name's seconds to the other's: how many times as fast the other is."""
        pairs = zip(self.seconds(name), self.seconds(to), strict=True)
        return statistics.median(mine / other for mine, other in pairs)

    def difference(self, name: str, to: str) -> float:
        """The median over rounds of name's seconds less the other's."""
        pairs = zip(self.seconds(name), self.seconds(to), strict=True)
        return statistics.median(mine - other for mine, other in pairs)

    def cores(self, name: str) -> float:
        """How many were at work on average; below 1, the machine gave them to others."""
        return sum(turn.cpu for turn in self.turns[name]) / sum(turn.wall for turn in self.turns[name])


def take_turns(clocks: Mapping[str, Callable[[float], Turn]], effort: Effort) -> Rounds:
    """A turn of each in every round; the order rotates, so that none always follows another."""
    names = list(clocks)
    rounds = Rounds({name: [] for name in names}, effort.clock)
    end = time.perf_counter() + effort.seconds
    while time.perf_counter() < end or len(rounds) < effort.rounds:
        for name in names:
            rounds.turns[name].append(clocks[name](effort.turn))
            time.sleep(PAUSE)
        names.append(names.pop(0))
    return rounds
