"""Initializers: how a layer's parameters begin. Numbers come from Philox, addressed by seed, layer and position, so
that a layer's weights depend neither on the order in which things are made nor on the type of the network's reals.

n_in and n_out are the layer's fan-in and fan-out, for its W as for its b.
"""

import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastprop import _arithmetic, _checks, _distributions
from fastprop._values import frozen
from fastprop.activations import Activation

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HePlus",
    "HeUniform",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "PyTorchDefault",
    "RandomNormal",
    "RandomUniform",
    "SklearnDefault",
    "TruncatedNormal",
    "Zeros",
]

Uniform = Callable[[int], NDArray[np.float64]]


@frozen
class Initializer:
    """How to fill an array of parameters for a layer of ``n_in`` inputs and ``n_out`` outputs."""

    name: ClassVar[str]

    def __call__(self, shape: tuple[int, ...], n_in: int, n_out: int, uniform: Uniform) -> NDArray[Any]:
        """The parameters in float64; ``uniform(count)`` gives numbers of U(0, 1)."""
        raise NotImplementedError

    def _set(self, **fields: Any) -> None:
        for name, value in fields.items():
            object.__setattr__(self, name, value)


# Constants


@frozen
class Constant(Initializer):
    """All ``value``.

    Parameters
    ----------
    value : float, default 0.0

    Raises
    ------
    TypeError, ValueError
        If it is no finite number.
    """

    name: ClassVar[str] = "constant"

    value: float = 0.0

    def __post_init__(self) -> None:
        self._set(value=_checks.number("value", self.value))

    def __call__(self, shape: tuple[int, ...], n_in: int, n_out: int, uniform: Uniform) -> NDArray[Any]:
        return np.full(shape, self.value)


@frozen
class Zeros(Initializer):
    """All ``0``."""

    name: ClassVar[str] = "zeros"

    def __call__(self, shape: tuple[int, ...], n_in: int, n_out: int, uniform: Uniform) -> NDArray[Any]:
        return np.zeros(shape)


@frozen
class Ones(Initializer):
    """All ``1``."""

    name: ClassVar[str] = "ones"

    def __call__(self, shape: tuple[int, ...], n_in: int, n_out: int, uniform: Uniform) -> NDArray[Any]:
        return np.ones(shape)


@frozen
class HePlus(Initializer):
    """Biases from the data, by ``model.adapt(X)``, so that each unit's corner lies among its rows; ``0`` until then.

    For each unit of a Dense, with z its product for a row of the layer's inputs, before the bias::

        b = -(s_1 z(row_1) + ... + s_n z(row_n))

    of n rows drawn at random, with repetition, and shares s that are positive and add to 1: exponential random numbers
    divided by their sum. With n = 5 it is the "he+5" of Steinwart, and RealMLP's.

    Parameters
    ----------
    n_rows : int, default 5
        n.

    Raises
    ------
    TypeError, ValueError
        For an n_rows that is no positive whole number.

    References
    ----------
    I. Steinwart (2019), "A Sober Look at Neural Network Initializations", arXiv:1903.11482. D. Holzmueller,
    L. Grinsztajn & I. Steinwart (2024), "Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on Tabular Data",
    NeurIPS 37.
    """

    name: ClassVar[str] = "he_plus"

    n_rows: int = 5

    def __post_init__(self) -> None:
        self._set(n_rows=_checks.integer("n_rows", self.n_rows))

    def __call__(self, shape: tuple[int, ...], n_in: int, n_out: int, uniform: Uniform) -> NDArray[Any]:
        return np.zeros(shape)

    def from_data(self, X: NDArray[Any], W: NDArray[Any], uniform: Uniform) -> NDArray[Any]:
        """B (n_out,) from inputs X (m, n_in) and W (n_in, n_out), in float64."""
        n, n_out = self.n_rows, W.shape[1]
        numbers = uniform(2 * n * n_out).reshape(2, n, n_out)
        rows = np.minimum((numbers[0] * len(X)).astype(np.intp), len(X) - 1)
        shares = -_arithmetic.core("log", 1 - numbers[1])
        drawn, places = np.unique(rows, return_inverse=True)
        z = _arithmetic.product(np.ascontiguousarray(X[drawn]), np.ascontiguousarray(W))
        chosen = z[places.reshape(rows.shape), np.arange(n_out)]
        b, total = np.zeros(n_out), np.zeros(n_out)
        for share, of_row in zip(shares, chosen, strict=True):
            b, total = b + share * of_row, total + share
        return np.asarray(-b / total)


# Uniform numbers


@frozen
class _Uniform(Initializer):
    def limit(self, n_in: int, n_out: int) -> float:
        """R of U(-r, r)."""
        raise NotImplementedError

    def __call__(self, shape: tuple[int, ...], n_in: int, n_out: int, uniform: Uniform) -> NDArray[Any]:
        limit = self.limit(n_in, n_out)
        return (uniform(math.prod(shape)) * (2 * limit) - limit).reshape(shape)


