"""A folding as a LaTeX document."""

from __future__ import annotations

from collections.abc import Iterator

from backcalc.formula.print_latex import latex_name, to_latex
from backcalc.render.document import Block, Document, Equations, Heading, Items, Paragraph, Row
from backcalc.render.fold_words import SCOPE, TITLES, summary
from backcalc.render.grad_latex import PREAMBLE, written
from backcalc.render.verify_text import said
from backcalc.transform.folding import Folding, Stack


def render(folding: Folding) -> str:
    """The whole document."""
    return f"{PREAMBLE}\n\n{written(Document(tuple(blocks(folding))))}\n\\end{{document}}\n"


def blocks(folding: Folding) -> Iterator[Block]:
    """What happened, every stack and every fold with its formulas and its proof, and both networks together."""
    yield Heading(1, (folding.original.name,))
    yield Paragraph((summary(folding),))
    if folding.notes:
        yield Items(tuple((f"{note}.",) for note in folding.notes))
    for stack in folding.stacks:
        yield from _stack(stack)
    for fold in folding.folds:
        yield Heading(2, (f"{TITLES[fold.rule]}: {fold.first} and {fold.second} become {fold.into}",))
        yield Paragraph((f"{fold.reason[0].upper()}{fold.reason[1:]}.",))
        yield Equations(tuple(Row(to_latex(left), (("=", to_latex(right)),)) for left, right in fold.formulas))
        yield Paragraph((f"{fold.before} parameters before, {fold.after} after.",))
        yield Items(tuple((_plain(said(check)),) for check in fold.checks))
    if folding.folds:
        yield Heading(2, ("Both networks",))
        yield Items(tuple((_plain(said(check)),) for check in folding.checks))
        yield Paragraph((("The folded network is equal. " if folding.passed else "NOT proved equal. ") + SCOPE,))


def _stack(stack: Stack) -> Iterator[Block]:
    """The induction over linear layers in a row, in matrices."""
    count = len(stack.layers)
    yield Heading(2, (f"{count} linear layers in a row: {', '.join(stack.layers)}",))
    yield Paragraph(("By induction every layer is linear in x, with the biases of its own or 0:",))
    step = (
        ("=", "W_{k} h_{k-1} + b_{k}"),
        ("=", "W_{k} (A_{k-1} x + c_{k-1}) + b_{k}"),
        ("=", "(W_{k} A_{k-1}) x + (W_{k} c_{k-1} + b_{k})"),
    )
    weights = [latex_name(name) for name in stack.weights]
    terms = [
        r" \, ".join([*reversed(weights[place + 1 :]), latex_name(bias)])
        for place, bias in enumerate(stack.biases)
        if bias is not None
    ]
    rows = [Row("h_{k}", step), Row("W", (("=", r"W_{n} \cdots W_{1}"), ("=", r" \, ".join(reversed(weights)))))]
    if terms:
        rows.append(Row("b", (("=", r"\sum_{k=1}^{n} W_{n} \cdots W_{k+1} b_{k}"), ("=", " + ".join(terms)))))
    yield Equations(tuple(rows))
    widths = ", ".join(map(str, stack.widths))
    yield Paragraph((f"The rank of W is at most min({widths}) = {stack.rank}.",))


def _plain(text: str) -> str:
    return text.removeprefix("✓ ").replace("✗ ", "FAILED: ")
