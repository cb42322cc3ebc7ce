"""What is refused, by which kind of error, in which words, and that a refusal changes nothing.

A message names the argument, says what was wanted and what came, and where: the parts below must all be in it.
"""

import datetime
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

import fastprop as fp
from fastprop import _checks
from fastprop._native import dispatch
from processes import run_python

rng = np.random.default_rng(0)
X = rng.standard_normal((6, 4))
LABELS = np.array([0, 1, 2, 0, 1, 2])
VALUES = rng.standard_normal((6, 3))


@dataclass
class Doors:
    """A trainer, and all that takes X and y of a user."""

    trainer: fp.Trainer

    def fit(self, X, y, **settings):
        return self.trainer.fit(X, y, **{"batch_size": 2, "progress": False} | settings)

    def partial_fit(self, X, y, **settings):
        return self.trainer.partial_fit(X, y, **settings)

    def evaluate(self, X, y, **settings):
        return self.trainer.evaluate(X, y, **settings)

    def gradient(self, X, y, **settings):
        return fp.gradient(self.trainer.model, X, y, self.trainer.loss, **settings)

    def check_gradients(self, X, y, **settings):
        return fp.check_gradients(self.trainer.model, X, y, self.trainer.loss, **settings)

    def predict(self, X, y):
        return self.trainer.model.predict(X)

    def state(self):
        trainer = self.trainer
        return (
            trainer.model.theta.tobytes(),
            trainer._memory.vectors.tobytes(),
            trainer.epoch,
            trainer.step,
            dict(trainer.history),
        )


@pytest.fixture
def doors():
    """Of a trainer of 3 classes by default, or of the `loss` given; it must be found unchanged after each test."""
    made = []

    def make(loss="cross_entropy", n_outputs=3, dtype="float32"):
        last = {"cross_entropy": "softmax", "binary_cross_entropy": "sigmoid", "mse": "identity"}[loss]
        model = fp.mlp(4, 5, n_outputs, activation="tanh", output=last, dtype=dtype)
        trainer = fp.Trainer(model, loss, fp.SGD(0.1, momentum=0.9), ["mae"])
        y = {"cross_entropy": LABELS, "mse": VALUES[:, :n_outputs], "binary_cross_entropy": LABELS[:, None] % 2}[loss]
        trainer.partial_fit(X, np.repeat(y, n_outputs, axis=1) if loss == "binary_cross_entropy" else y)
        made.append((Doors(trainer), Doors(trainer).state()))
        return made[-1][0]

    yield make
    for found, before in made:
        assert found.state() == before, "a refused call left a trace"


def refused(error, parts, call, *args, **kwargs):
    with pytest.raises(error) as caught:
        call(*args, **kwargs)
    assert type(caught.value) is error
    for part in parts:
        assert part in str(caught.value), f"{part!r} is not in: {caught.value}"


# X


def with_value(value, *places, dtype=float):
    changed = X.astype(dtype)
    for place in places:
        changed[place] = value
    return changed


def frame(**columns):
    return pd.DataFrame(X, columns=list("abcd")).assign(**columns)


days = pd.date_range("2020-01-01", periods=6)
BAD_X = {
    "too few columns": (X[:, :3], ValueError, ["X has 3 columns", "4 inputs", "(6, 3)"]),
    "too many columns": (np.zeros((6, 7)), ValueError, ["X has 7 columns", "4 inputs", "(6, 7)"]),
    "no columns": (np.zeros((6, 0)), ValueError, ["X has 0 columns", "4 inputs"]),
    "one dimension": (X[0], ValueError, ["X is 1-dimensional", "(4,)", "X.reshape(1, -1)"]),
    "three dimensions": (X[None], ValueError, ["X is 3-dimensional", "(1, 6, 4)", "X.reshape(len(X), -1)"]),
    "a scalar": (5.0, ValueError, ["X is 0-dimensional"]),
    "None": (None, (TypeError, ValueError), ["X"]),
    "a dict": ({"a": 1}, (TypeError, ValueError), ["X"]),
    "nan": (with_value(np.nan, (2, 3), (4, 0), (5, 1)), ValueError, ["X[2, 3] is nan", "3 such values"]),
    "inf": (with_value(np.inf, (5, 0)), ValueError, ["X[5, 0] is inf", "1 such value)"]),
    "-inf and nan": (with_value(-np.inf, (1, 2), (1, 3)), ValueError, ["X[1, 2] is -inf", "2 such values"]),
    "nan in float32": (with_value(np.nan, (0, 0), dtype="f4"), ValueError, ["X[0, 0] is nan", "1 such value)"]),
    "nan in float16": (with_value(np.nan, (0, 1), dtype="f2"), ValueError, ["X[0, 1] is nan"]),
    "nan in Fortran order": (
        np.asfortranarray(with_value(np.nan, (1, 3), (4, 0))),
        ValueError,
        ["X[1, 3] is nan", "2 such values"],
    ),
    "complex": (X * 1j, TypeError, ["X", "complex128"]),
    "text": (X.astype(str), TypeError, ["X", "<U"]),
    "bytes": (X.astype("S"), TypeError, ["X", "S"]),
    "dates": (np.full((6, 4), np.datetime64("2020-01-01")), TypeError, ["X", "datetime64"]),
    "times": (np.full((6, 4), np.timedelta64(5, "s")), TypeError, ["X", "timedelta64"]),
    "records": (np.zeros((6, 4), [("a", "f4")]), TypeError, ["X", "'a'"]),
    "objects that are text": (with_value("red", (2, 1), dtype=object), TypeError, ["X", "'red'", "str"]),
    "objects that are text of digits": (with_value("1", (2, 1), dtype=object), TypeError, ["X", "'1'", "str"]),
    "objects that are None": (with_value(None, (2, 1), dtype=object), (TypeError, ValueError), ["X"]),
    "objects that are complex": (with_value(1j, (2, 1), dtype=object), TypeError, ["X", "1j"]),
    "objects that are dates": (with_value(datetime.date(2020, 1, 2), (0, 0), dtype=object), TypeError, ["X", "date"]),
    "objects that are huge": (with_value(10**400, (2, 1), dtype=object), (TypeError, ValueError), ["X"]),
    "rows of different lengths": ([[1, 2, 3, 4], [1, 2]], (TypeError, ValueError), ["X"]),
    "a frame with missing values": (frame(b=[1, None, 3, None, 5, None]), ValueError, ["X", "'b'", "3 missing values"]),
    "a frame with one missing value": (frame(b=[1, None, 3, 4, 5, 6]), ValueError, ["X", "'b'", "1 missing value;"]),
    "a frame with missing whole numbers": (
        frame(c=pd.array([1, None, 3, 4, 5, None], "Int64")),
        ValueError,
        ["X", "'c'", "2 missing values"],
    ),
    "a frame with text": (frame(d=list("uvwxyz")), TypeError, ["X", "'d'", "encode"]),
    "a frame with text of digits": (frame(d=list("123456")), TypeError, ["X", "'d'"]),
    "a frame with categories": (frame(a=pd.Categorical(list("uvuvuv"))), TypeError, ["X", "'a'", "'u'", "encode"]),
    "a frame with dates": (frame(a=days), TypeError, ["X", "'a'", "datetime64"]),
    "a frame with times": (frame(a=days - days[0]), TypeError, ["X", "'a'", "timedelta64"]),
    "a frame with complex numbers": (frame(c=[1j] * 6), TypeError, ["X", "'c'", "complex128"]),
    "a frame with too few columns": (frame().drop(columns="c"), ValueError, ["X has 3 columns", "4 inputs"]),
    "a frame with infinities": (frame(c=[1, 2, 3, 4, np.inf, 6]), ValueError, ["X", "inf"]),
    "a frame with a name twice": (frame(b=[None] * 6).set_axis(list("abbd"), axis=1), ValueError, ["X", "'b'"]),
}
EVERY_DOOR = ["fit", "partial_fit", "evaluate", "gradient", "check_gradients", "predict"]


