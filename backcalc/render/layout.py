"""Lines of mathematics within a width: broken at the signs of equality and addition, never cropped.

>>> for line in equation("z", ["w1·x1 + w2·x2", "1·2 + 3·4", "14"], width=24): print(line)
z = w1·x1 + w2·x2
  = 1·2 + 3·4
  = 14
"""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

WIDTH = 80
ROOM = 8  # columns that a continued line keeps at least


def equation(left: str, rights: Sequence[str], indent: int = 0, width: int = WIDTH) -> list[str]:
    """`left = right = right …` on one line where it fits, else a line for every right-hand side.

    A right-hand side that is too long by itself is broken before its + and − outside parentheses, else where it must.
    """
    pad = " " * indent
    whole = pad + " = ".join([left, *rights])
    if len(whole) <= width:
        return [whole]
    lead = len(left) if indent + len(left) + ROOM < width // 2 else 2
    lines: list[str] = []
    first, *rest = rights
    head = f"{pad}{left} = "
    if len(head) > width // 2 or lead != len(left):
        lines.append(f"{pad}{left}")
        head = f"{pad}{' ' * lead} = "
    lines += _broken(head, first, width)
    for right in rest:
        lines += _broken(f"{pad}{' ' * lead} = ", right, width)
    return lines


def _broken(head: str, text: str, width: int) -> list[str]:
    """One right-hand side behind its head, on as many lines as it needs."""
    lines: list[str] = []
    current = head
    hang = " " * len(head)
    for piece in _pieces(text):
        if len(current) + len(piece.rstrip()) > width and current.strip() not in ("", head.strip()):
            lines.append(current.rstrip())
            current = hang
            piece = piece.lstrip()
        while len(current) + len(piece.rstrip()) > width and len(hang) + ROOM < width:
            room = width - len(current)
            cut = _cut(piece, room)
            lines.append((current + piece[:cut]).rstrip())
            piece = piece[cut:].lstrip()
            current = hang
        current += piece
    return [*lines, current.rstrip()]


def _cut(piece: str, room: int) -> int:
    """Where to break a piece that is too long: behind a factor if that fills half the line, else at a blank."""
    times = piece.rfind("·", 0, room) + 1
    if times > room // 2:
        return times
    cut = max(times, piece.rfind(" ", 0, room) + 1, piece.rfind(",", 0, room) + 1) or room
    if piece[:cut].count('"') % 2:  # never within quotes: einsum("ij,jk->ik", …)
        return piece.rfind(" ", 0, piece.rfind('"', 0, cut)) + 1 or cut
    return cut


def _pieces(text: str) -> list[str]:
    """The text cut before every ` + ` and ` − ` that stands outside parentheses."""
    pieces: list[str] = []
    depth, start = 0, 0
    for position, character in enumerate(text):
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif depth == 0 and text[position : position + 3] in (" + ", " − ", " - ") and position > start:
            pieces.append(text[start:position])
            start = position
    return [*pieces, text[start:]]


def paragraph(text: str, indent: int = 0, width: int = WIDTH) -> list[str]:
    """Words wrapped within the width."""
    pad = " " * indent
    return wrap(text, width, initial_indent=pad, subsequent_indent=pad, break_on_hyphens=False) or [""]


def spaced(lines: Sequence[str]) -> list[str]:
    """The lines without an empty one behind another or below a heading."""
    before = ["", *lines]
    return [line for line, last in zip(lines, before, strict=False) if line or last.strip("─")]


def heading(text: str, rule: str = "─") -> list[str]:
    """A heading with a rule under it."""
    return [text, rule * len(text)]
