"""The homework sheets: every link of the restated work has the verdict that the hand-made key has."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pytest

from backcalc.check import check
from backcalc.check.result import Report
from backcalc.check.submission import read_text

from .sheets import SHEET_000, SHEET_001_002, SHEET_003, handed_in

HERE = Path(__file__).parent
SHEETS = {"sheet-000": SHEET_000, "sheet-001-002": SHEET_001_002, "sheet-003": SHEET_003}


@lru_cache
def checked(name: str) -> Report:
    text, _ = handed_in(SHEETS[name])
    return check(HERE / f"{name}.yaml", [read_text(text)])


@pytest.mark.parametrize("name", SHEETS)
def test_every_verdict_is_that_of_the_key(name: str) -> None:
    _, verdicts = handed_in(SHEETS[name])
    (submission,) = checked(name).submissions
    found = [(claim.line, claim.claim, claim.verdict) for claim in submission.claims]
    wanted = [verdict.partition(":")[0] for verdict in verdicts]
    assert [verdict for _, _, verdict in found] == wanted, found


@pytest.mark.parametrize("name", SHEETS)
def test_every_cause_is_named(name: str) -> None:
    _, verdicts = handed_in(SHEETS[name])
    (submission,) = checked(name).submissions
    for claim, verdict in zip(submission.claims, verdicts, strict=True):
        code = verdict.partition(":")[2]
        if code:
            assert claim.diagnosis is not None and claim.diagnosis.code == code, claim


def test_more_than_sixty_claims_are_judged() -> None:
    assert sum(len(handed_in(sheet)[1]) for sheet in SHEETS.values()) >= 100


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("sheet-000", {"1": "dJ/dy2 = -1/y2", "2": "pool1.weights = 6", "3": None}),
        ("sheet-003", {"Q2": "sigmoid(z5) = 0.6455", "Q3": None, "Q4": "fc1.params = 5*5*16*120", "Q5": None}),
    ],
)
def test_the_first_error_of_a_problem(name: str, first: dict[str, str | None]) -> None:
    (submission,) = checked(name).submissions
    for part in submission.parts:
        if part.id in first:
            place = part.first_error
            assert (None if place is None else submission.claims[place].claim) == first[part.id]


def test_what_is_missing_and_what_is_right_by_a_wrong_step_are_findings() -> None:
    (submission,) = checked("sheet-000").submissions
    found = {(part.id, finding.code) for part in submission.parts for finding in part.findings}
    assert {("2", "missing"), ("2", "convention")} <= found and ("3", "missing") not in found
    (submission,) = checked("sheet-001-002").submissions
    assert ("soft", "right-by-wrong-step") in {(p.id, f.code) for p in submission.parts for f in p.findings}


def test_points() -> None:
    (submission,) = checked("sheet-000").submissions
    # Of seven things asked in problem 2, the weights of conv1, fc1, fc2 and fc3 are right; the totals are missing.
    assert {part.id: part.points for part in submission.parts} == {"1": 20, "2": round(20 * 4 / 7, 6), "3": 20}
    (submission,) = checked("sheet-003").submissions
    # Q4: two rows and the total, which adds up the student's own rows, of six.
    points = {part.id: part.points for part in submission.parts}
    assert points == {"Q1": 10, "Q2": 10, "Q3": 10, "Q4": 5, "Q5": 10, "Q6": 10}
