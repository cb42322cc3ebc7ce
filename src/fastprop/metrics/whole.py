"""Metrics that take all rows together: training and evaluation collect the outputs, and NumPy does the rest.

Sums go row after row, so that they are the same on all machines. Classes are those of the largest output, the first of
equals; yes-or-no outputs are on one side of the loss's threshold. One yes-or-no output counts as two classes.
"""

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from fastprop import _checks
from fastprop._values import frozen
from fastprop.losses import Loss
from fastprop.metrics._base import Array, Metric, OfRows, WholeMetric, matrices, total
from fastprop.metrics.of_rows import yes_or_no

__all__ = ["F1", "R2", "ROCAUC", "BalancedAccuracy", "CustomMetric", "Precision", "Recall"]

AVERAGES = ("auto", "binary", "micro", "macro", "weighted")


class Counts(NamedTuple):
    """By class or output: sums of weights of the rows that are and are found to be of it, that are found, that are."""

    right: Array
    found: Array
    actual: Array
    present: Array  # whether any row is or is found to be of it
    of_classes: bool


def counts(o: Array, y: Array, w: Array, threshold: float, of_classes: bool) -> Counts:
    """For o and y (m, n)."""
    n = o.shape[1]
    yes, truly = o > threshold, y > 0.5
    if n > 1 and not of_classes:
        right, found, actual = (total(w[:, np.newaxis] * each) for each in (yes & truly, yes, truly))
        return Counts(right, found, actual, np.ones(n, bool), False)
    if n == 1:
        guesses, labels, n = yes[:, 0].astype(np.intp), truly[:, 0].astype(np.intp), 2
    else:
        guesses, labels = o.argmax(axis=1), y.argmax(axis=1)
    found, actual = (np.bincount(each, w, n) for each in (guesses, labels))
    right = np.bincount(labels, w * (guesses == labels), n)
    present = np.bincount(guesses, minlength=n) + np.bincount(labels, minlength=n) > 0
    return Counts(right, found, actual, present, True)


def ratio(a: Array, b: Array) -> Array:
    """A / b, 0 where b is 0."""
    return np.divide(a, b, out=np.zeros(np.shape(a)), where=b != 0)


