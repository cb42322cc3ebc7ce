"""The network: layers in sequence, their parameters as views into one flat vector theta."""

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastprop import _checks, activations, initializers, serialization
from fastprop._arithmetic import standard_arithmetic
from fastprop._native import dispatch, philox, threads
from fastprop._native.engine import Plan
from fastprop._native.sparse_rows import SparseRows
from fastprop._plans import Loan, Plans
from fastprop._slices import ROWS_AT_ONCE, row_slices
from fastprop._views import Cursor, Layer, activation_after, assign, lay_out, walk
from fastprop.activations import Activation
from fastprop.layers import Dense
from fastprop.layers import Layer as Description
from fastprop.layers.base import Build, compile_sequence, sequence, widths
from fastprop.layers.base import n_params as count_params

__all__ = ["Layer", "Sequential", "load", "mlp"]

Array = NDArray[Any]

Matrix = Array | SparseRows

CACHE_LINE = 64  # bytes
ANSWER_WORK = 250_000  # multiply-adds, some 20 us: for no more are other threads kept from the interpreter


class ParameterArray(NamedTuple):
    """One of a network's parameter arrays, and where it is in theta."""

    layer: int  # which of the network's layers it is in, counted from 0
    kind: str  # "weight", "bias", "scale", ...
    start: int
    shape: tuple[int, ...]


