"""The reports of a check: what each of them says of the same work, and the shapes that graders want."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backcalc.check import check, load_key
from backcalc.check.key import Key
from backcalc.check.result import Report, Submission
from backcalc.check.submission import Read, read_text
from backcalc.render import check_graders, check_html, check_markdown, check_text
from backcalc.render.check_rows import CardPlace, rows
from backcalc.render.check_ways import ways

EXAMPLES = Path(__file__).parents[2] / "examples"
WORK = """# Problem 1
$y_1 = 0.5$ and $\\frac{\\partial J}{\\partial y_1} = \\frac{1}{y_1} = 2$

# Problem 2
conv2.weights = 16*5*5
"""


@pytest.fixture(scope="module")
def key() -> Key:
    return load_key(EXAMPLES / "homework" / "key.yaml")


@pytest.fixture(scope="module")
def report(key: Key) -> Report:
    return check(key, [read_text(WORK, "hw/ada.md", ".md")])


@pytest.fixture(scope="module")
def ada(report: Report) -> Submission:
    return report.submissions[0]


def test_text_has_the_students_line_and_a_caret(report: Report) -> None:
    text = check_text.render(report)
    assert "✗ first error: wrong (conv2.weights)\n    5 | conv2.weights = 16*5*5\n      | ^^^^" in text
    assert "depth-forgotten: " in text and max(map(len, text.split("\n"))) <= 80


def test_a_caret_stays_under_its_claim_in_a_long_line(key: Key) -> None:
    line = "so we get, after a while, " * 12 + "$y_1 = 0.7$" + " and we go on, and on" * 10
    text = check_text.render(check(key, [read_text(f"# Problem 1\n{line}\n", "a.md", ".md")]))
    shown, caret = next(
        (one, two) for one, two in zip(text.split("\n"), text.split("\n")[1:], strict=False) if "^^" in two
    )
    assert shown[caret.index("^") : caret.rindex("^") + 1] == "y_1 = 0.7" and len(shown) <= 80


def test_markdown_has_headings_and_code(report: Report) -> None:
    text = check_markdown.render(report)
    assert text.startswith("# shared kernel and LeNet-5\n\n## `hw/ada.md`\n")
    assert "### Problem 2: 0 of 20 points" in text
    assert "- ✗ **first error: wrong**, `conv2.weights`\n  ```text\n    5 | conv2.weights = 16*5*5" in text


def test_gradescope_has_what_its_specification_asks_for(ada: Submission) -> None:
    found: dict[str, Any] = check_graders.gradescope(ada)
    assert found["score"] == ada.points
    scored = [test for test in found["tests"] if "score" in test]
    assert [test["number"] for test in scored] == [part.id for part in ada.parts]
    assert sum(test["score"] for test in scored) == ada.points
    assert sum(test["max_score"] for test in scored) == ada.max_points
    assert {test.get("status") for test in found["tests"]} <= {None, "passed", "failed"}
    assert "first error" in found["output"]
    assert set(found) <= {
        *("score", "execution_time", "output", "output_format", "test_output_format", "test_name_format"),
        *("visibility", "stdout_visibility", "extra_data", "tests", "leaderboard"),
    }
    known = {"score", "max_score", "status", "name", "name_format", "number", "output", "output_format", "tags"}
    assert all(set(test) <= known | {"visibility", "extra_data"} for test in found["tests"])


def test_prairielearn_has_what_its_specification_asks_for(ada: Submission) -> None:
    found: dict[str, Any] = check_graders.prairielearn(ada)
    assert found["gradable"] is True and 0 <= found["score"] <= 1
    assert found["score"] == pytest.approx(ada.points / ada.max_points)
    assert sum(test["points"] for test in found["tests"]) == ada.points
    known = {"name", "description", "points", "max_points", "message", "output", "images"}
    assert all(set(test) <= known for test in found["tests"])
    unread = check_graders.prairielearn(Submission("a.pdf", (), (), unchecked="no PDF"))
    assert unread == {"gradable": False, "format_errors": ["no PDF"], "message": "no PDF"}


def test_a_huge_submission_keeps_to_the_megabyte_of_prairielearn(ada: Submission) -> None:
    huge = replace(ada, claims=ada.claims * 400, notes=("x" * 1000,) * 1000)
    assert len(json.dumps(check_graders.prairielearn(huge))) < 1_000_000


def test_the_page_unfolds_the_right_way(report: Report, key: Key) -> None:
    page = check_html.render(report, key)
    assert '<template id="way-0">' in page and 'data-way="0"' in page
    assert r"\mathrm{conv2.weights} &amp;= 5 \cdot 5 \cdot 6 \cdot 16 = 2400" in page
    assert r"\frac{\partial J}{\partial y_{1}} &amp;= \frac{-1}{y_{1}} = \frac{-1}{\frac{1}{2}} = -2" in page
    bare = check_html.render(report, None)
    assert "<template" not in bare and "@font-face" not in bare and len(bare) < 30_000


def test_ways_are_those_of_the_quantity(key: Key) -> None:
    wanted = [("1", "dJ/dw3"), ("1", "delta w1"), ("1", "dJ/dz[1]"), ("1", "dJ/dz[2]"), ("1", "z[1]"), ("2", "weights")]
    told = ways(key, [*wanted, ("1", "nothing"), ("9", "z[1]")])
    assert list(told.places) == wanted
    assert told.places["1", "dJ/dz[1]"] == told.places["1", "dJ/dz[2]"]  # one piece for the whole array
    assert r"\frac{\partial J}{\partial w_{3}}" in told.pieces[told.places["1", "dJ/dw3"]]
    assert r"\frac{\partial J}{\partial w_{1}}" in told.pieces[told.places["1", "delta w1"]]
    assert "150 + 2400 + 48000 + 10080 + 840 = 61470" in told.pieces[told.places["2", "weights"]]


def test_a_claim_stands_beside_its_own_line_in_a_folder(key: Key) -> None:
    one, two = (read_text(f"# Problem 2\nconv2.weights = {n}\n", f"{n}.txt") for n in (400, 401))
    lines = tuple((line.number, line.source) for read in (one, two) for line in read.lines)
    (found,) = check(key, [Read("work", one.lines + two.lines)]).submissions
    html = "".join(rows(replace(found, lines=lines), CardPlace(1, ways(key, []))))
    places = [html.index(text) for text in ("= 400<", 'id="c-1-0"', "= 401<", 'id="c-1-1"')]
    assert places == sorted(places)
