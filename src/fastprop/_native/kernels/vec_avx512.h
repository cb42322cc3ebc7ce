/* AVX-512 (F, DQ, BW, VL): 16 floats or 8 doubles; masks make part loads and stores free.
 * 12 x 2 vectors per tile: 24 accumulators, 2 loads of b, broadcasts of a from memory; 32 registers in all. */
#include <immintrin.h>

#define LANES BY_TYPE(16, 8)
#define LOW_LANES (LANES / 2)
#define TILE_ROWS 12
#define TILE_VECS 2
#define TILE_TURN 2
#define N_REGISTERS 32

#if FASTPROP_BITS == 32
typedef __m512 vec;
typedef __mmask16 mask;
#define V(op) _mm512_##op##_ps
#define I(op) _mm512_##op##_epi32
#define AS_INT _mm512_castps_si512
#define AS_REAL _mm512_castsi512_ps
#define QUARTERS _mm512_shuffle_f32x4
#define H(op) _mm256_##op##_ps
#define LOW_OF _mm512_castps512_ps256
#define AS_VEC _mm512_castps256_ps512
#else
typedef __m512d vec;
typedef __mmask8 mask;
#define V(op) _mm512_##op##_pd
#define I(op) _mm512_##op##_epi64
#define AS_INT _mm512_castpd_si512
#define AS_REAL _mm512_castsi512_pd
#define QUARTERS _mm512_shuffle_f64x2
#define H(op) _mm256_##op##_pd
#define LOW_OF _mm512_castpd512_pd256
#define AS_VEC _mm512_castpd256_pd512
#endif

static inline mask first_lanes(ptrdiff_t count) { return (mask)((1u << count) - 1u); }
static inline vec v_set(real x) { return V(set1)(x); }
static inline vec v_load(const real *p) { return V(loadu)(p); }
static inline void v_store(real *p, vec v) { V(storeu)(p, v); }
static inline vec v_load_part(const real *p, ptrdiff_t count) { return V(maskz_loadu)(first_lanes(count), p); }
static inline void v_store_part(real *p, vec v, ptrdiff_t count) { V(mask_storeu)(p, first_lanes(count), v); }
static inline vec v_add(vec a, vec b) { return V(add)(a, b); }
static inline vec v_sub(vec a, vec b) { return V(sub)(a, b); }
static inline vec v_mul(vec a, vec b) { return V(mul)(a, b); }
static inline vec v_div(vec a, vec b) { return V(div)(a, b); }
static inline vec v_fma(vec a, vec b, vec c) { return V(fmadd)(a, b, c); }
static inline vec v_fnma(vec a, vec b, vec c) { return V(fnmadd)(a, b, c); }
#if defined(__GNUC__)
static inline vec v_fma_at(const real *a, vec b, vec c) {
#if FASTPROP_BITS == 32
    __asm__("vfmadd231ps %2%{1to16%}, %1, %0" : "+v"(c) : "v"(b), "m"(*a));
#else
    __asm__("vfmadd231pd %2%{1to8%}, %1, %0" : "+v"(c) : "v"(b), "m"(*a));
#endif
    return c;
}
#define v_fma_at v_fma_at
#endif
static inline vec v_set_low(real x) { return AS_VEC(H(set1)(x)); }
static inline vec v_fma_low(vec a, vec b, vec c) { return AS_VEC(H(fmadd)(LOW_OF(a), LOW_OF(b), LOW_OF(c))); }
static inline vec v_abs(vec a) { return V(abs)(a); }
static inline vec v_sqrt(vec a) { return V(sqrt)(a); }
#if FASTPROP_BITS == 64 && defined(__GNUC__)
#define POWER_OF_TWO(e) ((EXPONENT_BIAS + (e)) * (FRACTION_MASK + 1))
/* Whether a is +0 or 2**-500 <= |a| < 2**500, and 2**-400 <= b < 2**400, in all lanes: then no step below comes near to
 * an overflow or to the subnormals. */
static inline int divides_by_fma(vec a, vec b) {
    const __m512i over_a = I(sub)(I(add)(AS_INT(a), AS_INT(a)), I(set1)(2 * POWER_OF_TWO(-500))); /* without the sign */
    const __m512i over_b = I(sub)(AS_INT(b), I(set1)(POWER_OF_TWO(-400)));
    const mask b_fits = _mm512_cmplt_epu64_mask(over_b, I(set1)(800 * (FRACTION_MASK + 1)));
    const mask a_fits = _mm512_mask_cmplt_epu64_mask(b_fits, over_a, I(set1)(2 * 1000 * (FRACTION_MASK + 1)));
    return _kortestc_mask8_u8(a_fits, _mm512_mask_testn_epi64_mask(b_fits, AS_INT(a), AS_INT(a)));
}
/* An estimate y of 1 / b becomes by Newton's steps one of its neighbours, the upper where b is all ones, and then 1 / b
 * rounded; q is rounded with it to the quotient by Markstein's step (docs/numerics.md). An Intel is faster so, a Zen 5
 * by its divider; no other AMD has been measured. */