@pytest.mark.parametrize(("value", "error", "parts"), BAD_X.values(), ids=BAD_X)
def test_an_X_that_does_not_fit_is_refused_at_every_door(value, error, parts, doors):
    """The same words wherever it is handed in; validation data under their own name."""
    d = doors()
    d.predict(X, LABELS)  # from then on, a few rows go a shorter way
    for door in EVERY_DOOR:
        with pytest.raises(error) as caught:
            getattr(d, door)(value, LABELS)
        for part in parts:
            assert part in str(caught.value), f"{door}: {part!r} is not in: {caught.value}"
    with pytest.raises(error) as caught:
        d.fit(X, LABELS, validation_data=(value, LABELS))
    assert "validation_data[0]" in str(caught.value)


TOO_LARGE = {
    "the first": (with_value(1e39, (3, 1)), ["X[3, 1]", "1e+39", "float32", "scale"]),
    "negative": (with_value(-1e300, (0, 3), (5, 0)), ["X[0, 3]", "-1e+300", "float32"]),
    "just too large": (with_value(3.4028236e38, (2, 2)), ["X[2, 2]", "float32"]),
    "as a longdouble": (with_value(np.longdouble(1e39), (2, 2), dtype="g"), ["X[2, 2]", "float32"]),
    "as objects": (with_value(1e39, (2, 2), dtype=object), ["X[2, 2]", "float32"]),
}


@pytest.mark.parametrize(("value", "parts"), TOO_LARGE.values(), ids=TOO_LARGE)
def test_numbers_too_large_for_float32_are_refused_there_and_fit_float64(value, parts, doors):
    """They would become infinite on the way in."""
    d = doors()
    for door in ("fit", "partial_fit", "evaluate", "gradient", "predict"):
        refused(ValueError, parts, getattr(d, door), value, LABELS)
    assert np.isfinite(fp.mlp(4, 3, output="softmax", dtype="float64").predict(value)).all()


def test_the_largest_float32_is_no_overflow():
    """The refusal begins where rounding gives infinity, not before."""
    model = fp.Sequential([fp.Dense(1, use_bias=False)], n_inputs=1)
    model.layers[0].W = [[1.0]]
    assert model.predict([[3.4028235e38]]) == np.float32(3.4028235e38)


def test_the_first_bad_value_is_found_in_many_rows():
    """Rows are looked at a block at a time; place and count are of the whole."""
    many = np.zeros((200_000, 4), np.float32)
    many[150_001, 2] = many[150_001, 3] = many[199_999, 0] = np.nan
    refused(ValueError, ["X[150001, 2] is nan", "3 such values"], fp.mlp(4, 1).predict, many)
    refused(ValueError, ["X[150001, 2]", "1e+39"], fp.mlp(4, 1).predict, np.where(np.isnan(many), 1e39, 0))


def test_no_rows_are_refused_but_by_predict(doors):
    """There is nothing to learn, and no mean of nothing."""
    d = doors()
    for door in ("fit", "partial_fit", "evaluate", "gradient", "check_gradients"):
        refused(ValueError, ["X has no rows", "(0, 4)"], getattr(d, door), X[:0], LABELS[:0])
    refused(ValueError, ["validation_data[0] has no rows"], d.fit, X, LABELS, validation_data=(X[:0], LABELS[:0]))
    assert d.predict(X[:0], None).shape == (0, 3)


# y


