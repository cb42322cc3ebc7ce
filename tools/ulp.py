"""Check an elementary function on every float32: all 2**32 of them, against the C library in double.

Prints the largest error in units in the last place (ULP) and where, and for the monotone functions the number of
neighbours that stand the wrong way round. About five minutes per function; by hand, when its text or a polynomial has
changed, on one target, because the tests hold the others to the same bits::

    python tools/ulp.py                 # all of them
    python tools/ulp.py tanh exp

Needs a C compiler and fastprop.
"""

import ctypes
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from fastprop._native import dispatch
from fastprop._native.kernel_calls import KernelCalls

CHUNK = 1 << 22
NOT_MONOTONE = {"sin", "cos"}


def compiled(folder: str) -> ctypes.CDLL:
    library = Path(folder) / "ulp.so"
    source = Path(__file__).with_suffix(".c")
    command = [os.environ.get("CC", "cc"), "-O2", "-shared", "-fPIC", "-o", str(library), str(source), "-lm"]
    subprocess.run(command, check=True)
    lib = ctypes.CDLL(str(library))
    lib.largest_error.restype = ctypes.c_double
    return lib


def check(lib: ctypes.CDLL, kernels: KernelCalls, name: str) -> tuple[float, float, int]:
    """The largest error, the argument there, and the number of descents."""
    largest, worst, descents = -1.0, 0.0, 0
    at = ctypes.c_float()
    for sign in (0, 1 << 31):
        before = None
        for start in range(0, 1 << 31, CHUNK):
            x = (np.arange(start, start + CHUNK, dtype=np.uint32) | np.uint32(sign)).view(np.float32)
            y = kernels.elementary(name, x)
            error = lib.largest_error(name.encode(), x.ctypes, y.ctypes, ctypes.c_long(CHUNK), ctypes.byref(at))
            if error > largest:
                largest, worst = error, at.value
            steps = np.diff(y if before is None else np.concatenate([[before], y]))
            descents += np.count_nonzero(steps > 0 if sign else steps < 0)
            before = y[-1]
    return largest, worst, descents


def main() -> None:
    np.seterr(all="ignore")
    kernels = KernelCalls(dispatch.kernels(np.dtype(np.float32), dispatch.chosen()), dispatch.chosen())
    with tempfile.TemporaryDirectory() as folder:
        lib = compiled(folder)
        for name in sys.argv[1:] or kernels.elementaries:
            largest, worst, descents = check(lib, kernels, name)
            order = "" if name in NOT_MONOTONE else f"   {descents} descents"
            print(f"{name:9}{largest:.4f} ULP at {worst!r}{order}", flush=True)


if __name__ == "__main__":
    main()
