"""The machine: which kernels run here."""

import platform
import sys

import numpy as np

from fastprop._native import dispatch
from fastprop._version import __version__

__all__ = ["show_config", "target", "targets"]


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


def show_config() -> None:
    """Print what runs here: versions, the machine, and the target in use."""
    rows = {
        "fastprop": __version__,
        "target": f"{target()} (available: {', '.join(targets())})",
        "numpy": np.__version__,
        "python": f"{platform.python_version()} ({sys.implementation.name})",
        "machine": f"{platform.machine()}, {platform.system()} {platform.release()}",
    }
    for name, value in rows.items():
        print(f"{name:<10}{value}")
