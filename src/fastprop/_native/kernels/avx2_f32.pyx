# The kernels for avx2, float32; setup.py gives the macros that say so to vec.h.
include "kernels.pxi"
