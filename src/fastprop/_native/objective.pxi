# The objective that steps go down: a batch's loss, and the penalty whose gradient a coupled decay and l1 are,
#
#     sum over arrays of decay / 2 sum(theta**2) + l1 sum(|theta|)
#
# from before the batch's step. Its sums are those of a norm: blocks of each array, added in order, in double.


cdef void measure_parameters(const Objective* objective, const Share* share) noexcept nogil:
    """The worker's blocks of each array that is pulled towards 0."""
    cdef Rule* rule = share.rule
    cdef const int64_t* place
    cdef Py_ssize_t i, n_blocks, begin, count, block = 0
    cdef const char* theta
    for i in range(rule.n_arrays):
        place = objective.arrays + 2 * i
        n_blocks = (place[1] + SUMMED_TOGETHER - 1) // SUMMED_TOGETHER
        begin = n_blocks * share.worker // share.n_workers
        count = min(
            n_blocks * (share.worker + 1) // share.n_workers * SUMMED_TOGETHER, place[1]) - begin * SUMMED_TOGETHER
        theta = rule.theta + (place[0] + begin * SUMMED_TOGETHER) * share.kernels.itemsize
        if decay_of(rule, i) > 0:
            share.kernels.squares(theta, objective.squares + block + begin, count, 1, INFINITY)
        if l1_of(rule, i) > 0:
            share.kernels.magnitudes(theta, objective.magnitudes + block + begin, count)
        block += n_blocks


cdef double penalty(const Objective* objective, const Rule* rule) noexcept nogil:
    cdef double total = 0, squares, magnitudes
    cdef Py_ssize_t i, j, n_blocks, block = 0
    for i in range(rule.n_arrays):
        n_blocks = (objective.arrays[2 * i + 1] + SUMMED_TOGETHER - 1) // SUMMED_TOGETHER
        if decay_of(rule, i) > 0:
            squares = 0
            for j in range(block, block + n_blocks):
                squares += objective.squares[j]
            total += decay_of(rule, i) / 2 * squares
        if l1_of(rule, i) > 0:
            magnitudes = 0
            for j in range(block, block + n_blocks):
                magnitudes += objective.magnitudes[j]
            total += l1_of(rule, i) * magnitudes
        block += n_blocks
    return total


cdef inline double decay_of(const Rule* rule, Py_ssize_t array) noexcept nogil:
    """The coupled one, which is the first setting of every rule; 0 for what stays as it is."""
    cdef Py_ssize_t group = rule.groups[array]
    return rule.settings[(rule.row * rule.n_groups + group) * rule.n_settings] if group >= 0 else 0


cdef inline double l1_of(const Rule* rule, Py_ssize_t array) noexcept nogil:
    return options_of(rule, array)[L1] if rule.options != NULL and rule.groups[array] >= 0 else 0
