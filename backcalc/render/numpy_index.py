"""Index and size expressions as Python text, and the ranges in which they lie.

Formulas count from 1, arrays from 0: `x[i+a-1]` is read at `i + a - 2`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import floor, lcm

from backcalc.formula.affine import Linear, linear
from backcalc.formula.tree import Add, Call, Div, Expr, Mul, Neg, Num, Pow, Ref, names, num

Ranges = Mapping[str, tuple[Expr, Expr]]
"""The smallest and the largest value of every index, over sizes and loop variables."""

Spell = Callable[[str], str]
"""The identifier of an index, a loop variable or a size."""

SUM, PRODUCT, SIGN, ATOM = range(4)


def whole_code(expr: Expr, spell: Spell, level: int = SUM) -> str:
    """A whole number as Python writes it.

    >>> from backcalc.formula.read import read_expression
    >>> whole_code(read_expression("2*i + a - 2"), str), whole_code(read_expression("div(n-1, 4) + 1"), str)
    ('2 * i + a - 2', '(n - 1) // 4 + 1')
    """
    text, own = _code(expr, spell)
    return text if own >= level else f"({text})"


def _code(expr: Expr, spell: Spell) -> tuple[str, int]:
    match expr:
        case Num(value):
            return str(value), ATOM if value >= 0 and value.denominator == 1 else SIGN
        case Ref(name, ()):
            return spell(name), ATOM
        case Add(terms):
            text = whole_code(terms[0], spell)
            for term in terms[1:]:
                part = whole_code(term, spell, PRODUCT)
                text += f" - {part[1:]}" if part.startswith("-") else f" + {part}"
            return text, SUM
        case Neg(operand):
            return f"-{whole_code(operand, spell, SIGN)}", SIGN
        case Mul(factors):
            return " * ".join(whole_code(factor, spell, SIGN) for factor in factors), PRODUCT
        case Div(over, under) | Call("div", (over, under)):
            return f"{whole_code(over, spell, SIGN)} // {whole_code(under, spell, ATOM)}", PRODUCT
        case Call("mod", (over, under)):
            return f"{whole_code(over, spell, SIGN)} % {whole_code(under, spell, ATOM)}", PRODUCT
        case Call(("max" | "min") as function, arguments):
            numpy = "np.maximum" if function == "max" else "np.minimum"
            text = whole_code(arguments[0], spell)
            for argument in arguments[1:]:
                text = f"{numpy}({text}, {whole_code(argument, spell)})"
            return text, ATOM
        case Pow(base, exponent):
            return f"{whole_code(base, spell, ATOM)} ** {whole_code(exponent, spell, ATOM)}", SIGN
        case _:
            raise ValueError(f"no whole number: {expr}")


def from_zero(index: Expr) -> Expr:
    """An index that counts from 1, as one that counts from 0; a fraction of an index is rounded down."""
    form = linear(index) - linear(num(1))
    below = lcm(*(c.denominator for c in (*form.coefficients.values(), form.constant)))
    return form.expr() if below == 1 else Div((form * num(below).value).expr(), num(below))


def span(expr: Expr, ranges: Ranges) -> tuple[Linear, Linear] | None:
    """The smallest and the largest value, over what has no range of its own; None where that is not certain.

    >>> from backcalc.formula.read import read_expression
    >>> low, high = span(read_expression("2*i - a + n"), {"i": (num(1), Ref("N")), "a": (num(0), num(2))})
    >>> whole_code(low.expr(), str), whole_code(high.expr(), str)
    ('n', '2 * N + n')
    """
    form = linear(expr)
    low = high = linear(num(form.constant))
    for atom, coefficient in form.coefficients.items():
        found = _atom_span(atom, ranges)
        if found is None:
            return None
        ends = (found[0] * coefficient, found[1] * coefficient)
        low, high = (low + ends[0], high + ends[1]) if coefficient > 0 else (low + ends[1], high + ends[0])
    return low, high


def _atom_span(atom: Expr, ranges: Ranges) -> tuple[Linear, Linear] | None:
    match atom:
        case Ref(name, ()) if name in ranges:
            low, high = ranges[name]
            return linear(low), linear(high)
        case _ if not names(atom) & ranges.keys():
            return linear(atom), linear(atom)
        case Call("mod", (_, Num(n))):
            return linear(num(0)), linear(num(n - 1))
        case Call("div", (over, Num(n))):
            found = span(over, ranges)
            if found is None or found[0].coefficients or found[1].coefficients:
                return None
            return linear(num(floor(found[0].constant / n))), linear(num(floor(found[1].constant / n)))
        case Call(("max" | "min") as function, arguments):
            spans = [span(argument, ranges) for argument in arguments]
            known = [each for each in spans if each is not None]
            if len(known) < len(spans):
                return None
            ends = [linear(Call(function, tuple(each[end].expr() for each in known))) for end in (0, 1)]
            return ends[0], ends[1]
        case _:
            return None


def is_inside(index: Expr, extent: Expr, ranges: Ranges) -> bool:
    """Whether an index certainly lies between 1 and the extent.

    >>> from backcalc.formula.read import read_expression
    >>> window = {"i": (num(1), num(4)), "a": (num(1), num(2))}
    >>> is_inside(read_expression("i + a - 1"), num(5), window), is_inside(read_expression("i + a"), num(5), window)
    (True, False)
    """
    found = span(index, ranges)
    if found is None:
        return False
    below, above = found[0] - linear(num(1)), linear(extent) - found[1]
    return all(not room.coefficients and room.constant >= 0 for room in (below, above))
