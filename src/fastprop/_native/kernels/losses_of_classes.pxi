# Losses of classes. Of z, the activation's slope being part of theirs:
#
#   cross_entropy         sum of t (log(sum(exp(z))) - z)                    slope softmax(z) sum(t) - t
#       adjusted          t = weight (keep y + share), else t = y
#   kl_divergence         the same and sum of y log(y)
#   focal                 sum of -c U l, c = weight y, l = log(p), U = (1 - p)**gamma, p = softmax(z)
#                         slope g - p sum(g), g = c U (gamma p l / (1 - p) - 1)
#   binary_cross_entropy  mean of max(z, 0) - y z + log1p(exp(-|z|))         slope sigmoid(z) - y
#       adjusted          mean of (1 - t) z + k softplus(-z), t = keep y + share, k = 1 + (pos_weight - 1) t
#                                                                            slope k sigmoid(z) - pos_weight t
#   binary_focal          mean of a U l + b V h, a = -alpha y, b = -(1 - alpha) (1 - y), l = log(p), h = log(1 - p),
#                         U = exp(gamma h), V = exp(gamma l), p = sigmoid(z)
#                         slope -a U (gamma p l - (1 - p)) + b V (gamma (1 - p) h - p)
#
# And of o:
#
#   nll                   sum of -weight y o                                 slope -weight y
#   hinge                 mean of h = max(0, 1 - t o), t = 1 where y > 0, else -1
#                                                                            slope -t where h > 0
#   squared_hinge         mean of h**2                                       slope -2 t h


cdef inline vec v_adjusted(vec y, const double* settings, vec weight) noexcept nogil:
    """settings: keep, share, and the classes' weights behind them."""
    return v_mul(weight, v_fma(v_set(<real> settings[0]), y, v_set(<real> settings[1])))


cdef inline vec v_target(const real* y, const double* settings, const bint adjusted, Py_ssize_t j,
                         Py_ssize_t n) noexcept nogil:
    cdef vec target = v_load_upto(y + j, n - j)
    if adjusted:
        target = v_adjusted(target, settings, v_settings(settings + 2 + j, n - j))
    return target


cdef inline void target_sums(const real* z, const real* y, const double* settings, Py_ssize_t n, real shift,
                             real* total, real* dot) noexcept nogil:
    """The row's sums of t and of (z - shift) t, t being adjusted."""
    cdef vec totals[ROW_VECS]
    cdef vec dots[ROW_VECS]
    cdef vec target, s = v_set(shift)
    cdef Py_ssize_t i = 0, j
    for j in range(ROW_VECS):
        totals[j] = dots[j] = v_set(0)
    while i < n:
        for j in range(ROW_VECS):
            if i < n:
                target = v_target(y, settings, True, i, n)
                totals[j] = v_add(totals[j], target)
                dots[j] = v_fma(v_sub(v_load_upto(z + i, n - i), s), target, dots[j])
                i += LANES
    total[0] = fold_vecs(totals, n)
    dot[0] = fold_vecs(dots, n)


cdef inline void cross_entropy_row(const real* z, const real* y, real* delta, real* o, Py_ssize_t n, double weight,
                                   double scale, double* loss, const double* settings,
                                   const bint adjusted) noexcept nogil:
    cdef real highest = row_max(z, n), y_sum, dot, exp_sum, log_exp_sum
    cdef Py_ssize_t j = 0
    cdef vec p, s, factor = v_set(<real> (weight * scale))
    if adjusted:
        target_sums(z, y, settings, n, highest, &y_sum, &dot)
    else:
        y_sum = row_sum(y, n)
        dot = row_dot(z, y, n, highest)
    s = v_set(y_sum)
    exp_sum = softmax_row(z, delta, n, highest)
    log_of(&exp_sum, &log_exp_sum, 1)
    loss[0] = weight * (<double> log_exp_sum * y_sum - dot)
    while j < n:
        p = v_load_upto(delta + j, n - j)
        if o != NULL:
            v_store_upto(o + j, p, n - j)
        v_store_upto(delta + j, v_mul(v_sub(v_mul(p, s), v_target(y, settings, adjusted, j, n)), factor), n - j)
        j += LANES


