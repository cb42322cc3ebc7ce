"""The examples of docs/guide.md and docs/training.md run, in their order, and give what they show."""

import doctest
import re
from pathlib import Path

import matplotlib as mpl

DOCS = Path(__file__).parents[1] / "docs"


def test_the_guides_examples_run():
    failed, tried = doctest.testfile(
        str(DOCS / "guide.md"), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE
    )
    assert tried > 20
    assert not failed


def test_the_examples_about_training_run(tmp_path, monkeypatch):
    """They write files, and assert by themselves."""
    monkeypatch.chdir(tmp_path)
    mpl.use("Agg")
    text = (DOCS / "training.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert len(blocks) > 5
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "training.md", "exec"), names)
