# Nodes that pick columns, or look their numbers up.
#
#   select      a = some columns of x, in any order
#   embedding   a = the columns of x that are no categories, then for each that is one its category's row of a table
#
# A category that is no whole number in 0..n - 1 has a row of zeros, and learns nothing.


cdef inline Py_ssize_t category_at(const char* x, Py_ssize_t size, Py_ssize_t i, Py_ssize_t n) noexcept nogil:
    """-1 for what is none."""
    cdef double value = real_at(x, size, i)
    if not 0 <= value < n or value != <Py_ssize_t> value:
        return -1
    return <Py_ssize_t> value


cdef void select_forward(Node* node, const Share* share) noexcept nogil:
    """Settings: each column's number in x."""
    cdef Py_ssize_t size = share.kernels.itemsize, i, j
    cdef const char* x = input_of(node, share)
    cdef char* a = output_of(node, share)
    for i in range(share.first, share.first + share.count):
        for j in range(node.n_out):
            memcpy(a + (i * node.n_out + j) * size, x + (i * node.n_in + <Py_ssize_t> node.settings[j]) * size, size)


cdef void select_backward(Node* node, const Share* share) noexcept nogil:
    cdef Py_ssize_t size = share.kernels.itemsize, i, j
    memset(node.delta_in + share.first * node.n_in * size, 0, share.count * node.n_in * size)
    for i in range(share.first, share.first + share.count):
        for j in range(node.n_out):
            memcpy(
                node.delta_in + (i * node.n_in + <Py_ssize_t> node.settings[j]) * size,
                node.delta + (i * node.n_out + j) * size, size)


# Settings of an embedding: how many tables, how many columns it passes on, these, and for each table its column, its
# number of categories and the length of their vectors.


cdef struct Table:
    Py_ssize_t column, n, dim


cdef inline Table table_of(const Node* node, Py_ssize_t j) noexcept nogil:
    cdef const double* settings = node.settings + 2 + <Py_ssize_t> node.settings[1] + 3 * j
    cdef Table table
    table.column, table.n, table.dim = <Py_ssize_t> settings[0], <Py_ssize_t> settings[1], <Py_ssize_t> settings[2]
    return table


cdef void embedding_forward(Node* node, const Share* share) noexcept nogil:
    cdef Py_ssize_t size = share.kernels.itemsize, passed = <Py_ssize_t> node.settings[1], i, j, category, row
    cdef Table table
    cdef const char* x
    cdef const char* W
    cdef char* a
    for i in range(share.first, share.first + share.count):
        x = input_of(node, share) + i * node.n_in * size
        a = output_of(node, share) + i * node.n_out * size
        for j in range(passed):
            memcpy(a, x + <Py_ssize_t> node.settings[2 + j] * size, size)
            a += size
        W = share.theta + node.W * size
        for j in range(<Py_ssize_t> node.settings[0]):
            table = table_of(node, j)
            row = table.dim * size
            category = category_at(x, size, table.column, table.n)
            if category < 0:
                memset(a, 0, row)
            else:
                memcpy(a, W + category * row, row)
            a += row
            W += table.n * row


cdef void embedding_backward(Node* node, const Share* share) noexcept nogil:
    """Categories have no slope."""
    cdef Py_ssize_t size = share.kernels.itemsize, i, j
    memset(node.delta_in + share.first * node.n_in * size, 0, share.count * node.n_in * size)
    for i in range(share.first, share.first + share.count):
        for j in range(<Py_ssize_t> node.settings[1]):
            memcpy(
                node.delta_in + (i * node.n_in + <Py_ssize_t> node.settings[2 + j]) * size,
                node.delta + (i * node.n_out + j) * size, size)


cdef void embedding_learn(Node* node, const Share* share) noexcept nogil:
    """A category's gradient is the sum of its rows' delta, row after row. Each worker sees to some tables."""
    cdef Py_ssize_t size = share.kernels.itemsize, i, j, category
    cdef Py_ssize_t start = node.W, at = <Py_ssize_t> node.settings[1]
    cdef Table table
    cdef const char* x = input_of(node, share)
    cdef char* dW = share.own.dW
    cdef LayerArrays of
    for j in range(<Py_ssize_t> node.settings[0]):
        table = table_of(node, j)
        if j % share.n_workers == share.worker:
            memset(dW, 0, table.n * table.dim * size)
            of = arrays_of(1, table.dim, table.dim)
            for i in range(share.m):
                category = category_at(x + i * node.n_in * size, size, table.column, table.n)
                if category >= 0:
                    of.reads[0] = of.writes[0] = dW + category * table.dim * size
                    of.reads[1] = node.delta + (i * node.n_out + at) * size
                    share.kernels.elementwise_sum(&of)
            learn_from(share, node.array + j, dW, start, table.n * table.dim)
        start += table.n * table.dim
        at += table.dim
