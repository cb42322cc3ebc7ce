"""Where a training's batches come from: rows in memory, which are cut into batches in an order of each epoch's own."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from numpy.typing import NDArray

from fastprop._native import philox
from fastprop._rows import Rows
from fastprop._slices import Slicer

__all__ = ["Batches", "RowSource"]


class Batches(NamedTuple):
    """Batches first..last - 1 of `batch_size` rows each, the last one maybe short, of rows in this order."""

    rows: Rows
    order: NDArray[Any] | None
    batch_size: int
    first: int
    last: int

    @property
    def n_rows(self) -> int:
        return min(self.last * self.batch_size, len(self.rows)) - self.first * self.batch_size


@dataclass(frozen=True)
class RowSource:
    """Rows in memory."""

    rows: Rows
    batch_size: int
    shuffle: bool
    seed: int

    @property
    def n_rows(self) -> int:
        """Of an epoch."""
        return len(self.rows)

    @property
    def n_batches(self) -> int:
        """Of an epoch."""
        return -(-len(self.rows) // self.batch_size)

    def epoch(self, epoch: int, slicer: Slicer) -> Iterator[Batches]:
        """All batches once, as many at a time as the slicer says."""
        order = philox.permutation(self.seed, epoch, len(self.rows)) if self.shuffle else None
        for first, last in slicer(self.n_batches):
            yield Batches(self.rows, order, self.batch_size, first, last)
