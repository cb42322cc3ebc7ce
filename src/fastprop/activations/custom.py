"""Activations from Python functions."""

from collections.abc import Callable
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from fastprop import _checks
from fastprop._values import frozen
from fastprop.activations.base import Activation, Array

__all__ = ["CustomActivation"]

Function = Callable[[Array], ArrayLike]


@frozen
class CustomActivation(Activation):
    """An activation from two Python functions of arrays: ``f(z) = function(z)``, ``f'(z) = derivative(z)``.

    Both get some rows of a layer's z, (rows, units) in the network's type, and give an array of that shape; how many
    rows, depends on the batch and the threads, from several of which they may be called. They may keep what they get.
    What one raises ends the call of `fit`, `predict`, ... and comes out of it unchanged; the network is then as after
    the last whole step.

    The numerics contract ends where they begin: NumPy's exp is not the same bits on every machine. A network with such
    an activation can be copied, and pickled if the functions can, but not saved: no file holds functions.

    Parameters
    ----------
    function, derivative : callable
        Of an array, element by element.
    name : str, default "custom"
        To be shown; none of the names that there are.

    Raises
    ------
    TypeError, ValueError
        For what is no function, a name that is taken; and, when they are called, for results of another shape, or that
        are no real numbers.

    Examples
    --------
    >>> squared = CustomActivation(lambda z: np.maximum(z, 0) ** 2, lambda z: 2 * np.maximum(z, 0), name="squared_relu")
    >>> squared([-1.0, 3.0])
    array([0., 9.])
    >>> squared
    <CustomActivation 'squared_relu'>
    """

    function: Function
    derivative: Function
    name: str  # type: ignore[misc]  # others are named by their class

    taken: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, function: Function, derivative: Function, name: str = "custom") -> None:
        fields = {"function": function, "derivative": derivative, "name": name}
        for field, value in fields.items():
            if field != "name" and not callable(value):
                raise TypeError(f"{field} takes an array and gives one, but is {_checks.describe(value)}")
            object.__setattr__(self, field, value)
        if not isinstance(name, str):
            raise TypeError(f"name is a text, not {_checks.describe(name)}")
        if name in self.taken:
            raise ValueError(f"name is {name!r}, which is another activation's; choose a new one")

    def __repr__(self) -> str:
        return f"<CustomActivation {self.name!r}>"

    def kernel(self) -> tuple[str, tuple[float, ...]]:
        """It has none."""
        raise LookupError(f"{self!r} has no kernel")

    def __call__(self, z: ArrayLike) -> Array:
        return self.forward(np.asarray(z))

    def slope(self, z: ArrayLike) -> Array:
        z = np.asarray(z)
        return _checks.same_shape(f"the derivative of {self!r}", self.derivative(z), z.shape)

    def forward(self, z: Array) -> Array:
        """f(z) in z's type, as the engine takes it."""
        a = _checks.same_shape(f"the function of {self!r}", self.function(z), z.shape)
        return np.ascontiguousarray(a, z.dtype if z.dtype.kind == "f" else None)

    def step_back(self, z: Array, da: Array) -> Array:
        """dC/dz, likewise."""
        return np.ascontiguousarray(da * self.slope(z), da.dtype)
