"""Every check of what users pass in, and every message to them.

A message says what was wanted, what came, and what to do. `TypeError` for the wrong kind of thing, `ValueError` for
the wrong value. What passes here is what the engine reads without looking: matrices of a plain element type, finite
after the cast to the network's type; labels in range; weights that are not negative.
"""

import math
import numbers
import os
import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastprop._native import dispatch
from fastprop._native.arrays import all_finite
from fastprop._native.sparse_rows import SparseRows

T = TypeVar("T")
Matrix = NDArray[Any]

BLOCK_ELEMENTS = 1 << 18  # of X looked at together, so that Ctrl-C is heard
ENGINE_KINDS = frozenset("?bhilqBHILQfd")  # NumPy's letters for the element types that the engine casts by itself


# What other libraries call the same things, for "did you mean".
SYNONYMS = {
    "acc": "accuracy",
    "auc": "roc_auc",
    "binary_accuracy": "accuracy",
    "categorical_accuracy": "accuracy",
    "sparse_categorical_accuracy": "accuracy",
    "f1_score": "f1",
    "f1score": "f1",
    "r2_score": "r2",
    "r2score": "r2",
    "roc_auc_score": "roc_auc",
    "root_mean_squared_error": "rmse",
    "top_k": "top_5_accuracy",
    "top_k_accuracy": "top_5_accuracy",
    "top_k_categorical_accuracy": "top_5_accuracy",
    "balanced_accuracy_score": "balanced_accuracy",
    "bce": "binary_cross_entropy",
    "binary_crossentropy": "binary_cross_entropy",
    "bcewithlogits": "binary_cross_entropy",
    "categorical_crossentropy": "cross_entropy",
    "crossentropy": "cross_entropy",
    "log_loss": "cross_entropy",
    "sparse_categorical_crossentropy": "cross_entropy",
    "linear": "identity",
    "none": "identity",
    "logistic": "sigmoid",
    "exp": "exponential",
    "gelu_tanh": "gelu",
    "hard_silu": "hard_swish",
    "swish": "silu",
    "mean_absolute_error": "mae",
    "mean_squared_error": "mse",
    "l1": "mae",
    "l1_loss": "mae",
    "l2": "mse",
    "smoothl1": "smooth_l1",
    "smooth_l1_loss": "smooth_l1",
    "huber_loss": "huber",
    "logcosh": "log_cosh",
    "pinball": "quantile",
    "gaussian": "gaussian_nll",
    "poisson_nll": "poisson",
    "kld": "kl_divergence",
    "kl": "kl_divergence",
    "kullback_leibler_divergence": "kl_divergence",
    "nll_loss": "nll",
    "categorical_focal_crossentropy": "focal",
    "binary_focal_crossentropy": "binary_focal",
    "cosine": "cosine_similarity",
    "squared_error": "mse",
    "glorot": "glorot_uniform",
    "kaiming_normal": "he_normal",
    "normal": "random_normal",
    "uniform": "random_uniform",
    "xavier_normal": "glorot_normal",
    "xavier_uniform": "glorot_uniform",
    "he": "he_uniform",
    "kaiming_uniform": "he_uniform",
}


# Names and numbers


def unknown(what: str, name: object, known: Iterable[str]) -> ValueError:
    """The error for a name that is none of those known, with the nearest of them."""
    import difflib  # only an error needs it

    names = sorted(known)
    typed = str(name).lower()
    meant = SYNONYMS.get(typed)
    near = [meant] if meant in names else difflib.get_close_matches(typed, names, n=1, cutoff=0.7)
    advice = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(map(repr, names))}"
    return ValueError(f"unknown {what} {name!r}; {advice}")


def look_up(what: str, value: object, kind: type[T], known: Mapping[str, T], *, kernels: bool = True) -> T:
    """`value` itself if it is a `kind`, else the one known by that name.

    Where the core has a kernel for each, a class that is none of the known ones is refused.
    """
    if isinstance(value, kind):
        if kernels and type(value) not in {type(one) for one in known.values()}:
            raise TypeError(
                f"{what} is a {type(value).__name__}, for which the core has no kernel;"
                f" known: {', '.join(map(repr, sorted(known)))}"
            )
        return value
    if isinstance(value, type) and issubclass(value, kind):
        raise TypeError(f"{what} is the class {value.__name__}; make one of it: {value.__name__}(...)")
    if not isinstance(value, str):
        raise TypeError(f"{what} is one of {', '.join(map(repr, known))}, or an object, not {describe(value)}")
    if value not in known:
        raise unknown(what, value, known)
    return known[value]


