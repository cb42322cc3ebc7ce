/* x modulo pi/2 for x too large for a few fused multiply-adds: integer arithmetic on as many bits of 2/pi as matter.
 *
 * x = m 2**e with an integer m of 53 bits (a float is a double). Words of 2/pi whose product with x is a multiple of 4
 * are skipped; the seven words from there on leave an error below 2**-138 in x 2/pi mod 4, where the fraction of no
 * double comes closer to 0 than 2**-62. The fraction in -1/2..1/2 is cut into f_high = its first 53 bits as they stand
 * and f_low = the next 64 bits, rounded to a double, which are then normalised, and
 *
 *     s = f_high + f_low,  rest = f_low - (s - f_high)
 *     r = s pi2,  low = fma(s, pi2, -r) + (s pi2_low + rest pi2)
 *
 * in doubles, pi2 + pi2_low being pi/2. For floats r and low = float((r - float(r)) + low) are rounded from these. */
#ifndef FASTPROP_LARGE_ANGLES_H
#define FASTPROP_LARGE_ANGLES_H

#include "coefficients.h"

#define ANGLE_WORDS 7
#define PRODUCT_WORDS (ANGLE_WORDS + 2)

/* 64 bits of a number of 32-bit words, least significant first, from bit `at` on. */
static inline uint64_t bits_from(const uint32_t *words, int at) {
    uint64_t low = words[at / 32] | (uint64_t)words[at / 32 + 1] << 32;
    return at % 32 ? low >> at % 32 | (uint64_t)words[at / 32 + 2] << (64 - at % 32) : low;
}

/* product = m times `words` words of 2/pi from number `first` on, the least significant word first. */
static inline void times_two_over_pi(uint64_t m, int first, uint32_t *product) {
    const uint64_t m_low = (uint32_t)m, m_high = m >> 32;
    uint64_t carry = 0, before = 0;
    for (int i = 0; i <= ANGLE_WORDS; i++) { /* column i: m_low of this word, m_high of the one before */
        uint64_t word = i < ANGLE_WORDS ? TWO_OVER_PI_WORDS[first + ANGLE_WORDS - 1 - i] : 0;
        uint64_t below = m_low * word, above = m_high * before; /* the second below 2**53 */
        uint64_t sum = (carry & 0xffffffff) + (below & 0xffffffff) + (above & 0xffffffff);
        product[i] = (uint32_t)sum;
        carry = (carry >> 32) + (sum >> 32) + (below >> 32) + (above >> 32);
        before = word;
    }
    product[ANGLE_WORDS + 1] = (uint32_t)carry;
}

static void reduce_large(real x, real *n, real *r, real *low) {
    const double size = x < 0 ? -(double)x : (double)x;
    uint32_t product[PRODUCT_WORDS + 2] = {0};
    uint64_t bits, high, next;
    double sign = x < 0 ? -1 : 1, f_high, f_low, s, rest, exact;
    int e, first, point, quadrant;
    if (!(size <= LARGEST)) {
        *n = 0;
        *r = *low = x - x; /* NaN */
        return;
    }
    memcpy(&bits, &size, sizeof bits);
    e = (int)(bits >> 52) - 1075;
    first = e >= 34 ? (e - 2) / 32 : 0;
    times_two_over_pi((bits & 0xfffffffffffff) | 0x10000000000000, first, product);
    point = 32 * (first + ANGLE_WORDS) - e; /* the product's bit of weight 1 */
    quadrant = (int)(bits_from(product, point) & 3);
    high = bits_from(product, point - 64);
    next = bits_from(product, point - 128);
    if (high >> 63) { /* more than a half: the next quadrant, less the rest */
        quadrant++;
        sign = -sign;
        high = ~high;
        next = ~next;
    }
    f_high = (double)(high >> 11) * 0x1p-53;
    f_low = (double)(high << 53 | next >> 11) * 0x1p-117;
    s = f_high + f_low;
    rest = f_low - (s - f_high);
    exact = s * PI2_DOUBLE;
    rest = fma(s, PI2_DOUBLE, -exact) + (s * PI2_DOUBLE_LOW + rest * PI2_DOUBLE);
    *r = (real)(sign * exact);
    *low = (real)(sign * ((exact - (double)(real)exact) + rest));
    *n = (real)(x < 0 ? -quadrant : quadrant);
}

#endif
