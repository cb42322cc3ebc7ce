# Optimizers: one step of a part of theta from its gradient. A rule is a function of vectors; the loops around it are
# written once. What changes from step to step (rates, bias corrections) comes as numbers, `settings`:
#
#     settings[0]     weight decay as a part of the gradient:  g = grad + settings[0] theta
#     settings[1]     weight decay apart from it:              theta = settings[1] theta, before the step
#                     0 and 1 stand for no decay: then g = grad
#     from [2] on     the rule's own
#
# A rule takes its gradient either as it lies in memory or, where a batch is so small that it is hardly worth writing
# down, as the two factors of dW = aᵀ delta, which are multiplied a vector at a time as a product would (product.pxi).

from fastprop._native.kernels.table cimport Gradient, Part

cdef enum:
    SHARED_SETTINGS = 2
    MOST_SETTINGS = 12
    MOST_STATES = 3

# theta after the step from theta and g = dC/dtheta; the rule's states, before and then after it; its own numbers k.
ctypedef vec (*Step)(vec theta, vec g, vec* state, const vec* k) noexcept nogil


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


cdef enum Form:
    # What a gradient is given as
    WRITTEN                 # as it lies in memory
    OF_ONE_ROW              # by its factors, of a batch of one row
    OF_ROWS                 # and of several


cdef inline void step_of(Step step, const Py_ssize_t n_states, const vec* k, bint decays, real* theta, real* state,
                         Py_ssize_t stride, vec g, const Py_ssize_t count) noexcept nogil:
    """The rule at one vector, or the first `count` of it."""
    cdef vec s[MOST_STATES]
    cdef vec parameter = v_load_upto(theta, count)
    if decays:
        g = v_fma(k[0], parameter, g)
        parameter = v_mul(k[1], parameter)
    if n_states > 0:
        s[0] = v_load_upto(state, count)
    if n_states > 1:
        s[1] = v_load_upto(state + stride, count)
    if n_states > 2:
        s[2] = v_load_upto(state + 2 * stride, count)
    v_store_upto(theta, step(parameter, g, s, k + SHARED_SETTINGS), count)
    if n_states > 0:
        v_store_upto(state, s[0], count)
    if n_states > 1:
        v_store_upto(state + stride, s[1], count)
    if n_states > 2:
        v_store_upto(state + 2 * stride, s[2], count)


cdef inline vec gradient_at(const Gradient* gradient, vec a_i, Py_ssize_t n, Py_ssize_t i, Py_ssize_t j,
                            const Form form, const Py_ssize_t count) noexcept nogil:
    """Row i's elements from j on; of one row, from its a[i]."""
    cdef const real* delta = <const real*> gradient.delta + j
    if form == WRITTEN:
        return v_load_upto(<const real*> gradient.grad + i * n + j, count)
    if form == OF_ONE_ROW:
        return v_fma(a_i, v_load_upto(delta, count), v_set(0))
    return multiply(<const real*> gradient.a + i, gradient.a_row, delta, n, gradient.m, count)


cdef inline void steps_over(Step step, const Py_ssize_t n_states, const vec* k, const Part* part,
                            const Gradient* gradient, const Form form) noexcept nogil:
    """The rule and the form are constants at every call, so that each combination becomes a loop without them; so is
    the count of the inner loop, of whole vectors. What the loops read is copied, lest it be read again after each
    store."""
    cdef Gradient source = Gradient(gradient.grad, gradient.a, gradient.a_row, gradient.delta, gradient.m)
    cdef vec a_i = v_set(0)
    cdef Py_ssize_t i, j, n = part.n, rows = part.rows, stride = part.stride
    cdef bint decays = part.settings[0] != 0 or part.settings[1] != 1
    cdef real* theta = <real*> part.theta
    cdef real* state = <real*> part.state
    for i in range(rows):
        if form == OF_ONE_ROW:
            a_i = v_set((<const real*> source.a)[i])
        j = 0
        while j + LANES <= n:
            step_of(
                step, n_states, k, decays, theta + j, state + j, stride,
                gradient_at(&source, a_i, n, i, j, form, LANES), LANES)
            j += LANES
        if j < n:
            step_of(
                step, n_states, k, decays, theta + j, state + j, stride,
                gradient_at(&source, a_i, n, i, j, form, n - j), n - j)
        theta += n
        if n_states > 0:
            state += n


