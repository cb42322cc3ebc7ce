# What each kind of node does with a worker's share of a batch. The arithmetic is in the kernels.
#
#   product      a = x W + b          dC/dx = delta Wᵀ           dW = xᵀ delta, db = column sums of delta
#   activation   a = f(x)             dC/dx = delta f'(x)
#   dropout      a = x mask + shift   dC/dx = delta mask
#   fork         its branches are x   dC/dx = the sum of its branches' delta, in order
#   add          a = x + y            dC/dx = dC/dy = delta
#   concatenate  a = (x, y, ...)      each has its columns of delta
#
# A worker sees to its own rows going forward and back, which are then there for it alone; in the learn part every row
# is there for all.


cdef inline const char* input_of(const Node* node, const Share* share) noexcept nogil:
    if node.x_is_output and share.out != NULL:
        return share.out
    return node.x if node.x != NULL else share.x


cdef inline char* output_of(const Node* node, const Share* share) noexcept nogil:
    return share.out if node.a_is_output and share.out != NULL else node.a


cdef inline void wait_for_all(team* t) noexcept nogil:
    if team_meet(t):
        team_go_on(t, False)


cdef inline void update(const Share* share, Py_ssize_t array, const Gradient* gradient, Py_ssize_t first,
                        Py_ssize_t rows, Py_ssize_t n) noexcept nogil:
    """One step of a part of a parameter array: (rows, n) of theta, from its element `first` on."""
    cdef Rule* rule = share.rule
    cdef Py_ssize_t group = rule.groups[array], offset = first * share.kernels.itemsize
    cdef Part part
    if group < 0:
        return
    part = Part(
        theta=rule.theta + offset, state=rule.state + offset, stride=rule.stride, rows=rows, n=n,
        settings=rule.settings + (rule.row * rule.n_groups + group) * rule.n_settings)
    rule.update.apply(&part, gradient)


# Dense's product


