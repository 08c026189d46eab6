"""Data from tables: CSV with a named target column, and .npz with `x_train`, `y_train`."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

from backcalc.net.errors import did_you_mean
from backcalc.numeric.data.base import Data, DataError
from backcalc.numeric.data.files import arrays, numbers, shown
from backcalc.numeric.kernels.base import Array

MOST_ROWS = 5_000_000
MOST_CLASSES = 1000


def table(text: str) -> Data:
    """`FILE#COLUMN`: every other column is an input; a target of words is a class, of numbers a number.

    Raises DataError with the row and the column of what is wrong.
    """
    file, mark, target = text.rpartition("#")
    if not mark or not target:
        raise DataError(f"`csv:{text}` does not name its target column; write `csv:{text or 'FILE'}#COLUMN`")
    header, rows = _rows(Path(file))
    if target not in header:
        help = did_you_mean(target, header, f"it has {', '.join(f'`{name}`' for name in header[:12])}")
        raise DataError(f"`{shown(file)}` has no column `{target}`; {help}")
    at = header.index(target)
    x = _numbers([[*row[:at], *row[at + 1 :]] for row in rows], [*header[:at], *header[at + 1 :]], file)
    if not x.shape[1]:
        raise DataError(f"`{shown(file)}` has no column besides the target")
    words = [row[at] for row in rows]
    try:
        return Data(Path(file).name, x, _numbers([[word] for word in words], [target], file))
    except DataError:
        classes = tuple(sorted(set(words)))
        if len(classes) > MOST_CLASSES or all(_is_number(word) for word in classes[:1]):
            raise
        places = {word: place for place, word in enumerate(classes)}
        return Data(Path(file).name, x, np.array([places[word] for word in words], np.float32), classes=classes)


def _rows(path: Path) -> tuple[list[str], list[list[str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            header = [name.strip() for name in next(reader, [])]
            rows: list[list[str]] = []
            for row in reader:
                if len(rows) >= MOST_ROWS:
                    raise DataError(f"`{shown(path)}` has more than {MOST_ROWS} rows")
                if row and len(row) != len(header):
                    place = f"line {reader.line_num} of `{shown(path)}`"
                    raise DataError(f"{place} has {len(row)} columns, but the first line has {len(header)}")
                if row:
                    rows.append([cell.strip() for cell in row])
    except FileNotFoundError:
        raise DataError(f"there is no file `{shown(path)}`") from None
    except IsADirectoryError:
        raise DataError(f"`{shown(path)}` is a folder, not a table") from None
    except UnicodeDecodeError:
        raise DataError(f"`{shown(path)}` is not in UTF-8; save the table in UTF-8") from None
    except (OSError, csv.Error) as error:
        raise DataError(f"`{shown(path)}` cannot be read as a table: {error}") from None
    if not rows:
        raise DataError(f"`{shown(path)}` has no rows below its first line")
    return header, rows


def _numbers(rows: list[list[str]], columns: list[str], file: str) -> Array:
    try:
        found = np.array(rows, dtype=np.float64)
    except ValueError:
        cells = ((line, column) for line, row in enumerate(rows, 2) for column in range(len(row)))
        line, column = next(place for place in cells if not _is_number(rows[place[0] - 2][place[1]]))
        cell = rows[line - 2][column]
        raise DataError(f"row {line} of `{shown(file)}`, column `{columns[column]}`: `{cell}` is no number") from None
    if not np.isfinite(found).all():
        line, column = (int(each[0]) for each in np.nonzero(~np.isfinite(found)))
        raise DataError(f"row {line + 2} of `{shown(file)}`, column `{columns[column]}` is not finite")
    return found


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def npz(file: str) -> Data:
    """`x_train` and `y_train`, if there are any with `x_test` and `y_test`; labels are whole numbers or one-hot."""
    found = arrays(Path(file))
    missing = [name for name in ("x_train", "y_train") if name not in found]
    if missing:
        has = ", ".join(f"`{name}`" for name in found) or "nothing"
        raise DataError(f"`{shown(file)}` has no array `{missing[0]}`; it has {has}")
    if ("x_test" in found) != ("y_test" in found):
        raise DataError(f"`{shown(file)}` has one of `x_test` and `y_test`, but not the other")
    x, x_test = (_floats(found, name, file) for name in ("x_train", "x_test"))
    y, y_test = (_labels(found.get(name), name, file) for name in ("y_train", "y_test"))
    assert x is not None and y is not None
    classes: tuple[str, ...] = ()
    if found["y_train"].dtype.kind in "iu" and y.ndim == 1 and y.size:
        if y.max() >= MOST_CLASSES:
            most = f"classes are whole numbers from 0 to {MOST_CLASSES - 1} at most"
            raise DataError(f"`y_train` in `{shown(file)}` holds the label {y.max():.0f}, but {most}")
        classes = tuple(str(number) for number in range(int(y.max()) + 1))
    elif y.ndim == 2 and _is_one_hot(y):
        classes = tuple(str(number) for number in range(y.shape[1]))
        y, y_test = (None if each is None else each.argmax(axis=1).astype(np.float32) for each in (y, y_test))
        assert y is not None
    return Data(Path(file).name, x, y, x_test, y_test, classes)


def _floats(found: dict[str, Array], name: str, file: str) -> Array | None:
    array = found.get(name)
    if array is None:
        return None
    if array.ndim < 2:
        raise DataError(f"`{name}` in `{shown(file)}` needs an axis of samples and one of features")
    return numbers(array, f"`{name}` in `{shown(file)}`")


def _labels(array: Any, name: str, file: str) -> Array | None:
    return None if array is None else numbers(array, f"`{name}` in `{shown(file)}`")


def _is_one_hot(y: Array) -> bool:
    return y.shape[1] > 1 and bool(((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all())
