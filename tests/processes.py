"""Python code run in a process of its own: for what is decided once in a process, or may end it."""

import os
import subprocess
import sys


def run_python(code: str, **environment: str | None) -> subprocess.CompletedProcess[str]:
    """With the caller's import path and environment, changed by `environment`; None removes a variable."""
    changed = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    kept = {name: value for name, value in changed.items() if value is not None}
    return subprocess.run([sys.executable, "-c", code], env=kept, capture_output=True, text=True, check=False)
