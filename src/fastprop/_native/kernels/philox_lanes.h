/* Philox 4x32-10 (Salmon, Moraes, Dror & Shaw 2011), 16 blocks side by side; fastprop/_native/philox.pxd has it for one;
 * and numbers below a bound from them. It is integers alone. A word stands in the lower half of a lane; what is in the
 * upper half does not matter. */
#ifndef FASTPROP_PHILOX_LANES_H
#define FASTPROP_PHILOX_LANES_H

#include "vec.h"

#define BLOCKS_ASIDE 16
#define WORDS_ASIDE (4 * BLOCKS_ASIDE)
#define WIDES (BLOCKS_ASIDE / WIDE)

static const uint64_t UPWARDS[BLOCKS_ASIDE] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

/* words[16 w + i] = word w of the block whose counter is (16 group + i in two words, c2, c3). */
static inline void philox_lanes(uint64_t *words, uint64_t group, uint32_t c2, uint32_t c3, uint64_t key) {
    wide a[WIDES], b[WIDES], c[WIDES], d[WIDES];
    uint32_t key0 = (uint32_t)key, key1 = (uint32_t)(key >> 32);
    uint64_t first = group * BLOCKS_ASIDE; /* its lower half ends in four zero bits, so that no carry leaves it */
    for (int i = 0; i < WIDES; i++) {
        a[i] = w_add(w_set((uint32_t)first), w_load(UPWARDS + i * WIDE));
        b[i] = w_set(first >> 32);
        c[i] = w_set(c2);
        d[i] = w_set(c3);
    }
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < WIDES; i++) {
            wide product0 = w_mul(a[i], w_set(0xD2511F53)), product1 = w_mul(c[i], w_set(0xCD9E8D57));
            a[i] = w_xor(w_xor(w_high(product1), b[i]), w_set(key0));
            b[i] = product1;
            c[i] = w_xor(w_xor(w_high(product0), d[i]), w_set(key1));
            d[i] = product0;
        }
        key0 += 0x9E3779B9;
        key1 += 0xBB67AE85;
    }
    for (int i = 0; i < WIDES; i++) {
        w_store(words + i * WIDE, a[i]);
        w_store(words + BLOCKS_ASIDE + i * WIDE, b[i]);
        w_store(words + 2 * BLOCKS_ASIDE + i * WIDE, c[i]);
        w_store(words + 3 * BLOCKS_ASIDE + i * WIDE, d[i]);
    }
}

/* floor(bits bound / 2**64), in 0..bound - 1; its bias is below bound / 2**64. */
static inline uint64_t bounded(uint64_t bits, uint64_t bound) {
#if defined(__SIZEOF_INT128__)
    __extension__ typedef unsigned __int128 product;
    return (uint64_t)((product)bits * bound >> 64);
#else
    const uint64_t bits_low = (uint32_t)bits, bits_high = bits >> 32;
    const uint64_t bound_low = (uint32_t)bound, bound_high = bound >> 32;
    const uint64_t middle = bits_high * bound_low + (bits_low * bound_low >> 32);
    const uint64_t other = bits_low * bound_high + (uint32_t)middle;
    return bits_high * bound_high + (middle >> 32) + (other >> 32);
#endif
}

#endif
