"""Frozen values: objects that are made of their fields, compare by them, and never change.

`frozen` does for a class what ``dataclasses.dataclass(frozen=True)`` does, and `dataclasses.fields`, `replace` and the
rest work on it. But the methods are written once, here, where a dataclass compiles its own for each class, which takes
twenty times as long: with a hundred classes more than all else that `import fastprop` does.
"""

import dataclasses
import inspect
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, dataclass_transform

__all__ = ["frozen"]

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
def frozen(cls: type[T]) -> type[T]:
    """A class decorator. Methods that the class or a base of it has itself stay; `__post_init__` is called as usual."""
    made = dataclasses.dataclass(init=False, repr=False, eq=False, match_args=False)(cls)
    for name, method in METHODS.items():
        if getattr(made, name) is getattr(object, name):
            setattr(made, name, method)
    made.__signature__ = SIGNATURE  # type: ignore[attr-defined]
    return made


def _init(self: Any, *values: Any, **named: Any) -> None:
    name = type(self).__name__
    fields, positional = _fields(self.__class__)
    if len(values) > len(positional):
        raise TypeError(f"{name} takes {len(positional)} arguments without a name, but {len(values)} are given")
    given = dict(zip(positional, values, strict=False))
    for key in named:
        if key in given:
            raise TypeError(f"{name} got {key} twice")
    given |= named
    for field in fields:
        value = given.pop(field.name, field.default)
        if value is dataclasses.MISSING:
            raise TypeError(f"{name} needs {field.name}")
        object.__setattr__(self, field.name, value)
    if given:
        raise TypeError(f"{name} has no {next(iter(given))}; it has {', '.join(field.name for field in fields)}")
    if hasattr(self, "__post_init__"):
        self.__post_init__()


@cache
def _fields(cls: Any) -> tuple[tuple[dataclasses.Field[Any], ...], list[str]]:
    """Of a class, and the names of those that need not be named."""
    fields = dataclasses.fields(cls)
    return fields, [field.name for field in fields if not field.kw_only]


def _setattr(self: Any, name: str, value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to {name!r}: a {type(self).__name__} never changes")


def _delattr(self: Any, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete {name!r}: a {type(self).__name__} never changes")


def _values(self: Any) -> tuple[Any, ...]:
    return tuple(getattr(self, field.name) for field in _fields(self.__class__)[0])


def _eq(self: Any, other: object) -> bool:
    return _values(self) == _values(other) if type(other) is type(self) else NotImplemented


def _hash(self: Any) -> int:
    return hash((type(self), *_values(self)))


def _repr(self: Any) -> str:
    parts = (f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self) if field.repr)
    return f"{type(self).__name__}({', '.join(parts)})"


METHODS: dict[str, Callable[..., Any]] = {
    "__init__": _init,
    "__setattr__": _setattr,
    "__delattr__": _delattr,
    "__eq__": _eq,
    "__hash__": _hash,
    "__repr__": _repr,
}


class _Signature:
    """The signature of a class whose `__init__` is the one above, made when somebody asks for it."""

    def __get__(self, instance: object, owner: type) -> inspect.Signature:
        if owner.__init__ is not _init:  # type: ignore[misc]
            raise AttributeError("__signature__")  # its own tells
        parameters = []
        for field in sorted(dataclasses.fields(owner), key=lambda field: bool(field.kw_only)):
            kind = inspect.Parameter.KEYWORD_ONLY if field.kw_only else inspect.Parameter.POSITIONAL_OR_KEYWORD
            default = inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default
            parameters.append(inspect.Parameter(field.name, kind, default=default, annotation=field.type))
        return inspect.Signature(parameters)


SIGNATURE = _Signature()
