# Nodes that shift and scale columns or rows.
#
#   batch_norm        xhat = (x - mean) / sqrt(variance + epsilon), by the batch's columns; a = xhat scale + shift
#   batch_norm_fixed  the same by the stored mean and variance
#   layer_norm        xhat = (x - mean) / sqrt(variance + epsilon), by each row; a = xhat scale + shift
#   affine            a = x scale + shift
#
# With g = dC/dxhat = delta scale: dC/dscale = the column sums of delta xhat, dC/dshift those of delta, and dC/dx as in
# normalization.pxi. Settings: epsilon; 1 for a scale that is learnt, 2 for the number in settings[3], 0 for none;
# whether there is a shift; each kind's further ones stand with it.
#
# What a batch norm in training holds in `fixed`: for each column mean, variance, 1 / sqrt(variance + epsilon), and the
# column sums of delta xhat and of delta. xhat is in `own`; after it, for a layer norm, each row's factor.


cdef inline const char* scale_of(const Node* node, const Share* share) noexcept nogil:
    if node.settings[1] == 2:
        return node.fixed
    return share.theta + node.W * share.kernels.itemsize if node.settings[1] else NULL


cdef inline const char* shift_of(const Node* node, const Share* share) noexcept nogil:
    cdef Py_ssize_t start = node.W + (node.n_out if node.settings[1] == 1 else 0)
    return share.theta + start * share.kernels.itemsize if node.settings[2] else NULL


cdef inline char* fixed_of(const Node* node, const Share* share, Py_ssize_t which) noexcept nogil:
    return node.fixed + which * node.n_out * share.kernels.itemsize


cdef inline char* buffer_of(const Node* node, const Share* share, Py_ssize_t which) noexcept nogil:
    return share.buffers + (node.buffer + which * node.n_out) * share.kernels.itemsize


cdef inline void scale_and_shift(const Node* node, const Share* share, const char* x, char* a) noexcept nogil:
    """a = x scale + shift, where they are; of the worker's rows, x and a being where those begin."""
    cdef LayerArrays of = rows_of(node, share)
    of.reads[0], of.writes[0] = x, a
    of.reads[1], of.reads[2] = scale_of(node, share), shift_of(node, share)
    if of.reads[1] != NULL:
        share.kernels.affine_columns(&of)
    elif a != x:
        memcpy(a, x, share.count * node.n_out * share.kernels.itemsize)


cdef inline void learn_scale_and_shift(Node* node, const Share* share, const char* dots,
                                       const char* sums) noexcept nogil:
    """From the column sums of delta xhat and of delta."""
    cdef Py_ssize_t learnt = node.settings[1] == 1
    if learnt:
        learn_from(share, node.array, dots, node.W, node.n_out)
    if node.settings[2]:
        learn_from(share, node.array + learnt, sums, node.W + learnt * node.n_out, node.n_out)


cdef inline void dots_of_columns(Node* node, const Share* share, const char* x, char* dots, char* sums,
                                 Py_ssize_t first, Py_ssize_t n) noexcept nogil:
    """The sums of x delta and of delta down n columns from `first` on, over all rows."""
    cdef Py_ssize_t at = first * share.kernels.itemsize
    cdef LayerArrays of = arrays_of(share.m, n, node.n_out)
    of.reads[0], of.reads[1] = x + at, node.delta + at
    of.writes[0], of.writes[1] = dots + at, sums + at
    share.kernels.column_dots(&of)


cdef inline void affine_learn_by(Node* node, const Share* share, const char* x) noexcept nogil:
    """The scale and the shift from delta and what the scale multiplies; the last worker does it."""
    cdef char* dots = share.own.dW
    if share.worker == share.n_workers - 1:
        dots_of_columns(node, share, x, dots, dots + node.n_out * share.kernels.itemsize, 0, node.n_out)
        learn_scale_and_shift(node, share, dots, dots + node.n_out * share.kernels.itemsize)


# Columns of the batch


