"""Whatever rounding or flushing of subnormals another library has left on in the process, results are the same bits.

And that library finds its mode again afterwards. Each run is a process of its own: NumPy, too, computes in the mode.
"""

import platform
import sys

import pytest

from processes import run_python

# Where glibc's fenv_t keeps the control word of vector arithmetic (32-bit words), and that word's bits to flush
# subnormals and to round towards zero: MXCSR on x86-64 (Intel SDM 1, 10.2.3), FPCR on AArch64 (Arm ARM, C5.2.8).
CONTROL = {"x86_64": (7, 0x8040, 0x6000), "aarch64": (0, 1 << 24, 3 << 22)}

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in CONTROL, reason="the C library's fenv_t is not known here"
)

RUN = """
import ctypes, hashlib
import numpy as np
import fastprop as fp

rng = np.random.default_rng(0)
X, labels, w = rng.standard_normal((70, 9)), rng.integers(0, 3, 70), rng.random(70)
subnormals = {{d: X * float(np.finfo(d).smallest_normal) / 8 for d in ("float32", "float64")}}

libm, environment = ctypes.CDLL("libm.so.6"), (ctypes.c_uint32 * 16)()
def control():
    libm.fegetenv(environment)
    return environment[{word}]
def computes():
    one, tiny = np.full(8, 1.0), np.full(8, 1e-310)
    return (one + 2e-16)[0] == 1 + 2**-52, (tiny * one)[0] > 0

before = control() | {bits}
environment[{word}] = before
libm.fesetenv(environment)

digest = hashlib.sha256()
for dtype in subnormals:
    model = fp.mlp(9, 12, 3, activation="tanh", output="softmax", dtype=dtype, seed=1)
    trainer = fp.Trainer(model, "cross_entropy", fp.SGD(0.1, momentum=0.9), ["accuracy"])
    weights = dict(sample_weight=w, class_weight={{1: 0.3}})
    history = trainer.fit(X, labels, epochs=3, batch_size=24, progress=False, **weights)
    loss, grad = fp.gradient(model, X, labels, "cross_entropy")
    numbers = np.array([loss, *history["loss"], *trainer.evaluate(X, labels).values()])
    for part in model.theta, model.predict(X), grad, numbers:
        digest.update(part.tobytes())
    digest.update(fp.mlp(9, 3, dtype=dtype).predict(subnormals[dtype]).tobytes())

mode = 0xffc0 if {word} else -1  # MXCSR's other bits are flags that arithmetic raises
assert control() & mode == before & mode, "the mode is another one afterwards"
print(*computes(), digest.hexdigest())
"""


def run_in_mode(bits: int) -> list[str]:
    """Whether 1 + 2e-16 is rounded to nearest; whether subnormals are kept; a hash over all results."""
    word, _, _ = CONTROL[platform.machine()]
    result = run_python(RUN.format(word=word, bits=bits))
    assert result.returncode == 0, result.stderr
    return result.stdout.split()


def test_another_librarys_floating_point_mode_changes_no_bit() -> None:
    _, flush, towards_zero = CONTROL[platform.machine()]
    *usual, digest = run_in_mode(0)
    assert usual == ["True", "True"]
    assert run_in_mode(flush) == ["True", "False", digest]
    assert run_in_mode(towards_zero) == ["False", "True", digest]
