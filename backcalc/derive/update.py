"""Update rules applied: the first step from a state of zeros, as a formula and in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from backcalc.derive.exact import EXACT, Exact
from backcalc.derive.gradient import Gradient
from backcalc.derive.terms import merge, to_terms
from backcalc.derive.write import to_expr
from backcalc.formula.evaluate import Array, evaluate_expression
from backcalc.formula.read import read_expression
from backcalc.formula.tree import ONE, ZERO, Add, Expr, Mul, Neg, Num, Ref, num, rebuild, substitute
from backcalc.net.network import Update
from backcalc.net.update import UPDATES


@dataclass(frozen=True, slots=True)
class Change:
    """The update of one parameter: `formula` is its new value, `delta` the difference to the old one."""

    name: str
    formula: Expr
    delta: Array[Exact] | None
    new: Array[Exact] | None


def rule_equations(update: Update) -> tuple[tuple[str, str], ...]:
    """The equations of an update rule as text, the last for the new w."""
    rule = UPDATES[update.kind]
    return rule.flagged if update.flag and rule.flagged else rule.equations


def first_step(update: Update, rate: Expr) -> Expr:
    """The new `w` of the first step in `w` and `g`, the rule's state being 0 before it.

    >>> from backcalc.formula.print_text import to_text
    >>> to_text(first_step(Update("momentum", Fraction(1, 10)), num(Fraction(1, 10))))
    'w - 1/10*g'
    """
    rule = UPDATES[update.kind]
    known: dict[str, Expr] = {name: num(value) for name, value in {**rule.arguments, **update.arguments}.items()}
    known |= {"k": ONE, "v0": ZERO, "s0": ZERO, "eta": rate}
    equations = rule_equations(update)
    if update.kind == "sgd":
        step = Mul((num(-rate.value), Ref("g"))) if isinstance(rate, Num) else Neg(Mul((rate, Ref("g"))))
        return Add((Ref("w"), step))
    for name, text in equations:
        known[name] = _simplified(substitute(read_expression(text), known))
    return known["w"]


def _simplified(expr: Expr) -> Expr:
    """The expression with numbers put together, innermost first: `1 - 0.9^1` is 1/10."""
    return to_expr(merge(to_terms(rebuild(expr, _simplified))))


def change(gradient: Gradient, update: Update, rate: Expr, store: Mapping[str, Array[Exact]]) -> Change:
    """The update of one array, own name or element."""
    adjoint = gradient.adjoint
    place = tuple(num(i) for i in gradient.place) if gradient.place is not None else None
    indices = place if place is not None else tuple(Ref(i) for i in adjoint.indices)
    step = first_step(update, rate)
    formula = substitute(step, {"w": Ref(adjoint.of, indices), "g": Ref(adjoint.name, indices)})
    if gradient.value is None or not isinstance(rate, Num):
        return Change(gradient.asked, formula, None, None)
    before = store.get(adjoint.of)
    if before is not None and gradient.place is not None:
        before = {(): before[gradient.place]}
    forgets_w = update.kind != "adamw"
    delta: dict[tuple[int, ...], Exact] = {}
    for at, slope in gradient.value.items():
        if before is None and not forgets_w:
            return Change(gradient.asked, formula, None, None)
        w = before[at] if before is not None else Exact.of(Fraction(0))
        start = w if not forgets_w else Exact.of(Fraction(0))
        delta[at] = evaluate_expression(step, {}, {"w": {(): start}, "g": {(): slope}}, EXACT) + -start
    new = None if before is None else {at: before[at] + difference for at, difference in delta.items()}
    return Change(gradient.asked, formula, delta, new)
