"""A folding as text: what became one, by what formulas, why, and the folded file."""

from __future__ import annotations

from backcalc.formula.print_unicode import to_unicode
from backcalc.render.fold_words import SCOPE, TITLES, induction, summary
from backcalc.render.layout import WIDTH, equation, heading, paragraph
from backcalc.render.verify_text import said
from backcalc.transform.folding import Fold, Folding


def render(folding: Folding, width: int = WIDTH) -> str:
    """The folds one after the other, each with its proof; then the folded net.yaml."""
    lines = heading(folding.original.name, "═")
    lines += paragraph(summary(folding), 0, width)
    for note in folding.notes:
        lines += paragraph(f"Note: {note}.", 0, width)
    for stack in folding.stacks:
        lines += ["", *heading(f"{len(stack.layers)} linear layers in a row: {', '.join(stack.layers)}")]
        for words, formula in induction(stack):
            lines += paragraph(words, 0, width) if words else []
            if formula is not None:
                lines += equation(formula[0], list(formula[1:]), 2, width)
    for count, fold in enumerate(folding.folds, 1):
        lines += ["", *_fold(count, fold, width)]
    if folding.checks:
        lines += ["", *heading("Both networks")]
        for check in folding.checks:
            lines += paragraph(said(check), 0, width)
    if folding.folds:
        lines += paragraph("✓ The folded network is equal." if folding.passed else "✗ NOT proved equal.", 0, width)
        lines += paragraph(SCOPE, 2, width)
        lines += ["", *heading("Folded net.yaml"), *folding.text.rstrip("\n").split("\n")]
        if folding.rounded:
            lines += [
                "",
                *paragraph(f"Rounded to 30 digits, for they are no fractions: {', '.join(folding.rounded)}.", 0, width),
            ]
    return "\n".join([*lines, ""])


def _fold(count: int, fold: Fold, width: int) -> list[str]:
    lines = heading(f"{count}. {TITLES[fold.rule]}: {fold.first} and {fold.second} become {fold.into}")
    lines += paragraph(f"{fold.reason[0].upper()}{fold.reason[1:]}.", 0, width)
    for left, right in fold.formulas:
        lines += equation(to_unicode(left), [to_unicode(right)], 2, width)
    lines += paragraph(f"{fold.before} parameters before, {fold.after} after.", 0, width)
    for check in fold.checks:
        lines += paragraph(said(check), 0, width)
    return lines