def describe(value: object) -> str:
    """A value with its type, for a message; short."""
    text = repr(value)
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({type(value).__name__})"


def same_shape(what: str, result: object, shape: tuple[int, ...]) -> NDArray[Any]:
    """What a user's function gave, as an array of real numbers of that shape."""
    array = np.asarray(result)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{what} gave {array.dtype}; an array of real numbers of shape {shape} is wanted")
    if array.shape != shape:
        raise ValueError(f"{what} gave an array of shape {array.shape}; {shape} is wanted, as z has it")
    return array


def integer(name: str, value: object, *, low: int = 1, high: int = sys.maxsize) -> int:
    """`value` as an int in low..high."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} is a whole number, not {describe(value)}")
    result = int(value)
    if not low <= result <= high:
        wanted = f"in {low}..{high}" if high < sys.maxsize else f"{low} or more" if result < low else f"{high} or less"
        raise ValueError(f"{name} must be {wanted}, but is {value}")
    return result


def number(
    name: str, value: object, *, low: float = -math.inf, high: float = math.inf, open_high: bool = False
) -> float:
    """`value` as a finite float in low..high, or below high."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} is a number, not {describe(value)}")
    try:
        result = float(value)
    except OverflowError:
        result = math.inf
    if not (low <= result < high if open_high else low <= result <= high) or math.isinf(result):
        if high == math.inf:
            wanted = "finite" if low == -math.inf else f"{low:g} or more, and finite"
        else:
            wanted = f"in {low:g}..{high:g}" + (f", {high:g} excluded" if open_high else "")
        raise ValueError(f"{name} must be {wanted}, but is {value}")
    return result


def flag(name: str, value: object) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} is True or False, not {describe(value)}")
    return bool(value)


def choice(name: str, value: object, known: Iterable[str]) -> str:
    """`value` as one of the names known."""
    if not isinstance(value, str):
        raise TypeError(f"{name} is one of {', '.join(map(repr, known))}, not {describe(value)}")
    if value not in known:
        raise unknown(name, value, known)
    return value


def positive(name: str, value: object) -> float:
    """`value` as a finite float above 0."""
    result = number(name, value, low=0)
    if result == 0:
        raise ValueError(f"{name} must be above 0, and finite, but is {value}")
    return result


def real_type(dtype: object) -> np.dtype[Any]:
    """float32 or float64."""
    if dtype is None:
        raise TypeError("dtype is 'float32' or 'float64', not None")
    try:
        result: np.dtype[Any] = np.dtype(dtype)  # type: ignore[call-overload]
    except TypeError:
        raise TypeError(f"dtype is 'float32' or 'float64', not {describe(dtype)}") from None
    if result not in (np.float32, np.float64):
        raise ValueError(f"dtype is 'float32' or 'float64', not {(result.name if result.isnative else result.str)!r}")
    return result


def room(what: str, n_bytes: int) -> None:
    """Refuse what this machine's memory cannot hold, before any of it is allocated."""
    try:
        physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # not a POSIX system
        physical = sys.maxsize
    if n_bytes > physical:
        raise MemoryError(f"{what} would take {n_bytes:,} bytes, but this machine has {physical:,} bytes of memory")


# Arrays


def as_array(name: str, values: object) -> NDArray[Any]:
    """`values` as an array, if they are one, a frame, or nested sequences of equal lengths."""
    if hasattr(values, "columns") and hasattr(values, "to_numpy"):
        return _frame_to_array(name, values)
    if hasattr(values, "tocsr"):
        raise TypeError(f"{name} is a sparse matrix; pass {name}.toarray()")
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise ValueError(f"{name} has {int(np.ma.getmaskarray(values).sum())} masked values; fill or drop them first")
    if values is None or isinstance(values, (str, bytes, dict, set)):
        raise TypeError(f"{name} is an array of numbers, not {describe(values)}")
    try:
        return np.asarray(values)
    except ValueError as error:  # rows of different lengths
        raise ValueError(f"{name} is no array of numbers: {error}") from None


def is_array(X: object) -> bool:
    """An array, a frame or a sparse matrix, and no nested sequence?"""
    return any(hasattr(X, name) for name in ("__array__", "columns", "tocsr"))


