# Products with a sparse matrix x (m, k), of which only some elements are kept, row after row:
#
#   forward    z  = x W + b
#   gradient   dW = xᵀ delta
#
# Row i's elements are values[starts[i]:ends[i]], in columns[starts[i]:ends[i]], which ascend. An element that is not
# kept is 0, and 0 adds nothing to a chain of multiply-adds. So these are the sums of product.pxi, to the last bit but
# for the sign of a 0 that is left of an underflow.

cdef enum:
    VECS_OF_SPARSE_ROW = 8


cdef inline void sparse_row(real* c, const real* values, const Py_ssize_t* columns, Py_ssize_t count, const real* b,
                            Py_ssize_t b_k, const real* bias, const Py_ssize_t n_vecs, const bint part,
                            Py_ssize_t rest) noexcept nogil:
    """n_vecs vectors of a row of c, a constant; with `part` the only one has `rest` columns."""
    cdef vec total[VECS_OF_SPARSE_ROW]
    cdef vec chain[VECS_OF_SPARSE_ROW]
    cdef vec x
    cdef Py_ssize_t p = 0, j, block
    cdef bint first = count > 0 and columns[0] < BLOCK
    for j in range(n_vecs):
        total[j] = v_set(0)
    while p < count:
        block = columns[p] // BLOCK
        for j in range(n_vecs):
            chain[j] = v_set(0)
        while p < count and columns[p] < (block + 1) * BLOCK:
            x = v_set(values[p])
            for j in range(n_vecs):
                chain[j] = v_fma(x, load_columns(b + columns[p] * b_k, j, n_vecs, part, rest), chain[j])
            p += 1
        for j in range(n_vecs):
            total[j] = chain[j] if first else v_add(total[j], chain[j])
        first = False
    for j in range(n_vecs):
        if bias != NULL:
            total[j] = v_add(total[j], load_columns(bias, j, n_vecs, part, rest))
        store_columns(c, total[j], j, n_vecs, part, rest)


cdef void sparse_product(
    void* c_, Py_ssize_t c_row, Py_ssize_t m, Py_ssize_t n,
    const void* values_, const Py_ssize_t* columns, const Py_ssize_t* starts, const Py_ssize_t* ends,
    const void* b_, Py_ssize_t b_k, const void* bias_,
) noexcept nogil:
    """c (m, n) = x (m, k) b (k, n) + bias (n,), NULL for none; rows of c and b so many reals apart."""
    cdef const real* values
    cdef const Py_ssize_t* at
    cdef const real* b
    cdef const real* bias
    cdef real* c
    cdef Py_ssize_t i, j, count
    for i in range(m):
        values = <const real*> values_ + starts[i]
        at = columns + starts[i]
        count = ends[i] - starts[i]
        j = 0
        while j < n:
            b = <const real*> b_ + j
            bias = <const real*> bias_ + j if bias_ != NULL else NULL
            c = <real*> c_ + i * c_row + j
            if n - j >= VECS_OF_SPARSE_ROW * LANES:
                sparse_row(c, values, at, count, b, b_k, bias, VECS_OF_SPARSE_ROW, False, 0)
                j += VECS_OF_SPARSE_ROW * LANES
            elif n - j >= 2 * LANES:
                sparse_row(c, values, at, count, b, b_k, bias, 2, False, 0)
                j += 2 * LANES
            else:
                sparse_row(c, values, at, count, b, b_k, bias, 1, True, min(n - j, LANES))
                j += LANES


cdef inline Py_ssize_t first_from(const Py_ssize_t* columns, Py_ssize_t start, Py_ssize_t end,
                                  Py_ssize_t column) noexcept nogil:
    """Where in start..end - 1 columns reaches `column`; `end` if it does not."""
    cdef Py_ssize_t middle
    while start < end:
        middle = (start + end) // 2
        if columns[middle] < column:
            start = middle + 1
        else:
            end = middle
    return start


cdef void sparse_gradient(
    void* dW_, Py_ssize_t first, Py_ssize_t count, Py_ssize_t n, Py_ssize_t m,
    const void* values_, const Py_ssize_t* columns, const Py_ssize_t* starts, const Py_ssize_t* ends,
    const void* delta_, void* chains_,
) noexcept nogil:
    """dW (count, n) = the rows from `first` on of xᵀ delta, x (m, k), delta (m, n). chains (count, n) is work for more
    than BLOCK rows of x."""
    cdef const real* values = <const real*> values_
    cdef const real* delta
    cdef real* sums = <real*> dW_
    cdef real* line
    cdef Py_ssize_t row = 0, i, j, p, end
    cdef vec x
    while row < m or row == 0:
        if row > 0:
            sums = <real*> chains_
        memset(sums, 0, count * n * sizeof(real))
        for i in range(row, min(row + BLOCK, m)):
            delta = <const real*> delta_ + i * n
            p = first_from(columns, starts[i], ends[i], first)
            end = first_from(columns, p, ends[i], first + count)
            while p < end:
                x = v_set(values[p])
                line = sums + (columns[p] - first) * n
                j = 0
                while j < n:
                    v_store_upto(line + j, v_fma(x, v_load_upto(delta + j, n - j), v_load_upto(line + j, n - j)), n - j)
                    j += LANES
                p += 1
        if row > 0:
            j = 0
            while j < count * n:
                x = v_add(v_load_upto(<real*> dW_ + j, count * n - j), v_load_upto(sums + j, count * n - j))
                v_store_upto(<real*> dW_ + j, x, count * n - j)
                j += LANES
        row += BLOCK
