"""Python's side of the random numbers in philox.pxd: initial weights, and orders of rows."""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport uint32_t

import numpy as np

from fastprop._native.dispatch import chosen, kernels
from fastprop._native.kernels.table cimport Kernels

FLOAT32 = np.dtype(np.float32)      # kernels of integers are the same in both types' tables


def philox_block(counter, key):
    """The four words that Philox 4x32-10 gives for a counter of four words and a key of two."""
    cdef uint32_t[4] words
    for i in range(4):
        words[i] = counter[i]
    philox(words, key[0], key[1])
    return tuple([words[i] for i in range(4)])


def uniform(seed, stream, count):
    """`count` numbers of U(0, 1) in float64, multiples of 2**-53; `stream` tells one layer's from another's."""
    cdef double[::1] values = np.empty(count)
    cdef uint64_t seed_bits = seed
    cdef uint32_t number = stream
    cdef uint64_t[2] pair
    cdef Py_ssize_t i
    with nogil:
        for i in range(values.shape[0]):
            if i % 2 == 0:
                random_pair(seed_bits, WEIGHTS, number, i // 2, pair)
            values[i] = (pair[i % 2] >> 11) * 2.0**-53
    return np.asarray(values)


def permutation(seed, epoch, count, n_epochs=1):
    """The order in which the epoch visits `count` rows: an array of their indices. For several epochs from that one
    on, one order after the other."""
    cdef Py_ssize_t[::1] rows = np.empty(count * n_epochs, dtype=np.intp)
    cdef Py_ssize_t i, n_rows = count
    cdef uint64_t seed_bits = seed
    cdef uint32_t number = epoch
    cdef const Kernels* table = <const Kernels*> PyCapsule_GetPointer(kernels(FLOAT32, chosen()), "fastprop kernels")
    if rows.shape[0]:
        with nogil:
            for i in range(rows.shape[0] // n_rows):
                table.shuffle(&rows[i * n_rows], n_rows, number + <uint32_t> i, SHUFFLE, seed_bits)
    return np.asarray(rows)
