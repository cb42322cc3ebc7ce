"""What training goes down."""

from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastprop._native.layout import Objective as Laid
from fastprop._values import frozen
from fastprop.metrics._base import Metric

__all__ = ["Objective", "lay_out"]

SUMMED_TOGETHER = 256  # parameters of an array in each sum, as the engine has it


@frozen
class Objective(Metric):
    """What training goes down: the loss, and the penalty whose gradient coupled weight decay and l1 are.

    The mean over an epoch's batches, weighted by their numbers of rows, of::

        C + sum over parameter arrays of decay / 2 * sum(theta**2) + l1 * sum(|theta|)

    from before each batch's step, C being the batch's loss, and decay and l1 the optimizer's at that step for that
    array. A decoupled decay, and arrays that are frozen, add nothing. It is scikit-learn's ``loss_curve_``. Training
    alone has one; validation and `Trainer.evaluate` leave it out.

    Examples
    --------
    >>> import fastprop as fp
    >>> model = fp.Sequential([fp.Dense(1, use_bias=False)], n_inputs=1, dtype="float64")
    >>> model.theta = [3.0]
    >>> trainer = fp.Trainer(model, "mse", fp.SGD(0.1, weight_decay=0.5), metrics=[fp.metrics.Objective()])
    >>> trainer.partial_fit([[1.0]], [5.0])                                 # 4, and 0.5 / 2 * 3**2 with it
    {'loss': 4.0, 'objective': 6.25}
    """

    name: ClassVar[str] = "objective"
    larger_is_better: ClassVar[bool] = False

    def __call__(self, o: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        raise TypeError("the objective is of weights as well as of outputs: only training can tell it")


def lay_out(places: NDArray[np.int64], n_epochs: int) -> Laid:
    """For the engine; places (n_arrays, 2) are each parameter array's start in theta and size."""
    n_blocks = sum(-(-size // SUMMED_TOGETHER) for _, size in places.tolist())
    return Laid(np.zeros((n_epochs, 2)), places, np.zeros(n_blocks), np.zeros(n_blocks))
