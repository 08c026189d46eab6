"""The rulings on the claims of the homework sheets, claim by claim and as the shares that are asked for."""

from __future__ import annotations

from collections import Counter

import pytest

from backcalc.check.result import Claim, Submission

from .more_papers import further_papers
from .papers import checked_papers
from .rulings import FIRST_ERRORS, Ruling, rulings
from .test_sheets import SHEETS, checked

ALL = rulings()
ALLOWED = {
    "right": {"right"},
    "wrong": {"wrong"},
    "reason": {"right"},
    "open": {"right", "convention", "undecided"},
}
"""What a claim may be found to be by its ruling, where it is read and settled."""
FOLLOW = {"003.P1Q2.c06", "003.P1Q4.c07"}
"""Wrong ones that follow from what the student has, and are told so."""


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Submission]:
    folder = tmp_path_factory.mktemp("papers")
    sheets = {name: checked(name).submissions[0] for name in SHEETS}
    return {**sheets, **checked_papers(folder), **further_papers(folder)}


def on_line(ruling: Ruling, documents: dict[str, Submission]) -> list[Claim]:
    return [claim for claim in documents[ruling.submission].claims if claim.line == ruling.line]


def found(ruling: Ruling, documents: dict[str, Submission]) -> Claim | None:
    return None if ruling.link is None else on_line(ruling, documents)[ruling.link - 1]


def named(claim: Claim | None) -> str:
    return claim.diagnosis.code if claim is not None and claim.diagnosis is not None else ""


@pytest.mark.parametrize("ruling", ALL, ids=lambda ruling: ruling.claim)
def test_a_claim_is_found_to_be_what_was_ruled(ruling: Ruling, documents: dict[str, Submission]) -> None:
    claim = found(ruling, documents)
    if claim is None:
        assert ruling.verdict == "none" and on_line(ruling, documents) == []
    else:
        assert claim.verdict == ruling.verdict, claim
        assert not ruling.cause or named(claim) == ruling.cause, claim


def test_every_claim_of_the_sheets_is_here_once() -> None:
    claims = [ruling.claim for ruling in ALL]
    assert len(set(claims)) == len(claims)
    assert Counter(claim.partition(".")[0] for claim in claims if "/" not in claim) == {
        "000": 41,
        "001": 23,
        "002": 21,
        "003": 76,
        "004": 42,
    }
    assert Counter(ruling.ruling for ruling in ALL if "/" not in ruling.claim) == {
        "right": 123,
        "wrong": 41,
        "reason": 12,
        "open": 27,
    }


def test_the_verdicts_are_those_that_the_rulings_allow() -> None:
    """What is read and settled; what defines a name of one's own, or is written as a program, may be neither."""
    for ruling in ALL:
        unsettled = ruling.verdict in ("none", "undecided", "unreadable")
        follows = ruling.claim in FOLLOW and ruling.verdict == "follows"
        assert unsettled or follows or ruling.verdict in ALLOWED[ruling.ruling], ruling


def test_the_shares(documents: dict[str, Submission]) -> None:
    """Of the right ones 95 % found right, all the wrong ones wrong, no other called wrong, 80 % of the causes named."""
    pairs = [(ruling, found(ruling, documents)) for ruling in ALL]
    right = [
        claim is not None and claim.verdict == "right"
        for ruling, claim in pairs
        if ruling.ruling == "right" and ruling.counts
    ]
    wrong = [(ruling, claim) for ruling, claim in pairs if ruling.ruling == "wrong" and ruling.counts]
    assert len(right) == 81 and sum(right) >= 0.95 * len(right)
    assert len(wrong) == 19
    assert all(claim is not None and claim.verdict == ruling.verdict for ruling, claim in wrong)
    assert {ruling.claim for ruling, _ in wrong if ruling.verdict != "wrong"} == FOLLOW
    assert not [
        ruling
        for ruling, claim in pairs
        for one in ([claim] if claim is not None else on_line(ruling, documents))
        if ruling.ruling != "wrong" and one.verdict == "wrong"
    ]
    causes = [named(claim) == ruling.cause for ruling, claim in wrong]
    assert all(ruling.cause not in ("", "wrong") for ruling, _ in wrong) and sum(causes) >= 0.8 * len(causes)


@pytest.mark.parametrize("first", FIRST_ERRORS)
def test_the_first_error_of_a_problem(first: str, documents: dict[str, Submission]) -> None:
    (ruling,) = (ruling for ruling in ALL if ruling.claim == first)
    claim, submission = found(ruling, documents), documents[ruling.submission]
    assert claim is not None
    (part,) = (part for part in submission.parts if part.id == claim.part)
    assert part.first_error is not None and submission.claims[part.first_error] == claim


@pytest.mark.parametrize(
    ("claim", "says"),
    [
        ("000.Q1.c06", "J does not depend on this element of y"),
        ("000.Q1.c08", "-6 comes out with ∂J/∂y1 = -2 in place of y1 = 0.5"),
        ("000.Q1.c10", "the slope of a ReLU is 1 wherever its own input q1 is positive"),
        ("000.Q2.c08", "the connection table of 1998, 60 of 96 pairs, with a bias for each of its 16 maps"),
        ("000.Q3.c01", "W is the same for every sample"),
        ("002.counts.c02", "200 stands where 202 belongs"),
        ("002.losses.c05", "t[i] stands where y[i] belongs"),
        ("002.losses.c12/link", "the sum leaves out j = i"),
        ("003.P1Q2.c06", "rounded too early"),
        ("003.P1Q3.c12", "20 biases, not 720"),
    ],
)
def test_the_cause_says_what_the_key_says(claim: str, says: str, documents: dict[str, Submission]) -> None:
    (ruling,) = (ruling for ruling in ALL if ruling.claim == claim)
    told = found(ruling, documents)
    assert told is not None and told.diagnosis is not None and says in told.diagnosis.text


@pytest.mark.parametrize(
    ("submission", "part"),
    [("shared", "1"), ("signs", "One label"), ("table", "Q3")],
)
def test_what_is_right_for_a_wrong_reason_is_a_finding(
    submission: str, part: str, documents: dict[str, Submission]
) -> None:
    (judged,) = (one for one in documents[submission].parts if one.id == part)
    assert "right-by-wrong-step" in {finding.code for finding in judged.findings}


def test_a_gradient_of_a_weight_is_on_the_way_to_nothing_else(documents: dict[str, Submission]) -> None:
    (part,) = (one for one in documents["sheet-001-002"].parts if one.id == "two")
    assert "right-by-wrong-step" not in {finding.code for finding in part.findings}
