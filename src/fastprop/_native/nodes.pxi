# What each kind of node does with a worker's share of a batch. The arithmetic is in the kernels.
#
#   product      a = x W + b       dC/dx = delta Wᵀ                dW = xᵀ delta, db = column sums of delta
#   activation   a = f(x)          dC/dx = delta f'(x)
#
# The other kinds: nodes_branches, _random, _normalization, _functions, _learnt and _columns.pxi. All are listed in
# node_kinds.pxi.
#
# A worker sees to its own rows going forward and back, which are then there for it alone; in the learn part every row
# is there for all.


cdef inline const char* input_of(const Node* node, const Share* share) noexcept nogil:
    if node.x_is_output and share.out != NULL:
        return share.out
    return node.x if node.x != NULL else share.x


cdef inline char* output_of(const Node* node, const Share* share) noexcept nogil:
    return share.out if node.a_is_output and share.out != NULL else node.a


cdef inline double real_at(const char* x, Py_ssize_t size, Py_ssize_t i) noexcept nogil:
    return (<const float*> x)[i] if size == sizeof(float) else (<const double*> x)[i]


cdef inline LayerArrays arrays_of(Py_ssize_t m, Py_ssize_t n, Py_ssize_t row) noexcept nogil:
    """For an operation on arrays that are yet to be named."""
    cdef LayerArrays of
    memset(&of, 0, sizeof(LayerArrays))
    of.m, of.n, of.row = m, n, row
    return of


cdef inline LayerArrays rows_of(const Node* node, const Share* share) noexcept nogil:
    """The same on the worker's rows, of the width of the node's output."""
    return arrays_of(share.count, node.n_out, node.n_out)


cdef inline void learn_from(const Share* share, Py_ssize_t array, const char* dtheta, Py_ssize_t first,
                            Py_ssize_t n) noexcept nogil:
    """A step of the n parameters from `first` on from their gradient; or the gradient alone, where that is wanted."""
    cdef Gradient gradient = Gradient(grad=dtheta, a=NULL, a_row=0, delta=NULL, m=0)
    if share.grad != NULL:
        memcpy(share.grad + first * share.kernels.itemsize, dtheta, n * share.kernels.itemsize)
    else:
        update(share, array, &gradient, first, 1, n)


# Dense's product

cdef Finish PLAIN = plain()