class Sequential:
    """A network of layers, one on top of the other, from x to the output o.

    For dense layers ``a[l+1] = f(a[l] W[l] + b[l])`` with ``a[0] = x`` and ``o = a[L]``.

    Parameters
    ----------
    layers : sequence of layers
        From the first to the output (`fastprop.layers`); an activation, or its name, is a layer too.
    n_inputs : int
        Columns of X.
    dtype : "float32" or "float64", default "float32"
        The type of the parameters and of all arithmetic.
    seed : int, default 0
        Where the initial weights, and the trainer's shuffles, come from: the same seed, the same network, bit for bit.

    Attributes
    ----------
    theta : array (n_params,)
        All parameters, layer by layer, of a Dense W then b. Writing into it changes the network; assigning to it
        copies.
    buffers : array (n_buffers,)
        All numbers that are not trained but belong to the network, such as running means.
    layers : tuple of Layer
        Each with its parameters as views into theta: ``model.layers[i].W`` (n_in, n_out) and ``.b`` (n_out,) or None.
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

    def __init__(self, layers: Sequence[Any], *, n_inputs: int, dtype: Any = "float32", seed: int = 0) -> None:
        descriptions = sequence("layers", layers)
        if not descriptions:
            raise ValueError("layers is empty; a network has at least one, such as Dense(1)")
        self._n_inputs = _checks.integer("n_inputs", n_inputs)
        self._dtype = _checks.real_type(dtype)
        self._seed = _checks.integer("seed", seed, low=0, high=2**64 - 1)
        self._lay_out(descriptions)
        self.initialize()

    @standard_arithmetic()
    def _lay_out(self, descriptions: Sequence[Description]) -> None:
        n_params = count_params(descriptions, self.n_inputs)
        n_buffers = count_buffers(descriptions, self.n_inputs)
        _checks.room(f"a network of {n_params:,} parameters", (n_params + n_buffers) * self.dtype.itemsize)
        self._theta, self._buffers = (aligned(count, self.dtype) for count in (n_params, n_buffers))
        self._layers = lay_out(descriptions, self.n_inputs, Cursor(self._theta), Cursor(self._buffers))
        self._numbers = self._buffers if n_buffers else None  # as the engine takes them
        self._work = sum(layer.description.work(layer.n_in) for layer in self._layers)
        self._renew_locks()

    def _renew_locks(self) -> None:
        """For a new network, or in the child of a fork: a lock that another thread held would stay locked there."""
        self._plans = Plans()
        self._plan_at_hand: Plan | None = None
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
        self._initialize(self.layers, seed)

    def _initialize(self, layers: Sequence[Layer], seed: int) -> None:
        for i, layer in enumerate(layers):
            for j, (parameter, view) in enumerate(layer.listed()):
                chosen = parameter.initializer
                if isinstance(chosen, str):
                    chosen = initializers.automatic(activation_after(layers, i))
                view[...] = chosen(view.shape, *parameter.fan, _numbers(seed, 2 * layer.number + j))
            for buffer, view in layer.listed_buffers():
                view[...] = buffer.initial
            for _, children in layer.children():
                self._initialize(children, seed)

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
        assign("theta", self._theta, values)

    @property
    def buffers(self) -> Array:
        return self._buffers

    @buffers.setter
    def buffers(self, values: Any) -> None:
        assign("buffers", self._buffers, values)

    @property
    def output_activation(self) -> Activation:
        """The activation that o is f of; the identity where the network ends in none."""
        return self.layers[-1].activation

    @property
    def n_outputs(self) -> int:
        return self.layers[-1].units

    @property
    def n_params(self) -> int:
        return self.theta.size

    @property
    def parameter_arrays(self) -> tuple[ParameterArray, ...]:
        """Each W, b and so on, in theta's order."""
        found: list[ParameterArray] = []
        start = 0
        for number, layer in enumerate(self.layers):
            for _, inner in walk([layer]):
                for parameter, view in inner.listed():
                    found.append(ParameterArray(number, parameter.kind, start, view.shape))
                    start += view.size
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
        rows.extend(_summary(self.layers))
        rows.append(("Total", "", f"{self.n_params:,}"))
        lines = [f"{kind:<30}{shape:<17}{count:>10}".rstrip() for kind, shape, count in rows]
        rule = "-" * 57
        lines = [lines[0], rule, *lines[1:-1], rule, lines[-1]]
        lines.append(f"{_size(self.theta.nbytes)} of {self.dtype.name}, seed {self.seed}")
        if self.buffers.size:
            lines.append(f"{self.buffers.size:,} numbers that are not trained")
        print_fn("\n".join(lines))

    def predict(self, X: Any) -> Array:
        """The network's output o for each row of X, (m, n_outputs) in the network's type.

        A row's result is the same bits alone, in any batch, and on any machine. X may be float32, float64 or an
        integer type, with any strides; it is cast a batch at a time and not copied whole. It may be a sparse matrix of
        SciPy's as well, of which compressed rows (CSR) are read as they lie. No rows give no rows. A generator, or
        another iterable that cannot be indexed, is taken as a stream of batches X, or (X, y) of which y is not looked
        at.

        Raises
        ------
        TypeError, ValueError
            For an X that is no table of numbers, has other than n_inputs columns, or holds nan or infinities.
        """
        plan = self._plan_at_hand
        if plan is not None and (answer := plan.answer(self._theta, self._numbers, X)) is not None:
            return answer
        if _checks.is_stream(X):
            parts = [self.predict(_inputs_of(batch)) for batch in X]
            return np.concatenate([np.empty((0, self.n_outputs), self.dtype), *parts])
        X = _checks.inputs("X", X, self.n_inputs)
        if plan is None and self._work <= ANSWER_WORK:
            self._plan_at_hand = self._new_plan(min(ANSWER_WORK // self._work, ROWS_AT_ONCE), 1)
        out = np.empty((len(X), self.n_outputs), self.dtype)
        with self._forward_plan(X) as plan:
            for rows in row_slices(len(X), self._work):
                if not plan.predict(self.theta, self._numbers, X[rows], out[rows]):
                    _checks.finite("X", X, self.dtype)  # which says where
        return out

    def _forward_plan(self, X: Matrix, *scoring: Any) -> Loan:
        """A plan to take X's rows forward only, ROWS_AT_ONCE by each thread; `scoring` as in `_new_plan`."""
        n_workers = min(threads.for_call(len(X) * self._work), -(-len(X) // ROWS_AT_ONCE) or 1)
        return self._plan(X, ROWS_AT_ONCE * n_workers, n_workers, *scoring)

    def _learning_plan(self, X: Matrix, batch_size: int, *scoring: Any, training: bool) -> Loan:
        """A plan to take batches of X's rows forward and back; `training` as for `fastprop.gradient`."""
        n_workers = threads.for_step(3 * batch_size * self._work, self.dtype.itemsize)
        return self._plan(X, batch_size, n_workers, *scoring, training=training)

    def _plan(self, X: Matrix, batch_size: int, n_workers: int, *scoring: Any, training: bool = False) -> Loan:
        """A plan of this network, lent to one caller at a time."""
        if self._process != os.getpid():
            self._renew_locks()
        n_elements = None
        if isinstance(X, SparseRows):
            if not isinstance(self.layers[0].description, Dense):
                raise TypeError(f"a sparse X needs Dense as the first layer, not {self.layers[0].description!r}")
            n_elements = 1 << X.most_elements(batch_size).bit_length()  # so that plans are found again
        return self._plans.lend(self._new_plan, batch_size, n_workers, n_elements, training, *scoring)

    @standard_arithmetic()
    def _new_plan(
        self,
        batch_size: int,
        n_workers: int,
        n_elements: int | None = None,
        training: bool = False,
        loss: tuple[Any, ...] | None = None,
        metrics: tuple[tuple[str, float], ...] = (),
        to_inputs: bool = False,
    ) -> Plan:
        capsule = dispatch.kernels(self.dtype, dispatch.chosen())
        build = Build(training, float(np.finfo(self.dtype).eps))
        output = compile_sequence([layer.description for layer in self.layers], build, None, self.n_inputs)
        nodes = build.finish(output, self.n_outputs)
        return Plan(capsule, nodes, batch_size, loss, metrics, n_workers, n_elements, to_inputs)

    def adapt(self, X: Any) -> None:
        """Let the layers that take numbers from the data, such as Standardize, take them from X: before training.

        Layer after layer from the first on, each from what those below it make of X, as at prediction: the means of a
        Standardize, the quantiles of a RobustScale, the biases of a Dense with the initializer "he_plus".

        Raises
        ------
        TypeError, ValueError
            As `predict`, for no rows, and for a spread of numbers so small or large that the network's type cannot hold
            it; nothing is changed then.
        """
        X = _checks.inputs("X", X, self.n_inputs)
        if isinstance(X, SparseRows):
            raise TypeError("adapt takes a plain matrix, not a sparse one")
        _checks.finite("X", X, self.dtype)
        _checks.some_rows("X", X)
        before = self.theta.copy(), self.buffers.copy()
        try:
            with standard_arithmetic():
                self._adapt(self.layers, X)
        except Exception:
            self.theta, self.buffers = before
            raise

    def _adapt(self, layers: Sequence[Layer], X: Array) -> None:
        for i, layer in enumerate(layers):
            if not any(later.description.adapts for later in layers[i:]):
                return
            uniform = _numbers(self.seed, 2 * layer.number + 1)
            inputs = np.asarray(X, dtype=np.float64)
            for name, values in layer.description.adapt(inputs, layer.parameters, uniform).items():
                _check_adapted(f"the {name} for {layer.description!r}", values, self.dtype, positive=name == "variance")
                setattr(layer, name, values)
            for _, children in layer.children():
                self._adapt(children, X)
            X = self._alone(layer).predict(X)

    def _alone(self, layer: Layer) -> "Sequential":
        """A network of the one layer, with its numbers."""
        model = Sequential([layer.description], n_inputs=layer.n_in, dtype=self.dtype, seed=self.seed)
        model.theta, model.buffers = layer.numbers_in_order
        return model

    def check_data(self, name: str, X: Matrix) -> None:
        """Refuse training data that the layers which read X itself cannot take."""
        if not isinstance(X, SparseRows):
            _check_data(name, X, self.layers)

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
            "buffers": self.buffers.copy(),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._n_inputs, self._seed, self._dtype = state["n_inputs"], state["seed"], np.dtype(state["dtype"])
        self._lay_out(state["layers"])
        self.theta = state["theta"]
        self.buffers = state["buffers"]

    def state_dict(self) -> dict[str, Array]:
        """The parameters by PyTorch's names, as copies in its layout: "0.weight" (n_out, n_in), "0.bias" (n_out,).

        The number counts the modules of the same `torch.nn.Sequential`, where an activation other than identity is
        a module of its own, so that ``torch_model.load_state_dict(...)`` takes the tensors made of these. Layers made
        of layers are modules that hold `torch.nn.Sequential`'s: a Residual is one itself, with its shortcut as
        ``shortcut``, a Concatenate a `torch.nn.ModuleList` of its branches. Buffers are included.

        Examples
        --------
        >>> {name: array.shape for name, array in mlp(2, 3, 1).state_dict().items()}
        {'0.weight': (3, 2), '0.bias': (3,), '2.weight': (1, 3), '2.bias': (1,)}
        """
        return {
            name: np.array(view, np.int64 if counts else None, order="C")
            for name, (view, counts) in self._named().items()
        }

    def _named(self) -> dict[str, tuple[Array, bool]]:
        """The views by PyTorch's names, in its layout; and whether PyTorch holds an integer there."""
        views: dict[str, tuple[Array, bool]] = {}
        for prefix, layer in walk(self.layers):
            for parameter, view in layer.listed():
                views[prefix + parameter.torch_name] = (view.T if parameter.transposed else view), False
            for buffer, view in layer.listed_buffers():
                views[prefix + buffer.torch_name] = view, buffer.counts
        return views

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
        views = {name: view for name, (view, _) in self._named().items()}
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


def _check_data(name: str, X: Array, layers: Sequence[Layer]) -> None:
    if layers:
        layers[0].description.check_inputs(name, X)
        for _, children in layers[0].children():
            _check_data(name, X, children)


def _check_adapted(what: str, values: Array, dtype: np.dtype[Any], *, positive: bool) -> None:
    """Refuse numbers from the data that the network's type makes infinite, or 0 where that divides."""
    with np.errstate(over="ignore", under="ignore"):
        stored = np.asarray(values).astype(dtype)
    for i in np.flatnonzero(~np.isfinite(stored) | (positive & (stored == 0)))[:1]:
        raise ValueError(
            f"{what} would be {stored.flat[i]} in number {i} ({np.asarray(values).flat[i]:g} as {dtype});"
            " scale the data to about 1, or use dtype='float64'"
        )


def count_buffers(layers: Sequence[Description], n_in: int) -> int:
    """How many numbers that are not trained the layers hold."""
    total = 0
    for layer, n in zip(layers, widths(layers, n_in), strict=False):
        total += sum(buffer.size for buffer in layer.buffers(n))
        total += sum(count_buffers(children, n) for children in layer.children.values())
    return total


def _summary(layers: Sequence[Layer], indent: str = "") -> Iterator[tuple[str, str, str]]:
    for layer in layers:
        yield indent + layer.description.label, f"(m, {layer.units})", f"{layer.n_params:,}"
        for _, children in layer.children():
            yield from _summary(children, indent + "  ")


def _numbers(seed: int, stream: int) -> initializers.Uniform:
    return lambda count: philox.uniform(seed, stream, count)


def _inputs_of(batch: Any) -> Any:
    """X of a batch X, (X, y) or [X, y]."""
    if isinstance(batch, tuple) or (isinstance(batch, list) and batch and getattr(batch[0], "ndim", 0) == 2):
        return batch[0]
    return batch


def _size(n_bytes: int) -> str:
    for unit, scale in (("MiB", 2**20), ("KiB", 2**10)):
        if n_bytes >= scale:
            return f"{n_bytes / scale:,.1f} {unit}"
    return f"{n_bytes} bytes"
