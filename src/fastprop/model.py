"""The network: layers in sequence, their parameters as views into one flat vector theta."""

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastprop import _checks, activations, initializers, serialization
from fastprop._arithmetic import standard_arithmetic
from fastprop._native import dispatch, philox, threads
from fastprop._native.engine import Plan
from fastprop._native.layout import Node
from fastprop._slices import ROWS_AT_ONCE, row_slices
from fastprop.activations import Activation
from fastprop.layers import Dense

__all__ = ["Layer", "Sequential", "load", "mlp"]

Array = NDArray[Any]

IDLE_PLANS = 8  # kept for the next call, of whatever batch sizes
CACHE_LINE = 64  # bytes
ANSWER_WORK = 250_000  # multiply-adds, some 20 us: for no more are other threads kept from the interpreter


class Layer:
    """A layer of a network: its description, and its parameters as views.

    Attributes
    ----------
    description : Dense
    n_in, units : int
    activation : Activation
    W : array (n_in, units)
        A view into the network's theta; assigning to it copies into the view.
    b : array (units,) or None
        Likewise; None without a bias.
    """

    def __init__(self, description: Dense, n_in: int, theta: Array, start: int) -> None:
        self._description = description
        self._n_in = n_in
        n_weights = n_in * self.units
        self._W = theta[start : start + n_weights].reshape(n_in, self.units)
        self._b = theta[start + n_weights : start + n_weights + self.units] if description.use_bias else None

    @property
    def description(self) -> Dense:
        return self._description

    @property
    def n_in(self) -> int:
        return self._n_in

    @property
    def units(self) -> int:
        return self.description.units

    @property
    def activation(self) -> Activation:
        return self.description.activation

    @property
    def n_params(self) -> int:
        return self.description.n_params(self.n_in)

    @property
    def W(self) -> Array:
        return self._W

    @W.setter
    def W(self, values: Any) -> None:
        _assign("W", self._W, values)

    @property
    def b(self) -> Array | None:
        return self._b

    @b.setter
    def b(self, values: Any) -> None:
        if self._b is None:
            raise ValueError(f"{self.description!r} has no bias to assign to")
        _assign("b", self._b, values)

    def __repr__(self) -> str:
        return f"<{self.description!r} on {self.n_in} inputs, {self.n_params:,} parameters>"


def _assign(name: str, view: Array, values: Any) -> None:
    array = np.asarray(values)
    if array.shape != view.shape:
        raise ValueError(f"{name} has shape {view.shape}, but the values' shape is {array.shape}")
    view[...] = array


class ParameterArray(NamedTuple):
    """One of a network's parameter arrays, and where it is in theta."""

    layer: int  # which, counted from 0
    kind: str  # "weight" or "bias"
    start: int
    shape: tuple[int, ...]


