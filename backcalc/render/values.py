"""How values are shown: exactly where that is short, with six digits beside what is not rational."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from backcalc.derive.exact import Exact
from backcalc.derive.write import negated
from backcalc.formula.evaluate import Array
from backcalc.formula.print_unicode import to_unicode
from backcalc.formula.tree import Call, Expr, Mul, Neg, Num, Reduce, Ref, num, rebuild, substitute, walk

SHORT = 26  # characters of an exact value that is shown in a line
TERSE = 12  # characters of an exact value that is put into a formula
DIGITS = 6


def decimal_text(value: Exact, digits: int = DIGITS) -> str:
    """The decimal with so many significant digits, no trailing zeros, an ordinary minus sign.

    >>> from fractions import Fraction
    >>> decimal_text(Exact.of(Fraction(1, 3)))
    '0.333333'
    """
    text = value.digits(digits)
    if "e" in text:
        mantissa, exponent = text.split("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def shown(value: Exact, digits: int | None = None) -> str:
    """A value in a line: `3/2`, `log(2) ≈ 0.693147`, `≈ 0.797057`; without the sign where nothing is rounded."""
    tree = value.expr()
    exact = None if tree is None else to_unicode(tree)
    decimal = decimal_text(value, digits or DIGITS).replace("-", "−")
    if exact is None or len(exact) > SHORT:
        return f"≈ {decimal}"
    if value.rational is not None and Fraction(decimal.replace("−", "-")) == value.rational:
        return exact
    if value.rational is None or digits is not None:
        return f"{exact} ≈ {decimal}" if exact != decimal else exact
    return exact if len(exact) <= TERSE else f"{exact} ≈ {decimal}"


def without_means_of_one(expr: Expr) -> Expr:
    """The formula with the mean over a single number written as that number.

    >>> from backcalc.formula.read import read_expression
    >>> to_unicode(without_means_of_one(read_expression("2*mean(i=1..1, y[i]^2)")))
    '2·y[1]²'
    """
    match expr:
        case Reduce("mean", index, Num(lower), Num(upper), None, body) if lower == upper:
            return without_means_of_one(substitute(body, {index: num(lower)}))
        case _:
            return rebuild(expr, without_means_of_one)


def put_in(formula: Expr, values: Mapping[str, Array[Exact]], partly: bool = False) -> Expr | None:
    """The formula with the numbers in the place of the names; None where nothing is replaced.

    A name without a value makes it None too, unless `partly`: then it stays a name.
    """
    found = False

    def replace(expr: Expr) -> Expr:
        nonlocal found
        if isinstance(expr, Ref):
            array = values.get(expr.name)
            place = tuple(index.value.numerator for index in expr.indices if isinstance(index, Num))
            if array is None or place not in array:
                return expr
            found = True
            return _number(array[place])
        if isinstance(expr, Neg):
            inner = replace(expr.operand)
            below = isinstance(inner, Neg) or (isinstance(inner, Num) and inner.value <= 0)
            return Neg(inner) if below else negated(inner)
        changed = rebuild(expr, replace)
        match changed:
            case Mul((Neg(first), *rest)):  # −0.5·2 needs no parentheses
                return Neg(Mul((first, *rest)))
            case _:
                return changed

    for node in walk(formula):
        if not partly and isinstance(node, Ref) and node.name not in values and node.name not in ("e", "pi"):
            return None
    result = replace(formula)
    return result if found else None


def _number(value: Exact) -> Expr:
    tree = value.expr()
    if isinstance(tree, Num) and tree.value.denominator == 1 and abs(tree.value) >= 10**TERSE:
        tree = None
    if isinstance(tree, (Num, Call, Neg)) and len(to_unicode(tree)) <= TERSE:
        return tree
    text = decimal_text(value)
    # A rounded number is shown as it stands, never as the fraction that its digits make.
    return Neg(Ref(text[1:])) if text.startswith("-") else Ref(text)


def nested(array: Array[Exact], change: Callable[[Exact], Any]) -> Any:
    """An array as nested lists, each value through `change`."""
    from backcalc.derive.arrays import nested as nest

    return nest(array, change)
