"""Whole fits of fastprop.sklearn's MLPs beside scikit-learn's: the test scores, and the time that `fit` takes.

Each library has a process of its own. For each data set and seed both fit the same rows with the same parameters, one
after the other, in turns as to who goes first.
"""

import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from importlib import import_module
from typing import Any

from sklearn.exceptions import ConvergenceWarning

from measuring import PAUSE, Rounds, Turn
from networks import OURS
from real_data import DATA, RealData, Split, split
from worker import Worker

THEIRS = "sklearn"
MODULES = {OURS: "fastprop.sklearn", THEIRS: "sklearn.neural_network"}
SEEDS = {"full": 10, "quick": 3}
DTYPES = ("float64", "float32")

__all__ = ["SEEDS", "Fits", "measure"]


class Fits:
    """A library's estimators, in a process of theirs."""

    def __init__(self, library: str) -> None:
        self.module = import_module(MODULES[library])
        self.name, self.loaded = "", ()
        for name in ("iris", "diabetes"):  # what the first fit of all does is not measured
            self.fit(name, 0, "float64")

    def fit(self, name: str, seed: int, dtype: str) -> tuple[Turn, float, int]:
        """Seconds, the test rows' score, and epochs."""
        data = next(one for one in DATA if one.name == name)
        if self.name != name:
            self.name, self.loaded = name, data.load()
        rows: Split = split(data, self.loaded, seed, dtype)
        estimator = self.module.MLPClassifier if data.classes else self.module.MLPRegressor
        model = estimator(random_state=seed, **data.settings)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            cpu, wall = time.process_time(), time.perf_counter()
            model.fit(rows.X, rows.y)
            turn = Turn(time.perf_counter() - wall, time.process_time() - cpu)
        return turn, model.score(rows.X_test, rows.y_test), model.n_iter_


def measure(
    dtype: str, threads: int, n_seeds: int, clock: str, only: str, show: Callable[[dict[str, Any]], None]
) -> list[dict[str, Any]]:
    """A row per data set: both libraries' scores over seeds, and seconds."""
    found = []
    for data in (data for data in DATA if only in data.name):
        try:
            loaded = data.load()
        except FileNotFoundError as error:
            print(f"{data.name} is left out: {error}")
            continue
        with ExitStack() as stack:
            workers = {name: stack.enter_context(Worker("fits", "Fits", threads, name)) for name in MODULES}
            fits: dict[str, list[Any]] = {name: [] for name in workers}
            order = list(workers)
            for seed in range(n_seeds):
                for name in order:
                    fits[name].append(workers[name].call("fit", data.name, seed, dtype))
                    time.sleep(PAUSE)
                order.reverse()
        found.append(row(data, loaded, dtype, threads, fits, clock))
        show(found[-1])
    return found


def row(
    data: RealData, loaded: Sequence[Any], dtype: str, threads: int, fits: dict[str, list[Any]], clock: str
) -> dict[str, Any]:
    rounds = Rounds({name: [turn for turn, _, _ in of] for name, of in fits.items()}, clock)
    scores = {name: [score for _, score, _ in of] for name, of in fits.items()}
    means = {name: statistics.mean(of) for name, of in scores.items()}
    spreads = {name: statistics.stdev(of) for name, of in scores.items()}
    return {
        "name": data.name,
        "rows": len(loaded[0]),
        "features": loaded[0].shape[1],
        "network": data.network,
        "dtype": dtype,
        "threads": threads,
        "scores": scores,
        "mean": means,
        "spread": spreads,
        "agree": abs(means[OURS] - means[THEIRS]) <= spreads[THEIRS],
        "epochs": {name: [epochs for _, _, epochs in of] for name, of in fits.items()},
        "seconds": {name: rounds.median(name) for name in fits},
        "times_as_fast": rounds.ratio(THEIRS, to=OURS),
        "cores": {name: rounds.cores(name) for name in fits},
    }
