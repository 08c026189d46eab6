"""A whole class: what is a submission, processes and their limits, resuming, and the same result however it is run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from backcalc.check import check
from backcalc.check.classroom import Handed, Limits, check_class, class_view, handed_in
from backcalc.check.classroom.results import fingerprint
from backcalc.check.classroom.worker import CAN_FORK
from backcalc.check.result import Submission
from backcalc.net.errors import InputError
from tests.hanging import HUNG

NET = """\
input: {x: 1}
layers: [{dense: {name: z, units: 1, bias: false, weights: [[w]]}}]
loss: {sse: {name: J, target: 1}}
values: {x: 3, w: 2}
"""
KEY = "problems: [{id: 1, net: net.yaml, ask: [J, dJ/dw], points: 4}]\n"
RIGHT = "z = w*x = 6\nJ = (z - 1)^2 = 25\ndJ/dz = 2*(z - 1) = 10\ndJ/dw = 10*3 = 30\n"
WORKS = {
    "ada.txt": RIGHT,
    "bob.txt": RIGHT.replace("= 10\n", "= -10\n").replace("10*3 = 30", "-10*3 = -30"),
    "cy.md": "$J = 25$ and $\\frac{\\partial J}{\\partial w} = -30$",
    "dee.txt": "J = 5^2 = 25\ndJ/dw = -30.0\n",
    "eve.pdf": "%PDF",
    "fay.yaml": "J: [",
}

needs_fork = pytest.mark.skipif(not CAN_FORK, reason="this system cannot fork, so nothing holds a child to limits")


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("room")
    (folder / "net.yaml").write_text(NET, "utf-8")
    (folder / "key.yaml").write_text(KEY, "utf-8")
    (folder / "handed").mkdir()
    for name, text in WORKS.items():
        (folder / "handed" / name).write_text(text, "utf-8")
    return folder


def handed(room: Path) -> tuple[Handed, ...]:
    return handed_in([room / "handed"], each=True)


def by_name(submissions: tuple[Submission, ...]) -> dict[str, dict[str, object]]:
    return {Path(submission.file).name: submission.to_json() for submission in submissions}


# -- what is a submission ----------------------------------------------------------------------------


def test_files_and_folders_are_submissions(tmp_path: Path) -> None:
    (tmp_path / "bob").mkdir()
    for name in ("bob/one.txt", "bob/two.md", "ada.txt", ".DS_Store"):
        (tmp_path / name).write_text("J = 1", "utf-8")
    (tmp_path / "link.txt").symlink_to(tmp_path / "ada.txt")
    assert [one.path for one in handed_in([tmp_path])] == [tmp_path]
    assert [one.path.name for one in handed_in([tmp_path], each=True)] == ["ada.txt", "bob"]
    assert [one.path.name for one in handed_in([tmp_path / "ada.txt", tmp_path / "bob"])] == ["ada.txt", "bob"]


def test_a_class_is_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    names = ["ada", "hw1-9.md", "hw1-10.md", "hw2-1.md", "zoe.md"]
    for name in reversed(names):
        (tmp_path / name).write_text("J = 1", "utf-8")
    assert [one.path.name for one in handed_in([tmp_path], each=True)] == names


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_what_is_no_submission_is_said_all_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError) as raised:
        handed_in([tmp_path / "none.txt", tmp_path / "pipe", tmp_path / "empty"], each=True)
    assert [problem.message for problem in raised.value.problems] == [
        "the file cannot be read: no such file or directory",
        "a submission is a plain file or a folder",
        "there are no submissions in this folder",
    ]


def test_names_of_results_are_different_and_plain(tmp_path: Path) -> None:
    names = [
        Handed(file, Path(file)).name for file in ("a/hw.md", "b/hw.md", "../../etc/passwd", "\x1b[2J/..", "ä ö.md")
    ]
    assert len(set(names)) == len(names)
    assert all(Path(name).name == name and name.isprintable() and not name.startswith(".") for name in names)


# -- the same result, whatever happens -----------------------------------------------------------------


def test_any_order_and_any_number_of_jobs_give_the_result_of_one_process(room: Path) -> None:
    works = handed(room)
    one = check_class(room / "key.yaml", works, jobs=1)
    turned = check_class(room / "key.yaml", works[::-1], jobs=3)
    assert [submission.file for submission in one.report.submissions] == [work.file for work in works]
    assert by_name(one.report.submissions) == by_name(turned.report.submissions)
    here = check(room / "key.yaml", [work.path for work in works if work.path.suffix in (".txt", ".md")])
    for submission in here.submissions:
        assert by_name(one.report.submissions)[Path(submission.file).name] == submission.to_json()
    assert one.report.answers == here.answers and one.report.key == here.key


def test_what_cannot_be_read_stops_nobody(room: Path) -> None:
    checked = check_class(room / "key.yaml", handed(room))
    found = by_name(checked.report.submissions)
    assert {name: one["points"] for name, one in found.items() if one["unchecked"] is None} == {
        "ada.txt": 4,
        "bob.txt": 4,  # an own error, carried forward
        "cy.md": 2,
        "dee.txt": 2,
    }
    assert found["eve.pdf"]["unchecked"] == "pictures and PDF cannot be read"
    assert [Path(problem.file).name for problem in checked.refused] == ["eve.pdf", "fay.yaml"]
    assert checked.refused[0].help == "export it as Markdown, LaTeX or plain text"
    assert checked.refused[1].line == 1


def test_the_lines_of_every_file_of_a_folder_are_handed_back(room: Path, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    for name in ("a.md", "b.md"):
        (tmp_path / "work" / name).write_text("# 1.\n\n$$J\n= 25$$\n", "utf-8")
    (found,) = check_class(room / "key.yaml", handed_in([tmp_path / "work"])).report.submissions
    assert found.lines == ((1, "# 1."), (3, "$$J"), (4, "= 25$$")) * 2
    assert found.counts["right"] == len(found.claims) == 2


def test_a_faulty_key_is_told_with_its_place(room: Path, tmp_path: Path) -> None:
    (tmp_path / "key.yaml").write_text("problems: [{id: 1, count: lenet6, ask: [weights]}]", "utf-8")
    with pytest.raises(InputError, match=r"key.yaml:1:\d+: error: there is no file or built-in network `lenet6`"):
        check_class(tmp_path / "key.yaml", handed(room))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("forks", [pytest.param(True, marks=needs_fork), False])
def test_a_submission_that_hangs_is_stopped_and_the_class_goes_on(room: Path, tmp_path: Path, forks: bool) -> None:
    os.mkfifo(tmp_path / "hangs.txt")  # opening it waits for a writer that never comes
    first, second, *_ = handed(room)
    works = [first, Handed("hangs.txt", tmp_path / "hangs.txt"), second]
    checked = check_class(room / "key.yaml", works, jobs=1, limits=Limits(seconds=4), forks=forks)
    ada, hangs, bob = checked.report.submissions
    assert hangs.unchecked == "it took longer than 4 s" and not hangs.claims
    assert ada.points == 4 and bob.points == 4 and not checked.refused


IN_CHILD = """
import os, sys, time
from backcalc.check.classroom.limits import Limits
from backcalc.check.classroom.messages import Reply, packed, unpacked
from backcalc.check.classroom.worker import in_child