cdef inline void product(const Share* share, char* c, Py_ssize_t n, const char* a, Py_ssize_t k, const char* b,
                         Py_ssize_t b_k, Py_ssize_t b_column, const char* bias, bint rectify,
                         const Node* below) noexcept nogil:
    """c (m, n) = a (m, k) b (k, n), finished, of which afterwards the worker's rows are there, from its rows of a."""
    cdef const Kernels* kernels = share.kernels
    cdef Py_ssize_t size = kernels.itemsize, at = share.first * n * size, first, count, units
    cdef Finish finish = plain()
    finish.bias, finish.rectify = bias, rectify
    if below != NULL:
        finish.slope = below.activation.slope
    if not share.by_columns:
        finish.below = below.a + at if below != NULL else NULL
        kernels.product(
            c + at, n, share.count, n, k, a + share.first * k * size, k, 1, b, b_k, b_column, &finish, share.own.work,
            NULL,
        )
        return
    wait_for_all(share.team)
    units = (n + COLUMNS_TOGETHER - 1) // COLUMNS_TOGETHER
    first = min(n, units * share.worker // share.n_workers * COLUMNS_TOGETHER)
    count = min(n, units * (share.worker + 1) // share.n_workers * COLUMNS_TOGETHER) - first
    finish.bias = bias + first * size if bias != NULL else NULL
    finish.below = below.a + first * size if below != NULL else NULL
    kernels.product(
        c + first * size, n, share.m, count, k, a, k, 1, b + first * b_column * size, b_k, b_column, &finish,
        share.own.work, NULL,
    )
    wait_for_all(share.team)


cdef inline bint rectifies(const Node* node, const Share* share) noexcept nogil:
    """Whether the product does relu's part too: not to the caller's x in a prediction, where that may hide that x is
    infinite."""
    return node.rectifies and (node.x != NULL or share.out == NULL)


cdef void product_forward(Node* node, const Share* share) noexcept nogil:
    cdef Py_ssize_t size = share.kernels.itemsize
    product(                                                                                    # z = x W + b
        share, output_of(node, share), node.n_out, input_of(node, share), node.n_in,
        share.theta + node.W * size, node.n_out, 1, share.theta + node.b * size if node.b >= 0 else NULL,
        rectifies(node, share), NULL,
    )


cdef bint column_is_finite(const Node* node, const Share* share) noexcept nogil:
    """The first of the worker's rows of the node's output."""
    cdef Py_ssize_t size = share.kernels.itemsize, i
    cdef const char* a = output_of(node, share)
    for i in range(share.first, share.first + share.count):
        if not isfinite(real_at(a, size, i * node.n_out)):
            return False
    return True


cdef void product_backward(Node* node, const Share* share) noexcept nogil:
    if node.delta_in != NULL:
        product(                                                                                # dx = delta Wᵀ
            share, node.delta_in, node.n_in, node.delta, node.n_out,
            share.theta + node.W * share.kernels.itemsize, 1, node.n_out, NULL, False, node.below,
        )


cdef void gradient_rows(Node* node, const Share* share, char* dW, Py_ssize_t first, Py_ssize_t count) noexcept nogil:
    """So many rows of dW = xᵀ delta, from `first` on."""
    cdef Py_ssize_t n_in = node.n_in, n_out = node.n_out
    share.kernels.product(
        dW, n_out, count, n_out, share.m, input_of(node, share) + first * share.kernels.itemsize, 1, n_in, node.delta,
        n_out, 1, &PLAIN, share.own.work, share.ahead)


cdef void product_learn(Node* node, const Share* share) noexcept nogil:
    """The worker's rows of dW, and a step by the rule from them: a few rows at a time, so that dW stays in the cache.
    Where grad is wanted it is filled instead. b, which follows W in theta, learns with the last of them if it may."""
    cdef Py_ssize_t size = share.kernels.itemsize, n_in = node.n_in, n_out = node.n_out, count
    cdef bint b_is_left = True, b_too
    cdef Py_ssize_t first = n_in * share.worker // share.n_workers
    cdef Py_ssize_t last = n_in * (share.worker + 1) // share.n_workers
    cdef char* dW = share.own.dW
    cdef Gradient gradient = Gradient(grad=dW, a=NULL, a_row=0, delta=NULL, m=0)
    if is_frozen(share, node.array):
        first = last
    elif node.few_rows and share.m <= FEW_ROWS and not is_written_down(share):
        learn_from_factors(node, share, input_of(node, share), first, last - first)
        first = last
    while first < last:
        count = min(last - first, node.rows_at_once)
        if share.grad != NULL:
            dW = share.grad + (node.W + first * n_out) * size
        node.gradient_rows(node, share, dW, first, count)
        if share.grad == NULL:
            b_too = first + count == n_in and learns_as_W(node, share)
            if b_too:
                share.kernels.column_sums(node.delta, dW + count * n_out * size, share.m, n_out)
                b_is_left = False
            update(share, node.array, &gradient, node.W + first * n_out, 1, (count + b_too) * n_out)
        first += count
    if b_is_left:
        learn_bias(node, share)


cdef inline bint learns_as_W(const Node* node, const Share* share) noexcept nogil:
    """Whether there is a b, and the rule does the same with it as with W."""
    cdef const int64_t* groups = share.rule.groups + node.array
    return node.b >= 0 and groups[0] == groups[1] and not share.rule.shapes


cdef inline void learn_bias(Node* node, const Share* share) noexcept nogil:
    """By the last worker alone."""
    cdef char* db = share.own.dW
    cdef Gradient gradient = Gradient(grad=db, a=NULL, a_row=0, delta=NULL, m=0)
    if node.b < 0 or share.worker < share.n_workers - 1 or is_frozen(share, node.array + 1):
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


cdef void sparse_gradient_rows(Node* node, const Share* share, char* dW, Py_ssize_t first,
                               Py_ssize_t count) noexcept nogil:
    cdef Elements* x = share.elements
    share.kernels.sparse_gradient(
        dW, first, count, node.n_out, share.m, x.values, x.columns, x.starts, x.ends, node.delta, share.own.work)


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


cdef void relu_forward(Node* node, const Share* share) noexcept nogil:
    """Unless the product below has done it."""
    if not rectifies(node.product, share):
        activation_forward(node, share)


cdef void activation_backward(Node* node, const Share* share) noexcept nogil:
    cdef Py_ssize_t at = share.first * node.n_out * share.kernels.itemsize
    node.activation.backward(
        node.a + at, input_of(node, share) + at, node.delta + at, share.count, node.n_out, node.settings)
