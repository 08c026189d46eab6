"""Formulas rewritten so that they stay right, and broken so that they do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from random import Random

from backcalc.formula.tree import Add, Call, Div, Expr, Mul, Neg, Num, Pow, Reduce, Ref, num, rebuild, walk

Change = Callable[[Expr, Random], Expr]


def everywhere(expr: Expr, change: Change, source: Random) -> Expr:
    """The change made at every node, innermost first; what stands in an index is left alone."""
    if isinstance(expr, Ref):
        return expr
    return change(rebuild(expr, lambda part: everywhere(part, change, source)), source)


def commuted(expr: Expr, source: Random) -> Expr:
    match expr:
        case Add(parts):
            return Add(tuple(source.sample(parts, len(parts))))
        case Mul(parts):
            return Mul(tuple(source.sample(parts, len(parts))))
    return expr


def expanded(expr: Expr, source: Random) -> Expr:
    """A product with one sum in it, multiplied out."""
    if isinstance(expr, Mul):
        for place, factor in enumerate(expr.factors):
            if isinstance(factor, Add):
                rest = (*expr.factors[:place], *expr.factors[place + 1 :])
                return Add(tuple(Mul((*rest, term)) for term in factor.terms))
    return expr


def by_definition(expr: Expr, source: Random) -> Expr:
    """Activations in exponentials."""
    match expr:
        case Call("sigmoid", (u,)):
            return Div(num(1), Add((num(1), Call("exp", (Neg(u),)))))
        case Call("tanh", (u,)):
            return Add((Mul((num(2), Call("sigmoid", (Mul((num(2), u)),)))), num(-1)))
        case Call("relu", (u,)):
            return Div(Add((u, Call("abs", (u,)))), num(2))
    return expr


def as_powers(expr: Expr, source: Random) -> Expr:
    match expr:
        case Div(over, under):
            return Mul((over, Pow(under, num(-1))))
        case Pow(base, Num(exponent)) if exponent == 2:
            return Mul((base, base))
    return expr


def padded_out(expr: Expr, source: Random) -> Expr:
    """Something added and taken away again, or doubled and halved."""
    if isinstance(expr, Add | Mul | Call) and source.random() < 0.3:
        if source.random() < 0.5:
            return Add((expr, num(3), num(-3)))
        return Div(Mul((num(2), expr)), num(2))
    return expr


RIGHT: tuple[Change, ...] = (commuted, expanded, by_definition, as_powers, padded_out)


def broken(expr: Expr, source: Random) -> Iterator[Expr]:
    """The formula with one mistake in it, at every place where one can be made."""
    for place, node in enumerate(_outside_indices(expr)):
        match node:
            case Mul(parts):
                for skipped in range(len(parts)):
                    rest = parts[:skipped] + parts[skipped + 1 :]
                    yield _at(expr, place, rest[0] if len(rest) == 1 else Mul(rest))
            case Add(parts):
                for skipped in range(len(parts)):
                    rest = parts[:skipped] + parts[skipped + 1 :]
                    yield _at(expr, place, rest[0] if len(rest) == 1 else Add(rest))
                yield _at(expr, place, Add((Neg(parts[0]), *parts[1:])))
            case Call(("sigmoid" | "exp" | "tanh" | "relu") as function, (u,)):
                yield _at(expr, place, Call("tanh" if function == "sigmoid" else "sigmoid", (u,)))
                yield _at(expr, place, u)
            case Pow(base, _):
                yield _at(expr, place, base)
            case Div(over, under):
                yield _at(expr, place, Mul((over, under)))
            case Num(value) if value != 0:
                yield _at(expr, place, Num(value + Fraction(1, source.randint(1, 9))))
            case Reduce():
                yield _at(expr, place, Neg(node))
            case Ref():
                yield _at(expr, place, Mul((num(2), node)))


def named_mistakes(expr: Expr, source: Random) -> Iterator[tuple[Expr, tuple[str, ...]]]:
    """The formula with one mistake in it that has a name, and the codes that name it: of its outermost signs."""
    yield Neg(expr), ("sign",)
    inner = expr.operand if isinstance(expr, Neg) else expr
    sign: Change = (lambda body, _: Neg(body)) if isinstance(expr, Neg) else (lambda body, _: body)
    match inner:
        case Mul(parts):
            for skipped, part in enumerate(parts):
                rest = parts[:skipped] + parts[skipped + 1 :]
                without = rest[0] if len(rest) == 1 else Mul(rest)
                if isinstance(part, Num):
                    continue
                yield sign(without, source), ("chain-factor",)
                yield sign(Mul((*parts, part)), source), ("factor-twice",)
        case Add(parts):
            for skipped in range(len(parts)):
                rest = parts[:skipped] + parts[skipped + 1 :]
                yield sign(rest[0] if len(rest) == 1 else Add(rest), source), ("sum-term", "through-statistics")
        case Div(over, under):
            yield sign(Div(under, over), source), ("reciprocal",)
    for turned in _turned(expr):
        yield turned, ("one-minus", "sign-inside")


def _turned(expr: Expr) -> Iterator[Expr]:
    """The formula with one `1 − u` as `1 + u`."""
    for place, node in enumerate(_outside_indices(expr)):
        match node:
            case Add((Num(value), Neg(inner))) if value == 1:
                yield _at(expr, place, Add((num(1), inner)))


def _outside_indices(expr: Expr) -> list[Expr]:
    """The nodes in the order of `_at`: what stands in indices and ranges is no place for a mistake."""
    if isinstance(expr, Ref):
        return [expr]
    if isinstance(expr, Reduce):
        return [expr, *_outside_indices(expr.body)]
    parts = [] if isinstance(expr, Num) else _children(expr)
    return [expr, *(node for part in parts for node in _outside_indices(part))]


def _children(expr: Expr) -> list[Expr]:
    from backcalc.formula.tree import children

    return list(children(expr))


def _at(expr: Expr, place: int, new: Expr) -> Expr:
    counter = iter(range(100_000))

    def change(part: Expr) -> Expr:
        if next(counter) == place:
            # the nodes below still count
            for _ in range(len(_outside_indices(part)) - 1):
                next(counter)
            return new
        if isinstance(part, Ref | Num):
            return part
        if isinstance(part, Reduce):
            return Reduce(part.operation, part.index, part.lower, part.upper, part.exclude, change(part.body))
        return rebuild(part, change)

    return change(expr)


def nodes(expr: Expr) -> int:
    return sum(1 for _ in walk(expr))