static inline vec v_div_beside_root(vec a, vec b) {
    const vec one = V(set1)(1);
    vec y, q;
    if (!__builtin_cpu_is("intel") || !divides_by_fma(a, b)) return V(div)(a, b);
    y = V(rcp14)(b);
    y = V(fmadd)(y, V(fnmadd)(b, y, one), y);
    y = V(fmadd_round)(y, V(fnmadd)(b, y, one), y, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC);
    y = V(fmadd)(y, V(fnmadd)(b, y, one), y);
    q = V(mul)(a, y);
    return V(fmadd)(V(fnmadd)(b, q, a), y, q);
}
#define v_div_beside_root v_div_beside_root
#endif
static inline vec v_copysign(vec magnitude, vec sign) {
    return V(or)(V(andnot)(V(set1)(-0.0), magnitude), V(and)(V(set1)(-0.0), sign));
}
static inline vec v_max(vec a, vec b) { return V(max)(a, b); }
static inline vec v_min(vec a, vec b) { return V(min)(a, b); }
static inline vec v_scale(vec p, vec t) { return V(scalef)(p, v_sub(t, v_set(MAGIC))); }
static inline vec v_bit_as_sign(vec t, ptrdiff_t bit) {
    return AS_REAL(I(sllv)(AS_INT(t), I(set1)(FASTPROP_BITS - 1 - bit)));
}
#if FASTPROP_BITS == 32
static inline mask gt(vec a, vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
#else
static inline mask gt(vec a, vec b) { return _mm512_cmp_pd_mask(a, b, _CMP_GT_OQ); }
#endif
static inline int v_any_gt(vec a, vec b) { return gt(a, b) != 0; }
static inline vec v_if_gt(vec a, vec b, vec yes, vec no) {
    return V(mask_blend)(gt(a, b), no, yes);
}
static inline vec v_pow2(vec t) {
    return AS_REAL(I(slli)(I(add)(AS_INT(t), I(set1)(EXPONENT_BIAS)), FRACTION_BITS));
}
static inline vec v_split(vec x, vec *e) {
    __m512i bits = I(add)(AS_INT(x), I(set1)(ONE_BITS - SQRT_HALF_BITS));
    __m512i biased = _mm512_or_si512(I(srli)(bits, FRACTION_BITS), I(set1)(INTEGER_BITS));
    *e = v_sub(AS_REAL(biased), v_set(INTEGER_ONE + EXPONENT_BIAS));
    return AS_REAL(I(add)(_mm512_and_si512(bits, I(set1)(FRACTION_MASK)), I(set1)(SQRT_HALF_BITS)));
}
static inline vec v_lookup(const real *table, vec v) {
    __m512i index = I(srli)(AS_INT(v), FRACTION_BITS - 1); /* three bits count, or four of a table twice over */
#if FASTPROP_BITS == 32
    return _mm512_permutexvar_ps(index, _mm512_broadcast_f32x8(_mm256_loadu_ps(table)));
#else
    return _mm512_permutexvar_pd(index, v_load(table));
#endif
}
/* A transposition of quarters of vectors, then one within each of them. These instructions know by themselves where the
 * lanes go; permutations by a table of lanes take a Zen 5 half as long again. */
#define STEP (LANES / 4) /* the lanes of a quarter */
static inline void swap_quarters(vec *lines) {
    const vec a = lines[0], b = lines[STEP], c = lines[2 * STEP], d = lines[3 * STEP];
    const vec top_left = QUARTERS(a, b, 0x44), top_right = QUARTERS(a, b, 0xee);
    const vec low_left = QUARTERS(c, d, 0x44), low_right = QUARTERS(c, d, 0xee);
    lines[0] = QUARTERS(top_left, low_left, 0x88);
    lines[STEP] = QUARTERS(top_left, low_left, 0xdd);
    lines[2 * STEP] = QUARTERS(top_right, low_right, 0x88);
    lines[3 * STEP] = QUARTERS(top_right, low_right, 0xdd);
}
static inline void swap_within(vec *lines) {
    const vec even = V(unpacklo)(lines[0], lines[1]), odd = V(unpackhi)(lines[0], lines[1]);
#if FASTPROP_BITS == 32
    const vec even_ = V(unpacklo)(lines[2], lines[3]), odd_ = V(unpackhi)(lines[2], lines[3]);
    lines[0] = V(shuffle)(even, even_, 0x44);
    lines[1] = V(shuffle)(even, even_, 0xee);
    lines[2] = V(shuffle)(odd, odd_, 0x44);
    lines[3] = V(shuffle)(odd, odd_, 0xee);
#else
    lines[0] = even;
    lines[1] = odd;
#endif
}
static inline void v_transpose(vec *lines) {
    for (int i = 0; i < STEP; i++) swap_quarters(lines + i);
    for (int i = 0; i < LANES; i += STEP) swap_within(lines + i);
}
#undef STEP

typedef __m512i wide;
#define WIDE 8
static inline wide w_set(uint64_t x) { return _mm512_set1_epi64((long long)x); }
static inline wide w_load(const uint64_t *p) { return _mm512_loadu_si512(p); }
static inline void w_store(uint64_t *p, wide v) { _mm512_storeu_si512(p, v); }
static inline wide w_add(wide a, wide b) { return _mm512_add_epi64(a, b); }
static inline wide w_mul(wide a, wide b) { return _mm512_mul_epu32(a, b); }
static inline wide w_xor(wide a, wide b) { return _mm512_xor_si512(a, b); }
static inline wide w_high(wide a) { return _mm512_srli_epi64(a, 32); }
