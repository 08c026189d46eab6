"""Where the text of a network comes from: a path, the text itself, a mapping, or the built-in networks."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from backcalc.formula.size import Size
from backcalc.net.errors import InputError, Problem, did_you_mean
from backcalc.net.load import LARGEST_FILE
from backcalc.net.zoo import NETWORKS, nearest_name, zoo_text

DEEPEST_MAPPING = 30


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a network, what errors call it, its title where it states none, and the folder of its arrays."""

    text: str
    label: str
    title: str
    file: str | None = None
    folder: Path | None = None


def source_of(source: str | Path | Mapping[str, Any], label: str | None = None) -> Source:
    """The text of a network. Raises InputError where there is none, or too much."""
    if isinstance(source, Mapping):
        return Source(_written(source), label or "<mapping>", "network")
    if isinstance(source, str) and ("\n" in source or ": " in source or source.lstrip()[:1] in ("{", "[", "")):
        return Source(source, label or "<text>", "network")
    path = Path(source)
    if isinstance(source, str) and source in NETWORKS and not path.exists():
        return Source(zoo_text(source), source, source)
    return Source(_file_text(path, label or str(source)), label or str(source), path.stem, str(source), path.parent)


def _file_text(path: Path, label: str) -> str:
    """The text of a file, not more of it than is allowed."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        raise InputError([_unreadable(path, label, error)]) from None
    if len(data) > LARGEST_FILE:
        help = "put large arrays into an .npz file, `values: {file: arrays.npz}`"
        raise InputError([Problem(label, 0, 0, 0, "", f"the file has more than {LARGEST_FILE} bytes", help)])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        start = data.rfind(b"\n", 0, error.start) + 1
        end = data.find(b"\n", error.start)
        before = data[start : error.start].decode("utf-8-sig", "replace")
        shown = before + data[error.start : len(data) if end < 0 else end].decode("utf-8", "replace")
        message = f"the file is not UTF-8 text: byte 0x{data[error.start]:02X}"
        help = "save it as UTF-8"
        raise InputError([Problem(label, line, len(before) + 1, 1, shown, message, help)]) from None


def _unreadable(path: Path, label: str, error: Exception) -> Problem:
    if isinstance(error, FileNotFoundError):
        spelled = nearest_name(label)
        help = did_you_mean(label, [*NETWORKS, *_neighbours(path)], "`backcalc zoo` lists the built-in networks")
        help = help if spelled is None else f"did you mean `{spelled}`?"
        return Problem(label, 0, 0, 0, "", "there is no such file or built-in network", help)
    reason = os.strerror(error.errno).lower() if isinstance(error, OSError) and error.errno else str(error)
    return Problem(label, 0, 0, 0, "", f"the file cannot be read: {reason}")


def _neighbours(path: Path) -> list[str]:
    """The YAML files beside the path, as the path would name them."""
    try:
        found = [entry.name for entry in os.scandir(path.parent) if entry.name.endswith((".yaml", ".yml"))]
    except OSError:
        return []
    return [str(path.with_name(name)) for name in sorted(found)[:1000]]


def _written(source: Mapping[str, Any]) -> str:
    """A mapping as a file would hold it, so that its errors have a line to point at."""
    return "\n".join(f"{_word(str(key))}: {text}" for key, value in source.items() for text in _value(value)) + "\n"


def _value(value: Any, depth: int = 0) -> Iterator[str]:
    """A value on one line, `layers` and other lists of mappings on a line an entry; text with lines as a block."""
    if isinstance(value, str) and "\n" in value and depth == 0:
        yield "|2\n" + "\n".join(f"  {line}" for line in value.split("\n"))
    elif isinstance(value, list | tuple) and depth == 0 and any(isinstance(item, Mapping) for item in value):
        yield "\n" + "\n".join(f"  - {inline(item, 1)}" for item in value)
    else:
        yield inline(value, depth)


def inline(value: Any, depth: int = 0) -> str:
    """A value as YAML writes it on one line.

    >>> inline({"kernel": [3, 5], "bias": False})
    '{kernel: [3, 5], bias: false}'
    """
    if depth > DEEPEST_MAPPING:
        raise InputError(
            [Problem("<mapping>", 0, 0, 0, "", f"lists and mappings are nested deeper than {DEEPEST_MAPPING}")]
        )
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case Size():
            return _word(str(value))
        case int() | Fraction():
            return str(value)
        case float():
            return repr(value)
        case str():
            return _word(value)
        case Mapping():
            entries = (f"{_word(str(key))}: {inline(item, depth + 1)}" for key, item in value.items())
            return "{" + ", ".join(entries) + "}"
        case list() | tuple():
            return "[" + ", ".join(inline(item, depth + 1) for item in value) + "]"
    if hasattr(value, "tolist"):  # an array or a number of NumPy
        return inline(value.tolist(), depth)
    message = f"expected texts, numbers, lists and mappings, got {type(value).__name__}"
    raise InputError([Problem("<mapping>", 0, 0, 0, "", message)])


def _word(text: str) -> str:
    """A text as it is where YAML reads it as that text, else in quotes."""
    plain = text.replace("_", "a").replace(".", "")
    if plain.isalnum() and plain.isascii() and plain[:1].isalpha() and text.lower() not in ("null", "true", "false"):
        return text
    return json.dumps(text, ensure_ascii=False)
