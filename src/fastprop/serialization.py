"""Files: named arrays and a description in JSON, in one safetensors file, written so that no crash leaves half of one.

Nothing in a file is ever executed: descriptions are rebuilt from a closed list of names, and their numbers pass the
same checks as a user's. A file carries the SHA-256 of every tensor, so that a flipped bit is an error, not a model.

Metadata, a JSON text under the key "fastprop"::

    {"format": [1, 0], "kind": "model" | "trainer" | "table", "fastprop": version,
     "tensors": {name: [dtype, shape, SHA-256]}, ...what the kind adds, "sha256": that of all the rest}

What only files need is imported where they are written or read: whoever trains without them does not wait for it.
"""

import contextlib
import dataclasses
import errno
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastprop import _checks
from fastprop._version import __version__
from fastprop.activations import ACTIVATIONS, CustomActivation
from fastprop.initializers import INITIALIZERS
from fastprop.layers import LAYERS
from fastprop.losses import LOSSES, CustomLoss, Scaled
from fastprop.metrics import METRICS, CustomMetric
from fastprop.optimizers import OPTIMIZERS, ParameterGroup
from fastprop.schedules import SCHEDULES

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["decode", "described_by", "encode", "read", "write"]

FORMAT = (1, 0)  # major: older readers must refuse; minor: they may go on
HEADER_LIMIT = 1 << 20  # bytes

KNOWN = (ACTIVATIONS, INITIALIZERS, LOSSES, METRICS, OPTIMIZERS)
DESCRIPTIONS: dict[str, type[Any]] = {
    cls.__name__: cls
    for cls in (
        *LAYERS, *SCHEDULES, ParameterGroup, CustomLoss, CustomMetric, Scaled,
        *(type(value) for known in KNOWN for value in known.values()),
    )
}  # fmt: skip


def encode(value: Any) -> Any:
    """A description as what JSON can hold: {"type": "Dense", "units": 10, ...}."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        if isinstance(value, CustomActivation):
            raise TypeError(
                f"{value!r} is made of Python functions, which no file can hold; keep theta or state_dict()"
                " (np.savez), and make the network again from code"
            )
        if DESCRIPTIONS.get(type(value).__name__) is not type(value):
            raise TypeError(f"{_checks.describe(value)} is not a description that a file can hold")
        fields = {field.name: encode(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {"type": type(value).__name__, **fields}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    if callable(value):
        raise TypeError(f"{_checks.describe(value)} is a Python function, which no file can hold")
    return value


def decode(data: Any) -> Any:
    """The description that `encode` made data of."""
    if isinstance(data, list):
        return [decode(item) for item in data]
    if not isinstance(data, dict):
        return data
    fields = dict(data)
    name = fields.pop("type", None)
    if not isinstance(name, str) or name not in DESCRIPTIONS:
        raise ValueError(f"the file describes a {name!r}, which this version of fastprop ({__version__}) does not know")
    return DESCRIPTIONS[name](**{key: decode(value) for key, value in fields.items()})


def write(path: Any, kind: str, tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, Any]) -> None:
    """Write tensors and metadata to path: whole, or not at all.

    The bytes go to a new file in the same folder, reach the disk, and then take the name. An older file of the name
    stays as it was until that moment, and its permissions are kept.

    Raises
    ------
    OSError
        If the folder cannot be written to, or the disk is full; the older file is untouched then.
    ValueError
        If the description is too large for `read`, as of a network of many thousand layers.
    """
    import json
    from pathlib import Path

    from safetensors.numpy import save

    target = Path(path)
    arrays = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    header = {
        "format": list(FORMAT),
        "kind": kind,
        "fastprop": __version__,
        "tensors": {name: _fingerprint(array) for name, array in arrays.items()},
        **metadata,
    }
    seal(header)
    data = save(arrays, {"fastprop": json.dumps(header, allow_nan=False, ensure_ascii=False)})
    if _header_size(data) > HEADER_LIMIT:
        raise ValueError(
            f"the description of the {kind} takes {_header_size(data):,} bytes, more than {HEADER_LIMIT:,}"
        )
    _replace(target, data)


def _header_size(data: bytes) -> int:
    return int.from_bytes(data[:8], "little")


def _replace(target: "Path", data: bytes) -> None:
    import tempfile

    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "cannot save there, it is a directory", str(target))
    try:
        mode = target.stat().st_mode & 0o7777
    except FileNotFoundError:
        umask = os.umask(0)
        os.umask(umask)
        mode = 0o666 & ~umask
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, target)
    except BaseException as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        if isinstance(error, OSError):
            raise OSError(
                error.errno,
                f"{error.strerror}, while writing {len(data):,} bytes; what was there is unchanged",
                str(target),
            ) from None
        raise
    if os.name == "posix":
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def read(path: Any, kind: str) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The tensors and the metadata of a file that `write` made.

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If it is no such file, is damaged, holds another kind of thing, or comes from a version too new.
    """
    import json
    from pathlib import Path

    from safetensors import SafetensorError
    from safetensors.numpy import load

    data = Path(path).read_bytes()
    if len(data) < 8 or _header_size(data) > min(HEADER_LIMIT, len(data) - 8):
        raise ValueError(f"{path} is not a file of fastprop's, or not all of it is there ({len(data):,} bytes)")
    try:
        tensors = load(data)
        header = json.loads(data[8 : 8 + _header_size(data)])
        metadata = json.loads(header["__metadata__"]["fastprop"])
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{path} is not a file of fastprop's, or it is damaged ({error})") from None
    _check_metadata(path, kind, metadata)
    for name, array in tensors.items():
        expected, found = metadata["tensors"].get(name), _fingerprint(array)
        if expected != found:
            raise ValueError(f"{path} is damaged: tensor {name!r} is {found}, but {expected} was written")
    return tensors, metadata


