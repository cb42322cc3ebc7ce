"""A sparse matrix as the engine reads it: SciPy's compressed rows, of which slices are views."""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SparseRows"]


class SparseRows:
    """Row i has the elements ``data[starts[i]:starts[i + 1]]`` in ``columns[...]``, which ascend; all others are 0.

    Parameters
    ----------
    data : array of float32 or float64
    columns : array of int32 or int64
    starts : array (rows + 1,) of int64
    n_columns : int
    """

    def __init__(self, data: NDArray[Any], columns: NDArray[Any], starts: NDArray[np.int64], n_columns: int) -> None:
        self.data, self.columns, self.starts, self.n_columns = data, columns, starts, n_columns

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, rows: slice) -> "SparseRows":
        """Some rows, one after the other, as views."""
        first, last, _ = rows.indices(len(self))
        return SparseRows(self.data, self.columns, self.starts[first : max(first, last) + 1], self.n_columns)

    @property
    def shape(self) -> tuple[int, int]:
        return len(self), self.n_columns

    def most_elements(self, batch_size: int) -> int:
        """How many a batch of so many rows can have, whichever rows they are."""
        return int(self._longest_first[:batch_size].sum())

    @cached_property
    def _longest_first(self) -> NDArray[np.int64]:
        """The rows' numbers of elements, in descending order."""
        return np.sort(np.diff(self.starts))[::-1]
