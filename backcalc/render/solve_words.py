"""What every form of a model solution says in words: points, what is asked, conventions, how it was verified."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from backcalc.check.solution import Part, Result, Solution
from backcalc.derive.derivation import Check
from backcalc.net.errors import printable

STATED = "The key itself states what is right here; nothing is derived."
FIELDS = ("weights", "biases", "params", "non_trainable", "connections", "macs", "flops", "activations")
"""What a table of counts may have as columns."""


def points(count: Fraction) -> str:
    """A number of points.

    >>> points(Fraction(1)), points(Fraction(20, 3)), points(Fraction(5, 2))
    ('1 point', '20/3 points', '2.5 points')
    """
    decimal = Fraction(f"{float(count):.6g}") == count
    return f"{float(count):g} point{'s' if count != 1 else ''}" if decimal else f"{count} points"


def title(part: Part) -> str:
    """The heading of a problem."""
    return f"Problem {printable(part.id)} ({points(part.points)})"


def summary(solution: Solution) -> str:
    """How much there is."""
    count = len(solution.parts)
    return f"{count} problem{'s' if count != 1 else ''}, {points(solution.points)}."


def accepted(solution: Solution) -> Iterator[str]:
    """The conventions that also count as right."""
    for name, text in solution.accepted:
        yield f"Also accepted ({name}): {text}."


def shares(part: Part) -> str:
    """How the points are shared."""
    count = len(part.proofs or part.results)
    return "" if count < 2 else f"{points(part.points / count)} each"


def table_fields(part: Part) -> tuple[str, ...]:
    """The columns of a table of counts: those that are asked for, of a layer or in total."""
    words = {result.word.rpartition(".")[2] for result in part.results if result.of is None}
    words |= {"params"} if words & {"trainable", "total"} else set()
    words |= {"params", "activations"} if "memory_bytes" in words else set()
    return tuple(field for field in FIELDS if field in words)


def sum_of(result: Result) -> str:
    """Which layers a total adds up."""
    return f"the layers {', '.join(result.terms)}" if result.terms else ""


def counted(part: Part) -> Iterator[str]:
    """How a table was counted."""
    table = part.table
    if table is None:
        return
    yield "Biases are counted." if table.bias else "Biases are left out of everything."
    asked = {result.word.rpartition(".")[2] for result in part.results}
    if "flops" in asked:
        yield f"FLOPs are counted as `{table.convention.name}`: {table.convention.meaning}."
    if "connections" in asked:
        yield "Connections are the uses of weights and biases; taps on padding count too, pooling has none."


def checked(part: Part) -> tuple[Check, ...]:
    """The witnesses of a problem: of its derivation, then of its counts."""
    derived = () if part.derivation is None else part.derivation.verified
    return (*derived, *part.checks)


def verdict(solution: Solution) -> str:
    """Whether everything holds."""
    failed = [printable(part.id) for part in solution.parts if not part.holds]
    if failed:
        return f"NOT everything holds: see problem{'s' if len(failed) > 1 else ''} {', '.join(failed)}."
    derived = [part for part in solution.parts if part.kind in ("net", "claims")]
    stated = [part for part in solution.parts if part.kind == "answers"]
    said = "Everything that is derived here was verified." if derived else "Every count follows from its formula."
    return said + (" Stated answers are as the key has them." if stated else "")
