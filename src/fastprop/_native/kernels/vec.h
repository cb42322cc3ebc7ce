/* The vector vocabulary: the only text that differs between instruction sets.
 *
 * A build of the kernels defines one FASTPROP_<TARGET> and FASTPROP_BITS (32 or 64); this header then
 * supplies `real`, `vec` (LANES reals side by side), the words below, and the register tile's size:
 *
 *     v_set(x)  v_load(p)  v_store(p, v)  v_load_part(p, count)  v_store_part(p, v, count)
 *     v_add  v_sub  v_mul  v_div
 *     v_fma(a, b, c)             a * b + c, rounded once
 *     v_fnma(a, b, c)            c - a * b, rounded once
 *     v_div_beside_root(a, b)    v_div, for where a square root keeps the divider: by multiply-adds where that is faster
 *     v_fma_at(p, b, c)          v_fma(v_set(*p), b, c), in one instruction where there is one
 *     v_hold(v)                  nothing; but v keeps its register up to here
 *     v_set_low(x)  v_fma_low(a, b, c)
 *                                v_set and v_fma in the first LOW_LANES lanes, the others being any; LOW_LANES is 0
 *                                where no processor is faster with them
 *     v_if_gt(a, b, yes, no)     per lane: a > b ? yes : no; an unordered pair (NaN) takes `no`
 *     v_max(a, b), v_min(a, b)   per lane: a > b ? a : b, and a < b ? a : b
 *     v_any_gt(a, b)             whether a > b in any lane
 *     v_abs(a)  v_sqrt(a)  v_copysign(magnitude, sign)
 *     v_pow2(t)                  2**n where t = n + MAGIC, for n in the range of normal exponents
 *     v_scale(p, t)              p * 2**n, rounded once, where t = n + MAGIC, |n| at most twice that range
 *     v_bit_as_sign(t, k)        the sign bit is bit k of the integer n, where t = n + MAGIC; other bits are any
 *     v_lookup(table, v)         table[i] of 8 reals, i being the lowest exponent bits and the first fraction bit of v:
 *                                v in [1, 3/2), [3/2, 2), [2, 3), ... [12, 16) for i = 6, 7, 0, 1, ... 5
 *     v_split(x, &e)             x = v * 2**e with v in [sqrt(1/2), sqrt(2)), for normal x > 0
 *     v_transpose(lines)         lane j of lines[i] for lane i of lines[j], both below LANES
 *
 * and for random numbers `wide` (WIDE unsigned integers of 64 bits side by side) with the words
 *
 *     w_set(x)  w_load(p)  w_store(p, v)  w_add  w_xor
 *     w_mul(a, b)                the product of the lower halves, whatever the upper ones
 *     w_high(a)                  the upper half
 *
 * v_load_part fills the lanes from `count` on with +0; count is 0..LANES. No word rounds twice, and none
 * returns an estimate, so a lane's value is the same on every target (docs/numerics.md).
 */
#ifndef FASTPROP_VEC_H
#define FASTPROP_VEC_H

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __FAST_MATH__
#error "fastprop promises the same bits everywhere: build it without -ffast-math"
#endif

#if FLT_EVAL_METHOD != 0
#error "fastprop promises the same bits everywhere: build it for arithmetic in each type's own precision (x86: SSE2)"
#endif
#ifdef _MSC_VER
#pragma fp_contract(off) /* which compilers before Visual Studio 2022 need to be told */
#endif

#if FASTPROP_BITS == 32
typedef float real;
typedef int32_t word; /* the integer of a real's width */
#define BY_TYPE(single, double_) single
#elif FASTPROP_BITS == 64
typedef double real;
typedef int64_t word;
#define BY_TYPE(single, double_) double_
#else
#error "define FASTPROP_BITS as 32 or 64"
#endif

/* The struct module's letter for it, as in table.pxd. */
#define REAL_KIND BY_TYPE('f', 'd')
/* IEEE 754 by the real's width: fraction bits, exponent bias, and sqrt(1/2)'s bits, where v_split cuts. */
#define FRACTION_BITS BY_TYPE(23, 52)
#define EXPONENT_BIAS BY_TYPE(127, 1023)
#define ONE_BITS BY_TYPE(0x3f800000, 0x3ff0000000000000)
#define FRACTION_MASK BY_TYPE(0x007fffff, 0x000fffffffffffff)
#define SQRT_HALF_BITS BY_TYPE(0x3f3504f3, 0x3fe6a09e667f3bcd)
/* 1.5 * 2**FRACTION_BITS: adding it rounds a small real to an integer n and leaves n in the low bits. */
#define MAGIC BY_TYPE(12582912.0f, 6755399441055744.0)
/* 2**FRACTION_BITS: an integer in the low bits under this exponent reads as 2**FRACTION_BITS + integer. */
#define INTEGER_BITS BY_TYPE(0x4b000000, 0x4330000000000000)
#define INTEGER_ONE BY_TYPE(8388608.0f, 4503599627370496.0)