@frozen
class RandomUniform(Initializer):
    """``U(low, high)``.

    Parameters
    ----------
    low, high : float, default -0.05 and 0.05
        As Keras's; PyTorch's ``uniform_`` has 0 and 1.

    Raises
    ------
    TypeError, ValueError
        If low is not below high.
    """

    name: ClassVar[str] = "random_uniform"

    low: float = -0.05
    high: float = 0.05

    def __post_init__(self) -> None:
        self._set(low=_checks.number("low", self.low), high=_checks.number("high", self.high))
        if not self.low < self.high:
            raise ValueError(f"low must be below high, but low is {self.low} and high is {self.high}")

    def __call__(self, shape: tuple[int, ...], n_in: int, n_out: int, uniform: Uniform) -> NDArray[Any]:
        return (uniform(math.prod(shape)) * (self.high - self.low) + self.low).reshape(shape)


@frozen
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


@frozen
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


@frozen
class LecunUniform(_Uniform):
    """``U(-r, r)`` with ``r = sqrt(3 / n_in)``: variance 1 / n_in, for selu.

    References
    ----------
    Y. LeCun, L. Bottou, G. Orr & K.-R. Mueller (1998), "Efficient BackProp", in: Neural Networks: Tricks of the Trade,
    Springer, eq. 16.

    Examples
    --------
    >>> LecunUniform().limit(n_in=3, n_out=1)
    1.0
    """

    name: ClassVar[str] = "lecun_uniform"

    def limit(self, n_in: int, n_out: int) -> float:
        return math.sqrt(3 / n_in)


@frozen
class PyTorchDefault(_Uniform):
    """``U(-r, r)`` with ``r = 1 / sqrt(n_in)``: for W and b what ``torch.nn.Linear`` begins with.

    PyTorch calls it ``kaiming_uniform_(a=sqrt(5))``; its own random numbers are others.

    References
    ----------
    ``torch.nn.Linear.reset_parameters``.

    Examples
    --------
    >>> PyTorchDefault().limit(n_in=4, n_out=1)
    0.5
    """

    name: ClassVar[str] = "pytorch_default"

    def limit(self, n_in: int, n_out: int) -> float:
        return 1 / math.sqrt(n_in)


@frozen
class SklearnDefault(_Uniform):
    """``U(-r, r)`` with ``r = sqrt(factor / (n_in + n_out))``: for W and b what scikit-learn's MLP begins with.

    Parameters
    ----------
    factor : float, default 6.0
        6, or 2 where the hidden layers are logistic.

    Raises
    ------
    TypeError, ValueError
        If the factor is not above 0.

    References
    ----------
    ``sklearn.neural_network.MLPClassifier``.

    Examples
    --------
    >>> SklearnDefault(factor=2).limit(n_in=4, n_out=4)
    0.5
    """

    name: ClassVar[str] = "sklearn_default"

    factor: float = 6.0

    def __post_init__(self) -> None:
        self._set(factor=_checks.positive("factor", self.factor))

    def limit(self, n_in: int, n_out: int) -> float:
        return math.sqrt(self.factor / (n_in + n_out))


# Normal numbers


@frozen
class _Normal(Initializer):
    def deviation(self, n_in: int, n_out: int) -> float:
        """S of N(0, s**2)."""
        raise NotImplementedError

    def __call__(self, shape: tuple[int, ...], n_in: int, n_out: int, uniform: Uniform) -> NDArray[Any]:
        return (_distributions.normal(uniform(math.prod(shape))) * self.deviation(n_in, n_out)).reshape(shape)


@frozen
class RandomNormal(Initializer):
    """``N(mean, stddev**2)``.

    Parameters
    ----------
    stddev : float, default 0.05
        Above 0. As Keras's; PyTorch's ``normal_`` has 1.
    mean : float, default 0.0

    Raises
    ------
    TypeError, ValueError
        For a stddev that is not above 0, or what is no finite number.
    """

    name: ClassVar[str] = "random_normal"

    stddev: float = 0.05
    mean: float = 0.0

    def __post_init__(self) -> None:
        self._set(stddev=_checks.positive("stddev", self.stddev), mean=_checks.number("mean", self.mean))

    def __call__(self, shape: tuple[int, ...], n_in: int, n_out: int, uniform: Uniform) -> NDArray[Any]:
        return (_distributions.normal(uniform(math.prod(shape))) * self.stddev + self.mean).reshape(shape)


@frozen
class TruncatedNormal(Initializer):
    """``mean + stddev * z``, z of N(0, 1) given that ``|z| <= cut``.

    Parameters
    ----------
    stddev : float, default 0.05
        Of the numbers before the cut, above 0: with a cut of 2, those that are left have 0.8796 times as much. As
        Keras's; PyTorch's ``trunc_normal_`` has 1, and its a and b are ``mean - 2`` and ``mean + 2`` then.
    mean : float, default 0.0
    cut : float, default 2.0
        Where the numbers end, in units of stddev, above 0.

    Raises
    ------
    TypeError, ValueError
        For a stddev or cut that is not above 0, or what is no finite number.
    """

    name: ClassVar[str] = "truncated_normal"

    stddev: float = 0.05
    mean: float = 0.0
    cut: float = 2.0

    def __post_init__(self) -> None:
        self._set(
            stddev=_checks.positive("stddev", self.stddev),
            mean=_checks.number("mean", self.mean),
            cut=_checks.positive("cut", self.cut),
        )

    def __call__(self, shape: tuple[int, ...], n_in: int, n_out: int, uniform: Uniform) -> NDArray[Any]:
        z = _distributions.truncated_normal(uniform(math.prod(shape)), self.cut)
        return (z * self.stddev + self.mean).reshape(shape)


