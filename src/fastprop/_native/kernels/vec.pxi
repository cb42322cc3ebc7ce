# The vector vocabulary of vec.h as Cython sees it. `real` is float or double and `vec` LANES of them: which,
# the C compiler learns from the build's macros; this text is the same for all.

from libc.math cimport INFINITY, NAN
from libc.string cimport memcpy, memset

cdef enum:
    CACHE_LINE = 64         # bytes


cdef extern from "vec.h":
    ctypedef double real
    ctypedef struct vec:
        pass
    enum:
        LANES
        LOW_LANES
        TILE_ROWS
        TILE_VECS
        TILE_TURN
        N_REGISTERS
        MOST_TURNED
        TILE_COLUMNS
        NARROW
        VIRTUAL_LANES
        ROW_VECS
        GROUPS_ASIDE
        COLUMNS_ASIDE
        ROWS_ASIDE
    const char REAL_KIND
    const real MAGIC
    const real INTEGER_ONE
    const real FRACTION_BITS
    const real SMALLEST_NORMAL
    const real EPSILON
    const real LARGEST
    const real EXP_HIGHEST
    const real EXP_LOWEST
    const real EXPM1_LOWEST
    const real TINY
    const real UNIT
    const real UNIT_EXPONENT
    const real ERF_ONE
    const real ANGLE_LARGEST
    const real SOFTMAX_LOWEST
    const real LOGISTIC_LARGEST
    const real NORMAL_LARGEST
    void v_hold(vec v) noexcept nogil
    vec v_set(real x) noexcept nogil
    vec v_load(const real* p) noexcept nogil
    void v_store(real* p, vec v) noexcept nogil
    vec v_load_part(const real* p, Py_ssize_t count) noexcept nogil
    void v_store_part(real* p, vec v, Py_ssize_t count) noexcept nogil
    vec v_add(vec a, vec b) noexcept nogil
    vec v_sub(vec a, vec b) noexcept nogil
    vec v_mul(vec a, vec b) noexcept nogil
    vec v_div(vec a, vec b) noexcept nogil
    vec v_div_beside_root(vec a, vec b) noexcept nogil
    vec v_fma(vec a, vec b, vec c) noexcept nogil
    vec v_fnma(vec a, vec b, vec c) noexcept nogil
    vec v_fma_at(const real* a, vec b, vec c) noexcept nogil
    vec v_set_low(real x) noexcept nogil
    vec v_fma_low(vec a, vec b, vec c) noexcept nogil
    vec v_if_gt(vec a, vec b, vec yes, vec no) noexcept nogil
    vec v_max(vec a, vec b) noexcept nogil
    vec v_min(vec a, vec b) noexcept nogil
    bint v_any_gt(vec a, vec b) noexcept nogil
    vec v_abs(vec a) noexcept nogil
    vec v_sqrt(vec a) noexcept nogil
    vec v_scale(vec p, vec t) noexcept nogil
    vec v_bit_as_sign(vec t, const Py_ssize_t bit) noexcept nogil
    vec v_lookup(const real* table, vec v) noexcept nogil
    vec v_pow2(vec t) noexcept nogil
    void prefetch_to_write(const real* p) noexcept nogil
    void prefetch_to_read(const char* p) noexcept nogil
    void prefetch_for_later(const char* p) noexcept nogil
    void v_transpose(vec* lines) noexcept nogil
    vec v_split(vec x, vec* e) noexcept nogil
    vec v_copysign(vec magnitude, vec sign) noexcept nogil


cdef inline vec v_load_upto(const real* p, Py_ssize_t count) noexcept nogil:
    """The first LANES of p's `count` reals, +0 in the lanes beyond."""
    return v_load(p) if count >= LANES else v_load_part(p, count)


cdef inline void v_store_upto(real* p, vec v, Py_ssize_t count) noexcept nogil:
    if count >= LANES:
        v_store(p, v)
    else:
        v_store_part(p, v, count)
