"""Formulas in two dimensions, as on paper: fractions with a bar, roots with a roof, sums with limits.

>>> from backcalc.formula.read import read_expression
>>> for line in displayed("y[j]", read_expression("exp(z[j])/sum(k=1..K, exp(z[k]))"), UNICODE) or (): print(line)
        exp(z[j])
y[j] = ────────────
        K
        Σ exp(z[k])
       k=1
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from backcalc.formula.print_text import ATOM, COMPARE, FACTOR, POWER, PRODUCT, SIGNED, SUM
from backcalc.formula.print_unicode import UnicodePrinter, to_unicode
from backcalc.formula.tree import Add, Call, Compare, Div, Expr, Mul, Neg, Num, Pow, Reduce, Ref, children
from backcalc.render.layout import WIDTH, paragraph
from backcalc.render.maths_boxes import UNICODE, Box, Pen, beside, columns, raised, text

_FLAT = frozenset({"matmul", "transpose", "diff"})
_LINE = UnicodePrinter(minus="−", times="·", decimals=True)
_TIGHT = replace(_LINE, tight=True)


def displayed(
    left: str, expr: Expr, pen: Pen = UNICODE, indent: int = 0, width: int = WIDTH, after: str = ""
) -> list[str] | None:
    """The lines of `left = expr` in two dimensions; None where one line reads as well, or where it does not fit.

    Too wide a formula is broken before its + and − outside parentheses. `after`, a value or a reason in parentheses,
    stands behind it where there is room, else below.
    """
    head = " " * indent + left + " = "
    fits = columns(head) + columns(pen.spell(to_unicode(expr))) <= width
    if not (_has_fraction_or_root(expr) or (not fits and _has_limits(expr))):
        return None
    drawing = _Drawing(pen)
    pieces = drawing.terms(expr.terms) if isinstance(expr, Add) else [drawing.draw(expr)]
    name: list[str] = []
    rows = _rows(text(head), pieces, width)
    if rows is None:  # the sign of equality moves below the left side
        name, head = ([" " * indent + left] if left.strip() else []), " " * (indent + 2) + " = "
        rows = _rows(text(head), pieces, width)
    if rows is None:
        return None
    hang = columns(head)
    after = pen.spell(after)
    gap = "   " if after.startswith("(") else " "
    below: list[str] = []
    if after and rows[-1].width + len(gap + after) <= width:
        rows[-1] = beside(rows[-1], text(gap + after))
    elif after:
        below = paragraph(after, hang if after.startswith("(") else hang - 2, width)
    lines = [line for row in rows for line in (*str(row).split("\n"), "")]
    return [*name, *lines[:-1], *below]


def _rows(head: Box, pieces: Sequence[Box], width: int) -> list[Box] | None:
    """The pieces behind the head, in as many rows as they need; None where one is wider than a row."""
    rows: list[Box] = []
    current = head
    for number, piece in enumerate(pieces):
        if number and current.width + piece.width > width:
            rows.append(current)
            current = text(" " * head.width)
        if current.width + piece.width > width:
            return None
        current = beside(current, piece)
    return [*rows, current]


def _is_atom(expr: Expr) -> bool:
    return isinstance(expr, Num) or (isinstance(expr, Ref) and _LINE.parts(expr)[1] == ATOM)


def _is_drawn(expr: Expr) -> bool:
    """Whether the node itself is drawn in more than one line."""
    match expr:
        case Div(over, under):
            return not (_is_atom(over) and _is_atom(under))
        case Call("sqrt", (of,)):
            return not _is_atom(of)
        case Reduce(_, _, lower, _, _, _):
            return lower is not None
        case _:
            return False


def _inner(expr: Expr) -> tuple[Expr, ...]:
    """The parts that are drawn; indices, conditions and matrix products stay on one line."""
    match expr:
        case Ref() | Compare():
            return ()
        case Call(function, arguments) if function in _FLAT or any(isinstance(a, Compare) for a in arguments):
            return ()
        case Reduce(_, _, _, _, _, body):
            return (body,)
        case _:
            return children(expr)


def _has_fraction_or_root(expr: Expr) -> bool:
    return (_is_drawn(expr) and not isinstance(expr, Reduce)) or any(map(_has_fraction_or_root, _inner(expr)))


def _has_limits(expr: Expr) -> bool:
    return (_is_drawn(expr) and isinstance(expr, Reduce)) or any(map(_has_limits, _inner(expr)))


def _is_tall(expr: Expr) -> bool:
    return _is_drawn(expr) or any(map(_is_tall, _inner(expr)))


@dataclass(frozen=True, slots=True)
class _Drawing:
    """Draws a tree, with the parentheses that the printer of one line sets, but for those that a bar makes needless."""

    pen: Pen

    def draw(self, expr: Expr, level: int = COMPARE) -> Box:
        """The box of a part, in parentheses where its place asks for them."""
        if not _is_tall(expr):
            return self.pen.text(_LINE.write(expr, level))
        box, own = self.parts(expr)
        return box if own >= level else self.pen.enclosed(box)

    def parts(self, expr: Expr) -> tuple[Box, int]:
        """The box of a tall tree, and its level."""
        match expr:
            case Add(terms):
                return beside(*self.terms(terms)), SUM
            case Neg(operand):
                return self.signed("−", self.draw(operand, PRODUCT)), SIGNED
            case Mul(factors):
                return self.product(factors), PRODUCT
            case Div(over, under):
                return self.pen.fraction(self.draw(over), self.draw(under)), FACTOR
            case Pow(base, exponent):
                return self.power(base, exponent), POWER
            case Call("sqrt", (of,)):
                return self.pen.root(self.draw(of)), FACTOR
            case Call(function, arguments):
                return self.call(function, arguments), ATOM
            case Reduce():
                return self.reduction(expr), FACTOR
            case _:
                return self.pen.text(_LINE.write(expr)), _LINE.parts(expr)[1]

    def terms(self, terms: Sequence[Expr]) -> list[Box]:
        """The terms of a sum, every one but the first behind its sign."""
        boxes = [self.draw(terms[0], SIGNED)]
        for term in terms[1:]:
            match term:
                case Neg(operand):
                    boxes.append(beside(self.pen.text(" − "), self.draw(operand, PRODUCT)))
                case _ if not _is_tall(term) and (line := _LINE.write(term, SIGNED)).startswith("−"):
                    boxes.append(self.pen.text(f" − {line[1:]}"))
                case _:
                    boxes.append(beside(self.pen.text(" + "), self.draw(term, SIGNED)))
        return boxes

    def signed(self, sign: str, box: Box) -> Box:
        """A minus sign, apart from a bar that follows it."""
        return beside(self.pen.text(sign + " " * box.level.startswith(self.pen.bar)), box)

    def product(self, factors: Sequence[Expr]) -> Box:
        *others, last = factors
        boxes = [self.factor(factor, first=not place) for place, factor in enumerate(others)]
        product, *rest = [*boxes, self.draw(last, FACTOR)]
        for box in rest:
            bars = product.level.endswith(self.pen.bar) or box.level.startswith(self.pen.bar)
            product = beside(product, self.pen.text(" · " if bars else "·"), box)
        return product

    def factor(self, expr: Expr, first: bool) -> Box:
        """A factor that others follow."""
        if not _is_tall(expr):
            return self.pen.text(_LINE.leftmost(expr) if first else _LINE.factor(expr))
        return self.pen.enclosed(self.draw(expr)) if _LINE.is_open(expr) else self.draw(expr, FACTOR)

    def power(self, base: Expr, exponent: Expr) -> Box:
        below = self.draw(base, ATOM)
        script = self.pen.spell(_LINE.power(Ref("u"), exponent)[0].removeprefix("u"))
        if script.startswith("^"):
            return raised(below, self.draw(exponent))
        blank = " " * columns(script)
        return beside(below, Box((script, *[blank] * (below.height - 1)), below.baseline))

    def call(self, function: str, arguments: Sequence[Expr]) -> Box:
        first, *rest = [self.draw(argument) for argument in arguments]
        if function in ("max", "min") and _LINE.looks_bound(tuple(arguments)):
            first = self.pen.enclosed(first)
        inner = beside(first, *(box for argument in rest for box in (self.pen.text(", "), argument)))
        return beside(self.pen.text(_LINE.function(function)), self.pen.enclosed(inner))

    def reduction(self, expr: Reduce) -> Box:
        body = self.draw(expr.body, PRODUCT)
        if expr.lower is None:
            sign = _LINE.reduction(replace(expr, body=Ref("u")))[0].removesuffix("u")
            return beside(self.pen.text(sign), body)
        index, lower = _TIGHT.spell(expr.index), _TIGHT.write(expr.lower, SUM)
        upper = None if expr.upper is None else _TIGHT.write(expr.upper, SUM)
        two_sided = expr.operation in ("sum", "prod")
        under = f"{index}={lower}" if two_sided else _TIGHT.range(expr)
        if expr.exclude is not None:
            under += f", {index}≠{_TIGHT.write(expr.exclude, SUM)}"
        over = self.pen.text(upper) if two_sided and upper is not None else None
        return self.pen.reduction(expr.operation, over, self.pen.text(under), body)
