# The kernels for neon, float32; setup.py gives the macros that say so to vec.h.
include "kernels.pxi"
