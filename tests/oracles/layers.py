"""PyTorch's modules for the package's layers: what it has itself, and what it lacks written in its own operations.

A state dict of the package's loads into a twin with `strict=True`.
"""

from collections.abc import Callable, Sequence

import torch

import fastprop as fp
from fastprop.layers import Layer
from oracles.twins import ACTIVATIONS, known


class Residual(torch.nn.Sequential):
    """Its layers are the module's own; the shortcut is a module beside them."""

    def __init__(self, layers: torch.nn.Sequential, shortcut: torch.nn.Sequential) -> None:
        super().__init__(*layers)
        self.n_layers = len(layers)
        if len(shortcut):
            self.shortcut = shortcut

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a = x
        for i in range(self.n_layers):
            a = self[i](a)
        return (self.shortcut(x) if hasattr(self, "shortcut") else x) + a


class Concatenate(torch.nn.ModuleList):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([branch(x) for branch in self], dim=1)


class Scale(torch.nn.Module):
    def __init__(self, n: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(n, dtype=dtype))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weight


def activation(f: fp.activations.Activation) -> torch.nn.Module:
    module = known(ACTIVATIONS, f.name, "activation")
    return torch.nn.Identity() if module is None else module(f)


def dense(layer: fp.Dense, n_in: int, dtype: torch.dtype) -> list[torch.nn.Module]:
    linear = torch.nn.Linear(n_in, layer.units, layer.use_bias, dtype=dtype)
    return [linear] if layer.activation.name == "identity" else [linear, activation(layer.activation)]


TWINS: dict[type[Layer], Callable[..., torch.nn.Module]] = {
    fp.Activate: lambda layer, n, dtype: activation(layer.activation),
    fp.Dropout: lambda layer, n, dtype: torch.nn.Dropout(layer.rate),
    fp.AlphaDropout: lambda layer, n, dtype: torch.nn.AlphaDropout(layer.rate),
    fp.BatchNorm: lambda layer, n, dtype: torch.nn.BatchNorm1d(
        n, eps=layer.epsilon, momentum=layer.momentum, affine=layer.affine, dtype=dtype
    ),
    fp.LayerNorm: lambda layer, n, dtype: torch.nn.LayerNorm(
        n, eps=layer.epsilon, elementwise_affine=layer.affine, bias=layer.use_bias, dtype=dtype
    ),
    fp.RMSNorm: lambda layer, n, dtype: torch.nn.RMSNorm(
        n, eps=layer.epsilon, elementwise_affine=layer.affine, dtype=dtype
    ),
    fp.Scale: lambda layer, n, dtype: Scale(n, dtype),
    fp.Residual: lambda layer, n, dtype: Residual(sequence(layer.layers, n, dtype), sequence(layer.shortcut, n, dtype)),
    fp.Concatenate: lambda layer, n, dtype: Concatenate([sequence(part, n, dtype) for part in layer.branches]),
}


def sequence(layers: Sequence[Layer], n_in: int, dtype: torch.dtype) -> torch.nn.Sequential:
    modules: list[torch.nn.Module] = []
    for layer in layers:
        if isinstance(layer, fp.Dense):
            modules += dense(layer, n_in, dtype)
        else:
            modules.append(known(TWINS, type(layer), "layer")(layer, n_in, dtype))
        n_in = layer.n_outputs(n_in)
    return torch.nn.Sequential(*modules)


def twin(model: fp.Sequential, dtype: torch.dtype = torch.float64) -> torch.nn.Sequential:
    """The same layers and numbers, as at prediction."""
    result = sequence([layer.description for layer in model.layers], model.n_inputs, dtype)
    state = {name: torch.from_numpy(array) for name, array in model.state_dict().items()}
    result.load_state_dict(state, strict=True)
    return result.eval()
