"""Columns of categories: which of X's they are, and their values as the numbers that the core's Embedding takes.

A column's categories are the values that it holds at the first fit, sorted; their numbers are their places. Two more
follow: one for what is missing, and one for what is unknown, a value that came later.
"""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_array

__all__ = ["BESIDES", "Encoded", "categorical_mask", "categories_of", "encode", "is_frame", "places_of", "widths_of"]

Array = NDArray[Any]

BESIDES = 2  # entries of an embedding beside the categories': missing, and unknown
LARGEST_WIDTH = 600


# Which columns


def categorical_mask(wanted: Any, X: Any) -> NDArray[np.bool_] | None:
    """For each column of X, whether `categorical_features` names it; None where it names none."""
    n_features = X.shape[1]
    if wanted is None:
        return None
    mask = np.zeros(n_features, dtype=bool)
    if not isinstance(wanted, str):
        mask = mask_from(np.asarray(wanted), X, n_features)
    elif is_frame(X):  # "from_dtype"
        mask[:] = [is_categorical(column_of(X, j)) for j in range(n_features)]
    return mask if mask.any() else None


def mask_from(wanted: Array, X: Any, n_features: int) -> NDArray[np.bool_]:
    """From a mask, columns' numbers or names."""
    kinds = {type(one).__name__ for one in wanted.ravel()} if wanted.dtype.kind == "O" else {wanted.dtype.name}
    if wanted.ndim != 1 or (wanted.size and wanted.dtype.kind not in "iubU" and kinds != {"str"}):
        raise ValueError(
            "categorical_features must be a list of columns' numbers, of names, or a mask, but has shape"
            f" {wanted.shape} and holds {', '.join(sorted(kinds))}"
        )
    if wanted.dtype.kind == "b":
        if len(wanted) != n_features:
            raise ValueError(f"categorical_features is a mask of {len(wanted)}, but X has n_features={n_features}")
        return wanted.astype(bool)
    places = wanted.tolist() if wanted.dtype.kind in "iu" else [place_of(name, X) for name in wanted]
    mask = np.zeros(n_features, dtype=bool)
    for place in places:
        if not 0 <= place < n_features:
            raise ValueError(
                f"categorical_features names column {place}, but X has n_features={n_features}, counted from 0"
            )
        mask[place] = True
    return mask


def place_of(name: str, X: Any) -> int:
    if not is_frame(X):
        raise ValueError(f"categorical_features names {str(name)!r}, but X has no feature names; give columns' numbers")
    names = list(X.columns)
    if name not in names:
        raise ValueError(f"categorical_features names {str(name)!r}, which X has not; its features are {names}")
    return names.index(name)


def places_of(mask: NDArray[np.bool_]) -> list[int]:
    return [int(j) for j in np.flatnonzero(mask)]


def is_frame(X: Any) -> bool:
    """Whether X is a data frame, of pandas, polars or their like."""
    return hasattr(X, "columns") and (hasattr(X, "iloc") or hasattr(X, "get_column"))


def column_of(X: Any, j: int) -> Any:
    """A column: of an array as an array, of a frame as its series."""
    return X.iloc[:, j] if hasattr(X, "iloc") else X[:, j]


def is_categorical(series: Any) -> bool:
    """Whether a series has pandas' category or polars' Categorical or Enum as its type."""
    return str(series.dtype).partition("(")[0].lower() in ("category", "categorical", "enum")


# Values to numbers


def categories_of(X: Any, mask: NDArray[np.bool_], sample_weight: Any) -> list[Array]:
    """The categories of each such column, sorted, without what is missing; rows of weight 0 are as if not there."""
    counts = np.ones(X.shape[0], bool)
    weights = np.asarray(sample_weight)
    if weights.shape == counts.shape:
        counts = weights != 0
    found = []
    for j in places_of(mask):
        values, missing = values_of(X, j)
        found.append(unique(values[counts & ~missing], name_of(X, j)))
    return found


