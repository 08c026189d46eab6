"""A witness that cannot fail is none: every rule of the engine is broken once, and the verification must notice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import pytest

import backcalc
from backcalc.derive import brackets, deltas, derive, facts, ground, partial, rules, scalar
from backcalc.derive.adjoint import Adjoint
from backcalc.derive.partial import Partial
from backcalc.derive.rules import Rule
from backcalc.derive.setting import Setting
from backcalc.derive.terms import Term, Terms
from backcalc.formula.tree import ONE, Add, Expr, Neg, Num, Ref, num
from backcalc.verify import check

Patch = pytest.MonkeyPatch

CONVOLUTION = {
    "input": {"x": 5},
    "layers": [{"conv1d": {"name": "q", "filters": 1, "kernel": 2, "bias": False}}, "sigmoid"],
    "loss": {"sse": {}},
}
SOFTMAX = {
    "input": {"x": 3},
    "layers": [{"dense": {"name": "z", "units": 3}}, "softmax"],
    "loss": {"nll": {"target": 2}},
}
POOLING = {"input": {"x": [2, 4, 6]}, "layers": [{"avgpool2d": 2}, "flatten", {"dense": 2}], "loss": {"sse": {}}}
WEIGHTS = {"equations": "J = 2*w*x + 3*w*x + (w - x)^2", "find": ["w"]}
ROOT = {"equations": "u = sqrt(w)\nJ = u*sqrt(w)*sqrt(w + 3)^3", "values": {"w": 2}}
QUOTIENT = {"equations": "u = x/w\nJ = u^3 + mean(k=1..3, b[k])^2*w + prod(k=1..3, b[k])", "shapes": {"b": [3]}}
NORM = {
    "sizes": {"N": None},
    "shapes": {"a": ["N"], "c": ["N"]},
    "equations": "mu = 1/N*sum(i=1..N, a[i])\nv = 1/N*sum(i=1..N, (a[i] - mu)^2)\nJ = sum(i=1..N, c[i]*(a[i] - mu)*v)",
}
COUNT = {
    "sizes": {"N": None},
    "shapes": {"a": ["N"]},
    "equations": "J = sum(i=1..N, s^2*a[1]) + a[1]*sum(i=1..N, a[i])",
}
SHARED = {
    "equations": "z1 = w1*x\nz2 = w2*x\n"
    "y1 = exp(z1)/(exp(z1) + exp(z2))\ny2 = exp(z2)/(exp(z1) + exp(z2))\nJ = -log(y1)"
}


def _swap(patch: Patch, name: str, change: Callable[[Terms, Terms], Terms]) -> None:
    """Every rule of that name gives `change(before, after)` where it gave `after`."""

    def broken(rule: Rule) -> Rule:
        def apply(terms: Terms, setting: Setting) -> Terms:
            after = rule.apply(terms, setting)
            return after if after is terms else change(terms, after)

        return Rule(rule.name, apply, rule.reason)

    patch.setattr(rules, "RULES", tuple(broken(rule) if rule.name == name else rule for rule in rules.RULES))


def _scaled(terms: Terms, factor: int) -> Terms:
    return tuple(replace(term, coefficient=term.coefficient * factor) for term in terms)


def no_range_guard(patch: Patch) -> None:
    patch.setattr(deltas, "range_condition", lambda *_: None)


def merge_that_drops_coefficients(patch: Patch) -> None:
    from backcalc.derive.terms import term_key

    def merge(terms: Terms) -> Terms:
        return tuple({term_key(term): term for term in terms}.values())

    patch.setattr(rules, "merge", merge)


def sigmoid_without_its_complement(patch: Patch) -> None:
    real = partial._derivatives
    patch.setattr(partial, "_derivatives", lambda f: (Ref("u"),) if f == "sigmoid" else real(f))


def fold_to_the_wrong_place(patch: Patch) -> None:
    real = facts._fold_product

    def wrong(term: Term, *rest: Any) -> Term:
        found = real(term, *rest)
        if found is term:
            return term
        factors = tuple(
            (Ref(b.name, (ONE,)) if isinstance(b, Ref) and b.name == rest[0].name else b, e) for b, e in found.factors
        )
        return replace(found, factors=factors)

    patch.setattr(facts, "_fold_product", wrong)


def settle_without_its_bracket(patch: Patch) -> None:
    patch.setattr(brackets, "with_bracket", lambda term, bracket: term)


def decide_that_believes_everything(patch: Patch) -> None:
    patch.setattr(brackets, "_verdict", lambda *_: True)


def narrow_that_forgets_the_range(patch: Patch) -> None:
    patch.setattr(brackets, "_largest", lambda left, *_: left)
    patch.setattr(brackets, "_smallest", lambda left, *_: left)


def sum_of_n_counted_twice(patch: Patch) -> None:
    _swap(patch, "count", lambda before, after: _scaled(after, 2))


def turned_into_twice_as_much(patch: Patch) -> None:
    _swap(patch, "turn", lambda before, after: _scaled(after, 2))


def collapsed_twice(patch: Patch) -> None:
    _swap(patch, "collapse", lambda before, after: _scaled(after, 2))


def opened_with_the_wrong_sign(patch: Patch) -> None:
    _swap(patch, "open", lambda before, after: _scaled(after, -1))


def multiplied_out_short(patch: Patch) -> None:
    _swap(patch, "multiply out", lambda before, after: after[:-1])


def root_to_the_square(patch: Patch) -> None:
    _swap(patch, "root", lambda before, after: _scaled(after, 3))


def everything_sums_to_one(patch: Patch) -> None:
    def apply(self: facts.Fact, term: Term) -> Term:
        return replace(term, factors=(), sums=()) if term.sums else term

    patch.setattr(facts.Fact, "apply", apply)


def every_deviation_is_zero(patch: Patch) -> None:
    patch.setattr(facts.Centred, "apply", lambda self, term: None if term.sums else term)


def _partials(patch: Patch, change: Callable[[Partial], Partial]) -> None:
    real = partial.partials

    def broken(expr: Expr, name: str) -> Iterator[Partial]:
        return (change(found) for found in real(expr, name))

    patch.setattr("backcalc.derive.chain_rule.partials", broken)


def forgotten_factor(patch: Patch) -> None:
    _partials(patch, lambda p: replace(p, factors=p.factors[1:]))


def forgotten_sum(patch: Patch) -> None:
    _partials(patch, lambda p: replace(p, sums=()))


def transposed_read(patch: Patch) -> None:
    _partials(patch, lambda p: replace(p, read=Ref(p.read.name, p.read.indices[::-1])))


CASES: list[tuple[Callable[[Patch], None], Mapping[str, Any]]] = [
    (no_range_guard, CONVOLUTION),
    (merge_that_drops_coefficients, WEIGHTS),
    (sigmoid_without_its_complement, CONVOLUTION),
    (fold_to_the_wrong_place, SOFTMAX),
    (settle_without_its_bracket, SOFTMAX),
    (decide_that_believes_everything, SOFTMAX),
    (
        narrow_that_forgets_the_range,
        {"equations": "J = sum(i=1..4, sum(k=1..4, (k <= i)*x[k]))*s", "shapes": {"x": [4]}},
    ),
    (sum_of_n_counted_twice, COUNT),
    (turned_into_twice_as_much, {"equations": "J = (t - y)^2"}),
    (collapsed_twice, SOFTMAX),
    (collapsed_twice, POOLING),
    (opened_with_the_wrong_sign, {"equations": "J = w*(x - y)"}),
    (root_to_the_square, ROOT),
    (everything_sums_to_one, SOFTMAX),
    (every_deviation_is_zero, NORM),
    (forgotten_factor, QUOTIENT),
    (forgotten_sum, CONVOLUTION),
    (transposed_read, SOFTMAX),
]


@pytest.mark.parametrize(("breaking", "source"), CASES, ids=[case[0].__name__ for case in CASES])
def test_a_broken_rule_is_noticed(
    breaking: Callable[[Patch], None], source: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    network = backcalc.load(source)
    assert all(way.passed for way in check(derive(network)))
    breaking(monkeypatch)
    assert not all(way.passed for way in check(derive(network)))


VALUED = {**SHARED, "values": {"w1": 1, "w2": 2, "x": "1/2"}}


def test_a_line_that_is_written_out_wrongly_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    real = ground.add
    monkeypatch.setattr(ground, "add", lambda parts: real(parts[1:] or parts))
    checks = {way.against: way.passed for way in check(derive(backcalc.load(VALUED)))}
    assert checks["every line written out"] is False
    assert checks["central differences of the forward equations"] is True


def test_a_wrong_use_of_a_total_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """y1 - 1 is -y2, not -y1."""
    real = scalar.Writer._use_total

    def wrong(self: scalar.Writer, terms: Terms) -> Terms | None:
        found = real(self, terms)
        return None if found is None else (Term(found[0].coefficient, ((num(7), Fraction(1)),)),)

    monkeypatch.setattr(scalar.Writer, "_use_total", wrong)
    checks = {way.against: way.passed for way in check(derive(backcalc.load(VALUED)))}
    assert checks["every line written out"] is False


def test_a_closed_form_that_is_printed_wrongly_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    from backcalc.derive import from_sympy

    real = from_sympy.from_sympy
    monkeypatch.setattr(from_sympy, "from_sympy", lambda e: Neg(real(e)))
    checks = {way.against: way.passed for way in check(derive(backcalc.load(VALUED)))}
    assert checks["the closed forms at 50 digits"] is False


def test_a_forgotten_adjoint_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the derivative asked for is checked against differences when the budget is small: it must be."""
    derivation = derive(backcalc.load(WEIGHTS))
    of, found = next(iter(derivation.adjoints.items()))
    wrong: Adjoint = replace(found, closed=Add((found.closed, Num(Fraction(1, 10**20)))))
    broken = replace(
        derivation,
        adjoints={**derivation.adjoints, of: wrong},
        gradients=tuple(replace(g, adjoint=wrong) if g.adjoint.of == of else g for g in derivation.gradients),
    )
    assert not all(way.passed for way in check(broken, budget=0))


