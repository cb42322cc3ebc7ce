"""How many threads work, and the helpers that stand ready.

A helper is an ordinary Python thread that enters the engine beside its caller (`engine.pyx`). The process has one crew
of them, lent to one caller at a time; a caller that finds it busy works alone. The results are the same bits either
way, so nobody needs to know.
"""

import os
import sys
import threading
from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

__all__ = ["CALL_WORK", "MOST_THREADS", "Pace", "call_helpers", "for_call", "for_step", "number", "set_number"]

MOST_THREADS = 1024
CONTROL_GROUPS = "/sys/fs/cgroup"  # this process's own, as it looks from inside a container
# In multiply-adds, of which a core does about 40 in a nanosecond, half as many in float64. A smaller share of a step is
# not worth two meetings and what each worker fetches from the others' caches, 15 us in all; between two it may be, as
# `Pace` finds out. A shorter call is over before a helper is awake.
STEP_WORK_PER_THREAD = 2_000_000
STEP_WORK_OF_A_PAIR = 800_000
CALL_WORK = 30_000_000


def processors() -> int:
    """The CPUs that this process may use: by its affinity, and by its control group's share of time."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        count = os.cpu_count() or 1
    return max(1, int(min(count, _cgroup_share())))


def _cgroup_share() -> float:
    """CPUs' worth of time that the control group allows; infinite where it says nothing."""
    for quota_and_period in ("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"):  # version 2, version 1
        try:
            words = " ".join(_text_of(name) for name in quota_and_period).split()
            if words[0] not in ("max", "-1"):
                return max(1.0, int(words[0]) / int(words[1]))
        except (OSError, ValueError, IndexError):
            continue
    return float("inf")


def _text_of(name: str) -> str:
    with open(os.path.join(CONTROL_GROUPS, name), encoding="ascii") as file:
        return file.read()


class _Crew:
    """The process's helpers, started when they are first needed; the child of a fork begins with a new crew."""

    def __init__(self) -> None:
        self.busy = threading.Lock()
        self.executor: ThreadPoolExecutor | None = None
        self.size = 0

    def send(self, work: Callable[[], object], count: int) -> None:
        """Nothing happens where no thread can be started: the process is ending, or the system has no more."""
        try:
            from concurrent.futures import ThreadPoolExecutor  # with logging and more, which one thread needs not

            if self.executor is None or self.size < count:
                if self.executor is not None:
                    self.executor.shutdown(wait=False)
                self.executor = ThreadPoolExecutor(count, thread_name_prefix="fastprop")
                self.size = count
            for _ in range(count):
                self.executor.submit(work)
        except RuntimeError:
            self.executor = None  # with the calls that it has queued, and the user's arrays that they hold


_crew = _Crew()
_number: int | None = None
_limits = threading.local()  # of each thread that asked for one: `most`


def _start_afresh() -> None:
    global _crew
    _crew = _Crew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh)


def call_helpers(work: Callable[[], object], count: int) -> Callable[[], object] | None:
    """Have `count` helpers call `work`, as soon as they can; returns what gives them back, None if all are lent.

    That is a lock's own method, and not the end of a `with`: as the engine returns, Ctrl-C is heard in the first line
    of Python, which must not be the one that gives them back.
    """
    crew = _crew
    if count < 1 or not crew.busy.acquire(blocking=False):
        return None
    try:
        crew.send(work, count)
        return crew.busy.release
    except BaseException:
        crew.busy.release()
        raise


def number() -> int:
    """The most threads that work on one call, the caller's included."""
    return min(_process_number(), getattr(_limits, "most", MOST_THREADS))


def limit(most: int) -> int:
    """Allow the calling thread no more of them; returns how many it was allowed before."""
    before: int = getattr(_limits, "most", MOST_THREADS)
    _limits.most = most
    return before


def _process_number() -> int:
    global _number
    if _number is None:
        wanted = os.environ.get("FASTPROP_NUM_THREADS", "")
        if wanted and not (wanted.isascii() and wanted.isdigit() and int(wanted) > 0):
            raise ValueError(f"the environment variable FASTPROP_NUM_THREADS is a whole number from 1, not {wanted!r}")
        _number = min(int(wanted), MOST_THREADS) if wanted else min(processors(), _openmp_limit())
    return _number


def _openmp_limit() -> int:
    """What OpenMP's own variable says, by which joblib and others share the processors among processes."""
    first = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(first) if first.isascii() and first.isdigit() and int(first) > 0 else MOST_THREADS


def set_number(n: int) -> None:
    """Change it for the calls to come."""
    global _number
    _number = n


def for_step(work: int, itemsize: int) -> int:
    """How many threads to share steps of so many multiply-adds among, such that each has enough to do."""
    work = work * itemsize // 4
    return min(number(), max(work // STEP_WORK_PER_THREAD, 2 if work >= STEP_WORK_OF_A_PAIR else 1))


def for_call(work: int) -> int:
    """How many threads to share rows among that go forward only, so many multiply-adds in all."""
    return number() if work >= CALL_WORK else 1


class Pace:
    """Whether a plan's steps are sooner done together or alone, by the clock.

    Sharing has a price that no count of multiply-adds tells: two processors may share one core, or be so far apart that
    what one of them writes comes slowly to the other; or another process may hold one of them, and then both wait for
    it. So now and then a short stint of steps, a trial, is done the way that has been slower. The first steps are done
    together.
    """

    TRIAL = 0.002  # seconds
    # How long from one trial to the next, in trials, of which one counts for LEAST batches at least: before the first,
    # after one that changed something, and at most. Each that changes nothing makes it GROWTH times as long.
    SOON, SELDOM, SELDOMMEST = 2, 32, 256
    LEAST = 8
    GROWTH = 4
    GAIN = 0.95  # of the time alone is what helpers have to do it in, who must be called, and leave no processor free

    def __init__(self, n_workers: int) -> None:
        self.n_workers = n_workers
        self.seconds: dict[int, float] = {}  # of a batch, by the number of workers
        self.since_trial = 0.0
        self.patience = self.SOON

    def stint(self) -> tuple[int, int]:
        """How many workers to have next, and for how many batches at most."""
        if not self.seconds:
            return self.n_workers, sys.maxsize
        better = self._better()
        other = self.n_workers + 1 - better
        guess = self.seconds.get(other, self.n_workers * self.seconds[better])
        if self.since_trial < self.patience * max(self.TRIAL, self.LEAST * guess):
            return better, sys.maxsize
        return other, max(1, int(self.TRIAL / guess))

    def note(self, n_workers: int, n_batches: int, seconds: float) -> None:
        """What a stint has taken. A slow one counts half, since anything may have come in between."""
        better, now = self._better(), seconds / n_batches
        self.seconds[n_workers] = min(now, (self.seconds.get(n_workers, now) + now) / 2)
        if n_workers == better:
            self.since_trial += seconds
        else:
            self.since_trial, self.patience = 0.0, min(self.GROWTH * self.patience, self.SELDOMMEST)
        if self._better() != better:
            self.patience = self.SELDOM

    def _better(self) -> int:
        return 1 if self.GAIN * self.seconds.get(1, inf) < self.seconds.get(self.n_workers, inf) else self.n_workers
