"""The learning-rate finder: a short training with a rate that rises from step to step, until the loss blows up."""

import copy
import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastprop import _arithmetic, _checks
from fastprop._slices import Slicer
from fastprop._snapshots import DivergedError
from fastprop._sources import Batches, RowSource, StreamSource, opened
from fastprop.callbacks.rates import set_rate
from fastprop.losses import Loss
from fastprop.model import Sequential
from fastprop.optimizers import Optimizer
from fastprop.trainer import Trainer

__all__ = ["LearningRateSearch", "find_learning_rate"]

Reals = NDArray[np.float64]

FEWEST = 10  # steps from which a slope can be told


class LearningRateSearch:
    """What `find_learning_rate` found.

    Attributes
    ----------
    rates, losses : array (n,)
        Each step's rate, and its batch's loss before the step; up to where the loss blew up.
    smoothed : array (n,)
        The losses, smoothed to both sides.
    suggestion : float or None
        The rate at which the loss falls most steeply over the rate's logarithm, by straight lines through a sixth of
        the losses, before the smoothed loss is least; None if it does not fall.
    diverged : bool
        Whether the loss blew up before the last rate.
    """

    def __init__(self, rates: Reals, losses: Reals, smoothed: Reals, *, diverged: bool) -> None:
        self.rates, self.losses, self.smoothed, self.diverged = rates, losses, smoothed, diverged
        at = _steepest(rates, losses, smoothed)
        self.suggestion = None if at is None else float(rates[at])

    def __repr__(self) -> str:
        found = "no suggestion" if self.suggestion is None else f"suggestion {self.suggestion:.3g}"
        ends = f"{self.rates[0]:.3g}..{self.rates[-1]:.3g}" if len(self.rates) else "none"
        return f"<LearningRateSearch over {len(self.rates)} rates, {ends}: {found}>"

    def plot(self, ax: Any = None) -> Any:
        """Draw the losses over the rates, smoothed and as they were, and the suggestion.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; without it, a new figure.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ImportError
            If matplotlib is missing: ``pip install 'fastprop-nn[plot]'``.
        """
        try:
            import matplotlib.pyplot as plt
        except ImportError:
            raise ImportError("LearningRateSearch.plot needs matplotlib: pip install 'fastprop-nn[plot]'") from None
        if ax is None:
            _, ax = plt.subplots(figsize=(5.5, 3.4), layout="constrained")
        ax.plot(self.rates, self.losses, ".", color="C0", alpha=0.35, markersize=4, label="each batch")
        ax.plot(self.rates, self.smoothed, color="C0", label="smoothed")
        if self.suggestion is not None:
            at = int(np.searchsorted(self.rates, self.suggestion))
            ax.plot(self.suggestion, self.smoothed[at], "o", color="C1", label=f"steepest, {self.suggestion:.2g}")
        low, high = np.min(self.losses), np.max(self.losses[: max(len(self.losses) // 2, 1)])
        margin = 0.05 * (high - low) or 1.0
        ax.set(xscale="log", xlabel="learning rate", ylabel="loss", ylim=(low - margin, high + margin))
        ax.legend(frameon=False)
        ax.spines[["top", "right"]].set_visible(False)
        return ax.figure


def find_learning_rate(
    trainer: Trainer | Sequential,
    X: Any,
    y: Any = None,
    *,
    loss: str | Loss | None = None,
    optimizer: str | Optimizer | None = None,
    start: float = 1e-6,
    end: float = 10.0,
    steps: int = 200,
    batch_size: int | None = None,
    shuffle: bool = True,
    sample_weight: Any = None,
    class_weight: Mapping[int, float] | None = None,
    smoothing: float = 0.9,
    divergence: float = 4.0,
) -> LearningRateSearch:
    """Try rates from `start` to `end`, and suggest the one at which the loss falls most steeply.

    Step i of the `steps` takes one batch at the rate ``start * (end / start) ** (i / (steps - 1))``. It ends early
    where the loss is not finite or, smoothed with what came before it, more than `divergence` times the least so far.
    A copy is trained, with a copy of the optimizer's state: the trainer and its model stay as they are.

    Parameters
    ----------
    trainer : Trainer or Sequential
        Whose loss and optimizer are used; a network alone needs those two beside it.
    X, y, batch_size, shuffle, sample_weight, class_weight
        As `Trainer.fit` takes them; X may be a stream. Data too few for the steps are gone through again.
    loss, optimizer
        For a network alone; the optimizer is "sgd" by default.
    start, end : float, default 1e-6 and 10.0
        Above 0, start below end.
    steps : int, default 200
    smoothing : float, default 0.9
        The share of a moving mean that stays at each step, 0..1, 1 excluded. The losses are smoothed forward and
        backward, so that the curve is not shifted.
    divergence : float, default 4.0
        Above 1.

    Raises
    ------
    TypeError, ValueError
        For data or settings that do not fit.

    References
    ----------
    L. N. Smith (2017), "Cyclical Learning Rates for Training Neural Networks", WACV, 3.3; the steepest descent is that
    of fastai and PyTorch Lightning.

    Examples
    --------
    >>> import fastprop as fp
    >>> X, y = fp.datasets.load_digits()
    >>> model = fp.mlp(64, 64, 10, activation="relu", output="softmax", seed=0)
    >>> search = fp.find_learning_rate(model, X / 16, y, loss="cross_entropy")
    >>> 0.01 < search.suggestion < 1
    True
    """
    start, end = _checks.positive("start", start), _checks.positive("end", end)
    if not start < end:
        raise ValueError(f"start must be below end, but start is {start} and end is {end}")
    steps = _checks.integer("steps", steps, low=FEWEST)
    smoothing = _checks.number("smoothing", smoothing, low=0, high=1, open_high=True)
    divergence = _checks.number("divergence", divergence, low=1)
    twin = _copy(trainer, loss, optimizer)
    source, _ = opened(
        twin._rows, X, y, seed=twin.seed, epochs=1, batch_size=batch_size, shuffle=shuffle, sampler=None,
        sample_weight=sample_weight, class_weight=class_weight, validation_data=None, validation_split=0.0,
        validation_steps=None, steps_per_epoch=None,
    )  # fmt: skip
    rates = start * _arithmetic.core("exp", np.arange(steps) / (steps - 1) * math.log(end / start))
    losses, diverged = _sweep(twin, source, rates, smoothing, divergence)
    return LearningRateSearch(
        rates[: len(losses)], np.array(losses), _smooth(np.array(losses), smoothing), diverged=diverged
    )  # fmt: skip


def _copy(trainer: Trainer | Sequential, loss: str | Loss | None, optimizer: str | Optimizer | None) -> Trainer:
    """A trainer of its own to train."""
    if isinstance(trainer, Sequential):
        if loss is None:
            raise TypeError("a network alone needs a loss beside it: find_learning_rate(model, X, y, loss='mse')")
        return Trainer(trainer.copy(), loss, "sgd" if optimizer is None else optimizer)
    if not isinstance(trainer, Trainer):
        raise TypeError(f"trainer is a Trainer or a Sequential, not {_checks.describe(trainer)}")
    if loss is not None or optimizer is not None:
        raise ValueError("the trainer has a loss and an optimizer; give none beside it")
    return copy.deepcopy(trainer)


def _sweep(
    twin: Trainer, source: RowSource | StreamSource, rates: Reals, smoothing: float, divergence: float
) -> tuple[list[float], bool]:
    """The loss of a batch at each rate, until it blows up; whether it did."""
    losses: list[float] = []
    mean, best = 0.0, math.inf
    for rate, batches in zip(rates, _round_and_round(source), strict=False):
        set_rate(twin, float(rate))
        scores = twin._scores()
        try:
            twin._take_steps(batches, scores)
        except DivergedError:
            return losses, True
        losses.append(scores.running()["loss"])
        mean = smoothing * mean + (1 - smoothing) * losses[-1]
        smoothed = mean / (1 - smoothing ** len(losses))
        best = min(best, smoothed)
        if len(losses) > FEWEST and smoothed > divergence * best > 0:
            return losses, True
    return losses, False


def _round_and_round(source: RowSource | StreamSource) -> Iterator[Batches]:
    """Batches of epoch after epoch, one at a time; of an iterator only what it has."""
    for epoch in itertools.count():
        batches = None
        for batches in source.batches(source.order(epoch), Slicer(largest=1)):
            yield batches
        if batches is None:
            return


def _smooth(losses: Reals, smoothing: float) -> Reals:
    """The mean of moving means from the left and from the right."""

    def moving(values: Reals) -> Reals:
        means, mean = np.empty(len(values)), 0.0
        for i, value in enumerate(values):
            mean = smoothing * mean + (1 - smoothing) * value
            means[i] = mean / (1 - smoothing ** (i + 1))
        return means

    return (moving(losses) + moving(losses[::-1])[::-1]) / 2


def _steepest(rates: Reals, losses: Reals, smoothed: Reals) -> int | None:
    """Where a line through the losses around a rate falls most steeply over its logarithm, before the least loss."""
    half = max(len(rates) // 12, FEWEST // 2)
    x = np.arange(-half, half + 1.0)
    centres = np.arange(half, min(int(np.argmin(smoothed)) + 1, len(rates) - half))
    if not len(centres):
        return None
    slopes = np.array([x @ losses[i - half : i + half + 1] for i in centres])  # rates rise evenly in their logarithm
    return int(centres[np.argmin(slopes)]) if slopes.min() < 0 else None
