# Means and variances down columns and along rows, and the steps back through what they normalize.
#
#   column_moments           w0 = the mean of r0's columns, w1 their variance: the mean of (r0 - w0)**2
#   column_dots              w0 = the sums down columns of r0 r1, w1 those of r1
#   inverse_deviations       w0 = 1 / sqrt(r0 + s0)                                               one row
#   batch_norm_backward      w0 = (r2 r3) (r0 - (r5 + r1 r4) s0): from delta r0, the normalized x r1, and for each
#                            column its scale r2, which may be missing, the inverse deviation r3, the sums r4 of r0 r1
#                            and r5 of r0; s0 is 1 / m
#   normalize_rows           w0 = (r0 - mean) w1, w1 (m,) = 1 / sqrt(variance + s0), of each row; mean 0 unless s1
#   normalize_rows_backward  w0 = r2 (r0 - (mean of r0, if s1) - r1 (mean of r0 r1)), r1 and r2 being w0 and w1 above
#
# Down columns: chains over blocks of 256 rows, blocks in order. A mean is the sum divided by the count.


cdef void column_moments(const LayerArrays* of) noexcept nogil:
    cdef const real* x = <const real*> of.reads[0]
    cdef real* means = <real*> of.writes[0]
    cdef real* variances = <real*> of.writes[1]
    cdef Py_ssize_t j = 0, n = of.n, m = of.m, row = of.row, first, i
    cdef vec chain, total, mean, e, count = v_set(<real> m)
    while j < n:
        total = v_set(0)
        first = 0
        while first < m:
            chain = v_set(0)
            for i in range(first, min(first + BLOCK, m)):
                chain = v_add(chain, v_load_upto(x + i * row + j, n - j))
            total = chain if first == 0 else v_add(total, chain)
            first += BLOCK
        mean = v_div(total, count)
        total = v_set(0)
        first = 0
        while first < m:
            chain = v_set(0)
            for i in range(first, min(first + BLOCK, m)):
                e = v_sub(v_load_upto(x + i * row + j, n - j), mean)
                chain = v_fma(e, e, chain)
            total = chain if first == 0 else v_add(total, chain)
            first += BLOCK
        v_store_upto(means + j, mean, n - j)
        v_store_upto(variances + j, v_div(total, count), n - j)
        j += LANES


cdef void column_dots(const LayerArrays* of) noexcept nogil:
    cdef const real* x = <const real*> of.reads[0]
    cdef const real* y = <const real*> of.reads[1]
    cdef real* dots = <real*> of.writes[0]
    cdef real* sums = <real*> of.writes[1]
    cdef Py_ssize_t j = 0, n = of.n, m = of.m, row = of.row, first, i
    cdef vec dot_chain, dot, chain, total, v
    while j < n:
        dot = v_set(0)
        total = v_set(0)
        first = 0
        while first < m:
            dot_chain = v_set(0)
            chain = v_set(0)
            for i in range(first, min(first + BLOCK, m)):
                v = v_load_upto(y + i * row + j, n - j)
                dot_chain = v_fma(v_load_upto(x + i * row + j, n - j), v, dot_chain)
                chain = v_add(chain, v)
            dot = dot_chain if first == 0 else v_add(dot, dot_chain)
            total = chain if first == 0 else v_add(total, chain)
            first += BLOCK
        v_store_upto(dots + j, dot, n - j)
        v_store_upto(sums + j, total, n - j)
        j += LANES


cdef inline vec v_inverse_root(vec x) noexcept nogil:
    return v_div(v_set(1), v_sqrt(x))


cdef void inverse_deviations(const LayerArrays* of) noexcept nogil:
    cdef const real* variances = <const real*> of.reads[0]
    cdef real* factors = <real*> of.writes[0]
    cdef vec epsilon = v_set(<real> of.settings[0])
    cdef Py_ssize_t j = 0, n = of.n
    while j < n:
        v_store_upto(factors + j, v_inverse_root(v_add(v_load_upto(variances + j, n - j), epsilon)), n - j)
        j += LANES


cdef void batch_norm_backward(const LayerArrays* of) noexcept nogil:
    cdef const real* delta = <const real*> of.reads[0]
    cdef const real* x = <const real*> of.reads[1]
    cdef const real* scale = <const real*> of.reads[2]
    cdef const real* factors = <const real*> of.reads[3]
    cdef const real* dots = <const real*> of.reads[4]
    cdef const real* sums = <const real*> of.reads[5]
    cdef real* dx = <real*> of.writes[0]
    cdef Py_ssize_t i, at, j = 0, n = of.n
    cdef vec factor, dot, total, less = v_set(<real> -of.settings[0])
    while j < n:
        factor = v_load_upto(factors + j, n - j)
        if scale != NULL:
            factor = v_mul(v_load_upto(scale + j, n - j), factor)
        dot = v_load_upto(dots + j, n - j)
        total = v_load_upto(sums + j, n - j)
        for i in range(of.m):
            at = i * n + j
            v_store_upto(
                dx + at,
                v_mul(factor, v_fma(
                    v_fma(v_load_upto(x + at, n - j), dot, total), less, v_load_upto(delta + at, n - j))),
                n - j,
            )
        j += LANES


cdef inline real inverse_root(real x) noexcept nogil:
    cdef real[LANES] lanes
    v_store(lanes, v_inverse_root(v_set(x)))
    return lanes[0]


cdef void normalize_rows(const LayerArrays* of) noexcept nogil:
    cdef const real* x = <const real*> of.reads[0]
    cdef real* a = <real*> of.writes[0]
    cdef real* factors = <real*> of.writes[1]
    cdef Py_ssize_t i, j, n = of.n
    cdef real epsilon = <real> of.settings[0], count = <real> n, mean
    cdef vec shift, factor
    for i in range(of.m):
        mean = row_sum(x, n) / count if of.settings[1] else 0
        shift = v_set(mean)
        j = 0
        while j < n:
            v_store_upto(a + j, v_sub(v_load_upto(x + j, n - j), shift), n - j)
            j += LANES
        factors[i] = inverse_root(row_dot(a, a, n, 0) / count + epsilon)
        factor = v_set(factors[i])
        j = 0
        while j < n:
            v_store_upto(a + j, v_mul(v_load_upto(a + j, n - j), factor), n - j)
            j += LANES
        x += n
        a += n


cdef void normalize_rows_backward(const LayerArrays* of) noexcept nogil:
    cdef const real* delta = <const real*> of.reads[0]
    cdef const real* x = <const real*> of.reads[1]
    cdef const real* factors = <const real*> of.reads[2]
    cdef real* dx = <real*> of.writes[0]
    cdef Py_ssize_t i, j, n = of.n
    cdef real count = <real> n
    cdef vec mean, less, factor
    for i in range(of.m):
        mean = v_set(row_sum(delta, n) / count if of.settings[1] else 0)
        less = v_set(-(row_dot(delta, x, n, 0) / count))
        factor = v_set(factors[i])
        j = 0
        while j < n:
            v_store_upto(
                dx + j,
                v_mul(factor, v_fma(
                    v_load_upto(x + j, n - j), less, v_sub(v_load_upto(delta + j, n - j), mean))),
                n - j,
            )
            j += LANES
        delta += n
        x += n
        dx += n
