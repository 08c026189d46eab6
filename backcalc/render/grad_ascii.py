"""A derivation as text without any character above 127, in every view."""

from __future__ import annotations

from typing import ClassVar

from backcalc.derive.derivation import Derivation
from backcalc.formula.tree import Expr
from backcalc.render.ascii_text import to_ascii, wrapped
from backcalc.render.grad_text import Printer
from backcalc.render.layout import WIDTH
from backcalc.render.maths_boxes import Pen
from backcalc.render.matrix_text import MatrixPrinter

KEPT = "·−"  # as wide as what stands for them, and where lines are broken
ASCII = Pen(
    spell=lambda line: to_ascii(line, KEPT),
    bar="-",
    hook="\\",
    stroke="/",
    big=(),
    fences=(("(", "/", "|", "\\"), (")", "\\", "|", "/")),
)


def render(derivation: Derivation, steps: str = "full", digits: int | None = None, width: int = WIDTH) -> str:
    """The whole derivation within `width` columns; `brief` leaves the way out and keeps formulas and values."""
    printer = (_AsciiMatrixPrinter if derivation.view == "matrix" else _AsciiPrinter)(
        derivation, steps == "full", digits, width
    )
    return wrapped(to_ascii("\n".join([*printer.all(), ""])), width)


class _AsciiPrinter(Printer):
    """Writes signs out before lines are aligned and broken."""

    pen = ASCII
    unspelled: ClassVar[type[Printer]] = Printer

    def math(self, expr: Expr) -> str:
        return to_ascii(super().math(expr), KEPT)

    def unicode(self, expr: Expr, scalar_names: bool = False) -> str:
        return to_ascii(super().unicode(expr, scalar_names), KEPT)

    def equation(self, left: str, rights: list[str], indent: int = 2) -> list[str]:
        return super().equation(to_ascii(left, KEPT), [to_ascii(right, KEPT) for right in rights], indent)

    def title(self, written: list[str]) -> list[str]:
        """The title; which signs have to be explained is seen where they stand as signs."""
        signs = self.unspelled(self.derivation, self.full, self.digits, self.width).all()
        return super().title(signs)


class _AsciiMatrixPrinter(_AsciiPrinter, MatrixPrinter):
    """The same with the matrix forms."""

    unspelled = MatrixPrinter
