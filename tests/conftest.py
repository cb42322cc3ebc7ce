"""What every test may ask for: the kernels of each target and real type of this machine, and random numbers."""

import signal

import numpy as np
import pytest

from fastprop._native import dispatch
from fastprop._native.kernel_calls import KernelCalls

TARGETS_AND_TYPES = [(target, np.dtype(real)) for target in dispatch.available() for real in (np.float32, np.float64)]

# A shell's background process is born deaf to Ctrl-C, and so would be the tests of it and the processes they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", params=TARGETS_AND_TYPES, ids=lambda p: f"{p[0]}-{p[1].name}")
def kernels(request: pytest.FixtureRequest) -> KernelCalls:
    """Every kernel as a function of arrays, for each target and real type in turn."""
    target, dtype = request.param
    return KernelCalls(dispatch.kernels(dtype, target), target)


@pytest.fixture
def rng() -> np.random.Generator:
    """The same numbers in each run, and for each target."""
    return np.random.default_rng(0)
