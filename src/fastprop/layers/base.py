"""What every layer's description has: its parameters, its buffers, and how it compiles to the engine's nodes.

A layer takes x (m, n_in) and gives a (m, n_out). Its description is frozen and holds no numbers; `Sequential` holds
them, all parameters in theta and all buffers, numbers that are not trained, in a second vector.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any, Literal, NamedTuple

from numpy.typing import ArrayLike, NDArray

from fastprop import _checks, activations
from fastprop._native.layout import Node
from fastprop._values import frozen
from fastprop.activations import Activation, CustomActivation, Identity, short
from fastprop.initializers import Initializer, Uniform

__all__ = ["Buffer", "Build", "Layer", "Parameter"]

Array = NDArray[Any]
# What a parameter is to its layer, for optimizers that treat kinds differently: a product's W, what is added, what
# multiplies a column, a rectifier's slope, how much of an activation there is, waves' frequencies, categories' vectors.
Kind = Literal["weight", "bias", "scale", "slope", "activation", "frequency", "embedding"]


class Parameter(NamedTuple):
    """An array that is trained: what it is called, and how it begins."""

    name: str  # as an attribute of the network's layer: W
    shape: tuple[int, ...]
    kind: Kind  # for optimizers that treat kinds differently
    initializer: Initializer | str  # or "auto", by the activation that follows
    torch_name: str  # in a state dict: weight
    transposed: bool = False  # there
    fan: tuple[int, int] = (1, 1)  # inputs and outputs, for the initializer

    @property
    def size(self) -> int:
        return math.prod(self.shape)


class Buffer(NamedTuple):
    """An array that is not trained, but goes with the network: a running mean."""

    name: str
    shape: tuple[int, ...]
    initial: float
    torch_name: str
    counts: bool = False  # an integer in a state dict

    @property
    def size(self) -> int:
        return math.prod(self.shape)


class Build:
    """The nodes of a network while its layers add theirs, from x up.

    Attributes
    ----------
    training : bool
        Whether the nodes are for training: layers that do something else then add other nodes.
    machine_epsilon : float
        The distance from 1 to the next number of the network's type.
    """

    def __init__(self, training: bool, machine_epsilon: float) -> None:
        self.training = training
        self.machine_epsilon = machine_epsilon
        self.nodes: list[Node] = []
        self._n_params = self._n_arrays = self._n_buffers = self._n_masks = 0

    def add(
        self,
        kind: str,
        n_in: int,
        n_out: int,
        *below: int | None,
        n_params: int = 0,
        n_arrays: int = 0,
        n_buffers: int = 0,
        **more: Any,
    ) -> int:
        """A node on the outputs of those below, None for the network's x; returns its number.

        Parameters and buffers are counted: the first node to ask for some gets the first of theta.
        """
        inputs = tuple(number for number in below if number is not None)
        node = Node(kind, n_in, n_out, inputs, self._n_params, self._n_arrays, n_params, self._n_buffers, **more)
        self.nodes.append(node)
        self._n_params += n_params
        self._n_arrays += n_arrays
        self._n_buffers += n_buffers
        return len(self.nodes) - 1

    def new_mask(self) -> int:
        """The number of one more layer that draws random masks."""
        self._n_masks += 1
        return self._n_masks - 1

    def finish(self, output: int | None, n_out: int) -> list[Node]:
        """The nodes, of which the last gives the network's output."""
        if output is None:
            self.add("copy", n_out, n_out)
        return self.nodes


