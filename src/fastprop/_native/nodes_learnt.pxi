# Nodes that learn a shape, and nodes that prepare inputs.
#
#   prelu           a = x where x > 0, else slope x          dslope = the sums of min(x, 0) delta
#   parametric      a = x + scale (f(x) - x)                 dscale = the column sums of (f(x) - x) delta
#   standardize     a = (x - center) factor                  by numbers that are not trained
#   smooth_clip     a = x / sqrt(1 + (x / limit)**2)
#   waves           a = cos(x), or each group's cosines and beside them its sines
#   groups          a = x W + b, of each group of columns by itself
#
# An elementwise pass of the worker's rows begins by naming its arrays there: see `at_rows`.


cdef inline Py_ssize_t at_rows(const Node* node, const Share* share, Py_ssize_t n) noexcept nogil:
    """Where the worker's rows of n reals begin, in bytes."""
    return share.first * n * share.kernels.itemsize


cdef inline const char* slopes_of(const Node* node, const Share* share) noexcept nogil:
    """(n,); a single one, if settings[0], as often as there are columns, in the worker's own memory."""
    cdef const char* slopes = share.theta + node.W * share.kernels.itemsize
    cdef Py_ssize_t j
    if not node.settings[0]:
        return slopes
    for j in range(node.n_out):
        memcpy(share.own.work + j * share.kernels.itemsize, slopes, share.kernels.itemsize)
    return share.own.work


cdef void prelu_forward(Node* node, const Share* share) noexcept nogil:
    cdef Py_ssize_t at = at_rows(node, share, node.n_out)
    cdef LayerArrays of = rows_of(node, share)
    of.reads[0], of.writes[0] = input_of(node, share) + at, output_of(node, share) + at
    of.reads[1] = slopes_of(node, share)
    share.kernels.prelu(&of)


cdef void prelu_backward(Node* node, const Share* share) noexcept nogil:
    cdef Py_ssize_t at = at_rows(node, share, node.n_out)
    cdef LayerArrays of = rows_of(node, share)
    of.reads[0], of.reads[1], of.reads[2] = input_of(node, share) + at, slopes_of(node, share), node.delta + at
    of.writes[0] = node.delta_in + at
    share.kernels.prelu_backward(&of)


cdef void prelu_learn(Node* node, const Share* share) noexcept nogil:
    """The last worker does it. A shared slope's sum is that of the columns' sums, as along a row."""
    cdef LayerArrays of = arrays_of(share.m, node.n_out, node.n_out)
    cdef Py_ssize_t n = node.n_out
    if share.worker < share.n_workers - 1:
        return
    of.reads[0], of.reads[1], of.writes[0] = input_of(node, share), node.delta, share.own.dW
    share.kernels.negative_dots(&of)
    if node.settings[0]:
        of.m, n = 1, 1
        of.reads[0], of.writes[0] = share.own.dW, share.own.dW + node.n_out * share.kernels.itemsize
        share.kernels.row_sums(&of)
    learn_from(share, node.array, <const char*> of.writes[0], node.W, n)


cdef inline char* differences_of(const Node* node, const Share* share) noexcept nogil:
    """f(x) - x of all rows, behind f(x)."""
    return node.own + node.capacity * node.n_out * share.kernels.itemsize


cdef void parametric_forward(Node* node, const Share* share) noexcept nogil:
    """f(x) goes into `own`. Settings are f's."""
    cdef Py_ssize_t at = at_rows(node, share, node.n_out)
    cdef LayerArrays of = rows_of(node, share)
    cdef const char* x = input_of(node, share) + at
    node.activation.forward(x, node.own + at, share.count, node.n_out, node.settings)
    of.reads[0], of.reads[1], of.reads[2] = x, share.theta + node.W * share.kernels.itemsize, node.own + at
    of.writes[0], of.writes[1] = output_of(node, share) + at, differences_of(node, share) + at
    share.kernels.blend(&of)


cdef void parametric_backward(Node* node, const Share* share) noexcept nogil:
    cdef Py_ssize_t at = at_rows(node, share, node.n_out)
    cdef LayerArrays of = rows_of(node, share)
    of.reads[0], of.reads[1] = node.delta + at, share.theta + node.W * share.kernels.itemsize
    of.writes[0] = node.delta_in + at
    share.kernels.affine_columns(&of)
    node.activation.backward(
        node.own + at, input_of(node, share) + at, node.delta_in + at, share.count, node.n_out, node.settings)
    of.reads[2] = node.delta_in + at
    share.kernels.blend_backward(&of)


cdef void parametric_learn(Node* node, const Share* share) noexcept nogil:
    cdef char* dots = share.own.dW
    if share.worker == share.n_workers - 1:
        dots_of_columns(
            node, share, differences_of(node, share), dots, dots + node.n_out * share.kernels.itemsize, 0, node.n_out)
        learn_from(share, node.array, dots, node.W, node.n_out)


cdef void standardize_forward(Node* node, const Share* share) noexcept nogil:
    cdef Py_ssize_t at = at_rows(node, share, node.n_out)
    cdef LayerArrays of = rows_of(node, share)
    of.reads[0], of.writes[0] = input_of(node, share) + at, output_of(node, share) + at
    of.reads[1], of.reads[2] = buffer_of(node, share, 0), buffer_of(node, share, 1)
    share.kernels.standardize_columns(&of)


