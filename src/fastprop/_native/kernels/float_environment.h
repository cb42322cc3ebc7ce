/* Rounding to nearest, subnormals kept, no traps: what the numerics contract assumes, whatever another library
 * in the process has set. The engine enters with float_environment_set and leaves with float_environment_restore. */
#ifndef FASTPROP_FLOAT_ENVIRONMENT_H
#define FASTPROP_FLOAT_ENVIRONMENT_H

#include <stdint.h>

#if defined(__x86_64__) || defined(_M_X64)

#include <xmmintrin.h>
static inline uint64_t float_environment_set(void) {
    uint64_t before = _mm_getcsr();
    _mm_setcsr(0x1f80); /* all exceptions masked, round to nearest, no flush to zero, subnormals are no zeros */
    return before;
}
static inline void float_environment_restore(uint64_t before) { _mm_setcsr((unsigned)before); }

#elif defined(__aarch64__) && !defined(_MSC_VER)

static inline uint64_t float_environment_set(void) {
    uint64_t before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)0));
    return before;
}
static inline void float_environment_restore(uint64_t before) { __asm__ volatile("msr fpcr, %0" : : "r"(before)); }

#else

#include <fenv.h>
static inline uint64_t float_environment_set(void) {
    uint64_t before = (uint64_t)fegetround();
    fesetround(FE_TONEAREST);
    return before;
}
static inline void float_environment_restore(uint64_t before) { fesetround((int)before); }

#endif
#endif
