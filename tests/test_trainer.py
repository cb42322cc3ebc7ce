"""Training: what an epoch does, in which order, to which state, and what it leaves when it is cut short."""

import copy
import hashlib
import io
import os
import pickle
import signal
import sys
import threading
import time
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, mean_absolute_error
from sklearn.utils.class_weight import compute_sample_weight

import fastprop as fp
from fastprop import _slices
from fastprop import trainer as trainer_module
from fastprop._native import philox
from processes import run_python
from reference import SGD, flat, forward, layers_of, parameters, relative_error, train

ROWS = 50
BATCH = 16  # leaves a last batch of 2 rows
ENDS = [("mse", "identity"), ("cross_entropy", "softmax"), ("binary_cross_entropy", "sigmoid")]


def numbers(seed=0, m=ROWS, n_in=5, n_out=3):
    """X, numbers to regress on, labels in 0..n_out - 1, and weights."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((m, n_in)), rng.standard_normal((m, n_out)), rng.integers(0, n_out, m), rng.random(m)


def classifier(dtype="float64", seed=3, metrics=("accuracy",), **sgd):
    model = fp.mlp(5, 7, 3, activation="tanh", output="softmax", dtype=dtype, seed=seed)
    return fp.Trainer(model, "cross_entropy", fp.SGD(**{"learning_rate": 0.1, "momentum": 0.9} | sgd), metrics)


def fit(trainer, X, y, **settings):
    return trainer.fit(X, y, **{"batch_size": BATCH, "progress": False} | settings)


def bits(trainer):
    """Everything a training leaves, to the last bit: what `save` writes."""
    return (
        trainer.model.theta.tobytes(),
        trainer._memory.vectors.tobytes(),
        trainer.epoch,
        trainer.step,
        repr(dict(trainer.history)),
    )


# What an epoch is


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shuffle", [True, False])
def test_fitting_twice_for_one_epoch_is_fitting_once_for_two(dtype, shuffle):
    """Epoch, order, step and velocity go on from call to call."""
    X, _, y, _ = numbers()
    twice, once = classifier(dtype), classifier(dtype)
    first = fit(twice, X, y, shuffle=shuffle)
    second = fit(twice, X, y, shuffle=shuffle)
    both = fit(once, X, y, shuffle=shuffle, epochs=2)
    assert bits(twice) == bits(once)
    assert dict(both) == {name: first[name] + second[name] for name in both} == dict(twice.history)


@pytest.mark.parametrize("batch_size", [1, 3, 5, 7, 16])
def test_an_epoch_visits_each_row_exactly_once(batch_size):
    """Each row's loss is a power of 4, so that the sum over the epoch tells which rows were in it, and how often."""
    model = fp.Sequential([fp.Dense(1, kernel_initializer="zeros")], n_inputs=1, dtype="float64")
    trainer = fp.Trainer(model, "mse", fp.SGD(0.0))
    y = 2.0 ** np.arange(16)
    history = fit(trainer, np.ones((16, 1)), y, batch_size=batch_size, epochs=3)
    assert history["loss"] == [sum(4.0**i for i in range(16)) / 16] * 3
    assert trainer.step == 3 * -(-16 // batch_size)


def test_each_epoch_has_an_order_of_its_own_given_by_seed_and_epoch():
    """Permutations of the rows, all different; the trainer's seed is the model's unless it is given one."""
    orders = {}
    for seed in (0, 1):
        for epoch in range(3):
            order = philox.permutation(seed, epoch, 40)
            assert sorted(order) == list(range(40))
            orders[seed, epoch] = tuple(order)
    assert len(set(orders.values())) == 6

    X, y, _, _ = numbers(n_out=1)
    same, other = (fp.Trainer(fp.mlp(5, 1, seed=7), "mse", fp.SGD(0.1), seed=seed) for seed in (7, 8))
    default = fp.Trainer(fp.mlp(5, 1, seed=7), "mse", fp.SGD(0.1))
    for trainer in (same, other, default):
        fit(trainer, X, y)
    assert bits(same) == bits(default)
    assert bits(same) != bits(other)


def test_without_shuffle_the_rows_come_as_they_stand():
    """The same as handing the batches over one by one."""
    X, _, y, _ = numbers()
    whole, by_hand = classifier(), classifier()
    fit(whole, X, y, shuffle=False)
    for start in range(0, ROWS, BATCH):
        by_hand.partial_fit(X[start : start + BATCH], y[start : start + BATCH])
    assert bits(whole)[:2] == bits(by_hand)[:2]
    assert whole.step == by_hand.step == 4


SGD_SETTINGS = [
    {},
    {"weight_decay": 0.02},
    {"momentum": 0.9},
    {"momentum": 0.9, "weight_decay": 0.02},
    {"momentum": 0.9, "dampening": 0.3},
    {"momentum": 0.9, "dampening": 1.0, "weight_decay": 0.02},
    {"momentum": 0.9, "nesterov": True},
    {"momentum": 0.9, "nesterov": True, "weight_decay": 0.02},
    {"momentum": 0.5, "dampening": 0.1, "weight_decay": 0.1},
]


@pytest.mark.parametrize(("loss", "last"), ENDS)
@pytest.mark.parametrize("settings", SGD_SETTINGS, ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_training_follows_the_equations_step_by_step(loss, last, settings, weighted):
    """Five epochs of shuffled batches, the last of each short, against plain NumPy: parameters and losses."""
    X, values, labels, w = numbers()
    y = {"mse": values, "cross_entropy": labels, "binary_cross_entropy": 1 / (1 + np.exp(-values))}[loss]
    model = fp.mlp(5, 8, 6, 3, activation="tanh", output=last, dtype="float64", seed=5)
    layers = layers_of(model)
    weights = w if weighted else None
    trainer = fp.Trainer(model, loss, fp.SGD(0.05, **settings))
    history = fit(trainer, X, y, epochs=5, sample_weight=weights)

    targets = np.eye(3)[labels] if loss == "cross_entropy" else y
    orders = [philox.permutation(5, epoch, ROWS) for epoch in range(5)]
    means = train(layers, X, targets, loss, SGD(0.05, **settings), orders=orders, batch_size=BATCH, w=weights)
    assert relative_error(model.theta, flat(parameters(layers))) <= 1e-13
    assert history["loss"] == pytest.approx(means, rel=1e-13)


@pytest.mark.parametrize("from_logits", [False, True])
def test_training_follows_the_equations_with_every_kind_of_layer(from_logits):
    """relu, sigmoid, softmax and identity as hidden layers, without biases in between, and logits."""
    X, _, labels, _ = numbers()
    dense = [fp.Dense(9, "relu"), fp.Dense(8, "sigmoid", use_bias=False), fp.Dense(7, "softmax"), fp.Dense(6)]
    model = fp.Sequential(
        [*dense, fp.Dense(3, "identity" if from_logits else "softmax")], n_inputs=5, dtype="float64", seed=1
    )
    layers = layers_of(model)
    trainer = fp.Trainer(model, fp.CrossEntropy(from_logits=from_logits), fp.SGD(0.1, momentum=0.9))
    fit(trainer, X, labels, epochs=5)
    orders = [philox.permutation(1, epoch, ROWS) for epoch in range(5)]
    sgd = SGD(0.1, momentum=0.9)
    train(layers, X, np.eye(3)[labels], "cross_entropy", sgd, orders=orders, batch_size=BATCH, from_logits=from_logits)
    assert relative_error(model.theta, flat(parameters(layers))) <= 1e-13


@pytest.mark.parametrize("units", [(300, 500, 2), (2, 700, 1), (700, 3, 2), (257, 256, 513)], ids=str)
def test_training_follows_the_equations_in_layers_larger_than_a_cache(units):
    """Layers whose dW is made and used in several lots, and products of several blocks, tiles and panels."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((300, units[0])), rng.standard_normal((300, units[-1]))
    model = fp.mlp(*units, activation="tanh", dtype="float64", seed=2)
    layers = layers_of(model)
    settings = {"learning_rate": 0.05, "momentum": 0.9, "weight_decay": 0.01}
    fit(fp.Trainer(model, "mse", fp.SGD(**settings)), X, y, epochs=2, batch_size=140)
    orders = [philox.permutation(2, epoch, 300) for epoch in range(2)]
    train(layers, X, y, "mse", SGD(**settings), orders=orders, batch_size=140)
    assert relative_error(model.theta, flat(parameters(layers))) <= 1e-13


def test_float32_training_stays_close_to_float64():
    """The same kernels in the shorter type; over 16 steps rounding does not grow out of hand."""
    X, _, y, _ = numbers()
    short, long = classifier("float32", momentum=0.5), classifier("float64", momentum=0.5)
    a, b = fit(short, X, y, epochs=4), fit(long, X, y, epochs=4)
    assert relative_error(short.model.theta.astype(float), long.model.theta) < 1e-5
    assert a["loss"] == pytest.approx(b["loss"], rel=1e-5)


def test_the_same_seed_trains_the_same_bits():
    """Nothing depends on the clock, on addresses, or on what ran before."""
    X, _, y, _ = numbers()
    results = []
    for _ in range(3):
        trainer = classifier("float32")
        fit(trainer, X, y, epochs=3)
        results.append(bits(trainer))
        np.random.default_rng().random(100)
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("seconds", [0.0, 1e-4, 1e9])
def test_where_an_epoch_is_cut_into_slices_changes_no_bit(seconds, monkeypatch):
    """How often Ctrl-C is listened to is not part of the result."""
    X, _, y, _ = numbers()
    expected, trainer = classifier(), classifier()
    fit(expected, X, y, epochs=3, batch_size=1)
    monkeypatch.setattr(_slices, "SLICE_SECONDS", seconds)
    fit(trainer, X, y, epochs=3, batch_size=1)
    assert bits(trainer) == bits(expected)


def test_no_epochs_change_nothing():
    """Zero is a number of epochs."""
    X, _, y, _ = numbers()
    trainer = classifier()
    before = bits(trainer)
    assert dict(fit(trainer, X, y, epochs=0)) == {}
    assert bits(trainer) == before


def test_partial_fit_is_one_step_and_tells_the_scores_before_it():
    """What `fit` does with one batch of all rows, in the order they stand in."""
    X, _, y, w = numbers()
    step, whole = classifier(), classifier()
    expected = step.evaluate(X, y, sample_weight=w)
    assert step.partial_fit(X, y, sample_weight=w) == pytest.approx(expected, rel=1e-14)
    fit(whole, X, y, sample_weight=w, batch_size=ROWS, shuffle=False)
    assert bits(step)[:2] == bits(whole)[:2]
    assert (step.step, step.epoch) == (1, 0)


def test_the_history_is_of_this_call_and_the_trainers_of_all():
    """fit returns what it did; the trainer remembers."""
    X, _, y, _ = numbers()
    trainer = classifier()
    assert fit(trainer, X, y, epochs=2).n_epochs == 2
    history = fit(trainer, X, y, epochs=3, validation_split=0.2)
    assert list(history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert trainer.history.n_epochs == trainer.epoch == 5
    assert np.isnan(trainer.history["val_loss"][:2]).all()
    assert trainer.history["val_loss"][2:] == history["val_loss"]


@pytest.mark.parametrize(("loss", "last"), ENDS)
def test_training_scores_are_means_over_all_rows_of_the_epoch(loss, last):
    """With a learning rate of 0 the network stands still, and the epoch's scores are `evaluate`'s."""
    X, values, labels, w = numbers()
    y = {"mse": values, "cross_entropy": labels, "binary_cross_entropy": (values > 0) * 1}[loss]
    model = fp.mlp(5, 7, 3, output=last, dtype="float64")
    trainer = fp.Trainer(model, loss, fp.SGD(0.0), ["accuracy", "mae"])
    history = fit(trainer, X, y, sample_weight=w)
    expected = trainer.evaluate(X, y, sample_weight=w)
    assert {name: series[0] for name, series in history.items()} == pytest.approx(expected, rel=1e-13)


# Weights


@pytest.mark.parametrize(("loss", "last"), ENDS)
def test_a_rows_weight_is_how_often_it_counts(loss, last):
    """Whole weights in a batch of all rows equal repeated rows; a weight of 0 leaves the row out."""
    X, values, labels, _ = numbers()
    y = {"mse": values, "cross_entropy": labels, "binary_cross_entropy": (values > 0) * 1}[loss]
    counts = np.random.default_rng(1).integers(0, 4, ROWS)
    model = fp.mlp(5, 7, 3, activation="tanh", output=last, dtype="float64")
    weighted = fp.Trainer(model, loss, fp.SGD(0.1, momentum=0.9), ["accuracy"])
    repeated = fp.Trainer(model.copy(), loss, fp.SGD(0.1, momentum=0.9), ["accuracy"])
    a = fit(weighted, X, y, sample_weight=counts, epochs=5, batch_size=ROWS)
    m = int(counts.sum())
    b = fit(repeated, X.repeat(counts, axis=0), y.repeat(counts, axis=0), epochs=5, batch_size=m)
    assert relative_error(weighted.model.theta, repeated.model.theta) <= 1e-13
    for name in a:
        assert a[name] == pytest.approx(b[name], rel=1e-13)


def test_weights_all_alike_change_nothing_but_rounding():
    """A weighted mean divides by the sum of the weights: their scale is of no matter."""
    X, _, y, _ = numbers()
    plain, scaled = classifier(), classifier()
    fit(plain, X, y, epochs=3)
    fit(scaled, X, y, epochs=3, sample_weight=np.full(ROWS, 1000.0))
    assert relative_error(scaled.model.theta, plain.model.theta) <= 1e-13


def test_a_batch_without_any_weight_takes_no_gradient():
    """Nothing in it counts: not a division by zero, and no step without momentum."""
    X, _, y, _ = numbers(m=2 * BATCH)
    w = np.repeat([1.0, 0.0], BATCH)
    first, both = classifier(momentum=0.0), classifier(momentum=0.0)
    first.partial_fit(X[:BATCH], y[:BATCH])
    history = fit(both, X, y, sample_weight=w, shuffle=False)
    assert first.model.theta.tobytes() == both.model.theta.tobytes()
    assert np.isfinite(history["loss"]).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_balanced_class_weights_are_scikit_learns(dtype):
    """m / (n_classes * rows of the class), over the classes that are there: 0, 2 and 3 of five."""
    X, _, _, w = numbers()
    y = np.random.default_rng(0).choice([0, 2, 3], ROWS, p=[0.7, 0.2, 0.1])
    model = fp.mlp(5, 5, output="softmax", dtype=dtype)
    balanced = fp.Trainer(model, "cross_entropy", fp.SGD(0.1))
    by_hand = fp.Trainer(model.copy(), "cross_entropy", fp.SGD(0.1))
    fit(balanced, X, y, epochs=2, class_weight="balanced", sample_weight=w)
    fit(by_hand, X, y, epochs=2, sample_weight=compute_sample_weight("balanced", y) * w)
    close = 1e-13 if dtype == "float64" else 1e-6
    assert relative_error(balanced.model.theta, by_hand.model.theta) <= close


def test_balanced_class_weights_of_a_yes_or_no_output_are_scikit_learns():
    """One sigmoid output has two classes: no and yes."""
    X, _, _, _ = numbers()
    y = (np.arange(ROWS) % 5 == 0).astype(int)
    model = fp.mlp(5, 4, 1, output="sigmoid", dtype="float64")
    balanced, by_hand = (fp.Trainer(m, "binary_cross_entropy", fp.SGD(0.1)) for m in (model, model.copy()))
    fit(balanced, X, y, class_weight="balanced")
    fit(by_hand, X, y, sample_weight=compute_sample_weight("balanced", y))
    assert relative_error(balanced.model.theta, by_hand.model.theta) <= 1e-14


def test_class_weights_multiply_the_weights_of_their_rows():
    """A dict by label, 1 for a label not named; labels as integers or one-hot rows."""
    X, _, y, w = numbers()
    by_hand = classifier()
    fit(by_hand, X, y, sample_weight=w * np.array([3.0, 1.0, 0.5])[y])
    for targets in (y, np.eye(3)[y]):
        weighted = classifier()
        fit(weighted, X, targets, class_weight={0: 3, np.int64(2): 0.5}, sample_weight=w)
        assert bits(weighted) == bits(by_hand)


# Validation and evaluation


def test_validation_scores_are_those_of_evaluate_after_each_epoch():
    """Named val_, and without an effect on the training."""
    X, _, y, w = numbers()
    Xv, _, yv, wv = numbers(1, m=30)
    trainer, plain = classifier(), classifier()
    for data in [(Xv, yv), [Xv, yv], (Xv, yv, wv)]:
        history = fit(trainer, X, y, sample_weight=w, validation_data=data)
        fit(plain, X, y, sample_weight=w)
        expected = plain.evaluate(*data[:2], sample_weight=data[2] if len(data) == 3 else None)
        assert {f"val_{name}": [score] for name, score in expected.items()}.items() <= dict(history).items()
    assert bits(trainer)[:4] == bits(plain)[:4]


def test_validation_split_takes_the_last_rows():
    """As Keras: the last of the rows as they stand, before any shuffle, weights with them."""
    X, _, y, w = numbers()
    split, apart = classifier(), classifier()
    a = fit(split, X, y, sample_weight=w, epochs=3, validation_split=0.2)
    b = fit(apart, X[:40], y[:40], sample_weight=w[:40], epochs=3, validation_data=(X[40:], y[40:], w[40:]))
    assert bits(split) == bits(apart)
    assert dict(a) == dict(b)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("loss", "last"),
    [
        *((fp.losses.get(loss), last) for loss, last in ENDS),
        (fp.MSE(), "relu"),
        (fp.CrossEntropy(from_logits=True), "identity"),
        (fp.BinaryCrossEntropy(from_logits=True), "identity"),
    ],
    ids=str,
)
def test_evaluates_loss_is_the_loss_of_predicts_output(dtype, weighted, loss, last):
    """A loss is a function C(o, y) of the output, however the core computes it; over 2.3 batches of rows."""
    X, values, labels, w = numbers(m=600)
    y = {"mse": values, "cross_entropy": labels, "binary_cross_entropy": (values > 0) * 1}[loss.name]
    model = fp.mlp(5, 7, 3, activation="tanh", output=last, dtype=dtype, seed=8)
    trainer = fp.Trainer(model, loss)
    weights = w if weighted else None
    expected = loss(model.predict(X), y, weights)
    close = 1e-5 if dtype == "float32" else 1e-13
    assert trainer.evaluate(X, y, sample_weight=weights)["loss"] == pytest.approx(expected, rel=close)


def test_accuracy_is_scikit_learns():
    """Of labels, of one-hot rows, of yes-or-no outputs and of logits, with weights."""
    X, values, labels, w = numbers(m=300)
    model = fp.mlp(5, 7, 3, output="softmax", dtype="float64", seed=1)
    trainer = fp.Trainer(model, "cross_entropy", metrics=["accuracy"])
    found = model.predict(X).argmax(axis=1)
    for y in (labels, np.eye(3)[labels]):
        assert trainer.evaluate(X, y)["accuracy"] == pytest.approx(accuracy_score(labels, found), rel=1e-15)
        scores = trainer.evaluate(X, y, sample_weight=w)
        assert scores["accuracy"] == pytest.approx(accuracy_score(labels, found, sample_weight=w), rel=1e-13)

    yes = (values > 0).astype(int)
    for n_outputs in (1, 3):
        model = fp.mlp(5, 7, n_outputs, output="sigmoid", dtype="float64", seed=1)
        trainer = fp.Trainer(model, "binary_cross_entropy", metrics=["accuracy"])
        found = (model.predict(X) > 0.5).astype(int)
        expected = accuracy_score(yes[:, :n_outputs].ravel(), found.ravel())  # each output counts for itself
        assert trainer.evaluate(X, yes[:, :n_outputs])["accuracy"] == pytest.approx(expected, rel=1e-14)

        logits = fp.mlp(5, 7, n_outputs, dtype="float64", seed=1)
        trainer = fp.Trainer(logits, fp.BinaryCrossEntropy(from_logits=True), metrics=["accuracy"])
        assert trainer.evaluate(X, yes[:, :n_outputs])["accuracy"] == pytest.approx(expected, rel=1e-14)

    model = fp.mlp(5, 7, 3, dtype="float64", seed=1)
    trainer = fp.Trainer(model, fp.CrossEntropy(from_logits=True), metrics=["accuracy"])
    expected = accuracy_score(labels, model.predict(X).argmax(axis=1))
    assert trainer.evaluate(X, labels)["accuracy"] == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(("loss", "last"), ENDS)
def test_mean_absolute_error_is_scikit_learns(loss, last):
    """Between the output o, probabilities too, and y, labels as one-hot rows."""
    X, values, labels, w = numbers(m=300)
    y = {"mse": values, "cross_entropy": labels, "binary_cross_entropy": (values > 0) * 1}[loss]
    model = fp.mlp(5, 7, 3, output=last, dtype="float64", seed=1)
    trainer = fp.Trainer(model, loss, metrics=["mae"])
    rows = np.eye(3)[labels] if loss == "cross_entropy" else y
    expected = mean_absolute_error(rows, model.predict(X), sample_weight=w)
    assert trainer.evaluate(X, y, sample_weight=w)["mae"] == pytest.approx(expected, rel=1e-13)


def test_evaluate_changes_nothing():
    """Scoring is not training."""
    X, _, y, _ = numbers()
    trainer = classifier()
    fit(trainer, X, y)
    before = bits(trainer)
    assert trainer.evaluate(X, y) == trainer.evaluate(X, y)
    assert bits(trainer) == before


# Data as users have it


def unaligned(X):
    memory = np.zeros(X.nbytes + 1, np.uint8)
    view = memory[1:].view(X.dtype) if X.dtype.itemsize == 1 else np.ndarray(X.shape, X.dtype, memory, offset=1)
    view = view.reshape(X.shape)
    view[...] = X
    return view


def read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


def memory_map(X, path):
    np.save(path / "X.npy", X)
    return np.load(path / "X.npy", mmap_mode="r")


WHOLE = np.random.default_rng(0).integers(0, 17, (ROWS, 5))  # what every type below can hold exactly
FORMS = {
    **{t: lambda path, t=t: WHOLE.astype(t) for t in ("f4", "f8", "f2", "g", ">f4", ">f8", ">i4", ">u2")},
    **{t: lambda path, t=t: WHOLE.astype(t) for t in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "l", "L", "q")},
    "objects": lambda path: WHOLE.astype(object),
    "lists": lambda path: WHOLE.tolist(),
    "a data frame": lambda path: pd.DataFrame(WHOLE, columns=list("abcde")),
    "a data frame of many types": lambda path: pd.DataFrame(WHOLE, columns=list("abcde")).astype(
        {"a": "uint8", "b": "Int64", "c": "float32", "d": "Float64", "e": "int16"}
    ),
    "Fortran order": lambda path: np.asfortranarray(WHOLE.astype("f4")),
    "rows backwards": lambda path: WHOLE.astype("f4")[::-1].copy()[::-1],
    "columns backwards": lambda path: WHOLE.astype("f8")[:, ::-1].copy()[:, ::-1],
    "every third row": lambda path: WHOLE.astype("u1").repeat(3, axis=0)[::3],
    "every other column": lambda path: WHOLE.astype("f4").repeat(2, axis=1)[:, ::2],
    "a part of a wider one": lambda path: np.pad(WHOLE.astype("f4"), ((0, 0), (2, 1)))[:, 2:-1],
    "read only": lambda path: read_only(WHOLE.astype("f4")),
    "read only float64": lambda path: read_only(WHOLE.astype("f8")),
    "a memory map": lambda path: memory_map(WHOLE.astype("f4"), path),
    "a memory map of bytes": lambda path: memory_map(WHOLE.astype("u1"), path),
    "unaligned": lambda path: unaligned(WHOLE.astype("f4")),
    "unaligned float64": lambda path: unaligned(WHOLE.astype("f8")),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("form", FORMS)
def test_how_X_lies_in_memory_changes_no_bit(form, dtype, tmp_path):
    """Rows are gathered and cast a batch at a time, whatever they are made of; and X is never written to."""
    _, _, y, _ = numbers()
    X = FORMS[form](tmp_path)
    trainer, expected = classifier(dtype), classifier(dtype)
    plain = np.ascontiguousarray(WHOLE, dtype)
    fit(trainer, X, y, epochs=2, validation_data=(X, y))
    fit(expected, plain, y, epochs=2, validation_data=(plain, y))
    assert bits(trainer) == bits(expected)
    for shuffle in (False, True):
        fit(trainer, X, y, shuffle=shuffle)
        fit(expected, plain, y, shuffle=shuffle)
    assert bits(trainer) == bits(expected)
    assert trainer.model.predict(X).tobytes() == expected.model.predict(plain).tobytes()
    assert trainer.evaluate(X, y) == expected.evaluate(plain, y)
    assert np.array_equal(np.asarray(X, float), WHOLE)


@pytest.mark.parametrize(
    "form", ["f4", "u1", "Fortran order", "rows backwards", "columns backwards", "every third row"]
)
def test_rows_of_a_large_X_are_asked_for_ahead_whatever_their_layout(form, tmp_path, monkeypatch):
    """Beyond 128 KB the next batch's rows are asked for in time, up to the last batch, which is smaller."""
    X = np.tile(WHOLE, (40_000 // ROWS + 1, 1))[:40_000]
    y = X[:, 0] % 3
    monkeypatch.setitem(globals(), "WHOLE", X)
    trainer, expected = classifier("float32"), classifier("float32")
    fit(trainer, FORMS[form](tmp_path), y, batch_size=33)
    fit(expected, np.ascontiguousarray(X, "float32"), y, batch_size=33)
    assert bits(trainer) == bits(expected)


@pytest.mark.parametrize("units", [(120, 70, 3), (120, 128, 100), (120, 40, 60)], ids=str)
@pytest.mark.parametrize("batch_size", [130, 999])
def test_products_ask_for_the_next_rows_of_a_large_X_and_change_no_bit(units, batch_size):
    """Of batches of more than 32 KB; there is nothing to ask for where the rows come as they stand."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((1000, 120), np.float32), rng.integers(0, units[-1], 1000)
    order = philox.permutation(0, 0, 1000)
    trainer, expected = (
        fp.Trainer(fp.mlp(*units, output="softmax", seed=0), "cross_entropy", fp.SGD(0.01), seed=0) for _ in range(2)
    )
    trainer.fit(X, y, epochs=1, batch_size=batch_size, progress=False)
    expected.fit(X[order], y[order], epochs=1, batch_size=batch_size, shuffle=False, progress=False)
    assert bits(trainer) == bits(expected)


def test_a_broadcast_X_is_read_through_its_strides():
    """One row in memory, many in shape: strides of 0 along either axis."""
    X, _, y, _ = numbers()
    for form in (np.broadcast_to(X[0], X.shape), np.broadcast_to(X[:, :1], X.shape)):
        trainer, expected = classifier(), classifier()
        fit(trainer, form, y, epochs=2)
        fit(expected, form.copy(), y, epochs=2)
        assert bits(trainer) == bits(expected)


def test_booleans_are_zeros_and_ones():
    """As NumPy counts them."""
    X, _, y, _ = numbers()
    trainer, expected = classifier(), classifier()
    fit(trainer, X > 0, y)
    fit(expected, (X > 0) * 1.0, y)
    assert bits(trainer) == bits(expected)


def test_float64_data_are_rounded_to_the_networks_type_once():
    """float64 X into a float32 network is X.astype(float32), row by row."""
    X, _, y, _ = numbers()
    trainer, expected = classifier("float32"), classifier("float32")
    fit(trainer, X, y)
    fit(expected, X.astype(np.float32), y)
    assert bits(trainer) == bits(expected)


@pytest.mark.parametrize("kind", ["i1", "u1", "i4", "i8", "u8", "f4", "f8", "?", ">i4"])
def test_labels_of_any_number_type_are_the_same_labels(kind):
    """0 and 1 in every type, strided, as a column, as a list, as a series."""
    X, _, _, _ = numbers()
    y = np.arange(ROWS) % 2
    expected = classifier()
    fit(expected, X, y)
    forms = [y.astype(kind), y.astype(kind).repeat(2)[::2], y.astype(kind)[:, None], y.astype(kind).tolist()]
    for form in [*forms, pd.Series(y.astype(kind) if kind[0] != ">" else y, index=range(7, 7 + ROWS))]:
        trainer = classifier()
        fit(trainer, X, form)
        assert bits(trainer) == bits(expected)


def test_how_numbers_to_regress_on_lie_in_memory_changes_no_bit():
    """As for X: any type, order and strides; a vector stands for a single column."""
    X, _, _, w = numbers()
    y = np.random.default_rng(5).integers(-8, 9, (ROWS, 2))
    results = set()
    for form in (
        y,
        y * 1.0,
        np.asfortranarray(y),
        y[::-1].copy()[::-1],
        y.astype("f4"),
        y.astype("i1"),
        pd.DataFrame(y),
    ):
        trainer = fp.Trainer(fp.mlp(5, 4, 2), "mse", fp.SGD(0.01))
        fit(trainer, X, form, sample_weight=w)
        results.add(trainer.model.theta.tobytes())
    assert len(results) == 1
    results = set()
    for form in (y[:, 0], y[:, :1], y[:, 0].tolist(), pd.Series(y[:, 0])):
        trainer = fp.Trainer(fp.mlp(5, 4, 1), "mse", fp.SGD(0.01))
        fit(trainer, X, form, sample_weight=w)
        results.add(trainer.model.theta.tobytes())
    assert len(results) == 1


def test_weights_of_any_number_type_are_the_same_weights():
    """Integers, booleans, strided, broadcast, lists."""
    X, _, y, _ = numbers()
    w = np.arange(ROWS) % 2
    expected = classifier()
    fit(expected, X, y, sample_weight=w * 1.0)
    for form in (w, w > 0, w.astype("f4"), w.repeat(2)[::2], w.astype("u1"), w.tolist(), pd.Series(w)):
        trainer = classifier()
        fit(trainer, X, y, sample_weight=form)
        assert bits(trainer) == bits(expected)
    ones, broadcast = classifier(), classifier()
    fit(ones, X, y, sample_weight=np.ones(ROWS))
    fit(broadcast, X, y, sample_weight=np.broadcast_to(1.0, ROWS))
    assert bits(ones) == bits(broadcast)


def test_a_batch_larger_than_the_data_is_cut_down_with_one_warning():
    """As scikit-learn cuts it down, but said aloud, once a call, at the caller's line."""
    X, _, y, _ = numbers()
    large, exact = classifier(), classifier()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit(large, X, y, epochs=3, batch_size=10**9)
    assert [str(w.message) for w in caught] == ["batch_size is 1000000000, but there are 50 rows; using 50"]
    assert caught[0].filename == __file__
    fit(exact, X, y, epochs=3, batch_size=ROWS)
    assert bits(large) == bits(exact)


# Predict


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("last", ["identity", "sigmoid", "tanh", "relu", "softmax"])
def test_a_row_is_predicted_the_same_alone_as_in_a_batch(dtype, last):
    """To the last bit: lanes run over rows and columns, never over a sum. Over more rows than predict takes at once."""
    X, _, _, _ = numbers(m=600)
    model = fp.mlp(5, 40, 3, activation="tanh", output=last, dtype=dtype, seed=2)
    whole = model.predict(X)
    assert whole.shape == (600, 3)
    assert whole.dtype == dtype
    for rows in (slice(0, 1), slice(255, 257), slice(300, 307), slice(599, 600), slice(17, 584)):
        assert model.predict(X[rows]).tobytes() == whole[rows].tobytes()
    backwards = model.predict(X[::-1])
    assert backwards[::-1].tobytes() == whole.tobytes()


def test_predict_is_the_forward_pass_written_from_the_equations():
    """Every activation hidden and last."""
    X, _, _, _ = numbers()
    layers = [fp.Dense(9, "relu"), fp.Dense(8, "softmax"), fp.Dense(7, "tanh", use_bias=False), fp.Dense(4, "sigmoid")]
    model = fp.Sequential(layers, n_inputs=5, dtype="float64", seed=4)
    np.testing.assert_allclose(model.predict(X), forward(layers_of(model), X)[-1], rtol=1e-14)


def test_no_rows_are_predicted_as_no_rows():
    """An empty selection is no error."""
    model = fp.mlp(5, 4, 3, output="softmax")
    assert model.predict(np.zeros((0, 5))).shape == (0, 3)
    assert model.predict(np.zeros((0, 5), np.uint8)).dtype == np.float32


# The same bits elsewhere


TRAIN_THE_DIGITS = """
import hashlib, sys
import fastprop as fp
X, y = fp.datasets.load_digits()
digest = hashlib.sha256()
for dtype in ("float32", "float64"):
    for activation in ("relu", "tanh", "sigmoid", "softmax"):
        model = fp.mlp(64, 50, 21, 10, activation=activation, output="softmax", dtype=dtype, seed=1)
        optimizer = fp.SGD(0.05, momentum=0.9, weight_decay=1e-3, nesterov=True)
        trainer = fp.Trainer(model, "cross_entropy", optimizer, ["accuracy"])
        validation = X[700:900] / 16, y[700:900]
        history = trainer.fit(X[:700] / 16, y[:700], batch_size=37, validation_data=validation)
        digest.update(model.theta.tobytes() + model.predict(X[900:1000] / 16).tobytes() + repr(dict(history)).encode())
print(fp.target(), digest.hexdigest())
"""


def test_every_target_trains_the_same_bits():
    """The numerics contract: one hash over all instruction sets that this machine has."""
    digests = {}
    for target in fp.targets():
        result = run_python(TRAIN_THE_DIGITS, FASTPROP_TARGET=target)
        assert result.returncode == 0, result.stderr
        used, digests[target] = result.stdout.split()
        assert used == target
    assert len(set(digests.values())) == 1, digests


def test_going_on_from_a_file_is_never_having_stopped(tmp_path):
    """Model, velocity, counters, seed and history: all of it comes back."""
    X, _, y, w = numbers()
    for dtype, momentum in (("float32", 0.9), ("float64", 0.9), ("float32", 0.0)):
        stopped, through = classifier(dtype, momentum=momentum), classifier(dtype, momentum=momentum)
        fit(stopped, X, y, epochs=2, sample_weight=w)
        stopped.save(tmp_path / "trainer.safetensors")
        resumed = fp.Trainer.resume(tmp_path / "trainer.safetensors")
        assert bits(resumed) == bits(stopped)
        assert repr(resumed) == repr(stopped)
        fit(resumed, X, y, epochs=3, sample_weight=w)
        fit(through, X, y, epochs=5, sample_weight=w)
        assert bits(resumed) == bits(through)


def test_a_trainer_survives_pickling_and_copying():
    """As a file does: to a worker process, or as a copy to go on with. Nothing is shared."""
    X, _, y, _ = numbers()
    trainer = classifier()
    fit(trainer, X, y, epochs=2)
    twins = [pickle.loads(pickle.dumps(trainer)), copy.deepcopy(trainer)]
    assert [bits(twin) for twin in twins] == [bits(trainer)] * 2
    fit(trainer, X, y, epochs=2)
    for twin in twins:
        assert bits(twin) != bits(trainer)
        fit(twin, X, y, epochs=2)
        assert bits(twin) == bits(trainer)


def test_another_optimizer_goes_on_from_where_the_last_one_stopped():
    """A learning rate lowered by hand: the velocity stays, as with PyTorch's param_groups."""
    X, values, _, _ = numbers()
    model = fp.mlp(5, 6, 3, activation="tanh", dtype="float64", seed=2)
    layers, sgd = layers_of(model), SGD(0.1, momentum=0.9)
    trainer = fp.Trainer(model, "mse", fp.SGD(0.1, momentum=0.9))
    fit(trainer, X, values, epochs=2)
    trainer.optimizer = fp.SGD(0.01, momentum=0.9)
    fit(trainer, X, values, epochs=2)
    orders = [philox.permutation(2, epoch, ROWS) for epoch in range(4)]
    train(layers, X, values, "mse", sgd, orders=orders[:2], batch_size=BATCH)
    sgd.learning_rate = 0.01
    train(layers, X, values, "mse", sgd, orders=orders[2:], batch_size=BATCH)
    assert relative_error(model.theta, flat(parameters(layers))) <= 1e-13


# Cut short


def test_ctrl_c_in_an_epoch_leaves_a_state_to_go_on_from():
    """At once, after a whole batch: theta, velocity, step, epoch and history belong together."""
    rng = np.random.default_rng(0)
    X = np.broadcast_to(rng.standard_normal(32), (500_000, 32))  # long epochs from little memory
    y = rng.standard_normal(len(X))
    settings = {"batch_size": 1000, "shuffle": False, "progress": False}

    def make():
        model = fp.mlp(32, 32, 32, 1, activation="tanh", seed=1)
        return fp.Trainer(model, "mse", fp.SGD(0.001, momentum=0.9))

    trainer, twin = make(), make()
    sent = []

    def interrupt():
        time.sleep(0.2)
        while trainer.step == 0:
            time.sleep(0.001)
        sent.append(time.monotonic())
        signal.raise_signal(signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(X, y, epochs=10**6, **settings)
    assert time.monotonic() - sent[0] < 3  # seconds; a slice is 0.05, and without one it would be hours
    thread.join()

    assert np.isfinite(trainer.model.theta).all()
    assert trainer.history.n_epochs == trainer.epoch
    assert trainer.step > 0
    twin.fit(X, y, epochs=trainer.epoch, **settings)
    for start in range(0, 1000 * (trainer.step - twin.step), 1000):
        twin.partial_fit(X[start : start + 1000], y[start : start + 1000])
    assert bits(trainer) == bits(twin)
    trainer.fit(X[:5000], y[:5000], **settings)
    twin.fit(X[:5000], y[:5000], **settings)
    assert bits(trainer) == bits(twin)


def sane_and_huge():
    """Data to train on, and the same with a last batch that makes every loss infinite."""
    X, y, _, _ = numbers(n_out=1)
    huge = X.copy()
    huge[-1] = 1e200
    return X, huge, y


def regressor(**sgd):
    model = fp.mlp(5, 4, 1, activation="relu", dtype="float64", seed=1)
    model.theta[:] = abs(model.theta) + 0.01  # no unit is dead where all inputs are huge
    return fp.Trainer(model, "mse", fp.SGD(**{"learning_rate": 0.001, "momentum": 0.9} | sgd))


def test_a_diverging_epoch_leaves_no_trace():
    """Steps were taken before the loss became infinite: all are undone, and the training can go on."""
    X, huge, y = sane_and_huge()
    trainer, twin = regressor(), regressor()
    fit(trainer, X, y, epochs=2)
    fit(twin, X, y, epochs=2)
    with pytest.raises(fp.DivergedError) as caught:
        fit(trainer, huge, y, shuffle=False, epochs=3)
    assert bits(trainer) == bits(twin)
    assert (caught.value.epoch, caught.value.step) == (2, 8 + 3)
    for part in ("not finite", "step 11", "epoch 2", "0.001", "learning_rate"):
        assert part in str(caught.value)
    fit(trainer, X, y)
    fit(twin, X, y)
    assert bits(trainer) == bits(twin)


def test_epochs_before_the_diverging_one_are_kept():
    """Only the epoch that did the harm is undone; its predecessors stay, in theta and in the history."""
    X, y, _, _ = numbers(n_out=1)
    trainer, twin = regressor(learning_rate=0.2), regressor(learning_rate=0.2)
    with pytest.raises(fp.DivergedError) as caught:
        fit(trainer, X, y, epochs=1000)
    assert 1 < caught.value.epoch < 1000
    assert trainer.history.n_epochs == trainer.epoch in (caught.value.epoch - 1, caught.value.epoch)
    fit(twin, X, y, epochs=trainer.epoch)
    assert bits(trainer) == bits(twin)


def test_a_diverging_step_of_partial_fit_is_not_taken():
    """One step on rows whose loss is infinite."""
    X, huge, y = sane_and_huge()
    trainer = regressor()
    trainer.partial_fit(X, y)
    before = bits(trainer)
    with pytest.raises(fp.DivergedError):
        trainer.partial_fit(huge, y)
    assert bits(trainer) == before


@pytest.mark.parametrize("learning_rate", [1e38, 1e20, 1e5])
def test_a_diverged_network_can_still_be_evaluated(learning_rate):
    """An epoch's last step may ruin the network though all of the epoch's losses were finite: it must not stay."""
    X, y, _, _ = numbers(n_out=1)
    trainer = fp.Trainer(fp.mlp(5, 4, 1, seed=1), "mse", fp.SGD(learning_rate))
    with pytest.raises(fp.DivergedError):
        fit(trainer, X, y, batch_size=ROWS, epochs=1000)
    assert np.isfinite(trainer.model.theta).all()
    assert np.isfinite(trainer.evaluate(X, y)["loss"])


@pytest.mark.parametrize("learning_rate", [1e38, 1e20, 1e5, 10.0])
@pytest.mark.parametrize("batch_size", [ROWS, BATCH])
def test_after_diverging_theta_step_epoch_and_history_belong_together(learning_rate, batch_size):
    """However far it goes back: the state is one that as many epochs of training give, and resuming goes on from it."""
    X, y, _, _ = numbers(n_out=1)
    model = fp.mlp(5, 4, 1, seed=1)
    trainer, twin = (fp.Trainer(m, "mse", fp.SGD(learning_rate, momentum=0.5)) for m in (model, model.copy()))
    with pytest.raises(fp.DivergedError):
        fit(trainer, X, y, batch_size=batch_size, epochs=1000)
    assert trainer.history.n_epochs == trainer.epoch
    fit(twin, X, y, batch_size=batch_size, epochs=trainer.epoch)
    assert bits(trainer)[:4] == bits(twin)[:4]
    assert trainer.history.get("loss", []) == twin.history.get("loss", [])


@pytest.mark.parametrize("assign", ["theta", "load_state_dict", "initialize"])
def test_diverging_at_once_does_not_undo_what_the_user_assigned(assign):
    """Between two calls of fit the weights are the user's: an older snapshot must not come back."""
    X, huge, y = sane_and_huge()
    trainer = regressor()
    fit(trainer, X, y, epochs=2)
    if assign == "theta":
        trainer.model.theta = np.full(trainer.model.n_params, 0.25)
    elif assign == "load_state_dict":
        trainer.model.load_state_dict(regressor().model.state_dict())
    else:
        trainer.model.initialize(99)
        trainer.model.layers[0].b = np.ones(4)
    before = bits(trainer)
    with pytest.raises(fp.DivergedError):
        fit(trainer, huge[::-1], y, shuffle=False)
    assert bits(trainer) == before


def test_bad_data_do_not_undo_an_earlier_call_of_fit():
    """A first batch whose loss is infinite by its data says nothing against the epochs before it."""
    X, huge, y = sane_and_huge()
    trainer = regressor()
    fit(trainer, X, y, epochs=2)
    before = bits(trainer)
    with pytest.raises(fp.DivergedError):
        fit(trainer, huge[::-1], y, shuffle=False)
    assert bits(trainer) == before


def test_a_diverged_error_survives_pickling():
    """It may come from another process."""
    error = pickle.loads(pickle.dumps(fp.DivergedError(3, 17, 0.5)))
    assert (error.epoch, error.step, error.learning_rate) == (3, 17, 0.5)
    assert isinstance(error, RuntimeError)
    assert str(error) == str(fp.DivergedError(3, 17, 0.5))


# Threads


def run(*jobs):
    """All jobs at once, each in a thread; their results."""
    results = [None] * len(jobs)

    def work(i):
        try:
            results[i] = jobs[i]()
        except BaseException as error:
            results[i] = error

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_trainers_in_two_threads_do_not_disturb_each_other():
    """The GIL is not held in an epoch, and nothing is shared: the same bits as one after the other."""
    X, _, y, _ = numbers(m=2000)
    alone, together = [classifier(seed=s) for s in range(3)], [classifier(seed=s) for s in range(3)]
    for trainer in alone:
        fit(trainer, X, y, epochs=10)
    run(*(lambda trainer=trainer: fit(trainer, X, y, epochs=10) for trainer in together))
    assert [bits(trainer) for trainer in together] == [bits(trainer) for trainer in alone]


def test_a_trainer_at_work_refuses_a_second_thread(monkeypatch):
    """Two threads in one trainer would mix their steps; the second is told so, and the first goes on unharmed."""
    X, _, y, _ = numbers()
    trainer, alone = classifier(), classifier()
    inside, done = threading.Event(), threading.Event()

    class Waiting(trainer_module.Progress):
        def advance(self, *args, **kwargs):
            inside.set()
            assert done.wait(60)

    monkeypatch.setattr(trainer_module, "Progress", Waiting)
    thread = threading.Thread(target=lambda: fit(trainer, X, y))
    thread.start()
    assert inside.wait(60)
    for call in (lambda: fit(trainer, X, y), lambda: trainer.partial_fit(X, y)):
        with pytest.raises(RuntimeError, match="another thread"):
            call()
    done.set()
    thread.join()
    fit(alone, X, y)
    assert bits(trainer) == bits(alone)
    fit(trainer, X, y)  # free again


def test_predictions_from_many_threads_are_each_right():
    """A plan serves one caller at a time; each thread has its own."""
    model = fp.mlp(5, 60, 3, activation="tanh", output="softmax", seed=2)
    parts = [numbers(seed, m=700)[0] for seed in range(6)]
    expected = [model.predict(part).tobytes() for part in parts]
    found = run(*(lambda part=part: [model.predict(part).tobytes() for _ in range(20)] for part in parts))
    assert found == [[e] * 20 for e in expected]


# The progress bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_progress_bar_shows_epochs_scores_and_rows_per_second(monkeypatch):
    """On a terminal, as one watches it."""
    X, _, y, _ = numbers()
    monkeypatch.setattr(sys, "stderr", Terminal())
    history = fit(classifier(), X, y, epochs=3, validation_split=0.2, progress=True)
    shown = sys.stderr.getvalue()
    for part in ("epoch 1/3", "epoch 3/3", "rows/s", "loss=", "accuracy=", "val_loss=", "val_accuracy="):
        assert part in shown
    last = shown.split("\r")[-1]
    assert f"loss={history['loss'][-1]:.3g}" in last
    assert f"val_loss={history['val_loss'][-1]:.3g}" in last


def test_nothing_is_printed_where_there_is_no_terminal(capfd):
    """Neither to a file nor to a pipe."""
    X, _, y, _ = numbers()
    fit(classifier(), X, y, epochs=2, progress=True)
    assert capfd.readouterr() == ("", "")


def test_nothing_is_printed_without_progress(monkeypatch):
    """A terminal is left alone if so wished."""
    X, _, y, _ = numbers()
    monkeypatch.setattr(sys, "stderr", Terminal())
    fit(classifier(), X, y, epochs=2, progress=False)
    fit(classifier(), X, y, epochs=0, progress=True)
    assert sys.stderr.getvalue() == ""


def test_the_progress_bar_changes_no_bit(monkeypatch):
    """Watching is not training."""
    X, _, y, _ = numbers()
    watched, unwatched = classifier(), classifier()
    fit(unwatched, X, y, epochs=3)
    monkeypatch.setattr(sys, "stderr", Terminal())
    fit(watched, X, y, epochs=3, progress=True)
    assert bits(watched) == bits(unwatched)


def test_a_trainer_prints_what_it_trains():
    """Model, loss, optimizer, metrics, epochs."""
    X, _, y, _ = numbers()
    trainer = classifier()
    fit(trainer, X, y, epochs=2)
    for part in (repr(trainer.model), "CrossEntropy", "momentum=0.9", "accuracy", "2 epochs"):
        assert part in repr(trainer)


def test_many_batch_sizes_do_not_pile_up_memory():
    """Rows that arrive in batches of every size must not leave a laid-out network behind for each."""
    trainer = fp.Trainer(fp.mlp(5, 4, 1), "mse", fp.SGD(0.01))
    X, y, _, _ = numbers(m=300, n_out=1)
    for m in range(1, 300):
        trainer.partial_fit(X[:m], y[:m])
    assert len(trainer.model._plans.idle) <= 20


def test_hashes_tell_trainings_apart():
    """The tests above compare bits; a network that never moves would pass them."""
    X, _, y, _ = numbers()
    seen = set()
    for settings in ({}, {"momentum": 0.5}, {"learning_rate": 0.2}, {"seed": 4}, {"weight_decay": 0.1}):
        trainer = classifier(**settings)
        before = trainer.model.theta.tobytes()
        fit(trainer, X, y)
        assert trainer.model.theta.tobytes() != before
        seen.add(hashlib.sha256(trainer.model.theta.tobytes()).hexdigest())
    assert len(seen) == 5


def test_momentum_switched_on_later_begins_as_a_first_step_does():
    """Its velocity begins as the gradient, without dampening, however many steps went before, as in PyTorch."""
    X, y, _, _ = numbers(n_out=1)
    trainer = fp.Trainer(fp.mlp(5, 1, dtype="float64"), "mse", fp.SGD(0.0))
    trainer.fit(X, y, epochs=2, batch_size=ROWS)
    trainer.optimizer = fp.SGD(0.5, momentum=0.9, dampening=0.5)
    before = trainer.model.theta.copy()
    _, grad = fp.gradient(trainer.model, X, y, "mse")
    trainer.partial_fit(X, y)
    np.testing.assert_allclose(before - trainer.model.theta, 0.5 * grad, rtol=1e-12)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process.*multi-threaded:DeprecationWarning")
def test_a_forked_child_trains_a_network_that_another_thread_was_training():
    """In the child nobody holds the parent's locks any more."""
    X, y, _, _ = numbers(n_out=1)
    trainer = fp.Trainer(fp.mlp(5, 1), "mse")
    with trainer._exclusively(), trainer.model._plans.lock:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                trainer.fit(X, y, batch_size=ROWS)
                trainer.model.predict(X)
                status = 0
            finally:
                os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