BAD_LABELS = {
    "too large": ([0, 1, 2, 3, 1, 2], ValueError, ["y[3] = 3", "0..2", "3 outputs"]),
    "negative": ([0, -1, 2, 0, 1, 2], ValueError, ["y[1] = -1", "0..2"]),
    "PyTorch's index to ignore": ([0, 1, -100, 0, 1, 2], ValueError, ["y[2] = -100"]),
    "fractions": ([0, 1, 0.5, 0, 1, 2], ValueError, ["y[2] = 0.5"]),
    "nan": ([0, 1, 2, 0, np.nan, np.nan], ValueError, ["y[4] is nan", "2 such values"]),
    "beyond 64 bits": (np.array([0, 1, 2, 0, 1, 2**64 - 1], np.uint64), ValueError, ["y[5] = 18446744073709551615"]),
    "too short": (LABELS[:5], ValueError, ["y has 5 rows", "X has 6"]),
    "too long": (np.append(LABELS, 0), ValueError, ["y has 7 rows", "X has 6"]),
    "none": ([], ValueError, ["y has 0 rows", "X has 6"]),
    "text": (list("abcabc"), TypeError, ["y", "0..2", "np.unique"]),
    "objects": (np.array(["a", 1, 2, 0, 1, 2], object), TypeError, ["y", "object", "np.unique"]),
    "complex": (LABELS * 1j, TypeError, ["y", "complex128"]),
    "dates": (days, TypeError, ["y", "datetime64"]),
    "categories": (pd.Series(list("abcabc"), dtype="category"), TypeError, ["y", "np.unique"]),
    "a scalar": (1, ValueError, ["y is 0-dimensional"]),
    "None": (None, (TypeError, ValueError), ["y"]),
    "three dimensions": (np.zeros((6, 3, 1)), ValueError, ["y is 3-dimensional", "(6, 3, 1)"]),
    "rows of another width": (np.eye(4)[LABELS], ValueError, ["y has shape (6, 4)", "3 outputs"]),
    "rows that do not sum to 1": (np.eye(3)[LABELS] * [[1], [1], [2], [1], [1], [1]], ValueError, ["y[2"]),
    "rows of zeros": (np.zeros((6, 3)), ValueError, ["y[0] sums to 0"]),
    "rows with negatives": (np.array([[1.5, -0.5, 0]] * 6), ValueError, ["y[0, 0] = 1.5", "0..1"]),
    "rows with nan": (np.where(np.eye(3)[LABELS], np.nan, 0), ValueError, ["y[0, 0] is nan", "6 such values"]),
    "too few rows": (np.eye(3), ValueError, ["y has 3 rows", "X has 6"]),
    "rows of text": (np.full((6, 3), "a"), TypeError, ["y", "<U1"]),
}
LEARNING_DOORS = ["fit", "partial_fit", "evaluate", "gradient", "check_gradients"]


def refused_everywhere(d, error, parts, **data):
    for door in LEARNING_DOORS:
        with pytest.raises(error) as caught:
            getattr(d, door)(**data)
        for part in parts:
            assert part in str(caught.value), f"{door}: {part!r} is not in: {caught.value}"


@pytest.mark.parametrize(("y", "error", "parts"), BAD_LABELS.values(), ids=BAD_LABELS)
def test_class_targets_that_do_not_fit_are_refused(y, error, parts, doors):
    """Labels are 0..n - 1, rows are probabilities; no label is silently left out."""
    d = doors()
    refused_everywhere(d, error, parts, X=X, y=y)
    with pytest.raises(error) as caught:
        d.fit(X, LABELS, validation_data=(X, y))
    assert "validation_data[1]" in str(caught.value)


BAD_VALUES = {
    "too few columns": (VALUES[:, :2], ValueError, ["y has shape (6, 2)", "3 outputs", "(6, 3)"]),
    "a vector for three outputs": (VALUES[:, 0], ValueError, ["y has shape (6,)", "3 outputs"]),
    "labels for three outputs": (LABELS, ValueError, ["y has shape (6,)", "3 outputs", "one-hot", "softmax"]),
    "nan": (np.where(np.eye(6, 3), np.nan, 1), ValueError, ["y[0, 0] is nan", "3 such values"]),
    "inf": (np.where(np.eye(6, 3, 1), np.inf, 1), ValueError, ["y[0, 1] is inf", "2 such values"]),
    "too short": (VALUES[:5], ValueError, ["y has 5 rows", "X has 6"]),
    "complex": (VALUES * 1j, TypeError, ["y", "complex128"]),
    "text": (VALUES.astype(str), TypeError, ["y", "<U"]),
    "dates": (np.full((6, 3), np.datetime64("2020-01-01")), TypeError, ["y", "datetime64"]),
    "objects": (np.full((6, 3), "red", object), TypeError, ["y", "'red'"]),
    "three dimensions": (VALUES[None], ValueError, ["y is 3-dimensional", "(1, 6, 3)"]),
    "a scalar": (1.0, ValueError, ["y is 0-dimensional"]),
    "None": (None, (TypeError, ValueError), ["y"]),
    "a frame with missing values": (pd.DataFrame({"u": [1.0] * 6, "v": [None] * 6, "w": 1}), ValueError, ["y", "'v'"]),
}


@pytest.mark.parametrize(("y", "error", "parts"), BAD_VALUES.values(), ids=BAD_VALUES)
def test_numbers_to_regress_on_that_do_not_fit_are_refused(y, error, parts, doors):
    """Finite numbers, in the outputs' shape."""
    refused_everywhere(doors("mse"), error, parts, X=X, y=y)


def test_numbers_to_regress_on_that_float32_cannot_hold_are_refused(doors):
    """As in X."""
    y = np.where(np.eye(6, 3, -5), 1e39, 1)
    for door in ("fit", "partial_fit", "evaluate", "gradient"):
        refused(ValueError, ["y[5, 0]", "1e+39", "float32"], getattr(doors("mse"), door), X, y)


