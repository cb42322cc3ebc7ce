"""Activations f: what each is, in a formula and in NumPy. The core's kernels of the same names do the work.

The NumPy definitions are for reading, for calling on arrays, and for the tests, which compare the kernels with them.
"""

from fastprop import _checks
from fastprop.activations.base import Activation, Exponential, Identity, Sigmoid, Softsign, Tanh
from fastprop.activations.custom import CustomActivation
from fastprop.activations.gated import GELU, HardSwish, Mish, SiLU, Softplus
from fastprop.activations.rectifiers import CELU, ELU, SELU, HardSigmoid, HardTanh, LeakyReLU, ReLU, ReLU6
from fastprop.activations.rows import LogSoftmax, Softmax

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "SELU",
    "Activation",
    "CustomActivation",
    "Exponential",
    "HardSigmoid",
    "HardSwish",
    "HardTanh",
    "Identity",
    "LeakyReLU",
    "LogSoftmax",
    "Mish",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Softsign",
    "Tanh",
]

ACTIVATIONS: dict[str, Activation] = {
    activation.name: activation
    for activation in (
        Identity(),
        Sigmoid(),
        Tanh(),
        ReLU(),
        LeakyReLU(),
        ELU(),
        SELU(),
        CELU(),
        GELU(),
        SiLU(),
        Mish(),
        Softplus(),
        Softsign(),
        HardSigmoid(),
        HardTanh(),
        HardSwish(),
        ReLU6(),
        Exponential(),
        Softmax(),
        LogSoftmax(),
    )
}


CustomActivation.taken = frozenset(ACTIVATIONS)


def short(activation: Activation) -> str | Activation:
    """Its name, where that stands for it; what a layer's repr shows."""
    return activation.name if ACTIVATIONS.get(activation.name) == activation else activation


def get(activation: str | Activation) -> Activation:
    """The activation of that name, or itself."""
    if isinstance(activation, CustomActivation):
        return activation
    return _checks.look_up("activation", activation, Activation, ACTIVATIONS)
