# A step by an optimizer's rule, from the gradient that nodes hand over. The arithmetic is in the kernels.
#
# Where a rule needs nothing but each part's own gradient, a part of theta learns as soon as its gradient is there, and
# the gradient of the whole network never exists. Where it needs more, norms or several batches, nodes write the
# gradient down; then `follow` takes the step array by array, each worker some blocks of each.

cdef enum:
    # Of Rule.options
    L1 = 0
    CLIP_VALUE = 1
    CLIP_NORM = 2
    CLIP_GLOBAL_NORM = 3
    MAX_NORM = 4
    AVERAGE_SHARE = 5
    N_OPTIONS = 6
    # Of Rule.steps
    ALL_BATCHES = 0         # so far
    PENDING = 1             # batches whose gradients are summed, since the last step
    AVERAGED = 2            # steps that the moving average has seen
    STEPS_OF_ARRAYS = 3     # steps that the state remembers, of each array
    # Of Rule.arrays
    START = 0
    ROWS = 1
    COLUMNS = 2
    IS_WEIGHT = 3
    N_PLACE = 4
    SUMMED_TOGETHER = 256   # reals of an array in one of a norm's sums, as the kernel `squares` has it

cdef double NORM_EPSILON = 1e-6


cdef inline void wait_for_all(team* t) noexcept nogil:
    if team_meet(t):
        team_go_on(t, False)


cdef inline bint is_frozen(const Share* share, Py_ssize_t array) noexcept nogil:
    return share.rule.groups != NULL and share.rule.groups[array] < 0


cdef inline bint is_written_down(const Share* share) noexcept nogil:
    """Whether a gradient has to be in memory before the rule follows it."""
    return share.grad != NULL or share.rule.shapes


cdef inline const double* options_of(const Rule* rule, Py_ssize_t array) noexcept nogil:
    return rule.options + (rule.row * rule.n_groups + rule.groups[array]) * N_OPTIONS


cdef inline void update(const Share* share, Py_ssize_t array, const Gradient* gradient, Py_ssize_t first,
                        Py_ssize_t rows, Py_ssize_t n) noexcept nogil:
    """One step of a part of a parameter array: (rows, n) of theta, from its element `first` on."""
    cdef Rule* rule = share.rule
    cdef Py_ssize_t group = rule.groups[array], offset = first * share.kernels.itemsize
    cdef const double* options
    cdef Part part
    if group < 0:
        return
    if rule.shapes:
        options = options_of(rule, array)
        share.kernels.shape_gradient(
            rule.theta + offset, <void*> gradient.grad, rows * n, 1.0 / rule.accumulate, options[CLIP_VALUE],
            rule.factors[array] if rule.measures else 1, options[L1])
    part = Part(
        theta=rule.theta + offset, state=rule.state + offset, stride=rule.stride, rows=rows, n=n,
        settings=rule.settings + (rule.row * rule.n_groups + group) * rule.n_settings)
    rule.update.apply(&part, gradient)
    if rule.average != NULL and not rule.limits:
        move_average(share, array, first, rows * n)


cdef inline void move_average(const Share* share, Py_ssize_t array, Py_ssize_t first, Py_ssize_t count) noexcept nogil:
    cdef Py_ssize_t offset = first * share.kernels.itemsize
    share.kernels.average(
        share.rule.theta + offset, share.rule.average + offset, count, options_of(share.rule, array)[AVERAGE_SHARE])


# From a gradient in memory


cdef struct Stretch:
    # A worker's elements of an array: some of its blocks.
    Py_ssize_t first                # counted from the start of theta
    Py_ssize_t count
    Py_ssize_t block                # the first of these blocks, among all arrays'


cdef inline Py_ssize_t blocks_in(const Rule* rule, Py_ssize_t array) noexcept nogil:
    cdef const int64_t* place = rule.arrays + array * N_PLACE
    return (place[ROWS] * place[COLUMNS] + SUMMED_TOGETHER - 1) // SUMMED_TOGETHER


cdef inline Stretch stretch_of(const Share* share, Py_ssize_t array, Py_ssize_t block) noexcept nogil:
    """The worker's; `block` is the array's first."""
    cdef const int64_t* place = share.rule.arrays + array * N_PLACE
    cdef Py_ssize_t n_blocks = blocks_in(share.rule, array)
    cdef Py_ssize_t begin = n_blocks * share.worker // share.n_workers
    cdef Py_ssize_t end = n_blocks * (share.worker + 1) // share.n_workers
    return Stretch(
        first=place[START] + begin * SUMMED_TOGETHER,
        count=min(end * SUMMED_TOGETHER, place[ROWS] * place[COLUMNS]) - begin * SUMMED_TOGETHER,
        block=block + begin)


cdef inline bint is_due(const Rule* rule) noexcept nogil:
    """Whether this batch's gradient completes a step's."""
    return rule.steps[PENDING] + 1 == rule.accumulate


