"""Metrics: the sum over the rows of each row's weighted score, against scikit-learn's and by hand."""

from collections.abc import Callable

import numpy as np
import pytest

from bounds import assert_within, gamma
from fastprop._native.kernel_calls import KernelCalls

SHAPES = [(1, 1), (2, 3), (7, 10), (40, 17), (300, 2)]
Score = Callable[[np.ndarray, np.ndarray, np.ndarray | None], float]


def scikit_learns(metric: str) -> Score:
    """The same weighted mean from scikit-learn, o and y as this package's networks give them; of the setting 0.5."""
    scores = pytest.importorskip("sklearn.metrics")
    return {
        "categorical_accuracy": lambda o, y, w: scores.accuracy_score(y.argmax(1), o.argmax(1), sample_weight=w),
        "binary_accuracy": lambda o, y, w: scores.accuracy_score(
            (y > 0.5).ravel(), (o > 0.5).ravel(), sample_weight=None if w is None else w.repeat(y.shape[1])
        ),
        "mae": lambda o, y, w: scores.mean_absolute_error(y, o, sample_weight=w),
        "mse": lambda o, y, w: scores.mean_squared_error(y, o, sample_weight=w),
    }[metric]


def outputs_and_targets(
    rng: np.random.Generator, shape: tuple[int, int], dtype: np.dtype
) -> tuple[np.ndarray, np.ndarray]:
    return rng.random(shape).astype(dtype), rng.integers(0, 2, shape).astype(dtype)


with_and_without_weights = pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
LOGARITHMIC = {"categorical_log_loss", "binary_log_loss"}


def test_every_metric_is_tried(metric: str) -> None:
    assert metric in LOGARITHMIC | {"top_k_accuracy"} or scikit_learns(metric)


@with_and_without_weights
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("metric", ["categorical_accuracy", "binary_accuracy", "mae", "mse"])
def test_metrics_are_scikit_learns(
    kernels: KernelCalls, rng: np.random.Generator, metric: str, shape: tuple[int, int], weighted: bool
) -> None:
    """A sum in double on both sides: n terms in a row, then m rows, then the mean's division by the weights' sum."""
    m, n = shape
    o, y = outputs_and_targets(rng, shape, kernels.dtype)
    w = rng.random(m).astype(kernels.dtype) if weighted else None
    mean = scikit_learns(metric)(o.astype(float), y.astype(float), None if w is None else w.astype(float))
    weights = m if w is None else w.sum(dtype=float)
    assert_within(kernels.metric(metric, o, y, w), mean * weights, 2 * gamma(m * n + m + n + 4, float) * mean * weights)


def test_categorical_accuracy_counts_rows_and_takes_the_first_of_equals(kernels: KernelCalls) -> None:
    """As NumPy's argmax does, so that the metric agrees with predict's classes."""
    o = np.array([[0.2, 0.8], [0.5, 0.5], [0.5, 0.5], [0.9, 0.1], [-1, -2]], kernels.dtype)
    y = np.array([[0, 1], [1, 0], [0, 1], [0, 1], [1, 0]], kernels.dtype)
    w = np.array([1, 2, 4, 8, 16], kernels.dtype)
    assert kernels.metric("categorical_accuracy", o, y) == 3
    assert kernels.metric("categorical_accuracy", o, y, w) == 1 + 2 + 16


@pytest.mark.parametrize(("threshold", "expected"), [(0.5, 1.0), (0, 1.25), (0.75, 0.5)])
def test_binary_accuracy_is_the_share_of_outputs_beyond_the_threshold(
    kernels: KernelCalls, threshold: float, expected: float
) -> None:
    """The threshold is o's, 0 for logits, and itself lies below it; y's stays one half."""
    o = np.array([[0.5, 0.75, 0.25, -1], [-0.5, 0.75, 0.5, 0]], kernels.dtype)
    y = np.array([[1, 1, 0, 1], [0, 1, 1, 1]], kernels.dtype)
    assert kernels.metric("binary_accuracy", o, y, setting=threshold) == expected


def test_mae_sums_in_double(kernels: KernelCalls) -> None:
    """In single precision 2**24 + 1 + 1 is 2**24."""
    o = np.array([[2.0**24, 1, -1, 0]], kernels.dtype)
    assert kernels.metric("mae", o, np.zeros_like(o)) == (2**24 + 2) / 4


@with_and_without_weights
@pytest.mark.parametrize("k", [1, 2, 5])
def test_top_k_accuracy_is_scikit_learns(
    kernels: KernelCalls, rng: np.random.Generator, k: int, weighted: bool
) -> None:
    scores = pytest.importorskip("sklearn.metrics")
    o, labels = rng.standard_normal((50, 7)).astype(kernels.dtype), rng.integers(0, 7, 50)
    w = rng.random(50).astype(kernels.dtype) if weighted else None
    found = kernels.metric("top_k_accuracy", o, np.eye(7, dtype=kernels.dtype)[labels], w, k)
    expected = scores.top_k_accuracy_score(labels, o, k=k, labels=range(7), sample_weight=w, normalize=False)
    assert found == pytest.approx(expected, rel=1e-6)


def test_top_k_accuracy_takes_the_first_of_equals_before(kernels: KernelCalls) -> None:
    """So that k = 1 is the accuracy."""
    o = np.full((3, 3), 0.5, kernels.dtype)
    y = np.eye(3, dtype=kernels.dtype)
    assert [kernels.metric("top_k_accuracy", o, y, None, k) for k in (1, 2, 3)] == [1, 2, 3]
    assert kernels.metric("categorical_accuracy", o, y) == 1


@with_and_without_weights
@pytest.mark.parametrize("logits", [False, True], ids=["probabilities", "logits"])
def test_log_losses_are_scikit_learns(
    kernels: KernelCalls, rng: np.random.Generator, logits: bool, weighted: bool
) -> None:
    """Of labels, and of three yes-or-no outputs; scikit-learn has no logits, so that it gets their softmax."""
    log_loss = pytest.importorskip("sklearn.metrics").log_loss
    z, labels, yes = rng.standard_normal((50, 3)), rng.integers(0, 3, 50), rng.integers(0, 2, (50, 3))
    w = rng.random(50).astype(kernels.dtype) if weighted else None
    p, q = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True), 1 / (1 + np.exp(-z))
    total = 50 if w is None else w.sum(dtype=float)
    bound = 40 * float(np.finfo(kernels.dtype).eps)
    given = [(z if logits else x).astype(kernels.dtype) for x in (p, q)]
    one_hot, yes_or_no = np.eye(3, dtype=kernels.dtype)[labels], yes.astype(kernels.dtype)
    found = kernels.metric("categorical_log_loss", given[0], one_hot, w, float(logits))
    assert found == pytest.approx(log_loss(labels, p, sample_weight=w) * total, rel=bound)
    found = kernels.metric("binary_log_loss", given[1], yes_or_no, w, float(logits))
    expected = np.mean([log_loss(yes[:, j], q[:, j], sample_weight=w) for j in range(3)])
    assert found == pytest.approx(expected * total, rel=bound)


def test_log_losses_keep_clear_of_the_log_of_0(kernels: KernelCalls) -> None:
    """A probability of 0 counts as the type's epsilon, as scikit-learn has it."""
    o, y = np.array([[0, 1]], kernels.dtype), np.array([[1, 0]], kernels.dtype)
    expected = -np.log(float(np.finfo(kernels.dtype).eps))
    for name in ("categorical_log_loss", "binary_log_loss"):
        assert kernels.metric(name, o, y, None, 0) == pytest.approx(expected, rel=1e-6)
