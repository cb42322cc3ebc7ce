"""Builds of fastprop beside one another: the same products and training steps in turns, on one thread.

    PYTHONPATH=src python benchmarks/builds.py src ../another/src ../a-third/src

Each argument is a folder that holds a built package; the others' times are divided into the first's. Prints a row for
each product and each network: microseconds of the first, and how many times as fast each of the others is. A process
per build; the clock is the time in which it ran, so that what else the machine does weighs little.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from cases import TRAINING
from measuring import Effort, Turn, take_turns
from networks import OURS
from products import ROLES
from worker import Worker

SHAPES = (128, 784, 512), (128, 512, 512), (256, 2048, 2048), (32, 64, 64)  # batch, n_in, n_out
NETWORKS = [case for case in TRAINING if case.name in {"digits", "mnist", "mnist512", "wide"}]
EFFORT = Effort(seconds=4, rounds=9, turn=0.02, clock="cpu")


def worker(stack: ExitStack, build: str, *arguments: object) -> Worker:
    """A process that imports this build's fastprop."""
    os.environ["PYTHONPATH"] = str(Path(build).resolve())
    return stack.enter_context(Worker(*arguments))


def compare(what: str, clocks: Mapping[str, Callable[[float], Turn]], units: float = 1) -> None:
    rounds = take_turns(clocks, EFFORT)
    first, *others = clocks
    ratios = (f"{rounds.ratio(first, to=other):.3f}" for other in others)
    print(f"| {what} | {1e6 * units * rounds.median(first):.1f} | {' | '.join(ratios)} |", flush=True)


def compare_products(builds: Sequence[str], dtype: str) -> None:
    with ExitStack() as stack:
        kernels = {build: worker(stack, build, "products", "Kernels", 1) for build in builds}
        for shape in SHAPES:
            for role in ROLES:
                for each in kernels.values():
                    each.call("prepare", dtype, shape, role)
                clocks = {build: partial(each.call, "time_ours") for build, each in kernels.items()}
                batch, n_in, n_out = shape
                compare(f"{role} {batch} x {n_in} x {n_out}, {dtype}", clocks, 2 * batch * n_in * n_out)


def compare_training(builds: Sequence[str], dtype: str) -> None:
    with ExitStack() as stack:
        sessions = {build: worker(stack, build, "session", "Session", 1, OURS, 1) for build in builds}
        for case in NETWORKS:
            for each in sessions.values():
                each.call("prepare_training", replace(case, dtype=dtype))
            clocks = {build: partial(each.call, "time") for build, each in sessions.items()}
            compare(f"a step of {case.name}, {dtype}", clocks)


if __name__ == "__main__":
    for dtype in ("float32", "float64"):
        compare_products(sys.argv[1:], dtype)
        compare_training(sys.argv[1:], dtype)
