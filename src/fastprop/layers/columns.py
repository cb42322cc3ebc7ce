"""Layers for columns that are not numbers alone: categories, and some columns of all."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastprop import _checks, initializers
from fastprop._values import frozen
from fastprop.initializers import Initializer
from fastprop.layers.base import Build, Layer, Parameter

__all__ = ["Embedding", "Select"]

CATEGORIES = 1 << 24  # whole numbers up to here are exact in float32


def check_columns(layer: Layer, columns: Sequence[int], n_in: int) -> None:
    for column in columns:
        if column >= n_in:
            raise ValueError(f"{layer!r} takes column {column}, but its input has {n_in} columns")


@frozen
class Embedding(Layer):
    """Gives each category of some columns a vector that is learnt, and passes the other columns on.

    ::

        a = (x's other columns in order, W0[x[:, column 0]], W1[x[:, column 1]], ...)

    The columns hold a category's number as any other number in X, a whole one from 0. What is none, such as a category
    that was not there at training, gets zeros; training data with such are refused where the layer reads X itself.

    Parameters
    ----------
    columns : dict of int to int
        For each column of categories, how many there are; the tables stand in the order of their columns.
    dim : int
        Length of the vectors.
    initializer : str or Initializer, default RandomNormal(1.0)
        How the vectors begin; the default is PyTorch's, Keras has U(-0.05, 0.05).

    Raises
    ------
    TypeError, ValueError
        For no columns, or numbers that are no whole ones in range; in `Sequential`, for a column that there is not.

    References
    ----------
    C. Guo & F. Berkhahn (2016), "Entity Embeddings of Categorical Variables", arXiv:1604.06737.

    Examples
    --------
    >>> Embedding({0: 2}, dim=3)([[1.0, 7.0]], W0=[[1, 2, 3], [4, 5, 6]])
    array([[7., 4., 5., 6.]])
    """

    columns: tuple[tuple[int, int], ...]
    dim: int
    initializer: str | Initializer = "random_normal"

    def __init__(self, columns: Any, dim: int, initializer: str | Initializer | None = None) -> None:
        pairs = list(columns.items()) if isinstance(columns, Mapping) else columns
        if not isinstance(pairs, (list, tuple)) or not all(isinstance(p, (list, tuple)) and len(p) == 2 for p in pairs):
            raise TypeError(f"columns is a dict of column to number of categories, not {_checks.describe(columns)}")
        if not pairs:
            raise ValueError("columns is empty; an Embedding has at least one, as in Embedding({0: 12}, dim=4)")
        checked = {
            _checks.integer("a column", column, low=0): _checks.integer(f"columns[{column}]", n, high=CATEGORIES)
            for column, n in pairs
        }
        chosen = initializers.RandomNormal(1.0) if initializer is None else initializer
        object.__setattr__(self, "columns", tuple(sorted(checked.items())))
        object.__setattr__(self, "dim", _checks.integer("dim", dim))
        object.__setattr__(self, "initializer", initializers.get("initializer", chosen))

    def passed_on(self, n_in: int) -> list[int]:
        """The columns that are no categories."""
        return [column for column in range(n_in) if column not in dict(self.columns)]

    def n_outputs(self, n_in: int) -> int:
        check_columns(self, [column for column, _ in self.columns], n_in)
        return n_in + len(self.columns) * (self.dim - 1)

    def parameters(self, n_in: int) -> tuple[Parameter, ...]:
        initializer = initializers.get("initializer", self.initializer)
        return tuple(
            Parameter(f"W{i}", (n, self.dim), "embedding", initializer, f"{i}.weight", fan=(n, self.dim))
            for i, (_, n) in enumerate(self.columns)
        )

    def work(self, n_in: int) -> int:
        return self.n_outputs(n_in)

    def compile(self, build: Build, x: int | None, n_in: int) -> int | None:
        others = self.passed_on(n_in)
        tables = [number for pair in self.columns for number in pair]
        return build.add(
            "embedding", n_in, self.n_outputs(n_in), x, n_params=self.n_params(n_in), n_arrays=len(self.columns),
            settings=tuple(map(float, (self.dim, len(others), *others, *tables))),
            at_once=max(n for _, n in self.columns) * self.dim,
        )  # fmt: skip

    def check_inputs(self, name: str, X: NDArray[Any]) -> None:
        """Refuse categories that are none."""
        for column, n in self.columns:
            values = np.asarray(X[:, column])
            wrong = np.flatnonzero(~((values >= 0) & (values < n) & (values == np.floor(values))))
            if wrong.size:
                row = wrong[0]
                raise ValueError(
                    f"{name}[{row}, {column}] is {values[row]:g}, but {self!r} takes whole numbers in 0..{n - 1} there"
                    f" ({wrong.size} such values)"
                )

    def __call__(self, x: ArrayLike, **parameters: ArrayLike) -> NDArray[Any]:
        x = np.asarray(x, dtype=float)
        parts = [x[:, self.passed_on(x.shape[1])]]
        for i, (column, n) in enumerate(self.columns):
            table = np.vstack([np.asarray(parameters[f"W{i}"], dtype=float), np.zeros((1, self.dim))])
            values = x[:, column]
            known = (values >= 0) & (values < n) & (values == np.floor(values))
            parts.append(table[np.where(known, values, n).astype(int)])
        return np.hstack(parts)

    def __repr__(self) -> str:
        normal = initializers.RandomNormal(1.0)
        shown = "" if self.initializer == normal else f", initializer={initializers.short(self.initializer)!r}"
        return f"Embedding({dict(self.columns)!r}, dim={self.dim}{shown})"


@frozen
class Select(Layer):
    """Passes some columns on: ``a = x[:, columns]``.

    With `Concatenate`, for layers of some columns only.

    Parameters
    ----------
    columns : sequence of int
        In the order wanted; each at most once.

    Raises
    ------
    TypeError, ValueError
        For no columns, or one twice; in `Sequential`, for a column that there is not.

    Examples
    --------
    >>> Select([2, 0])([[1.0, 2.0, 3.0]])
    array([[3., 1.]])
    """

    columns: tuple[int, ...]

    def __init__(self, columns: Any) -> None:
        if isinstance(columns, (str, bytes)) or not hasattr(columns, "__iter__"):
            raise TypeError(f"columns is a sequence of columns' numbers, not {_checks.describe(columns)}")
        chosen = tuple(_checks.integer("a column", column, low=0) for column in columns)
        if not chosen or len(set(chosen)) < len(chosen):
            raise ValueError(f"columns must name at least one, and each once, but is {list(chosen)}")
        object.__setattr__(self, "columns", chosen)

    def n_outputs(self, n_in: int) -> int:
        check_columns(self, self.columns, n_in)
        return len(self.columns)

    def work(self, n_in: int) -> int:
        return len(self.columns)

    def compile(self, build: Build, x: int | None, n_in: int) -> int | None:
        return build.add("select", n_in, self.n_outputs(n_in), x, settings=tuple(map(float, self.columns)))

    def __call__(self, x: ArrayLike, **parameters: ArrayLike) -> NDArray[Any]:
        return np.asarray(x)[..., list(self.columns)]

    def __repr__(self) -> str:
        return f"Select({list(self.columns)!r})"
