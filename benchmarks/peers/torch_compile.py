"""PyTorch, its loss compiled by torch.compile: about 20 s for each network before the first step."""

from collections.abc import Callable

import torch

from peers import pytorch
from peers.pytorch import DISTRIBUTIONS, set_threads

__all__ = ["DISTRIBUTIONS", "Training", "set_threads"]


class Training(pytorch.Training):
    def compiled(self, loss: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
        return torch.compile(loss, dynamic=False)
