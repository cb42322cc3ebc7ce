"""Every kernel on every target equals the executable specification (tests/specification) to the last bit, and writes
nowhere but to its outputs. The specification in turn equals exact fractions (contract.py), and one that breaks the
contract is told from it.
"""

import inspect
import os

import numpy as np
import pytest

import contract
from bounds import assert_same_bits
from fastprop._native import dispatch
from fastprop._native.kernel_calls import KernelCalls
from specification.calls import Specification, library
from specification.cases import ALONE, LISTED, Draw, drawings
from specification.memory import GuardedMemory

TABLE = KernelCalls(dispatch.kernels(np.dtype(np.float64), "baseline"), "baseline")
DRAWINGS = drawings(TABLE)
AROUND_A_BLOCK = [contract.BLOCK - 1, contract.BLOCK, contract.BLOCK + 1, 2 * contract.BLOCK + 1]
FEW, MANY = 300, 10_000
FOR_BENCHMARKS = {"fma_chains", "times"}  # a kernel (test_peak.py) and a parameter that promise no bits

of_every_kernel = pytest.mark.parametrize("kernel", DRAWINGS)


@pytest.fixture(params=[np.float32, np.float64], ids=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> np.dtype:
    return np.dtype(request.param)


@pytest.fixture
def memory() -> GuardedMemory:
    return GuardedMemory()


@pytest.fixture
def specification(dtype: np.dtype, memory: GuardedMemory) -> Specification:
    return Specification(dtype, memory.empty)


def assert_kernels_are(specification: Specification, memory: GuardedMemory, kernel: str, count: int) -> None:
    """In `count` cases, on every target of this machine."""
    dtype, draw = specification.dtype, Draw(specification.dtype, memory)
    targets = [KernelCalls(dispatch.kernels(dtype, name), name, memory.empty) for name in dispatch.available()]
    for _ in range(count):
        memory.clear()
        case = DRAWINGS[kernel](draw)
        expected = case(specification)
        for calls in targets:
            for actual, wanted in zip(case(calls), expected, strict=True):
                if actual.tobytes() != wanted.tobytes():  # a NaN of another kind, or worse
                    assert_same_bits(actual, wanted)
        memory.assert_guards_untouched()


@of_every_kernel
def test_kernels_are_their_specification(specification: Specification, memory: GuardedMemory, kernel: str) -> None:
    assert_kernels_are(specification, memory, kernel, FEW)


@pytest.mark.slow
@of_every_kernel
def test_kernels_are_their_specification_in_ten_thousand_cases(
    specification: Specification, memory: GuardedMemory, kernel: str
) -> None:
    assert_kernels_are(specification, memory, kernel, MANY)


def test_every_way_to_call_a_kernel_is_specified_and_tried() -> None:
    methods = {name for name, value in vars(KernelCalls).items() if callable(value) and not name.startswith("_")}
    methods -= FOR_BENCHMARKS
    assert methods == ALONE.keys() | LISTED.keys()
    for name in methods:
        by_kernels, by_specification = (
            list(inspect.signature(getattr(calls, name)).parameters) for calls in (KernelCalls, Specification)
        )
        assert by_specification == [name for name in by_kernels if name not in FOR_BENCHMARKS]


def test_a_kernel_without_a_specification_is_noticed(specification: Specification) -> None:
    with pytest.raises(AttributeError, match="sine_f"):
        specification.elementary("sine", np.zeros(1, specification.dtype))


@pytest.mark.parametrize("beyond", [-1, 0], ids=["before", "behind"])
def test_a_byte_written_beside_an_array_is_noticed(memory: GuardedMemory, dtype: np.dtype, beyond: int) -> None:
    for _ in range(3):
        array = memory.empty((3, 5), dtype)
    memory.assert_guards_untouched()
    at = array.ctypes.data - memory.bytes.ctypes.data + (beyond if beyond else array.nbytes)
    memory.bytes[at] = 0
    memory.empty((3, 5), dtype)
    with pytest.raises(AssertionError, match="were written to"):
        memory.assert_guards_untouched()


# What lets a compiler fuse where it likes, on a machine that can.
FUSING_FLAGS = {"avx2": ["-ffp-contract=fast", "-mfma"], "neon": ["-ffp-contract=fast"]}
FUSING = next((flags for target, flags in FUSING_FLAGS.items() if target in dispatch.available()), [])
# Each rule of the contract that a flag can break, and a kernel in which that shows.
BREACHES = {
    "blocks of 128 k": (["-DBLOCK=128"], "product"),
    "blocks of 128 rows": (["-DBLOCK=128"], "column_sums"),
    "rows over 8 lanes": (["-DLANES=8"], "activation_forward softmax"),
    "squared errors over 8 lanes": (["-DLANES=8"], "loss mse"),
    "the C library's exp": (["-DLIBM_EXP"], "elementary exp"),
    "the C library's exp in a loss": (["-DLIBM_EXP"], "loss cross_entropy"),
    "contraction": (FUSING, "loss cross_entropy"),
}


@pytest.mark.skipif("FASTPROP_SPECIFICATION" in os.environ, reason="compiles other specifications")
@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_of_the_contract_is_noticed(dtype: np.dtype, memory: GuardedMemory, breach: str) -> None:
    flags, kernel = BREACHES[breach]
    if not flags:
        pytest.skip("this machine has no fused multiply-add")
    broken = Specification(dtype, memory.empty, library(*flags))
    with pytest.raises(AssertionError, match="elements differ"):
        assert_kernels_are(broken, memory, kernel, FEW)


# The specification against exact fractions.


def normals(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    return rng.standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("with_bias", [False, True], ids=["no bias", "bias"])
@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 3, 20), *((1, 2, k) for k in AROUND_A_BLOCK)], ids=str)
def test_the_specified_product_is_the_sum_that_fractions_give(
    specification: Specification, rng: np.random.Generator, shape: tuple[int, int, int], with_bias: bool
) -> None:
    m, n, k = shape
    a, b, bias = (normals(rng, s, specification.dtype) for s in ((m, k), (k, n), (n,)))
    operands = (a, b, bias) if with_bias else (a, b)
    assert_same_bits(specification.product(*operands), contract.product(*operands))


