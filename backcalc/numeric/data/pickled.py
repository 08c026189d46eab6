"""Plain data from a file that Python has pickled, read as data: nothing in it is imported, called or run.

A small machine goes through the file's operations and knows those that make numbers, strings, lists, dictionaries and
arrays of bytes; any other is an error.
"""

from __future__ import annotations

import pickletools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backcalc.net.errors import printable
from backcalc.numeric.data.base import DataError

MOST_OPERATIONS = 500_000

_KNOWN = {
    ("numpy.core.multiarray", "_reconstruct"): "array",
    ("numpy._core.multiarray", "_reconstruct"): "array",
    ("numpy", "ndarray"): "kind",
    ("numpy", "dtype"): "dtype",
    ("_codecs", "encode"): "bytes",
}
"""The names that may stand in the file, and what each makes here."""

_VALUES = {
    *("BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "BINFLOAT", "FLOAT"),
    *("BINSTRING", "SHORT_BINSTRING", "STRING", "BINUNICODE", "SHORT_BINUNICODE", "UNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
}
_FIXED = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class _Mark:
    """Where a list of items begins on the stack."""


@dataclass(frozen=True, slots=True)
class _Name:
    """One of the known names, by what it makes."""

    makes: str


@dataclass(slots=True)
class _Made:
    """What was made by a known name: an array, or the type of its numbers."""

    makes: str
    given: tuple[Any, ...]
    array: Any = None


@dataclass
class _Machine:
    """The stack and the memory of one reading."""

    file: str
    stack: list[Any] = field(default_factory=list)
    memory: dict[int, Any] = field(default_factory=dict)

    def refuse(self, what: str) -> DataError:
        return DataError(f"`{self.file}` holds {what}; only plain numbers, texts, lists and arrays are read")

    def items(self) -> list[Any]:
        """What stands above the last mark."""
        place = max(place for place, item in enumerate(self.stack) if isinstance(item, _Mark))
        found = self.stack[place + 1 :]
        del self.stack[place:]
        return found

    def do(self, name: str, argument: Any) -> None:
        """One operation. Raises DataError where it is none of those that are known."""
        stack = self.stack
        if name in ("PROTO", "FRAME", "STOP"):
            return
        if name in _VALUES:
            stack.append(argument)
        elif name in _FIXED:
            stack.append(_FIXED[name])
        elif name == "MARK":
            stack.append(_Mark())
        elif name in ("EMPTY_DICT", "EMPTY_LIST", "EMPTY_TUPLE"):
            stack.append({} if name == "EMPTY_DICT" else [] if name == "EMPTY_LIST" else ())
        elif name in ("TUPLE", "LIST"):
            found = self.items()
            stack.append(tuple(found) if name == "TUPLE" else found)
        elif name in _TUPLES:
            count = _TUPLES[name]
            stack[-count:] = [tuple(stack[-count:])]
        elif name in ("APPEND", "APPENDS", "SETITEM", "SETITEMS"):
            self._put(name)
        elif name in ("BINPUT", "LONG_BINPUT", "PUT", "MEMOIZE"):
            self.memory[len(self.memory) if argument is None else argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            stack.append(self.memory[argument])
        elif name in ("GLOBAL", "STACK_GLOBAL"):
            self._name(argument)
        elif name == "REDUCE":
            self._make()
        elif name == "BUILD":
            self._build()
        else:
            raise self.refuse(f"the operation {name}")

    def _put(self, name: str) -> None:
        """Items into the list or dictionary below them."""
        count = {"APPEND": 1, "SETITEM": 2}.get(name)
        found = self.items() if count is None else [self.stack.pop() for _ in range(count)][::-1]
        into = self.stack[-1]
        if name.startswith("APPEND") and isinstance(into, list):
            into.extend(found)
        elif name.startswith("SETITEM") and isinstance(into, dict):
            into.update((_text(key), value) for key, value in zip(found[::2], found[1::2], strict=True))
        else:
            raise self.refuse("items of no list")

    def _name(self, argument: Any) -> None:
        if argument is None:
            argument = " ".join(str(part) for part in (self.stack.pop(-2), self.stack.pop()))
        module, _, name = str(argument).partition(" ")
        makes = _KNOWN.get((module, name))
        if makes is None:
            raise self.refuse(f"the name {printable(module)[:80]}.{printable(name)[:80]}")
        self.stack.append(_Name(makes))

    def _make(self) -> None:
        given, name = self.stack.pop(), self.stack.pop()
        if not isinstance(name, _Name) or not isinstance(given, tuple) or name.makes == "kind":
            raise self.refuse("a call")
        if name.makes == "bytes":
            self.stack.append(str(given[0]).encode("latin-1"))
        else:
            self.stack.append(_Made(name.makes, given))

    def _build(self) -> None:
        """Gives an array its numbers, which must be bytes."""
        state, made = self.stack.pop(), self.stack[-1]
        if not isinstance(made, _Made):
            raise self.refuse("an object with a state")
        if made.makes == "dtype":
            return
        _, shape, dtype, by_columns, raw = state
        if not isinstance(dtype, _Made) or _text(dtype.given[0]) not in ("u1", "|u1"):
            raise self.refuse("an array of other numbers than bytes")
        content = raw.encode("latin-1") if isinstance(raw, str) else raw
        flat = np.frombuffer(content, np.uint8)
        made.array = flat.reshape(shape, order="F" if by_columns else "C")


def plain(content: bytes, file: str) -> dict[Any, Any]:
    """The dictionary that the bytes hold. Raises DataError."""
    machine = _Machine(file)
    try:
        for number, (name, argument) in enumerate(_operations(content)):
            if number > MOST_OPERATIONS:
                raise machine.refuse(f"more than {MOST_OPERATIONS} operations")
            machine.do(name, argument)
        return _whole(machine)
    except (ValueError, IndexError, KeyError, TypeError, EOFError, UnicodeError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"`{file}` is cut off or damaged: load it again") from None


def _operations(content: bytes) -> Iterator[tuple[str, Any]]:
    for operation, argument, _ in pickletools.genops(content):
        yield operation.name, argument


def _text(value: Any) -> Any:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _whole(machine: _Machine) -> dict[Any, Any]:
    """The dictionary that is left on the stack, with arrays in place of what stood for them."""
    (value,) = machine.stack
    if not isinstance(value, dict):
        raise machine.refuse("no dictionary")
    return {key: each.array if isinstance(each, _Made) else each for key, each in value.items()}
