"""Values that the student gives to what the key leaves open, such as a learning rate; without one nothing is wrong."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from backcalc.check.compare import EQUALS, Formula
from backcalc.check.interval import INTERVALS, Interval
from backcalc.check.read import Link
from backcalc.check.subject import Point, Subject
from backcalc.derive.arrays import evaluate_available
from backcalc.formula.integers import EvaluationError, rational
from backcalc.formula.tree import Expr, Num, Ref, walk


def choice(left: Formula, link: Link, subject: Subject) -> Fraction | None:
    """The number that a claim gives to a single quantity which the key leaves open: `eta = 0.1`."""
    ref = left.expr
    if not isinstance(ref, Ref) or ref.indices or link.relation not in EQUALS or ref.name not in subject.program.leaves:
        return None
    if subject.program.shapes.get(ref.name) or ref.name not in _open(subject):
        return None
    try:
        return rational(link.right.expr, {})
    except EvaluationError:
        return None


def with_value(subject: Subject, name: str, value: Fraction) -> Subject:
    """The subject in which an open quantity has a value, and all that is computed from it."""
    given = subject.given
    leaves = {leaf: given.store[leaf] for leaf in subject.program.leaves if leaf in given.store}
    leaves[name] = {(): Interval.of(value)}
    try:
        store, _ = evaluate_available(subject.program, leaves, INTERVALS, given.sizes)
    except EvaluationError:
        return subject
    other = replace(subject)
    other.__dict__["given"] = Point({**given.store, **store}, given.sizes)
    other.__dict__["plain_values"] = subject.plain_values | {value}
    return other


def left_open(left: Formula, right: Formula, subject: Subject) -> str | None:
    """What one side alone depends on and has no value, so that nothing can be said of the other: a name."""
    one, other = (_reached(side.expr, subject) for side in (left, right))
    rate = subject.rate
    if rate not in one ^ other or rate in subject.given.store:
        return None
    return rate if _has_numbers((right if rate in one else left).expr) else None


def _has_numbers(expr: Expr) -> bool:
    """Whether a number stands in a formula that may be the student's own value."""
    names = [node.name for node in walk(expr) if isinstance(node, Ref)]
    fractions = any(isinstance(node, Num) and node.value.denominator != 1 for node in walk(expr))
    return not names or fractions or any(name.startswith("#") for name in names)


def _open(subject: Subject) -> frozenset[str]:
    """The leaves for which the key has no value."""
    return frozenset(
        name for name in subject.program.leaves if name not in subject.exact and name not in subject.bounds
    )


def _reached(expr: Expr, subject: Subject) -> frozenset[str]:
    """Every quantity that a formula depends on."""
    seen: set[str] = set()
    waiting = [node.name for node in walk(expr) if isinstance(node, Ref)]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        equation = subject.program.by_name.get(name)
        waiting += [ref.name for ref in equation.reads()] if equation is not None else []
    return frozenset(seen)
