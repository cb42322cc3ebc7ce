"""The core's optimizers as the estimators' parameters name them, and their learning rates."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

import fastprop as fp
from fastprop import optimizers
from fastprop.optimizers import Optimizer
from fastprop.schedules import Schedule

if TYPE_CHECKING:
    from fastprop.sklearn._base import BaseMLP

__all__ = ["adapts", "inverse_scaled", "own_decay", "rate_now", "rule"]

LARGEST_MOMENTUM = float(np.nextafter(1.0, 0.0))  # the core's is below 1
SMALLEST_RATE = 1e-6  # which "adaptive" divides no further


def own_decay(solver: str | Optimizer) -> bool:
    """Whether the solver brings its own weight decay, so that `alpha` has no part in it."""
    return solver not in ("sgd", "adam")


def rule(estimator: "BaseMLP", rate: float | Schedule, decay: float | Schedule) -> Optimizer:
    """The optimizer with this learning rate and this decay of the weights, embeddings' too; biases have none."""
    solver = estimator.solver
    if own_decay(solver):
        return (
            optimizers.get(solver)
            if isinstance(solver, Optimizer)
            else replace(optimizers.get(solver), learning_rate=rate)
        )
    kinds = ("weight", "embedding") if estimator.embeddings_ else ("weight",)
    groups = (fp.ParameterGroup(kinds=kinds, weight_decay=decay),)
    if solver == "adam":
        return fp.Adam(
            rate, beta_1=estimator.beta_1, beta_2=estimator.beta_2, epsilon=estimator.epsilon, epsilon_hat=True,
            groups=groups,
        )  # fmt: skip
    momentum = min(float(estimator.momentum), LARGEST_MOMENTUM)
    with_velocity = momentum > 0
    return fp.SGD(
        rate, momentum=momentum, nesterov=with_velocity and bool(estimator.nesterovs_momentum),
        rate_in_velocity=with_velocity, groups=groups,
    )  # fmt: skip


def adapts(estimator: "BaseMLP", mode: str) -> bool:
    """Whether that is the learning rate's mode: modes are for "sgd" alone, as in scikit-learn."""
    return isinstance(estimator.solver, str) and estimator.solver == "sgd" and estimator.learning_rate == mode


def inverse_scaled(estimator: "BaseMLP") -> float:
    """The rate after so many rows: learning_rate_init / (t + 1)**power_t."""
    t, power = estimator.t_ + 1, estimator.power_t
    return float(estimator.learning_rate_init / (np.sqrt(float(t)) if power == 0.5 else t**power))


def rate_now(estimator: "BaseMLP", before: Optimizer | None) -> float | Schedule:
    """The rate to begin with, or to go on with in a `partial_fit` after the optimizer `before`."""
    if isinstance(estimator.learning_rate, Schedule):
        return estimator.learning_rate
    if adapts(estimator, "invscaling") and estimator.t_ > 0:
        return inverse_scaled(estimator)
    if adapts(estimator, "adaptive") and before is not None:
        return before.learning_rate
    return float(estimator.learning_rate_init)
