"""Dense, the fully connected layer."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastprop import _checks, activations, initializers
from fastprop._values import frozen
from fastprop.activations import Activation, short
from fastprop.initializers import HePlus, Initializer, RandomNormal, Uniform
from fastprop.layers.base import Build, Layer, Parameter, activate

__all__ = ["Dense"]


@frozen
class Dense(Layer):
    """A fully connected layer: ``z = x W + b``, ``a = f(z)``.

    Shapes: x (m, n_in), W (n_in, units), b (units,), a (m, units).

    Parameters
    ----------
    units : int
        Outputs of the layer, 1 or more.
    activation : str or Activation, default "identity"
        f: "relu", "gelu", "softmax", ... (`docs/vocabulary.md` names all), or one with settings, as ``LeakyReLU(0.2)``.
    use_bias : bool, default True
        Whether there is a b.
    kernel_initializer : str or Initializer, default "auto"
        How W begins: "auto" (He for relu and its kin, LeCun for selu, Glorot otherwise), or one of
        `fastprop.initializers`, as "orthogonal" or ``Orthogonal(gain=2)``.
    bias_initializer : str or Initializer, default "zeros"
        How b begins; "he_plus" takes it from the data, by ``model.adapt(X)``.
    parametrization : "standard" or "ntk", default "standard"
        "ntk" for ``z = x W / sqrt(n_in) + b``, the neural tangent parametrization (Jacot, Gabriel & Hongler 2018), in
        which "auto" begins W as N(0, 1): the same outputs at first as LeCun's, but steps that do not shrink with n_in.

    Raises
    ------
    TypeError, ValueError
        For units that are no positive whole number, or an unknown name.

    Examples
    --------
    >>> Dense(10, activation="softmax")
    Dense(10, activation='softmax')
    >>> Dense(10, activation="softmax") == Dense(10, "softmax", use_bias=True)
    True
    """

    units: int
    activation: Activation
    use_bias: bool
    kernel_initializer: str | Initializer
    bias_initializer: Initializer
    parametrization: str

    def __init__(
        self,
        units: int,
        activation: str | Activation = "identity",
        *,
        use_bias: bool = True,
        kernel_initializer: str | Initializer = "auto",
        bias_initializer: str | Initializer = "zeros",
        parametrization: str = "standard",
    ) -> None:
        fields = {
            "units": _checks.integer("units", units),
            "activation": activations.get(activation),
            "use_bias": _checks.flag("use_bias", use_bias),
            "kernel_initializer": kernel_initializer,
            "bias_initializer": initializers.get("bias_initializer", bias_initializer),
            "parametrization": _checks.choice("parametrization", parametrization, ("standard", "ntk")),
        }
        if not (isinstance(kernel_initializer, str) and kernel_initializer == "auto"):
            fields["kernel_initializer"] = initializers.get("kernel_initializer", kernel_initializer)
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        parts = [str(self.units)]
        if self.activation.name != "identity":
            parts.append(f"activation={short(self.activation)!r}")
        if not self.use_bias:
            parts.append("use_bias=False")
        for name, default in (("kernel_initializer", "auto"), ("bias_initializer", "zeros")):
            chosen = getattr(self, name)
            text = initializers.short(chosen)
            if text != default:
                parts.append(f"{name}={text!r}")
        if self.parametrization != "standard":
            parts.append(f"parametrization={self.parametrization!r}")
        return f"Dense({', '.join(parts)})"

    @property
    def output_activation(self) -> Activation:
        return self.activation

    @property
    def label(self) -> str:
        return f"Dense, {self.activation.name}" + ("" if self.use_bias else ", no bias")

    @property
    def torch_modules(self) -> int:
        """An activation other than identity is a module of its own."""
        return 1 if self.activation.name == "identity" else 2

    def n_outputs(self, n_in: int) -> int:
        return self.units

    def parameters(self, n_in: int) -> tuple[Parameter, ...]:
        fan = (n_in, self.units)
        of_W = self.kernel_initializer
        if self.parametrization == "ntk" and of_W == "auto":
            of_W = RandomNormal(1.0)
        W = Parameter("W", fan, "weight", of_W, "weight", transposed=True, fan=fan)
        b = Parameter("b", (self.units,), "bias", self.bias_initializer, "bias", fan=fan)
        return (W, b) if self.use_bias else (W,)

    @property
    def adapts(self) -> bool:
        return self.use_bias and isinstance(self.bias_initializer, HePlus)

    def adapt(self, X: NDArray[Any], numbers: Mapping[str, NDArray[Any]], uniform: Uniform) -> Mapping[str, Any]:
        """Its biases, where their initializer takes them from the data."""
        if not (self.use_bias and isinstance(self.bias_initializer, HePlus)):
            return {}
        b = self.bias_initializer.from_data(X, np.asarray(numbers["W"], dtype=np.float64), uniform)
        return {"b": b / math.sqrt(X.shape[1]) if self.parametrization == "ntk" else b}

    def compile(self, build: Build, x: int | None, n_in: int) -> int | None:
        n, biased = self.units, self.use_bias
        if self.parametrization == "ntk":
            z = build.add("product", n_in, n, x, n_params=n_in * n, n_arrays=1)
            z = build.add(
                "affine", n, n, z, n_params=n * biased, n_arrays=int(biased),
                settings=(0.0, 2.0, float(biased), 1 / math.sqrt(n_in)), fixed=n,
            )  # fmt: skip
        else:
            z = build.add("product", n_in, n, x, n_params=self.n_params(n_in), n_arrays=1 + biased, use_bias=biased)
        return activate(self.activation, build, z, self.units)

    def __call__(self, x: ArrayLike, **parameters: ArrayLike) -> NDArray[Any]:
        z = np.asarray(x) @ np.asarray(parameters["W"])
        if self.parametrization == "ntk":
            z = z / np.sqrt(z.dtype.type(np.shape(x)[-1]))
        return self.activation(z + np.asarray(parameters["b"]) if self.use_bias else z)
