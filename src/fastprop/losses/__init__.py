"""Losses C(o, y): what each is, in a formula and in NumPy. The core's kernels of the same names do the work.

A loss is a function of the network's output o, and a mean over the rows of a batch; with weights, a mean weighted by
them: ``sum_i w_i C_i / sum_i w_i``. The cross-entropies and their kin belong to one last activation each, which makes
the step back through both a plain difference, ``dC/dz = (o - y) / m``, and lets the core compute them from z without
overflow.
"""

from collections.abc import Callable

from fastprop import _checks
from fastprop.losses._base import Loss
from fastprop.losses.classes import NLL, BinaryCrossEntropy, CrossEntropy, KLDivergence
from fastprop.losses.custom import CustomLoss
from fastprop.losses.distributions import Gamma, GaussianNLL, Poisson, Tweedie
from fastprop.losses.focal import BinaryFocal, Focal
from fastprop.losses.margins import Hinge, SquaredHinge
from fastprop.losses.scaled import Scaled
from fastprop.losses.values import MAE, MSE, CosineSimilarity, Huber, LogCosh, Quantile, SmoothL1

__all__ = [
    "LOSSES",
    "MAE",
    "MSE",
    "NLL",
    "BinaryCrossEntropy",
    "BinaryFocal",
    "CosineSimilarity",
    "CrossEntropy",
    "CustomLoss",
    "Focal",
    "Gamma",
    "GaussianNLL",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "Poisson",
    "Quantile",
    "Scaled",
    "SmoothL1",
    "SquaredHinge",
    "Tweedie",
    "get",
]

LOSSES: dict[str, Loss] = {
    loss.name: loss
    for loss in (
        MSE(), MAE(), Huber(), SmoothL1(), LogCosh(), Quantile(), GaussianNLL(), CosineSimilarity(),
        Poisson(), Gamma(), Tweedie(),
        CrossEntropy(), BinaryCrossEntropy(), KLDivergence(), NLL(), Focal(), BinaryFocal(), Hinge(), SquaredHinge(),
    )
}  # fmt: skip


def get(loss: str | Loss) -> Loss:
    """The loss of that name, or itself."""
    if isinstance(loss, CustomLoss):
        return loss
    if isinstance(loss, Scaled):
        get(loss.loss)
        return loss
    if isinstance(loss, Callable) and not isinstance(loss, (Loss, type)):  # type: ignore[arg-type]
        raise TypeError(f"loss is a function, {_checks.describe(loss)}; make a loss of it: CustomLoss(...)")
    return _checks.look_up("loss", loss, Loss, LOSSES)
