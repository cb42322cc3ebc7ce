"""solver="lbfgs": SciPy's L-BFGS-B over the core's gradient of all rows."""

import warnings
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

import fastprop as fp

if TYPE_CHECKING:
    from fastprop.sklearn._base import BaseMLP

__all__ = ["minimize"]

LOSS_TOLERANCE = 2.220446049250313e-09  # SciPy's default, which scikit-learn leaves as it is


def minimize(estimator: "BaseMLP", X: Any, y: NDArray[Any], sample_weight: NDArray[Any] | None, offset: float) -> None:
    """Train the estimator's network; `offset` is what the loss lacks of scikit-learn's."""
    total = float(X.shape[0] if sample_weight is None else sample_weight.sum())

    def tell(iteration: int, loss: float) -> None:
        print(f"Iteration {iteration}, loss = {loss + offset:.8f}")

    result = fp.minimize(
        estimator._model, X, y, estimator._loss, sample_weight=sample_weight, l2=estimator.alpha / total,
        max_iterations=estimator.max_iter, max_evaluations=estimator.max_fun, tolerance=estimator.tol,
        loss_tolerance=LOSS_TOLERANCE,
        callback=tell if estimator.verbose and not isinstance(estimator.verbose, str) else None,
    )  # fmt: skip
    estimator.n_iter_, estimator.loss_ = result.n_iterations, result.loss + offset
    if not result.converged:
        warnings.warn(
            f"lbfgs failed to converge after {result.n_iterations} iteration(s): {result.message}\nIncrease max_iter or"
            " max_fun, or scale the data.",
            ConvergenceWarning,
            stacklevel=5,
        )
