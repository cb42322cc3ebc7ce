# softmax and log_softmax: functions of a whole row z, with h its largest element and s the row sum of exp(z - h).
#
#   softmax      a = exp(z - h) / s          delta = a (da - sum(da a))
#   log_softmax  a = (z - h) - log(s)        delta = da - exp(a) sum(da)

cdef inline vec v_exp_in_softmax(vec x) noexcept nogil:
    """exp(x) for x up to EXP_HIGHEST. Exponentials too small to count are 0: as subnormals they would cost a hundred
    times their arithmetic in every product that they enter."""
    cdef vec lowest = v_set(SOFTMAX_LOWEST)
    return v_if_gt(lowest, x, v_set(0), v_exp_within(v_max(lowest, x)))


cdef inline real exponentials_of_row(const real* z, real* a, Py_ssize_t n, real highest) noexcept nogil:
    """a = exp(z - highest); returns their sum."""
    cdef Py_ssize_t j = 0
    cdef vec shift = v_set(highest)
    while j < n:
        v_store_upto(a + j, v_exp_in_softmax(v_sub(v_load_upto(z + j, n - j), shift)), n - j)
        j += LANES
    return row_sum(a, n)


cdef inline real softmax_row(const real* z, real* a, Py_ssize_t n, real highest) noexcept nogil:
    """a = exp(z - highest) / s; returns s, the sum of the exponentials."""
    cdef Py_ssize_t j = 0
    cdef real total = exponentials_of_row(z, a, n, highest)
    cdef vec s = v_set(total)
    while j < n:
        v_store_upto(a + j, v_div(v_load_upto(a + j, n - j), s), n - j)
        j += LANES
    return total


cdef inline void shifted_exponentials_aside(vec* z, vec* a, Py_ssize_t n, vec highest) noexcept nogil:
    """a = exp(z - highest) of narrow rows side by side; z becomes z - highest, unless a is z."""
    cdef Py_ssize_t j
    for j in range(n):
        z[j] = v_sub(z[j], highest)
        a[j] = v_exp_in_softmax(z[j])
    pad_aside(a, n)


cdef inline vec exponentials_aside(vec* z, vec* a, Py_ssize_t n) noexcept nogil:
    """And their sum."""
    shifted_exponentials_aside(z, a, n, max_aside(z, n))
    return sum_aside(a, n)


cdef inline void divide_aside(vec* a, Py_ssize_t n, vec s) noexcept nogil:
    """All are divided by the same s: once 1 / s is rounded, three multiply-adds round a quotient as a division would
    (docs/numerics.md)."""
    cdef Py_ssize_t j
    cdef vec q, inverse = v_div(v_set(1), s)
    for j in range(n):
        q = v_mul(a[j], inverse)
        a[j] = v_fma(v_fnma(s, q, a[j]), inverse, q)


cdef inline vec softmax_aside(vec* z, vec* a, Py_ssize_t n) noexcept nogil:
    cdef vec s = exponentials_aside(z, a, n)
    divide_aside(a, n, s)
    return s


cdef inline void softmax_of_groups(const real* z, real* a, Py_ssize_t n, Py_ssize_t n_groups,
                                   Py_ssize_t n_rows) noexcept nogil:
    """Of groups of n_rows narrow rows side by side, each step for all groups before the next: a group's steps wait for
    one another."""
    cdef vec columns[COLUMNS_ASIDE]
    cdef vec highest[GROUPS_ASIDE]
    cdef Py_ssize_t g, width = padded_aside(n)
    for g in range(n_groups):
        load_aside(columns + g * width, z + g * n_rows * n, n, n_rows)
    for g in range(n_groups):
        highest[g] = max_aside(columns + g * width, n)
    for g in range(n_groups):
        shifted_exponentials_aside(columns + g * width, columns + g * width, n, highest[g])
    for g in range(n_groups):
        divide_aside(columns + g * width, n, sum_aside(columns + g * width, n))
    for g in range(n_groups):
        store_aside(a + g * n_rows * n, columns + g * width, n, n_rows)


