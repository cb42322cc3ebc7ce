# exp, log, log1p, tanh and sigmoid on a vector: the core's own, so that they are the same bits everywhere.
#
#   exp(x)     = 2**n exp(r),             n = round(x / ln 2),  r = x - n ln 2 in two steps,  |r| <= ln(2) / 2
#   log(x)     = e ln 2 + log(v),         x = v 2**e,  v in [sqrt(1/2), sqrt(2)),  s = (v - 1) / (v + 1):
#                log(v) = 2 s + s**3 R(s**2)
#   tanh(x)    = x + x**3 T(x**2)         for |x| < 0.625,  1 - 2 / (exp(2 |x|) + 1) with x's sign beyond
#   sigmoid(x) = 1 / (1 + exp(-x))        for x >= 0,  exp(x) / (1 + exp(x)) below
#
# The method is that of W. J. Cody & W. Waite (1980), "Software Manual for the Elementary Functions", and for
# log of FreeBSD's msun; the polynomials are made by tools/coefficients.py. NaN in, NaN out; the ends
# (infinities, overflow, underflow to subnormals) are exact.

cdef extern from "coefficients.h":
    enum:
        EXPM1_TERMS
        LOG_TERMS
        TANH_TERMS
    const real[1] EXPM1_C
    const real[1] LOG_C
    const real[1] TANH_C
    const real LN2_HIGH
    const real LN2_LOW
    const real LOG2_E


cdef inline vec v_polynomial(const real* c, const Py_ssize_t n_terms, vec x) noexcept nogil:
    """c[0] + c[1] x + ... by Horner's rule."""
    cdef Py_ssize_t i
    cdef vec y = v_set(c[n_terms - 1])
    for i in range(2, n_terms + 1):
        y = v_fma(y, x, v_set(c[n_terms - i]))
    return y


cdef inline vec v_exp(vec x) noexcept nogil:
    cdef vec n, r, p, half, magic = v_set(MAGIC)
    x = v_if_gt(x, v_set(EXP_HIGHEST), v_set(EXP_HIGHEST), x)       # beyond, the result is inf or 0 all the same
    x = v_if_gt(v_set(EXP_LOWEST), x, v_set(EXP_LOWEST), x)
    n = v_sub(v_fma(x, v_set(LOG2_E), magic), magic)
    r = v_fma(n, v_set(-LN2_LOW), v_fma(n, v_set(-LN2_HIGH), x))
    p = v_fma(v_mul(r, r), v_polynomial(EXPM1_C, EXPM1_TERMS, r), r)
    # 2**n in two factors, because n alone may leave the range of normal exponents; only the last may round
    half = v_sub(v_fma(n, v_set(<real>0.5), magic), magic)
    p = v_mul(v_add(p, v_set(1)), v_pow2(v_add(half, magic)))
    return v_mul(p, v_pow2(v_add(v_sub(n, half), magic)))


cdef inline vec v_log(vec x) noexcept nogil:
    cdef vec e, f, s, z, hfsq, tail, y
    cdef vec tiny = v_set(SMALLEST_NORMAL)
    cdef vec scaled = v_if_gt(tiny, x, v_mul(x, v_set(INTEGER_ONE)), x)         # lifts subnormals
    f = v_sub(v_split(scaled, &e), v_set(1))
    e = v_if_gt(tiny, x, v_sub(e, v_set(FRACTION_BITS)), e)
    s = v_div(f, v_add(f, v_set(2)))
    z = v_mul(s, s)
    hfsq = v_mul(v_mul(v_set(<real>0.5), f), f)
    # log(1 + f) = f - (f**2 / 2 - s (f**2 / 2 + z R(z))), whose largest term f is exact
    tail = v_fma(s, v_fma(z, v_polynomial(LOG_C, LOG_TERMS, z), hfsq), v_mul(e, v_set(LN2_LOW)))
    y = v_fma(e, v_set(LN2_HIGH), v_sub(f, v_sub(hfsq, tail)))
    y = v_if_gt(x, v_set(LARGEST), x, y)                                        # log(inf) = inf
    return v_if_gt(x, v_set(0), y, v_if_gt(v_set(0), x, v_set(NAN), v_sub(x, v_set(INFINITY))))   # log(0) = -inf


cdef inline vec v_log1p(vec x) noexcept nogil:
    """log(1 + x) for x >= 0: log(w) with w = 1 + x rounded, and the rounding error's share added back."""
    cdef vec w = v_add(v_set(1), x)
    cdef vec lost = v_sub(x, v_sub(w, v_set(1)))
    return v_if_gt(x, v_set(LARGEST), x, v_add(v_log(w), v_div(lost, w)))


cdef inline vec v_tanh(vec x) noexcept nogil:
    cdef vec size = v_abs(x)
    cdef vec z = v_mul(x, x)
    cdef vec near = v_fma(v_mul(x, z), v_polynomial(TANH_C, TANH_TERMS, z), x)
    cdef vec far = v_div(v_set(2), v_add(v_exp(v_add(size, size)), v_set(1)))
    return v_copysign(v_if_gt(v_set(<real>0.625), size, near, v_sub(v_set(1), far)), x)


cdef inline vec v_sigmoid(vec x) noexcept nogil:
    cdef vec e = v_exp(v_sub(v_set(0), v_abs(x)))
    return v_div(v_if_gt(v_set(0), x, e, v_set(1)), v_add(v_set(1), e))


ctypedef vec (*lanes_to_lanes)(vec x) noexcept nogil


cdef inline void map_lanes(lanes_to_lanes f, const void* x_, void* y_, Py_ssize_t count) noexcept nogil:
    """y = f(x), element by element; x and y may be the same memory."""
    cdef const real* x = <const real*> x_
    cdef real* y = <real*> y_
    cdef Py_ssize_t i = 0
    while i < count:
        v_store_upto(y + i, f(v_load_upto(x + i, count - i)), count - i)
        i += LANES


cdef void exp_of(const void* x, void* y, Py_ssize_t count) noexcept nogil:
    map_lanes(v_exp, x, y, count)


cdef void log_of(const void* x, void* y, Py_ssize_t count) noexcept nogil:
    map_lanes(v_log, x, y, count)


cdef void log1p_of(const void* x, void* y, Py_ssize_t count) noexcept nogil:
    map_lanes(v_log1p, x, y, count)


cdef void tanh_of(const void* x, void* y, Py_ssize_t count) noexcept nogil:
    map_lanes(v_tanh, x, y, count)


cdef void sigmoid_of(const void* x, void* y, Py_ssize_t count) noexcept nogil:
    map_lanes(v_sigmoid, x, y, count)
