"""Every kernel on every target equals the executable specification (tests/specification) to the last bit, and writes
nowhere else; the specification equals exact fractions; and a specification that breaks the contract is told apart.
"""

import inspect
import os
from itertools import islice
from typing import Any

import numpy as np
import pytest

import contract
from bounds import assert_same_bits
from fastprop._native import dispatch
from fastprop._native.kernel_calls import KernelCalls
from specification.calls import Specification, library
from specification.cases import Draw, cases_by_name
from specification.memory import GuardedMemory

TABLE = KernelCalls(dispatch.kernels(np.dtype(np.float64), "baseline"), "baseline")
CASES = cases_by_name(TABLE)
MEMORY = GuardedMemory()


def kernels_of_every_target(dtype: np.dtype) -> list[KernelCalls]:
    return [KernelCalls(dispatch.kernels(dtype, t), t, MEMORY.empty) for t in dispatch.available()]


def assert_kernels_are(specification: Specification, name: str, count: int) -> None:
    """On `count` cases of the kernel, on every target."""
    kernels, draw = kernels_of_every_target(specification.dtype), Draw(specification.dtype, MEMORY)
    for number in range(count):
        MEMORY.clear()
        case = CASES[name](draw)
        expected = case(specification)
        for calls in kernels:
            actual = case(calls)
            for one, other in zip(actual, expected, strict=True):
                if one.tobytes() != other.tobytes():  # but for NaN, a difference
                    assert_same_bits(one, other)
        MEMORY.assert_guards_untouched()


@pytest.fixture(params=[np.float32, np.float64], ids=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> np.dtype:
    return np.dtype(request.param)


@pytest.mark.parametrize("name", CASES)
def test_kernels_are_their_specification(dtype: np.dtype, name: str) -> None:
    assert_kernels_are(Specification(dtype, MEMORY.empty), name, 300)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_kernels_are_their_specification_in_ten_thousand_cases(dtype: np.dtype, name: str) -> None:
    assert_kernels_are(Specification(dtype, MEMORY.empty), name, 10_000)
