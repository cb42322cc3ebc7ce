"""`fastprop demo`: train on real handwritten digits, and show what came of it in figures and pictures.

Everything printed is measured in this run: the accuracy on rows held out, the seconds, and one training step beside
the same step in NumPy, written as its users would at its best.
"""

import statistics
import sys
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastprop._native import philox
from fastprop._version import __version__
from fastprop.datasets import load_digits
from fastprop.machine import target
from fastprop.model import Sequential, mlp
from fastprop.optimizers import SGD
from fastprop.trainer import Trainer

__all__ = ["NumpyTrainer", "run"]

Array = NDArray[Any]

HIDDEN = 128
EPOCHS = 30
BATCH_SIZE = 32
RULE = SGD(0.1, momentum=0.9)
HELD_OUT = 360  # of 1,797 rows, by the permutation of seed 0
ROUNDS, ROUND_EPOCHS = 25, 4  # of the comparison; the rounds of both take turns
PATIENCE, MIN_ROUNDS = 3.0, 3  # seconds; on a machine so slow, fewer rounds
PIXEL_MAX = 16
PICTURES = 4  # of 16 characters each, side by side in 80
GAP = "    "
SHADES = " ░▒▓█"
ASCII_SHADES = " .:-=+*#%@"


def run(seed: int = 0) -> None:
    """Print the demonstration; `seed` gives the initial weights and the shuffles."""
    pixels, y = load_digits()
    X = pixels / PIXEL_MAX
    order = philox.permutation(0, 0, len(X))
    test, train = order[:HELD_OUT], order[HELD_OUT:]
    print(f"fastprop {__version__} on {target()}: learning to read {len(train):,} handwritten digits\n", flush=True)

    model = mlp(X.shape[1], HIDDEN, 10, activation="relu", output="softmax", seed=seed)
    untrained = model.copy()
    trainer = Trainer(model, "cross_entropy", RULE, ["accuracy"])
    X_train, y_train = X[train], y[train]
    start = time.perf_counter()
    trainer.fit(X_train, y_train, epochs=EPOCHS, batch_size=BATCH_SIZE)
    seconds = time.perf_counter() - start

    o = model.predict(X[test])
    n_right = int((o.argmax(axis=1) == y[test]).sum())
    ours, numpys, n_rounds = _step_seconds(untrained, X_train, y_train)
    ratio = f"{numpys / ours:.1f} times as fast" if ours < numpys else f"{ours / numpys:.1f} times as slow"
    micro = "µs" if _can_print("µ") else "us"
    rows = {
        "network": f"64-{HIDDEN}-10, ReLU and softmax, {model.n_params:,} parameters in {model.dtype.name}",
        "training": f"{EPOCHS} epochs in {seconds:.3f} s: {RULE.name.upper()}, momentum {RULE.momentum:g},"
        f" batches of {BATCH_SIZE} rows",
        "held out": f"{n_right / len(test):.1%} of {len(test)} digits never seen in training are read correctly",
        "one step": f"{ours * 1e6:.1f} {micro} here, {numpys * 1e6:.1f} {micro} in NumPy {np.__version__}: {ratio}",
        "": f"(same network and batches: forward, backward, update; medians of {n_rounds}\n{'':<10}"
        "rounds in turn; NumPy in place, its BLAS's threads as installed)",
    }
    print("\n".join(f"{name:<10}{value}" for name, value in rows.items()))
    print("\n" + pictures(pixels[test], y[test], o))


# One step, here and in NumPy


