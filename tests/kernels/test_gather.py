"""Rows gathered from an array of any number type, strides and alignment, and cast to the kernels' type.

The reference is NumPy's own indexing and `astype`, which rounds to nearest as C does.
"""

from collections.abc import Callable

import numpy as np
import pytest

from bounds import assert_same_bits
from fastprop._native.kernel_calls import KernelCalls

INTEGERS = [np.dtype(f"{sign}{size}") for sign in "iu" for size in (1, 2, 4, 8)]
TYPES = [np.dtype(np.float32), np.dtype(np.float64), *INTEGERS, np.dtype(bool)]


def unaligned(X: np.ndarray) -> np.ndarray:
    """The same values, one byte beside where the type wants to lie."""
    memory = np.zeros(X.nbytes + 1, np.uint8)
    shifted = memory[1:].view(X.dtype).reshape(X.shape)
    shifted[...] = X
    return shifted


def inside_a_record(X: np.ndarray) -> np.ndarray:
    """A field of a structured array: every element 1 byte further than its size."""
    records = np.zeros(X.shape, [("flag", "u1"), ("value", X.dtype)])
    records["value"] = X
    return records["value"]


LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "C order": np.ascontiguousarray,
    "Fortran order": np.asfortranarray,
    "rows reversed": lambda X: X[::-1],
    "columns reversed": lambda X: X[:, ::-1],
    "every other column": lambda X: X[:, ::2],
    "every third row from the end": lambda X: X[::-3],
    "one row broadcast": lambda X: np.broadcast_to(X[1], X.shape),
    "one column broadcast": lambda X: np.broadcast_to(X[:, 2:3], X.shape),
    "unaligned": unaligned,
    "field of a record": inside_a_record,
}


def values(rng: np.random.Generator, shape: tuple[int, int], dtype: np.dtype) -> np.ndarray:
    """Random numbers over the type's whole range, so that casts round, its extremes among them."""
    if dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    X = np.frombuffer(rng.bytes(int(np.prod(shape)) * dtype.itemsize), dtype).reshape(shape).copy()
    if dtype.kind == "f":
        X = (rng.standard_normal(shape) * 10.0 ** rng.integers(-30, 30, shape)).astype(dtype)
        X[0, :5] = [np.nan, np.inf, -np.inf, -0.0, np.finfo(dtype).smallest_subnormal]
        X[1, :2] = [np.finfo(dtype).max, np.finfo(dtype).min]
    else:
        X[0, :3] = [np.iinfo(dtype).max, np.iinfo(dtype).min, np.iinfo(dtype).max - 1]
    return X


def assert_gathered(kernels: KernelCalls, X: np.ndarray, rows: np.ndarray) -> None:
    with np.errstate(over="ignore"):
        expected = X[rows].astype(kernels.dtype)
    assert_same_bits(kernels.gather(X, rows), expected)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_gather_takes_every_type_in_every_layout(
    kernels: KernelCalls, rng: np.random.Generator, dtype: np.dtype, layout: str
) -> None:
    X = LAYOUTS[layout](values(rng, (12, 17), dtype))
    assert_gathered(kernels, X, rng.integers(0, len(X), 30))


@pytest.mark.parametrize("n", [1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 100])
def test_gather_takes_every_width(kernels: KernelCalls, rng: np.random.Generator, n: int) -> None:
    X = rng.standard_normal((9, n))
    assert_gathered(kernels, X, rng.permutation(9))
    assert_gathered(kernels, X.astype(np.float32), rng.permutation(9))


@pytest.mark.parametrize("dtype", [np.int64, np.uint64], ids=["int64", "uint64"])
def test_integers_beyond_the_fraction_are_rounded_once(kernels: KernelCalls, dtype: type) -> None:
    """A detour over double would round 2**54 + 2**30 + 1 down to a tie in float32, then to even: twice."""
    numbers = [2**53 + 1, 2**54 + 2**30 + 1, 2**54 - 2**29 - 1, 2**62 + 2**38 + 1, 2**63 - 1]
    fraction = np.finfo(kernels.dtype).nmant
    units = [2 ** (number.bit_length() - 1 - fraction) for number in numbers]
    exact = [round_half_even(number, unit) for number, unit in zip(numbers, units, strict=True)]
    X = np.array([numbers], dtype)
    assert [int(x) for x in kernels.gather(X, np.array([0]))[0]] == exact


def round_half_even(number: int, unit: int) -> int:
    down, rest = divmod(number, unit)
    return unit * (down + (2 * rest > unit or (2 * rest == unit and down % 2)))


def test_rows_may_repeat_and_come_in_any_order(kernels: KernelCalls) -> None:
    X = np.arange(10).reshape(5, 2)
    np.testing.assert_array_equal(
        kernels.gather(X, np.array([4, 0, 0, 3])), np.array([[8, 9], [0, 1], [0, 1], [6, 7]], kernels.dtype)
    )


def test_a_read_only_array_and_a_memory_map_are_taken(kernels: KernelCalls, rng: np.random.Generator, tmp_path) -> None:
    X = rng.standard_normal((20, 6)).astype(np.float32)
    np.save(tmp_path / "X.npy", X)
    X.flags.writeable = False
    rows = rng.permutation(20)
    assert_gathered(kernels, X, rows)
    assert_gathered(kernels, np.load(tmp_path / "X.npy", mmap_mode="r"), rows)


@pytest.mark.parametrize("dtype", [np.float16, np.complex64, ">f8", "U3", object], ids=str)
def test_other_types_are_refused(kernels: KernelCalls, dtype: str | type) -> None:
    """Never read as what they are not; `fastprop._checks` turns them into a type that is taken."""
    with pytest.raises((TypeError, ValueError)):
        kernels.gather(np.zeros((3, 2), dtype), np.array([0]))
