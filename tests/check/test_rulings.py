"""The rulings on the claims of the homework sheets, claim by claim and as the shares that are asked for."""

from __future__ import annotations

import pytest

from backcalc.check.result import Claim, Submission

from .papers import checked_papers
from .rulings import Ruling, rulings
from .test_sheets import SHEETS, checked

ALL = rulings()


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Submission]:
    sheets = {name: checked(name).submissions[0] for name in SHEETS}
    return {**sheets, **checked_papers(tmp_path_factory.mktemp("papers"))}


def found(ruling: Ruling, documents: dict[str, Submission]) -> Claim:
    claims = [claim for claim in documents[ruling.submission].claims if claim.line == ruling.line]
    return claims[ruling.link - 1]


@pytest.mark.parametrize("ruling", ALL, ids=lambda ruling: ruling.claim)
def test_a_claim_has_the_verdict_that_was_ruled(ruling: Ruling, documents: dict[str, Submission]) -> None:
    claim = found(ruling, documents)
    assert claim.verdict == ruling.verdict, claim
    if ruling.cause:
        assert claim.diagnosis is not None and claim.diagnosis.code == ruling.cause, claim


def test_the_shares(documents: dict[str, Submission]) -> None:
    """Of the right ones 95 % found right, all the wrong ones wrong, no other called wrong, 80 % of the causes named."""
    pairs = [(ruling, found(ruling, documents)) for ruling in ALL]
    right = [claim.verdict == "right" for ruling, claim in pairs if ruling.verdict == "right"]
    assert len(right) >= 80 and sum(right) >= 0.95 * len(right)
    assert all(claim.verdict == "wrong" for ruling, claim in pairs if ruling.verdict == "wrong")
    assert not [claim for ruling, claim in pairs if ruling.verdict != "wrong" and claim.verdict == "wrong"]
    causes = [
        claim.diagnosis is not None and claim.diagnosis.code == ruling.cause
        for ruling, claim in pairs
        if ruling.verdict == "wrong"
    ]
    assert len(causes) >= 15 and sum(causes) >= 0.8 * len(causes)


def test_no_claim_is_counted_twice_under_one_name() -> None:
    assert len({ruling.claim for ruling in ALL}) == len(ALL) >= 105
