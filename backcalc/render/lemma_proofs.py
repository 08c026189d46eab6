"""Why the derivatives of functions are what they are, for documents."""

from __future__ import annotations

from backcalc.formula.functions import FUNCTIONS
from backcalc.formula.print_latex import latex_name, to_latex
from backcalc.formula.read import read_expression
from backcalc.formula.tree import Call, Ref
from backcalc.render.document import Block, Equations, Paragraph, Row
from backcalc.transform.lemmas import PROOFS


def proof(function: str) -> tuple[Block, ...]:
    r"""The definition of a function, and the way to its derivative.

    >>> definition, way = proof("softplus")[:2]
    >>> definition.rows[0].rights
    (('=', '\\log(1 + \\exp(u))'),)
    >>> [right for row in way.rows for _, right in row.rights][-1]
    '\\sigma(u)'
    """
    entry = FUNCTIONS[function]
    arguments = ", ".join(map(latex_name, entry.arguments))
    blocks: list[Block] = []
    if entry.definition is not None:
        called = Call(function, tuple(map(Ref, entry.arguments)))
        blocks.append(Equations((Row(to_latex(called), (("=", to_latex(read_expression(entry.definition))),)),)))
    steps = PROOFS.get(function, ())
    prime = rf"\frac{{d}}{{du}} {to_latex(Call(function, (Ref('u'),)))}" if len(entry.arguments) == 1 else ""
    rows = [
        Row(("" if place else prime), (("=", to_latex(read_expression(formula))),), (reason,))
        for place, (formula, reason) in enumerate(steps)
    ]
    if not rows:
        left = rf"{entry.latex}'({arguments})"
        rows = [Row(left, (("=", to_latex(read_expression(entry.derivative))),), ("the slope of each piece",))]
        if entry.definition is None:
            rows = [Row(left, rows[0].rights, ("table of derivatives",))]
    blocks.append(Equations(tuple(rows)))
    where, kink, slope = entry.domain.partition(": derivative ")
    if kink:
        blocks.append(Paragraph((f"At the {where} the derivative is taken as {slope}.",)))
    elif where:
        blocks.append(Paragraph((f"It has {where}." if "kink" in where else f"It holds for {where}.",)))
    return tuple(blocks)
