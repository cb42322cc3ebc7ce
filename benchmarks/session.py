"""What runs in a peer's process: one network of it at a time, in training or at predict."""

import resource
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_info

from cases import LEARNING_RATE, Array, Case
from measuring import Stopwatch, Turn
from peers import PEERS


def repeated(work: Callable[[], object]) -> Callable[[int], None]:
    def times(count: int) -> None:
        for _ in range(count):
            work()

    return times


class Session:
    """Built in a `worker.Worker`."""

    def __init__(self, name: str, threads: int) -> None:
        self.peer = import_module(PEERS[name].module)
        if hasattr(self.peer, "set_threads"):
            self.peer.set_threads(threads)

    def versions(self) -> dict[str, str]:
        return {name: found.version for name, found in self._distributions().items()}

    def installed_bytes(self) -> dict[str, int]:
        """Of each distribution's own files, without what it depends on."""
        files = {
            name: [Path(found.locate_file(file)) for file in found.files or ()]
            for name, found in self._distributions().items()
        }
        return {name: sum(path.stat().st_size for path in paths if path.exists()) for name, paths in files.items()}

    def _distributions(self) -> dict[str, Distribution]:
        """Those of the peer's that are installed as such; a source tree on the path is none."""
        return {name: found for name in self.peer.DISTRIBUTIONS for found in Distribution.discover(name=name)}

    def thread_pools(self) -> list[dict[str, Any]]:
        """What threadpoolctl finds in this process: which BLAS, and which kernels it has chosen."""
        told = ("internal_api", "version", "architecture", "num_threads")
        return [{name: pool.get(name) for name in told} for pool in threadpool_info()]

    def trained(self, case: Case, learning_rate: float, order: Array) -> Array:
        """The parameters after one epoch of the rows in this order."""
        X, y = case.data(len(order) // case.batch_size)
        training = self.peer.Training(case, case.theta(), X, y, learning_rate)
        training.epoch(order)
        return training.theta()

    def prepare_training(self, case: Case) -> None:
        X, y = case.data(case.n_batches)
        training = self.peer.Training(case, case.theta(), X, y, LEARNING_RATE)
        self._prepare(getattr(training, "epochs", None) or repeated(training.epoch), case.n_batches)

    def predicted(self, case: Case) -> Array:
        """The outputs for the case's rows, which are then what `time` times."""
        predict = self.peer.predictor(case, case.theta())
        x, _ = case.data(1)
        self._prepare(repeated(lambda: predict(x)))
        return predict(x)

    def _prepare(self, work: Callable[[int], object], units: int = 1) -> None:
        self.clock = Stopwatch(work, units)

    def time(self, seconds: float) -> Turn:
        """A turn whose unit is a step of training, or a call of predict."""
        return self.clock(seconds)

    def peak_memory(self) -> int:
        """Bytes of this process's largest resident set. Linux hands getrusage's to a child, but not this one."""
        try:
            status = Path("/proc/self/status").read_text()
            return 1024 * int(status.split("VmHWM:")[1].split()[0])
        except (OSError, IndexError):
            size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            return size if sys.platform == "darwin" else 1024 * size
