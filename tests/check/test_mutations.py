"""Nothing right is ever called wrong, and what another evaluation certifies as wrong is found.

The formulas are those of the examples, forward and backward. The witness of what is wrong is an evaluation in plain
floating point at values of its own, which shares no code with the intervals of the check.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from pathlib import Path
from random import Random

import pytest

from backcalc.check import check
from backcalc.check.key import Key, KeyProblem, load_key
from backcalc.check.result import Claim
from backcalc.check.submission import read_text
from backcalc.derive.arrays import evaluate_available
from backcalc.formula.evaluate import evaluate_expression
from backcalc.formula.floats import FLOATS
from backcalc.formula.integers import EvaluationError, integer
from backcalc.formula.print_text import to_text
from backcalc.formula.program import Equation
from backcalc.formula.tree import Compare, Expr, Table, num, substitute, walk
from backcalc.net import load_network

from .rewrites import RIGHT, broken, everywhere

EXAMPLES = Path(__file__).parents[2] / "examples"
NETWORKS = ("shared-kernel", "six-weights", "logistic-neuron", "batch-norm-one-to-one", "output-sigmoid", "hinge")


@lru_cache
def key_of(name: str) -> Key:
    network = load_network(EXAMPLES / f"{name}.yaml")
    asked = network.program.equations[-1].name
    return load_key({"problems": [{"id": 1, "net": str(EXAMPLES / f"{name}.yaml"), "ask": [asked]}]})


def problem(name: str) -> KeyProblem:
    return key_of(name).problems[0]


def equations(name: str) -> list[Equation]:
    """The formulas of an example, forward and backward, but for the counts and arrays that are spelled out."""
    subject = problem(name).subjects[0]
    counts = subject.counts.values if subject.counts is not None else {}
    return [
        equation
        for equation in subject.program.equations
        if equation.name not in counts and not isinstance(equation.body, Table) and not _branches(equation.body)
    ]


def _branches(body: Expr) -> bool:
    return any(isinstance(node, Compare) for node in walk(body))


def judged(name: str, claims: list[str]) -> list[Claim]:
    (submission,) = check(key_of(name), [read_text("\n".join(claims))]).submissions
    return list(submission.claims)


def claim_of(equation: Equation, body: Expr) -> str:
    left = to_text(equation.left).replace("new_", "new ").replace("Delta", "delta ")
    return f"{left} = {to_text(body)}"


def rewritten(name: str, seed: int) -> Iterator[str]:
    source = Random(seed)
    for equation in equations(name):
        for change in RIGHT:
            yield claim_of(equation, everywhere(equation.body, change, source))
        once = everywhere(equation.body, source.choice(RIGHT), source)
        yield claim_of(equation, everywhere(once, source.choice(RIGHT), source))


@pytest.mark.parametrize("name", NETWORKS)
def test_nothing_right_is_accused(name: str) -> None:
    claims = list(dict.fromkeys(claim for seed in range(3) for claim in rewritten(name, seed)))
    found = judged(name, claims)
    assert len(found) >= len(claims)
    assert not [(claim.claim, claim.diagnosis) for claim in found if claim.verdict != "right"]


@pytest.mark.parametrize("name", ["shared-kernel", "six-weights"])
def test_no_rounded_number_is_accused(name: str) -> None:
    subject = problem(name).subjects[0]
    source, claims = Random(5), []
    for equation in equations(name):
        for place, value in subject.exact.get(equation.name, {}).items():
            left = to_text(equation.left).partition("[")[0] + (f"[{','.join(map(str, place))}]" if place else "")
            left = left.replace("new_", "new ").replace("Delta", "delta ")
            claims.append(f"{left} = {value.decimal():.{source.randint(2, 9)}f}")
    assert {claim.verdict for claim in judged(name, claims)} == {"right"}


def certified(name: str, equation: Equation, body: Expr) -> bool:
    """Whether plain floating point finds the two sides different: at the given values, else at values of its own."""
    subject = problem(name).subjects[0]
    program = subject.program
    source = Random(11)
    sizes = {
        size: value if value is not None else 3 + place for place, (size, value) in enumerate(program.sizes.items())
    }
    store = {}
    for leaf in program.leaves:
        shape = [integer(axis, sizes) for axis in program.shapes[leaf]]
        for place in product(*(range(1, extent + 1) for extent in shape)):
            given = subject.exact.get(leaf)
            value = float(given[place].approx) if given is not None else source.uniform(0.3, 2.5)
            store.setdefault(leaf, {})[place] = value
    values, _ = evaluate_available(program, store, FLOATS, sizes)
    ranges = [range(1, integer(axis, sizes) + 1) for axis in program.shapes[equation.name]]
    for place in product(*ranges):
        here = substitute(body, {index: num(at) for index, at in zip(equation.indices, place, strict=True)})
        try:
            other = evaluate_expression(here, sizes, values, FLOATS, program)
        except (EvaluationError, OverflowError):
            return False
        own = values[equation.name][place]
        if abs(own - other) > 1e-6 * max(abs(own), abs(other), 1e-3):
            return True
    return False


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_certified_wrong_is_found(name: str) -> None:
    source = Random(3)
    pairs = [
        (equation, body)
        for equation in equations(name)
        for body in broken(equation.body, source)
        if certified(name, equation, body)
    ]
    claims = list(dict.fromkeys(claim_of(equation, body) for equation, body in pairs))
    found = judged(name, claims)
    assert len(claims) >= 5
    missed = [claim.claim for claim in found if claim.verdict not in ("wrong", "convention")]
    assert not missed
    # A constant factor of a squared error is another convention, never simply right.
    assert sum(claim.verdict == "wrong" for claim in found) >= 0.75 * len(found)
