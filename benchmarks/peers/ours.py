"""fastprop itself."""

from collections.abc import Callable

import fastprop as fp
from cases import COSINE_STEPS, MOMENTUM, Array, Case

DISTRIBUTIONS = ("fastprop-nn",)


def model_of(case: Case, theta: Array) -> fp.Sequential:
    output = "softmax" if case.loss == "cross_entropy" else "identity"
    layers: list[fp.layers.Layer] = []
    for units in case.sizes[1:-1]:
        layers.append(fp.Dense(units, case.activation))
        if case.dropout:
            layers.append(fp.Dropout(case.dropout))
    model = fp.Sequential([*layers, fp.Dense(case.sizes[-1], output)], n_inputs=case.sizes[0], dtype=case.dtype)
    model.theta = theta
    return model


def optimizer_of(case: Case, learning_rate: float) -> fp.optimizers.Optimizer:
    if case.recipe == "adam cosine":
        return fp.Adam(fp.CosineDecay(learning_rate, total_steps=COSINE_STEPS))
    return fp.SGD(learning_rate, momentum=MOMENTUM)


class Training:
    """`fit`, which draws its order by itself: philox.permutation(0, epoch, rows), and no other can be asked for."""

    def __init__(self, case: Case, theta: Array, X: Array, y: Array, learning_rate: float) -> None:
        self.X, self.y, self.batch_size = X, y, case.batch_size
        self.trainer = fp.Trainer(model_of(case, theta), case.loss, optimizer_of(case, learning_rate))

    def epoch(self, order: Array | None = None) -> None:
        self.epochs(1)

    def epochs(self, count: int) -> None:
        self.trainer.fit(self.X, self.y, epochs=count, batch_size=self.batch_size, progress=False)

    def theta(self) -> Array:
        return self.trainer.model.theta


def predictor(case: Case, theta: Array) -> Callable[[Array], Array]:
    return model_of(case, theta).predict
