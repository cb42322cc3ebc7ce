# Losses C(o, y): each row's weighted loss, in double, and the step back from it.
#
#   mse                   C_row = mean over outputs of (o - y)**2             delta = dC/do = 2 (o - y) / n
#   cross_entropy         C_row = sum of y (log(sum(exp(z))) - z)             delta = dC/dz = softmax(z) sum(y) - y
#   binary_cross_entropy  C_row = mean of max(z, 0) - y z + log1p(exp(-|z|))  delta = dC/dz = (sigmoid(z) - y) / n
#
# The cross-entropies take the last layer's z, not its activation, and yield that activation, o, where it is
# asked for. delta is multiplied by each row's weight and by `scale`, which the engine sets to 1 / (sum of the
# weights), so that it is the gradient of the weighted mean. w NULL stands for weights of 1.


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


cdef void mse(const void* o_, const void* y_, const void* w_, void* delta_, void* unused, double* losses,
              Py_ssize_t m, Py_ssize_t n, Py_ssize_t n_targets, const double* settings, double scale) noexcept nogil:
    cdef const real* o = <const real*> o_
    cdef const real* y = <const real*> y_
    cdef const real* w = <const real*> w_
    cdef real* delta = <real*> delta_
    cdef Py_ssize_t i = 0, count = m * n
    while i < count:
        v_store_upto(delta + i, v_sub(v_load_upto(o + i, count - i), v_load_upto(y + i, count - i)), count - i)
        i += LANES
    for i in range(m):
        losses[i] = weight_of(w, i) * row_dot(delta + i * n, delta + i * n, n, 0) / n
    scale_rows(delta, w, m, n, 2 * scale / n)


cdef inline void cross_entropy_row(const real* z, const real* y, real* delta, real* o, Py_ssize_t n, double weight,
                                   double scale, double* loss) noexcept nogil:
    cdef real highest = row_max(z, n), y_sum = row_sum(y, n), exp_sum, log_exp_sum
    cdef Py_ssize_t j = 0
    cdef vec p, s = v_set(y_sum), factor = v_set(<real> (weight * scale))
    exp_sum = softmax_row(z, delta, n, highest)
    log_of(&exp_sum, &log_exp_sum, 1)
    loss[0] = weight * (<double> log_exp_sum * y_sum - row_dot(z, y, n, highest))
    while j < n:
        p = v_load_upto(delta + j, n - j)
        if o != NULL:
            v_store_upto(o + j, p, n - j)
        v_store_upto(delta + j, v_mul(v_sub(v_mul(p, s), v_load_upto(y + j, n - j)), factor), n - j)
        j += LANES


cdef inline void cross_entropy_aside(const real* z_, const real* y_, const real* w, real* delta, real* o,
                                     Py_ssize_t n_rows, Py_ssize_t n, double scale, double* losses) noexcept nogil:
    """n_rows narrow rows side by side."""
    cdef vec z[VIRTUAL_LANES]
    cdef vec y[VIRTUAL_LANES]
    cdef vec p[VIRTUAL_LANES]
    cdef vec y_sum, factor
    cdef real factors[LANES]
    cdef real logs[LANES]
    cdef real y_sums[LANES]
    cdef real dots[LANES]
    cdef Py_ssize_t i, j
    load_aside(z, z_, n, n_rows)
    load_aside(y, y_, n, n_rows)
    y_sum = sum_aside(y)
    v_store(y_sums, y_sum)
    v_store(logs, v_log(softmax_aside(z, p, n)))
    for j in range(VIRTUAL_LANES):
        z[j] = v_fma(z[j], y[j], v_set(0)) if j < n else v_set(0)
    v_store(dots, sum_aside(z))
    for i in range(LANES):
        factors[i] = 0
    for i in range(n_rows):
        losses[i] = weight_of(w, i) * (<double> logs[i] * y_sums[i] - dots[i])
        factors[i] = <real> (weight_of(w, i) * scale)
    factor = v_load(factors)
    for j in range(n):
        y[j] = v_mul(v_sub(v_mul(p[j], y_sum), y[j]), factor)
    store_aside(delta, y, n, n_rows)
    if o != NULL:
        store_aside(o, p, n, n_rows)


cdef void cross_entropy(const void* z_, const void* y_, const void* w_, void* delta_, void* o_, double* losses,
                        Py_ssize_t m, Py_ssize_t n, Py_ssize_t n_targets, const double* settings,
                        double scale) noexcept nogil:
    cdef const real* z = <const real*> z_
    cdef const real* y = <const real*> y_
    cdef const real* w = <const real*> w_
    cdef real* delta = <real*> delta_
    cdef real* o = <real*> o_
    cdef Py_ssize_t i = 0, count
    while i < m:
        count = rows_aside(m - i, n)
        if count:
            cross_entropy_aside(z, y, w, delta, o, count, n, scale, losses + i)
        else:
            count = 1
            cross_entropy_row(z, y, delta, o, n, weight_of(w, 0), scale, losses + i)
        i += count
        z += count * n
        y += count * n
        delta += count * n
        if o != NULL:
            o += count * n
        if w != NULL:
            w += count


cdef void binary_cross_entropy(const void* z_, const void* y_, const void* w_, void* delta_, void* o_, double* losses,
                               Py_ssize_t m, Py_ssize_t n, Py_ssize_t n_targets, const double* settings,
                               double scale) noexcept nogil:
    cdef const real* z = <const real*> z_
    cdef const real* y = <const real*> y_
    cdef const real* w = <const real*> w_
    cdef real* delta = <real*> delta_
    cdef real* o = <real*> o_
    cdef Py_ssize_t i = 0, count = m * n
    cdef vec x, p, linear
    while i < count:
        x = v_load_upto(z + i, count - i)
        linear = v_if_gt(x, v_set(0), x, v_set(0))
        linear = v_fma(v_sub(v_set(0), x), v_load_upto(y + i, count - i), linear)       # exact for y 0 or 1
        v_store_upto(delta + i, v_add(linear, v_log1p_exp(x)), count - i)
        i += LANES
    for i in range(m):
        losses[i] = weight_of(w, i) * row_sum(delta + i * n, n) / n
    i = 0
    while i < count:
        p = v_sigmoid(v_load_upto(z + i, count - i))
        if o != NULL:
            v_store_upto(o + i, p, count - i)
        v_store_upto(delta + i, v_sub(p, v_load_upto(y + i, count - i)), count - i)
        i += LANES
    scale_rows(delta, w, m, n, scale / n)