def work():
    {work}
    return packed(Reply(trouble="nothing held it"))

print(unpacked(Reply, in_child(work, Limits(seconds={seconds}, megabytes=500))).trouble)
"""


@needs_fork
@pytest.mark.parametrize(
    ("work", "said"),
    [
        ("pass", "nothing held it"),
        ("time.sleep(60)", "it took longer than 1 s"),
        ("\n    while True: pass", "it took longer than 1 s"),
        ("10 ** 10 ** 10", "it took longer than 1 s"),
        ("bytearray(2_000_000_000)", "its process broke off"),
        ("os.abort()", "its process was stopped by the system"),
        ("os.kill(os.getpid(), 9)", "its process was stopped by the system"),
        ("os._exit(0)", "its process broke off"),
        ("os.write(os.open('owned', os.O_CREAT | os.O_WRONLY), b'x')", "its process broke off"),
        ("[open('/dev/null') for _ in range(1000)]", "its process broke off"),
        ("os.write(int(max(os.listdir('/proc/self/fd'), key=int)) - 1, b'{}'); os._exit(0)", "its process broke off"),
    ],
)
def test_limits_hold_a_child(work: str, said: str, tmp_path: Path) -> None:
    script = IN_CHILD.format(work=work, seconds=1 if "longer" in said else HUNG)
    ran = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=2 * HUNG)
    assert ran.stdout.strip() == said, ran.stderr
    assert not any(path.stat().st_size for path in tmp_path.iterdir())


# -- going on where it was ---------------------------------------------------------------------------


def test_results_are_kept_and_gone_on_from(room: Path, tmp_path: Path) -> None:
    shutil.copytree(room, tmp_path / "room")
    key, results, works = tmp_path / "room" / "key.yaml", tmp_path / "results", handed(tmp_path / "room")
    done: list[tuple[int, int]] = []

    def run(some: tuple[Handed, ...]) -> list[float]:
        done.clear()
        found = check_class(key, some, results=results, done=lambda *count: done.append(count))
        return [submission.points for submission in found.report.submissions]

    assert run(works[:2]) == [4, 4] and len(done) == 2
    assert run(works[:4]) == [4, 4, 2, 2] and done == [(3, 4), (4, 4)]
    files = sorted(path.name for path in results.iterdir())
    assert len(files) == 4 and all(name.endswith(".json") for name in files)

    ada = next(path for path in results.iterdir() if path.name.startswith("ada"))
    kept = json.loads(ada.read_bytes())
    kept["submission"]["parts"][0]["points"] = 3.5
    ada.write_text(json.dumps(kept), "utf-8")
    assert run(works[:1]) == [3.5] and not done  # it was read, not checked

    ada.write_text(json.dumps(kept)[:-20], "utf-8")  # cut off in the middle
    assert run(works[:1]) == [4] and len(done) == 1

    works[0].path.write_text("J = 25\n", "utf-8")  # handed in again
    assert run(works[:1]) == [2] and len(done) == 1

    before = fingerprint(key)
    (tmp_path / "room" / "net.yaml").write_text(NET.replace("w: 2", "w: 3"), "utf-8")
    assert fingerprint(key) != before
    assert run(works[:2]) != [2, 4] and len(done) == 2


def test_a_result_that_was_not_made_is_tried_again(room: Path, tmp_path: Path) -> None:
    pdf = tuple(work for work in handed(room) if work.path.suffix == ".pdf")
    for _ in range(2):
        assert check_class(room / "key.yaml", pdf, results=tmp_path / "results").refused
    assert not list((tmp_path / "results").iterdir())


# -- what a class has in common ----------------------------------------------------------------------


def test_the_view_counts_mistakes_and_equal_answers(room: Path) -> None:
    submissions = check_class(room / "key.yaml", handed(room)).report.submissions
    view = class_view(submissions)
    assert (view.submissions, view.max_points, view.mean, view.median) == (6, 4, 3, 3)
    assert [Path(file).name for file in view.unchecked] == ["eve.pdf", "fay.yaml"]
    (problem,) = view.problems
    assert (problem.lowest, problem.highest, problem.full, problem.none) == (2, 4, 2, 0)
    (cluster,) = (cluster for cluster in view.clusters if cluster.about == "dJ/dw")
    assert [Path(file).name for file in cluster.files] == ["cy.md", "dee.txt"]  # -30 and -30.0
    signs = {(mistake.code, len(mistake.files)) for mistake in view.mistakes}
    assert ("sign", 3) in signs
    assert class_view(tuple(replace(one, parts=()) for one in submissions[:1])).problems == ()
