"""What is used more than once, in words: shared weights are the point of many a problem."""

from __future__ import annotations

from math import prod

from backcalc.derive.adjoint import Adjoint
from backcalc.derive.gradient import Gradient
from backcalc.derive.ground import Ground, uses
from backcalc.derive.terms import to_terms
from backcalc.formula.integers import EvaluationError, integer
from backcalc.formula.print_unicode import to_unicode
from backcalc.formula.program import Program
from backcalc.formula.tree import Ref

MOST_LISTED = 8  # elements that are named one by one in a sentence


def sharing(gradients: tuple[Gradient, ...], program: Program, ground: Ground, scalar: bool) -> tuple[str, ...]:
    """What is used more than once, in words: `w1 is used twice: in q1 and in q2`."""
    found = []
    for gradient in gradients:
        name = gradient.adjoint.of
        if name not in program.leaves:
            continue
        if not program.shapes[name] and scalar:
            if (sentence := _uses_in_words(name, uses(program, name, ground))) is not None:
                found.append(sentence)
        elif program.shapes[name]:
            times = _repetitions(gradient.adjoint, program)
            if times > 1:
                entry = f"every entry of {to_unicode(Ref(name))}"
                found.append(f"{entry} is used {_times(times)}; its gradient adds up over all uses")
    return tuple(dict.fromkeys(found))


def _uses_in_words(name: str, readers: tuple[tuple[Ref, int], ...]) -> str | None:
    """`w1 is used twice: in q1 and in q2`; None for what is used once."""
    total = sum(count for _, count in readers)
    if total < 2:
        return None
    shared = f"{to_unicode(Ref(name))} is used {_times(total)}: "
    if len(readers) > MOST_LISTED:
        arrays = " and ".join(dict.fromkeys(to_unicode(Ref(ref.name)) for ref, _ in readers))
        return f"{shared}in {len(readers)} elements of {arrays}"
    listed = [
        "in " + to_unicode(ref, scalar_names=True) + (f" ({_times(count)})" if count > 1 else "")
        for ref, count in readers
    ]
    return shared + ", ".join(listed[:-1]) + (" and " if listed[1:] else "") + listed[-1]


def _times(count: int) -> str:
    return {2: "twice", 3: "three times"}.get(count, f"{count} times")


def _repetitions(adjoint: Adjoint, program: Program) -> int:
    """How many terms the gradient of one entry adds up; 1 where a size is symbolic."""
    known = {name: value for name, value in program.sizes.items() if value is not None}
    total = 0
    for term in to_terms(adjoint.chain):
        if term.brackets:
            return 1  # how many of the terms count depends on the entry
        try:
            total += prod(integer(b.upper, known) - integer(b.lower, known) + 1 for b in term.sums)
        except EvaluationError:
            return 1
    return total
