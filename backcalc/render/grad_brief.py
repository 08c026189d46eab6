"""What brings a small derivation onto one page: a step on one line, the witnesses in one sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backcalc.derive.derivation import Check
from backcalc.render.verify_text import said, small


def one_line(opening: Sequence[str], lines: Sequence[str], width: int) -> list[str]:
    """A step with its reason behind its formula, where all of that fits one line.

    >>> one_line(["3. ∂J/∂w: w goes into z"], ["   ∂J/∂w = ∂J/∂z·x = 2"], 80)
    ['3. ∂J/∂w = ∂J/∂z·x = 2   (w goes into z)']
    """
    whole = [*opening, *lines]
    if len(opening) > 1 or not lines:
        return whole
    number, dot, rest = opening[0].partition(". ")
    left, colon, why = rest.partition(": ")
    first = f"{number}{dot}{lines[0].strip()}   ({why})"
    if not colon or not _defines(left, lines[0]) or "   (" in lines[0] or len(first) > width:
        return whole
    if len(lines) > 1 and lines[1].startswith(" " * 5) and lines[1].lstrip().startswith(("=", "+", "−", "-")):
        return whole  # the formula itself goes on below
    return [first, *lines[1:]]


def _defines(left: str, line: str) -> bool:
    """Whether a line says what `left`, or every entry of it, is: it needs no title then."""
    name = line.strip().partition(" = ")[0]
    return name == left or name.startswith(f"{left}[")


def in_brief(checks: Sequence[Check]) -> Iterator[str]:
    """The witnesses that agree in one sentence, every other by itself."""
    agree = [check for check in checks if check.passed and check.max_error is not None]
    if agree:
        worst = max(check.max_error or 0.0 for check in agree)
        yield f"✓ {', '.join(map(_named, agree))}: largest error {small(worst)}"
    yield from (said(check) for check in checks if check not in agree)


def _named(check: Check) -> str:
    """The witness, and how much it has seen where that is not everything."""
    seen = check.detail.partition(", ")[0]
    return f"{check.against} ({seen})" if " of " in seen else check.against
