"""Random calls of every kernel: sizes around tiles, vectors and blocks, numbers of every kind, any alignment.

A case is a function of KernelCalls, or of Specification, to the arrays that the call writes.
"""

import random
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np

from specification.calls import KINDS, SLOPES
from specification.layer_cases import operation, random_mask, shuffle
from specification.memory import GuardedMemory

Case = Callable[[Any], tuple[np.ndarray, ...]]

LARGEST = 70
AROUND_BLOCKS = [95, 96, 97, 255, 256, 257, 511, 512, 513]
POOL = 1 << 19  # more than the largest matrix holds


@cache
def pool(kind: str, dtype: np.dtype) -> np.ndarray:
    """Many numbers of one kind, of which each array takes a stretch."""
    rng, info = np.random.default_rng(0), np.finfo(dtype)
    if kind == "normal":
        return rng.standard_normal(POOL).astype(dtype)
    if kind == "wide":  # every magnitude, products of which overflow and underflow
        return np.ldexp(rng.uniform(-1, 1, POOL), rng.integers(info.minexp - 20, info.maxexp, POOL)).astype(dtype)
    if kind == "small":  # products of two lie among the subnormals, or a little above
        return np.ldexp(rng.standard_normal(POOL), info.minexp // 2 - rng.integers(0, 20, POOL)).astype(dtype)
    if kind == "zeros":
        return rng.choice(np.array([0, -0.0, 1, -1], dtype), POOL)
    if kind == "moderate":  # where exp, tanh and sigmoid change
        return rng.uniform(info.minexp, info.maxexp, POOL).astype(dtype)
    if kind == "special":
        extremes = [np.inf, -np.inf, np.nan, 0, -0.0, info.max, info.smallest_normal, -info.smallest_subnormal]
        numbers = 3 * rng.standard_normal(POOL)
        return np.where(rng.random(POOL) < 0.03, rng.choice(extremes, POOL), numbers).astype(dtype)
    with np.errstate(invalid="ignore"):
        return np.frombuffer(rng.bytes(POOL * dtype.itemsize), dtype)  # "bits": any pattern


KINDS_OF_NUMBERS = 6 * ["normal"] + ["wide", "small", "zeros", "moderate", "special", "bits"]


class Draw:
    """Sizes and arrays of one case after another, the same in every run."""

    def __init__(self, dtype: np.dtype, memory: GuardedMemory) -> None:
        self.dtype = dtype
        self.memory = memory
        self.random = random.Random(0)

    def size(self) -> int:
        return self.random.randint(1, LARGEST)

    def long(self, share: float = 0.25) -> int:
        """A size, but in that share of the cases one around the contract's blocks."""
        return self.random.choice(AROUND_BLOCKS) if self.random.random() < share else self.size()

    def shape(self) -> tuple[int, int]:
        """Of a batch: rows, or their length, may be around a block."""
        shape = self.size(), self.long()
        return shape if self.random.random() < 0.5 else shape[::-1]

    def flip(self) -> bool:
        return self.random.random() < 0.5

    def reals(self, *shape: int, kinds: list[str] = KINDS_OF_NUMBERS) -> np.ndarray:
        array = self.memory.empty(shape, self.dtype)
        start = self.random.randrange(POOL - array.size)
        array[...] = pool(self.random.choice(kinds), self.dtype)[start : start + array.size].reshape(shape)
        return array

    def matrix(self, rows: int, columns: int) -> np.ndarray:
        """In either layout."""
        return self.reals(rows, columns) if self.flip() else self.reals(columns, rows).T

    def weights(self, m: int) -> np.ndarray | None:
        if self.flip():
            return None
        w = self.reals(m)
        return np.abs(w, out=w)

    def rows(self, n_rows: int) -> dict[str, Any]:
        """Which rows to gather, of n_rows: in a given order or their own, all of it or a part."""
        order = None if self.flip() else np.array(self.random.choices(range(n_rows), k=self.size()), np.intp)
        length = n_rows if order is None else len(order)
        first = self.random.randrange(length)
        return {"rows": order, "first": first, "count": self.random.randint(1, length - first)}


def product(draw: Draw) -> Case:
    m, n, k = draw.long(0.1), draw.long(0.1), draw.long()
    a, b, bias = draw.matrix(m, k), draw.matrix(k, n), draw.reals(n) if draw.flip() else None
    rectify, slope, below = draw.flip(), draw.random.choice(SLOPES), draw.reals(m, n)
    return lambda calls: (calls.product(a, b, bias, rectify, slope, below),)


def sparse(draw: Draw, m: int, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values, columns and starts of the rows of a matrix (m, k). Without infinities and underflows: 0 times infinity is
    no 0, and a product that underflows leaves a 0 whose sign the next element, if it is kept, may change.
    """
    kept = [sorted(draw.random.sample(range(k), draw.random.randint(0, min(k, 9)))) for _ in range(m)]
    starts = np.cumsum([0, *map(len, kept)], dtype=np.intp)
    return draw.reals(int(starts[-1]), kinds=["normal"]), np.array([j for row in kept for j in row], np.intp), starts


def sparse_product(draw: Draw) -> Case:
    m, n, k = draw.size(), draw.long(0.1), draw.long()
    x, b = sparse(draw, m, k), draw.reals(k, n, kinds=["normal", "zeros"])
    bias = draw.reals(n, kinds=["normal", "zeros"]) if draw.flip() else None
    return lambda calls: (calls.sparse_product(*x, b, bias),)


def sparse_gradient(draw: Draw) -> Case:
    m, n, k = draw.long(), draw.size(), draw.long()
    x, delta = sparse(draw, m, k), draw.reals(m, n, kinds=["normal", "zeros"])
    first = draw.random.randrange(k)
    count = draw.random.randint(1, k - first)
    return lambda calls: (calls.sparse_gradient(*x, delta, first, count),)


def column_sums(draw: Draw) -> Case:
    x = draw.reals(*draw.shape())
    return lambda calls: (calls.column_sums(x),)


def weight_sum(draw: Draw) -> Case:
    w = draw.reals(draw.long())
    return lambda calls: (np.array(calls.weight_sum(w)),)


def all_finite(draw: Draw) -> Case:
    x = draw.reals(draw.long())
    if draw.flip():
        x[draw.random.randrange(len(x))] = draw.random.choice([np.nan, np.inf, -np.inf])
    return lambda calls: (np.array(float(calls.all_finite(x))),)


def elementary(name: str, draw: Draw) -> Case:
    x = draw.reals(draw.long())
    return lambda calls: (calls.elementary(name, x),)


# What draws the settings of an activation that has any.
ACTIVATION_SETTINGS: dict[str, Callable[[Draw], tuple[float, ...]]] = {
    "leaky_relu": lambda draw: (draw.random.choice([0, 0.01, draw.random.random()]),),
    "elu": lambda draw: (draw.random.choice([0, 1, 3 * draw.random.random()]),),
    "celu": lambda draw: (draw.random.choice([1, 0.1 + 3 * draw.random.random()]),),
    "gelu": lambda draw: (float(draw.flip()),),
    "softplus": lambda draw: (draw.random.choice([1, 0.1 + 3 * draw.random.random()]),),
    "hard_tanh": lambda draw: (draw.random.choice([-1, -draw.random.random()]), draw.random.choice([1, 0, 2.5])),
}


def settings_of(name: str, draw: Draw) -> tuple[float, ...]:
    return ACTIVATION_SETTINGS[name](draw) if name in ACTIVATION_SETTINGS else ()


def activation_forward(name: str, draw: Draw) -> Case:
    z, settings = draw.reals(*draw.shape()), settings_of(name, draw)
    return lambda calls: (calls.activation_forward(name, z, settings),)


def activation_backward(name: str, draw: Draw) -> Case:
    shape = draw.shape()
    a, z, da, settings = draw.reals(*shape), draw.reals(*shape), draw.reals(*shape), settings_of(name, draw)
    return lambda calls: (calls.activation_backward(name, a, z, da, settings),)


def some(draw: Draw, n: int, share_of_zeros: float = 0.2) -> list[float]:
    """n settings from 0 on."""
    return [0 if draw.random.random() < share_of_zeros else 3 * draw.random.random() for _ in range(n)]


def adjusted_settings(draw: Draw, n: int) -> list[float]:
    smoothing = draw.random.choice([0, 0.1, draw.random.random()])
    return [1 - smoothing, smoothing / n, *some(draw, n)]


def tweedie_settings(draw: Draw, n: int) -> list[float]:
    return [float(draw.flip()), draw.random.choice([1.1, 1.5, 1.9, 3, 1 + draw.random.random()])]


# The settings of a loss that has any, for n outputs; those of the quantile loss come with a number of targets.
LOSS_SETTINGS: dict[str, Callable[[Draw, int], list[float]]] = {
    "huber": lambda draw, n: [3 * draw.random.random(), draw.random.choice([1, draw.random.random()])],
    "gaussian_nll": lambda draw, n: [draw.random.randrange(3), 10.0 ** -draw.random.randint(0, 8), 0.9189385332046727],
    "cosine_similarity": lambda draw, n: [draw.random.choice([1e-12, 1e-3, 0])],
    "poisson": lambda draw, n: [float(draw.flip()), float(draw.flip()), 1e-8, 0.9189385332046727],
    "poisson_deviance": lambda draw, n: [float(draw.flip())],
    "gamma": lambda draw, n: [float(draw.flip())],
    "tweedie": tweedie_settings,
    "adjusted_cross_entropy": adjusted_settings,
    "adjusted_binary_cross_entropy": adjusted_settings,
    "focal": lambda draw, n: [draw.random.choice([0, 0.5, 1, 2, 5 * draw.random.random()]), *some(draw, n)],
    "binary_focal": lambda draw, n: [draw.random.choice([0, 2, 5 * draw.random.random()]), *some(draw, 2)],
    "nll": some,
}


def loss(name: str, draw: Draw) -> Case:
    m, n_targets = draw.shape()
    n, settings = n_targets, LOSS_SETTINGS.get(name, lambda draw, n: [])(draw, n_targets)
    if name == "quantile":
        settings = [draw.random.random() for _ in range(draw.random.choice([1, 1, 3, 5]))]
        n = n_targets * len(settings)
    if name == "gaussian_nll":
        n = 2 * n_targets
    o_or_z, y, w = draw.reals(m, n), draw.reals(m, n_targets), draw.weights(m)
    if draw.flip():  # where logarithms and powers are numbers
        np.abs(y, out=y)
        np.abs(o_or_z, out=o_or_z)

    def call(calls: Any) -> tuple[np.ndarray, ...]:
        value, delta, o = calls.loss(name, o_or_z, y, w, settings)
        return np.array(value), delta, o

    return call


def metric(name: str, draw: Draw) -> Case:
    shape = draw.shape()
    o, y, w = draw.reals(*shape), draw.reals(*shape), draw.weights(shape[0])
    setting = draw.random.choice([0.5, 0, 0.3, 1, 3] if name == "top_k_accuracy" else [0.5, 0, 0.3])
    if name.endswith("log_loss"):
        setting = float(draw.flip())
    return lambda calls: (np.array(calls.metric(name, o, y, w, setting)),)


def sgd_settings(draw: Draw) -> tuple[float, ...]:
    """Decay, coupled and not; -learning_rate, momentum, 1 - dampening, first: each may be 0."""
    learning_rate, momentum, share, decay, keep = (draw.random.choice([0, draw.random.random()]) for _ in range(5))
    return decay / 100, 1 - keep / 100, -learning_rate, momentum, share, float(draw.flip())


def adaptive_settings(n_settings: int, draw: Draw) -> tuple[float, ...]:
    """Decay, coupled and not; then any numbers, as shares and rates are: each may be 0."""
    decay, keep, *own = (draw.random.choice([0, draw.random.random()]) for _ in range(2 + n_settings))
    return decay / 100, 1 - keep / 100, *own


# Of each rule, the number of its states and what draws its settings.
RULES = {
    "sgd": (0, sgd_settings),
    "sgd_momentum": (1, sgd_settings),
    "sgd_nesterov": (1, sgd_settings),
    "adam": (2, partial(adaptive_settings, 7)),
    "amsgrad": (3, partial(adaptive_settings, 7)),
    "nadam": (2, partial(adaptive_settings, 8)),
    "adamax": (2, partial(adaptive_settings, 5)),
    "adagrad": (1, partial(adaptive_settings, 2)),
    "adadelta": (2, partial(adaptive_settings, 4)),
    "rmsprop": (1, partial(adaptive_settings, 4)),
    "rmsprop_momentum": (2, partial(adaptive_settings, 5)),
    "rmsprop_centered": (2, partial(adaptive_settings, 4)),
    "rmsprop_centered_momentum": (3, partial(adaptive_settings, 5)),
    "rprop": (2, partial(adaptive_settings, 4)),
    "lion": (1, partial(adaptive_settings, 5)),
}


def update(name: str, draw: Draw) -> Case:
    count = draw.long()
    n_states, draw_settings = RULES[name]
    theta, grad, state = draw.reals(count), draw.reals(count), draw.reals(n_states, count)
    settings = draw_settings(draw)

    def call(calls: Any) -> tuple[np.ndarray, ...]:
        new_theta, new_state = draw.memory.copy(theta), draw.memory.copy(state)
        calls.update(name, new_theta, grad, new_state, settings)
        return new_theta, new_state

    return call


def update_by_factors(name: str, draw: Draw) -> Case:
    """Whatever the number of rows up to a block's, though only a few are worth it."""
    rows, n = draw.shape()
    m = draw.random.choice([1, 1, 2, 3, 4, 5, 17])
    n_states, draw_settings = RULES[name]
    theta, a, delta, state = draw.reals(rows, n), draw.reals(m, rows), draw.reals(m, n), draw.reals(n_states, rows * n)
    settings = draw_settings(draw)

    def call(calls: Any) -> tuple[np.ndarray, ...]:
        new_theta, new_state = draw.memory.copy(theta), draw.memory.copy(state)
        calls.update_by_factors(name, new_theta, a, delta, new_state, settings)
        return new_theta, new_state

    return call


def limit(draw: Draw) -> float:
    """Of a component or a norm, or none."""
    return draw.random.choice([np.inf, 0, draw.random.random(), 3.0, 1e-30])


def add_to(draw: Draw) -> Case:
    count = draw.long()
    x, total = draw.reals(count), draw.reals(count)
    return lambda calls: (calls.add_to(x, total),)


def squares(draw: Draw) -> Case:
    x, scale, most = draw.reals(draw.long()), draw.random.choice([1.0, 1 / 3, 0.5]), limit(draw)
    return lambda calls: (calls.squares(x, scale, most),)


def magnitudes(draw: Draw) -> Case:
    x = draw.reals(draw.long())
    return lambda calls: (calls.magnitudes(x),)


def shape_gradient(draw: Draw) -> Case:
    count = draw.long()
    theta, grad = draw.reals(count), draw.reals(count)
    numbers = draw.random.choice([1.0, 1 / 3]), limit(draw), draw.random.choice([1.0, 0, 0.3]), draw.random.random()
    return lambda calls: (calls.shape_gradient(theta, grad, *numbers),)


def average(draw: Draw) -> Case:
    count = draw.long()
    theta, before, share = draw.reals(count), draw.reals(count), draw.random.choice([1.0, 0.0, 0.01, 0.3])
    return lambda calls: (calls.average(theta, before, share),)


def limit_columns(draw: Draw) -> Case:
    W, most = draw.reals(*draw.shape()), limit(draw)
    first = draw.random.randrange(W.shape[1])
    last = draw.random.randint(first, W.shape[1])
    return lambda calls: (calls.limit_columns(W, first, last, most),)


def gather(draw: Draw) -> Case:
    """From a buffer of random bytes: any type, strides of either sign or none, any alignment."""
    dtype = draw.random.choice(list(KINDS))
    (n_rows, n), size = draw.shape(), dtype.itemsize
    column_stride = draw.random.choice([size, size, size, -size, 2 * size, -3 * size, size + 1, 0])
    row_stride = draw.random.choice([n * size, -n * size, n * size + 1, size, -size, 0])
    source = pool("bits", np.dtype(np.float64)).view(np.uint8)
    if dtype.kind == "b":
        source = source & 1
    strides = row_stride, column_stride
    lengths = [stride * (count - 1) for stride, count in zip(strides, (n_rows, n), strict=True)]
    lowest, highest = (sum(choose(0, length) for length in lengths) for choose in (min, max))
    start = draw.random.randint(-lowest, len(source) - size - highest)
    X = np.ndarray((n_rows, n), dtype, source, start, strides)
    which = draw.rows(n_rows)
    return lambda calls: (calls.gather(X, **which),)


def gather_one_hot(draw: Draw) -> Case:
    n_rows, n = draw.shape()
    labels, which = np.array(draw.random.choices(range(n), k=n_rows), np.int64), draw.rows(n_rows)
    return lambda calls: (calls.gather_one_hot(labels, n, **which),)


# By the method of KernelCalls that each calls: the kernels that stand alone, and those of each list.
AROUND_A_RULE = (add_to, squares, magnitudes, shape_gradient, average, limit_columns)
ALONE = {
    draw.__name__: draw
    for draw in (
        product,
        sparse_product,
        sparse_gradient,
        column_sums,
        weight_sum,
        all_finite,
        *AROUND_A_RULE,
        gather,
        gather_one_hot,
        random_mask,
        shuffle,
    )
}
LISTED = {
    draw.__name__: (draw, names)
    for draw, names in [
        (operation, "operations"),
        (elementary, "elementaries"),
        (activation_forward, "activations"),
        (activation_backward, "activations"),
        (loss, "losses"),
        (metric, "metrics"),
        (update, "updates"),
        (update_by_factors, "updates"),
    ]
}


def drawings(table: Any) -> dict[str, Callable[[Draw], Case]]:
    """What draws the cases of each kernel of the table."""
    listed = {
        f"{method} {name}": partial(draw, name)
        for method, (draw, names) in LISTED.items()
        for name in getattr(table, names)
    }
    return ALONE | listed
