# By random numbers: masks, 0 with probability threshold / 2**32, else kept; and orders of rows.

from libc.stdint cimport uint32_t, uint64_t

cdef extern from "philox_lanes.h":
    enum:
        BLOCKS_ASIDE
        WORDS_ASIDE
    void philox_lanes(uint64_t* words, uint64_t group, uint32_t c2, uint32_t c3, uint64_t key) noexcept nogil
    uint64_t bounded(uint64_t bits, uint64_t bound) noexcept nogil


cdef void random_mask(void* mask_, uint64_t first, Py_ssize_t count, uint32_t c2, uint32_t c3, uint64_t seed,
                      uint32_t threshold, double kept_) noexcept nogil:
    """The mask at positions first, first + 1, ... Position p, with p = 64 g + 16 w + i, is 0 where word w of Philox's
    block 16 g + i is below the threshold."""
    cdef real* mask = <real*> mask_
    cdef real kept = <real> kept_
    cdef uint64_t words[WORDS_ASIDE]
    cdef Py_ssize_t at = 0, skip = first % WORDS_ASIDE, i, length
    while at < count:
        philox_lanes(words, (first + at) // WORDS_ASIDE, c2, c3, seed)
        length = min(count - at, WORDS_ASIDE - skip)
        for i in range(length):
            mask[at + i] = kept if <uint32_t> words[skip + i] >= threshold else <real> 0
        at += length
        skip = 0


cdef void shuffle(Py_ssize_t* rows, Py_ssize_t n, uint32_t c2, uint32_t c3, uint64_t seed) noexcept nogil:
    """rows = 0..n - 1 in random order, by Fisher and Yates' shuffle. The numbers at positions 2 i and 2 i + 1 are the
    two halves of Philox's block i."""
    cdef uint64_t words[WORDS_ASIDE]
    cdef const uint64_t* half
    cdef Py_ssize_t i = n - 1, j, last, held
    for j in range(n):
        rows[j] = j
    while i > 0:
        philox_lanes(words, i // (2 * BLOCKS_ASIDE), c2, c3, seed)
        last = max(i // (2 * BLOCKS_ASIDE) * (2 * BLOCKS_ASIDE), 1)
        while i >= last:
            half = words + (i & 1) * 2 * BLOCKS_ASIDE + (i >> 1) % BLOCKS_ASIDE
            j = <Py_ssize_t> bounded(<uint32_t> half[0] | half[BLOCKS_ASIDE] << 32, i + 1)
            held = rows[i]
            rows[i] = rows[j]
            rows[j] = held
            i -= 1
