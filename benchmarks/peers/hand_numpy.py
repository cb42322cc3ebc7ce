"""A network as its users write it in NumPy, at its best: matrix products into buffers that are made once, everything
else in place, momentum in place.
"""

from collections.abc import Callable

import numpy as np

from cases import MOMENTUM, Array, Case

DISTRIBUTIONS = ("numpy",)


def buffers(case: Case) -> list[Array]:
    return [np.empty((case.batch_size, n), case.dtype) for n in case.sizes[1:]]


def forward(case: Case, layers: list[tuple[Array, Array]], x: Array, outputs: list[Array]) -> Array:
    """The outputs of all layers, written into `outputs`; the last one is returned."""
    a = x
    for i, ((W, b), out) in enumerate(zip(layers, outputs, strict=True), 1):
        np.matmul(a, W, out=out)
        out += b
        if i == len(layers):
            if case.loss == "cross_entropy":
                out -= out.max(axis=1, keepdims=True)
                np.exp(out, out=out)
                out /= out.sum(axis=1, keepdims=True)
        elif case.activation == "relu":
            np.maximum(out, 0, out=out)
        else:
            np.tanh(out, out=out)
        a = out
    return a


class Training:
    """All parameters in one vector, so that an update is four calls."""

    def __init__(self, case: Case, theta: Array, X: Array, y: Array, learning_rate: float) -> None:
        self.case, self.X, self.y = case, X, y
        self.learning_rate, self.momentum = theta.dtype.type(learning_rate), theta.dtype.type(MOMENTUM)
        self.parameters = theta.copy()
        self.grad, self.velocity = np.zeros_like(theta), np.zeros_like(theta)
        self.layers, self.gradients = list(case.layers(self.parameters)), list(case.layers(self.grad))
        self.outputs, self.deltas = buffers(case), buffers(case)
        self.rows = np.arange(case.batch_size)
        self.rng = np.random.default_rng(2)

    def epoch(self, order: Array | None = None) -> None:
        order = self.rng.permutation(len(self.X)) if order is None else order
        for start in range(0, len(order), self.case.batch_size):
            rows = order[start : start + self.case.batch_size]
            self.step(self.X[rows], self.y[rows])

    def step(self, x: Array, y: Array) -> None:
        forward(self.case, self.layers, x, self.outputs)
        self.backward(x, y)
        self.velocity *= self.momentum
        self.velocity += self.grad
        np.multiply(self.velocity, self.learning_rate, out=self.grad)
        self.parameters -= self.grad

    def backward(self, x: Array, y: Array) -> None:
        o, delta = self.outputs[-1], self.deltas[-1]
        if self.case.loss == "cross_entropy":
            np.copyto(delta, o)
            delta[self.rows, y] -= 1
            delta *= delta.dtype.type(1 / len(x))
        else:
            np.subtract(o, y, out=delta)
            delta *= delta.dtype.type(2 / o.size)
        for i in range(len(self.layers) - 1, -1, -1):
            below = self.outputs[i - 1] if i else x
            dW, db = self.gradients[i]
            np.matmul(below.T, self.deltas[i], out=dW)
            np.sum(self.deltas[i], axis=0, out=db)
            if i:
                np.matmul(self.deltas[i], self.layers[i][0].T, out=self.deltas[i - 1])
                if self.case.activation == "relu":
                    self.deltas[i - 1] *= below > 0
                else:
                    np.multiply(below, below, out=below)
                    np.subtract(1, below, out=below)
                    self.deltas[i - 1] *= below

    def theta(self) -> Array:
        return self.parameters


def predictor(case: Case, theta: Array) -> Callable[[Array], Array]:
    layers, outputs = list(case.layers(theta)), buffers(case)
    return lambda x: forward(case, layers, x, outputs)