cdef inline Py_ssize_t first_column(const Node* node, Py_ssize_t worker, const Share* share) noexcept nogil:
    """Of a worker's columns, whole cache lines of them."""
    cdef Py_ssize_t units = (node.n_out + COLUMNS_TOGETHER - 1) // COLUMNS_TOGETHER
    return min(node.n_out, units * worker // share.n_workers * COLUMNS_TOGETHER)


cdef void batch_norm_forward(Node* node, const Share* share) noexcept nogil:
    """Each worker computes some columns' statistics over all rows, and then goes on with its rows."""
    cdef Py_ssize_t size = share.kernels.itemsize, at = share.first * node.n_out * size
    cdef Py_ssize_t first = first_column(node, share.worker, share)
    cdef Py_ssize_t n = first_column(node, share.worker + 1, share) - first
    cdef LayerArrays of = arrays_of(share.m, n, node.n_out)
    wait_for_all(share.team)
    of.reads[0] = input_of(node, share) + first * size
    of.writes[0], of.writes[1] = fixed_of(node, share, 0) + first * size, fixed_of(node, share, 1) + first * size
    share.kernels.column_moments(&of)
    deviations(node, share, of.writes[1], fixed_of(node, share, 2) + first * size, n)
    wait_for_all(share.team)
    standardize(node, share, fixed_of(node, share, 0), fixed_of(node, share, 2))
    scale_and_shift(node, share, node.own + at, output_of(node, share) + at)


cdef inline void deviations(const Node* node, const Share* share, const void* variances, char* factors,
                            Py_ssize_t n) noexcept nogil:
    cdef LayerArrays of = arrays_of(1, n, n)
    of.reads[0], of.writes[0], of.settings[0] = variances, factors, node.settings[0]
    share.kernels.inverse_deviations(&of)


cdef inline void standardize(const Node* node, const Share* share, const char* mean,
                             const char* factor) noexcept nogil:
    """xhat into `own`, of the worker's rows."""
    cdef Py_ssize_t at = share.first * node.n_out * share.kernels.itemsize
    cdef LayerArrays of = rows_of(node, share)
    of.reads[0], of.reads[1], of.reads[2], of.writes[0] = input_of(node, share) + at, mean, factor, node.own + at
    share.kernels.standardize_columns(&of)


cdef void batch_norm_backward(Node* node, const Share* share) noexcept nogil:
    cdef Py_ssize_t first = first_column(node, share.worker, share), i
    cdef Py_ssize_t at = share.first * node.n_out * share.kernels.itemsize
    cdef LayerArrays of = rows_of(node, share)
    wait_for_all(share.team)
    dots_of_columns(
        node, share, node.own, fixed_of(node, share, 3), fixed_of(node, share, 4), first,
        first_column(node, share.worker + 1, share) - first,
    )
    wait_for_all(share.team)
    if node.delta_in == NULL:
        return
    of.reads[0], of.reads[1], of.reads[2] = node.delta + at, node.own + at, scale_of(node, share)
    for i in range(3):
        of.reads[3 + i] = fixed_of(node, share, 2 + i)
    of.writes[0], of.settings[0] = node.delta_in + at, 1 / <double> share.m
    share.kernels.batch_norm_backward(&of)


cdef void batch_norm_learn(Node* node, const Share* share) noexcept nogil:
    """Settings from 3: the share of a batch in the running mean and variance, -1 for the mean of all batches. A batch
    of one row, which has no variance, does not count."""
    if share.worker != share.n_workers - 1:
        return
    learn_scale_and_shift(node, share, fixed_of(node, share, 3), fixed_of(node, share, 4))
    if share.rule.update != NULL and share.m > 1:
        keep_statistics(node, share)


cdef inline void keep_statistics(Node* node, const Share* share) noexcept nogil:
    """stored = kept stored + new found: of the means, of the variances times m / (m - 1), and the count of batches."""
    cdef double m = share.m, new = node.settings[3]
    cdef Py_ssize_t i
    cdef LayerArrays of = arrays_of(1, node.n_out, node.n_out)
    cdef char* count = buffer_of(node, share, 2)
    cdef double n_batches
    if share.kernels.itemsize == sizeof(float):
        (<float*> count)[0] += 1
        n_batches = (<float*> count)[0]
    else:
        (<double*> count)[0] += 1
        n_batches = (<double*> count)[0]
    if new < 0:
        new = 1 / n_batches
    for i in range(2):
        of.reads[0], of.reads[1] = buffer_of(node, share, i), fixed_of(node, share, i)
        of.writes[0] = buffer_of(node, share, i)
        of.settings[0], of.settings[1] = 1 - new, new if i == 0 else new * (m / (m - 1))
        share.kernels.weighted_sum(&of)


cdef void batch_norm_fixed_forward(Node* node, const Share* share) noexcept nogil:
    """Each worker by itself: the factors are made anew, in its own memory."""
    cdef Py_ssize_t at = share.first * node.n_out * share.kernels.itemsize
    cdef char* factors = share.own.work
    deviations(node, share, buffer_of(node, share, 1), factors, node.n_out)
    standardize(node, share, buffer_of(node, share, 0), factors)
    scale_and_shift(node, share, node.own + at, output_of(node, share) + at)


cdef void batch_norm_fixed_backward(Node* node, const Share* share) noexcept nogil:
    """dC/dx = (delta scale) / sqrt(variance + epsilon)."""
    cdef Py_ssize_t at = share.first * node.n_out * share.kernels.itemsize
    cdef LayerArrays of = rows_of(node, share)
    of.reads[0], of.reads[1], of.writes[0] = node.delta + at, scale_of(node, share), node.delta_in + at
    of.reads[2] = NULL
    if of.reads[1] != NULL:
        share.kernels.affine_columns(&of)
        of.reads[0] = node.delta_in + at
    deviations(node, share, buffer_of(node, share, 1), share.own.work, node.n_out)
    of.reads[1] = share.own.work
    share.kernels.affine_columns(&of)


cdef void normalized_learn(Node* node, const Share* share) noexcept nogil:
    affine_learn_by(node, share, node.own)


# Rows


cdef inline char* row_factors(const Node* node, const Share* share) noexcept nogil:
    """Behind xhat, a number for each of the worker's rows."""
    return node.own + (node.capacity * node.n_out + share.first) * share.kernels.itemsize


cdef void layer_norm_forward(Node* node, const Share* share) noexcept nogil:
    """Settings from 3: whether the mean is taken off."""
    cdef Py_ssize_t at = share.first * node.n_out * share.kernels.itemsize
    cdef LayerArrays of = rows_of(node, share)
    of.reads[0], of.writes[0], of.writes[1] = input_of(node, share) + at, node.own + at, row_factors(node, share)
    of.settings[0], of.settings[1] = node.settings[0], node.settings[3]
    share.kernels.normalize_rows(&of)
    scale_and_shift(node, share, node.own + at, output_of(node, share) + at)


cdef void layer_norm_backward(Node* node, const Share* share) noexcept nogil:
    cdef Py_ssize_t at = share.first * node.n_out * share.kernels.itemsize
    cdef LayerArrays of = rows_of(node, share)
    of.reads[0], of.reads[1], of.writes[0] = node.delta + at, scale_of(node, share), node.delta_in + at
    of.reads[2] = NULL
    if of.reads[1] != NULL:
        share.kernels.affine_columns(&of)
        of.reads[0] = node.delta_in + at
    of.reads[1], of.reads[2], of.settings[1] = node.own + at, row_factors(node, share), node.settings[3]
    share.kernels.normalize_rows_backward(&of)


# A scale and a shift alone


cdef void affine_forward(Node* node, const Share* share) noexcept nogil:
    cdef Py_ssize_t at = share.first * node.n_out * share.kernels.itemsize
    scale_and_shift(node, share, input_of(node, share) + at, output_of(node, share) + at)


cdef void affine_backward(Node* node, const Share* share) noexcept nogil:
    cdef Py_ssize_t at = share.first * node.n_out * share.kernels.itemsize
    cdef LayerArrays of = rows_of(node, share)
    of.reads[0], of.reads[1], of.writes[0] = node.delta + at, scale_of(node, share), node.delta_in + at
    of.reads[2] = NULL
    share.kernels.affine_columns(&of)


cdef void affine_learn(Node* node, const Share* share) noexcept nogil:
    affine_learn_by(node, share, input_of(node, share))
