# Random masks, and what is done with them.
#
#   random_mask   mask = 0 with probability threshold / 2**32, else kept
#   masked        a = x mask + (shift_kept where mask is not 0, else shift_dropped)
#   elementwise_product  a = x y         elementwise_sum  a = x + y

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


cdef void masked(const void* x_, const void* mask_, void* a_, Py_ssize_t count, double shift_kept,
                 double shift_dropped) noexcept nogil:
    cdef const real* x = <const real*> x_
    cdef const real* mask = <const real*> mask_
    cdef real* a = <real*> a_
    cdef vec kept = v_set(<real> shift_kept), dropped = v_set(<real> shift_dropped), m
    cdef Py_ssize_t i = 0
    while i < count:
        m = v_load_upto(mask + i, count - i)
        v_store_upto(
            a + i, v_fma(v_load_upto(x + i, count - i), m, v_if_gt(m, v_set(0), kept, dropped)), count - i)
        i += LANES


cdef void elementwise_product(const void* x_, const void* y_, void* a_, Py_ssize_t count) noexcept nogil:
    cdef const real* x = <const real*> x_
    cdef const real* y = <const real*> y_
    cdef real* a = <real*> a_
    cdef Py_ssize_t i = 0
    while i < count:
        v_store_upto(a + i, v_mul(v_load_upto(x + i, count - i), v_load_upto(y + i, count - i)), count - i)
        i += LANES


cdef void elementwise_sum(const void* x_, const void* y_, void* a_, Py_ssize_t count) noexcept nogil:
    cdef const real* x = <const real*> x_
    cdef const real* y = <const real*> y_
    cdef real* a = <real*> a_
    cdef Py_ssize_t i = 0
    while i < count:
        v_store_upto(a + i, v_add(v_load_upto(x + i, count - i), v_load_upto(y + i, count - i)), count - i)
        i += LANES