cdef inline void cross_entropy_aside(const real* z_, const real* y_, const real* w, real* delta, real* o,
                                     Py_ssize_t n_rows, Py_ssize_t n, double scale, double* losses,
                                     const double* settings, const bint adjusted) noexcept nogil:
    """n_rows narrow rows side by side."""
    cdef vec z[COLUMNS_ASIDE]
    cdef vec y[COLUMNS_ASIDE]
    cdef vec p[COLUMNS_ASIDE]
    cdef vec y_sum, factor
    cdef real factors[LANES]
    cdef real logs[LANES]
    cdef real y_sums[LANES]
    cdef real dots[LANES]
    cdef Py_ssize_t i, j
    load_aside(z, z_, n, n_rows)
    load_aside(y, y_, n, n_rows)
    if adjusted:
        for j in range(n):
            y[j] = v_adjusted(y[j], settings, v_set(<real> settings[2 + j]))
    y_sum = sum_aside(y, n)
    v_store(y_sums, y_sum)
    v_store(logs, v_log(softmax_aside(z, p, n)))
    v_store(dots, dot_aside(z, y, n))
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


cdef inline void cross_entropy_rows(const LossRows* b, const bint adjusted) noexcept nogil:
    cdef const real* z = <const real*> b.o_or_z
    cdef const real* y = <const real*> b.y
    cdef const real* w = <const real*> b.w
    cdef real* delta = <real*> b.delta
    cdef real* o = <real*> b.o
    cdef Py_ssize_t i = 0, count, n = b.n
    while i < b.m:
        count = rows_aside(b.m - i, n)
        if count:
            cross_entropy_aside(z, y, w, delta, o, count, n, b.scale, b.losses + i, b.settings, adjusted)
        else:
            count = 1
            cross_entropy_row(
                z, y, delta, o, n, weight_of(w, 0), b.scale, b.losses + i, b.settings, adjusted)
        i += count
        z += count * n
        y += count * n
        delta += count * n
        if o != NULL:
            o += count * n
        if w != NULL:
            w += count


cdef void cross_entropy(const LossRows* b) noexcept nogil:
    cross_entropy_rows(b, False)


cdef void adjusted_cross_entropy(const LossRows* b) noexcept nogil:
    """settings: keep, share, weights (n,)."""
    cross_entropy_rows(b, True)


cdef void kl_divergence(const LossRows* b) noexcept nogil:
    cdef const real* y = <const real*> b.y
    cdef vec sums[ROW_VECS]
    cdef vec v, zero = v_set(0)
    cdef Py_ssize_t i, j, k
    cross_entropy_rows(b, False)
    for i in range(b.m):
        for k in range(ROW_VECS):
            sums[k] = zero
        j = 0
        while j < b.n:
            for k in range(ROW_VECS):
                if j < b.n:
                    v = v_load_upto(y + j, b.n - j)
                    sums[k] = v_add(sums[k], v_if_gt(v, zero, v_mul(v, v_log(v)), zero))
                    j += LANES
        b.losses[i] += weight_of(<const real*> b.w, i) * fold_vecs(sums, b.n)
        y += b.n


cdef inline vec v_focal_power(vec log_p, vec gamma_, vec* rest) noexcept nogil:
    """(1 - p)**gamma, and rest = 1 - p; 1 for gamma = 0."""
    cdef vec one = v_set(1), zero = v_set(0)
    rest[0] = v_sub(zero, v_expm1(log_p))
    return v_if_gt(gamma_, zero, v_exp(v_mul(gamma_, v_log(rest[0]))), one)


