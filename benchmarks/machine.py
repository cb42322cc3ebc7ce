"""What was measured on what: the machine, its compiler, and everybody's versions."""

import datetime
import os
import platform
import shlex
import subprocess
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fastprop as fp
from worker import SLOWED_DOWN_BY, Worker

# Of the flags that Linux lists, those that decide which kernels run here or in a peer.
FLAGS = ("avx", "avx2", "fma", "avx512f", "avx512dq", "avx512bw", "avx512vl", "avx512_bf16", "amx_tile", "asimd", "sve")


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def description(peers: Sequence[str]) -> dict[str, Any]:
    cpu = _cpu_facts()
    return {
        "date": datetime.date.today().isoformat(),
        "cpu": cpu.get("model name", platform.processor() or platform.machine()),
        "flags": [flag for flag in FLAGS if flag in cpu.get("flags", cpu.get("Features", "")).split()],
        "cores": cores(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "compiler": _compiler(),
        "fastprop_target": fp.target(),
        "versions": {name: version for peer in peers for name, version in _ask(peer, "versions").items()},
        "numpy_blas": _ask("numpy", "thread_pools"),
        "ignored": [name for name in SLOWED_DOWN_BY if name in os.environ],
    }


def _cpu_facts() -> dict[str, str]:
    try:
        text = Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.split(":", 1) for line in text.splitlines() if ":" in line)
    return {name.strip(): value.strip() for name, value in pairs}


def _compiler() -> str:
    command = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    try:
        said = subprocess.run([command[0], "--version"], capture_output=True, text=True, check=True)
        return said.stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _ask(peer: str, question: str) -> Any:
    with Worker("session", "Session", 1, peer, 1) as worker:
        return worker.call(question)
