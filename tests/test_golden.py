"""The same bits everywhere: the hashes of golden.json, wherever and however they are computed (see golden.py)."""

import os
import sys

import pytest

from fastprop._native import dispatch
from processes import run_python

EVERY_NUMBER_OF_THREADS = (1, 2, 3, 5, 16)

on_every_target = pytest.mark.parametrize("target", dispatch.available())


def run_check(code: str, **environment: str) -> None:
    result = run_python(code, **environment)
    assert result.returncode == 0, result.stderr


@on_every_target
def test_every_target_gives_the_golden_hashes_with_helpers(target: str) -> None:
    run_check("import golden; golden.check((3,))", FASTPROP_TARGET=target)


@pytest.mark.slow
@on_every_target
def test_every_number_of_threads_gives_the_golden_hashes(target: str) -> None:
    run_check(f"import golden; golden.check({EVERY_NUMBER_OF_THREADS})", FASTPROP_TARGET=target)


@pytest.mark.skipif(sys.platform != "linux", reason="knows the C library's structures on Linux only")
@on_every_target
def test_a_foreign_rounding_mode_and_flush_to_zero_change_nothing(target: str) -> None:
    """Set before by another library, say, in the caller's thread; and found as they were set afterwards. The helpers'
    threads inherit them."""
    code = """
import ctypes, platform
import golden
libm = ctypes.CDLL("libm.so.6")
environment = (ctypes.c_uint32 * 8)()
libm.fegetenv(environment)
if platform.machine() == "x86_64":
    environment[7] |= 1 << 15 | 1 << 6 | 2 << 13    # MXCSR: flush to zero, subnormals are zeros, round up
else:
    environment[0] |= 1 << 24 | 1 << 22             # FPCR: flush to zero, round up
libm.fesetenv(environment)
def is_changed(subnormal=1e-310, one=1.0, small=2.0**-60):
    return subnormal * one == 0 and one + small > one
assert is_changed()
golden.check((2,))
assert is_changed(), "the environment was not restored"
"""
    run_check(code, FASTPROP_TARGET=target)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_the_child_of_a_fork_gives_the_golden_hashes() -> None:
    """After its parent has trained with helpers."""
    code = """
import os, warnings
import golden
golden.CASES = dict(list(golden.CASES.items())[::5])
golden.check((3,))
warnings.simplefilter("ignore", DeprecationWarning)
child = os.fork()
if child == 0:
    golden.check((3,))
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""
    run_check(code)