cdef inline double focal_row(const real* z, const real* y, real* delta, real* o, Py_ssize_t n,
                             const double* settings) noexcept nogil:
    """The row's loss, of weight 1, and its slope along z."""
    cdef vec losses[ROW_VECS]
    cdef vec slopes[ROW_VECS]
    cdef vec c, log_p, p, power, rest, ratio, g, one = v_set(1), zero = v_set(0), gamma_ = v_set(<real> settings[0])
    cdef real highest = row_max(z, n), exp_sum = softmax_row(z, delta, n, highest), log_exp_sum
    cdef vec shift = v_set(highest), s = v_set(exp_sum), total
    cdef Py_ssize_t i = 0, j
    log_of(&exp_sum, &log_exp_sum, 1)
    for j in range(ROW_VECS):
        losses[j] = slopes[j] = zero
    while i < n:
        for j in range(ROW_VECS):
            if i < n:
                p = v_load_upto(delta + i, n - i)
                if o != NULL:
                    v_store_upto(o + i, p, n - i)
                c = v_mul(v_settings(settings + 1 + i, n - i), v_load_upto(y + i, n - i))
                log_p = v_sub(v_sub(v_load_upto(z + i, n - i), shift), v_set(log_exp_sum))
                power = v_focal_power(log_p, gamma_, &rest)
                ratio = v_if_gt(rest, zero, v_div(log_p, rest), v_set(-1))
                g = v_mul(v_mul(c, power), v_sub(v_mul(v_mul(gamma_, p), ratio), one))
                g = v_if_gt(c, zero, g, zero)
                losses[j] = v_sub(losses[j], v_if_gt(c, zero, v_mul(v_mul(c, power), log_p), zero))
                slopes[j] = v_add(slopes[j], g)
                v_store_upto(delta + i, g, n - i)
                i += LANES
    total = v_set(fold_vecs(slopes, n))
    i = 0
    while i < n:
        p = v_div(v_exp_in_softmax(v_sub(v_load_upto(z + i, n - i), shift)), s)
        v_store_upto(delta + i, v_sub(v_load_upto(delta + i, n - i), v_mul(p, total)), n - i)
        i += LANES
    return fold_vecs(losses, n)


cdef void focal(const LossRows* b) noexcept nogil:
    """settings: gamma, the classes' weights (n,)."""
    cdef Py_ssize_t i, n = b.n
    for i in range(b.m):
        b.losses[i] = weight_of(<const real*> b.w, i) * focal_row(
            <const real*> b.o_or_z + i * n, <const real*> b.y + i * n, <real*> b.delta + i * n,
            <real*> b.o + i * n if b.o != NULL else NULL, n, b.settings)
    scale_rows(<real*> b.delta, <const real*> b.w, b.m, n, b.scale)


cdef inline void sigmoid_output(const LossRows* b) noexcept nogil:
    if b.o != NULL:
        map_lanes(v_sigmoid, b.o_or_z, b.o, b.m * b.n)


cdef void binary_cross_entropy(const LossRows* b) noexcept nogil:
    cdef const real* z = <const real*> b.o_or_z
    cdef const real* y = <const real*> b.y
    cdef real* delta = <real*> b.delta
    cdef real* o = <real*> b.o
    cdef Py_ssize_t i = 0, count = b.m * b.n
    cdef vec x, p, linear
    while i < count:
        x = v_load_upto(z + i, count - i)
        linear = v_max(x, v_set(0))
        linear = v_fnma(x, v_load_upto(y + i, count - i), linear)       # exact for y 0 or 1
        v_store_upto(delta + i, v_add(linear, v_log1p_exp(x)), count - i)
        i += LANES
    average_rows(b, False, 1)
    i = 0
    while i < count:
        p = v_sigmoid(v_load_upto(z + i, count - i))
        if o != NULL:
            v_store_upto(o + i, p, count - i)
        v_store_upto(delta + i, v_sub(p, v_load_upto(y + i, count - i)), count - i)
        i += LANES
    scale_rows(delta, <const real*> b.w, b.m, b.n, b.scale / b.n)


cdef void adjusted_binary_cross_entropy(const LossRows* b) noexcept nogil:
    """settings: keep, share, pos_weight (n,)."""
    cdef const real* z = <const real*> b.o_or_z
    cdef const real* y = <const real*> b.y
    cdef real* delta = <real*> b.delta
    cdef vec keep = v_set(<real> b.settings[0]), share = v_set(<real> b.settings[1]), one = v_set(1)
    cdef vec x, target, pos_weight, k
    cdef Py_ssize_t i, j, at, n = b.n
    for i in range(b.m):
        j = 0
        while j < n:
            at = i * n + j
            x = v_load_upto(z + at, n - j)
            target = v_fma(keep, v_load_upto(y + at, n - j), share)
            k = v_fma(v_sub(v_settings(b.settings + 2 + j, n - j), one), target, one)
            v_store_upto(delta + at, v_fma(v_sub(one, target), x, v_mul(k, v_softplus(v_sub(v_set(0), x)))), n - j)
            j += LANES
        b.losses[i] = weight_of(<const real*> b.w, i) * row_sum(delta + i * n, n) / n
        j = 0
        while j < n:
            at = i * n + j
            pos_weight = v_settings(b.settings + 2 + j, n - j)
            target = v_fma(keep, v_load_upto(y + at, n - j), share)
            k = v_fma(v_sub(pos_weight, one), target, one)
            x = v_sigmoid(v_load_upto(z + at, n - j))
            v_store_upto(delta + at, v_sub(v_mul(k, x), v_mul(pos_weight, target)), n - j)
            j += LANES
    sigmoid_output(b)
    scale_rows(delta, <const real*> b.w, b.m, n, b.scale / n)


