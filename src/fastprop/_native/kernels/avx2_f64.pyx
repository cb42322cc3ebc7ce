# The kernels for avx2, float64; setup.py gives the macros that say so to vec.h.
include "kernels.pxi"
