"""Derivatives for users beside the gradient that training follows (`fastprop.gradients`): with respect to the inputs,
for each row, for each output, and along a direction twice.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastprop import _checks, losses
from fastprop._arithmetic import standard_arithmetic
from fastprop._rows import Rows
from fastprop._slices import row_slices
from fastprop.gradients import float64_twin, into
from fastprop.losses import Loss
from fastprop.model import Sequential, aligned

__all__ = ["hessian_vector_product", "input_gradient", "jacobian", "row_gradient_norms", "row_gradients"]

Array = NDArray[Any]

GRADIENTS_AT_ONCE = 1 << 22  # reals, 16 MB of floats: where only their norms are wanted


def input_gradient(
    model: Sequential, X: Any, y: Any, loss: str | Loss, *, sample_weight: Any = None
) -> tuple[float, Array]:
    """The loss on all rows of X as one batch, and its gradient with respect to X, ``dC/dX``.

    C is the mean over the rows, so that row i of the gradient is ``w_i / sum(w)`` times that of the row's own loss.

    Parameters
    ----------
    model : Sequential
        Unchanged.
    X, y, sample_weight
        As for `Trainer.fit`.
    loss : str or Loss

    Returns
    -------
    loss : float
    dX : array (m, n_inputs)
        In the network's type.

    Raises
    ------
    TypeError, ValueError
        For data that do not fit the network.

    Examples
    --------
    >>> import fastprop as fp
    >>> model = fp.Sequential([fp.Dense(1, use_bias=False)], n_inputs=2, dtype="float64")
    >>> model.layers[0].W = [[3.0], [1.0]]                              # o = 3 x_0 + x_1
    >>> input_gradient(model, [[2.0, 0.0]], [5.0], "mse")               # 2 (6 - 5) W
    (1.0, array([[6., 2.]]))
    """
    loss, data = _checked(model, X, y, loss, sample_weight)
    dX = aligned(len(data) * model.n_inputs, model.dtype).reshape(len(data), model.n_inputs)
    sums = np.zeros(3)
    with model._learning_plan(data.X, len(data), loss.kernel(model.n_outputs), (), True, training=False) as plan:
        plan.input_gradient(model.theta, model._numbers, dX, data.X, data.y, data.w, sums, data.mean_w)
    return float(sums[1] / sums[0]), dX


def jacobian(model: Sequential, X: Any) -> Array:
    """The derivatives of each row's outputs with respect to its inputs, ``J[i, j, k] = do_j / dx_k`` at row i of X.

    Parameters
    ----------
    model : Sequential
        Unchanged.
    X : array (m, n_inputs)
        As for `Sequential.predict`.

    Returns
    -------
    array (m, n_outputs, n_inputs)
        In the network's type. A row's are the same bits alone as among others.

    Raises
    ------
    TypeError, ValueError
        For an X that does not fit the network.
    MemoryError
        If there is no room for so many numbers.

    Examples
    --------
    >>> import fastprop as fp
    >>> model = fp.Sequential([fp.Dense(1, "tanh", use_bias=False)], n_inputs=2, dtype="float64")
    >>> model.layers[0].W = [[3.0], [1.0]]
    >>> jacobian(model, [[0.0, 0.0]])                                   # tanh'(0) = 1
    array([[[3., 1.]]])
    """
    X = _checks.features("X", X, model.n_inputs, model.dtype)
    n_outputs, n_inputs = model.n_outputs, model.n_inputs
    count = len(X) * n_outputs * n_inputs
    _checks.room(f"a Jacobian of {len(X):,} x {n_outputs:,} x {n_inputs:,} numbers", count * model.dtype.itemsize)
    J = aligned(count, model.dtype).reshape(len(X), n_outputs * n_inputs)
    with model._forward_plan(X, None, (), True) as plan:
        for rows in row_slices(len(X), model._work):
            plan.jacobian(model.theta, model._numbers, J[rows], X[rows])
    return J.reshape(len(X), n_outputs, n_inputs)


def row_gradients(model: Sequential, X: Any, y: Any, loss: str | Loss) -> Array:
    """The gradient of each row's own loss, ``dC_i/dtheta``: what `gradient` gives for the row alone.

    Parameters
    ----------
    model : Sequential
        Unchanged.
    X, y
        As for `Trainer.fit`.
    loss : str or Loss

    Returns
    -------
    array (m, n_params)
        Row by row in theta's order; their mean over the rows is the gradient of the batch, to rounding.

    Raises
    ------
    TypeError, ValueError
        For data that do not fit the network.
    MemoryError
        If there is no room for so many numbers.

    Examples
    --------
    >>> import fastprop as fp
    >>> model = fp.Sequential([fp.Dense(1, use_bias=False)], n_inputs=1, dtype="float64")
    >>> model.layers[0].W = [[3.0]]
    >>> row_gradients(model, [[2.0], [1.0]], [5.0, 5.0], "mse")         # 2 (o - y) x
    array([[ 4.],
           [-4.]])
    """
    loss, data = _checked(model, X, y, loss)
    n_bytes = len(data) * model.n_params * model.dtype.itemsize
    _checks.room(f"gradients of {len(data):,} rows by {model.n_params:,} parameters", n_bytes)
    grads = aligned(len(data) * model.n_params, model.dtype).reshape(len(data), model.n_params)
    _rows_into(model, data, loss, grads)
    return grads


def row_gradient_norms(model: Sequential, X: Any, y: Any, loss: str | Loss) -> Array:
    """The Euclidean length of each row's own gradient, ``|dC_i/dtheta|``, without keeping the gradients.

    Large for rows that are hard, or wrong: for sampling by importance, finding mislabelled rows, private training.

    Parameters
    ----------
    model, X, y, loss
        As for `row_gradients`.

    Returns
    -------
    array (m,)
        In float64.

    Raises
    ------
    TypeError, ValueError
        For data that do not fit the network.

    Examples
    --------
    >>> import fastprop as fp
    >>> model = fp.Sequential([fp.Dense(1)], n_inputs=1, dtype="float64")
    >>> model.layers[0].W = [[0.0]]
    >>> row_gradient_norms(model, [[3.0]], [-2.0], "mse")               # of 4 x and 4, x = 3
    array([12.64911064])
    """
    loss, data = _checked(model, X, y, loss)
    at_once = max(1, min(len(data), GRADIENTS_AT_ONCE // model.n_params))
    grads = aligned(at_once * model.n_params, model.dtype).reshape(at_once, model.n_params)
    squares = np.zeros(len(data))
    for first in range(0, len(data), at_once):
        part = data.part(slice(first, first + at_once))
        _rows_into(model, part, loss, grads[: len(part)])
        squares[first : first + at_once] = _sums_of_squares(grads[: len(part)])
    return np.sqrt(squares)


def hessian_vector_product(
    model: Sequential, X: Any, y: Any, loss: str | Loss, vector: Any, *, sample_weight: Any = None, step: float = 1e-3
) -> Array:
    """The Hessian of the loss times a vector, ``H v = d/dt dC/dtheta(theta + t v)`` at t = 0, without making H.

    From four exact gradients in float64, by the central difference of fourth order (Fornberg 1988)::

        H v = (8 (g(t) - g(-t)) - (g(2 t) - g(-2 t))) / (12 t),       t = step / |v|_max

    Its error is about ``t**4`` times the fourth derivative along v, and ``1e-16 / t`` times the gradient: a relative
    1e-11 or so for smooth networks of ordinary size. Where a relu changes sides within 2 t the result is that of a
    smoothed corner; a smaller step makes this rarer. A float32 network is treated as its float64 copy.

    Parameters
    ----------
    model, X, y, loss, sample_weight
        As for `gradient`; the model is unchanged.
    vector : array (n_params,)
        In theta's order.
    step : float, default 1e-3
        How far the parameter of v's largest element is moved.

    Returns
    -------
    array (n_params,)
        In float64.

    Raises
    ------
    TypeError, ValueError
        For data that do not fit the network, or a vector of another length.

    References
    ----------
    B. A. Pearlmutter (1994), "Fast Exact Multiplication by the Hessian", Neural Computation 6(1), 147-160.
    B. Fornberg (1988), "Generation of Finite Difference Formulas on Arbitrarily Spaced Grids", Math. Comp. 51, 699-706.

    Examples
    --------
    >>> import fastprop as fp
    >>> model = fp.Sequential([fp.Dense(1, use_bias=False)], n_inputs=1, dtype="float64")
    >>> hessian_vector_product(model, [[2.0]], [5.0], "mse", [1.0]).round(9)        # C = (2 W - 5)**2
    array([8.])
    """
    step = _checks.number("step", step, low=1e-8, high=1.0)
    direction = _checks.values("vector", vector, 1, np.dtype(np.float64))[:, 0]
    if len(direction) != model.n_params:
        raise ValueError(f"vector has {len(direction)} numbers, but the network has {model.n_params} parameters")
    twin = float64_twin(model)
    loss, data = _checked(twin, X, y, loss, sample_weight)
    largest = np.abs(direction).max()
    if largest == 0:
        return np.zeros(model.n_params)
    t = step / largest
    middle = twin.theta.copy()
    grads = {}
    for multiple in (-2, -1, 1, 2):
        twin.theta[:] = middle + multiple * t * direction
        grads[multiple] = np.empty_like(middle)
        into(twin, data, loss, grads[multiple])
    return np.asarray((8 * (grads[1] - grads[-1]) - (grads[2] - grads[-2])) / (12 * t))


def _checked(model: Sequential, X: Any, y: Any, loss: str | Loss, sample_weight: Any = None) -> tuple[Loss, Rows]:
    loss = losses.get(loss)
    loss.check_output(model.output_activation, model.n_outputs)
    return loss, Rows.check(model, loss, X, y, sample_weight)


def _rows_into(model: Sequential, data: Rows, loss: Loss, grads: Array) -> None:
    with model._plan(data.X, 1, 1, loss.kernel(model.n_outputs)) as plan:
        plan.gradient(model.theta, model._numbers, grads, data.X, data.y, data.w, model.seed, np.zeros(3), data.mean_w)


@standard_arithmetic()
def _sums_of_squares(rows: Array) -> Array:
    """Each row's, in float64, from left to right: the same bits on every machine."""
    squares = rows.astype(np.float64) ** 2
    return np.asarray(np.add.accumulate(squares, axis=1)[:, -1])