@pytest.mark.parametrize("m", [1, 2, *AROUND_A_BLOCK])
def test_specified_column_sums_run_over_blocks_of_256_rows(
    specification: Specification, rng: np.random.Generator, m: int
) -> None:
    x = normals(rng, (m, 3), specification.dtype)
    assert_same_bits(specification.column_sums(x), contract.column_sums(x))


@pytest.mark.parametrize("n", [1, 2, 3, 8, 9, 15, 16, 17, 33, 100])
def test_specified_row_sums_run_over_sixteen_lanes(
    specification: Specification, rng: np.random.Generator, n: int
) -> None:
    """The sum seen through softmax, whose denominator is one; the sum of products through the squared error."""
    z, y = normals(rng, (2, 1, n), specification.dtype)
    e = specification.elementary("exp", z - z.max())
    assert_same_bits(specification.activation_forward("softmax", z), e / contract.row_sum(e[0]))
    value, _, _ = specification.loss("mse", z, y)
    assert value == float(contract.row_dot((z - y)[0], (z - y)[0])) / n


@pytest.mark.parametrize("step", [0, 1])
@pytest.mark.parametrize("settings", [(0.1, 0, 0, 0, 0.01), (0.03, 0.9, 0.3, 0, 0.01), (0.03, 0.9, 0, 1, 0.1)], ids=str)
def test_the_specified_sgd_rounds_where_fractions_do(
    specification: Specification, rng: np.random.Generator, settings: tuple[float, ...], step: int
) -> None:
    theta, grad, velocity = normals(rng, (3, 200), specification.dtype)
    expected = contract.sgd(theta, grad, velocity, settings, step)
    learning_rate, momentum, dampening, nesterov, decay = settings
    name = "sgd_nesterov" if nesterov else "sgd_momentum" if momentum else "sgd"
    numbers = decay, 1, -learning_rate, momentum, 1 - dampening, step == 0
    specification.update(name, theta, grad, velocity, numbers)
    for actual, exact in zip((theta, velocity), expected, strict=True):
        assert_same_bits(actual, exact)
