# The kernels for neon, float64; setup.py gives the macros that say so to vec.h.
include "kernels.pxi"
