"""Exact numbers: the laws of arithmetic, shortest forms, decimals that stay right where the exact form is dropped."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from backcalc.derive.exact import EXACT, Exact
from backcalc.derive.from_sympy import from_sympy, shorten
from backcalc.formula.print_text import to_text
from backcalc.formula.read import read_expression

from .witness import MP, value

QUICK = settings(max_examples=60, deadline=None, derandomize=True)
FRACTIONS = st.fractions(min_value=-20, max_value=20, max_denominator=60)


def of(number: int | str | Fraction) -> Exact:
    return Exact.of(Fraction(number))


def read_back(number: Exact) -> object:
    text = number.text()
    assert text is not None
    return value(read_expression(text), {}, {})


@QUICK
@given(FRACTIONS, FRACTIONS, FRACTIONS)
def test_fractions_are_a_field(a: Fraction, b: Fraction, c: Fraction) -> None:
    x, y, z = of(a), of(b), of(c)
    assert (x * (y + z)).rational == (x * y + x * z).rational == a * (b + c)
    assert (x + -x).is_zero() and (x + -x).decimal() == 0.0
    if b:
        assert ((x / y) * y).rational == a
    for operator, holds in {"<": a < b, "<=": a <= b, "==": a == b, "!=": a != b, ">": a > b, ">=": a >= b}.items():
        assert EXACT.compare(operator, x, y) is holds


def test_a_sum_of_fractions_has_no_rounding_in_its_decimal() -> None:
    total = of(0)
    for _ in range(49):
        total = total + of("1/49")
    assert total.approx == 1 and (total + of(-1)).decimal() == 0.0


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (of("1/2").function("log"), "-log(2)"),
        (of("1/2").function("log") + of(2).function("log"), "0"),
        (of(0).function("exp"), "1"),
        (of(0).function("sigmoid"), "1/2"),
        (of(4).function("sqrt"), "2"),
        (of(1).function("exp") * of(-1).function("exp"), "1"),
        (of("171/125").function("sigmoid"), "sigmoid(171/125)"),
        (of(2).function("exp") / (of(2).function("exp") + of(2).function("exp")), "1/2"),
    ],
)
def test_shortest_forms(number: Exact, text: str) -> None:
    assert number.text() == text


@QUICK
@given(st.lists(st.fractions(-4, 4, max_denominator=8), min_size=2, max_size=4))
def test_softmax_shares(logits: list[Fraction]) -> None:
    """Every share is what mpmath makes of the logits, and they sum to 1 exactly where they stayed exact."""
    powers = [of(z).function("exp") for z in logits]
    total = powers[0]
    for other in powers[1:]:
        total = total + other
    shares = [power / total for power in powers]
    true = [MP.exp(MP.mpf(z.numerator) / z.denominator) for z in logits]
    for share, t in zip(shares, true, strict=True):
        assert abs(share.approx - t / sum(true)) < MP.mpf(10) ** -55
        if share.value is not None:
            assert abs(read_back(share) - t / sum(true)) < MP.mpf(10) ** -50
    whole = shares[0]
    for share in shares[1:]:
        whole = whole + share
    assert (whole + of(-1)).is_zero()


def test_a_form_that_grows_too_long_is_dropped_but_its_decimal_stands() -> None:
    number, true = of(1), MP.mpf(1)
    for k in range(1, 90):
        number = number + of(Fraction(1, k + 1)).function("exp") * of(Fraction(k, 7)).function("sigmoid")
        true = true + MP.exp(MP.mpf(1) / (k + 1)) / (1 + MP.exp(-MP.mpf(k) / 7))
    assert number.text() is None and number.value is None
    assert abs(number.approx - true) < MP.mpf(10) ** -50
    assert number.decimal() == float(true)


def test_a_fraction_that_grows_too_long_is_dropped() -> None:
    number = of(Fraction(10**150 + 1, 10**150))
    assert (number * number).value is None and (number * number).decimal() == 1.0


def test_comparisons_at_a_tie() -> None:
    left, right = of(2).function("log") + of(3).function("log"), of(6).function("log")
    assert EXACT.compare("==", left, right) and EXACT.compare("<=", left, right)
    assert not EXACT.compare("<", left, right) and not EXACT.compare("!=", left, right)
    assert EXACT.functions["relu"](left + -right).is_zero()


def test_what_is_tiny_is_not_zero() -> None:
    tiny = of(-200).function("exp")
    assert not tiny.is_zero() and EXACT.compare(">", tiny, of(0))
    assert (of(1) / tiny).text() == "exp(200)"
    small = of(-150).function("sigmoid")
    assert not small.is_zero()


@pytest.mark.parametrize("digits", [3, 50, 60, 120])
def test_every_digit_asked_for_is_right(digits: int) -> None:
    fine = mpmath.mp.clone()
    fine.dps = digits + 20
    assert of("1/7").digits(digits) == fine.nstr(fine.mpf(1) / 7, digits)
    assert of(2).function("log").digits(digits) == fine.nstr(fine.log(2), digits)
    assert of(2).function("sigmoid").digits(digits) == fine.nstr(1 / (1 + fine.exp(-2)), digits)


def test_beyond_a_double() -> None:
    assert of(1000).function("exp").decimal() == float("inf")
    assert of(1000).function("exp").digits(5) == "1.9701e+434"


RATIONALS = st.fractions(-5, 5, max_denominator=6)


@st.composite
def closed_forms(draw: st.DrawFn, depth: int = 3) -> sympy.Expr:
    number = draw(RATIONALS)
    plain = sympy.Rational(number.numerator, number.denominator)
    if depth == 0:
        return plain
    inner = draw(closed_forms(depth - 1))
    match draw(st.sampled_from(["plain", "exp", "log", "sqrt", "sum", "product", "quotient", "square", "tanh"])):
        case "exp":
            return sympy.exp(inner / 4) if abs(inner.evalf()) < 50 else plain
        case "log":
            return sympy.log(inner**2 + 2)
        case "sqrt":
            return sympy.sqrt(inner**2 + 3)
        case "sum":
            return inner - draw(closed_forms(depth - 1))
        case "product":
            return inner * draw(closed_forms(depth - 1))
        case "quotient":
            return inner / (draw(closed_forms(depth - 1)) ** 2 + 1)
        case "square":
            return inner**2
        case "tanh":
            return sympy.tanh(inner / 3)
    return plain


@settings(max_examples=120, deadline=None, derandomize=True)
@given(closed_forms())
def test_what_is_printed_is_the_number(form: sympy.Expr) -> None:
    """Printed, read again, evaluated at 60 digits: SymPy's own value; and the shorter form is the same number."""
    true = MP.mpf(str(form.evalf(60, maxn=2000)))
    for tree in (from_sympy(form), from_sympy(shorten(form))):
        text = to_text(tree)
        assert abs(value(read_expression(text), {}, {}) - true) <= MP.mpf(10) ** -50 * max(1, abs(true)), text
