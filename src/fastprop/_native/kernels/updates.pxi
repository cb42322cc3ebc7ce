# Optimizer rules: one step of theta from its gradient. `settings` are the rule's numbers in the order that its Python
# description gives them; `step` counts from 0, at which `state` holds nothing yet.
#
# A rule takes its gradient either as it lies in memory or, where a batch is so small that it is hardly worth writing
# down, as the two factors of dW = aᵀ delta, which are multiplied a vector at a time as a product would (product.pxi).

cdef struct Gradient:
    # Of a part of theta, (rows, n).
    const real* grad            # NULL where the factors are given
    const real* a               # (m, a_row), of which the first `rows` columns
    Py_ssize_t a_row
    const real* delta           # (m, n)
    Py_ssize_t m                # at most BLOCK


cdef inline vec multiply(const real* a, Py_ssize_t a_row, const real* delta, Py_ssize_t n, Py_ssize_t m,
                         Py_ssize_t count) noexcept nogil:
    """a[0, 0] delta[0] + a[1, 0] delta[1] + ...: one column of a and the first `count` of delta (m, n), as a vector."""
    cdef vec g = v_set(0)
    cdef Py_ssize_t p
    for p in range(m):
        g = v_fma(v_set(a[0]), v_load_upto(delta, count), g)
        a += a_row
        delta += n
    return g


cdef inline void sgd_loop(real* theta, real* velocity, const Gradient gradient, Py_ssize_t rows, Py_ssize_t n,
                          const double* settings, const bint has_momentum, const bint first, const bint nesterov,
                          const bint multiplied) noexcept nogil:
    """The flags are constants at every call, so that each combination becomes a loop without them."""
    cdef vec step_size = v_set(<real> -settings[0])
    cdef vec momentum = v_set(<real> settings[1])
    cdef vec share = v_set(<real> (1 - settings[2]))
    cdef vec decay = v_set(<real> settings[4])
    cdef vec g, v, parameter
    cdef Py_ssize_t i, j, a_row = gradient.a_row, m = gradient.m
    cdef const real* grad = gradient.grad
    cdef const real* a = gradient.a
    cdef const real* delta = gradient.delta
    for i in range(rows):
        j = 0
        while j < n:
            parameter = v_load_upto(theta + j, n - j)
            if multiplied:
                g = v_load_upto(grad + j, n - j)
            else:
                g = multiply(a + i, a_row, delta + j, n, m, n - j)
            g = v_fma(decay, parameter, g)
            if has_momentum:
                v = g
                if not first:
                    v = v_fma(momentum, v_load_upto(velocity + j, n - j), v_mul(share, g))
                v = v_if_gt(v_set(SMALLEST_NORMAL), v_abs(v), v_set(0), v)
                v_store_upto(velocity + j, v, n - j)
                g = v_fma(momentum, v, g) if nesterov else v
            v_store_upto(theta + j, v_fma(step_size, g, parameter), n - j)
            j += LANES
        theta += n
        if multiplied:
            grad += n
        if has_momentum:
            velocity += n


cdef inline void sgd_part(void* theta_, void* velocity_, const Gradient gradient, Py_ssize_t rows, Py_ssize_t n,
                          const double* settings, Py_ssize_t step, const bint multiplied) noexcept nogil:
    """g = grad + weight_decay theta
       v = g at step 0, else momentum v + (1 - dampening) g
       theta -= learning_rate (g + momentum v if nesterov, else v)         without momentum, v is g

    as PyTorch's SGD, but for a v below the smallest normal number, which becomes 0: the velocity of a weight whose
    gradient stays 0 would else end among the subnormals, and make every step several times slower.
    settings: learning_rate, momentum, dampening, nesterov, weight_decay."""
    cdef bint first = step == 0, nesterov = settings[3] != 0
    cdef real* theta = <real*> theta_
    cdef real* velocity = <real*> velocity_
    if settings[1] == 0:
        sgd_loop(theta, velocity, gradient, rows, n, settings, False, False, False, multiplied)
    elif first and nesterov:
        sgd_loop(theta, velocity, gradient, rows, n, settings, True, True, True, multiplied)
    elif first:
        sgd_loop(theta, velocity, gradient, rows, n, settings, True, True, False, multiplied)
    elif nesterov:
        sgd_loop(theta, velocity, gradient, rows, n, settings, True, False, True, multiplied)
    else:
        sgd_loop(theta, velocity, gradient, rows, n, settings, True, False, False, multiplied)


cdef void sgd(void* theta, const void* grad, void* velocity, Py_ssize_t count, const double* settings,
              Py_ssize_t step) noexcept nogil:
    cdef Gradient gradient = Gradient(grad=<const real*> grad, a=NULL, a_row=0, delta=NULL, m=0)
    sgd_part(theta, velocity, gradient, 1, count, settings, step, True)


cdef void sgd_of_factors(void* theta, const void* a, Py_ssize_t a_row, const void* delta, Py_ssize_t m,
                         void* velocity, Py_ssize_t rows, Py_ssize_t n, const double* settings,
                         Py_ssize_t step) noexcept nogil:
    cdef Gradient gradient = Gradient(
        grad=NULL, a=<const real*> a, a_row=a_row, delta=<const real*> delta, m=m)
    sgd_part(theta, velocity, gradient, rows, n, settings, step, False)
