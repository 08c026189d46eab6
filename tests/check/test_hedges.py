"""What is no claim, and what is true however it is written: nothing in these sentences is wrong."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from backcalc.check import check, load_key
from backcalc.check.key import Key
from backcalc.check.result import Claim
from backcalc.check.submission import read_text
from backcalc.cli.program import cli
from backcalc.net.errors import InputError
from tests.check.hostile import VOLUMES, WEIGHTS
from tests.check.small import small_key
from tests.hanging import guard_against_hanging


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Key:
    return load_key(small_key(tmp_path_factory.mktemp("key")))


def claims(key: Key, text: str, suffix: str = ".md") -> tuple[Claim, ...]:
    return check(key, [read_text(text, suffix=suffix)]).submissions[0].claims


@pytest.mark.parametrize(
    "text",
    [
        "~~$w_1 = 5$~~",
        "~~J = 5~~",
        "<del>J = 5</del>",
        r"\sout{$J = 5$}",
        "Is $J = 5$?",
        "What is J if z = 5?",
        "It is not true that $J = 5$.",
        "So J is not 5.",
        "We do not have J = 5.",
        "I first got $J = 5$, which is wrong.",
        "Wrong: J = 5.",
        "A common mistake is J = 5.",
        "Anstatt J = 5",
        "If $w_1$ were 2, then $z = 3$ and $J = 500$.",
        "Suppose $w_1 = 2$. Then $z = 3$.",
        "Assume $z < 0$: then $dJ/dw_1 = 0$.",
        "For $w_1 = 2$ we would get $z = 3$.",
        "If $w_1 = 2$, then $z = 3$.",
        "J would be 5 if z = 3.",
        "With $\\eta = 0.5$ instead: $w_1 = 0.0625$",
        "> Compute $J$ for $w_1 = 3$ and $z = 7$.",
        'Task: "Let w1 = 5 and compute J = 3".',
        "Numerically: (J(w1+h) - J(w1))/h = 1.876 with h = 1e-5",
        "$h = 10^{-5}$ for the finite difference.",
    ],
)
def test_what_is_not_claimed_is_not_judged(key: Key, text: str) -> None:
    assert claims(key, text) == ()


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("$J = 0,5\\cdot 1,875^2 = 1,7578125$ und $z = 2$", 3),
        ("$J = 1{,}7578125$", 1),
        ("On a donc J = 1,7578 et z = 2.", 2),
        ("Not J = 5 but J = 1.7578.", 1),
        ("J = 5? No: J = 1.7578.", 1),
        ("~~J = 5~~ J = 1.7578", 1),
        ("J = 1.7578 (not 3.5)", 1),
        ("- J ≈ 1.76\n- dJ/dw1 = 1.875 approx.\n* z = 2", 3),
        ("(a) J = 1.7578\nb) z = 2", 2),
        ("J = ½(2 − ⅛)² = 1.7578", 2),
        ("z=2 => h=2 => J=1.76", 3),
        ("$\\begin{aligned} J &= \\frac12 (h-t)^2 \\\\ &= \\frac12 (2 - 0.125)^2 \\\\ &= 1.7578 \\end{aligned}$", 3),
        ("| quantity | value |\n|---|---|\n| dJ/dw1 | 1.875 |\n| $z$ | 2 |\n| new w1 | 0.531 |", 3),
        ("> so $J = 1.7578$", 1),
        ("If $z > 0$, the slope is 1 and $dJ/dw_1 = 15/8$.", 1),
    ],
)
def test_what_is_true_is_right(key: Key, text: str, right: int) -> None:
    found = claims(key, text)
    assert [claim.verdict for claim in found] == ["right"] * right


@pytest.mark.parametrize(
    "text", ["We do not have J = 5.", "Say w1 = 3. Then z = 4.", "Wrong: J = 5. Right: J = 1.7578"]
)
def test_lines_of_plain_text_are_not_wrong_by_what_they_deny(key: Key, text: str) -> None:
    assert {claim.verdict for claim in claims(key, text, ".txt")} <= {"right"}


def test_a_wrong_claim_between_them_is_still_wrong(key: Key) -> None:
    found = claims(key, "If $z > 0$, then $dJ/dw_1 = 3$.\n\n| q | value |\n|---|---|\n| $J$ | 9 |\n\nso J = 4,5.")
    assert [claim.verdict for claim in found] == ["wrong", "wrong", "wrong"]


def test_a_name_of_ones_own_for_the_error(key: Key) -> None:
    found = claims(key, "$\\delta = h - t = 1.875$\n\n$dJ/dw_1 = \\delta x_1 = 1.875$")
    assert [claim.verdict for claim in found] == ["undecided", "right", "right", "right"]


def notebook(*cells: tuple[str, str]) -> str:
    made = [
        {"cell_type": "code", "source": source, "outputs": [{"output_type": "stream", "name": "stdout", "text": text}]}
        for source, text in cells
    ]
    return json.dumps({"cells": made})


def test_what_a_notebook_has_printed_is_read_and_its_code_is_not(key: Key) -> None:
    text = notebook(("J = 5\nprint(J)  # z = 2", "J = 1.7578125\nfor i in range(3): z = 7\n"), ("w", "dJ/dw1 = 1.5\n"))
    found = claims(key, text, ".ipynb")
    assert [(claim.line, claim.about, claim.verdict) for claim in found] == [
        (2, "z", "right"),
        (3, "J", "right"),
        (7, "dJ/dw1", "wrong"),
    ]


def test_a_notebook_has_an_end(key: Key) -> None:
    with pytest.raises(InputError, match="more than 5000 cells"):
        read_text(json.dumps({"cells": [{"cell_type": "markdown", "source": "so"}] * 15_000}), "n", ".ipynb")


def test_a_folder_of_several_people_is_told(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("several")
    key, work = small_key(folder), folder / "work"
    work.mkdir()
    (work / "ada.txt").write_text("z = 2\ndJ/dw1 = 1.875\n", "utf-8")
    (work / "bob.txt").write_text("z = 2\ndJ/dw1 = 1.5\n", "utf-8")
    found = CliRunner().invoke(cli, ["check", str(key), str(work), "--format", "json"])
    assert "ada.txt and bob.txt answer the same" in found.stderr and "--class" in found.stderr
    assert {claim["file"] for claim in json.loads(found.stdout)["submissions"][0]["claims"]} == {"ada.txt", "bob.txt"}
    (work / "bob.txt").write_text("new w1 = 17/32\n", "utf-8")
    assert "--class" not in CliRunner().invoke(cli, ["check", str(key), str(work)]).stderr


@pytest.mark.parametrize("name", VOLUMES)
def test_volume_is_bounded(name: str) -> None:
    suffix, text, listed = VOLUMES[name]
    with guard_against_hanging():
        (submission,) = check(load_key(WEIGHTS), [read_text(text, suffix=suffix)]).submissions
    assert len(submission.claims) == listed
