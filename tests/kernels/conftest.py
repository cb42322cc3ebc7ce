"""The kernels by name, from the table itself: a new one is tested on every target the moment it stands in the list."""

from collections.abc import Callable

import numpy as np
import pytest

from fastprop import activations as described
from fastprop._native import dispatch
from fastprop._native.kernel_calls import KernelCalls

TABLE = KernelCalls(dispatch.kernels(np.dtype(np.float64), "baseline"), "baseline")


@pytest.fixture
def baseline(kernels: KernelCalls) -> KernelCalls:
    """The kernels of the target that each other one must agree with, of the same type."""
    return KernelCalls(dispatch.kernels(kernels.dtype, "baseline"), "baseline")


@pytest.fixture(params=TABLE.elementaries)
def elementary(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=TABLE.activations)
def activation(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def activations() -> list[str]:
    return TABLE.activations


@pytest.fixture
def settings() -> Callable[[str], tuple[float, ...]]:
    """The default settings of the activation of that name."""
    return lambda name: described.ACTIVATIONS[name].kernel()[1]


@pytest.fixture(params=TABLE.losses)
def loss(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=TABLE.metrics)
def metric(request: pytest.FixtureRequest) -> str:
    return request.param
