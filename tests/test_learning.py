"""Networks learn: small problems with known answers, by fixed seeds, in both types."""

import numpy as np
import pytest

import fastprop as fp

both_types = pytest.mark.parametrize("dtype", ["float32", "float64"])


@both_types
@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
@pytest.mark.parametrize(
    ("loss", "last"), [("mse", "sigmoid"), ("binary_cross_entropy", "sigmoid"), ("cross_entropy", "softmax")]
)
def test_exclusive_or_is_learnt(dtype, activation, loss, last):
    """What no single layer can (Minsky & Papert 1969), two can (Rumelhart, Hinton & Williams 1986)."""
    X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    model = fp.mlp(2, 8, 2 if last == "softmax" else 1, activation=activation, output=last, dtype=dtype, seed=0)
    trainer = fp.Trainer(model, loss, fp.SGD(0.5, momentum=0.9), ["accuracy"])
    history = trainer.fit(X, y, epochs=2000, batch_size=4, progress=False)
    assert trainer.evaluate(X, y)["accuracy"] == 1.0
    assert history["loss"][-1] < 0.01 < history["loss"][0]


def test_one_layer_does_not_learn_exclusive_or():
    """The other half: were it learnt, the test above would show nothing."""
    X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    trainer = fp.Trainer(fp.mlp(2, 1, output="sigmoid"), "binary_cross_entropy", fp.SGD(0.5), ["accuracy"])
    trainer.fit(X, y, epochs=2000, batch_size=4, progress=False)
    scores = trainer.evaluate(X, y)
    assert scores["loss"] == pytest.approx(np.log(2), rel=1e-3)  # the best is to say one half everywhere
    assert scores["accuracy"] <= 0.75


def two_arms(m: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two arms of a spiral, one turn and a half, with some noise."""
    rng = np.random.default_rng(seed)
    t, y = rng.uniform(0.25, 1.0, m), np.arange(m) % 2
    angle = 3 * np.pi * t + np.pi * y
    X = np.column_stack([t * np.cos(angle), t * np.sin(angle)]) + rng.normal(scale=0.01, size=(m, 2))
    return 3 * X, y


@both_types
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_two_arm_spiral_is_learnt(dtype, activation):
    """A boundary that winds around itself, on points not seen before."""
    model = fp.mlp(2, 32, 32, 2, activation=activation, output="softmax", dtype=dtype, seed=1)
    trainer = fp.Trainer(model, "cross_entropy", fp.SGD(0.1, momentum=0.9), ["accuracy"])
    trainer.fit(*two_arms(600, seed=0), epochs=200, progress=False)
    assert trainer.evaluate(*two_arms(400, seed=1))["accuracy"] >= 0.98


@both_types
def test_a_sine_is_learnt(dtype):
    """Regression: one period, to a root mean squared error of 0.02 between the points."""
    x = np.linspace(-1, 1, 200)[:, np.newaxis]
    model = fp.mlp(1, 32, 32, 1, activation="tanh", dtype=dtype, seed=0)
    trainer = fp.Trainer(model, "mse", fp.SGD(0.03, momentum=0.9), ["mae"])
    trainer.fit(x, np.sin(np.pi * x), epochs=1000, batch_size=20, progress=False)
    between = (x[1:] + x[:-1]) / 2
    scores = trainer.evaluate(between, np.sin(np.pi * between))
    assert scores["loss"] <= 0.02**2
    assert scores["mae"] <= 0.02


@both_types
def test_handwritten_digits_are_learnt(dtype):
    """97 of 100 of those held out, a quarter taken at random."""
    X, y = fp.datasets.load_digits()
    order = np.random.default_rng(0).permutation(len(X))
    X, y = X[order] / 16, y[order]
    model = fp.mlp(64, 64, 10, output="softmax", dtype=dtype, seed=0)
    trainer = fp.Trainer(model, "cross_entropy", fp.SGD(0.1, momentum=0.9, weight_decay=1e-4), ["accuracy"])
    history = trainer.fit(X, y, epochs=40, validation_split=0.25, progress=False)
    assert history["val_accuracy"][-1] >= 0.97
    assert history["loss"][-1] < 0.05 < history["loss"][0]


@both_types
def test_a_straight_line_is_found_exactly(dtype):
    """Without noise and hidden layers, descent ends at the least squares solution: the line itself."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((100, 3))
    model = fp.mlp(3, 1, dtype=dtype)
    fp.Trainer(model, "mse", fp.SGD(0.1, momentum=0.5)).fit(X, X @ [1, -2, 3] + 4, epochs=100, progress=False)
    close = 1e-5 if dtype == "float32" else 1e-12
    assert model.layers[0].W.ravel() == pytest.approx([1, -2, 3], abs=close)
    assert model.layers[0].b == pytest.approx([4], abs=close)


def test_many_yes_or_no_questions_are_learnt_at_once():
    """Multi-label: which of five numbers are positive."""
    X = np.random.default_rng(0).standard_normal((1000, 5))
    model = fp.mlp(5, 16, 5, activation="tanh", output="sigmoid")
    trainer = fp.Trainer(model, "binary_cross_entropy", fp.SGD(0.5, momentum=0.9), ["accuracy"])
    trainer.fit(X[:800], X[:800] > 0, epochs=60, progress=False)
    assert trainer.evaluate(X[800:], X[800:] > 0)["accuracy"] >= 0.97
