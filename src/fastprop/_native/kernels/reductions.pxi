# Sums and maxima along a row, and sums down columns, in the order that the numerics contract fixes; and whether all
# elements are finite.
#
# A row: element i goes to virtual lane i mod 16; each lane is a chain in ascending i from +0; then lanes are
# folded 8-4-2-1. Columns: chains over blocks of 256 rows, blocks in order, as in a product.

cdef enum:
    VECS_OF_SUMS = 4        # of columns at once: so many chains hide an addition's latency


cdef inline real fold_sum(real* lanes, Py_ssize_t n) noexcept nogil:
    """The tree 8-4-2-1. Lanes from n on hold +0, and adding +0 changes no sum but -0, so their levels are skipped."""
    cdef Py_ssize_t i, half = VIRTUAL_LANES // 2
    while half >= 1:
        if n > half:
            for i in range(half):
                lanes[i] = lanes[i] + lanes[i + half]
        half //= 2
    return lanes[0] + 0 if n <= VIRTUAL_LANES // 2 else lanes[0]


cdef inline real fold_vecs(const vec* acc, Py_ssize_t n) noexcept nogil:
    """The sum of a row of n elements from its virtual lanes."""
    cdef real[VIRTUAL_LANES] lanes
    cdef Py_ssize_t j
    for j in range(ROW_VECS):
        v_store(lanes + j * LANES, acc[j])
    return fold_sum(lanes, n)


cdef inline real row_reduce(const real* x, const real* y, Py_ssize_t n, const bint dot, real shift) noexcept nogil:
    cdef vec acc[ROW_VECS]
    cdef vec v, s = v_set(shift)
    cdef Py_ssize_t i = 0, j
    for j in range(ROW_VECS):
        acc[j] = v_set(0)
    while i < n:
        for j in range(ROW_VECS):
            if i < n:
                v = v_load_upto(x + i, n - i)
                acc[j] = v_fma(v_sub(v, s), v_load_upto(y + i, n - i), acc[j]) if dot else v_add(acc[j], v)
                i += LANES
    return fold_vecs(acc, n)


cdef inline real row_sum(const real* x, Py_ssize_t n) noexcept nogil:
    return row_reduce(x, NULL, n, False, 0)


cdef inline real row_dot(const real* x, const real* y, Py_ssize_t n, real shift) noexcept nogil:
    """The sum of (x - shift) y."""
    return row_reduce(x, y, n, True, shift)


cdef inline real row_max(const real* x, Py_ssize_t n) noexcept nogil:
    """The largest element; of which order nothing depends. Undefined where there is a NaN."""
    cdef real[LANES] lanes
    cdef vec v, highest
    cdef real result = x[0]
    cdef Py_ssize_t i
    if n >= LANES:
        highest = v_load(x)
        i = LANES
        while i + LANES <= n:
            v = v_load(x + i)
            highest = v_max(v, highest)
            i += LANES
        v = v_load(x + n - LANES)           # the last LANES elements, some a second time
        v_store(lanes, v_max(v, highest))
        x = lanes
        n = LANES
    for i in range(n):
        result = x[i] if x[i] > result else result
    return result


# Narrow rows, of n <= COLUMNS_ASIDE, LANES of them side by side: columns[j] holds element j of each, so that what the
# virtual lanes and the tree do along a row becomes arithmetic on whole vectors. The same operations, the same bits.

cdef inline Py_ssize_t rows_aside(Py_ssize_t n_rows, Py_ssize_t n) noexcept nogil:
    """How many of the rows to take side by side next; 0 where the next one is done sooner alone."""
    return min(n_rows, LANES) if LANES > 1 and n <= COLUMNS_ASIDE and n_rows >= ROWS_ASIDE else 0


cdef inline Py_ssize_t padded_aside(Py_ssize_t n) noexcept nogil:
    """How many columns n of them take: a multiple of VIRTUAL_LANES."""
    return (n + VIRTUAL_LANES - 1) // VIRTUAL_LANES * VIRTUAL_LANES