cdef void standardize_backward(Node* node, const Share* share) noexcept nogil:
    cdef Py_ssize_t at = at_rows(node, share, node.n_out)
    cdef LayerArrays of = rows_of(node, share)
    of.reads[0], of.reads[1], of.writes[0] = node.delta + at, buffer_of(node, share, 1), node.delta_in + at
    share.kernels.affine_columns(&of)


cdef void smooth_clip_forward(Node* node, const Share* share) noexcept nogil:
    """Settings: 1 / limit."""
    cdef Py_ssize_t at = at_rows(node, share, node.n_out)
    cdef LayerArrays of = rows_of(node, share)
    of.reads[0], of.writes[0] = input_of(node, share) + at, output_of(node, share) + at
    of.settings[0] = node.settings[0]
    share.kernels.smooth_clip(&of)


cdef void smooth_clip_backward(Node* node, const Share* share) noexcept nogil:
    cdef Py_ssize_t at = at_rows(node, share, node.n_out)
    cdef LayerArrays of = rows_of(node, share)
    of.reads[0], of.reads[1], of.writes[0] = node.delta + at, input_of(node, share) + at, node.delta_in + at
    of.settings[0] = node.settings[0]
    share.kernels.smooth_clip_backward(&of)


# Groups of columns. Settings from 0: how many, and each one's inputs; of waves, whether sines stand beside cosines.


cdef inline LayerArrays groups_of(const Node* node, const Share* share) noexcept nogil:
    cdef Py_ssize_t width = <Py_ssize_t> node.settings[1]
    cdef LayerArrays of = arrays_of(share.count * <Py_ssize_t> node.settings[0], width, width)
    of.settings[0] = node.settings[2]
    return of


cdef void waves_forward(Node* node, const Share* share) noexcept nogil:
    """Without sines beside them, the cosines' slopes need them all the same: they go into `own`."""
    cdef LayerArrays of = groups_of(node, share)
    of.reads[0] = input_of(node, share) + at_rows(node, share, node.n_in)
    of.writes[0] = output_of(node, share) + at_rows(node, share, node.n_out)
    of.writes[1] = node.own + at_rows(node, share, node.n_in)
    share.kernels.waves(&of)


cdef void waves_backward(Node* node, const Share* share) noexcept nogil:
    cdef LayerArrays of = groups_of(node, share)
    of.reads[0] = node.delta + at_rows(node, share, node.n_out)
    of.reads[1] = (node.a if node.settings[2] else node.own) + at_rows(node, share, node.n_out)
    of.writes[0] = node.delta_in + at_rows(node, share, node.n_in)
    share.kernels.waves_backward(&of)


cdef void groups_forward(Node* node, const Share* share) noexcept nogil:
    """W (groups, inputs of each, outputs of each), b (groups, outputs of each)."""
    cdef Py_ssize_t size = share.kernels.itemsize, count = <Py_ssize_t> node.settings[0], g
    cdef Py_ssize_t n_in = node.n_in // count, n_out = node.n_out // count
    cdef const char* x = input_of(node, share) + at_rows(node, share, node.n_in)
    cdef char* a = output_of(node, share) + at_rows(node, share, node.n_out)
    cdef const char* W = share.theta + node.W * size
    cdef const char* b = W + count * n_in * n_out * size
    cdef Finish finish = plain()
    for g in range(count):
        if node.settings[2]:
            finish.bias = b + g * n_out * size
        share.kernels.product(
            a + g * n_out * size, node.n_out, share.count, n_out, n_in, x + g * n_in * size, node.n_in, 1,
            W + g * n_in * n_out * size, n_out, 1, &finish, share.own.work, NULL)


cdef void groups_backward(Node* node, const Share* share) noexcept nogil:
    cdef Py_ssize_t size = share.kernels.itemsize, count = <Py_ssize_t> node.settings[0], g
    cdef Py_ssize_t n_in = node.n_in // count, n_out = node.n_out // count
    cdef const char* delta = node.delta + at_rows(node, share, node.n_out)
    cdef char* dx = node.delta_in + at_rows(node, share, node.n_in)
    for g in range(count):
        share.kernels.product(
            dx + g * n_in * size, node.n_in, share.count, n_in, n_out, delta + g * n_out * size, node.n_out, 1,
            share.theta + (node.W + g * n_in * n_out) * size, 1, n_out, &PLAIN, share.own.work, NULL)


cdef void groups_learn(Node* node, const Share* share) noexcept nogil:
    """Each worker sees to some groups' W, the last to b."""
    cdef Py_ssize_t size = share.kernels.itemsize, count = <Py_ssize_t> node.settings[0], g
    cdef Py_ssize_t n_in = node.n_in // count, n_out = node.n_out // count
    cdef const char* x = input_of(node, share)
    for g in range(count * share.worker // share.n_workers, count * (share.worker + 1) // share.n_workers):
        share.kernels.product(
            share.own.dW, n_out, n_in, n_out, share.m, x + g * n_in * size, 1, node.n_in,
            node.delta + g * n_out * size, node.n_out, 1, &PLAIN, share.own.work, share.ahead)
        learn_from(share, node.array, share.own.dW, node.W + g * n_in * n_out, n_in * n_out)
    if node.settings[2] and share.worker == share.n_workers - 1:
        share.kernels.column_sums(node.delta, share.own.dW, share.m, node.n_out)
        learn_from(share, node.array + 1, share.own.dW, node.W + count * n_in * n_out, node.n_out)
