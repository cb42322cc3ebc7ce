"""Long work in the engine, cut into slices of about SLICE_SECONDS, between which Python hears Ctrl-C."""

import time
from collections.abc import Iterator

__all__ = ["Slicer"]

SLICE_SECONDS = 0.05


class Slicer:
    """Cuts 0..count into ranges by how long the ranges before have taken; `size` is the next one's length."""

    def __init__(self, size: int = 1) -> None:
        self.size = size

    def __call__(self, count: int) -> Iterator[tuple[int, int]]:
        """Yield (first, last + 1) until count is reached; the time until the next is asked for is the range's."""
        first = 0
        while first < count:
            last = min(first + self.size, count)
            start = time.perf_counter()
            yield first, last
            seconds = max(time.perf_counter() - start, 1e-9)
            self.size = max(1, min(int((last - first) * SLICE_SECONDS / seconds), 4 * self.size))
            first = last
