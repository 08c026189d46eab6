"""Hints say where to look: one fixed sentence for every kind of mistake, and nothing of the answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from backcalc.check import check, load_key
from backcalc.check.classroom import class_view
from backcalc.check.compare import Witness
from backcalc.check.conventions import CONVENTIONS
from backcalc.check.count_mistakes import COUNT_MISTAKES
from backcalc.check.hint import HINTS, hinted
from backcalc.check.mistakes import MISTAKES
from backcalc.check.result import VERDICTS, Answer, Claim, Diagnosis, Expected, Finding, Part, Report, Submission
from backcalc.check.submission import read_text
from backcalc.render import check_graders, check_html, check_json, check_markdown, check_sheets, check_text, class_text
from backcalc.render.feedback import feedback

SECRET = "31415926535"
"""Stands for everything that is an answer: no output may have it."""


def outputs(report: Report) -> Iterator[str]:
    """The report in every format."""
    yield check_text.render(report, claims=True)
    yield check_markdown.render(report, claims=True)
    yield check_html.render(report, None)
    yield check_sheets.as_csv(report) + check_sheets.grades(report)
    yield json.dumps(check_json.render(report))
    yield class_text.render(class_view(report.submissions))
    for submission in report.submissions:
        yield json.dumps([check_graders.gradescope(submission), check_graders.prairielearn(submission)])
        yield feedback(submission)


def codes() -> list[str]:
    made = [mistake.__name__.replace("_", "-") for mistake in (*MISTAKES, *COUNT_MISTAKES)]
    return list(dict.fromkeys([*made, *CONVENTIONS, *HINTS, "a-code-of-tomorrow"]))


def test_every_mistake_and_convention_has_a_sentence() -> None:
    missing = [code for code in codes()[:-1] if code not in HINTS]
    assert not missing


@pytest.mark.parametrize("sentence", HINTS.values(), ids=HINTS)
def test_a_sentence_holds_no_number_or_formula(sentence: str) -> None:
    assert re.fullmatch(r"[A-Z][A-Za-z ,;:'-]+(\? [A-Z][A-Za-z ,;:'-]+)*[.?]|[A-Z][A-Za-z ,;:'?.-]+[.?]", sentence)
    assert len(sentence) < 110


@pytest.mark.parametrize("code", codes())
def test_no_answer_is_left_for_any_code(code: str) -> None:
    claims = tuple(
        Claim(
            "1", 1, 1, 5, "y = 7", "y = 7", "y = 7", "y", verdict, "7", Expected(SECRET, float(SECRET)),
            Diagnosis(code, f"it is {SECRET}"), Witness({"y": SECRET}, SECRET, "7"),
        )
        for verdict in VERDICTS
    )  # fmt: skip
    part = Part("1", 1, (Finding(code, f"it is {SECRET}"), Finding("missing", "`y` is asked for and not given")), 1, 4)
    answers = (Answer("1", "y", Expected(SECRET), SECRET, (("bias", SECRET),)),)
    report = Report("key", answers, (Submission("a.md", (part,), claims), Submission("b.md", (part,), claims)))
    assert all(SECRET in text for text in list(outputs(report))[:5])  # it would be seen
    if code == "missing":
        report = replace(report, submissions=tuple(replace(s, parts=()) for s in report.submissions))
    for text in outputs(hinted(report)):
        assert SECRET not in text


KEY = {"problems": [{"id": 1, "count": "lenet5", "bias": False, "ask": ["weights", "conv2.weights"], "points": 10}]}
WRONG = {
    "16*5*5 = 400": ("2400", "6"),
    "2040": ("2400",),
    "2416": ("2400",),
    "60*25 = 1500": ("2400",),
    "16*25*25*6 = 60000": ("2400",),
    "100": ("2400",),
}


@pytest.mark.parametrize("work", WRONG)
def test_real_mistakes_are_hinted_at_without_the_answer(work: str) -> None:
    report = check(load_key(KEY), [read_text(f"conv2.weights = {work}\n")])
    assert not report.holds or report.submissions[0].counts["convention"]
    assert "2400" in check_text.render(report) + json.dumps(report.to_json())
    for text in outputs(hinted(report)):
        assert "2400" not in text


def test_a_graders_own_words_are_told() -> None:
    claim = Claim(
        "1", 1, 1, 5, "y = 7", "y = 7", "y = 7", "y", "right", diagnosis=Diagnosis("overridden", "fine by me")
    )
    (submission,) = hinted(Report("key", (), (Submission("a", (), (claim,)),))).submissions
    assert submission.claims[0].diagnosis == Diagnosis("overridden", "fine by me")
