# Nodes with several inputs or outputs.
#
#   copy         a = x                dC/dx = delta
#   fork         its branches are x   dC/dx = the sum of its branches' delta, in order
#   add          a = x + y            dC/dx = dC/dy = delta
#   concatenate  a = (x, y, ...)      each has its columns of delta


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
    cdef Py_ssize_t row = node.n_out * share.kernels.itemsize, at = share.first * row, i
    cdef LayerArrays of = rows_of(node, share)
    of.reads[0], of.writes[0] = node.others[0].delta + at, node.delta_in + at
    if node.n_others == 1:
        memcpy(node.delta_in + at, node.others[0].delta + at, share.count * row)
    for i in range(1, node.n_others):
        of.reads[1] = node.others[i].delta + at
        share.kernels.elementwise_sum(&of)
        of.reads[0] = of.writes[0]


cdef void add_forward(Node* node, const Share* share) noexcept nogil:
    cdef Py_ssize_t at = share.first * node.n_out * share.kernels.itemsize
    cdef LayerArrays of = rows_of(node, share)
    of.reads[0], of.reads[1] = result_of(node.others[0], share) + at, result_of(node.others[1], share) + at
    of.writes[0] = output_of(node, share) + at
    share.kernels.elementwise_sum(&of)


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
