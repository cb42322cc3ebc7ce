"""Nodes: a network as the engine runs it, one operation after the other, and which of their arrays share memory.

The descriptions of layers compile to nodes (`fastprop.model`); a Plan lays them out and runs them.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

__all__ = ["Node", "Place", "lay_out"]


class Node(NamedTuple):
    """One operation, whose output is a (m, n_out). `nodes.pxi` says what each kind does."""

    kind: str
    n_in: int
    n_out: int
    inputs: tuple[int, ...]  # the nodes whose outputs it takes; none for the network's own x
    start: int = 0  # of its parameters in theta
    array: int = 0  # the number of the first of them among the network's parameter arrays
    n_params: int = 0
    use_bias: bool = False
    activation: str = ""
    settings: tuple[float, ...] = ()


class Place(NamedTuple):
    """Where a node's arrays stand: indices into the list of buffers that `lay_out` also returns."""

    x: int | None  # None for the batch's own x
    a: int | None
    delta: int | None  # dC/da; None where it is not needed
    delta_in: int | None  # dC/dx


IN_PLACE = frozenset({"activation"})  # may write a over x, unless the step back reads x, and dC/dx over dC/da
KEEPS_OUTPUT = frozenset({"activation"})  # the step back reads a


def lay_out(
    nodes: Sequence[Node], learns: bool, to_inputs: bool, reads_z: Callable[[str], bool]
) -> tuple[list[Place], list[int]]:
    """Each node's place, and the buffers' widths, each (m, width) reals.

    The step back goes down to the first parameters if the network `learns`, and `to_inputs` if that is wanted.
    `reads_z` tells whether the step back through an activation needs its input, besides its output.
    """
    widths: list[int] = []

    def buffer(width: int) -> int:
        widths.append(width)
        return len(widths) - 1

    places: list[Place] = []
    follows = [False] * len(nodes)  # whether anything below an output, or at it, learns
    for i, node in enumerate(nodes):
        below = node.inputs[0] if node.inputs else None
        alone = node.kind in IN_PLACE and not node.n_params
        follows[i] = learns and (to_inputs or node.n_params > 0 or any(follows[j] for j in node.inputs))
        delta = delta_in = None
        if below is None and to_inputs:
            delta_in = buffer(node.n_in)
        elif below is not None and follows[below]:
            delta_in = places[below].delta
        if alone and delta_in is not None:
            delta = delta_in
        elif follows[i] or (learns and i == len(nodes) - 1):
            delta = buffer(node.n_out)
        x = None if below is None else places[below].a
        over = alone and below is not None
        if learns and below is not None and over:
            over = nodes[below].kind not in KEEPS_OUTPUT and not (node.activation and reads_z(node.activation))
        a = x if over else buffer(node.n_out)
        places.append(Place(x, a, delta, delta_in))
    return places, widths
