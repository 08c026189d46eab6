"""The attack corpus: everything is answered in time and memory, nothing is run, and the class goes on.

The files in `attack/` are what has broken other graders: code for `eval`, towers of powers, numbers with endless
exponents, nesting, alias bombs, terminal controls, text that looks the other way. What is too large for a file of the
project is made here.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from backcalc.check.classroom import Checked, check_class, handed_in
from backcalc.check.classroom.worker import CAN_FORK
from backcalc.check.result import Submission

CORPUS = Path(__file__).parent / "attack"
SECONDS, MEGABYTES = 3, 1000
KEY = "problems: [{id: 1, count: lenet5, bias: false, ask: [weights, conv2.weights], points: 10}]\n"
HONEST = "weights = 61470\nconv2.weights = 16*6*5*5 = 2400\n"

SOUND = {"chain-long.txt", "latin.md", "many_lines.txt"}
"""Files that are odd and say something true."""


def long_line(path: Path) -> None:
    path.with_suffix(".md").write_text("$weights=1$ " * 80_000, "utf-8")


def long_word(path: Path) -> None:
    path.with_suffix(".txt").write_text("weights = " + "a" * 990_000, "utf-8")


def many_lines(path: Path) -> None:
    path.with_suffix(".txt").write_text("weights = 61470\n" * 500 + "so it is\n" * 80_000, "utf-8")


def too_large(path: Path) -> None:
    path.with_suffix(".md").write_bytes(b"weights = 1\n" * 500_000)


def many_files(path: Path) -> None:
    path.mkdir()
    for number in range(1000):
        (path / f"{number}.txt").write_text("so it is", "utf-8")


def deep_folders(path: Path) -> None:
    for _ in range(60):
        path = path / "d"
    path.mkdir(parents=True)
    (path / "work.txt").write_text("weights = 1", "utf-8")


def links(path: Path) -> None:
    path.mkdir()
    (path / "passwd.txt").symlink_to("/etc/passwd")
    (path / "loop").symlink_to(path)


def pickled(path: Path) -> None:
    np.savez(path.with_suffix(".npz"), weights=np.array([{"a": 1}], dtype=object))


def zip_bomb(path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (20_000_000,)})
    with (
        zipfile.ZipFile(path.with_suffix(".npz"), "w", zipfile.ZIP_DEFLATED) as bomb,
        bomb.open("w.npy", "w") as inside,
    ):
        inside.write(header.getvalue())
        for _ in range(100):
            inside.write(bytes(1_600_000))


def notebook_cells(path: Path) -> None:
    cells = [{"cell_type": "markdown", "source": "so it is"}] * 15_000
    path.with_suffix(".ipynb").write_text(json.dumps({"cells": cells}), "utf-8")


def program(path: Path) -> None:
    path.with_suffix(".py").write_text("import os\nos.system('touch owned')\n# weights = 1\n", "utf-8")


def notebook_program(path: Path) -> None:
    code = {"cell_type": "code", "source": "open('owned', 'w')\n!touch owned\n# weights = 1", "outputs": []}
    half = {"cell_type": "markdown", "source": ["$weights = 1$ \ud800"]}  # half of a character
    path.with_suffix(".ipynb").write_text(json.dumps({"cells": [code, half]}), "utf-8")


def latin(path: Path) -> None:
    path.with_suffix(".md").write_bytes(b"weights = 61470 \xff\xfe\x80 \xe9\xe8\n")


def zeros(path: Path) -> None:
    path.with_suffix(".txt").write_bytes(b"weights\x00 = \x00 1\n\x00\x00\n")


def odd_name(path: Path) -> None:
    (path.parent / "=cmd|' !A0 \x1b[31m<b>`$x$`.txt").write_text("weights = 1", "utf-8")


MADE: tuple[Callable[[Path], None], ...] = (
    long_line,
    long_word,
    many_lines,
    too_large,
    many_files,
    deep_folders,
    links,
    pickled,
    zip_bomb,
    notebook_cells,
    program,
    notebook_program,
    latin,
    zeros,
    odd_name,
)


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Checked, Path]:
    """The whole corpus checked as a class, in a folder where anything that is run would leave a file."""
    folder = tmp_path_factory.mktemp("attack")
    (folder / "key.yaml").write_text(KEY, "utf-8")
    (folder / "made").mkdir()
    (folder / "empty").mkdir()
    (folder / "honest.txt").write_text(HONEST, "utf-8")
    for make in MADE:
        make(folder / "made" / make.__name__)
    works = handed_in([CORPUS, folder / "made", folder / "honest.txt"], each=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder / "empty")
        return check_class(folder / "key.yaml", works), folder


def found(attacked: tuple[Checked, Path]) -> dict[str, Submission]:
    return {Path(submission.file).name: submission for submission in attacked[0].report.submissions}


def test_every_file_is_answered_in_time_and_memory(attacked: tuple[Checked, Path]) -> None:
    checked, _ = attacked
    refused = {problem.file for problem in checked.refused}
    troubled = {s.file: s.unchecked for s in checked.report.submissions if s.unchecked is not None}
    assert set(troubled) == refused, "what was not checked was refused by its reader, not stopped"
    assert len(checked.report.submissions) == len(list(CORPUS.iterdir())) + len(MADE) + 1
    if CAN_FORK:
        assert 0 < checked.seconds < SECONDS
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
