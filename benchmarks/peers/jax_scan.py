"""JAX in its strongest form: a whole epoch as one jitted scan that gathers its batches, its state donated."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np
from jax import numpy as jnp

from cases import COSINE_STEPS, MOMENTUM, Array, Case

DISTRIBUTIONS = ("jax", "jaxlib")
ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh}


def logits(case: Case, layers: list[Any], x: Any, key: Any = None) -> Any:
    """With a key, in training: with dropout."""
    for i, (W, b) in enumerate(layers, 1):
        x = x @ W + b
        if i < len(layers):
            x = ACTIVATIONS[case.activation](x)
            if case.dropout and key is not None:
                kept = jax.random.bernoulli(jax.random.fold_in(key, i), 1 - case.dropout, x.shape)
                x = jnp.where(kept, x / (1 - case.dropout), 0)
    return x


def loss(case: Case, layers: list[Any], x: Any, y: Any, key: Any) -> Any:
    o = logits(case, layers, x, key)
    if case.loss == "mse":
        return ((o - y) ** 2).mean()
    return -jnp.take_along_axis(jax.nn.log_softmax(o), y[:, None], axis=1).mean()


@partial(jax.jit, static_argnums=0, donate_argnums=1)
def run_epoch(case: Case, state: Any, X: Any, y: Any, order: Any, learning_rate: Any) -> Any:
    def gradient(layers: Any, rows: Any, key: Any) -> Any:
        return jax.grad(partial(loss, case))(layers, X[rows], y[rows], key)

    def sgd(state: Any, rows: Any) -> tuple[Any, None]:
        layers, velocity = state
        velocity = jax.tree.map(lambda v, g: MOMENTUM * v + g, velocity, gradient(layers, rows, None))
        return (jax.tree.map(lambda p, v: p - learning_rate * v, layers, velocity), velocity), None

    def adam(state: Any, rows: Any) -> tuple[Any, None]:
        layers, m, v, t = state
        grad = gradient(layers, rows, jax.random.fold_in(jax.random.key(0, impl="rbg"), t))
        rate = learning_rate * 0.5 * (1 + jnp.cos(jnp.pi * t / COSINE_STEPS))
        t += 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grad)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, grad)
        rate, size = rate / (1 - 0.9**t), 1 / jnp.sqrt(1 - 0.999**t)
        layers = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) * size + 1e-8), layers, m, v)
        return (layers, m, v, t), None

    step = adam if case.recipe == "adam cosine" else sgd

    return jax.lax.scan(step, state, order.reshape(-1, case.batch_size))[0]


class Training:
    def __init__(self, case: Case, theta: Array, X: Array, y: Array, learning_rate: float) -> None:
        jax.config.update("jax_enable_x64", case.dtype == "float64")
        self.case, self.learning_rate = case, theta.dtype.type(learning_rate)
        self.X, self.y = jnp.array(X), jnp.array(y)
        layers = [(jnp.array(W), jnp.array(b)) for W, b in case.layers(theta)]
        self.state = layers, jax.tree.map(jnp.zeros_like, layers)
        if case.recipe == "adam cosine":
            self.state = *self.state, jax.tree.map(jnp.zeros_like, layers), jnp.array(0)
        self.rng = np.random.default_rng(2)

    def epoch(self, order: Array | None = None) -> None:
        order = self.rng.permutation(len(self.X)) if order is None else order
        self.state = run_epoch(
            self.case, self.state, self.X, self.y, order.astype(np.int32), self.learning_rate
        )  # fmt: skip
        jax.block_until_ready(self.state)

    def theta(self) -> Array:
        return np.concatenate([np.ravel(part) for layer in self.state[0] for part in layer])


def predictor(case: Case, theta: Array) -> Callable[[Array], Array]:
    layers = [(jnp.array(W), jnp.array(b)) for W, b in case.layers(theta)]
    softmax = jax.jit(lambda x: jax.nn.softmax(logits(case, layers, x)))
    return lambda x: np.asarray(softmax(x))
