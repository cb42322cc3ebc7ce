"""PyTorch, eagerly: nn.Sequential, a fused SGD or Adam, batches by index, as in its documentation's training loops."""

from collections.abc import Callable

import numpy as np
import torch

from cases import COSINE_STEPS, MOMENTUM, Array, Case

DISTRIBUTIONS = ("torch",)
ACTIVATIONS = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}
LOSSES = {"mse": torch.nn.MSELoss, "cross_entropy": torch.nn.CrossEntropyLoss}


def set_threads(count: int) -> None:
    torch.set_num_threads(count)


def module_of(case: Case, theta: Array) -> torch.nn.Sequential:
    """Its last layer is linear: the loss takes logits."""
    modules: list[torch.nn.Module] = []
    for W, b in case.layers(theta):
        linear = torch.nn.Linear(*W.shape, dtype=getattr(torch, case.dtype))
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(W.T))
            linear.bias.copy_(torch.tensor(b))
        modules += [linear, ACTIVATIONS[case.activation]()]
        if case.dropout:
            modules.append(torch.nn.Dropout(case.dropout))
    return torch.nn.Sequential(*modules[: -2 if case.dropout else -1])


class Training:
    """`compiled` is what a subclass does to the function from a batch to its loss."""

    def __init__(self, case: Case, theta: Array, X: Array, y: Array, learning_rate: float) -> None:
        self.X, self.y, self.batch_size = torch.from_numpy(X), torch.from_numpy(y), case.batch_size
        self.module, criterion = module_of(case, theta), LOSSES[case.loss]()
        self.optimizer: torch.optim.Optimizer
        self.schedule = None
        if case.recipe == "adam cosine":
            self.optimizer = torch.optim.Adam(self.module.parameters(), learning_rate, fused=True)
            self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, COSINE_STEPS)
        else:
            self.optimizer = torch.optim.SGD(self.module.parameters(), learning_rate, MOMENTUM, fused=True)
        self.loss = self.compiled(lambda x, y: criterion(self.module(x), y))

    def compiled(self, loss: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
        return loss

    def epoch(self, order: Array | None = None) -> None:
        rows = torch.randperm(len(self.X)) if order is None else torch.from_numpy(order)
        for batch in rows.split(self.batch_size):
            self.optimizer.zero_grad()
            self.loss(self.X[batch], self.y[batch]).backward()
            self.optimizer.step()
            if self.schedule is not None:
                self.schedule.step()

    def theta(self) -> Array:
        return np.concatenate([p.detach().numpy().T.ravel() for p in self.module.parameters()])


def predictor(case: Case, theta: Array) -> Callable[[Array], Array]:
    module = torch.nn.Sequential(*module_of(case, theta), torch.nn.Softmax(dim=1)).eval()

    @torch.inference_mode()
    def predict(x: Array) -> Array:
        return module(torch.from_numpy(x)).numpy()

    return predict
