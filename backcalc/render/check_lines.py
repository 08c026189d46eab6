"""A claim where it stands: the student's own line, cut to a width, and the caret under it."""

from __future__ import annotations

from backcalc.check.result import Claim
from backcalc.net.errors import columns, window

MARKS = {"right": "✓", "wrong": "✗", "follows": "↳", "convention": "≈", "undecided": "?", "unreadable": "…"}
"""The sign of each verdict."""


def excerpt(claim: Claim, width: int, indent: int = 0) -> list[str]:
    """The line with its number, and the caret; no wider than `width`.

    >>> from backcalc.check.result import Claim
    >>> claim = Claim("1", 7, 9, 6, "we have y = 12, so x = 3", "y = 12", "y = 12", "y", "wrong")
    >>> print("\\n".join(excerpt(claim, 40)))
      7 | we have y = 12, so x = 3
        |         ^^^^^^
    """
    number = str(claim.line)
    gutter = " " * (indent + max(3, len(number) + 1))
    room = max(20, width - len(gutter) - 5)  # a bar, two blanks, and a mark where either end is cut off
    shown, column, length = window(claim.source_line, claim.column - 1, claim.length, room)
    if columns(shown) > room + 2:  # characters that are two columns wide
        shown, column, length = window(claim.source_line, claim.column - 1, claim.length, room // 2)
    caret = f"{' ' * columns(shown[:column])}{'^' * columns(shown[column : column + length], 1)}"
    where = [f"{' ' * indent}in {claim.file}"] if claim.file else []
    return [*where, f"{number.rjust(len(gutter))} | {shown}".rstrip(), f"{gutter} | {caret}"]


def points(number: float) -> str:
    """Points as they are said: no more digits than they need.

    >>> points(12.0), points(2.5)
    ('12', '2.5')
    """
    return f"{number:.6g}"


def counted(number: int, word: str) -> str:
    """A number of things.

    >>> counted(1, "claim"), counted(3, "claim")
    ('1 claim', '3 claims')
    """
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
