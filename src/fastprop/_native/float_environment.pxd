"""The floating-point environment that the numerics contract assumes, and what was set before: see the header."""

cdef extern from "kernels/float_environment.h":
    ctypedef unsigned long long environment "uint64_t"
    environment float_environment_set() noexcept nogil
    void float_environment_restore(environment before) noexcept nogil
