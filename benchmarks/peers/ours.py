"""fastprop itself."""

from collections.abc import Callable

import fastprop as fp
from cases import MOMENTUM, Array, Case

DISTRIBUTIONS = ("fastprop-nn",)


def model_of(case: Case, theta: Array) -> fp.Sequential:
    output = "softmax" if case.loss == "cross_entropy" else "identity"
    model = fp.mlp(*case.sizes, activation=case.activation, output=output, dtype=case.dtype)
    model.theta = theta
    return model


class Training:
    """`fit`, which draws its order by itself: philox.permutation(0, epoch, rows), and no other can be asked for."""

    def __init__(self, case: Case, theta: Array, X: Array, y: Array, learning_rate: float) -> None:
        self.X, self.y, self.batch_size = X, y, case.batch_size
        self.trainer = fp.Trainer(model_of(case, theta), case.loss, fp.SGD(learning_rate, momentum=MOMENTUM))

    def epoch(self, order: Array | None = None) -> None:
        self.trainer.fit(self.X, self.y, batch_size=self.batch_size, progress=False)

    def theta(self) -> Array:
        return self.trainer.model.theta


def predictor(case: Case, theta: Array) -> Callable[[Array], Array]:
    return model_of(case, theta).predict