@contextlib.contextmanager
def described_by(path: Any) -> Iterator[None]:
    """Errors in making something of a file's description name the file."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else error
        raise ValueError(f"{path} does not describe what it should: {reason}") from None
    except MemoryError as error:
        raise MemoryError(f"{path}: {error}") from None


def _fingerprint(array: NDArray[Any]) -> list[Any]:
    import hashlib

    return [array.dtype.name, list(array.shape), hashlib.sha256(array.tobytes()).hexdigest()]


def seal(metadata: dict[str, Any]) -> None:
    """Put the checksum of a file's metadata into it."""
    metadata["sha256"] = _checksum(metadata)


def _checksum(metadata: Mapping[str, Any]) -> str:
    """Of the metadata without its own "sha256", in JSON's one sorted form."""
    import hashlib
    import json

    rest = {key: value for key, value in metadata.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def _check_metadata(path: Any, kind: str, metadata: Any) -> None:
    if not isinstance(metadata, dict) or not isinstance(metadata.get("tensors"), dict):
        raise ValueError(f"{path} is not a file of fastprop's, or it is damaged (its description is not whole)")
    version = metadata.get("format")
    if not (
        isinstance(version, list) and len(version) == 2 and all(type(part) is int and part >= 0 for part in version)
    ):
        raise ValueError(f"{path} is not a file of fastprop's, or it is damaged (its format is {version!r})")
    if version[0] > FORMAT[0]:
        raise ValueError(
            f"{path} was written by fastprop {metadata.get('fastprop')} in format {version[0]}.{version[1]},"
            f" but this is {__version__}, which reads formats up to {FORMAT[0]}: upgrade fastprop-nn"
        )
    if metadata.get("sha256") != _checksum(metadata):
        raise ValueError(f"{path} is damaged: its description has another SHA-256 than was written")
    if metadata.get("kind") != kind:
        readers = {"model": "fastprop.load", "trainer": "fastprop.Trainer.resume", "table": "`fastprop predict`"}
        advice = readers.get(str(metadata.get("kind")))
        raise ValueError(
            f"{path} holds a {metadata.get('kind')}, but a {kind} is wanted"
            + (f"; {advice} reads it" if advice else "")
        )
