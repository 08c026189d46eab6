"""A table of comma-separated values of which single cells are changed, and every other byte is left as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

DELIMITERS = (",", ";", "\t")
MOST_CELLS = 2_000_000

_STOPS = MappingProxyType({delimiter: re.compile(f"[{delimiter}\r\n]") for delimiter in DELIMITERS})


class TableFault(ValueError):
    """A text that is no such table."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: what it says, and where it stands in the text, its quotes included."""

    value: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Cells:
    """A table that remembers its text. Bytes that are no UTF-8 are kept as they are."""

    text: str
    delimiter: str
    rows: tuple[tuple[Cell, ...], ...]

    def with_values(self, values: Mapping[tuple[int, int], str]) -> bytes:
        """The table with other values in the cells of those rows and columns."""
        text, at, pieces = self.text, 0, []
        for row, column in sorted(values):
            cell = self.rows[row][column]
            pieces += [text[at : cell.start], self._written(values[row, column])]
            at = cell.end
        return "".join([*pieces, text[at:]]).encode("utf-8", "surrogateescape")

    def _written(self, value: str) -> str:
        if any(special in value for special in (self.delimiter, '"', "\n", "\r")):
            return '"' + value.replace('"', '""') + '"'
        return value


def read_cells(data: bytes) -> Cells:
    """The cells of a file, separated by what its first line has most of. Raises TableFault.

    >>> table = read_cells(b'name,grade\\r\\n"Lovelace, Ada",\\r\\n')
    >>> table.rows[1][0].value, table.with_values({(1, 1): "9.5"})
    ('Lovelace, Ada', b'name,grade\\r\\n"Lovelace, Ada",9.5\\r\\n')
    """
    text = data.decode("utf-8", "surrogateescape")
    start = 1 if text.startswith("\ufeff") else 0
    first = text[start:].split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=first.count)
    rows: list[tuple[Cell, ...]] = []
    row: list[Cell] = []
    at, count = start, 0
    while at < len(text) or row:
        cell, at = _cell(text, at, delimiter)
        row.append(cell)
        count += 1
        if count > MOST_CELLS:
            raise TableFault(f"the table has more than {MOST_CELLS} cells")
        if text[at : at + 1] == delimiter:
            at += 1
            continue
        at += 2 if text[at : at + 2] == "\r\n" else 1
        rows.append(tuple(row))
        row = []
    return Cells(text, delimiter, tuple(rows))


def _cell(text: str, start: int, delimiter: str) -> tuple[Cell, int]:
    """The cell that begins at a place, and where it ends."""
    if text[start : start + 1] != '"':
        stop = _STOPS[delimiter].search(text, start)
        end = stop.start() if stop is not None else len(text)
        return Cell(text[start:end], start, end), end
    at = start + 1
    while True:
        quote = text.find('"', at)
        if quote < 0:
            raise TableFault(f"a quote in line {text.count(chr(10), 0, start) + 1} is not closed")
        if text[quote + 1 : quote + 2] != '"':
            break
        at = quote + 2
    end = quote + 1
    if text[end : end + 1] not in (delimiter, "\r", "\n", ""):
        raise TableFault(f"line {text.count(chr(10), 0, end) + 1} has text behind a quoted cell")
    return Cell(text[start + 1 : quote].replace('""', '"'), start, end), end
