# Asking for lines of memory before they are wanted, into the second-level cache. A few at a time, while tiles are at
# work: many at once would fill the queue of what is on its way from memory, and loads would wait.

from fastprop._native.kernels.table cimport Ahead

cdef enum:
    K_BETWEEN = 64          # k of a tile from one turn of asking to the next: fewer cost too much on AVX2
    MOST_AT_ONCE = 32768    # bytes of rows to be gathered


cdef inline Py_ssize_t lines_of_row(const char* X, Py_ssize_t row_stride, Py_ssize_t width) noexcept nogil:
    """How many to ask for, so that a row of `width` bytes is there; one more, its last byte's, where rows begin
    anywhere in a line."""
    if row_stride % CACHE_LINE == 0:
        return (<Py_ssize_t> X % CACHE_LINE + width + CACHE_LINE - 1) // CACHE_LINE
    return (width + CACHE_LINE - 1) // CACHE_LINE + 1


cdef inline void ask_for_line(const char* row, Py_ssize_t line, Py_ssize_t width) noexcept nogil:
    prefetch_for_later(row + min(line * CACHE_LINE, width - 1))


cdef inline Ahead lines_ahead(const char* X, Py_ssize_t row_stride, Py_ssize_t width, const Py_ssize_t* rows,
                              Py_ssize_t n_rows, double n_turns) noexcept nogil:
    """Those of n_rows rows of `width` bytes, `rows` naming them, NULL for the first; in so many turns or less."""
    cdef Py_ssize_t n_lines = lines_of_row(X, row_stride, width), n_left = n_lines * n_rows
    return Ahead(
        X=X, row_stride=row_stride, rows=rows, row=X + (rows[0] * row_stride if rows != NULL else 0), n_lines=n_lines,
        width=width, line=0, n_left=n_left, at_once=<Py_ssize_t> (n_left / n_turns) + 1)


cdef inline void ask(Ahead* ahead) noexcept nogil:
    """A turn, while there are lines left."""
    cdef Py_ssize_t i, count
    if ahead.n_left == 0:
        return
    count = min(ahead.at_once, ahead.n_left)
    for i in range(count):
        ask_for_line(ahead.row, ahead.line, ahead.width)
        ahead.line += 1
        if ahead.line == ahead.n_lines:
            ahead.line = 0
            if ahead.rows == NULL:
                ahead.row += ahead.row_stride
            elif i + 1 < ahead.n_left:
                ahead.rows += 1
                ahead.row = ahead.X + ahead.rows[0] * ahead.row_stride
    ahead.n_left -= count


cdef void expect(Ahead* ahead, const char* X, Py_ssize_t row_stride, Py_ssize_t width, const Py_ssize_t* rows,
                 Py_ssize_t m, double work) noexcept nogil:
    """Ask for X[rows[:m]], rows of `width` bytes that will be gathered next, at once if they are few; many are left to
    products of `work` multiply-adds, which are given `ahead`."""
    cdef double n_turns = work / (TILE_ROWS * TILE_COLUMNS * K_BETWEEN)
    cdef Py_ssize_t i, line, n_lines = lines_of_row(X, row_stride, width)
    ahead.n_left = 0
    if m * width <= MOST_AT_ONCE:
        for i in range(m):
            for line in range(n_lines):
                ask_for_line(X + rows[i] * row_stride, line, width)
    elif n_turns >= 1:
        ahead[0] = lines_ahead(X, row_stride, width, rows, m, n_turns)
