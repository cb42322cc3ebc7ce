# Elementary functions on a vector: the core's own, so that they are the same bits everywhere.
#
# This comment is their definition: a + b, a - b, a b and a / b round once each, fma(a, b, c) = a b + c once in all, and
# round() goes to the nearest integer, ties to even; P(x) of c[0..k] is Horner's chain of fma from c[k] down. Constants
# are those of coefficients.h (made by tools/coefficients.py) and of vec.h. "b if a > c else d" takes d for a NaN.
#
#   remainder of ln 2   r(x, n) = fma(n, -LN2_LOW, fma(n, -LN2_HIGH, x))
#   exp(r) - 1          g(r) = fma(r r, EXPM1(r), r)
#
#   exp(x)        x clamped to EXP_LOWEST..EXP_HIGHEST;  n = round(x LOG2_E), the product not rounded before;
#                 (1 + g(r)) 2**n, the product rounded once
#   expm1(x)      x clamped to EXPM1_LOWEST..EXP_HIGHEST;  n as for exp;  h = 2**(n - 1)
#                 high = fma(n, -LN2_HIGH, x),  r = fma(n, -LN2_LOW, high),  low = fma(n, -LN2_LOW, high - r)
#                 y = fma(h, r, h - 1/2),  lost = fma(h, r, (h - 1/2) - y)
#                 Y = y + fma(h, fma(r r, EXPM1(r), low), lost);  Y + Y,  but x where |x| <= TINY
#   T(w)          1 / (1 + exp(w)) / UNIT for w >= 0, in that unit no subnormal:
#                 w at most -EXP_LOWEST;  m = round(-w LOG2_E),  r = r(w, -m),  a = 2**m / UNIT
#                 d = fma(a, UNIT, 1 + g);  lost = g + fma(a, UNIT, 1 - d)            d + lost = 1 + 2**m + g
#                 z = 1 / d;  fma(z, fma(-z, lost, fma(-z, d, 1)), z) a                             one step of Newton's
#   sigmoid(x)    T(|x|) UNIT for x < 0, fma(T(|x|), -UNIT, 1) otherwise
#   tanh(x)       float64: fma(x z, TANH(z), x) with z = x x for |x| <= 0.625, fma(T(|x| + |x|), -2 UNIT, 1) beyond
#                 float32: s = |x|, at most TANH_ONE;  v = fma(s, TANH_SPREAD, 1) in 1..16, whose exponent and first
#                 fraction bit name a piece and its column (center, c0, ... c7) in TANH_TABLE (see v_lookup in vec.h):
#                 d = s - center;  fma(d, P(d) of c1..c7, b),  b = s where v < 1.5, else c0
#                 x's sign
#   log of a sum  L(w, c) = log(w) + c where c is small beside it:  w = v 2**e,  v in [sqrt(1/2), sqrt(2))
#                 f = v - 1;  s = f / (f + 2);  z = s s;  h = (f / 2) f
#                 fma(e, LN2_HIGH, f - (h - fma(s, fma(z, LOG(z), h), fma(e, LN2_LOW, c))))
#                 subnormal w is multiplied by 2**FRACTION_BITS first;  L(0) = -inf, L(inf) = inf, L(w < 0) = NaN
#   log(x)        L(x, 0)
#   log1p(x)      w = 1 + x;  lost = 1 - (w - x) if x > 1 else x - (w - 1);  L(w, lost / w) with x's sign
#   softplus(x)   LN2_HIGH + fma(1/2, x, fma(x x, SOFTPLUS(x x), LN2_LOW)) for |x| <= 1, max(x, 0) + S(x) beyond
#   S(x)          log(1 + exp(-|x|)):  n, r, g as for exp(-|x|),  p = 1 + g
#                 e = p 2**n and low = (g - (p - 1)) 2**n, rounded once each
#                 w = 1 + e;  L(w, ((e - (w - 1)) + low) / w)
#   erf(x)        fma(x, ERF(x x), x) for |x| <= 1;  beyond, with |x| at most ERF_ONE,  g = ERFC(|x| - 1);
#                 n = round(g LOG2_E),  r = r(g, n);  fma(g(r), -2**n, 1 - 2**n);  x's sign
#   sin, cos      in trigonometric.pxi
#
# After W. J. Cody & W. Waite (1980), "Software Manual for the Elementary Functions"; log after FreeBSD's msun.
# NaN in, NaN out; the ends (infinities, overflow, underflow to subnormals) are exact.

