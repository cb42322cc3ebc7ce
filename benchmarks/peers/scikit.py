"""scikit-learn's MLPClassifier and MLPRegressor, a partial_fit per epoch."""

from collections.abc import Callable

import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor

from cases import LEARNING_RATE, MOMENTUM, Array, Case

DISTRIBUTIONS = ("scikit-learn", "scipy")


def estimator_of(case: Case, theta: Array, learning_rate: float) -> MLPClassifier | MLPRegressor:
    """Built by one step on two rows, then given these parameters and no velocity.

    Its squared error is halved and summed over the outputs, so that the same step has a rate 2 / n_out as large.
    """
    classifies = case.loss == "cross_entropy"
    kind, share = (MLPClassifier, 1) if classifies else (MLPRegressor, 2 / case.sizes[-1])
    estimator = kind(
        hidden_layer_sizes=case.sizes[1:-1], activation=case.activation, solver="sgd", alpha=0,
        batch_size=case.batch_size, learning_rate_init=share * learning_rate, momentum=MOMENTUM,
        nesterovs_momentum=False, random_state=0,
    )  # fmt: skip
    X, y = Case(case.name, case.sizes, case.activation, case.loss, 2, case.dtype).data(1)
    with np.errstate(all="ignore"):
        estimator.set_params(batch_size=2).partial_fit(X, column(y), **classes(case))
    estimator.set_params(batch_size=case.batch_size)
    for i, (W, b) in enumerate(case.layers(theta)):
        estimator.coefs_[i][:], estimator.intercepts_[i][:] = W, b
    for velocity in estimator._optimizer.velocities:
        velocity[:] = 0
    return estimator


def column(y: Array) -> Array:
    return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y


def classes(case: Case) -> dict[str, Array]:
    return {"classes": np.arange(case.sizes[-1])} if case.loss == "cross_entropy" else {}


class Training:
    def __init__(self, case: Case, theta: Array, X: Array, y: Array, learning_rate: float) -> None:
        self.case, self.X, self.y = case, X, column(y)
        self.estimator = estimator_of(case, theta, learning_rate)

    def epoch(self, order: Array | None = None) -> None:
        """The estimator shuffles by itself; rows in an order that is given are laid in it first."""
        X, y = (self.X, self.y) if order is None else (self.X[order], self.y[order])
        self.estimator.set_params(shuffle=order is None)
        self.estimator.partial_fit(X, y)

    def theta(self) -> Array:
        layers = zip(self.estimator.coefs_, self.estimator.intercepts_, strict=True)
        return np.concatenate([np.ravel(part) for layer in layers for part in layer])


def predictor(case: Case, theta: Array) -> Callable[[Array], Array]:
    return estimator_of(case, theta, LEARNING_RATE).predict_proba