BAD_PROBABILITIES = {
    "above 1": (np.array([0, 1, 1.25, 0, 2, 0]), ValueError, ["y[2, 0] = 1.25", "0..1"]),
    "below 0": (np.array([0, 1, 1, -1, 1, 0]), ValueError, ["y[3, 0] = -1", "0..1"]),
    "nan": (np.array([0, 1, 1, 0, np.nan, 0]), ValueError, ["y[4", "is nan", "1 such value)"]),
    "text": (np.array(list("yesnoo")), TypeError, ["y", "<U1"]),
    "two columns": (np.zeros((6, 2)), ValueError, ["y has shape (6, 2)", "1 output"]),
}


@pytest.mark.parametrize(("y", "error", "parts"), BAD_PROBABILITIES.values(), ids=BAD_PROBABILITIES)
def test_probabilities_that_are_none_are_refused(y, error, parts, doors):
    """A binary cross-entropy takes 0..1."""
    refused_everywhere(doors("binary_cross_entropy", 1), error, parts, X=X, y=y)


# Weights


BAD_WEIGHTS = {
    "negative": ([1, 1, 1, -0.5, 1, -2], ValueError, ["sample_weight[3] = -0.5", "negative"]),
    "all zero": (np.zeros(6), ValueError, ["sample_weight", "0 in every row"]),
    "nan": ([1, np.nan, 1, 1, np.nan, 1], ValueError, ["sample_weight[1] is nan", "2 such values"]),
    "inf": ([1, 1, 1, 1, 1, np.inf], ValueError, ["sample_weight[5] is inf"]),
    "too short": (np.ones(5), ValueError, ["sample_weight has 5 rows", "X has 6"]),
    "two dimensions": (np.ones((6, 1)), ValueError, ["sample_weight is 2-dimensional", "(6, 1)"]),
    "a scalar": (1.0, ValueError, ["sample_weight is 0-dimensional"]),
    "text": (["a"] * 6, TypeError, ["sample_weight", "<U1"]),
    "complex": (np.ones(6) * 1j, TypeError, ["sample_weight", "complex128"]),
    "a class weight": ({0: 1.0}, (TypeError, ValueError), ["sample_weight"]),
}


@pytest.mark.parametrize(("w", "error", "parts"), BAD_WEIGHTS.values(), ids=BAD_WEIGHTS)
def test_weights_that_do_not_fit_are_refused(w, error, parts, doors):
    """One per row: finite, not negative, not all zero."""
    d = doors()
    refused_everywhere(d, error, parts, X=X, y=LABELS, sample_weight=w)
    with pytest.raises(error) as caught:
        d.fit(X, LABELS, validation_data=(X, LABELS, w))
    assert "validation_data[2]" in str(caught.value)


def test_weights_that_float32_cannot_hold_are_refused(doors):
    """Too large, or all 0 once they are rounded: neither may reach a division."""
    d = doors()
    for door in ("fit", "partial_fit", "evaluate", "gradient"):
        call, tiny = getattr(d, door), np.full(6, 1e-300)
        refused(ValueError, ["sample_weight", "0 in every row"], call, X, LABELS, sample_weight=tiny)
        parts = ["sample_weight[2]", "1e+39", "float32"]
        refused(ValueError, parts, call, X, LABELS, sample_weight=[1, 1, 1e39, 1, 1, 1])


BAD_CLASS_WEIGHTS = {
    "a label too large": ({3: 1.0}, ValueError, ["class_weight", "0..2", "3"]),
    "a label of text": ({"a": 1.0}, TypeError, ["class_weight", "'a'"]),
    "negative": ({1: -1.0}, ValueError, ["class_weight[1]", "-1"]),
    "nan": ({1: float("nan")}, ValueError, ["class_weight[1]", "nan"]),
    "inf": ({1: float("inf")}, ValueError, ["class_weight[1]", "inf"]),
    "text": ({1: "heavy"}, TypeError, ["class_weight[1]", "'heavy'"]),
    "too large for float32": ({1: 1e39}, ValueError, ["class_weight", "1e+39", "float32"]),
    "all zero": ({0: 0, 1: 0, 2: 0}, ValueError, ["class_weight", "0 in every row"]),
    "a name unknown": ("equal", (TypeError, ValueError), ["class_weight", "'equal'", "'balanced'"]),
    "a list": ([1, 2, 3], TypeError, ["class_weight", "dict", "list"]),
}


@pytest.mark.parametrize(("weights", "error", "parts"), BAD_CLASS_WEIGHTS.values(), ids=BAD_CLASS_WEIGHTS)
def test_class_weights_that_do_not_fit_are_refused(weights, error, parts, doors):
    """By label, in range, finite, not negative."""
    with pytest.raises(error) as caught:
        doors().fit(X, LABELS, class_weight=weights)
    for part in parts:
        assert part in str(caught.value)


def test_class_weights_without_classes_are_refused(doors):
    """Numbers have none, and several yes-or-no outputs have no single one."""
    refused(ValueError, ["class_weight", "MSE"], doors("mse").fit, X, VALUES, class_weight="balanced")
    d = doors("binary_cross_entropy")
    refused(ValueError, ["class_weight", "3 outputs"], d.fit, X, np.zeros((6, 3)), class_weight={0: 1.0})


# Settings of fit