@pytest.mark.parametrize("weight", ["1", "1e-20", "1e-40", "1e-70"])
def test_a_wrong_derivative_at_a_tiny_value_is_noticed(weight: str) -> None:
    """A step as small as the value would drown every derivative in its rounding."""
    derivation = derive(
        backcalc.load(
            {"equations": "J = (w + 2)*x", "values": {"w": weight, "x": 1}},
        ),
        ["w"],
    )
    found = derivation.adjoints["w"]
    wrong = replace(found, closed=Add((found.closed, Num(Fraction(1, 10**12)))), steps=())
    gradients = tuple(replace(gradient, adjoint=wrong) for gradient in derivation.gradients)
    broken = replace(derivation, adjoints={**derivation.adjoints, "w": wrong}, gradients=gradients)
    assert {way.against: way.passed for way in check(derivation)}["central differences of the forward equations"]
    assert not {way.against: way.passed for way in check(broken)}["central differences of the forward equations"]


@dataclass(frozen=True)
class _Case:
    """A network whose numbers stand where doubles or a fixed step give out."""

    name: str
    source: Mapping[str, Any]


HARD = [
    _Case("overflows a double", {"equations": "J = exp(1000*x)", "values": {"x": 1}}),
    _Case(
        "smaller than the step",
        {
            "input": {"z": 2},
            "layers": ["softmax"],
            "loss": {"nll": {"target": 1}},
            "values": {"z": [-130, 0]},
            "find": ["z"],
        },
    ),
    _Case("a kink nearer than the step", {"equations": "u = exp(-200*x)\nJ = relu(u)*x", "values": {"x": 1}}),
    _Case("on a kink", {"equations": "J = relu(x)*w + abs(x)", "values": {"x": 0, "w": 3}}),
    _Case(
        "a tie",
        {
            "input": {"x": 4},
            "layers": [{"maxpool1d": 2}],
            "loss": {"sse": {}},
            "values": {"x": [1, 1, 2, 0]},
            "find": ["x"],
        },
    ),
]


@pytest.mark.parametrize("case", HARD, ids=lambda case: case.name)
def test_numbers_that_are_hard_to_check(case: _Case) -> None:
    assert backcalc.grad(case.source).passed
    assert backcalc.verify(case.source).passed
