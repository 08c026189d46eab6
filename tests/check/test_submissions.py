"""Submissions of every kind, and hostile ones: nothing is run, all is answered, text from them is inert."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from backcalc.check import check, load_key
from backcalc.check.key import Key
from backcalc.check.result import Claim
from backcalc.check.submission import read_submission, read_text
from backcalc.cli.program import cli
from backcalc.net.errors import InputError
from backcalc.render import check_sheets, check_text
from tests.check.hostile import HOSTILE, SHARED_KERNEL
from tests.hanging import guard_against_hanging

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def key() -> Key:
    return load_key(SHARED_KERNEL)


def claims(key: Key, text: str, suffix: str = ".txt") -> list[Claim]:
    (submission,) = check(key, [read_text(text, suffix=suffix)]).submissions
    return list(submission.claims)


NOTEBOOK = json.dumps(
    {
        "cells": [
            {"cell_type": "markdown", "source": ["so $J = \\ln 2$\n", "and"]},
            {"cell_type": "code", "source": "J = compute()\n# J = 0.7", "outputs": []},
        ]
    }
)


@pytest.mark.parametrize(
    ("suffix", "text", "found"),
    [
        (".txt", "So the value J = 0.693", [(1, 14, "right")]),
        (".py", "J = run()  # J = 0.693\nx = 1", [(1, 14, "right")]),
        (".md", "We get $J = \\ln 2 \\approx 0.69$.\n\n```\nJ = 5\n```", [(1, 9, "right"), (1, 13, "right")]),
        (".tex", "\\[ \\frac{\\partial J}{\\partial z_1} = -\\frac{1}{2} \\]", [(1, 4, "right")]),
        (".yaml", "J: 0.693\ndJ/dz: [-0.5, 0.5]\no1: 0.6", [(1, 4, "right"), (2, 8, "right"), (3, 5, "wrong")]),
        (".json", '{"J": 0.693, "dJ/dz": [0.5, -0.5]}', [(1, 7, "right"), (1, 23, "wrong")]),
        (".csv", "quantity,value\nJ,0.693\ny1,1/2\n", [(2, 3, "right"), (3, 4, "right")]),
        (".ipynb", NOTEBOOK, [(1, 5, "right"), (4, 3, "right")]),
    ],
)
def test_kinds_of_submissions(key: Key, suffix: str, text: str, found: list[tuple[int, int, str]]) -> None:
    judged = [claim for claim in claims(key, text, suffix) if claim.claim != "quantity = value"]
    assert [(claim.line, claim.column, claim.verdict) for claim in judged] == found


def test_arrays_without_pickles(key: Key, tmp_path: Path) -> None:
    np.savez(tmp_path / "good.npz", J=np.float64(np.log(2)))
    np.savez(tmp_path / "bad.npz", J=np.array([{"a": 1}], dtype=object))
    (submission,) = check(key, [tmp_path / "good.npz"]).submissions
    assert [claim.verdict for claim in submission.claims] == ["right"]
    with pytest.raises(InputError, match=r"not an \.npz file of plain arrays"):
        check(key, [tmp_path / "bad.npz"])


def test_a_folder_goes_on_after_a_bad_file(key: Key, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("J: [", "utf-8")
    (tmp_path / "b.txt").write_text("J = 0.693", "utf-8")
    (tmp_path / "c.exe").write_bytes(b"MZ")
    (submission,) = check(key, [tmp_path]).submissions
    assert [claim.verdict for claim in submission.claims] == ["right"]
    assert len(submission.notes) == 2


@pytest.mark.parametrize("name", ["work.pdf", "work.png", "work.docx", "work.xyz", "missing.txt"])
def test_what_cannot_be_read_is_refused(name: str, tmp_path: Path) -> None:
    if not name.startswith("missing"):
        (tmp_path / name).write_bytes(b"%PDF")
    with pytest.raises(InputError, match=r"cannot be read|is not known"):
        read_submission(tmp_path / name)


@pytest.mark.parametrize(("text", "verdict", "said"), HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_answered_and_never_right(
    key: Key, text: str, verdict: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with guard_against_hanging():
        found = claims(key, text)
    assert {claim.verdict for claim in found} == {verdict} and found[0].diagnosis is not None
    assert said in found[0].diagnosis.text
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "text", ["a: &a [1]\nb: *a", "!!python/object/apply:os.system ['touch owned']", "J: 1e999999999"]
)
def test_hostile_answers_are_refused(key: Key, text: str) -> None:
    with pytest.raises(InputError):
        check(key, [read_text(text, suffix=".yaml")])


def test_text_is_inert_in_every_output(key: Key) -> None:
    text = "J = 0.5 \x1b[2J\x1b]0;owned\x07\ny1 = 0.7  \x9b31m <script>alert(1)</script>\n=cmd|' /C calc'!A0"
    report = check(key, [read_text(text, file="\x1b[31mname")])
    assert report.submissions[0].claims
    for output in (check_text.render(report, claims=True), json.dumps(report.to_json()), check_sheets.as_csv(report)):
        assert not any(ord(char) < 32 and char not in "\n\r" for char in output)
        assert "\x9b" not in output
    assert not [line for line in check_sheets.as_csv(report).split("\n") if line.startswith(("=", "@", "+"))]


def test_a_line_is_read_as_far_as_it_is_kept(key: Key) -> None:
    near, far = claims(key, f"{'so ' * 6000}$J = 0.5$ {'so ' * 6000}$J = 0.5$", ".md")
    assert (near.verdict, near.column, far.verdict, far.column) == ("wrong", 18_002, "unreadable", 36_012)
    assert far.diagnosis is not None and far.diagnosis.text == "the line has more than 20000 characters"
    assert len(near.source_line) == len(far.source_line) == 20_000


def test_what_is_not_settled_is_never_wrong(key: Key) -> None:
    found = claims(key, "my thing = 3 apples of J\nqq = 5\nlambda9 = J + qq2")
    assert {claim.verdict for claim in found} <= {"undecided", "unreadable"}


@pytest.mark.parametrize(
    ("work", "status"),
    [("J = 0.693", 0), ("J = 0.5", 1), ("dJ/dy2 = 0", 0), ("qq = 5", 0), (None, 0)],
)
def test_the_command_and_its_exit_status(work: str | None, status: int, tmp_path: Path) -> None:
    path = tmp_path / "key.yaml"
    path.write_text(f"problems: [{{id: 1, net: '{EXAMPLES / 'shared-kernel.yaml'}', ask: [J]}}]", "utf-8")
    arguments = ["check", str(path)]
    if work is not None:
        (tmp_path / "work.txt").write_text(work, "utf-8")
        arguments.append(str(tmp_path / "work.txt"))
    for form in ("text", "json", "csv") if work is not None else ("text", "json"):
        result = CliRunner().invoke(cli, [*arguments, "--format", form], standalone_mode=False)
        assert result.return_value == status, result.output
    assert CliRunner().invoke(cli, ["check", str(tmp_path / "no.yaml")], standalone_mode=False).exception is not None


def test_json_has_the_fields_of_the_contract(key: Key) -> None:
    document = check(key, [read_text("dJ/dz1 = 0.5")]).to_json()
    assert document["schema_version"] == 1
    submissions = document["submissions"]
    assert isinstance(submissions, list)
    (submission,) = submissions
    assert set(submission) >= {"file", "problems", "claims", "counts", "points", "max_points"}
    assert set(submission["problems"][0]) == {"id", "first_error", "findings", "points", "max_points"}
    (claim,) = submission["claims"]
    assert claim["verdict"] == "wrong" and claim["expected"] == {"exact": "-1/2", "decimal": -0.5}
    assert claim["diagnosis"]["code"] == "sign" and claim["witness"]["right"] == "0.5"
    assert (claim["line"], claim["column"], claim["about"], claim["given"]) == (1, 1, "dJ/dz[1]", "1/2")
