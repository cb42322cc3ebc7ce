# Activations with an exponential on one side, and softsign.
#
#   elu          z if z > 0 else alpha expm1(z)                      f' = 1 where a > 0, else a + alpha
#   selu         SELU_SCALE z if z > 0 else SELU_ALPHA expm1(z)      f' = SELU_SCALE where a > 0, else a + SELU_ALPHA
#   celu         z if z > 0 else alpha expm1(z / alpha)              f' = 1 where a > 0, else a / alpha + 1
#   softplus     log(1 + exp(beta z)) / beta                         f' = -expm1(-beta a)
#   exponential  exp(z)                                              f' = a
#   softsign     z / (1 + |z|)                                       f' = 1 / (1 + |z|)**2
#
# alpha is not negative, so that a has z's sign. 1 / alpha and 1 / beta are rounded once, and multiplied by.

cdef extern from *:
    """
    #define SELU_SCALE 1.0507009873554805
    #define SELU_ALPHA 1.7580993408473769 /* the paper's alpha times its scale */
    """
    const double SELU_SCALE
    const double SELU_ALPHA


cdef inline vec v_elu(vec z, vec alpha, vec unused) noexcept nogil:
    return v_if_gt(z, v_set(0), z, v_mul(alpha, v_expm1(z)))


cdef void elu_forward(const void* z, void* a, Py_ssize_t m, Py_ssize_t n, const double* settings) noexcept nogil:
    map_lanes_with(v_elu, z, a, m * n, settings[0], 0)


cdef inline vec v_elu_backward(vec a, vec delta, vec alpha, vec unused) noexcept nogil:
    return v_if_gt(a, v_set(0), delta, v_mul(delta, v_add(a, alpha)))


cdef void elu_backward(const void* a, const void* z, void* delta, Py_ssize_t m, Py_ssize_t n,
                       const double* settings) noexcept nogil:
    map_backward_with(v_elu_backward, a, delta, m * n, settings[0], 0)


cdef inline vec v_selu(vec z, vec scale, vec alpha) noexcept nogil:
    return v_if_gt(z, v_set(0), v_mul(scale, z), v_mul(alpha, v_expm1(z)))


cdef void selu_forward(const void* z, void* a, Py_ssize_t m, Py_ssize_t n, const double* settings) noexcept nogil:
    map_lanes_with(v_selu, z, a, m * n, SELU_SCALE, SELU_ALPHA)


cdef inline vec v_selu_backward(vec a, vec delta, vec scale, vec alpha) noexcept nogil:
    return v_mul(delta, v_if_gt(a, v_set(0), scale, v_add(a, alpha)))


cdef void selu_backward(const void* a, const void* z, void* delta, Py_ssize_t m, Py_ssize_t n,
                        const double* settings) noexcept nogil:
    map_backward_with(v_selu_backward, a, delta, m * n, SELU_SCALE, SELU_ALPHA)


cdef inline vec v_celu(vec z, vec alpha, vec inverse) noexcept nogil:
    return v_if_gt(z, v_set(0), z, v_mul(alpha, v_expm1(v_mul(z, inverse))))


cdef void celu_forward(const void* z, void* a, Py_ssize_t m, Py_ssize_t n, const double* settings) noexcept nogil:
    map_lanes_with(v_celu, z, a, m * n, settings[0], 1 / settings[0])


cdef inline vec v_celu_backward(vec a, vec delta, vec inverse, vec unused) noexcept nogil:
    return v_if_gt(a, v_set(0), delta, v_mul(delta, v_fma(a, inverse, v_set(1))))


cdef void celu_backward(const void* a, const void* z, void* delta, Py_ssize_t m, Py_ssize_t n,
                        const double* settings) noexcept nogil:
    map_backward_with(v_celu_backward, a, delta, m * n, 1 / settings[0], 0)


cdef inline vec v_scaled_softplus(vec z, vec beta, vec inverse) noexcept nogil:
    return v_mul(v_softplus(v_mul(beta, z)), inverse)


cdef void softplus_forward(const void* z, void* a, Py_ssize_t m, Py_ssize_t n, const double* settings) noexcept nogil:
    map_lanes_with(v_scaled_softplus, z, a, m * n, settings[0], 1 / settings[0])


cdef inline vec v_softplus_backward(vec a, vec delta, vec minus_beta, vec unused) noexcept nogil:
    return v_mul(delta, v_sub(v_set(0), v_expm1(v_mul(minus_beta, a))))


cdef void softplus_backward(const void* a, const void* z, void* delta, Py_ssize_t m, Py_ssize_t n,
                            const double* settings) noexcept nogil:
    map_backward_with(v_softplus_backward, a, delta, m * n, -settings[0], 0)


cdef void exponential_forward(const void* z, void* a, Py_ssize_t m, Py_ssize_t n,
                              const double* settings) noexcept nogil:
    map_lanes(v_exp, z, a, m * n)


cdef inline vec v_exponential_backward(vec a, vec delta) noexcept nogil:
    return v_mul(delta, a)


cdef void exponential_backward(const void* a, const void* z, void* delta, Py_ssize_t m, Py_ssize_t n,
                               const double* settings) noexcept nogil:
    map_backward(v_exponential_backward, a, delta, m * n)


cdef inline vec v_softsign(vec z) noexcept nogil:
    cdef vec size = v_min(v_set(LARGEST), v_abs(z))             # infinity by infinity would be NaN
    return v_copysign(v_div(size, v_add(v_set(1), size)), z)


cdef void softsign_forward(const void* z, void* a, Py_ssize_t m, Py_ssize_t n, const double* settings) noexcept nogil:
    map_lanes(v_softsign, z, a, m * n)


cdef inline vec v_softsign_backward(vec z, vec delta) noexcept nogil:
    cdef vec s = v_add(v_set(1), v_abs(z))
    return v_div(delta, v_mul(s, s))


cdef void softsign_backward(const void* a, const void* z, void* delta, Py_ssize_t m, Py_ssize_t n,
                            const double* settings) noexcept nogil:
    map_backward(v_softsign_backward, z, delta, m * n)
