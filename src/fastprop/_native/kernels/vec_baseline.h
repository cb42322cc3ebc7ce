/* Any machine with a C compiler: one real at a time, and the C library's fma (exact by definition, in
 * hardware or not). Slow where the machine has no fused multiply-add; its purpose is the same bits. */
#define LANES 1
#define TILE_ROWS 4
#define TILE_VECS 4

typedef real vec;

static inline word word_of(real x) {
    word bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
static inline real real_of(word bits) {
    real x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
static inline vec v_set(real x) { return x; }
/* From anywhere: the user's arrays may lie between two reals' places. */
static inline vec v_load(const real *p) {
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline void v_store(real *p, vec v) { *p = v; }
static inline vec v_load_part(const real *p, ptrdiff_t count) { return count ? v_load(p) : (real)0; }
static inline void v_store_part(real *p, vec v, ptrdiff_t count) {
    if (count) *p = v;
}
static inline vec v_add(vec a, vec b) { return a + b; }
static inline vec v_sub(vec a, vec b) { return a - b; }
static inline vec v_mul(vec a, vec b) { return a * b; }
static inline vec v_div(vec a, vec b) { return a / b; }
static inline vec v_fma(vec a, vec b, vec c) { return BY_TYPE(fmaf, fma)(a, b, c); }
static inline vec v_fnma(vec a, vec b, vec c) { return v_fma(-a, b, c); }
static inline vec v_abs(vec a) { return BY_TYPE(fabsf, fabs)(a); }
static inline vec v_sqrt(vec a) { return BY_TYPE(sqrtf, sqrt)(a); }
static inline vec v_copysign(vec magnitude, vec sign) { return BY_TYPE(copysignf, copysign)(magnitude, sign); }
static inline vec v_if_gt(vec a, vec b, vec yes, vec no) { return a > b ? yes : no; }
static inline vec v_max(vec a, vec b) { return a > b ? a : b; }
static inline vec v_min(vec a, vec b) { return a < b ? a : b; }
static inline int v_any_gt(vec a, vec b) { return a > b; }
static inline vec v_bit_as_sign(vec t, ptrdiff_t bit) {
    return real_of((word)((BY_TYPE(uint32_t, uint64_t))word_of(t) << (FASTPROP_BITS - 1 - bit)));
}
static inline vec v_pow2(vec t) {
    return real_of((word)((BY_TYPE(uint32_t, uint64_t))(word_of(t) + EXPONENT_BIAS) << FRACTION_BITS));
}
/* 2**n in two factors, because n alone may leave the range of normal exponents; only the last product may round. */
static inline vec v_scale(vec p, vec t) {
    word half = (word)((BY_TYPE(uint32_t, uint64_t))word_of(t) >> 1);
    return p * v_pow2(real_of(half)) * v_pow2(real_of(word_of(t) - half));
}
static inline vec v_split(vec x, vec *e) {
    word bits = (word)((BY_TYPE(uint32_t, uint64_t))word_of(x) + (ONE_BITS - SQRT_HALF_BITS)); /* wraps for inf */
    *e = (real)((bits >> FRACTION_BITS) - EXPONENT_BIAS);
    return real_of((bits & FRACTION_MASK) + SQRT_HALF_BITS);
}
static inline vec v_lookup(const real *table, vec v) { return table[word_of(v) >> (FRACTION_BITS - 1) & 7]; }
static inline void v_transpose(vec *lines) { (void)lines; }

typedef uint64_t wide;
#define WIDE 1
static inline wide w_set(uint64_t x) { return x; }
static inline wide w_load(const uint64_t *p) { return *p; }
static inline void w_store(uint64_t *p, wide v) { *p = v; }
static inline wide w_add(wide a, wide b) { return a + b; }
static inline wide w_mul(wide a, wide b) { return (uint64_t)(uint32_t)a * (uint32_t)b; }
static inline wide w_xor(wide a, wide b) { return a ^ b; }
static inline wide w_high(wide a) { return a >> 32; }
