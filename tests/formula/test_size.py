"""Sizes with letters: their arithmetic is that of numbers, whatever the letters turn out to be."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backcalc.formula.integers import EvaluationError, integer, rational
from backcalc.formula.polynomial import Polynomial, polynomial
from backcalc.formula.read import read_expression
from backcalc.formula.size import Size, shown, sized
from backcalc.formula.tree import Ref


@settings(deadline=None, max_examples=60)
@given(
    steps=st.lists(st.tuples(st.integers(-3, 9), st.integers(1, 8)), min_size=1, max_size=6),
    size=st.integers(1, 500),
)
def test_sizes_divided_again_and_again_are_divided_once(steps: list[tuple[int, int]], size: int) -> None:
    text, expected = "h", size
    for more, by in steps:
        text, expected = f"div({text} + {more}, {by})", (expected + more) // by
    found = polynomial(read_expression(text))
    assert found.value({"h": size}) == expected
    assert str(found.expr).count("div") <= 1


NUMBERS = {"d": 12, "T": 36, "c": 60}

Arithmetic = Callable[[dict[str, int]], int]


def either(left: Arithmetic, right: Arithmetic, operator: str) -> Arithmetic:
    actions: dict[str, Callable[[int, int], int]] = {
        "+": lambda a, b: a + b,
        "-": lambda a, b: a - b,
        "*": lambda a, b: a * b,
    }
    return lambda sizes: actions[operator](left(sizes), right(sizes))


LEAVES = st.sampled_from(sorted(NUMBERS)).map(lambda name: lambda sizes: sizes[name]) | st.integers(0, 9).map(
    lambda number: lambda sizes: number
)
SIZES = st.recursive(
    LEAVES,
    lambda parts: (
        st.builds(either, parts, parts, st.sampled_from("+-*"))
        | st.builds(lambda part, divisor: lambda sizes: part(sizes) // divisor, parts, st.sampled_from([1, 2, 3, 5]))
    ),
    max_leaves=8,
)


@given(SIZES)
@settings(max_examples=300, deadline=None)
def test_the_formula_gives_what_the_numbers_give(arithmetic: Arithmetic) -> None:
    """The same arithmetic on letters and on numbers, the formula read again at the numbers."""
    symbolic = arithmetic({name: Size.letter(name) for name in NUMBERS})
    plain = arithmetic(NUMBERS)
    if not isinstance(symbolic, Size):
        assert symbolic == plain
        return
    holds = all(_holds(statement) for statement in symbolic.assumed)
    if holds:
        assert integer(read_expression(str(symbolic)), NUMBERS) == plain


def _holds(statement: str) -> bool:
    over, _, under = statement.partition(" is divisible by ")
    quotient = rational(read_expression(over), NUMBERS) / rational(read_expression(under), NUMBERS)
    return quotient.denominator == 1


def test_like_terms_are_one() -> None:
    d, layers = Size.letter("d"), Size.letter("L")
    block = 4 * d * d + 4 * d + 2 * d * 4 * d + 5 * d + 4 * d
    assert shown(layers * block) == "12*L*d^2 + 13*L*d"


def test_what_cancels_is_a_number() -> None:
    d = Size.letter("d")
    assert d - d == 0 and not isinstance(d - d, Size)
    assert (d + 3) - d == 3


def test_two_letters_are_two_numbers() -> None:
    names = [*"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "d_model", "heads", "T1", "T2"]
    assert len({int(Size.letter(name)) for name in names}) == len(names)


def test_a_quotient_that_is_no_polynomial_is_a_letter() -> None:
    assert shown((Size.letter("H") - 3) // 2 + 1) == "div(H - 3, 2) + 1"


def test_a_formula_with_letters_is_read_as_its_size() -> None:
    assert shown(sized(read_expression("(d + 1)*4*d - 4*d"))) == "4*d^2"


@pytest.mark.parametrize("text", ["exp(d)", "d^d", "sum(k=1..3, k)", "1/d", "x[1]"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(EvaluationError):
        polynomial(read_expression(text))


def test_the_degree_orders_the_terms() -> None:
    x = Polynomial.of(Ref("x"))
    assert shown(Size(7, x * x * Polynomial.of(2) + Polynomial.of(5) - x)) == "2*x^2 - x + 5"
