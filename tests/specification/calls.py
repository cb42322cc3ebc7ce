"""The executable specification (specification.h), called as `fastprop._native.kernel_calls.KernelCalls` calls kernels.

FASTPROP_SPECIFICATION names a shared library of it; without one it is compiled by $CC, or cc, when first asked for.
"""

import os
import shlex
import subprocess
from collections.abc import Callable, Sequence
from ctypes import CDLL, c_char, c_double, c_ssize_t, c_void_p
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

SOURCES = sorted(map(str, Path(__file__).parent.glob("*.c")))
NUMBERS = ["f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"]
KINDS = dict(zip(map(np.dtype, NUMBERS), "fdbhiqBHIQB", strict=True))  # gather's letters, as in table.pxd
SLOPES = [None, "relu", "tanh"]  # in the order of specification.h
FLAGS = ["-O2", "-std=c11", "-ffp-contract=off", "-shared", "-fPIC"]


@cache
def library(*more_flags: str) -> CDLL:
    """The specification for both types; `more_flags` come last, and so prevail."""
    prebuilt = os.environ.get("FASTPROP_SPECIFICATION")
    if prebuilt and not more_flags:
        return CDLL(prebuilt)
    compiler = shlex.split(os.environ.get("CC", "cc"))
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = f"{folder}/specification.so"
        subprocess.run([*compiler, *FLAGS, *more_flags, "-o", path, *SOURCES, "-lm"], check=True)
        return CDLL(path)


def as_argument(value: Any) -> Any:
    """What C takes for it: an array's address, NULL, a letter, a double, or a ptrdiff_t."""
    if isinstance(value, np.ndarray):
        return c_void_p(value.ctypes.data)
    if isinstance(value, str):
        return c_char(value.encode())
    if isinstance(value, float):
        return c_double(value)
    return None if value is None else c_ssize_t(value)


