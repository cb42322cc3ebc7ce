"""Memory for kernels to go astray in: arrays at any offset from a cache line, each between guard bytes."""

import math
import random
from itertools import pairwise

import numpy as np

CACHE_LINE = 64
GUARD = 512  # bytes before and behind each array: a row of 64 doubles, or eight vectors of the widest
FILLING = b"\xff"  # which makes every real a NaN


class GuardedMemory:
    """32 megabytes, handed out from the start, until `clear` takes everything back."""

    def __init__(self, n_bytes: int = 1 << 25) -> None:
        self.bytes = np.empty(n_bytes, np.uint8)
        self.random = random.Random(0)
        self.clear()

    def clear(self) -> None:
        self.taken: list[tuple[int, int]] = [(0, 0)]
        self.bytes[:GUARD] = FILLING[0]

    def empty(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """An array of NaN, aligned to its items and no better."""
        end = self.taken[-1][1] + GUARD  # of what is in use; nothing before it is touched, lest a stray write be lost
        to_a_line = -(self.bytes.ctypes.data + end) % CACHE_LINE
        start = end + to_a_line + self.random.randrange(0, CACHE_LINE, dtype.itemsize)
        stop = start + math.prod(shape) * dtype.itemsize
        self.bytes[end : stop + GUARD] = FILLING[0]
        self.taken.append((start, stop))
        return self.bytes[start:stop].view(dtype).reshape(shape)

    def copy(self, array: np.ndarray) -> np.ndarray:
        copied = self.empty(array.shape, array.dtype)
        copied[...] = array
        return copied

    def assert_guards_untouched(self) -> None:
        end = self.taken[-1][1] + GUARD
        for (_, before), (behind, _) in pairwise([*self.taken, (end, end)]):
            guard = self.bytes[before:behind].tobytes()
            assert guard == FILLING * len(guard), f"bytes {before}..{behind} beside an array were written to"
