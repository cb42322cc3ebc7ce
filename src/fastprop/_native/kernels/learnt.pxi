# Operations of layers that learn a shape, and of those that prepare inputs. r, w and s as in operations.pxi.
#
#   prelu                 w0 = r0 where r0 > 0, else r1 r0                      r1 (n,)
#   prelu_backward        w0 = r2 where r0 > 0, else r1 r2                      from x r0 and delta r2
#   negative_dots         w0 = the sums down columns of min(r0, 0) r1
#   row_sums              w0 (m,) = the sums along rows of r0
#   blend                 w0 = fma(r1, w1, r0), w1 = r2 - r0                    r1 (n,); r2 is f(x) of x r0
#   blend_backward        w0 = fma(r0, 1 - r1, r2)                              from delta r0; r2 is delta r1 f'(x)
#   smooth_clip           w0 = r0 / d, d = sqrt(fma(t, t, 1)), t = r0 s0
#   smooth_clip_backward  w0 = r0 / (d (d d))                                   from delta r0 and x r1
#   waves                 if s0, w0 (m, 2 n) = cos(r0) and beside it sin(r0); else w0 = cos(r0), w1 = sin(r0)
#   waves_backward        w0 (m, n) = dsin cos - dcos sin, by fma: of delta r0 and r1, (m, 2 n) as above, if s0;
#                         else w0 = -(r0 r1), r1 being sin


cdef inline vec v_prelu(vec x, vec slope, vec unused) noexcept nogil:
    return v_if_gt(x, v_set(0), x, v_mul(slope, x))


cdef void prelu(const LayerArrays* of) noexcept nogil:
    by_columns(v_prelu, of)


cdef void prelu_backward(const LayerArrays* of) noexcept nogil:
    cdef const real* x = <const real*> of.reads[0]
    cdef const real* slopes = <const real*> of.reads[1]
    cdef const real* delta = <const real*> of.reads[2]
    cdef real* dx = <real*> of.writes[0]
    cdef Py_ssize_t i, j = 0, n = of.n
    cdef vec slope, v
    while j < n:
        slope = v_load_upto(slopes + j, n - j)
        for i in range(of.m):
            v = v_load_upto(delta + i * n + j, n - j)
            v_store_upto(
                dx + i * n + j, v_if_gt(v_load_upto(x + i * n + j, n - j), v_set(0), v, v_mul(slope, v)), n - j)
        j += LANES


cdef void negative_dots(const LayerArrays* of) noexcept nogil:
    cdef const real* x = <const real*> of.reads[0]
    cdef const real* y = <const real*> of.reads[1]
    cdef real* dots = <real*> of.writes[0]
    cdef Py_ssize_t j = 0, n = of.n, m = of.m, first, i
    cdef vec chain, total, v
    while j < n:
        total = v_set(0)
        first = 0
        while first < m:
            chain = v_set(0)
            for i in range(first, min(first + BLOCK, m)):
                v = v_load_upto(x + i * n + j, n - j)
                chain = v_fma(v_if_gt(v, v_set(0), v_set(0), v), v_load_upto(y + i * n + j, n - j), chain)
            total = chain if first == 0 else v_add(total, chain)
            first += BLOCK
        v_store_upto(dots + j, total, n - j)
        j += LANES


cdef void row_sums(const LayerArrays* of) noexcept nogil:
    cdef const real* x = <const real*> of.reads[0]
    cdef Py_ssize_t i
    for i in range(of.m):
        (<real*> of.writes[0])[i] = row_sum(x + i * of.n, of.n)


