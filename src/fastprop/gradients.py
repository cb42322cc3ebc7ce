"""Looking inside: the gradient that training follows, and a check of it against differences."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastprop import _checks, losses
from fastprop._arithmetic import standard_arithmetic
from fastprop._rows import Rows
from fastprop._values import frozen
from fastprop.losses import Loss
from fastprop.model import Sequential, aligned

__all__ = ["GradientCheck", "check_gradients", "gradient"]

Array = NDArray[Any]


def gradient(
    model: Sequential, X: Any, y: Any, loss: str | Loss, *, sample_weight: Any = None, training: bool = False
) -> tuple[float, Array]:
    """The loss on all rows of X as one batch, and its gradient dC/dtheta.

    Parameters
    ----------
    model : Sequential
        Unchanged.
    X, y, sample_weight
        As for `Trainer.fit`.
    loss : str or Loss
    training : bool, default False
        Whether layers do as they do while training: whether a Dropout draws its mask, that of a first step with the
        model's seed, and a BatchNorm takes the batch's own mean and variance. Nothing is changed either way.

    Returns
    -------
    loss : float
    grad : array (n_params,)
        In theta's order: layer by layer dC/dW, then dC/db.

    Raises
    ------
    TypeError, ValueError
        For data that do not fit the network.

    Examples
    --------
    >>> import fastprop as fp
    >>> model = fp.Sequential([fp.Dense(1, use_bias=False)], n_inputs=1, dtype="float64")
    >>> model.layers[0].W = [[3.0]]                                     # o = 3 x
    >>> gradient(model, [[2.0]], [5.0], "mse")                          # (6 - 5)**2, and 2 (6 - 5) x
    (1.0, array([4.]))
    """
    loss = losses.get(loss)
    loss.check_output(model.output_activation, model.n_outputs)
    data = Rows.check(model, loss, X, y, sample_weight)
    grad = aligned(model.n_params, model.dtype)
    return into(model, data, loss, grad, training=_checks.flag("training", training)), grad


@standard_arithmetic()
def into(model: Sequential, data: Rows, loss: Loss, grad: Array, *, training: bool = False) -> float:
    """The loss; grad (n_params,) becomes its gradient."""
    sums = np.zeros(3)
    with model._learning_plan(data.X, len(data), loss.kernel(model.n_outputs), training=training) as plan:
        plan.gradient(
            model.theta, model._numbers, grad[np.newaxis], data.X, data.y, data.w, model.seed, sums, data.mean_w
        )
    return float(sums[1] / sums[0])


def float64_twin(model: Sequential) -> Sequential:
    """The same network in float64."""
    descriptions = [layer.description for layer in model.layers]
    twin = Sequential(descriptions, n_inputs=model.n_inputs, dtype="float64", seed=model.seed)
    twin.theta[:] = model.theta
    twin.buffers[:] = model.buffers
    return twin


@frozen
class GradientCheck:
    """How far the gradient is from central differences.

    Attributes
    ----------
    relative_error : float
        ``max |grad - differences| / max(|grad|, |differences|)``, with the largest in the denominator too: one number
        for the whole gradient.
    grad, differences : array (n_params,)
    """

    relative_error: float
    grad: Array
    differences: Array

    def __repr__(self) -> str:
        return f"<GradientCheck of {self.grad.size} parameters: relative error {self.relative_error:.2g}>"


def check_gradients(
    model: Sequential,
    X: Any,
    y: Any,
    loss: str | Loss,
    *,
    sample_weight: Any = None,
    step: float = 1e-5,
    training: bool = False,
) -> GradientCheck:
    """Compare the gradient with central differences, ``(C(theta + h) - C(theta - h)) / (2 h)``, in float64.

    A float32 network is checked as its float64 copy: differences in float32 would tell nothing. At a corner of relu the
    differences mean nothing; with random weights none is met.

    Parameters
    ----------
    model, X, y, loss, sample_weight, training
        As for `gradient`; the model is unchanged.
    step : float, default 1e-5
        h, times the larger of 1 and the parameter's size.

    Returns
    -------
    GradientCheck

    Examples
    --------
    >>> import fastprop as fp
    >>> model = fp.mlp(3, 4, 2, activation="tanh")
    >>> check_gradients(model, [[0.1, 0.2, 0.3]], [[1.0, 0.0]], "mse").relative_error < 1e-8
    True
    """
    step = _checks.number("step", step, low=1e-12, high=1.0)
    twin = float64_twin(model)
    _, grad = gradient(twin, X, y, loss, sample_weight=sample_weight, training=training)
    loss = losses.get(loss)
    data = Rows.check(twin, loss, X, y, sample_weight)
    differences, unused = np.empty_like(grad), np.empty_like(grad)
    for i, value in enumerate(twin.theta.tolist()):
        h = step * max(1.0, abs(value))
        twin.theta[i] = above = value + h
        higher = into(twin, data, loss, unused, training=training)
        twin.theta[i] = below = value - h
        lower = into(twin, data, loss, unused, training=training)
        twin.theta[i] = value
        differences[i] = (higher - lower) / (above - below)
    size = max(np.abs(grad).max(), np.abs(differences).max())
    error = float(np.abs(grad - differences).max() / size) if size else 0.0
    return GradientCheck(error, grad, differences)