cdef void softmax_forward(const void* z_, void* a_, Py_ssize_t m, Py_ssize_t n, const double* settings) noexcept nogil:
    cdef const real* z = <const real*> z_
    cdef real* a = <real*> a_
    cdef Py_ssize_t i = 0, n_rows, n_groups
    while i < m:
        n_rows = rows_aside(m - i, n)
        if n_rows == 0:
            softmax_row(z + i * n, a + i * n, n, row_max(z + i * n, n))
            i += 1
        else:
            n_groups = min((m - i) // n_rows, COLUMNS_ASIDE // padded_aside(n))
            softmax_of_groups(z + i * n, a + i * n, n, n_groups, n_rows)
            i += n_groups * n_rows


cdef void softmax_backward(const void* a_, const void* z, void* delta_, Py_ssize_t m, Py_ssize_t n,
                           const double* settings) noexcept nogil:
    cdef const real* a = <const real*> a_
    cdef real* delta = <real*> delta_
    cdef Py_ssize_t i, j
    cdef vec mean
    for i in range(m):
        mean = v_set(row_dot(delta, a, n, 0))               # da's mean under the probabilities
        j = 0
        while j < n:
            v_store_upto(delta + j, v_mul(v_load_upto(a + j, n - j), v_sub(v_load_upto(delta + j, n - j), mean)), n - j)
            j += LANES
        a += n
        delta += n


cdef inline real sum_of_exponentials(const real* z, Py_ssize_t n, real highest) noexcept nogil:
    """The same sum without a place to keep them."""
    cdef vec acc[ROW_VECS]
    cdef vec e, shift = v_set(highest)
    cdef real[VIRTUAL_LANES] lanes
    cdef Py_ssize_t i = 0, j
    for j in range(ROW_VECS):
        acc[j] = v_set(0)
    while i < n:
        for j in range(ROW_VECS):
            if i < n:
                e = v_exp_in_softmax(v_sub(v_load_upto(z + i, n - i), shift))
                if n - i < LANES:                           # beyond the row nothing is added
                    v_store(lanes, e)
                    e = v_load_part(lanes, n - i)
                acc[j] = v_add(acc[j], e)
                i += LANES
    return fold_vecs(acc, n)


cdef inline void log_softmax_row(const real* z, real* a, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t j = 0
    cdef real highest = row_max(z, n), total = sum_of_exponentials(z, n, highest), log_total
    log_of(&total, &log_total, 1)
    while j < n:
        v_store_upto(a + j, v_sub(v_sub(v_load_upto(z + j, n - j), v_set(highest)), v_set(log_total)), n - j)
        j += LANES


cdef inline void log_softmax_aside(vec* z, vec* a, Py_ssize_t n) noexcept nogil:
    """The same for narrow rows side by side; z becomes z - highest."""
    cdef Py_ssize_t j
    cdef vec log_total = v_log(exponentials_aside(z, a, n))
    for j in range(n):
        a[j] = v_sub(z[j], log_total)


cdef void log_softmax_forward(const void* z_, void* a_, Py_ssize_t m, Py_ssize_t n,
                              const double* settings) noexcept nogil:
    cdef const real* z = <const real*> z_
    cdef real* a = <real*> a_
    cdef vec columns[COLUMNS_ASIDE]
    cdef vec results[COLUMNS_ASIDE]
    cdef Py_ssize_t i = 0, count
    while i < m:
        count = rows_aside(m - i, n)
        if count:
            load_aside(columns, z + i * n, n, count)
            log_softmax_aside(columns, results, n)
            store_aside(a + i * n, results, n, count)
        else:
            count = 1
            log_softmax_row(z + i * n, a + i * n, n)
        i += count


cdef void log_softmax_backward(const void* a_, const void* z, void* delta_, Py_ssize_t m, Py_ssize_t n,
                               const double* settings) noexcept nogil:
    cdef const real* a = <const real*> a_
    cdef real* delta = <real*> delta_
    cdef Py_ssize_t i, j
    cdef vec minus_sum, probabilities
    for i in range(m):
        minus_sum = v_set(-row_sum(delta, n))
        j = 0
        while j < n:
            probabilities = v_exp_in_softmax(v_min(v_set(EXP_HIGHEST), v_load_upto(a + j, n - j)))
            v_store_upto(delta + j, v_fma(minus_sum, probabilities, v_load_upto(delta + j, n - j)), n - j)
            j += LANES
        a += n
        delta += n
