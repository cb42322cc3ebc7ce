/* NEON on AArch64: 4 floats or 2 doubles, 32 registers. 8 x 3 vectors per tile: 24 accumulators, 3 loads of
 * b, 1 broadcast of a. There are no masks: part loads and stores go through a small buffer. */
#include <arm_neon.h>

#define LANES BY_TYPE(4, 2)
#define TILE_ROWS 8
#define TILE_VECS 3

#if FASTPROP_BITS == 32
typedef float32x4_t vec;
typedef uint32x4_t bits_vec;
#define V(op) op##q_f32
#define U(op) op##q_u32
#define AS_BITS vreinterpretq_u32_f32
#define AS_REAL vreinterpretq_f32_u32
#define SIGN_BIT 0x80000000u
#else
typedef float64x2_t vec;
typedef uint64x2_t bits_vec;
#define V(op) op##q_f64
#define U(op) op##q_u64
#define AS_BITS vreinterpretq_u64_f64
#define AS_REAL vreinterpretq_f64_u64
#define SIGN_BIT 0x8000000000000000u
#endif

#if FASTPROP_BITS == 32
static inline vec v_set(real x) { return vdupq_n_f32(x); }
static inline bits_vec u_set(uint32_t x) { return vdupq_n_u32(x); }
#else
static inline vec v_set(real x) { return vdupq_n_f64(x); }
static inline bits_vec u_set(uint64_t x) { return vdupq_n_u64(x); }
#endif
static inline vec v_load(const real *p) { return V(vld1)(p); }
static inline void v_store(real *p, vec v) { V(vst1)(p, v); }
static inline vec v_load_part(const real *p, ptrdiff_t count) {
    real lanes[LANES] = {0};
    memcpy(lanes, p, (size_t)count * sizeof(real));
    return V(vld1)(lanes);
}
static inline void v_store_part(real *p, vec v, ptrdiff_t count) {
    real lanes[LANES];
    V(vst1)(lanes, v);
    memcpy(p, lanes, (size_t)count * sizeof(real));
}
static inline vec v_add(vec a, vec b) { return V(vadd)(a, b); }
static inline vec v_sub(vec a, vec b) { return V(vsub)(a, b); }
static inline vec v_mul(vec a, vec b) { return V(vmul)(a, b); }
static inline vec v_div(vec a, vec b) { return V(vdiv)(a, b); }
static inline vec v_fma(vec a, vec b, vec c) { return V(vfma)(c, a, b); }
static inline vec v_fnma(vec a, vec b, vec c) { return V(vfms)(c, a, b); }
static inline vec v_abs(vec a) { return V(vabs)(a); }
static inline vec v_sqrt(vec a) { return V(vsqrt)(a); }
static inline vec v_copysign(vec magnitude, vec sign) { return V(vbsl)(u_set(SIGN_BIT), sign, magnitude); }
static inline vec v_if_gt(vec a, vec b, vec yes, vec no) { return V(vbsl)(V(vcgt)(a, b), yes, no); }
static inline vec v_max(vec a, vec b) { return v_if_gt(a, b, a, b); }
static inline vec v_min(vec a, vec b) { return v_if_gt(b, a, a, b); }
static inline int v_any_gt(vec a, vec b) { return vmaxvq_u32((uint32x4_t)V(vcgt)(a, b)) != 0; }
#if FASTPROP_BITS == 32
#define SHIFT_LEFT(bits, by) vshlq_u32(bits, vdupq_n_s32(by))
#define HALVED(bits) vshrq_n_u32(bits, 1)
#else
#define SHIFT_LEFT(bits, by) vshlq_u64(bits, vdupq_n_s64(by))
#define HALVED(bits) vshrq_n_u64(bits, 1)
#endif
static inline vec v_bit_as_sign(vec t, ptrdiff_t bit) {
    return AS_REAL(SHIFT_LEFT(AS_BITS(t), FASTPROP_BITS - 1 - bit));
}
static inline vec v_pow2(vec t) {
#if FASTPROP_BITS == 32
    return AS_REAL(vshlq_n_u32(U(vadd)(AS_BITS(t), u_set(EXPONENT_BIAS)), FRACTION_BITS));
#else
    return AS_REAL(vshlq_n_u64(U(vadd)(AS_BITS(t), u_set(EXPONENT_BIAS)), FRACTION_BITS));
#endif
}
/* 2**n in two factors, because n alone may leave the range of normal exponents; only the last product may round. */
static inline vec v_scale(vec p, vec t) {
    bits_vec half = HALVED(AS_BITS(t));
    return v_mul(v_mul(p, v_pow2(AS_REAL(half))), v_pow2(AS_REAL(U(vsub)(AS_BITS(t), half))));
}
static inline vec v_split(vec x, vec *e) {
    bits_vec bits = U(vadd)(AS_BITS(x), u_set(ONE_BITS - SQRT_HALF_BITS));
#if FASTPROP_BITS == 32
    bits_vec biased = U(vorr)(vshrq_n_u32(bits, FRACTION_BITS), u_set(INTEGER_BITS));
#else
    bits_vec biased = U(vorr)(vshrq_n_u64(bits, FRACTION_BITS), u_set(INTEGER_BITS));
#endif
    *e = v_sub(AS_REAL(biased), v_set(INTEGER_ONE + EXPONENT_BIAS));
    return AS_REAL(U(vadd)(U(vand)(bits, u_set(FRACTION_MASK)), u_set(SQRT_HALF_BITS)));
}
static inline vec v_lookup(const real *table, vec v) {
#if FASTPROP_BITS == 32
    bits_vec index = vandq_u32(vshrq_n_u32(AS_BITS(v), FRACTION_BITS - 1), u_set(7)); /* then its four bytes' numbers */
    uint8x16_t bytes = vreinterpretq_u8_u32(vmlaq_u32(u_set(0x03020100), index, u_set(0x04040404)));
    uint8x16x2_t entries = {{vreinterpretq_u8_f32(v_load(table)), vreinterpretq_u8_f32(v_load(table + 4))}};
    return AS_REAL(vreinterpretq_u32_u8(vqtbl2q_u8(entries, bytes)));
#else
    bits_vec index = vandq_u64(vshrq_n_u64(AS_BITS(v), FRACTION_BITS - 1), u_set(7));
    real entries[LANES] = {table[vgetq_lane_u64(index, 0)], table[vgetq_lane_u64(index, 1)]};
    return v_load(entries);
#endif
}
static inline void v_transpose(vec *lines) {
    vec even[LANES];
    for (int i = 0; i < LANES; i += 2) {
        even[i] = V(vtrn1)(lines[i], lines[i + 1]);
        even[i + 1] = V(vtrn2)(lines[i], lines[i + 1]);
    }
#if FASTPROP_BITS == 32
    for (int i = 0; i < 2; i++) {
        float64x2_t top = vreinterpretq_f64_f32(even[i]), bottom = vreinterpretq_f64_f32(even[i + 2]);
        lines[i] = vreinterpretq_f32_f64(vtrn1q_f64(top, bottom));
        lines[i + 2] = vreinterpretq_f32_f64(vtrn2q_f64(top, bottom));
    }
#else
    lines[0] = even[0];
    lines[1] = even[1];
#endif
}

typedef uint64x2_t wide;
#define WIDE 2
static inline wide w_set(uint64_t x) { return vdupq_n_u64(x); }
static inline wide w_load(const uint64_t *p) { return vld1q_u64(p); }
static inline void w_store(uint64_t *p, wide v) { vst1q_u64(p, v); }
static inline wide w_add(wide a, wide b) { return vaddq_u64(a, b); }
static inline wide w_mul(wide a, wide b) { return vmull_u32(vmovn_u64(a), vmovn_u64(b)); }
static inline wide w_xor(wide a, wide b) { return veorq_u64(a, b); }
static inline wide w_high(wide a) { return vshrq_n_u64(a, 32); }
