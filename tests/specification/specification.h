/* The numerics contract FP-1 as a program: every kernel of the table, in plain scalar C.
 *
 * One real at a time, in one thread, without vectors, tiles or panels. What is left is what the contract fixes: the order
 * of every sum, where a fused multiply-add rounds once and where two operations round twice, what is computed in
 * double. The kernels in src/fastprop/_native/kernels must give the same bits on every target; the names, the shapes and
 * what each computes are told there, and calls.py calls both alike.
 *
 *   chain           s = fma(a, b, s), or s + x, in ascending order, from +0
 *   down k or rows  chains over blocks of 256; blocks are added in order
 *   along a row     element j belongs to lane j mod 16, each lane is a chain, and lanes are added 8-4-2-1
 *   over a batch    row after row, in double
 *
 * FASTPROP_BITS is 32 or 64: specification_f32.c and specification_f64.c include this text. Compile it with
 * -ffp-contract=off. The macros BLOCK, LANES and LIBM_EXP exist so that a test can break the contract.
 */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if FASTPROP_BITS == 32
typedef float real;
#define BY_TYPE(single, double_) single
#define NAME(kernel) kernel##_f32
#else
typedef double real;
#define BY_TYPE(single, double_) double_
#define NAME(kernel) kernel##_f64
#endif

#define FASTPROP_VEC_H /* what is included needs no vectors, only these */
#define LARGEST BY_TYPE(0x1.fffffep127f, 0x1.fffffffffffffp1023)
#define EPSILON BY_TYPE(0x1p-23f, 0x1p-52)
#include "../../src/fastprop/_native/kernels/large_angles.h"

#ifndef BLOCK
#define BLOCK 256
#endif
#ifndef LANES
#define LANES 16
#endif

/* Where a formula changes over, and what is too small to be kept. */
#define SMALLEST_NORMAL BY_TYPE(0x1p-126f, 0x1p-1022)
#define SQRT_HALF BY_TYPE(0x1.6a09e6p-1f, 0x1.6a09e667f3bcdp-1)
#define EXP_HIGHEST BY_TYPE(89.0f, 710.0)
#define EXP_LOWEST BY_TYPE(-104.5f, -746.0)
#define EXPM1_LOWEST BY_TYPE(-80.0f, -700.0)
#define ERF_ONE BY_TYPE(4.0f, 6.0)
#define ANGLE_LARGEST BY_TYPE(65536.0f, 1073741824.0)
#define TINY BY_TYPE(0x1p-100f, 0x1p-500)
#define UNIT BY_TYPE(0x1p-64f, 0x1p-512)
#define SOFTMAX_LOWEST BY_TYPE(-69.0f, -664.0)
#define LOGISTIC_LARGEST BY_TYPE(110.0f, 755.0)
#define NORMAL_LARGEST BY_TYPE(14.5f, 38.7)
/* 1.5 * 2**(bits of the fraction): a sum with it is an integer. */
#define MAGIC BY_TYPE(0x1.8p23f, 0x1.8p52)

typedef ptrdiff_t size;

static real fused(real a, real b, real c) { return BY_TYPE(fmaf, fma)(a, b, c); }
static real absolute(real x) { return BY_TYPE(fabsf, fabs)(x); }
static size least(size a, size b) { return a < b ? a : b; }
static double weight(const real *w, size i) { return w ? w[i] : 1; }

/* Sums along a row. */

static real sum_of_lanes(real *lane) {
    for (size half = LANES / 2; half >= 1; half /= 2)
        for (size i = 0; i < half; i++) lane[i] = lane[i] + lane[i + half];
    return lane[0];
}

static real row_sum(const real *x, size n) {
    real lane[LANES] = {0};
    for (size j = 0; j < n; j++) lane[j % LANES] = lane[j % LANES] + x[j];
    return sum_of_lanes(lane);
}

/* The sum of (x - shift) y. */
static real row_dot(const real *x, const real *y, size n, real shift) {
    real lane[LANES] = {0};
    for (size j = 0; j < n; j++) lane[j % LANES] = fused(x[j] - shift, y[j], lane[j % LANES]);
    return sum_of_lanes(lane);
}

static real row_max(const real *x, size n) {
    real highest = x[0];
    for (size j = 1; j < n; j++) highest = x[j] > highest ? x[j] : highest;
    return highest;
}

/* The matrix product, and sums down columns. */

enum { NO_SLOPE, RELU_SLOPE, TANH_SLOPE };

/* c (m, n) = a (m, k) b (k, n) + bias (n,), NULL for none; a and b by strides in reals. Then relu, if `rectify`, and
 * times the slope of an activation whose a (m, n) is `below`. */
void NAME(product)(real *c, size m, size n, size k, const real *a, size a_row, size a_k, const real *b, size b_k,
                   size b_column, const real *bias, size rectify, size slope, const real *below) {
    for (size i = 0; i < m; i++)
        for (size j = 0; j < n; j++) {
            real total = 0;
            for (size first = 0; first < k; first += BLOCK) {
                real chain = 0;
                for (size p = first; p < least(first + BLOCK, k); p++)
                    chain = fused(a[i * a_row + p * a_k], b[p * b_k + j * b_column], chain);
                total = first == 0 ? chain : total + chain;
            }
            if (bias) total = k == 0 ? bias[j] : total + bias[j];
            if (rectify && 0 > total) total = 0;
            if (slope == RELU_SLOPE) total = below[i * n + j] > 0 ? total : 0;
            if (slope == TANH_SLOPE) total *= fused(-below[i * n + j], below[i * n + j], 1);
            c[i * n + j] = total;
        }
}

void NAME(column_sums)(const real *x, real *sums, size m, size n) {
    for (size j = 0; j < n; j++) {
        real total = 0;
        for (size first = 0; first < m; first += BLOCK) {
            real chain = 0;
            for (size i = first; i < least(first + BLOCK, m); i++) chain = chain + x[i * n + j];
            total = first == 0 ? chain : total + chain;
        }
        sums[j] = total;
    }
}

