"""Tables: from a data frame of numbers and text to a trained network that answers in the table's own terms.

What a network cannot take is turned into numbers, with what the training rows alone teach::

    numbers         (x - mean) / std, as scikit-learn's StandardScaler; a missing one counts as the mean
    true, false     1 and 0; a missing one counts as the share of true
    text            one column of 0 and 1 for each text seen, as its OneHotEncoder; missing is a text of its own

and where numbers, or true and false, were missing in training, one more column of 0 and 1 tells which. A target of
classes becomes labels under a softmax; a target of numbers is standardised too, and predictions are turned back.

The command line in cli.py is a thin layer over `TableModel`. Needs pandas: ``pip install 'fastprop-nn[csv]'``.
"""

import dataclasses
import difflib
import json
import math
import re
import warnings
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastprop import _checks, serialization
from fastprop._native import philox
from fastprop.model import Sequential, mlp
from fastprop.optimizers import SGD
from fastprop.trainer import Trainer

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Categories", "Numbers", "TableModel", "import_pandas"]

Array = NDArray[Any]
Task: TypeAlias = Literal["classification", "regression"]
Label: TypeAlias = str | bool | int | float

MIN_ROWS = 10
MAX_CATEGORIES = 100  # of a text column
FEW_VALUES, FEW_SHARE = 20, 0.05  # as many different whole numbers, in as many rows, are classes
ROW_NUMBERS = re.compile(
    r"(?i:unnamed: \d+|index|row|nr|no\.?|number|#||(.*[ _.-])?id)|.*I[dD]"
)  # names of such columns

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


# Columns


@dataclass(frozen=True, slots=True)
class Numbers:
    """A column of numbers, or of true and false: ``(x - shift) / scale``, and whether x was missing.

    Parameters
    ----------
    name : str
    shift, scale : float
        Mean and standard deviation of the training rows; 0 and 1 for true and false.
    fill : float
        Stands for a missing number: the training rows' mean.
    missing : bool
        Whether any was missing in training; then a second column of 0 and 1 tells where.
    boolean : bool
        Whether the column holds true and false.

    Examples
    --------
    >>> import pandas as pd
    >>> column = Numbers.learn(pd.Series([1.0, 3.0, None], name="height"))
    >>> column
    Numbers(name='height', shift=2.0, scale=1.0, fill=2.0, missing=True, boolean=False)
    >>> column.encode(pd.Series([4.0, None]))
    array([[2., 0.],
           [0., 1.]])
    """

    kind: ClassVar[str] = "numbers"

    name: str
    shift: float
    scale: float
    fill: float
    missing: bool
    boolean: bool = False

    def __post_init__(self) -> None:
        for field in ("shift", "scale", "fill"):
            _checks.number(field, getattr(self, field))
        if self.scale <= 0:
            raise ValueError(f"scale must be above 0, but is {self.scale}")

    @property
    def width(self) -> int:
        return 1 + self.missing

    @classmethod
    def learn(cls, values: "pd.Series[Any]") -> "Numbers | None":
        """What these training rows teach; None where all of them that are there are equal."""
        name, boolean = str(values.name), _kind(values) == "boolean"
        numbers = _to_numbers(name, values, boolean)
        there = numbers[~np.isnan(numbers)]
        mean, std = _mean_and_std(name, there)
        if std == 0 or there.min() == there.max():
            return None
        shift, scale = (0.0, 1.0) if boolean else (mean, std)
        return cls(name, shift, scale, mean, len(there) < len(numbers), boolean)

    def encode(self, values: "pd.Series[Any]") -> Array:
        """The values as columns for the network, (m, width)."""
        numbers = _to_numbers(self.name, values, self.boolean)
        absent = np.isnan(numbers)
        scaled = (np.where(absent, self.fill, numbers) - self.shift) / self.scale
        return np.column_stack([scaled, absent]) if self.missing else scaled[:, np.newaxis]


