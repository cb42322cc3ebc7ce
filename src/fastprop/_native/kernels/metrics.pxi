# Metrics: each row's weighted score, in double. w NULL stands for weights of 1.
#
#   categorical_accuracy  1 where o and y are largest at the same output (the first of equals), else 0
#   binary_accuracy       share of outputs on the same side of their thresholds: o's is `setting`, y's one half
#   mae                   mean over outputs of |o - y|


cdef inline Py_ssize_t index_of_max(const real* x, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t j, best = 0
    for j in range(1, n):
        if x[j] > x[best]:
            best = j
    return best


cdef void categorical_accuracy(const void* o_, const void* y_, const void* w_, double* scores,
                               Py_ssize_t m, Py_ssize_t n, double setting) noexcept nogil:
    cdef const real* o = <const real*> o_
    cdef const real* y = <const real*> y_
    cdef Py_ssize_t i
    cdef bint hit
    for i in range(m):
        hit = index_of_max(o + i * n, n) == index_of_max(y + i * n, n)
        scores[i] = weight_of(<const real*> w_, i) if hit else 0


cdef void binary_accuracy(const void* o_, const void* y_, const void* w_, double* scores,
                          Py_ssize_t m, Py_ssize_t n, double setting) noexcept nogil:
    cdef const real* o = <const real*> o_
    cdef const real* y = <const real*> y_
    cdef Py_ssize_t i, j, right
    for i in range(m):
        right = 0
        for j in range(n):
            right += (o[i * n + j] > setting) == (y[i * n + j] > 0.5)
        scores[i] = weight_of(<const real*> w_, i) * right / n


cdef void mae(const void* o_, const void* y_, const void* w_, double* scores,
              Py_ssize_t m, Py_ssize_t n, double setting) noexcept nogil:
    cdef const real* o = <const real*> o_
    cdef const real* y = <const real*> y_
    cdef double row
    cdef Py_ssize_t i, j
    for i in range(m):
        row = 0
        for j in range(n):
            row += abs(<double> o[i * n + j] - <double> y[i * n + j])
        scores[i] = weight_of(<const real*> w_, i) * row / n
