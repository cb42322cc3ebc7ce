"""Layers that learn a shape: slopes, how much of an activation there is, and waves of numbers."""

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastprop import _checks, activations
from fastprop._values import frozen
from fastprop.activations import Activation, CustomActivation, short
from fastprop.initializers import Constant, Ones, RandomNormal, RandomUniform
from fastprop.layers.base import Build, Layer, Parameter, activate

__all__ = ["PReLU", "ParametricActivation", "PeriodicEmbedding"]

Array = NDArray[Any]


@frozen
class PReLU(Layer):
    """A rectifier whose slope below 0 is learnt: ``a = x where x > 0, slope x elsewhere``.

    At 0 the step back is that of the slope, as PyTorch's.

    Parameters
    ----------
    initial : float, default 0.25
        The slope at first; Keras has 0.
    shared : bool, default True
        One slope for all columns, as PyTorch's default; False for one of each, as Keras.

    Raises
    ------
    TypeError, ValueError
        For an initial slope that is no finite number.

    References
    ----------
    K. He, X. Zhang, S. Ren & J. Sun (2015), "Delving Deep into Rectifiers", ICCV.

    Examples
    --------
    >>> PReLU()([[-4.0, 2.0]], slope=[0.25])
    array([[-1.,  2.]])
    """

    initial: float = 0.25
    shared: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "initial", _checks.number("initial", self.initial))
        object.__setattr__(self, "shared", _checks.flag("shared", self.shared))

    def parameters(self, n_in: int) -> tuple[Parameter, ...]:
        return (Parameter("slope", (1 if self.shared else n_in,), "slope", Constant(self.initial), "weight"),)

    def compile(self, build: Build, x: int | None, n_in: int) -> int | None:
        settings = (float(self.shared),)
        return build.add("prelu", n_in, n_in, x, n_params=self.n_params(n_in), n_arrays=1, settings=settings)

    def __call__(self, x: ArrayLike, **parameters: ArrayLike) -> Array:
        x = np.asarray(x)
        return np.where(x > 0, x, np.asarray(parameters["slope"]) * x)


@frozen
class ParametricActivation(Layer):
    """An activation of which each column has as much as it learns to: ``a = x + scale (f(x) - x)``.

    The scale is 1 at first, where ``a = f(x)``; at 0 it would be the identity.

    Parameters
    ----------
    activation : str or Activation
        f; not softmax, whose outputs depend on the whole row, nor one in Python.

    Raises
    ------
    TypeError, ValueError
        For an unknown activation, or one that is not the core's or not element by element.

    References
    ----------
    D. Holzmueller, L. Grinsztajn & I. Steinwart (2024), "Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on
    Tabular Data", NeurIPS 37: RealMLP's activations, of selu and mish.

    Examples
    --------
    >>> ParametricActivation("relu")([[-4.0, 2.0]], scale=[0.5, 0.5])
    array([[-2.,  2.]])
    """

    activation: Activation

    def __init__(self, activation: str | Activation) -> None:
        found = activations.get(activation)
        if isinstance(found, CustomActivation) or found.name in ("identity", "softmax", "log_softmax"):
            raise ValueError(
                f"activation is one of the core's own, element by element, other than identity, not {short(found)!r}"
            )
        object.__setattr__(self, "activation", found)

    @property
    def label(self) -> str:
        return f"Parametric {self.activation.name}"

    def parameters(self, n_in: int) -> tuple[Parameter, ...]:
        return (Parameter("scale", (n_in,), "activation", Ones(), "weight"),)

    def compile(self, build: Build, x: int | None, n_in: int) -> int | None:
        name, settings = self.activation.kernel()
        return build.add(
            "parametric", n_in, n_in, x, n_params=n_in, n_arrays=1, activation=name, settings=settings, own=2 * n_in
        )

    def __call__(self, x: ArrayLike, **parameters: ArrayLike) -> Array:
        x = np.asarray(x)
        return np.asarray(x + np.asarray(parameters["scale"]) * (self.activation(x) - x))

    def __repr__(self) -> str:
        return f"ParametricActivation({short(self.activation)!r})"


