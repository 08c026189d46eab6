"""Substitution never captures: a formula with names replaced has the value that it has with their values."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from backcalc.formula.evaluate import evaluate_expression
from backcalc.formula.floats import FLOATS
from backcalc.formula.tree import Add, Expr, Mul, Reduce, Ref, names, num, substitute

PLAIN = st.sampled_from(["i", "i2", "i3", "j", "j2"])
FRAME = {"i": 1, "i2": 2, "i3": 3, "j": 4, "j2": 5}
FORMULAS: st.SearchStrategy[Expr] = st.recursive(
    PLAIN.map(Ref) | st.integers(1, 3).map(num),
    lambda parts: st.one_of(
        st.tuples(parts, parts).map(Add),
        st.tuples(parts, parts).map(Mul),
        st.builds(
            lambda index, upper, body: Reduce("sum", index, num(1), upper, None, body), PLAIN, PLAIN.map(Ref), parts
        ),
    ),
    max_leaves=8,
)
REPLACEMENTS = st.dictionaries(PLAIN, st.one_of(PLAIN.map(Ref), PLAIN.map(lambda name: Add((Ref(name), num(1))))))


def value(expr: Expr, frame: dict[str, int]) -> float:
    return evaluate_expression(expr, frame, {}, FLOATS)


@given(FORMULAS, REPLACEMENTS)
@example(Reduce("sum", "i", num(1), Ref("j"), None, Ref("i")), {"i2": Ref("i")})
@settings(max_examples=500, deadline=None)
def test_the_value_is_that_of_the_formula_at_the_values_of_the_replacements(
    expr: Expr, replaced: dict[str, Expr]
) -> None:
    frame = FRAME | {name: int(value(replacement, FRAME)) for name, replacement in replaced.items()}
    assert value(substitute(expr, replaced), FRAME) == value(expr, frame)


@given(FORMULAS, REPLACEMENTS)
@settings(max_examples=200, deadline=None)
def test_the_names_are_those_that_are_left_and_those_that_arrive(expr: Expr, replaced: dict[str, Expr]) -> None:
    left = names(expr) - replaced.keys()
    arriving = frozenset().union(*(names(replaced[name]) for name in names(expr) & replaced.keys()))
    assert names(substitute(expr, replaced)) == left | arriving
