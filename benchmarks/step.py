"""Microseconds per training step, fastprop beside hand-written NumPy, in one run.

    python benchmarks/step.py [--seconds 2] [--only digits] [--json FILE]

Both train the same network on the same rows in the same type, shuffled, by SGD with momentum 0.9, on one thread
(fastprop has one; NumPy's BLAS is held to one). Epochs alternate between the two, and the ratio is the median of the
ratios of neighbours, so that what the machine does beside this weighs on both. Before the clock starts the two are
compared: after the same steps from the same weights their parameters must agree.
"""

import argparse
import json
import os
import platform
import time
from dataclasses import dataclass
from itertools import pairwise

for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[name] = "1"  # before NumPy is imported

import numpy as np
from numpy_network import NumpyNetwork

import fastprop as fp
from fastprop._native.philox import permutation


@dataclass(frozen=True)
class Case:
    name: str
    sizes: tuple[int, ...]
    activation: str
    loss: str
    batch_size: int
    dtype: str = "float32"


CASES = [
    Case("xor", (2, 8, 1), "tanh", "mse", 4),
    Case("one row, one output", (13, 32, 1), "relu", "mse", 1),
    Case("odd", (17, 23, 5, 3), "tanh", "mse", 33),
    Case("policy", (8, 64, 64, 4), "tanh", "mse", 64),
    Case("digits", (64, 64, 10), "relu", "cross_entropy", 32),
    Case("digits online", (64, 64, 10), "relu", "cross_entropy", 1),
    Case("digits float64", (64, 64, 10), "relu", "cross_entropy", 32, "float64"),
    Case("tabular", (30, 256, 128, 1), "relu", "mse", 256),
    Case("mnist", (784, 128, 10), "relu", "cross_entropy", 128),
    Case("mnist online", (784, 128, 10), "relu", "cross_entropy", 1),
    Case("mnist512", (784, 512, 512, 10), "relu", "cross_entropy", 128),
    Case("mnist512 float64", (784, 512, 512, 10), "relu", "cross_entropy", 128, "float64"),
    Case("wide", (1024, 2048, 2048, 1024), "relu", "mse", 256),
]
LEARNING_RATE, MOMENTUM = 1e-4, 0.9


def data_of(case: Case, n_batches: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    m = n_batches * case.batch_size
    X = rng.standard_normal((m, case.sizes[0])).astype(case.dtype)
    if case.loss == "cross_entropy":
        return X, rng.integers(0, case.sizes[-1], m)
    return X, rng.standard_normal((m, case.sizes[-1])).astype(case.dtype)


def trainer_of(case: Case) -> fp.Trainer:
    output = "softmax" if case.loss == "cross_entropy" else "identity"
    model = fp.mlp(*case.sizes, activation=case.activation, output=output, dtype=case.dtype)
    return fp.Trainer(model, case.loss, fp.SGD(LEARNING_RATE, momentum=MOMENTUM))


def numpy_epoch(network: NumpyNetwork, X: np.ndarray, y: np.ndarray, batch_size: int, order: np.ndarray) -> None:
    for start in range(0, len(X), batch_size):
        rows = order[start : start + batch_size]
        network.step(X[rows], y[rows])


def measure(case: Case, seconds: float) -> dict[str, float]:
    """Medians over alternating epochs: microseconds per step of each, and their ratio."""
    flops = 6 * case.batch_size * sum(a * b for a, b in pairwise(case.sizes))
    n_batches = int(np.clip(2e8 / flops, 10, 500))
    X, y = data_of(case, n_batches)
    trainer = trainer_of(case)
    network = NumpyNetwork(
        trainer.model.theta, case.sizes, case.activation, case.loss, learning_rate=LEARNING_RATE, momentum=MOMENTUM
    )
    trainer.fit(X, y, batch_size=case.batch_size, progress=False)
    numpy_epoch(network, X, y, case.batch_size, permutation(0, 0, len(X)))
    size = np.abs(network.theta).max()
    assert np.abs(network.theta - trainer.model.theta).max() < 1e-2 * size, f"{case.name}: the two have diverged"

    times: list[tuple[float, float]] = []
    rng = np.random.default_rng(1)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        trainer.fit(X, y, batch_size=case.batch_size, progress=False)
        middle = time.perf_counter()
        numpy_epoch(network, X, y, case.batch_size, rng.permutation(len(X)))
        times.append((middle - start, time.perf_counter() - middle))
    ours, theirs = np.array(times).T / n_batches * 1e6
    return {
        "fastprop_us": float(np.median(ours)),
        "numpy_us": float(np.median(theirs)),
        "ratio": float(np.median(theirs / ours)),
        "fastprop_gflops": flops / float(np.median(ours)) / 1e3,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0, help="per network")
    parser.add_argument("--only", help="networks whose name contains this")
    parser.add_argument("--json", help="write the figures there too")
    options = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, target {fp.target()}, NumPy {np.__version__}\n")
    print(f"{'network':<22}{'sizes':<24}{'batch':>6}{'fastprop us':>13}{'NumPy us':>12}{'ratio':>8}{'GFLOP/s':>9}")
    results = {}
    for case in CASES:
        if options.only and options.only not in case.name:
            continue
        found = results[case.name] = measure(case, options.seconds)
        print(
            f"{case.name:<22}{'-'.join(map(str, case.sizes)):<24}{case.batch_size:>6}{found['fastprop_us']:>13.1f}"
            f"{found['numpy_us']:>12.1f}{found['ratio']:>8.2f}{found['fastprop_gflops']:>9.1f}",
            flush=True,
        )
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"target": fp.target(), "numpy": np.__version__, "networks": results}, file, indent=1)


if __name__ == "__main__":
    main()
