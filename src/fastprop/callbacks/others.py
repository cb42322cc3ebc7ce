"""Callbacks about time, tables and diverging."""

import os
import time
import warnings

from fastprop import _checks
from fastprop._snapshots import DivergedError
from fastprop.callbacks.base import Callback

__all__ = ["CSVLogger", "TerminateOnNaN", "TimeBudget"]


class TimeBudget(Callback):
    """Stops training ``seconds`` after it began: between two batches, about 0.05 s late at most, or when the batch is
    done.

    The epoch that is cut short counts as one, with the scores of its batches so far, and is validated. Time is that of
    a clock which nobody sets back.

    Parameters
    ----------
    seconds : float
        Above 0.

    Attributes
    ----------
    stopped : bool
        Whether the time was up before the epochs were done.

    Raises
    ------
    TypeError, ValueError
        If seconds is no number above 0.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = _checks.positive("seconds", seconds)
        self.stopped = False

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        self.stopped = False
        self._end = time.monotonic() + self.seconds

    def on_slice_end(self) -> None:
        if time.monotonic() >= self._end:
            self.stopped = self.trainer.stop_training = True

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.on_slice_end()


class TerminateOnNaN(Callback):
    """Ends training when the loss becomes nan or infinite, with a warning where it would raise ``DivergedError``.

    The network, its optimizer, the counts and the history are as that error says: back where the epoch began, or the
    one before. Keras leaves the broken network as it is.

    Attributes
    ----------
    error : DivergedError or None
        What was not raised; it tells where it happened.
    """

    def __init__(self) -> None:
        self.error: DivergedError | None = None

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        self.error = None

    def on_diverged(self, error: DivergedError) -> bool:
        self.error = error
        warnings.warn(f"training ends: {error}", stacklevel=2)
        return True


class CSVLogger(Callback):
    """Writes a line of scores after each epoch to the CSV file ``filename``, which is whole and closed after each.

    The first column, "epoch", counts from 0 over the trainer's life. Numbers are written so that they read back as
    the same numbers; a score that an epoch does not have is left empty.

    Parameters
    ----------
    filename : str or path
    separator : str, default ","
        One character.
    append : bool, default False
        Go on in a file that is there; its columns stay as they are. Else it begins anew with each call of `fit`.

    Raises
    ------
    TypeError, ValueError
        For a separator that is no character; and in `fit`, for scores for which the file has no column.
    OSError
        In `fit`, if the file cannot be written.

    References
    ----------
    Keras's ``CSVLogger``.
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", *, append: bool = False) -> None:
        if not isinstance(separator, str):
            raise TypeError(f"separator is a character, not {_checks.describe(separator)}")
        if len(separator) != 1:
            raise ValueError(f"separator is one character, but is {separator!r}")
        if not isinstance(filename, (str, os.PathLike)):
            raise TypeError(f"filename is a path, not {_checks.describe(filename)}")
        self.filename, self.separator = os.fspath(filename), separator
        self.append = _checks.flag("append", append)

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        import csv  # only who writes such files waits for it

        self._columns: list[str] = []
        with open(self.filename, "a" if self.append else "w", newline="", encoding="utf-8"):
            pass
        with open(self.filename, newline="", encoding="utf-8") as file:
            self._columns = next(csv.reader(file, delimiter=self.separator), [])

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        import csv

        row = {"epoch": epoch, **(logs or {})}
        with open(self.filename, "a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, delimiter=self.separator)
            if not self._columns:
                self._columns = list(row)
                writer.writerow(self._columns)
            new = [name for name in row if name not in self._columns]
            if new:
                raise ValueError(f"{self.filename} has no column for {new[0]!r}; it has {', '.join(self._columns)}")
            writer.writerow([repr(row[name]) if name in row else "" for name in self._columns])
