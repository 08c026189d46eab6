"""Every rule of the simplifier: an input on which it fires, and one that only looks like it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import backcalc
from backcalc.derive.brackets import decide, narrow, settle
from backcalc.derive.deltas import collapse, joined, mixed_radix, one_window, shuffled
from backcalc.derive.facts import centred, complement, shares, worth_naming
from backcalc.derive.rules import _gather, count_constant_sums, fold, simplify, square_roots, turn
from backcalc.derive.setting import Setting
from backcalc.derive.terms import Term, merge, to_terms
from backcalc.derive.write import distribute, splice, to_expr
from backcalc.formula.print_text import to_text
from backcalc.formula.program import Equation
from backcalc.formula.read import read_expression
from backcalc.formula.tree import Expr, num

Change = Callable[[Term, Setting], Term | None]


def e(text: str) -> Expr:
    return read_expression(text, losses=("J",))


RANGES = {"i": (num(1), e("N")), "j": (num(1), e("M")), "c": (num(1), num(3)), "r": (num(1), num(4))}
SETTING = Setting(RANGES, frozenset({"N", "M"}))


def apply(rule: Change, text: str, setting: Setting = SETTING) -> str:
    (term,) = to_terms(e(text))
    found = rule(term, setting)
    return "0" if found is None else to_text(to_expr((found,)))


FIRES: list[tuple[Change, str, str]] = [
    (collapse, "sum(k=1..N, x[k]*(i == k))", "x[i]"),
    (collapse, "sum(k=1..N, x[k]*(i == k + 1))", "x[i-1]*(1 < i)"),
    (collapse, "sum(k=2..N, x[k]*(i == k))", "x[i]*(2 <= i)"),
    (collapse, "sum(k=1..N, x[k]*(N + 1 == k))", "0"),
    (mixed_radix, "sum(n=1..12, g[n]*(c == div(n - 1, 4) + 1)*(r == mod(n - 1, 4) + 1))", "g[r+4*c-4]"),
    (
        mixed_radix,
        "sum(n=1..8, g[n]*(c == div(n - 1, 4) + 1)*(r == mod(n - 1, 4) + 1))",
        "g[r+4*c-4]*(r + 4*c - 4 <= 8)",
    ),
    (one_window, "sum(o=1..2, g[o]*(1 <= r - 2*o + 2 <= 2))", "g[div(r-1,2)+1]"),
    (one_window, "sum(o=1..1, g[o]*(1 <= r - 2*o + 2 <= 2))", "g[div(r-1,2)+1]*(div(r - 1, 2) + 1 <= 1)"),
    (one_window, "sum(o=1..2, g[o]*(1 <= r - 2*o + 1 <= 2))", "g[div(r-2,2)+1]*(1 <= div(r - 2, 2) + 1 <= 2)"),
    (decide, "x*(1 <= i)", "x"),
    (decide, "x*(i <= N)", "x"),
    (decide, "x*(i == N + 1)", "0"),
    (decide, "x*(2 < 1)", "0"),
    (narrow, "sum(k=1..N, x[k]*(k <= i))", "sum(k=1..i, x[k])"),
    (narrow, "sum(k=1..N, x[k]*(1 <= i - k + 1 <= 3))", "sum(k=max(1, i - 2)..i, x[k])"),
    (narrow, "sum(k=1..N, x[k]*(2*k <= i))", "sum(k=1..min(N, div(i, 2)), x[k])"),
    (narrow, "sum(k=1..4, x[k]*(1 <= r - 2*k + 2 <= 3))", "sum(k=max(1, div(r, 2))..div(r + 1, 2), x[k])"),
    (narrow, "sum(k=1..N, x[k]*(3*k - 1 <= i))", "sum(k=1..min(N, div(i + 1, 3)), x[k])"),
    (
        joined,
        "sum(o=1..6, sum(p=1..2, g[o,p]*(c == div(2*o + p - 3, 4) + 1)*(r == mod(2*o + p - 3, 4) + 1)))",
        "sum(o=1..6, sum(p=1..2, g[o,p]*(4*c + r - 5 == 2*o + p - 3)))",
    ),
    (
        shuffled,
        "sum(o=1..4, g[o]*(r == 2*mod(o - 1, 2) + div(o - 1, 2) + 1))",
        "sum(o=1..4, g[o]*(mod(o - 1, 2) == div(r - 1, 2))*(div(o - 1, 2) == mod(r - 1, 2)))",
    ),
    (settle, "x[i]*(i == 1)", "x[1]*(i == 1)"),
    (square_roots, "sqrt(v)*sqrt(v)*a", "a*v"),
    (square_roots, "a/sqrt(v)^3", "a/(v*sqrt(v))"),
    (count_constant_sums, "sum(k=1..N, x)", "N*x"),
    (count_constant_sums, "sum(k=2..N, x)", "(N - 1)*x"),
    (turn, "-2*(t - y)", "2*(y - t)"),
    (turn, "-(t - y)^3", "(y - t)^3"),
]


@pytest.mark.parametrize(("rule", "before", "after"), FIRES)
def test_fires(rule: Change, before: str, after: str) -> None:
    assert apply(rule, before) == after


STAYS: list[tuple[Change, str]] = [
    (collapse, "sum(k=1..N, x[k]*(i == 2*k))"),  # i may be odd
    (collapse, "sum(k=1..N, x[k]*(i <= k))"),
    (collapse, "sum(k=1..N, y*(k == v))"),  # v is a number, not an index: it may lie between two
    (collapse, "sum(k=1..N, x[k]*(i == k^2))"),
    (mixed_radix, "sum(n=1..12, g[n]*(c == div(n - 1, 4) + 1))"),  # a digit is missing
    (mixed_radix, "sum(n=1..12, g[n]*(c == div(n - 1, 4) + 1)*(r == mod(n - 1, 3) + 1))"),  # not one radix
    (mixed_radix, "sum(n=1..12, g[n]*(c == div(n, 4) + 1)*(r == mod(n, 4) + 1))"),  # counted from 0
    (one_window, "sum(o=1..2, g[o]*(1 <= r - 2*o + 2 <= 3))"),  # windows overlap
    (one_window, "sum(o=1..2, g[o]*(1 <= r - 3*o + 3 <= 2))"),  # gaps between the windows
    (one_window, "sum(o=2..3, g[o]*(1 <= r - 2*o + 2 <= 2))"),
    (decide, "x*(2 <= i)"),
    (decide, "x*(i == j)"),
    (decide, "x*(v > 0)"),
    (narrow, "sum(k=1..N, x[k]*(k/2 <= i))"),
    (narrow, "sum(k=1..N, x[k]*(v <= k))"),  # v is no index
    (joined, "sum(o=1..6, sum(p=1..2, g[o,p]*(c == div(2*o + p, 4))*(r == mod(2*o + p - 1, 4))))"),  # of two numbers
    (joined, "sum(o=1..6, sum(p=1..2, g[o,p]*(c == div(2*o + p, 4))*(r == mod(2*o + p, 3))))"),  # by two numbers
    (joined, "sum(n=1..12, g[n]*(c == div(n - 1, 4) + 1)*(r == mod(n - 1, 4) + 1))"),  # left to its digits
    (shuffled, "sum(o=1..4, g[o]*(r == 3*mod(o - 1, 2) + div(o - 1, 2) + 1))"),  # there are two quotients, not three
    (shuffled, "sum(o=1..5, g[o]*(r == 2*mod(o - 1, 2) + div(o - 1, 2) + 1))"),
    (settle, "x[i]*(i == j)"),
    (settle, "x[i]*(i <= 1)"),
    (settle, "v*(v == 1)"),
    (square_roots, "sqrt(v)*sqrt(u)"),
    (count_constant_sums, "sum(k=1..N, x[k])"),
    (count_constant_sums, "sum(k=3..N, x)"),  # N may be 1: no term, not minus one
    (count_constant_sums, "sum(k=i + 2..N, x)"),
    (count_constant_sums, "sum(k=max(1, i - 2)..N, x)"),
    (turn, "2*(t - y)"),
    (turn, "-2*(t - y)^2"),
    (turn, "-2*(1 - y)"),
]


@pytest.mark.parametrize(("rule", "text"), STAYS)
def test_stays(rule: Change, text: str) -> None:
    (term,) = to_terms(e(text))
    assert rule(term, SETTING) is term


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("sum(n=1..N, p[n]*x[n]) - sum(n=1..N, t[n]*x[n])", "sum(n=1..N, (p[n] - t[n])*x[n])"),
        ("sum(n=1..N, p[n]*x[n]) - 2*sum(k=1..N, t[k]*x[k])", "sum(n=1..N, (p[n] - 2*t[n])*x[n])"),
        ("sum(n=1..N, p[n]*x[n]) + sum(n=1..M, t[n]*x[n])", None),  # not over the same range
        ("sum(n=1..N, p[n]*x[n]) + sum(n=1..N, t[n]*v[n])", None),  # nothing in common
        ("sum(n=1..N, p[n]*x[n]*(n <= i)) + sum(n=1..N, t[n]*x[n])", None),  # not under the same condition
        ("p*x + t*x", None),  # no sums: what they share is written in front of them anyway
    ],
)
def test_gather(before: str, after: str | None) -> None:
    terms = to_terms(e(before))
    found = _gather(terms, SETTING)
    assert found is terms if after is None else to_text(to_expr(found)) == after


def test_what_is_multiplied_out_keeps_free_indices_free() -> None:
    """Σ_i x[i] beside the x[i] of a free i: the sum has an index of its own."""
    expanded = distribute(to_terms(e("(sum(i=1..N, x[i]) + 1)*x[i]")))
    assert to_text(to_expr(expanded)) == "x[i]*(sum(i2=1..N, x[i2]) + 1)"


# -- names for what has one ----------------------------------------------------------------------

Y = Equation("y", ("i",), e("exp(z[i])/sum(k=1..N, exp(z[k]))"))
H = Equation("h", ("i",), e("sigmoid(z[i])"))
A = Equation("A", ("i", "j"), e("x[i]*x[j]/s"))


@pytest.mark.parametrize(
    ("equation", "before", "after"),
    [
        (Y, "exp(z[j])/sum(m=1..N, exp(z[m]))", "y[j]"),
        (Y, "exp(z[j])^2/sum(m=1..N, exp(z[m]))^2", "y[j]*exp(z[j])/sum(m=1..N, exp(z[m]))"),
        (Y, "exp(z[j])/sum(m=2..N, exp(z[m]))", None),  # another total
        (Y, "exp(z[j])*sum(m=1..N, exp(z[m]))", None),
        (H, "(1 - sigmoid(z[j]))*x", "(1 - h[j])*x"),
        (H, "(1 - sigmoid(v[j]))*x", None),
        (A, "x[i]*x[i]/s", "A[i,i]"),
        (A, "x[i]*v/s", None),  # one x is not two
    ],
)
def test_fold(equation: Equation, before: str, after: str | None) -> None:
    setting = Setting(RANGES, frozenset({"N", "M"}), named=(equation,))
    (term,) = to_terms(e(before))
    found = fold(term, setting)
    assert found is not None
    assert to_text(to_expr((found,))) == (after or to_text(to_expr((term,))))


def test_what_is_worth_a_name() -> None:
    assert worth_naming(Y) and worth_naming(H)
    assert not worth_naming(Equation("u", ("i",), e("a[i]*b[i]")))
    assert not worth_naming(Equation("u", ("i", "j"), e("exp(z[i])")))  # j could be anything
    assert not worth_naming(Equation("u", ("i",), e("exp(z[i-1])")), frozenset({"z"}))
    assert not worth_naming(Equation("u", ("i",), e("exp(z[i])")), frozenset({"z"}))  # z[0] is read, u[0] is not


# -- facts ---------------------------------------------------------------------------------------


def fact(equation: Equation, text: str) -> str:
    found = shares(equation) or centred(equation)
    assert found is not None
    (term,) = to_terms(e(text))
    changed = found.apply(term)
    return "0" if changed is None else to_text(to_expr((changed,)))


MU = Equation("mu", ("j",), e("1/N*sum(i=1..N, a[i,j])"))


@pytest.mark.parametrize(
    ("equation", "before", "after"),
    [
        (Y, "g*sum(k=1..N, y[k])", "g"),
        (Y, "sum(k=1..N, y[k]*g[k])", None),
        (Y, "sum(k=1..N, y[k]^2)", None),
        (Y, "sum(k=1..M, y[k])", None),
        (Y, "sum(k=2..N, y[k])", None),
        (Y, "sum(k=1..N, v[k])", None),
        (MU, "sum(n=1..N, v*(a[n,2] - mu[2]))", "0"),
        (MU, "sum(n=1..N, v*(mu[2] - a[n,2]))", "0"),
        (MU, "sum(n=1..N, v*(a[n,2] - mu[1]))", None),
        (MU, "sum(n=1..N, v*(a[n,n] - mu[n]))", None),  # a diagonal is no column
        (MU, "v*sum(n=1..N, (a[n,2] - mu[2])^2)", None),
        (MU, "v*sum(n=1..N, (a[n,2] - mu[2])*b[n])", None),
    ],
)
def test_facts(equation: Equation, before: str, after: str | None) -> None:
    assert fact(equation, before) == (after or to_text(to_expr(to_terms(e(before)))))


def test_no_fact_where_there_is_none() -> None:
    assert shares(Equation("y", ("i",), e("exp(z[i])/sum(k=1..N, exp(v[k]))"))) is None
    assert shares(Equation("y", ("i",), e("exp(z[i])/sum(k=1..i, exp(z[k]))"))) is None  # a total for every i
    assert centred(Equation("mu", ("j",), e("1/M*sum(i=1..N, a[i,j])"))) is None
    assert centred(Equation("mu", ("j",), e("1/j*sum(i=1..j, a[i,j])"))) is None


def test_complement() -> None:
    one, two = Equation("y1", (), e("a/(a + b)")), Equation("y2", (), e("b/(a + b)"))
    assert complement((one, two)) == ((("y1", "y2"), "y1 + y2 = 1, since each is its share of one total"),)
    assert complement((one, Equation("y2", (), e("b/(a + c)")))) == ()
    assert complement((one, Equation("y2", (), e("2*b/(a + b)")))) == ()


# -- sums of terms -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("2*x*y + 3*y*x", "5*x*y"),
        ("sum(i=1..N, a[i]*b) - sum(k=1..N, b*a[k])", "0"),
        ("x*y - x", "x*(y - 1)"),
        ("sum(i=1..N, a[i]) + sum(i=1..M, a[i])", "sum(i=1..N, a[i]) + sum(i=1..M, a[i])"),
        ("sum(i=1..N, a[i]) + sum(i=2..N, a[i])", "sum(i=1..N, a[i]) + sum(i=2..N, a[i])"),
    ],
)
def test_merge(before: str, after: str) -> None:
    assert to_text(to_expr(merge(to_terms(e(before))))) == after


def test_multiplying_out_keeps_what_a_sum_binds() -> None:
    wide = distribute(to_terms(e("sum(i=1..3, (a[i] + b)*c[i])")))
    assert to_text(to_expr(wide)) == "sum(i=1..3, a[i]*c[i]) + b*sum(i=1..3, c[i])"


@pytest.mark.parametrize("square", ["(w - w)^2", "0*w", "(w - w)*(w + 1)"])
def test_what_is_nothing_has_the_derivative_nothing(square: str) -> None:
    found = backcalc.grad({"equations": f"J = {square} + v", "values": {"v": 1, "w": 2}}, wrt=["w"])
    assert str(found.values["dJ/dw"][()]) == "0" and found.passed


def test_splice() -> None:
    assert len(splice(to_terms(e("(y - t)")))) == 2
    assert len(splice(to_terms(e("-1*(y - t)")))) == 2
    assert len(splice(to_terms(e("2*(y - t)")))) == 1
    assert len(splice(to_terms(e("(y - t)^2")))) == 1


def test_simplifying_says_which_rules_it_used() -> None:
    terms, trail = simplify(to_terms(e("sum(k=1..N, x[k]*(i == k)) + 2*x[i]")), SETTING)
    assert to_text(to_expr(terms)) == "3*x[i]"
    assert [rule.name for rule, _ in trail] == ["collapse", "merge"]
