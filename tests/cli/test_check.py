"""`backcalc check` as a command: its formats, its exit status, and what it refuses."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from backcalc.check import classroom
from backcalc.check.classroom import Checked, Handed, check_class
from backcalc.check.classroom.worker import CAN_FORK
from backcalc.cli.check import FORMATS
from backcalc.cli.common import STDIN
from backcalc.cli.program import cli

KEY = "name: HW\nproblems: [{id: 1, count: lenet5, bias: false, ask: [conv2.weights, weights], points: 20}]\n"
GOOD = "conv2.weights = 16*6*5*5 = 2400\nweights = 61470\n"
BAD = "conv2.weights = 16*5*5\nweights = 61470\n"


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("room")
    (folder / "class").mkdir()
    for name, text in {
        "key.yaml": KEY,
        "good.txt": GOOD,
        "bad.txt": BAD,
        "open.txt": "qq = 5\n",
        "scan.pdf": "%PDF",
        "class/ada.txt": GOOD,
        "class/bob.txt": BAD,
        "class/cy.txt": BAD.replace("16*5*5", "400"),
        "export.csv": "Student,ID,HW (7)\nAda,1,\n",
    }.items():
        (folder / name).write_text(text, "utf-8")
    return folder


@pytest.fixture(autouse=True, scope="module")
def once() -> Iterator[None]:
    """Checks the same submissions once only, whatever is then made of the result."""
    kept: dict[tuple[object, ...], Checked] = {}

    def cached(key: Path, handed: tuple[Handed, ...], **options: Any) -> Checked:
        found = kept.get((key, handed))
        if found is None or handed[0].file == STDIN:
            found = kept[key, handed] = check_class(key, handed, **options)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classroom, "check_class", cached)
        yield


def run(room: Path, *arguments: str) -> Result:
    given = [str(room / word) if (room / word).exists() else word for word in arguments]
    return CliRunner().invoke(cli, ["check", str(room / "key.yaml"), *given], standalone_mode=False)


def status(result: Result) -> int:
    if result.exception is not None:
        assert getattr(result.exception, "exit_code", None) == 2, result.exception
        return 2
    return int(result.return_value or 0)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), 0),
        (("good.txt",), 0),
        (("open.txt",), 0),
        (("bad.txt",), 1),
        (("good.txt", "bad.txt"), 1),
        (("scan.pdf",), 2),
        (("scan.pdf", "good.txt"), 2),
        (("--class", "class"), 1),
        (("none.txt",), 2),
        (("good.txt", "--format", "canvas"), 2),
        (("good.txt", "--gradebook", "export.csv"), 2),
        (("good.txt", "bad.txt", "--format", "gradescope"), 2),
        (("--format", "html"), 2),
        (("good.txt", "--overrides", "none.yaml"), 2),
        (("good.txt", "--jobs", "0"), 2),
    ],
)
def test_exit_status(room: Path, arguments: tuple[str, ...], expected: int) -> None:
    assert status(run(room, *arguments)) == expected


def test_pdf_is_refused_with_a_word_on_how_to_export(room: Path) -> None:
    message = str(run(room, "scan.pdf").exception)
    assert "scan.pdf: error: pictures and PDF cannot be read" in message
    assert "= help: export it as Markdown, LaTeX or plain text" in message


def test_one_bad_file_stops_nobody(room: Path) -> None:
    result = run(room, "scan.pdf", "good.txt", "--format", "json")
    first, second = json.loads(result.stdout)["submissions"]
    assert first["unchecked"] == "pictures and PDF cannot be read" and first["claims"] == []
    assert second["points"] == second["max_points"] == 20 and second["unchecked"] is None
    assert "export it as Markdown" in result.stderr


@pytest.mark.parametrize("form", [form for form in FORMATS if form not in ("canvas", "moodle")])
def test_every_format_has_the_verdict(room: Path, form: str) -> None:
    result = run(room, "bad.txt", "--format", form)
    assert status(result) == 1
    assert "conv2.weights" in result.stdout and "depth" in result.stdout
    if form in ("json", "gradescope", "prairielearn"):
        json.loads(result.stdout)


def test_standard_input_is_markdown(room: Path) -> None:
    arguments = ["check", str(room / "key.yaml"), "-", "--format", "json"]
    result = CliRunner().invoke(cli, arguments, input=f"# Problem 1\n{GOOD}", standalone_mode=False)
    (found,) = json.loads(result.stdout)["submissions"]
    assert found["file"] == "<stdin>" and found["points"] == 20


def test_hint_gives_no_answer_in_any_format(room: Path) -> None:
    for form in FORMATS:
        if form not in ("canvas", "moodle"):
            assert "2400" not in run(room, "bad.txt", "--hint", "--format", form).stdout


def test_a_class_has_a_summary(room: Path) -> None:
    text = run(room, "--class", "class", "--summary").stdout
    assert text.startswith("The class\n") and "3 submissions; mean 13.33, median 10 of 20 points" in text
    found = json.loads(run(room, "--class", "class", "--summary", "--format", "json").stdout)
    assert "submissions" not in found and found["class"]["problems"][0]["full"] == 1
    (cluster,) = found["class"]["clusters"]
    assert [Path(file).name for file in cluster["files"]] == ["bob.txt", "cy.txt"]  # 16*5*5 and 400
    rows = run(room, "--class", "class", "--summary", "--format", "csv").stdout.split("\n")
    assert rows[0] == "file,points,of,problem 1,right,wrong,follows,convention,undecided,unreadable,note"
    assert [row.split(",")[1] for row in rows[1:4]] == ["20", "10", "10"]


def test_a_grade_file_is_filled_in(room: Path, tmp_path: Path) -> None:
    (tmp_path / "1_hw.txt").write_text(GOOD, "utf-8")
    target = tmp_path / "filled.csv"
    arguments = ("--format", "canvas", "--gradebook", "export.csv", "--output", str(target))
    result = run(room, str(tmp_path / "1_hw.txt"), *arguments)
    assert status(result) == 0 and result.stdout == ""
    assert target.read_bytes() == b"Student,ID,HW (7)\nAda,1,20\n" and result.stderr == ""
    result = run(room, str(tmp_path / "1_hw.txt"), "good.txt", *arguments)
    told = "1 of 2 submissions have no grade in the file\n"
    assert result.stderr.startswith(told) and "good.txt fits no student in the file" in result.stderr


@pytest.mark.skipif(not CAN_FORK, reason="signals and their exit status are those of POSIX")
def test_an_interrupted_class_goes_on_where_it_was(room: Path, tmp_path: Path) -> None:
    (tmp_path / "class").mkdir()
    for number in range(150):
        (tmp_path / "class" / f"{number}.txt").write_text(GOOD * 3, "utf-8")
    command = [sys.executable, "-m", "backcalc", "check", str(room / "key.yaml"), "--class", str(tmp_path / "class")]
    command += ["--jobs", "1", "--summary", "--results", str(tmp_path / "results")]
    hears = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}  # a background job would not
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **hears)
    while process.poll() is None and len(list(tmp_path.glob("results/*.json"))) < 2:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=120)[1].split() == [b"interrupted"] and process.returncode == 130
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "results").iterdir()}
    assert 2 <= len(kept) < 150 and all(json.loads(path.read_bytes()) for path in kept)
    again = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert again.returncode == 0 and "150 submissions; mean 20, median 20 of 20 points" in again.stdout
    assert all(path.stat().st_mtime_ns == when for path, when in kept.items())


def test_help_says_what_a_submission_is_and_what_holds_it() -> None:
    text = " ".join(CliRunner().invoke(cli, ["check", "--help"]).output.split())
    assert "A SUBMISSION is a file" in text and "or a folder of such files" in text
    assert "with --class everything in the folder is a submission of its own" in text
    assert "40 seconds and (on Linux) 1 GB of memory" in text
