/* AVX2 with FMA: 8 floats or 4 doubles. 6 x 2 vectors per tile: 12 accumulators, 2 loads of b, 1 broadcast
 * of a; 15 of 16 registers. */
#include <immintrin.h>

#define LANES BY_TYPE(8, 4)
#define TILE_ROWS 6
#define TILE_VECS 2
#define TILE_TURN 4
#define MOST_TURNED 12

#if FASTPROP_BITS == 32
typedef __m256 vec;
#define V(op) _mm256_##op##_ps
#define I(op) _mm256_##op##_epi32
#define SET1_INT _mm256_set1_epi32
#define AS_INT _mm256_castps_si256
#define AS_REAL _mm256_castsi256_ps
static const int32_t first_lanes_window[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
#else
typedef __m256d vec;
#define V(op) _mm256_##op##_pd
#define I(op) _mm256_##op##_epi64
#define SET1_INT _mm256_set1_epi64x
#define AS_INT _mm256_castpd_si256
#define AS_REAL _mm256_castsi256_pd
static const int64_t first_lanes_window[8] = {-1, -1, -1, -1};
#endif

static inline __m256i first_lanes(ptrdiff_t count) {
    return _mm256_loadu_si256((const __m256i *)(first_lanes_window + LANES - count));
}
#ifdef __GNUC__
static inline void v_hold(vec v) { __asm__ volatile("" : : "x"(v)); }
#define v_hold v_hold
#else
#define v_hold(v) ((void)(v)) /* here already, for v_lookup */
#endif
static inline vec v_set(real x) { return V(set1)(x); }
static inline vec v_load(const real *p) { return V(loadu)(p); }
static inline void v_store(real *p, vec v) { V(storeu)(p, v); }
static inline vec v_load_part(const real *p, ptrdiff_t count) { return V(maskload)(p, first_lanes(count)); }
/* Not by a masked store, which takes a Zen 3 16 cycles. */
static inline void v_store_part(real *p, vec v, ptrdiff_t count) {
    if (count == LANES) {
        v_store(p, v);
        return;
    }
#if FASTPROP_BITS == 32
    __m128 x = _mm256_castps256_ps128(v);
    if (count & 4) {
        _mm_storeu_ps(p, x);
        p += 4;
        x = _mm256_extractf128_ps(v, 1);
    }
    if (count & 2) {
        _mm_storel_pi((__m64 *)p, x);
        p += 2;
        x = _mm_movehl_ps(x, x);
    }
    if (count & 1) _mm_store_ss(p, x);
#else
    __m128d x = _mm256_castpd256_pd128(v);
    if (count & 2) {
        _mm_storeu_pd(p, x);
        p += 2;
        x = _mm256_extractf128_pd(v, 1);
    }
    if (count & 1) _mm_store_sd(p, x);
#endif
}
static inline vec v_add(vec a, vec b) { return V(add)(a, b); }
static inline vec v_sub(vec a, vec b) { return V(sub)(a, b); }
static inline vec v_mul(vec a, vec b) { return V(mul)(a, b); }
static inline vec v_div(vec a, vec b) { return V(div)(a, b); }
static inline vec v_fma(vec a, vec b, vec c) { return V(fmadd)(a, b, c); }
static inline vec v_fnma(vec a, vec b, vec c) { return V(fnmadd)(a, b, c); }
static inline vec v_abs(vec a) { return V(andnot)(V(set1)(-0.0), a); }
static inline vec v_sqrt(vec a) { return V(sqrt)(a); }
static inline vec v_copysign(vec magnitude, vec sign) {
    return V(or)(V(andnot)(V(set1)(-0.0), magnitude), V(and)(V(set1)(-0.0), sign));
}
static inline vec v_if_gt(vec a, vec b, vec yes, vec no) { return V(blendv)(no, yes, V(cmp)(a, b, _CMP_GT_OQ)); }
static inline vec v_max(vec a, vec b) { return V(max)(a, b); }
static inline vec v_min(vec a, vec b) { return V(min)(a, b); }
static inline int v_any_gt(vec a, vec b) { return V(movemask)(V(cmp)(a, b, _CMP_GT_OQ)) != 0; }
static inline vec v_bit_as_sign(vec t, ptrdiff_t bit) {
    return AS_REAL(I(slli)(AS_INT(t), (int)(FASTPROP_BITS - 1 - bit)));
}
static inline vec v_pow2(vec t) {
    return AS_REAL(I(slli)(I(add)(AS_INT(t), SET1_INT(EXPONENT_BIAS)), FRACTION_BITS));
}
/* 2**n in two factors, because n alone may leave the range of normal exponents; only the last product may round. */
static inline vec v_scale(vec p, vec t) {
    __m256i half = I(srli)(AS_INT(t), 1);
    return v_mul(v_mul(p, v_pow2(AS_REAL(half))), v_pow2(AS_REAL(I(sub)(AS_INT(t), half))));
}
static inline vec v_split(vec x, vec *e) {
    __m256i bits = I(add)(AS_INT(x), SET1_INT(ONE_BITS - SQRT_HALF_BITS));
    __m256i biased = _mm256_or_si256(I(srli)(bits, FRACTION_BITS), SET1_INT(INTEGER_BITS));
    *e = v_sub(AS_REAL(biased), v_set(INTEGER_ONE + EXPONENT_BIAS));
    return AS_REAL(I(add)(_mm256_and_si256(bits, SET1_INT(FRACTION_MASK)), SET1_INT(SQRT_HALF_BITS)));
}
static inline vec v_lookup(const real *table, vec v) {
    __m256i index = I(srli)(AS_INT(v), FRACTION_BITS - 1);
#if FASTPROP_BITS == 32
    vec t = v_load(table);
    v_hold(t); /* for a table in memory a Zen 3 takes twice the time */
    return _mm256_permutevar8x32_ps(t, index); /* takes its lowest three bits */
#else
    return _mm256_i64gather_pd(table, _mm256_and_si256(index, SET1_INT(7)), sizeof(real));
#endif
}
/* Stages of a transposition: lanes with bit s of `a`, and those without of `b`, change places. */
static inline void swap_halves(vec *a, vec *b) {
    vec low = V(permute2f128)(*a, *b, 0x20);
    *b = V(permute2f128)(*a, *b, 0x31);
    *a = low;
}
#if FASTPROP_BITS == 32
static inline void swap_singles(vec *a, vec *b) {
    vec even = _mm256_blend_ps(*a, _mm256_moveldup_ps(*b), 0xaa);
    *b = _mm256_blend_ps(_mm256_movehdup_ps(*a), *b, 0xaa);
    *a = even;
}
static inline void swap_pairs(vec *a, vec *b) {
    vec low = _mm256_shuffle_ps(*a, *b, 0x44);
    *b = _mm256_shuffle_ps(*a, *b, 0xee);
    *a = low;
}
static inline void v_transpose(vec *lines) {
    for (int i = 0; i < 8; i += 2) swap_singles(&lines[i], &lines[i + 1]);
    for (int i = 0; i < 8; i += 4) swap_pairs(&lines[i], &lines[i + 2]), swap_pairs(&lines[i + 1], &lines[i + 3]);
    for (int i = 0; i < 4; i++) swap_halves(&lines[i], &lines[i + 4]);
}
#else
static inline void swap_singles(vec *a, vec *b) {
    vec even = _mm256_unpacklo_pd(*a, *b);
    *b = _mm256_unpackhi_pd(*a, *b);
    *a = even;
}
static inline void v_transpose(vec *lines) {
    for (int i = 0; i < 4; i += 2) swap_singles(&lines[i], &lines[i + 1]);
    for (int i = 0; i < 2; i++) swap_halves(&lines[i], &lines[i + 2]);
}
#endif

typedef __m256i wide;
#define WIDE 4
static inline wide w_set(uint64_t x) { return _mm256_set1_epi64x((long long)x); }
static inline wide w_load(const uint64_t *p) { return _mm256_loadu_si256((const __m256i *)p); }
static inline void w_store(uint64_t *p, wide v) { _mm256_storeu_si256((__m256i *)p, v); }
static inline wide w_add(wide a, wide b) { return _mm256_add_epi64(a, b); }
static inline wide w_mul(wide a, wide b) { return _mm256_mul_epu32(a, b); }
static inline wide w_xor(wide a, wide b) { return _mm256_xor_si256(a, b); }
static inline wide w_high(wide a) { return _mm256_srli_epi64(a, 32); }
