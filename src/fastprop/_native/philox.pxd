"""Random numbers by address: Philox 4x32-10, a function of (seed, purpose, epoch, position) and of nothing else.

J. K. Salmon, M. A. Moraes, R. O. Dror & D. E. Shaw (2011), "Parallel Random Numbers: As Easy as 1, 2, 3", SC '11.
"""

from libc.stdint cimport uint32_t, uint64_t

cdef enum Purpose:
    WEIGHTS = 0
    SHUFFLE = 1
    MASK = 2


cdef inline void philox(uint32_t* counter, uint32_t key0, uint32_t key1) noexcept nogil:
    """Ten rounds on counter (4 words), in place."""
    cdef uint64_t product0, product1
    cdef int _round
    for _round in range(10):
        product0 = <uint64_t> 0xD2511F53 * counter[0]
        product1 = <uint64_t> 0xCD9E8D57 * counter[2]
        counter[0] = <uint32_t> (product1 >> 32) ^ counter[1] ^ key0
        counter[1] = <uint32_t> product1
        counter[2] = <uint32_t> (product0 >> 32) ^ counter[3] ^ key1
        counter[3] = <uint32_t> product0
        key0 += <uint32_t> 0x9E3779B9
        key1 += <uint32_t> 0xBB67AE85


cdef inline void random_pair(uint64_t seed, Purpose purpose, uint32_t epoch, uint64_t index,
                             uint64_t* pair) noexcept nogil:
    """The 64 bits at positions 2 index and 2 index + 1, which share one block of 128."""
    cdef uint32_t[4] block
    block[0] = <uint32_t> index
    block[1] = <uint32_t> (index >> 32)
    block[2] = epoch
    block[3] = <uint32_t> purpose
    philox(block, <uint32_t> seed, <uint32_t> (seed >> 32))
    pair[0] = block[0] | <uint64_t> block[1] << 32
    pair[1] = block[2] | <uint64_t> block[3] << 32
