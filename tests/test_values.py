"""Frozen values do what the standard library's frozen dataclasses do."""

import copy
import dataclasses
import inspect
import pickle
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

import pytest

from fastprop._values import frozen


def classes(decorate):
    """A class, one that comes from it, and one with an __init__ of its own."""

    @decorate
    class Base:
        """Of no interest."""

        name: ClassVar[str] = "base"
        first: int
        _: KW_ONLY
        last: str = "z"

    @decorate
    class Derived(Base):
        """Of no interest."""

        second: float = 2.0

        def __post_init__(self):
            object.__setattr__(self, "second", float(self.second))

    @decorate
    class Own:
        """Of no interest."""

        field: int

        def __init__(self, number):
            object.__setattr__(self, "field", number + 1)

        def __repr__(self):
            return "mine"

    return Base, Derived, Own


OURS, THEIRS = classes(frozen), classes(dataclass(frozen=True))
pairs = pytest.mark.parametrize(
    ("ours", "theirs"), list(zip(OURS, THEIRS, strict=True)), ids=["base", "derived", "own"]
)


def outcome(call):
    """What a call gives, or the kind of error it raises."""
    try:
        return call()
    except Exception as error:
        return type(error)


@pytest.mark.parametrize(
    "arguments",
    [
        ((1,), {}), ((1, 2), {}), ((1, 2, 3), {}), ((), {}), ((), {"first": 1}), ((1,), {"first": 2}),
        ((1,), {"last": "a"}), ((1,), {"second": 3}), ((1,), {"third": 3}),
    ],
    ids=str,
)  # fmt: skip
@pairs
def test_they_are_made_alike(ours, theirs, arguments):
    values, named = arguments
    mine, other = outcome(lambda: ours(*values, **named)), outcome(lambda: theirs(*values, **named))
    if isinstance(other, type):
        assert mine is other
    else:
        assert dataclasses.asdict(mine) == dataclasses.asdict(other)
        assert repr(mine) == repr(other).replace("classes.<locals>.", "")


@pairs
def test_they_have_the_same_signature_and_fields(ours, theirs):
    strip = [
        [p.replace(annotation=p.empty) for p in inspect.signature(cls).parameters.values()] for cls in (ours, theirs)
    ]
    assert strip[0] == strip[1]
    names = [[(f.name, f.default, f.kw_only) for f in dataclasses.fields(cls)] for cls in (ours, theirs)]
    assert names[0] == names[1]


@pairs
def test_they_compare_alike(ours, theirs):
    for cls in (ours, theirs):
        assert cls(1) == cls(1)
        assert hash(cls(1)) == hash(cls(1))
        assert cls(1) != cls(2)
        assert cls(1) != 1
    assert OURS[0](1) != OURS[1](1)


@pairs
def test_they_never_change(ours, theirs):
    for cls in (ours, theirs):
        value = cls(1)
        with pytest.raises(dataclasses.FrozenInstanceError):
            value.first = 2
        with pytest.raises(dataclasses.FrozenInstanceError):
            value.other = 2
        with pytest.raises(dataclasses.FrozenInstanceError):
            del value.first


def test_they_are_copied_and_replaced():
    value = OURS[1](1, 3)
    assert dataclasses.replace(value, second=4) == OURS[1](1, 4)
    assert copy.deepcopy(value) == value


@frozen
class Pickled:
    """Of no interest."""

    number: int


def test_they_are_pickled():
    assert pickle.loads(pickle.dumps(Pickled(3))) == Pickled(3)


def test_a_mistake_is_named():
    for call, message in (
        (lambda: OURS[0](), "Base needs first"),
        (lambda: OURS[0](1, 2), "Base takes 1 arguments without a name, but 2 are given"),
        (lambda: OURS[0](1, first=2), "Base got first twice"),
        (lambda: OURS[0](1, frist=2), "Base has no frist; it has first, last"),
    ):
        with pytest.raises(TypeError, match=message):
            call()
