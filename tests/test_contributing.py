"""CONTRIBUTING.md's worked example does what it says: followed in a copy, it builds, and it is an activation."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CHECK = """
import numpy as np
import fastprop as fp
f = fp.activations.get("squared_relu")
model = fp.Sequential([fp.Dense(5, f), fp.Dense(2, f)], n_inputs=3, dtype="float64")
X = np.random.default_rng(0).standard_normal((20, 3))
assert np.allclose(model.predict(X), f(f(X @ model.layers[0].W) @ model.layers[1].W), rtol=1e-13)
check = fp.check_gradients(model, X, X[:, :2], "mse")
assert check.relative_error < 1e-7, check
"""


def blocks(language):
    """The example's texts in that language, in order."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    found = re.findall(rf"   ```{language}\n(.*?)   ```\n", text, flags=re.DOTALL)
    return [re.sub("^   ", "", block, flags=re.MULTILINE) for block in found]


def edit(path, *changes):
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="one machine that compiles is enough")
def test_the_worked_example_works(tmp_path):
    """The texts put where it says; one target, built without optimization."""
    pytest.importorskip("Cython")
    pytest.importorskip("setuptools")
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("src", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("*.so", "*.c", "__pycache__"))
        for source in (ROOT / name).rglob("specification_*.c"):
            shutil.copy(source, tmp_path / source.relative_to(ROOT))
    kernels = tmp_path / "src/fastprop/_native/kernels"
    (description,), (kernel, line), (specification,) = map(blocks, ("python", "cython", "c"))

    descriptions = tmp_path / "src/fastprop/activations"
    for path, text in ((descriptions / "gated.py", description), (kernels / "activations_gated.pxi", kernel)):
        path.write_text(f"{path.read_text()}\n\n{text}")
    imported, listed = (
        ("import GELU,", "import SquaredReLU, GELU,"),
        ("        ReLU(),", "        ReLU(), SquaredReLU(),"),
    )
    edit(descriptions / "__init__.py", imported, listed)
    length = re.search(r"Activation\[(\d+)\]", (kernels / "kernels.pxi").read_text())
    longer, last = f"Activation[{int(length[1]) + 1}]", "    Activation(NULL"
    edit(kernels / "kernels.pxi", (length[0], longer), (last, f"    {line}{last}"))
    edit(tmp_path / "tests/specification/specification.h", ("FORWARD(relu)", f"{specification}\nFORWARD(relu)"))
    edit(tmp_path / "setup.py", ("return X86_TARGETS", "return {'baseline': []}"))

    environment = os.environ | {
        "FASTPROP_OPTIMIZE": "-O0", "FASTPROP_TARGET": "baseline", "PYTHONPATH": "src", "PYTHONDONTWRITEBYTECODE": "1"
    }  # fmt: skip
    environment.pop("FASTPROP_SPECIFICATION", None)
    for command in (
        ["setup.py", "-q", "build_ext", "--inplace"],
        ["-c", CHECK],
        ["-m", "pytest", "-q", "tests/kernels/test_specification.py", "-k", "are_their_specification and squared_relu"],
        ["-m", "pytest", "-q", "src/fastprop/activations/gated.py"],
    ):
        done = subprocess.run([sys.executable, *command], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