BAD_SETTINGS = {
    "batch 0": ({"batch_size": 0}, ValueError, ["batch_size", "1 or more", "0"]),
    "batch negative": ({"batch_size": -5}, ValueError, ["batch_size", "1 or more", "-5"]),
    "batch a fraction": ({"batch_size": 2.0}, TypeError, ["batch_size", "whole number", "2.0"]),
    "batch a truth value": ({"batch_size": True}, TypeError, ["batch_size", "whole number", "True"]),
    "batch a text": ({"batch_size": "auto"}, TypeError, ["batch_size", "whole number", "'auto'"]),
    "epochs -1": ({"epochs": -1}, ValueError, ["epochs", "0 or more", "-1"]),
    "epochs a fraction": ({"epochs": 1.5}, TypeError, ["epochs", "whole number", "1.5"]),
    "epochs a truth value": ({"epochs": True}, TypeError, ["epochs", "True"]),
    "shuffle a number": ({"shuffle": 1}, TypeError, ["shuffle", "True or False", "1"]),
    "progress a number": ({"progress": 2}, TypeError, ["progress", "True or False", "2"]),
    "split 1.0": ({"validation_split": 1.0}, ValueError, ["validation_split", "1.0", "excluded"]),
    "split negative": ({"validation_split": -0.1}, ValueError, ["validation_split", "-0.1"]),
    "split nan": ({"validation_split": float("nan")}, ValueError, ["validation_split", "nan"]),
    "split a text": ({"validation_split": "0.1"}, TypeError, ["validation_split", "'0.1'"]),
    "split of no rows": ({"validation_split": 0.1}, ValueError, ["validation_split=0.1", "6 rows", "0"]),
    "both kinds of validation": (
        {"validation_split": 0.5, "validation_data": (X, LABELS)},
        ValueError,
        ["validation_data", "validation_split"],
    ),
    "validation of one part": ({"validation_data": (X,)}, TypeError, ["validation_data", "(X, y)"]),
    "validation of four parts": (
        {"validation_data": (X, LABELS, None, None)},
        TypeError,
        ["validation_data", "(X, y)"],
    ),
    "validation an array": ({"validation_data": X}, TypeError, ["validation_data", "(X, y)"]),
    "an argument unknown": ({"batchsize": 2}, TypeError, ["batchsize"]),
}


@pytest.mark.parametrize(("settings", "error", "parts"), BAD_SETTINGS.values(), ids=BAD_SETTINGS)
def test_impossible_settings_of_fit_are_refused(settings, error, parts, doors):
    """Before a single step."""
    refused(error, parts, doors().fit, X, LABELS, **settings)


# Descriptions


