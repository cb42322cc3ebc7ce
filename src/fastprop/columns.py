"""Columns of a table, turned into what a network takes, with what the training rows alone teach::

    numbers         (x - mean) / std, as scikit-learn's StandardScaler; a missing one counts as the mean
    true, false     1 and 0; a missing one counts as the share of true
    text            one column of 0 and 1 for each text seen, as its OneHotEncoder; missing is a text of its own

and where numbers, or true and false, were missing in training, one more column of 0 and 1 tells which. Needs pandas.
"""

import math
import re
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastprop import _checks
from fastprop._values import frozen

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Categories", "Column", "Numbers", "column_from", "encode_table", "learn_columns"]

Array = NDArray[Any]

MAX_CATEGORIES = 100  # of a text column
ROW_NUMBERS = re.compile(
    r"(?i:unnamed: \d+|index|row|nr|no\.?|number|#||(.*[ _.-])?id)|.*I[dD]"
)  # names of such columns


@frozen
class Numbers:
    """A column of numbers, or of true and false: ``(x - shift) / scale``, and whether x was missing.

    Parameters
    ----------
    name : str
    shift, scale : float
        Mean and standard deviation of the training rows; 0 and 1 for true and false.
    fill : float
        Stands for a missing number: the training rows' mean.
    missing : bool
        Whether any was missing in training; then a second column of 0 and 1 tells where.
    boolean : bool
        Whether the column holds true and false.

    Examples
    --------
    >>> import pandas as pd
    >>> column = Numbers.learn(pd.Series([1.0, 3.0, None], name="height"))
    >>> column
    Numbers(name='height', shift=2.0, scale=1.0, fill=2.0, missing=True, boolean=False)
    >>> column.encode(pd.Series([4.0, None]))
    array([[2., 0.],
           [0., 1.]])
    """

    kind: ClassVar[str] = "numbers"

    name: str
    shift: float
    scale: float
    fill: float
    missing: bool
    boolean: bool = False

    def __post_init__(self) -> None:
        for field in ("shift", "scale", "fill"):
            _checks.number(field, getattr(self, field))
        if self.scale <= 0:
            raise ValueError(f"scale must be above 0, but is {self.scale}")

    @property
    def width(self) -> int:
        return 1 + self.missing

    @classmethod
    def learn(cls, values: "pd.Series[Any]") -> "Numbers | None":
        """What these training rows teach; None where all of them that are there are equal."""
        name, boolean = str(values.name), kind_of(values) == "boolean"
        numbers = to_numbers(name, values, boolean)
        there = numbers[~np.isnan(numbers)]
        mean, std = mean_and_std(name, there)
        if std == 0 or there.min() == there.max():
            return None
        shift, scale = (0.0, 1.0) if boolean else (mean, std)
        return cls(name, shift, scale, mean, len(there) < len(numbers), boolean)

    def encode(self, values: "pd.Series[Any]") -> Array:
        """The values as columns for the network, (m, width)."""
        numbers = to_numbers(self.name, values, self.boolean)
        absent = np.isnan(numbers)
        scaled = (np.where(absent, self.fill, numbers) - self.shift) / self.scale
        return np.column_stack([scaled, absent]) if self.missing else scaled[:, np.newaxis]


