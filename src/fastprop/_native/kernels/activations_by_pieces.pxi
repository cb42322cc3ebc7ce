# Activations made of straight lines (hard_swish: and one parabola). The slope at a corner is that of PyTorch.
#
#   leaky_relu    z if z > 0 else s z             f' = 1 where a > 0, else s             s >= 0, so that a has z's sign
#   relu6         0, z or 6                       f' = 1 where 0 < a < 6, else 0
#   hard_tanh     low, z or high                  f' = 1 where low < a < high, else 0
#   hard_sigmoid  (z + 3 clamped to 0..6) / 6     f' = 1/6 where 0 < a < 1, else 0
#   hard_swish    z hard_sigmoid(z)               f' = 0 up to -3, z / 3 + 1/2, and 1 from 3 on


cdef inline vec v_leaky_relu(vec z, vec slope, vec unused) noexcept nogil:
    return v_if_gt(z, v_set(0), z, v_mul(slope, z))


cdef void leaky_relu_forward(const void* z, void* a, Py_ssize_t m, Py_ssize_t n, const double* settings) noexcept nogil:
    map_lanes_with(v_leaky_relu, z, a, m * n, settings[0], 0)


cdef inline vec v_leaky_relu_backward(vec a, vec delta, vec slope, vec unused) noexcept nogil:
    return v_if_gt(a, v_set(0), delta, v_mul(slope, delta))


cdef void leaky_relu_backward(const void* a, const void* z, void* delta, Py_ssize_t m, Py_ssize_t n,
                              const double* settings) noexcept nogil:
    map_backward_with(v_leaky_relu_backward, a, delta, m * n, settings[0], 0)


cdef inline vec v_between(vec a, vec delta, vec low, vec high) noexcept nogil:
    """delta where low < a < high, else 0."""
    return v_if_gt(a, low, v_if_gt(high, a, delta, v_set(0)), v_set(0))


cdef void relu6_forward(const void* z, void* a, Py_ssize_t m, Py_ssize_t n, const double* settings) noexcept nogil:
    map_lanes_with(v_clamp, z, a, m * n, 0, 6)


cdef void relu6_backward(const void* a, const void* z, void* delta, Py_ssize_t m, Py_ssize_t n,
                         const double* settings) noexcept nogil:
    map_backward_with(v_between, a, delta, m * n, 0, 6)


cdef void hard_tanh_forward(const void* z, void* a, Py_ssize_t m, Py_ssize_t n, const double* settings) noexcept nogil:
    map_lanes_with(v_clamp, z, a, m * n, settings[0], settings[1])


cdef void hard_tanh_backward(const void* a, const void* z, void* delta, Py_ssize_t m, Py_ssize_t n,
                             const double* settings) noexcept nogil:
    map_backward_with(v_between, a, delta, m * n, settings[0], settings[1])


cdef inline vec v_hard_sigmoid(vec z) noexcept nogil:
    return v_div(v_clamp(v_add(z, v_set(3)), v_set(0), v_set(6)), v_set(6))


cdef void hard_sigmoid_forward(const void* z, void* a, Py_ssize_t m, Py_ssize_t n,
                               const double* settings) noexcept nogil:
    map_lanes(v_hard_sigmoid, z, a, m * n)


cdef inline vec v_hard_sigmoid_backward(vec a, vec delta) noexcept nogil:
    return v_div(v_between(a, delta, v_set(0), v_set(1)), v_set(6))


cdef void hard_sigmoid_backward(const void* a, const void* z, void* delta, Py_ssize_t m, Py_ssize_t n,
                                const double* settings) noexcept nogil:
    map_backward(v_hard_sigmoid_backward, a, delta, m * n)


cdef inline vec v_hard_swish(vec z) noexcept nogil:
    return v_mul(v_max(v_set(-3), z), v_hard_sigmoid(z))         # -inf times 0 would be NaN


cdef void hard_swish_forward(const void* z, void* a, Py_ssize_t m, Py_ssize_t n, const double* settings) noexcept nogil:
    map_lanes(v_hard_swish, z, a, m * n)


cdef inline vec v_hard_swish_backward(vec z, vec delta) noexcept nogil:
    cdef vec three = v_set(3)
    cdef vec slope = v_add(v_div(z, three), v_set(<real>0.5))
    return v_mul(delta, v_if_gt(three, z, v_if_gt(z, v_set(-3), slope, v_set(0)), v_set(1)))


cdef void hard_swish_backward(const void* a, const void* z, void* delta, Py_ssize_t m, Py_ssize_t n,
                              const double* settings) noexcept nogil:
    map_backward(v_hard_swish_backward, z, delta, m * n)
