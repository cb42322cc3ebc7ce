"""Initializers: how a layer's parameters begin. Numbers come from Philox, addressed by seed, layer and position, so
that a layer's weights depend neither on the order in which things are made nor on the type of the network's reals.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastprop import _checks
from fastprop.activations import Activation

__all__ = ["GlorotUniform", "HeUniform", "Initializer", "Zeros"]

Uniform = Callable[[int], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Initializer:
    """How to fill an array of parameters for a layer of ``n_in`` inputs and ``n_out`` outputs."""

    name: ClassVar[str]

    def __call__(self, shape: tuple[int, ...], n_in: int, n_out: int, uniform: Uniform) -> NDArray[Any]:
        """The parameters in float64; ``uniform(count)`` gives numbers of U(0, 1)."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Zeros(Initializer):
    """All zero: ``W = 0``."""

    name: ClassVar[str] = "zeros"

    def __call__(self, shape: tuple[int, ...], n_in: int, n_out: int, uniform: Uniform) -> NDArray[Any]:
        return np.zeros(shape)


@dataclass(frozen=True, slots=True)
class _Uniform(Initializer):
    def limit(self, n_in: int, n_out: int) -> float:
        raise NotImplementedError

    def __call__(self, shape: tuple[int, ...], n_in: int, n_out: int, uniform: Uniform) -> NDArray[Any]:
        limit = self.limit(n_in, n_out)
        return (uniform(math.prod(shape)) * (2 * limit) - limit).reshape(shape)


@dataclass(frozen=True, slots=True)
class GlorotUniform(_Uniform):
    """``U(-r, r)`` with ``r = sqrt(6 / (n_in + n_out))``: variance 2 / (n_in + n_out), for sigmoid, tanh, softmax.

    References
    ----------
    X. Glorot & Y. Bengio (2010), "Understanding the Difficulty of Training Deep Feedforward Neural Networks",
    AISTATS, eq. 16.

    Examples
    --------
    >>> GlorotUniform().limit(n_in=2, n_out=4)
    1.0
    """

    name: ClassVar[str] = "glorot_uniform"

    def limit(self, n_in: int, n_out: int) -> float:
        return math.sqrt(6 / (n_in + n_out))


@dataclass(frozen=True, slots=True)
class HeUniform(_Uniform):
    """``U(-r, r)`` with ``r = sqrt(6 / n_in)``: variance 2 / n_in, for the ReLU family.

    References
    ----------
    K. He, X. Zhang, S. Ren & J. Sun (2015), "Delving Deep into Rectifiers", ICCV, eq. 10.

    Examples
    --------
    >>> HeUniform().limit(n_in=6, n_out=1)
    1.0
    """

    name: ClassVar[str] = "he_uniform"

    def limit(self, n_in: int, n_out: int) -> float:
        return math.sqrt(6 / n_in)


INITIALIZERS: dict[str, Initializer] = {i.name: i for i in (Zeros(), GlorotUniform(), HeUniform())}
RELU_FAMILY = frozenset({"relu"})


def get(what: str, initializer: str | Initializer) -> Initializer:
    """The initializer of that name, or itself."""
    return _checks.look_up(what, initializer, Initializer, INITIALIZERS, kernels=False)


def automatic(activation: Activation) -> Initializer:
    """What "auto" stands for: He's for the ReLU family, Glorot's otherwise."""
    return HeUniform() if activation.name in RELU_FAMILY else GlorotUniform()