@dataclass(frozen=True, slots=True)
class Categories:
    """A column of text: for each text seen in training a column of 0 and 1.

    Parameters
    ----------
    name : str
    values : tuple of str
        The texts, sorted.
    missing : bool
        Whether any was missing in training; then a last column of 0 and 1 stands for that.

    Examples
    --------
    >>> import pandas as pd
    >>> column = Categories.learn(pd.Series(["red", "blue", "red"], name="colour"))
    >>> column.values
    ('blue', 'red')
    >>> column.encode(pd.Series(["red", "blue"]))
    array([[0., 1.],
           [1., 0.]])
    """

    kind: ClassVar[str] = "categories"

    name: str
    values: tuple[str, ...]
    missing: bool

    @property
    def width(self) -> int:
        return len(self.values) + self.missing

    @classmethod
    def learn(cls, values: "pd.Series[Any]") -> "Categories | None":
        """What these training rows teach; None where all of them are equal."""
        codes, texts = _to_texts(values)
        missing = bool((codes < 0).any())
        return cls(str(values.name), tuple(sorted(set(texts))), missing) if len(texts) + missing > 1 else None

    def encode(self, values: "pd.Series[Any]") -> Array:
        """The values as columns for the network, (m, width); a text that is not known is 0 in all of them."""
        place = {text: i for i, text in enumerate(self.values)}
        codes, texts = _to_texts(values)
        places = np.array([place.get(text, -1) for text in texts] + [len(place) if self.missing else -1])[codes]
        out = np.zeros((len(codes), self.width))
        known = np.flatnonzero(places >= 0)
        out[known, places[known]] = 1
        if len(known) < len(codes):
            row = int(np.flatnonzero(places < 0)[0])
            what = repr(texts[codes[row]]) if codes[row] >= 0 else "nothing"
            warnings.warn(
                f"column {self.name!r} holds {what} in data row {_row(values, row)}, which training did not see;"
                f" it counts as none of the known ones ({_count(len(codes) - len(known), 'such row')})",
                stacklevel=4,  # who called predict
            )
        return out


Column: TypeAlias = Numbers | Categories
COLUMNS: dict[str, type[Column]] = {column.kind: column for column in (Numbers, Categories)}


def _kind(values: "pd.Series[Any]") -> str:
    """One of "numbers", "boolean" and "text", or pandas' name for something else."""
    inferred = import_pandas().api.types.infer_dtype(values, skipna=True)
    if inferred in ("floating", "integer", "mixed-integer-float", "decimal"):
        return "numbers"
    return "text" if inferred in ("string", "categorical", "mixed", "mixed-integer") else inferred


def _to_numbers(name: str, values: "pd.Series[Any]", boolean: bool = False) -> NDArray[np.float64]:
    """As float64, nan where missing; anything else that is no number is refused by name and row."""
    pd = import_pandas()
    if pd.api.types.is_numeric_dtype(values.dtype):
        numbers = values.to_numpy(float, na_value=np.nan)
    else:
        plain = values.astype(object).map(_truth) if boolean else values.astype(object)
        numbers = pd.to_numeric(plain, errors="coerce").to_numpy(float, na_value=np.nan)
    bad = np.flatnonzero(np.isnan(numbers) & values.notna().to_numpy())
    what = "a number"
    if boolean and not bad.size:
        bad = np.flatnonzero(~np.isnan(numbers) & (numbers != 0) & (numbers != 1))
        what = "true or false"
    if bad.size:
        row = int(bad[0])
        raise ValueError(
            f"column {name!r} holds {_show(values.iloc[row])} in data row {_row(values, row)}, but {what} is wanted"
            f" there ({_count(len(bad), 'such row')})"
        )
    infinite = np.flatnonzero(np.isinf(numbers))
    if infinite.size:
        row = int(infinite[0])
        raise ValueError(
            f"column {name!r} is infinite in data row {_row(values, row)} ({_count(len(infinite), 'such row')});"
            " correct it, or leave it empty"
        )
    return np.asarray(numbers, dtype=np.float64)


def _mean_and_std(name: str, numbers: NDArray[np.float64]) -> tuple[float, float]:
    with np.errstate(over="ignore", invalid="ignore"):
        mean, std = float(numbers.mean()), float(numbers.std())
    if not math.isfinite(std):
        raise ValueError(f"column {name!r} holds {np.abs(numbers).max():g}, too far from the others to scale")
    return mean, std


def _show(value: Any) -> str:
    return repr(value.item() if isinstance(value, np.generic) else value)


def _truth(value: object) -> object:
    return {"true": True, "false": False}.get(value.strip().casefold(), value) if isinstance(value, str) else value


def _to_texts(values: "pd.Series[Any]") -> tuple[NDArray[np.intp], list[str]]:
    """Each row's place among the different texts, -1 where missing, and those texts."""
    codes, different = import_pandas().factorize(values.astype(object))
    return codes, [_text(value) for value in different]


