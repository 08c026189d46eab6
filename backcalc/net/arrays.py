"""Arrays from files: .npz and .json, read as data only, and only from the folder of the network's file."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn, cast

from backcalc.layers.fields import Nested
from backcalc.net.load import NumberError, exact_number
from backcalc.net.nested import LARGEST_ARRAY
from backcalc.net.spec import described, shown

LARGEST_ARRAY_FILE = 50_000_000


class ArrayFault(ValueError):
    """A file of arrays that cannot be used."""


def read_arrays(name: str, folder: Path | None) -> dict[str, Nested]:
    """The arrays in a file by name, as exact numbers: a float of an .npz is the fraction that it holds.

    Raises ArrayFault: outside of the folder, not there, too large, or not numbers.
    """
    if folder is None:
        raise ArrayFault("values come from a file only where the network itself is a file")
    inside = folder.resolve()
    path = (inside / name).resolve()
    if not path.is_relative_to(inside):
        raise ArrayFault(f"the file `{shown(name)}` is not inside the folder of the network's file")
    readers: dict[str, Callable[[Path], dict[str, Nested]]] = {".npz": _read_npz, ".json": _read_json}
    if path.suffix.lower() not in readers:
        raise ArrayFault(f"expected a file that ends in .npz or .json, got `{shown(name)}`")
    if not path.is_file():
        raise ArrayFault(f"there is no file `{shown(name)}` in the folder of the network's file")
    if path.stat().st_size > LARGEST_ARRAY_FILE:
        raise ArrayFault(f"the file `{shown(name)}` has more than {LARGEST_ARRAY_FILE} bytes")
    return readers[path.suffix.lower()](path)


def _read_npz(path: Path) -> dict[str, Nested]:
    from zipfile import BadZipFile, ZipFile

    import numpy as np

    try:
        with ZipFile(path) as archive:
            # Sizes are checked before anything is unpacked: a small archive can hold a huge array.
            if sum(entry.file_size for entry in archive.infolist()) > LARGEST_ARRAY_FILE:
                raise ArrayFault(f"the arrays in `{path.name}` have more than {LARGEST_ARRAY_FILE} bytes")
        with np.load(path, allow_pickle=False) as arrays:
            return {str(key): _exact(str(key), arrays[key], path.name) for key in arrays.files}
    except (BadZipFile, OSError, ValueError, EOFError) as error:
        if isinstance(error, ArrayFault):
            raise
        raise ArrayFault(f"`{path.name}` is not an .npz file of plain arrays") from None


def _exact(key: str, array: Any, file: str) -> Nested:
    import numpy as np

    if array.dtype.kind not in "iuf":
        raise ArrayFault(f"the array `{shown(key)}` in `{file}` does not hold numbers")
    if array.size > LARGEST_ARRAY or array.size == 0:
        raise ArrayFault(
            f"the array `{shown(key)}` in `{file}` has {array.size} numbers, expected 1 to {LARGEST_ARRAY}"
        )
    if not np.isfinite(array).all():
        raise ArrayFault(f"the array `{shown(key)}` in `{file}` holds a number that is not finite")
    return _fractions(array.tolist())


def _fractions(value: Any) -> Nested:
    return tuple(_fractions(item) for item in value) if isinstance(value, list) else Fraction(value)


def _read_json(path: Path) -> dict[str, Nested]:
    def constant(word: str) -> NoReturn:
        raise ArrayFault(f"`{path.name}` holds {word}, which is not a number")

    def number(word: str) -> Fraction:
        try:
            return Fraction(exact_number(word) or 0)
        except NumberError as error:
            raise ArrayFault(f"`{path.name}`: {error}") from None

    try:
        text = path.read_text(encoding="utf-8-sig")
        data = json.loads(text, parse_float=number, parse_int=number, parse_constant=constant)
        if not isinstance(data, dict):
            raise ArrayFault(f"`{path.name}` must hold a mapping of names to numbers")
        return {key: _checked(key, value, path.name) for key, value in data.items()}
    except json.JSONDecodeError as error:
        raise ArrayFault(f"`{path.name}` is not JSON: line {error.lineno}, column {error.colno}") from None
    except UnicodeDecodeError:
        raise ArrayFault(f"`{path.name}` is not UTF-8 text") from None
    except RecursionError:
        raise ArrayFault(f"the lists in `{path.name}` are nested too deep") from None


def _checked(key: str, value: Any, file: str) -> Nested:
    if isinstance(value, Fraction):
        return value
    if isinstance(value, list) and value:
        return cast(Nested, tuple(_checked(key, item, file) for item in value))
    raise ArrayFault(f"`{shown(key)}` in `{file}`: expected numbers, got {described(value)}")