cdef extern from "coefficients.h":
    enum:
        EXPM1_TERMS
        LOG_TERMS
        TANH_TERMS
        ERF_TERMS
        ERFC_TERMS
        SOFTPLUS_TERMS
        NORMAL_TERMS
        TANH_ROWS
    const real[1] EXPM1_C
    const real[1] LOG_C
    const real[1] TANH_C
    const real[1] ERF_C
    const real[1] ERFC_C
    const real[1] SOFTPLUS_C
    const real[1] NORMAL_C
    const real[1] TANH_TABLE
    const real TANH_ONE
    const real TANH_SPREAD
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


cdef inline vec v_exponent(vec x) noexcept nogil:
    """n + MAGIC with n = round(x / ln 2)."""
    return v_fma(x, v_set(LOG2_E), v_set(MAGIC))


cdef inline vec v_less_ln2(vec x, vec n) noexcept nogil:
    """x - n ln 2: the first of the two steps is exact."""
    return v_fma(n, v_set(-LN2_LOW), v_fma(n, v_set(-LN2_HIGH), x))


cdef inline vec v_reduced_expm1(vec r) noexcept nogil:
    """exp(r) - 1 for |r| <= ln(2) / 2; as r + ..., since in r q(r) a rounding of q could outweigh a step of r."""
    return v_fma(v_mul(r, r), v_polynomial(EXPM1_C, EXPM1_TERMS, r), r)


cdef inline vec v_exp_within(vec x) noexcept nogil:
    """exp(x) for x in EXP_LOWEST..EXP_HIGHEST."""
    cdef vec t = v_exponent(x)
    cdef vec r = v_less_ln2(x, v_sub(t, v_set(MAGIC)))
    return v_scale(v_add(v_reduced_expm1(r), v_set(1)), t)


cdef inline vec v_exp(vec x) noexcept nogil:
    """Beyond that range the result is 0 or inf all the same."""
    return v_exp_within(v_max(v_set(EXP_LOWEST), v_min(v_set(EXP_HIGHEST), x)))


cdef inline vec v_expm1(vec x_) noexcept nogil:
    cdef vec t, n, high, r, low, h, rest, y
    cdef vec x = v_max(v_set(EXPM1_LOWEST), v_min(v_set(EXP_HIGHEST), x_))
    t = v_exponent(x)
    n = v_sub(t, v_set(MAGIC))
    high = v_fma(n, v_set(-LN2_HIGH), x)
    r = v_fma(n, v_set(-LN2_LOW), high)
    low = v_fma(n, v_set(-LN2_LOW), v_sub(high, r))                     # what r lost to rounding
    h = v_pow2(v_sub(t, v_set(1)))                                      # 2**n may be beyond the largest number
    rest = v_sub(h, v_set(<real>0.5))
    y = v_fma(h, r, rest)
    rest = v_fma(h, r, v_sub(rest, y))
    y = v_add(y, v_fma(h, v_fma(v_mul(r, r), v_polynomial(EXPM1_C, EXPM1_TERMS, r), low), rest))
    return v_if_gt(v_abs(x_), v_set(TINY), v_add(y, y), x_)


cdef inline vec v_logistic_tail_within(vec w) noexcept nogil:
    """1 / (1 + exp(w)) / UNIT for w in 0..LOGISTIC_LARGEST, to about half a unit in the last place."""
    cdef vec t, r, g, a, d, lost, z
    t = v_fma(w, v_set(-LOG2_E), v_set(MAGIC + UNIT_EXPONENT))
    r = v_less_ln2(w, v_sub(v_set(MAGIC + UNIT_EXPONENT), t))
    g = v_reduced_expm1(r)
    a = v_pow2(t)
    d = v_fma(a, v_set(UNIT), v_add(g, v_set(1)))
    lost = v_add(g, v_fma(a, v_set(UNIT), v_sub(v_set(1), d)))
    z = v_div(v_set(1), d)
    return v_mul(v_fma(z, v_fnma(z, lost, v_fnma(z, d, v_set(1))), z), a)