def _text(value: Any) -> str:
    """A value as text; 1.0 as "1", since a column of whole numbers becomes floats once one is missing."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _row(values: "pd.Series[Any]", place: int) -> int:
    """The row's number for people: the first below the header is 1. The index holds places in the whole table."""
    return int(values.index[place]) + 1


def _learn(values: "pd.Series[Any]") -> Column | str:
    """What the training rows of a column teach, or why it is left out."""
    if values.isna().all():
        return "it is empty"
    kind = _kind(values)
    if kind == "text":
        codes, texts = _to_texts(values)
        n_there = int((codes >= 0).sum())
        if len(texts) > MAX_CATEGORIES or 2 * len(texts) > n_there:
            hint = _nearly_numbers(values)
            return f"{len(texts):,} different texts in {n_there:,} rows are names rather than kinds{hint}"
        return Categories.learn(values) or "it is the same in every row"
    if kind not in ("numbers", "boolean"):
        return f"it holds {kind}, neither numbers nor text"
    if ROW_NUMBERS.fullmatch(str(values.name)) and bool(
        (np.diff(_to_numbers(str(values.name), values.sort_index())) > 0).all()
    ):
        return "it only numbers the rows"
    return Numbers.learn(values) or "it is the same in every row"


def _nearly_numbers(values: "pd.Series[Any]") -> str:
    """A hint, where most of the texts are numbers, at the first that is none."""
    numbers = import_pandas().to_numeric(values.astype(object), errors="coerce")
    odd = np.flatnonzero((numbers.isna() & values.notna()).to_numpy())
    if not odd.size or 2 * len(odd) > values.notna().sum():
        return ""
    return f" (most are numbers, but data row {_row(values, int(odd[0]))} holds {values.iloc[int(odd[0])]!r})"


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
        hidden = [_checks.integer(f"hidden[{i}]", units) for i, units in enumerate(hidden)]
        epochs = None if epochs is None else _checks.integer("epochs", epochs)
        frame = _with_names(frame)
        frame, y = _split_target(frame, target, ignore)
        classes, answers = _answers(y, task)
        held_out = _held_out(answers, classes is not None, test_size, seed)
        columns = tuple(_learn_columns(frame[~held_out]))
        mean, std = (0.0, 1.0) if classes else _mean_and_std(target, answers[~held_out])
        if std == 0:
            raise ValueError(f"target {target!r} is {mean:g} in every training row; there is nothing to learn")

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a text that only held-out rows have is no news to the user
            X = _encode(frame, columns)
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
        columns = _count(len(self.columns), "column")
        return f"<TableModel of {self.target!r}, {kind}, from {columns}; held out: {score or 'none'}>"

    def predict(self, frame: "pd.DataFrame") -> Array:
        """Each row's class, or its number in the target's own units.

        Text that training did not see counts as none of the known, with one warning for each column.

        Raises
        ------
        TypeError, ValueError
            If columns are missing, or hold what they did not in training, such as text instead of numbers.
        """
        return self._answer(self.network.predict(_encode(_with_names(frame), self.columns)))

    def predict_proba(self, frame: "pd.DataFrame") -> Array:
        """Each row's probability of each class, in the order of `classes`, (m, n_classes).

        Raises
        ------
        TypeError, ValueError
            As `predict`; and for a regression, which has no probabilities.
        """
        if self.classes is None:
            raise ValueError(f"{self.target!r} is predicted as a number, which has no probabilities")
        return self.network.predict(_encode(_with_names(frame), self.columns))

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
            columns = tuple(_column_from(dict(column)) for column in table["columns"])
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


def _column_from(description: dict[str, Any]) -> Column:
    column = COLUMNS[description.pop("kind")]
    if column is Categories:
        description["values"] = tuple(str(value) for value in description["values"])
    return column(**description)


# Training


@dataclass(frozen=True, slots=True)
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


def import_pandas() -> Any:
    """The module pandas, or an error that says how to get it.

    Raises
    ------
    ImportError
        If it is missing.
    """
    try:
        import pandas
    except ImportError:
        raise ImportError("tables need pandas: pip install 'fastprop-nn[csv]'") from None
    return pandas


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
        warnings.warn(f"{_count(int((~there).sum()), 'row')} left out, in which {target!r} is missing", stacklevel=3)
    if there.sum() < MIN_ROWS:
        rows = _count(int(there.sum()), "row")
        raise ValueError(f"the table has {rows} in which {target!r} is known; at least {MIN_ROWS} are wanted")
    frame = frame[there]
    return frame.drop(columns=[target, *(name for name in ignore if name != target)]), frame[target]


