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

#define FASTPROP_VEC_H /* the polynomials need no vectors, only `real` and BY_TYPE */
#include "../../src/fastprop/_native/kernels/coefficients.h"

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

/* Elementary functions. */

/* c[0] + c[1] x + ... */
static real polynomial(const real *c, size n_terms, real x) {
    real y = c[n_terms - 1];
    for (size i = n_terms - 2; i >= 0; i--) y = fused(y, x, c[i]);
    return y;
}

/* x factor as the nearest integer, ties to even; the product is not rounded before. */
static real integer_near(real x, real factor) { return fused(x, factor, MAGIC) - MAGIC; }

real NAME(exp)(real x) {
#ifdef LIBM_EXP
    return BY_TYPE(expf, exp)(x);
#endif
    if (isnan(x)) return x;
    if (x > EXP_HIGHEST) return (real)INFINITY;
    if (x < EXP_LOWEST) return 0;
    real n = integer_near(x, LOG2_E);
    real r = fused(n, -LN2_LOW, fused(n, -LN2_HIGH, x));
    real expm1_r = fused(r * r, polynomial(EXPM1_C, EXPM1_TERMS, r), r);
    return BY_TYPE(ldexpf, ldexp)(expm1_r + 1, (int)n); /* which rounds where the result is subnormal */
}

real NAME(log)(real x) {
    if (isnan(x) || x < 0) return (real)NAN;
    if (x == 0) return (real)-INFINITY;
    if (isinf(x)) return x;
    int e;
    real v = BY_TYPE(frexpf, frexp)(x, &e); /* x = v 2**e, v from 1/2, and by the next line from sqrt(1/2) */
    if (v < SQRT_HALF) v = 2 * v, e = e - 1;
    real f = v - 1, s = f / (f + 2), z = s * s;
    real half_square = (real)0.5 * f * f;
    real tail = fused(s, fused(z, polynomial(LOG_C, LOG_TERMS, z), half_square), e * LN2_LOW);
    return fused(e, LN2_HIGH, f - (half_square - tail));
}

real NAME(log1p)(real x) {
    if (isinf(x) && x > 0) return x;
    real w = 1 + x, lost = x - (w - 1);
    return NAME(log)(w) + lost / w;
}

real NAME(tanh)(real x) {
    real magnitude = absolute(x), z = x * x;
    real y = magnitude < (real)0.625 ? fused(x * z, polynomial(TANH_C, TANH_TERMS, z), x)
                                     : 1 - 2 / (NAME(exp)(magnitude + magnitude) + 1);
    return BY_TYPE(copysignf, copysign)(y, x);
}

real NAME(sigmoid)(real x) {
    real e = NAME(exp)(0 - absolute(x));
    return (x < 0 ? e : 1) / (1 + e);
}

void NAME(map)(real (*f)(real), const real *x, real *y, size count) {
    for (size i = 0; i < count; i++) y[i] = f(x[i]);
}

/* Activations a = f(z), and delta = da * f'(z) from a, in delta's place. */

void NAME(identity_forward)(const real *z, real *a, size m, size n) {
    for (size i = 0; i < m * n; i++) a[i] = z[i];
}

void NAME(identity_backward)(const real *a, real *delta, size m, size n) {
    (void)a, (void)delta, (void)m, (void)n;
}

void NAME(sigmoid_forward)(const real *z, real *a, size m, size n) { NAME(map)(NAME(sigmoid), z, a, m * n); }

void NAME(sigmoid_backward)(const real *a, real *delta, size m, size n) {
    for (size i = 0; i < m * n; i++) delta[i] = delta[i] * (a[i] * (1 - a[i]));
}

void NAME(tanh_forward)(const real *z, real *a, size m, size n) { NAME(map)(NAME(tanh), z, a, m * n); }

void NAME(tanh_backward)(const real *a, real *delta, size m, size n) {
    for (size i = 0; i < m * n; i++) delta[i] = delta[i] * fused(0 - a[i], a[i], 1);
}

void NAME(relu_forward)(const real *z, real *a, size m, size n) {
    for (size i = 0; i < m * n; i++) a[i] = 0 > z[i] ? 0 : z[i]; /* -0 and NaN stay */
}

void NAME(relu_backward)(const real *a, real *delta, size m, size n) {
    for (size i = 0; i < m * n; i++) delta[i] = a[i] > 0 ? delta[i] : 0;
}

/* a = exp(z - highest) / s, exponentials that would be tiny being 0; returns s, the sum of the exponentials. */
static real softmax_row(const real *z, real *a, size n, real highest) {
    for (size j = 0; j < n; j++) a[j] = z[j] - highest < SOFTMAX_LOWEST ? 0 : NAME(exp)(z[j] - highest);
    real s = row_sum(a, n);
    for (size j = 0; j < n; j++) a[j] = a[j] / s;
    return s;
}

void NAME(softmax_forward)(const real *z, real *a, size m, size n) {
    for (size i = 0; i < m; i++) softmax_row(z + i * n, a + i * n, n, row_max(z + i * n, n));
}

void NAME(softmax_backward)(const real *a, real *delta, size m, size n) {
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

double NAME(mse)(const real *o, const real *y, const real *w, real *delta, real *unused, size m, size n, double scale) {
    (void)unused;
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
                           double scale) {
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
                                  double scale) {
    double total = 0;
    for (size i = 0; i < m; i++) {
        for (size j = i * n; j < (i + 1) * n; j++) {
            real linear = fused(0 - z[j], y[j], z[j] > 0 ? z[j] : 0);
            delta[j] = linear + NAME(log1p)(NAME(exp)(0 - absolute(z[j])));
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

double NAME(categorical_accuracy)(const real *o, const real *y, const real *w, size m, size n, double threshold) {
    (void)threshold;
    double total = 0;
    for (size i = 0; i < m; i++)
        if (first_largest(o + i * n, n) == first_largest(y + i * n, n)) total = total + weight(w, i);
    return total;
}

double NAME(binary_accuracy)(const real *o, const real *y, const real *w, size m, size n, double threshold) {
    double total = 0;
    for (size i = 0; i < m; i++) {
        size right = 0;
        for (size j = i * n; j < (i + 1) * n; j++) right += (o[j] > threshold) == (y[j] > 0.5);
        total = total + weight(w, i) * right / n;
    }
    return total;
}

double NAME(mae)(const real *o, const real *y, const real *w, size m, size n, double threshold) {
    (void)threshold;
    double total = 0;
    for (size i = 0; i < m; i++) {
        double row = 0;
        for (size j = i * n; j < (i + 1) * n; j++) row = row + fabs((double)o[j] - (double)y[j]);
        total = total + weight(w, i) * row / n;
    }
    return total;
}

/* Updates of theta from grad; step 0 reads no state. */

/* settings: learning_rate, momentum, dampening, nesterov, weight_decay. */
void NAME(sgd)(real *theta, const real *grad, real *velocity, size count, const double *settings, size step) {
    real step_size = (real)-settings[0], momentum = (real)settings[1], share = (real)(1 - settings[2]);
    real decay = (real)settings[4];
    for (size i = 0; i < count; i++) {
        real g = fused(decay, theta[i], grad[i]);
        if (settings[1] != 0) {
            real v = step == 0 ? g : fused(momentum, velocity[i], share * g);
            if (absolute(v) < SMALLEST_NORMAL) v = 0;
            velocity[i] = v;
            g = settings[3] != 0 ? fused(momentum, v, g) : v;
        }
        theta[i] = fused(step_size, g, theta[i]);
    }
}
