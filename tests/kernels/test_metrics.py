"""Metrics: the sum over the rows of each row's weighted score, against scikit-learn's and by hand."""

from collections.abc import Callable

import numpy as np
import pytest

from bounds import assert_within, gamma
from fastprop._native.kernel_calls import KernelCalls

SHAPES = [(1, 1), (2, 3), (7, 10), (40, 17), (300, 2)]
Score = Callable[[np.ndarray, np.ndarray, np.ndarray | None], float]


def scikit_learns(metric: str) -> Score:
    """The same weighted mean from scikit-learn, o and y as this package's networks give them."""
    scores = pytest.importorskip("sklearn.metrics")
    return {
        "categorical_accuracy": lambda o, y, w: scores.accuracy_score(y.argmax(1), o.argmax(1), sample_weight=w),
        "binary_accuracy": lambda o, y, w: scores.accuracy_score(
            (y > 0.5).ravel(), (o > 0.5).ravel(), sample_weight=None if w is None else w.repeat(y.shape[1])
        ),
        "mae": lambda o, y, w: scores.mean_absolute_error(y, o, sample_weight=w),
    }[metric]


def outputs_and_targets(
    rng: np.random.Generator, shape: tuple[int, int], dtype: np.dtype
) -> tuple[np.ndarray, np.ndarray]:
    return rng.random(shape).astype(dtype), rng.integers(0, 2, shape).astype(dtype)


@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
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
