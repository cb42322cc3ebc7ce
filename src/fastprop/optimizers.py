"""Optimizers: the rule by which theta follows the gradient. The core's kernels of the same names do the work."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastprop import _checks
from fastprop.schedules import Clock

__all__ = ["SGD", "Optimizer"]

Settings = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Optimizer:
    """A rule; frozen numbers. The trainer holds its state, as long as theta."""

    name: ClassVar[str]

    learning_rate: float

    @property
    def kernel(self) -> str:
        """The name of the core's kernel for the rule with these settings."""
        raise NotImplementedError

    @property
    def states(self) -> tuple[str, ...]:
        """Names of what the rule remembers from step to step: vectors as long as theta, in the kernel's order."""
        raise NotImplementedError

    def settings(self, clock: Clock, count: int, done: int) -> Settings:
        """The kernel's numbers for the next `count` steps, (n_rows, n_settings): of the first of them a row each, of
        which the last holds for all that are left. `done` steps are remembered already.
        """
        raise NotImplementedError

    def update(self, theta: NDArray[Any], grad: NDArray[Any], state: NDArray[Any], step: int) -> None:
        """One step in NumPy, in place, `state` being (n_states, n_params): the definition that tests compare the kernel
        with.
        """
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class SGD(Optimizer):
    """Gradient descent, with momentum, dampening, Nesterov's look ahead and weight decay.

    In PyTorch's form, to its order of operations::

        g = grad + weight_decay * theta
        v = g at the first step, momentum * v + (1 - dampening) * g after it
        g = g + momentum * v if nesterov, else v            (only with momentum)
        theta = theta - learning_rate * g

    The learning rate multiplies after the velocity v, unlike in Keras and scikit-learn, where v holds scaled gradients:
    the same for a constant rate, not when it changes. Weight decay holds for biases too.

    Parameters
    ----------
    learning_rate : float, default 0.01
        Step size, 0 or more.
    momentum : float, default 0.0
        Share of the velocity kept at each step, in 0..1, 1 excluded.
    dampening : float, default 0.0
        Share of the gradient kept out of the velocity, in 0..1.
    nesterov : bool, default False
        Step along the gradient and the velocity to come; needs a momentum and no dampening.
    weight_decay : float, default 0.0
        Pull of theta towards 0, 0 or more; the gradient of ``weight_decay / 2 * sum(theta**2)``.

    Raises
    ------
    TypeError, ValueError
        For a number out of its range, or nesterov without momentum or with dampening.

    References
    ----------
    I. Sutskever, J. Martens, G. Dahl & G. Hinton (2013), "On the Importance of Initialization and Momentum in Deep
    Learning", ICML; ``torch.optim.SGD``.

    Examples
    --------
    >>> SGD(0.1, momentum=0.9)
    SGD(learning_rate=0.1, momentum=0.9, dampening=0.0, nesterov=False, weight_decay=0.0)
    """

    name: ClassVar[str] = "sgd"

    learning_rate: float
    momentum: float
    dampening: float
    nesterov: bool
    weight_decay: float

    def __init__(
        self,
        learning_rate: float = 0.01,
        *,
        momentum: float = 0.0,
        dampening: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        fields = {
            "learning_rate": _checks.number("learning_rate", learning_rate, low=0),
            "momentum": _checks.number("momentum", momentum, low=0, high=1, open_high=True),
            "dampening": _checks.number("dampening", dampening, low=0, high=1),
            "nesterov": _checks.flag("nesterov", nesterov),
            "weight_decay": _checks.number("weight_decay", weight_decay, low=0),
        }
        for name, value in fields.items():
            object.__setattr__(self, name, value)
        if nesterov and not (self.momentum > 0 and self.dampening == 0):
            raise ValueError(
                "nesterov=True needs a momentum above 0 and a dampening of 0,"
                f" but momentum is {momentum} and dampening is {dampening}"
            )

    @property
    def kernel(self) -> str:
        if not self.momentum:
            return "sgd"
        return "sgd_nesterov" if self.nesterov else "sgd_momentum"

    @property
    def states(self) -> tuple[str, ...]:
        return ("velocity",) if self.momentum else ()

    def settings(self, clock: Clock, count: int, done: int) -> Settings:
        row = [self.weight_decay, 1.0, -self.learning_rate, self.momentum, 1 - self.dampening]
        return np.array([[*row, 1.0], [*row, 0.0]] if done == 0 else [[*row, 0.0]])

    def update(self, theta: NDArray[Any], grad: NDArray[Any], state: NDArray[Any], step: int) -> None:
        g = grad + self.weight_decay * theta
        if self.momentum:
            (v,) = state
            v[:] = g if step == 0 else self.momentum * v + (1 - self.dampening) * g
            g = g + self.momentum * v if self.nesterov else v
        theta -= self.learning_rate * g


OPTIMIZERS: dict[str, Optimizer] = {optimizer.name: optimizer for optimizer in (SGD(),)}


def get(optimizer: str | Optimizer) -> Optimizer:
    """The optimizer of that name with its defaults, or itself."""
    return _checks.look_up("optimizer", optimizer, Optimizer, OPTIMIZERS)
