"""Write docs/vocabulary.md: everything that a network can be made of, by name, from the lists that the code uses.

Each entry's formula and source are those of its class's docstring: the first literal block, or else the first
paragraph; and the section References. Run it after adding an entry; a test fails where the file is out of date::

    PYTHONPATH=src python tools/vocabulary.py
"""

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastprop import activations, callbacks, initializers, layers, losses, metrics, optimizers, schedules

PAGE = Path(__file__).parents[1] / "docs" / "vocabulary.md"
HEAD = """\
# The vocabulary

Everything that a network, a loss and its training can be made of, with what it computes. `tools/vocabulary.py` writes
this page from the lists that the code uses and the docstrings that `help` shows; what a class's parameters mean stands
in those. A name in the first column may be given as a string wherever the object may.
"""


@dataclass(frozen=True)
class Subject:
    """A table of the page: its title, what its formulas' letters mean, and its entries, by name or classes alone."""

    title: str
    letters: str
    entries: Mapping[str, Any] | Sequence[type]
    base: type | None = None  # whose parameters, common to all, are told with the letters


OPTIMIZERS = """\
theta holds all parameters; g is dC/dtheta, and with a weight decay that is not decoupled `weight_decay * theta`. All of
them take these options too, of which each number may be a schedule: `weight_decay`, `decoupled_weight_decay`, `l1`,
`clip_value`, `clip_norm`, `clip_global_norm`, `max_norm`, `accumulate`, `ema_decay`, and `groups` of parameters with
rates and decays of their own (`help(fastprop.optimizers.Optimizer)`)."""
SUBJECTS = [
    Subject("Activations", "z goes in, `a = f(z)` comes out, element by element unless a row is named.",
            activations.ACTIVATIONS | {"": activations.CustomActivation}),
    Subject("Layers", "x (m, n_in) goes in.", layers.LAYERS),
    Subject("Losses", "o is the network's output, y what it should be, both (m, n).", losses.LOSSES),
    Subject("Metrics", "o is the network's output, y what it should be.", metrics.METRICS),
    Subject("Optimizers", OPTIMIZERS, optimizers.OPTIMIZERS, optimizers.Optimizer),
    Subject("Schedules", "For any number of an optimizer. t counts steps from 0, or epochs; T is `total_steps`.",
            schedules.SCHEDULES),
    Subject("Initializers", "Of a layer with n_in inputs and n_out outputs.", initializers.INITIALIZERS),
    Subject("Callbacks", "What `fit` tells how training goes on; more come from deriving `Callback`.",
            callbacks.CALLBACKS),
]  # fmt: skip


def page() -> str:
    return "\n".join([HEAD, *(line for subject in SUBJECTS for line in table(subject))])


def table(subject: Subject) -> Iterator[str]:
    """A heading and a row for each entry."""
    yield f"## {subject.title}\n\n{subject.letters}\n"
    named = subject.entries.items() if isinstance(subject.entries, Mapping) else [("", e) for e in subject.entries]
    yield "| name | with its defaults | formula | source |\n|---|---|---|---|"
    for name, entry in named:
        cls = entry if isinstance(entry, type) else type(entry)
        cells = (code([name] if name else []), code([signature(cls, subject.base)]), formula(cls), source(cls))
        yield f"| {' | '.join(cells)} |"
    yield ""


def signature(cls: type, base: type | None) -> str:
    """The class as it is made, as in LeakyReLU(negative_slope=0.01), without what it has from its base alone."""
    common = dict(inspect.signature(base).parameters) if base else {}
    parameters = [
        p
        for name, p in inspect.signature(cls).parameters.items()
        if name == "learning_rate" or name not in common or p.default != common[name].default
    ]
    plain = [p.replace(annotation=p.empty, kind=p.POSITIONAL_OR_KEYWORD) for p in parameters if p.kind != p.VAR_KEYWORD]
    return f"{cls.__name__}{inspect.Signature(plain)}"


def formula(cls: type) -> str:
    """The docstring's first literal block, line by line, or its first paragraph."""
    text = inspect.getdoc(cls) or ""
    before_sections = re.split(r"\n\w[\w ]*\n---+\n", text)[0]
    block = re.search(r"::\n\n((?: .*\n|\n)+)", before_sections + "\n")
    if block:
        lines = [line for line in inspect.cleandoc("\n" + block[1]).splitlines() if line]
        return code(lines)
    assert "``" in before_sections, f"the docstring of {cls.__name__} has no formula: a literal block, or ``...``"
    paragraph = " ".join(before_sections.split("\n\n")[0].split())
    return re.sub("``(.+?)``", lambda span: code([span[1]]), escaped(paragraph))


def source(cls: type) -> str:
    """The docstring's References, as one line."""
    section = re.search(r"\nReferences\n---+\n(.+?)(?:\n\n|\n\w[\w ]*\n---+\n|$)", inspect.getdoc(cls) or "", re.DOTALL)
    return escaped(" ".join(section[1].split())).replace("``", "`") if section else ""


def code(lines: Iterable[str]) -> str:
    """Lines of code in a table's cell; spaces that align them stay."""
    spans = [re.sub("  +", lambda run: len(run[0]) * "\N{NO-BREAK SPACE}", escaped(line)) for line in lines]
    return "<br>".join(f"`{span}`" for span in spans)


def escaped(text: str) -> str:
    """A bar would end the cell."""
    return re.sub(r"(?<!\\)\|", r"\\|", text)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
