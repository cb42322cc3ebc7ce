"""Tables: from a data frame of numbers and text to a trained network that answers in the table's own terms.

columns.py turns the columns into numbers. A target of classes becomes labels under a softmax; a target of numbers is
standardised too, and predictions are turned back. The command line in cli.py is a thin layer over `TableModel`. Needs
pandas: ``pip install 'fastprop-nn[csv]'``.
"""

import dataclasses
import difflib
import json
import warnings
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastprop import _checks, serialization
from fastprop._native import philox
from fastprop._values import frozen
from fastprop.columns import (
    Column,
    column_from,
    counted,
    encode_table,
    import_pandas,
    kind_of,
    learn_columns,
    listed,
    mean_and_std,
    nearly_numbers,
    to_numbers,
    to_texts,
)
from fastprop.model import Sequential, mlp
from fastprop.optimizers import SGD
from fastprop.trainer import Trainer

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TableModel"]

Array = NDArray[Any]
Task: TypeAlias = Literal["classification", "regression"]
Label: TypeAlias = str | bool | int | float

MIN_ROWS = 10
FEW_VALUES, FEW_SHARE = 20, 0.05  # as many different whole numbers, in as many rows, are classes

# Chosen on scikit-learn's iris, wine, breast_cancer and diabetes, and on made tables of up to 50,000 rows, some of
# them heavy-tailed. There tanh never diverged, ReLU did; and a decay that shrinks with the rows, as a fixed prior on
# the weights does, served 350 rows and 40,000 alike.
HIDDEN = (64, 64)
ACTIVATION = "tanh"
LEARNING_RATE = 0.01
MOMENTUM = 0.9
DECAY_ROWS = 4.0  # weight_decay is this over the training rows
SMALL_TABLE = 5000  # training rows; below, batches are small and the epochs are chosen by 5 folds instead of 1
FOLDS = 5
MAX_STEPS, MIN_EPOCHS, MAX_EPOCHS = 20_000, 20, 200
SPLIT, FOLD = 2**32 - 1, 2**32 - 2  # streams of random numbers, far from the trainer's, which are the epochs


