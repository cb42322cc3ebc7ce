"""MLPRegressor."""

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy
from sklearn.base import RegressorMixin
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if

import fastprop as fp
from fastprop import losses
from fastprop.activations import Activation
from fastprop.losses import Loss
from fastprop.sklearn._base import BaseMLP, store
from fastprop.sklearn._parameters import REGRESSOR
from fastprop.sklearn._training import Rows

__all__ = ["MLPRegressor"]

Array = NDArray[Any]

MOST_OUTPUTS = 64  # of a loss for each target


class MLPRegressor(RegressorMixin, BaseMLP):
    """A multilayer perceptron for numbers, with the parameters, the defaults and the trajectory of scikit-learn's.

    Parameters
    ----------
    loss : "squared_error", "poisson", another name or a Loss, default "squared_error"
        Half the squared error, or half the Poisson deviance with an exponential output. Of the core's any of numbers,
        as it is there: "huber", ``Quantile([0.1, 0.5, 0.9])``, ...; those of a mean above 0 get an exponential output,
        and those with several outputs for a target give all of them.
    hidden_layer_sizes : int or sequence of int, default (100,)
        Units of each hidden layer.
    activation : str, Activation or list of them, default "relu"
        "identity", "logistic", "tanh", "relu", or any of the core's, by name or object; in a list one for each hidden
        layer.
    solver : {"adam", "sgd", "lbfgs"}, another name or an Optimizer, default "adam"
        The first three in scikit-learn's forms. The core's others bring their own weight decay, so that ``alpha`` has
        no part in them; by name they take ``learning_rate_init``, as an object their own rate.
    alpha : float, default 0.0001
        L2 penalty of the weights: ``alpha / 2 * sum(W**2)`` over the weights of the batch's rows.
    batch_size : int or "auto", default "auto"
        "auto" is 200, or all rows where there are fewer.
    learning_rate : {"constant", "invscaling", "adaptive"} or Schedule, default "constant"
        The modes are for solver="sgd" alone. A schedule of the core's is the rate itself, for "sgd" and "adam".
    learning_rate_init : float, default 0.001
    power_t : float, default 0.5
        For "invscaling": after each epoch the rate is ``learning_rate_init / (t_ + 1)**power_t``.
    max_iter : int, default 200
        Epochs, or iterations of "lbfgs".
    shuffle : bool, default True
    random_state : int, RandomState or None
        Initial weights, held-out rows and shuffles are drawn from it in scikit-learn's order.
    tol : float, default 1e-4
        The least improvement of the training loss, or with early stopping of the score, that counts.
    verbose : bool, int or "progress", default False
        Print each epoch's loss, or show a progress bar.
    warm_start : bool, default False
        Go on from the last fit, with the optimizer's state.
    momentum, nesterovs_momentum
        Of "sgd".
    early_stopping : bool, default False
        Hold out rows, score them after each epoch, and end with the best weights.
    validation_fraction : float, default 0.1
        Share of the rows that are held out; unused where ``fit`` is given ``X_val``.
    beta_1, beta_2, epsilon
        Of "adam".
    n_iter_no_change : int or inf, default 10
        Epochs without improvement after which training stops.
    max_fun : int, default 15000
        Calls of the loss by "lbfgs".
    dropout : float, default 0.0
        Rate of a Dropout after each hidden layer.
    batch_norm : bool, default False
        A BatchNorm between each hidden layer and its activation.
    scoring : str, callable or None
        scikit-learn's name of the held-out rows' score, "loss", or a scorer; R2 by default.
    callbacks : list of fastprop.Callback, optional
        Hear of training. They are used as they are, not cloned with the estimator's data.
    max_seconds : float, optional
        Ends training after so long, in the middle of an epoch if need be.
    n_threads : int, optional
        The most threads; all that the process may use by default. Results are the same bits with any number.
    categorical_features : list of int, list of str, mask (n_features,), "from_dtype" or None, default None
        Columns whose values are categories, by number or name, or those of a frame's categorical and enum types: each
        goes through an embedding, a vector to each category that is learnt. See docs/sklearn.md.
    embedding_dim : int, list of int or "auto", default "auto"
        The vectors' length, for all such columns or for each; "auto" is fastai's ``min(600, round(1.6 * n**0.56))`` for
        n categories, missing counted as one.

    Attributes
    ----------
    coefs_, intercepts_ : list of array
        Views of the network's weights and biases: writing into them changes the model, and so does replacing them.
    loss_, best_loss_, loss_curve_, n_iter_, t_, n_layers_, n_outputs_, out_activation_
    validation_scores_, best_validation_score_, n_features_in_, feature_names_in_
        As scikit-learn's.
    validation_loss_curve_ : list of float or None
        The held-out rows' loss after each epoch.
    is_categorical_ : array (n_features,) of bool, or None
    categories_ : list of array (n_categories,)
        Of each column of categories, sorted.
    embeddings_ : list of array (n_categories + 2, width)
        A vector for each of them, one for missing and one for unknown values: views, as ``coefs_``. The first layer
        takes the other columns, then these columns' vectors.

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> X, y = make_regression(200, 5, random_state=0)
    >>> model = MLPRegressor(loss="huber", solver="lbfgs", alpha=1.0, max_iter=2000, random_state=0).fit(X, y / y.std())
    >>> bool(model.score(X, y / y.std()) > 0.99)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = REGRESSOR

    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: Any = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: Any = 10,
        max_fun: int = 15000,
        dropout: float = 0.0,
        batch_norm: bool = False,
        scoring: Any = None,
        callbacks: Any = None,
        max_seconds: float | None = None,
        n_threads: int | None = None,
        categorical_features: Any = None,
        embedding_dim: Any = "auto",
    ) -> None:
        store(self, locals())

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, X_val: Any = None, y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Any:  # fmt: skip
        """Train on X (m, n_features), dense, sparse or a frame, and y.

        Parameters
        ----------
        sample_weight : array (m,), optional
            Rows' weights; a batch's loss is divided by the sum of its weights.
        X_val, y_val, sample_weight_val : optional
            Rows to score after each epoch; with early stopping they decide instead of a share of X.
        """
        given = X_val is not None or y_val is not None
        return self._fit(X, y, sample_weight, held_out=(X_val, y_val, sample_weight_val) if given else None)

    @available_if(lambda estimator: estimator._check_solver())
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """One epoch over these rows, going on from the last call. Not for solver="lbfgs"."""
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> Array:
        """The outputs, (m,) or (m, n_outputs)."""
        o = self._outputs(X)
        return o[:, 0] if o.shape[1] == 1 else o

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Array]:
        X, y = self._validate(X, y, reset, y_numeric=True)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return X, self._encode(y)

    def _encode(self, y: Any) -> Array:
        return y.reshape(-1, 1) if y.ndim == 1 else y

    def _targets(self, Y: Array) -> Array:
        return Y

    def _output(self, n_columns: int) -> tuple[int, str | Activation, Loss]:
        if isinstance(self.loss, str) and self.loss == "squared_error":
            return n_columns, "identity", 0.5 * fp.MSE()
        if isinstance(self.loss, str) and self.loss == "poisson":
            return n_columns, "exp", n_columns * fp.Poisson(log_input=False, epsilon=1e-30)
        loss = losses.get(self.loss)
        if loss.targets != "values":
            raise ValueError(f"loss={self.loss!r} is for classes; MLPRegressor takes losses of numbers")
        n_outputs = next((n for n in _multiples(n_columns) if _takes(loss, n, n_columns)), n_columns)
        if hasattr(loss, "log_input"):
            return n_outputs, "exp", replace(loss, log_input=False)  # type: ignore[type-var]
        return n_outputs, "identity", loss

    def _offsets(self, Y: Array) -> Array | None:
        """scikit-learn's Poisson loss is a half deviance, with what depends on y alone."""
        if isinstance(self.loss, str) and self.loss == "poisson":
            return np.asarray((xlogy(Y, Y) - Y).sum(axis=1), dtype=float)
        return None

    def _default_score(self, o: Array, data: Rows) -> float:
        return fp.metrics.R2()(o, data.Y, data.weights)


def _multiples(n: int) -> range:
    return range(n, MOST_OUTPUTS * n + 1, n)


def _takes(loss: Loss, n_outputs: int, n_targets: int) -> bool:
    try:
        return loss.n_targets(n_outputs) == n_targets
    except ValueError:
        return False
