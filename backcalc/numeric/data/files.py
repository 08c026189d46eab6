"""Finding and opening files of data: plain or gzipped, whole or cut off, with an error that says which to put where."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np

from backcalc.net.errors import printable
from backcalc.numeric.data.base import DataError
from backcalc.numeric.kernels.base import Array

LARGEST = 4_000_000_000
"""Data of more bytes than this, unpacked, are refused."""


def find(folder: Path, names: Sequence[str], what: str) -> Path:
    """The first of the files that is there, plain or gzipped. Raises DataError, which names them all."""
    for name in names:
        for path in (folder / name, folder / f"{name}.gz"):
            if path.is_file():
                return path
    wanted = f"`{names[0]}` (or `{names[0]}.gz`)"
    raise DataError(
        f"{what}: there is no {wanted} in the folder `{shown(folder)}`; put it there, or load it by `--download`"
    )


def shown(path: Path | str) -> str:
    """A path as messages have it."""
    return printable(str(path))


def read(path: Path) -> bytes:
    """The bytes of a file, unpacked where it is gzipped. Raises DataError where it is cut off or too large."""
    try:
        if path.suffix != ".gz":
            if path.stat().st_size > LARGEST:
                raise DataError(f"`{shown(path)}` has more than {LARGEST} bytes")
            return path.read_bytes()
        with gzip.open(path) as file:
            content = file.read(LARGEST + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise DataError(f"`{shown(path)}` is cut off or damaged: load it again") from None
    except OSError as error:
        raise DataError(f"`{shown(path)}` cannot be read: {error.strerror or error}") from None
    if len(content) > LARGEST:
        raise DataError(f"`{shown(path)}` has more than {LARGEST} bytes unpacked")
    return content


def arrays(path: Path) -> dict[str, Array]:
    """The arrays of an .npz file. Raises DataError; nothing in it is unpickled."""
    try:
        with ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > LARGEST:
                raise DataError(f"the arrays in `{shown(path)}` have more than {LARGEST} bytes")
        with np.load(path, allow_pickle=False) as found:
            return {str(name): found[name] for name in found.files}
    except FileNotFoundError:
        raise DataError(f"there is no file `{shown(path)}`") from None
    except (BadZipFile, OSError, ValueError, EOFError, zlib.error) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"`{shown(path)}` is cut off, damaged, or no .npz file of plain arrays") from None


def numbers(array: Any, what: str) -> Array:
    """An array as single precision. Raises DataError where it holds no numbers, or none that are finite."""
    if array.dtype.kind not in "iufb":
        raise DataError(f"{what} does not hold numbers")
    result: Array = array.astype(np.float32 if array.dtype.kind in "iub" or array.dtype.itemsize < 8 else np.float64)
    if not np.isfinite(result).all():
        raise DataError(f"{what} holds a number that is not finite")
    return result
