"""CSV files as people have them: separator, decimal comma, encoding and byte order mark are found, not asked for."""

import csv
import difflib
import itertools
import os
import re
import warnings
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fastprop.columns import import_pandas

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["check_there", "read_csv"]

SEPARATORS = ",;\t|"
SAMPLE_LINES = 50
MISSING = ["?"]  # beside pandas' own: "", "NA", "NaN", "null", "None", ...


def read_csv(path: Path, *, separator: str | None = None, text: Collection[str] = ()) -> "pd.DataFrame":
    """A CSV file as a data frame, whatever its separator, decimal point or comma, and encoding.

    Without a separator given, the one of comma, semicolon, tab and bar that parts the first line most. A number is
    read with a decimal comma where the separator is another and no number has a point. UTF-8, with a byte order mark
    or without, UTF-16 with one, and else Windows-1252, with a warning.

    Parameters
    ----------
    path : Path
    separator : str, optional
        One character.
    text : names of columns
        To be read as text even where they hold numbers only.

    Raises
    ------
    ImportError
        If pandas is missing.
    OSError
        If the file cannot be read.
    ValueError
        If it is empty or no table of text.
    """
    pandas = import_pandas()
    check_there(path)
    encoding = _encoding(path)
    sample = _sample(path, encoding)
    separator = separator or _find_separator(sample)
    widths = [len(fields) for fields in itertools.islice(csv.reader(sample, delimiter=separator), 2)]
    if len(widths) == 2 and widths[1] > widths[0]:  # pandas would take the first column for an index
        raise ValueError(f"{path} has {widths[1]} columns in its first row, but its first line has {widths[0]} names")
    try:
        frame: pd.DataFrame = pandas.read_csv(
            path,
            sep=separator,
            decimal="," if _has_decimal_commas(sample, separator) else ".",
            encoding=encoding,
            encoding_errors="replace",
            dtype=dict.fromkeys(text, str),
            na_values=MISSING,
            skipinitialspace=True,
            low_memory=False,
        )
    except pandas.errors.EmptyDataError:
        raise ValueError(f"{path} is empty") from None
    except pandas.errors.ParserError as error:
        reason = str(error).strip().removeprefix("Error tokenizing data. ").removeprefix("C error: ")
        raise ValueError(f"{path} is not a table: {reason}") from None
    names = [name.strip() for name in next(csv.reader(sample, delimiter=separator), [])]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:  # pandas has given the second another name
        raise ValueError(f"{path} has two columns called {twice[0]!r}; give each a name of its own")
    frame.columns = frame.columns.str.strip()
    for name in frame.columns[[not pandas.api.types.is_numeric_dtype(dtype) for dtype in frame.dtypes]]:
        frame[name] = frame[name].map(lambda value: value.strip() if isinstance(value, str) else value)
    if frame.empty:
        raise ValueError(f"{path} has no rows below its first line, which names the columns")
    if len(frame.columns) == 1 and not text:
        warnings.warn(f"{path} has one column only; if not, --separator tells what parts them", stacklevel=2)
    odd = [name for name in frame.columns if re.fullmatch(r"[-+]?\d*[.,]?\d+", name)]
    if 2 * len(odd) >= len(frame.columns):
        warnings.warn(f"the first line of {path} is taken for the columns' names, such as {odd[0]!r}", stacklevel=2)
    return frame


def check_there(path: Path) -> None:
    """Name the file meant where the name is mistyped."""
    if path.is_file():
        return
    if path.exists():
        raise ValueError(f"{path} is not a file")
    folder = path.absolute().parent
    near = difflib.get_close_matches(path.name, os.listdir(folder), n=1) if folder.is_dir() else []
    raise ValueError(f"there is no file {path}" + (f"; did you mean {path.with_name(near[0])}?" if near else ""))


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(1 << 16)
    if start.startswith(b"PK"):
        raise ValueError(f"{path} is a zip file or an Excel workbook; save it as CSV first")
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if b"\0" in start:
        raise ValueError(f"{path} is not a text file, so no CSV file")
    try:
        with path.open(encoding="utf-8-sig") as text:
            while text.read(1 << 20):
                pass
    except UnicodeDecodeError:
        warnings.warn(f"{path} is not in UTF-8; it is read as Windows-1252", stacklevel=3)
        return "cp1252"
    return "utf-8-sig"


def _sample(path: Path, encoding: str) -> list[str]:
    with path.open(encoding=encoding, newline="", errors="replace") as lines:
        return list(itertools.islice((line for line in lines if line.strip()), SAMPLE_LINES))


def _find_separator(sample: Sequence[str]) -> str:
    if not sample:
        return ","
    return max(SEPARATORS, key=lambda separator: len(next(csv.reader(sample, delimiter=separator))))


def _has_decimal_commas(sample: Sequence[str], separator: str) -> bool:
    if separator == ",":
        return False
    fields = [field.strip() for row in csv.reader(sample, delimiter=separator) for field in row]
    with_comma, with_point = (any(re.fullmatch(rf"[-+]?\d+{mark}\d+", f) for f in fields) for mark in (",", r"\."))
    return with_comma and not with_point
