"""Metrics: scores that training reports beside the loss.

Those that are means over rows are computed by the core's kernels, batch by batch; the others from the outputs that are
collected where one of them is asked for. A function ``(y, o) -> number`` is a metric too.
"""

from collections.abc import Callable
from typing import Any

from fastprop import _checks
from fastprop.losses import Loss
from fastprop.metrics._base import Metric
from fastprop.metrics.objective import Objective
from fastprop.metrics.of_rows import (
    Accuracy,
    LogLoss,
    MeanAbsoluteError,
    MeanSquaredError,
    RootMeanSquaredError,
    TopKAccuracy,
)
from fastprop.metrics.whole import F1, R2, ROCAUC, BalancedAccuracy, CustomMetric, Precision, Recall

__all__ = [
    "F1",
    "METRICS",
    "R2",
    "ROCAUC",
    "Accuracy",
    "BalancedAccuracy",
    "CustomMetric",
    "LogLoss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Metric",
    "Objective",
    "Precision",
    "Recall",
    "RootMeanSquaredError",
    "TopKAccuracy",
    "get",
]

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Accuracy(), TopKAccuracy(), BalancedAccuracy(), Precision(), Recall(), F1(), ROCAUC(), LogLoss(),
        MeanAbsoluteError(), MeanSquaredError(), RootMeanSquaredError(), R2(), Objective(),
    )
}  # fmt: skip


def get(metric: str | Metric | Callable[..., Any]) -> Metric:
    """The metric of that name, or itself; of a function, one that calls it; of a loss, the metric of its name."""
    if isinstance(metric, CustomMetric):
        return metric
    if isinstance(metric, Loss) and metric.name in METRICS:
        return METRICS[metric.name]
    if callable(metric) and not isinstance(metric, (Metric, Loss, type)):
        return CustomMetric(metric)
    return _checks.look_up("metric", metric, Metric, METRICS)
