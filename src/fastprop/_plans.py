"""Plans that are made already, each lent to one caller at a time."""

import threading
from collections.abc import Callable
from typing import Any

from fastprop._native.engine import Plan

__all__ = ["Loan", "Plans"]

IDLE = 8  # plans kept for the next call, of whatever batch sizes


class Plans:
    """One network's."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.idle: list[tuple[object, Plan]] = []  # the latest last

    def lend(self, make: Callable[..., Plan], *key: Any) -> "Loan":
        """For a ``with`` block: the plan that ``make(*key)`` gave before, if it is idle, or gives now."""
        return Loan(self, make, key)


class Loan:
    """A plan for a caller, from the block's begin to its end."""

    __slots__ = ("key", "make", "plan", "plans")

    def __init__(self, plans: Plans, make: Callable[..., Plan], key: tuple[Any, ...]) -> None:
        self.plans, self.make, self.key = plans, make, key
        self.plan: Plan | None = None

    def __enter__(self) -> Plan:
        idle = self.plans.idle
        with self.plans.lock:
            for i in range(len(idle) - 1, -1, -1):
                if idle[i][0] == self.key:
                    self.plan = idle.pop(i)[1]
                    return self.plan
        self.plan = self.make(*self.key)
        return self.plan

    def __exit__(self, *error: object) -> None:
        assert self.plan is not None
        with self.plans.lock:
            self.plans.idle.append((self.key, self.plan))
            del self.plans.idle[:-IDLE]
