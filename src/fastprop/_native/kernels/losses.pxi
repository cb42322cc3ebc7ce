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
              Py_ssize_t m, Py_ssize_t n, double scale) noexcept nogil:
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


cdef void cross_entropy(const void* z_, const void* y_, const void* w_, void* delta_, void* o_, double* losses,
                        Py_ssize_t m, Py_ssize_t n, double scale) noexcept nogil:
    cdef const real* z = <const real*> z_
    cdef const real* y = <const real*> y_
    cdef const real* w = <const real*> w_
    cdef real* delta = <real*> delta_
    cdef real* o = <real*> o_
    cdef Py_ssize_t i, j
    cdef real highest, y_sum, exp_sum, log_exp_sum
    cdef vec p, s
    for i in range(m):
        highest = row_max(z, n)
        y_sum = row_sum(y, n)
        exp_sum = softmax_row(z, delta, n, highest)
        log_of(&exp_sum, &log_exp_sum, 1)
        losses[i] = weight_of(w, i) * (<double> log_exp_sum * y_sum - row_dot(z, y, n, highest))
        s = v_set(y_sum)
        j = 0
        while j < n:
            p = v_load_upto(delta + j, n - j)
            if o != NULL:
                v_store_upto(o + i * n + j, p, n - j)
            v_store_upto(delta + j, v_sub(v_mul(p, s), v_load_upto(y + j, n - j)), n - j)
            j += LANES
        z += n
        y += n
        delta += n
    scale_rows(<real*> delta_, w, m, n, scale)


cdef void binary_cross_entropy(const void* z_, const void* y_, const void* w_, void* delta_, void* o_, double* losses,
                               Py_ssize_t m, Py_ssize_t n, double scale) noexcept nogil:
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
        v_store_upto(delta + i, v_add(linear, v_log1p(v_exp(v_sub(v_set(0), v_abs(x))))), count - i)
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
