"""The floating-point environment, for Python's own arithmetic: see kernels/float_environment.h."""

cdef extern from "kernels/float_environment.h":
    ctypedef unsigned long long environment "uint64_t"
    environment float_environment_set() noexcept nogil
    void float_environment_restore(environment before) noexcept nogil


def enter():
    """Set what the numerics contract assumes; returns what was set before."""
    return float_environment_set()


def leave(before):
    float_environment_restore(before)