def _unknown_column(name: str, names: Iterable[str]) -> ValueError:
    by_fold = {known.casefold(): known for known in names}
    near = difflib.get_close_matches(name.casefold(), by_fold, n=1)
    advice = f"did you mean {by_fold[near[0]]!r}?" if near else f"the table has {_list(list(by_fold.values()))}"
    return ValueError(f"unknown column {name!r}; {advice}")


def _list(names: Sequence[str], most: int = 12) -> str:
    """The names for a message; of very many, the first."""
    rest = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + rest


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'s' * (number != 1)}"


def _answers(y: "pd.Series[Any]", task: Task | None) -> tuple[tuple[Label, ...] | None, Array]:
    """The classes and each row's place among them; or None and the numbers."""
    task = task or _task(y)
    if task == "regression":
        return None, _to_numbers(str(y.name), y)
    if task != "classification":
        raise _checks.unknown("task", task, ("classification", "regression"))
    kind = _kind(y)
    labels: Sequence[Label]
    if kind == "text":
        codes, labels = _to_texts(y)
    else:
        numbers = _to_numbers(str(y.name), y, kind == "boolean")
        different, codes = np.unique(numbers, return_inverse=True)
        labels = [_label(value, kind == "boolean") for value in different.tolist()]
    classes, places = np.unique(np.array(labels), return_inverse=True)
    if len(classes) == 1:
        raise ValueError(f"target {y.name!r} is {labels[0]!r} in every row; classification needs two classes or more")
    if 2 * len(classes) > len(y):
        raise ValueError(
            f"target {y.name!r} has {len(classes):,} different values in {len(y):,} rows, too many for classes"
            f"{_nearly_numbers(y) if kind == 'text' else ''}"
        )
    return tuple(classes.tolist()), places[codes]


def _label(value: float, boolean: bool) -> Label:
    return bool(value) if boolean else int(value) if value.is_integer() else value


def _task(y: "pd.Series[Any]") -> Task:
    """Classification for kinds, regression for amounts: see `TableModel.fit`."""
    if _kind(y) != "numbers":
        return "classification"
    different = np.unique(_to_numbers(str(y.name), y))
    few = len(different) <= 2 or (len(different) <= FEW_VALUES and len(different) < FEW_SHARE * len(y))
    return "classification" if few and bool((different == np.floor(different)).all()) else "regression"


def _learn_columns(frame: "pd.DataFrame") -> Iterator[Column]:
    n_used = 0
    for name in frame.columns:
        learned = _learn(frame[name])
        if isinstance(learned, str):
            warnings.warn(f"column {name!r} is left out: {learned}", stacklevel=3)
            continue
        if isinstance(learned, Categories) and (hint := _nearly_numbers(frame[name])):
            warnings.warn(f"column {name!r} is taken as text{hint}", stacklevel=3)
        n_used += 1
        yield learned
    if not n_used:
        raise ValueError(
            f"no column is left to learn from; the table has {_list(list(frame.columns)) or 'none but the target'}"
        )


def _encode(frame: "pd.DataFrame", columns: Sequence[Column]) -> Array:
    """The table as the network takes it, (m, sum of widths) in float32."""
    lacking = [column.name for column in columns if column.name not in frame.columns]
    if lacking:
        raise ValueError(
            f"the table lacks {_list(lacking)}, which the model was trained on; it has {_list(list(frame.columns))}"
        )
    width = sum(column.width for column in columns)
    _checks.room(f"the table as {len(frame):,} x {width:,} numbers", 4 * len(frame) * width)
    X = np.empty((len(frame), width), np.float32)
    start = 0
    for column in columns:
        block = column.encode(frame[column.name])
        far = np.flatnonzero(np.abs(block).max(axis=1, initial=0) > np.finfo(np.float32).max)
        if far.size:
            row = int(far[0])
            raise ValueError(
                f"column {column.name!r} holds {frame[column.name].iloc[row]:g} in data row"
                f" {_row(frame[column.name], row)}, too far from the training rows' values for float32"
            )
        X[:, start : start + column.width] = block
        start += column.width
    return X
