"""Why two conventions differ, as text: the two totals, and a paragraph for every term."""

from __future__ import annotations

from textwrap import wrap

from backcalc.count.difference import Difference, Term
from backcalc.count.quantities import QUANTITIES
from backcalc.count.table import pretty

WIDTH = 80


def render(found: Difference, width: int = WIDTH) -> str:
    """The difference as a sum: what each term is of, its formula, and the sum of all."""
    first, second = found.conventions
    lines = [f"{found.net}: FLOPs counted as `{first.name}` and as `{second.name}`", ""]
    margin = max(len(first.name), len(second.name)) + 2
    lines += [f"{each.name:<{margin}}{total:>15}" for each, total in zip(found.conventions, found.totals, strict=True)]
    lines += [f"{'':<{margin}}{found.value:>+15}", ""]
    for term in found.terms:
        lines += [*_headline(term, width), *_wrapped(str(term.formula), width), ""]
    if found.terms:
        text = " + ".join(str(term.formula.value) for term in found.terms).replace("+ -", "- ")
        lines += ["The sum of the terms", *_wrapped(f"{text} = {found.value}" if len(found.terms) > 1 else text, width)]
    else:
        lines.append("Nothing in this network is priced differently.")
    for each in found.conventions:
        release = f" ({each.release})" if each.release else ""
        lines += ["", *wrap(f"`{each.name}`{release}: {each.meaning}.", width, break_on_hyphens=False)]
    for note in found.notes:
        lines += ["", *wrap(f"Note: {note}.", width, break_on_hyphens=False)]
    return "\n".join(lines) + "\n"


def _headline(term: Term, width: int) -> list[str]:
    layers = "1 layer" if term.layers == 1 else f"{term.layers} layers"
    what = QUANTITIES[term.what].words if term.what in QUANTITIES else f"operations `{term.what}`"
    left, right = term.prices
    return wrap(f"{term.kind} ({layers}): {what} count {right}, not {left}", width)


def _wrapped(text: str, width: int) -> list[str]:
    return wrap(
        pretty(text), width, initial_indent="  ", subsequent_indent="    ", break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
