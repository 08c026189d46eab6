"""The normal form and what it rests on: rules that fire, and rules that must not."""

from __future__ import annotations

from fractions import Fraction

import pytest

from backcalc.formula.print_text import to_text
from backcalc.formula.read import read_expression
from backcalc.formula.tree import Ref
from backcalc.transform.budget import Deadline, OutOfReach
from backcalc.transform.certain import Certain, arithmetic
from backcalc.transform.normal import Normal, Undecided, Undefined
from backcalc.transform.polynomial import Generator, Polynomial
from backcalc.transform.powers import primes
from backcalc.transform.signs import Inequality, infeasible, sign

X, Y = (Polynomial.of(Generator(name, Ref(name))) for name in "xy")
ONE = Polynomial.number(1)


def form(text: str, positive: str = "") -> str:
    """The normal form of a formula, written out."""
    normal = Normal(Deadline.after(2), positive=frozenset(positive))
    return to_text(normal.quotient(read_expression(text)).expr)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("exp(x)*exp(y)", form("exp(x + y)")),
        ("log(6)", "log(2) + log(3)"),
        ("sqrt(12)", "2*sqrt(3)"),
        ("sqrt(x^2)", "abs(x)"),
        ("(x^3 - 1)/(x - 1)", "x^2 + x + 1"),
        ("sum(k=1..3, k*x)", "6*x"),
        ("sum(k=1..K, c*x[k] + 2)", "c*sum(k=1..K, x[k]) + 2*K"),
        ("mean(k=1..K, 1)", "1"),
        ("sum(k=1..K, sum(j=1..M, x[k]*y[j]))", "sum(k=1..K, x[k])*sum(k=1..M, y[k])"),
        ("sin(x)^2", "1 - cos(x)^2"),
        ("erf(-2*x)", "-erf(2*x)"),
    ],
)
def test_a_rule_fires(text: str, found: str) -> None:
    assert form(text) == found


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("sqrt(x^2)", "x"),
        ("abs(sin(x))", "sin(x)"),
        ("log(x + y)", "log(x) + log(y)"),
        ("sqrt(x + y)", "sqrt(x) + sqrt(y)"),
        ("exp(x*y)", "exp(x)*exp(y)"),
        ("sum(k=1..K, x[k]^2)", "sum(k=1..K, x[k])^2"),
        ("sum(k=1..K, x[k]*y[k])", "sum(k=1..K, x[k])*sum(k=1..K, y[k])"),
        ("sum(k=1..K, x[k])", "sum(k=1..M, x[k])"),
        ("tanh(2*x)", "2*tanh(x)"),
        ("erf(2*x)", "2*erf(x)"),
        ("(x^3 + 1)/(x - 1)", "x^2 + x + 1"),
    ],
)
def test_a_rule_does_not_fire(left: str, right: str) -> None:
    assert form(left) != form(right)


def test_a_positive_name_needs_no_absolute_value() -> None:
    assert form("sqrt(x^2)", positive="x") == "x"


def test_pieces_need_a_sign() -> None:
    with pytest.raises(Undecided):
        form("relu(x)")
    assert form("relu(x)", positive="x") == "x"


@pytest.mark.parametrize("text", ["1/(x - x)", "log(-2)", "sqrt(-3)", "log(0)"])
def test_what_does_not_exist_is_undefined(text: str) -> None:
    with pytest.raises(Undefined):
        form(text)


@pytest.mark.parametrize("text", ["x^500", "(a + b + c + d + f + g + h)^200"])
def test_sizes_are_bounded(text: str) -> None:
    with pytest.raises(OutOfReach):
        form(text)


def test_signs() -> None:
    assert sign(X * X + ONE, []) == 1
    assert sign(X + ONE, []) is None
    assert sign(X - Y, [Inequality(X - ONE, True), Inequality(ONE - Y, False)]) == 1
    assert sign(X, [Inequality(X, False), Inequality(-X, False)]) == 0
    assert sign(Polynomial.number(Fraction(-1, 2)), []) == -1


def test_a_sine_has_no_sign() -> None:
    cosine = Polynomial.of(Generator("cos", Ref("c")))
    sine = Polynomial.of(Generator("sin", Ref("s"), period=2, power=ONE - cosine * cosine))
    assert sign(sine + ONE, []) is None


def test_what_is_possible_is_not_excluded() -> None:
    assert not infeasible([Inequality(X - Y, True), Inequality(Y - ONE, True)])
    assert infeasible([Inequality(X - Y, True), Inequality(Y - X, False)])


def test_exact_division() -> None:
    assert (X * X - ONE).over(X - ONE) is not None
    assert (X * X + ONE).over(X - ONE) is None
    assert (X * X - Y * Y).over(X + Y) == X - Y


def test_primes() -> None:
    assert primes(Fraction(360, 7)) == [(2, 3), (3, 2), (5, 1), (7, -1)]


def test_intervals_hold_the_true_value() -> None:
    numbers = arithmetic(80)
    third = Certain.of(Fraction(1, 3))
    root = numbers.functions["sqrt"](third)
    assert (root * root).agrees(third)
    assert not (root * root).differs(third)
    assert (root * root).differs(Certain.of(Fraction(1, 3) + Fraction(1, 10**70)))
    assert numbers.functions["sqrt"](Certain.of(Fraction(4, 9))).exact == Fraction(2, 3)


def test_erf_lies_in_its_interval() -> None:
    # erf(1/2) = 0.52049987781304653768274665389196452873645157575796…, Abramowitz and Stegun, table 7.1, and DLMF 7.6.1
    found = arithmetic(80).functions["erf"](Certain.of(Fraction(1, 2)))
    assert found.text(15) == "0.520499877813047"
    total = sum(
        (Fraction((-1) ** n, 1) / ((2 * n + 1) * _factorial(n) * 2 ** (2 * n + 1)) for n in range(40)), Fraction(0)
    )
    series = Certain.of(2 * total) / arithmetic(80).functions["sqrt"](arithmetic(80).constants["pi"])
    assert found.agrees(series)


def _factorial(n: int) -> int:
    return 1 if n == 0 else n * _factorial(n - 1)