nan = float("nan")
BAD_DESCRIPTIONS = {
    # optimizers
    "lr negative": (lambda: fp.SGD(-0.1), ValueError, ["learning_rate", "0 or more", "-0.1"]),
    "lr nan": (lambda: fp.SGD(nan), ValueError, ["learning_rate", "nan"]),
    "lr inf": (lambda: fp.SGD(float("inf")), ValueError, ["learning_rate", "finite", "inf"]),
    "lr text": (lambda: fp.SGD("0.1"), TypeError, ["learning_rate", "'0.1'"]),
    "lr truth value": (lambda: fp.SGD(True), TypeError, ["learning_rate", "True"]),
    "lr None": (lambda: fp.SGD(None), TypeError, ["learning_rate", "None"]),
    "lr complex": (lambda: fp.SGD(1j), TypeError, ["learning_rate", "1j"]),
    "lr array": (lambda: fp.SGD(np.array([0.1])), TypeError, ["learning_rate", "array"]),
    "lr huge": (lambda: fp.SGD(10**400), ValueError, ["learning_rate"]),
    "momentum 1": (lambda: fp.SGD(0.1, momentum=1), ValueError, ["momentum", "1 excluded"]),
    "momentum negative": (lambda: fp.SGD(0.1, momentum=-0.1), ValueError, ["momentum", "-0.1"]),
    "dampening 2": (lambda: fp.SGD(0.1, momentum=0.9, dampening=2), ValueError, ["dampening", "0..1", "2"]),
    "decay negative": (lambda: fp.SGD(0.1, weight_decay=-1), ValueError, ["weight_decay", "-1"]),
    "nesterov text": (lambda: fp.SGD(0.1, momentum=0.9, nesterov="yes"), TypeError, ["nesterov", "'yes'"]),
    "nesterov alone": (lambda: fp.SGD(0.1, nesterov=True), ValueError, ["nesterov", "momentum"]),
    "nesterov dampened": (
        lambda: fp.SGD(0.1, momentum=0.9, dampening=0.1, nesterov=True),
        ValueError,
        ["nesterov", "dampening is 0.1"],
    ),
    # layers
    "units 0": (lambda: fp.Dense(0), ValueError, ["units", "1 or more", "0"]),
    "units negative": (lambda: fp.Dense(-3), ValueError, ["units", "-3"]),
    "units True": (lambda: fp.Dense(True), TypeError, ["units", "True"]),
    "units 2.5": (lambda: fp.Dense(2.5), TypeError, ["units", "whole number", "2.5"]),
    "units text": (lambda: fp.Dense("relu"), TypeError, ["units", "'relu'"]),
    "activation rellu": (lambda: fp.Dense(3, "rellu"), ValueError, ["activation", "'rellu'", "did you mean 'relu'?"]),
    "activation far off": (lambda: fp.Dense(3, "xyz"), ValueError, ["activation", "'xyz'", "'relu'", "'softmax'"]),
    "activation ReLU": (lambda: fp.Dense(3, "ReLU"), ValueError, ["activation", "'ReLU'", "did you mean 'relu'?"]),
    "activation a class": (lambda: fp.Dense(3, fp.activations.ReLU), TypeError, ["activation", "ReLU(...)"]),
    "activation a function": (lambda: fp.Dense(3, np.tanh), TypeError, ["activation", "tanh"]),
    "activation None": (lambda: fp.Dense(3, None), TypeError, ["activation", "None"]),
    "activation swish": (lambda: fp.Dense(3, "swish"), ValueError, ["'swish'", "did you mean 'silu'?"]),
    "activation leakyrelu": (lambda: fp.Dense(3, "leakyrelu"), ValueError, ["did you mean 'leaky_relu'?"]),
    "negative_slope below 0": (lambda: fp.LeakyReLU(-0.1), ValueError, ["negative_slope", "in 0..1e+30", "-0.1"]),
    "negative_slope nan": (lambda: fp.LeakyReLU(np.nan), ValueError, ["negative_slope", "in 0..1e+30", "nan"]),
    "negative_slope a text": (lambda: fp.LeakyReLU("0.1"), TypeError, ["negative_slope", "a number", "'0.1'"]),
    "alpha below 0": (lambda: fp.ELU(-1), ValueError, ["alpha", "in 0..1e+30", "-1"]),
    "alpha 0": (lambda: fp.CELU(0.0), ValueError, ["alpha", "in 1e-30..1e+30", "0.0"]),
    "beta 0": (lambda: fp.Softplus(0), ValueError, ["beta", "in 1e-30..1e+30", "0"]),
    "beta infinite": (lambda: fp.Softplus(np.inf), ValueError, ["beta", "in 1e-30..1e+30", "inf"]),
    "bounds that cross": (lambda: fp.HardTanh(2, 1), ValueError, ["min_val", "below max_val", "2.0", "1.0"]),
    "bounds that meet in float32": (lambda: fp.HardTanh(1, 1 + 1e-9), ValueError, ["min_val must be below max_val"]),
    "approximate": (lambda: fp.GELU("erf"), ValueError, ["approximate", "'none' or 'tanh'", "'erf'"]),
    "approximate a flag": (lambda: fp.GELU(True), ValueError, ["approximate", "'none' or 'tanh'", "True"]),
    "bias a number": (lambda: fp.Dense(3, use_bias=1), TypeError, ["use_bias", "True or False", "1"]),
    "initializer unknown": (
        lambda: fp.Dense(3, kernel_initializer="he_unifrom"),
        ValueError,
        ["kernel_initializer", "did you mean 'he_uniform'?"],
    ),
    "bias initializer unknown": (
        lambda: fp.Dense(3, bias_initializer="twos"),
        ValueError,
        ["bias_initializer", "'twos'"],
    ),
    "bias initializer auto": (lambda: fp.Dense(3, bias_initializer="auto"), ValueError, ["bias_initializer", "'auto'"]),
    # networks
    "no layers": (lambda: fp.Sequential([], n_inputs=3), ValueError, ["layers", "empty"]),
    "a layer alone": (lambda: fp.Sequential(fp.Dense(3), n_inputs=3), TypeError, ["layers", "list", "Dense(3)"]),
    "no list": (lambda: fp.Sequential(5, n_inputs=3), TypeError, ["layers", "list", "5"]),
    "a number for a layer": (lambda: fp.Sequential([fp.Dense(3), 7], n_inputs=3), TypeError, ["layers[1]", "7"]),
    "a name for a layer": (lambda: fp.Sequential("relu", n_inputs=3), TypeError, ["layers"]),
    "inputs 0": (lambda: fp.mlp(0, 3), ValueError, ["n_inputs", "1 or more", "0"]),
    "inputs missing": (lambda: fp.Sequential([fp.Dense(3)]), TypeError, ["n_inputs"]),
    "inputs a fraction": (lambda: fp.mlp(4.0, 3), TypeError, ["n_inputs", "4.0"]),
    "no units": (lambda: fp.mlp(4), ValueError, ["mlp(64, 128, 10)"]),
    "a list of units": (lambda: fp.mlp(4, [5, 3]), TypeError, ["units", "[5, 3]"]),
    "an activation of no layer": (lambda: fp.mlp(4, 3, activation="rellu"), ValueError, ["did you mean 'relu'?"]),
    "dtype float16": (lambda: fp.mlp(4, 3, dtype="float16"), ValueError, ["dtype", "float32", "float64", "float16"]),
    "dtype int": (lambda: fp.mlp(4, 3, dtype=int), ValueError, ["dtype", "int64"]),
    "dtype double complex": (lambda: fp.mlp(4, 3, dtype="complex"), ValueError, ["dtype", "complex128"]),
    "dtype unknown": (lambda: fp.mlp(4, 3, dtype="flaot32"), TypeError, ["dtype", "'flaot32'"]),
    "seed negative": (lambda: fp.mlp(4, 3, seed=-1), ValueError, ["seed", "-1"]),
    "seed too large": (lambda: fp.mlp(4, 3, seed=2**64), ValueError, ["seed", "18446744073709551616"]),
    "seed None": (lambda: fp.mlp(4, 3, seed=None), TypeError, ["seed", "None"]),
    "seed a fraction": (lambda: fp.mlp(4, 3).initialize(0.5), TypeError, ["seed", "0.5"]),
    # losses and metrics
    "logits a number": (lambda: fp.CrossEntropy(from_logits=1), TypeError, ["from_logits", "True or False"]),
    "o and y of different lengths": (lambda: fp.MSE()([1.0, 2.0], [1.0]), ValueError, ["y has 1 rows", "o has 2"]),
    "o and y of different widths": (
        lambda: fp.MSE()(np.ones((2, 3)), np.ones((2, 2))),
        ValueError,
        ["y has shape (2, 2)"],
    ),
    "a label out of range": (lambda: fp.CrossEntropy()([[0.5, 0.5]], [2]), ValueError, ["y[0] = 2", "0..1"]),
    "a probability out of range": (lambda: fp.BinaryCrossEntropy()([0.5], [2.0]), ValueError, ["y[0, 0] = 2.0"]),
    "weights negative": (lambda: fp.MSE()([1.0], [1.0], [-1.0]), ValueError, ["sample_weight[0] = -1"]),
}


@pytest.mark.parametrize(("call", "error", "parts"), BAD_DESCRIPTIONS.values(), ids=BAD_DESCRIPTIONS)
def test_impossible_descriptions_are_refused_where_they_are_made(call, error, parts):
    """At construction, so that the traceback shows the line that is wrong."""
    refused(error, parts, call)


