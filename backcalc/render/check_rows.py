"""The lines of a submission with the verdicts beside them, as HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from backcalc.check.result import VERDICTS, Claim, Submission, Verdict
from backcalc.net.errors import printable
from backcalc.render.check_lines import MARKS
from backcalc.render.check_ways import Ways

WORST: tuple[Verdict, ...] = ("wrong", "follows", "convention", "undecided", "unreadable", "right")
"""The verdict that colours a character which several claims share, those first that matter most."""

assert set(WORST) == set(VERDICTS)

_QUOTED = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class CardPlace:
    """The running number of the submission on its page, and the ways that unfold."""

    number: int
    ways: Ways


def rows(submission: Submission, place: CardPlace) -> Iterator[str]:
    """Every line of the submission; where claims stand in it, their verdicts beside it."""
    firsts = {part.first_error for part in submission.parts}
    yield '<div class="rows">'
    for number, text, claims in _placed(submission):
        own = [submission.claims[claim] for claim in claims]
        cards = [_card(claim, submission.claims[claim], claim in firsts, place) for claim in claims]
        marked = _marked(text, own)
        line = f'<div class="line"><span class="no">{number or ""}</span><code>{marked}</code></div>'
        beside = f'<div class="cards">{"".join(cards)}</div>' if cards else ""
        yield f'<div class="row{" told" if cards else ""}">{line}{beside}</div>'
    yield "</div>"


def _placed(submission: Submission) -> Iterator[tuple[int, str, list[int]]]:
    """The lines in their order with the claims of each; those of claims alone where no lines are known.

    Lines and claims come in the same order, also where the files of a folder count their lines from 1 each.
    """
    lines = list(submission.lines)
    found: list[list[int]] = [[] for _ in lines]
    at = 0
    for number, claim in enumerate(submission.claims):
        wanted = (claim.line, claim.source_line)
        ahead = (place for place in (*range(at, len(lines)), *range(at)) if _same(lines[place], wanted))
        place = next(ahead, None)
        if place is None:
            lines.append(wanted)
            found.append([number])
        else:
            found[place].append(number)
            at = place
    before = 0
    for (number, text), claims in zip(lines, found, strict=True):
        if number > before + 1 and before:
            yield 0, "", []
        before = number
        yield number, text, claims


def _same(line: tuple[int, str], wanted: tuple[int, str]) -> bool:
    return line[0] == wanted[0] and wanted[1].startswith(line[1])


def _marked(text: str, claims: Sequence[Claim]) -> str:
    """The line with what was claimed in it in the colour of its verdict."""
    worst: list[Verdict | None] = [None] * len(text)
    for verdict in reversed(WORST):
        for claim in claims:
            if claim.verdict == verdict:
                start, end = claim.column - 1, claim.column - 1 + claim.length
                for place in range(max(0, start), min(len(text), end)):
                    worst[place] = verdict
    pieces: list[str] = []
    start = 0
    for place in range(1, len(text) + 1):
        if place == len(text) or worst[place] != worst[start]:
            shown = escape(printable(text[start:place].replace("\t", " ")))
            pieces.append(f'<mark class="{worst[start]}">{shown}</mark>' if worst[start] else shown)
            start = place
    return "".join(pieces)


def _card(number: int, claim: Claim, first: bool, place: CardPlace) -> str:
    """The verdict on one claim; a right one of which there is nothing to say is a word."""
    identity = f"c-{place.number}-{number}"
    mark = f'<span aria-hidden="true">{MARKS[claim.verdict]}</span>'
    about = f' <code class="about">{_text(claim.about)}</code>' if claim.about is not None else ""
    if claim.verdict == "right" and claim.diagnosis is None:
        return f'<p class="card plain right" id="{identity}">{mark} right{about}</p>'
    flag = ' <em class="first">first error</em>' if first else ""
    inside = "".join(_inside(claim, place))
    head = f'<p class="head"><b>{mark} {claim.verdict}</b>{about}{flag}</p>'
    return f'<article class="card {claim.verdict}" id="{identity}" tabindex="-1">{head}{inside}</article>'


def _inside(claim: Claim, place: CardPlace) -> Iterator[str]:
    if claim.diagnosis is not None and claim.diagnosis.text:
        code = "" if claim.diagnosis.code == claim.verdict else _text(claim.diagnosis.code)
        named = f' <span class="code">{code}</span>' if code else ""
        yield f'<p class="why">{_sentence(claim.diagnosis.text)}{named}</p>'
    if claim.verdict != "right" and claim.read_as:
        yield f'<p class="small">read as <code>{_text(claim.read_as)}</code></p>'
    if claim.witness is not None and claim.verdict in ("wrong", "follows"):
        yield f'<p class="small">{_sentence(str(claim.witness))}</p>'
    expected = claim.expected.exact if claim.expected.exact is not None else claim.expected.decimal
    if expected is not None and claim.about is not None and claim.verdict in ("wrong", "follows", "convention"):
        yield f'<p class="small">expected <code>{_text(claim.about)} = {_text(_short(str(expected)))}</code></p>'
    way = place.ways.places.get((claim.part or "", claim.about or ""))
    if way is not None and claim.verdict != "right":
        yield f'<details data-way="{way}"><summary>The right way</summary><div class="way"></div></details>'


def _short(text: str, most: int = 300) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


def told(text: str) -> str:
    """Words as HTML, with what stands between backticks as code.

    >>> told("`y` is < 3")
    '<code>y</code> is &lt; 3'
    """
    return _QUOTED.sub(r"<code>\1</code>", _text(text))


def _sentence(text: str) -> str:
    plain = text[:1].upper() + text[1:]
    return told(plain if plain[-1:] in (".", "?", "!") else f"{plain}.")


def _text(text: str) -> str:
    return escape(printable(text))
