/* What this processor can run, from CPUID and from XGETBV: an instruction set counts only if the operating
 * system saves its registers too (AVX-512 may be there and switched off by a hypervisor). */
#ifndef FASTPROP_CPU_H
#define FASTPROP_CPU_H

#if defined(__x86_64__) || defined(_M_X64)

#ifdef _MSC_VER
#include <immintrin.h>
#include <intrin.h>
static void cpu_id(int leaf, unsigned out[4]) { __cpuidex((int *)out, leaf, 0); }
static unsigned long long saved_state(void) { return _xgetbv(0); }
#else
#include <cpuid.h>
static void cpu_id(int leaf, unsigned out[4]) {
    out[0] = out[1] = out[2] = out[3] = 0;
    __get_cpuid_count((unsigned)leaf, 0, &out[0], &out[1], &out[2], &out[3]);
}
static unsigned long long saved_state(void) {
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return ((unsigned long long)high << 32) | low;
}
#endif

static int has_bits(unsigned long long value, unsigned long long bits) { return (value & bits) == bits; }

/* 0: baseline, 1: AVX2 and FMA, 2: also AVX-512 F, DQ, BW and VL */
static int x86_level(void) {
    unsigned one[4], seven[4];
    unsigned long long state;
    cpu_id(1, one);
    if (!has_bits(one[2], 1u << 12 | 1u << 27 | 1u << 28)) return 0; /* FMA, OSXSAVE, AVX */
    state = saved_state();
    if (!has_bits(state, 0x6)) return 0; /* XMM and YMM registers are saved */
    cpu_id(7, seven);
    if (!has_bits(seven[1], 1u << 5)) return 0; /* AVX2 */
    if (!has_bits(state, 0xe6)) return 1; /* opmask and ZMM registers are saved */
    return has_bits(seven[1], 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31) ? 2 : 1; /* F, DQ, BW, VL */
}

static int cpu_has_avx2(void) { return x86_level() >= 1; }
static int cpu_has_avx512(void) { return x86_level() >= 2; }
static int cpu_has_neon(void) { return 0; }

#else

static int cpu_has_avx2(void) { return 0; }
static int cpu_has_avx512(void) { return 0; }
#if defined(__aarch64__) || defined(_M_ARM64)
static int cpu_has_neon(void) { return 1; } /* part of AArch64 */
#else
static int cpu_has_neon(void) { return 0; }
#endif

#endif
#endif