cdef inline vec v_binary_focal(vec z, vec y, const vec* c) noexcept nogil:
    cdef vec zero = v_set(0)
    cdef vec log_p = v_sub(zero, v_softplus(v_sub(zero, z))), log_q = v_sub(zero, v_softplus(z))
    cdef vec yes = v_mul(v_mul(v_mul(c[1], y), v_exp(v_mul(c[0], log_q))), log_p)
    cdef vec no = v_mul(v_mul(v_mul(c[2], v_sub(v_set(1), y)), v_exp(v_mul(c[0], log_p))), log_q)
    return v_sub(zero, v_add(yes, no))


cdef inline vec v_binary_focal_slope(vec z, vec y, const vec* c) noexcept nogil:
    cdef vec zero = v_set(0), minus = v_sub(zero, z)
    cdef vec p = v_sigmoid(z), q = v_sigmoid(minus)
    cdef vec log_p = v_sub(zero, v_softplus(minus)), log_q = v_sub(zero, v_softplus(z))
    cdef vec yes = v_mul(v_mul(c[1], y), v_exp(v_mul(c[0], log_q)))
    cdef vec no = v_mul(v_mul(c[2], v_sub(v_set(1), y)), v_exp(v_mul(c[0], log_p)))
    yes = v_mul(yes, v_sub(v_mul(v_mul(c[0], p), log_p), q))
    no = v_mul(no, v_sub(v_mul(v_mul(c[0], q), log_q), p))
    return v_sub(yes, no)


cdef void binary_focal(const LossRows* b) noexcept nogil:
    """settings: gamma, the weight of yes, the weight of no."""
    cdef vec c[3]
    cdef Py_ssize_t i
    for i in range(3):
        c[i] = v_set(<real> b.settings[i])
    score_rows(v_binary_focal, c, b, 1)
    step_back(v_binary_focal_slope, c, b, 1)
    sigmoid_output(b)


cdef void nll(const LossRows* b) noexcept nogil:
    """settings: the classes' weights (n,)."""
    cdef const real* y = <const real*> b.y
    cdef real* delta = <real*> b.delta
    cdef Py_ssize_t i, j, n = b.n
    for i in range(b.m):
        j = 0
        while j < n:
            v_store_upto(delta + j, v_mul(v_settings(b.settings + j, n - j), v_load_upto(y + j, n - j)), n - j)
            j += LANES
        b.losses[i] = -weight_of(<const real*> b.w, i) * row_dot(<const real*> b.o_or_z + i * n, delta, n, 0)
        y += n
        delta += n
    scale_rows(<real*> b.delta, <const real*> b.w, b.m, n, -b.scale)


cdef inline vec v_side(vec y) noexcept nogil:
    return v_if_gt(y, v_set(0), v_set(1), v_set(-1))


cdef inline vec v_hinge(vec o, vec y, const vec* c) noexcept nogil:
    cdef vec h = v_sub(v_set(1), v_mul(v_side(y), o))
    return v_max(v_set(0), h)


cdef inline vec v_hinge_slope(vec o, vec y, const vec* c) noexcept nogil:
    cdef vec side = v_side(y)
    return v_if_gt(v_sub(v_set(1), v_mul(side, o)), v_set(0), v_sub(v_set(0), side), v_set(0))


cdef void hinge(const LossRows* b) noexcept nogil:
    score_rows(v_hinge, NULL, b, 1)
    step_back(v_hinge_slope, NULL, b, 1)


cdef inline vec v_squared_hinge(vec o, vec y, const vec* c) noexcept nogil:
    cdef vec h = v_hinge(o, y, c)
    return v_mul(h, h)


cdef inline vec v_squared_hinge_slope(vec o, vec y, const vec* c) noexcept nogil:
    return v_mul(v_hinge(o, y, c), v_sub(v_set(0), v_side(y)))


cdef void squared_hinge(const LossRows* b) noexcept nogil:
    score_rows(v_squared_hinge, NULL, b, 1)
    step_back(v_squared_hinge_slope, NULL, b, 2)
