# Optimizer rules: one step of theta from grad. `settings` are the rule's numbers in the order that its Python
# description gives them; `step` counts from 0, at which `state` holds nothing yet.


cdef inline void sgd_loop(real* theta, const real* grad, real* velocity, Py_ssize_t count, const double* settings,
                          const bint has_momentum, const bint first, const bint nesterov) noexcept nogil:
    """The flags are constants at every call, so that each combination becomes a loop without them."""
    cdef vec step_size = v_set(<real> -settings[0])
    cdef vec momentum = v_set(<real> settings[1])
    cdef vec share = v_set(<real> (1 - settings[2]))
    cdef vec decay = v_set(<real> settings[4])
    cdef vec g, v, parameter
    cdef Py_ssize_t i = 0, left
    while i < count:
        left = count - i
        parameter = v_load_upto(theta + i, left)
        g = v_fma(decay, parameter, v_load_upto(grad + i, left))
        if has_momentum:
            v = g
            if not first:
                v = v_fma(momentum, v_load_upto(velocity + i, left), v_mul(share, g))
            v = v_if_gt(v_set(SMALLEST_NORMAL), v_abs(v), v_set(0), v)
            v_store_upto(velocity + i, v, left)
            g = v_fma(momentum, v, g) if nesterov else v
        v_store_upto(theta + i, v_fma(step_size, g, parameter), left)
        i += LANES


cdef void sgd(void* theta_, const void* grad_, void* velocity_, Py_ssize_t count, const double* settings,
              Py_ssize_t step) noexcept nogil:
    """g = grad + weight_decay theta
       v = g at step 0, else momentum v + (1 - dampening) g
       theta -= learning_rate (g + momentum v if nesterov, else v)         without momentum, v is g

    as PyTorch's SGD, but for a v below the smallest normal number, which becomes 0: the velocity of a weight whose
    gradient stays 0 would else end among the subnormals, and make every step several times slower.
    settings: learning_rate, momentum, dampening, nesterov, weight_decay."""
    cdef bint first = step == 0, nesterov = settings[3] != 0
    cdef real* theta = <real*> theta_
    cdef const real* grad = <const real*> grad_
    cdef real* velocity = <real*> velocity_
    if settings[1] == 0:
        sgd_loop(theta, grad, velocity, count, settings, False, False, False)
    elif first and nesterov:
        sgd_loop(theta, grad, velocity, count, settings, True, True, True)
    elif first:
        sgd_loop(theta, grad, velocity, count, settings, True, True, False)
    elif nesterov:
        sgd_loop(theta, grad, velocity, count, settings, True, False, True)
    else:
        sgd_loop(theta, grad, velocity, count, settings, True, False, False)
