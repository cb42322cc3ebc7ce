"""Layers made of layers: a sum of branches, and branches side by side."""

from collections.abc import Mapping
from typing import Any

from fastprop import _checks
from fastprop._values import frozen
from fastprop.layers.base import Build, Layer, compile_sequence, sequence, widths

__all__ = ["Concatenate", "Residual"]


def fork(build: Build, x: int | None, n_in: int, n_branches: int) -> list[int]:
    """A node for each branch to begin with, so that each has its own dC/dx; going back, they are added in order."""
    at = build.add("fork", n_in, n_in, x)
    return [build.add("branch", n_in, n_in, at) for _ in range(n_branches)]


@frozen
class Residual(Layer):
    """Adds what the layers make of x to x: ``a = x + layers(x)``.

    Parameters
    ----------
    layers : list of layers
        With as many outputs as inputs, or as many as the shortcut has.
    shortcut : list of layers, default []
        What x goes through before it is added: ``[Dense(64, use_bias=False)]`` where the widths differ.

    Raises
    ------
    TypeError, ValueError
        For no layers; in `Sequential`, for widths that differ.

    References
    ----------
    K. He, X. Zhang, S. Ren & J. Sun (2016), "Deep Residual Learning for Image Recognition", CVPR.

    Examples
    --------
    >>> import fastprop as fp
    >>> block = fp.Residual([fp.Dense(16, "relu"), fp.Dropout(0.1), fp.Dense(8)])
    >>> fp.Sequential([block, fp.Dense(1)], n_inputs=8).predict([[0.0] * 8])
    array([[0.]], dtype=float32)
    """

    layers: tuple[Layer, ...]
    shortcut: tuple[Layer, ...] = ()

    def __init__(self, layers: Any, shortcut: Any = ()) -> None:
        object.__setattr__(self, "layers", sequence("layers", layers))
        object.__setattr__(self, "shortcut", sequence("shortcut", shortcut))
        if not self.layers:
            raise ValueError("layers is empty; a Residual adds at least one layer's output, as in Residual([Dense(8)])")

    @property
    def children(self) -> Mapping[str, tuple[Layer, ...]]:
        return {"": self.layers, "shortcut.": self.shortcut}

    def n_outputs(self, n_in: int) -> int:
        n_out, other = (widths(layers, n_in)[-1] for layers in (self.layers, self.shortcut))
        if n_out != other:
            raise ValueError(
                f"{self!r} adds {n_out} outputs to {other}: its layers must have as many outputs as its shortcut"
                f" (on {n_in} inputs)"
            )
        return n_out

    def compile(self, build: Build, x: int | None, n_in: int) -> int | None:
        inner, outer = fork(build, x, n_in, 2)
        a = compile_sequence(self.layers, build, inner, n_in)
        other = compile_sequence(self.shortcut, build, outer, n_in)
        n_out = self.n_outputs(n_in)
        return build.add("add", n_out, n_out, other, a)

    def __repr__(self) -> str:
        shortcut = f", shortcut={list(self.shortcut)!r}" if self.shortcut else ""
        return f"Residual({list(self.layers)!r}{shortcut})"


@frozen
class Concatenate(Layer):
    """Branches side by side: ``a = (branches[0](x), branches[1](x), ...)``, one row after the other.

    Parameters
    ----------
    branches : list of lists of layers
        At least one; an empty one passes x on.

    Raises
    ------
    TypeError, ValueError
        For no branches, or what is no list of layers.

    Examples
    --------
    >>> import fastprop as fp
    >>> wide_and_deep = fp.Concatenate([[], [fp.Dense(16, "relu"), fp.Dense(4, "relu")]])
    >>> wide_and_deep.n_outputs(n_in=3)
    7
    """

    branches: tuple[tuple[Layer, ...], ...]

    def __init__(self, branches: Any) -> None:
        if isinstance(branches, (str, Layer)) or not isinstance(branches, (list, tuple)):
            raise TypeError(f"branches is a list of lists of layers, not {_checks.describe(branches)}")
        found = tuple(sequence(f"branches[{i}]", layers) for i, layers in enumerate(branches))
        if not found:
            raise ValueError("branches is empty; a Concatenate has at least one, as in Concatenate([[], [Dense(8)]])")
        object.__setattr__(self, "branches", found)

    @property
    def children(self) -> Mapping[str, tuple[Layer, ...]]:
        return {f"{i}.": layers for i, layers in enumerate(self.branches)}

    def n_outputs(self, n_in: int) -> int:
        return sum(widths(layers, n_in)[-1] for layers in self.branches)

    def compile(self, build: Build, x: int | None, n_in: int) -> int | None:
        heads = fork(build, x, n_in, len(self.branches))
        ends = [compile_sequence(layers, build, head, n_in) for layers, head in zip(self.branches, heads, strict=True)]
        n_out = self.n_outputs(n_in)
        return build.add("concatenate", n_out, n_out, *ends)

    def __repr__(self) -> str:
        return f"Concatenate({[list(layers) for layers in self.branches]!r})"