@frozen
class GlorotNormal(_Normal):
    """``N(0, s**2)`` with ``s = sqrt(2 / (n_in + n_out))``; not truncated, as PyTorch's, unlike Keras's.

    References
    ----------
    X. Glorot & Y. Bengio (2010), "Understanding the Difficulty of Training Deep Feedforward Neural Networks",
    AISTATS, eq. 12.

    Examples
    --------
    >>> GlorotNormal().deviation(n_in=1, n_out=1)
    1.0
    """

    name: ClassVar[str] = "glorot_normal"

    def deviation(self, n_in: int, n_out: int) -> float:
        return math.sqrt(2 / (n_in + n_out))


@frozen
class HeNormal(_Normal):
    """``N(0, s**2)`` with ``s = sqrt(2 / n_in)``; not truncated, as PyTorch's, unlike Keras's.

    References
    ----------
    K. He, X. Zhang, S. Ren & J. Sun (2015), "Delving Deep into Rectifiers", ICCV, eq. 10.

    Examples
    --------
    >>> HeNormal().deviation(n_in=2, n_out=1)
    1.0
    """

    name: ClassVar[str] = "he_normal"

    def deviation(self, n_in: int, n_out: int) -> float:
        return math.sqrt(2 / n_in)


@frozen
class LecunNormal(_Normal):
    """``N(0, s**2)`` with ``s = sqrt(1 / n_in)``, for selu; not truncated, unlike Keras's.

    References
    ----------
    Y. LeCun, L. Bottou, G. Orr & K.-R. Mueller (1998), "Efficient BackProp", in: Neural Networks: Tricks of the Trade,
    Springer, eq. 16; G. Klambauer, T. Unterthiner, A. Mayr & S. Hochreiter (2017), "Self-Normalizing Neural
    Networks", NIPS.

    Examples
    --------
    >>> LecunNormal().deviation(n_in=4, n_out=1)
    0.5
    """

    name: ClassVar[str] = "lecun_normal"

    def deviation(self, n_in: int, n_out: int) -> float:
        return math.sqrt(1 / n_in)


@frozen
class Orthogonal(Initializer):
    """``gain * Q``, Q uniform among the matrices with orthonormal rows or columns, whichever are fewer.

    Parameters
    ----------
    gain : float, default 1.0

    Raises
    ------
    TypeError, ValueError
        If the gain is no finite number, or the layer has no matrix, as for a bias.

    References
    ----------
    A. M. Saxe, J. L. McClelland & S. Ganguli (2014), "Exact Solutions to the Nonlinear Dynamics of Learning in Deep
    Linear Neural Networks", ICLR; ``torch.nn.init.orthogonal_``.
    """

    name: ClassVar[str] = "orthogonal"

    gain: float = 1.0

    def __post_init__(self) -> None:
        self._set(gain=_checks.number("gain", self.gain))

    def __call__(self, shape: tuple[int, ...], n_in: int, n_out: int, uniform: Uniform) -> NDArray[Any]:
        if len(shape) != 2:
            raise ValueError(f"Orthogonal is for matrices, but the parameters have shape {shape}")
        A = _distributions.normal(uniform(math.prod(shape))).reshape(shape)
        Q = _distributions.orthonormal(A) if shape[0] >= shape[1] else _distributions.orthonormal(A.T).T
        return np.asarray(Q * self.gain)


INITIALIZERS: dict[str, Initializer] = {
    initializer.name: initializer
    for initializer in (
        Zeros(),
        Ones(),
        Constant(),
        HePlus(),
        RandomUniform(),
        GlorotUniform(),
        HeUniform(),
        LecunUniform(),
        PyTorchDefault(),
        SklearnDefault(),
        RandomNormal(),
        TruncatedNormal(),
        GlorotNormal(),
        HeNormal(),
        LecunNormal(),
        Orthogonal(),
    )
}
RELU_FAMILY = frozenset({"relu", "leaky_relu", "relu6", "elu", "celu", "gelu", "silu", "mish", "hard_swish"})


def get(what: str, initializer: str | Initializer) -> Initializer:
    """The initializer of that name, or itself."""
    return _checks.look_up(what, initializer, Initializer, INITIALIZERS, kernels=False)


def short(initializer: str | Initializer) -> str | Initializer:
    """Its name, if that says all."""
    if isinstance(initializer, Initializer) and INITIALIZERS.get(initializer.name) == initializer:
        return initializer.name
    return initializer


def automatic(activation: Activation) -> Initializer:
    """What "auto" stands for: He's for the ReLU family, LeCun's for selu, which is made for it, Glorot's otherwise."""
    if activation.name == "selu":
        return LecunNormal()
    return HeUniform() if activation.name in RELU_FAMILY else GlorotUniform()
