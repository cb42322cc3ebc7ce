"""The matrix product in its three roles: fastprop's kernel and NumPy's BLAS beside the peak of multiply-adds.

One thread; all three in one process. The kernel is called from native code, again and again on the same arrays, as
an epoch does; NumPy's matmul from Python into an array made before, which weighs on the smallest products (about
1 us a call).
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from cases import TRAINING, Array
from fastprop._native import dispatch
from fastprop._native.kernel_calls import KernelCalls
from measuring import Effort, Stopwatch, Turn, take_turns
from worker import Worker

Shape = tuple[int, int, int]  # batch, n_in, n_out

# Of the cases, those whose layers' products are measured.
MEASURED = {"xor", "policy", "digits", "digits online", "mnist", "mnist512", "wide", "table", "digits float64",
            "mnist512 float64"}  # fmt: skip
# A role's operands a (m, k) and b (k, n) from x (batch, n_in), W (n_in, n_out) and delta (batch, n_out).
ROLES: dict[str, Callable[[Array, Array, Array], tuple[Array, Array]]] = {
    "forward": lambda x, W, delta: (x, W),
    "backward": lambda x, W, delta: (delta, W.T),
    "gradient": lambda x, W, delta: (x.T, delta),
}
TOLERANCE = {"float32": 1e-4, "float64": 1e-11}  # of the largest element; the two only sum in another order
FMA_ROUNDS = 10_000


class Kernels:
    """Built in a `worker.Worker`."""

    def time_peak(self, dtype: str, seconds: float) -> Turn:
        """A turn at the machine's peak; its unit, as that of the others, is a floating-point operation."""
        calls = self._calls(dtype)
        flops = 2 * FMA_ROUNDS * calls.fma_chains(0).size
        return Stopwatch(lambda times: calls.fma_chains(times * FMA_ROUNDS), flops)(seconds)

    def prepare(self, dtype: str, shape: Shape, role: str) -> None:
        batch, n_in, n_out = shape
        rng = np.random.default_rng(0)
        sizes = (batch, n_in), (n_in, n_out), (batch, n_out)
        a, b = ROLES[role](*(rng.standard_normal(size).astype(dtype) for size in sizes))
        calls = self._calls(dtype)
        out = a @ b
        worst = np.abs(calls.product(a, b) - out).max()
        assert worst < TOLERANCE[dtype] * np.abs(out).max(), f"{role} product of {shape}: {worst} from NumPy's"

        def blas(times: int) -> None:
            for _ in range(times):
                np.matmul(a, b, out=out)

        flops = 2 * batch * n_in * n_out
        self.ours = Stopwatch(lambda times: calls.product(a, b, times=times), flops)
        self.numpys = Stopwatch(blas, flops)

    def time_ours(self, seconds: float) -> Turn:
        return self.ours(seconds)

    def time_numpy(self, seconds: float) -> Turn:
        return self.numpys(seconds)

    @staticmethod
    def _calls(dtype: str) -> KernelCalls:
        return KernelCalls(dispatch.kernels(np.dtype(dtype), dispatch.chosen()), dispatch.chosen())


def shapes() -> Iterator[tuple[str, Shape, str]]:
    """The products that the cases' layers make: type, shape, role. The first layer hands no gradient down."""
    seen = {}
    for case in (case for case in TRAINING if case.name in MEASURED):
        for i, (n_in, n_out) in enumerate(pairwise(case.sizes)):
            for role in ROLES:
                if i or role != "backward":
                    seen[case.dtype, (case.batch_size, n_in, n_out), role] = None
    yield from seen


def measure(effort: Effort, show: Callable[[dict[str, Any]], None]) -> list[dict[str, Any]]:
    """A row per product: GFLOP/s of fastprop, of NumPy and of the peak, and medians of ratios."""
    found = []
    with Worker("products", "Kernels", 1) as kernels:
        for dtype, shape, role in shapes():
            kernels.call("prepare", dtype, shape, role)
            clocks = {
                "fastprop": partial(kernels.call, "time_ours"),
                "numpy": partial(kernels.call, "time_numpy"),
                "peak": partial(kernels.call, "time_peak", dtype),
            }
            rounds = take_turns(clocks, effort)
            found.append(
                {
                    "role": role, "dtype": dtype, "batch": shape[0], "n_in": shape[1], "n_out": shape[2],
                    "gflops": {name: 1e-9 / rounds.median(name) for name in clocks},
                    "times_as_fast": {"numpy": rounds.ratio("numpy", to="fastprop")},
                    "share_of_peak": rounds.ratio("peak", to="fastprop"),
                }
            )  # fmt: skip
            show(found[-1])
    return found
