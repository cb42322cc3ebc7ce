"""Layers for columns that are not numbers alone: categories, and some columns of all."""

from collections.abc import Mapping, Sequence
from itertools import chain
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
    dim : int, or sequence of int
        Length of the vectors; or one for each column, in the order of `columns`.
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
    >>> Embedding({3: 12, 0: 5}, dim=[6, 4])
    Embedding({0: 5, 3: 12}, dim=[4, 6])
    """

    columns: tuple[tuple[int, int], ...]
    dim: int | tuple[int, ...]
    initializer: str | Initializer = "random_normal"

    def __init__(self, columns: Any, dim: int | Sequence[int], initializer: str | Initializer | None = None) -> None:
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
        dims = dict(zip(checked, _dims(dim, len(checked)), strict=True))
        object.__setattr__(self, "columns", tuple(sorted(checked.items())))
        object.__setattr__(self, "dim", _short([dims[column] for column, _ in self.columns]))
        object.__setattr__(self, "initializer", initializers.get("initializer", chosen))

    @property
    def dims(self) -> tuple[int, ...]:
        """The length of each column's vectors."""
        return (self.dim,) * len(self.columns) if isinstance(self.dim, int) else self.dim

    def passed_on(self, n_in: int) -> list[int]:
        """The columns that are no categories."""
        return [column for column in range(n_in) if column not in dict(self.columns)]

    def n_outputs(self, n_in: int) -> int:
        check_columns(self, [column for column, _ in self.columns], n_in)
        return n_in - len(self.columns) + sum(self.dims)

    def parameters(self, n_in: int) -> tuple[Parameter, ...]:
        initializer = initializers.get("initializer", self.initializer)
        return tuple(
            Parameter(f"W{i}", (n, dim), "embedding", initializer, f"{i}.weight", fan=(n, dim))
            for i, ((_, n), dim) in enumerate(zip(self.columns, self.dims, strict=True))
        )

    def work(self, n_in: int) -> int:
        return self.n_outputs(n_in)

    def compile(self, build: Build, x: int | None, n_in: int) -> int | None:
        others = self.passed_on(n_in)
        tables = [(*pair, dim) for pair, dim in zip(self.columns, self.dims, strict=True)]
        return build.add(
            "embedding", n_in, self.n_outputs(n_in), x, n_params=self.n_params(n_in), n_arrays=len(self.columns),
            settings=tuple(map(float, (len(tables), len(others), *others, *chain.from_iterable(tables)))),
            at_once=max(n * dim for _, n, dim in tables),
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
            table = np.vstack([np.asarray(parameters[f"W{i}"], dtype=float), np.zeros((1, self.dims[i]))])
            values = x[:, column]
            known = (values >= 0) & (values < n) & (values == np.floor(values))
            parts.append(table[np.where(known, values, n).astype(int)])
        return np.hstack(parts)

    def __repr__(self) -> str:
        normal = initializers.RandomNormal(1.0)
        shown = "" if self.initializer == normal else f", initializer={initializers.short(self.initializer)!r}"
        dim = self.dim if isinstance(self.dim, int) else list(self.dim)
        return f"Embedding({dict(self.columns)!r}, dim={dim}{shown})"


def _dims(dim: Any, n_columns: int) -> list[int]:
    """One for each column."""
    if isinstance(dim, (str, bytes)) or not hasattr(dim, "__iter__"):
        return [_checks.integer("dim", dim)] * n_columns
    dims = [_checks.integer(f"dim[{i}]", one) for i, one in enumerate(dim)]
    if len(dims) != n_columns:
        raise ValueError(f"dim has {len(dims)} numbers, but there are {n_columns} columns of categories")
    return dims


def _short(dims: list[int]) -> int | tuple[int, ...]:
    """One number where all are the same."""
    return dims[0] if len(set(dims)) == 1 else tuple(dims)


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
