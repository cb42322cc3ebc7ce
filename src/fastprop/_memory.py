"""What an optimizer keeps for one network from step to step: its state vectors, what its options add, and the counts of
steps. It goes on from optimizer to optimizer where it means the same to both.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastprop import _checks
from fastprop._native.layout import Rule
from fastprop.model import Sequential, aligned_rows
from fastprop.optimizers import Optimizer
from fastprop.optimizers.recipe import AVERAGED, N_COUNTS, PENDING, STEPS_OF_ARRAYS, Recipe
from fastprop.schedules import Clock

__all__ = ["Memory"]

Array = NDArray[Any]


class Memory:
    """An optimizer's memory of a network.

    Attributes
    ----------
    optimizer : Optimizer
    steps : array (3 + n_arrays,)
        Batches so far; those whose gradients wait for a step; steps that the moving average has seen; and those that
        the state remembers of each parameter array. The engine counts.
    places : array (n_arrays, 2)
        Each parameter array's start in theta, and size.
    vectors : array (n, n_params or a few more)
        The engine writes them.
    """

    def __init__(self, model: Sequential, optimizer: Optimizer) -> None:
        self._arrays, self._n_layers = model.parameter_arrays, len(model.layers)
        self._n_params, self._dtype = model.n_params, model.dtype
        self.places = np.array([(array.start, math.prod(array.shape)) for array in self._arrays], np.int64).reshape(
            -1, 2
        )
        # A network without parameters has a count too, for its optimizer's one group.
        self.steps = np.zeros(N_COUNTS + max(1, len(self._arrays)), np.int64)
        self._begin(optimizer, model.theta)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_recipe"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """With arrays of its own: those of a copy may be mapped from a file that cannot be written to."""
        vars(self).update(state)
        self.steps = state["steps"].copy()
        self._recipe = Recipe(self.optimizer, self._arrays, self._n_layers, self.steps)
        self.vectors = aligned_rows(self._recipe.n_vectors, self._n_params, self._dtype)
        self.vectors[:] = state["vectors"]

    def _begin(self, optimizer: Optimizer, theta: Array) -> None:
        recipe = Recipe(optimizer, self._arrays, self._n_layers, self.steps)
        self.optimizer, self._recipe = optimizer, recipe
        self.vectors = aligned_rows(recipe.n_vectors, self._n_params, self._dtype)
        recipe.begin(self.vectors, theta)

    def follow(self, optimizer: Optimizer, theta: Array) -> bool:
        """Another optimizer from now on. Of a rule of the same kind with the same states these go on, and so do a
        moving average, and the gradients of batches that wait, where both keep them; all else begins anew. Whether
        everything goes on.
        """
        before, counts, kept = self.optimizer, self.steps.copy(), self.named()
        same_rule = isinstance(optimizer, type(before)) or isinstance(before, type(optimizer))
        goes_on = same_rule and optimizer.states == before.states
        if not goes_on:
            self.steps[STEPS_OF_ARRAYS:] = 0
            kept = {name: vector for name, vector in kept.items() if name not in before.states}
        if optimizer.accumulate != before.accumulate:
            self.steps[PENDING] = 0
            kept.pop("gradient", None)
        if optimizer.ema_decay is None or before.ema_decay is None:
            self.steps[AVERAGED] = 0
        try:
            self._begin(optimizer, theta)
        except ValueError:  # groups of which the network has no parameters: all stays as it was
            self.steps[:] = counts
            raise
        for name, vector in self.named().items():
            if name in kept:
                vector[:] = kept[name]
        return goes_on and kept.keys() == self.named().keys()

    def named(self) -> dict[str, Array]:
        """The vectors that go on, by name, as views (n_params,)."""
        return {name: vector[: self._n_params] for name, vector in zip(self._recipe.names, self.vectors, strict=False)}

    def rule(self, clock: Clock, count: int) -> Rule:
        """What the engine needs for the next `count` batches."""
        return self._recipe.rule(clock, count, self.vectors, self.steps)

    @property
    def is_of_steps(self) -> bool:
        """Whether the optimizer's numbers follow from the counts of steps alone, whatever the epoch."""
        return self._recipe.is_of_steps

    def restore(self, vectors: Mapping[str, Array], steps: Iterable[Any], theta: Array) -> None:
        """What `named` gave and `steps` was, from a file."""
        most = None
        for i, (count, _) in enumerate(zip(steps, self.steps, strict=True)):
            self.steps[i] = _checks.integer(f"steps[{i}]", count, low=0, high=2**62 if most is None else most)
            most = int(self.steps[0])
        if self.steps[PENDING] >= self.optimizer.accumulate:
            raise ValueError(f"steps[{PENDING}] is {self.steps[PENDING]}, but {self.optimizer.accumulate} make a step")
        self._begin(self.optimizer, theta)
        found = {name: (vector.shape, vector.dtype) for name, vector in vectors.items()}
        wanted = dict.fromkeys(self.named(), ((self._n_params,), self._dtype))
        if found != wanted:
            raise ValueError(f"the optimizer's state is {found}, but {wanted} fits the model")
        for name, vector in self.named().items():
            vector[:] = vectors[name]
