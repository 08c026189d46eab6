"""Whether a claim holds: proved in steps, refuted by a counterexample, or left open.

What is proved is proved wherever both sides are defined, with the stated convention at kinks. Nothing is called true
that has not been proved, and nothing false without a point at which both sides differ for certain.
"""

from __future__ import annotations

from collections.abc import Sequence

from backcalc.transform.budget import SECONDS, Deadline, OutOfReach
from backcalc.transform.claim import read_claim
from backcalc.transform.decide import decided
from backcalc.transform.points import Point
from backcalc.transform.proof import Proof
from backcalc.transform.question import question
from backcalc.transform.refute import trials


def prove(claim: str, given: Sequence[str] = (), seconds: float = SECONDS) -> Proof:
    """Decides `left = right`, or each link of a chain, under assumptions; gives up after so many seconds.

    >>> prove("tanh(x) = 2*sigmoid(2*x) - 1").holds, prove("sqrt(x^2) = x", ["x > 0"]).holds, prove("x = 2*x").holds
    (True, True, False)

    Raises ClaimError for a claim that says nothing that could be decided, FormulaError for one that cannot be read.
    """
    deadline = Deadline.after(seconds)
    asked = read_claim(claim, given)
    about = question(asked)
    points: list[Point] = []
    try:
        points.extend(trials(about, deadline))
    except OutOfReach:
        points.clear()  # the links then say that no point was tried
    links = tuple(decided(about, link, points, deadline) for link in about.links)
    return Proof(asked.text, tuple(given), asked.notes, links)
