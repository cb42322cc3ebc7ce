"""Which target's kernels run: the best that this machine has, or the one that FASTPROP_TARGET names."""

import os
from functools import cache
from importlib import import_module

import numpy as np

from fastprop._native.kernels.cpu import supported_targets


@cache
def available() -> tuple[str, ...]:
    """The targets that this machine can run and this build contains, the best first."""
    from importlib.util import find_spec  # which `import fastprop` does without

    return tuple(t for t in supported_targets() if find_spec(f"fastprop._native.kernels.{t}_f32") is not None)


@cache
def chosen() -> str:
    """The target in use for the life of the process.

    Raises
    ------
    ValueError
        If FASTPROP_TARGET names one that is not available here.
    """
    wanted = os.environ.get("FASTPROP_TARGET", "")
    if not wanted:
        return available()[0]
    if wanted not in available():
        raise ValueError(
            f"target {wanted!r} is not available on this machine; available: {', '.join(available())}"
            " (the environment variable FASTPROP_TARGET asked for it)"
        )
    return wanted


@cache
def kernels(dtype: np.dtype[np.floating], target: str) -> object:
    """The capsule with the table of kernels for float32 or float64."""
    return import_module(f"fastprop._native.kernels.{target}_f{8 * dtype.itemsize}").capsule
