"""The targets that this processor and operating system can run."""

cdef extern from "cpu.h":
    int cpu_has_avx2()
    int cpu_has_avx512()
    int cpu_has_neon()


def supported_targets():
    """The names of the targets that can run here, the best first; "baseline" is always the last."""
    found = {"avx512": cpu_has_avx512(), "avx2": cpu_has_avx2(), "neon": cpu_has_neon(), "baseline": True}
    return tuple([name for name, runs in found.items() if runs])
