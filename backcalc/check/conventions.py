"""Conventions besides the key's own, under which a claim may be true, and how each is recognised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from types import MappingProxyType

from backcalc.check.compare import Formula, compare
from backcalc.check.counts import VARIANTS
from backcalc.check.names import NotFormula
from backcalc.check.subgradients import is_another_subgradient
from backcalc.check.subject import Subject
from backcalc.check.written import truncated
from backcalc.formula.latex_chain import Side
from backcalc.formula.names import derivative_parts, is_derivative
from backcalc.formula.tree import Call, Div, Expr, Mul, Neg, Num, Pow, Reduce, Ref, num, walk

CONVENTIONS: Mapping[str, str] = MappingProxyType(
    {
        **VARIANTS,
        "factor": "the loss has another constant factor, as 1/2 or 1/N",
        "update-sign": "the change is written with the other sign, Δw = +η ∂J/∂w",
        "subgradient": "the derivative at a kink is another slope between those of its two sides",
        "truncated": "the number is cut off after its last digit, not rounded",
    }
)
"""Every convention that a claim can be true under, each with what it says; a key's `accept` names some of them."""


def under_other(about: Ref, right: Formula, side: Side, subject: Subject) -> Iterator[tuple[str, str]]:
    """The conventions under which what is claimed of a quantity is true, each with both numbers in a sentence."""
    if subject.counts is not None:
        for name, values in subject.counts.variants.items():
            if about.name in values and _is(Formula(num(values[about.name])), right, subject):
                own, other = subject.counts.values[about.name], values[about.name]
                yield name, f"{other} where {CONVENTIONS[name]}; the key's own convention gives {own}"
    if about.name.startswith("Delta") and _is(Formula(Neg(about)), right, subject):
        yield "update-sign", "Δ is written here with the sign of +η ∂J/∂w; the key's step is −η ∂J/∂w"
    if _scales(about, subject):
        for factor in _factors(subject):
            if _is(Formula(Mul((factor, about))), right, subject):
                yield "factor", f"{_said(factor)} times the key's; right for a loss with that factor"
                break
    if is_another_subgradient(about, right, subject):
        yield (
            "subgradient",
            "at a kink every slope between those of its two sides is a subgradient; the key has another",
        )
    number = side.numbers[-1] if len(side.numbers) == 1 else None
    if number is not None and isinstance(side.expr, Num | Neg) and about.name in subject.given.store:
        array = subject.given.store[about.name]
        place = tuple(index.value.numerator for index in about.indices if isinstance(index, Num))
        value = side.expr.value if isinstance(side.expr, Num) else -number.value
        if place in array and truncated(value, number.half_unit, array[place]):
            yield "truncated", f"{array[place]} is cut off here after the last digit; rounded it ends differently"


def distinguished(about: Ref, subject: Subject) -> frozenset[str]:
    """The conventions that a right claim about a quantity rules out: those that give it another value."""
    found = set()
    if subject.counts is not None:
        found |= {name for name, values in subject.counts.variants.items() if about.name in values}
    value = subject.given.store.get(about.name, {})
    zero = bool(value) and all(element.holds_zero() for element in value.values())
    if about.name.startswith("Delta") and not zero:
        found.add("update-sign")
    if _scales(about, subject) and not zero:
        found.add("factor")
    return frozenset(found)


def _is(candidate: Formula, right: Formula, subject: Subject) -> bool:
    """Whether it is the same, as a function too: what agrees at the given values alone is no convention."""
    try:
        return compare(candidate, right, subject).as_function
    except (NotFormula, LookupError):
        return False


def _scales(about: Ref, subject: Subject) -> bool:
    """Whether a quantity grows with a factor of the loss, and the loss is of a kind that is written with several."""
    loss = subject.loss
    if loss is None or loss not in subject.program.by_name:
        return False
    body = subject.program.by_name[loss].body
    squares = any(isinstance(node, Pow) and node.exponent == num(2) for node in walk(body))
    means = any(isinstance(node, Div) or (isinstance(node, Call) and node.function == "mean") for node in walk(body))
    if not (squares or means):
        return False
    if about.name == loss or about.name.startswith("Delta"):
        return True
    return is_derivative(about.name) and not about.name.startswith("d^2") and derivative_parts(about.name)[0] == loss


def _factors(subject: Subject) -> list[Expr]:
    """1/2 and 2, and the numbers of samples and outputs over which a loss may be averaged."""
    found: list[Expr] = [num(2), num(Fraction(1, 2))]
    body = subject.program.by_name[subject.loss or ""].body
    uppers = [node.upper for node in walk(body) if isinstance(node, Reduce) and node.upper is not None]
    for upper in dict.fromkeys([*uppers, *(Ref(name) for name in subject.program.sizes)]):
        if isinstance(upper, Num) and upper.value == 1:
            continue
        found += [upper, Div(num(1), upper), Mul((num(2), upper)), Div(num(1), Mul((num(2), upper)))]
        found += [Div(num(2), upper), Div(upper, num(2))]
    return found


def _said(factor: Expr) -> str:
    from backcalc.formula.print_text import to_text

    return to_text(factor)
