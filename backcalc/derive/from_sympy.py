"""The bridge to SymPy, used for exact values only: numbers go in as objects, never as text.

SymPy knows that log(1/2) is -log(2) and cancels exponentials; we keep `sigmoid` and `tanh` of a number as they are
and print from our own tree.
"""

from __future__ import annotations

from fractions import Fraction
from types import new_class
from typing import Any

import sympy

from backcalc.derive.write import negated
from backcalc.formula.tree import Add, Call, Div, Expr, Mul, Num, Pow, Ref, num

CANCEL_OPERATIONS = 40  # a heavier expression is left as it is
CANCEL_LETTERS = 6  # different exponentials, roots and functions in one expression
LARGEST_INTEGER = 10**18  # in an expression that is cancelled


# 1/(1 + exp(-x)), kept by name: a function of SymPy's own kind, made without handing it any text.
_SIGMOID = new_class("sigmoid", (sympy.Function,), exec_body=lambda body: body.update(is_real=True))


def constant(name: str) -> Any:
    """The exact constant e or pi."""
    return {"e": sympy.E, "pi": sympy.pi}[name]


def apply_function(name: str, argument: Any) -> Any:
    """An exact function of an exact argument."""
    table = {"exp": sympy.exp, "log": sympy.log, "sqrt": sympy.sqrt, "erf": sympy.erf, "tanh": sympy.tanh}
    table |= {"sin": sympy.sin, "cos": sympy.cos}
    return table[name](argument) if name in table else _SIGMOID(argument)


def decimal(expression: Any, digits: int) -> str:
    """An exact value with so many correct digits, whatever cancels on the way."""
    plain = expression.replace(_SIGMOID, lambda x: 1 / (1 + sympy.exp(-x)))
    return str(plain.evalf(digits, maxn=10 * digits + 1000))


def vanishes(expression: Any) -> bool:
    """Whether an exact value is 0, as far as a thousand digits can show.

    >>> vanishes(sympy.exp(-200)), vanishes(sympy.exp(1) * sympy.exp(-1) - 1)
    (False, True)
    """
    if expression == 0:
        return True
    plain = expression.replace(_SIGMOID, lambda x: 1 / (1 + sympy.exp(-x)))
    return bool(abs(plain.evalf(5, maxn=1000)) < sympy.Float(10) ** -900)


def shorten(expression: Any) -> Any:
    """The shorter of the expression as it is and cancelled over a common denominator.

    Exponentials, roots and the like are taken for independent letters: that keeps cancelling cheap.

    >>> import sympy
    >>> shorten(sympy.exp(2)/(sympy.exp(2) + sympy.exp(sympy.Rational(5, 4))) - 1)
    -1/(1 + exp(3/4))
    """
    if expression.is_Atom or expression.count_ops() > CANCEL_OPERATIONS:
        return expression
    parts = expression.atoms(sympy.Function) | {p for p in expression.atoms(sympy.Pow) if not p.exp.is_Integer}
    letters = {part: sympy.Dummy() for part in sorted(parts, key=sympy.default_sort_key)}
    plain = expression.xreplace(letters)
    if len(plain.free_symbols) > CANCEL_LETTERS or any(abs(n) > LARGEST_INTEGER for n in _integers(plain)):
        return expression
    cancelled = sympy.cancel(plain).xreplace({letter: part for part, letter in letters.items()})
    candidates = (expression, _lowest_powers(cancelled))
    return min(candidates, key=lambda e: (e.count_ops(), sympy.default_sort_key(e)))


def _integers(expression: Any) -> list[int]:
    """Numerators, denominators and exponents of an expression."""
    return [int(part) for number in expression.atoms(sympy.Rational) for part in (number.p, number.q)]


def _lowest_powers(expression: Any) -> Any:
    """exp(2)/(exp(2) + exp(5/4)) as 1/(1 + exp(-3/4)): a fraction of exponentials divided by its first exponential."""
    over, under = (sympy.Add.make_args(sympy.expand(part)) for part in sympy.fraction(sympy.together(expression)))
    powers = {term: _exponential(term) for term in (*over, *under)}
    if None in powers.values() or not any(powers.values()):
        return sympy.factor_terms(expression)
    lowest = min(powers[term] for term in over)
    parts = [
        sum(term / sympy.exp(powers[term]) * sympy.exp(powers[term] - lowest) for term in p) for p in (over, under)
    ]
    return sympy.factor_terms(parts[0]) / sympy.factor_terms(parts[1])


def _exponential(term: Any) -> Any:
    """The q of c·exp(q) with rational c and q; None for another term."""
    coefficient, rest = term.as_coeff_Mul()
    if rest == 1:
        return sympy.Integer(0)
    return (
        rest.args[0] if coefficient.is_Rational and isinstance(rest, sympy.exp) and rest.args[0].is_Rational else None
    )


def from_sympy(expression: Any) -> Expr:
    """An exact SymPy value as a tree of our language.

    >>> import sympy
    >>> from backcalc.formula.print_text import to_text
    >>> to_text(from_sympy(-sympy.exp(sympy.Rational(-3, 4))/4))
    '-exp(-3/4)/4'
    """
    if expression.is_Rational:
        return num(Fraction(int(expression.p), int(expression.q)))
    if expression is sympy.pi:
        return Ref("pi")
    if expression is sympy.E:
        return Call("exp", (num(1),))
    if expression.is_Add:
        terms = sorted(expression.args, key=_reading_order)
        return Add(tuple(from_sympy(term) for term in terms))
    if expression.is_Mul:
        return _product(expression)
    if expression.is_Pow and expression.base is not sympy.E:
        return _power(expression.base, expression.exp)
    name = type(expression).__name__
    return Call(name, tuple(from_sympy(argument) for argument in expression.args))


def _reading_order(term: Any) -> tuple[bool, bool]:
    """1 + exp(x), 2·x - 1: what is positive first, among it the number."""
    negative = bool(term.could_extract_minus_sign())
    return negative, bool(term.is_Rational) == negative


def _product(expression: Any) -> Expr:
    coefficient, factors = expression.as_coeff_mul()
    if coefficient.is_Rational and coefficient < 0:
        return negated(from_sympy(-expression))
    over: list[Expr] = []
    under: list[Expr] = []
    top, bottom = int(coefficient.p), int(coefficient.q)
    for factor in factors:
        if factor.is_Pow and factor.base is not sympy.E and factor.exp.is_Rational and factor.exp < 0:
            under.append(_power(factor.base, -factor.exp))
        else:
            over.append(from_sympy(factor))
    if top != 1 or not over:
        over.insert(0, num(top))
    if bottom != 1:
        under.insert(0, num(bottom))
    upper = over[0] if len(over) == 1 else Mul(tuple(over))
    if not under:
        return upper
    return Div(upper, under[0] if len(under) == 1 else Mul(tuple(under)))


def _power(base: Any, exponent: Any) -> Expr:
    if exponent == 1:
        return from_sympy(base)
    if exponent == sympy.Rational(1, 2):
        return Call("sqrt", (from_sympy(base),))
    if exponent.is_Rational and exponent < 0:
        return Div(Num(Fraction(1)), _power(base, -exponent))
    return Pow(from_sympy(base), from_sympy(exponent))
