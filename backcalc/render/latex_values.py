"""What the LaTeX of a derivation adds to that of formulas: Jacobians, numbers that were put in, exact values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from backcalc.derive.derivation import Derivation
from backcalc.derive.exact import Exact
from backcalc.formula.evaluate import Array
from backcalc.formula.names import derivative_parts, is_derivative
from backcalc.formula.print_latex import LatexPrinter
from backcalc.formula.print_text import ATOM, FACTOR
from backcalc.formula.tree import Expr, Reduce, Ref
from backcalc.render.document import Right
from backcalc.render.latex_layout import measure
from backcalc.render.symbols import derived_by
from backcalc.render.values import nested, put_in, shown, without_means_of_one

WIDEST_ROW = 60  # of a row of numbers, in letters


@dataclass(frozen=True, slots=True)
class DerivationPrinter(LatexPrinter):
    """Prints a Jacobian with the indices of both its sides, and a decimal as a number.

    `derived` are the arrays by which the derivatives of the array `above`, with `lead` indices of its own, are taken.
    """

    above: str = ""
    lead: int = 0
    derived: Mapping[str, str] = field(default_factory=dict)

    def parts(self, expr: Expr) -> tuple[str, int]:
        return LatexPrinter.parts(self, without_means_of_one(expr) if isinstance(expr, Reduce) else expr)

    def name(self, expr: Ref) -> tuple[str, int]:
        if expr.name[:1].isdigit():
            return decimal_latex(expr.name), ATOM
        of = self.derived.get(expr.name)
        if of is None:
            return LatexPrinter.name(self, expr)
        return self.jacobian(Ref(self.above, expr.indices[: self.lead]), Ref(of, expr.indices[self.lead :])), FACTOR

    def jacobian(self, above: Ref, below: Ref) -> str:
        """∂y[i]/∂x[j]; of a gradient by an array, ∂²J/∂w[i]∂w[j]."""
        once = is_derivative(above.name) and not is_derivative(derivative_parts(above.name)[0])
        if once and not is_derivative(below.name):
            top, by = derivative_parts(above.name)
            first = Ref(by, above.indices)
            under = rf"\partial {self.write(first)}"
            under += "^{2}" if first == below else rf"\,\partial {self.write(below)}"
            return rf"\frac{{\partial^{{2}} {self.write(Ref(top))}}}{{{under}}}"
        over, under = (
            rf"\left({self.write(side)}\right)" if is_derivative(side.name) else self.write(side)
            for side in (above, below)
        )
        return rf"\frac{{\partial {over}}}{{\partial {under}}}"


def printer_of(derivation: Derivation, scalar_names: bool = False) -> DerivationPrinter:
    r"""The printer of a derivation's formulas.

    >>> import backcalc
    >>> jacobian = backcalc.grad({"equations": "y[i] = x[i]^2", "shapes": {"x": [2]}, "find": ["dy/dx"]})
    >>> print(printer_of(jacobian).write(Ref("dy/dx", (Ref("i"), Ref("j")))))
    \frac{\partial y_{i}}{\partial x_{j}}
    """
    lead = len(derivation.program.shapes.get(derivation.loss, ()))
    return DerivationPrinter(
        scalar_names=scalar_names, above=derivation.loss, lead=lead, derived=derived_by(derivation)
    )


def decimal_latex(text: str) -> str:
    r"""A decimal as it is set.

    >>> print(decimal_latex("1.5e-7"), decimal_latex("−0.25"))
    1.5 \cdot 10^{-7} -0.25
    """
    mantissa, power, exponent = text.replace("−", "-").partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if power else mantissa


def value_rights(value: Exact, digits: int | None, printer: LatexPrinter) -> list[Right]:
    """A value behind its sign: exactly where that is short, with a decimal beside what is not rational."""
    exact, almost, decimal = shown(value, digits).partition("≈ ")
    tree = value.expr()
    found: list[Right] = [("=", printer.write(tree))] if exact and tree is not None else []
    return [*found, (r"\approx", decimal_latex(decimal))] if almost else found


def number_rights(
    formula: Expr, value: Exact | None, values: Mapping[str, Array[Exact]], digits: int | None, printer: LatexPrinter
) -> list[Right]:
    """The numbers put in, and the value, without saying the same twice."""
    filled = put_in(formula, values, partly=value is None)
    found: list[Right] = [] if filled is None else [("=", printer.write(filled))]
    if value is None:
        return found
    known = {printer.write(formula), *(latex for _, latex in found)}
    return [*found, *((sign, latex) for sign, latex in value_rights(value, digits, printer) if latex not in known)]


def plain_value(value: Exact, digits: int | None, printer: LatexPrinter) -> str:
    """A value by itself: exactly where that is short, else its decimal."""
    return value_rights(value, digits, printer)[0][1]


def array_latex(values: Array[Exact], digits: int | None, printer: LatexPrinter) -> str:
    """A small array: a number, a row in parentheses, a matrix; deeper ones as rows of rows."""
    whole = nested(values, lambda value: plain_value(value, digits, printer))

    def row(part: object) -> str:
        inside = r",\, ".join(map(row, part)) if isinstance(part, list) else ""
        return f"({inside})" if isinstance(part, list) else str(part)

    rows = [line for line in whole if isinstance(line, list)] if isinstance(whole, list) else []
    if not rows or any(isinstance(cell, list) for line in rows for cell in line):
        line = row(whole)
        if measure(line) <= WIDEST_ROW or rows or not isinstance(whole, list):
            return line
        rows = [[cell] for cell in whole]  # too wide for a line: a column
    inside = r" \\ ".join(" & ".join(map(row, line)) for line in rows)
    return rf"\begin{{pmatrix}} {inside} \end{{pmatrix}}"