def is_stream(X: object) -> bool:
    """An iterable of batches, as a generator, and no array or sequence?"""
    return isinstance(X, Iterable) and not is_array(X) and not hasattr(X, "__getitem__")


def table(name: str, X: object) -> Matrix:
    """X as a matrix of numbers that the engine can read; a copy only where its elements are of no such type."""
    array = as_array(name, X)
    if array.ndim != 2:
        advice = {
            0: "",
            1: f"; for one row pass {name}.reshape(1, -1), for one column {name}.reshape(-1, 1)",
        }.get(array.ndim, f"; to flatten each row pass {name}.reshape(len({name}), -1)")
        raise ValueError(
            f"{name} is {array.ndim}-dimensional (shape {array.shape}), but rows and columns are wanted{advice}"
        )
    return plain_numbers(name, array)


def _frame_to_array(name: str, frame: Any) -> NDArray[Any]:
    """A data frame as one array of numbers, its columns named where they cannot be."""
    columns = []
    for i, label in enumerate(frame.columns):
        column = frame.iloc[:, i] if hasattr(frame, "iloc") else frame[label]
        missing = int(column.isna().sum()) if hasattr(column, "isna") else int(column.is_null().sum())
        if missing:
            raise ValueError(
                f"{name}: column {label!r} has {missing} missing value{'s' * (missing != 1)}; fill or drop them first"
            )
        array = column.to_numpy()
        if array.dtype.kind not in "biuf":
            try:
                array = plain_numbers(f"{name}: column {label!r}", array)
            except TypeError as error:
                raise TypeError(f"{error}; encode them first, as `fastprop train` does for CSV files") from None
        columns.append(array)
    return np.column_stack(columns) if columns else np.empty((len(frame), 0))


def plain_numbers(name: str, array: NDArray[Any]) -> NDArray[Any]:
    """`array` with elements of a type that the engine casts by itself."""
    if array.dtype.isnative and array.dtype.char in ENGINE_KINDS:
        return array
    if array.dtype.newbyteorder("=").char in ENGINE_KINDS:  # another machine's order of bytes
        return array.astype(array.dtype.newbyteorder("="))
    if array.dtype.kind == "f":
        return array.astype(np.float32 if array.dtype.itemsize == 2 else np.float64)
    if array.dtype == object:
        for value in array.flat:
            if not isinstance(value, numbers.Real):
                raise TypeError(f"{name} holds {describe(value)} among its elements; numbers are wanted")
        try:
            return array.astype(np.float64)
        except OverflowError:
            raise ValueError(f"{name} holds a whole number too large for float64") from None
    raise TypeError(f"{name} holds {array.dtype}; real numbers are wanted")


def sparse_rows(name: str, X: Any) -> SparseRows:
    """A matrix or array of scipy.sparse; copied only where it is of another form or its elements of another type."""
    if X.ndim != 2:
        raise ValueError(f"{name} is {X.ndim}-dimensional (shape {X.shape}), but rows and columns are wanted")
    rows = X.tocsr()
    if not rows.has_canonical_format:  # columns that do not ascend, or come twice
        rows = rows.copy() if rows is X else rows
        rows.sum_duplicates()
    data = plain_numbers(name, rows.data)
    data = data if data.dtype.kind == "f" else data.astype(np.float64)
    if rows.indices.size and not 0 <= rows.indices.min() <= rows.indices.max() < X.shape[1]:
        raise ValueError(f"{name} has an element outside its {X.shape[1]} columns; its index arrays are damaged")
    return SparseRows(data, rows.indices, rows.indptr.astype(np.int64, copy=False), X.shape[1])


def inputs(name: str, X: object, n_inputs: int) -> Matrix | SparseRows:
    """X as the engine reads it: n_inputs columns of numbers; whether they are finite is not looked at."""
    array = sparse_rows(name, X) if hasattr(X, "tocsr") else table(name, X)
    if array.shape[1] != n_inputs:
        raise ValueError(
            f"{name} has {array.shape[1]} columns, but the network takes {n_inputs} inputs"
            f" ({name}.shape is {array.shape})"
        )
    return array


def features(name: str, X: object, n_inputs: int, dtype: np.dtype[Any]) -> Matrix | SparseRows:
    """Such inputs, each element finite in the network's type."""
    array = inputs(name, X, n_inputs)
    finite(name, array, dtype)
    return array


