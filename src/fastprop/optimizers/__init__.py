"""Optimizers: the rules by which theta follows the gradient. The core's kernels do the work."""

from fastprop import _checks
from fastprop.optimizers.adam import Adam, Adamax, AdamW, NAdam, RAdam
from fastprop.optimizers.base import Optimizer
from fastprop.optimizers.groups import ParameterGroup
from fastprop.optimizers.sgd import SGD, Lion, Rprop
from fastprop.optimizers.squares import Adadelta, Adagrad, RMSprop

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "NAdam",
    "Optimizer",
    "ParameterGroup",
    "RAdam",
    "RMSprop",
    "Rprop",
]

OPTIMIZERS: dict[str, Optimizer] = {
    optimizer.name: optimizer
    for optimizer in (
        SGD(),
        Adam(),
        AdamW(),
        NAdam(),
        RAdam(),
        Adamax(),
        Adagrad(),
        Adadelta(),
        RMSprop(),
        Rprop(),
        Lion(),
    )
}


def get(optimizer: str | Optimizer) -> Optimizer:
    """The optimizer of that name with its defaults, or itself."""
    return _checks.look_up("optimizer", optimizer, Optimizer, OPTIMIZERS)
