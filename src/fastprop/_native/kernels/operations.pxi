# Operations of layers, element by element or with a number for each column. r are the arrays that one reads, w those
# that it writes, s its settings; a result may be written over an operand of its shape.
#
#   elementwise_sum      w0 = r0 + r1                elementwise_product  w0 = r0 r1
#   masked               w0 = fma(r0, r1, s0 where r1 > 0, else s1)
#   weighted_sum         w0 = fma(s0, r0, s1 r1)
#   standardize_columns  w0 = (r0 - r1) r2           r1 and r2 (n,)
#   affine_columns       w0 = fma(r0, r1, r2)        r1 and r2 (n,); without r2 the product alone

from fastprop._native.kernels.table cimport LayerArrays, Operation

ctypedef vec (*of_three)(vec x, vec y, vec z) noexcept nogil


cdef inline void by_columns(of_three f, const LayerArrays* of) noexcept nogil:
    """f(element, its column's number in the second array, that in the third); +0 in a missing array's place."""
    cdef const real* x = <const real*> of.reads[0]
    cdef const real* y = <const real*> of.reads[1]
    cdef const real* z = <const real*> of.reads[2]
    cdef real* a = <real*> of.writes[0]
    cdef Py_ssize_t i, j = 0, n = of.n
    cdef vec second, third = v_set(0)
    while j < n:
        second = v_load_upto(y + j, n - j)
        if z != NULL:
            third = v_load_upto(z + j, n - j)
        for i in range(of.m):
            v_store_upto(a + i * n + j, f(v_load_upto(x + i * n + j, n - j), second, third), n - j)
        j += LANES


cdef inline void by_elements(of_three f, const LayerArrays* of, vec third) noexcept nogil:
    """f(element, its like in the second array, third)."""
    cdef const real* x = <const real*> of.reads[0]
    cdef const real* y = <const real*> of.reads[1]
    cdef real* a = <real*> of.writes[0]
    cdef Py_ssize_t i = 0, count = of.m * of.n
    while i < count:
        v_store_upto(a + i, f(v_load_upto(x + i, count - i), v_load_upto(y + i, count - i), third), count - i)
        i += LANES


cdef inline vec v_sum_of_two(vec x, vec y, vec unused) noexcept nogil:
    return v_add(x, y)


cdef void elementwise_sum(const LayerArrays* of) noexcept nogil:
    by_elements(v_sum_of_two, of, v_set(0))


cdef inline vec v_product_of_two(vec x, vec y, vec unused) noexcept nogil:
    return v_mul(x, y)


cdef void elementwise_product(const LayerArrays* of) noexcept nogil:
    by_elements(v_product_of_two, of, v_set(0))


cdef void masked(const LayerArrays* of) noexcept nogil:
    cdef const real* x = <const real*> of.reads[0]
    cdef const real* mask = <const real*> of.reads[1]
    cdef real* a = <real*> of.writes[0]
    cdef vec kept = v_set(<real> of.settings[0]), dropped = v_set(<real> of.settings[1]), k
    cdef Py_ssize_t i = 0, count = of.m * of.n
    while i < count:
        k = v_load_upto(mask + i, count - i)
        v_store_upto(
            a + i, v_fma(v_load_upto(x + i, count - i), k, v_if_gt(k, v_set(0), kept, dropped)), count - i)
        i += LANES


cdef void weighted_sum(const LayerArrays* of) noexcept nogil:
    cdef const real* x = <const real*> of.reads[0]
    cdef const real* y = <const real*> of.reads[1]
    cdef real* a = <real*> of.writes[0]
    cdef vec of_x = v_set(<real> of.settings[0]), of_y = v_set(<real> of.settings[1])
    cdef Py_ssize_t i = 0, count = of.m * of.n
    while i < count:
        v_store_upto(
            a + i, v_fma(of_x, v_load_upto(x + i, count - i), v_mul(of_y, v_load_upto(y + i, count - i))), count - i)
        i += LANES


cdef inline vec v_standardized(vec x, vec mean, vec factor) noexcept nogil:
    return v_mul(v_sub(x, mean), factor)


cdef void standardize_columns(const LayerArrays* of) noexcept nogil:
    by_columns(v_standardized, of)


cdef void affine_columns(const LayerArrays* of) noexcept nogil:
    if of.reads[2] != NULL:
        by_columns(v_fma, of)
    else:
        by_columns(v_product_of_two, of)
