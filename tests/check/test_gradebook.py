"""Grade files of Canvas and Moodle: grades go into their cells, and every other byte stays."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backcalc.check.classroom.cells import TableFault, read_cells
from backcalc.check.classroom.gradebook import Form, Gradebook
from backcalc.check.result import Claim, Diagnosis, Part, Submission
from backcalc.net.errors import InputError
from backcalc.render.feedback import feedback

CANVAS = (
    "\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,HW06 (11),HW07 (12),Final Score\r\n"
    ",,,,,Manual Posting,,\r\n"
    "    Points Possible,,,,,10,20,(read only)\r\n"
    '"Lovelace, Ada",101,s1815,ada@x.edu,"Sec ""A""",9.50,,77.0 \r\n'
    '"Ōsaka, Bo",102,s1816,bo.o@x.edu,B,,3,\r\n'
    '"Noether, Emmy",103,s1882,emmy,B,\'7,,0\r\n'
    '"Test Student",999,,,B,,,\r\n'
)
MOODLE = (
    "Identifier,Full name,ID number,Email address,Status,Grade,Maximum Grade,Grade can be changed,Feedback comments\n"
    'Participant 5001,Ada Lovelace,s1815,ada@x.edu,"Submitted, late",,40.00,Yes,\n'
    "Participant 5002,Bo Ōsaka,s1816,bo@x.edu,Submitted,,40.00,Yes,seen\n"
    "Participant 5003,Emmy Noether,s1882,emmy@x.edu,Submitted,12,40.00,No,"
)


def work(file: str, points: float = 12, unchecked: str | None = None) -> Submission:
    claim = Claim("1", 7, 1, 5, "y = <b>", "y = <b>", "y = b", "y", "wrong", diagnosis=Diagnosis("sign", "the sign"))
    part = Part("1", 0, (), points, 20)
    return Submission(file, () if unchecked else (part,), () if unchecked else (claim,), unchecked=unchecked)


def fill(
    tmp_path: Path, text: str | bytes, form: Form, *works: Submission, column: str | None = None
) -> tuple[str, tuple[str, ...]]:
    path = tmp_path / "export.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    found = Gradebook(path, form, column).filled(works, feedback)
    return found.data.decode(), found.notes


def test_canvas_gets_its_column_and_nothing_else(tmp_path: Path) -> None:
    ada, bo = work("hw/lovelaceada_101_7001_hw07.md"), work("hw/osakabo_LATE_102_7002_hw07.md", 17.5)
    text, notes = fill(tmp_path, CANVAS, "canvas", ada, bo, column="HW07")
    expected = CANVAS.replace("9.50,,77.0", "9.50,12,77.0").replace("B,,3,", "B,,17.5,")
    assert text == expected and not notes


@pytest.mark.parametrize(
    ("file", "row"),
    [
        ("lovelaceada_101_7001_hw07.md", "Lovelace, Ada"),
        ("Lovelace_Ada.md", "Lovelace, Ada"),
        ("ada lovelace hw7.txt", "Lovelace, Ada"),
        ("s1816.md", "Ōsaka, Bo"),
        ("bo.o@x.edu.md", "Ōsaka, Bo"),
        ("bo.o-homework.md", "Ōsaka, Bo"),
        ("osaka-bo", "Ōsaka, Bo"),
        ("noetheremmy_103_102_hw.md", "Noether, Emmy"),  # the second number is that of the submission
    ],
)
def test_a_file_finds_its_student(tmp_path: Path, file: str, row: str) -> None:
    text, notes = fill(tmp_path, CANVAS, "canvas", work(file, 19), column="HW07 (12)")
    grades = {cells[0]: cells[6] for cells in csv.reader(io.StringIO(text))}
    assert grades[row] == "19" and list(grades.values()).count("19") == 1 and not notes


def test_what_finds_no_place_is_told(tmp_path: Path) -> None:
    works = [work(name) for name in ("x101.md", "103_a.md", "103_b.md", "101_102.md")]
    text, notes = fill(tmp_path, CANVAS, "canvas", *works, work("s1815.pdf", unchecked="no PDF"), column="HW07")
    assert text == CANVAS
    assert notes == (
        "x101.md fits no student in the file",
        "101_102.md may be of Lovelace, Ada or Ōsaka, Bo",
        "s1815.pdf was not checked: no PDF",
        "Noether, Emmy has handed in 2: 103_a.md, 103_b.md",
    )


def test_moodle_gets_grade_and_feedback_scaled_to_its_maximum(tmp_path: Path) -> None:
    works = [
        work("Ada Lovelace_5001_assignsubmission_file_"),
        work("5002"),
        work("Emmy Noether_5003_assignsubmission_file_"),
    ]
    text, notes = fill(tmp_path, MOODLE, "moodle", *works)
    rows = {row["Full name"]: row for row in csv.DictReader(io.StringIO(text))}
    assert [row["Grade"] for row in rows.values()] == ["24", "24", "12"]
    said = "12 of 20 points. Problem 1: 12 of 20; first error in line 7: y = &lt;b&gt;, the sign."
    assert [row["Feedback comments"] for row in rows.values()] == [said, "seen", ""]
    assert notes == ("the grade of Emmy Noether cannot be changed", "the points of 20 are scaled to 40, as in the file")
    assert text.endswith("12,40.00,No,")  # no newline was there, and none is


@pytest.mark.parametrize(
    ("text", "form", "column", "said"),
    [
        (CANVAS, "canvas", None, "there are 2 assignments in the file"),
        (CANVAS, "canvas", "HW08", "the file has no column `HW08`"),
        (CANVAS, "moodle", None, "this is no file that moodle exported"),
        ("a,b\n1,2\n", "canvas", None, "this is no file that canvas exported"),
        ("", "moodle", None, "this is no file that moodle exported"),
        ('Student,ID\n"x,1\n', "canvas", None, "a quote in line 2 is not closed"),
        ('Student,ID\n"x"y,1\n', "canvas", None, "line 2 has text behind a quoted cell"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, text: str, form: Form, column: str | None, said: str) -> None:
    with pytest.raises(InputError, match=said):
        fill(tmp_path, text, form, work("a.md"), column=column)


cells = st.text(alphabet=st.sampled_from('ab ,;"\n\r\tä=\udc80'), max_size=6)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(cells, min_size=2, max_size=4), min_size=1, max_size=5), st.sampled_from(["\n", "\r\n"]))
def test_a_table_is_read_as_the_csv_module_reads_it_and_kept_byte_by_byte(rows: list[list[str]], end: str) -> None:
    written = io.StringIO()
    csv.writer(written, lineterminator=end, quoting=csv.QUOTE_ALL).writerows([["a", "b", "c", "d", "e"], *rows])
    data = written.getvalue().encode("utf-8", "surrogateescape")
    table = read_cells(data)
    assert [[cell.value for cell in row] for row in table.rows[1:]] == rows
    assert table.with_values({}) == data
    places = {(number, len(row) - 1): "9,5" for number, row in enumerate(table.rows) if number}
    again = read_cells(table.with_values(places))
    assert [[cell.value for cell in row] for row in again.rows[1:]] == [[*row[:-1], "9,5"] for row in rows]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_kept_or_refused(data: bytes) -> None:
    try:
        table = read_cells(data)
    except TableFault:
        return
    assert table.with_values({}) == data