class Sequential:
    """A network of layers, one on top of the other: ``a[l+1] = f(a[l] W[l] + b[l])``, from ``a[0] = x`` to o.

    Parameters
    ----------
    layers : sequence of Dense
        From the first hidden layer to the output.
    n_inputs : int
        Columns of X.
    dtype : "float32" or "float64", default "float32"
        The type of the parameters and of all arithmetic.
    seed : int, default 0
        Where the initial weights, and the trainer's shuffles, come from: the same seed, the same network, bit for bit.

    Attributes
    ----------
    theta : array (n_params,)
        All parameters, layer by layer W then b. Writing into it changes the network; assigning to it copies.
    layers : tuple of Layer
        ``model.layers[i].W`` (n_in, n_out) and ``.b`` (n_out,) or None, as views into theta.
    n_inputs, n_outputs, n_params : int
    dtype : numpy.dtype
    seed : int

    Raises
    ------
    TypeError, ValueError
        For no layers, or anything that is no layer; for an n_inputs or seed out of range.
    MemoryError
        If the parameters would not fit in memory.

    References
    ----------
    D. E. Rumelhart, G. E. Hinton & R. J. Williams (1986), "Learning Representations by Back-Propagating Errors",
    Nature 323, 533-536.

    Examples
    --------
    >>> model = Sequential([Dense(3, activation="tanh"), Dense(1)], n_inputs=2, seed=1)
    >>> model.n_params, model.layers[0].W.shape
    (13, (2, 3))
    >>> model.predict([[0.0, 0.0]])
    array([[0.]], dtype=float32)
    """

    def __init__(self, layers: Sequence[Dense], *, n_inputs: int, dtype: Any = "float32", seed: int = 0) -> None:
        descriptions = _descriptions(layers)
        self._n_inputs = _checks.integer("n_inputs", n_inputs)
        self._dtype = _checks.real_type(dtype)
        self._seed = _checks.integer("seed", seed, low=0, high=2**64 - 1)
        widths = [self.n_inputs, *(layer.units for layer in descriptions)]
        n_params = sum(layer.n_params(n_in) for layer, n_in in zip(descriptions, widths, strict=False))
        _checks.room(f"a network of {n_params:,} parameters", n_params * self.dtype.itemsize)
        self._lay_out(descriptions, aligned(n_params, self.dtype))
        self.initialize()

    def _lay_out(self, descriptions: Sequence[Dense], theta: Array) -> None:
        self._theta = theta
        n_in, start, layers = self.n_inputs, 0, []
        for description in descriptions:
            layers.append(Layer(description, n_in, theta, start))
            start += layers[-1].n_params
            n_in = description.units
        self._layers: tuple[Layer, ...] = tuple(layers)
        self._renew_locks()

    def _renew_locks(self) -> None:
        """For a new network, or in the child of a fork: a lock that another thread held would stay locked there."""
        self._idle_plans: list[tuple[object, Plan]] = []
        self._plan_at_hand: Plan | None = None
        self._plans_lock = threading.Lock()
        self._training = threading.Lock()
        self._process = os.getpid()  # last: who finds it right finds the new locks

    def training_lock(self) -> threading.Lock:
        """What the trainer at work holds."""
        if self._process != os.getpid():
            self._renew_locks()
        return self._training

    @standard_arithmetic()
    def initialize(self, seed: int | None = None) -> None:
        """Set every parameter to its initial value, from `seed` or the network's own."""
        seed = self.seed if seed is None else _checks.integer("seed", seed, low=0, high=2**64 - 1)
        for i, layer in enumerate(self.layers):
            n_in, n_out = layer.n_in, layer.units
            kernel = layer.description.kernel_initializer
            chosen = initializers.automatic(layer.activation) if isinstance(kernel, str) else kernel
            layer.W[...] = chosen(layer.W.shape, n_in, n_out, _numbers(seed, 2 * i))
            if layer.b is not None:
                layer.b[...] = layer.description.bias_initializer(layer.b.shape, n_in, n_out, _numbers(seed, 2 * i + 1))

    # What a network is, is fixed when it is made; only the numbers in theta change.

    @property
    def n_inputs(self) -> int:
        return self._n_inputs

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._dtype

    @property
    def seed(self) -> int:
        return self._seed

    @property
    def layers(self) -> tuple[Layer, ...]:
        return self._layers

    @property
    def theta(self) -> Array:
        return self._theta

    @theta.setter
    def theta(self, values: Any) -> None:
        _assign("theta", self._theta, values)

    @property
    def n_outputs(self) -> int:
        return self.layers[-1].units

    @property
    def n_params(self) -> int:
        return self.theta.size

    @property
    def parameter_arrays(self) -> tuple[ParameterArray, ...]:
        """Each W and b in theta's order."""
        found: list[ParameterArray] = []
        start = 0
        for number, layer in enumerate(self.layers):
            for kind, array in (("weight", layer.W), ("bias", layer.b)):
                if array is not None:
                    found.append(ParameterArray(number, kind, start, array.shape))
                    start += array.size
        return tuple(found)

    def __repr__(self) -> str:
        layers = ", ".join(repr(layer.description) for layer in self.layers)
        dtype = "" if self.dtype == np.float32 else f", dtype={self.dtype.name!r}"
        return f"Sequential([{layers}], n_inputs={self.n_inputs}{dtype}, seed={self.seed})"

    def summary(self, print_fn: Callable[[str], object] = print) -> None:
        """Print a table of the layers, their output shapes and how many parameters each has.

        Examples
        --------
        >>> mlp(64, 128, 10, activation="relu", output="softmax").summary()
        Layer                         Output shape     Parameters
        ---------------------------------------------------------
        Input                         (m, 64)
        Dense, relu                   (m, 128)              8,320
        Dense, softmax                (m, 10)               1,290
        ---------------------------------------------------------
        Total                                               9,610
        37.5 KiB of float32, seed 0
        """
        rows = [("Layer", "Output shape", "Parameters"), ("Input", f"(m, {self.n_inputs})", "")]
        for layer in self.layers:
            kind = f"Dense, {layer.activation.name}" + ("" if layer.description.use_bias else ", no bias")
            rows.append((kind, f"(m, {layer.units})", f"{layer.n_params:,}"))
        rows.append(("Total", "", f"{self.n_params:,}"))
        lines = [f"{kind:<30}{shape:<17}{count:>10}".rstrip() for kind, shape, count in rows]
        rule = "-" * 57
        lines = [lines[0], rule, *lines[1:-1], rule, lines[-1]]
        lines.append(f"{_size(self.theta.nbytes)} of {self.dtype.name}, seed {self.seed}")
        print_fn("\n".join(lines))

    def predict(self, X: Any) -> Array:
        """The network's output o for each row of X, (m, n_outputs) in the network's type.

        A row's result is the same bits alone, in any batch, and on any machine. X may be float32, float64 or an
        integer type, with any strides; it is cast a batch at a time and not copied whole. No rows give no rows.

        Raises
        ------
        TypeError, ValueError
            For an X that is no table of numbers, has other than n_inputs columns, or holds nan or infinities.
        """
        plan = self._plan_at_hand
        if plan is not None and (answer := plan.answer(self._theta, X)) is not None:
            return answer
        X = _checks.inputs("X", X, self.n_inputs)
        if plan is None and self.n_params <= ANSWER_WORK:
            self._plan_at_hand = self._new_plan(min(ANSWER_WORK // self.n_params, ROWS_AT_ONCE), 1)
        out = np.empty((len(X), self.n_outputs), self.dtype)
        with self._forward_plan(len(X)) as plan:
            for rows in row_slices(len(X)):
                if not plan.predict(self.theta, X[rows], out[rows]):
                    _checks.finite("X", X, self.dtype)  # which says where
        return out

    def _forward_plan(self, n_rows: int, *scoring: Any) -> AbstractContextManager[Plan]:
        """A plan to take that many rows forward only, ROWS_AT_ONCE by each thread; `scoring` as in `_new_plan`."""
        n_workers = min(threads.for_call(n_rows * self.n_params), -(-n_rows // ROWS_AT_ONCE) or 1)
        return self._plan(ROWS_AT_ONCE * n_workers, n_workers, *scoring)

    def _learning_plan(self, batch_size: int, *scoring: Any) -> AbstractContextManager[Plan]:
        """A plan to take batches forward and back."""
        return self._plan(batch_size, threads.for_step(3 * batch_size * self.n_params), *scoring)

    @contextmanager
    def _plan(self, batch_size: int, n_workers: int, *scoring: Any) -> Iterator[Plan]:
        """A plan of this network, lent to one caller at a time; made where none is idle, kept if among the latest."""
        if self._process != os.getpid():
            self._renew_locks()
        key = (batch_size, n_workers, *scoring)
        with self._plans_lock:
            at = next((i for i, (other, _) in enumerate(self._idle_plans) if other == key), None)
            plan = None if at is None else self._idle_plans.pop(at)[1]
        if plan is None:
            plan = self._new_plan(batch_size, n_workers, *scoring)
        try:
            yield plan
        finally:
            with self._plans_lock:
                self._idle_plans.append((key, plan))
                del self._idle_plans[:-IDLE_PLANS]

    def _new_plan(
        self,
        batch_size: int,
        n_workers: int,
        loss: tuple[str, tuple[float, ...], int] | None = None,
        metrics: tuple[tuple[str, float], ...] = (),
        to_inputs: bool = False,
    ) -> Plan:
        capsule = dispatch.kernels(self.dtype, dispatch.chosen())
        return Plan(capsule, self._nodes(), batch_size, loss, metrics, n_workers, to_inputs)

    def _nodes(self) -> list[Node]:
        """The network as the engine runs it."""
        nodes: list[Node] = []
        start = array = 0
        for layer in self.layers:
            n_in, n_out, use_bias = layer.n_in, layer.units, layer.description.use_bias
            below = (len(nodes) - 1,) if nodes else ()
            nodes.append(Node("product", n_in, n_out, below, start, array, layer.n_params, use_bias))
            array += 1 + use_bias
            if layer.activation.name != "identity":
                name, settings = layer.activation.kernel()
                nodes.append(Node("activation", n_out, n_out, (len(nodes) - 1,), activation=name, settings=settings))
            start += layer.n_params
        return nodes

    def copy(self) -> "Sequential":
        """An independent network with the same layers and the same parameters."""
        twin = object.__new__(Sequential)
        twin.__setstate__(self.__getstate__())
        return twin

    def __getstate__(self) -> dict[str, Any]:
        layers = [layer.description for layer in self.layers]
        return {
            "layers": layers,
            "n_inputs": self.n_inputs,
            "dtype": self.dtype.name,
            "seed": self.seed,
            "theta": self.theta.copy(),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._n_inputs, self._seed, self._dtype = state["n_inputs"], state["seed"], np.dtype(state["dtype"])
        theta = aligned(state["theta"].size, self.dtype)
        theta[:] = state["theta"]
        self._lay_out(state["layers"], theta)

    def state_dict(self) -> dict[str, Array]:
        """The parameters by PyTorch's names, as copies in its layout: "0.weight" (n_out, n_in), "0.bias" (n_out,).

        The number counts the modules of the same `torch.nn.Sequential`, where an activation other than identity is
        a module of its own, so that ``torch_model.load_state_dict(...)`` takes the tensors made of these.

        Examples
        --------
        >>> {name: array.shape for name, array in mlp(2, 3, 1).state_dict().items()}
        {'0.weight': (3, 2), '0.bias': (3,), '2.weight': (1, 3), '2.bias': (1,)}
        """
        state = {}
        for index, layer in self._modules():
            state[f"{index}.weight"] = layer.W.T.copy()
            if layer.b is not None:
                state[f"{index}.bias"] = layer.b.copy()
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take the parameters from arrays, or tensors, of PyTorch's names and layout, as `state_dict` gives them.

        Raises
        ------
        TypeError, ValueError
            If a name is missing or unknown, a shape is another, or values are no finite numbers; the network is
            unchanged then.
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"a state is a mapping of name to array, not {_checks.describe(state)}")
        views: dict[str, Array] = {}
        for index, layer in self._modules():
            views[f"{index}.weight"] = layer.W.T
            if layer.b is not None:
                views[f"{index}.bias"] = layer.b
        if state.keys() != views.keys():
            missing, unknown = sorted(views.keys() - state.keys()), sorted(state.keys() - views.keys())
            raise ValueError(f"the state's names are not the network's: missing {missing}, unknown {unknown}")
        arrays = {}
        for name, values in state.items():
            array = arrays[name] = _checks.plain_numbers(name, _checks.as_array(name, values))
            if array.shape != views[name].shape:
                raise ValueError(f"{name} has shape {array.shape}, but the network's has shape {views[name].shape}")
            _checks.finite(name, array, self.dtype)
        for name, array in arrays.items():
            views[name][...] = array

    def _modules(self) -> Iterator[tuple[int, Layer]]:
        """Each layer with its index among the modules of the same torch.nn.Sequential."""
        index = 0
        for layer in self.layers:
            yield index, layer
            index += 1 if layer.activation.name == "identity" else 2

    def save(self, path: Any) -> None:
        """Write the network to one safetensors file, whole or not at all; `fastprop.load` reads it.

        The tensors have PyTorch's names and layout; the layers stand in the file's metadata.

        Raises
        ------
        OSError
            If the file cannot be written; an older one of that name is unchanged then.
        """
        serialization.write(path, "model", self.state_dict(), self.to_metadata())

    def to_metadata(self) -> dict[str, Any]:
        """What, beside the parameters, makes the network again: for files."""
        layers = serialization.encode([layer.description for layer in self.layers])
        return {"model": {"layers": layers, "n_inputs": self.n_inputs, "dtype": self.dtype.name, "seed": self.seed}}

    @classmethod
    def from_file(cls, tensors: Mapping[str, Array], metadata: Mapping[str, Any]) -> "Sequential":
        """The network of `to_metadata` with the parameters of `state_dict`."""
        description = dict(metadata["model"])
        model = cls(serialization.decode(description.pop("layers")), **description)
        model.load_state_dict(tensors)
        return model


def load(path: Any) -> Sequential:
    """Read a network that `Sequential.save` wrote.

    Nothing in the file is executed, and every tensor's checksum is compared.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no such file, is damaged, or comes from a version too new.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mlp(2, 3, 1).save(f"{folder}/model.safetensors")
    ...     load(f"{folder}/model.safetensors")
    Sequential([Dense(3, activation='relu'), Dense(1)], n_inputs=2, seed=0)
    """
    tensors, metadata = serialization.read(path, "model")
    with serialization.described_by(path):
        return Sequential.from_file(tensors, metadata)


def mlp(
    n_inputs: int,
    *units: int,
    activation: str | Activation = "relu",
    output: str | Activation = "identity",
    dtype: Any = "float32",
    seed: int = 0,
) -> Sequential:
    """A multilayer perceptron in short: `mlp(64, 128, 10)` has 64 inputs, 128 hidden units and 10 outputs.

    Parameters
    ----------
    n_inputs : int
    *units : int
        Units of each layer, the outputs last; at least one.
    activation : str or Activation, default "relu"
        Of the hidden layers.
    output : str or Activation, default "identity"
        Of the last layer: "softmax" for classes, "sigmoid" for yes or no, "identity" for numbers.
    dtype, seed
        As for `Sequential`.

    Examples
    --------
    >>> mlp(64, 128, 10, activation="relu", output="softmax", seed=0)
    Sequential([Dense(128, activation='relu'), Dense(10, activation='softmax')], n_inputs=64, seed=0)
    """
    if not units:
        raise ValueError("mlp takes the units of at least one layer after n_inputs, as in mlp(64, 128, 10)")
    hidden = activations.get(activation)  # also where there is no hidden layer to refuse a misspelt one
    layers = [*(Dense(n, hidden) for n in units[:-1]), Dense(units[-1], output)]
    return Sequential(layers, n_inputs=n_inputs, dtype=dtype, seed=seed)


def aligned(count: int, dtype: np.dtype[Any]) -> Array:
    """`count` zeros that begin at a cache line."""
    raw = np.zeros(count + CACHE_LINE // dtype.itemsize, dtype)
    start = -raw.ctypes.data % CACHE_LINE // dtype.itemsize
    return raw[start : start + count]


def aligned_rows(n_rows: int, count: int, dtype: np.dtype[Any]) -> Array:
    """Zeros (n_rows, count or a few more), of which each row begins at a cache line."""
    line = CACHE_LINE // dtype.itemsize
    stride = -(-count // line) * line
    return aligned(n_rows * stride, dtype).reshape(n_rows, stride)


def _descriptions(layers: Sequence[Dense]) -> list[Dense]:
    if isinstance(layers, Dense) or not hasattr(layers, "__iter__"):
        raise TypeError(f"layers is a list of layers, not {_checks.describe(layers)}")
    descriptions = list(layers)
    if not descriptions:
        raise ValueError("layers is empty; a network has at least one, such as Dense(1)")
    for i, layer in enumerate(descriptions):
        if not isinstance(layer, Dense):
            raise TypeError(f"layers[{i}] is a layer, such as Dense(10), not {_checks.describe(layer)}")
    return descriptions


def _numbers(seed: int, stream: int) -> initializers.Uniform:
    return lambda count: philox.uniform(seed, stream, count)


def _size(n_bytes: int) -> str:
    for unit, scale in (("MiB", 2**20), ("KiB", 2**10)):
        if n_bytes >= scale:
            return f"{n_bytes / scale:,.1f} {unit}"
    return f"{n_bytes} bytes"
