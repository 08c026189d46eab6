"""Local derivatives: what one read of an array contributes to the derivative of the expression around it.

Every occurrence of a read is taken by itself, with the other factors beside it; several occurrences add up later. That
is all the calculus there is: sums, products, quotients, powers and the table of functions.

Source: A. Griewank, A. Walther, *Evaluating Derivatives*, 2nd ed., SIAM 2008, chapter 3: elementary partials.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from backcalc.derive.terms import Bound
from backcalc.formula.functions import FUNCTIONS
from backcalc.formula.read import read_expression
from backcalc.formula.tree import (
    ONE,
    Add,
    Call,
    Compare,
    Div,
    Expr,
    Mul,
    Neg,
    Num,
    Pow,
    Reduce,
    Ref,
    Table,
    fresh_name,
    names,
    num,
    rebuild,
    substitute,
)


class NotDifferentiable(ValueError):
    """An expression that has no derivative rule, named."""


@dataclass(frozen=True, slots=True)
class Partial:
    """∂(expression)/∂(this read) = Σ over `sums` of the product of `factors`, conditions among them."""

    read: Ref
    factors: tuple[Expr, ...] = ()
    sums: tuple[Bound, ...] = ()
    functions: tuple[str, ...] = ()

    def times(self, *before: Expr) -> Partial:
        """The partial with factors put in front, as the chain rule has them."""
        return replace(self, factors=tuple(f for f in before if f != ONE) + self.factors)


def partials(expr: Expr, name: str) -> Iterator[Partial]:
    """Every read of the array `name` in `expr` with its local derivative, left to right.

    Raises NotDifferentiable for an exponent or index that depends on `name` in a way that has no rule.

    >>> from backcalc.formula.read import read_expression
    >>> from backcalc.formula.print_text import to_text
    >>> for part in partials(read_expression("w*x[1] + x[2]^2"), "x"):
    ...     print(to_text(part.read), [to_text(factor) for factor in part.factors])
    x[1] ['w']
    x[2] ['2', 'x[2]']
    """
    if name not in names(expr):
        return
    match expr:
        case Ref(found, _):
            if found == name:
                yield Partial(expr)
            else:
                raise NotDifferentiable(f"`{name}` stands in an index of `{found}`, and an index has no derivative")
        case Add(parts):
            for part in parts:
                yield from partials(part, name)
        case Neg(operand):
            for inner in partials(operand, name):
                yield inner.times(num(-1))
        case Mul(factors):
            for position, factor in enumerate(factors):
                for inner in partials(factor, name):
                    yield inner.times(*factors[:position], *factors[position + 1 :])
        case Div(numerator, denominator):
            for inner in partials(numerator, name):
                yield inner.times(Div(ONE, denominator))
            for inner in partials(denominator, name):
                yield inner.times(num(-1), numerator, Pow(denominator, num(-2)))
        case Pow(base, exponent):
            yield from _power(base, exponent, name)
        case Call(function, arguments):
            yield from _call(function, arguments, name)
        case Compare():
            return  # constant wherever it has a derivative at all
        case Reduce():
            yield from _reduction(expr, name)
        case Table(items):
            for item in items:
                yield from partials(item, name)


def _power(base: Expr, exponent: Expr, name: str) -> Iterator[Partial]:
    for inner in partials(base, name):
        if isinstance(exponent, Num):
            lowered = exponent.value - 1
            yield inner.times(exponent, base if lowered == 1 else Pow(base, num(lowered)) if lowered else ONE)
        else:
            yield inner.times(exponent, Pow(base, Add((exponent, num(-1)))))
    for inner in partials(exponent, name):
        yield inner.times(Pow(base, exponent), Call("log", (base,)))


@lru_cache(maxsize=128)
def _derivatives(function: str) -> tuple[Expr, ...]:
    """The derivatives of a function in each of its arguments, read once from the table."""
    return tuple(read_expression(text) for text in FUNCTIONS[function].derivatives)


def negation(condition: Expr) -> Compare:
    """The condition that holds exactly where `condition` does not.

    >>> negation(Compare((">",), (Ref("a"), Ref("b"))))
    Compare(operators=('<=',), operands=(Ref(name='a', indices=()), Ref(name='b', indices=())))
    """
    opposite = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
    if isinstance(condition, Compare) and len(condition.operators) == 1:
        return Compare((opposite[condition.operators[0]],), condition.operands)
    return Compare(("==",), (condition, num(0)))


def _condition(expr: Expr) -> Compare:
    return expr if isinstance(expr, Compare) else Compare(("!=",), (expr, num(0)))


def _call(function: str, arguments: tuple[Expr, ...], name: str) -> Iterator[Partial]:
    if function == "if":
        condition, yes, no = arguments
        for inner in partials(yes, name):
            yield inner.times(_condition(condition))
        for inner in partials(no, name):
            yield inner.times(negation(condition))
    elif function in ("max", "min"):
        beats, holds = (">", ">=") if function == "max" else ("<", "<=")
        for position, argument in enumerate(arguments):
            # The first of equals wins: strictly better than what stands before, at least as good as what follows.
            wins = [
                Compare((beats if other < position else holds,), (argument, rival))
                for other, rival in enumerate(arguments)
                if other != position
            ]
            for inner in partials(argument, name):
                yield inner.times(*wins)
    elif function in ("div", "mod"):
        raise NotDifferentiable(f"`{function}` is for indices and has no derivative")
    else:
        values = dict(zip(FUNCTIONS[function].arguments, arguments, strict=True))
        for argument, rule in zip(arguments, _derivatives(function), strict=True):
            for inner in partials(argument, name):
                local = without_ones(substitute(rule, values))
                yield replace(inner.times(local), functions=(function, *inner.functions))


def without_ones(expr: Expr) -> Expr:
    """The expression without factors 1, which parameters such as the alpha of elu leave.

    >>> without_ones(Mul((num(1), Ref("x")))) == Ref("x")
    True
    """
    changed = rebuild(expr, without_ones)
    if isinstance(changed, Mul):
        kept = tuple(factor for factor in changed.factors if factor != ONE)
        return ONE if not kept else kept[0] if len(kept) == 1 else Mul(kept)
    return changed


def _reduction(expr: Reduce, name: str) -> Iterator[Partial]:
    operation, index, lower, upper, exclude, body = (
        expr.operation, expr.index, expr.lower, expr.upper, expr.exclude, expr.body
    )  # fmt: skip
    assert lower is not None and upper is not None
    bound = Bound(index, lower, upper)
    left_out: tuple[Expr, ...] = () if exclude is None else (Compare(("!=",), (Ref(index), exclude)),)
    for inner in partials(body, name):
        here = replace(inner, sums=(bound, *inner.sums))
        match operation:
            case "sum":
                yield here.times(*left_out)
            case "mean":
                count: Expr = Add((upper, Neg(lower), num(1))) if lower != ONE else upper
                if exclude is not None:
                    count = Add((count, num(-1)))
                yield here.times(Div(ONE, count), *left_out)
            case "prod":
                fresh = fresh_name(f"{index}2", names(body))
                others = Reduce("prod", fresh, lower, upper, Ref(index), substitute(body, {index: Ref(fresh)}))
                if exclude is not None:
                    raise NotDifferentiable("a product that leaves one index out has no derivative rule here")
                yield here.times(others)
            case "max" | "min":
                fresh = fresh_name(f"{index}2", names(body))
                place = Reduce(f"arg{operation}", fresh, lower, upper, exclude, substitute(body, {index: Ref(fresh)}))
                yield here.times(Compare(("==",), (Ref(index), place)))
            case _:
                return  # argmax, argmin: constant wherever they have a derivative
