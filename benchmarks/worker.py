"""A process that holds one object and answers calls of its methods: both ends of the pipe.

Thread pools are made at import and last as long as the process, so each peer has a process of its own per number of
threads. All of them stay alive while a network is measured, but only the one that is asked works.
"""

import os
import pickle
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

HERE = Path(__file__).resolve()
THREAD_COUNTS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "FASTPROP_NUM_THREADS", "NPROC")
# They make NumPy's BLAS run other kernels than the machine's best.
SLOWED_DOWN_BY = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def environment(threads: int) -> dict[str, str]:
    """The variables that hold every peer to so many threads, and NumPy's BLAS to nothing else."""
    kept = {name: value for name, value in os.environ.items() if name not in SLOWED_DOWN_BY}
    if threads == 1:
        kept["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    return kept | dict.fromkeys(THREAD_COUNTS, str(threads))


class WorkerError(RuntimeError):
    """What a call raised in the worker's process, as text."""


class Worker:
    """An object made in a process of its own: Worker("session", "Session", threads, "numpy").call("time", 0.1)."""

    def __init__(self, module: str, kind: str, threads: int, *args: Any) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(HERE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(threads)
        )
        self._ask(module, kind, args)

    def call(self, method: str, *args: Any) -> Any:
        return self._ask(method, args)

    def _ask(self, *message: Any) -> Any:
        pickle.dump(message, self.process.stdin)
        self.process.stdin.flush()
        try:
            succeeded, answer = pickle.load(self.process.stdout)
        except EOFError:
            raise WorkerError(f"the worker ended with exit status {self.process.wait()}") from None
        if not succeeded:
            raise WorkerError(answer)
        return answer

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *exception: object) -> None:
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def answer(answers: BinaryIO, act: Any) -> None:
    try:
        result = True, act()
    except Exception as error:
        result = False, f"{type(error).__name__}: {error}"
    pickle.dump(result, answers)
    answers.flush()


def serve(calls: BinaryIO, answers: BinaryIO) -> None:
    """Make the object that the first message names, then do what the others ask."""
    held: list[Any] = []
    module, kind, arguments = pickle.load(calls)
    answer(answers, lambda: held.append(getattr(import_module(module), kind)(*arguments)))
    while True:
        try:
            method, arguments = pickle.load(calls)
        except EOFError:
            return
        answer(answers, lambda method=method, arguments=arguments: getattr(held[0], method)(*arguments))


if __name__ == "__main__":
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # what a library prints must not stand among the answers
        serve(sys.stdin.buffer, answers)
