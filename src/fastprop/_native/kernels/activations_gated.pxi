# Activations that are z times something that goes from 0 to 1. With w = |z|, where f and f' reach far below 1:
#
#   f(-w) = -h(w),  f(w) = w - h(w);      f'(-w) = g(w),  f'(w) = 1 - g(w)          so h and g are all that is computed
#
#   silu       h = w q        g = q (1 - w (1 - q))           q = 1 / (1 + exp(w))
#   gelu tanh  h = w q        g = q (1 - w v' (1 - q))        q = 1 / (1 + exp(v)), v = c1 w + c3 w**3
#   gelu       h = w E M      g = E (M - w / sqrt(2 pi))      E = exp(-w**2 / 2), M = Phi(-w) / E
#
# mish, z tanh(softplus(z)), has no such symmetry; with y = exp(-w) and r = 1 / D it is
#
#   z > 0      z N r,    N = 1 + 2 y,  D = N + 2 y**2             f' = r (N + 4 z y**2 (1 + y) r)
#   else       z y N r,  N = y + 2,    D = y N + 2                f' = y r (N + 4 z (1 + y) r)
#
# q, E and y are kept apart from their last power of two until the end, so that what is tiny is rounded once only.

cdef extern from *:
    """
    #define NORMAL_DENSITY ((real)0.3989422804014327) /* at 0: 1 / sqrt(2 pi) */
    #define GELU_C1 ((real)1.5957691216057308)        /* 2 sqrt(2 / pi) */
    #define GELU_C3 ((real)0.07135481627260025)       /* 0.044715 of it, */
    #define GELU_3_C3 ((real)0.21406444881780075)     /* three times */
    """
    const real NORMAL_DENSITY
    const real GELU_C1
    const real GELU_C3
    const real GELU_3_C3


cdef inline vec v_gate(vec z, vec h) noexcept nogil:
    """f(z) from h(|z|)."""
    return v_sub(v_max(z, v_set(0)), h)


cdef inline vec v_gate_backward(vec z, vec delta, vec g) noexcept nogil:
    """delta f'(z) from g(|z|)."""
    return v_mul(delta, v_if_gt(z, v_set(0), v_sub(v_set(1), g), g))


cdef inline vec v_silu(vec z) noexcept nogil:
    cdef vec w = v_min(v_set(LOGISTIC_LARGEST), v_abs(z))
    return v_gate(z, v_mul(v_mul(w, v_logistic_tail_within(w)), v_set(UNIT)))


cdef void silu_forward(const void* z, void* a, Py_ssize_t m, Py_ssize_t n, const double* settings) noexcept nogil:
    map_lanes(v_silu, z, a, m * n)


cdef inline vec v_logistic_gate_slope(vec x, vec tail) noexcept nogil:
    """q (1 - x (1 - q)) of q = tail UNIT."""
    cdef vec rest = v_fma(tail, v_set(-UNIT), v_set(1))
    return v_mul(v_mul(tail, v_fnma(x, rest, v_set(1))), v_set(UNIT))


cdef inline vec v_silu_backward(vec z, vec delta) noexcept nogil:
    cdef vec w = v_min(v_set(LOGISTIC_LARGEST), v_abs(z))
    return v_gate_backward(z, delta, v_logistic_gate_slope(w, v_logistic_tail_within(w)))


cdef void silu_backward(const void* a, const void* z, void* delta, Py_ssize_t m, Py_ssize_t n,
                        const double* settings) noexcept nogil:
    map_backward(v_silu_backward, z, delta, m * n)


cdef inline vec v_gelu_tanh_tail(vec w) noexcept nogil:
    """q / UNIT of v = w (c1 + c3 w**2)."""
    cdef vec v = v_mul(w, v_fma(v_mul(w, w), v_set(GELU_C3), v_set(GELU_C1)))
    return v_logistic_tail_within(v_min(v_set(LOGISTIC_LARGEST), v))


cdef inline vec v_gelu_tanh(vec z) noexcept nogil:
    cdef vec w = v_min(v_set(NORMAL_LARGEST), v_abs(z))
    return v_gate(z, v_mul(v_mul(w, v_gelu_tanh_tail(w)), v_set(UNIT)))


cdef inline vec v_gelu_tanh_backward(vec z, vec delta) noexcept nogil:
    cdef vec w = v_min(v_set(NORMAL_LARGEST), v_abs(z))
    cdef vec slope = v_fma(v_mul(w, w), v_set(GELU_3_C3), v_set(GELU_C1))
    return v_gate_backward(z, delta, v_logistic_gate_slope(v_mul(w, slope), v_gelu_tanh_tail(w)))


