"""Losses: their values against closed forms and scikit-learn, their slopes, and their far ends."""

import math

import numpy as np
import pytest
from sklearn.metrics import log_loss, mean_squared_error

import fastprop as fp

rng = np.random.default_rng(0)
VALUES, TARGETS, W = rng.standard_normal((40, 3)), rng.standard_normal((40, 3)), rng.random(40)
PROBABILITIES, LABELS = rng.dirichlet(np.ones(3), 40), rng.integers(0, 3, 40)
YES = rng.integers(0, 2, (40, 3))


def test_mse_is_the_mean_over_rows_and_outputs_without_a_half():
    """(1 + 4 + 9 + 0) / 4; scikit-learn's mean_squared_error, weighted and not."""
    assert fp.MSE()([[1.0, 2.0], [3.0, 0.0]], np.zeros((2, 2))) == 3.5
    assert fp.MSE()(VALUES, TARGETS) == pytest.approx(mean_squared_error(TARGETS, VALUES), rel=1e-14)
    expected = mean_squared_error(TARGETS, VALUES, sample_weight=W)
    assert fp.MSE()(VALUES, TARGETS, W) == pytest.approx(expected, rel=1e-14)
    assert fp.MSE()([1.0, 2.0], [0.0, 0.0]) == fp.MSE()([[1.0], [2.0]], [0.0, 0.0]) == 2.5


def test_cross_entropy_is_scikit_learns_log_loss():
    """Of labels and of one-hot rows, weighted and not."""
    for y in (LABELS, np.eye(3)[LABELS]):
        assert fp.CrossEntropy()(PROBABILITIES, y) == pytest.approx(log_loss(LABELS, PROBABILITIES), rel=1e-14)
        expected = log_loss(LABELS, PROBABILITIES, sample_weight=W)
        assert fp.CrossEntropy()(PROBABILITIES, y, W) == pytest.approx(expected, rel=1e-14)


def test_cross_entropy_of_a_distribution_with_itself_is_its_entropy():
    """Soft targets: -sum p log p, ln 2 for a fair coin and nothing for certainty."""
    assert fp.CrossEntropy()([[0.5, 0.5]], [[0.5, 0.5]]) == pytest.approx(math.log(2), rel=1e-15)
    assert fp.CrossEntropy()([[1.0, 0.0]], [[1.0, 0.0]]) == 0
    entropy = -np.mean(np.sum(PROBABILITIES * np.log(PROBABILITIES), axis=1))
    assert fp.CrossEntropy()(PROBABILITIES, PROBABILITIES) == pytest.approx(entropy, rel=1e-14)


def test_binary_cross_entropy_is_the_mean_log_loss_of_the_outputs():
    """Each output is a yes-or-no question of its own."""
    expected = np.mean([log_loss(YES[:, j], PROBABILITIES[:, j]) for j in range(3)])
    assert fp.BinaryCrossEntropy()(PROBABILITIES, YES) == pytest.approx(expected, rel=1e-14)
    expected = np.mean([log_loss(YES[:, j], PROBABILITIES[:, j], sample_weight=W) for j in range(3)])
    assert fp.BinaryCrossEntropy()(PROBABILITIES, YES, W) == pytest.approx(expected, rel=1e-14)


def test_losses_of_logits_are_the_losses_of_what_the_logits_mean():
    """CrossEntropy of softmax(z), BinaryCrossEntropy of sigmoid(z)."""
    softmax = np.exp(VALUES) / np.exp(VALUES).sum(axis=1, keepdims=True)
    a, b = fp.CrossEntropy(from_logits=True)(VALUES, LABELS, W), fp.CrossEntropy()(softmax, LABELS, W)
    assert a == pytest.approx(b, rel=1e-14)
    sigmoid = 1 / (1 + np.exp(-VALUES))
    a, b = fp.BinaryCrossEntropy(from_logits=True)(VALUES, YES, W), fp.BinaryCrossEntropy()(sigmoid, YES, W)
    assert a == pytest.approx(b, rel=1e-14)


FAR = [  # z, y, loss of a softmax over z
    ([1000.0, 0.0], 1, 1000.0),
    ([1000.0, 0.0], 0, 0.0),
    ([0.0, -1e30], 0, 0.0),
    ([0.0, -1e30], 1, 1e30),
    ([0.0, 0.0], 1, math.log(2)),
    ([3e38, 3e38], 0, math.log(2)),
]


@pytest.mark.parametrize(("z", "label", "expected"), FAR)
def test_cross_entropy_neither_overflows_nor_takes_the_log_of_zero(z, label, expected):
    """In NumPy and in the core, where exp(z) and log(o) would."""
    assert fp.CrossEntropy(from_logits=True)([z], [label]) == pytest.approx(expected, rel=1e-15)
    for dtype in ("float32", "float64"):
        for loss, last in (("cross_entropy", "softmax"), (fp.CrossEntropy(from_logits=True), "identity")):
            found, grad = through_one_layer(z, [label], loss, last, dtype)
            assert found == pytest.approx(expected, rel=1e-6)
            assert np.isfinite(grad).all()


FAR_YES_OR_NO = [  # z, y, max(z, 0) - y z + log(1 + exp(-|z|)) worked out by hand
    (1000.0, 1.0, 0.0),
    (1000.0, 0.0, 1000.0),
    (-1000.0, 1.0, 1000.0),
    (-1000.0, 0.0, 0.0),
    (-3e37, 1.0, 3e37),
    (0.0, 0.5, math.log(2)),
    (40.0, 1.0, 4.248354255291589e-18),
    (-40.0, 0.0, 4.248354255291589e-18),
    (1000.0, 0.5, 500.0),
]


