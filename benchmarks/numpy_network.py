"""A network as its users write it in NumPy, at its best: matrix products into buffers that are made once, everything
else in place, momentum in place. The peer that `benchmarks/step.py` measures fastprop against.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


class NumpyNetwork:
    """A multilayer perceptron with one activation ("relu" or "tanh"), trained by SGD with momentum.

    loss "mse" follows an identity layer, "cross_entropy" a softmax layer (targets: labels).
    """

    def __init__(
        self, theta: Array, sizes: tuple[int, ...], activation: str, loss: str, *, learning_rate: float, momentum: float
    ) -> None:
        self.W, self.b = [], []
        start = 0
        self.theta = theta.copy()  # layer by layer W then b, as fastprop has it
        for n_in, n_out in pairwise(sizes):
            self.W.append(self.theta[start : start + n_in * n_out].reshape(n_in, n_out))
            start += n_in * n_out
            self.b.append(self.theta[start : start + n_out])
            start += n_out
        self.grad = np.zeros_like(self.theta)
        self.velocity = np.zeros_like(self.theta)
        self.dW, self.db = [], []
        start = 0
        for W, b in zip(self.W, self.b, strict=True):
            self.dW.append(self.grad[start : start + W.size].reshape(W.shape))
            start += W.size
            self.db.append(self.grad[start : start + b.size])
            start += b.size
        self.sizes, self.activation, self.loss = sizes, activation, loss
        self.learning_rate, self.momentum = theta.dtype.type(learning_rate), theta.dtype.type(momentum)
        self.buffers: dict[int, tuple[list[Array], list[Array]]] = {}

    def step(self, x: Array, y: Array) -> None:
        m = len(x)
        if m not in self.buffers:
            self.buffers[m] = tuple([np.empty((m, n), x.dtype) for n in self.sizes[1:]] for _ in range(2))
        outputs, deltas = self.buffers[m]
        self.forward(x, outputs)
        self.backward(x, y, outputs, deltas)
        self.velocity *= self.momentum
        self.velocity += self.grad
        np.multiply(self.velocity, self.learning_rate, out=self.grad)
        self.theta -= self.grad

    def forward(self, x: Array, outputs: list[Array]) -> None:
        a = x
        last = len(self.W) - 1
        for i, (W, b, out) in enumerate(zip(self.W, self.b, outputs, strict=True)):
            np.matmul(a, W, out=out)
            out += b
            if i < last:
                if self.activation == "relu":
                    np.maximum(out, 0, out=out)
                else:
                    np.tanh(out, out=out)
            elif self.loss == "cross_entropy":
                out -= out.max(axis=1, keepdims=True)
                np.exp(out, out=out)
                out /= out.sum(axis=1, keepdims=True)
            a = out

    def backward(self, x: Array, y: Array, outputs: list[Array], deltas: list[Array]) -> None:
        m, last = len(x), len(self.W) - 1
        o, delta = outputs[last], deltas[last]
        if self.loss == "cross_entropy":
            np.copyto(delta, o)
            delta[np.arange(m), y] -= 1
            delta *= delta.dtype.type(1 / m)
        else:
            np.subtract(o, y, out=delta)
            delta *= delta.dtype.type(2 / o.size)
        for i in range(last, -1, -1):
            below = outputs[i - 1] if i else x
            np.matmul(below.T, deltas[i], out=self.dW[i])
            np.sum(deltas[i], axis=0, out=self.db[i])
            if i:
                np.matmul(deltas[i], self.W[i].T, out=deltas[i - 1])
                if self.activation == "relu":
                    deltas[i - 1] *= below > 0
                else:
                    np.multiply(below, below, out=below)
                    np.subtract(1, below, out=below)
                    deltas[i - 1] *= below
