# Losses of numbers that are not negative, from a mean mu: either o itself or, for o = log(mu), exp(o). Each row's loss
# is the mean over its outputs of
#
#   poisson           exp(o) - y o                         slope exp(o) - y
#                     o - y log(o + epsilon)                     1 - y / (o + epsilon)
#   poisson_deviance  2 (y log(y / mu) - y + mu)                 2 (mu - y)            along log(mu)
#   gamma             2 (d + exp(-d) - 1), d = log(mu / y)       2 (1 - y / mu)
#   tweedie           2 (y**(2 - p) / ((1 - p) (2 - p)) - y mu**(1 - p) / (1 - p) + mu**(2 - p) / (2 - p))
#                                                                2 mu**(1 - p) (mu - y)
#
# The slopes along mu are these, divided by mu. Powers are exp(exponent log(x)).


cdef inline vec v_poisson_of_log(vec o, vec y, const vec* c) noexcept nogil:
    return v_fnma(y, o, v_exp(o))


cdef inline vec v_poisson_of_log_slope(vec o, vec y, const vec* c) noexcept nogil:
    return v_sub(v_exp(o), y)


cdef inline vec v_poisson_of_mean(vec o, vec y, const vec* c) noexcept nogil:
    return v_fnma(y, v_log(v_add(o, c[0])), o)


cdef inline vec v_poisson_of_mean_slope(vec o, vec y, const vec* c) noexcept nogil:
    return v_sub(v_set(1), v_div(y, v_add(o, c[0])))


cdef inline vec v_log_factorial(vec o, vec y, const vec* c) noexcept nogil:
    """Stirling's y log(y) - y + log(2 pi y) / 2 where y > 1, else 0; c holds log(2 pi) / 2."""
    cdef vec log_y = v_log(y)
    cdef vec terms = v_add(v_fma(y, log_y, v_sub(v_set(0), y)), v_fma(v_set(<real>0.5), log_y, c[0]))
    return v_if_gt(y, v_set(1), terms, v_set(0))


cdef void poisson(const LossRows* b) noexcept nogil:
    """settings: whether o is the logarithm, whether to add log(y!), epsilon, log(2 pi) / 2."""
    cdef bint of_log = b.settings[0] != 0
    cdef Py_ssize_t i
    cdef vec c[1]
    c[0] = v_set(<real> b.settings[2])
    if of_log:
        score_rows(v_poisson_of_log, c, b, 1)
    else:
        score_rows(v_poisson_of_mean, c, b, 1)
    if b.settings[1] != 0:
        c[0] = v_set(<real> b.settings[3])
        map_pairs(v_log_factorial, c, b)
        for i in range(b.m):
            b.losses[i] += weight_of(<const real*> b.w, i) * row_sum(<real*> b.delta + i * b.n, b.n) / b.n
        c[0] = v_set(<real> b.settings[2])
    if of_log:
        step_back(v_poisson_of_log_slope, c, b, 1)
    else:
        step_back(v_poisson_of_mean_slope, c, b, 1)


cdef inline vec v_mean(vec o, vec of_log) noexcept nogil:
    return v_if_gt(of_log, v_set(0), v_exp(o), o)


cdef inline vec v_log_mean(vec o, vec of_log) noexcept nogil:
    return v_if_gt(of_log, v_set(0), o, v_log(o))


cdef inline vec v_along_mean(vec slope, vec o, vec of_log) noexcept nogil:
    """The slope along log(mu) as the one along o."""
    return v_if_gt(of_log, v_set(0), slope, v_div(slope, o))


cdef inline vec v_poisson_deviance(vec o, vec y, const vec* c) noexcept nogil:
    cdef vec zero = v_set(0)
    cdef vec ratio = v_if_gt(y, zero, v_mul(y, v_sub(v_log(y), v_log_mean(o, c[0]))), zero)
    return v_add(ratio, v_sub(v_mean(o, c[0]), y))


cdef inline vec v_poisson_deviance_slope(vec o, vec y, const vec* c) noexcept nogil:
    return v_along_mean(v_sub(v_mean(o, c[0]), y), o, c[0])


cdef void poisson_deviance(const LossRows* b) noexcept nogil:
    """settings: whether o is the logarithm."""
    cdef vec c[1]
    c[0] = v_set(<real> b.settings[0])
    score_rows(v_poisson_deviance, c, b, 2)
    step_back(v_poisson_deviance_slope, c, b, 2)


cdef inline vec v_gamma(vec o, vec y, const vec* c) noexcept nogil:
    cdef vec d = v_sub(v_log_mean(o, c[0]), v_log(y))
    return v_add(d, v_expm1(v_sub(v_set(0), d)))


cdef inline vec v_gamma_slope(vec o, vec y, const vec* c) noexcept nogil:
    cdef vec minus = v_sub(v_log(y), v_log_mean(o, c[0]))
    return v_along_mean(v_sub(v_set(0), v_expm1(minus)), o, c[0])


cdef void gamma(const LossRows* b) noexcept nogil:
    """settings: whether o is the logarithm."""
    cdef vec c[1]
    c[0] = v_set(<real> b.settings[0])
    score_rows(v_gamma, c, b, 2)
    step_back(v_gamma_slope, c, b, 2)


cdef inline vec v_tweedie(vec o, vec y, const vec* c) noexcept nogil:
    cdef vec log_mean = v_log_mean(o, c[0])
    cdef vec of_y = v_mul(c[5], v_exp(v_mul(c[2], v_log(y))))
    cdef vec of_both = v_mul(v_mul(c[3], y), v_exp(v_mul(c[1], log_mean)))
    return v_add(v_sub(of_y, of_both), v_mul(c[4], v_exp(v_mul(c[2], log_mean))))


cdef inline vec v_tweedie_slope(vec o, vec y, const vec* c) noexcept nogil:
    cdef vec slope = v_mul(v_exp(v_mul(c[1], v_log_mean(o, c[0]))), v_sub(v_mean(o, c[0]), y))
    return v_along_mean(slope, o, c[0])


cdef void tweedie(const LossRows* b) noexcept nogil:
    """settings: whether o is the logarithm, power p, neither 1 nor 2."""
    cdef double p = b.settings[1]
    cdef vec c[6]
    c[0] = v_set(<real> b.settings[0])
    c[1] = v_set(<real> (1 - p))
    c[2] = v_set(<real> (2 - p))
    c[3] = v_set(<real> (1 / (1 - p)))
    c[4] = v_set(<real> (1 / (2 - p)))
    c[5] = v_set(<real> (1 / ((1 - p) * (2 - p))))
    score_rows(v_tweedie, c, b, 2)
    step_back(v_tweedie_slope, c, b, 2)
