# Random masks: 0 with probability threshold / 2**32, else kept.

from libc.stdint cimport uint32_t, uint64_t

cdef extern from "philox_lanes.h":
    enum:
        BLOCKS_ASIDE
        WORDS_ASIDE
    void philox_lanes(uint64_t* words, uint64_t group, uint32_t c2, uint32_t c3, uint64_t key) noexcept nogil


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