@frozen
class Categories:
    """A column of text: for each text seen in training a column of 0 and 1.

    Parameters
    ----------
    name : str
    values : tuple of str
        The texts, sorted.
    missing : bool
        Whether any was missing in training; then a last column of 0 and 1 stands for that.

    Examples
    --------
    >>> import pandas as pd
    >>> column = Categories.learn(pd.Series(["red", "blue", "red"], name="colour"))
    >>> column.values
    ('blue', 'red')
    >>> column.encode(pd.Series(["red", "blue"]))
    array([[0., 1.],
           [1., 0.]])
    """

    kind: ClassVar[str] = "categories"

    name: str
    values: tuple[str, ...]
    missing: bool

    @property
    def width(self) -> int:
        return len(self.values) + self.missing

    @classmethod
    def learn(cls, values: "pd.Series[Any]") -> "Categories | None":
        """What these training rows teach; None where all of them are equal."""
        codes, texts = to_texts(values)
        missing = bool((codes < 0).any())
        return cls(str(values.name), tuple(sorted(set(texts))), missing) if len(texts) + missing > 1 else None

    def encode(self, values: "pd.Series[Any]") -> Array:
        """The values as columns for the network, (m, width); a text that is not known is 0 in all of them."""
        place = {text: i for i, text in enumerate(self.values)}
        codes, texts = to_texts(values)
        places = np.array([place.get(text, -1) for text in texts] + [len(place) if self.missing else -1])[codes]
        out = np.zeros((len(codes), self.width))
        known = np.flatnonzero(places >= 0)
        out[known, places[known]] = 1
        if len(known) < len(codes):
            row = int(np.flatnonzero(places < 0)[0])
            what = repr(texts[codes[row]]) if codes[row] >= 0 else "nothing"
            warnings.warn(
                f"column {self.name!r} holds {what} in data row {_row(values, row)}, which training did not see;"
                f" it counts as none of the known ones ({counted(len(codes) - len(known), 'such row')})",
                stacklevel=4,  # who called predict
            )
        return out


Column: TypeAlias = Numbers | Categories
COLUMNS: dict[str, type[Column]] = {column.kind: column for column in (Numbers, Categories)}


def kind_of(values: "pd.Series[Any]") -> str:
    """One of "numbers", "boolean" and "text", or pandas' name for something else."""
    inferred = import_pandas().api.types.infer_dtype(values, skipna=True)
    if inferred in ("floating", "integer", "mixed-integer-float", "decimal"):
        return "numbers"
    return "text" if inferred in ("string", "categorical", "mixed", "mixed-integer") else inferred


def to_numbers(name: str, values: "pd.Series[Any]", boolean: bool = False) -> NDArray[np.float64]:
    """As float64, nan where missing; anything else that is no number is refused by name and row."""
    pd = import_pandas()
    if pd.api.types.is_numeric_dtype(values.dtype):
        numbers = values.to_numpy(float, na_value=np.nan)
    else:
        plain = values.astype(object).map(_truth) if boolean else values.astype(object)
        numbers = pd.to_numeric(plain, errors="coerce").to_numpy(float, na_value=np.nan)
    bad = np.flatnonzero(np.isnan(numbers) & values.notna().to_numpy())
    what = "a number"
    if boolean and not bad.size:
        bad = np.flatnonzero(~np.isnan(numbers) & (numbers != 0) & (numbers != 1))
        what = "true or false"
    if bad.size:
        row = int(bad[0])
        raise ValueError(
            f"column {name!r} holds {_show(values.iloc[row])} in data row {_row(values, row)}, but {what} is wanted"
            f" there ({counted(len(bad), 'such row')})"
        )
    infinite = np.flatnonzero(np.isinf(numbers))
    if infinite.size:
        row = int(infinite[0])
        raise ValueError(
            f"column {name!r} is infinite in data row {_row(values, row)} ({counted(len(infinite), 'such row')});"
            " correct it, or leave it empty"
        )
    return np.asarray(numbers, dtype=np.float64)


def mean_and_std(name: str, numbers: NDArray[np.float64]) -> tuple[float, float]:
    with np.errstate(over="ignore", invalid="ignore"):
        mean, std = float(numbers.mean()), float(numbers.std())
    if not math.isfinite(std):
        raise ValueError(f"column {name!r} holds {np.abs(numbers).max():g}, too far from the others to scale")
    return mean, std


def _show(value: Any) -> str:
    return repr(value.item() if isinstance(value, np.generic) else value)


def _truth(value: object) -> object:
    return {"true": True, "false": False}.get(value.strip().casefold(), value) if isinstance(value, str) else value


def to_texts(values: "pd.Series[Any]") -> tuple[NDArray[np.intp], list[str]]:
    """Each row's place among the different texts, -1 where missing, and those texts."""
    codes, different = import_pandas().factorize(values.astype(object))
    return codes, [_text(value) for value in different]


def _text(value: Any) -> str:
    """A value as text; 1.0 as "1", since a column of whole numbers becomes floats once one is missing."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _row(values: "pd.Series[Any]", place: int) -> int:
    """The row's number for people: the first below the header is 1. The index holds places in the whole table."""
    return int(values.index[place]) + 1


