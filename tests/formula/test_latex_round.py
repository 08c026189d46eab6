"""What the LaTeX printer prints, the LaTeX reader reads back, for every tree; the plain reader would build the same."""

from __future__ import annotations

import re

from hypothesis import HealthCheck, assume, example, given, settings

from backcalc.formula.latex_read import Alternative, Chain, Symbols, read_latex
from backcalc.formula.names import is_derivative
from backcalc.formula.print_latex import to_latex
from backcalc.formula.read import read_expression
from backcalc.formula.tree import Call, Compare, Div, Expr, Mul, Neg, Num, Reduce, Ref, num, rebuild, walk
from tests.formula.test_print import LOSSES, TREES, signed

RELATIONS = {"=": "=="}


def symbols_of(expr: Expr) -> Symbols:
    """What a key would know that speaks of the names in this tree."""
    scalars: set[str] = set()
    arrays: dict[str, int] = {}
    for part in walk(expr):
        match part:
            case Reduce(_, index):
                scalars.add(index)
            case Ref(name, indices):
                *above, below = re.findall(r"d([A-Za-z_]\w*)", name) if is_derivative(name) else [name]
                scalars.update(above)
                if indices:
                    arrays.setdefault(below, len(indices))
                else:
                    scalars.add(below)
    return Symbols(frozenset(scalars - arrays.keys()), arrays, losses=frozenset(LOSSES))


def as_printed(expr: Expr) -> Expr:
    """The tree with what LaTeX writes in one way only: 1/2 and \\frac{1}{2}, ∂J/∂x, −2 x, and `if c ≠ 0`."""
    expr = rebuild(expr, as_printed)
    match expr:
        case Call("diff", (Ref(above, ()), Ref(below, indices))) if above in LOSSES or is_derivative(above):
            top, under = (f"({name})" if is_derivative(name) else name for name in (above, below))
            return Ref(f"d{top}/d{under}", indices)
        case Call("if", (condition, then, otherwise)) if not isinstance(condition, Compare):
            return Call("if", (Compare(("!=",), (condition, num(0))), then, otherwise))
        case Div(Num(above), Num(below)) if above.denominator == below.denominator == 1 and below > 0:
            return Num(above / below)
    return signed(expr)


def joined(chain: Chain | Alternative) -> Expr:
    """A chain of relations as the comparison that was printed."""
    sides = tuple(side.expr for side in chain.sides)
    if len(sides) == 1:
        return sides[0]
    return Compare(tuple(RELATIONS.get(relation, relation) for relation in chain.relations), sides)


def of_one_rank(expr: Expr) -> bool:
    """Whether every array is read at one number of indices: `a_{0a}` is otherwise read by the rank found first."""
    ranks = {(part.name, len(part.indices)) for part in walk(expr) if isinstance(part, Ref) and part.indices}
    return len(ranks) == len({name for name, _ in ranks})


def within_digits(expr: Expr) -> bool:
    """Whether every number is one that a reader takes: at most 100 digits."""
    values = [part.value for part in walk(expr) if isinstance(part, Num)]
    return all(max(len(str(abs(value.numerator))), len(str(value.denominator))) <= 100 for value in values)


@given(TREES)
@example(read_expression("d2/d2"))
@example(Call("diff", (Ref("dJ/dW_q"), Ref("e"))))
@example(Neg(Div(num(-1), num(8))))
@example(read_expression("mod(sum(k, x[k]), 2) + mod(a*b, 3)"))
@example(read_expression("max(k, x[k])*(1 - y)"))
@example(Mul((Ref("x"), Call("sigmoid", (Ref("x"),)))))
@settings(max_examples=700, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_every_tree_reads_back_from_latex(expr: Expr) -> None:
    assume(within_digits(expr) and of_one_rank(expr))
    chains = read_latex(to_latex(expr), symbols_of(expr))
    assert len(chains) == 1
    (chain,) = chains
    # Names that the tree uses in two ways print alike: then the tree is one of the readings.
    readings = [as_printed(joined(reading)) for reading in (chain, *chain.alternatives)]
    assert as_printed(expr) in readings


@given(TREES)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_every_number_of_the_tree_says_how_it_was_written(expr: Expr) -> None:
    assume(within_digits(expr) and of_one_rank(expr))
    (chain,) = read_latex(to_latex(expr), symbols_of(expr))
    for side in chain.sides:
        values = [part.value for part in walk(side.expr) if isinstance(part, Num)]
        assert [written.value for written in side.numbers] == values
