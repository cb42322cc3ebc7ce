"""Where batches come from: rows in memory, which are cut into batches in an order of each epoch's own, or a stream, an
iterable whose items are batches already.
"""

from collections.abc import Callable, Iterable, Iterator, Sized
from functools import cached_property
from typing import Any, NamedTuple

from numpy.typing import ArrayLike, NDArray

from fastprop import _checks
from fastprop._native import philox
from fastprop._rows import Rows
from fastprop._slices import Slicer
from fastprop._values import frozen

__all__ = ["Batches", "RowSource", "Sampler", "ScoredRows", "Stream", "StreamSource", "opened", "scored"]

DEFAULT_BATCH_SIZE = 32
VALIDATION_NAMES = ("validation_data[0]", "validation_data[1]", "validation_data[2]")


Sampler = Callable[[int], ArrayLike]  # of an epoch's number, to the rows' in their order
Order = NDArray[Any] | None  # rows' numbers, epoch after epoch; None for rows as they stand


class Batches(NamedTuple):
    """Batches first..last - 1 of `batch_size` rows each, an epoch's last one maybe short, of rows in this order."""

    rows: Rows
    order: Order
    batch_size: int
    first: int
    last: int

    @property
    def n_rows(self) -> int:
        return self._rows_before(self.last) - self._rows_before(self.first)

    def _rows_before(self, batch: int) -> int:
        epochs, batches = divmod(batch, self._of_an_epoch)
        return epochs * len(self.rows) + batches * self.batch_size

    @property
    def _of_an_epoch(self) -> int:
        return -(-len(self.rows) // self.batch_size)

    def by_epochs(self) -> Iterator[tuple[int, int]]:
        """Each epoch's (first, last + 1)."""
        first = self.first
        while first < self.last:
            last = min(self.last, first - first % self._of_an_epoch + self._of_an_epoch)
            yield first, last
            first = last


@frozen
class RowSource:
    """Rows in memory, as batches to train on."""

    rows: Rows
    batch_size: int
    shuffle: bool
    seed: int
    sampler: Sampler | None = None

    @property
    def n_rows(self) -> int:
        """Of an epoch."""
        return len(self.rows)

    @cached_property
    def n_batches(self) -> int:
        """Of an epoch."""
        return -(-len(self.rows) // self.batch_size)

    @property
    def ended(self) -> bool:
        """Whether there is nothing for another epoch."""
        return False

    @property
    def knows_ahead(self) -> bool:
        """Whether an epoch's order may be asked for before the epochs before it are done."""
        return self.sampler is None or getattr(self.sampler, "knows_ahead", False)

    def order(self, epoch: int, n_epochs: int = 1) -> Order:
        """The rows' in that epoch, and in those that follow."""
        if self.sampler is None:
            return philox.permutation(self.seed, epoch, len(self.rows), n_epochs) if self.shuffle else None
        epochs = range(epoch, epoch + n_epochs)
        names = [f"sampler({number})" for number in epochs]
        return _checks.row_numbers(names, [self.sampler(number) for number in epochs], len(self.rows))

    def batches(self, order: Order, slicer: Slicer, n_epochs: int = 1) -> Iterator[Batches]:
        """All batches, as many at a time as the slicer says."""
        for first, last in slicer(n_epochs * self.n_batches):
            yield Batches(self.rows, order, self.batch_size, first, last)


# Streams

Check = Callable[..., Rows]


def is_batch(item: object) -> bool:
    """(X, y) or (X, y, sample_weight)?"""
    return isinstance(item, (tuple, list)) and len(item) in (2, 3)


END = object()


class Stream:
    """An iterable of batches, (X, y) or (X, y, sample_weight), of which `steps` make an epoch; without steps, all.

    Where it begins anew with each `iter`, as a list does, an epoch without steps is one time through it, and one with
    steps goes on where the last one stopped, and from the end to the beginning. An iterator, such as a generator, can
    only go on.
    """

    def __init__(self, name: str, batches: object, check: Check, steps: int | None, steps_name: str) -> None:
        if isinstance(batches, (str, bytes, dict)) or not isinstance(batches, Iterable):
            raise TypeError(f"{name} is arrays, or an iterable of batches (X, y), not {_checks.describe(batches)}")
        self.name, self._batches, self._check, self._steps_name = name, batches, check, steps_name
        self.steps = None if steps is None else _checks.integer(steps_name, steps)
        self.begins_anew = not isinstance(batches, Iterator)
        self._rest: Iterator[Any] | None = None
        self._number = 0  # of batches so far
        self.ended = False  # in the middle of an epoch, or before it

    def check_rounds(self, rounds: int) -> None:
        """Refuse what can be gone through only once where it is wanted more often."""
        if rounds > 1 and self.steps is None and not self.begins_anew:
            raise ValueError(
                f"{self.name} is {_checks.describe(self._batches)}, which can be gone through once: give"
                f" {self._steps_name}, or an iterable that begins anew each time, such as a list"
            )

    @property
    def n_batches(self) -> int | None:
        """Of an epoch, if that is known before."""
        if self.steps is None and isinstance(self._batches, Sized):
            return len(self._batches)
        return self.steps

    def __iter__(self) -> Iterator[Rows]:
        """One epoch's batches, checked."""
        if self._rest is None or self.steps is None:
            self._rest = iter(self._batches)
        count = 0
        while self.steps is None or count < self.steps:
            item = next(self._rest, END)
            if item is END and self.steps is not None and self.begins_anew:
                self._rest = iter(self._batches)
                item = next(self._rest, END)
            if item is END:
                self.ended = self.steps is not None
                break
            yield self._rows(item)
            count += 1
        if self._number == 0:
            raise ValueError(f"{self.name} gave no batches")

    def _rows(self, item: object) -> Rows:
        where = f"batch {self._number} of {self.name}"
        self._number += 1
        if not is_batch(item):
            raise TypeError(f"{where} is (X, y) or (X, y, sample_weight), not {_checks.describe(item)}")
        return self._check(*item, names=(f"X in {where}", f"y in {where}", f"sample_weight in {where}"))  # type: ignore[misc]


class StreamSource:
    """A stream, as batches to train on: each is one step, of as many rows as it has."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.batch_size = 1  # the largest so far, for which plans are made

    @property
    def n_rows(self) -> int | None:
        return None

    @property
    def n_batches(self) -> int | None:
        return self.stream.n_batches

    @property
    def ended(self) -> bool:
        return self.stream.ended

    def order(self, epoch: int, n_epochs: int = 1) -> Order:
        return None

    def batches(self, order: Order, slicer: Slicer, n_epochs: int = 1) -> Iterator[Batches]:
        for rows in self.stream:
            self.batch_size = max(self.batch_size, len(rows))
            yield Batches(rows, None, self.batch_size, 0, 1)


ScoredRows = Iterable[Rows]  # to be scored: rows in memory, all in one, or a stream


def opened(
    check: Check,
    X: Any,
    y: Any,
    *,
    seed: int,
    epochs: int,
    batch_size: int | None,
    shuffle: bool,
    sampler: Sampler | None,
    sample_weight: Any,
    class_weight: Any,
    validation_data: Any,
    validation_split: float,
    validation_steps: int | None,
    steps_per_epoch: int | None,
) -> tuple[RowSource | StreamSource, ScoredRows | None]:
    """What `fit` trains on and what it validates on, from its arguments."""
    split = _checks.number("validation_split", validation_split, low=0, high=1, open_high=True)
    if validation_data is not None and split:
        raise ValueError("validation_data and validation_split are both given; one is enough")
    shuffle = _checks.flag("shuffle", shuffle)
    if sampler is not None and not callable(sampler):
        raise TypeError(f"sampler is a function of the epoch's number, not {_checks.describe(sampler)}")
    validation: ScoredRows | None = None
    source: RowSource | StreamSource
    if y is None:
        if sampler is not None:
            raise ValueError("sampler is for arrays; the batches of a stream are as they come")
        source = _stream(check, X, epochs, batch_size, sample_weight, class_weight, split, steps_per_epoch)
    else:
        _refuse_y("fit", X)
        if steps_per_epoch is not None:
            raise ValueError("steps_per_epoch is for a stream of batches; of arrays an epoch visits every row")
        rows = check(X, y, sample_weight, class_weight=class_weight)
        if split:
            rows, last = rows.split(split)
            validation = [last]
        size = _checks.batch_size(DEFAULT_BATCH_SIZE if batch_size is None else batch_size, len(rows))
        source = RowSource(rows, size, shuffle, seed, sampler)
    if validation_data is not None:
        validation = _validation(check, validation_data, epochs, validation_steps)
    elif validation_steps is not None:
        raise ValueError("validation_steps is for a stream as validation_data, which is not given")
    return source, validation


def scored(check: Check, X: Any, y: Any, sample_weight: Any, steps: int | None) -> ScoredRows:
    """What `evaluate` scores, from its arguments."""
    if y is None:
        _refuse_arrays("evaluate", X, sample_weight)
        return Stream("X", X, check, steps, "steps")
    _refuse_y("evaluate", X)
    if steps is not None:
        raise ValueError("steps is for a stream; arrays are scored whole")
    return [check(X, y, sample_weight)]


def _refuse_arrays(caller: str, X: Any, sample_weight: Any) -> None:
    """What goes with y alone, where there is none."""
    if _checks.is_array(X):
        raise TypeError(f"y is missing: {caller}(X, y) for arrays, {caller}(batches) for an iterable of batches (X, y)")
    if sample_weight is not None:
        raise ValueError("sample_weight is for arrays; the batches of a stream bring theirs: (X, y, sample_weight)")


def _refuse_y(caller: str, X: Any) -> None:
    if isinstance(X, Iterator):
        raise TypeError(f"X gives batches (X, y), so that no y stands beside it: {caller}(X)")


def _stream(
    check: Check,
    X: Any,
    epochs: int,
    batch_size: int | None,
    sample_weight: Any,
    class_weight: Any,
    split: float,
    steps_per_epoch: int | None,
) -> StreamSource:
    _refuse_arrays("fit", X, sample_weight)
    if batch_size is not None:
        raise ValueError("batch_size is for arrays; the batches of a stream are as they come")
    if isinstance(class_weight, str):
        raise ValueError(f"class_weight={class_weight!r} needs all labels at once; give a dict of label to weight")
    if split:
        raise ValueError("validation_split is for arrays; give a stream's validation_data")

    def checked(*arrays: Any, **options: Any) -> Rows:
        return check(*arrays, class_weight=class_weight, **options)

    stream = Stream("X", X, checked, steps_per_epoch, "steps_per_epoch")
    stream.check_rounds(epochs)
    return StreamSource(stream)


def _validation(check: Check, data: Any, rounds: int, steps: int | None) -> ScoredRows:
    """validation_data as rows in memory if it is a batch itself, else as a stream."""
    arrays = isinstance(data, tuple) or (isinstance(data, list) and is_batch(data) and not isinstance(data[0], tuple))
    if not arrays and not _checks.is_array(data):
        stream = Stream("validation_data", data, check, steps, "validation_steps")
        stream.check_rounds(rounds)
        return stream
    if not arrays or not is_batch(data):
        raise TypeError(
            "validation_data is (X, y), (X, y, sample_weight) or an iterable of such batches,"
            f" not {_checks.describe(data)}"
        )
    if steps is not None:
        raise ValueError("validation_steps is for a stream; arrays are scored whole")
    return [check(*data, names=VALIDATION_NAMES)]
