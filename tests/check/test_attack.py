"""The attack corpus: everything is answered within its memory, nothing is run, and the class goes on.

The files in `attack/` are what has broken other graders: code for `eval`, towers of powers, numbers with endless
exponents, nesting, alias bombs, terminal controls, text that looks the other way. What is too large for a file of the
project is made by `hostile.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from backcalc.check.classroom import Checked, check_class, handed_in
from backcalc.check.classroom.worker import CAN_FORK
from backcalc.check.result import Submission
from tests.check.hostile import ATTACKED, CORPUS, MADE, made

MEGABYTES = 1000
HONEST = "weights = 61470\nconv2.weights = 16*6*5*5 = 2400\n"

SOUND = {"chain-long.txt", "latin.md", "many_lines.txt"}
"""Files that are odd and say something true."""


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Checked, Path]:
    """The whole corpus checked as a class, in a folder where anything that is run would leave a file."""
    folder = tmp_path_factory.mktemp("attack")
    (folder / "key.yaml").write_text(ATTACKED, "utf-8")
    (folder / "empty").mkdir()
    (folder / "honest.txt").write_text(HONEST, "utf-8")
    works = handed_in([CORPUS, made(folder / "made"), folder / "honest.txt"], each=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder / "empty")
        return check_class(folder / "key.yaml", works), folder


def found(attacked: tuple[Checked, Path]) -> dict[str, Submission]:
    return {Path(submission.file).name: submission for submission in attacked[0].report.submissions}


def test_every_file_is_answered_within_its_memory(attacked: tuple[Checked, Path]) -> None:
    checked, _ = attacked
    refused = {problem.file for problem in checked.refused}
    troubled = {s.file: s.unchecked for s in checked.report.submissions if s.unchecked is not None}
    assert set(troubled) == refused, "what was not checked was refused by its reader, not stopped"
    assert len(checked.report.submissions) == len(list(CORPUS.iterdir())) + len(MADE) + 1
    if CAN_FORK:
        assert 0 < checked.megabytes < MEGABYTES


def test_nothing_is_run_or_written(attacked: tuple[Checked, Path]) -> None:
    _, folder = attacked
    assert not list((folder / "empty").iterdir())
    assert not [path for path in (*folder.iterdir(), *CORPUS.iterdir()) if path.name == "owned"]


def test_nothing_hostile_is_right(attacked: tuple[Checked, Path]) -> None:
    right = {name for name, submission in found(attacked).items() if submission.counts["right"]}
    assert right - {"tiny-difference.txt"} == SOUND | {"honest.txt"}


def test_the_class_goes_on(attacked: tuple[Checked, Path]) -> None:
    honest = found(attacked)["honest.txt"]
    assert honest.points == honest.max_points == 10
    assert honest.counts["right"] == 3


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("too_large.md", "more than 1000000 bytes"),
        ("pickled.npz", "not an .npz file of plain arrays"),
        ("run-yaml.yaml", "nothing in it is run"),
        ("yaml-aliases.yaml", "anchors and aliases"),
        ("json-deep.json", "nested deeper than 30"),
        ("yaml-number.yaml", "exponent of `1e999999999` is too large"),
    ],
)
def test_what_is_refused_is_told_why(attacked: tuple[Checked, Path], name: str, said: str) -> None:
    assert said in (found(attacked)[name].unchecked or "")


def test_links_that_lead_elsewhere_are_not_followed(attacked: tuple[Checked, Path]) -> None:
    assert found(attacked)["links"].claims == () and "root:" not in str(found(attacked)["links"])