cdef inline void product(const Share* share, char* c, Py_ssize_t n, const char* a, Py_ssize_t k, const char* b,
                         Py_ssize_t b_k, Py_ssize_t b_column, const char* bias) noexcept nogil:
    """c (m, n) = a (m, k) b (k, n) + bias, of which afterwards the worker's rows are there, from its rows of a."""
    cdef const Kernels* kernels = share.kernels
    cdef Py_ssize_t size = kernels.itemsize, first, count, units
    if not share.by_columns:
        kernels.product(
            c + share.first * n * size, n, share.count, n, k, a + share.first * k * size, k, 1, b, b_k, b_column,
            bias, share.own.work,
        )
        return
    wait_for_all(share.team)
    units = (n + COLUMNS_TOGETHER - 1) // COLUMNS_TOGETHER
    first = min(n, units * share.worker // share.n_workers * COLUMNS_TOGETHER)
    count = min(n, units * (share.worker + 1) // share.n_workers * COLUMNS_TOGETHER) - first
    kernels.product(
        c + first * size, n, share.m, count, k, a, k, 1, b + first * b_column * size, b_k, b_column,
        bias + first * size if bias != NULL else NULL, share.own.work,
    )
    wait_for_all(share.team)


cdef void product_forward(Node* node, const Share* share) noexcept nogil:
    cdef Py_ssize_t size = share.kernels.itemsize
    product(                                                                                    # z = x W + b
        share, output_of(node, share), node.n_out, input_of(node, share), node.n_in,
        share.theta + node.W * size, node.n_out, 1, share.theta + node.b * size if node.b >= 0 else NULL,
    )


cdef void product_backward(Node* node, const Share* share) noexcept nogil:
    if node.delta_in != NULL:
        product(                                                                                # dx = delta Wᵀ
            share, node.delta_in, node.n_in, node.delta, node.n_out,
            share.theta + node.W * share.kernels.itemsize, 1, node.n_out, NULL,
        )


cdef void product_learn(Node* node, const Share* share) noexcept nogil:
    """The worker's rows of dW, and a step by the rule from them: a few rows at a time, so that dW stays in the cache.
    Where grad is wanted it is filled instead."""
    cdef Py_ssize_t size = share.kernels.itemsize, n_in = node.n_in, n_out = node.n_out, count
    cdef Py_ssize_t first = n_in * share.worker // share.n_workers
    cdef Py_ssize_t last = n_in * (share.worker + 1) // share.n_workers
    cdef const char* x = input_of(node, share)
    cdef char* dW = share.own.dW
    cdef Gradient gradient = Gradient(grad=dW, a=NULL, a_row=0, delta=NULL, m=0)
    if share.m <= FEW_ROWS and n_out * size % ALIGNMENT == 0 and share.grad == NULL:
        learn_from_factors(node, share, x, first, last - first)
        first = last
    while first < last:
        count = min(last - first, node.rows_at_once)
        if share.grad != NULL:
            dW = share.grad + (node.W + first * n_out) * size
        share.kernels.product(                                                                  # dW = xᵀ delta
            dW, n_out, count, n_out, share.m, x + first * size, 1, n_in, node.delta, n_out, 1, NULL, share.own.work)
        if share.grad == NULL:
            update(share, node.array, &gradient, node.W + first * n_out, 1, count * n_out)
        first += count
    learn_bias(node, share)


cdef inline void learn_bias(Node* node, const Share* share) noexcept nogil:
    """By the last worker alone."""
    cdef char* db = share.own.dW
    cdef Gradient gradient = Gradient(grad=db, a=NULL, a_row=0, delta=NULL, m=0)
    if node.b < 0 or share.worker < share.n_workers - 1:
        return
    if share.grad != NULL:
        db = share.grad + node.b * share.kernels.itemsize
    share.kernels.column_sums(node.delta, db, share.m, node.n_out)
    if share.grad == NULL:
        update(share, node.array + 1, &gradient, node.b, 1, node.n_out)


cdef void sparse_product_forward(Node* node, const Share* share) noexcept nogil:
    """The same for a sparse x, always by rows."""
    cdef Py_ssize_t size = share.kernels.itemsize, n_out = node.n_out
    cdef Elements* x = share.elements
    share.kernels.sparse_product(                                                               # z = x W + b
        output_of(node, share) + share.first * n_out * size, n_out, share.count, n_out,
        x.values, x.columns, x.starts + share.first, x.ends + share.first,
        share.theta + node.W * size, n_out, share.theta + node.b * size if node.b >= 0 else NULL,
    )


cdef void sparse_product_learn(Node* node, const Share* share) noexcept nogil:
    cdef Py_ssize_t size = share.kernels.itemsize, n_in = node.n_in, n_out = node.n_out, count
    cdef Py_ssize_t first = n_in * share.worker // share.n_workers
    cdef Py_ssize_t last = n_in * (share.worker + 1) // share.n_workers
    cdef Elements* x = share.elements
    cdef char* dW = share.own.dW
    cdef Gradient gradient = Gradient(grad=dW, a=NULL, a_row=0, delta=NULL, m=0)
    while first < last:
        count = min(last - first, node.rows_at_once)
        if share.grad != NULL:
            dW = share.grad + (node.W + first * n_out) * size
        share.kernels.sparse_gradient(                                                          # dW = xᵀ delta
            dW, first, count, n_out, share.m, x.values, x.columns, x.starts, x.ends, node.delta, share.own.work)
        if share.grad == NULL:
            update(share, node.array, &gradient, node.W + first * n_out, 1, count * n_out)
        first += count
    learn_bias(node, share)


cdef inline void learn_from_factors(Node* node, const Share* share, const char* x, Py_ssize_t first,
                                    Py_ssize_t count) noexcept nogil:
    """The same for a batch of a few rows: dW is multiplied within the update and not written to memory."""
    cdef Gradient gradient = Gradient(
        grad=NULL, a=x + first * share.kernels.itemsize, a_row=node.n_in, delta=node.delta, m=share.m)
    update(share, node.array, &gradient, node.W + first * node.n_out, count, node.n_out)


# Activations


cdef void activation_forward(Node* node, const Share* share) noexcept nogil:
    cdef Py_ssize_t at = share.first * node.n_out * share.kernels.itemsize
    node.activation.forward(
        input_of(node, share) + at, output_of(node, share) + at, share.count, node.n_out, node.settings)


cdef void activation_backward(Node* node, const Share* share) noexcept nogil:
    cdef Py_ssize_t at = share.first * node.n_out * share.kernels.itemsize
    node.activation.backward(
        node.a + at, input_of(node, share) + at, node.delta + at, share.count, node.n_out, node.settings)


# Random masks


cdef void dropout_forward(Node* node, const Share* share) noexcept nogil:
    """The mask's address is the trainer's seed, this node's number, the step, and the position in the batch."""
    cdef Py_ssize_t first = share.first * node.n_out, count = share.count * node.n_out
    cdef Py_ssize_t at = first * share.kernels.itemsize
    cdef double* s = node.settings              # rate, factor of those kept, what is added to them and to those dropped
    cdef double threshold = min(s[0] * 4294967296.0 + 0.5, 4294967295.0)
    share.kernels.random_mask(
        node.own + at, first, count, <uint32_t> share.step, mask_purpose(node.number, share.step), share.seed,
        <uint32_t> threshold, s[1],
    )
    share.kernels.masked(input_of(node, share) + at, node.own + at, output_of(node, share) + at, count, s[2], s[3])


cdef inline uint32_t mask_purpose(Py_ssize_t number, uint64_t step) noexcept nogil:
    """The last word of the address: the purpose, the step's bits from 32 to 39, and which of the masks."""
    return <uint32_t> MASK | <uint32_t> (step >> 32 & 0xff) << 8 | <uint32_t> number << 16


cdef void dropout_backward(Node* node, const Share* share) noexcept nogil:
    cdef Py_ssize_t at = share.first * node.n_out * share.kernels.itemsize
    share.kernels.elementwise_product(node.delta + at, node.own + at, node.delta_in + at, share.count * node.n_out)


# Forks, and what joins their branches


cdef void nothing(Node* node, const Share* share) noexcept nogil:
    pass


cdef inline const char* result_of(const Node* node, const Share* share) noexcept nogil:
    """A node's output, which may be the batch's own x."""
    if node.a == NULL:
        return share.x
    return node.a


cdef void copy_forward(Node* node, const Share* share) noexcept nogil:
    cdef Py_ssize_t row = node.n_out * share.kernels.itemsize, at = share.first * row
    memcpy(output_of(node, share) + at, input_of(node, share) + at, share.count * row)


cdef void copy_backward(Node* node, const Share* share) noexcept nogil:
    cdef Py_ssize_t row = node.n_out * share.kernels.itemsize, at = share.first * row
    memcpy(node.delta_in + at, node.delta + at, share.count * row)


cdef void fork_backward(Node* node, const Share* share) noexcept nogil:
    cdef Py_ssize_t at = share.first * node.n_out * share.kernels.itemsize, count = share.count * node.n_out, i
    cdef char* delta = node.delta_in + at
    if node.n_others == 1:
        memcpy(delta, node.others[0].delta + at, count * share.kernels.itemsize)
        return
    share.kernels.elementwise_sum(node.others[0].delta + at, node.others[1].delta + at, delta, count)
    for i in range(2, node.n_others):
        share.kernels.elementwise_sum(delta, node.others[i].delta + at, delta, count)


cdef void add_forward(Node* node, const Share* share) noexcept nogil:
    cdef Py_ssize_t at = share.first * node.n_out * share.kernels.itemsize
    share.kernels.elementwise_sum(
        result_of(node.others[0], share) + at, result_of(node.others[1], share) + at, output_of(node, share) + at,
        share.count * node.n_out,
    )


cdef void add_backward(Node* node, const Share* share) noexcept nogil:
    cdef Py_ssize_t row = node.n_out * share.kernels.itemsize, at = share.first * row, i
    for i in range(2):
        if node.others[i].delta != NULL and node.others[i].delta != node.delta:
            memcpy(node.others[i].delta + at, node.delta + at, share.count * row)


cdef void concatenate_forward(Node* node, const Share* share) noexcept nogil:
    cdef Py_ssize_t size = share.kernels.itemsize, row = node.n_out * size, i, j, width
    cdef char* a = output_of(node, share)
    cdef const char* part
    for i in range(node.n_others):
        width = node.others[i].n_out * size
        part = result_of(node.others[i], share)
        for j in range(share.first, share.first + share.count):
            memcpy(a + j * row, part + j * width, width)
        a += width


cdef void concatenate_backward(Node* node, const Share* share) noexcept nogil:
    cdef Py_ssize_t size = share.kernels.itemsize, row = node.n_out * size, i, j, width
    cdef const char* delta = node.delta
    cdef char* part
    for i in range(node.n_others):
        width = node.others[i].n_out * size
        part = node.others[i].delta
        if part != NULL:
            for j in range(share.first, share.first + share.count):
                memcpy(part + j * width, delta + j * row, width)
        delta += width
