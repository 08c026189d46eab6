"""Why the derivatives of functions are what they are: short proofs, written in the language of formulas.

Each is a chain of formulas in u, all equal to the derivative, the last as the table of functions states it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from backcalc.formula.functions import FUNCTIONS
from backcalc.formula.print_latex import latex_name, to_latex
from backcalc.formula.read import read_expression
from backcalc.formula.tree import Call, Ref
from backcalc.render.document import Block, Equations, Paragraph, Row

PROOFS: Mapping[str, tuple[tuple[str, str], ...]] = MappingProxyType(
    {
        "exp": (("exp(u)", "the series of the exponential function, term by term"),),
        "log": (
            ("1/exp(log(u))", "both sides of exp(log u) = u differentiated"),
            ("1/u", "exp(log u) = u"),
        ),
        "sqrt": (("1/(2*sqrt(u))", "both sides of the square of the root = u differentiated"),),
        "erf": (("2/sqrt(pi)*exp(-u^2)", "the integrand at the upper limit"),),
        "abs": (("(u > 0) - (u < 0)", "the slope on either side; 0 at the kink"), ("sign(u)", "the sign")),
        "relu": (
            ("if(u > 0, 1, 0)", "the slope on either side; 0 at the kink"),
            ("(u > 0)", "the same as a bracket"),
        ),
        "relu6": (("(0 < u < 6)", "slope 1 between the kinks, 0 elsewhere"),),
        "gelu": (
            ("1/2*(1 + erf(u/sqrt(2))) + 1/2*u*(2/sqrt(pi)*exp(-(u/sqrt(2))^2))/sqrt(2)", "product and chain rule"),
            ("1/2*(1 + erf(u/sqrt(2))) + u*exp(-u^2/2)/sqrt(2*pi)", "factors collected"),
        ),
        "silu": (
            ("sigmoid(u) + u*(sigmoid(u)*(1 - sigmoid(u)))", "product rule"),
            ("sigmoid(u)*(1 + u*(1 - sigmoid(u)))", "common factor"),
        ),
        "softplus": (
            ("exp(u)/(1 + exp(u))", "chain rule"),
            ("1/(1 + exp(-u))", "numerator and denominator divided by exp u"),
            ("sigmoid(u)", "the logistic function"),
        ),
        "sigmoid": (
            ("exp(-u)/(1 + exp(-u))^2", "chain rule"),
            ("1/(1 + exp(-u))*(exp(-u)/(1 + exp(-u)))", "as a product"),
            ("1/(1 + exp(-u))*(1 - 1/(1 + exp(-u)))", "1 added and taken away in the numerator"),
            ("sigmoid(u)*(1 - sigmoid(u))", "definition"),
        ),
        "tanh": (
            (
                "((exp(u) + exp(-u))^2 - (exp(u) - exp(-u))^2)/(exp(u) + exp(-u))^2",
                "quotient rule",
            ),
            ("1 - ((exp(u) - exp(-u))/(exp(u) + exp(-u)))^2", "divided term by term"),
            ("1 - tanh(u)^2", "definition"),
        ),
        "scaled_tanh": (("1.7159*2/3*(1 - tanh(2/3*u)^2)", "chain rule and the derivative of tanh"),),
    }
)
"""The proofs by function; what has none is told by its definition."""


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
    if entry.domain:
        blocks.append(Paragraph((f"Where it holds: {entry.domain}.",)))
    return tuple(blocks)
