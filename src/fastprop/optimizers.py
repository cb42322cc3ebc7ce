"""Optimizers: the rule by which theta follows the gradient. The core's kernels of the same names do the work."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastprop import _checks

__all__ = ["SGD", "Optimizer"]


@dataclass(frozen=True, slots=True)
class Optimizer:
    """A rule; frozen numbers. The trainer holds its state, as long as theta."""

    name: ClassVar[str]

    learning_rate: float

    @property
    def has_state(self) -> bool:
        """Whether the rule remembers anything from step to step."""
        raise NotImplementedError

    def settings(self) -> NDArray[np.float64]:
        """The rule's numbers in the order in which its kernel reads them."""
        raise NotImplementedError

    def update(self, theta: NDArray[Any], grad: NDArray[Any], state: NDArray[Any], step: int) -> None:
        """One step in NumPy, in place: the definition that tests compare the kernel with."""
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
    def has_state(self) -> bool:
        return self.momentum != 0

    def settings(self) -> NDArray[np.float64]:
        return np.array(
            [self.learning_rate, self.momentum, self.dampening, self.nesterov, self.weight_decay], dtype=float
        )

    def update(self, theta: NDArray[Any], grad: NDArray[Any], state: NDArray[Any], step: int) -> None:
        g = grad + self.weight_decay * theta
        if self.momentum:
            state[:] = g if step == 0 else self.momentum * state + (1 - self.dampening) * g
            g = g + self.momentum * state if self.nesterov else state
        theta -= self.learning_rate * g


OPTIMIZERS: dict[str, Optimizer] = {optimizer.name: optimizer for optimizer in (SGD(),)}


def get(optimizer: str | Optimizer) -> Optimizer:
    """The optimizer of that name with its defaults, or itself."""
    return _checks.look_up("optimizer", optimizer, Optimizer, OPTIMIZERS)
