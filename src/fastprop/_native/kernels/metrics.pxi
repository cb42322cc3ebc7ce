# Metrics: each row's weighted score, in double. w NULL stands for weights of 1; most read no setting.
#
#   categorical_accuracy  1 where o and y are largest at the same output (the first of equals), else 0
#   binary_accuracy       share of outputs on the same side of their thresholds: o's is `setting`, y's one half
#   top_k_accuracy        1 where y's largest output is among o's `setting` largest (the first of equals before), else 0
#   categorical_log_loss  sum over outputs of -y log(p), p within EPSILON and 1 - EPSILON
#   binary_log_loss       mean over outputs of -(y log(p) + (1 - y) log(1 - p)), p likewise
#   mae, mse              mean over outputs of |o - y|, of (o - y)**2
#
# For a log loss p is o, or, where `setting` is 1, softmax(o), sigmoid(o), whose logarithm is taken from o itself.


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


cdef void top_k_accuracy(const void* o_, const void* y_, const void* w_, double* scores,
                         Py_ssize_t m, Py_ssize_t n, double setting) noexcept nogil:
    cdef const real* o = <const real*> o_
    cdef Py_ssize_t i, j, right, before
    for i in range(m):
        right = index_of_max(<const real*> y_ + i * n, n)
        before = 0
        for j in range(n):
            before += o[j] > o[right] or (j < right and o[j] == o[right])
        scores[i] = weight_of(<const real*> w_, i) if before < setting else 0
        o += n


cdef inline double log_within(real p) noexcept nogil:
    """log(p), p at least the distance from 1 to the next number, and at most 1 less it."""
    cdef real result
    p = EPSILON if p < EPSILON else p
    p = 1 - EPSILON if p > 1 - EPSILON else p
    log_of(&p, &result, 1)
    return result


cdef inline double softplus_alone(real z) noexcept nogil:
    cdef real result
    softplus_of(&z, &result, 1)
    return result


cdef inline double log_sum_exp(const real* z, Py_ssize_t n) noexcept nogil:
    cdef real highest = row_max(z, n), x, power
    cdef double total = 0
    cdef Py_ssize_t j
    for j in range(n):
        x = z[j] - highest
        exp_of(&x, &power, 1)
        total += <double> power
    x = <real> total
    log_of(&x, &power, 1)
    return <double> highest + <double> power


cdef void categorical_log_loss(const void* o_, const void* y_, const void* w_, double* scores,
                               Py_ssize_t m, Py_ssize_t n, double setting) noexcept nogil:
    cdef const real* o = <const real*> o_
    cdef const real* y = <const real*> y_
    cdef double row, total, log_p
    cdef Py_ssize_t i, j
    for i in range(m):
        row = 0
        total = log_sum_exp(o, n) if setting != 0 else 0
        for j in range(n):
            if y[j] != 0:
                log_p = <double> o[j] - total if setting != 0 else log_within(o[j])
                row -= <double> y[j] * log_p
        scores[i] = weight_of(<const real*> w_, i) * row
        o += n
        y += n


cdef void binary_log_loss(const void* o_, const void* y_, const void* w_, double* scores,
                          Py_ssize_t m, Py_ssize_t n, double setting) noexcept nogil:
    cdef const real* o = <const real*> o_
    cdef const real* y = <const real*> y_
    cdef double row, yes, no, target
    cdef Py_ssize_t i, j
    for i in range(m):
        row = 0
        for j in range(n):
            yes = softplus_alone(-o[j]) if setting != 0 else -log_within(o[j])
            no = softplus_alone(o[j]) if setting != 0 else -log_within(1 - o[j])
            target = y[j]
            row += target * yes + (1 - target) * no
        scores[i] = weight_of(<const real*> w_, i) * row / n
        o += n
        y += n


cdef void mean_absolute_error(const void* o_, const void* y_, const void* w_, double* scores,
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


cdef void mean_squared_error(const void* o_, const void* y_, const void* w_, double* scores,
                             Py_ssize_t m, Py_ssize_t n, double setting) noexcept nogil:
    cdef const real* o = <const real*> o_
    cdef const real* y = <const real*> y_
    cdef double row, e
    cdef Py_ssize_t i, j
    for i in range(m):
        row = 0
        for j in range(n):
            e = <double> o[i * n + j] - <double> y[i * n + j]
            row += e * e
        scores[i] = weight_of(<const real*> w_, i) * row / n
