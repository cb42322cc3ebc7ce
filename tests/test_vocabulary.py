"""docs/vocabulary.md is what tools/vocabulary.py writes from the code's own lists."""

import pytest

import fastprop as fp
import vocabulary


def test_the_page_is_up_to_date():
    """Whoever adds an entry to a list runs the tool too."""
    written = vocabulary.PAGE.read_text(encoding="utf-8")
    assert written == vocabulary.page(), "run `PYTHONPATH=src python tools/vocabulary.py`"


def test_every_list_of_the_code_is_a_table_of_the_page():
    """What strings can name is what these lists hold: all of them are told to the reader."""
    told = [entry for subject in vocabulary.SUBJECTS for entry in values_of(subject.entries)]
    modules = [module for name in fp.__all__ if type(module := getattr(fp, name)).__name__ == "module"]
    for module in modules:
        for name, value in vars(module).items():
            if name == f"{module.__name__.rpartition('.')[2].upper()}":
                for entry in values_of(value):
                    assert any(entry is one for one in told), f"tools/vocabulary.py lacks {entry!r} of {name}"


def values_of(entries):
    return entries.values() if isinstance(entries, dict) else entries


def test_a_row_holds_name_defaults_formula_and_source():
    """As the docstring has them."""

    class Shifted(fp.activations.Activation):
        """A straight line.

        ::

            f(z) = z + |shift|     if z > 0
                   z               otherwise

        Here the text goes on.

        References
        ----------
        A. Author (2026), "On Lines",
        Annals of Lines 1(1).
        """

        def __init__(self, shift: float = 0.5, *, sign: int = 1) -> None:
            """Of no interest."""

    *_, row, _ = vocabulary.table(vocabulary.Subject("Lines", "", {"shifted": Shifted}))
    assert row.replace("\N{NO-BREAK SPACE}", " ") == (
        r"| `shifted` | `Shifted(shift=0.5, sign=1)` |"
        r" `f(z) = z + \|shift\|     if z > 0`<br>`       z               otherwise` |"
        ' A. Author (2026), "On Lines", Annals of Lines 1(1). |'
    )


def test_a_class_without_a_formula_is_refused():
    """Each entry of the page says what it computes."""

    class Mute(fp.activations.Activation):
        """A function."""

    with pytest.raises(AssertionError, match="Mute has no formula"):
        vocabulary.formula(Mute)
