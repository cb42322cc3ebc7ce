from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

def at_a_cache_line(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]: ...

class KernelCalls:
    target: str
    dtype: np.dtype[Any]
    operations: list[str]
    elementaries: list[str]
    activations: list[str]
    losses: list[str]
    metrics: list[str]
    updates: list[str]

    def __init__(
        self,
        capsule: object,
        target: str,
        empty: Callable[[tuple[int, ...], np.dtype[Any]], NDArray[Any]] = ...,
    ) -> None: ...
    def product(
        self,
        a: NDArray[Any],
        b: NDArray[Any],
        bias: NDArray[Any] | None = None,
        rectify: bool = False,
        slope: str | None = None,
        below: NDArray[Any] | None = None,
        times: int = 1,
    ) -> NDArray[Any]: ...
    def sparse_product(
        self,
        values: NDArray[Any],
        columns: NDArray[np.intp],
        starts: NDArray[np.intp],
        b: NDArray[Any],
        bias: NDArray[Any] | None = None,
    ) -> NDArray[Any]: ...
    def sparse_gradient(
        self,
        values: NDArray[Any],
        columns: NDArray[np.intp],
        starts: NDArray[np.intp],
        delta: NDArray[Any],
        first: int,
        count: int,
    ) -> NDArray[Any]: ...
    def fma_chains(self, count: int) -> NDArray[Any]: ...
    def column_sums(self, x: NDArray[Any]) -> NDArray[Any]: ...
    def weight_sum(self, w: NDArray[Any]) -> float: ...
    def all_finite(self, x: NDArray[Any]) -> bool: ...
    def shuffle(self, count: int, address: tuple[int, int], seed: int) -> NDArray[np.intp]: ...
    def random_mask(
        self, first: int, count: int, address: tuple[int, int], seed: int, threshold: int, kept: float
    ) -> NDArray[Any]: ...
    def operation(
        self,
        name: str,
        reads: Sequence[NDArray[Any] | None],
        writes: Sequence[tuple[int, ...]],
        settings: Sequence[float] = (),
        n: int | None = None,
    ) -> tuple[NDArray[Any], ...]: ...
    def elementary(self, name: str, x: NDArray[Any]) -> NDArray[Any]: ...
    def activation_forward(self, name: str, z: NDArray[Any], settings: Sequence[float] = ()) -> NDArray[Any]: ...
    def activation_backward(
        self, name: str, a: NDArray[Any], z: NDArray[Any], da: NDArray[Any], settings: Sequence[float] = ()
    ) -> NDArray[Any]: ...
    def loss(
        self,
        name: str,
        o_or_z: NDArray[Any],
        y: NDArray[Any],
        w: NDArray[Any] | None = None,
        settings: Sequence[float] = (),
    ) -> tuple[float, NDArray[Any], NDArray[Any]]: ...
    def metric(
        self, name: str, o: NDArray[Any], y: NDArray[Any], w: NDArray[Any] | None = None, setting: float = 0.5
    ) -> float: ...
    def update(
        self,
        name: str,
        theta: NDArray[Any],
        grad: NDArray[Any],
        state: NDArray[Any],
        settings: Sequence[float],
    ) -> None: ...
    def update_by_factors(
        self,
        name: str,
        theta: NDArray[Any],
        a: NDArray[Any],
        delta: NDArray[Any],
        state: NDArray[Any],
        settings: Sequence[float],
    ) -> None: ...
    def add_to(self, x: NDArray[Any], sum: NDArray[Any]) -> NDArray[Any]: ...
    def squares(self, x: NDArray[Any], scale: float, limit: float) -> NDArray[np.float64]: ...
    def magnitudes(self, x: NDArray[Any]) -> NDArray[np.float64]: ...
    def shape_gradient(
        self, theta: NDArray[Any], grad: NDArray[Any], scale: float, limit: float, factor: float, l1: float
    ) -> NDArray[Any]: ...
    def average(self, theta: NDArray[Any], average: NDArray[Any], share: float) -> NDArray[Any]: ...
    def limit_columns(self, W: NDArray[Any], first: int, last: int, limit: float) -> NDArray[Any]: ...
    def gather(
        self,
        X: NDArray[Any],
        rows: Sequence[int] | NDArray[Any] | None = None,
        first: int = 0,
        count: int | None = None,
    ) -> NDArray[Any]: ...
    def gather_one_hot(
        self,
        labels: Sequence[int] | NDArray[Any],
        n: int,
        rows: Sequence[int] | NDArray[Any] | None = None,
        first: int = 0,
        count: int | None = None,
    ) -> NDArray[Any]: ...
