"""Nodes: a network as the engine runs it, one operation after the other, and which of their arrays share memory.

The descriptions of layers compile to nodes (`fastprop.layers`); a Plan lays them out and runs them.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Node", "Objective", "Options", "Place", "Rule", "lay_out"]


class Node(NamedTuple):
    """One operation, whose output is a (m, n_out). `nodes.pxi` says what each kind does."""

    kind: str
    n_in: int
    n_out: int
    inputs: tuple[int, ...]  # the nodes whose outputs it takes; none for the network's own x
    start: int = 0  # of its parameters in theta
    array: int = 0  # the number of the first of them among the network's parameter arrays
    n_params: int = 0
    buffer: int = 0  # where its numbers that are not trained begin
    use_bias: bool = False
    activation: str = ""
    settings: tuple[float, ...] = ()
    schedule: Callable[[Any, int], NDArray[Any]] | None = None  # of (clock, count) to them for each batch of training
    functions: tuple[Callable[..., Any], Callable[..., Any]] | None = None  # Python's, forward and back
    number: int = 0  # of those that draw random numbers, which one
    own: int = 0  # reals of memory that it has for each row
    fixed: int = 0  # reals of memory that it has besides
    at_once: int = 0  # the most parameters that learn together, where that is fewer than all


class Options(NamedTuple):
    """What an optimizer does around its rule. A number stands at each of its steps and for each of its groups."""

    numbers: NDArray[np.float64]  # (n_rows, n_groups, 6): of learning.pxi's options
    arrays: NDArray[np.int64]  # (n_arrays, 4): start in theta, rows, columns, whether it is a weight matrix
    accumulate: int  # batches to a step
    shapes: bool  # whether gradients are changed before the rule: by their scale, limits or a pull
    measures: bool  # whether their norms are wanted
    limits: bool  # whether weights' norms are limited after it
    averages: bool  # whether a moving average of theta is kept: the vector after the states
    writes_down: bool  # whether a gradient has to be whole: the vector after that, and of one batch in the next
    squares: NDArray[np.float64]  # one for each block of 256 parameters of each array
    factors: NDArray[np.float64]  # (n_arrays,)


class Rule(NamedTuple):
    """An optimizer as the engine follows it."""

    kernel: str
    n_states: int
    vectors: NDArray[Any]  # (n, stride): the states and what options keep, which the engine writes
    settings: NDArray[np.float64]  # (n_rows, n_groups, n_settings): a row per batch; the last holds for all later ones
    groups: NDArray[np.int64]  # (n_arrays,): each parameter array's, or -1 where it stays as it is
    # Batches so far, those since the last step, steps that the moving average has seen, and those that the states
    # remember of each array; the engine counts.
    steps: NDArray[np.int64]
    options: Options | None


class Objective(NamedTuple):
    """What steps go down, a batch's loss and its penalty, to be summed; the engine writes all but `arrays`."""

    totals: NDArray[np.float64]  # (n_epochs, 2): batches' objectives times their rows, and the rows
    arrays: NDArray[np.int64]  # (n_arrays, 2): each parameter array's start in theta, and size
    squares: NDArray[np.float64]  # of blocks of 256 parameters of each array
    magnitudes: NDArray[np.float64]


class Place(NamedTuple):
    """Where a node's arrays stand: indices into the list of buffers that `lay_out` also returns."""

    x: int | None  # None for the batch's own x
    a: int | None
    delta: int | None  # dC/da; None where it is not needed
    delta_in: int | None  # dC/dx
    own: int | None


IN_PLACE = frozenset({"activation", "dropout"})  # may write a over x, and dC/dx over dC/da
KEEPS_OUTPUT = frozenset({"activation", "waves"})  # the step back reads a
ALIASES = frozenset({"fork", "branch"})  # a is x


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

    def over_x(node: Node) -> bool:
        """Whether nobody else reads the node's x later, so that its a may be written over it."""
        below = nodes[node.inputs[0]]
        if below.kind == "branch":
            return False
        return not learns or not (below.kind in KEEPS_OUTPUT or (node.activation and reads_z(node.activation)))

    inputs_delta = buffer(nodes[0].n_in) if to_inputs else None
    places: list[Place] = []
    follows = [False] * len(nodes)  # whether anything below an output, or at it, learns
    for i, node in enumerate(nodes):
        follows[i] = learns and (to_inputs or node.n_params > 0 or any(follows[j] for j in node.inputs))
        below = places[node.inputs[0]] if node.inputs else None
        x, delta_in = (None, inputs_delta) if below is None else (below.a, below.delta)
        in_place = node.kind in IN_PLACE
        same = node.kind in ALIASES or (in_place and x is not None and over_x(node))
        a = x if same else buffer(node.n_out)
        delta = None
        if node.kind == "add" and (last := places[node.inputs[-1]].delta) is not None:
            delta = last
        elif (in_place or node.kind == "fork") and delta_in is not None:
            delta = delta_in
        elif follows[i] or (learns and i == len(nodes) - 1):
            delta = buffer(node.n_out)
        own = buffer(node.own) if node.own else None
        places.append(Place(x, a, delta, delta_in, own))
    return places, widths
