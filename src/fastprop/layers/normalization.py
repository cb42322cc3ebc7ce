"""Layers that shift and scale: by the batch's columns, by each row, by numbers that are learnt, or by the data's."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastprop import _checks, initializers
from fastprop._values import frozen
from fastprop.initializers import Initializer, Ones, Zeros
from fastprop.layers.base import Buffer, Build, Layer, Parameter

__all__ = ["BatchNorm", "LayerNorm", "RMSNorm", "Scale"]

Array = NDArray[Any]


def scale_and_shift(n: int, scale: bool, shift: bool) -> tuple[Parameter, ...]:
    """PyTorch's weight and bias of a normalization."""
    found = []
    if scale:
        found.append(Parameter("scale", (n,), "scale", Ones(), "weight"))
    if shift:
        found.append(Parameter("shift", (n,), "bias", Zeros(), "bias"))
    return tuple(found)


def scaled(xhat: Array, parameters: Mapping[str, ArrayLike]) -> Array:
    return np.asarray(xhat * np.asarray(parameters.get("scale", 1)) + np.asarray(parameters.get("shift", 0)))


@frozen
class BatchNorm(Layer):
    """Gives each column mean 0 and variance 1, over the batch while training, then a scale and a shift that are learnt.

    ::

        xhat = (x - mean) / sqrt(variance + epsilon)
        a = xhat scale + shift

    In training mean and variance (that of all m rows, divided by m) are the batch's; going back, they depend on x. At
    prediction they are running means, ``running = (1 - momentum) running + momentum batch``, into which the variance
    goes divided by m - 1. As PyTorch's BatchNorm1d; Keras's momentum is 1 - momentum, 0.99 by default, its epsilon
    1e-3, and its running variance divided by m.

    A batch of one row has no variance: its xhat is 0, and it is not counted in the running means (PyTorch refuses it).
    The rows' weights play no part in mean and variance.

    Parameters
    ----------
    momentum : float or None, default 0.1
        The new batch's share in the running means, in 0..1; None for the plain mean over all batches.
    epsilon : float, default 1e-5
        Added to the variance; positive.
    affine : bool, default True
        Whether there are a scale, ones at first, and a shift, zeros at first.

    Raises
    ------
    TypeError, ValueError
        For a momentum or an epsilon out of range.

    References
    ----------
    S. Ioffe & C. Szegedy (2015), "Batch Normalization: Accelerating Deep Network Training by Reducing Internal
    Covariate Shift", ICML.

    Examples
    --------
    >>> import fastprop as fp
    >>> model = fp.Sequential([fp.Dense(8), fp.BatchNorm(), "relu", fp.Dense(1)], n_inputs=3)
    >>> model.layers[1].scale.shape, model.layers[1].running_mean.shape
    ((8,), (8,))
    """

    momentum: float | None = 0.1
    epsilon: float = 1e-5
    affine: bool = True

    def __post_init__(self) -> None:
        if self.momentum is not None:
            object.__setattr__(self, "momentum", _checks.number("momentum", self.momentum, low=0, high=1))
        object.__setattr__(self, "epsilon", _checks.positive("epsilon", self.epsilon))
        object.__setattr__(self, "affine", _checks.flag("affine", self.affine))

    def parameters(self, n_in: int) -> tuple[Parameter, ...]:
        return scale_and_shift(n_in, self.affine, self.affine)

    def buffers(self, n_in: int) -> tuple[Buffer, ...]:
        return (
            Buffer("running_mean", (n_in,), 0.0, "running_mean"),
            Buffer("running_var", (n_in,), 1.0, "running_var"),
            Buffer("num_batches_tracked", (), 0.0, "num_batches_tracked", counts=True),
        )

    def work(self, n_in: int) -> int:
        return 4 * n_in

    def compile(self, build: Build, x: int | None, n_in: int) -> int | None:
        momentum = -1.0 if self.momentum is None else self.momentum
        settings = (self.epsilon, float(self.affine), float(self.affine), momentum)
        return build.add(
            "batch_norm" if build.training else "batch_norm_fixed", n_in, n_in, x,
            n_params=self.n_params(n_in), n_arrays=2 * self.affine, n_buffers=2 * n_in + 1, settings=settings,
            own=n_in, fixed=5 * n_in,
        )  # fmt: skip

    def __call__(self, x: ArrayLike, **parameters: ArrayLike) -> Array:
        mean, variance = (np.asarray(parameters[name]) for name in ("running_mean", "running_var"))
        return scaled((np.asarray(x) - mean) / np.sqrt(variance + self.epsilon), parameters)


