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


cdef inline uint64_t below(uint64_t bits, uint64_t bound) noexcept nogil:
    """floor(bits * bound / 2**64), in 0..bound - 1; its bias is below bound / 2**64."""
    cdef uint64_t bits_low = <uint32_t> bits, bits_high = bits >> 32
    cdef uint64_t bound_low = <uint32_t> bound, bound_high = bound >> 32
    cdef uint64_t middle = bits_high * bound_low + (bits_low * bound_low >> 32)
    cdef uint64_t other = bits_low * bound_high + <uint32_t> middle
    return bits_high * bound_high + (middle >> 32) + (other >> 32)


cdef inline void permute(Py_ssize_t* rows, Py_ssize_t n, uint64_t seed, Purpose purpose, uint32_t epoch) noexcept nogil:
    """rows = 0..n - 1 in random order, by Fisher and Yates' shuffle."""
    cdef Py_ssize_t i, j, held
    cdef uint64_t[2] pair
    for i in range(n):
        rows[i] = i
    for i in range(n - 1, 0, -1):
        if i & 1 or i == n - 1:                 # a block's two numbers serve two positions
            random_pair(seed, purpose, epoch, i >> 1, pair)
        j = <Py_ssize_t> below(pair[i & 1], i + 1)
        held = rows[i]
        rows[i] = rows[j]
        rows[j] = held
