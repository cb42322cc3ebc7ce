"""MLPClassifier."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d, compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target, unique_labels

import fastprop as fp
from fastprop import losses
from fastprop.activations import Activation
from fastprop.losses import Loss
from fastprop.sklearn._base import BaseMLP, store
from fastprop.sklearn._parameters import CLASSIFIER
from fastprop.sklearn._training import Rows

__all__ = ["MLPClassifier"]

Array = NDArray[Any]


class MLPClassifier(ClassifierMixin, BaseMLP):
    """A multilayer perceptron for classes, with the parameters, the defaults and the trajectory of scikit-learn's.

    Parameters
    ----------
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
    loss : "log_loss", another name or a Loss, default "log_loss"
        Of the core's, one that follows softmax, or for two classes or several labels sigmoid: "focal",
        ``CrossEntropy(label_smoothing=0.1)``, ...
    class_weight : dict, "balanced" or None
        Multiplies the rows' weights, as elsewhere in scikit-learn; those of the held-out rows too, in their loss and
        their score. "balanced" goes by all of y, and for ``y_val`` by that; it is not for ``partial_fit``.
    dropout : float, default 0.0
        Rate of a Dropout after each hidden layer.
    batch_norm : bool, default False
        A BatchNorm between each hidden layer and its activation.
    scoring : str, callable or None
        scikit-learn's name of the held-out rows' score, "loss", or a scorer; accuracy by default.
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
    classes_ : array or list of array

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> X, y = load_iris(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), MLPClassifier(activation="gelu", random_state=0, max_iter=1000))
    >>> bool(model.fit(X, y).score(X, y) > 0.95)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CLASSIFIER

    def __init__(
        self,
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
        loss: Any = "log_loss",
        class_weight: Any = None,
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
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Any:
        """One epoch over these rows, going on from the last call. Not for solver="lbfgs".

        Parameters
        ----------
        classes : array, optional
            All classes that will ever come; needed at the first call.

        Raises
        ------
        ValueError
            If ``class_weight`` is "balanced": these rows do not tell how frequent the classes are.
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "partial_fit does not support class_weight='balanced', since it sees a part of the rows; give the"
                " classes' weights as a dict, as from sklearn.utils.compute_class_weight"
            )
        if _check_partial_fit_first_call(self, classes):
            self._label_binarizer = LabelBinarizer()
            self._label_binarizer.fit(y if type_of_target(y).startswith("multilabel") else classes)
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> Array:
        """The classes, (m,), or for several labels to a row 0 or 1 for each, (m, n_labels)."""
        o = self._outputs(X)
        return self._label_binarizer.inverse_transform(self._decisions(o))

    def predict_proba(self, X: Any) -> Array:
        """The classes' probabilities, (m, n_classes)."""
        o = self._outputs(X)
        return np.hstack([1 - o, o]) if o.shape[1] == 1 else o

    def predict_log_proba(self, X: Any) -> Array:
        """Their logarithms; -inf where a probability is 0."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def _decisions(self, o: Array) -> Array:
        """Outputs as the label binarizer takes them back."""
        if self._label_binarizer.y_type_ == "binary":
            return o[:, -1]
        return o

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Array]:
        X, y = self._validate(X, y, reset)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        self._check_classes(y, incremental)
        return X, self._encode(y)

    def _check_classes(self, y: Any, incremental: bool) -> None:
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
            return
        classes = unique_labels(y)
        if self.warm_start:
            if set(classes) != set(self.classes_):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in the previous call to fit."
                    f" Previously got {self.classes_}, `y` has {classes}"
                )
        elif len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. 'y' has {classes}."
            )

    def _encode(self, y: Any) -> Array:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y)
        return np.asarray(self._label_binarizer.transform(y).astype(bool))

    def _targets(self, Y: Array) -> Array:
        if self._loss.targets == "classes":
            return Y[:, 0].astype(np.int64) if Y.shape[1] == 1 else Y.argmax(axis=1)
        return Y

    def _row_weights(self, y: Any, sample_weight: Array | None) -> Array | None:
        if self.class_weight is None:
            return sample_weight
        weights = compute_sample_weight(self.class_weight, y)
        return weights if sample_weight is None else weights * sample_weight

    def _output(self, n_columns: int) -> tuple[int, str | Activation, Loss]:
        kind = self._label_binarizer.y_type_
        if isinstance(self.loss, str) and self.loss == "log_loss":
            if kind == "multiclass":
                return n_columns, "softmax", fp.CrossEntropy()
            return (
                n_columns,
                "logistic",
                n_columns * fp.BinaryCrossEntropy() if n_columns > 1 else fp.BinaryCrossEntropy(),
            )
        loss = losses.get(self.loss)
        if loss.through is None or getattr(loss, "from_logits", False):
            raise ValueError(
                f"loss={self.loss!r} gives no probabilities; MLPClassifier takes those after softmax or sigmoid"
            )
        if loss.targets == "classes":
            if kind.startswith("multilabel"):
                raise ValueError(f"loss={self.loss!r} chooses one class, but y has several labels to a row")
            return max(n_columns, 2), "softmax", loss
        if kind == "multiclass":
            raise ValueError(f"loss={self.loss!r} is of yes or no, but y has {n_columns} classes")
        return n_columns, "logistic", loss

    def _default_score(self, o: Array, data: Rows) -> float:
        if self._label_binarizer.y_type_.startswith("multilabel"):
            return float(np.average(((o > 0.5) == data.Y).all(axis=1), weights=data.weights))
        return fp.metrics.Accuracy()(o, self._targets(data.Y), data.weights)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