@frozen
class LayerNorm(Layer):
    """Gives each row mean 0 and variance 1, then a scale and a shift of each column, that are learnt.

    ::

        xhat = (x - mean) / sqrt(variance + epsilon)        mean and variance of the row
        a = xhat scale + shift

    As PyTorch's; Keras's epsilon is 1e-3.

    Parameters
    ----------
    epsilon : float, default 1e-5
        Added to the variance; positive.
    affine : bool, default True
        Whether there are a scale, ones at first, and a shift, zeros at first.
    use_bias : bool, default True
        False for the scale without the shift.

    Raises
    ------
    TypeError, ValueError
        For an epsilon that is not positive.

    References
    ----------
    J. L. Ba, J. R. Kiros & G. E. Hinton (2016), "Layer Normalization", arXiv:1607.06450.

    Examples
    --------
    >>> LayerNorm()([[1.0, 3.0]]).round(4)
    array([[-1.,  1.]])
    """

    epsilon: float = 1e-5
    affine: bool = True
    use_bias: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "epsilon", _checks.positive("epsilon", self.epsilon))
        object.__setattr__(self, "affine", _checks.flag("affine", self.affine))
        object.__setattr__(self, "use_bias", _checks.flag("use_bias", self.use_bias))

    def parameters(self, n_in: int) -> tuple[Parameter, ...]:
        return scale_and_shift(n_in, self.affine, self.affine and self.use_bias)

    def work(self, n_in: int) -> int:
        return 4 * n_in

    def compile(self, build: Build, x: int | None, n_in: int) -> int | None:
        shift = self.affine and self.use_bias
        return build.add(
            "layer_norm", n_in, n_in, x, n_params=self.n_params(n_in), n_arrays=self.affine + shift,
            settings=(self.epsilon, float(self.affine), float(shift), 1.0), own=n_in + 1,
        )  # fmt: skip

    def __call__(self, x: ArrayLike, **parameters: ArrayLike) -> Array:
        x = np.asarray(x)
        e = x - x.mean(axis=-1, keepdims=True)
        return scaled(e / np.sqrt((e**2).mean(axis=-1, keepdims=True) + self.epsilon), parameters)


@frozen
class RMSNorm(Layer):
    """Gives each row a mean square of 1, then a scale of each column, that is learnt.

    ::

        xhat = x / sqrt(mean of x**2 + epsilon)             mean of the row
        a = xhat scale

    As PyTorch's.

    Parameters
    ----------
    epsilon : float or None, default None
        Added to the mean square; None for the distance of 1 from the next number of the network's type.
    affine : bool, default True
        Whether there is a scale, ones at first.

    Raises
    ------
    TypeError, ValueError
        For an epsilon that is not positive.

    References
    ----------
    B. Zhang & R. Sennrich (2019), "Root Mean Square Layer Normalization", NeurIPS 32.

    Examples
    --------
    >>> RMSNorm()([[1.0, 7.0]])
    array([[0.2, 1.4]])
    """

    epsilon: float | None = None
    affine: bool = True

    def __post_init__(self) -> None:
        if self.epsilon is not None:
            object.__setattr__(self, "epsilon", _checks.positive("epsilon", self.epsilon))
        object.__setattr__(self, "affine", _checks.flag("affine", self.affine))

    def parameters(self, n_in: int) -> tuple[Parameter, ...]:
        return scale_and_shift(n_in, self.affine, False)

    def work(self, n_in: int) -> int:
        return 3 * n_in

    def compile(self, build: Build, x: int | None, n_in: int) -> int | None:
        epsilon = build.machine_epsilon if self.epsilon is None else self.epsilon
        return build.add(
            "layer_norm", n_in, n_in, x, n_params=self.n_params(n_in), n_arrays=int(self.affine),
            settings=(epsilon, float(self.affine), 0.0, 0.0), own=n_in + 1,
        )  # fmt: skip

    def __call__(self, x: ArrayLike, **parameters: ArrayLike) -> Array:
        x = np.asarray(x, dtype=float)
        epsilon = np.finfo(x.dtype).eps if self.epsilon is None else self.epsilon
        return scaled(x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + epsilon), parameters)


@frozen
class Scale(Layer):
    """Multiplies each column by a number that is learnt: ``a = x scale``, a product with a diagonal matrix.

    Parameters
    ----------
    initializer : str or Initializer, default "ones"
        How the scale begins.

    Raises
    ------
    TypeError, ValueError
        For an unknown initializer.

    References
    ----------
    D. Holzmueller, L. Grinsztajn & I. Steinwart (2024), "Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on
    Tabular Data", NeurIPS 37: in front of RealMLP's first layer.

    Examples
    --------
    >>> Scale()([[2.0, 3.0]], scale=[1.0, 0.5])
    array([[2. , 1.5]])
    """

    initializer: str | Initializer = "ones"

    def __post_init__(self) -> None:
        found = initializers.get("initializer", self.initializer)
        object.__setattr__(self, "initializer", initializers.short(found))

    def parameters(self, n_in: int) -> tuple[Parameter, ...]:
        return (Parameter("scale", (n_in,), "scale", initializers.get("initializer", self.initializer), "weight"),)

    def compile(self, build: Build, x: int | None, n_in: int) -> int | None:
        return build.add("affine", n_in, n_in, x, n_params=n_in, n_arrays=1, settings=(0.0, 1.0, 0.0))

    def __call__(self, x: ArrayLike, **parameters: ArrayLike) -> Array:
        return np.asarray(np.asarray(x) * np.asarray(parameters["scale"]))
