"""The floating-point environment, for Python's own arithmetic: see kernels/float_environment.h."""


def enter():
    """Set what the numerics contract assumes; returns what was set before."""
    return float_environment_set()


def leave(before):
    float_environment_restore(before)
