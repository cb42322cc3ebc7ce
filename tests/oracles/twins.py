"""PyTorch as a witness, on one thread: a network's twin, made through the state dict."""

import numpy as np
import torch

import fastprop as fp

torch.set_num_threads(1)

MODULES = {
    "sigmoid": torch.nn.Sigmoid,
    "tanh": torch.nn.Tanh,
    "relu": torch.nn.ReLU,
    "softmax": lambda: torch.nn.Softmax(dim=1),
}


def fresh_twin(model: fp.Sequential, dtype: torch.dtype) -> torch.nn.Sequential:
    """The same layers, with PyTorch's own weights; an activation other than identity is a module of its own."""
    modules: list[torch.nn.Module] = []
    for layer in model.layers:
        modules.append(torch.nn.Linear(layer.n_in, layer.units, layer.description.use_bias, dtype=dtype))
        if layer.activation.name != "identity":
            modules.append(MODULES[layer.activation.name]())
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
    f = torch.nn.functional
    if loss == "mse":
        rows = f.mse_loss(o, y, reduction="none").mean(dim=1)
    elif loss == "cross_entropy":
        rows = f.cross_entropy(o, y, reduction="none") if from_logits else -(y * torch.log(o)).sum(dim=1)
    elif from_logits:
        rows = f.binary_cross_entropy_with_logits(o, y, reduction="none").mean(dim=1)
    else:
        rows = f.binary_cross_entropy(o, y, reduction="none").mean(dim=1)
    return rows.mean() if w is None else (rows * w).sum() / w.sum()
