"""The loss and the metrics of some rows: what a plan is asked to compute, and what becomes of its sums and outputs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastprop._arithmetic import standard_arithmetic
from fastprop._native.layout import Objective as LaidObjective
from fastprop._rows import Rows
from fastprop.losses import Loss
from fastprop.metrics import Metric, Objective
from fastprop.metrics.objective import lay_out

__all__ = ["Scores", "Scoring"]

Array = NDArray[Any]
Logs = dict[str, float]


class Scoring:
    """A loss and metrics for a network of so many outputs.

    Attributes
    ----------
    plan
        The kernels, as a plan is asked for them: the loss's, and those of the metrics that have one.
    """

    def __init__(self, loss: Loss, metrics: Sequence[Metric], n_outputs: int) -> None:
        for metric in metrics:
            metric.check(loss, n_outputs)
        self.loss, self.metrics, self.n_outputs = loss, tuple(metrics), n_outputs
        self.with_objective = any(isinstance(metric, Objective) for metric in metrics)
        metrics = [metric for metric in metrics if not isinstance(metric, Objective)]
        kernels = [(metric, metric.kernel(loss, n_outputs)) for metric in metrics]
        self.of_rows = [metric for metric, kernel in kernels if kernel is not None]
        self.whole = [metric for metric, kernel in kernels if kernel is None]
        self.plan = loss.kernel(n_outputs), tuple(kernel for _, kernel in kernels if kernel is not None)


class Outputs:
    """The outputs o of rows, as many as have been seen, in the order in which they come."""

    def __init__(self, y: Array, w: Array | None, order: Array | None, o: Array) -> None:
        self.y, self.w, self.order, self.o, self.seen = y, w, order, o, 0

    def arrays(self) -> tuple[Array, Array, Array | None]:
        """o, y and w of the rows that have been seen."""
        which = slice(self.seen) if self.order is None else self.order[: self.seen]
        return self.o[: self.seen], self.y[which], None if self.w is None else self.w[which]


class Scores:
    """Of the rows of an evaluation or an epoch, as they come; or of several epochs, of which outputs are not kept."""

    def __init__(self, scoring: Scoring, dtype: np.dtype[Any], n_epochs: int = 1) -> None:
        self.scoring, self.dtype, self.n_epochs = scoring, dtype, n_epochs
        # For each epoch: of the loss's weights, the loss, the weights, each metric of rows
        self.sums = np.zeros((n_epochs, 3 + len(scoring.of_rows)))
        self.outputs: list[Outputs] = []
        self._objective: LaidObjective | None = None

    def room(self, rows: Rows, order: Array | None, seen: int) -> Array | None:
        """Where the engine puts the outputs of these rows, (m, n_outputs), of which the first `seen` will be there;
        None if no metric wants them.
        """
        if not self.scoring.whole:
            return None
        if not self.outputs or self.outputs[-1].y is not rows.y or self.outputs[-1].order is not order:
            o = np.empty((len(rows), self.scoring.n_outputs), self.dtype)
            self.outputs.append(Outputs(rows.y, rows.w, order, o))
        self.outputs[-1].seen = seen
        return self.outputs[-1].o

    def objective(self, places: Array) -> LaidObjective | None:
        """What the engine sums the objective up in, for parameter arrays at these places; None if nobody wants it."""
        if self.scoring.with_objective and self._objective is None:
            self._objective = lay_out(places, self.n_epochs)
        return self._objective

    @standard_arithmetic()
    def running(self) -> Logs:
        """The loss and the metrics that are means over rows, so far; of the last epoch."""
        return {name: means[-1] for name, means in self._means().items()}

    def _means(self) -> dict[str, list[float]]:
        loss_weights, losses, weights, *of_rows = self.sums.T.tolist()
        series = {"loss": _shares(losses, loss_weights)}
        for metric, rows_sums in zip(self.scoring.of_rows, of_rows, strict=True):
            series[metric.name] = [metric.finish(mean) for mean in _shares(rows_sums, weights)]
        if self._objective is not None:
            series[Objective.name] = _shares(*self._objective.totals.T.tolist())
        return series

    def final(self) -> Logs:
        """The loss and all metrics, in their order."""
        return {name: numbers[0] for name, numbers in self.series().items()}

    @standard_arithmetic()
    def series(self) -> dict[str, list[float]]:
        """The same, a number for each epoch."""
        series = self._means()
        if self.scoring.whole:
            o, y, w = self._collected()
            series |= {metric.name: [metric.whole(o, y, w, self.scoring.loss)] for metric in self.scoring.whole}
        return {"loss": series["loss"], **{m.name: series[m.name] for m in self.scoring.metrics if m.name in series}}

    def _collected(self) -> tuple[Array, Array, Array | None]:
        parts = [outputs.arrays() for outputs in self.outputs if outputs.seen]
        o, y = (np.concatenate([part[i] for part in parts]) for i in range(2))
        if all(part[2] is None for part in parts):
            return o, y, None
        return o, y, np.concatenate([np.ones(len(part[0])) if part[2] is None else part[2] for part in parts])


def _shares(totals: list[float], weights: list[float]) -> list[float]:
    return [total / weight if weight else 0.0 for total, weight in zip(totals, weights, strict=True)]