# The model


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TableModel:
    """A network with all it needs to go from a table to answers: made by `fit` or `load`.

    Attributes
    ----------
    network : Sequential
    columns : tuple of Numbers or Categories
        What each column of a table becomes for the network; columns not named here are not looked at.
    target : str
        The column that is predicted.
    classes : tuple of str, bool, int or float, or None
        The labels in order; None for a regression.
    mean, std : float
        For a regression, of the target's training rows.
    epochs : int
        How many were trained.
    held_out : dict
        The score on the rows held out: "rows"; "accuracy" and "baseline", the accuracy of always answering the
        commonest class; or "r2", "mae" and "baseline", the mean absolute error of always answering the mean.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> x = np.linspace(-1, 1, 200)
    >>> table = pd.DataFrame({"x": x, "side": np.where(x < 0, "left", "right"), "y": 5 + 2 * abs(x)})
    >>> model = TableModel.fit(table, "y", seed=1)
    >>> model.held_out["r2"] > 0.9
    True
    >>> model.predict(pd.DataFrame({"x": [0.5], "side": ["right"]})).round()
    array([6.])
    >>> model.columns[1]
    Categories(name='side', values=('left', 'right'), missing=False)
    """

    network: Sequential
    columns: tuple[Column, ...]
    target: str
    classes: tuple[Label, ...] | None
    mean: float
    std: float
    epochs: int
    held_out: dict[str, float]

    @classmethod
    def fit(
        cls,
        frame: "pd.DataFrame",
        target: str,
        *,
        task: Task | None = None,
        hidden: Sequence[int] = HIDDEN,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = LEARNING_RATE,
        test_size: float = 0.2,
        seed: int = 0,
        ignore: Collection[str] = (),
        progress: bool = False,
    ) -> "TableModel":
        """Train on all rows but those held out, and score on these.

        Columns that can teach nothing are left out with a warning: empty, the same in every row, dates, text of more
        than 100 kinds or of more kinds than half of the rows (names), and numbers that go up from row to row in a
        column called id, index, nothing or the like (numbers of the rows). So are rows whose target is missing.

        Parameters
        ----------
        frame : pandas.DataFrame
        target : str
            The column to predict.
        task : "classification" or "regression", optional
            By default classification for text, true and false, and whole numbers of two values, or of at most 20
            values that are fewer than 5 % of the rows; else regression.
        hidden : sequence of int, default (64, 64)
            Units of the hidden layers, each with tanh; none for a linear model.
        epochs : int, optional
            By default as many as have the least loss in 5-fold cross-validation on the training rows; from 5,000 rows
            on, in one fold of it.
        batch_size : int, optional
            By default 32, and 128 from 5,000 training rows on.
        learning_rate : float, default 0.01
            Of `SGD` with a Nesterov momentum of 0.9 and a weight_decay of 4 over the training rows.
        test_size : float, default 0.2
            The share of rows held out at random, in each class alike; 0 for none, and no score.
        seed : int, default 0
            Where that choice, the initial weights and the shuffles come from.
        ignore : names of columns, optional
            To be left out.
        progress : bool, default False
            Show progress bars.

        Raises
        ------
        TypeError, ValueError
            For settings or a table that do not fit: an unknown column, fewer than 10 rows, a target with one value, no
            column left, an infinite number.
        DivergedError
            If the loss became nan or infinite: try a smaller learning_rate.
        """
        test_size = _checks.number("test_size", test_size, low=0, high=1, open_high=True)
        seed = _checks.integer("seed", seed, low=0, high=2**64 - 1)
        if isinstance(hidden, int):
            hidden = (hidden,)
        hidden = [_checks.integer(f"hidden[{i}]", units) for i, units in enumerate(hidden)]
        if isinstance(ignore, str):
            raise TypeError(f"ignore is a list of columns, as in ignore=[{ignore!r}]")
        target = str(target)
        epochs = None if epochs is None else _checks.integer("epochs", epochs)
        frame = _with_names(frame)
        frame, y = _split_target(frame, target, ignore)
        classes, answers = _answers(y, task)
        held_out = _held_out(answers, classes is not None, test_size, seed)
        columns = tuple(learn_columns(frame[~held_out]))
        mean, std = (0.0, 1.0) if classes else mean_and_std(target, answers[~held_out])
        if std == 0:
            raise ValueError(f"target {target!r} is {mean:g} in every training row; there is nothing to learn")

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a text that only held-out rows have is no news to the user
            X = encode_table(frame, columns)
        widths = (X.shape[1], *hidden, len(classes) if classes else 1)
        recipe = _Recipe(widths, bool(classes), len(X) - int(held_out.sum()), learning_rate, batch_size, seed)
        standard = answers if classes else (answers - mean) / std
        trainer, epochs = recipe.train(X[~held_out], standard[~held_out], epochs, progress)
        model = cls(trainer.model, columns, target, classes, mean, std, epochs, {})
        if held_out.any():
            model.held_out.update(model._score(X[held_out], answers[held_out], answers[~held_out]))
        return model

    def __repr__(self) -> str:
        kind = f"{len(self.classes)} classes" if self.classes else "numbers"
        score = ", ".join(f"{name} {value:.4g}" for name, value in self.held_out.items())
        columns = counted(len(self.columns), "column")
        return f"<TableModel of {self.target!r}, {kind}, from {columns}; held out: {score or 'none'}>"

    def predict(self, frame: "pd.DataFrame") -> Array:
        """Each row's class, or its number in the target's own units.

        Text that training did not see counts as none of the known, with one warning for each column.

        Raises
        ------
        TypeError, ValueError
            If columns are missing, or hold what they did not in training, such as text instead of numbers.
        """
        return self._answer(self.network.predict(encode_table(_with_names(frame), self.columns)))

    def predict_proba(self, frame: "pd.DataFrame") -> Array:
        """Each row's probability of each class, in the order of `classes`, (m, n_classes).

        Raises
        ------
        TypeError, ValueError
            As `predict`; and for a regression, which has no probabilities.
        """
        if self.classes is None:
            raise ValueError(f"{self.target!r} is predicted as a number, which has no probabilities")
        return self.network.predict(encode_table(_with_names(frame), self.columns))

    def _answer(self, o: Array) -> Array:
        if self.classes is None:
            return np.asarray(o[:, 0].astype(float) * self.std + self.mean)
        return np.asarray(np.array(self.classes)[o.argmax(axis=1)])

    def _score(self, X: Array, y: Array, y_train: Array) -> dict[str, float]:
        o = self.network.predict(X)
        if self.classes is not None:
            commonest = np.bincount(y_train).argmax()
            accuracy, baseline = np.mean(o.argmax(axis=1) == y), np.mean(y == commonest)
            return {"rows": len(y), "accuracy": float(accuracy), "baseline": float(baseline)}
        error, spread = self._answer(o) - y, y - y.mean()
        r2 = 1 - float(error @ error) / float(spread @ spread) if spread.any() else 0.0
        return {
            "rows": len(y),
            "r2": r2,
            "mae": float(np.abs(error).mean()),
            "baseline": float(np.abs(y - self.mean).mean()),
        }

    # Files

    def save(self, path: Any) -> None:
        """Write network and columns to one safetensors file, whole or not at all; `TableModel.load` reads it.

        What the columns become stands in JSON in a tensor of bytes, "table": so it has a checksum, and may be as long
        as a table of 20,000 columns needs, which the file's header may not.

        Raises
        ------
        OSError
            If the file cannot be written; an older one of that name is unchanged then.
        """
        table = {
            "columns": [{"kind": column.kind, **dataclasses.asdict(column)} for column in self.columns],
            **{name: getattr(self, name) for name in ("target", "classes", "mean", "std", "epochs", "held_out")},
        }
        text = json.dumps(table, allow_nan=False, ensure_ascii=False)
        tensors = {**self.network.state_dict(), "table": np.frombuffer(text.encode(), np.uint8)}
        serialization.write(path, "table", tensors, self.network.to_metadata())

    @classmethod
    def load(cls, path: Any) -> "TableModel":
        """Read what `save` wrote. Nothing in the file is executed, and every checksum is compared.

        Raises
        ------
        OSError
            If the file cannot be read.
        ValueError
            If it is no such file, is damaged, or comes from a version too new.
        """
        tensors, metadata = serialization.read(path, "table")
        try:
            table = json.loads(tensors.pop("table").tobytes())
            network = Sequential.from_file(tensors, metadata)
            columns = tuple(column_from(dict(column)) for column in table["columns"])
            classes = None if table["classes"] is None else tuple(table["classes"])
            if not all(isinstance(label, str | bool | int | float) for label in classes or ()):
                raise ValueError(f"the classes are {classes!r}")
            outputs = (len(classes), "softmax") if classes else (1, "identity")
            if (network.n_outputs, network.layers[-1].activation.name) != outputs:
                raise ValueError(f"the network does not end in {outputs[0]} of {outputs[1]}")
            if network.n_inputs != sum(column.width for column in columns):
                raise ValueError("the network's inputs are not as many as the columns become")
            mean, std = _checks.number("mean", table["mean"]), _checks.number("std", table["std"])
            held_out = {str(name): _checks.number(name, value) for name, value in table["held_out"].items()}
            return cls(network, columns, str(table["target"]), classes, mean, std, int(table["epochs"]), held_out)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: the file's description of the table is not valid: {error}") from None