#define SMALLEST_NORMAL BY_TYPE(0x1p-126f, 0x1p-1022)
#define EPSILON BY_TYPE(0x1p-23f, 0x1p-52) /* from 1 to the next number */
#define LARGEST BY_TYPE(0x1.fffffep127f, 0x1.fffffffffffffp1023)
/* exp overflows above the one and is below half the smallest subnormal under the other. */
#define EXP_HIGHEST BY_TYPE(89.0f, 710.0)
#define EXP_LOWEST BY_TYPE(-104.5f, -746.0)
/* expm1 is -1 below the one; |x| up to the other is sin(x) and expm1(x) to the last bit. */
#define EXPM1_LOWEST BY_TYPE(-80.0f, -700.0)
#define TINY BY_TYPE(0x1p-100f, 0x1p-500)
/* 1 / (1 + exp(x)) is computed in this unit, in which its smallest values are no subnormals. */
#define UNIT BY_TYPE(0x1p-64f, 0x1p-512)
#define UNIT_EXPONENT BY_TYPE(64.0f, 512.0)
/* From here on erf rounds to 1. */
#define ERF_ONE BY_TYPE(4.0f, 6.0)
/* Up to here n = round(x 2/pi) is off by less than 1/500 and the vector's reduction of angles holds. */
#define ANGLE_LARGEST BY_TYPE(65536.0f, 1073741824.0)
/* exp of less is 0 in a softmax: 1e-30 or 1e-289 beside a sum of at least 1, and far from subnormals. */
#define SOFTMAX_LOWEST BY_TYPE(-69.0f, -664.0)

/* |x| from here on: x / (1 + exp(-x)) is 0 or x, and so is x times the normal distribution's Phi(x). */
#define LOGISTIC_LARGEST BY_TYPE(110.0f, 755.0)
#define NORMAL_LARGEST BY_TYPE(14.5f, 38.7)

/* Ask for a cache line that will be written to, or read, now or in the next batch: then the second-level cache is near
   enough. A hint: without it the results are the same. */
#if defined(__GNUC__)
static inline void prefetch_to_write(const real *p) { __builtin_prefetch(p, 1); }
static inline void prefetch_to_read(const char *p) { __builtin_prefetch(p); }
static inline void prefetch_for_later(const char *p) { __builtin_prefetch(p, 0, 2); }
#else
static inline void prefetch_to_write(const real *p) { (void)p; }
static inline void prefetch_to_read(const char *p) { (void)p; }
static inline void prefetch_for_later(const char *p) { (void)p; }
#endif

#if defined(FASTPROP_AVX512)
#include "vec_avx512.h"
#elif defined(FASTPROP_AVX2)
#include "vec_avx2.h"
#elif defined(FASTPROP_NEON)
#include "vec_neon.h"
#elif defined(FASTPROP_BASELINE)
#include "vec_baseline.h"
#else
#error "define the target: FASTPROP_BASELINE, FASTPROP_AVX2, FASTPROP_AVX512 or FASTPROP_NEON"
#endif

#ifndef LOW_LANES
#define LOW_LANES 0
#define v_set_low v_set
#define v_fma_low v_fma
#endif

/* k in a turn of the tile's loop: fewer instructions around them. */
#ifndef TILE_TURN
#define TILE_TURN 1
#endif
#ifndef N_REGISTERS
#define N_REGISTERS 16
#endif
/* Columns of a gradient whose lanes are over rows, at most; a tile's height at least. */
#ifndef MOST_TURNED
#define MOST_TURNED TILE_ROWS
#endif
#ifndef v_hold
#define v_hold(v) ((void)(v))
#endif
#ifndef v_div_beside_root
#define v_div_beside_root v_div
#endif
#ifndef v_fma_at
#define v_fma_at(a, b, c) v_fma(v_set(*(a)), b, c)
#endif

#define TILE_COLUMNS (TILE_VECS * LANES)
/* A product of so few columns is computed with its lanes over rows. */
#define NARROW (LANES / 2)
/* Row reductions run over 16 virtual lanes, whatever the real width: part of the numerics contract. */
#define VIRTUAL_LANES 16
#define ROW_VECS (VIRTUAL_LANES / LANES)
/* Rows that are reduced side by side: their columns at most, or groups of narrow ones. */
#define GROUPS_ASIDE 6
#define COLUMNS_ASIDE (GROUPS_ASIDE * VIRTUAL_LANES)
/* Fewer narrow rows than this are reduced sooner one by one than side by side. */
#define ROWS_ASIDE ((LANES + 1) / 2)

#endif