class NumpyTrainer:
    """The same network, loss and rule in NumPy: all parameters in one vector, nothing allocated that need not be.

    Examples
    --------
    >>> model = mlp(2, 3, 2, output="softmax")
    >>> trainer = NumpyTrainer(model, SGD(0.1, momentum=0.9), batch_size=4)
    >>> loss = trainer.epoch(np.eye(2, dtype=np.float32), np.array([0, 1]), np.array([1, 0]))
    >>> expected = Trainer(model, "cross_entropy", SGD(0.1, momentum=0.9)).partial_fit(np.eye(2), [0, 1])["loss"]
    >>> abs(loss - expected) < 1e-6, np.allclose(trainer.theta, model.theta, atol=1e-6)
    (True, True)
    """

    def __init__(self, model: Sequential, rule: SGD, batch_size: int) -> None:
        first, last = model.layers
        assert isinstance(rule.learning_rate, float)
        assert isinstance(rule.momentum, float)
        self.learning_rate, self.momentum = rule.learning_rate, rule.momentum
        self.theta, self.grad, self.velocity = (
            model.theta.copy(),
            np.zeros_like(model.theta),
            np.zeros_like(model.theta),
        )
        ends = np.cumsum([first.W.size, first.units, last.W.size])
        self.W1, self.b1, self.W2, self.b2 = self._views(self.theta, ends, first.W.shape, last.W.shape)
        self.dW1, self.db1, self.dW2, self.db2 = self._views(self.grad, ends, first.W.shape, last.W.shape)
        self.rows = np.arange(batch_size)
        self.x = np.empty((batch_size, first.n_in), model.dtype)
        self.a = np.empty((batch_size, first.units), model.dtype)
        self.da = np.empty_like(self.a)
        self.active = np.empty(self.a.shape, bool)
        self.o = np.empty((batch_size, last.units), model.dtype)

    @staticmethod
    def _views(flat: Array, ends: Array, first: tuple[int, ...], last: tuple[int, ...]) -> tuple[Array, ...]:
        W1, b1, W2, b2 = np.split(flat, ends)
        return W1.reshape(first), b1, W2.reshape(last), b2

    def epoch(self, X: Array, y: Array, order: Array) -> float:
        """One step for each batch of the rows in this order; the mean loss before each step."""
        batch_size = len(self.rows)
        batches = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
        return sum(self.step(X, y, rows) for rows in batches) / len(order)

    def step(self, X: Array, y: Array, rows: Array) -> float:
        """Forward, softmax cross-entropy, backward, update; the sum of the rows' losses."""
        m = len(rows)
        x, a, da, active, o = self.x[:m], self.a[:m], self.da[:m], self.active[:m], self.o[:m]
        np.take(X, rows, axis=0, out=x, mode="clip")  # "clip" writes straight into x
        np.matmul(x, self.W1, out=a)
        a += self.b1
        np.maximum(a, 0, out=a)
        np.matmul(a, self.W2, out=o)
        o += self.b2

        o -= o.max(axis=1, keepdims=True)
        np.exp(o, out=o)
        o /= o.sum(axis=1, keepdims=True)
        right = (self.rows[:m], y[rows])
        loss = -float(np.log(o[right]).sum())

        o[right] -= 1
        o /= m  # delta of the last layer
        np.matmul(a.T, o, out=self.dW2)
        np.sum(o, axis=0, out=self.db2)
        np.matmul(o, self.W2.T, out=da)
        np.greater(a, 0, out=active)
        da *= active
        np.matmul(x.T, da, out=self.dW1)
        np.sum(da, axis=0, out=self.db1)

        self.velocity *= self.momentum
        self.velocity += self.grad
        np.multiply(self.velocity, self.learning_rate, out=self.grad)
        self.theta -= self.grad
        return loss


def _step_seconds(model: Sequential, X: Array, y: Array) -> tuple[float, float, int]:
    """Seconds of a training step here and in NumPy, medians over rounds that take turns, and how many these were.

    Shuffles are included. Each round begins at the weights given, without velocity: in long trainings the velocities
    of units that ReLU has switched off for good become subnormal; the core rounds these to 0, while NumPy takes half
    as long again with them.
    """
    untrained = model.theta.copy()
    numpys = NumpyTrainer(model, RULE, BATCH_SIZE)
    rng = np.random.default_rng(0)
    seconds: list[tuple[float, float]] = []
    end = time.perf_counter()
    give_up = end + PATIENCE
    while len(seconds) <= MIN_ROUNDS or (len(seconds) <= ROUNDS and end < give_up):
        model.theta[:] = numpys.theta[:] = untrained
        numpys.velocity[:] = 0
        ours = Trainer(model, "cross_entropy", RULE)
        start = time.perf_counter()
        ours.fit(X, y, epochs=ROUND_EPOCHS, batch_size=BATCH_SIZE, progress=False)
        middle = time.perf_counter()
        for _ in range(ROUND_EPOCHS):
            numpys.epoch(X, y, rng.permutation(len(X)))
        end = time.perf_counter()
        seconds.append((middle - start, end - middle))
    n_steps = ROUND_EPOCHS * -(-len(X) // BATCH_SIZE)
    first, second = (statistics.median(times) / n_steps for times in zip(*seconds[1:], strict=True))  # after a warm-up
    return first, second, len(seconds) - 1


# Pictures


def pictures(pixels: Array, y: Array, o: Array) -> str:
    """Some digits side by side, with what the network says of each; the last is one that it gets wrong.

    Where it gets none wrong, the last is the one of which it is least sure.
    """
    said, sure = o.argmax(axis=1), o.max(axis=1)
    hardest = int(np.lexsort((sure, said == y))[0])  # the wrong ones first, and of these the least sure
    right = np.flatnonzero((said == y) & (y != y[hardest]) & (y != said[hardest]))
    chosen = [*right[np.unique(y[right], return_index=True)[1]][: PICTURES - 1], hardest]  # of different digits
    shades = SHADES if _can_print(SHADES) else ASCII_SHADES
    width = 2 * pixels[0].size // 8  # a character is about twice as high as wide
    blocks = [_picture(pixels[i], shades) for i in chosen]
    lines = [GAP.join(parts) for parts in zip(*blocks, strict=True)]
    says = [f"says {said[i]} ({sure[i]:.1%})".ljust(width) for i in chosen]
    truth = [(f"it is {y[i]}" + ("" if said[i] == y[i] else ", wrong")).ljust(width) for i in chosen]
    return "\n".join(line.rstrip() for line in [*lines, GAP.join(says), GAP.join(truth)])


def _picture(pixels: Array, shades: str) -> list[str]:
    steps = np.rint(pixels.reshape(8, 8) / PIXEL_MAX * (len(shades) - 1)).astype(int)
    return ["".join(2 * shades[step] for step in row) for row in steps]


def _can_print(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
