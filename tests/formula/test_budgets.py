"""Hostile text is answered in words of its own, by the bound that it passes, and never by a RecursionError."""

from __future__ import annotations

import pytest

from backcalc.formula.errors import FormulaError
from backcalc.formula.print_latex import to_latex
from backcalc.formula.print_text import to_text
from backcalc.formula.print_unicode import to_unicode
from backcalc.formula.read import read_equation, read_equations, read_expression, read_number
from backcalc.formula.tree import Expr, num, size, substitute, walk
from tests.formula.hostile import LARGEST, PLAIN, TOO_DEEP
from tests.hanging import guard_against_hanging


@pytest.mark.parametrize(
    ("text", "message"),
    PLAIN,
    ids=lambda value: value[:12],
)
def test_each_budget_answers_in_its_own_words(text: str, message: str) -> None:
    with guard_against_hanging(), pytest.raises(FormulaError) as caught:
        read_expression(text)
    assert caught.value.message == message
    assert len(str(caught.value)) < 400


def test_a_power_of_literals_is_read_and_not_computed() -> None:
    assert to_text(read_expression("9**9**9**9")) == "9^9^9^9"
    assert read_expression("1e400") == num(10**400)
    assert read_number("1e" + "0" * 5_000 + "7") == 10**7


def test_equations_have_a_budget_for_the_whole_file_and_one_for_each() -> None:
    with pytest.raises(FormulaError) as caught:
        read_equations("a = 1\n" * 100_000)
    assert caught.value.message == "the equations are too long: 600000 characters, at most 200000 are read"
    with pytest.raises(FormulaError) as caught:
        read_equations("a = 1\nb = " + " " * 20_000 + "1")
    assert caught.value.message == "the formula is too long: 20005 characters, at most 20000 are read"
    with pytest.raises(FormulaError, match=TOO_DEEP):
        read_equation("y = " + "[" * 101 + "a" + "]" * 101)


# For each way to nest, the deepest text that is let through.
DEEPEST = {
    "parentheses": "(" * 100 + "x" + ")" * 100,
    "minus": "-(" * 99 + "x" + ")" * 99,
    "call": "exp(" * 99 + "x" + ")" * 99,
    "maximum": "max(1, " * 99 + "x" + ")" * 99,
    "index": "x[" * 99 + "1" + "]" * 99,
    "sum": "sum(k=1..2, " * 98 + "x[k]" + ")" * 98,
    "sum sign": "Σ_{k=1..2} " * 98 + "x[k]",
    "mixed": "1+2*(" * 49 + "x" + ")" * 49,
    "comparison": "1 < -2*(" * 33 + "x" + ")" * 33,
    "quotient": "a/" * 99 + "a",
    "matrix product": "a@" * 99 + "a",
    "transpose": "a" + ".T" * 99,
    "power": "a^" * 99 + "a",
    "condition": "if(a > " * 49 + "x" + ", 1, 2)" * 49,
}


@pytest.mark.parametrize("text", DEEPEST.values(), ids=DEEPEST)
def test_what_the_reader_lets_through_can_be_walked_and_printed(text: str) -> None:
    expr: Expr = read_expression(text)
    assert size(expr) == len(list(walk(expr)))
    assert substitute(expr, {"unused": num(1)}) == expr
    assert read_expression(to_text(expr)) == expr
    assert read_expression(to_unicode(expr)) == expr
    assert to_latex(expr)


@pytest.mark.parametrize(
    "text",
    LARGEST,
    ids=["nested maxima", "long sum", "nested quotients"],
)
def test_the_largest_formulas_are_read_and_printed(text: str) -> None:
    with guard_against_hanging():
        expr = read_expression(text)
        assert read_expression(to_text(expr)) == expr
        assert to_latex(expr)


def test_numbers_of_any_length_are_printed() -> None:
    """Python refuses to write integers beyond 4300 digits; results of exact arithmetic may have more."""
    assert to_text(num(7 * 10**9000 + 1)) == "7" + "0" * 8999 + "1"
    assert to_unicode(num(10**9000)) == "1e9000"
