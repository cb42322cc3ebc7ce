# The kernels for avx512, float32; setup.py gives the macros that say so to vec.h.
include "kernels.pxi"
