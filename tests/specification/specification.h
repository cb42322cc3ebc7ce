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

/* c (m, n) = a (m, k) b (k, n) + bias (n,), NULL for none; a and b by strides in reals. */
void NAME(product)(real *c, size m, size n, size k, const real *a, size a_row, size a_k, const real *b, size b_k,
                   size b_column, const real *bias) {
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

/* 1 / (1 + exp(w)) / UNIT for w >= 0: one step of Newton's from the rounded quotient. */
static real logistic_tail(real w) {
    if (isnan(w)) return w;
    if (w > -EXP_LOWEST) w = -EXP_LOWEST;
    real n = integer_near(-w, LOG2_E), g = expm1_near_0(less_ln2(w, -n)), a = scaled(1 / UNIT, n);
    real d = fused(a, UNIT, g + 1), lost = g + fused(a, UNIT, 1 - d), z = 1 / d;
    return fused(z, fused(-z, lost, fused(-z, d, 1)), z) * a;
}

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

/* a = exp(z - highest) / s, exponentials that would be tiny being 0; returns s, the sum of the exponentials. */
static real softmax_row(const real *z, real *a, size n, real highest) {
    for (size j = 0; j < n; j++) a[j] = z[j] - highest < SOFTMAX_LOWEST ? 0 : NAME(exp)(z[j] - highest);
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

/* Losses: the sum over rows of each row's weighted loss, and delta times the row's weight and `scale`. */

static void scale_rows(real *delta, const real *w, size m, size n, double factor) {
    for (size i = 0; i < m; i++)
        for (size j = 0; j < n; j++) delta[i * n + j] = delta[i * n + j] * (real)(weight(w, i) * factor);
}

double NAME(mse)(const real *o, const real *y, const real *w, real *delta, real *unused, size m, size n, size n_targets,
                 const double *settings, double scale) {
    (void)unused, (void)n_targets, (void)settings;
    double total = 0;
    for (size i = 0; i < m; i++) {
        real *e = delta + i * n;
        for (size j = 0; j < n; j++) e[j] = o[i * n + j] - y[i * n + j];
        total = total + weight(w, i) * row_dot(e, e, n, 0) / n;
    }
    scale_rows(delta, w, m, n, 2 * scale / n);
    return total;
}

double NAME(cross_entropy)(const real *z, const real *y, const real *w, real *delta, real *o, size m, size n,
                           size n_targets, const double *settings, double scale) {
    (void)n_targets, (void)settings;
    double total = 0;
    for (size i = 0; i < m; i++) {
        const real *z_row = z + i * n, *y_row = y + i * n;
        real *p = o + i * n, highest = row_max(z_row, n), y_sum = row_sum(y_row, n);
        real log_sum = NAME(log)(softmax_row(z_row, p, n, highest));
        total = total + weight(w, i) * ((double)log_sum * y_sum - row_dot(z_row, y_row, n, highest));
        for (size j = 0; j < n; j++) delta[i * n + j] = p[j] * y_sum - y_row[j];
    }
    scale_rows(delta, w, m, n, scale);
    return total;
}

double NAME(binary_cross_entropy)(const real *z, const real *y, const real *w, real *delta, real *o, size m, size n,
                                  size n_targets, const double *settings, double scale) {
    (void)n_targets, (void)settings;
    double total = 0;
    for (size i = 0; i < m; i++) {
        for (size j = i * n; j < (i + 1) * n; j++) {
            real linear = fused(0 - z[j], y[j], z[j] > 0 ? z[j] : 0);
            delta[j] = linear + log1p_exp(z[j]);
        }
        total = total + weight(w, i) * row_sum(delta + i * n, n) / n;
        for (size j = i * n; j < (i + 1) * n; j++) {
            o[j] = NAME(sigmoid)(z[j]);
            delta[j] = o[j] - y[j];
        }
    }
    scale_rows(delta, w, m, n, scale / n);
    return total;
}

/* Metrics: the sum over rows of each row's weighted score. */

static size first_largest(const real *x, size n) {
    size best = 0;
    for (size j = 1; j < n; j++)
        if (x[j] > x[best]) best = j;
    return best;
}

double NAME(categorical_accuracy)(const real *o, const real *y, const real *w, size m, size n, double setting) {
    (void)setting;
    double total = 0;
    for (size i = 0; i < m; i++)
        if (first_largest(o + i * n, n) == first_largest(y + i * n, n)) total = total + weight(w, i);
    return total;
}

double NAME(binary_accuracy)(const real *o, const real *y, const real *w, size m, size n, double setting) {
    double total = 0;
    for (size i = 0; i < m; i++) {
        size right = 0;
        for (size j = i * n; j < (i + 1) * n; j++) right += (o[j] > setting) == (y[j] > 0.5);
        total = total + weight(w, i) * right / n;
    }
    return total;
}

double NAME(mae)(const real *o, const real *y, const real *w, size m, size n, double setting) {
    (void)setting;
    double total = 0;
    for (size i = 0; i < m; i++) {
        double row = 0;
        for (size j = i * n; j < (i + 1) * n; j++) row = row + fabs((double)o[j] - (double)y[j]);
        total = total + weight(w, i) * row / n;
    }
    return total;
}

/* Updates of theta from grad; step 0 reads no state. */

/* state: (states of the rule, count). k: the step's numbers, rounded once; k(0) is decay within the gradient, k(1) what
 * decay apart from it leaves of theta. */
#define k(i) ((real)settings[i])

static real flushed(real x) { return absolute(x) < SMALLEST_NORMAL ? 0 : x; }

void NAME(sgd)(real *theta, const real *grad, real *state, size count, const double *settings) {
    (void)state;
    for (size i = 0; i < count; i++) theta[i] = fused(k(2), fused(k(0), theta[i], grad[i]), k(1) * theta[i]);
}

static void sgd_with_velocity(real *theta, const real *grad, real *v, size count, const double *settings, int nesterov) {
    for (size i = 0; i < count; i++) {
        real g = fused(k(0), theta[i], grad[i]), scaled = settings[5] ? g : k(4) * g;
        v[i] = flushed(settings[5] ? g : fused(k(3), v[i], scaled));
        theta[i] = fused(k(2), nesterov ? fused(k(3), v[i], scaled) : v[i], k(1) * theta[i]);
    }
}

void NAME(sgd_momentum)(real *theta, const real *grad, real *state, size count, const double *settings) {
    sgd_with_velocity(theta, grad, state, count, settings, 0);
}

void NAME(sgd_nesterov)(real *theta, const real *grad, real *state, size count, const double *settings) {
    sgd_with_velocity(theta, grad, state, count, settings, 1);
}
