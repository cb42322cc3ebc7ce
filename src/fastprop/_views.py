"""A network's layers: each description with its numbers, as views into the network's flat vectors."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastprop.activations import Activation
from fastprop.layers import Activate, Dense
from fastprop.layers import Layer as Description
from fastprop.layers.base import Buffer, Parameter, widths

__all__ = ["Layer", "assign", "lay_out"]

Array = NDArray[Any]


class Layer:
    """A layer of a network: its description, and its numbers as views.

    Each parameter and buffer is an attribute of its own name: ``W`` and ``b`` of a Dense, b being None without a bias.
    Assigning to one copies into the view.

    Attributes
    ----------
    description : fastprop.layers.Layer
    n_in, units, n_params : int
        Inputs, outputs, and numbers that are trained.
    activation : Activation
        The one its output is f of; the identity where it ends in none.
    parameters, buffers : dict of name to array
        Its own views into the network's theta, and into its buffers.
    layers : tuple of Layer
        Those it is made of, as those of a Residual.
    """

    _description: Description
    _n_in: int
    _units: int
    _number: int
    _numbers: int
    _listed: tuple[Parameter, ...]
    _parameters: dict[str, Array]
    _listed_buffers: tuple[Buffer, ...]
    _buffers: dict[str, Array]
    _children: dict[str, tuple["Layer", ...]]
    _theta: Array
    _all_buffers: Array

    def __init__(self, description: Description, n_in: int, theta: "Cursor", buffers: "Cursor", number: int) -> None:
        own = description.parameters(n_in)
        self.__dict__.update(
            _description=description,
            _n_in=n_in,
            _units=description.n_outputs(n_in),
            _number=number,
            _listed=own,
            _parameters={p.name: theta.take(p.shape) for p in own},
        )
        starts = theta.position - sum(p.size for p in own), buffers.position
        listed_buffers = description.buffers(n_in)
        own_buffers = {buffer.name: buffers.take(buffer.shape) for buffer in listed_buffers}
        children: dict[str, tuple[Layer, ...]] = {}
        next_number = number + numbers_of(own)
        for prefix, layers in description.children.items():
            children[prefix] = lay_out(layers, n_in, theta, buffers, next_number)
            next_number += sum(layer.numbers for layer in children[prefix])
        self.__dict__.update(
            _listed_buffers=listed_buffers,
            _buffers=own_buffers,
            _children=children,
            _numbers=next_number - number,
            _theta=theta.vector[starts[0] : theta.position],
            _all_buffers=buffers.vector[starts[1] : buffers.position],
        )

    @property
    def description(self) -> Description:
        return self._description

    @property
    def n_in(self) -> int:
        return self._n_in

    @property
    def units(self) -> int:
        return self._units

    @property
    def number(self) -> int:
        """Which of the network's layers with parameters it is, depth first; the streams of its initial values."""
        return self._number

    @property
    def numbers(self) -> int:
        """How many of those numbers it has, its layers included."""
        return self._numbers

    @property
    def activation(self) -> Activation:
        return self.description.output_activation

    @property
    def n_params(self) -> int:
        return self.description.n_params(self.n_in)

    @property
    def parameters(self) -> Mapping[str, Array]:
        return dict(self._parameters)

    @property
    def buffers(self) -> Mapping[str, Array]:
        return dict(self._buffers)

    @property
    def layers(self) -> tuple["Layer", ...]:
        return tuple(layer for layers in self._children.values() for layer in layers)

    @property
    def numbers_in_order(self) -> tuple[Array, Array]:
        """All its parameters, and all its buffers, its layers' included: as a network of it alone has them."""
        return self._theta, self._all_buffers

    def listed(self) -> Iterator[tuple[Parameter, Array]]:
        """Its own parameters' descriptions with their views."""
        for parameter in self._listed:
            yield parameter, self._parameters[parameter.name]

    def listed_buffers(self) -> Iterator[tuple[Buffer, Array]]:
        for buffer in self._listed_buffers:
            yield buffer, self._buffers[buffer.name]

    def children(self) -> Iterator[tuple[str, tuple["Layer", ...]]]:
        """The sequences it is made of, each with the prefix of its names in a state dict."""
        yield from self._children.items()

    def __getattr__(self, name: str) -> Any:
        for views in (self.__dict__.get("_parameters", {}), self.__dict__.get("_buffers", {})):
            if name in views:
                return views[name]
        if name == "b" and isinstance(self.__dict__.get("_description"), Dense):
            return None
        raise AttributeError(f"{self.__dict__.get('_description')!r} has no attribute {name!r}")

    def __setattr__(self, name: str, values: Any) -> None:
        for views in (self._parameters, self._buffers):
            if name in views:
                assign(name, views[name], values)
                return
        if name == "b" and isinstance(self.description, Dense):
            raise ValueError(f"{self.description!r} has no bias to assign to")
        raise AttributeError(f"{name!r} of {self.description!r} cannot be set; its numbers are {self._names()}")

    def _names(self) -> str:
        return ", ".join([*self._parameters, *self._buffers]) or "none"

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._parameters, *self._buffers]

    def __repr__(self) -> str:
        return f"<{self.description!r} on {self.n_in} inputs, {self.n_params:,} parameters>"


class Cursor:
    """Takes one array after the other out of a flat vector."""

    def __init__(self, vector: Array) -> None:
        self.vector = vector
        self.position = 0

    def take(self, shape: tuple[int, ...]) -> Array:
        start = self.position
        self.position += math.prod(shape)
        return self.vector[start : self.position].reshape(shape)


def numbers_of(parameters: Sequence[Parameter]) -> int:
    """A number stands for two parameters."""
    return (len(parameters) + 1) // 2


def lay_out(
    descriptions: Sequence[Description], n_in: int, theta: Cursor, buffers: Cursor, number: int = 0
) -> tuple[Layer, ...]:
    """The layers of a sequence, with their arrays in order."""
    layers: list[Layer] = []
    for description, n in zip(descriptions, widths(descriptions, n_in), strict=False):
        layers.append(Layer(description, n, theta, buffers, number))
        number += layers[-1].numbers
    return tuple(layers)


def walk(layers: Sequence[Layer], prefix: str = "") -> Iterator[tuple[str, Layer]]:
    """Every layer, depth first in theta's order, with the prefix of its names in a state dict.

    The number in it counts the modules of the same torch.nn.Sequential.
    """
    index = 0
    for layer in layers:
        name = f"{prefix}{index}."
        yield name, layer
        for inner, children in layer.children():
            yield from walk(children, name + inner)
        index += layer.description.torch_modules


def activation_after(layers: Sequence[Layer], i: int) -> Activation:
    """The activation that layer i's output goes through first: its own, or that of a later layer of its sequence.

    Layers between them, that neither are dense nor made of layers, are passed over.
    """
    layer = layers[i]
    if layer.activation.name != "identity":
        return layer.activation
    for later in layers[i + 1 :]:
        if isinstance(later.description, Activate):
            return later.activation
        if isinstance(later.description, Dense) or later.layers:
            break
    return layer.activation


def assign(name: str, view: Array, values: Any) -> None:
    array = np.asarray(values)
    if array.shape != view.shape:
        raise ValueError(f"{name} has shape {view.shape}, but the values' shape is {array.shape}")
    view[...] = array