cdef inline void pad_aside(vec* columns, Py_ssize_t n) noexcept nogil:
    """+0 in those from n on."""
    cdef Py_ssize_t j
    for j in range(n, padded_aside(n)):
        columns[j] = v_set(0)


cdef inline void load_aside(vec* columns, const real* x, Py_ssize_t n, Py_ssize_t n_rows) noexcept nogil:
    """columns of n_rows rows, at most LANES; +0 beyond n_rows, and from column n on."""
    cdef Py_ssize_t i, j = 0
    while j < n:
        for i in range(LANES):
            columns[j + i] = v_load_upto(x + i * n + j, n - j) if i < n_rows else v_set(0)
        v_transpose(columns + j)
        j += LANES
    pad_aside(columns, j)


cdef inline void store_aside(real* x, vec* columns, Py_ssize_t n, Py_ssize_t n_rows) noexcept nogil:
    """The way back; it turns the columns where they are."""
    cdef Py_ssize_t i, j = 0
    while j < n:
        v_transpose(columns + j)
        for i in range(LANES):
            if i < n_rows:
                v_store_upto(x + i * n + j, columns[j + i], n - j)
        j += LANES


cdef inline vec fold_few_aside(vec* lanes, Py_ssize_t n) noexcept nogil:
    """The tree 4-2-1 over n <= 8 lanes; those that are not there would add +0, which changes nothing."""
    cdef Py_ssize_t j, half = 4
    while half >= 1:
        for j in range(min(half, n - half)):
            lanes[j] = v_add(lanes[j], lanes[j + half])
        half //= 2
    return lanes[0]


cdef inline vec fold_aside(vec* lanes) noexcept nogil:
    """The tree 8-4-2-1."""
    cdef Py_ssize_t j
    for j in range(8):
        lanes[j] = v_add(lanes[j], lanes[j + 8])
    for j in range(4):
        lanes[j] = v_add(lanes[j], lanes[j + 4])
    for j in range(2):
        lanes[j] = v_add(lanes[j], lanes[j + 2])
    return v_add(lanes[0], lanes[1])


cdef inline vec reduce_aside(const vec* x, const vec* y, Py_ssize_t n, const bint dot) noexcept nogil:
    """Each row's sum of x, or of x y; as `row_reduce`."""
    cdef vec lanes[VIRTUAL_LANES]
    cdef vec zero = v_set(0)
    cdef Py_ssize_t j, first = VIRTUAL_LANES
    if n <= 8:
        for j in range(8):                  # those from n on are never read, which GCC does not see
            lanes[j] = zero
        for j in range(n):
            lanes[j] = v_fma(x[j], y[j], zero) if dot else v_add(x[j], zero)
        return fold_few_aside(lanes, n)
    for j in range(VIRTUAL_LANES):
        lanes[j] = v_fma(x[j], y[j], zero) if dot else v_add(x[j], zero)
    while first < n:
        for j in range(VIRTUAL_LANES):
            lanes[j] = v_fma(x[first + j], y[first + j], lanes[j]) if dot else v_add(lanes[j], x[first + j])
        first += VIRTUAL_LANES
    return fold_aside(lanes)


cdef inline vec sum_aside(const vec* columns, Py_ssize_t n) noexcept nogil:
    return reduce_aside(columns, NULL, n, False)


cdef inline vec dot_aside(const vec* x, const vec* y, Py_ssize_t n) noexcept nogil:
    return reduce_aside(x, y, n, True)


cdef Py_ssize_t next_row_sums(real* sums, const real* x, Py_ssize_t m, Py_ssize_t n, bint squared) noexcept nogil:
    """Of the first rows of x (m, n), or of their squares: of LANES rows where they are narrow, else of one. Returns of
    how many."""
    cdef vec columns[COLUMNS_ASIDE]
    cdef vec zero = v_set(0)
    cdef Py_ssize_t count
    if n == 1:                              # rows that lie side by side as they are
        count = min(m, LANES)
        columns[0] = v_load_upto(x, count)
        v_store(sums, v_fma(columns[0], columns[0], zero) if squared else v_add(columns[0], zero))
        return count
    count = rows_aside(m, n)
    if count == 0:
        sums[0] = row_dot(x, x, n, 0) if squared else row_sum(x, n)
        return 1
    load_aside(columns, x, n, count)
    v_store(sums, dot_aside(columns, columns, n) if squared else sum_aside(columns, n))
    return count


