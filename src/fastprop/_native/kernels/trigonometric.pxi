# sin and cos on a vector; the notation is that of elementary.pxi, whose contract this continues.
#
#   reduction     x = n pi/2 + r + low.  For |x| <= ANGLE_LARGEST:
#                 n = round(x TWO_OVER_PI), the product not rounded before
#                 a = fma(n, -PI2_1, x)                       exact: a multiple of x's or PI2_1's last place, and small
#                 b = n PI2_2,  r = a - b
#                 low = fma(n, -PI2_3, ((a - r) - b) + fma(n, -PI2_2, b))     what r and b lost, and the third part;
#                                                             a is a multiple of b's last place: (a - r) - b is exact
#                 Beyond, lane by lane, reduce_large of large_angles.h.
#   of r + low    z = fma(r, r, (r + r) low)
#                 sine = r + fma(r z, SIN(z), low);  cosine = fma(z, fma(z, COS(z), -1/2), 1)
#   sin(x)        j = n: the cosine where j is odd, else the sine, negated where j's second bit is 1;
#                 but x where |x| <= TINY
#   cos(x)        the same with j = n + 1, for any |x|
#
# After Cody & Waite (1980); beyond ANGLE_LARGEST after M. H. Payne & R. N. Hanek (1983), "Radian reduction for
# trigonometric functions", ACM SIGNUM Newsletter 18(1), 19-24.

cdef extern from "coefficients.h":
    enum:
        SIN_TERMS
        COS_TERMS
    const real[1] SIN_C
    const real[1] COS_C
    const real TWO_OVER_PI
    const real PI2_1
    const real PI2_2
    const real PI2_3

cdef extern from "large_angles.h":
    void reduce_large(real x, real* n, real* r, real* low) noexcept nogil


cdef struct Angle:
    vec n
    vec r
    vec low


cdef void reduce_large_lanes(vec x, Angle* angle) noexcept nogil:
    """Replaces the lanes that are too large for the vector's reduction."""
    cdef real[LANES] xs, ns, rs, lows
    cdef Py_ssize_t i
    v_store(xs, x)
    v_store(ns, angle.n)
    v_store(rs, angle.r)
    v_store(lows, angle.low)
    for i in range(LANES):
        if xs[i] > ANGLE_LARGEST or xs[i] < -ANGLE_LARGEST:
            reduce_large(xs[i], &ns[i], &rs[i], &lows[i])
    angle.n = v_load(ns)
    angle.r = v_load(rs)
    angle.low = v_load(lows)


cdef inline vec v_sine_or_cosine(vec x, const real quarter_turns) noexcept nogil:
    """sin(x + quarter_turns pi / 2) for 0 or 1 quarter turns."""
    cdef Angle angle
    cdef vec n, r, low, a, b, z, j, sine, cosine, y
    n = v_sub(v_fma(x, v_set(TWO_OVER_PI), v_set(MAGIC)), v_set(MAGIC))
    a = v_fma(n, v_set(-PI2_1), x)
    b = v_mul(n, v_set(PI2_2))
    r = v_sub(a, b)
    low = v_add(v_sub(v_sub(a, r), b), v_fma(n, v_set(-PI2_2), b))
    low = v_fma(n, v_set(-PI2_3), low)
    if v_any_gt(v_abs(x), v_set(ANGLE_LARGEST)):
        angle.n = n
        angle.r = r
        angle.low = low
        reduce_large_lanes(x, &angle)
        n = angle.n
        r = angle.r
        low = angle.low
    z = v_fma(r, r, v_mul(v_add(r, r), low))
    sine = v_add(r, v_fma(v_mul(r, z), v_polynomial(SIN_C, SIN_TERMS, z), low))
    cosine = v_fma(z, v_fma(z, v_polynomial(COS_C, COS_TERMS, z), v_set(<real>-0.5)), v_set(1))
    j = v_add(n, v_set(MAGIC + quarter_turns))
    y = v_if_gt(v_set(0), v_copysign(v_set(1), v_bit_as_sign(j, 0)), cosine, sine)
    return v_mul(y, v_copysign(v_set(1), v_bit_as_sign(j, 1)))


cdef inline vec v_sin(vec x) noexcept nogil:
    return v_if_gt(v_abs(x), v_set(TINY), v_sine_or_cosine(x, 0), x)        # keeps -0


cdef inline vec v_cos(vec x) noexcept nogil:
    return v_sine_or_cosine(x, 1)


cdef void sin_of(const void* x, void* y, Py_ssize_t count) noexcept nogil:
    map_lanes(v_sin, x, y, count)


cdef void cos_of(const void* x, void* y, Py_ssize_t count) noexcept nogil:
    map_lanes(v_cos, x, y, count)
