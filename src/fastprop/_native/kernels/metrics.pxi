# Metrics: the sum over rows, in double, of each row's weighted score. w NULL stands for weights of 1.
#
#   categorical_accuracy  1 where o and y are largest at the same output (the first of equals), else 0
#   binary_accuracy       share of outputs on the same side of their thresholds: o's is `threshold`, y's one half
#   mae                   mean over outputs of |o - y|


cdef inline Py_ssize_t index_of_max(const real* x, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t j, best = 0
    for j in range(1, n):
        if x[j] > x[best]:
            best = j
    return best


cdef double categorical_accuracy(const void* o_, const void* y_, const void* w_, Py_ssize_t m, Py_ssize_t n,
                                 double threshold) noexcept nogil:
    cdef const real* o = <const real*> o_
    cdef const real* y = <const real*> y_
    cdef double total = 0
    cdef Py_ssize_t i
    for i in range(m):
        if index_of_max(o + i * n, n) == index_of_max(y + i * n, n):
            total += weight_of(<const real*> w_, i)
    return total


cdef double binary_accuracy(const void* o_, const void* y_, const void* w_, Py_ssize_t m, Py_ssize_t n,
                            double threshold) noexcept nogil:
    cdef const real* o = <const real*> o_
    cdef const real* y = <const real*> y_
    cdef double total = 0
    cdef Py_ssize_t i, j, right
    for i in range(m):
        right = 0
        for j in range(n):
            right += (o[i * n + j] > threshold) == (y[i * n + j] > 0.5)
        total += weight_of(<const real*> w_, i) * right / n
    return total


cdef double mae(const void* o_, const void* y_, const void* w_, Py_ssize_t m, Py_ssize_t n,
                double threshold) noexcept nogil:
    cdef const real* o = <const real*> o_
    cdef const real* y = <const real*> y_
    cdef double total = 0, row
    cdef Py_ssize_t i, j
    for i in range(m):
        row = 0
        for j in range(n):
            row += abs(<double> o[i * n + j] - <double> y[i * n + j])
        total += weight_of(<const real*> w_, i) * row / n
    return total
