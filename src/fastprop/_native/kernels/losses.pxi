# Losses C(o, y): each row's weighted loss, in double, and the step back from it. What all of them share is here; they
# are in losses_of_values.pxi, losses_of_counts.pxi and losses_of_classes.pxi.
#
# A loss of o gives delta = dC/do. A loss that belongs to an activation takes the last layer's z, gives delta = dC/dz
# and yields that activation, o, where it is asked for. delta is multiplied by each row's weight and by `scale`, which
# the engine sets to 1 / (sum of the weights), so that it is the gradient of the weighted mean. w NULL stands for
# weights of 1.

from fastprop._native.kernels.table cimport LossRows

ctypedef vec (*loss_lanes)(vec o, vec y, const vec* c) noexcept nogil


cdef inline void scale_rows(real* delta, const real* w, Py_ssize_t m, Py_ssize_t n, double factor) noexcept nogil:
    """delta[i] *= w[i] * factor."""
    cdef Py_ssize_t i, j, length = n
    cdef vec s
    if w == NULL:                               # one scale for all: the rows are one long row
        length = m * n
        m = 1
    for i in range(m):
        s = v_set(<real> (w[i] * factor if w != NULL else factor))
        j = 0
        while j < length:
            v_store_upto(delta + j, v_mul(v_load_upto(delta + j, length - j), s), length - j)
            j += LANES
        delta += length


cdef inline double weight_of(const real* w, Py_ssize_t i) noexcept nogil:
    return w[i] if w != NULL else 1


cdef inline vec v_settings(const double* settings, Py_ssize_t count) noexcept nogil:
    """The first LANES of `count` settings, +0 in the lanes beyond."""
    cdef real[LANES] lanes
    cdef Py_ssize_t i
    for i in range(LANES):
        lanes[i] = <real> settings[i] if i < count else 0
    return v_load(lanes)


cdef inline void map_pairs(loss_lanes f, const vec* c, const LossRows* b) noexcept nogil:
    """delta = f(o, y), element by element."""
    cdef const real* o = <const real*> b.o_or_z
    cdef const real* y = <const real*> b.y
    cdef real* delta = <real*> b.delta
    cdef Py_ssize_t i = 0, count = b.m * b.n
    while i < count:
        v_store_upto(delta + i, f(v_load_upto(o + i, count - i), v_load_upto(y + i, count - i), c), count - i)
        i += LANES


cdef void average_rows(const LossRows* b, bint squared, double times) noexcept nogil:
    """Each row's loss: `times` the mean of delta, or of its squares, over the row's outputs."""
    cdef real[LANES] sums
    cdef Py_ssize_t i = 0, j, count
    while i < b.m:
        count = next_row_sums(sums, <const real*> b.delta + i * b.n, b.m - i, b.n, squared)
        for j in range(count):
            b.losses[i + j] = weight_of(<const real*> b.w, i + j) * (times * <double> sums[j]) / b.n
        i += count


cdef inline void score_rows(loss_lanes value, const vec* c, const LossRows* b, double times) noexcept nogil:
    """Each row's loss, `times` the mean of value(o, y) over its outputs; delta is used on the way."""
    map_pairs(value, c, b)
    average_rows(b, False, times)


cdef inline void step_back(loss_lanes slope, const vec* c, const LossRows* b, double times) noexcept nogil:
    """delta = times slope(o, y) / n, in its share of the weighted mean."""
    map_pairs(slope, c, b)
    scale_rows(<real*> b.delta, <const real*> b.w, b.m, b.n, times * b.scale / b.n)
