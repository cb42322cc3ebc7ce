# Losses of numbers: with e = o - y, each row's loss is the mean over its outputs of
#
#   mse           e**2                                            slope 2 e
#   mae           |e|                                                   sign(e), 0 at 0
#   huber         c (|e| - c / 2), c = min(|e|, delta)                  e within -delta..delta; both times a factor
#   log_cosh      log(cosh(e)) = log(1 + t**2 / (2 (1 + t))), t = exp(-|e|) - 1, for |e| <= 1,
#                 |e| + log(1 + exp(-2 |e|)) - log(2) beyond            tanh(e)
#   quantile      max(-q e, (1 - q) e), outputs (n_targets, quantiles)  -q where e < 0, 1 - q where e > 0, 0 at 0
#   gaussian_nll  (log(v) + e**2 / v) / 2 + constant, o = (means, spreads), v = max(f(spread), epsilon)
#                                                                       e / v, and (1 - e**2 / v) / (2 v) f'(spread)
#
# and of directions, cosine_similarity: 1 - o.y / N, N = sqrt((o.o + epsilon) (y.y + epsilon)).

from libc.math cimport sqrt


cdef void mse(const LossRows* b) noexcept nogil:
    cdef const real* o = <const real*> b.o_or_z
    cdef const real* y = <const real*> b.y
    cdef real* delta = <real*> b.delta
    cdef Py_ssize_t i = 0, count = b.m * b.n
    while i < count:
        v_store_upto(delta + i, v_sub(v_load_upto(o + i, count - i), v_load_upto(y + i, count - i)), count - i)
        i += LANES
    average_rows(b, True, 1)
    scale_rows(delta, <const real*> b.w, b.m, b.n, 2 * b.scale / b.n)


cdef inline vec v_absolute_error(vec o, vec y, const vec* c) noexcept nogil:
    return v_abs(v_sub(o, y))


cdef inline vec v_sign_of_error(vec o, vec y, const vec* c) noexcept nogil:
    return v_if_gt(o, y, v_set(1), v_if_gt(y, o, v_set(-1), v_set(0)))


cdef void absolute_error(const LossRows* b) noexcept nogil:
    score_rows(v_absolute_error, NULL, b, 1)
    step_back(v_sign_of_error, NULL, b, 1)


cdef inline vec v_huber(vec o, vec y, const vec* c) noexcept nogil:
    cdef vec size = v_abs(v_sub(o, y))
    cdef vec near = v_min(c[0], size)
    return v_mul(near, v_sub(size, v_mul(v_set(<real>0.5), near)))


cdef inline vec v_error_within(vec o, vec y, const vec* c) noexcept nogil:
    return v_max(v_sub(v_set(0), c[0]), v_min(c[0], v_sub(o, y)))


cdef void huber(const LossRows* b) noexcept nogil:
    """settings: delta, factor."""
    cdef vec c[1]
    c[0] = v_set(<real> b.settings[0])
    score_rows(v_huber, c, b, b.settings[1])
    step_back(v_error_within, c, b, b.settings[1])


cdef inline vec v_log_cosh(vec o, vec y, const vec* c) noexcept nogil:
    cdef vec size = v_abs(v_sub(o, y)), one = v_set(1), half = v_set(<real>0.5)
    cdef vec t = v_expm1(v_sub(v_set(0), size))
    cdef vec near = v_log1p(v_div(v_mul(half, v_mul(t, t)), v_add(one, t)))
    cdef vec far = v_sub(v_add(size, v_log1p_exp(v_add(size, size))), v_set(LN2_HIGH + LN2_LOW))
    return v_if_gt(size, one, far, near)


cdef inline vec v_tanh_of_error(vec o, vec y, const vec* c) noexcept nogil:
    return v_tanh(v_sub(o, y))


cdef void log_cosh(const LossRows* b) noexcept nogil:
    score_rows(v_log_cosh, NULL, b, 1)
    step_back(v_tanh_of_error, NULL, b, 1)


