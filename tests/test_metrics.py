"""Metrics: scikit-learn's values, called on arrays, in training and in evaluation, weighted and not."""

import numpy as np
import pytest
from sklearn import metrics as sklearn

import fastprop as fp
from fastprop import metrics

rng = np.random.default_rng(0)
M = 60
X, W = rng.standard_normal((M, 4)), rng.random(M) + 0.1
LABELS, YES, MANY, VALUES = (
    rng.integers(0, 3, M),
    rng.integers(0, 2, M),
    rng.integers(0, 2, (M, 3)),
    X @ np.ones((4, 2)),
)
AVERAGES = ("micro", "macro", "weighted")

# Of what the network ends in: its loss, y, and for each metric scikit-learn's value of y and predict's o.
CLASSES = {
    metrics.Accuracy(): lambda y, o, w: sklearn.accuracy_score(y, o.argmax(1), sample_weight=w),
    metrics.TopKAccuracy(2): lambda y, o, w: sklearn.top_k_accuracy_score(y, o, k=2, sample_weight=w),
    metrics.BalancedAccuracy(): lambda y, o, w: sklearn.balanced_accuracy_score(y, o.argmax(1), sample_weight=w),
    metrics.LogLoss(): lambda y, o, w: sklearn.log_loss(y, o, sample_weight=w),
    metrics.ROCAUC(): lambda y, o, w: sklearn.roc_auc_score(y, o, multi_class="ovr", sample_weight=w),
    metrics.Precision(): lambda y, o, w: sklearn.precision_score(y, o.argmax(1), average="macro", sample_weight=w),
}
YES_OR_NO = {
    metrics.Accuracy(): lambda y, o, w: sklearn.accuracy_score(y, o[:, 0] > 0.5, sample_weight=w),
    metrics.BalancedAccuracy(): lambda y, o, w: sklearn.balanced_accuracy_score(y, o[:, 0] > 0.5, sample_weight=w),
    metrics.Precision(): lambda y, o, w: sklearn.precision_score(y, o[:, 0] > 0.5, sample_weight=w),
    metrics.Recall(): lambda y, o, w: sklearn.recall_score(y, o[:, 0] > 0.5, sample_weight=w),
    metrics.F1(): lambda y, o, w: sklearn.f1_score(y, o[:, 0] > 0.5, sample_weight=w),
    metrics.ROCAUC(): lambda y, o, w: sklearn.roc_auc_score(y, o[:, 0], sample_weight=w),
    metrics.LogLoss(): lambda y, o, w: sklearn.log_loss(y, o[:, 0], sample_weight=w),
}
NUMBERS = {
    metrics.MeanAbsoluteError(): lambda y, o, w: sklearn.mean_absolute_error(y, o, sample_weight=w),
    metrics.MeanSquaredError(): lambda y, o, w: sklearn.mean_squared_error(y, o, sample_weight=w),
    metrics.RootMeanSquaredError(): lambda y, o, w: np.sqrt(sklearn.mean_squared_error(y, o, sample_weight=w)),
    metrics.R2(): lambda y, o, w: sklearn.r2_score(y, o, sample_weight=w),
}
SCORED = {
    "classes": ("cross_entropy", "softmax", LABELS, CLASSES),
    "yes or no": ("binary_cross_entropy", "sigmoid", YES, YES_OR_NO),
    "numbers": ("mse", "identity", VALUES, NUMBERS),
}
with_and_without_weights = pytest.mark.parametrize("w", [None, W], ids=["unweighted", "weighted"])


@with_and_without_weights
@pytest.mark.parametrize("kind", SCORED)
def test_metrics_are_scikit_learns(kind: str, w):
    """By evaluate; by the metric called on predict's output; and of an epoch whose steps have a rate of 0."""
    loss, last, y, wanted = SCORED[kind]
    n = {"classes": 3, "yes or no": 1, "numbers": 2}[kind]
    model = fp.mlp(4, 8, n, activation="tanh", output=last, dtype="float64", seed=3)
    trainer = fp.Trainer(model, loss, fp.SGD(0.0), metrics=list(wanted))
    o = model.predict(X)
    expected = {metric.name: score(y, o, w) for metric, score in wanted.items()}
    found = trainer.evaluate(X, y, sample_weight=w)
    assert list(found) == ["loss", *(metric.name for metric in wanted)]
    history = trainer.fit(X, y, batch_size=7, sample_weight=w, progress=False)
    for metric in wanted:
        assert found[metric.name] == pytest.approx(expected[metric.name], rel=1e-12), metric
        assert history[metric.name][0] == pytest.approx(expected[metric.name], rel=1e-12), metric
        assert metric(o, y, w) == pytest.approx(expected[metric.name], rel=1e-12), metric