# Training


@frozen
class _Recipe:
    """How a network of these widths is trained on that many rows."""

    widths: tuple[int, ...]
    classification: bool
    n_rows: int
    learning_rate: float
    batch_size: int | None
    seed: int

    def trainer(self) -> Trainer:
        n_inputs, *units = self.widths
        output, loss = ("softmax", "cross_entropy") if self.classification else ("identity", "mse")
        network = mlp(n_inputs, *units, activation=ACTIVATION, output=output, seed=self.seed)
        rule = SGD(self.learning_rate, momentum=MOMENTUM, nesterov=True, weight_decay=DECAY_ROWS / self.n_rows)
        return Trainer(network, loss, rule, ["accuracy"] if self.classification else [])

    @property
    def batch(self) -> int:
        if self.batch_size is not None:
            return self.batch_size
        return min(32 if self.n_rows < SMALL_TABLE else 128, self.n_rows * (FOLDS - 1) // FOLDS)

    def train(self, X: Array, y: Array, epochs: int | None, progress: bool) -> tuple[Trainer, int]:
        if epochs is None:
            epochs = self.choose_epochs(X, y, progress)
        trainer = self.trainer()
        trainer.fit(X, y, epochs=epochs, batch_size=self.batch, progress=progress)
        return trainer, epochs

    def choose_epochs(self, X: Array, y: Array, progress: bool) -> int:
        """The number of epochs with the least mean validation loss over the folds."""
        most = min(max(MAX_STEPS * self.batch // self.n_rows, MIN_EPOCHS), MAX_EPOCHS)
        fold_of = np.empty(len(y), int)
        fold_of[_random_order(y, self.classification, self.seed, FOLD)] = np.arange(len(y)) % FOLDS
        n_folds = FOLDS if self.n_rows < SMALL_TABLE else 1
        losses = []
        for fold in range(n_folds):
            train, rest = fold_of != fold, fold_of == fold
            history = self.trainer().fit(
                X[train],
                y[train],
                epochs=most,
                batch_size=min(self.batch, int(train.sum())),
                validation_data=(X[rest], y[rest]),
                progress=progress and n_folds == 1,
            )
            losses.append(history["val_loss"])
        return int(np.mean(losses, axis=0).argmin()) + 1


def _random_order(y: Array, classification: bool, seed: int, stream: int) -> Array:
    """The rows in random order; for classes sorted by class, so that each n-th row takes a share of each class."""
    order = philox.permutation(seed, stream, len(y))
    return np.asarray(order[np.argsort(y[order], kind="stable")] if classification else order)


def _held_out(y: Array, classification: bool, share: float, seed: int) -> NDArray[np.bool_]:
    """Which rows are held out: a share of them, and of each class."""
    taken = np.diff(np.floor(np.arange(len(y) + 1) * share + 1e-9)) > 0
    held_out = np.empty(len(y), bool)
    held_out[_random_order(y, classification, seed, SPLIT)] = taken
    if share and not 0 < taken.sum() <= len(y) - FOLDS:
        raise ValueError(
            f"test_size={share:g} of {len(y)} rows holds out {taken.sum()} and leaves {(~taken).sum()} to train on"
        )
    return held_out


# Frames


def _with_names(frame: "pd.DataFrame") -> "pd.DataFrame":
    """The frame with text for names, each once, and the rows' places for an index."""
    pd = import_pandas()
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(f"frame is a pandas DataFrame, not a {type(frame).__name__}")
    frame = frame.reset_index(drop=True).set_axis([str(name) for name in frame.columns], axis=1)
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise ValueError(f"column {twice[0]!r} is there twice; give each a name of its own")
    return frame


def _split_target(
    frame: "pd.DataFrame", target: str, ignore: Collection[str]
) -> tuple["pd.DataFrame", "pd.Series[Any]"]:
    """The columns to learn from and the target, of the rows that have one."""
    for name in (target, *ignore):
        if name not in frame.columns:
            raise _unknown_column(name, frame.columns)
    there = frame[target].notna()
    if not there.all():
        warnings.warn(f"{counted(int((~there).sum()), 'row')} left out, in which {target!r} is missing", stacklevel=3)
    if there.sum() < MIN_ROWS:
        rows = counted(int(there.sum()), "row")
        raise ValueError(f"the table has {rows} in which {target!r} is known; at least {MIN_ROWS} are wanted")
    frame = frame[there]
    return frame.drop(columns=[target, *(name for name in ignore if name != target)]), frame[target]


def _unknown_column(name: str, names: Iterable[str]) -> ValueError:
    by_fold = {known.casefold(): known for known in names}
    near = difflib.get_close_matches(name.casefold(), by_fold, n=1)
    advice = f"did you mean {by_fold[near[0]]!r}?" if near else f"the table has {listed(list(by_fold.values()))}"
    return ValueError(f"unknown column {name!r}; {advice}")


def _answers(y: "pd.Series[Any]", task: Task | None) -> tuple[tuple[Label, ...] | None, Array]:
    """The classes and each row's place among them; or None and the numbers."""
    task = task or _task(y)
    if task == "regression":
        return None, to_numbers(str(y.name), y)
    if task != "classification":
        raise _checks.unknown("task", task, ("classification", "regression"))
    kind = kind_of(y)
    labels: Sequence[Label]
    if kind == "text":
        codes, labels = to_texts(y)
    else:
        numbers = to_numbers(str(y.name), y, kind == "boolean")
        different, codes = np.unique(numbers, return_inverse=True)
        labels = [_label(value, kind == "boolean") for value in different.tolist()]
    classes, places = np.unique(np.array(labels), return_inverse=True)
    if len(classes) == 1:
        raise ValueError(f"target {y.name!r} is {labels[0]!r} in every row; classification needs two classes or more")
    if 2 * len(classes) > len(y):
        raise ValueError(
            f"target {y.name!r} has {len(classes):,} different values in {len(y):,} rows, too many for classes"
            f"{nearly_numbers(y) if kind == 'text' else ''}"
        )
    return tuple(classes.tolist()), places[codes]


def _label(value: float, boolean: bool) -> Label:
    return bool(value) if boolean else int(value) if value.is_integer() else value


def _task(y: "pd.Series[Any]") -> Task:
    """Classification for kinds, regression for amounts: see `TableModel.fit`."""
    if kind_of(y) != "numbers":
        return "classification"
    different = np.unique(to_numbers(str(y.name), y))
    few = len(different) <= 2 or (len(different) <= FEW_VALUES and len(different) < FEW_SHARE * len(y))
    return "classification" if few and bool((different == np.floor(different)).all()) else "regression"