cdef inline vec v_logistic_tail(vec w) noexcept nogil:
    """The same for any w >= 0."""
    return v_logistic_tail_within(v_min(v_set(-EXP_LOWEST), w))


cdef inline vec v_sigmoid(vec x) noexcept nogil:
    cdef vec tail = v_logistic_tail(v_abs(x))
    return v_if_gt(v_set(0), x, v_mul(tail, v_set(UNIT)), v_fma(tail, v_set(-UNIT), v_set(1)))


cdef inline vec v_tanh_by_table(vec x) noexcept nogil:
    """Eight polynomials, looked up within registers, in half of the other way's time."""
    cdef Py_ssize_t i
    cdef vec size = v_min(v_set(TANH_ONE), v_abs(x))
    cdef vec v = v_fma(size, v_set(TANH_SPREAD), v_set(1))
    cdef vec d = v_sub(size, v_lookup(TANH_TABLE, v))
    # c0 where v is above 1.5's lower neighbour: so AVX-512 looks up and chooses by one instruction
    cdef vec base = v_if_gt(v, v_set(<real>1.5 - EPSILON), v_lookup(TANH_TABLE + 8, v), size)
    cdef vec y = v_lookup(TANH_TABLE + 8 * (TANH_ROWS - 1), v)
    for i in range(2, TANH_ROWS - 1):
        y = v_fma(y, d, v_lookup(TANH_TABLE + 8 * (TANH_ROWS - i), v))
    return v_copysign(v_fma(d, y, base), x)


cdef inline vec v_tanh_by_exp(vec x) noexcept nogil:
    cdef vec size = v_abs(x)
    cdef vec z = v_mul(x, x)
    cdef vec near = v_fma(v_mul(x, z), v_polynomial(TANH_C, TANH_TERMS, z), x)
    cdef vec far = v_fma(v_logistic_tail(v_add(size, size)), v_set(-2 * UNIT), v_set(1))
    return v_copysign(v_if_gt(size, v_set(<real>0.625), far, near), x)


cdef inline vec v_tanh(vec x) noexcept nogil:
    return v_tanh_by_table(x) if sizeof(real) == 4 else v_tanh_by_exp(x)


cdef inline vec v_log_of_sum(vec w, vec c) noexcept nogil:
    """log(w) + c, where c is small."""
    cdef vec e, f, s, z, h, tail, y
    cdef vec tiny = v_set(SMALLEST_NORMAL)
    cdef vec scaled = v_if_gt(tiny, w, v_mul(w, v_set(INTEGER_ONE)), w)         # lifts subnormals
    f = v_sub(v_split(scaled, &e), v_set(1))
    e = v_if_gt(tiny, w, v_sub(e, v_set(FRACTION_BITS)), e)
    s = v_div(f, v_add(f, v_set(2)))
    z = v_mul(s, s)
    h = v_mul(v_mul(v_set(<real>0.5), f), f)
    # log(1 + f) = f - (f**2 / 2 - s (f**2 / 2 + z R(z))), whose largest term f is exact
    tail = v_fma(s, v_fma(z, v_polynomial(LOG_C, LOG_TERMS, z), h), v_fma(e, v_set(LN2_LOW), c))
    y = v_fma(e, v_set(LN2_HIGH), v_sub(f, v_sub(h, tail)))
    y = v_if_gt(w, v_set(LARGEST), w, y)                                        # log(inf) = inf
    return v_if_gt(w, v_set(0), y, v_if_gt(v_set(0), w, v_set(NAN), v_sub(w, v_set(INFINITY))))   # log(0) = -inf


cdef inline vec v_log(vec x) noexcept nogil:
    return v_log_of_sum(x, v_set(0))


