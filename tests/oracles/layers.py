"""PyTorch's modules for the package's layers: what it has itself, and what it lacks written in its own operations.

A state dict of the package's loads into a twin with `strict=True`.
"""

from collections.abc import Callable, Sequence

import numpy as np
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


class ParametricActivation(torch.nn.Module):
    def __init__(self, layer: fp.ParametricActivation, n: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.f = activation(layer.activation)
        self.weight = torch.nn.Parameter(torch.ones(n, dtype=dtype))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + (self.f(x) - x) * self.weight


class NTKLinear(torch.nn.Linear):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        z = x @ self.weight.T / self.in_features**0.5
        return z if self.bias is None else z + self.bias


class PeriodicEmbedding(torch.nn.Module):
    """As pytabkit's RealMLP and rtdl_num_embeddings have it: a batched product over the columns."""

    def __init__(self, layer: fp.PeriodicEmbedding, n: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.layer = layer
        self.f = activation(fp.activations.get(layer.activation))
        shapes = {name: p.shape for p in layer.parameters(n) for name in [p.torch_name]}
        for name, shape in shapes.items():
            self.register_parameter(name, torch.nn.Parameter(torch.zeros(shape, dtype=dtype)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        v = 2 * torch.pi * x.T.unsqueeze(-1).matmul(self.frequencies.unsqueeze(1))  # (columns, m, frequencies)
        if self.layer.phases:
            waves = torch.cos(v + self.phases.unsqueeze(1))
        else:
            waves = torch.cat([torch.cos(v), torch.sin(v)], dim=-1)
        z = waves.matmul(self.weight.reshape(x.shape[1], self.layer.n_waves, -1)) + self.bias.unsqueeze(1)
        a = self.f(z).transpose(0, 1).flatten(1)
        return torch.cat([a, x], dim=1) if self.layer.keep_inputs else a


class Buffers(torch.nn.Module):
    """A module with the layer's numbers that are not trained."""

    def __init__(self, layer: Layer, n: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.layer = layer
        for buffer in layer.buffers(n):
            self.register_buffer(buffer.torch_name, torch.zeros(buffer.shape, dtype=dtype))


class Standardize(Buffers):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x - self.mean) / self.variance.sqrt()


class RobustScale(Buffers):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        t = (x - self.median) * self.factor
        return t if self.layer.clip is None else t / (1 + (t / self.layer.clip) ** 2).sqrt()


class Embedding(torch.nn.ModuleList):
    def __init__(self, layer: fp.Embedding, n: int, dtype: torch.dtype) -> None:
        super().__init__(
            torch.nn.Embedding(count, dim, dtype=dtype)
            for (_, count), dim in zip(layer.columns, layer.dims, strict=True)
        )
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = [x[:, self.layer.passed_on(x.shape[1])]]
        for table, (column, count) in zip(self, self.layer.columns, strict=True):
            values = x[:, column]
            known = (values >= 0) & (values < count) & (values == values.floor())
            parts.append(table(torch.where(known, values, 0).long()) * known.unsqueeze(1))
        return torch.cat(parts, dim=1)


class Select(torch.nn.Module):
    def __init__(self, layer: fp.Select) -> None:
        super().__init__()
        self.columns = list(layer.columns)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, self.columns]


def activation(f: fp.activations.Activation) -> torch.nn.Module:
    module = known(ACTIVATIONS, f.name, "activation")
    return torch.nn.Identity() if module is None else module(f)


def dense(layer: fp.Dense, n_in: int, dtype: torch.dtype) -> list[torch.nn.Module]:
    kind = NTKLinear if layer.parametrization == "ntk" else torch.nn.Linear
    linear = kind(n_in, layer.units, layer.use_bias, dtype=dtype)
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
    fp.PReLU: lambda layer, n, dtype: torch.nn.PReLU(1 if layer.shared else n, layer.initial, dtype=dtype),
    fp.ParametricActivation: ParametricActivation,
    fp.PeriodicEmbedding: PeriodicEmbedding,
    fp.Standardize: Standardize,
    fp.RobustScale: RobustScale,
    fp.Embedding: Embedding,
    fp.Select: lambda layer, n, dtype: Select(layer),
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
    state = {name: torch.from_numpy(np.asarray(array)) for name, array in model.state_dict().items()}
    result.load_state_dict(state, strict=True)
    return result.eval()
