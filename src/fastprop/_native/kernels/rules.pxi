# The adaptive rules, each as a function of vectors (updates.pxi): theta after the step from theta, g, the states and
# the rule's own numbers k. Bias corrections are in the numbers; what is remembered is flushed, so that the moments of a
# weight whose gradient stays 0 do not end among the subnormals.


cdef inline vec v_moving_mean(vec kept, vec x, vec share, vec y) noexcept nogil:
    """A moving average: kept x + share y."""
    return v_flush(v_fma(kept, x, v_mul(share, y)))


cdef inline vec v_moving_square(vec kept, vec x, vec share, vec y) noexcept nogil:
    """A moving average of squares: kept x + share y y."""
    return v_flush(v_fma(kept, x, v_mul(v_mul(share, y), y)))


# Adam: beta_1, 1 - beta_1, beta_2, 1 - beta_2, c, epsilon, -step size. AMSGrad remembers the largest v too.
#
#    m = beta_1 m + (1 - beta_1) g
#    v = beta_2 v + (1 - beta_2) g g
#    theta -= step size m / (c sqrt(v) + epsilon)
#
# Where epsilon stands beside v's bias correction, or RAdam takes a step without v, is in c, epsilon and the step size.

cdef inline vec v_adam_step(vec theta, vec v, vec* state, const vec* k) noexcept nogil:
    return v_fma(k[6], v_div_beside_root(state[0], v_fma(k[4], v_sqrt(v), k[5])), theta)


cdef inline vec v_adam(vec theta, vec g, vec* state, const vec* k) noexcept nogil:
    state[0] = v_moving_mean(k[0], state[0], k[1], g)
    state[1] = v_moving_square(k[2], state[1], k[3], g)
    return v_adam_step(theta, state[1], state, k)


cdef inline vec v_amsgrad(vec theta, vec g, vec* state, const vec* k) noexcept nogil:
    state[0] = v_moving_mean(k[0], state[0], k[1], g)
    state[1] = v_moving_square(k[2], state[1], k[3], g)
    state[2] = v_max(state[1], state[2])
    return v_adam_step(theta, state[2], state, k)


# NAdam: as Adam up to epsilon, then -step size of g and of m.

cdef inline vec v_nadam(vec theta, vec g, vec* state, const vec* k) noexcept nogil:
    state[0] = v_moving_mean(k[0], state[0], k[1], g)
    state[1] = v_moving_square(k[2], state[1], k[3], g)
    return v_add(theta, v_div_beside_root(v_fma(k[6], g, v_mul(k[7], state[0])), v_fma(k[4], v_sqrt(state[1]), k[5])))


# Adamax: beta_1, 1 - beta_1, beta_2, epsilon, -step size.
#
#    u = max(beta_2 u, |g| + epsilon),  theta -= step size m / u

cdef inline vec v_adamax(vec theta, vec g, vec* state, const vec* k) noexcept nogil:
    cdef vec decayed = v_mul(k[2], state[1]), size = v_add(v_abs(g), k[3])
    state[0] = v_moving_mean(k[0], state[0], k[1], g)
    state[1] = v_max(decayed, size)
    return v_fma(k[4], v_div(state[0], state[1]), theta)


# Adagrad: epsilon, -step size.        s += g g,  theta -= step size g / (sqrt(s) + epsilon)

cdef inline vec v_adagrad(vec theta, vec g, vec* state, const vec* k) noexcept nogil:
    state[0] = v_flush(v_fma(g, g, state[0]))
    return v_fma(k[1], v_div_beside_root(g, v_add(v_sqrt(state[0]), k[0])), theta)


# Adadelta: rho, 1 - rho, epsilon, -learning_rate.
#
#    s = rho s + (1 - rho) g g
#    d = sqrt(t + epsilon) / sqrt(s + epsilon) g
#    t = rho t + (1 - rho) d d
#    theta -= learning_rate d

cdef inline vec v_adadelta(vec theta, vec g, vec* state, const vec* k) noexcept nogil:
    cdef vec d
    state[0] = v_moving_square(k[0], state[0], k[1], g)
    d = v_mul(v_div_beside_root(v_sqrt(v_add(state[1], k[2])), v_sqrt(v_add(state[0], k[2]))), g)
    state[1] = v_moving_square(k[0], state[1], k[1], d)
    return v_fma(k[3], d, theta)


# RMSprop: rho, 1 - rho, epsilon, -learning_rate, momentum.
#
#    s = rho s + (1 - rho) g g
#    a = rho a + (1 - rho) g                     centered, else 0
#    h = g / (sqrt(max(s - a a, 0)) + epsilon)
#    v = momentum v + h                          theta -= learning_rate (v with a momentum, else h)

cdef inline vec v_over_root(vec g, vec square, vec epsilon) noexcept nogil:
    return v_div_beside_root(g, v_add(v_sqrt(square), epsilon))