cdef inline void take_step(Step step, const Py_ssize_t n_states, const Py_ssize_t n_settings, const Part* part,
                           const Gradient* gradient) noexcept nogil:
    cdef vec k[MOST_SETTINGS]
    cdef Py_ssize_t i
    for i in range(SHARED_SETTINGS + n_settings):
        k[i] = v_set(<real> part.settings[i])
    if gradient.grad != NULL:
        steps_over(step, n_states, k, part, gradient, WRITTEN)
    elif gradient.m == 1:
        steps_over(step, n_states, k, part, gradient, OF_ONE_ROW)
    else:
        steps_over(step, n_states, k, part, gradient, OF_ROWS)


cdef inline vec v_flush(vec x) noexcept nogil:
    """0 for what is below the smallest normal number: what is remembered of a weight whose gradient stays 0 would else
    end among the subnormals, and make every step several times slower."""
    return v_if_gt(v_set(SMALLEST_NORMAL), v_abs(x), v_set(0), x)


cdef inline vec v_sign(vec x) noexcept nogil:
    """1, -1, or x itself where it is 0 (or no number)."""
    return v_if_gt(x, v_set(0), v_set(1), v_if_gt(v_set(0), x, v_set(-1), x))


# SGD: -learning_rate; momentum, 1 - dampening, whether this is the first step.
#
#    v = g at the first step, else momentum v + (1 - dampening) g
#    theta -= learning_rate (g + momentum v if nesterov, else v)         without momentum, v is g
#
# With 1 and -learning_rate in the places of -learning_rate and 1 - dampening the velocity holds steps.

cdef inline vec v_sgd(vec theta, vec g, vec* state, const vec* k) noexcept nogil:
    return v_fma(k[0], g, theta)


cdef inline vec v_sgd_momentum(vec theta, vec g, vec* state, const vec* k) noexcept nogil:
    state[0] = v_flush(v_fma(k[1], state[0], v_mul(k[2], g)))
    return v_fma(k[0], state[0], theta)


cdef inline vec v_sgd_undamped(vec theta, vec g, vec* state, const vec* k) noexcept nogil:
    """The same where k[2] is 1."""
    state[0] = v_flush(v_fma(k[1], state[0], g))
    return v_fma(k[0], state[0], theta)


cdef inline vec v_sgd_nesterov(vec theta, vec g, vec* state, const vec* k) noexcept nogil:
    cdef vec scaled = v_mul(k[2], g)
    state[0] = v_flush(v_fma(k[1], state[0], scaled))
    return v_fma(k[0], v_fma(k[1], state[0], scaled), theta)


cdef inline vec v_sgd_momentum_first(vec theta, vec g, vec* state, const vec* k) noexcept nogil:
    state[0] = v_flush(g)
    return v_fma(k[0], state[0], theta)


cdef inline vec v_sgd_nesterov_first(vec theta, vec g, vec* state, const vec* k) noexcept nogil:
    state[0] = v_flush(g)
    return v_fma(k[0], v_fma(k[1], state[0], g), theta)


cdef void sgd(const Part* part, const Gradient* gradient) noexcept nogil:
    take_step(v_sgd, 0, 1, part, gradient)


cdef void sgd_momentum(const Part* part, const Gradient* gradient) noexcept nogil:
    if part.settings[SHARED_SETTINGS + 3] != 0:
        take_step(v_sgd_momentum_first, 1, 3, part, gradient)
    elif part.settings[SHARED_SETTINGS + 2] == 1:
        take_step(v_sgd_undamped, 1, 3, part, gradient)
    else:
        take_step(v_sgd_momentum, 1, 3, part, gradient)


cdef void sgd_nesterov(const Part* part, const Gradient* gradient) noexcept nogil:
    if part.settings[SHARED_SETTINGS + 3] != 0:
        take_step(v_sgd_nesterov_first, 1, 3, part, gradient)
    else:
        take_step(v_sgd_nesterov, 1, 3, part, gradient)