double NAME(weight_sum)(const real *w, size m) {
    double total = 0;
    for (size i = 0; i < m; i++) total = total + w[i];
    return total;
}

double NAME(all_finite)(const real *x, size n) {
    for (size i = 0; i < n; i++)
        if (!isfinite(x[i])) return 0;
    return 1;
}

/* Gathering a batch's rows. */

/* The number at p, of any alignment, rounded once. */
static real element(char kind, const char *p) {
#define CASE(letter, type)               \
    case letter: {                       \
        type value;                      \
        memcpy(&value, p, sizeof value); \
        return (real)value;              \
    }
    switch (kind) {
        CASE('f', float)
        CASE('d', double)
        CASE('b', int8_t)
        CASE('h', int16_t)
        CASE('i', int32_t)
        CASE('q', int64_t)
        CASE('B', uint8_t)
        CASE('H', uint16_t)
        CASE('I', uint32_t)
        CASE('Q', uint64_t)
    }
#undef CASE
    return (real)NAN;
}

/* x (m, n) = X[rows[first:first + m]], X by strides in bytes; rows NULL for consecutive ones. */
void NAME(gather)(char kind, const char *X, size row_stride, size column_stride, const size *rows, size first, size m,
                  size n, real *x) {
    for (size i = 0; i < m; i++) {
        size row = rows ? rows[first + i] : first + i;
        for (size j = 0; j < n; j++) x[i * n + j] = element(kind, X + row * row_stride + j * column_stride);
    }
}

void NAME(gather_one_hot)(const int64_t *labels, const size *rows, size first, size m, size n, real *y) {
    for (size i = 0; i < m; i++) {
        int64_t label = labels[rows ? rows[first + i] : first + i];
        for (size j = 0; j < n; j++) y[i * n + j] = j == label;
    }
}

/* Elementary functions: elementary.pxi and trigonometric.pxi say why so. */

/* c[0] + c[1] x + ... */
static real polynomial(const real *c, size n_terms, real x) {
    real y = c[n_terms - 1];
    for (size i = n_terms - 2; i >= 0; i--) y = fused(y, x, c[i]);
    return y;
}

/* x factor as the nearest integer, ties to even; the product is not rounded before. */
static real integer_near(real x, real factor) { return fused(x, factor, MAGIC) - MAGIC; }

/* p 2**n, rounded once, which it is where the result is subnormal. */
static real scaled(real p, real n) { return BY_TYPE(ldexpf, ldexp)(p, (int)n); }

static real with_sign_of(real x, real y) { return BY_TYPE(copysignf, copysign)(y, x); }

/* exp(x) = (1 + g) 2**n with n = integer_near(x, LOG2_E), g = expm1_near_0(less_ln2(x, n)). */
static real less_ln2(real x, real n) { return fused(n, -LN2_LOW, fused(n, -LN2_HIGH, x)); }
static real expm1_near_0(real r) { return fused(r * r, polynomial(EXPM1_C, EXPM1_TERMS, r), r); }

real NAME(exp)(real x) {
#ifdef LIBM_EXP
    return BY_TYPE(expf, exp)(x);
#endif
    if (isnan(x)) return x;
    if (x > EXP_HIGHEST) return (real)INFINITY;
    if (x < EXP_LOWEST) return 0;
    real n = integer_near(x, LOG2_E), g = expm1_near_0(less_ln2(x, n));
    return scaled(g + 1, n);
}

real NAME(expm1)(real x) {
    if (isnan(x) || absolute(x) <= TINY) return x;
    if (x > EXP_HIGHEST) x = EXP_HIGHEST;
    if (x < EXPM1_LOWEST) x = EXPM1_LOWEST;
    real n = integer_near(x, LOG2_E), half = scaled((real)0.5, n);
    real high = fused(n, -LN2_HIGH, x), r = fused(n, -LN2_LOW, high), low = fused(n, -LN2_LOW, high - r);
    real tail = fused(r * r, polynomial(EXPM1_C, EXPM1_TERMS, r), low);
    real start = half - (real)0.5, y = fused(half, r, start), lost = fused(half, r, start - y);
    y = y + fused(half, tail, lost);
    return y + y;
}

/* 1 / (1 + exp(w)) / UNIT for w >= 0, at most `largest`: one step of Newton's from the rounded quotient. */
static real logistic_tail_to(real largest, real w) {
    if (isnan(w)) return w;
    if (w > largest) w = largest;
    real n = integer_near(-w, LOG2_E), g = expm1_near_0(less_ln2(w, -n)), a = scaled(1 / UNIT, n);
    real d = fused(a, UNIT, g + 1), lost = g + fused(a, UNIT, 1 - d), z = 1 / d;
    return fused(z, fused(-z, lost, fused(-z, d, 1)), z) * a;
}

static real logistic_tail(real w) { return logistic_tail_to(-EXP_LOWEST, w); }

real NAME(sigmoid)(real x) {
    real tail = logistic_tail(absolute(x));
    return x < 0 ? tail * UNIT : fused(tail, -UNIT, 1);
}

#if FASTPROP_BITS == 32
/* Eight polynomials, about |x| spread over 1..16; a piece is half of what lies between two powers of two. */
real NAME(tanh)(real x) {
    if (isnan(x)) return x;
    real s = absolute(x) < TANH_ONE ? absolute(x) : TANH_ONE, v = fused(s, TANH_SPREAD, 1);
    int exponent;
    int upper_half = frexpf(v, &exponent) >= 0.75f;
    const real *column = &TANH_TABLE[(2 * exponent + upper_half + 4) % 8]; /* each row of the table holds 8 pieces */
    real d = s - column[0], y = column[8 * (TANH_ROWS - 1)];
    for (int row = TANH_ROWS - 2; row >= 2; row--) y = fused(y, d, column[8 * row]);
    return with_sign_of(x, fused(d, y, v < (real)1.5 ? s : column[8]));
}
#else
real NAME(tanh)(real x) {
    real magnitude = absolute(x), z = x * x;
    real y = magnitude > (real)0.625 ? fused(logistic_tail(magnitude + magnitude), -2 * UNIT, 1)
                                     : fused(x * z, polynomial(TANH_C, TANH_TERMS, z), x);
    return with_sign_of(x, y);
}
#endif

