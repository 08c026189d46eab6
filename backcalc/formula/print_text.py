"""Tree to text, in the syntax of the language: `read_expression(to_text(tree)) == tree`, for every tree.

The printer adds exactly the parentheses that the reader needs to build the same tree again. `LinePrinter` is
shared with `print_unicode`, which changes the signs and not the structure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction

from backcalc.formula.lexer import MAX_DIGITS
from backcalc.formula.names import is_derivative
from backcalc.formula.pieces import reads_at
from backcalc.formula.recurrence import row_spelled_out
from backcalc.formula.tree import Add, Call, Compare, Div, Expr, Mul, Neg, Num, Pow, Reduce, Ref, Table

# What a text is, by the place where it may stand without parentheses: anywhere a comparison may, a sum may,
# a signed term may, at the left of a product, as any factor, under a fraction bar, as the base of a power.
COMPARE, SUM, SIGNED, PRODUCT, FACTOR, POWER, ATOM = range(7)

_ENDS_IN_D = re.compile(r"\bd\w+'*$")


def to_text(expr: Expr, *, decimals: bool = False) -> str:
    """The formula in the syntax of the language; with `decimals` a fraction that ends is 1.368 where that is shorter.

    >>> to_text(Mul((Neg(Ref("a")), Add((Ref("b"), Num(Fraction(-1, 2)))))))
    '(-a)*(b - 1/2)'
    """
    return LinePrinter(decimals=decimals).write(expr)


@dataclass(frozen=True, slots=True)
class LinePrinter:
    """Prints a tree on one line; `tight` (inside index brackets) leaves no blanks, `decimals` are 1.7 for 17/10."""

    tight: bool = False
    minus: str = "-"
    times: str = "*"
    decimals: bool = False

    def write(self, expr: Expr, level: int = COMPARE) -> str:
        """The text of a part, in parentheses where its place asks for them."""
        text, own = self.parts(expr)
        return text if own >= level else self.enclose(expr, text)

    def enclose(self, expr: Expr, text: str) -> str:
        """The text in parentheses."""
        return f"({text})"

    def parts(self, expr: Expr) -> tuple[str, int]:
        """The text of a tree, and its level."""
        match expr:
            case Num(value):
                return self.number(value)
            case Ref():
                return self.name(row_spelled_out(expr))
            case Add(terms):
                return self.sum([self.write(term, SIGNED) for term in terms]), SUM
            case Neg(operand):
                body = self.write(operand, PRODUCT)
                # A minus before a digit would be read as the sign of the literal.
                if (body[0].isdigit() and self.minus == "-") or body.startswith(self.minus):
                    body = self.enclose(operand, body)
                return self.minus + body, SIGNED
            case Mul(factors):
                first = self.leftmost(factors[0])
                rest = [self.factor(factor) for factor in factors[1:-1]]
                return self.signed(self.times.join([first, *rest, self.write(factors[-1], FACTOR)]))
            case Div(numerator, denominator):
                return self.signed(self.quotient(numerator, denominator))
            case Pow(base, exponent):
                return self.power(base, exponent)
            case Call("matmul", (left, right)):
                return self.matmul(left, right), PRODUCT
            case Call("transpose", (operand,)):
                return self.transpose(operand), POWER
            case Call(function, arguments):
                return self.call(function, arguments)
            case Compare(operators, operands):
                return self.comparison(operators, operands), COMPARE
            case Reduce():
                return self.reduction(expr)
            case Table(items):
                return f"[{self.comma().join(self.item(item) for item in items)}]", ATOM

    def signed(self, text: str) -> tuple[str, int]:
        return text, SIGNED if text.startswith(self.minus) else PRODUCT

    def comma(self) -> str:
        return "," if self.tight else ", "

    # -- leaves -----------------------------------------------------------------------------------

    def number(self, value: Fraction) -> tuple[str, int]:
        text = (short_decimal(abs(value)) if self.decimals else None) or literal(abs(value))
        level = PRODUCT if "/" in text else ATOM
        return (self.minus + text, SIGNED) if value < 0 else (text, level)

    def name(self, expr: Ref) -> tuple[str, int]:
        text = self.spell(expr.name) + self.indices(expr.indices)
        return text, FACTOR if is_derivative(expr.name) else ATOM

    def spell(self, name: str) -> str:
        return name

    def indices(self, indices: tuple[Expr, ...]) -> str:
        if not indices:
            return ""
        inner = replace(self, tight=True)
        return f"[{','.join(inner.write(index) for index in indices)}]"

    def item(self, item: Expr) -> str:
        """An entry of an array; a comparison in parentheses, since `[a > b]` is no array."""
        return self.write(item, SUM)

    # -- operators --------------------------------------------------------------------------------

    def sum(self, terms: list[str]) -> str:
        gap = "" if self.tight else " "
        signs = ((self.minus, term[1:]) if term.startswith(self.minus) else ("+", term) for term in terms[1:])
        return terms[0] + "".join(f"{gap}{sign}{gap}{term}" for sign, term in signs)

    def comparison(self, operators: tuple[str, ...], operands: tuple[Expr, ...]) -> str:
        gap = "" if self.tight else " "
        text = self.write(operands[0], SUM)
        for operator, operand in zip(operators, operands[1:], strict=True):
            text += f"{gap}{self.sign(operator)}{gap}{self.write(operand, SUM)}"
        return text

    def sign(self, operator: str) -> str:
        return operator

    def is_open(self, expr: Expr) -> bool:
        """Whether the text runs on to the right, so that a factor after it would be drawn in."""
        return False

    def factor(self, expr: Expr) -> str:
        """A factor that others follow."""
        text = self.write(expr, FACTOR)
        return self.enclose(expr, text) if self.is_open(expr) else text

    def leftmost(self, expr: Expr) -> str:
        """The first factor: a quotient, a fraction or a signed literal needs no parentheses there."""
        if isinstance(expr, Mul | Neg) or is_matmul(expr) or self.is_open(expr):
            return self.enclose(expr, self.write(expr))
        text, own = self.parts(expr)
        return text if own >= SIGNED else self.enclose(expr, text)

    def quotient(self, numerator: Expr, denominator: Expr) -> str:
        below = self.write(denominator, POWER)
        above, own = self.parts(numerator)
        last = numerator.factors[-1] if isinstance(numerator, Mul) else numerator
        enclosed = (
            own < SIGNED
            or isinstance(numerator, Neg | Div)
            or is_matmul(numerator)
            or self.is_open(numerator)
            # `1/2` is one number: a quotient of two literals says that it is none.
            or (isinstance(numerator, Num) and (below.isdigit() or "/" in above))
            # `dJ/dz` is one name where J is a loss.
            or own == FACTOR
            or (isinstance(last, Ref) and is_derivative(last.name))
            or (isinstance(last, Call) and last.function == "diff")
            or (below[0] == "d" and _ENDS_IN_D.search(above) is not None)
        )
        return f"{self.enclose(numerator, above) if enclosed else above}/{below}"

    def power(self, base: Expr, exponent: Expr) -> tuple[str, int]:
        return f"{self.write(base, ATOM)}^{self.write(exponent, POWER)}", POWER

    def matmul(self, left: Expr, right: Expr) -> str:
        gap = "" if self.tight else " "
        first = self.write(left) if is_matmul(left) and not self.is_open(left) else self.factor(left)
        return f"{first}{gap}@{gap}{self.write(right, FACTOR)}"

    def transpose(self, operand: Expr) -> str:
        text = self.write(operand, ATOM)
        # `2.T` would be read as the number `2.` and a name.
        return (self.enclose(operand, text) if text[0].isdigit() or text[0] == "." else text) + self.transposed()

    def transposed(self) -> str:
        return ".T"

    # -- calls ------------------------------------------------------------------------------------

    def call(self, function: str, arguments: tuple[Expr, ...]) -> tuple[str, int]:
        written = [self.write(argument) for argument in arguments]
        if function in ("max", "min") and self.looks_bound(arguments):
            written[0] = self.enclose(arguments[0], written[0])
        return f"{self.function(function)}({self.comma().join(written)})", ATOM

    def looks_bound(self, arguments: tuple[Expr, ...]) -> bool:
        """Whether the first argument of a maximum would be read as the index of a reduction."""
        first = arguments[0]
        if isinstance(first, Compare):
            return True
        return isinstance(first, Ref) and not first.indices and reads_at(arguments[-1], first.name)

    def function(self, name: str) -> str:
        return name

    def reduction(self, expr: Reduce) -> tuple[str, int]:
        parts = [self.range(expr)] if self.says_range(expr) else []
        if expr.exclude is not None:
            parts.append(f"{self.spell(expr.index)} != {self.write(expr.exclude, SUM)}")
        parts = parts or [self.spell(expr.index)]
        return f"{expr.operation}({self.comma().join([*parts, self.write(expr.body)])})", ATOM

    def says_range(self, expr: Reduce) -> bool:
        """Whether `k=` must stand: where there are bounds, and where `max(k, …)` would be read as two arguments."""
        if expr.lower is not None:
            return True
        return expr.operation in ("max", "min") and not reads_at(expr.body, expr.index)

    def range(self, expr: Reduce) -> str:
        lower, upper = (None if bound is None else self.write(bound, SUM) for bound in (expr.lower, expr.upper))
        return f"{self.spell(expr.index)}={lower or ''}..{upper or ''}"


def is_matmul(expr: Expr) -> bool:
    """Whether it is a matrix product: among factors it keeps its parentheses, `(A @ B)*c`, though none are needed."""
    return isinstance(expr, Call) and expr.function == "matmul"


def literal(value: Fraction) -> str:
    """The number that is not negative as the language writes it: an integer, `p/q`, or with an exponent if long.

    >>> literal(Fraction(1, 10)), literal(Fraction(10**120))
    ('1/10', '1e120')
    """
    above, below = digits(value.numerator), digits(value.denominator)
    if max(len(above), len(below)) <= MAX_DIGITS:
        return above if below == "1" else f"{above}/{below}"
    if below == "1":
        significant = above.rstrip("0")
        return f"{significant}e{len(above) - len(significant)}" if len(significant) <= MAX_DIGITS else above
    return decimal(value) or f"{above}/{below}"


def short_decimal(value: Fraction) -> str | None:
    """A fraction that ends as a decimal where that is shorter, 1.368 for 171/125; None for 1/2, which stays a fraction.

    >>> short_decimal(Fraction("1.7159")), short_decimal(Fraction(1, 10)), short_decimal(Fraction(1, 2))
    ('1.7159', '0.1', None)
    """
    if value.denominator == 1 or value.denominator >= 10**12 or value.numerator >= 10**20:
        return None
    places = next((k for k in range(1, 13) if 10**k % value.denominator == 0), 0)
    if not places:
        return None
    whole, rest = divmod(value.numerator * 10**places // value.denominator, 10**places)
    text = f"{whole}.{rest:0{places}d}"
    saved = len(f"{value.numerator}/{value.denominator}") - len(text)
    return text if saved > 0 or (saved == 0 and value.denominator > 10) else None


def decimal(value: Fraction) -> str | None:
    """`Me-K` for a fraction that ends as a decimal, else None."""
    twos = (value.denominator & -value.denominator).bit_length() - 1
    rest, fives = value.denominator >> twos, 0
    while rest % 5 == 0:
        rest //= 5
        fives += 1
    places = max(twos, fives)
    return f"{digits(value.numerator * 10**places // value.denominator)}e-{places}" if rest == 1 else None


def digits(value: int) -> str:
    """The decimal digits of a natural number of any length (`str` refuses beyond 4300)."""
    if value.bit_length() < 14_000:
        return str(value)
    half = value.bit_length() * 3 // 20
    above, below = divmod(value, 10**half)
    return digits(above) + digits(below).zfill(half)
