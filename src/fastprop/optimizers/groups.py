"""Parameter groups: which of a network's parameters learn otherwise than the rest, or not at all."""

from collections.abc import Iterable
from dataclasses import KW_ONLY, fields
from typing import Any

from fastprop import _checks, _values
from fastprop.schedules import Schedule, number_or_schedule

__all__ = ["ParameterGroup"]


@_values.frozen
class ParameterGroup:
    """Some of a network's parameters, by their layers and kinds, and what is different for them.

    Of several groups that a parameter belongs to, the last one's numbers hold, and the factors of its rate multiply.
    What a group does not name is as the optimizer has it.

    Parameters
    ----------
    layers : int or sequence of int, optional
        Numbers of layers, counted from 0, or backwards from -1; all of them by default.
    kinds : str or sequence of str, optional
        Kinds of parameters in them, such as "weight" and "bias"; all of them by default.
    frozen : bool, default False
        Whether they stay as they are: no step, no decay, and nothing is remembered of their gradients.
    rate_factor : float or Schedule, default 1.0
        Multiplies the learning rate, whatever it is.
    learning_rate, weight_decay, l1, max_norm : float or Schedule, optional
        Instead of the optimizer's.

    Raises
    ------
    TypeError, ValueError
        For a number out of its range. A trainer refuses layers and kinds that its network does not have.

    Examples
    --------
    No decay of biases, and the first layer as it is:

    >>> import fastprop as fp
    >>> no_decay, first = fp.ParameterGroup(kinds="bias", weight_decay=0), fp.ParameterGroup(layers=0, frozen=True)
    >>> fp.SGD(0.1, weight_decay=0.01, groups=[no_decay, first]).groups
    (ParameterGroup(kinds=('bias',), weight_decay=0.0), ParameterGroup(layers=(0,), frozen=True))
    """

    _: KW_ONLY
    layers: tuple[int, ...] | None = None
    kinds: tuple[str, ...] | None = None
    frozen: bool = False
    rate_factor: float | Schedule = 1.0
    learning_rate: float | Schedule | None = None
    weight_decay: float | Schedule | None = None
    l1: float | Schedule | None = None
    max_norm: float | Schedule | None = None

    def __post_init__(self) -> None:
        self._set("layers", _some_layers(self.layers))
        self._set("kinds", _some_kinds(self.kinds))
        self._set("frozen", _checks.flag("frozen", self.frozen))
        self._set("rate_factor", number_or_schedule("rate_factor", self.rate_factor, low=0))
        for name in ("learning_rate", "weight_decay", "l1"):
            if getattr(self, name) is not None:
                self._set(name, number_or_schedule(name, getattr(self, name), low=0))
        if self.max_norm is not None and not isinstance(self.max_norm, Schedule):
            self._set("max_norm", _checks.positive("max_norm", self.max_norm))

    def __repr__(self) -> str:
        parts = [f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if getattr(self, f.name) != f.default]
        return f"ParameterGroup({', '.join(parts)})"

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def holds(self, layer: int, kind: str, n_layers: int) -> bool:
        """Whether the parameters of that kind in that layer, of n_layers, belong to the group."""
        here = self.layers is None or layer in self.layers or layer - n_layers in self.layers
        return here and (self.kinds is None or kind in self.kinds)

    def changes(self) -> dict[str, Any]:
        """The optimizer's fields that are different."""
        named = {name: getattr(self, name) for name in ("learning_rate", "weight_decay", "l1", "max_norm")}
        return {name: value for name, value in named.items() if value is not None}


def _some_layers(layers: Any) -> tuple[int, ...] | None:
    if layers is None:
        return None
    low = -(2**31)
    if isinstance(layers, Iterable) and not isinstance(layers, (str, bytes)):
        return tuple(_checks.integer(f"layers[{i}]", layer, low=low) for i, layer in enumerate(layers))
    return (_checks.integer("layers", layers, low=low),)


def _some_kinds(kinds: Any) -> tuple[str, ...] | None:
    if kinds is None:
        return None
    found = (kinds,) if isinstance(kinds, str) else tuple(kinds) if isinstance(kinds, Iterable) else kinds
    if not isinstance(found, tuple) or not all(isinstance(kind, str) for kind in found):
        raise TypeError(f"kinds is a name, or several, such as 'bias', not {_checks.describe(kinds)}")
    return found