softmax, sigmoid, linear = (fp.mlp(4, 3, output=f) for f in ("softmax", "sigmoid", "identity"))
BAD_TRAINERS = {
    "a loss misspelt": (
        lambda: fp.Trainer(softmax, "cross_entrpy"),
        ValueError,
        ["loss", "did you mean 'cross_entropy'?"],
    ),
    "a loss unknown": (lambda: fp.Trainer(softmax, "triplet"), ValueError, ["loss", "'triplet'", "'mse'"]),
    "a loss's class": (lambda: fp.Trainer(softmax, fp.CrossEntropy), TypeError, ["loss", "CrossEntropy(...)"]),
    "no loss": (lambda: fp.Trainer(softmax, None), TypeError, ["loss", "None"]),
    "an optimizer misspelt": (lambda: fp.Trainer(softmax, "cross_entropy", "sdg"), ValueError, ["optimizer", "'sgd'"]),
    "an optimizer's class": (
        lambda: fp.Trainer(softmax, "cross_entropy", fp.SGD),
        TypeError,
        ["optimizer", "SGD(...)"],
    ),
    "a number for an optimizer": (lambda: fp.Trainer(softmax, "cross_entropy", 0.1), TypeError, ["optimizer", "0.1"]),
    "a metric misspelt": (
        lambda: fp.Trainer(softmax, "cross_entropy", metrics=["acuracy"]),
        ValueError,
        ["metric", "did you mean 'accuracy'?"],
    ),
    "metrics a name": (
        lambda: fp.Trainer(softmax, "cross_entropy", metrics="mae"),
        TypeError,
        ["metrics=['accuracy']", "'mae'"],
    ),
    "a metric twice": (
        lambda: fp.Trainer(softmax, "cross_entropy", metrics=["mae", "mae"]),
        ValueError,
        ["twice", "mae"],
    ),
    "a seed negative": (lambda: fp.Trainer(softmax, "cross_entropy", seed=-1), ValueError, ["seed", "-1"]),
    "no model": (lambda: fp.Trainer(fp.Dense(3), "mse"), TypeError, ["model", "Sequential", "Dense(3)"]),
    "classes after sigmoid": (lambda: fp.Trainer(sigmoid, "cross_entropy"), ValueError, ["'softmax'", "'sigmoid'"]),
    "classes after identity": (
        lambda: fp.Trainer(linear, "cross_entropy"),
        ValueError,
        ["'softmax'", "'identity'", "from_logits=True"],
    ),
    "logits after softmax": (
        lambda: fp.Trainer(softmax, fp.CrossEntropy(from_logits=True)),
        ValueError,
        ["from_logits=True", "'identity'", "'softmax'", "CrossEntropy()"],
    ),
    "yes or no after softmax": (
        lambda: fp.Trainer(softmax, "binary_cross_entropy"),
        ValueError,
        ["'sigmoid'", "'softmax'"],
    ),
    "logits after sigmoid": (
        lambda: fp.Trainer(sigmoid, fp.BinaryCrossEntropy(from_logits=True)),
        ValueError,
        ["'identity'", "'sigmoid'", "BinaryCrossEntropy()"],
    ),
    "one class": (
        lambda: fp.Trainer(fp.mlp(4, 1, output="softmax"), "cross_entropy"),
        ValueError,
        ["2 classes", "1 output", "binary_cross_entropy"],
    ),
    "a gradient of a loss that cannot follow": (
        lambda: fp.gradient(linear, X, LABELS, "cross_entropy"),
        ValueError,
        ["'softmax'", "'identity'"],
    ),
    "a check with a step of 0": (
        lambda: fp.check_gradients(softmax, X, LABELS, "cross_entropy", step=0),
        ValueError,
        ["step", "0"],
    ),
}


@pytest.mark.parametrize(("call", "error", "parts"), BAD_TRAINERS.values(), ids=BAD_TRAINERS)
def test_trainers_of_things_that_do_not_go_together_are_refused(call, error, parts):
    """With what to write instead."""
    refused(error, parts, call)


@pytest.mark.parametrize("number", [np.float32(0.5), np.int64(1), Fraction(1, 2), 1])
def test_numbers_of_other_libraries_are_numbers(number):
    """The refusals above are not of their types."""
    assert fp.SGD(number).learning_rate == float(number)
    assert fp.Dense(np.int64(3)) == fp.Dense(3)
    assert fp.mlp(np.uint8(200), np.int32(3)).n_params == 603


BAD_WEIGHT_ARRAYS = {
    "W turned round": ("W", np.zeros((5, 4)), ["W has shape (4, 5)", "(5, 4)"]),
    "W a scalar": ("W", 0.0, ["W has shape (4, 5)", "()"]),
    "W a row": ("W", np.zeros(5), ["W has shape (4, 5)", "(5,)"]),
    "b too long": ("b", np.zeros(6), ["b has shape (5,)", "(6,)"]),
    "b a scalar": ("b", 1.0, ["b has shape (5,)", "()"]),
}


@pytest.mark.parametrize(("name", "values", "parts"), BAD_WEIGHT_ARRAYS.values(), ids=BAD_WEIGHT_ARRAYS)
def test_weights_of_another_shape_are_not_assigned(name, values, parts):
    """No broadcasting: it hides a layout that is turned round."""
    model = fp.mlp(4, 5, 3)
    before = model.theta.tobytes()
    refused(ValueError, parts, setattr, model.layers[0], name, values)
    assert model.theta.tobytes() == before


def test_a_bias_that_is_not_there_is_not_assigned():
    """It was described without."""
    layer = fp.Sequential([fp.Dense(3, use_bias=False)], n_inputs=2).layers[0]
    refused(ValueError, ["no bias", "Dense(3, use_bias=False)"], setattr, layer, "b", np.zeros(3))


# The machine


@pytest.mark.parametrize("sizes", [(2**40, 2**40), (64, 2**45), (10**12, 8), (2**62, 2**62)], ids=str)
def test_an_absurd_network_is_refused_with_the_bytes_it_would_take(sizes):
    """Before anything is allocated: not by a process that the system kills, nor by a product that wraps around."""
    n_params = sizes[0] * sizes[1] + sizes[1]
    refused(MemoryError, [f"{n_params:,} parameters", f"{4 * n_params:,} bytes"], fp.mlp, *sizes)


