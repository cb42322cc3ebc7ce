"""PyTorch's network traced, frozen and optimised for inference."""

import warnings
from collections.abc import Callable

import torch

from cases import Array, Case
from peers.pytorch import DISTRIBUTIONS, module_of, set_threads

__all__ = ["DISTRIBUTIONS", "predictor", "set_threads"]


def predictor(case: Case, theta: Array) -> Callable[[Array], Array]:
    module = torch.nn.Sequential(*module_of(case, theta), torch.nn.Softmax(dim=1)).eval()
    example = torch.zeros(case.batch_size, case.sizes[0], dtype=getattr(torch, case.dtype))
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        traced = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(module, example)))

    @torch.inference_mode()
    def predict(x: Array) -> Array:
        return traced(torch.from_numpy(x)).numpy()

    return predict
