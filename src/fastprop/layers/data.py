"""Layers whose numbers come from the data, by `Sequential.adapt`, and are saved with the network."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastprop import _checks
from fastprop._arithmetic import column_moments
from fastprop._values import frozen
from fastprop.initializers import Uniform
from fastprop.layers.base import Buffer, Build, Layer

__all__ = ["RobustScale", "Standardize"]

Array = NDArray[Any]


@frozen
class Standardize(Layer):
    """Gives each column mean 0 and variance 1, by the means and variances of the data that `adapt` saw.

    ::

        a = (x - mean) / sqrt(variance)

    Before `adapt` it passes x on. A column that is constant there gets variance 1. As scikit-learn's StandardScaler,
    and as Keras's Normalization.

    Examples
    --------
    >>> import fastprop as fp
    >>> model = fp.Sequential([fp.Standardize()], n_inputs=1, dtype="float64")
    >>> model.adapt([[1.0], [3.0]])
    >>> model.predict([[1.0], [3.0], [5.0]]).ravel()
    array([-1.,  1.,  3.])
    """

    def buffers(self, n_in: int) -> tuple[Buffer, ...]:
        return Buffer("mean", (n_in,), 0.0, "mean"), Buffer("variance", (n_in,), 1.0, "variance")

    @property
    def adapts(self) -> bool:
        return True

    def adapt(self, X: Array, numbers: Mapping[str, Array], uniform: Uniform) -> Mapping[str, Array]:
        """Its buffers' values, from its inputs in float64."""
        mean, variance = column_moments(X)
        return {"mean": mean, "variance": np.where(variance > 0, variance, 1.0)}

    def work(self, n_in: int) -> int:
        return 2 * n_in

    def compile(self, build: Build, x: int | None, n_in: int) -> int | None:
        return build.add("batch_norm_fixed", n_in, n_in, x, n_buffers=2 * n_in, settings=(0.0, 0.0, 0.0), own=n_in)

    def __call__(self, x: ArrayLike, **parameters: ArrayLike) -> Array:
        return np.asarray((np.asarray(x) - parameters["mean"]) / np.sqrt(parameters["variance"]))


@frozen
class RobustScale(Layer):
    """Centres each column on its median, divides by its interquartile range, and clips smoothly.

    ::

        t = (x - median) factor         factor = 1 / (q75 - q25), or 2 / (max - min) where that is 0, or 0
        a = t / sqrt(1 + (t / clip)**2)

    by the quantiles of the data that `adapt` saw, interpolated linearly as NumPy's; a is within -clip..clip, and near t
    where t is small. Before `adapt` median and factor are 0 and 1. RealMLP's preprocessing.

    Parameters
    ----------
    clip : float or None, default 3.0
        The limit; positive. None for no clipping.

    Raises
    ------
    TypeError, ValueError
        For a clip that is not positive.

    References
    ----------
    D. Holzmueller, L. Grinsztajn & I. Steinwart (2024), "Better by Default: Strong Pre-Tuned MLPs and Boosted Trees on
    Tabular Data", NeurIPS 37, section 3.

    Examples
    --------
    >>> import fastprop as fp
    >>> model = fp.Sequential([fp.RobustScale(clip=None)], n_inputs=1, dtype="float64")
    >>> model.adapt([[0.0], [1.0], [2.0], [3.0], [100.0]])
    >>> model.predict([[2.0], [4.0]]).ravel()
    array([0., 1.])
    """

    clip: float | None = 3.0

    def __post_init__(self) -> None:
        if self.clip is not None:
            object.__setattr__(self, "clip", _checks.positive("clip", self.clip))

    def buffers(self, n_in: int) -> tuple[Buffer, ...]:
        return Buffer("median", (n_in,), 0.0, "median"), Buffer("factor", (n_in,), 1.0, "factor")

    @property
    def adapts(self) -> bool:
        return True

    def adapt(self, X: Array, numbers: Mapping[str, Array], uniform: Uniform) -> Mapping[str, Array]:
        """Its buffers' values, from its inputs in float64."""
        ordered = np.sort(X, axis=0)
        low, median, high = (quantile(ordered, share) for share in (0.25, 0.5, 0.75))
        ranges = high - low
        ranges = np.where(ranges == 0, 0.5 * (ordered[-1] - ordered[0]), ranges)
        return {"median": median, "factor": np.divide(1, ranges, where=ranges != 0, out=np.zeros_like(ranges))}

    def work(self, n_in: int) -> int:
        return 3 * n_in

    def compile(self, build: Build, x: int | None, n_in: int) -> int | None:
        x = build.add("standardize", n_in, n_in, x, n_buffers=2 * n_in)
        if self.clip is None:
            return x
        return build.add("smooth_clip", n_in, n_in, x, settings=(1 / self.clip,))

    def __call__(self, x: ArrayLike, **parameters: ArrayLike) -> Array:
        t = (np.asarray(x) - parameters["median"]) * np.asarray(parameters["factor"])
        return np.asarray(t if self.clip is None else t / np.sqrt(1 + (t / self.clip) ** 2))


def quantile(ordered: Array, share: float) -> Array:
    """Of each column in ascending order, between two rows linearly."""
    at = share * (len(ordered) - 1)
    below = math.floor(at)
    above = min(below + 1, len(ordered) - 1)
    return np.asarray(ordered[below] + (ordered[above] - ordered[below]) * (at - below))