class Specification:
    """For each method of KernelCalls one of the same name and signature."""

    target = "specification"

    def __init__(
        self, dtype: np.dtype, empty: Callable[..., np.ndarray] = np.empty, compiled: CDLL | None = None
    ) -> None:
        self.dtype = dtype
        self.empty = empty
        self.compiled = library() if compiled is None else compiled

    def function(self, name: str) -> Any:
        return getattr(self.compiled, f"{name}_f{8 * self.dtype.itemsize}")

    def call(self, name: str, *arguments: Any) -> None:
        self.function(name)(*map(as_argument, arguments))

    def number(self, name: str, *arguments: Any) -> float:
        function = self.function(name)
        function.restype = c_double
        return function(*map(as_argument, arguments))

    def copy(self, array: np.ndarray) -> np.ndarray:
        copied = self.empty(array.shape, array.dtype)
        copied[...] = array
        return copied

    def product(
        self,
        a: np.ndarray,
        b: np.ndarray,
        bias: np.ndarray | None = None,
        rectify: bool = False,
        slope: str | None = None,
        below: np.ndarray | None = None,
    ) -> np.ndarray:
        (m, k), n, c = a.shape, b.shape[1], self.empty((len(a), b.shape[1]), self.dtype)
        a_strides, b_strides = ([stride // self.dtype.itemsize for stride in x.strides] for x in (a, b))
        self.call("product", c, m, n, k, a, *a_strides, b, *b_strides, bias, rectify, SLOPES.index(slope), below)
        return c

    def dense(self, values: np.ndarray, columns: np.ndarray, starts: np.ndarray, k: int) -> np.ndarray:
        x = np.zeros((len(starts) - 1, k), self.dtype)
        x[np.repeat(np.arange(len(x)), np.diff(starts)), columns] = values
        return x

    def sparse_product(
        self,
        values: np.ndarray,
        columns: np.ndarray,
        starts: np.ndarray,
        b: np.ndarray,
        bias: np.ndarray | None = None,
    ) -> np.ndarray:
        return self.product(self.dense(values, columns, starts, len(b)), b, bias)

    def sparse_gradient(
        self,
        values: np.ndarray,
        columns: np.ndarray,
        starts: np.ndarray,
        delta: np.ndarray,
        first: int,
        count: int,
    ) -> np.ndarray:
        x = self.dense(values, columns, starts, max(first + count, int(columns.max(initial=-1)) + 1))
        return self.product(x[:, first : first + count].T, delta)

    def column_sums(self, x: np.ndarray) -> np.ndarray:
        sums = self.empty((x.shape[1],), self.dtype)
        self.call("column_sums", x, sums, *x.shape)
        return sums

    def weight_sum(self, w: np.ndarray) -> float:
        return self.number("weight_sum", w, w.size)

    def all_finite(self, x: np.ndarray) -> bool:
        return bool(self.number("all_finite", x, x.size))

    def random_mask(
        self, first: int, count: int, address: tuple[int, int], seed: int, threshold: int, kept: float
    ) -> np.ndarray:
        mask = self.empty((count,), self.dtype)
        self.call("random_mask", mask, first, count, *address, seed, threshold, float(kept))
        return mask

    def shuffle(self, count: int, address: tuple[int, int], seed: int) -> np.ndarray:
        rows = np.empty(count, np.intp)
        self.call("shuffle", rows, count, *address, seed)
        return rows

    def operation(
        self,
        name: str,
        reads: Sequence[np.ndarray | None],
        writes: Sequence[tuple[int, ...]],
        settings: Sequence[float] = (),
        n: int | None = None,
    ) -> tuple[np.ndarray, ...]:
        (m, row), results = reads[0].shape, [self.empty(shape, self.dtype) for shape in writes]
        pointers = [
            (c_void_p * 6)(*[None if array is None else array.ctypes.data for array in arrays])
            for arrays in (reads, results)
        ]
        self.function(name)(*pointers, *map(as_argument, (m, row if n is None else n, row, np.array(settings, float))))
        return tuple(results)

    def elementary(self, name: str, x: np.ndarray) -> np.ndarray:
        y = self.empty(x.shape, self.dtype)
        self.function("map")(self.function(name), *map(as_argument, (x, y, x.size)))
        return y

    def activation_forward(self, name: str, z: np.ndarray, settings: Sequence[float] = ()) -> np.ndarray:
        a = self.empty(z.shape, self.dtype)
        self.call(f"{name}_forward", z, a, *z.shape, np.array(settings, float))
        return a

    def activation_backward(
        self, name: str, a: np.ndarray, z: np.ndarray, da: np.ndarray, settings: Sequence[float] = ()
    ) -> np.ndarray:
        delta = self.copy(da)
        self.call(f"{name}_backward", a, z, delta, *a.shape, np.array(settings, float))
        return delta

    def loss(
        self,
        name: str,
        o_or_z: np.ndarray,
        y: np.ndarray,
        w: np.ndarray | None = None,
        settings: Sequence[float] = (),
    ) -> tuple[float, np.ndarray, np.ndarray]:
        delta, o = self.empty(o_or_z.shape, self.dtype), self.copy(o_or_z)
        with np.errstate(divide="ignore", over="ignore"):
            scale = float(1 / np.float64(len(y) if w is None else self.weight_sum(w)))
        sizes, numbers = (*o.shape, y.shape[1]), np.array(settings, float)
        return self.number(name, o_or_z, y, w, delta, o, *sizes, numbers, scale) * scale, delta, o

    def metric(
        self, name: str, o: np.ndarray, y: np.ndarray, w: np.ndarray | None = None, setting: float = 0.5
    ) -> float:
        return self.number(f"{name}_metric", o, y, w, *y.shape, float(setting))

    def update(
        self,
        name: str,
        theta: np.ndarray,
        grad: np.ndarray,
        state: np.ndarray,
        settings: Sequence[float],
    ) -> None:
        self.call(name, theta, grad, state, theta.size, np.array(settings, float))

    def update_by_factors(
        self,
        name: str,
        theta: np.ndarray,
        a: np.ndarray,
        delta: np.ndarray,
        state: np.ndarray,
        settings: Sequence[float],
    ) -> None:
        self.update(name, theta, self.product(a.T, delta), state, settings)

    def add_to(self, x: np.ndarray, sum: np.ndarray) -> np.ndarray:
        added = self.copy(sum)
        self.call("add_to", x, added, x.size)
        return added

    def squares(self, x: np.ndarray, scale: float, limit: float) -> np.ndarray:
        sums = self.empty((-(-x.size // 256),), np.dtype(float))
        self.call("squares", x, sums, x.size, float(scale), float(limit))
        return sums

    def magnitudes(self, x: np.ndarray) -> np.ndarray:
        sums = self.empty((-(-x.size // 256),), np.dtype(float))
        self.call("magnitudes", x, sums, x.size)
        return sums

    def shape_gradient(
        self, theta: np.ndarray, grad: np.ndarray, scale: float, limit: float, factor: float, l1: float
    ) -> np.ndarray:
        shaped = self.copy(grad)
        self.call("shape_gradient", theta, shaped, theta.size, *map(float, (scale, limit, factor, l1)))
        return shaped

    def average(self, theta: np.ndarray, average: np.ndarray, share: float) -> np.ndarray:
        moved = self.copy(average)
        self.call("average", theta, moved, theta.size, float(share))
        return moved

    def limit_columns(self, W: np.ndarray, first: int, last: int, limit: float) -> np.ndarray:
        limited = self.copy(W)
        self.call("limit_columns", limited, *W.shape, first, last, float(limit))
        return limited

    def gather(
        self, X: np.ndarray, rows: np.ndarray | None = None, first: int = 0, count: int | None = None
    ) -> np.ndarray:
        x = self.empty((number_of(X, rows, first, count), X.shape[1]), self.dtype)
        self.call("gather", KINDS[X.dtype], X, *X.strides, rows, first, *x.shape, x)
        return x

    def gather_one_hot(
        self, labels: np.ndarray, n: int, rows: np.ndarray | None = None, first: int = 0, count: int | None = None
    ) -> np.ndarray:
        y = self.empty((number_of(labels, rows, first, count), n), self.dtype)
        self.call("gather_one_hot", labels, rows, first, len(y), n, y)
        return y


def number_of(X: np.ndarray, rows: np.ndarray | None, first: int, count: int | None) -> int:
    return len(X if rows is None else rows) - first if count is None else count
