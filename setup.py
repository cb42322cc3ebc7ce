"""Build the native core: one extension module per target and real type, and the few that stand above them.

Everything that is not about compiling is in pyproject.toml.
"""

import os
import platform
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

NATIVE = Path("src/fastprop/_native")
PLATFORM = sysconfig.get_platform()
MSVC = PLATFORM.startswith("win")
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))

# Flags of each target that this platform can have; a target is picked at import (fastprop/_native/dispatch.py).
X86_TARGETS = {
    "baseline": [],
    "avx2": ["/arch:AVX2"] if MSVC else ["-mavx2", "-mfma"],
    "avx512": ["/arch:AVX512"] if MSVC else ["-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl", "-mfma"],
}
ARM_TARGETS = {"baseline": [], "neon": []}

# Contraction would fuse multiply and add where the numerics contract has two roundings; c11 alone turns it off in
# GCC, -ffp-contract=off in Clang. No errno, so that fma and sqrt can be instructions.
COMPILE = ["/std:c11", "/fp:precise"] if MSVC else ["-std=c11", "-ffp-contract=off", "-fno-math-errno", "-g0"]
# The results are the same bits at every level; tools/builds.sh sets others to show it.
OPTIMIZE = os.environ.get("FASTPROP_OPTIMIZE", "/O2" if MSVC else "-O3")
# Tiles become straight loops only if their inline functions are expanded at every call.
ALWAYS_INLINE = ("CYTHON_INLINE", "__forceinline" if MSVC else "inline __attribute__((always_inline))")
LIMITED_API = [] if FREE_THREADED else [("Py_LIMITED_API", "0x030B0000")]
LINK = ["-Wl,-s"] if sys.platform == "linux" else []


def architecture() -> str:
    """What is built for; on macOS one architecture at a time, ARCHFLAGS's or this machine's own."""
    wanted = [word for word in os.environ.get("ARCHFLAGS", "").split() if word != "-arch"]
    if len(wanted) > 1:
        sys.exit(f"fastprop is built for one architecture at a time, but ARCHFLAGS names {' and '.join(wanted)}")
    if not wanted and PLATFORM.endswith("universal2"):
        wanted = [platform.machine()]
        os.environ["ARCHFLAGS"] = f"-arch {wanted[0]}"
    return wanted[0] if wanted else PLATFORM


def targets() -> dict[str, list[str]]:
    machine = architecture()
    if machine.endswith(("x86_64", "amd64")):
        return X86_TARGETS
    if machine.endswith(("aarch64", "arm64")):
        return ARM_TARGETS
    return {"baseline": []}


def extension(name: str, *, flags: Sequence[str] = (), macros: Sequence[tuple[str, str]] = ()) -> Extension:
    path = NATIVE / f"{name.replace('.', '/')}.pyx"
    return Extension(
        f"fastprop._native.{name}",
        [str(path)],
        depends=[str(file) for file in path.parent.glob("*.[hp]*") if file.suffix in {".h", ".pxi", ".pxd"}],
        extra_compile_args=[OPTIMIZE, *COMPILE, *flags],
        extra_link_args=LINK,
        define_macros=[*LIMITED_API, *macros],
        py_limited_api=not FREE_THREADED,
    )


def extensions() -> list[Extension]:
    kernels = [
        extension(
            f"kernels.{target}_f{bits}",
            flags=flags,
            macros=[(f"FASTPROP_{target.upper()}", "1"), ("FASTPROP_BITS", bits), ALWAYS_INLINE],
        )
        for target, flags in targets().items()
        for bits in ("32", "64")
    ]
    others = ["kernels.cpu", "arrays", "engine", "float_environment", "kernel_calls", "philox"]
    return [*kernels, *map(extension, others)]


setup(
    ext_modules=cythonize(
        extensions(),
        include_path=["src"],
        compiler_directives={
            "language_level": 3,
            "cdivision": True,
            "auto_pickle": False,
            "freethreading_compatible": FREE_THREADED,
        },
    ),
    options={} if FREE_THREADED else {"bdist_wheel": {"py_limited_api": "cp311"}},
)
