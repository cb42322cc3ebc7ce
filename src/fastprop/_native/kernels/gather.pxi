# A batch's rows, gathered from the user's array in the order of the epoch and cast to the network's real.
#
# The source may have any strides and any alignment; `rows` names the rows, NULL for those from `first` on.

from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef enum:
    ROWS_AHEAD = 2          # asked for at least,
    LINES_AHEAD = 32        # or so many lines of shorter ones

ctypedef fused source:
    float
    double
    int8_t
    int16_t
    int32_t
    int64_t
    uint8_t
    uint16_t
    uint32_t
    uint64_t


cdef inline void gather_as(const source* kind, const char* X, Py_ssize_t row_stride, Py_ssize_t column_stride,
                           const Py_ssize_t* rows, Py_ssize_t first, Py_ssize_t m, Py_ssize_t n,
                           real* x) noexcept nogil:
    cdef const char* row
    cdef source value
    cdef Py_ssize_t i, j
    for i in range(m):
        row = X + (rows[first + i] if rows != NULL else first + i) * row_stride
        if column_stride == <Py_ssize_t> sizeof(source):        # said apart, so that the loop is vectorised
            for j in range(n):
                memcpy(&value, row + j * <Py_ssize_t> sizeof(source), sizeof(source))
                x[j] = <real> value
        else:
            for j in range(n):
                memcpy(&value, row + j * column_stride, sizeof(source))
                x[j] = <real> value
        x += n


cdef inline void gather_short_rows(const char* X, Py_ssize_t row_stride, const Py_ssize_t* rows, Py_ssize_t first,
                                   Py_ssize_t m, Py_ssize_t n, real* x) noexcept nogil:
    """Rows of the network's own type, of a vector or less."""
    cdef Py_ssize_t i
    for i in range(first, first + m):
        v_store_upto(x, v_load_upto(<const real*> (X + (rows[i] if rows != NULL else i) * row_stride), n), n)
        x += n


cdef inline void gather_long_rows(const char* X, Py_ssize_t row_stride, const Py_ssize_t* rows, Py_ssize_t first,
                                  Py_ssize_t m, Py_ssize_t n, real* x) noexcept nogil:
    """Longer ones. In random order the processor cannot tell which row comes next, and waits for each; so the next ones
    are asked for in time."""
    cdef const char* row
    cdef Py_ssize_t i, j, ahead, width = n * <Py_ssize_t> sizeof(real)
    cdef Py_ssize_t rows_ahead = max(ROWS_AHEAD, LINES_AHEAD * CACHE_LINE // width)
    for i in range(m):
        if rows != NULL and i + rows_ahead < m:
            row = X + rows[first + i + rows_ahead] * row_stride
            ahead = 0
            while ahead < width:
                prefetch_to_read(row + ahead)
                ahead += CACHE_LINE
        row = X + (rows[first + i] if rows != NULL else first + i) * row_stride
        j = 0
        while j < n:
            v_store_upto(x + j, v_load_upto(<const real*> row + j, n - j), n - j)
            j += LANES
        x += n


cdef void gather(char kind, const char* X, Py_ssize_t row_stride, Py_ssize_t column_stride,
                 const Py_ssize_t* rows, Py_ssize_t first, Py_ssize_t m, Py_ssize_t n, void* x_) noexcept nogil:
    """x (m, n) = X[rows[first:first + m]]; kind is the element's letter, as in table.pxd."""
    cdef real* x = <real*> x_
    if kind == REAL_KIND and column_stride == <Py_ssize_t> sizeof(real):
        if n <= LANES:
            gather_short_rows(X, row_stride, rows, first, m, n, x)
        else:
            gather_long_rows(X, row_stride, rows, first, m, n, x)
    elif kind == b"f":
        gather_as(<const float*> NULL, X, row_stride, column_stride, rows, first, m, n, x)
    elif kind == b"d":
        gather_as(<const double*> NULL, X, row_stride, column_stride, rows, first, m, n, x)
    elif kind == b"b":
        gather_as(<const int8_t*> NULL, X, row_stride, column_stride, rows, first, m, n, x)
    elif kind == b"h":
        gather_as(<const int16_t*> NULL, X, row_stride, column_stride, rows, first, m, n, x)
    elif kind == b"i":
        gather_as(<const int32_t*> NULL, X, row_stride, column_stride, rows, first, m, n, x)
    elif kind == b"q":
        gather_as(<const int64_t*> NULL, X, row_stride, column_stride, rows, first, m, n, x)
    elif kind == b"B":
        gather_as(<const uint8_t*> NULL, X, row_stride, column_stride, rows, first, m, n, x)
    elif kind == b"H":
        gather_as(<const uint16_t*> NULL, X, row_stride, column_stride, rows, first, m, n, x)
    elif kind == b"I":
        gather_as(<const uint32_t*> NULL, X, row_stride, column_stride, rows, first, m, n, x)
    elif kind == b"Q":
        gather_as(<const uint64_t*> NULL, X, row_stride, column_stride, rows, first, m, n, x)


cdef void gather_one_hot(const int64_t* labels, const Py_ssize_t* rows, Py_ssize_t first, Py_ssize_t m, Py_ssize_t n,
                         void* y_) noexcept nogil:
    """y (m, n): 1 at each row's label, 0 elsewhere."""
    cdef real* y = <real*> y_
    cdef Py_ssize_t i
    memset(y, 0, m * n * sizeof(real))
    for i in range(m):
        y[i * n + labels[rows[first + i] if rows != NULL else first + i]] = 1


# Rows of a sparse matrix

ctypedef fused column_number:
    int32_t
    int64_t


cdef inline void gather_sparse_as(const source* kind, const column_number* number, const char* data,
                                  const char* numbers, Py_ssize_t count, real* values,
                                  Py_ssize_t* columns) noexcept nogil:
    cdef source value
    cdef column_number column
    cdef Py_ssize_t i
    for i in range(count):
        memcpy(&value, data + i * <Py_ssize_t> sizeof(source), sizeof(source))
        memcpy(&column, numbers + i * <Py_ssize_t> sizeof(column_number), sizeof(column_number))
        values[i] = <real> value
        columns[i] = column


cdef void gather_sparse(char kind, const char* data, bint wide, const char* numbers, Py_ssize_t count, void* values,
                        Py_ssize_t* columns) noexcept nogil:
    """`count` elements of a sparse matrix, float or double as `kind` says, and their columns' numbers, of 64 bits where
    these are `wide` and else of 32."""
    if kind == b"f" and wide:
        gather_sparse_as(<const float*> NULL, <const int64_t*> NULL, data, numbers, count, <real*> values, columns)
    elif kind == b"f":
        gather_sparse_as(<const float*> NULL, <const int32_t*> NULL, data, numbers, count, <real*> values, columns)
    elif wide:
        gather_sparse_as(<const double*> NULL, <const int64_t*> NULL, data, numbers, count, <real*> values, columns)
    else:
        gather_sparse_as(<const double*> NULL, <const int32_t*> NULL, data, numbers, count, <real*> values, columns)