cdef inline vec max_aside(const vec* columns, Py_ssize_t n) noexcept nogil:
    cdef vec highest = columns[0]
    cdef Py_ssize_t j
    for j in range(1, n):
        highest = v_max(columns[j], highest)
    return highest


cdef inline void sums_of_vecs(const real* x, real* sums, Py_ssize_t m, Py_ssize_t row, const Py_ssize_t n_vecs,
                              const bint part, Py_ssize_t rest) noexcept nogil:
    """Of so many vectors of columns, as many chains side by side; x's rows are `row` reals apart, and of the last
    vector only `rest` columns are there where it is there in `part`."""
    cdef vec chains[VECS_OF_SUMS]
    cdef vec totals[VECS_OF_SUMS]
    cdef Py_ssize_t first = 0, i, j
    for j in range(n_vecs):
        totals[j] = v_set(0)
    while first < m:
        for j in range(n_vecs):
            chains[j] = v_set(0)
        for i in range(first, min(first + BLOCK, m)):
            for j in range(n_vecs):
                chains[j] = v_add(chains[j], load_columns(x + i * row, j, n_vecs, part, rest))
        for j in range(n_vecs):
            totals[j] = chains[j] if first == 0 else v_add(totals[j], chains[j])
        first += BLOCK
    for j in range(n_vecs):
        store_columns(sums, totals[j], j, n_vecs, part, rest)


cdef void column_sums(const void* x_, void* sums_, Py_ssize_t m, Py_ssize_t n) noexcept nogil:
    """sums (n,) of x (m, n) over its rows."""
    cdef const real* x = <const real*> x_
    cdef real* sums = <real*> sums_
    cdef Py_ssize_t j = 0, n_vecs, rest
    while n - j >= VECS_OF_SUMS * LANES:
        sums_of_vecs(x + j, sums + j, m, n, VECS_OF_SUMS, False, LANES)
        j += VECS_OF_SUMS * LANES
    n_vecs = (n - j + LANES - 1) // LANES
    rest = n - j - (n_vecs - 1) * LANES
    if n_vecs == 1:
        sums_of_vecs(x + j, sums + j, m, n, 1, True, rest)
    elif n_vecs == 2:
        sums_of_vecs(x + j, sums + j, m, n, 2, True, rest)
    elif n_vecs == 3:
        sums_of_vecs(x + j, sums + j, m, n, 3, True, rest)
    elif n_vecs == 4:
        sums_of_vecs(x + j, sums + j, m, n, 4, True, rest)


cdef bint all_finite(const void* x_, Py_ssize_t count) noexcept nogil:
    """Whether no element is NaN or infinite: 0 x is 0 then, else NaN, which no sum loses. One pass, by four chains, at
    the speed at which x comes from the cache."""
    cdef const real* x = <const real*> x_
    cdef vec zero = v_set(0)
    cdef vec chains[4]
    cdef real[LANES] lanes
    cdef Py_ssize_t i = 0, j
    for j in range(4):
        chains[j] = zero
    while i + 4 * LANES <= count:
        for j in range(4):
            chains[j] = v_add(chains[j], v_mul(zero, v_load(x + i + j * LANES)))
        i += 4 * LANES
    while i < count:
        chains[0] = v_add(chains[0], v_mul(zero, v_load_upto(x + i, count - i)))
        i += LANES
    v_store(lanes, v_add(v_add(chains[0], chains[1]), v_add(chains[2], chains[3])))
    return fold_sum(lanes, LANES) == 0


cdef double weight_sum(double before, const void* w, Py_ssize_t m) noexcept nogil:
    """before + w[0] + w[1] + ..., in that order, in double."""
    cdef double total = before
    cdef Py_ssize_t i
    for i in range(m):
        total += (<const real*> w)[i]
    return total