/* log(w) + c, where c is small beside it. */
static real log_of_sum(real w, real c) {
    if (isnan(w) || w < 0) return (real)NAN;
    if (w == 0) return (real)-INFINITY;
    if (isinf(w)) return w;
    int e;
    real v = BY_TYPE(frexpf, frexp)(w, &e); /* w = v 2**e, v from 1/2, and by the next line from sqrt(1/2) */
    if (v < SQRT_HALF) v = 2 * v, e = e - 1;
    real f = v - 1, s = f / (f + 2), z = s * s, h = (real)0.5 * f * f;
    real tail = fused(s, fused(z, polynomial(LOG_C, LOG_TERMS, z), h), fused((real)e, LN2_LOW, c));
    return fused((real)e, LN2_HIGH, f - (h - tail));
}

real NAME(log)(real x) { return log_of_sum(x, 0); }

real NAME(log1p)(real x) {
    real w = 1 + x, lost = x > 1 ? 1 - (w - x) : x - (w - 1);
    return with_sign_of(x, log_of_sum(w, lost / w));
}

/* log(1 + exp(-|x|)) */
static real log1p_exp(real x) {
    if (isnan(x)) return x;
    x = -absolute(x);
    if (x < EXP_LOWEST) x = EXP_LOWEST;
    real n = integer_near(x, LOG2_E), g = expm1_near_0(less_ln2(x, n)), p = g + 1;
    real e = scaled(p, n), low = scaled(g - (p - 1), n), w = 1 + e;
    return log_of_sum(w, ((e - (w - 1)) + low) / w);
}

real NAME(softplus)(real x) {
    real z = x * x;
    if (absolute(x) > 1) return (x > 0 ? x : 0) + log1p_exp(x);
    return LN2_HIGH + fused((real)0.5, x, fused(z, polynomial(SOFTPLUS_C, SOFTPLUS_TERMS, z), LN2_LOW));
}

real NAME(erf)(real x) {
    if (isnan(x)) return x;
    real magnitude = absolute(x);
    if (magnitude <= 1) return fused(x, polynomial(ERF_C, ERF_TERMS, x * x), x);
    real log_erfc = polynomial(ERFC_C, ERFC_TERMS, (magnitude > ERF_ONE ? ERF_ONE : magnitude) - 1);
    real n = integer_near(log_erfc, LOG2_E), minus = scaled(-1, n);
    return with_sign_of(x, fused(expm1_near_0(less_ln2(log_erfc, n)), minus, 1 + minus));
}

/* sin(x + quarter_turns pi / 2). */
static real sine(real x, int64_t quarter_turns) {
    if (isnan(x)) return x;
    real n = integer_near(x, TWO_OVER_PI);
    real a = fused(n, -PI2_1, x), b = n * PI2_2, r = a - b;
    real low = fused(n, -PI2_3, ((a - r) - b) + fused(n, -PI2_2, b));
    if (absolute(x) > ANGLE_LARGEST) reduce_large(x, &n, &r, &low); /* integers, which need no specification apart */
    real z = fused(r, r, (r + r) * low);
    int64_t j = (int64_t)n + quarter_turns;
    real y = j & 1 ? fused(z, fused(z, polynomial(COS_C, COS_TERMS, z), (real)-0.5), 1)
                   : r + fused(r * z, polynomial(SIN_C, SIN_TERMS, z), low);
    return j & 2 ? -y : y;
}

real NAME(sin)(real x) { return absolute(x) > TINY ? sine(x, 0) : x; }

real NAME(cos)(real x) { return sine(x, 1); }

void NAME(map)(real (*f)(real), const real *x, real *y, size count) {
    for (size i = 0; i < count; i++) y[i] = f(x[i]);
}

/* Activations a = f(z), and delta = da * f'(z) from a, or from a and z, in delta's place. */

