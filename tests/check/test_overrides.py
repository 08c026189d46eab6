"""A grader's own rulings: laid over the results, counted again, surviving a new run, never applied to other work."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from backcalc.check import check, load_key
from backcalc.check.key import Key
from backcalc.check.overrides import load_overrides, overridden
from backcalc.check.result import Submission
from backcalc.check.submission import read_text
from backcalc.cli.program import cli
from backcalc.net.errors import InputError

KEY = """
problems:
  - {id: 1, count: lenet5, bias: false, ask: [conv2.weights, weights], points: 20}
  - {id: 2, count: lenet5, ask: [params], points: 6}
"""
WORK = """# Problem 1
conv2.weights = 16*5*5
weights = 61470

# Problem 2
params = 61707
"""


@pytest.fixture(scope="module")
def key() -> Key:
    return load_key(KEY)


def submission(key: Key, text: str = WORK, file: str = "hw/ada.md") -> Submission:
    (found,) = check(key, [read_text(text, file, ".txt")]).submissions
    return found


def ruled(key: Key, tmp_path: Path, rulings: str, *found: Submission) -> tuple[tuple[Submission, ...], list[str]]:
    path = tmp_path / "overrides.yaml"
    path.write_text(f"overrides:\n{rulings}", "utf-8")
    submissions, stale = overridden(found or (submission(key),), load_overrides(path, key), key)
    return submissions, [str(problem) for problem in stale]


def test_a_verdict_is_changed_and_points_are_counted_again(key: Key, tmp_path: Path) -> None:
    before = submission(key)
    assert [part.points for part in before.parts] == [10, 0] and before.parts[0].first_error == 0
    ruling = (
        '  - {submission: ada.md, claim: "conv2.weights = 16*5*5", verdict: right, comment: one map in the lecture}\n'
    )
    (after,), stale = ruled(key, tmp_path, ruling)
    claim = after.claims[0]
    assert claim.verdict == "right" and claim.diagnosis is not None and not stale
    assert claim.diagnosis.code == "overridden"
    assert claim.diagnosis.text == "ruled by the grader: one map in the lecture (the program said wrong)"
    assert [part.points for part in after.parts] == [20, 0] and after.parts[0].first_error is None
    assert after.parts[1] == before.parts[1] and after.claims[1:] == before.claims[1:]


def test_a_right_claim_can_be_ruled_wrong(key: Key, tmp_path: Path) -> None:
    ruling = "  - {submission: hw/ada.md, problem: 1, line: 3, claim: weights=61470, verdict: wrong}\n"
    (after,), _ = ruled(key, tmp_path, ruling)
    assert [part.points for part in after.parts] == [0, 0]
    assert after.counts["wrong"] == submission(key).counts["wrong"] + 1


def test_points_are_the_graders_last_word(key: Key, tmp_path: Path) -> None:
    ruling = "  - {submission: ada.md, problem: 2, points: 5/2, comment: nearly}\n"
    (after,), stale = ruled(key, tmp_path, ruling)
    assert [part.points for part in after.parts] == [10, 2.5] and not stale
    assert after.points == 12.5
    assert after.parts[1].findings[-1].text == "the grader gave 2.5 points: nearly (the program 0)"


@pytest.mark.parametrize(
    ("line", "work", "help"),
    [
        ("", WORK.replace("16*5*5", "16*5*6"), "did you mean `conv2.weights = 16*5*6`?"),
        ("line: 2, ", WORK.replace("16*5*5", "16*5*6"), "line 2 reads `conv2.weights = 16*5*6` now"),
        ("line: 2, ", f"\n{WORK}", "the claim is on line 3 now"),
    ],
)
def test_a_ruling_whose_claim_has_changed_is_reported_and_not_applied(
    key: Key, tmp_path: Path, line: str, work: str, help: str
) -> None:
    ruling = (
        f'  - {{submission: ada.md, {line}claim: "conv2.weights = 16*5*5", verdict: right, problem: 1, points: 20}}\n'
    )
    before = submission(key, work)
    (after,), (stale,) = ruled(key, tmp_path, ruling, before)
    assert after.claims == before.claims and after.parts == before.parts
    assert "overrides.yaml:2:5: error: `hw/ada.md` has no claim `conv2.weights = 16*5*5` any more" in stale
    assert f"= help: {help}" in stale
    assert after.notes[-1].startswith("an override was not applied: ")


def test_what_was_not_checked_can_be_graded_by_hand(key: Key, tmp_path: Path) -> None:
    scan = Submission("hw/scan.pdf", (), (), unchecked="pictures cannot be read")
    (after,), (stale,) = ruled(key, tmp_path, "  - {submission: scan.pdf, problem: 1, points: 15}\n", scan)
    assert after == scan and "problem 2 has no points by hand yet" in stale
    both = "".join(f"  - {{submission: scan.pdf, problem: {number}, points: {number}}}\n" for number in (1, 2))
    (after,), none = ruled(key, tmp_path, both, scan)
    assert after.unchecked is None and (after.points, after.max_points) == (3, 26) and not none
    assert after.notes == ("graded by hand, as it was not checked: pictures cannot be read",)


def test_rulings_on_other_submissions_are_told_once(key: Key, tmp_path: Path) -> None:
    rulings = "".join(
        f"  - {{submission: {name}, problem: 1, points: 1}}\n" for name in ("adda.md", "bob.md", "bob.md")
    )
    (after,), (stale,) = ruled(key, tmp_path, rulings)
    assert after == submission(key)
    assert "not among the submissions: `adda.md`, `bob.md`" in stale and "did you mean `ada.md`?" in stale


def test_a_name_that_may_be_several_submissions_is_none(key: Key, tmp_path: Path) -> None:
    both = submission(key, file="a/hw.md"), submission(key, file="b/hw.md")
    after, (stale,) = ruled(key, tmp_path, "  - {submission: hw.md, problem: 1, points: 1}\n", *both)
    assert after == both and "`hw.md` may be any of a/hw.md, b/hw.md: give more of the path" in stale
    (first, second), _ = ruled(key, tmp_path, "  - {submission: b/hw.md, problem: 1, points: 1}\n", *both)
    assert (first.parts[0].points, second.parts[0].points) == (10, 1)


@pytest.mark.parametrize(
    ("ruling", "said"),
    [
        ("{submission: a.md}", "2:5: error: an override gives a `verdict` or `points`"),
        ("{submission: a.md, line: 3, verdict: right}", "2:5: error: a `verdict` needs the `claim` that it is about"),
        ("{submission: a.md, points: 3}", "2:5: error: `points` need the `problem` that they are of"),
        ("{submission: a.md, problem: 1, points: 21}", "2:44: error: this problem has from 0 to 20 points"),
        ("{submission: a.md, problem: 3, points: 2}", "2:33: error: the key has no problem `3`"),
        ("{submission: a.md, claim: x = 1, verdict: write}", "2:47: error: `verdict`: expected `right`, `wrong`"),
        ("{submision: a.md, problem: 1, points: 1}", "2:6: error: unknown key `submision` of an override"),
        ("{submission: a.md, claim: x = 1, line: 0, verdict: right}", "2:44: error: `line`: expected the number"),
        ("{problem: 1, points: 1}", "2:5: error: an override needs `submission`"),
        ("ada.md", "2:5: error: an override is a mapping"),
        ("!!python/name:os.system x", "tags (`!!python/name:os.system`) are not allowed"),
    ],
)
def test_faults_are_told_with_their_places(key: Key, tmp_path: Path, ruling: str, said: str) -> None:
    with pytest.raises(InputError) as raised:
        ruled(key, tmp_path, f"  - {ruling}\n")
    assert said in str(raised.value)


def test_all_faults_are_told_at_once(key: Key, tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        ruled(key, tmp_path, "  - {submission: a.md}\n  - {submission: a.md, points: 3}\n  - x\n")
    assert [problem.line for problem in raised.value.problems] == [2, 3, 4]


def test_rulings_beside_the_results_survive_a_new_run(tmp_path: Path) -> None:
    (tmp_path / "key.yaml").write_text(KEY, "utf-8")
    (tmp_path / "ada.txt").write_text(WORK, "utf-8")
    arguments = ["check", str(tmp_path / "key.yaml"), str(tmp_path / "ada.txt"), "--format", "json"]
    arguments += ["--results", str(tmp_path / "results")]

    def points() -> tuple[float, str]:
        result = CliRunner().invoke(cli, arguments, standalone_mode=False)
        assert result.exception is None, result.output
        return json.loads(result.stdout)["submissions"][0]["points"], result.stderr

    assert points() == (10, "")
    ruling = '{submission: ada.txt, claim: "params = 61707", verdict: right, comment: a slip of the pen}'
    (tmp_path / "results" / "overrides.yaml").write_text(f"overrides: [{ruling}]", "utf-8")
    assert points() == points() == (16, "")
    (tmp_path / "ada.txt").write_text(WORK.replace("61707", "61708"), "utf-8")
    again, told = points()
    assert again == 10 and "overrides.yaml:1:13: warning: " in told and "did you mean `params = 61708`?" in told
