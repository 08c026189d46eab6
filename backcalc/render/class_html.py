"""What a class has in common, as the first section of its page: tiles, every submission, mistakes, equal answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from backcalc.check.classroom.view import ClassView
from backcalc.check.result import Submission
from backcalc.net.errors import printable
from backcalc.render.check_lines import points
from backcalc.render.check_rows import told

BINS = 10


def overview(view: ClassView, submissions: Sequence[Submission]) -> str:
    """The section; every file in it is a link to its own."""
    files = shortened([submission.file for submission in submissions])
    places = {
        submission.file: f'<a href="#s{number}">{_text(name)}</a>'
        for number, (submission, name) in enumerate(zip(submissions, files, strict=True), start=1)
    }
    return "\n".join(
        [
            '<section id="class" aria-labelledby="class-name" tabindex="-1">',
            '<h2 id="class-name">The class</h2>',
            *_tiles(view),
            *_histogram(view, submissions),
            "<h3>Problems</h3>",
            *_problems(view),
            *_mistakes(view, places),
            *_clusters(view, places),
            "<h3>Submissions</h3>",
            *_submissions(submissions, places),
            "</section>",
        ]
    )


def shortened(files: Sequence[str]) -> list[str]:
    """The files without the folder that is common to all of them.

    >>> shortened(["hw/a.md", "hw/late/b.md"]), shortened(["a.md"])
    (['a.md', 'late/b.md'], ['a.md'])
    """
    folders = [file.rpartition("/")[0] for file in files]
    common = folders[0] if folders else ""
    while common and not all(f"{folder}/".startswith(f"{common}/") for folder in folders):
        common = common.rpartition("/")[0]
    return [file.removeprefix(f"{common}/") if common else file for file in files]


def _tiles(view: ClassView) -> Iterator[str]:
    yield '<dl class="tiles">'
    tiles = [
        ("submissions", str(view.submissions)),
        ("mean", points(round(view.mean, 2))),
        ("median", points(view.median)),
        ("points in all", points(view.max_points)),
    ]
    if view.unchecked:
        tiles.append(("not checked", str(len(view.unchecked))))
    yield from (f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in tiles)
    yield "</dl>"


def _histogram(view: ClassView, submissions: Sequence[Submission]) -> Iterator[str]:
    """How many earned how much, in tenths of all points."""
    earned = [s.points for s in submissions if s.unchecked is None]
    if not earned or not view.max_points:
        return
    heights = [0] * BINS
    for own in earned:
        heights[max(0, min(BINS - 1, int(own / view.max_points * BINS)))] += 1
    most = max(heights)
    yield f'<svg class="bars" viewBox="0 0 {BINS * 40} 112" role="img" aria-label="How many earned how many points">'
    for place, height in enumerate(heights):
        tall = round(80 * height / most, 1)
        yield f'<rect x="{place * 40 + 3}" y="{96 - tall}" width="34" height="{tall}" rx="2"></rect>'
        if height:
            yield f'<text x="{place * 40 + 20}" y="{92 - tall}" text-anchor="middle">{height}</text>'
    step = view.max_points / BINS
    for place in range(0, BINS + 1, 5):
        anchor = "start" if place == 0 else "end" if place == BINS else "middle"
        yield f'<text class="axis" x="{place * 40}" y="110" text-anchor="{anchor}">{points(step * place)}</text>'
    yield "</svg>"


def _problems(view: ClassView) -> Iterator[str]:
    head = ("problem", "points", "mean", "median", "lowest", "highest", "with all", "with none")
    rows = [
        (_text(p.id), *map(points, (p.max_points, round(p.mean, 2), p.median, p.lowest, p.highest, p.full, p.none)))
        for p in view.problems
    ]
    yield from _table(head, rows, numbers=7)


def _mistakes(view: ClassView, places: Mapping[str, str]) -> Iterator[str]:
    if not view.mistakes:
        return
    yield "<h3>Mistakes</h3>"
    head = ("by", "problem", "mistake", "for example", "who")
    rows = [
        (str(len(m.files)), _text(m.problem or ""), _text(m.code), told(m.example), _links(m.files, places))
        for m in view.mistakes
    ]
    yield from _table(head, rows)


def _clusters(view: ClassView, places: Mapping[str, str]) -> Iterator[str]:
    if not view.clusters:
        return
    yield "<h3>Equal wrong answers</h3>"
    head = ("by", "problem", "claim", "mistake", "who")
    rows = [
        (
            str(len(c.files)),
            _text(c.problem or ""),
            f"<code>{_text(c.claim)}</code>",
            _text(c.code),
            _links(c.files, places),
        )
        for c in view.clusters
    ]
    yield from _table(head, rows)


def _submissions(submissions: Sequence[Submission], places: Mapping[str, str]) -> Iterator[str]:
    ids = list(dict.fromkeys(part.id for submission in submissions for part in submission.parts))
    head = ("submission", "points", *(f"problem {_text(name)}" for name in ids), "wrong", "open")
    rows = []
    for submission in submissions:
        link = places[submission.file]
        if submission.unchecked is not None:
            rows.append((link, "not checked", *[""] * (len(ids) + 2)))
            continue
        own = {part.id: points(part.points) for part in submission.parts}
        counts = submission.counts
        wrong, unsettled = counts["wrong"] + counts["follows"], counts["undecided"] + counts["unreadable"]
        rows.append((link, points(submission.points), *(own.get(i, "") for i in ids), str(wrong), str(unsettled)))
    yield from _table(head, rows, numbers=len(head) - 1)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: int = 0) -> Iterator[str]:
    """A table of cells that are HTML already; the last `numbers` columns stand to the right."""
    first = len(head) - numbers
    yield '<div class="table" tabindex="0" role="group" aria-label="Table"><table>'
    top = "".join(f'<th scope="col"{_right(place >= first)}>{name}</th>' for place, name in enumerate(head))
    yield f"<thead><tr>{top}</tr></thead><tbody>"
    for row in rows:
        yield f"<tr>{''.join(f'<td{_right(place >= first)}>{cell}</td>' for place, cell in enumerate(row))}</tr>"
    yield "</tbody></table></div>"


def _right(number: bool) -> str:
    return ' class="n"' if number else ""


def _links(names: Sequence[str], places: Mapping[str, str]) -> str:
    links = [places[name] for name in names]
    if len(links) <= 6:
        return ", ".join(links)
    return f"<details><summary>{len(links)} submissions</summary>{', '.join(links)}</details>"


def _text(text: str) -> str:
    return escape(printable(text))