@with_and_without_weights
@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("name", ["precision", "recall", "f1"])
def test_averages_are_scikit_learns(name: str, average: str, w):
    """Over classes of which one does not occur; over yes-or-no outputs; over one's two classes."""
    metric = {"precision": metrics.Precision, "recall": metrics.Recall, "f1": metrics.F1}[name](average)
    score = getattr(sklearn, f"{name}_score")
    options = {"average": average, "sample_weight": w, "zero_division": 0}
    o = rng.standard_normal((M, 4)) - [0, 0, 0, 9]
    assert metric(o, LABELS, w) == pytest.approx(score(LABELS, o.argmax(1), **options), rel=1e-13)
    p = rng.random((M, 3))
    assert metric(p, MANY, w) == pytest.approx(score(MANY, p > 0.5, **options), rel=1e-13)
    assert metric(p[:, 0], YES, w) == pytest.approx(score(YES, p[:, 0] > 0.5, **options), rel=1e-13)


@with_and_without_weights
@pytest.mark.parametrize("average", AVERAGES)
def test_areas_are_scikit_learns(average: str, w):
    """With ties too."""
    o = rng.dirichlet(np.ones(3), M).round(1)
    o /= o.sum(axis=1, keepdims=True)
    expected = sklearn.roc_auc_score(LABELS, o, multi_class="ovr", average=average, sample_weight=w)
    assert metrics.ROCAUC(average)(o, LABELS, w) == pytest.approx(expected, rel=1e-12)
    p = rng.random((M, 3)).round(1)
    expected = sklearn.roc_auc_score(MANY, p, average=average, sample_weight=w)
    assert metrics.ROCAUC(average)(p, MANY, w) == pytest.approx(expected, rel=1e-12)


def test_an_area_without_both_answers_is_no_number():
    assert np.isnan(metrics.ROCAUC()([0.2, 0.7], [1, 1]))


def test_any_function_is_a_metric():
    """scikit-learn's own among them: y and o of one column are vectors."""
    model = fp.mlp(4, 1, dtype="float64", seed=0)
    y = VALUES[:, 0]
    largest = metrics.CustomMetric(lambda y, o: abs(y - o).max(), name="largest")
    weighted = metrics.CustomMetric(sklearn.mean_absolute_error, name="weighted", weighted=True)
    trainer = fp.Trainer(model, "mse", fp.SGD(0.0), metrics=[sklearn.max_error, largest, weighted, "mae"])
    for scores in (trainer.evaluate(X, y, sample_weight=W), trainer.partial_fit(X, y, sample_weight=W)):
        assert scores["max_error"] == scores["largest"] == abs(model.predict(X)[:, 0] - y).max()
        assert scores["weighted"] == pytest.approx(scores["mae"], rel=1e-13)


def test_metrics_of_logits_and_of_margins_have_their_threshold_at_0():
    z = fp.mlp(4, 1, dtype="float64", seed=0)
    for loss in (fp.BinaryCrossEntropy(from_logits=True), fp.Hinge()):
        scores = fp.Trainer(z, loss, metrics=["accuracy", "f1"]).evaluate(X, YES)
        found = z.predict(X)[:, 0] > 0
        assert scores["accuracy"] == pytest.approx(sklearn.accuracy_score(YES, found), rel=1e-13)
        assert scores["f1"] == pytest.approx(sklearn.f1_score(YES, found), rel=1e-13)


REFUSALS = {
    "classes of numbers": (lambda: fp.Trainer(fp.mlp(1, 2), "mse", metrics=["f1"]), ["'f1'", "MSE"]),
    "log loss of numbers": (lambda: fp.Trainer(fp.mlp(1, 1), "mse", metrics=["log_loss"]), ["probabilities", "MSE"]),
    "two of a name": (lambda: fp.Trainer(fp.mlp(1, 1), "mse", metrics=["mae", metrics.MeanAbsoluteError()]), ["twice"]),
    "an average": (lambda: metrics.F1("mean"), ["average", "'mean'"]),
    "k": (lambda: metrics.TopKAccuracy(0), ["k must be", "0"]),
    "a name like Keras's": (lambda: metrics.get("f1_score"), ["did you mean 'f1'?"]),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_what_is_no_metric_is_refused(refusal: str):
    call, words = REFUSALS[refusal]
    with pytest.raises(ValueError, match=r".") as caught:
        call()
    for word in words:
        assert word in str(caught.value)


def test_every_metric_is_compared():
    """But for the objective, which is no score of outputs: test_objective.py."""
    compared = {metric.name for wanted in (CLASSES, YES_OR_NO, NUMBERS) for metric in wanted} | {"objective"}
    assert {name.replace("top_5", "top_2") for name in metrics.METRICS} == compared
