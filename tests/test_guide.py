"""docs/guide.md: its examples run, in their order, and give what they show."""

import doctest
from pathlib import Path

GUIDE = Path(__file__).parents[1] / "docs" / "guide.md"


def test_the_guides_examples_run():
    failed, tried = doctest.testfile(str(GUIDE), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert tried > 20
    assert not failed
