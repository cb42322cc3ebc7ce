from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import NDArray

from fastprop._native.layout import Node, Objective, Rule

class Plan:
    batch_size: int
    n_params: int
    n_workers: int
    schedules: tuple[Callable[[Any, int], NDArray[Any]], ...]

    def __init__(
        self,
        capsule: object,
        nodes: Sequence[Node],
        batch_size: int,
        loss: tuple[Any, ...] | None = None,
        metrics: Sequence[tuple[str, float]] = (),
        n_workers: int = 1,
        n_elements: int | None = None,
        to_inputs: bool = False,
    ) -> None: ...
    def reads_z(self, activation: str) -> bool: ...
    def answer(self, theta: NDArray[Any], buffers: NDArray[Any] | None, X: object) -> NDArray[Any] | None: ...
    def predict(
        self, theta: NDArray[Any], buffers: NDArray[Any] | None, X: NDArray[Any], out: NDArray[Any]
    ) -> bool: ...
    def evaluate(
        self,
        theta: NDArray[Any],
        buffers: NDArray[Any] | None,
        X: NDArray[Any],
        Y: NDArray[Any],
        w: NDArray[Any] | None,
        totals: NDArray[Any],
        mean_w: NDArray[Any] | None = None,
        outputs: NDArray[Any] | None = None,
    ) -> None: ...
    def gradient(
        self,
        theta: NDArray[Any],
        buffers: NDArray[Any] | None,
        grad: NDArray[Any],
        X: NDArray[Any],
        Y: NDArray[Any],
        w: NDArray[Any] | None,
        seed: int,
        totals: NDArray[Any],
        mean_w: NDArray[Any] | None = None,
    ) -> None: ...
    def input_gradient(
        self,
        theta: NDArray[Any],
        buffers: NDArray[Any] | None,
        dX: NDArray[Any],
        X: NDArray[Any],
        Y: NDArray[Any],
        w: NDArray[Any] | None,
        totals: NDArray[Any],
        mean_w: NDArray[Any] | None = None,
    ) -> None: ...
    def jacobian(self, theta: NDArray[Any], buffers: NDArray[Any] | None, J: NDArray[Any], X: NDArray[Any]) -> None: ...
    def train(
        self,
        theta: NDArray[Any],
        buffers: NDArray[Any] | None,
        X: NDArray[Any],
        Y: NDArray[Any],
        w: NDArray[Any] | None,
        order: NDArray[Any] | None,
        first: int,
        last: int,
        rule: Rule,
        seed: int,
        totals: NDArray[Any],
        mean_w: NDArray[Any] | None = None,
        outputs: NDArray[Any] | None = None,
        node_settings: NDArray[Any] | None = None,
        objective: Objective | None = None,
    ) -> None: ...
