"""Why two conventions differ, as text: the two totals, and a paragraph for every term."""

from __future__ import annotations

from textwrap import wrap

from backcalc.count.difference import Difference, Term
from backcalc.count.quantities import QUANTITIES
from backcalc.count.table import as_text, pretty

WIDTH = 80


def render(found: Difference, width: int = WIDTH) -> str:
    """The difference as a sum: what each term is of, its formula, and the sum of all."""
    first, second = found.conventions
    lines = [f"{found.net}: FLOPs counted as `{first.name}` and as `{second.name}`", ""]
    margin = max(len(first.name), len(second.name)) + 2
    for convention, number in zip(found.conventions, found.totals, strict=True):
        lines += _beside(convention.name, as_text(number), margin, width)
    more = "" if as_text(found.value).startswith("-") else "+"
    lines += [*_beside("", f"{more}{as_text(found.value)}", margin, width), ""]
    for term in found.terms:
        lines += [*_headline(term, width), *_wrapped(str(term.formula), width), ""]
    if found.terms:
        terms = (as_text(term.formula.value) for term in found.terms)
        text = " + ".join(f"({term})" if " " in term else term for term in terms).replace("+ -", "- ")
        total = f" = {as_text(found.value)}" if len(found.terms) > 1 else ""
        lines += ["The sum of the terms", *_wrapped(text + total, width)]
    else:
        lines.append("Nothing in this network is priced differently.")
    for each in found.conventions:
        release = f" ({each.release})" if each.release else ""
        lines += ["", *wrap(f"`{each.name}`{release}: {each.meaning}.", width, break_on_hyphens=False)]
    for note in found.notes:
        lines += ["", *wrap(f"Note: {note}.", width, break_on_hyphens=False)]
    return "\n".join(lines) + "\n"


def _beside(label: str, number: str, margin: int, width: int) -> list[str]:
    """A total behind its label, its end below those of the others; a long one goes on in the line below."""
    return wrap(f"{label:<{margin}}{number:>15}", width, subsequent_indent=" " * margin, drop_whitespace=False)


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
