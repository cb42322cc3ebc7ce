"""PyTorch's losses as twins of the package's, by its names; where PyTorch has none, the formula in tensors."""

from collections.abc import Callable
from typing import Any

import torch

import fastprop as fp
from oracles.twins import known

f = torch.nn.functional


def log_probabilities(loss: Any, o: torch.Tensor) -> torch.Tensor:
    return torch.log_softmax(o, 1) if loss.from_logits else torch.log(o)


def cross_entropy(loss: Any, o: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """PyTorch's takes logits alone, of which log(o) are some."""
    weight = None if loss.class_weight is None else torch.tensor(loss.class_weight, dtype=o.dtype)
    index = -100 if loss.ignore_index is None else loss.ignore_index
    logits = o if loss.from_logits else torch.log(o)
    options = {"weight": weight, "label_smoothing": loss.label_smoothing, "ignore_index": index, "reduction": "none"}
    return f.cross_entropy(logits, y, **options)


def nll(loss: Any, o: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    weight = None if loss.class_weight is None else torch.tensor(loss.class_weight, dtype=o.dtype)
    return f.nll_loss(o, y, weight, ignore_index=-100 if loss.ignore_index is None else loss.ignore_index,
                      reduction="none")  # fmt: skip


def binary_cross_entropy(loss: Any, o: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    logits = o if loss.from_logits else torch.logit(o)
    y = (1 - loss.label_smoothing) * y + loss.label_smoothing / 2  # as Keras
    weight = None if loss.pos_weight is None else torch.tensor(loss.pos_weight, dtype=o.dtype)
    return f.binary_cross_entropy_with_logits(logits, y, pos_weight=weight, reduction="none")


def gaussian_nll(loss: Any, o: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    mean, spread = o.chunk(2, dim=1)
    variance = {"plain": lambda x: x, "log": torch.exp, "softplus": f.softplus}[loss.variance](spread)
    return f.gaussian_nll_loss(mean, y, variance, full=loss.full, eps=loss.epsilon, reduction="none")


def quantile(loss: Any, o: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    q, e = torch.tensor(loss.quantiles, dtype=o.dtype), y[:, :, None] - o.reshape(*y.shape, -1)
    return torch.maximum(q * e, (q - 1) * e)


def tweedie(loss: Any, o: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """scikit-learn's mean_tweedie_deviance, row by row."""
    mu, p = torch.exp(o) if loss.log_input else o, getattr(loss, "power", 2)
    if p == 1:
        return 2 * (torch.xlogy(y, y) - y * torch.log(mu) - y + mu)
    if p == 2:
        return 2 * (torch.log(mu / y) + y / mu - 1)
    return 2 * (y ** (2 - p) / ((1 - p) * (2 - p)) - y * mu ** (1 - p) / (1 - p) + mu ** (2 - p) / (2 - p))


def focal(loss: Any, o: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Keras's CategoricalFocalCrossentropy."""
    y = f.one_hot(y, o.shape[1]).to(o.dtype) if y.ndim == 1 else y
    logs = log_probabilities(loss, o)
    return -(torch.tensor(loss.alpha, dtype=o.dtype) * y * (1 - logs.exp()) ** loss.gamma * logs).sum(dim=1)


def binary_focal(loss: Any, o: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    p = torch.sigmoid(o) if loss.from_logits else o
    yes, no = (1.0, 1.0) if loss.alpha is None else (loss.alpha, 1 - loss.alpha)
    return -(yes * y * (1 - p) ** loss.gamma * torch.log(p) + no * (1 - y) * p**loss.gamma * torch.log1p(-p))


def hinge(loss: Any, o: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Keras's Hinge."""
    return torch.relu(1 - torch.where(y > 0, 1.0, -1.0) * o)


def cosine(loss: Any, o: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return 1 - (o * y).sum(1) / torch.sqrt(((o * o).sum(1) + loss.epsilon) * ((y * y).sum(1) + loss.epsilon))


# Of a description, whose numbers they take, o and y: each row's losses, (m,), or for each output, (m, n)
LOSS_TWINS: dict[str, Callable[[Any, torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "mse": lambda _, o, y: f.mse_loss(o, y, reduction="none"),
    "mae": lambda _, o, y: f.l1_loss(o, y, reduction="none"),
    "huber": lambda loss, o, y: f.huber_loss(o, y, "none", loss.delta),
    "smooth_l1": lambda loss, o, y: f.smooth_l1_loss(o, y, reduction="none", beta=loss.beta),
    "log_cosh": lambda _, o, y: torch.log(torch.cosh(o - y)),
    "quantile": quantile,
    "gaussian_nll": gaussian_nll,
    "cosine_similarity": cosine,
    "poisson": lambda loss, o, y: f.poisson_nll_loss(
        o, y, loss.log_input, loss.full, eps=loss.epsilon, reduction="none"
    ),
    "gamma": tweedie,
    "tweedie": tweedie,
    "cross_entropy": cross_entropy,
    "nll": nll,
    "kl_divergence": lambda loss, o, y: f.kl_div(log_probabilities(loss, o), y, reduction="none").sum(dim=1),
    "focal": focal,
    "binary_cross_entropy": binary_cross_entropy,
    "binary_focal": binary_focal,
    "hinge": hinge,
    "squared_hinge": lambda loss, o, y: hinge(loss, o, y) ** 2,
}


def loss_twin(loss: Any, o: torch.Tensor, y: torch.Tensor, w: torch.Tensor | None = None) -> torch.Tensor:
    """The mean over rows, divided by the sum of their weights times those of their classes; ignored ones are out."""
    rows = known(LOSS_TWINS, loss.name, "loss")(loss, o, y)
    rows = rows.reshape(len(y), -1).mean(dim=1)
    w = torch.ones(len(y), dtype=o.dtype) if w is None else w
    divisor = w
    if y.ndim == 1:
        kept = y != (-100 if loss.__class__ is fp.Focal or loss.ignore_index is None else loss.ignore_index)
        w, divisor = w * kept, w * kept
        if getattr(loss, "class_weight", None) is not None:
            divisor = divisor * torch.tensor(loss.class_weight, dtype=o.dtype)[torch.where(kept, y, 0)]
    return (rows * w).sum() / divisor.sum()
