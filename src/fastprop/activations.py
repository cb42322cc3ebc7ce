"""Activations f: what each is, in a formula and in NumPy. The core's kernels of the same names do the work.

The NumPy definitions are for reading, for calling on arrays, and for the tests, which compare the kernels with them.
"""

from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastprop import _checks

__all__ = ["Activation", "Identity", "ReLU", "Sigmoid", "Softmax", "Tanh"]

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Activation:
    """A function f, by which a layer makes its output from z: ``a = f(z)``.

    `activation(z)` gives f(z); `activation.slope(z)` gives f'(z), and `activation.backward(z, da)` dC/dz from dC/da.
    """

    name: ClassVar[str]

    def kernel(self) -> tuple[str, tuple[float, ...]]:
        """The name of its kernel, and the numbers that the kernel takes: its fields in order."""
        return self.name, tuple(float(getattr(self, field.name)) for field in fields(self))

    def __call__(self, z: ArrayLike) -> Array:
        raise NotImplementedError

    def slope(self, z: ArrayLike) -> Array:
        raise NotImplementedError

    def backward(self, z: ArrayLike, da: ArrayLike) -> Array:
        """dC/dz from dC/da, both of z's shape."""
        return np.asarray(da) * self.slope(z)


@dataclass(frozen=True, slots=True)
class Identity(Activation):
    """``f(z) = z``, ``f'(z) = 1``: for outputs that may be any number, and for logits.

    Examples
    --------
    >>> Identity()([-1.5, 2.0])
    array([-1.5,  2. ])
    """

    name: ClassVar[str] = "identity"

    def __call__(self, z: ArrayLike) -> Array:
        return np.array(z)

    def slope(self, z: ArrayLike) -> Array:
        return np.ones_like(z)


@dataclass(frozen=True, slots=True)
class Sigmoid(Activation):
    """The logistic function: ``f(z) = 1 / (1 + exp(-z))``, in 0..1, with ``f'(z) = f(z) (1 - f(z))``.

    Examples
    --------
    >>> Sigmoid()([0.0, 1000.0])
    array([0.5, 1. ])
    """

    name: ClassVar[str] = "sigmoid"

    def __call__(self, z: ArrayLike) -> Array:
        z = np.asarray(z)
        small = np.exp(-np.abs(z))  # never overflows
        return np.asarray(np.where(z >= 0, 1, small) / (1 + small))

    def slope(self, z: ArrayLike) -> Array:
        a = self(z)
        return np.asarray(a * (1 - a))


@dataclass(frozen=True, slots=True)
class Tanh(Activation):
    """The hyperbolic tangent, in -1..1: ``f'(z) = 1 - f(z)**2``.

    Examples
    --------
    >>> Tanh()(0.0).item()
    0.0
    """

    name: ClassVar[str] = "tanh"

    def __call__(self, z: ArrayLike) -> Array:
        return np.asarray(np.tanh(z))

    def slope(self, z: ArrayLike) -> Array:
        return np.asarray(1 - self(z) ** 2)


@dataclass(frozen=True, slots=True)
class ReLU(Activation):
    """The rectifier: ``f(z) = max(z, 0)``, with ``f'(z) = 1`` where z > 0 and 0 elsewhere, at 0 too.

    References
    ----------
    V. Nair & G. E. Hinton (2010), "Rectified Linear Units Improve Restricted Boltzmann Machines", ICML.

    Examples
    --------
    >>> ReLU()([-1.0, 2.0])
    array([0., 2.])
    """

    name: ClassVar[str] = "relu"

    def __call__(self, z: ArrayLike) -> Array:
        return np.maximum(z, 0)

    def slope(self, z: ArrayLike) -> Array:
        return (np.asarray(z) > 0).astype(np.asarray(z).dtype)


@dataclass(frozen=True, slots=True)
class Softmax(Activation):
    """Probabilities along each row: ``f(z)_j = exp(z_j) / sum_i exp(z_i)``, computed from z less its largest.

    Each output depends on the whole row, so there is no single slope: ``dC/dz_j = a_j (da_j - sum_i da_i a_i)``.

    References
    ----------
    J. S. Bridle (1990), "Probabilistic Interpretation of Feedforward Classification Network Outputs", Neurocomputing.

    Examples
    --------
    >>> Softmax()([[0.0, 0.0], [1000.0, 0.0]])
    array([[0.5, 0.5],
           [1. , 0. ]])
    """

    name: ClassVar[str] = "softmax"

    def __call__(self, z: ArrayLike) -> Array:
        z = np.asarray(z)
        exponentials = np.exp(z - z.max(axis=-1, keepdims=True))
        return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True))

    def slope(self, z: ArrayLike) -> Array:
        raise TypeError("softmax has no slope of its own for each output; use softmax.backward(z, da)")

    def backward(self, z: ArrayLike, da: ArrayLike) -> Array:
        a, da = self(z), np.asarray(da)
        return np.asarray(a * (da - (da * a).sum(axis=-1, keepdims=True)))


ACTIVATIONS: dict[str, Activation] = {a.name: a for a in (Identity(), Sigmoid(), Tanh(), ReLU(), Softmax())}


def get(activation: str | Activation) -> Activation:
    """The activation of that name, or itself."""
    return _checks.look_up("activation", activation, Activation, ACTIVATIONS)