cdef inline vec v_normal_tail(vec w, vec* E, vec* n) noexcept nogil:
    """M = Phi(-w) / exp(-w**2 / 2) for w in 0..NORMAL_LARGEST, and that exponential as E 2**n."""
    cdef vec square = v_mul(w, w), minus_half = v_set(<real>-0.5)
    cdef vec lost = v_fma(w, w, v_sub(v_set(0), square))
    cdef vec x = v_mul(minus_half, square)
    cdef vec t = v_div(v_set(1), v_add(w, v_set(5)))
    cdef vec r
    n[0] = v_exponent(x)
    r = v_fma(minus_half, lost, v_less_ln2(x, v_sub(n[0], v_set(MAGIC))))
    E[0] = v_add(v_reduced_expm1(r), v_set(1))
    return v_mul(t, v_polynomial(NORMAL_C, NORMAL_TERMS, v_fma(v_set(-10), t, v_set(1))))


cdef inline vec v_gelu(vec z) noexcept nogil:
    cdef vec w = v_min(v_set(NORMAL_LARGEST), v_abs(z))
    cdef vec E, n
    cdef vec M = v_normal_tail(w, &E, &n)
    return v_gate(z, v_scale(v_mul(E, v_mul(w, M)), n))


cdef inline vec v_gelu_backward(vec z, vec delta) noexcept nogil:
    cdef vec w = v_min(v_set(NORMAL_LARGEST), v_abs(z))
    cdef vec E, n
    cdef vec M = v_normal_tail(w, &E, &n)
    return v_gate_backward(z, delta, v_scale(v_mul(E, v_fma(w, v_set(-NORMAL_DENSITY), M)), n))


cdef void gelu_forward(const void* z, void* a, Py_ssize_t m, Py_ssize_t n, const double* settings) noexcept nogil:
    """settings: whether by tanh."""
    if settings[0] != 0:
        map_lanes(v_gelu_tanh, z, a, m * n)
    else:
        map_lanes(v_gelu, z, a, m * n)


cdef void gelu_backward(const void* a, const void* z, void* delta, Py_ssize_t m, Py_ssize_t n,
                        const double* settings) noexcept nogil:
    if settings[0] != 0:
        map_backward(v_gelu_tanh_backward, z, delta, m * n)
    else:
        map_backward(v_gelu_backward, z, delta, m * n)


cdef inline vec v_exp_of_minus(vec w) noexcept nogil:
    """exp(-w) / UNIT for w in 0..LOGISTIC_LARGEST."""
    cdef vec t = v_fma(w, v_set(-LOG2_E), v_set(MAGIC + UNIT_EXPONENT))
    cdef vec r = v_less_ln2(v_sub(v_set(0), w), v_sub(t, v_set(MAGIC + UNIT_EXPONENT)))
    return v_mul(v_add(v_reduced_expm1(r), v_set(1)), v_pow2(t))


cdef inline vec v_mish_parts(vec z, vec y, vec* N) noexcept nogil:
    """N, and r = 1 / D."""
    cdef vec zero = v_set(0), one = v_set(1), two = v_set(2)
    cdef vec twice = v_add(y, y)
    N[0] = v_if_gt(z, zero, v_add(twice, one), v_add(y, two))
    return v_div(one, v_if_gt(z, zero, v_fma(twice, y, N[0]), v_fma(y, N[0], two)))


cdef inline vec v_mish(vec z) noexcept nogil:
    cdef vec w = v_min(v_set(LOGISTIC_LARGEST), v_abs(z))
    cdef vec far = v_exp_of_minus(w)
    cdef vec N
    cdef vec r = v_mish_parts(z, v_mul(far, v_set(UNIT)), &N)
    cdef vec gate = v_mul(N, r)
    return v_if_gt(z, v_set(0), v_mul(z, gate), v_mul(v_mul(v_mul(w, far), gate), v_set(-UNIT)))


cdef void mish_forward(const void* z, void* a, Py_ssize_t m, Py_ssize_t n, const double* settings) noexcept nogil:
    map_lanes(v_mish, z, a, m * n)


cdef inline vec v_mish_backward(vec z, vec delta) noexcept nogil:
    cdef vec w = v_min(v_set(LOGISTIC_LARGEST), v_abs(z))
    cdef vec far = v_exp_of_minus(w)
    cdef vec y = v_mul(far, v_set(UNIT))
    cdef vec N
    cdef vec r = v_mish_parts(z, y, &N)
    cdef vec x = v_mul(v_copysign(v_mul(v_set(4), w), z), v_add(v_set(1), y))
    cdef vec slope = v_mul(r, v_fma(v_if_gt(z, v_set(0), v_mul(v_mul(y, y), x), x), r, N))
    return v_mul(delta, v_if_gt(z, v_set(0), slope, v_mul(v_mul(far, slope), v_set(UNIT))))


cdef void mish_backward(const void* a, const void* z, void* delta, Py_ssize_t m, Py_ssize_t n,
                        const double* settings) noexcept nogil:
    map_backward(v_mish_backward, z, delta, m * n)
