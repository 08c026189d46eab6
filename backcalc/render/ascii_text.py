"""Text for terminals and files that know no character above 127: `dJ/dgamma`, `sum_{i=1..N}`, `<=`."""

from __future__ import annotations

import re
import unicodedata

from backcalc.formula.names import spelled
from backcalc.render.layout import WIDTH

_SIGNS = {
    "−": "-", "·": "*", "⋅": "*", "×": "x", "→": "->", "←": "<-", "⇒": "=>", "Σ": "sum", "Π": "prod", "√": "sqrt",
    "∂": "d", "Δ": "delta ", "≈": "~=", "≤": "<=", "≥": ">=", "≠": "!=", "±": "+-", "′": "'", "…": "...", "ᵀ": ".T",
    "⊙": ".*", "⊘": "./", "𝟙": "ones", "‖": "||", "✓": "ok", "✗": "FAILED", "─": "-", "═": "=", "∞": "inf",
    "⌊": "floor(", "⌋": ")", "⌈": "ceil(", "⌉": ")", "–": "-", "’": "'", "\u00a0": " ", "\u202f": " ", "⊤": "T",
    "●": "*", "○": "o", "│": "|", "├": "+", "┤": "+", "┴": "+", "┬": "+", "┼": "+", "━": "=",
    **dict.fromkeys("╭╮╰╯┌┐└┘", "+"),
}  # fmt: skip
_RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹ᵏⁿ", "-0123456789kn")
_LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_BOX = re.compile(r"^\+-[^\n]*\+\n(?:\|[^\n]*\|\n)+\+-+\+$", re.MULTILINE)
_ABOVE = re.compile("[⁻⁰¹²³⁴⁵⁶⁷⁸⁹ᵏⁿ]+")


def to_ascii(text: str, keep: str = "") -> str:
    """The text with every sign written out, but for those in `keep`; a letter with no such form becomes `?`.

    >>> to_ascii("∂J/∂γ[j] = Σ_{i=1..N} (ŷ[i] − 1)²·x₁")
    'dJ/dgamma[j] = sum_{i=1..N} (yhat[i] - 1)^2*x1'
    """
    text = text.replace("v̂", "vhat")  # no letter of its own
    text = _ABOVE.sub(lambda found: f"^{found.group().translate(_RAISED)}", text.translate(_LOWERED))
    found = (c if c.isascii() or c in keep else _SIGNS.get(c) or _letter(c) for c in text)
    return "".join(found)


def plain(text: str, width: int = WIDTH, kept: str = "") -> str:
    """A whole text in ASCII within the width; what stands below the heading `kept`, a file, is not broken.

    >>> print(plain("✓ The claim is proved."))
    ok The claim is proved.
    """
    above, heading, below = to_ascii(text).partition(f"\n{kept}\n") if kept else (to_ascii(text), "", "")
    return wrapped(_BOX.sub(_squared, above), width) + heading + below


def _squared(box: re.Match[str]) -> str:
    """A box with its right side in one column again: some signs are written out in several letters."""
    top, *rows, bottom = box[0].split("\n")
    bare = [row[:-1].rstrip() for row in rows]
    width = max(len(top) - 1, *(len(row) + 1 for row in bare))
    sides = [f"{row:<{width}}|" for row in bare]
    ends = [f"{line[:-1]:-<{width}}+" for line in (top, bottom)]
    return "\n".join([ends[0], *sides, ends[1]])


def _letter(character: str) -> str:
    name = spelled(character)
    if name.isascii() and name != "":
        return name
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode("ascii")
    return plain or "?"


def wrapped(text: str, width: int = WIDTH) -> str:
    """The text with lines that are too long broken once more, behind a blank, a comma or a sign of multiplication.

    >>> print(wrapped("  rate = alpha*beta + gamma", 20))
      rate = alpha*beta
             + gamma
    """
    lines: list[str] = []
    for line in text.split("\n"):
        hang = " " * (line.find("= ") + 2 if " = " in line else len(line) - len(line.lstrip()))
        while len(line) > width and (cut := _cut(line, len(hang), width)):
            lines.append(line[:cut].rstrip())
            line = hang + line[cut:].lstrip()
        lines.append(line)
    return "\n".join(lines)


def _cut(line: str, start: int, width: int) -> int:
    """Where to break a line; 0 where there is no place."""
    places = [found.start() for found in re.finditer(r" [+-] ", line)] + [
        found.end() for found in re.finditer(r"[ ,*]", line)
    ]
    signs = [place for place in places if line.startswith((" + ", " - "), place) and start < place <= width]
    others = [place for place in places if start < place <= width]
    last = max(signs, default=0)
    return last if last > width // 2 else max(others, default=0)
