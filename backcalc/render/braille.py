"""Curves in a terminal: every character is a field of 2 × 4 dots (Unicode block "Braille Patterns")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite

DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bit of every dot of a character, by row and column."""
BLANK = 0x2800
MARGIN = 10


def plot(
    title: str, curves: Mapping[str, Sequence[float]], first: int, last: int, width: int = 60, height: int = 8
) -> str:
    """Curves over one axis from `first` to `last`; the first is a line, others are dotted. Empty ones are left out.

    >>> print(plot("loss", {"training": [3, 2, 1, 0]}, 1, 4, width=8, height=2))
    loss
             3 ┤⠉⠒⠤⣀
             0 ┤    ⠉⠒⠤⣀
               └────────
                1      4
    """
    shown = {name: list(curve) for name, curve in curves.items() if curve}
    finite = [number for curve in shown.values() for number in curve if isfinite(number)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    field = [[0] * width for _ in range(height)]
    for place, curve in enumerate(shown.values()):
        for column, row in _dots(curve, low, high, 2 * width, 4 * height):
            if place == 0 or column % 4 < 2:
                field[row // 4][column // 2] |= DOTS[row % 4][column % 2]
    lines = ["".join(chr(BLANK + bits) if bits else " " for bits in row).rstrip() for row in field]
    labels = {0: f"{high:.4g}", height - 1: f"{low:.4g}"}
    named = title if len(shown) < 2 else f"{title} ({', '.join(_styles(list(shown)))})"
    rows = [f"{labels.get(number, ''):>{MARGIN}} ┤{line}" for number, line in enumerate(lines)]
    ends = f"{first}{last:>{max(1, width - len(str(first)))}}"
    return "\n".join([named, *rows, " " * (MARGIN + 1) + "└" + "─" * width, " " * (MARGIN + 2) + ends])


def _styles(names: Sequence[str]) -> list[str]:
    return [f"{name} {'line' if place == 0 else 'dotted'}" for place, name in enumerate(names)]


def _dots(curve: Sequence[float], low: float, high: float, width: int, height: int) -> list[tuple[int, int]]:
    """The dots of a curve, a column for every place along the axis, joined up and down; gaps where it is not finite."""
    span = high - low or 1.0
    found: list[tuple[int, int]] = []
    before: int | None = None
    for column in range(width):
        place = column * (len(curve) - 1) / (width - 1)
        left = int(place)
        right = min(left + 1, len(curve) - 1)
        number = curve[left] + (curve[right] - curve[left]) * (place - left)
        if not isfinite(number):
            before = None
            continue
        row = round((high - number) / span * (height - 1))
        start = row if before is None else before
        between = range(start, row, 1 if row > start else -1)
        found += [(column, each) for each in between if each != start]
        found.append((column, row))
        before = row
    return found
