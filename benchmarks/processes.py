"""Whole processes: import, a cold start to a trained network, memory, and size on disk."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cases import TRAINING
from measuring import Effort, Turn, take_turns
from networks import OURS
from peers import PEERS
from worker import Worker, environment

COLD = Path(__file__).parent / "cold"
IMPORTS = {
    "fastprop": "fastprop",
    "numpy": "numpy",
    "torch": "torch",
    "jax": "jax",
    "sklearn": "sklearn.neural_network",
    "onnxruntime": "onnxruntime",
}
MEMORY_CASE = next(case for case in TRAINING if case.name == "mnist")


def turn_of(*arguments: str, threads: int) -> Callable[[float], Turn]:
    """A clock whose every turn is one whole Python process, from its start to its end."""

    def take(seconds: float) -> Turn:
        start = time.perf_counter()
        process = subprocess.Popen([sys.executable, *arguments], env=environment(threads))
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(arguments)} ended with exit status {process.returncode}")
        return Turn(wall, usage.ru_utime + usage.ru_stime)

    return take


def measure_imports(peers: Sequence[str], threads: int, effort: Effort) -> list[dict[str, Any]]:
    """Milliseconds that each import costs more than `import numpy`, which costs so much more than nothing."""
    names = [name for name in peers if name in IMPORTS]
    clocks = {name: turn_of("-c", f"import {IMPORTS[name]}", threads=threads) for name in {*names, "numpy"}}
    clocks["nothing"] = turn_of("-c", "pass", threads=threads)
    for clock in clocks.values():
        clock(0)  # files come from the disk, and are compiled, once
    rounds = take_turns(clocks, effort)
    return [
        {
            "peer": name,
            "milliseconds": 1e3 * rounds.difference(name, to="nothing"),
            "more_than_numpy": 1e3 * rounds.difference(name, to="numpy"),
        }
        for name in names
    ]


def measure_cold_start(threads: int, effort: Effort) -> dict[str, Any]:
    """Seconds of a process that loads the digits and trains until 97 % of those held out are read."""
    scripts = {OURS: "ours.py", "sklearn": "scikit.py"}
    clocks = {name: turn_of(str(COLD / script), threads=threads) for name, script in scripts.items()}
    for clock in clocks.values():
        clock(0)
    rounds = take_turns(clocks, effort)
    return {
        "seconds": {name: rounds.median(name) for name in clocks},
        "times_as_fast": {"sklearn": rounds.ratio("sklearn", to=OURS)},
    }


def measure_sizes(peers: Sequence[str]) -> list[dict[str, Any]]:
    """Bytes: the largest resident set after import and after two epochs, and the files of the distributions."""
    found = []
    for name in peers:
        with Worker("session", "Session", 1, name, 1) as worker:
            row = {"peer": name, "imported": worker.call("peak_memory"), "trained": None}
            if PEERS[name].trains:
                worker.call("prepare_training", MEMORY_CASE)
                row["trained"] = worker.call("peak_memory")
            found.append(row | {"installed": worker.call("installed_bytes")})
    return found