def _learn(values: "pd.Series[Any]") -> Column | str:
    """What the training rows of a column teach, or why it is left out."""
    if values.isna().all():
        return "it is empty"
    kind = kind_of(values)
    if kind == "text":
        codes, texts = to_texts(values)
        n_there = int((codes >= 0).sum())
        if len(texts) > MAX_CATEGORIES or 2 * len(texts) > n_there:
            hint = nearly_numbers(values)
            return f"{len(texts):,} different texts in {n_there:,} rows are names rather than kinds{hint}"
        return Categories.learn(values) or "it is the same in every row"
    if kind not in ("numbers", "boolean"):
        return f"it holds {kind}, neither numbers nor text"
    if ROW_NUMBERS.fullmatch(str(values.name)) and bool(
        (np.diff(to_numbers(str(values.name), values.sort_index())) > 0).all()
    ):
        return "it only numbers the rows"
    return Numbers.learn(values) or "it is the same in every row"


def nearly_numbers(values: "pd.Series[Any]") -> str:
    """A hint, where most of the texts are numbers, or would be without signs, at the first that is none."""
    pd = import_pandas()
    numbers = pd.to_numeric(values.astype(object), errors="coerce")
    odd = np.flatnonzero((numbers.isna() & values.notna()).to_numpy())
    if not odd.size:
        return ""
    if 2 * len(odd) > values.notna().sum():
        bare = pd.to_numeric(values.astype(str).str.replace(r"[$€£¥%,\s]", "", regex=True), errors="coerce")
        if 2 * bare.notna().sum() > values.notna().sum():
            return f" (they would be numbers without the signs, as in {values.iloc[int(odd[0])]!r})"
        return ""
    return f" (most are numbers, but data row {_row(values, int(odd[0]))} holds {values.iloc[int(odd[0])]!r})"


def column_from(description: dict[str, Any]) -> Column:
    column = COLUMNS[description.pop("kind")]
    if column is Categories:
        description["values"] = tuple(str(value) for value in description["values"])
    return column(**description)


def learn_columns(frame: "pd.DataFrame") -> Iterator[Column]:
    n_used = 0
    for name in frame.columns:
        learned = _learn(frame[name])
        if isinstance(learned, str):
            warnings.warn(f"column {name!r} is left out: {learned}", stacklevel=3)
            continue
        if isinstance(learned, Categories) and (hint := nearly_numbers(frame[name])):
            warnings.warn(f"column {name!r} is taken as text{hint}", stacklevel=3)
        n_used += 1
        yield learned
    if not n_used:
        raise ValueError(
            f"no column is left to learn from; the table has {listed(list(frame.columns)) or 'none but the target'}"
        )


def encode_table(frame: "pd.DataFrame", columns: Sequence[Column]) -> Array:
    """The table as the network takes it, (m, sum of widths) in float32."""
    lacking = [column.name for column in columns if column.name not in frame.columns]
    if lacking:
        raise ValueError(
            f"the table lacks {listed(lacking)}, which the model was trained on; it has {listed(list(frame.columns))}"
        )
    width = sum(column.width for column in columns)
    _checks.room(f"the table as {len(frame):,} x {width:,} numbers", 4 * len(frame) * width)
    X = np.empty((len(frame), width), np.float32)
    start = 0
    for column in columns:
        block = column.encode(frame[column.name])
        far = np.flatnonzero(np.abs(block).max(axis=1, initial=0) > np.finfo(np.float32).max)
        if far.size:
            row = int(far[0])
            raise ValueError(
                f"column {column.name!r} holds {frame[column.name].iloc[row]:g} in data row"
                f" {_row(frame[column.name], row)}, too far from the training rows' values for float32"
            )
        X[:, start : start + column.width] = block
        start += column.width
    return X


def import_pandas() -> Any:
    """The module pandas, or an error that says how to get it.

    Raises
    ------
    ImportError
        If it is missing.
    """
    try:
        import pandas
    except ImportError:
        raise ImportError("tables need pandas: pip install 'fastprop-nn[csv]'") from None
    return pandas


def listed(names: Sequence[str], most: int = 12) -> str:
    """The names for a message; of very many, the first."""
    rest = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + rest


def counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'s' * (number != 1)}"
