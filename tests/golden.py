"""One hash: what training gives, to the last bit, whatever the machine, the number of threads and the batches.

`results()` trains the digits over every activation, every loss and several settings of every optimizer, and hashes each
case's theta, history and predictions. golden.json holds what numerics contract FP-1 gives (docs/numerics.md). A
deliberate change of the contract is a new version of it; then, and only then::

    PYTHONPATH=tests python tests/golden.py > tests/golden.json
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import fastprop as fp
from fastprop._native import engine, threads
from fastprop.activations import short
from fastprop.optimizers import OPTIMIZERS
from reference_activations import TRIED

GOLDEN = Path(__file__).with_name("golden.json")
SPLITS = (1, 7, 64)  # of predict's rows, beside all at once

# The last activation that each loss follows, and what it is told of the digits.
ENDS = {
    "mse": ("identity", "one-hot"),
    "cross_entropy": ("softmax", "labels"),
    "binary_cross_entropy": ("sigmoid", "one-hot"),
}
# Those that are tried with one rule alone.
MORE_ENDS: dict[fp.losses.Loss, tuple[str, str]] = {
    fp.MAE(): ("identity", "one-hot"),
    fp.Huber(0.3): ("identity", "one-hot"),
    fp.SmoothL1(0.3): ("identity", "one-hot"),
    fp.LogCosh(): ("identity", "one-hot"),
    fp.Quantile([0.1, 0.8]): ("identity", "five"),
    fp.GaussianNLL(full=True): ("identity", "five"),
    fp.CosineSimilarity(): ("identity", "one-hot"),
    fp.Poisson(full=True): ("identity", "one-hot"),
    fp.Poisson(log_input=False): ("softplus", "one-hot"),
    fp.Gamma(): ("identity", "amounts"),
    fp.Tweedie(): ("identity", "one-hot"),
    fp.Tweedie(1, log_input=False): ("softplus", "one-hot"),
    fp.CrossEntropy(label_smoothing=0.1, class_weight=[0.5, 2] * 5): ("softmax", "labels"),
    fp.NLL([0.5, 2] * 5): ("log_softmax", "labels"),
    fp.KLDivergence(): ("softmax", "smooth"),
    fp.Focal(): ("softmax", "labels"),
    fp.BinaryCrossEntropy(label_smoothing=0.1, pos_weight=3): ("sigmoid", "one-hot"),
    fp.BinaryFocal(): ("sigmoid", "one-hot"),
    fp.Hinge(): ("identity", "one-hot"),
    fp.SquaredHinge(): ("identity", "one-hot"),
}
TARGETS = {
    "labels": lambda labels: labels,
    "one-hot": lambda labels: np.eye(10)[labels],
    # Rows of sum 0.9995: p times 1 is exact, so that p sum(y) - y would not tell a fused multiply-add from none.
    "smooth": lambda labels: 0.8995 * np.eye(10)[labels] + 0.01,
    "five": lambda labels: np.eye(10)[labels, :5],
    "amounts": lambda labels: np.eye(10)[labels] + 0.5,
}
RULES = {
    "sgd": [
        fp.SGD(0.05),
        fp.SGD(0.05, momentum=0.9),
        fp.SGD(0.02, momentum=0.9, nesterov=True, weight_decay=0.01),
        fp.SGD(0.05, momentum=0.8, dampening=0.3, weight_decay=0.001),
    ],
    "adam": [fp.Adam(0.01), fp.Adam(0.01, amsgrad=True, epsilon_hat=True, weight_decay=0.01)],
    "adamw": [fp.AdamW(0.01)],
    "nadam": [fp.NAdam(0.01)],
    "radam": [fp.RAdam(0.01, beta_2=0.9)],
    "adamax": [fp.Adamax(0.01)],
    "adagrad": [fp.Adagrad(0.05, rate_decay=0.1)],
    "adadelta": [fp.Adadelta(1.0)],
    "rmsprop": [
        fp.RMSprop(0.001),
        fp.RMSprop(0.001, momentum=0.9),
        fp.RMSprop(0.001, centered=True),
        fp.RMSprop(0.001, momentum=0.9, centered=True),
    ],
    "rprop": [fp.Rprop(0.001)],
    "lion": [fp.Lion(0.001, weight_decay=0.1)],
}
# What stands around a rule: alone, and together.
OPTIONS = [
    fp.SGD(0.05, momentum=0.9, rate_in_velocity=True),
    fp.Adam(fp.CosineDecay(0.01, total_steps=10), l1=1e-4, clip_value=0.01),
    fp.SGD(0.05, clip_norm=0.1),
    fp.Adam(0.01, clip_global_norm=0.2),
    fp.SGD(0.05, max_norm=0.6, ema_decay=0.9),
    fp.Adam(0.01, accumulate=3, ema_decay=0.9),
    fp.SGD(
        fp.ExponentialDecay(0.1, gamma=0.9), momentum=0.9, l1=1e-4, clip_value=0.05, clip_norm=0.2,
        clip_global_norm=0.3, max_norm=0.6, accumulate=2, ema_decay=0.9, weight_decay=0.01,
        groups=[fp.ParameterGroup(kinds="bias", weight_decay=0, rate_factor=0.5)],
    ),
    fp.Adam(0.01, groups=[fp.ParameterGroup(layers=0, frozen=True)]),
]  # fmt: skip


# Networks of other layers on the 64 pixels, of which column 10 is taken for a category as well.
NETWORKS = {
    "norms": [
        fp.Standardize(), fp.Dense(40), fp.BatchNorm(), "relu", fp.Dropout(0.2), fp.LayerNorm(), fp.Dense(20, "tanh"),
        fp.RMSNorm(), fp.AlphaDropout(0.1), fp.Dense(10), fp.BatchNorm(None, 0.01, False), "softmax",
    ],
    "branches": [
        fp.Residual([fp.Dense(30, "tanh"), fp.Dropout(0.1), fp.Dense(64)]),
        fp.Concatenate([[fp.Dense(12, "relu")], [fp.Dense(8), "sigmoid"], [fp.Select([3, 1, 60])]]),
        fp.Dense(10, "softmax"),
    ],
    "tabular": [
        fp.RobustScale(),
        fp.Concatenate([[fp.Select(range(20)), fp.PeriodicEmbedding(sigma=0.3)], [fp.Scale()]]),
        fp.Dense(24, parametrization="ntk"), fp.ParametricActivation("selu"), fp.Dense(16), fp.PReLU(),
        fp.Dense(10, "softmax", parametrization="ntk"),
    ],
    "categories": [
        fp.Embedding({10: 17}, dim=5), fp.Dense(20), fp.PReLU(shared=False),
        fp.PeriodicEmbedding(3, 4, sigma=0.05, phases=False, activation="relu", keep_inputs=False),
        fp.Dense(10, "softmax"),
    ],
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    activation: str | fp.activations.Activation
    loss: str | fp.losses.Loss
    rule: object
    dtype: str
    units: int = 24
    batch_size: int = 32
    n_rows: int = 150
    weighted: bool = False
    smooth: bool = False
    network: str = ""

    @property
    def end(self) -> tuple[str, str]:
        """The last activation, and the targets."""
        return ENDS[self.loss] if isinstance(self.loss, str) else MORE_ENDS[self.loss]

    def model(self) -> fp.Sequential:
        if self.network:
            return fp.Sequential(NETWORKS[self.network], n_inputs=64, dtype=self.dtype, seed=1)
        output, _ = self.end
        return fp.mlp(64, self.units, 10, activation=self.activation, output=output, dtype=self.dtype, seed=1)

    def __str__(self) -> str:
        if self.network:
            return f"{self.network}, {self.loss}, {self.rule!r}, {self.dtype}"
        kind = " weighted" * self.weighted + " smooth" * self.smooth
        return f"{self.activation} {self.units}, {self.loss}{kind}, {self.rule!r}, {self.dtype}"


EVERYWHERE = ("identity", "sigmoid", "tanh", "relu", "softmax")  # with each loss and rule; others with one of each


def cases() -> Iterator[Case]:
    for dtype in ("float32", "float64"):
        for network in NETWORKS:
            yield Case("", "cross_entropy", fp.SGD(0.01, momentum=0.9), dtype, n_rows=300, network=network)
        for activation in map(short, TRIED):
            if activation not in EVERYWHERE:
                yield Case(activation, "cross_entropy", fp.SGD(0.02, momentum=0.9), dtype)
        for rule in (*(rule for name in OPTIMIZERS if name != "sgd" for rule in RULES[name]), *OPTIONS):
            yield Case("relu", "cross_entropy", rule, dtype)
        yield Case("relu", "cross_entropy", fp.Adam(0.01), dtype, units=32, batch_size=3, n_rows=60)
        for loss in MORE_ENDS:
            yield Case("tanh", loss, fp.SGD(0.02, momentum=0.9), dtype, weighted=loss.name in ("nll", "huber", "focal"))
        for loss in ENDS:
            for activation in EVERYWHERE:
                for rule in RULES["sgd"]:
                    yield Case(activation, loss, rule, dtype)
            # Sums over more than one block of 256: along k in the second layer, along the rows of a batch.
            yield Case("tanh", loss, fp.SGD(0.05, momentum=0.9), dtype, units=300, batch_size=290, n_rows=600)
            yield Case("relu", loss, fp.SGD(0.05, momentum=0.9), dtype, weighted=True)
            yield Case("relu", loss, fp.SGD(0.05, momentum=0.9), dtype, smooth=True)


def result(case: Case) -> str:
    """The SHA-256 of what the case gives; predictions from every split of the rows must agree."""
    pixels, labels = fp.datasets.load_digits()
    X, y = pixels[: case.n_rows] / 16, labels[: case.n_rows]
    if case.network == "categories":
        X[:, 10] *= 16
    _, targets = case.end
    w = 0.25 * (1 + np.arange(len(y)) % 7) if case.weighted else None
    model = case.model()
    model.adapt(X)
    trainer = fp.Trainer(model, case.loss, case.rule, metrics=[] if targets == "five" else ["accuracy", "mae"])
    history = trainer.fit(
        X, TARGETS["smooth" if case.smooth else targets](y),
        epochs=2, batch_size=case.batch_size, sample_weight=w, progress=False,
    )  # fmt: skip
    digest = hashlib.sha256(little_endian(model.theta))
    digest.update(little_endian(model.buffers))
    for series in history.values():
        digest.update(little_endian(np.array(series)))
    together = little_endian(model.predict(X))
    for size in SPLITS:
        parts = [little_endian(model.predict(X[i : i + size])) for i in range(0, len(X), size)]
        assert b"".join(parts) == together, f"predictions in batches of {size} differ from those of all rows at once"
    digest.update(together)
    return digest.hexdigest()


def little_endian(array: np.ndarray) -> bytes:
    return array.astype(array.dtype.newbyteorder("<")).tobytes()


CASES = {str(case): case for case in cases()}
assert {*ENDS, *(loss.name for loss in MORE_ENDS)} == set(fp.losses.LOSSES), "a loss has no golden case"


def results(numbers_of_threads: Iterable[int] = (1,)) -> dict[str, str]:
    """Each case's hash, which each number of threads must give, however small the work."""
    threads.STEP_WORK_PER_THREAD, threads.CALL_WORK, engine.CALL_WORK = 1, 0, 0
    found: dict[str, str] = {}
    for number in numbers_of_threads:
        fp.set_num_threads(number)
        for name, case in CASES.items():
            digest = result(case)
            assert found.setdefault(name, digest) == digest, f"{name}: another result with {number} threads"
    return found


def check(numbers_of_threads: Iterable[int] = (1,)) -> None:
    """Compare CASES with golden.json."""
    expected, found = json.loads(GOLDEN.read_text()), results(numbers_of_threads)
    differ = [case for case in found if found[case] != expected.get(case)]
    assert not differ, f"{len(differ)} of {len(found)} cases differ on {fp.target()}, the first: {differ[0]}"


if __name__ == "__main__":
    print(json.dumps(results(), indent=0))
