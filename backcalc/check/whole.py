"""Formulas over whole arrays, `X @ W.T + b`, element by element in the letters of `PLACES`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

from backcalc.check.names import PLACES, NotFormula
from backcalc.check.subject import Subject
from backcalc.formula.source import ProgramErrors, SourceEquation
from backcalc.formula.tree import Call, Expr, Ref, rebuild, substitute, walk
from backcalc.formula.whole import written_out


class Misfit(NotFormula):
    """Arrays whose sizes do not fit, in a formula over whole arrays."""

    def __init__(self, reason: str, expr: Expr) -> None:
        super().__init__(reason)
        self.expr = expr


def element(expr: Expr, subject: Subject) -> Expr:
    """The element of an array at the places `a_, b_ …`. Raises Misfit where the shapes do not fit.

    >>> from backcalc.check.subject import network_subject
    >>> from backcalc.formula.print_text import to_text
    >>> from backcalc.formula.read import read_expression
    >>> from backcalc.net import load_network
    >>> net = {"equations": "z[j] = sum(k, W[j,k]*x[k])\\nJ = sum(j=1..2, z[j]^2)", "shapes": {"W": [2, 3]}}
    >>> print(to_text(element(read_expression("W @ x"), network_subject(load_network(net)))))
    sum(j=1..3, W[a_,j]*x[j])
    """
    shapes = subject.program.shapes
    names = dict.fromkeys(node.name for node in walk(expr) if isinstance(node, Ref) and node.name in shapes)
    letters = dict.fromkeys(node.name for node in walk(expr) if isinstance(node, Ref) and node.name.startswith("#"))
    plain = {name: f"v{place}_" for place, name in enumerate([*names, *letters])}
    known = {plain[name]: shapes[name] for name in names} | {plain[name]: () for name in letters}
    source = SourceEquation(Ref("array_"), renamed(expr, plain))
    try:
        (found,) = written_out([source], known, dict(subject.program.sizes))
    except ProgramErrors as error:
        reason = str(error).split("\n")[0]
        raise Misfit(reason.partition("`: ")[2] or reason, expr) from None
    places = [index.name for index in found.left.indices if isinstance(index, Ref)]
    if len(places) > len(PLACES):
        raise NotFormula("an array of more than four axes")
    placed = substitute(found.right, {name: Ref(PLACES[at]) for at, name in enumerate(places)})
    return renamed(placed, {short: name for name, short in plain.items()})


def turned(expr: Expr, subject: Subject) -> Iterator[tuple[str, Expr]]:
    """The elements of a product with one of its matrices transposed, as far as the sizes then fit; and its name."""
    factors = [
        part for node in walk(expr) if isinstance(node, Call) and node.function == "matmul" for part in node.arguments
    ]
    for factor in dict.fromkeys(factors):
        other: Expr
        match factor:
            case Call("transpose", (Ref(name) as inner,)):
                other = inner
            case Ref(name) if len(subject.program.shapes.get(name, ())) == 2:
                other = Call("transpose", (factor,))
            case _:
                continue
        with suppress(NotFormula):
            yield name, element(_exchanged(expr, factor, other), subject)


def _exchanged(expr: Expr, old: Expr, new: Expr) -> Expr:
    return new if expr == old else rebuild(expr, lambda part: _exchanged(part, old, new))


def renamed(expr: Expr, names: Mapping[str, str]) -> Expr:
    """The formula with other names for its quantities."""
    if isinstance(expr, Ref):
        return Ref(names.get(expr.name, expr.name), tuple(renamed(index, names) for index in expr.indices))
    return rebuild(expr, lambda part: renamed(part, names))