def test_an_absurd_number_of_rows_at_once_is_refused():
    """One row in memory, 2**40 in shape: the gradient takes them as one batch."""
    many = np.broadcast_to(np.uint8(1), (2**40, 1))
    refused(MemoryError, ["1099511627776 rows", "bytes"], fp.gradient, fp.mlp(1, 1), many, many, "mse")


def test_a_target_that_is_not_there_names_those_that_are(monkeypatch):
    """An error, not an illegal instruction."""
    monkeypatch.setenv("FASTPROP_TARGET", "altivec")
    parts = ["'altivec'", "FASTPROP_TARGET", *fp.targets()]
    refused(ValueError, parts, dispatch.chosen.__wrapped__)
    result = run_python("import fastprop as fp; fp.mlp(1, 1).predict([[1.0]])")
    assert result.returncode == 1
    assert "ValueError: target 'altivec' is not available" in result.stderr


# What may be assigned to: in a process of its own, because what went wrong here once was a crash

ASSIGNMENTS = {
    "another optimizer": "trainer.optimizer = fp.SGD(0.05, momentum=0.9, nesterov=True)",
    "another network": "trainer.model = fp.mlp(4, 3000, 3, output='softmax')",
    "another loss": "trainer.loss = fp.MSE()",
    "another type": "trainer.model.dtype = np.dtype('float64')",
    "other inputs": "trainer.model.n_inputs = 400",
    "another layer": "trainer.model.layers[0].description = fp.Dense(3000)",
    "other layers": "trainer.model.layers = fp.mlp(4, 3000, 3).layers",
    "another theta": "trainer.model.theta = np.zeros(3)",
}
ASSIGN = """
import numpy as np
import fastprop as fp
trainer = fp.Trainer(fp.mlp(4, 5, 3, output="softmax"), "cross_entropy", fp.SGD(0.1))
X, y = np.ones((6, 4)), np.array([0, 1, 2, 0, 1, 2])
try:
    {assignment}
    kept = True
except (AttributeError, TypeError, ValueError):
    kept = False
targets = np.eye(3)[y] if kept and isinstance(trainer.loss, fp.MSE) else y
trainer.fit(X, targets, batch_size=2, epochs=3, progress=False)
fresh = trainer.model.copy()
assert np.isfinite(trainer.model.theta).all() and trainer.model.n_params == fresh.n_params
assert np.array_equal(fresh.predict(X), trainer.model.predict(X))
assert np.array_equal(fresh.predict(X).sum(axis=1).round(5), np.ones(6))
"""


@pytest.mark.parametrize("assignment", ASSIGNMENTS.values(), ids=ASSIGNMENTS)
def test_what_is_assigned_to_a_trainer_or_a_network_is_refused_or_works(assignment):
    """The engine trusts sizes and types: nothing that a user can write may make them untrue."""
    result = run_python(ASSIGN.replace("{assignment}", assignment))
    assert result.returncode == 0, f"exit code {result.returncode}: {result.stderr}"


def test_a_description_of_ones_own_is_refused_rather_than_taken_for_its_base() -> None:
    """The core has kernels by name; a subclass would silently run as its base class."""

    class Cubed(fp.MSE):
        pass

    with pytest.raises(TypeError, match=r"loss is a Cubed, for which the core has no kernel; known: .*'mse'"):
        fp.Trainer(fp.mlp(2, 1), Cubed())


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("categorical_crossentropy", "cross_entropy"), ("bce", "binary_cross_entropy"), ("mean_squared_error", "mse")],
)
def test_other_libraries_names_lead_to_ours(typed: str, meant: str) -> None:
    with pytest.raises(ValueError, match=f"unknown loss '{typed}'; did you mean '{meant}'"):
        fp.Trainer(fp.mlp(2, 1), typed)


def test_labels_are_copied_so_that_nobody_changes_them_under_the_core() -> None:
    """The core trusts labels that were checked once, over all epochs."""
    y = np.array([0, 1, 1])
    assert not np.shares_memory(_checks.classes("y", y, 2, np.dtype(np.float32)), y)


def test_masked_values_are_refused_not_unmasked() -> None:
    X = np.ma.array([[1.0, 2.0], [3.0, 4.0]], mask=[[False, True], [False, False]])
    with pytest.raises(ValueError, match="X has 1 masked values"):
        fp.mlp(2, 1).predict(X)


@pytest.mark.parametrize("loss", [fp.CrossEntropy(), fp.BinaryCrossEntropy()])
def test_a_cross_entropy_called_on_logits_says_so(loss: fp.losses.Loss) -> None:
    with pytest.raises(ValueError, match=r"o\[0, 0\] = 5 is not in 0..1.*from_logits=True"):
        loss([[5.0, 3.0]], [[1, 0]])


def test_a_validation_split_must_leave_weight_on_both_sides() -> None:
    trainer = fp.Trainer(fp.mlp(1, 1), "mse")
    with pytest.raises(ValueError, match="leaves only rows of weight 0 to train on"):
        trainer.fit(np.ones((4, 1)), np.ones(4), sample_weight=[0, 0, 0, 1], validation_split=0.25)


def test_accuracy_on_one_output_is_of_yes_or_no() -> None:
    trainer = fp.Trainer(fp.mlp(1, 1), "mse", metrics=["accuracy"])
    with pytest.raises(ValueError, match=r"y\[2\] = 7, but accuracy on one output is of yes or no"):
        trainer.fit(np.ones((3, 1)), [0, 1, 7])


def test_two_trainers_do_not_train_one_model_at_once() -> None:
    model = fp.mlp(1, 1)
    one, other = fp.Trainer(model, "mse"), fp.Trainer(model, "mse")
    with one._exclusively(), pytest.raises(RuntimeError, match="the model is being trained in another thread"):
        other.fit([[1.0]], [1.0], batch_size=1)
