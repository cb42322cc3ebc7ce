"""The progress bar of a training: tqdm's, with the epoch, the scores and the rows per second."""

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from fastprop._sources import Batches

__all__ = ["Progress"]

BAR = "{desc}|{bar:12}| {rate_fmt}, {elapsed}{postfix}"  # leaves room for two scores in 80 columns


class Progress:
    """A bar over epochs * rows, on standard error; shown only where that is a terminal or a notebook. How many rows an
    epoch has may be unknown until the first is over.
    """

    def __init__(self, epochs: int, n_rows: int | None, *, show: bool) -> None:
        self._epochs = epochs
        self._done = 0
        self._scores: Mapping[str, float] = {}
        self._bar: Any = None
        if show and epochs:
            from tqdm.auto import tqdm

            # disable=None: only where the output is a terminal
            bar = tqdm(
                desc=self._title(),
                total=None if n_rows is None else epochs * n_rows,
                unit=" rows",
                unit_scale=True,
                bar_format=BAR,
                disable=None,
                dynamic_ncols=True,
            )
            self._bar = None if bar.disable else bar

    def _title(self) -> str:
        return f"epoch {min(self._done + 1, self._epochs)}/{self._epochs}"

    def advance(self, batches: Batches, scores: Callable[[], Mapping[str, float]]) -> None:
        """These were trained on; `scores` tells the epoch's scores so far."""
        if self._bar is not None:
            self._bar.set_postfix({**self._scores, **scores()}, refresh=False)
            self._bar.update(batches.n_rows)

    def end_epochs(self, count: int, scores: Mapping[str, float]) -> None:
        """So many epochs are over; the last one's scores stay beside the next one's until those are known."""
        self._done += count
        if self._bar is not None:
            self._scores = scores
            if self._bar.total is None:
                self._bar.total = self._bar.n * self._epochs
            self._bar.set_postfix(scores, refresh=False)
            self._bar.set_description(self._title(), refresh=False)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
