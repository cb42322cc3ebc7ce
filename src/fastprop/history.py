"""What training reported, epoch by epoch."""

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["History"]

NAN = float("nan")


class History(Mapping[str, list[float]]):
    """A mapping of name to one number per epoch: "loss", each metric, and with validation "val_loss" and so on.

    Examples
    --------
    >>> history = History()
    >>> history.append({"loss": 0.5, "accuracy": 0.75})
    >>> history["loss"]
    [0.5]
    >>> history
    <History of 1 epoch: loss=0.5, accuracy=0.75>
    """

    def __init__(self, series: Mapping[str, list[float]] | None = None) -> None:
        self._series: dict[str, list[float]] = {
            name: list(numbers) for name, numbers in (series or {}).items() if numbers
        }

    def append(self, logs: Mapping[str, float]) -> None:
        """Add one epoch's numbers. A name that comes later begins with nan for the epochs before it, and one that
        stays away goes on with nan, so that all series are of one length.
        """
        if logs.keys() != self._series.keys():
            epochs = self.n_epochs
            for name in logs:
                if name not in self._series:
                    self._series[name] = [NAN] * epochs
        for name, numbers in self._series.items():
            numbers.append(float(logs.get(name, NAN)))

    def extend(self, series: Mapping[str, list[float]]) -> None:
        """The same of several epochs, under each name as many numbers."""
        if series.keys() == self._series.keys() or not self._series:
            for name, numbers in series.items():
                self._series.setdefault(name, []).extend(numbers)
            return
        for logs in zip(*series.values(), strict=True):
            self.append(dict(zip(series, logs, strict=True)))

    def amend(self, logs: Mapping[str, float]) -> None:
        """Put numbers in the place of the last epoch's; new names begin with nan for the epochs before it."""
        for name, number in logs.items():
            self._series.setdefault(name, [NAN] * self.n_epochs)[-1] = float(number)

    def pop(self) -> None:
        """Take the last epoch's numbers away."""
        self._series = {name: numbers[:-1] for name, numbers in self._series.items() if len(numbers) > 1}

    @property
    def n_epochs(self) -> int:
        return next((len(numbers) for numbers in self._series.values()), 0)  # all series are of one length

    def __getitem__(self, name: str) -> list[float]:
        try:
            return self._series[name]
        except KeyError:
            raise KeyError(f"{name!r} was not recorded; recorded: {', '.join(self._series) or 'nothing yet'}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._series)

    def __len__(self) -> int:
        return len(self._series)

    def __repr__(self) -> str:
        n = self.n_epochs
        last = ", ".join(f"{name}={numbers[-1]:.4g}" for name, numbers in self._series.items())
        return f"<History of {n} epoch{'s' * (n != 1)}{': ' + last if last else ''}>"

    def plot(self, ax: Any = None) -> Any:
        """Draw the series over the epochs, the loss and each metric in a panel of its own, validation dashed.

        Parameters
        ----------
        ax : matplotlib Axes, or a sequence of them, optional
            Where to draw: one for each of loss and metrics. Without it, a new figure.

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
            raise ImportError("History.plot needs matplotlib: pip install 'fastprop-nn[plot]'") from None
        panels = [name for name in self._series if not name.startswith("val_")]
        if ax is None:
            _, ax = plt.subplots(1, len(panels), figsize=(4.5 * len(panels), 3.2), squeeze=False, layout="constrained")
            ax = ax.ravel()
        axes = list(ax) if hasattr(ax, "__iter__") else [ax]
        if len(axes) < len(panels):
            raise ValueError(f"there are {len(panels)} panels to draw ({', '.join(panels)}), but {len(axes)} axes")
        epochs = range(1, self.n_epochs + 1)
        for name, axis in zip(panels, axes, strict=False):
            axis.plot(epochs, self._series[name], color="C0", label="training")
            if f"val_{name}" in self._series:
                axis.plot(epochs, self._series[f"val_{name}"], color="C1", linestyle="--", label="validation")
                axis.legend(frameon=False)
            axis.set(xlabel="epoch", ylabel=name)
            axis.xaxis.get_major_locator().set_params(integer=True)
            axis.spines[["top", "right"]].set_visible(False)
        return axes[0].figure