#define FORWARD(name) void NAME(name##_forward)(const real *z, real *a, size m, size n, const double *settings)
#define BACKWARD(name) \
    void NAME(name##_backward)(const real *a, const real *z, real *delta, size m, size n, const double *settings)

FORWARD(identity) { for (size i = 0; i < m * n; i++) a[i] = z[i]; }

BACKWARD(identity) {}

FORWARD(sigmoid) { NAME(map)(NAME(sigmoid), z, a, m * n); }

BACKWARD(sigmoid) {
    for (size i = 0; i < m * n; i++) delta[i] = delta[i] * (a[i] * (1 - a[i]));
}

FORWARD(tanh) { NAME(map)(NAME(tanh), z, a, m * n); }

BACKWARD(tanh) {
    for (size i = 0; i < m * n; i++) delta[i] = delta[i] * fused(0 - a[i], a[i], 1);
}

FORWARD(relu) { for (size i = 0; i < m * n; i++) a[i] = 0 > z[i] ? 0 : z[i]; /* -0 and NaN stay */ }

BACKWARD(relu) {
    for (size i = 0; i < m * n; i++) delta[i] = a[i] > 0 ? delta[i] : 0;
}

static real clamp(real x, real low, real high) { return x < low ? low : x > high ? high : x; }

FORWARD(leaky_relu) {
    for (size i = 0; i < m * n; i++) a[i] = z[i] > 0 ? z[i] : (real)settings[0] * z[i];
}

BACKWARD(leaky_relu) {
    for (size i = 0; i < m * n; i++) delta[i] = a[i] > 0 ? delta[i] : (real)settings[0] * delta[i];
}

FORWARD(relu6) {
    for (size i = 0; i < m * n; i++) a[i] = clamp(z[i], 0, 6);
}

BACKWARD(relu6) {
    for (size i = 0; i < m * n; i++) delta[i] = a[i] > 0 && a[i] < 6 ? delta[i] : 0;
}

FORWARD(hard_tanh) {
    for (size i = 0; i < m * n; i++) a[i] = clamp(z[i], (real)settings[0], (real)settings[1]);
}

BACKWARD(hard_tanh) {
    for (size i = 0; i < m * n; i++)
        delta[i] = a[i] > (real)settings[0] && a[i] < (real)settings[1] ? delta[i] : 0;
}

static real hard_sigmoid(real z) { return clamp(z + 3, 0, 6) / 6; }

FORWARD(hard_sigmoid) { NAME(map)(hard_sigmoid, z, a, m * n); }

BACKWARD(hard_sigmoid) {
    for (size i = 0; i < m * n; i++) delta[i] = (a[i] > 0 && a[i] < 1 ? delta[i] : 0) / 6;
}

FORWARD(hard_swish) {
    for (size i = 0; i < m * n; i++) a[i] = (z[i] < -3 ? -3 : z[i]) * hard_sigmoid(z[i]);
}

BACKWARD(hard_swish) {
    for (size i = 0; i < m * n; i++)
        delta[i] = delta[i] * (z[i] < 3 ? z[i] > -3 ? z[i] / 3 + (real)0.5 : 0 : 1);
}

FORWARD(elu) {
    for (size i = 0; i < m * n; i++) a[i] = z[i] > 0 ? z[i] : (real)settings[0] * NAME(expm1)(z[i]);
}

BACKWARD(elu) {
    for (size i = 0; i < m * n; i++) delta[i] = a[i] > 0 ? delta[i] : delta[i] * (a[i] + (real)settings[0]);
}

#define SELU_SCALE ((real)1.0507009873554805)
#define SELU_ALPHA ((real)1.7580993408473769)

FORWARD(selu) {
    for (size i = 0; i < m * n; i++) a[i] = z[i] > 0 ? SELU_SCALE * z[i] : SELU_ALPHA * NAME(expm1)(z[i]);
}

BACKWARD(selu) {
    for (size i = 0; i < m * n; i++) delta[i] = delta[i] * (a[i] > 0 ? SELU_SCALE : a[i] + SELU_ALPHA);
}

FORWARD(celu) {
    real alpha = (real)settings[0], inverse = (real)(1 / settings[0]);
    for (size i = 0; i < m * n; i++) a[i] = z[i] > 0 ? z[i] : alpha * NAME(expm1)(z[i] * inverse);
}

BACKWARD(celu) {
    real inverse = (real)(1 / settings[0]);
    for (size i = 0; i < m * n; i++) delta[i] = a[i] > 0 ? delta[i] : delta[i] * fused(a[i], inverse, 1);
}

FORWARD(softplus) {
    real beta = (real)settings[0], inverse = (real)(1 / settings[0]);
    for (size i = 0; i < m * n; i++) a[i] = NAME(softplus)(beta * z[i]) * inverse;
}

BACKWARD(softplus) {
    real minus_beta = (real)-settings[0];
    for (size i = 0; i < m * n; i++) delta[i] = delta[i] * (0 - NAME(expm1)(minus_beta * a[i]));
}

FORWARD(exponential) { NAME(map)(NAME(exp), z, a, m * n); }

BACKWARD(exponential) {
    for (size i = 0; i < m * n; i++) delta[i] = delta[i] * a[i];
}

FORWARD(softsign) {
    for (size i = 0; i < m * n; i++) {
        real w = absolute(z[i]) > LARGEST ? LARGEST : absolute(z[i]);
        a[i] = with_sign_of(z[i], w / (1 + w));
    }
}

BACKWARD(softsign) {
    for (size i = 0; i < m * n; i++) {
        real s = 1 + absolute(z[i]);
        delta[i] = delta[i] / (s * s);
    }
}

/* z times a gate: from h(|z|), and from g(|z|). */
static real gate(real z, real h) { return (z > 0 ? z : 0) - h; }
static real gate_slope(real z, real g) { return z > 0 ? 1 - g : g; }

static real at_most(real largest, real w) { return w > largest ? largest : w; }

/* q (1 - x (1 - q)) of q = tail UNIT. */
static real logistic_gate_slope(real x, real tail) { return tail * fused(-x, fused(tail, -UNIT, 1), 1) * UNIT; }

FORWARD(silu) {
    for (size i = 0; i < m * n; i++) {
        real w = at_most(LOGISTIC_LARGEST, absolute(z[i]));
        a[i] = gate(z[i], w * logistic_tail_to(LOGISTIC_LARGEST, w) * UNIT);
    }
}

BACKWARD(silu) {
    for (size i = 0; i < m * n; i++) {
        real w = at_most(LOGISTIC_LARGEST, absolute(z[i]));
        real g = logistic_gate_slope(w, logistic_tail_to(LOGISTIC_LARGEST, w));
        delta[i] = delta[i] * gate_slope(z[i], g);
    }
}

#define GELU_C1 ((real)1.5957691216057308)
#define GELU_C3 ((real)0.07135481627260025)
#define GELU_3_C3 ((real)0.21406444881780075)
#define NORMAL_DENSITY ((real)0.3989422804014327)

static real gelu_tanh_tail(real w) {
    return logistic_tail_to(LOGISTIC_LARGEST, w * fused(w * w, GELU_C3, GELU_C1));
}

/* M = Phi(-w) / exp(-w w / 2), and that exponential as E 2**n. */
static real normal_tail(real w, real *E, real *n) {
    real square = w * w, lost = fused(w, w, -square), x = (real)-0.5 * square, t = 1 / (w + 5);
    *n = integer_near(x, LOG2_E);
    *E = expm1_near_0(fused((real)-0.5, lost, less_ln2(x, *n))) + 1;
    return t * polynomial(NORMAL_C, NORMAL_TERMS, fused(-10, t, 1));
}

FORWARD(gelu) {
    for (size i = 0; i < m * n; i++) {
        real w = at_most(NORMAL_LARGEST, absolute(z[i])), h = w, E, power, M;
        if (settings[0] != 0) {
            h = w * gelu_tanh_tail(w) * UNIT;
        } else if (!isnan(w)) {
            M = normal_tail(w, &E, &power);
            h = scaled(E * (w * M), power);
        }
        a[i] = gate(z[i], h);
    }
}

BACKWARD(gelu) {
    for (size i = 0; i < m * n; i++) {
        real w = at_most(NORMAL_LARGEST, absolute(z[i])), g = w, E, power, M;
        if (settings[0] != 0) {
            g = logistic_gate_slope(w * fused(w * w, GELU_3_C3, GELU_C1), gelu_tanh_tail(w));
        } else if (!isnan(w)) {
            M = normal_tail(w, &E, &power);
            g = scaled(E * fused(w, -NORMAL_DENSITY, M), power);
        }
        delta[i] = delta[i] * gate_slope(z[i], g);
    }
}

/* exp(-w) / UNIT */
static real exp_of_minus(real w) {
    if (isnan(w)) return w;
    real n = integer_near(-w, LOG2_E);
    return (expm1_near_0(less_ln2(-w, n)) + 1) * scaled(1 / UNIT, n);
}

FORWARD(mish) {
    for (size i = 0; i < m * n; i++) {
        real w = at_most(LOGISTIC_LARGEST, absolute(z[i])), far = exp_of_minus(w), y = far * UNIT;
        real N = z[i] > 0 ? y + y + 1 : y + 2, D = z[i] > 0 ? fused(y + y, y, N) : fused(y, N, 2);
        real gate = N * (1 / D);
        a[i] = z[i] > 0 ? z[i] * gate : w * far * gate * -UNIT;
    }
}

BACKWARD(mish) {
    for (size i = 0; i < m * n; i++) {
        real w = at_most(LOGISTIC_LARGEST, absolute(z[i])), far = exp_of_minus(w), y = far * UNIT;
        real N = z[i] > 0 ? y + y + 1 : y + 2, D = z[i] > 0 ? fused(y + y, y, N) : fused(y, N, 2);
        real r = 1 / D, x = with_sign_of(z[i], 4 * w) * (1 + y);
        real slope = r * fused(z[i] > 0 ? y * y * x : x, r, N);
        delta[i] = delta[i] * (z[i] > 0 ? slope : far * slope * UNIT);
    }
}

/* exp(x) for x <= 0, 0 where it would be tiny. */
static real exp_in_softmax(real x) { return x < SOFTMAX_LOWEST ? 0 : NAME(exp)(x); }

/* a = exp(z - highest) / s; returns s, the sum of the exponentials. */
static real softmax_row(const real *z, real *a, size n, real highest) {
    for (size j = 0; j < n; j++) a[j] = exp_in_softmax(z[j] - highest);
    real s = row_sum(a, n);
    for (size j = 0; j < n; j++) a[j] = a[j] / s;
    return s;
}

FORWARD(softmax) { for (size i = 0; i < m; i++) softmax_row(z + i * n, a + i * n, n, row_max(z + i * n, n)); }

BACKWARD(softmax) {
    for (size i = 0; i < m; i++) {
        real mean = row_dot(delta + i * n, a + i * n, n, 0);
        for (size j = i * n; j < (i + 1) * n; j++) delta[j] = a[j] * (delta[j] - mean);
    }
}

FORWARD(log_softmax) {
    for (size i = 0; i < m; i++, z += n, a += n) {
        real highest = row_max(z, n), lane[LANES] = {0};
        for (size j = 0; j < n; j++) lane[j % LANES] = lane[j % LANES] + exp_in_softmax(z[j] - highest);
        real log_sum = NAME(log)(sum_of_lanes(lane));
        for (size j = 0; j < n; j++) a[j] = (z[j] - highest) - log_sum;
    }
}

BACKWARD(log_softmax) {
    for (size i = 0; i < m; i++, a += n, delta += n) {
        real sum = row_sum(delta, n);
        for (size j = 0; j < n; j++) delta[j] = fused(-sum, exp_in_softmax(a[j]), delta[j]);
    }
}

/* Losses: the sum over rows of each row's weighted loss, and delta times the row's weight and `scale`. */

static void scale_rows(real *delta, const real *w, size m, size n, double factor) {
    for (size i = 0; i < m; i++)
        for (size j = 0; j < n; j++) delta[i * n + j] = delta[i * n + j] * (real)(weight(w, i) * factor);
}

#define LOSS(name)                                                                                                 \
    double NAME(name)(const real *o, const real *y, const real *w, real *delta, real *output, size m, size n,      \
                      size n_targets, const double *settings, double scale)

LOSS(mse) {
    double total = 0;
    for (size i = 0; i < m; i++) {
        real *e = delta + i * n;
        for (size j = 0; j < n; j++) e[j] = o[i * n + j] - y[i * n + j];
        total = total + weight(w, i) * row_dot(e, e, n, 0) / n;
    }
    scale_rows(delta, w, m, n, 2 * scale / n);
    return total;
}

/* The rest of the losses of numbers, each as a value and a slope at one output o and target y, with settings c. */

typedef real element_of_loss(real o, real y, const double *c);

/* `times` the mean over a row's outputs of value(o, y), and its slope. */
static double by_element(element_of_loss *value, element_of_loss *slope, double times, const real *o, const real *y,
                         const real *w, real *delta, size m, size n, const double *settings, double scale) {
    double total = 0;
    for (size i = 0; i < m * n; i++) delta[i] = value(o[i], y[i], settings);
    for (size i = 0; i < m; i++) total = total + weight(w, i) * (times * row_sum(delta + i * n, n)) / n;
    for (size i = 0; i < m * n; i++) delta[i] = slope(o[i], y[i], settings);
    scale_rows(delta, w, m, n, times * scale / n);
    return total;
}

#define LOSS_BY_ELEMENT(name, times)                                                                               \
    LOSS(name) {                                                                                                   \
        return by_element(name##_value, name##_slope, times, o, y, w, delta, m, n, settings, scale);               \
    }

static real smaller(real a, real b) { return a < b ? a : b; }
static real larger(real a, real b) { return a > b ? a : b; }

static real mae_value(real o, real y, const double *c) { return absolute(o - y); }
static real mae_slope(real o, real y, const double *c) { return o > y ? 1 : y > o ? -1 : 0; }
LOSS_BY_ELEMENT(mae, 1)

/* settings: delta, factor. */
static real huber_value(real o, real y, const double *c) {
    real size_of_error = absolute(o - y), near = smaller((real)c[0], size_of_error);
    return near * (size_of_error - (real)0.5 * near);
}
static real huber_slope(real o, real y, const double *c) {
    return larger(0 - (real)c[0], smaller((real)c[0], o - y));
}
LOSS_BY_ELEMENT(huber, settings[1])

static real log_cosh_value(real o, real y, const double *c) {
    real a = absolute(o - y), t = NAME(expm1)(0 - a);
    if (a > 1) return (a + log1p_exp(a + a)) - (LN2_HIGH + LN2_LOW);
    return NAME(log1p)(((real)0.5 * (t * t)) / (1 + t));
}
static real log_cosh_slope(real o, real y, const double *c) { return NAME(tanh)(o - y); }
LOSS_BY_ELEMENT(log_cosh, 1)

/* settings: the quantiles. Each target has an output for each of them. */
LOSS(quantile) {
    size n_quantiles = n / n_targets;
    double total = 0;
    for (size i = 0; i < m; i++) {
        for (size j = 0; j < n; j++) {
            real e = o[i * n + j] - y[i * n_targets + j / n_quantiles];
            real below = e * (real)-settings[j % n_quantiles], above = e * (real)(1 - settings[j % n_quantiles]);
            delta[i * n + j] = larger(below, above);
        }
        total = total + weight(w, i) * row_sum(delta + i * n, n) / n;
        for (size j = 0; j < n; j++) {
            real e = o[i * n + j] - y[i * n_targets + j / n_quantiles], q = (real)-settings[j % n_quantiles];
            delta[i * n + j] = e < 0 ? q : e > 0 ? (real)(1 - settings[j % n_quantiles]) : 0;
        }
    }
    scale_rows(delta, w, m, n, scale / n);
    return total;
}

static real variance(real spread, double kind) {
    return kind == 1 ? NAME(exp)(spread) : kind == 2 ? NAME(softplus)(spread) : spread;
}
static real variance_slope(real spread, double kind) {
    return kind == 1 ? NAME(exp)(spread) : kind == 2 ? NAME(sigmoid)(spread) : 1;
}

/* settings: kind of variance, epsilon, constant. o holds the means, then the spreads. */
LOSS(gaussian_nll) {
    double total = 0;
    for (size i = 0; i < m; i++) {
        real *means = delta + i * n, *spreads = means + n_targets;
        for (size j = 0; j < n_targets; j++) {
            real e = o[i * n + j] - y[i * n_targets + j], spread = o[i * n + n_targets + j];
            real v = larger((real)settings[1], variance(spread, settings[0]));
            means[j] = NAME(log)(v) + e * e / v;
        }
        total = total + weight(w, i) * (0.5 * row_sum(means, n_targets) / n_targets + settings[2]);
        for (size j = 0; j < n_targets; j++) {
            real e = o[i * n + j] - y[i * n_targets + j], spread = o[i * n + n_targets + j];
            real v = larger((real)settings[1], variance(spread, settings[0]));
            means[j] = e / v;
            spreads[j] = (real)0.5 * (1 - e * e / v) / v * variance_slope(spread, settings[0]);
        }
    }
    scale_rows(delta, w, m, n, scale / n_targets);
    return total;
}

/* settings: epsilon. */
LOSS(cosine_similarity) {
    double total = 0;
    for (size i = 0; i < m; i++) {
        const real *o_row = o + i * n, *y_row = y + i * n;
        double o_o = row_dot(o_row, o_row, n, 0) + settings[0];
        double length = sqrt(o_o * (row_dot(y_row, y_row, n, 0) + settings[0]));
        double cosine = row_dot(o_row, y_row, n, 0) / length, factor = weight(w, i) * scale;
        total = total + weight(w, i) * (1 - cosine);
        for (size j = 0; j < n; j++)
            delta[i * n + j] = (real)(factor * (cosine / o_o)) * o_row[j] - (real)(factor / length) * y_row[j];
    }
    return total;
}

/* Losses of counts. In each but the first, settings[0] says whether o is the logarithm of the mean. */

static real poisson_value(real o, real y, const double *c) {
    return c[0] != 0 ? fused(0 - y, o, NAME(exp)(o)) : fused(0 - y, NAME(log)(o + (real)c[2]), o);
}
static real poisson_slope(real o, real y, const double *c) {
    return c[0] != 0 ? NAME(exp)(o) - y : 1 - y / (o + (real)c[2]);
}

/* settings: whether o is the logarithm, whether to add log(y!), epsilon, log(2 pi) / 2. */
LOSS(poisson) {
    double total = 0;
    real *value = delta;
    for (size i = 0; i < m; i++) {
        for (size j = 0; j < n; j++) value[j] = poisson_value(o[i * n + j], y[i * n + j], settings);
        double row = weight(w, i) * row_sum(value, n) / n;
        for (size j = 0; j < n; j++) {
            real count = y[i * n + j], log_count = NAME(log)(count);
            value[j] = fused(count, log_count, 0 - count) + fused((real)0.5, log_count, (real)settings[3]);
            if (!(count > 1)) value[j] = 0;
        }
        if (settings[1] != 0) row = row + weight(w, i) * row_sum(value, n) / n;
        total = total + row;
        for (size j = 0; j < n; j++) value[j] = poisson_slope(o[i * n + j], y[i * n + j], settings);
        value = value + n;
    }
    scale_rows(delta, w, m, n, scale / n);
    return total;
}

static real mean_of(real o, const double *c) { return c[0] > 0 ? NAME(exp)(o) : o; }
static real log_mean(real o, const double *c) { return c[0] > 0 ? o : NAME(log)(o); }
static real along_mean(real slope, real o, const double *c) { return c[0] > 0 ? slope : slope / o; }

static real poisson_deviance_value(real o, real y, const double *c) {
    return (y > 0 ? y * (NAME(log)(y) - log_mean(o, c)) : 0) + (mean_of(o, c) - y);
}
static real poisson_deviance_slope(real o, real y, const double *c) { return along_mean(mean_of(o, c) - y, o, c); }
LOSS_BY_ELEMENT(poisson_deviance, 2)

static real gamma_value(real o, real y, const double *c) {
    real d = log_mean(o, c) - NAME(log)(y);
    return d + NAME(expm1)(0 - d);
}
static real gamma_slope(real o, real y, const double *c) {
    return along_mean(0 - NAME(expm1)(NAME(log)(y) - log_mean(o, c)), o, c);
}
LOSS_BY_ELEMENT(gamma, 2)

/* settings: whether o is the logarithm, power. */
static real tweedie_value(real o, real y, const double *c) {
    real mean = log_mean(o, c), one_less = (real)(1 - c[1]), two_less = (real)(2 - c[1]);
    real of_y = (real)(1 / ((1 - c[1]) * (2 - c[1]))) * NAME(exp)(two_less * NAME(log)(y));
    real of_both = (real)(1 / (1 - c[1])) * y * NAME(exp)(one_less * mean);
    return (of_y - of_both) + (real)(1 / (2 - c[1])) * NAME(exp)(two_less * mean);
}
static real tweedie_slope(real o, real y, const double *c) {
    real power = NAME(exp)((real)(1 - c[1]) * log_mean(o, c));
    return along_mean(power * (mean_of(o, c) - y), o, c);
}
LOSS_BY_ELEMENT(tweedie, 2)

/* Losses of classes. o is z but for the last three. */

/* settings: keep, share, weights (n,); NULL for none. */
static double cross_entropy_rows(const real *z, const real *y, const real *w, real *delta, real *output, size m,
                                 size n, const double *settings, double scale) {
    double total = 0;
    for (size i = 0; i < m; i++) {
        const real *z_row = z + i * n;
        real *t = delta + i * n, *p = output + i * n, highest = row_max(z_row, n);
        for (size j = 0; j < n; j++) {
            t[j] = y[i * n + j];
            if (settings) t[j] = (real)settings[2 + j] * fused((real)settings[0], t[j], (real)settings[1]);
        }
        real t_sum = row_sum(t, n), log_sum = NAME(log)(softmax_row(z_row, p, n, highest));
        total = total + weight(w, i) * ((double)log_sum * t_sum - row_dot(z_row, t, n, highest));
        for (size j = 0; j < n; j++) t[j] = p[j] * t_sum - t[j];
    }
    scale_rows(delta, w, m, n, scale);
    return total;
}

LOSS(cross_entropy) { return cross_entropy_rows(o, y, w, delta, output, m, n, NULL, scale); }

LOSS(adjusted_cross_entropy) { return cross_entropy_rows(o, y, w, delta, output, m, n, settings, scale); }

LOSS(kl_divergence) {
    double total = 0;
    for (size i = 0; i < m; i++) { /* row by row, so that each adds both of its terms */
        const real *w_row = w ? w + i : NULL;
        double row = cross_entropy_rows(o + i * n, y + i * n, w_row, delta + i * n, output + i * n, 1, n, NULL, scale);
        real lane[LANES] = {0};
        for (size j = 0; j < n; j++) {
            real x = y[i * n + j];
            lane[j % LANES] = lane[j % LANES] + (x > 0 ? x * NAME(log)(x) : 0);
        }
        total = total + (row + weight(w, i) * sum_of_lanes(lane));
    }
    return total;
}

/* settings: gamma, weights (n,). */
LOSS(focal) {
    double total = 0;
    real gamma = (real)settings[0];
    for (size i = 0; i < m; i++) {
        const real *z = o + i * n;
        real *p = output + i * n, *g = delta + i * n, highest = row_max(z, n);
        real log_sum = NAME(log)(softmax_row(z, p, n, highest)), lane[LANES] = {0};
        for (size j = 0; j < n; j++) {
            real c = (real)settings[1 + j] * y[i * n + j], log_p = (z[j] - highest) - log_sum;
            real rest = 0 - NAME(expm1)(log_p), power = gamma > 0 ? NAME(exp)(gamma * NAME(log)(rest)) : 1;
            real ratio = rest > 0 ? log_p / rest : -1;
            g[j] = c > 0 ? (c * power) * ((gamma * p[j]) * ratio - 1) : 0;
            lane[j % LANES] = lane[j % LANES] - (c > 0 ? (c * power) * log_p : 0);
        }
        real g_sum = row_sum(g, n);
        for (size j = 0; j < n; j++) g[j] = g[j] - p[j] * g_sum;
        total = total + weight(w, i) * sum_of_lanes(lane);
    }
    scale_rows(delta, w, m, n, scale);
    return total;
}

LOSS(binary_cross_entropy) {
    double total = 0;
    for (size i = 0; i < m; i++) {
        for (size j = i * n; j < (i + 1) * n; j++) {
            real linear = fused(0 - o[j], y[j], o[j] > 0 ? o[j] : 0);
            delta[j] = linear + log1p_exp(o[j]);
        }
        total = total + weight(w, i) * row_sum(delta + i * n, n) / n;
        for (size j = i * n; j < (i + 1) * n; j++) {
            output[j] = NAME(sigmoid)(o[j]);
            delta[j] = output[j] - y[j];
        }
    }
    scale_rows(delta, w, m, n, scale / n);
    return total;
}

/* settings: keep, share, pos_weight (n,). */
LOSS(adjusted_binary_cross_entropy) {
    double total = 0;
    for (size i = 0; i < m; i++) {
        const real *z = o + i * n;
        real *p = output + i * n, *d = delta + i * n;
        for (size j = 0; j < n; j++) {
            real t = fused((real)settings[0], y[i * n + j], (real)settings[1]);
            real k = fused((real)settings[2 + j] - 1, t, 1);
            d[j] = fused(1 - t, z[j], k * NAME(softplus)(0 - z[j]));
        }
        total = total + weight(w, i) * row_sum(d, n) / n;
        for (size j = 0; j < n; j++) {
            real t = fused((real)settings[0], y[i * n + j], (real)settings[1]);
            p[j] = NAME(sigmoid)(z[j]);
            d[j] = fused((real)settings[2 + j] - 1, t, 1) * p[j] - (real)settings[2 + j] * t;
        }
    }
    scale_rows(delta, w, m, n, scale / n);
    return total;
}

/* settings: gamma, the weight of yes, the weight of no. */
static real binary_focal_value(real z, real y, const double *c) {
    real log_p = 0 - NAME(softplus)(0 - z), log_q = 0 - NAME(softplus)(z);
    real yes = (real)c[1] * y * NAME(exp)((real)c[0] * log_q) * log_p;
    real no = (real)c[2] * (1 - y) * NAME(exp)((real)c[0] * log_p) * log_q;
    return 0 - (yes + no);
}
static real binary_focal_slope(real z, real y, const double *c) {
    real p = NAME(sigmoid)(z), q = NAME(sigmoid)(0 - z);
    real log_p = 0 - NAME(softplus)(0 - z), log_q = 0 - NAME(softplus)(z);
    real yes = (real)c[1] * y * NAME(exp)((real)c[0] * log_q), no = (real)c[2] * (1 - y) * NAME(exp)((real)c[0] * log_p);
    return yes * ((real)c[0] * p * log_p - q) - no * ((real)c[0] * q * log_q - p);
}
LOSS(binary_focal) {
    NAME(map)(NAME(sigmoid), o, output, m * n);
    return by_element(binary_focal_value, binary_focal_slope, 1, o, y, w, delta, m, n, settings, scale);
}

/* settings: the classes' weights (n,). */
LOSS(nll) {
    double total = 0;
    for (size i = 0; i < m; i++) {
        for (size j = 0; j < n; j++) delta[i * n + j] = (real)settings[j] * y[i * n + j];
        total = total - weight(w, i) * row_dot(o + i * n, delta + i * n, n, 0);
    }
    scale_rows(delta, w, m, n, -scale);
    return total;
}

static real side(real y) { return y > 0 ? 1 : -1; }
static real hinge_value(real o, real y, const double *c) {
    real h = 1 - side(y) * o;
    return 0 > h ? 0 : h;
}
static real hinge_slope(real o, real y, const double *c) { return 1 - side(y) * o > 0 ? 0 - side(y) : 0; }
LOSS_BY_ELEMENT(hinge, 1)

static real squared_hinge_value(real o, real y, const double *c) { return hinge_value(o, y, c) * hinge_value(o, y, c); }
static real squared_hinge_slope(real o, real y, const double *c) { return hinge_value(o, y, c) * (0 - side(y)); }
LOSS(squared_hinge) {
    double total = by_element(squared_hinge_value, squared_hinge_slope, 1, o, y, w, delta, m, n, settings, 0);
    for (size i = 0; i < m * n; i++) delta[i] = squared_hinge_slope(o[i], y[i], settings);
    scale_rows(delta, w, m, n, 2 * scale / n);
    return total;
}

/* Metrics: the sum over rows of each row's weighted score. */

#define METRIC(name) double NAME(name##_metric)(const real *o, const real *y, const real *w, size m, size n, double setting)

static size first_largest(const real *x, size n) {
    size best = 0;
    for (size j = 1; j < n; j++)
        if (x[j] > x[best]) best = j;
    return best;
}

METRIC(categorical_accuracy) {
    double total = 0;
    for (size i = 0; i < m; i++)
        if (first_largest(o + i * n, n) == first_largest(y + i * n, n)) total = total + weight(w, i);
    return total;
}

METRIC(binary_accuracy) {
    double total = 0;
    for (size i = 0; i < m; i++) {
        size right = 0;
        for (size j = i * n; j < (i + 1) * n; j++) right += (o[j] > setting) == (y[j] > 0.5);
        total = total + weight(w, i) * right / n;
    }
    return total;
}

METRIC(mae) {
    double total = 0;
    for (size i = 0; i < m; i++) {
        double row = 0;
        for (size j = i * n; j < (i + 1) * n; j++) row = row + fabs((double)o[j] - (double)y[j]);
        total = total + weight(w, i) * row / n;
    }
    return total;
}

METRIC(mse) {
    double total = 0;
    for (size i = 0; i < m; i++) {
        double row = 0;
        for (size j = i * n; j < (i + 1) * n; j++) row = row + ((double)o[j] - y[j]) * ((double)o[j] - y[j]);
        total = total + weight(w, i) * row / n;
    }
    return total;
}

METRIC(top_k_accuracy) {
    double total = 0;
    for (size i = 0; i < m; i++) {
        const real *row = o + i * n;
        size right = first_largest(y + i * n, n), before = 0;
        for (size j = 0; j < n; j++) before += row[j] > row[right] || (j < right && row[j] == row[right]);
        if (before < setting) total = total + weight(w, i);
    }
    return total;
}

/* log(p), p within EPSILON and 1 - EPSILON. */
static double log_within(real p) {
    if (p < EPSILON) p = EPSILON;
    if (p > 1 - EPSILON) p = 1 - EPSILON;
    return NAME(log)(p);
}

METRIC(categorical_log_loss) {
    double total = 0;
    for (size i = 0; i < m; i++) {
        const real *z = o + i * n;
        real highest = row_max(z, n);
        double row = 0, sum = 0;
        for (size j = 0; j < n; j++) sum = sum + NAME(exp)(z[j] - highest);
        double log_sum = (double)highest + NAME(log)((real)sum);
        for (size j = 0; j < n; j++)
            if (y[i * n + j] != 0) row = row - y[i * n + j] * (setting != 0 ? z[j] - log_sum : log_within(z[j]));
        total = total + weight(w, i) * row;
    }
    return total;
}

METRIC(binary_log_loss) {
    double total = 0;
    for (size i = 0; i < m; i++) {
        double row = 0;
        for (size j = i * n; j < (i + 1) * n; j++) {
            double yes = setting != 0 ? NAME(softplus)(-o[j]) : -log_within(o[j]);
            double no = setting != 0 ? NAME(softplus)(o[j]) : -log_within(1 - o[j]);
            row = row + (y[j] * yes + (1 - (double)y[j]) * no);
        }
        total = total + weight(w, i) * row / n;
    }
    return total;
}

#include "updates.h"
#include "operations.h"
