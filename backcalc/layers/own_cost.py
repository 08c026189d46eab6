"""What equations of one's own cost, where that can be read off: operations on each number, without sums or choices."""

from __future__ import annotations

from collections import Counter
from math import prod
from typing import TYPE_CHECKING

from backcalc.formula.tree import Add, Call, Compare, Div, Expr, Mul, Neg, Num, Pow, Reduce, Ref, walk

if TYPE_CHECKING:
    from backcalc.formula.program import Program

_SINGLE = frozenset({"exp", "log", "sqrt", "erf", "sin", "cos"})


def operations(program: Program) -> Counter[str] | None:
    """The operations by kind; None where the equations add up, choose by numbers, or compute something twice.

    >>> from backcalc.formula.infer import build_program
    >>> from backcalc.formula.read import read_equation
    >>> from backcalc.formula.source import SourceEquation
    >>> line = SourceEquation(*read_equation("y[i] = a*x[i]^2 - exp(x[i])"))
    >>> sorted(operations(build_program([line], {"x": (4,), "a": ()})).items())
    [('add', 4), ('exp', 4), ('multiply', 8)]
    """
    found = Counter[str]()
    for equation in program.by_name.values():
        shape, each = program.shape(equation.name), _of(equation.body)
        calls = Counter(part for part in walk(equation.body) if isinstance(part, Call) and part.function != "if")
        if shape is None or each is None or any(number > 1 for number in calls.values()):
            return None
        for kind, number in each.items():
            found[kind] += number * prod(shape)
    return found


def _of(expr: Expr) -> Counter[str] | None:
    """The operations of one number."""
    match expr:
        case Num() | Ref():
            return Counter()
        case _ if not any(isinstance(part, Ref) for part in walk(expr)):  # arithmetic of numbers alone
            return Counter()
        case Call("if", (Compare() as condition, yes, no)) if not _reads(condition):
            moved = (_of(yes), _of(no))
            return Counter() if moved == (Counter(), Counter()) else None
        case Reduce() | Compare() | Call("if"):
            return None
        case _:
            return _all(_parts(expr), _own(expr))


def _parts(expr: Expr) -> tuple[Expr, ...]:
    match expr:
        case Add(terms):  # a sign inside a sum is part of the subtraction
            return tuple(term.operand if isinstance(term, Neg) else term for term in terms)
        case Mul(factors):
            return factors
        case Neg(operand):
            return (operand,)
        case Div(numerator, denominator):
            return numerator, denominator
        case Pow(base, _):
            return (base,)
        case Call(_, arguments):
            return arguments
        case _:
            return ()


def _own(expr: Expr) -> Counter[str] | None:
    match expr:
        case Add(terms):
            return Counter(add=len(terms) - 1)
        case Mul(factors):
            return Counter(multiply=len(factors) - 1)
        case Neg():
            return Counter(negate=1)
        case Div():
            return Counter(divide=1)
        case Pow(_, Num(exponent)) if exponent.denominator == 1 and exponent >= 1:
            return Counter(multiply=exponent.numerator - 1)
        case Call("max" | "min", arguments):
            return Counter(compare=len(arguments) - 1)
        case Call(function, _) if function in _SINGLE:
            return Counter({function: 1})
        case _:
            return None


def _all(parts: tuple[Expr, ...], own: Counter[str] | None) -> Counter[str] | None:
    total = own
    for part in parts:
        inner = _of(part)
        if inner is None or total is None:
            return None
        total = total + inner
    return total


def _reads(expr: Expr) -> bool:
    return any(isinstance(part, Ref) and part.indices for part in walk(expr))