@frozen
class PeriodicEmbedding(Layer):
    """Turns each number into waves of learnt frequencies, and these by a small dense layer of its own into a vector.

    For each column x::

        v = 2 pi x frequencies
        waves = cos(v + phases)                         (n_frequencies,)
                or (cos(v), sin(v)) without phases      (2 n_frequencies,)
        a = f(waves W + b), and x itself beside it with keep_inputs

    The outputs are all columns' vectors one after the other, then with keep_inputs all columns of x; the columns' W
    stand in one matrix one after the other too. The defaults are
    RealMLP's PBLD; ``PeriodicEmbedding(24, 48, sigma=0.01, phases=False, activation="relu", keep_inputs=False)`` is
    the PLR of Gorishniy et al.

    Parameters
    ----------
    dim : int, default 4
        Outputs of each column, x among them with keep_inputs.
    n_frequencies : int, default 16
        Of each column.
    sigma : float, default 0.1
        Frequencies begin as N(0, sigma**2); positive.
    phases : bool, default True
        Whether phases are learnt, from U(-pi, pi), in place of sines.
    activation : str or Activation, default "identity"
        f.
    keep_inputs : bool, default True
        Whether x stands beside its vector.

    Raises
    ------
    TypeError, ValueError
        For numbers out of range, or a dim of 1 with keep_inputs.

    References
    ----------
    Y. Gorishniy, I. Rubachev & A. Babenko (2022), "On Embeddings for Numerical Features in Tabular Deep Learning",
    NeurIPS 35. D. Holzmueller, L. Grinsztajn & I. Steinwart (2024), "Better by Default: Strong Pre-Tuned MLPs and
    Boosted Trees on Tabular Data", NeurIPS 37.

    Examples
    --------
    >>> PeriodicEmbedding().n_outputs(n_in=5)
    20
    """

    dim: int = 4
    n_frequencies: int = 16
    sigma: float = 0.1
    phases: bool = True
    activation: str | Activation = "identity"
    keep_inputs: bool = True

    def __post_init__(self) -> None:
        low = 2 if _checks.flag("keep_inputs", self.keep_inputs) else 1
        object.__setattr__(self, "dim", _checks.integer("dim", self.dim, low=low))
        object.__setattr__(self, "n_frequencies", _checks.integer("n_frequencies", self.n_frequencies))
        object.__setattr__(self, "sigma", _checks.positive("sigma", self.sigma))
        object.__setattr__(self, "phases", _checks.flag("phases", self.phases))
        object.__setattr__(self, "activation", short(activations.get(self.activation)))

    @property
    def n_waves(self) -> int:
        return self.n_frequencies if self.phases else 2 * self.n_frequencies

    @property
    def n_vector(self) -> int:
        return self.dim - self.keep_inputs

    def n_outputs(self, n_in: int) -> int:
        return n_in * self.dim

    def parameters(self, n_in: int) -> tuple[Parameter, ...]:
        limit = 1 / math.sqrt(self.n_waves)
        of_W = RandomUniform(-limit, limit)
        k, n = self.n_frequencies, self.n_vector
        found = [Parameter("frequencies", (n_in, k), "frequency", RandomNormal(self.sigma), "frequencies")]
        if self.phases:
            found.append(Parameter("phases", (n_in, k), "bias", RandomUniform(-math.pi, math.pi), "phases"))
        found.append(Parameter("W", (n_in * self.n_waves, n), "weight", of_W, "weight"))
        found.append(Parameter("b", (n_in, n), "bias", of_W, "bias"))
        return tuple(found)

    def compile(self, build: Build, x: int | None, n_in: int) -> int | None:
        k, waves, vector = n_in * self.n_frequencies, n_in * self.n_waves, n_in * self.n_vector
        heads: list[int | None] = [x, x]
        if self.keep_inputs:
            at = build.add("fork", n_in, n_in, x)
            heads = [build.add("branch", n_in, n_in, at) for _ in range(2)]
        turns = build.add("affine", n_in, n_in, heads[0], settings=(0.0, 2.0, 0.0, 2 * math.pi), fixed=n_in)
        angles = build.add(
            "groups", n_in, k, turns, n_params=k * (1 + self.phases), n_arrays=1 + self.phases,
            settings=(n_in, 1, self.phases),
        )  # fmt: skip
        settings = (n_in, self.n_frequencies, not self.phases)
        a = build.add("waves", k, waves, angles, settings=settings, own=k)
        a = build.add(
            "groups", waves, vector, a, n_params=vector * (self.n_waves + 1), n_arrays=2,
            settings=(n_in, self.n_waves, 1),
        )  # fmt: skip
        out = activate(activations.get(self.activation), build, a, vector)
        if self.keep_inputs:
            out = build.add("concatenate", n_in * self.dim, n_in * self.dim, out, heads[1])
        return out

    def __call__(self, x: ArrayLike, **parameters: ArrayLike) -> Array:
        x = np.asarray(x, dtype=float)
        v = 2 * np.pi * x[:, :, np.newaxis] * np.asarray(parameters["frequencies"])
        waves = np.cos(v + parameters["phases"]) if self.phases else np.concatenate([np.cos(v), np.sin(v)], axis=2)
        W = np.asarray(parameters["W"]).reshape(x.shape[1], self.n_waves, self.n_vector)
        z = np.einsum("mik,ikn->min", waves, W) + parameters["b"]
        a = activations.get(self.activation)(z.reshape(len(x), -1))
        return np.hstack([a, x]) if self.keep_inputs else a
