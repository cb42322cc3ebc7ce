"""The estimator's network, with scikit-learn's initial weights."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.random import RandomState

import fastprop as fp
from fastprop import activations
from fastprop.activations import Activation
from fastprop.sklearn._categories import BESIDES

__all__ = [
    "activation_named",
    "build",
    "dense_layers",
    "hidden_activations",
    "hidden_sizes",
    "initialize",
    "tables",
]

NAMES = {"logistic": "sigmoid", "exp": "exponential"}  # scikit-learn's, and the core's


def hidden_sizes(sizes: Any) -> list[int]:
    """hidden_layer_sizes as a list of positive whole numbers."""
    listed = list(sizes) if hasattr(sizes, "__iter__") else [sizes]
    if np.any(np.array(listed) <= 0):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {listed}.")
    return [int(size) for size in listed]


def activation_named(name: str | Activation) -> Activation:
    return activations.get(NAMES.get(name, name) if isinstance(name, str) else name)


def hidden_activations(activation: Any, n_layers: int) -> list[Activation]:
    """One for each hidden layer, from one for all or a list of them."""
    if isinstance(activation, (str, Activation)):
        return [activation_named(activation)] * n_layers
    if len(activation) != n_layers:
        raise ValueError(f"activation names {len(activation)} activations, but there are {n_layers} hidden layers")
    return [activation_named(one) for one in activation]


def build(
    n_inputs: int,
    sizes: Sequence[int],
    hidden: Sequence[Activation],
    n_outputs: int,
    output: Activation,
    *,
    dropout: float,
    batch_norm: bool,
    dtype: Any,
    embedding: fp.Embedding | None = None,
) -> fp.Sequential:
    """Dense layers, each with its activation; between the two a BatchNorm, and after them a Dropout, if wanted.

    Before all of them the embedding of categories, if there are any.
    """
    layers: list[Any] = [] if embedding is None else [embedding]
    for units, activation in zip(sizes, hidden, strict=True):
        if batch_norm:
            layers += [fp.Dense(units, kernel_initializer="zeros"), fp.BatchNorm(), activation]
        else:
            layers.append(fp.Dense(units, activation, kernel_initializer="zeros"))
        if dropout:
            layers.append(fp.Dropout(dropout))
    layers.append(fp.Dense(n_outputs, output, kernel_initializer="zeros"))
    return fp.Sequential(layers, n_inputs=n_inputs, dtype=dtype, seed=0)


def tables(model: fp.Sequential) -> list[Any]:
    """The embedding's vectors, in the order of their columns."""
    first = model.layers[0]
    return list(first.parameters.values()) if isinstance(first.description, fp.Embedding) else []


def dense_layers(model: fp.Sequential) -> list[Any]:
    """Those with weights and biases: what `coefs_` and `intercepts_` are."""
    return [layer for layer in model.layers if isinstance(layer.description, fp.Dense)]


def initialize(model: fp.Sequential, hidden: Sequence[Activation], random_state: RandomState) -> None:
    """Uniform within Glorot's bound, biases too, drawn in scikit-learn's order.

    Embeddings come first, as layers over columns of 0 and 1 would; their entries for missing and unknown remain 0.
    """
    for table in tables(model):
        known = table[: len(table) - BESIDES]
        if known.size:
            bound = np.sqrt(6.0 / sum(known.shape))
            known[...] = random_state.uniform(-bound, bound, known.shape)
    dense = dense_layers(model)
    for layer, activation in zip(dense, [*hidden, hidden[-1]] if hidden else [None], strict=True):
        factor = 2.0 if activation is not None and activation.name == "sigmoid" else 6.0
        bound = np.sqrt(factor / (layer.n_in + layer.units))
        layer.W = random_state.uniform(-bound, bound, layer.W.shape)
        layer.b = random_state.uniform(-bound, bound, layer.b.shape)
