"""A check as one HTML file that needs nothing else: the work handed in, verdicts beside its lines, the right way."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html import escape
from importlib.resources import files

from backcalc.check.classroom.view import class_view
from backcalc.check.key import Key
from backcalc.check.result import Part, Report, Submission
from backcalc.net.errors import printable
from backcalc.render import katex_inline
from backcalc.render.check_lines import MARKS, counted, points
from backcalc.render.check_rows import CardPlace, rows, told
from backcalc.render.check_ways import Ways, ways
from backcalc.render.class_html import overview, shortened

NOTHING = Ways((), {})

DARK = """--ground: #14181f; --ink: #e9edf5; --faint: #a9b4c8; --line: #39424f; --panel: #1f2530; --rim: #8796b3;
  --accent: #ffb077; --right: #7fd1a0; --right-bg: #1b2f26; --wrong: #ff9a90; --wrong-bg: #3a2122; --follows: #f2c25c;
  --follows-bg: #352b17; --convention: #8fbcf5; --convention-bg: #1c2a3e; --open: #b3bdd2; --open-bg: #262c39;
  color-scheme: dark;"""


def render(report: Report, key: Key | None) -> str:
    """The page of one submission, or of a class; with the `key` the right way unfolds, without it there is none.

    >>> from backcalc.check.result import Report
    >>> page = render(Report("a <b> key", (), (Submission("ada.md", (), ()),)), None)
    >>> page.startswith("<!doctype html>"), "<h1>a &lt;b&gt; key</h1>" in page
    (True, True)
    """
    found = NOTHING if key is None else ways(key, _wanted(report))
    several = len(report.submissions) > 1
    parts = [overview(class_view(report.submissions), report.submissions)] if several else []
    names = shortened([submission.file for submission in report.submissions])
    for number, (submission, name) in enumerate(zip(report.submissions, names, strict=True), start=1):
        parts.append(_work(number, name, submission, found))
    return _page(printable(report.key), "\n".join(parts), found, several)


def _wanted(report: Report) -> Iterator[tuple[str, str]]:
    """What the claims that are not simply right are about."""
    for submission in report.submissions:
        for claim in submission.claims:
            if claim.part is not None and claim.about is not None and claim.verdict != "right":
                yield claim.part, claim.about


def _page(title: str, body: str, found: Ways, several: bool) -> str:
    room = files("backcalc.render")
    templates = found.html()
    sets = bool(found.pieces)
    scripts = [katex_inline.script()] if sets else []
    scripts.append(room.joinpath("check_html.js").read_text("utf-8"))
    styles = [katex_inline.style(templates)] if sets else []
    styles.append(room.joinpath("check_html.css").read_text("utf-8").replace("DARK", DARK))
    hashes = " ".join(f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts)
    policy = f"default-src 'none'; style-src 'unsafe-inline'; font-src data:; img-src data:; script-src {hashes}"
    style = "\n".join(f"<style>{style}</style>" for style in styles)
    script = "\n".join(f"<script>{script}</script>" for script in scripts)
    kind = "several" if several else "single"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>{escape(title)}: check</title>
{style}
</head>
<body class="{kind}">
<a class="skip" href="#work">Skip to the work</a>
<header><h1>{escape(title)}</h1><button id="theme" type="button" aria-label="Light or dark">Dark</button></header>
<main id="work" tabindex="-1">
{body}
</main>
<nav class="walk" aria-label="Findings" hidden>
<button id="back" type="button">← Back</button>
<p id="now" role="status" aria-live="polite"></p>
<button id="forth" type="button">Next →</button>
</nav>
{templates}
{script}
</body>
</html>
"""


def _work(number: int, name: str, submission: Submission, found: Ways) -> str:
    head = [f'<section class="work" id="s{number}" aria-labelledby="n{number}" tabindex="-1">']
    head.append('<p class="up"><a href="#class">← the class</a></p>')
    head.append(f'<h2 id="n{number}">{_text(name)}</h2>')
    if submission.unchecked is not None:
        return "\n".join([*head, f'<p class="note">Not checked: {told(submission.unchecked)}</p>', "</section>"])
    head.append(_score(submission))
    head += [f'<p class="note">{told(note)}</p>' for note in submission.notes]
    body = rows(submission, CardPlace(number, found))
    return "\n".join([*head, *_problems(number, submission), *body, "</section>"])


def _score(submission: Submission) -> str:
    whole = submission.max_points
    chips = "".join(
        f'<li class="{verdict}"><span aria-hidden="true">{MARKS[verdict]}</span> {count} {verdict}</li>'
        for verdict, count in submission.counts.items()
        if count
    )
    bar = f'<meter min="0" max="{whole:g}" value="{submission.points:g}" aria-label="points"></meter>' if whole else ""
    said = f'<p class="points"><b>{points(submission.points)}</b> of {points(whole)} points</p>'
    return f'<div class="score">{said}{bar}<ul class="chips">{chips}</ul></div>'


def _problems(number: int, submission: Submission) -> Iterator[str]:
    """The problems with their points, first errors and findings."""
    yield '<ul class="problems">'
    for part in submission.parts:
        yield f"<li><b>Problem {_text(part.id)}</b> {points(part.points)} of {points(part.max_points)}"
        yield _first(number, part, submission)
        if part.findings:
            yield "<ul>"
            yield from (f"<li>{told(finding.text)}</li>" for finding in part.findings)
            yield "</ul>"
        yield "</li>"
    yield "</ul>"


def _first(number: int, part: Part, submission: Submission) -> str:
    if part.first_error is None:
        return ""
    line = submission.claims[part.first_error].line
    errors = sum(claim.part == part.id and claim.verdict in ("wrong", "follows") for claim in submission.claims)
    where = f'<a href="#c-{number}-{part.first_error}">first error in line {line}</a>'
    return f"· {where} · {counted(errors, 'error')} in all" if errors > 1 else f"· {where}"


def _text(text: str) -> str:
    return escape(printable(text))
