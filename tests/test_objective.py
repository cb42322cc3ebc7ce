"""Losses times a number, what training goes down, and a limit of threads for one caller."""

import threading

import numpy as np
import pytest

import fastprop as fp
from fastprop.losses import LOSSES, Scaled

rng = np.random.default_rng(0)
X = rng.standard_normal((50, 4))
labels = rng.integers(0, 3, 50)
Y = np.eye(3)[labels]
W = rng.uniform(0.5, 2, 50)


def network(dtype="float64", output="softmax"):
    return fp.mlp(4, 300, 3, activation="tanh", output=output, dtype=dtype, seed=1)


@pytest.mark.parametrize("factor", [0.5, 3.0])
@pytest.mark.parametrize(
    ("loss", "output", "y"),
    [(fp.CrossEntropy(), "softmax", labels), (fp.MSE(), "identity", Y), (fp.BinaryCrossEntropy(), "sigmoid", Y),
     (fp.CustomLoss(lambda o, y: (((o - y) ** 2).sum(axis=1), 2 * (o - y))), "identity", Y)],
    ids=["cross_entropy", "mse", "binary_cross_entropy", "custom"],
)  # fmt: skip
def test_a_scaled_loss_is_the_loss_and_its_gradient_times_the_factor(factor, loss, output, y):
    model = network(output=output)
    value, grad = fp.gradient(model, X, y, loss)
    scaled_value, scaled_grad = fp.gradient(model, X, y, factor * loss)
    assert scaled_value == pytest.approx(factor * value, rel=1e-14)
    np.testing.assert_allclose(scaled_grad, factor * grad, rtol=1e-12, atol=1e-17)
    trainer = fp.Trainer(model, loss * factor)
    assert trainer.evaluate(X, y)["loss"] == pytest.approx(scaled_value, rel=1e-14)


def test_a_scaled_loss_is_a_description():
    assert 2 * (0.5 * fp.Huber(0.3)) == Scaled(1.0, fp.Huber(0.3))
    assert repr(0.5 * fp.MSE()) == "0.5 * MSE()"
    for loss in LOSSES.values():
        assert (2 * loss).targets == loss.targets
    with pytest.raises(ValueError, match="factor must be 0 or more"):
        -1 * fp.MSE()
    with pytest.raises(TypeError, match="factor is a number"):
        "2" * fp.MSE()


def test_a_scaled_loss_is_saved(tmp_path):
    trainer = fp.Trainer(network(), 0.5 * fp.CrossEntropy(), metrics=[fp.metrics.Objective()])
    trainer.fit(X, labels, progress=False)
    trainer.save(tmp_path / "t.safetensors")
    assert fp.Trainer.resume(tmp_path / "t.safetensors").loss == trainer.loss


def penalties(model, decays, l1=0.0):
    """In NumPy, by parameter array."""
    return sum(
        decay / 2 * (part**2).sum() + l1 * abs(part).sum()
        for array, decay in zip(model.parameter_arrays, decays, strict=True)
        for part in [model.theta[array.start : array.start + int(np.prod(array.shape))]]
    )


RULES = [
    (fp.SGD(0.1, weight_decay=0.3), [0.3] * 4, 0.0),
    (fp.Adam(0.1, groups=[fp.ParameterGroup(kinds="weight", weight_decay=0.2)]), [0.2, 0, 0.2, 0], 0.0),
    (fp.SGD(0.1, weight_decay=0.1, l1=0.05, clip_global_norm=1.0), [0.1] * 4, 0.05),
    (fp.AdamW(0.1, weight_decay=0.1), [0.0] * 4, 0.0),
]


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("weights", [None, W], ids=["plain", "weighted"])
@pytest.mark.parametrize(("rule", "decays", "l1"), RULES, ids=lambda value: type(value).__name__)
def test_the_objective_is_the_loss_and_the_penalties(rule, decays, l1, weights, n_threads):
    """Batch by batch, from before each step; an epoch's is the mean by rows."""
    model, twin = network(), network()
    trainer = fp.Trainer(model, "cross_entropy", rule, metrics=[fp.metrics.Objective(), "accuracy"])
    other = fp.Trainer(twin, "cross_entropy", rule)
    with fp.limit_threads(n_threads):
        history = trainer.fit(X, labels, batch_size=15, shuffle=False, sample_weight=weights, progress=False)
    expected = 0.0
    for rows in (slice(0, 15), slice(15, 30), slice(30, 45), slice(45, 50)):
        penalty = penalties(twin, decays, l1)
        scores = other.partial_fit(X[rows], labels[rows], sample_weight=None if weights is None else weights[rows])
        expected += (scores["loss"] + penalty) * len(X[rows]) / 50
    assert list(history) == ["loss", "objective", "accuracy"]
    assert history["objective"][0] == pytest.approx(expected, rel=1e-13)
    assert list(trainer.evaluate(X, labels)) == ["loss", "accuracy"]


def test_a_frozen_array_has_no_penalty():
    rule = fp.SGD(0.1, weight_decay=0.3, groups=[fp.ParameterGroup(layers=0, frozen=True)])
    trainer = fp.Trainer(network(), "cross_entropy", rule, metrics=["objective"])
    penalty = penalties(trainer.model, [0, 0, 0.3, 0.3])
    scores = trainer.partial_fit(X, labels)
    assert scores["objective"] == pytest.approx(scores["loss"] + penalty, rel=1e-13)


def test_validation_has_no_objective():
    trainer = fp.Trainer(network(), "cross_entropy", metrics=["objective"])
    history = trainer.fit(X, labels, validation_split=0.2, epochs=2, progress=False)
    assert list(history) == ["loss", "objective", "val_loss"]
    with pytest.raises(TypeError, match="only training can tell"):
        fp.metrics.Objective()(Y, Y)


def test_a_limit_of_threads_is_its_callers_own():
    before = fp.num_threads()
    seen = []
    with fp.limit_threads(1):
        worker = threading.Thread(target=lambda: seen.append(fp.num_threads()))
        worker.start()
        worker.join()
        with fp.limit_threads(None):
            seen.append(fp.num_threads())
        assert fp.num_threads() == 1
    assert seen == [before, before]
    assert fp.num_threads() == before
    with pytest.raises(ValueError, match="n must be"), fp.limit_threads(0):
        pass
