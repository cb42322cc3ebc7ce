"""Losses with settings of every kind, each with a last layer that it can follow and targets that it is for."""

from dataclasses import dataclass

import numpy as np

import fastprop as fp
from loss_formulas import targets_of

Array = np.ndarray
WEIGHTS = (0.5, 1.5, 2.5)


@dataclass(frozen=True)
class LossCase:
    """A loss for 3 targets."""

    loss: fp.losses.Loss
    last: str = "identity"
    targets: str = "any"  # as in loss_formulas, or "labels", "some labels", of which -1 is to be ignored
    n_outputs: int = 3

    def __str__(self) -> str:
        return f"{self.loss!r} {self.last} {self.targets}"

    def y(self, rng: np.random.Generator, m: int) -> Array:
        if self.targets == "labels":
            return rng.integers(0, 3, m)
        if self.targets == "some labels":
            return np.where(np.arange(m) % 4 == 1, -1, rng.integers(0, 3, m))
        return targets_of(self.targets, rng, m, 3)

    def model(self, seed: int, dtype: str = "float64") -> fp.Sequential:
        return fp.mlp(4, 7, self.n_outputs, activation="tanh", output=self.last, dtype=dtype, seed=seed)


CASES = [
    LossCase(fp.MSE()),
    LossCase(fp.MAE()),
    LossCase(fp.Huber()),
    LossCase(fp.Huber(0.4), "tanh"),
    LossCase(fp.SmoothL1()),
    LossCase(fp.SmoothL1(0.3)),
    LossCase(fp.SmoothL1(0)),
    LossCase(fp.LogCosh()),
    LossCase(fp.Quantile()),
    LossCase(fp.Quantile([0.1, 0.5, 0.8]), n_outputs=9),
    LossCase(fp.GaussianNLL(), n_outputs=6),
    LossCase(fp.GaussianNLL("softplus", full=True), n_outputs=6),
    LossCase(fp.GaussianNLL("plain", epsilon=0.2), "softplus", n_outputs=6),
    LossCase(fp.CosineSimilarity()),
    LossCase(fp.CosineSimilarity(0.1), "tanh"),
    LossCase(fp.Poisson(), targets="counts"),
    LossCase(fp.Poisson(full=True), targets="counts"),
    LossCase(fp.Poisson(False, full=True, epsilon=0.01), "softplus", "counts"),
    LossCase(fp.Poisson(log_input=False), "exponential", "counts"),
    LossCase(fp.Gamma(), targets="positive"),
    LossCase(fp.Gamma(log_input=False), "softplus", "positive"),
    LossCase(fp.Tweedie(), targets="counts"),
    LossCase(fp.Tweedie(1), targets="counts"),
    LossCase(fp.Tweedie(1, log_input=False), "softplus", "counts"),
    LossCase(fp.Tweedie(2), targets="positive"),
    LossCase(fp.Tweedie(3), targets="positive"),
    LossCase(fp.Tweedie(1.2, log_input=False), "softplus", "counts"),
    LossCase(fp.CrossEntropy(), "softmax", "labels"),
    LossCase(fp.CrossEntropy(class_weight=WEIGHTS), "softmax", "labels"),
    LossCase(fp.CrossEntropy(class_weight=WEIGHTS), "softmax", "distributions"),
    LossCase(fp.CrossEntropy(True, label_smoothing=0.2), "identity", "labels"),
    LossCase(fp.CrossEntropy(True, 0.1, WEIGHTS), "identity", "labels"),
    LossCase(fp.CrossEntropy(True, 0.1, WEIGHTS, ignore_index=-1), "identity", "some labels"),
    LossCase(fp.CrossEntropy(ignore_index=-1), "softmax", "some labels"),
    LossCase(fp.NLL(), "log_softmax", "labels"),
    LossCase(fp.NLL(WEIGHTS, ignore_index=-1), "log_softmax", "some labels"),
    LossCase(fp.KLDivergence(), "softmax", "distributions"),
    LossCase(fp.KLDivergence(from_logits=True), "identity", "distributions"),
    LossCase(fp.Focal(), "softmax", "labels"),
    LossCase(fp.Focal(0.5, WEIGHTS, from_logits=True), "identity", "distributions"),
    LossCase(fp.BinaryCrossEntropy(), "sigmoid", "probabilities"),
    LossCase(fp.BinaryCrossEntropy(label_smoothing=0.2, pos_weight=3), "sigmoid", "probabilities"),
    LossCase(fp.BinaryCrossEntropy(True, pos_weight=WEIGHTS), "identity", "probabilities"),
    LossCase(fp.BinaryFocal(), "sigmoid", "probabilities"),
    LossCase(fp.BinaryFocal(1.5, None, from_logits=True), "identity", "probabilities"),
    LossCase(fp.Hinge(), targets="sides"),
    LossCase(fp.SquaredHinge(), "tanh", "sides"),
]


def data_of(case: LossCase, m: int = 21) -> tuple[Array, Array, Array]:
    """X, y and weights."""
    rng = np.random.default_rng(sum(map(ord, str(case))))
    return rng.standard_normal((m, 4)), case.y(rng, m), rng.random(m) + 0.1