@frozen
class Layer:
    """A layer: takes x (m, n_in), gives a (m, n_out).

    `layer(x, **parameters)` is its definition in NumPy, as at prediction.
    """

    @property
    def output_activation(self) -> Activation:
        """The activation that its output is f of, where it ends in one; otherwise the identity."""
        return Identity()

    @property
    def torch_modules(self) -> int:
        """As how many modules it counts in a torch.nn.Sequential."""
        return 1

    @property
    def label(self) -> str:
        """For a summary."""
        return type(self).__name__

    @property
    def children(self) -> Mapping[str, tuple["Layer", ...]]:
        """The sequences of layers that it is made of, by the prefix of their names in a state dict."""
        return {}

    def n_outputs(self, n_in: int) -> int:
        """How many outputs it has on n_in inputs; raises ValueError where it cannot take so many."""
        return n_in

    def parameters(self, n_in: int) -> tuple[Parameter, ...]:
        """Its own trained arrays, in theta's order; not its children's, which come after them."""
        return ()

    def buffers(self, n_in: int) -> tuple[Buffer, ...]:
        """Its arrays that are not trained."""
        return ()

    def n_params(self, n_in: int) -> int:
        """How many numbers it trains on n_in inputs, its children's included."""
        own = sum(parameter.size for parameter in self.parameters(n_in))
        return own + sum(n_params(layers, n_in) for layers in self.children.values())

    def work(self, n_in: int) -> int:
        """About how many multiply-adds a row takes forward."""
        return max(n_in, self.n_params(n_in))

    @property
    def adapts(self) -> bool:
        """Whether it takes numbers from the data, or a layer does that it is made of."""
        return any(layer.adapts for layers in self.children.values() for layer in layers)

    def adapt(self, X: Array, numbers: Mapping[str, Array], uniform: Uniform) -> Mapping[str, Array]:
        """The values of those of its numbers that it takes from the data.

        The data are its inputs X (m, n_in) in float64; it gets the parameters that it has so far, and random numbers.
        """
        return {}

    def check_inputs(self, name: str, X: Array) -> None:
        """Refuse training data that it cannot take, where it reads X itself."""

    def compile(self, build: Build, x: int | None, n_in: int) -> int | None:
        """Add its nodes on top of x; returns the number of the one that gives its output."""
        raise NotImplementedError

    def __call__(self, x: ArrayLike, **parameters: ArrayLike) -> Array:
        raise NotImplementedError

    def __repr__(self) -> str:
        parts = []
        for field in fields(self):
            value = getattr(self, field.name)
            default = field.default_factory() if field.default_factory is not MISSING else field.default
            if default is MISSING:
                parts.append(repr(value))
            elif value != default:
                parts.append(f"{field.name}={value!r}")
        return f"{type(self).__name__}({', '.join(parts)})"


def widths(layers: Sequence[Layer], n_in: int) -> list[int]:
    """n_in, and after it each layer's number of outputs."""
    found = [n_in]
    for layer in layers:
        found.append(layer.n_outputs(found[-1]))
    return found


def n_params(layers: Sequence[Layer], n_in: int) -> int:
    return sum(layer.n_params(n) for layer, n in zip(layers, widths(layers, n_in), strict=False))


def compile_sequence(layers: Sequence[Layer], build: Build, x: int | None, n_in: int) -> int | None:
    for layer, n in zip(layers, widths(layers, n_in), strict=False):
        x = layer.compile(build, x, n)
    return x


def activate(activation: Activation, build: Build, z: int | None, n: int) -> int | None:
    """The node of f(z); none for the identity."""
    if activation.name == "identity":
        return z
    if isinstance(activation, CustomActivation):
        return build.add("function", n, n, z, functions=(activation.forward, activation.step_back))
    name, settings = activation.kernel()
    return build.add("activation", n, n, z, activation=name, settings=settings)


@frozen
class Activate(Layer):
    """An activation as a layer of its own: ``a = f(x)``.

    For where something stands between a product and its activation. In a list of layers the activation alone, or its
    name, is short for it: ``[Dense(64), BatchNorm(), "relu"]``.

    Parameters
    ----------
    activation : str or Activation
        f.

    Examples
    --------
    >>> Activate("relu")([[-1.0, 2.0]])
    array([[0., 2.]])
    """

    activation: Activation

    def __init__(self, activation: str | Activation) -> None:
        object.__setattr__(self, "activation", activations.get(activation))

    @property
    def output_activation(self) -> Activation:
        return self.activation

    @property
    def label(self) -> str:
        return self.activation.name

    def compile(self, build: Build, x: int | None, n_in: int) -> int | None:
        return activate(self.activation, build, x, n_in)

    def __call__(self, x: ArrayLike, **parameters: ArrayLike) -> Array:
        return self.activation(x)

    def __repr__(self) -> str:
        return f"Activate({short(self.activation)!r})"


def sequence(name: str, layers: object) -> tuple[Layer, ...]:
    """A list of layers, in which activations, and their names, stand for layers."""
    if isinstance(layers, (str, Activation, Layer)) or not isinstance(layers, Iterable):
        raise TypeError(f"{name} is a list of layers, not {_checks.describe(layers)}")
    found: list[Layer] = []
    for i, layer in enumerate(layers):
        if isinstance(layer, (str, Activation)):
            found.append(Activate(layer))
        elif isinstance(layer, Layer):
            found.append(layer)
        else:
            raise TypeError(f"{name}[{i}] is a layer, such as Dense(10), not {_checks.describe(layer)}")
    return tuple(found)
