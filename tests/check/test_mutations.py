"""Nothing right is ever called wrong, and what another evaluation certifies as wrong is found.

The formulas are those of the examples, forward and backward. The witness of what is wrong is an evaluation in plain
floating point at values of its own, which shares no code with the intervals of the check. The whole is in
`benchmarks/mutations.py`; this is a sample of it.
"""

from __future__ import annotations

from functools import lru_cache
from random import Random

import pytest

from backcalc.check import check
from backcalc.check.result import Claim, Submission
from backcalc.check.submission import read_text

from .mutants import (
    Page,
    certified,
    counting_pages,
    equations,
    formula_pages,
    key_of,
    left_of,
    rewritten,
    subject_of,
    written,
)
from .rewrites import broken

NETWORKS = ("shared-kernel", "six-weights", "logistic-neuron", "batch-norm-one-to-one", "output-sigmoid", "hinge")
COUNTED = ("lenet5", "digits-mlp")
SHARE = 0.3
"""Of the broken formulas."""


def judged(name: str, claims: list[str]) -> list[Claim]:
    pages = [read_text("\n".join(claims[at : at + 30])) for at in range(0, len(claims), 30)]
    return [claim for submission in check(key_of(name), pages).submissions for claim in submission.claims]


@pytest.mark.parametrize("name", NETWORKS)
def test_nothing_right_is_accused(name: str) -> None:
    source = Random(7)
    claims = [written(one, rewritten(one, source), latex=False) for _ in range(3) for one in equations(name)]
    found = judged(name, list(dict.fromkeys(claims)))
    assert len(found) >= len(set(claims))
    assert not [(claim.claim, claim.diagnosis) for claim in found if claim.verdict != "right"]


@pytest.mark.parametrize("name", ["shared-kernel", "six-weights"])
def test_no_rounded_number_is_accused(name: str) -> None:
    subject = subject_of(name)
    source, claims = Random(5), []
    for equation in equations(name):
        for place, value in subject.exact.get(equation.name, {}).items():
            left = left_of(equation).partition("[")[0] + (f"[{','.join(map(str, place))}]" if place else "")
            claims.append(f"{left} = {value.decimal():.{source.randint(2, 9)}f}")
    assert {claim.verdict for claim in judged(name, claims)} == {"right"}


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_certified_wrong_is_found(name: str) -> None:
    source = Random(3)
    pairs = [
        (equation, body)
        for equation in equations(name)
        for body in broken(equation.body, source)
        if source.random() < SHARE and certified(name, equation, body)
    ]
    claims = list(dict.fromkeys(written(equation, body, latex=False) for equation, body in pairs))
    found = judged(name, claims)
    assert len(claims) >= 3
    missed = [claim.claim for claim in found if claim.verdict not in ("wrong", "convention")]
    assert not missed
    # A constant factor of a squared error is another convention, never simply right.
    assert sum(claim.verdict == "wrong" for claim in found) >= 0.75 * len(found)


@lru_cache
def sample() -> tuple[tuple[Page, Submission], ...]:
    """Pages with one wrong claim each, in LaTeX and as text, checked."""
    pages = [page for name in NETWORKS for page in formula_pages(name, 8, Random(name))]
    pages += [page for name in COUNTED for page in counting_pages(name, 12, Random(name))]
    found = []
    for page in pages:
        (submission,) = check(page.key(), [read_text("\n".join(page.lines), suffix=page.suffix)]).submissions
        found.append((page, submission))
    return tuple(found)


def test_the_wrong_claim_of_a_page_is_its_first_error_and_nothing_else_is_accused() -> None:
    for page, submission in sample():
        wrong = {page.number_of(claim.line) for claim in submission.claims if claim.verdict == "wrong"}
        assert wrong == (set() if page.broken is None else {page.broken}), (page, submission.claims)
        first = submission.parts[0].first_error
        assert (first is None) == (page.broken is None)
        assert first is None or page.number_of(submission.claims[first].line) == page.broken


def test_nothing_is_misread() -> None:
    assert not [page for page, submission in sample() if any(page.misread(claim) for claim in submission.claims)]


def test_mistakes_with_a_name_are_named() -> None:
    right = named = 0
    for page, submission in sample():
        codes = [claim.diagnosis.code for claim in submission.claims if claim.verdict == "wrong" and claim.diagnosis]
        named += bool(page.causes)
        right += any(code in page.causes for code in codes)
    assert named >= 20
    assert right >= 0.85 * named
