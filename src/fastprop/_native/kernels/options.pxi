# What is done to a gradient before an optimizer's rule, and to theta after it: sums of several batches' gradients,
# limits of components and norms, a pull of constant size, weights' norms, a moving average.
#
# A norm's squares are summed over blocks of 256 consecutive reals of an array, each along 16 virtual lanes as a row is;
# blocks are added in order, in double, by the caller. A column's squares go down its rows as column sums do.


cdef inline vec v_limit(vec x, vec limit) noexcept nogil:
    """x within -limit..limit; what is no number stays none."""
    cdef vec low = v_mul(v_set(-1), limit)
    return v_min(limit, v_max(low, x))


cdef void add_to(const void* x_, void* sum_, Py_ssize_t count) noexcept nogil:
    """sum += x."""
    cdef const real* x = <const real*> x_
    cdef real* sum = <real*> sum_
    cdef Py_ssize_t i = 0
    while i < count:
        v_store_upto(sum + i, v_add(v_load_upto(sum + i, count - i), v_load_upto(x + i, count - i)), count - i)
        i += LANES


cdef void squares(const void* x_, double* sums, Py_ssize_t count, double scale, double limit) noexcept nogil:
    """The sum of squares of scale x, each within -limit..limit: one for each block of 256 elements."""
    cdef const real* x = <const real*> x_
    cdef vec scales = v_set(<real> scale), limits = v_set(<real> limit), v
    cdef vec acc[ROW_VECS]
    cdef Py_ssize_t first = 0, end, i, j
    while first < count:
        end = min(first + BLOCK, count)
        for j in range(ROW_VECS):
            acc[j] = v_set(0)
        i = first
        while i < end:
            for j in range(ROW_VECS):
                if i < end:
                    v = v_limit(v_mul(scales, v_load_upto(x + i, end - i)), limits)
                    acc[j] = v_fma(v, v, acc[j])
                    i += LANES
        sums[first // BLOCK] = fold_vecs(acc, VIRTUAL_LANES)
        first = end


cdef void magnitudes(const void* x_, double* sums, Py_ssize_t count) noexcept nogil:
    """The sum of |x|: one for each block of 256 elements."""
    cdef const real* x = <const real*> x_
    cdef vec acc[ROW_VECS]
    cdef Py_ssize_t first = 0, end, i, j
    while first < count:
        end = min(first + BLOCK, count)
        for j in range(ROW_VECS):
            acc[j] = v_set(0)
        i = first
        while i < end:
            for j in range(ROW_VECS):
                if i < end:
                    acc[j] = v_add(acc[j], v_abs(v_load_upto(x + i, end - i)))
                    i += LANES
        sums[first // BLOCK] = fold_vecs(acc, VIRTUAL_LANES)
        first = end


cdef void shape_gradient(const void* theta_, void* grad_, Py_ssize_t count, double scale, double limit, double factor,
                         double l1) noexcept nogil:
    """grad = factor (scale grad, within -limit..limit) + l1 sign(theta)."""
    cdef const real* theta = <const real*> theta_
    cdef real* grad = <real*> grad_
    cdef vec scales = v_set(<real> scale), limits = v_set(<real> limit), factors = v_set(<real> factor)
    cdef vec pull = v_set(<real> l1), g
    cdef Py_ssize_t i = 0
    while i < count:
        g = v_mul(factors, v_limit(v_mul(scales, v_load_upto(grad + i, count - i)), limits))
        v_store_upto(grad + i, v_fma(pull, v_sign(v_load_upto(theta + i, count - i)), g), count - i)
        i += LANES


cdef void average(const void* theta_, void* average_, Py_ssize_t count, double share) noexcept nogil:
    """average += share (theta - average)."""
    cdef const real* theta = <const real*> theta_
    cdef real* average = <real*> average_
    cdef vec shares = v_set(<real> share), before
    cdef Py_ssize_t i = 0
    while i < count:
        before = v_load_upto(average + i, count - i)
        v_store_upto(
            average + i, v_fma(shares, v_sub(v_load_upto(theta + i, count - i), before), before), count - i)
        i += LANES


cdef void limit_columns(void* W_, Py_ssize_t row, Py_ssize_t m, Py_ssize_t n, double limit) noexcept nogil:
    """Columns of W (m, n), its rows `row` reals apart, shortened to the norm `limit` where they are longer: times
    limit / (norm + 1e-7)."""
    cdef real* W = <real*> W_
    cdef vec limits = v_set(<real> limit), w, chain, total, factor
    cdef Py_ssize_t j = 0, first, i
    while j < n:
        total = v_set(0)
        first = 0
        while first < m:
            chain = v_set(0)
            for i in range(first, min(first + BLOCK, m)):
                w = v_load_upto(W + i * row + j, n - j)
                chain = v_fma(w, w, chain)
            total = chain if first == 0 else v_add(total, chain)
            first += BLOCK
        total = v_sqrt(total)
        if v_any_gt(total, limits):
            factor = v_if_gt(total, limits, v_div(limits, v_add(total, v_set(<real> 1e-7))), v_set(1))
            for i in range(m):
                w = v_load_upto(W + i * row + j, n - j)
                v_store_upto(W + i * row + j, v_mul(factor, w), n - j)
        j += LANES
