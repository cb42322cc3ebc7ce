"""Training steps and calls of predict: fastprop and its peers in turns, each checked against fastprop first."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from cases import Array, Case
from fastprop._native.philox import permutation
from measuring import Effort, Rounds, Turn, take_turns
from peers import PEERS
from worker import Worker

OURS, ALONE = "fastprop", "fastprop, 1 thread"
CHECKED_BATCHES = 4
# Of the norm of what training has changed: 1e-6 and 3e-15 were measured. Sums in another order differ in the last bits,
# and so does, rarely, a relu unit that is within them of 0.
TRAINED_ALIKE = {"float32": 1e-3, "float64": 1e-9}
# Adam's first steps go by the gradient's sign, which is rounding's where it is about 0: 2e-3 was measured.
TRAINED_ALIKE_BY_ADAM = 1e-2
PREDICTED_ALIKE = 1e-5

__all__ = ["measure_predicting", "measure_training"]


def measure_training(
    cases: Sequence[Case], peers: Sequence[str], threads: int, effort: Effort, show: Callable[[dict[str, Any]], None]
) -> list[dict[str, Any]]:
    """A row per network: microseconds per step, ratios, GFLOP/s, share of the peak of so many cores."""
    found = []
    with ExitStack() as stack:
        workers = _workers(stack, [name for name in peers if PEERS[name].trains], threads)
        kernels = stack.enter_context(Worker("products", "Kernels", 1))
        for case in cases:
            _check_training(case, workers)
            for worker in workers.values():
                worker.call("prepare_training", case)
            peak = {"peak": partial(kernels.call, "time_peak", case.dtype)}
            rounds = take_turns(_clocks(workers) | peak, effort)
            found.append(
                _row(case, threads, workers, rounds)
                | {
                    "gflops": case.flops * 1e-9 / rounds.median(OURS),
                    "peak_gflops": threads * 1e-9 / rounds.median("peak"),
                    "share_of_peak": case.flops / threads * rounds.ratio("peak", to=OURS),
                }
            )
            show(found[-1])
    return found


def measure_predicting(
    cases: Sequence[Case], peers: Sequence[str], threads: int, effort: Effort, show: Callable[[dict[str, Any]], None]
) -> list[dict[str, Any]]:
    """A row per network and number of rows: microseconds per call from Python, and ratios."""
    found = []
    with ExitStack() as stack:
        workers = _workers(stack, [name for name in peers if PEERS[name].predicts], threads)
        for case in cases:
            outputs = {name: worker.call("predicted", case) for name, worker in workers.items()}
            for name, o in outputs.items():
                _agree(f"{case.name}: {name}'s outputs", o, outputs[OURS], PREDICTED_ALIKE)
            found.append(_row(case, threads, workers, take_turns(_clocks(workers), effort)))
            show(found[-1])
    return found


def _workers(stack: ExitStack, peers: Sequence[str], threads: int) -> dict[str, Worker]:
    """A process per peer; with several threads, one more for fastprop with one."""

    def session(name: str, threads: int) -> Worker:
        return stack.enter_context(Worker("session", "Session", threads, name, threads))

    workers = {name: session(name, threads) for name in peers}
    return workers if threads == 1 else {**workers, ALONE: session(OURS, 1)}


def _clocks(workers: Mapping[str, Worker]) -> dict[str, Callable[[float], Turn]]:
    return {name: partial(worker.call, "time") for name, worker in workers.items()}


def _check_training(case: Case, workers: Mapping[str, Worker]) -> None:
    """Refuse to time a peer that is not at the same weights as fastprop after the same steps, without dropout.

    With a rate so large that the steps are seen: a mean squared error's gradient is divided by the outputs.
    """
    case = replace(case, dropout=0.0)
    learning_rate = 0.05 * (case.sizes[-1] if case.loss == "mse" else 1)
    order = permutation(0, 0, CHECKED_BATCHES * case.batch_size)
    theta = case.theta()
    changes = {name: worker.call("trained", case, learning_rate, order) - theta for name, worker in workers.items()}
    tolerance = TRAINED_ALIKE[case.dtype] if case.recipe == "sgd" else TRAINED_ALIKE_BY_ADAM
    for name, change in changes.items():
        _agree(f"{case.name}: {name}'s weights", change, changes[OURS], tolerance)


def _agree(what: str, found: Array, ours: Array, tolerance: float) -> None:
    distance = np.linalg.norm(found - ours) / np.linalg.norm(ours)
    if not distance < tolerance:
        raise SystemExit(f"{what} are not fastprop's: {distance:.2g} of their size apart, {tolerance:g} allowed")


def _row(case: Case, threads: int, workers: Mapping[str, Worker], rounds: Rounds) -> dict[str, Any]:
    return {
        "name": case.name,
        "units": case.units,
        "batch": case.batch_size,
        "threads": threads,
        "microseconds": {name: 1e6 * rounds.median(name) for name in workers},
        "times_as_fast": {name: rounds.ratio(name, to=OURS) for name in workers if name != OURS},
        "cores": {name: rounds.cores(name) for name in workers},
        "rounds": len(rounds),
    }
