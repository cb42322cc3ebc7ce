"""What both estimators share: the way from parameters and data to a trained network, and the fitted attributes."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.model_selection import train_test_split
from sklearn.utils import _safe_indexing, check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

import fastprop as fp
from fastprop.activations import Activation
from fastprop.losses import Loss
from fastprop.optimizers import Optimizer
from fastprop.sklearn._batches import Batches, size_of
from fastprop.sklearn._input import BaseOfRows
from fastprop.sklearn._lbfgs import minimize
from fastprop.sklearn._network import (
    activation_named,
    build,
    dense_layers,
    hidden_activations,
    hidden_sizes,
    initialize,
    tables,
)
from fastprop.sklearn._rules import own_decay, rate_now, rule
from fastprop.sklearn._training import Rows, Watch, train

__all__ = ["BaseMLP", "store"]

Array = NDArray[Any]


class BaseMLP(BaseOfRows):
    """A network with scikit-learn's interface; `MLPClassifier` and `MLPRegressor` say what goes in and out."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]]
    _model: fp.Sequential
    _trainer: fp.Trainer | None
    _loss: Loss
    _views: dict[str, list[Array]]
    coefs_: list[Array]
    intercepts_: list[Array]
    embeddings_: list[Array]
    loss_: float
    loss_curve_: list[float]
    best_loss_: Any  # a number, or None where the validation score decides
    best_validation_score_: Any  # and the other way round
    validation_scores_: Any
    validation_loss_curve_: Any

    # What each of the two says

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, Array]:
        """X, and y as scikit-learn encodes it, (m, n)."""
        raise NotImplementedError

    def _encode(self, y: Any) -> Array:
        """More of such y, which has been validated."""
        raise NotImplementedError

    def _targets(self, Y: Array) -> Array:
        """Such y as the core takes it."""
        raise NotImplementedError

    def _output(self, n_columns: int) -> tuple[int, str | Activation, Loss]:
        """The network's outputs, their activation and the loss, for so many columns of encoded y."""
        raise NotImplementedError

    def _default_score(self, o: Array, data: Rows) -> float:
        """Of outputs on held-out rows."""
        raise NotImplementedError

    def _offsets(self, Y: Array) -> Array | None:
        """What each row's loss lacks of scikit-learn's, a constant; None for nothing."""
        return None

    def _row_weights(self, y: Any, sample_weight: Array | None) -> Array | None:
        return sample_weight

    # Fitting

    def _fit(
        self, X: Any, y: Any, sample_weight: Any, *, incremental: bool = False, held_out: tuple[Any, ...] | None = None
    ) -> Any:
        self._validate_params()
        hidden_sizes(self.hidden_layer_sizes)
        with fp.limit_threads(self.n_threads):
            self._fit_checked(X, y, sample_weight, incremental, held_out)
        if not np.isfinite(self._model.theta).all():
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large values and need to be"
                " preprocessed."
            )
        return self

    def _fit_checked(
        self, X: Any, y: Any, sample_weight: Any, incremental: bool, held_out: tuple[Any, ...] | None
    ) -> None:
        first = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        if first:
            self._learn_categories(X, sample_weight)
        X, Y = self._validate_input(X, y, incremental, reset=first)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X)
        weights = self._row_weights(y, weights)
        self._random_state = check_random_state(self.random_state)
        self._begin(X, Y, first)
        if isinstance(self.solver, str) and self.solver == "lbfgs":
            self._fit_whole(Rows(X, Y, y, weights))
        else:
            self._fit_batches(Rows(X, Y, y, weights), incremental, held_out)

    def _begin(self, X: Any, Y: Array, first: bool) -> None:
        """A network and attributes for the first call; those of the last one for others."""
        n_outputs, output, self._loss = self._output(Y.shape[1])
        if first or not hasattr(self, "_model"):
            self._begin_anew(X, Y, n_outputs, output, given=not first)
        self._follow_attributes()
        self.n_outputs_ = n_outputs
        self.n_layers_ = len(self.coefs_) + 1
        if first and self.solver != "lbfgs":
            self._begin_curves()

    def _begin_anew(self, X: Any, Y: Array, n_outputs: int, output: str | Activation, given: bool) -> None:
        """The network; its weights are drawn, or `given` already, as `coefs_` and `intercepts_`."""
        sizes = hidden_sizes(self.hidden_layer_sizes)
        hidden = hidden_activations(self.activation, len(sizes))
        whole = isinstance(self.solver, str) and self.solver == "lbfgs"
        if whole and (self.dropout or self.batch_norm):
            raise ValueError("solver='lbfgs' takes no dropout and no batch_norm, which are for training by batches")
        model = build(
            X.shape[1], sizes, hidden, n_outputs, activation_named(output), dropout=self.dropout,
            batch_norm=self.batch_norm, dtype=np.float64 if whole else X.dtype, embedding=self._embedding(),
        )  # fmt: skip
        dense = dense_layers(model)
        if given:
            for layer, W, b in zip(dense, self.coefs_, self.intercepts_, strict=True):
                layer.W, layer.b = W, b
        else:
            initialize(model, hidden, self._random_state)
            self.n_iter_ = self.t_ = 0
        seed = int(self._random_state.randint(np.iinfo(np.int32).max)) if self.dropout else 0
        self._model, self._trainer_seed = model, seed
        self._trainer = None
        self.out_activation_ = output if isinstance(output, str) else output.name
        self._bind()

    def _bind(self) -> None:
        """coefs_, intercepts_ and embeddings_ are views of the network's arrays."""
        dense = dense_layers(self._model)
        self._views = {
            "coefs_": [layer.W for layer in dense],
            "intercepts_": [layer.b for layer in dense],
            "embeddings_": tables(self._model),
        }
        self._show_views()

    def _show_views(self) -> None:
        for name, views in self._views.items():
            setattr(self, name, list(views))

    def _follow_attributes(self) -> None:
        """Take arrays that were put into coefs_, intercepts_ and embeddings_ into the network."""
        changed = False
        for name, views in self._views.items():
            for array, view in zip(getattr(self, name), views, strict=True):
                if array is not view:
                    if np.shape(array) != view.shape:
                        raise ValueError(f"an array of shape {np.shape(array)} was put in place of one of {view.shape}")
                    view[...] = array
                    changed = True
        if changed:
            self._show_views()

    def _begin_curves(self) -> None:
        self.loss_curve_ = []
        self._no_improvement_count = 0
        self.validation_scores_ = [] if self.early_stopping else None
        self.validation_loss_curve_ = [] if self.early_stopping else None
        self.best_validation_score_ = -np.inf if self.early_stopping else None
        self.best_loss_ = None if self.early_stopping else np.inf

    def _go_on_with_curves(self, validates: bool) -> None:
        """After a warm start with other settings some are wanted that were not."""
        if not hasattr(self, "loss_curve_"):
            self._begin_curves()
        if validates and self.validation_scores_ is None:
            self.validation_scores_, self.validation_loss_curve_, self.best_validation_score_ = [], [], -np.inf
        if not self.early_stopping and self.best_loss_ is None:
            self.best_loss_ = np.inf

    def _fit_whole(self, data: Rows) -> None:
        minimize(self, data.X, self._targets(data.Y), data.weights, self._offset(data))
        self._trainer = None

    def _offset(self, data: Rows) -> float:
        """What the mean loss of these rows lacks of scikit-learn's."""
        offsets = self._offsets(data.Y)
        return 0.0 if offsets is None else float(np.average(offsets, weights=data.weights))

    def _fit_batches(self, data: Rows, incremental: bool, held_out: tuple[Any, ...] | None) -> None:
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        data, validation = self._split(data, held_out)
        self._go_on_with_curves(validation is not None)
        n_rows = data.X.shape[0]
        batches = Batches(
            n_rows, size_of(self.batch_size, n_rows), data.weights, self._offsets(data.Y), self.alpha,
            self._random_state if self.shuffle else None,
        )  # fmt: skip
        trainer = self._ready_trainer(batches, incremental)
        watch = Watch(self, batches, validation, incremental)
        self.n_iter_ = 0
        train(
            trainer, data, self._targets(data.Y), watch,
            None if validation is None else self._targets(validation.Y), shuffle=self.shuffle,
        )  # fmt: skip

    def _ready_trainer(self, batches: Batches, incremental: bool) -> fp.Trainer:
        """The trainer, which keeps the optimizer's state from call to call."""
        before = self._trainer.optimizer if self._trainer is not None and incremental else None
        decay = 0.0 if own_decay(self.solver) else batches.decay(0 if self._trainer is None else self._trainer.step)
        optimizer = rule(self, rate_now(self, before), decay)
        if self._trainer is None:
            self._trainer = fp.Trainer(
                self._model, self._loss, optimizer, [fp.metrics.Objective()], seed=self._trainer_seed
            )
        elif self._trainer.optimizer != optimizer:
            self._trainer.optimizer = optimizer
        return self._trainer

    @property
    def _optimizer(self) -> Optimizer | None:
        return None if self._trainer is None else self._trainer.optimizer

    def _split(self, data: Rows, held_out: tuple[Any, ...] | None) -> tuple[Rows, Rows | None]:
        """What to train on, and what to score after each epoch: rows given for it, or with early stopping a share."""
        if held_out is not None:
            return data, self._held_out(*held_out)
        if not self.early_stopping:
            return data, None
        # The labels as they came go along for scoring; they draw no random numbers.
        labels = data.y if hasattr(data.y, "iloc") or hasattr(data.y, "tocsr") else np.asarray(data.y)
        arrays = [data.X, data.Y, np.arange(data.X.shape[0])]
        if data.weights is not None:
            arrays.insert(2, data.weights)
        parts = train_test_split(
            *arrays, random_state=self._random_state, test_size=self.validation_fraction,
            stratify=data.Y if is_classifier(self) and data.Y.shape[1] == 1 else None,
        )  # fmt: skip
        both = []
        for part in (parts[0::2], parts[1::2]):
            y = _safe_indexing(labels, part[-1])
            both.append(Rows(part[0], part[1], y, part[2] if data.weights is not None else None))
        if both[1].X.shape[0] < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
            )
        return both[0], both[1]

    def _held_out(self, X: Any, y: Any, sample_weight: Any) -> Rows:
        if X is None or y is None:
            raise ValueError("X_val and y_val go together: give both, or neither")
        X, y = self._validate(X, y, reset=False)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X)
        return Rows(X, self._encode(y), y, self._row_weights(y, weights))

    # Predicting

    def _outputs(self, X: Any) -> Array:
        """The network's outputs, (m, n)."""
        check_is_fitted(self)
        X = self._validate_rows(X)
        self._follow_attributes()
        with fp.limit_threads(self.n_threads):
            return self._model.predict(X)

    def _check_solver(self) -> bool:
        if isinstance(self.solver, str) and self.solver == "lbfgs":
            raise AttributeError(
                f"partial_fit is only available for stochastic optimizers. {self.solver} is not stochastic."
            )
        return True

    # Copies: the network holds the numbers, coefs_, intercepts_ and embeddings_ are views of them

    def __getstate__(self) -> dict[str, Any]:
        if hasattr(self, "_model"):
            self._follow_attributes()
        state = dict(super().__getstate__())
        if "_model" in state:
            for name in (*self._views, "_views"):
                state.pop(name, None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "_model" in state:
            self._bind()


def store(estimator: BaseMLP, arguments: dict[str, Any]) -> None:
    """A constructor's arguments as attributes of their names, untouched."""
    for name, value in arguments.items():
        if name not in ("self", "__class__"):
            setattr(estimator, name, value)
