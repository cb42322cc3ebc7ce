"""PyTorch as a witness, on one thread: its names for the package's activations, losses and optimizers, and a network's
twin, made through the state dict.

Tests take the names from the package's own lists: one that is missing here fails, and says so.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
import torch

import fastprop as fp

torch.set_num_threads(1)

Twin = TypeVar("Twin")
f = torch.nn.functional


class Function(torch.nn.Module):
    """A module of a function of tensors."""

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.function(z)


# Of a description, whose numbers they take
ACTIVATIONS: dict[str, Callable[[Any], torch.nn.Module] | None] = {
    "identity": None,  # no module: the next one takes z
    "sigmoid": lambda _: torch.nn.Sigmoid(),
    "tanh": lambda _: torch.nn.Tanh(),
    "relu": lambda _: torch.nn.ReLU(),
    "leaky_relu": lambda g: torch.nn.LeakyReLU(g.negative_slope),
    "elu": lambda g: torch.nn.ELU(g.alpha),
    "selu": lambda _: torch.nn.SELU(),
    "celu": lambda g: torch.nn.CELU(g.alpha),
    "gelu": lambda g: torch.nn.GELU(g.approximate),
    "silu": lambda _: torch.nn.SiLU(),
    "mish": lambda _: torch.nn.Mish(),
    "softplus": lambda g: torch.nn.Softplus(g.beta, threshold=1000),  # exact everywhere, as the package's
    "softsign": lambda _: torch.nn.Softsign(),
    "hard_sigmoid": lambda _: Function(lambda z: f.relu6(z + 3) / 6),  # Hardsigmoid's slope is float32's 1/6
    "hard_tanh": lambda g: torch.nn.Hardtanh(g.min_val, g.max_val),
    "hard_swish": lambda _: torch.nn.Hardswish(),
    "relu6": lambda _: torch.nn.ReLU6(),
    "exponential": lambda _: Function(torch.exp),
    "softmax": lambda _: torch.nn.Softmax(dim=1),
    "log_softmax": lambda _: torch.nn.LogSoftmax(dim=1),
}
LOSSES: dict[tuple[str, bool], Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    # Name and from_logits; each row's losses, (m,) or for each output (m, n), of o and y (m, n)
    ("mse", False): lambda o, y: f.mse_loss(o, y, reduction="none"),
    ("cross_entropy", False): lambda o, y: -(y * torch.log(o)).sum(dim=1),
    ("cross_entropy", True): lambda o, y: f.cross_entropy(o, y, reduction="none"),
    ("binary_cross_entropy", False): lambda o, y: f.binary_cross_entropy(o, y, reduction="none"),
    ("binary_cross_entropy", True): lambda o, y: f.binary_cross_entropy_with_logits(o, y, reduction="none"),
}
NAMES = {  # PyTorch's for the settings that it calls otherwise
    "epsilon": "eps",
    "rate_decay": "lr_decay",
    "initial_accumulator": "initial_accumulator_value",
}
PAIRS = {"betas": ("beta_1", "beta_2"), "etas": ("eta_minus", "eta_plus"), "step_sizes": ("min_step", "max_step")}


def optimizer(
    cls: type[torch.optim.Optimizer], names: Mapping[str, str] = NAMES, **fixed: Any
) -> Callable[..., torch.optim.Optimizer]:
    """What makes PyTorch's optimizer from the parameters, lr and the package's settings."""

    def make(parameters: Any, lr: float, **settings: Any) -> torch.optim.Optimizer:
        pairs = {}
        for pair, (first, second) in PAIRS.items():
            if first in settings:
                pairs[pair] = settings.pop(first), settings.pop(second)
        return cls(parameters, lr=lr, **fixed, **pairs, **{names.get(name, name): settings[name] for name in settings})

    return make


OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "adam": optimizer(torch.optim.Adam),
    "adamw": optimizer(torch.optim.AdamW),
    "nadam": optimizer(torch.optim.NAdam),
    "radam": optimizer(torch.optim.RAdam),
    "adamax": optimizer(torch.optim.Adamax),
    "adagrad": optimizer(torch.optim.Adagrad),
    "adadelta": optimizer(torch.optim.Adadelta),
    "rmsprop": optimizer(torch.optim.RMSprop, NAMES | {"rho": "alpha"}),
    "rprop": optimizer(torch.optim.Rprop),
}
NOT_IN_PYTORCH = {"lion"}  # tests/test_optimizers.py has its paper's algorithm


def known(twins: Mapping[Any, Twin], name: Any, what: str) -> Twin:
    assert name in twins, f"no twin in PyTorch of the {what} {name!r} is known: tests/oracles/twins.py lacks it"
    return twins[name]


def fresh_twin(model: fp.Sequential, dtype: torch.dtype) -> torch.nn.Sequential:
    """The same layers, with PyTorch's own weights; an activation other than identity is a module of its own."""
    modules: list[torch.nn.Module] = []
    for layer in model.layers:
        modules.append(torch.nn.Linear(layer.n_in, layer.units, layer.description.use_bias, dtype=dtype))
        activation = known(ACTIVATIONS, layer.activation.name, "activation")
        if activation is not None:
            modules.append(activation(layer.activation))
    return torch.nn.Sequential(*modules)


def twin(model: fp.Sequential, dtype: torch.dtype = torch.float64) -> torch.nn.Sequential:
    """The same layers and weights."""
    result = fresh_twin(model, dtype)
    state = {name: torch.from_numpy(array) for name, array in model.state_dict().items()}
    result.load_state_dict(state, strict=True)
    return result


def theta_of(net: torch.nn.Sequential, gradients: bool = False) -> np.ndarray:
    """Its parameters, or their gradients, in the order and layout of the package's theta."""
    parts = []
    for parameter in net.parameters():
        values = (parameter.grad if gradients else parameter).detach().numpy()
        parts.append(values.T.ravel())  # a vector is its own transpose
    return np.concatenate(parts)


def mean_loss(
    loss: str, from_logits: bool, o: torch.Tensor, y: torch.Tensor, w: torch.Tensor | None = None
) -> torch.Tensor:
    """The weighted mean over rows of PyTorch's losses; y (m, n)."""
    rows = known(LOSSES, (loss, from_logits), "loss (and from_logits)")(o, y).reshape(len(y), -1).mean(dim=1)
    return rows.mean() if w is None else (rows * w).sum() / w.sum()
