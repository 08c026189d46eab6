"""Cells of tables as people write them: pipes, tabs, `&` in a tabular, and the summary that Keras prints."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_RULE = re.compile(r"\s*\|?\s*:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)*\|?\s*")
_SUMMARY = re.compile(
    r"\s*(?P<name>\w+ \(\w+\))\s+(?P<shape>\[?\((?:None|multiple)[^()\n]{0,60}\)\]?)\s+(?P<count>[0-9][0-9,]*)"
)
_TABULAR = re.compile(r"\\begin\{(tabular|tabularx|longtable|array)\}")
_TABULAR_END = re.compile(r"\\end\{(tabular|tabularx|longtable|array)\}")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table: its place in the document, its line from 0, the first cell of its row, its column's head."""

    start: int
    end: int
    line: int
    beside: str
    above: str


def cells_of(rest: str, prose: str, *, tex: bool = False) -> list[Cell]:
    """The cells of every table, heads and rules left out, in the order in which they stand.

    `rest` is the document with U+FFFC where formulas stand, so that a `|` in one divides nothing.

    >>> [(cell.beside, cell.above) for cell in cells_of(*["| layer | weights |\\n|---|---|\\n| C1 | 156 |"] * 2)]
    [('C1', 'layer'), ('C1', 'weights')]
    """
    lines = rest.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    found: list[Cell] = []
    ruled = _ruled(lines)
    head: list[str] = []
    in_tabular = False
    for number, line in enumerate(lines):
        start = starts[number]
        if len(line) > 20_000:
            continue
        if tex and _TABULAR.search(line):
            in_tabular, head = True, []
            continue
        if tex and _TABULAR_END.search(line):
            in_tabular = False
        if summary := _SUMMARY.match(line):
            found.extend(_summarised(summary, start, number))
            continue
        divided = _divided(lines, number, in_tabular, ruled[number])
        if divided is None:
            head = []
            continue
        if _RULE.fullmatch(line):
            continue
        places = list(_fields(line, divided))
        texts = [prose[start + first : start + last].strip(" *") for first, last in places]
        if not head:
            head = texts
            continue
        for column, (first, last) in enumerate(places):
            above = head[column] if column < len(head) else ""
            if texts[column]:
                found.append(Cell(start + first, start + last, number, texts[0], above))
    return found


def _summarised(found: re.Match[str], start: int, line: int) -> Iterator[Cell]:
    """The shape and the count in a line such as `dense_1 (Dense)  (None, 64)  8256`."""
    for group, above in (("shape", "Output Shape"), ("count", "Param #")):
        yield Cell(start + found.start(group), start + found.end(group), line, found["name"], above)


def _ruled(lines: Sequence[str]) -> list[bool]:
    """For each line, whether it belongs to lines with pipes one of which is a rule, `|---|---|`."""
    found = [False] * len(lines)
    start = 0
    for number in range(len(lines) + 1):
        if number < len(lines) and "|" in lines[number]:
            continue
        block = lines[start:number]
        if any("-" in line and len(line) <= 20_000 and _RULE.fullmatch(line) for line in block):
            found[start:number] = [True] * len(block)
        start = number + 1
    return found


def _divided(lines: Sequence[str], number: int, in_tabular: bool, piped: bool) -> str | None:
    """What divides the cells of a line; None where the line belongs to no table."""
    line = lines[number]
    if in_tabular:
        return "&" if "&" in line else None
    if "|" in line:
        return "|" if piped else None
    if line.count("\t") >= 1:
        around = [lines[at] for at in (number - 1, number + 1) if 0 <= at < len(lines)]
        return "\t" if line.count("\t") > 1 or any("\t" in other for other in around) else None
    if 0 < len(line.strip()) < 60 and 0 < number < len(lines) - 1:
        # A row of which only the first cell is there.
        return "\t" if min(lines[number - 1].count("\t"), lines[number + 1].count("\t")) > 1 else None
    return None


def _fields(line: str, divider: str) -> Iterator[tuple[int, int]]:
    """The cells of a line, without the blanks round them."""
    at = 0
    end = len(line)
    if divider == "&":
        stop = line.find(r"\\")
        end = stop if stop >= 0 else end
    if divider == "|":
        stripped = line.strip()
        at = line.index(stripped[0]) + 1 if stripped.startswith("|") else 0
        end = line.rindex("|") if stripped.endswith("|") and len(stripped) > 1 else end
    while at <= end:
        stop = line.find(divider, at, end)
        stop = end if stop < 0 else stop
        inner = line[at:stop]
        left = len(inner) - len(inner.lstrip())
        yield at + left, max(at + left, stop - (len(inner) - len(inner.rstrip())))
        at = stop + 1