def encode(X: Any, mask: NDArray[np.bool_], categories: Sequence[Array], estimator: Any) -> Array:
    """X as floating-point numbers, (m, n_features), categories being numbers from 0."""
    rest = places_of(~mask)
    dtype = X.dtype if getattr(X, "dtype", None) == np.float32 else np.dtype(np.float64)
    if rest:
        others = X.iloc[:, rest] if hasattr(X, "iloc") else X[:, rest]
        numbers = check_array(others, dtype=(np.float64, np.float32), estimator=estimator, input_name="X")
        dtype = numbers.dtype
    out = np.empty(X.shape, dtype)
    if rest:
        out[:, rest] = numbers
    for j, known in zip(places_of(mask), categories, strict=True):
        out[:, j] = places(*values_of(X, j), known)
    return out


def values_of(X: Any, j: int) -> tuple[Array, NDArray[np.bool_]]:
    """A column's values, numbers or objects, and where they are missing: None, nan and frames' own nulls."""
    column = column_of(X, j)
    values = column if isinstance(column, np.ndarray) else np.asarray(column.to_numpy())
    if values.dtype.kind in "biu":
        return values, np.zeros(len(values), bool)
    if values.dtype.kind == "f":
        return values, np.isnan(values)
    if hasattr(column, "isna"):
        return column.to_numpy(object), column.isna().to_numpy(bool)
    values = values.astype(object)
    return values, np.fromiter(map(is_missing, values), bool, len(values))


def is_missing(value: Any) -> bool:
    return value is None or type(value).__name__ == "NAType" or bool(value != value)


def name_of(X: Any, j: int) -> str:
    return repr(X.columns[j]) if is_frame(X) else str(j)


def unique(values: Array, name: str) -> Array:
    """The different ones, sorted."""
    if values.dtype != object:
        return np.unique(values)
    try:
        ordered = sorted(set(values))
    except TypeError:
        kinds = ", ".join(sorted({type(value).__name__ for value in values}))
        raise TypeError(
            f"column {name} of X is of categories, where the argument must be uniformly strings or numbers, but it"
            f" holds {kinds}"
        ) from None
    out = np.empty(len(ordered), object)
    out[:] = ordered
    return out


def places(values: Array, missing: NDArray[np.bool_], known: Array) -> NDArray[np.intp]:
    """Each value's place among the known ones; after these one for missing, and one for unknown."""
    n = len(known)
    if object in (values.dtype, known.dtype):
        place = {value: i for i, value in enumerate(known.tolist())}
        found = np.array([place.get(value, n + 1) for value in values.tolist()], np.intp)
    else:
        found = np.searchsorted(known, values)
        with_last = np.append(known, known[-1:] if n else np.nan)
        found[(found == n) | (with_last[found] != values)] = n + 1
    found[missing] = n
    return found


class Encoded(np.ndarray[Any, Any]):
    """Rows in which categories are numbers already: what a scorer in training hands to `predict`."""

    @classmethod
    def of(cls, X: Any) -> Any:
        return X.view(cls) if isinstance(X, np.ndarray) else X


# Embeddings


def widths_of(wanted: Any, categories: Sequence[Array]) -> list[int]:
    """The length of each column's vectors, from `embedding_dim`."""
    if isinstance(wanted, str):  # "auto": no power of a whole number up to 2**24 comes near a half
        return [min(LARGEST_WIDTH, round(1.6 * (len(known) + 1) ** 0.56)) for known in categories]
    widths = list(wanted) if hasattr(wanted, "__iter__") else [wanted] * len(categories)
    if len(widths) != len(categories):
        raise ValueError(
            f"embedding_dim names {len(widths)} widths, but there are {len(categories)} categorical features"
        )
    for width in widths:
        if not isinstance(width, Integral) or isinstance(width, bool) or width < 1:
            raise ValueError(f"embedding_dim must be of whole numbers from 1 on, but holds {width!r}")
    return [int(width) for width in widths]
