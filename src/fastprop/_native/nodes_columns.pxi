# Nodes that pick columns, or look their numbers up.
#
#   select      a = some columns of x, in any order
#   embedding   a = the columns of x that are no categories, then for each that is one its category's row of a table
#
# A category that is no whole number in 0..n - 1 has a row of zeros, and learns nothing.


cdef inline double real_at(const char* x, Py_ssize_t size, Py_ssize_t i) noexcept nogil:
    return (<const float*> x)[i] if size == sizeof(float) else (<const double*> x)[i]


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


# Settings of an embedding: its dimension, how many columns it passes on, these, and for each table its column and its
# number of categories.


cdef inline const double* tables_of(const Node* node, Py_ssize_t* count) noexcept nogil:
    cdef Py_ssize_t passed = <Py_ssize_t> node.settings[1]
    count[0] = (node.n_out - passed) // <Py_ssize_t> node.settings[0]
    return node.settings + 2 + passed


cdef void embedding_forward(Node* node, const Share* share) noexcept nogil:
    cdef Py_ssize_t size = share.kernels.itemsize, passed = <Py_ssize_t> node.settings[1], count, i, j, category
    cdef Py_ssize_t row = <Py_ssize_t> node.settings[0] * size
    cdef const double* tables = tables_of(node, &count)
    cdef const char* x
    cdef const char* table
    cdef char* a
    for i in range(share.first, share.first + share.count):
        x = input_of(node, share) + i * node.n_in * size
        a = output_of(node, share) + i * node.n_out * size
        for j in range(passed):
            memcpy(a, x + <Py_ssize_t> node.settings[2 + j] * size, size)
            a += size
        table = share.theta + node.W * size
        for j in range(count):
            category = category_at(x, size, <Py_ssize_t> tables[2 * j], <Py_ssize_t> tables[2 * j + 1])
            if category < 0:
                memset(a, 0, row)
            else:
                memcpy(a, table + category * row, row)
            a += row
            table += <Py_ssize_t> tables[2 * j + 1] * row


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
    cdef Py_ssize_t size = share.kernels.itemsize, dim = <Py_ssize_t> node.settings[0], count, i, j, n, category
    cdef Py_ssize_t start = node.W
    cdef const double* tables = tables_of(node, &count)
    cdef const char* x = input_of(node, share)
    cdef char* dW = share.own.dW
    cdef LayerArrays of = arrays_of(1, dim, dim)
    for j in range(count):
        n = <Py_ssize_t> tables[2 * j + 1]
        if j % share.n_workers == share.worker:
            memset(dW, 0, n * dim * size)
            for i in range(share.m):
                category = category_at(x + i * node.n_in * size, size, <Py_ssize_t> tables[2 * j], n)
                if category >= 0:
                    of.reads[0] = of.writes[0] = dW + category * dim * size
                    of.reads[1] = node.delta + (i * node.n_out + <Py_ssize_t> node.settings[1] + j * dim) * size
                    share.kernels.elementwise_sum(&of)
            learn_from(share, node.array + j, dW, start, n * dim)
        start += n * dim