cdef void blend(const LayerArrays* of) noexcept nogil:
    cdef const real* x = <const real*> of.reads[0]
    cdef const real* scales = <const real*> of.reads[1]
    cdef const real* f = <const real*> of.reads[2]
    cdef real* a = <real*> of.writes[0]
    cdef real* differences = <real*> of.writes[1]
    cdef Py_ssize_t i, at, j = 0, n = of.n
    cdef vec scale, v, e
    while j < n:
        scale = v_load_upto(scales + j, n - j)
        for i in range(of.m):
            at = i * n + j
            v = v_load_upto(x + at, n - j)
            e = v_sub(v_load_upto(f + at, n - j), v)
            v_store_upto(a + at, v_fma(scale, e, v), n - j)
            v_store_upto(differences + at, e, n - j)
        j += LANES


cdef void blend_backward(const LayerArrays* of) noexcept nogil:
    cdef const real* delta = <const real*> of.reads[0]
    cdef const real* scales = <const real*> of.reads[1]
    cdef const real* inner = <const real*> of.reads[2]
    cdef real* dx = <real*> of.writes[0]
    cdef Py_ssize_t i, at, j = 0, n = of.n
    cdef vec rest
    while j < n:
        rest = v_sub(v_set(1), v_load_upto(scales + j, n - j))
        for i in range(of.m):
            at = i * n + j
            v_store_upto(
                dx + at, v_fma(v_load_upto(delta + at, n - j), rest, v_load_upto(inner + at, n - j)), n - j)
        j += LANES


cdef inline vec v_clip_root(vec x, vec inverse) noexcept nogil:
    cdef vec t = v_mul(x, inverse)
    return v_sqrt(v_fma(t, t, v_set(1)))


cdef inline vec v_smooth_clip(vec x, vec unused, vec inverse) noexcept nogil:
    return v_div(x, v_clip_root(x, inverse))


cdef void smooth_clip(const LayerArrays* of) noexcept nogil:
    cdef LayerArrays twice = of[0]
    twice.reads[1] = of.reads[0]
    by_elements(v_smooth_clip, &twice, v_set(<real> of.settings[0]))


cdef inline vec v_smooth_clip_backward(vec delta, vec x, vec inverse) noexcept nogil:
    cdef vec d = v_clip_root(x, inverse)
    return v_div(delta, v_mul(d, v_mul(d, d)))


cdef void smooth_clip_backward(const LayerArrays* of) noexcept nogil:
    by_elements(v_smooth_clip_backward, of, v_set(<real> of.settings[0]))


cdef void waves(const LayerArrays* of) noexcept nogil:
    cdef const real* angles = <const real*> of.reads[0]
    cdef real* cosines = <real*> of.writes[0]
    cdef Py_ssize_t i, j, n = of.n, row = 2 * n if of.settings[0] else n
    cdef real* sines = cosines + n if of.settings[0] else <real*> of.writes[1]
    cdef vec angle
    for i in range(of.m):
        j = 0
        while j < n:
            angle = v_load_upto(angles + j, n - j)
            v_store_upto(cosines + j, v_cos(angle), n - j)
            v_store_upto(sines + j, v_sin(angle), n - j)
            j += LANES
        angles += n
        cosines += row
        sines += row


cdef void waves_backward(const LayerArrays* of) noexcept nogil:
    cdef const real* delta = <const real*> of.reads[0]
    cdef const real* a = <const real*> of.reads[1]
    cdef real* dx = <real*> of.writes[0]
    cdef Py_ssize_t i, j, n = of.n, row = 2 * n if of.settings[0] else n
    cdef const real* sines = a + n if of.settings[0] else a
    cdef vec by_cosine
    for i in range(of.m):
        j = 0
        while j < n:
            by_cosine = v_mul(v_load_upto(delta + j, n - j), v_load_upto(sines + j, n - j))
            by_cosine = v_sub(v_set(0), by_cosine)
            if of.settings[0]:
                by_cosine = v_fma(v_load_upto(delta + n + j, n - j), v_load_upto(a + j, n - j), by_cosine)
            v_store_upto(dx + j, by_cosine, n - j)
            j += LANES
        delta += row
        a += row
        sines += row
        dx += n
