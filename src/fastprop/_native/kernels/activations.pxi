# Activations a = f(z) and, from a alone or from z, the step back through them: delta = da * f'(z) in place. z and a
# may be the same memory. Here what all of them are written with, and the oldest; their kin stand in
#
#   activations_by_pieces.pxi   lines and constants, put together
#   activations_by_exp.pxi      elu and its kin, softplus, exponential, softsign
#   activations_gated.pxi       gelu, silu, mish: z times something in 0..1
#   activations_of_rows.pxi     softmax and log_softmax
#
#   sigmoid  f' = a (1 - a)      tanh  f' = 1 - a**2      relu  f' = 1 where a > 0, else 0
#
# identity has no kernel: its table entry holds NULL and the engine passes it by. settings are the description's
# numbers, of which none takes more than two.

ctypedef vec (*lanes_with_two)(vec z, vec p, vec q) noexcept nogil
ctypedef vec (*backward_lanes)(vec a_or_z, vec delta) noexcept nogil
ctypedef vec (*backward_lanes_with_two)(vec a_or_z, vec delta, vec p, vec q) noexcept nogil


cdef inline void map_lanes_with(lanes_with_two f, const void* z_, void* a_, Py_ssize_t count, double p_,
                                double q_) noexcept nogil:
    """a = f(z) with two numbers, rounded."""
    cdef const real* z = <const real*> z_
    cdef real* a = <real*> a_
    cdef vec p = v_set(<real> p_), q = v_set(<real> q_)
    cdef Py_ssize_t i = 0
    while i < count:
        v_store_upto(a + i, f(v_load_upto(z + i, count - i), p, q), count - i)
        i += LANES


cdef inline void map_backward(backward_lanes f, const void* a_, void* delta_, Py_ssize_t count) noexcept nogil:
    cdef const real* a = <const real*> a_
    cdef real* delta = <real*> delta_
    cdef Py_ssize_t i = 0
    while i < count:
        v_store_upto(delta + i, f(v_load_upto(a + i, count - i), v_load_upto(delta + i, count - i)), count - i)
        i += LANES


cdef inline void map_backward_with(backward_lanes_with_two f, const void* a_, void* delta_, Py_ssize_t count, double p_,
                                   double q_) noexcept nogil:
    cdef const real* a = <const real*> a_
    cdef real* delta = <real*> delta_
    cdef vec p = v_set(<real> p_), q = v_set(<real> q_)
    cdef Py_ssize_t i = 0
    while i < count:
        v_store_upto(delta + i, f(v_load_upto(a + i, count - i), v_load_upto(delta + i, count - i), p, q), count - i)
        i += LANES


cdef inline vec v_clamp(vec x, vec low, vec high) noexcept nogil:
    """x in low..high; a NaN stays a NaN."""
    return v_min(high, v_max(low, x))


cdef void sigmoid_forward(const void* z, void* a, Py_ssize_t m, Py_ssize_t n, const double* settings) noexcept nogil:
    map_lanes(v_sigmoid, z, a, m * n)


cdef inline vec v_sigmoid_backward(vec a, vec delta) noexcept nogil:
    return v_mul(delta, v_mul(a, v_sub(v_set(1), a)))


cdef void sigmoid_backward(const void* a, const void* z, void* delta, Py_ssize_t m, Py_ssize_t n,
                           const double* settings) noexcept nogil:
    map_backward(v_sigmoid_backward, a, delta, m * n)


cdef void tanh_forward(const void* z, void* a, Py_ssize_t m, Py_ssize_t n, const double* settings) noexcept nogil:
    map_lanes(v_tanh, z, a, m * n)


cdef inline vec v_tanh_backward(vec a, vec delta) noexcept nogil:
    return v_mul(delta, v_fnma(a, a, v_set(1)))


cdef void tanh_backward(const void* a, const void* z, void* delta, Py_ssize_t m, Py_ssize_t n,
                        const double* settings) noexcept nogil:
    map_backward(v_tanh_backward, a, delta, m * n)


cdef inline vec v_relu(vec z) noexcept nogil:
    return v_max(v_set(0), z)       # this way round a NaN stays a NaN, and -0 what it is


cdef void relu_forward(const void* z, void* a, Py_ssize_t m, Py_ssize_t n, const double* settings) noexcept nogil:
    map_lanes(v_relu, z, a, m * n)


cdef inline vec v_relu_backward(vec a, vec delta) noexcept nogil:
    return v_if_gt(a, v_set(0), delta, v_set(0))


cdef void relu_backward(const void* a, const void* z, void* delta, Py_ssize_t m, Py_ssize_t n,
                        const double* settings) noexcept nogil:
    map_backward(v_relu_backward, a, delta, m * n)
