"""Pieces of two-dimensional mathematics in a terminal: rectangles of characters, put beside and above each other.

>>> print(UNICODE.fraction(text("x − μ"), UNICODE.root(text("var + eps"))))
   x − μ
────────────
  __________
╲╱ var + eps
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Box:
    """Lines of one width; what stands beside the box is level with the line `baseline`, counted from 0."""

    lines: tuple[str, ...]
    baseline: int = 0

    @property
    def width(self) -> int:
        return columns(self.lines[0])

    @property
    def height(self) -> int:
        return len(self.lines)

    @property
    def level(self) -> str:
        """The line that the box's neighbours stand on."""
        return self.lines[self.baseline]

    def __str__(self) -> str:
        return "\n".join(line.rstrip() for line in self.lines)


def columns(line: str) -> int:
    """How many columns a line takes: a mark that stands over a letter takes none.

    >>> columns("v̂ + 1")
    5
    """
    return sum(not unicodedata.combining(character) for character in line)


def text(line: str) -> Box:
    """One line."""
    return Box((line,))


def beside(*boxes: Box) -> Box:
    """The boxes from left to right, their baselines level.

    >>> print(beside(text("a + "), above(text("b"), text("c"), baseline=1)))
        b
    a + c
    """
    top = max(box.baseline for box in boxes)
    below = max(box.height - box.baseline for box in boxes)
    filled = []
    for box in boxes:
        blank = " " * box.width
        over, under = top - box.baseline, below - (box.height - box.baseline)
        filled.append([*[blank] * over, *box.lines, *[blank] * under])
    return Box(tuple("".join(row) for row in zip(*filled, strict=True)), top)


def above(*boxes: Box, baseline: int) -> Box:
    """The boxes from top to bottom, centred; `baseline` is counted in the lines of the whole."""
    width = max(box.width for box in boxes)
    return Box(tuple(_centred(line, width) for box in boxes for line in box.lines), baseline)


def _centred(line: str, width: int) -> str:
    free = width - columns(line)
    return " " * (free // 2) + line + " " * (free - free // 2)


def raised(base: Box, script: Box) -> Box:
    """A script above the upper right corner."""
    lines = (*script.lines, *[" " * script.width] * base.height)
    return beside(base, Box(lines, script.height + base.baseline))


@dataclass(frozen=True, slots=True)
class Pen:
    """What the pieces are drawn with; `spell` writes the text of an atom."""

    spell: Callable[[str], str]
    bar: str
    hook: str
    stroke: str
    big: tuple[tuple[str, str], ...]
    fences: tuple[tuple[str, str, str, str], ...]  # of an opening or closing sign: itself, top, middle, bottom

    def text(self, line: str) -> Box:
        return text(self.spell(line))

    def fraction(self, over: Box, under: Box) -> Box:
        """One box over another, with a bar between them that is longer than the bars within them."""
        ends = [line[end] for part in (over, under) for line in part.lines for end in (0, -1)]
        width = max(over.width, under.width, 3) + 2 * (self.bar in ends)
        return above(over, text(self.bar * width), under, baseline=over.height)

    def root(self, of: Box) -> Box:
        """A root sign that covers all of the box."""
        roof = "_" * (of.width + 1)
        covered = Box((roof, *(f" {line}" for line in of.lines)), of.baseline + 1)
        rows = [" " * (of.height - row) + self.stroke + " " * row for row in range(of.height)]
        rows[-1] = self.hook + rows[-1][1:]
        return beside(Box((" " * (of.height + 1), *rows), of.baseline + 1), covered)

    def reduction(self, operation: str, upper: Box | None, under: Box, body: Box) -> Box:
        """The sign of a sum with its limits before what is summed, a blank between them."""
        sign = text(dict(self.big).get(operation, operation))
        parts = [part for part in (upper, sign, under) if part is not None]
        limits = above(*parts, baseline=0 if upper is None else upper.height)
        apart = body.height > 1 or not limits.level.endswith(" ")
        return beside(limits, text(" " * apart), body)

    def enclosed(self, of: Box, opening: str = "(", closing: str = ")") -> Box:
        """The box in parentheses of its height."""
        return beside(self.fence(opening, of), of, self.fence(closing, of))

    def fence(self, sign: str, of: Box) -> Box:
        if of.height == 1:
            return text(sign)
        top, middle, bottom = next(parts[1:] for parts in self.fences if parts[0] == sign)
        return Box((top, *[middle] * (of.height - 2), bottom), of.baseline)


UNICODE = Pen(
    spell=str,
    bar="─",
    hook="╲",
    stroke="╱",
    big=(("sum", "Σ"), ("prod", "Π")),
    fences=(("(", "⎛", "⎜", "⎝"), (")", "⎞", "⎟", "⎠")),
)
