"""The machine: which kernels run here, and on how many threads."""

import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from fastprop import _checks
from fastprop._native import dispatch, threads
from fastprop._version import __version__

__all__ = ["limit_threads", "num_threads", "set_num_threads", "show_config", "target", "targets"]


def target() -> str:
    """The instruction set whose kernels run: "avx512", "avx2", "neon" or "baseline".

    It is the best that the machine has, or the one that the environment variable FASTPROP_TARGET names; the results
    are the same bits with each.

    Raises
    ------
    ValueError
        If FASTPROP_TARGET names one that is not available here.
    """
    return dispatch.chosen()


def targets() -> tuple[str, ...]:
    """The targets available on this machine, the best first.

    Examples
    --------
    >>> targets()[-1]
    'baseline'
    """
    return dispatch.available()


def num_threads() -> int:
    """The most threads that work on one call of `fit`, `evaluate` or `predict`, the caller's own included.

    By default the CPUs that this process may use (its affinity, its control group's share, the OMP_NUM_THREADS by which
    joblib shares them among its workers), or what the environment variable FASTPROP_NUM_THREADS says. Small networks
    are trained on fewer, since more would take longer; the results are the same bits with any number.

    Raises
    ------
    ValueError
        If FASTPROP_NUM_THREADS is no whole number from 1.
    """
    return threads.number()


def set_num_threads(n: int) -> None:
    """Let at most n threads work on one call from now on, in the whole process; see `num_threads`.

    Raises
    ------
    TypeError, ValueError
        If n is no whole number in 1..1024.

    Examples
    --------
    >>> before = num_threads()
    >>> set_num_threads(1)
    >>> num_threads()
    1
    >>> set_num_threads(before)
    """
    threads.set_number(_checks.integer("n", n, high=threads.MOST_THREADS))


@contextmanager
def limit_threads(n: int | None) -> Iterator[None]:
    """Within ``with limit_threads(n):`` calls from this thread of Python's work on at most n threads, other threads'
    as before. None for no limit.

    Examples
    --------
    >>> with limit_threads(1):
    ...     num_threads()
    1
    """
    before = threads.limit(threads.MOST_THREADS if n is None else _checks.integer("n", n, high=threads.MOST_THREADS))
    try:
        yield
    finally:
        threads.limit(before)


def show_config() -> None:
    """Print what runs here: versions, the machine, and the target in use."""
    rows = {
        "fastprop": __version__,
        "target": f"{target()} (available: {', '.join(targets())})",
        "threads": f"{num_threads()} at most",
        "numpy": np.__version__,
        "python": f"{platform.python_version()} ({sys.implementation.name})",
        "machine": f"{platform.machine()}, {platform.system()} {platform.release()}",
    }
    for name, value in rows.items():
        print(f"{name:<10}{value}")