def finite(name: str, array: NDArray[Any] | SparseRows, dtype: np.dtype[Any]) -> None:
    """Refuse the first element that is nan, infinite, or too large for dtype."""
    if isinstance(array, SparseRows):
        _finite_elements(name, array, dtype)
        return
    if array.dtype.kind != "f" or array.size == 0:
        return
    kernels = dispatch.kernels(dtype, dispatch.chosen())
    rows = max(1, BLOCK_ELEMENTS // max(1, array[0].size))
    for start in range(0, len(array), rows):
        if not all_finite(kernels, array[start : start + rows]):
            _refuse_not_finite(name, array, dtype, start, rows)


def _finite_elements(name: str, X: SparseRows, dtype: np.dtype[Any]) -> None:
    data = X.data[X.starts[0] : X.starts[-1]]
    if len(data) == 0 or all_finite(dispatch.kernels(dtype, dispatch.chosen()), data):
        return
    with np.errstate(over="ignore", invalid="ignore"):
        at = int(X.starts[0]) + int(np.flatnonzero(~np.isfinite(data.astype(dtype, copy=False)))[0])
    row = int(np.searchsorted(X.starts, at, side="right")) - 1
    total = int(np.count_nonzero(~np.isfinite(data)))
    _refuse_value(f"{name}[{row}, {X.columns[at]}]", X.data[at], dtype, total)


def _refuse_not_finite(name: str, array: NDArray[Any], dtype: np.dtype[Any], start: int, rows: int) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        first = np.argwhere(~np.isfinite(array[start : start + rows].astype(dtype, copy=False)))[0]
    place = (start + int(first[0]), *map(int, first[1:]))
    total = sum(int(np.count_nonzero(~np.isfinite(array[i : i + rows]))) for i in range(start, len(array), rows))
    _refuse_value(f"{name}[{', '.join(map(str, place))}]", array[place], dtype, total)


def _refuse_value(where: str, value: Any, dtype: np.dtype[Any], total: int) -> None:
    if np.isfinite(value):
        raise ValueError(f"{where} = {value:g} overflows {dtype.name}; scale the data, or use dtype='float64'")
    raise ValueError(f"{where} is {value} ({total} such value{'s' * (total != 1)}); fill or drop them first")


def row_numbers(names: Sequence[str], orders: Sequence[object], n_rows: int) -> NDArray[np.intp]:
    """Orders, each the numbers of n_rows rows in 0..n_rows - 1, one after the other."""
    arrays = [as_array(name, order) for name, order in zip(names, orders, strict=True)]
    for name, array in zip(names, arrays, strict=True):
        if array.shape != (n_rows,) or array.dtype.kind not in "iu":
            raise ValueError(
                f"{name} has shape {array.shape} and type {array.dtype}, but the whole numbers of {n_rows} rows are"
                " wanted"
            )
    together = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
    if together.min() < 0 or together.max() >= n_rows:
        at = int(np.flatnonzero((together < 0) | (together >= n_rows))[0])
        raise ValueError(
            f"{names[at // n_rows]}[{at % n_rows}] = {together[at]} is no row's number, which are 0..{n_rows - 1}"
        )
    return np.ascontiguousarray(together, np.intp)


def same_length(name: str, array: object, n_rows: int, what: str = "X") -> None:
    length = len(array)  # type: ignore[arg-type]
    if length != n_rows:
        raise ValueError(f"{name} has {length} rows, but {what} has {n_rows}; they must go together row by row")


def some_rows(name: str, array: NDArray[Any] | SparseRows) -> None:
    if len(array) == 0:
        raise ValueError(f"{name} has no rows ({name}.shape is {array.shape}); at least one is wanted")


def values(name: str, y: object, n_outputs: int, dtype: np.dtype[Any]) -> Matrix:
    """Targets that are numbers: (m, n_outputs), or (m,) for a single output; finite."""
    array = as_array(name, y)
    if array.ndim not in (1, 2):
        raise ValueError(
            f"{name} is {array.ndim}-dimensional (shape {array.shape}), but (m,) or (m, n_outputs) is wanted"
        )
    array = plain_numbers(name, array)
    shape = array.shape
    finite(name, array, dtype)
    if array.ndim == 1:
        array = array[:, np.newaxis]
    if array.shape[1] != n_outputs:
        hint = ""
        if len(shape) == 1 and array.dtype.kind in "iu":
            hint = "; for class labels use a last layer of 'softmax' with loss='cross_entropy', or pass one-hot rows"
        raise ValueError(
            f"{name} has shape {shape}, but the network has {n_outputs} outputs: ({len(array)}, {n_outputs}){hint}"
        )
    return array


def probabilities(name: str, y: object, n_outputs: int, dtype: np.dtype[Any]) -> Matrix:
    """Targets in 0..1, as for a binary cross-entropy."""
    array = values(name, y, n_outputs, dtype)
    wrong = (array < 0) | (array > 1)
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(
            f"{name}[{', '.join(map(str, place))}] = {array[place]} is not in 0..1, as a probability must be"
        )
    return array


def _refuse_where(wrong: NDArray[Any], name: str, array: NDArray[Any], wanted: str) -> None:
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(f"{name}[{', '.join(map(str, place))}] = {array[place]:g}, but {wanted}")


def not_negative(name: str, array: Matrix, whose: str) -> Matrix:
    """Targets that a loss takes from 0 on."""
    _refuse_where(array < 0, name, array, f"{whose} takes targets of 0 or more")
    return array


def above_zero(name: str, array: Matrix, whose: str) -> Matrix:
    _refuse_where(array <= 0, name, array, f"{whose} takes targets above 0")
    return array


def sides(name: str, array: Matrix) -> None:
    """Targets on one side or the other: 1, and 0 or -1."""
    wanted = "a target of this loss is 1 on its one side, and 0 or -1 on the other"
    _refuse_where((array != 1) & (array != 0) & (array != -1), name, array, wanted)


def classes(name: str, y: object, n_classes: int, dtype: np.dtype[Any]) -> Matrix:
    """Class targets: integers in 0..n_classes - 1, as a vector of int64, or rows of probabilities, such as one-hot."""
    array = as_array(name, y)
    if array.ndim == 2 and array.shape[1] == 1 and n_classes > 1:
        array = array[:, 0]
    if array.ndim == 2:
        array = probabilities(name, array, n_classes, dtype)
        sums = array.sum(axis=1, dtype=float)
        off = np.flatnonzero(np.abs(sums - 1) > 1e-3)
        if off.size:
            raise ValueError(f"{name}[{off[0]}] sums to {sums[off[0]]:g}, but the probabilities of a row sum to 1")
        return array
    if array.ndim != 1:
        raise ValueError(
            f"{name} is {array.ndim}-dimensional (shape {array.shape}), but labels or one-hot rows are wanted"
        )
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{name} holds {array.dtype}, but class labels are integers 0..{n_classes - 1};"
            f" `classes, {name} = np.unique({name}, return_inverse=True)` makes them"
        )
    array = np.array(array)  # a copy: the core trusts labels, so nobody may change them once they are checked
    finite(name, array, np.dtype(np.float64))
    wrong = np.flatnonzero((array < 0) | (array >= n_classes) | (array != np.floor(array)))
    if wrong.size:
        raise ValueError(
            f"{name}[{wrong[0]}] = {array[wrong[0]]} is not a class label of the network,"
            f" which has {n_classes} outputs: integers 0..{n_classes - 1}"
        )
    return array.astype(np.int64, copy=False)


def weights(name: str, w: object, n_rows: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """One weight per row: finite, not negative, not all zero."""
    array = as_array(name, w)
    if array.ndim != 1:
        raise ValueError(f"{name} is {array.ndim}-dimensional (shape {array.shape}), but one weight per row is wanted")
    array = plain_numbers(name, array)
    same_length(name, array, n_rows)
    finite(name, array, dtype)
    if (array < 0).any():
        place = int(np.flatnonzero(array < 0)[0])
        raise ValueError(f"{name}[{place}] = {array[place]} is negative; weights are 0 or more")
    cast = array.astype(dtype, copy=False)
    if n_rows and not cast.any():
        raise ValueError(f"{name} is 0 in every row (as {dtype.name}); at least one weight must be positive")
    return cast


def batch_size(value: object, n_rows: int) -> int:
    """A batch of at most n_rows; a larger one is cut down with a warning."""
    size = integer("batch_size", value)
    if size > n_rows:
        message = f"batch_size is {size}, but there are {n_rows} rows; using {n_rows}"
        warnings.warn(message, stacklevel=4)  # who called fit
        return n_rows
    return size
