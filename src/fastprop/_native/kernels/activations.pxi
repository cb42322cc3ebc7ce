# Activations a = f(z) and, from a alone or from a and z, the step back through them: delta = da * f'(z) in place.
#
#   sigmoid  f' = a (1 - a)      tanh  f' = 1 - a**2      relu  f' = 1 where a > 0, else 0
#   softmax  delta = a * (da - sum(da * a)) along each row
#
# identity has no kernel: its table entry holds NULL and the engine passes it by. z and a may be the same memory.

ctypedef vec (*backward_lanes)(vec a, vec delta) noexcept nogil


cdef inline void map_backward(backward_lanes f, const void* a_, void* delta_, Py_ssize_t count) noexcept nogil:
    cdef const real* a = <const real*> a_
    cdef real* delta = <real*> delta_
    cdef Py_ssize_t i = 0
    while i < count:
        v_store_upto(delta + i, f(v_load_upto(a + i, count - i), v_load_upto(delta + i, count - i)), count - i)
        i += LANES


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
    return v_mul(delta, v_fma(v_sub(v_set(0), a), a, v_set(1)))


cdef void tanh_backward(const void* a, const void* z, void* delta, Py_ssize_t m, Py_ssize_t n,
                        const double* settings) noexcept nogil:
    map_backward(v_tanh_backward, a, delta, m * n)


cdef inline vec v_relu(vec z) noexcept nogil:
    return v_if_gt(v_set(0), z, v_set(0), z)        # this way round a NaN stays a NaN


cdef void relu_forward(const void* z, void* a, Py_ssize_t m, Py_ssize_t n, const double* settings) noexcept nogil:
    map_lanes(v_relu, z, a, m * n)


cdef inline vec v_relu_backward(vec a, vec delta) noexcept nogil:
    return v_if_gt(a, v_set(0), delta, v_set(0))


cdef void relu_backward(const void* a, const void* z, void* delta, Py_ssize_t m, Py_ssize_t n,
                        const double* settings) noexcept nogil:
    map_backward(v_relu_backward, a, delta, m * n)


cdef inline vec v_exp_in_softmax(vec x) noexcept nogil:
    """exp(x) for x <= 0. Exponentials too small to count are 0: as subnormals they would cost a hundred times their
    arithmetic in every product that they enter."""
    cdef vec lowest = v_set(SOFTMAX_LOWEST)
    return v_if_gt(lowest, x, v_set(0), v_exp(v_if_gt(lowest, x, lowest, x)))


cdef inline real softmax_row(const real* z, real* a, Py_ssize_t n, real highest) noexcept nogil:
    """a = exp(z - highest) / s; returns s, the sum of the exponentials."""
    cdef Py_ssize_t j = 0
    cdef vec shift = v_set(highest), s
    cdef real total
    while j < n:
        v_store_upto(a + j, v_exp_in_softmax(v_sub(v_load_upto(z + j, n - j), shift)), n - j)
        j += LANES
    total = row_sum(a, n)
    s = v_set(total)
    j = 0
    while j < n:
        v_store_upto(a + j, v_div(v_load_upto(a + j, n - j), s), n - j)
        j += LANES
    return total


cdef inline vec softmax_aside(vec* z, vec* a, Py_ssize_t n) noexcept nogil:
    """The same for narrow rows side by side; z becomes z - highest."""
    cdef Py_ssize_t j
    cdef vec highest = max_aside(z, n), s
    for j in range(n):
        z[j] = v_sub(z[j], highest)
        a[j] = v_exp_in_softmax(z[j])
    for j in range(n, VIRTUAL_LANES):
        a[j] = v_set(0)
    s = sum_aside(a)
    for j in range(n):
        a[j] = v_div(a[j], s)
    return s


cdef void softmax_forward(const void* z_, void* a_, Py_ssize_t m, Py_ssize_t n, const double* settings) noexcept nogil:
    cdef const real* z = <const real*> z_
    cdef real* a = <real*> a_
    cdef vec columns[VIRTUAL_LANES]
    cdef vec results[VIRTUAL_LANES]
    cdef Py_ssize_t i = 0, count
    while i < m:
        count = rows_aside(m - i, n)
        if count:
            load_aside(columns, z + i * n, n, count)
            softmax_aside(columns, results, n)
            store_aside(a + i * n, results, n, count)
        else:
            count = 1
            softmax_row(z + i * n, a + i * n, n, row_max(z + i * n, n))
        i += count


cdef void softmax_backward(const void* a_, const void* z, void* delta_, Py_ssize_t m, Py_ssize_t n,
                           const double* settings) noexcept nogil:
    cdef const real* a = <const real*> a_
    cdef real* delta = <real*> delta_
    cdef Py_ssize_t i, j
    cdef vec mean
    for i in range(m):
        mean = v_set(row_dot(delta, a, n, 0))               # da's mean under the probabilities
        j = 0
        while j < n:
            v_store_upto(delta + j, v_mul(v_load_upto(a + j, n - j), v_sub(v_load_upto(delta + j, n - j), mean)), n - j)
            j += LANES
        a += n
        delta += n
