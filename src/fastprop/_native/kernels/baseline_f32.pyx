# The kernels for baseline, float32; setup.py gives the macros that say so to vec.h.
include "kernels.pxi"
