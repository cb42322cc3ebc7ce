"""Long work in the engine, cut into slices of about SLICE_SECONDS, between which Python hears Ctrl-C."""

import sys
import time
from collections.abc import Iterator

__all__ = ["ROWS_AT_ONCE", "Slicer", "first_size", "row_slices"]

SLICE_SECONDS = 0.05
FIRST_SLICE = 200_000_000  # multiply-adds, some 5 ms: so small that a network whose time is elsewhere is noticed
LEAST_WORK = 400_000  # multiply-adds that a batch is taken for at first, since it may call functions in Python
ROWS_AT_ONCE = 256  # in a batch that only goes forward: enough to reuse the weights, few enough for the cache


class Slicer:
    """Cuts 0..count into ranges by how long the ranges before have taken; `size` is the next one's length, at
    most `largest`.
    """

    def __init__(self, size: int = 1, largest: int = sys.maxsize) -> None:
        self.size, self._largest = size, largest

    def __call__(self, count: int) -> Iterator[tuple[int, int]]:
        """Yield (first, last + 1) until count is reached; the time until the next is asked for is the range's."""
        first = 0
        while first < count:
            last = min(first + self.size, count)
            start = time.perf_counter()
            yield first, last
            seconds = max(time.perf_counter() - start, 1e-9)
            self.size = max(1, min(int((last - first) * SLICE_SECONDS / seconds), 4 * self.size, self._largest))
            first = last


def first_size(work: int) -> int:
    """How many batches of so many multiply-adds to begin with."""
    return max(1, FIRST_SLICE // max(work, LEAST_WORK))


def row_slices(n_rows: int, work: int) -> Iterator[slice]:
    """Slices of whole batches of ROWS_AT_ONCE rows, the last one short; `work` is a row's, in multiply-adds."""
    for first, last in Slicer(first_size(ROWS_AT_ONCE * work))(-(-n_rows // ROWS_AT_ONCE)):
        yield slice(first * ROWS_AT_ONCE, last * ROWS_AT_ONCE)
