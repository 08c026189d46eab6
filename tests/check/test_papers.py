"""Documents as they are handed in: numbers beside words, lists, tables, printed arrays, repaired characters."""

from __future__ import annotations

import pytest

from backcalc.check import check
from backcalc.check.result import Submission
from backcalc.check.submission import read_text

from .papers import EXPERIMENTS, PRINTED_CLAIMS, SHARED_CLAIMS, TABLE_CLAIMS, checked_papers, count


@pytest.fixture(scope="module")
def submissions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Submission]:
    return checked_papers(tmp_path_factory.mktemp("key"))


@pytest.mark.parametrize(
    ("name", "wanted"), [("shared", SHARED_CLAIMS), ("printed", PRINTED_CLAIMS), ("table", TABLE_CLAIMS)]
)
def test_every_claim_has_its_place_verdict_and_cause(
    name: str, wanted: tuple[tuple[int, str, str, str], ...], submissions: dict[str, Submission]
) -> None:
    claims = submissions[name].claims
    found = [(claim.line, claim.verdict, claim.diagnosis.code if claim.diagnosis else "") for claim in claims]
    assert found == [(line, verdict, code) for line, _, verdict, code in wanted]
    assert all(piece in claim.claim for claim, (_, piece, _, _) in zip(claims, wanted, strict=True))


def test_the_first_error_of_each_problem(submissions: dict[str, Submission]) -> None:
    places = {
        (name, part.id): None if part.first_error is None else submission.claims[part.first_error].line
        for name, submission in submissions.items()
        for part in submission.parts
        if name != "further"
    }
    assert places == {
        ("shared", "1"): 5,
        ("shared", "2"): 17,
        ("shared", "3"): 31,
        ("shared", "4"): None,
        ("printed", "Part 1"): 8,
        ("printed", "Preparing the data"): 21,
        ("printed", "Part 2"): 29,
        ("table", "Q2"): 3,
        ("table", "Q3"): 13,
        ("table", "Q4"): 25,
    }


def test_a_right_result_by_wrong_steps_is_a_finding(submissions: dict[str, Submission]) -> None:
    (first, *_) = submissions["shared"].parts
    assert [finding.code for finding in first.findings] == ["right-by-wrong-step"]


def test_numbers_of_experiments_accuse_nobody() -> None:
    problems = [count("Problem 1", "narrow-relu", "params"), count("Problem 2", "surface-mlp", "params")]
    (submission,) = check({"problems": problems}, [read_text(EXPERIMENTS, suffix=".md")]).submissions
    assert not [claim for claim in submission.claims if claim.verdict in ("wrong", "follows")]
