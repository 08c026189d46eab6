"""What a check found, as Markdown. What a student wrote stands in code alone, where nothing of it is set or linked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from backcalc.check.classroom.view import ClassView, class_view
from backcalc.check.result import Answer, Claim, Part, Report, Submission
from backcalc.net.errors import printable
from backcalc.render.check_lines import MARKS, counted, excerpt, points
from backcalc.render.check_text import reasons, summary
from backcalc.render.class_text import named

WIDTH = 100

_SPECIAL = re.compile(r"[\\`*_{}\[\]<>#!|~$&@]")
_LINKED = re.compile(r":(?=//)|(?<=www)\.", re.IGNORECASE)


def render(report: Report, *, claims: bool = False, whole: bool = True) -> str:
    """The report; with `claims` the right ones too, without `whole` the class alone."""
    parts = [f"# {plain(report.key)}"]
    if not report.submissions:
        parts += _answers(report.answers)
    if len(report.submissions) > 1 or not whole:
        parts += _class(class_view(report.submissions))
    for submission in report.submissions if whole else ():
        parts += _submission(submission, claims)
    return "\n\n".join(parts) + "\n"


def plain(text: str) -> str:
    """Words as Markdown that means just these words: no emphasis, link, picture, formula or HTML.

    >>> print(plain("![a](http://b) <i> $x$"))
    \\!\\[a\\](http\\://b) \\<i\\> \\$x\\$
    """
    escaped = _SPECIAL.sub(lambda found: f"\\{found[0]}", " ".join(printable(text).split()))
    return _LINKED.sub(lambda found: f"\\{found[0]}", escaped)


def code(text: str) -> str:
    """A text as a code span, whatever backticks are in it.

    >>> print(code("a`b"), code("x = 1"))
    ``a`b`` `x = 1`
    """
    shown = " ".join(printable(text).split())
    fence = "`" * (_longest(shown) + 1)
    pad = " " if shown[:1] == "`" or shown[-1:] == "`" or not shown else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def block(lines: Sequence[str], indent: int = 0) -> str:
    """Lines as a block of code, fenced by more backticks than there are in it."""
    fence = "`" * max(3, *(_longest(line) + 1 for line in lines))
    pad = " " * indent
    return "\n".join(f"{pad}{line}" for line in (f"{fence}text", *lines, fence))


def _longest(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def _answers(answers: Sequence[Answer]) -> Iterator[str]:
    for problem in dict.fromkeys(answer.part for answer in answers):
        yield f"## Problem {plain(problem)}"
        rows = [(code(answer.asked), code(_value(answer))) for answer in answers if answer.part == problem]
        yield _table(("asked", "answer"), rows)


def _value(answer: Answer) -> str:
    exact, decimal = answer.expected.exact, answer.expected.decimal
    return exact if exact is not None else "no value" if decimal is None else f"{decimal:.6g}"


def _submission(submission: Submission, claims: bool) -> Iterator[str]:
    yield f"## {code(submission.file)}"
    if submission.unchecked is not None:
        yield f"Not checked: {plain(submission.unchecked)}"
        return
    yield summary(submission)
    if submission.notes:
        yield "\n".join(f"- note: {plain(note)}" for note in submission.notes)
    for part in submission.parts:
        yield f"### Problem {plain(part.id)}: {points(part.points)} of {points(part.max_points)} points"
        items = [*_claims(part, submission, claims), *(f"- {plain(finding.text)}" for finding in part.findings)]
        if items:
            yield "\n".join(items)


def _claims(part: Part, submission: Submission, claims: bool) -> Iterator[str]:
    for number, claim in enumerate(submission.claims):
        if claim.part == part.id and (claims or claim.verdict != "right" or claim.diagnosis is not None):
            yield _claim(claim, first=number == part.first_error)


def _claim(claim: Claim, *, first: bool) -> str:
    about = f", {code(claim.about)}" if claim.about is not None else ""
    label = "first error: " if first else ""
    lines = [f"- {MARKS[claim.verdict]} **{label}{claim.verdict}**{about}", block(excerpt(claim, WIDTH), 2)]
    if claim.read_as and claim.verdict != "right":
        lines.append(f"  - read as {code(claim.read_as)}")
    lines += [f"  - {plain(reason)}" for reason in reasons(claim)]
    return "\n".join(lines)


def _class(view: ClassView) -> Iterator[str]:
    yield "## The class"
    average = f"mean {points(round(view.mean, 2))}, median {points(view.median)} of {points(view.max_points)} points"
    yield f"{counted(view.submissions, 'submission')}; {average}"
    if view.unchecked:
        yield f"Not checked: {code(named(view.unchecked))}"
    head = ("problem", "points", "mean", "median", "lowest", "highest", "with all", "with none")
    rows = [
        (plain(p.id), *map(points, (p.max_points, round(p.mean, 2), p.median, p.lowest, p.highest, p.full, p.none)))
        for p in view.problems
    ]
    yield _table(head, rows)
    if view.mistakes:
        yield "### Mistakes"
        yield _table(
            ("submissions", "problem", "mistake", "for example"),
            [(str(len(m.files)), plain(m.problem or ""), plain(m.code), plain(m.example)) for m in view.mistakes],
        )
    if view.clusters:
        yield "### Equal wrong answers"
        yield _table(
            ("submissions", "problem", "claim", "mistake", "by"),
            [
                (str(len(c.files)), plain(c.problem or ""), _cell(c.claim), plain(c.code), _cell(named(c.files)))
                for c in view.clusters
            ],
        )


def _cell(text: str) -> str:
    """A code span in a table, where a bar would end the cell."""
    return code(text.replace("|", "¦"))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = ["---"] * len(head)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))