cdef void quantile(const LossRows* b) noexcept nogil:
    """settings: the quantiles, in 0..1, of which each target has an output."""
    cdef const real* o = <const real*> b.o_or_z
    cdef const real* y = <const real*> b.y
    cdef real* delta = <real*> b.delta
    cdef Py_ssize_t i, j, k, at, n_quantiles = b.n // b.n_targets
    cdef real e, below, above
    for i in range(b.m):
        for j in range(b.n_targets):
            for k in range(n_quantiles):
                at = (i * b.n_targets + j) * n_quantiles + k
                e = o[at] - y[i * b.n_targets + j]
                below = e * <real> -b.settings[k]
                above = e * <real> (1 - b.settings[k])
                delta[at] = below if below > above else above
    average_rows(b, False, 1)
    for i in range(b.m * b.n_targets):
        for k in range(n_quantiles):
            at = i * n_quantiles + k
            e = o[at] - y[i]
            above = <real> (1 - b.settings[k]) if e > 0 else 0
            delta[at] = <real> -b.settings[k] if e < 0 else above
    scale_rows(delta, <const real*> b.w, b.m, b.n, b.scale / b.n)


cdef enum:
    LOG_VARIANCE = 1
    SOFTPLUS_VARIANCE = 2


cdef inline vec v_variance(vec spread, Py_ssize_t kind) noexcept nogil:
    if kind == LOG_VARIANCE:
        return v_exp(spread)
    return v_softplus(spread) if kind == SOFTPLUS_VARIANCE else spread


cdef inline vec v_variance_slope(vec spread, Py_ssize_t kind) noexcept nogil:
    if kind == LOG_VARIANCE:
        return v_exp(spread)
    return v_sigmoid(spread) if kind == SOFTPLUS_VARIANCE else v_set(1)


cdef inline void gaussian_nll_row(const real* o, const real* y, real* delta, Py_ssize_t n, Py_ssize_t kind,
                                  vec epsilon, double* loss) noexcept nogil:
    """The row's sum of log(v) + e**2 / v, and its slopes, of means and spreads (n,) each."""
    cdef vec e, v, spread, half = v_set(<real>0.5)
    cdef Py_ssize_t j = 0
    while j < n:
        e = v_sub(v_load_upto(o + j, n - j), v_load_upto(y + j, n - j))
        v = v_max(epsilon, v_variance(v_load_upto(o + n + j, n - j), kind))
        v_store_upto(delta + j, v_add(v_log(v), v_div(v_mul(e, e), v)), n - j)
        j += LANES
    loss[0] = row_sum(delta, n)
    j = 0
    while j < n:
        e = v_sub(v_load_upto(o + j, n - j), v_load_upto(y + j, n - j))
        spread = v_load_upto(o + n + j, n - j)
        v = v_max(epsilon, v_variance(spread, kind))
        v_store_upto(delta + j, v_div(e, v), n - j)
        v = v_div(v_mul(half, v_sub(v_set(1), v_div(v_mul(e, e), v))), v)
        v_store_upto(delta + n + j, v_mul(v, v_variance_slope(spread, kind)), n - j)
        j += LANES


cdef void gaussian_nll(const LossRows* b) noexcept nogil:
    """settings: kind of variance, epsilon, constant."""
    cdef Py_ssize_t i, n = b.n_targets
    cdef double row
    for i in range(b.m):
        gaussian_nll_row(
            <const real*> b.o_or_z + i * b.n, <const real*> b.y + i * n, <real*> b.delta + i * b.n, n,
            <Py_ssize_t> b.settings[0], v_set(<real> b.settings[1]), &row)
        b.losses[i] = weight_of(<const real*> b.w, i) * (0.5 * row / n + b.settings[2])
    scale_rows(<real*> b.delta, <const real*> b.w, b.m, b.n, b.scale / n)


cdef void cosine_similarity(const LossRows* b) noexcept nogil:
    """settings: epsilon."""
    cdef const real* o = <const real*> b.o_or_z
    cdef const real* y = <const real*> b.y
    cdef real* delta = <real*> b.delta
    cdef double o_o, size, cosine, factor
    cdef vec of_o, of_y
    cdef Py_ssize_t i, j, n = b.n
    for i in range(b.m):
        o_o = <double> row_dot(o, o, n, 0) + b.settings[0]
        size = sqrt(o_o * (<double> row_dot(y, y, n, 0) + b.settings[0]))
        cosine = <double> row_dot(o, y, n, 0) / size
        b.losses[i] = weight_of(<const real*> b.w, i) * (1 - cosine)
        factor = weight_of(<const real*> b.w, i) * b.scale
        of_o = v_set(<real> (factor * (cosine / o_o)))
        of_y = v_set(<real> (factor / size))
        j = 0
        while j < n:
            v_store_upto(delta + j, v_sub(v_mul(of_o, v_load_upto(o + j, n - j)),
                                          v_mul(of_y, v_load_upto(y + j, n - j))), n - j)
            j += LANES
        o += n
        y += n
        delta += n