cdef void follow(const Share* share) noexcept nogil:
    """The rest of a step once every node's gradient is in memory."""
    cdef Rule* rule = share.rule
    cdef Py_ssize_t i, block = 0
    cdef Gradient gradient = Gradient(grad=NULL, a=NULL, a_row=0, delta=NULL, m=0)
    cdef Stretch own
    wait_for_all(share.team)
    prepare(share)
    if not is_due(rule):
        return
    if rule.measures and team_meet(share.team):
        set_factors(rule)
        team_go_on(share.team, False)
    for i in range(rule.n_arrays):
        own = stretch_of(share, i, block)
        gradient.grad = rule.gradient + own.first * share.kernels.itemsize
        update(share, i, &gradient, own.first, 1, own.count)
        block += blocks_in(rule, i)
    if rule.limits:
        limit_weights(share)


cdef void prepare(const Share* share) noexcept nogil:
    """The worker's stretches of the gradient, summed over batches; and their squares, if this is the last of them."""
    cdef Rule* rule = share.rule
    cdef Py_ssize_t i, offset, size = share.kernels.itemsize, block = 0
    cdef Stretch own
    for i in range(rule.n_arrays):
        own = stretch_of(share, i, block)
        block += blocks_in(rule, i)
        if rule.groups[i] < 0:
            continue
        offset = own.first * size
        if rule.steps[PENDING] > 0:
            share.kernels.add_to(rule.batch_gradient + offset, rule.gradient + offset, own.count)
        if rule.measures and is_due(rule):
            share.kernels.squares(
                rule.gradient + offset, rule.squares + own.block, own.count, 1.0 / rule.accumulate,
                options_of(rule, i)[CLIP_VALUE])


cdef void set_factors(Rule* rule) noexcept nogil:
    """What each array's gradient is multiplied with, for its own norm and then for that of all, in double."""
    cdef Py_ssize_t i, j, block = 0
    cdef double total, all_squares = 0, factor
    for i in range(rule.n_arrays):
        total = 0
        for j in range(blocks_in(rule, i)):
            total += rule.squares[block + j]
        block += blocks_in(rule, i)
        if rule.groups[i] >= 0:
            rule.factors[i] = factor = shortening(options_of(rule, i)[CLIP_NORM], total)
            all_squares += factor * factor * total
    for i in range(rule.n_arrays):
        if rule.groups[i] >= 0:
            rule.factors[i] *= shortening(options_of(rule, i)[CLIP_GLOBAL_NORM], all_squares)


cdef inline double shortening(double limit, double squares) noexcept nogil:
    """min(1, limit / (norm + 1e-6)); NaN, where there is one among the gradient's components."""
    cdef double factor = 1
    if limit != INFINITY:
        factor = limit / (sqrt(squares) + NORM_EPSILON)
    return 1 if factor > 1 else factor


cdef void limit_weights(const Share* share) noexcept nogil:
    """Weights' columns, each worker's some whole vectors of each W; then the moving average, which waits for them."""
    cdef Rule* rule = share.rule
    cdef const int64_t* place
    cdef Py_ssize_t i, first, last, n, units, block = 0
    cdef Stretch own
    wait_for_all(share.team)
    for i in range(rule.n_arrays):
        place = rule.arrays + i * N_PLACE
        if rule.groups[i] >= 0 and place[IS_WEIGHT] and options_of(rule, i)[MAX_NORM] != INFINITY:
            n = place[COLUMNS]
            units = (n + COLUMNS_TOGETHER - 1) // COLUMNS_TOGETHER
            first = min(n, units * share.worker // share.n_workers * COLUMNS_TOGETHER)
            last = min(n, units * (share.worker + 1) // share.n_workers * COLUMNS_TOGETHER)
            share.kernels.limit_columns(
                rule.theta + (place[START] + first) * share.kernels.itemsize, n, place[ROWS], last - first,
                options_of(rule, i)[MAX_NORM])
    if rule.average == NULL:
        return
    wait_for_all(share.team)
    for i in range(rule.n_arrays):
        own = stretch_of(share, i, block)
        block += blocks_in(rule, i)
        if rule.groups[i] >= 0:
            move_average(share, i, own.first, own.count)


cdef void count_batch(Rule* rule) noexcept nogil:
    """A batch is done with, and a step if it was due."""
    cdef Py_ssize_t i
    rule.row = min(rule.row + 1, rule.n_rows - 1)
    rule.steps[ALL_BATCHES] += 1
    rule.steps[PENDING] = (rule.steps[PENDING] + 1) % rule.accumulate
    if rule.steps[PENDING] == 0:
        rule.steps[AVERAGED] += rule.average != NULL
        for i in range(rule.n_arrays):
            rule.steps[STEPS_OF_ARRAYS + i] += rule.groups[i] >= 0
