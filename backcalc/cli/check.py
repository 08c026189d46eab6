"""`backcalc check KEY SUBMISSION…`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

import backcalc
from backcalc.cli.common import STDIN, Answer, command, read_stdin, say, to_json

if TYPE_CHECKING:
    from backcalc.check import Key, Report
    from backcalc.check.classroom import Checked
    from backcalc.check.classroom.gradebook import Form, Gradebook
    from backcalc.check.overrides import Override

BAR = 24
"""Characters of the bar that shows how far a class is."""

FORMATS = ("text", "markdown", "html", "csv", "json", "gradescope", "prairielearn", "canvas", "moodle")


@command("check", formats=FORMATS)
@click.argument("key", metavar="KEY", type=click.Path())
@click.argument("submissions", metavar="[SUBMISSION]…", nargs=-1, type=click.Path())
@click.option("--claims", is_flag=True, help="Show the claims that are right, too.")
@click.option("--hint", is_flag=True, help="Say where to look, and nothing of the answer.")
@click.option("--class", "each", is_flag=True, help="Each SUBMISSION is a folder of submissions.")
@click.option("--summary", is_flag=True, help="The class alone: points, mistakes, equal wrong answers.")
@click.option("--jobs", type=click.IntRange(min=1), help="Submissions at a time (default: one a processor).")
@click.option("--results", metavar="FOLDER", type=click.Path(), help="Keep each result here, and go on from them.")
@click.option(
    "--overrides",
    metavar="FILE",
    type=click.Path(),
    help="A grader's own rulings (default: overrides.yaml in the folder of the results).",
)
@click.option("--gradebook", metavar="FILE", type=click.Path(), help="For canvas and moodle: the file to fill in.")
@click.option("--column", metavar="NAME", help="The assignment in the gradebook, where there are several.")
def check(
    key: str,
    submissions: tuple[str, ...],
    claims: bool,
    hint: bool,
    each: bool,
    summary: bool,
    jobs: int | None,
    results: str | None,
    overrides: str | None,
    gradebook: str | None,
    column: str | None,
    form: str,
) -> Answer:
    """Checks homework: what is right, the first wrong step, and why.

    Every claim of a SUBMISSION, each link of each chain of equal sides, is judged against KEY. A SUBMISSION is a file
    (.md, .tex, .txt, .ipynb, .py, .yaml, .csv, .npz, .json), or a folder of such files; with --class everything in the
    folder is a submission of its own; - is Markdown from standard input. Without one the key is checked and its answers
    are shown.

    Each submission is checked in a process of its own, held to 40 seconds and (on Linux) 1 GB of memory; elsewhere the
    clock alone stops it. One that breaks off is named, and the others go on. With --results a call that was interrupted
    goes on where it was. The formats canvas and moodle fill in a grade file that was exported, given by --gradebook.

    The exit status is 1 where a claim is wrong, or right only by an own error carried forward, and 2 where a submission
    cannot be read or checked; what could not be settled is said and never counted as wrong.

    \b
    Examples:
      backcalc check examples/homework/key.yaml
      backcalc check examples/homework/key.yaml examples/homework/ada.md
      backcalc check examples/homework/key.yaml examples/homework/ada.md --hint
      backcalc check examples/homework/key.yaml --class examples/homework/class --format html --output class.html
      backcalc check examples/homework/key.yaml --class examples/homework/class --results results --summary
    """
    _refuse(form, submissions, gradebook)
    if not submissions:
        return _answer(backcalc.check(key), form, claims=claims, summary=False, key=None)
    folder = None if results is None else Path(results)
    from backcalc.check.people import hint_of_several

    rulings = _rulings(overrides, folder)
    loaded = _loaded(key) if rulings is not None or form == "html" else None
    ruled = _ruled(rulings, loaded) if rulings is not None and loaded is not None else ()
    book = None if gradebook is None else _book(Path(gradebook), cast("Form", form), column)
    checked = _checked(Path(key), submissions, form, each=each, jobs=jobs, results=folder)
    report, warnings = checked.report, list[str]()
    if loaded is not None:
        from backcalc.check.overrides import overridden

        found, stale = overridden(report.submissions, ruled, loaded)
        report = replace(report, submissions=found)
        warnings = [str(problem).replace(": error: ", ": warning: ", 1) for problem in stale]
    if hint:
        from backcalc.check.hint import hinted

        report, loaded = hinted(report), None
    if book is not None:
        answer = _filled(book, report)
    else:
        answer = _answer(report, form, claims=claims, summary=summary, key=loaded)
    several = [] if each else [said for one in report.submissions if (said := hint_of_several(one)) is not None]
    messages = [*_broken(report, checked), *several, *warnings, *answer.messages]
    broken = any(submission.unchecked is not None for submission in report.submissions)
    return replace(answer, status=2 if broken else answer.status, messages=tuple(messages))


def _broken(report: Report, checked: Checked) -> Iterator[str]:
    """What could not be checked: the faults of its files, or what stopped it."""
    for submission in report.submissions:
        if submission.unchecked is not None:
            faults = [str(problem) for problem in checked.refused if problem.file == submission.file]
            yield from faults or [f"{submission.file}: not checked: {submission.unchecked}"]


def _checked(
    key: Path, submissions: tuple[str, ...], form: str, *, each: bool, jobs: int | None, results: Path | None
) -> Checked:
    """The submissions, each checked in a process of its own. A single one that cannot be read is an InputError."""
    from tempfile import TemporaryDirectory

    from backcalc.check.classroom import Handed, check_class, handed_in
    from backcalc.net.errors import InputError

    handed = handed_in((word for word in submissions if word != "-"), each=each)
    with TemporaryDirectory() as scratch:
        if "-" in submissions:
            path = Path(scratch, "stdin.md")
            path.write_text(read_stdin(), "utf-8")
            handed = (*handed, Handed(STDIN, path))
        if form in ("gradescope", "prairielearn") and len(handed) != 1:
            raise click.UsageError(f"--format {form} is for one submission, not {len(handed)}.")
        checked = check_class(key, handed, jobs=jobs, results=results, done=_show)
    if checked.refused and len(handed) == 1 and form not in ("gradescope", "prairielearn"):
        raise InputError(checked.refused)
    return checked


def _refuse(form: str, submissions: tuple[str, ...], gradebook: str | None) -> None:
    """Refuses a call whose parts do not go together, before anything is computed."""
    if form in ("canvas", "moodle") and gradebook is None:
        raise click.UsageError(f"--format {form} fills in a file that {form} exported: give it by --gradebook.")
    if gradebook is not None and form not in ("canvas", "moodle"):
        raise click.UsageError("--gradebook needs --format canvas or --format moodle.")
    if not submissions and form not in ("text", "markdown", "json"):
        raise click.UsageError(f"--format {form} needs a SUBMISSION.")


def _answer(report: Report, form: str, *, claims: bool, summary: bool, key: Key | None) -> Answer:
    """The report in a format, its status, and how many claims are open."""
    open_ones = report.unsettled
    said = "1 claim was" if open_ones == 1 else f"{open_ones} claims were"
    messages = (f"{said} not settled or not read; they do not count as wrong",) if open_ones else ()
    return Answer(_written(report, form, claims, summary, key), 0 if report.holds else 1, messages)


def _written(report: Report, form: str, claims: bool, summary: bool, key: Key | None) -> str:
    several = len(report.submissions) > 1
    match form:
        case "json":
            from backcalc.render import check_json

            return to_json(check_json.render(report, whole=not summary))
        case "csv":
            from backcalc.render import check_sheets

            return check_sheets.grades(report) if summary else check_sheets.as_csv(report)
        case "markdown":
            from backcalc.render import check_markdown

            return check_markdown.render(report, claims=claims, whole=not summary)
        case "html":
            from backcalc.render import check_html

            return check_html.render(report, key)
        case "gradescope" | "prairielearn":
            from backcalc.render import check_graders

            write = check_graders.gradescope if form == "gradescope" else check_graders.prairielearn
            return to_json(write(report.submissions[0]))
        case _:
            from backcalc.check.classroom import class_view
            from backcalc.render import check_text, class_text

            parts = [] if summary else [check_text.render(report, claims=claims)]
            if summary or several:
                parts.append(class_text.render(class_view(report.submissions)))
            return "\n".join(parts)


def _book(path: Path, form: Form, column: str | None) -> Gradebook:
    from backcalc.check.classroom.gradebook import Gradebook

    return Gradebook(path, form, column)


def _filled(book: Gradebook, report: Report) -> Answer:
    """The teacher's file with the grades in it; what did not find its place is told."""
    from backcalc.render.feedback import feedback

    found = book.filled(report.submissions, feedback)
    missing = len(report.submissions) - found.grades
    said = (f"{missing} of {len(report.submissions)} submissions have no grade in the file",) if missing else ()
    return Answer("", 0 if report.holds else 1, (*said, *found.notes), found.data)


def _rulings(overrides: str | None, folder: Path | None) -> Path | None:
    """The file of overrides: the one that is given, or the one beside the results."""
    if overrides is not None:
        return Path(overrides)
    beside = None if folder is None else folder / "overrides.yaml"
    return beside if beside is not None and beside.is_file() else None


def _ruled(path: Path, key: Key) -> tuple[Override, ...]:
    from backcalc.check.overrides import load_overrides

    return load_overrides(path, key)


def _loaded(key: str) -> Key:
    from backcalc.check import load_key

    return load_key(Path(key))


def _show(done: int, all_of_them: int) -> None:
    """How far the class is, for a person who looks at the terminal."""
    filled = BAR * done // all_of_them
    say(f"check {'█' * filled}{'░' * (BAR - filled)} {done} of {all_of_them}")
