"""Layers: frozen descriptions without numbers. `Sequential` owns the numbers."""

from dataclasses import dataclass

from fastprop import _checks, activations, initializers
from fastprop.activations import Activation
from fastprop.initializers import Initializer

__all__ = ["Dense"]


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Dense:
    """A fully connected layer: ``z = x W + b``, ``a = f(z)``.

    Shapes: x (m, n_in), W (n_in, units), b (units,), a (m, units).

    Parameters
    ----------
    units : int
        Outputs of the layer, 1 or more.
    activation : str or Activation, default "identity"
        f: "identity", "sigmoid", "tanh", "relu" or "softmax".
    use_bias : bool, default True
        Whether there is a b.
    kernel_initializer : str or Initializer, default "auto"
        How W begins: "auto" (He for relu, Glorot otherwise), or one of `fastprop.initializers`,
        as "orthogonal" or ``Orthogonal(gain=2)``.
    bias_initializer : str or Initializer, default "zeros"
        How b begins.

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

    def __init__(
        self,
        units: int,
        activation: str | Activation = "identity",
        *,
        use_bias: bool = True,
        kernel_initializer: str | Initializer = "auto",
        bias_initializer: str | Initializer = "zeros",
    ) -> None:
        fields = {
            "units": _checks.integer("units", units),
            "activation": activations.get(activation),
            "use_bias": _checks.flag("use_bias", use_bias),
            "kernel_initializer": kernel_initializer,
            "bias_initializer": initializers.get("bias_initializer", bias_initializer),
        }
        if not (isinstance(kernel_initializer, str) and kernel_initializer == "auto"):
            fields["kernel_initializer"] = initializers.get("kernel_initializer", kernel_initializer)
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        parts = [str(self.units)]
        if self.activation.name != "identity":
            parts.append(f"activation={self.activation.name!r}")
        if not self.use_bias:
            parts.append("use_bias=False")
        for name, default in (("kernel_initializer", "auto"), ("bias_initializer", "zeros")):
            chosen = getattr(self, name)
            text = initializers.short(chosen)
            if text != default:
                parts.append(f"{name}={text!r}")
        return f"Dense({', '.join(parts)})"

    def n_params(self, n_in: int) -> int:
        """How many numbers the layer has on n_in inputs."""
        return n_in * self.units + (self.units if self.use_bias else 0)