cdef inline vec v_log1p(vec x) noexcept nogil:
    """log(w) with w = 1 + x rounded, and the rounding error's share added back."""
    cdef vec one = v_set(1)
    cdef vec w = v_add(one, x)
    cdef vec lost = v_if_gt(x, one, v_sub(one, v_sub(w, x)), v_sub(x, v_sub(w, one)))
    return v_copysign(v_log_of_sum(w, v_div(lost, w)), x)


cdef inline vec v_log1p_exp(vec x) noexcept nogil:
    """log(1 + exp(-|x|))."""
    cdef vec one = v_set(1)
    cdef vec t, r, g, p, e, low, w
    x = v_max(v_set(EXP_LOWEST), v_sub(v_set(0), v_abs(x)))
    t = v_exponent(x)
    r = v_less_ln2(x, v_sub(t, v_set(MAGIC)))
    g = v_reduced_expm1(r)
    p = v_add(g, one)
    e = v_scale(p, t)
    low = v_scale(v_sub(g, v_sub(p, one)), t)
    w = v_add(one, e)
    return v_log_of_sum(w, v_div(v_add(v_sub(e, v_sub(w, one)), low), w))


cdef inline vec v_softplus(vec x) noexcept nogil:
    """Near 0, S falls by a rounding where x has risen by less; there it is ln 2 + x / 2 + an even series."""
    cdef vec z = v_mul(x, x)
    cdef vec near = v_fma(z, v_polynomial(SOFTPLUS_C, SOFTPLUS_TERMS, z), v_set(LN2_LOW))
    near = v_add(v_set(LN2_HIGH), v_fma(v_set(<real>0.5), x, near))
    return v_if_gt(v_abs(x), v_set(1), v_add(v_max(x, v_set(0)), v_log1p_exp(x)), near)


cdef inline vec v_erf(vec x) noexcept nogil:
    cdef vec size = v_abs(x), one = v_set(1)
    cdef vec near = v_fma(x, v_polynomial(ERF_C, ERF_TERMS, v_mul(x, x)), x)
    cdef vec g = v_polynomial(ERFC_C, ERFC_TERMS, v_sub(v_min(v_set(ERF_ONE), size), one))
    cdef vec t = v_exponent(g)
    cdef vec r = v_less_ln2(g, v_sub(t, v_set(MAGIC)))
    cdef vec minus = v_sub(v_set(0), v_pow2(t))
    cdef vec far = v_fma(v_reduced_expm1(r), minus, v_add(one, minus))        # 1 - exp(g)
    return v_copysign(v_if_gt(size, one, far, near), x)


ctypedef vec (*lanes_to_lanes)(vec x) noexcept nogil


cdef inline void map_lanes(lanes_to_lanes f, const void* x_, void* y_, Py_ssize_t count) noexcept nogil:
    """y = f(x), element by element; x and y may be the same memory."""
    cdef const real* x = <const real*> x_
    cdef real* y = <real*> y_
    cdef Py_ssize_t i = 0
    while i + LANES <= count:
        v_store(y + i, f(v_load(x + i)))
        i += LANES
    if i < count:
        v_store_part(y + i, f(v_load_part(x + i, count - i)), count - i)


cdef void exp_of(const void* x, void* y, Py_ssize_t count) noexcept nogil:
    map_lanes(v_exp, x, y, count)


cdef void expm1_of(const void* x, void* y, Py_ssize_t count) noexcept nogil:
    map_lanes(v_expm1, x, y, count)


cdef void log_of(const void* x, void* y, Py_ssize_t count) noexcept nogil:
    map_lanes(v_log, x, y, count)


cdef void log1p_of(const void* x, void* y, Py_ssize_t count) noexcept nogil:
    map_lanes(v_log1p, x, y, count)


cdef void tanh_of(const void* x, void* y, Py_ssize_t count) noexcept nogil:
    map_lanes(v_tanh, x, y, count)


cdef void sigmoid_of(const void* x, void* y, Py_ssize_t count) noexcept nogil:
    map_lanes(v_sigmoid, x, y, count)


cdef void softplus_of(const void* x, void* y, Py_ssize_t count) noexcept nogil:
    map_lanes(v_softplus, x, y, count)


cdef void erf_of(const void* x, void* y, Py_ssize_t count) noexcept nogil:
    map_lanes(v_erf, x, y, count)
