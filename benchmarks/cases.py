"""The networks that are measured: what each of them is, its data, and its first weights. Every peer gets the same."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]

MOMENTUM = 0.9
# So small that random targets are not learnt: weights stay about where they began, and no value becomes subnormal.
LEARNING_RATE = 1e-4
COSINE_STEPS = 1_000_000


@dataclass(frozen=True)
class Case:
    """A multilayer perceptron and the batches it is trained on, by SGD with momentum unless `recipe` is "adam cosine":
    Adam, its rate along half a cosine over COSINE_STEPS steps.

    The hidden layers have one activation, "relu" or "tanh"; loss "mse" follows an identity layer, "cross_entropy"
    a softmax layer. Each hidden layer is followed by dropout, if there is any.
    """

    name: str
    sizes: tuple[int, ...]
    activation: str
    loss: str
    batch_size: int
    dtype: str = "float32"
    recipe: str = "sgd"
    dropout: float = 0.0

    @property
    def units(self) -> str:
        return "-".join(map(str, self.sizes))

    @property
    def flops(self) -> int:
        """Of one step's products: three of 2 m n k each per layer, but the input's gradient is not needed."""
        first, *rest = (2 * self.batch_size * n_in * n_out for n_in, n_out in pairwise(self.sizes))
        return 2 * first + 3 * sum(rest)

    @property
    def n_batches(self) -> int:
        """Batches per epoch: enough that what is done once an epoch weighs little, and an epoch lasts 1 s at most."""
        return int(np.clip(4e9 / self.flops, 4, 500))

    def data(self, n_batches: int) -> tuple[Array, Array]:
        """X, and y as numbers or labels."""
        rng = np.random.default_rng(0)
        m = n_batches * self.batch_size
        X = rng.standard_normal((m, self.sizes[0])).astype(self.dtype)
        if self.loss == "cross_entropy":
            return X, rng.integers(0, self.sizes[-1], m)
        return X, rng.standard_normal((m, self.sizes[-1])).astype(self.dtype)

    def theta(self) -> Array:
        """The first parameters, layer by layer W then b: W of variance 1 / n_in, b of a tenth of that deviation."""
        rng = np.random.default_rng(1)
        parts = []
        for n_in, n_out in pairwise(self.sizes):
            parts += [rng.standard_normal(n_in * n_out), rng.standard_normal(n_out) / 10]
            parts[-2] /= np.sqrt(n_in)
        return np.concatenate(parts).astype(self.dtype)

    def layers(self, theta: Array) -> Iterator[tuple[Array, Array]]:
        """Each layer's W (n_in, n_out) and b (n_out,) as views into theta."""
        start = 0
        for n_in, n_out in pairwise(self.sizes):
            end = start + n_in * n_out
            yield theta[start:end].reshape(n_in, n_out), theta[end : end + n_out]
            start = end + n_out


TRAINING = (
    Case("xor", (2, 8, 1), "tanh", "mse", 4),
    Case("policy", (8, 64, 64, 4), "tanh", "mse", 64),
    Case("digits", (64, 64, 10), "relu", "cross_entropy", 32),
    Case("digits online", (64, 64, 10), "relu", "cross_entropy", 1),
    Case("mnist", (784, 128, 10), "relu", "cross_entropy", 128),
    Case("mnist512", (784, 512, 512, 10), "relu", "cross_entropy", 128),
    Case("wide", (1024, 2048, 2048, 1024), "relu", "mse", 256),
    Case("one row, one output", (13, 32, 1), "relu", "mse", 1),
    Case("one column", (1, 64, 64, 1), "tanh", "mse", 16),
    Case("odd", (17, 23, 5, 3), "tanh", "mse", 33),
    Case("deep", (32, *(64,) * 6, 10), "relu", "cross_entropy", 50),
    Case("table", (30, 256, 128, 1), "relu", "mse", 256),
    Case("mnist online", (784, 128, 10), "relu", "cross_entropy", 1),
    Case("digits float64", (64, 64, 10), "relu", "cross_entropy", 32, "float64"),
    Case("mnist512 float64", (784, 512, 512, 10), "relu", "cross_entropy", 128, "float64"),
)

# For those peers that have all of it.
RECIPES = (
    Case("digits, recipe", (64, 64, 10), "relu", "cross_entropy", 32, recipe="adam cosine", dropout=0.1),
    Case("mnist, recipe", (784, 128, 10), "relu", "cross_entropy", 128, recipe="adam cosine", dropout=0.1),
)

# For predict the batch is what one call is given.
PREDICTING = (
    Case("digits, one row", (64, 64, 10), "relu", "cross_entropy", 1),
    Case("digits, 4096 rows", (64, 64, 10), "relu", "cross_entropy", 4096),
    Case("mnist, one row", (784, 128, 10), "relu", "cross_entropy", 1),
    Case("mnist, 4096 rows", (784, 128, 10), "relu", "cross_entropy", 4096),
)
