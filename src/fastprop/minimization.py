"""Training by SciPy's L-BFGS: all rows at once, a line search for each step, no rate to choose. For small networks and
data, to the last digit of the minimum.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastprop import _checks, losses
from fastprop._rows import Rows
from fastprop._values import frozen
from fastprop.gradients import into
from fastprop.losses import Loss
from fastprop.model import Sequential, aligned

__all__ = ["Minimization", "minimize"]

Array = NDArray[Any]


@frozen
class Minimization:
    """How a minimization ended; the network holds the best theta that was found.

    Attributes
    ----------
    loss : float
        What was minimized at the end, with its l2.
    converged : bool
        Whether a tolerance was met; else an iteration or a call too many would have been needed, or `callback` stopped.
    message : str
        SciPy's.
    n_iterations, n_evaluations : int
        Steps, and losses computed with their gradients for them.
    losses : tuple of float
        What was minimized, after each step.
    """

    loss: float
    converged: bool
    message: str
    n_iterations: int
    n_evaluations: int
    losses: tuple[float, ...]

    def __repr__(self) -> str:
        how = "converged" if self.converged else "not converged"
        return f"<Minimization: loss {self.loss:.6g}, {how}, {self.n_iterations} iterations>"


def minimize(
    model: Sequential,
    X: Any,
    y: Any,
    loss: str | Loss,
    *,
    sample_weight: Any = None,
    l2: float = 0.0,
    max_iterations: int = 200,
    max_evaluations: int = 15000,
    tolerance: float = 1e-4,
    loss_tolerance: float = 64 * np.finfo(float).eps,
    history_size: int = 10,
    callback: Callable[[int, float], Any] | None = None,
) -> Minimization:
    """Minimize the loss on all rows by L-BFGS, in place: ``C(theta) + l2 / 2 * sum(W**2)`` over all weights W,
    embeddings among them.

    theta is float64 while SciPy works on it, the loss and its gradient of the network's type: in float32 they have some
    7 digits, and smaller tolerances are not met. Layers do as they do when they predict: Dropout drops nothing. Of an
    interrupt, by Ctrl-C or an error in `callback`, the network is left as it was before the call.

    Parameters
    ----------
    model : Sequential
        Trained in place, from its theta on.
    X, y, sample_weight
        As for `Trainer.fit`.
    loss : str or Loss
    l2 : float, default 0.0
        Pull of the weights and embeddings, not the biases, towards 0. scikit-learn's ``alpha`` is ``l2 * m`` for m
        rows.
    max_iterations, max_evaluations : int, default 200, 15000
        Steps, and losses computed for them, at most.
    tolerance : float, default 1e-4
        Converged once no component of the gradient is larger; SciPy's ``gtol``.
    loss_tolerance : float, default 64 times float64's unit roundoff, 1.4e-14
        Converged once a step makes the loss smaller by no more than this share of it; SciPy's ``ftol``.
    history_size : int, default 10
        Steps from which the curvature is estimated.
    callback : function (iteration, loss), optional
        Called after each step, with the network as it is then; True stops.

    Returns
    -------
    Minimization

    Raises
    ------
    TypeError, ValueError
        For data or settings that do not fit; nothing is changed then.
    ImportError
        Without SciPy: ``pip install 'fastprop-nn[scipy]'``.

    References
    ----------
    D. C. Liu & J. Nocedal (1989), "On the Limited Memory BFGS Method for Large Scale Optimization", Mathematical
    Programming 45, 503-528; ``scipy.optimize.minimize(method="L-BFGS-B")``, as scikit-learn's solver "lbfgs" calls it.

    Examples
    --------
    >>> import fastprop as fp
    >>> model = fp.mlp(1, 1, dtype="float64")
    >>> result = fp.minimize(model, [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0], "mse", tolerance=1e-10)     # y = 2 x + 1
    >>> result.converged, model.theta.round(6)
    (True, array([2., 1.]))
    """
    loss = losses.get(loss)
    loss.check_output(model.output_activation, model.n_outputs)
    data = Rows.check(model, loss, X, y, sample_weight)
    options = {
        "maxiter": _checks.integer("max_iterations", max_iterations),
        "maxfun": _checks.integer("max_evaluations", max_evaluations),
        "gtol": _checks.number("tolerance", tolerance, low=0),
        "ftol": _checks.number("loss_tolerance", loss_tolerance, low=0),
        "maxcor": _checks.integer("history_size", history_size),
    }
    pull = _checks.number("l2", l2, low=0) * _weights(model)
    if callback is not None and not callable(callback):
        raise TypeError(f"callback is a function of (iteration, loss), not {_checks.describe(callback)}")
    if not model.training_lock().acquire(blocking=False):
        raise RuntimeError("the model is being trained in another thread; wait for it, or minimize a copy of it")
    before = model.theta.copy()
    try:
        return _run(model, data, loss, pull, options, callback)
    except BaseException:
        model.theta[:] = before
        raise
    finally:
        model.training_lock().release()


def _weights(model: Sequential) -> Array:
    """1 for each weight of theta, embeddings' too, 0 for what is none."""
    mask = np.zeros(model.n_params)
    for array in model.parameter_arrays:
        if array.kind in ("weight", "embedding"):
            mask[array.start : array.start + int(np.prod(array.shape))] = 1
    return mask


def _run(
    model: Sequential, data: Rows, loss: Loss, pull: Array, options: dict[str, Any], callback: Any
) -> Minimization:
    try:
        from scipy import optimize  # only this needs it
    except ImportError:
        raise ImportError("minimize needs SciPy: pip install 'fastprop-nn[scipy]'") from None
    grad = aligned(model.n_params, model.dtype)
    seen: list[float] = []

    def value(theta: Array) -> tuple[float, Array]:
        model.theta[:] = theta
        return into(model, data, loss, grad) + 0.5 * float(pull @ (theta * theta)), grad + pull * theta

    def after_step(intermediate_result: Any) -> None:
        seen.append(float(intermediate_result.fun))
        if callback is not None:
            model.theta[:] = intermediate_result.x
            if callback(len(seen), seen[-1]):
                raise StopIteration

    found = optimize.minimize(
        value, model.theta.astype(float), jac=True, method="L-BFGS-B", options=options, callback=after_step
    )
    model.theta[:] = found.x
    return Minimization(
        float(found.fun), bool(found.success), str(found.message), int(found.nit), int(found.nfev), tuple(seen)
    )
