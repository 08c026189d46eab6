r"""LaTeX equations within a width: how wide a formula is set, and where it is broken.

Lines are broken at the signs of equality, then before + and − outside parentheses, then between factors, then the same
inside parentheses; what cannot be broken, a long fraction, is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from backcalc.formula.names import GREEK
from backcalc.formula.print_latex import latex_name
from backcalc.render.document import Formula, Row, Words

WIDTH = 76.0
"""The width of a line, in letters; 160 mm of ten-point type."""

MOST_COMMANDS = 400  # in one display

_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|.", re.DOTALL)
_NARROW = {r"\,": 0.3, r"\;": 0.5, r"\quad": 2.0, r"\qquad": 4.0, r"\left": 0.0, r"\right": 0.0, "&": 0.0, " ": 0.0}
_NARROW |= {r"\bigl": 0.2, r"\bigr": 0.2, r"\\": 0.0, r"\begin": 0.0, r"\end": 0.0, "{": 0.0, "}": 0.0}
_WORDS = {r"\exp", r"\log", r"\tanh", r"\sin", r"\cos", r"\max", r"\min"}
_SIGNS = {"+", "-", "=", "<", ">", r"\le", r"\ge", r"\ne", r"\approx", r"\leftarrow", r"\cdot", r"\to", r"\odot"}
_UPRIGHT = {r"\mathrm", r"\operatorname", r"\operatorname*", r"\text", r"\substack"}


def measure(latex: str) -> float:
    r"""About how wide a formula is set, in letters.

    >>> measure("x + y"), measure(r"\frac{a b c}{2}"), measure("x^{2}")
    (3.8, 3.4, 1.7)
    """
    tokens = _TOKEN.findall(latex)
    width, at = 0.0, 0
    while at < len(tokens):
        size, at = _size(tokens, at)
        width += size
    return round(width, 3)


def _size(tokens: Sequence[str], at: int) -> tuple[float, int]:
    """The width of what begins at a token, and where the next begins."""
    token = tokens[at]
    if token == "{":
        return _group(tokens, at)
    if token in (r"\frac", r"\tfrac"):
        above, at = _group(tokens, at + 1)
        below, at = _group(tokens, at)
        return max(above, below) + 0.4, at
    if token == r"\sqrt":
        inside, at = _group(tokens, at + 1)
        return inside + 1.0, at
    if token in _UPRIGHT:
        return _group(tokens, at + 1)
    if token in (r"\sum", r"\prod"):
        limits = []
        at += 1
        while at < len(tokens) and tokens[at] in ("_", "^"):
            limit, at = _group(tokens, at + 1)
            limits.append(0.7 * limit)
        return max([2.0, *limits]), at
    if token in ("_", "^"):
        inside, at = _group(tokens, at + 1)
        return 0.7 * inside, at
    if token in (r"\begin", r"\end"):
        _, at = _group(tokens, at + 1)
        return 0.8, at
    if token in _NARROW:
        return _NARROW[token], at + 1
    if token in _SIGNS:
        return 1.8, at + 1
    return float(len(token) - 1) if token in _WORDS else 1.0, at + 1


def _group(tokens: Sequence[str], at: int) -> tuple[float, int]:
    """The width of a group in braces, or of a single token."""
    if at >= len(tokens):
        return 0.0, at
    if tokens[at] != "{":
        return _size(tokens, at)
    width, at = 0.0, at + 1
    while at < len(tokens) and tokens[at] != "}":
        size, at = _size(tokens, at)
        width += size
    return width, at + 1


# -- lines ------------------------------------------------------------------------------------------


def lines(rows: Sequence[Row], width: float = WIDTH) -> list[str]:
    r"""The lines of an `aligned` environment, without the `\\` between them.

    >>> lines([Row("z", (("=", "x + y"), ("=", "3")), ("sum",))])
    ['z &= x + y = 3 \\quad \\text{(sum)}']
    """
    return [line for row in rows for line in _row(row, width)]


def displays(rows: Sequence[Row], width: float = WIDTH) -> list[str]:
    r"""The same as the bodies of several displays, none of them longer than what is set in one piece.

    KaTeX gives up after it has expanded 1000 commands.
    """
    found: list[list[str]] = [[]]
    room = MOST_COMMANDS
    for row in rows:
        parts = list(_row(row, width))
        if found[-1] and _commands(parts) > room:
            found.append([])
            room = MOST_COMMANDS
        for line in parts:
            if found[-1] and _commands([line]) > room:
                found.append([])
                room = MOST_COMMANDS
            found[-1].append(line)
            room -= _commands([line])
    return [" \\\\\n".join(part) for part in found]


def _commands(parts: Sequence[str]) -> int:
    r"""How many commands there are; `\,` and `\operatorname`, which KaTeX expands three times, count twice."""
    return sum(part.count("\\") + part.count(r"\,") + part.count(r"\operatorname") for part in parts)


def _row(row: Row, width: float) -> Iterator[str]:
    room = width - measure(row.left) - 2
    chain = "".join(f" {sign} {right}" for sign, right in row.rights)
    reason = in_formula(("(", *row.reason, ")")) if row.reason else ""
    if measure(chain) <= room:
        found = [f"{row.left} &{chain.removeprefix(' ')}".strip()]
    else:
        found = []
        for place, (sign, right) in enumerate(row.rights):
            left = row.left if place == 0 else ""
            if place == 0 and measure(row.left) > width / 2:  # a long left side stands alone
                found.append(f"&{row.left}")
                left, room = r"", width - 4
            first, *rest = broken(right, max(room, width / 3))
            found.append(f"{left} &{sign} {first}".strip())
            found += [rf"&\quad {part}" for part in rest]
    if reason and measure(found[-1]) + measure(reason) + 2 + (width - room - 2) * found[-1].startswith("&") <= width:
        found[-1] += rf" \quad {reason}"
    elif reason:
        found.append(rf"&\quad {reason}")
    yield from found


def broken(latex: str, room: float) -> list[str]:
    """One right-hand side on as many lines as it needs."""
    if measure(latex) <= room:
        return [latex]
    for depth in range(4):
        terms = _pieces(_opened(latex, depth), depth, (" + ", " - "))
        cut = [part for term in terms for part in (_factors(term, depth) if measure(term) > room else [term])]
        if depth == 3 or max(map(measure, cut)) <= room:
            return _packed(cut, room)
    return [latex]


def _factors(piece: str, depth: int) -> list[str]:
    """A term cut between its factors, the sign of multiplication at the beginning of a line."""
    first, *rest = _pieces(piece, depth, (r" \, ", r" \cdot "))
    return [first, *(rf"\cdot {_SIGN_BEFORE.sub('', part)}" for part in rest)]


_SIGN_BEFORE = re.compile(r"^\s*(?:\\,|\\cdot)\s*")


def _packed(pieces: Sequence[str], room: float) -> list[str]:
    """As many pieces on a line as fit."""
    found: list[str] = []
    for piece in pieces:
        if found and measure(f"{found[-1]} {piece}") <= room:
            found[-1] += f" {piece}"
        else:
            found.append(piece)
    return found


def _pieces(latex: str, depth: int, signs: tuple[str, ...]) -> list[str]:
    """The formula cut before every sign that stands in so many parentheses at most, and in no braces."""
    found: list[str] = []
    parentheses, braces, start = 0, 0, 0
    tokens = _TOKEN.findall(latex)
    at = 0
    for place, token in enumerate(tokens):
        if token in ("{", r"\begin", r"\left"):
            braces += 1
        elif token in ("}", r"\end", r"\right"):
            braces -= 1
        elif token in ("(", "[") and not (place and tokens[place - 1] == r"\left"):
            parentheses += 1
        elif token in (")", "]") and not (place and tokens[place - 1] == r"\right"):
            parentheses -= 1
        elif braces == 0 and parentheses <= depth and at > start and latex.startswith(signs, at):
            found.append(latex[start:at].strip())
            start = at
        at += len(token)
    return [*found, latex[start:].strip()]


def _opened(latex: str, depth: int) -> str:
    r"""The formula with `\left( … \right)` as `\bigl( … \bigr)` down to a depth: only there lines may be broken."""
    tokens = _TOKEN.findall(latex)
    level, braces = 0, 0
    stack: list[bool] = []
    for place, token in enumerate(tokens):
        if token in ("{", r"\begin"):
            braces += 1
        elif token in ("}", r"\end"):
            braces -= 1
        elif token == r"\left":
            opens = braces == 0 and level < depth and tokens[place + 1] == "("
            stack.append(opens)
            level += 1
            tokens[place] = r"\bigl" if opens else token
        elif token == r"\right":
            level -= 1
            tokens[place] = r"\bigr" if stack.pop() else token
    return "".join(tokens)


# -- words ------------------------------------------------------------------------------------------

_ESCAPED = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}
_MATHEMATICAL = {
    "−": "-", "·": r"\cdot", "×": r"\times", "→": r"\to", "←": r"\leftarrow", "≠": r"\ne", "≤": r"\le", "≥": r"\ge",
    "≈": r"\approx", "∂": r"\partial", "Σ": r"\Sigma", "Π": r"\Pi", "√": r"\surd", "′": "'", "²": "^{2}", "³": "^{3}",
    "<": "<", ">": ">", "…": r"\dots", "⊙": r"\odot", "✓": r"\checkmark",
}  # fmt: skip


def in_text(words: Words) -> str:
    r"""A sentence as LaTeX text: special characters escaped, formulas in mathematics mode.

    >>> print(in_text(("50% of W_q ≈ ", Formula("x_{1}"))))
    50\% of W\_q $\approx$ $x_{1}$
    """
    return "".join(f"${latex}$" if mathematical else latex for mathematical, latex in _segments(words))


def in_formula(words: Words) -> str:
    r"""A sentence inside a formula, without dollar signs.

    >>> print(in_formula(("as ", Formula("x"), " is 0")))
    \text{as }x\text{ is 0}
    """
    parts = (latex if mathematical else rf"\text{{{latex}}}" for mathematical, latex in _segments(words))
    return "".join(parts)


def _segments(words: Words) -> list[tuple[bool, str]]:
    """Text and mathematics in turn; neighbours of one kind are one."""
    found: list[tuple[bool, str]] = []
    for part in words:
        pieces = [(True, part.latex)] if isinstance(part, Formula) else [_segment(character) for character in part]
        for mathematical, latex in pieces:
            if found and not mathematical and not found[-1][0]:
                found[-1] = (False, found[-1][1] + latex)
            else:
                found.append((mathematical, latex))
    return found


def _segment(character: str) -> tuple[bool, str]:
    if character in _MATHEMATICAL:
        return True, _MATHEMATICAL[character]
    if character in GREEK:
        return True, latex_name(GREEK[character])
    # What no plain LaTeX can set is left out visibly.
    plain = character if character.isprintable() and ord(character) < 0x180 else "?"
    return False, _ESCAPED.get(character, plain)
