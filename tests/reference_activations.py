"""Activations in plain NumPy and float64, from the papers' and PyTorch's formulas: f(z), and dC/dz from dC/da.

A description of the package says which, and holds its numbers; nothing else of it is used. `TRIED` are those that tests
go through: each with its defaults, and some with other numbers. `corners` tells where differences mean nothing.
"""

import math

import numpy as np

import fastprop as fp

Array = np.ndarray
Activation = fp.activations.Activation

TRIED: tuple[Activation, ...] = (
    *fp.activations.ACTIVATIONS.values(),
    fp.activations.LeakyReLU(0.2),
    fp.activations.LeakyReLU(0.0),
    fp.activations.ELU(0.5),
    fp.activations.CELU(2.0),
    fp.activations.GELU(approximate="tanh"),
    fp.activations.Softplus(3.0),
    fp.activations.HardTanh(-0.5, 2.0),
)

erfc = np.vectorize(math.erfc, otypes=[float])


def sigmoid(z: Array) -> Array:
    return np.exp(-np.logaddexp(0, -z))


def smooth_step(f: Activation, z: Array) -> tuple[Array, Array]:
    """What z is multiplied by, and its slope, of the activations that are such a product."""
    if f.name == "silu":
        s = sigmoid(z)
        return s, s * sigmoid(-z)
    if f.name == "mish":
        t = np.tanh(np.logaddexp(0, z))
        return t, (1 - t**2) * sigmoid(z)
    if f.name == "gelu" and f.approximate == "tanh":
        t = np.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3))
        return (1 + t) / 2, (1 - t**2) / 2 * math.sqrt(2 / math.pi) * (1 + 0.134145 * z**2)
    if f.name == "gelu":
        return erfc(-z / math.sqrt(2)) / 2, np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    assert f.name == "hard_swish", f"tests/reference_activations.py does not define {f!r}"
    return np.clip(z / 6 + 0.5, 0, 1), (abs(z) < 3) / 6


def piecewise(f: Activation, z: Array) -> tuple[Array, Array] | None:
    """f(z) and f'(z) of the activations that are put together from two or three."""
    negative, positive, one = np.minimum(z, 0), np.maximum(z, 0), np.ones_like(z)
    name = f.name
    if name == "relu":
        return positive, (z > 0) * one
    if name == "leaky_relu":
        return positive + f.negative_slope * negative, np.where(z > 0, 1, f.negative_slope)
    if name == "elu":
        return positive + f.alpha * np.expm1(negative), np.where(z > 0, 1, f.alpha * np.exp(negative))
    if name == "selu":
        scale, alpha = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
        a = scale * (positive + alpha * np.expm1(negative))
        return a, scale * np.where(z > 0, 1, alpha * np.exp(negative))
    if name == "celu":
        return positive + f.alpha * np.expm1(negative / f.alpha), np.where(z > 0, 1, np.exp(negative / f.alpha))
    bounds = {"relu6": (0, 6), "hard_tanh": (getattr(f, "min_val", 0), getattr(f, "max_val", 0))}
    if name in bounds:
        low, high = bounds[name]
        return np.minimum(np.maximum(z, low), high), one * (low < z) * (z < high)
    if name == "hard_sigmoid":
        return np.minimum(np.maximum(z + 3, 0), 6) / 6, (abs(z) < 3) / 6
    return None


def elementwise(f: Activation, z: Array) -> tuple[Array, Array]:
    """f(z) and f'(z)."""
    name, pieces = f.name, piecewise(f, z)
    if pieces is not None:
        return pieces
    if name == "identity":
        return z, np.ones_like(z)
    if name == "sigmoid":
        return sigmoid(z), sigmoid(z) * sigmoid(-z)
    if name == "tanh":
        return np.tanh(z), 1 / np.cosh(z) ** 2
    if name == "softsign":
        return z / (1 + abs(z)), (1 + abs(z)) ** -2.0
    if name == "exponential":
        return np.exp(z), np.exp(z)
    if name == "softplus":
        return np.logaddexp(0, f.beta * z) / f.beta, sigmoid(f.beta * z)
    step, slope = smooth_step(f, z)
    return z * step, step + z * slope


def activate(f: Activation, z: Array) -> Array:
    if f.name in {"softmax", "log_softmax"}:
        exponentials = np.exp(z - z.max(axis=1, keepdims=True))
        p = exponentials / exponentials.sum(axis=1, keepdims=True)
        return p if f.name == "softmax" else np.log(p)
    return elementwise(f, z)[0]


def through(f: Activation, z: Array, da: Array) -> Array:
    """dC/dz from dC/da."""
    if f.name in {"softmax", "log_softmax"}:  # each row's Jacobian, written out: of softmax diag(p) - p pᵀ
        p = activate(fp.activations.Softmax(), z)
        if f.name == "log_softmax":
            return np.stack([(np.eye(len(q)) - q[:, np.newaxis]) @ d for q, d in zip(p, da, strict=True)])
        return np.stack([(np.diag(q) - np.outer(q, q)) @ d for q, d in zip(p, da, strict=True)])
    return da * elementwise(f, z)[1]


def corners(f: Activation) -> tuple[float, ...]:
    """Where f' or f'' has a step."""
    if f.name in {"relu", "leaky_relu", "elu", "selu", "celu", "softsign"}:
        return (0.0,)
    if f.name == "hard_tanh":
        return f.min_val, f.max_val
    return {"relu6": (0.0, 6.0), "hard_sigmoid": (-3.0, 3.0), "hard_swish": (-3.0, 3.0)}.get(f.name, ())