def as_classes(o: Array, y: Array) -> bool:
    """Whether rows of y, called without a loss, are one-hot: then they name classes."""
    return bool(((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all()) or o.shape[1] == 1


@frozen
class _OfClasses(WholeMetric):
    def check(self, loss: Loss, n_outputs: int) -> None:
        OfRows.check(self, loss, n_outputs)  # type: ignore[arg-type]
        if loss.targets == "values" and n_outputs > 1:
            raise ValueError(f"the metric {self.name!r} is of classes, but {type(loss).__name__} has none")

    def check_values(self, y: Array) -> None:
        odd = np.flatnonzero((y != 0) & (y != 1))
        if odd.size:
            raise ValueError(
                f"y[{odd[0]}] = {y.ravel()[odd[0]]:g}, but {self.name!r} on one output is of yes or no, 1 or 0"
            )

    def whole(self, o: Array, y: Array, w: Array | None, loss: Loss) -> float:
        outputs, targets, _ = matrices(o, y, None)
        weights = np.ones(len(o)) if w is None else w.astype(float)
        return self.by(outputs, targets, weights, loss.threshold, not yes_or_no(loss, o.shape[1]))

    def score(self, o: Array, y: Array, w: Array) -> float:
        return self.by(o, y, w, 0.5, as_classes(o, y))

    def by(self, o: Array, y: Array, w: Array, threshold: float, of_classes: bool) -> float:
        raise NotImplementedError


@frozen
class _Averaged(_OfClasses):
    average: str = "auto"

    def __post_init__(self) -> None:
        _checks.choice("average", self.average, AVERAGES)

    def by(self, o: Array, y: Array, w: Array, threshold: float, of_classes: bool) -> float:
        found = counts(o, y, w, threshold, of_classes)
        binary = found.of_classes and len(found.right) == 2
        average = self.average if self.average != "auto" else "binary" if binary else "macro"
        if average == "binary":
            if not binary:
                raise ValueError(f"average='binary' is for two classes, but there are {len(found.right)}")
            return float(self.of(found.right, found.found, found.actual)[1])
        if average == "micro":
            return float(self.of(*(np.atleast_1d(total(each)) for each in found[:3]))[0])
        scores = self.of(found.right, found.found, found.actual)
        if average == "macro":
            return float(total(scores[found.present]) / found.present.sum())
        return float(ratio(total(scores * found.actual), total(found.actual)))

    @staticmethod
    def of(right: Array, found: Array, actual: Array) -> Array:
        raise NotImplementedError


@frozen
class Precision(_Averaged):
    """Of the rows found to be of a class, the share that are: ``right / found``, 0 where none is found.

    scikit-learn's ``precision_score``.

    Parameters
    ----------
    average : "auto", "binary", "micro", "macro" or "weighted", default "auto"
        Over classes, or over yes-or-no outputs: "binary" is class 1 of two; "macro" the mean of those that occur;
        "weighted" that weighted by how often each occurs; "micro" counts all together. "auto" is "binary" for two
        classes or one yes-or-no output, and "macro" for more.

    Examples
    --------
    >>> Precision()([0.9, 0.8, 0.7, 0.1], [1, 0, 1, 1]) == 2 / 3
    True
    """

    name: ClassVar[str] = "precision"

    @staticmethod
    def of(right: Array, found: Array, actual: Array) -> Array:
        return ratio(right, found)


@frozen
class Recall(_Averaged):
    """Of the rows of a class, the share that are found to be: ``right / actual``, 0 where there is none.

    scikit-learn's ``recall_score``.

    Parameters
    ----------
    average : "auto", "binary", "micro", "macro" or "weighted", default "auto"
        As in `Precision`.

    Examples
    --------
    >>> Recall()([0.9, 0.8, 0.7, 0.1], [1, 0, 1, 1]) == 2 / 3
    True
    """

    name: ClassVar[str] = "recall"

    @staticmethod
    def of(right: Array, found: Array, actual: Array) -> Array:
        return ratio(right, actual)


@frozen
class F1(_Averaged):
    """The harmonic mean of precision and recall: ``2 right / (found + actual)``, 0 where both are 0.

    scikit-learn's ``f1_score``.

    Parameters
    ----------
    average : "auto", "binary", "micro", "macro" or "weighted", default "auto"
        As in `Precision`.

    Examples
    --------
    >>> F1(average="macro")([[0.9, 0.1], [0.2, 0.8]], [0, 1])
    1.0
    """

    name: ClassVar[str] = "f1"

    @staticmethod
    def of(right: Array, found: Array, actual: Array) -> Array:
        return ratio(2 * right, found + actual)


@frozen
class BalancedAccuracy(_OfClasses):
    """The mean over classes of the share of their rows that are right, ``mean(right / actual)``.

    scikit-learn's ``balanced_accuracy_score``; a class without rows does not count.

    Examples
    --------
    >>> BalancedAccuracy()([0.9, 0.9, 0.9, 0.9], [1, 1, 1, 0])
    0.5
    """

    name: ClassVar[str] = "balanced_accuracy"

    def check(self, loss: Loss, n_outputs: int) -> None:
        _OfClasses.check(self, loss, n_outputs)
        if yes_or_no(loss, n_outputs) and n_outputs > 1:
            raise ValueError("the metric 'balanced_accuracy' is of one question, not of several outputs; use 'recall'")

    def by(self, o: Array, y: Array, w: Array, threshold: float, of_classes: bool) -> float:
        found = counts(o, y, w, threshold, True)
        there = found.actual > 0
        return float(total(found.right[there] / found.actual[there]) / there.sum())


def area(scores: Array, yes: Array, w: Array) -> float:
    """Under the curve of true positives over false ones; nan without both."""
    order = np.argsort(-scores, kind="stable")
    scores, yes, w = scores[order], yes[order], w[order]
    last = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)  # of each run of equals
    true, false = (np.append(0.0, np.cumsum(w * each)[last]) for each in (yes, ~yes))
    if not true[-1] or not false[-1]:
        return float("nan")
    return float(total(np.diff(false) * (true[1:] + true[:-1]) / 2) / (true[-1] * false[-1]))


@frozen
class ROCAUC(_OfClasses):
    """The area under the receiver operating characteristic: how likely a yes scores above a no.

    ::

        (pairs of a yes and a no with o_yes > o_no + half of those with o_yes = o_no) / all such pairs

    Of more than two classes each against the rest. scikit-learn's ``roc_auc_score(multi_class="ovr")``. nan where a
    class has no rows, or all of them.

    Parameters
    ----------
    average : "macro", "weighted" or "micro", default "macro"
        Over classes, or over yes-or-no outputs: their mean; that weighted by how often each occurs; all pairs together.

    References
    ----------
    J. A. Hanley & B. J. McNeil (1982), "The Meaning and Use of the Area under a ROC Curve", Radiology 143(1), 29-36.

    Examples
    --------
    >>> ROCAUC()([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    0.75
    """

    name: ClassVar[str] = "roc_auc"
    average: str = "macro"

    def __post_init__(self) -> None:
        _checks.choice("average", self.average, ("macro", "weighted", "micro"))

    def whole(self, o: Array, y: Array, w: Array | None, loss: Loss) -> float:
        if getattr(loss, "from_logits", False) and not yes_or_no(loss, o.shape[1]):
            powers = np.exp(np.asarray(o, dtype=float) - o.max(axis=1, keepdims=True))
            o = powers / powers.sum(axis=1, keepdims=True)
        return _OfClasses.whole(self, o, y, w, loss)

    def by(self, o: Array, y: Array, w: Array, threshold: float, of_classes: bool) -> float:
        if o.shape[1] == 1 or (of_classes and o.shape[1] == 2):
            return area(o[:, -1], y[:, -1] > 0.5, w)
        yes = y == y.max(axis=1, keepdims=True) if of_classes else y > 0.5
        if self.average == "micro":
            return area(o.ravel(), yes.ravel(), w.repeat(o.shape[1]))
        areas = np.array([area(o[:, j], yes[:, j], w) for j in range(o.shape[1])])
        shares = total(w[:, np.newaxis] * yes) if self.average == "weighted" else np.ones(o.shape[1])
        return float(total(areas * shares) / total(shares))


@frozen
class R2(WholeMetric):
    """The coefficient of determination: 1 less the squared error's share of the targets' own spread.

    For each output, then averaged over outputs::

        1 - sum (o - y)**2 / sum (y - mean(y))**2

    scikit-learn's ``r2_score``: for constant targets 1 if they are met, else 0.

    Examples
    --------
    >>> R2()([1.0, 2.0, 3.0], [1.0, 2.0, 4.0]) == 1 - 3 / 14
    True
    """

    name: ClassVar[str] = "r2"

    def check(self, loss: Loss, n_outputs: int) -> None:
        OfRows.check(self, loss, n_outputs)  # type: ignore[arg-type]
        if loss.targets == "classes":
            raise ValueError(f"the metric 'r2' is of numbers, but {type(loss).__name__} is of classes")

    def whole(self, o: Array, y: Array, w: Array | None, loss: Loss) -> float:
        return self(o, y, w)

    def score(self, o: Array, y: Array, w: Array) -> float:
        weights = w[:, np.newaxis]
        error = total(weights * (o - y) ** 2)
        spread = total(weights * (y - total(weights * y) / total(w)) ** 2)
        scores = np.where(spread > 0, 1 - ratio(error, spread), error == 0)
        return float(total(scores) / len(scores))


@frozen
class CustomMetric(Metric):
    """Any Python function of targets and outputs that returns a number: ``function(y, o)``, targets first.

    So scikit-learn's ``*_score(y_true, y_pred)`` are metrics as they are, and a function in a list of metrics is made
    one. It gets y as labels (m,) or numbers (m, n_targets), and o (m, n_outputs); each is (m,) where there is one
    column. o is what `Sequential.predict` gives: probabilities after a softmax. In training these are all rows of the
    epoch, each row's output from before its batch's step.

    Parameters
    ----------
    function : callable
    name : str, optional
        What to call it; the function's own name by default.
    weighted : bool, default False
        Pass the rows' weights too, as ``sample_weight=w``, None where there are none.

    Examples
    --------
    >>> CustomMetric(lambda y, o: abs(y - o).max(), name="largest_error")([1.0, 4.0], [0.0, 2.0])
    2.0
    """

    function: Callable[..., Any]
    name: str = ""  # type: ignore[misc]
    weighted: bool = False

    def __post_init__(self) -> None:
        if not callable(self.function) or isinstance(self.function, (Metric, type)):
            raise TypeError(f"function is called with y and o, but {_checks.describe(self.function)} cannot be")
        if not isinstance(self.name, str):
            raise TypeError(f"name is a text, not {_checks.describe(self.name)}")
        _checks.flag("weighted", self.weighted)
        if not self.name:
            object.__setattr__(self, "name", getattr(self.function, "__name__", type(self.function).__name__))

    def whole(self, o: Array, y: Array, w: Array | None, loss: Loss) -> float:
        o, y = (each[:, 0] if each.ndim == 2 and each.shape[1] == 1 else each for each in (o, y))
        score = self.function(y, o, sample_weight=w) if self.weighted else self.function(y, o)
        return float(score)

    def __call__(self, o: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        w = None if sample_weight is None else np.asarray(sample_weight)
        return self.whole(np.asarray(o), np.asarray(y), w, None)  # type: ignore[arg-type]