@pytest.mark.parametrize(("z", "y", "expected"), FAR_YES_OR_NO)
def test_binary_cross_entropy_keeps_its_small_and_large_values(z, y, expected):
    """log(1 + exp(-40)) is 4e-18, not 0, and 1000 is not infinity."""
    assert fp.BinaryCrossEntropy(from_logits=True)([[z]], [[y]]) == pytest.approx(expected, rel=1e-14)
    for dtype in ("float32", "float64"):
        for loss, last in (("binary_cross_entropy", "sigmoid"), (fp.BinaryCrossEntropy(from_logits=True), "identity")):
            found, grad = through_one_layer([z], [[y]], loss, last, dtype)
            assert found == pytest.approx(expected, rel=2e-6)
            assert np.isfinite(grad).all()


def through_one_layer(z, y, loss, last, dtype):
    """The loss at z and its gradient along z, from a layer whose biases are z on an input of 0."""
    model = fp.Sequential([fp.Dense(len(z), last)], n_inputs=1, dtype=dtype)
    model.layers[0].b = np.asarray(z).astype(dtype)
    found, grad = fp.gradient(model, [[0.0]], y, loss)
    return found, grad[len(z) :]


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy"])
def test_the_slope_along_z_is_the_plain_difference(loss):
    """dC/dz = (o - y) / m, or / (m n) for the binary one: what belonging to softmax and to sigmoid is for."""
    y = PROBABILITIES[0]
    last = "softmax" if loss == "cross_entropy" else "sigmoid"
    _, slope = through_one_layer(VALUES[0], [y], loss, last, "float64")
    e = np.exp(VALUES[0])
    o = e / e.sum() if loss == "cross_entropy" else e / (1 + e)
    np.testing.assert_allclose(slope, (o - y) / (1 if loss == "cross_entropy" else 3), rtol=1e-13)


def test_certainty_that_is_wrong_is_infinitely_wrong():
    """A loss called on probabilities has only those to go by; being right costs nothing, not nan."""
    assert fp.CrossEntropy()([[0.0, 1.0]], [0]) == math.inf
    assert fp.CrossEntropy()([[0.0, 1.0]], [1]) == 0
    assert fp.BinaryCrossEntropy()([[0.0]], [[1.0]]) == math.inf
    assert fp.BinaryCrossEntropy()([[0.0, 1.0]], [[0.0, 1.0]]) == 0


def test_a_loss_goes_by_its_name_or_itself():
    """By either, the same value of the same class."""
    for name, loss in {
        "mse": fp.MSE(),
        "cross_entropy": fp.CrossEntropy(),
        "binary_cross_entropy": fp.BinaryCrossEntropy(),
    }.items():
        assert fp.losses.get(name) == loss == fp.losses.get(loss)
        assert loss.name == name
        assert eval(repr(loss), vars(fp)) == loss
    assert fp.CrossEntropy(from_logits=True) != fp.CrossEntropy()
    assert eval(repr(fp.CrossEntropy(from_logits=True)), vars(fp)) == fp.CrossEntropy(from_logits=True)
    assert len({fp.MSE(), fp.MSE(), fp.CrossEntropy()}) == 2


def test_metrics_are_what_their_names_say():
    """Counted by hand."""
    accuracy, mae = fp.metrics.Accuracy(), fp.metrics.MeanAbsoluteError()
    assert accuracy([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]], [1, 1, 1, 0]) == 0.75
    assert accuracy([[0.1, 0.9], [0.8, 0.2]], [[0, 1], [0, 1]]) == 0.5
    assert accuracy([0.4, 0.6, 0.9, 0.2], [0, 1, 0, 0]) == 0.75
    assert accuracy([[0.4], [0.6]], [[0], [1]]) == 1
    assert mae([[1.0, 4.0], [0.0, 0.0]], [[0.0, 2.0], [0.0, 1.0]]) == 1.0
    assert mae([1.0, 4.0], [0.0, 2.0]) == 1.5
    assert fp.metrics.get("accuracy") == accuracy
    assert fp.metrics.get(mae) is mae


def test_of_equal_outputs_the_first_counts():
    """As NumPy's argmax: ties are not left to chance, alike in NumPy and in the core."""
    model = fp.Sequential([fp.Dense(3, "softmax", kernel_initializer="zeros")], n_inputs=1)
    trainer = fp.Trainer(model, "cross_entropy", metrics=["accuracy"])
    for label, expected in enumerate((1.0, 0.0, 0.0)):
        assert trainer.evaluate([[1.0]], [label])["accuracy"] == expected
        assert fp.metrics.Accuracy()(model.predict([[1.0]]), [label]) == expected


def test_an_output_of_exactly_one_half_is_a_no():
    """The threshold belongs to the lower side, for probabilities and for logits of 0."""
    for last, loss in (("sigmoid", fp.BinaryCrossEntropy()), ("identity", fp.BinaryCrossEntropy(from_logits=True))):
        model = fp.Sequential([fp.Dense(1, last, kernel_initializer="zeros")], n_inputs=1)
        trainer = fp.Trainer(model, loss, metrics=["accuracy"])
        assert trainer.evaluate([[1.0], [1.0], [1.0]], [0, 0, 1])["accuracy"] == pytest.approx(2 / 3)