cdef inline vec v_centered_square(vec g, vec* state, const vec* k) noexcept nogil:
    """Of the gradients: rounding may bring it below 0, where there is none."""
    cdef vec variance
    state[0] = v_moving_square(k[0], state[0], k[1], g)
    state[1] = v_moving_mean(k[0], state[1], k[1], g)
    variance = v_fnma(state[1], state[1], state[0])
    return v_max(variance, v_set(0))


cdef inline vec v_rmsprop(vec theta, vec g, vec* state, const vec* k) noexcept nogil:
    state[0] = v_moving_square(k[0], state[0], k[1], g)
    return v_fma(k[3], v_over_root(g, state[0], k[2]), theta)


cdef inline vec v_rmsprop_momentum(vec theta, vec g, vec* state, const vec* k) noexcept nogil:
    state[0] = v_moving_square(k[0], state[0], k[1], g)
    state[1] = v_flush(v_fma(k[4], state[1], v_over_root(g, state[0], k[2])))
    return v_fma(k[3], state[1], theta)


cdef inline vec v_rmsprop_centered(vec theta, vec g, vec* state, const vec* k) noexcept nogil:
    return v_fma(k[3], v_over_root(g, v_centered_square(g, state, k), k[2]), theta)


cdef inline vec v_rmsprop_centered_momentum(vec theta, vec g, vec* state, const vec* k) noexcept nogil:
    state[2] = v_flush(v_fma(k[4], state[2], v_over_root(g, v_centered_square(g, state, k), k[2])))
    return v_fma(k[3], state[2], theta)


# Rprop: eta_minus, eta_plus, the smallest and the largest step.
#
#    s grows by eta_plus where g has the sign of the g before, and shrinks by eta_minus, g then being 0, where the other
#    theta -= s sign(g)

cdef inline vec v_rprop(vec theta, vec g, vec* state, const vec* k) noexcept nogil:
    cdef vec zero = v_set(0), agreement = v_mul(g, state[0])
    cdef vec s = v_mul(state[1], v_if_gt(agreement, zero, k[1], v_if_gt(zero, agreement, k[0], v_set(1))))
    s = v_max(k[2], s)
    s = v_min(k[3], s)
    g = v_if_gt(zero, agreement, zero, g)
    state[0] = g
    state[1] = s
    return v_fma(v_mul(v_set(-1), v_sign(g)), s, theta)


# Lion: beta_1, 1 - beta_1, beta_2, 1 - beta_2, -learning_rate.
#
#    theta -= learning_rate sign(beta_1 m + (1 - beta_1) g)
#    m = beta_2 m + (1 - beta_2) g

cdef inline vec v_lion(vec theta, vec g, vec* state, const vec* k) noexcept nogil:
    cdef vec direction = v_sign(v_fma(k[0], state[0], v_mul(k[1], g)))
    state[0] = v_moving_mean(k[2], state[0], k[3], g)
    return v_fma(k[4], direction, theta)


cdef void adam(const Part* part, const Gradient* gradient) noexcept nogil:
    take_step(v_adam, 2, 7, part, gradient)


cdef void amsgrad(const Part* part, const Gradient* gradient) noexcept nogil:
    take_step(v_amsgrad, 3, 7, part, gradient)


cdef void nadam(const Part* part, const Gradient* gradient) noexcept nogil:
    take_step(v_nadam, 2, 8, part, gradient)


cdef void adamax(const Part* part, const Gradient* gradient) noexcept nogil:
    take_step(v_adamax, 2, 5, part, gradient)


cdef void adagrad(const Part* part, const Gradient* gradient) noexcept nogil:
    take_step(v_adagrad, 1, 2, part, gradient)


cdef void adadelta(const Part* part, const Gradient* gradient) noexcept nogil:
    take_step(v_adadelta, 2, 4, part, gradient)


cdef void rmsprop(const Part* part, const Gradient* gradient) noexcept nogil:
    take_step(v_rmsprop, 1, 4, part, gradient)


cdef void rmsprop_momentum(const Part* part, const Gradient* gradient) noexcept nogil:
    take_step(v_rmsprop_momentum, 2, 5, part, gradient)


cdef void rmsprop_centered(const Part* part, const Gradient* gradient) noexcept nogil:
    take_step(v_rmsprop_centered, 2, 4, part, gradient)


cdef void rmsprop_centered_momentum(const Part* part, const Gradient* gradient) noexcept nogil:
    take_step(v_rmsprop_centered_momentum, 3, 5, part, gradient)


cdef void rprop(const Part* part, const Gradient* gradient) noexcept nogil:
    take_step(v_rprop, 2, 4, part, gradient)


cdef void lion(const Part* part, const Gradient* gradient) noexcept nogil:
    take_step(v_lion, 1, 5, part, gradient)
