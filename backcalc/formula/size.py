"""Sizes that may be letters: whole numbers that remember how they came about.

A layer computes with the sizes of its input as with numbers, `28 + 2*2 - 5 + 1`. Where a size is a letter the same
arithmetic runs on `Size`: an `int`, so that it can be compared and checked, with the polynomial that it stands for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from backcalc.formula.tree import Call, Expr, Ref, names

if TYPE_CHECKING:
    from backcalc.formula.polynomial import Polynomial

# Polynomials are loaded where there is a letter: most networks have none.
COMMON = 27_720  # divisible by every number up to 12


class Size(int):
    """A size with letters in it.

    As a number it is that of an example in which every letter is large and can be divided by every number up to 12;
    as a text it is its formula. A quotient that is whole in the example is taken to be whole: `assumed` says so.

    >>> d = Size.letter("d")
    >>> str(4 * (d + 1) * d), f"{d // 4}", d % 8, (4 * (d // 4)).assumed
    ('(4*d^2 + 4*d)', 'd/4', 0, frozenset({'d is divisible by 4'}))
    """

    polynomial: Polynomial
    assumed: frozenset[str]

    def __new__(cls, number: int, formula: Polynomial, assumed: frozenset[str] = frozenset()) -> Size:
        made = super().__new__(cls, number)
        made.polynomial = formula
        made.assumed = assumed
        return made

    @classmethod
    def letter(cls, name: str) -> Size:
        """A letter. The number of its example depends on its name alone, and differs from name to name."""
        from backcalc.formula.polynomial import Polynomial

        return cls(COMMON * (1009 + 2 * (crc32(name.encode()) % 45_000)), Polynomial.of(Ref(name)))

    @property
    def expr(self) -> Expr:
        """The formula as an expression."""
        return self.polynomial.expr

    @property
    def letters(self) -> frozenset[str]:
        """The letters in it."""
        return names(self.expr)

    def __add__(self, other: int) -> int:
        return _made(int(self) + int(other), formula_of(self) + formula_of(other), self, other)

    __radd__ = __add__

    def __sub__(self, other: int) -> int:
        return _made(int(self) - int(other), formula_of(self) - formula_of(other), self, other)

    def __rsub__(self, other: int) -> int:
        return _made(int(other) - int(self), formula_of(other) - formula_of(self), self, other)

    def __neg__(self) -> int:
        return self * -1

    def __mul__(self, other: int) -> int:
        return _made(int(self) * int(other), formula_of(self) * formula_of(other), self, other)

    __rmul__ = __mul__

    def __floordiv__(self, other: int) -> int:
        return _divided(self, other)

    def __rfloordiv__(self, other: int) -> int:
        return _divided(other, self)

    def __str__(self) -> str:
        from backcalc.formula.print_text import to_text

        text = to_text(self.expr)
        return f"({text})" if " " in text else text

    __repr__ = __str__

    def __format__(self, form: str) -> str:
        sign = "+" if "+" in form and not str(self).startswith("-") else ""
        return format(sign + str(self), form.replace("+", "").replace(",", "").replace("d", ""))


def formula_of(value: int) -> Polynomial:
    """The polynomial that a size is, a constant for a plain number."""
    from backcalc.formula.polynomial import Polynomial

    return value.polynomial if isinstance(value, Size) else Polynomial.of(value)


def assumed_of(*values: int) -> frozenset[str]:
    """What was assumed on the way to some sizes."""
    return frozenset().union(*(value.assumed for value in values if isinstance(value, Size)))


def _made(number: int, formula: Polynomial, *parts: int) -> int:
    """The size, a plain number where no letter is left."""
    return number if formula.constant is not None else Size(number, formula, assumed_of(*parts))


def _divided(above: int, below: int) -> int:
    """The quotient: exact where it is in the example, which is remembered, else rounded down."""
    from backcalc.formula.polynomial import polynomial
    from backcalc.formula.print_text import to_text

    over, under = formula_of(above), formula_of(below)
    rounded = any(isinstance(letter, Call) for monomial in over.terms for letter, _ in monomial)
    quotient = over.over(under) if int(above) % int(below) == 0 and not rounded else None
    if quotient is None:
        return _made(int(above) // int(below), polynomial(Call("div", (over.expr, under.expr))), above, below)
    assumed = assumed_of(above, below)
    if any(coefficient.denominator != 1 for coefficient in quotient.terms.values()):
        assumed |= {f"{to_text(over.expr)} is divisible by {to_text(under.expr)}"}
    number = int(above) // int(below)
    return number if quotient.constant is not None else Size(number, quotient, assumed)


def sized(expr: Expr) -> int:
    """The size that an expression stands for, with letters where it has some. Raises EvaluationError.

    >>> from backcalc.formula.read import read_expression
    >>> str(sized(read_expression("(5*5*c + 1)*6")))
    '(150*c + 6)'
    """
    from backcalc.formula.polynomial import polynomial

    formula = polynomial(expr)
    if formula.constant is not None:
        return formula.constant.numerator
    number = formula.value({name: int(Size.letter(name)) for name in names(expr)})
    return _made(number.numerator // number.denominator, formula)


def shown(size: int) -> int | str:
    """A size as JSON has it: a number, or its formula as text.

    >>> shown(3), shown(Size.letter("d") + 1)
    (3, 'd + 1')
    """
    return str(size).removeprefix("(").removesuffix(")") if isinstance(size, Size) else size
