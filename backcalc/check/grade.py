"""From claims to grades: conventions held through a problem, the first error, findings, points."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from math import prod

from backcalc.check.asked import Ask
from backcalc.check.bench import said_name
from backcalc.check.key import Key, KeyProblem
from backcalc.check.result import Claim, Diagnosis, Finding, Part, Verdict
from backcalc.check.subject import Subject
from backcalc.formula.names import derivative_parts, is_derivative
from backcalc.formula.print_text import to_text
from backcalc.formula.tree import Expr

EARNS = frozenset({"update-sign", "truncated", "subgradient"})
"""Conventions that earn their points whatever the key accepts: the result is as good as the key's."""

_LARGE = re.compile(r"\b\d{3,}\b")
"""Numbers that are hardly the same by chance."""


def settled(claims: Sequence[Claim], accept: frozenset[str]) -> tuple[Claim, ...]:
    """The claims of one problem with its conventions held: what departs from the one in use is wrong.

    The key's own is in use where a right claim shows it; else the first other one is.
    """
    keeps = frozenset[str]().union(*(claim.keeps for claim in claims))
    used: set[str] = set()
    found: list[Claim] = []
    for claim in claims:
        name = claim.convention
        if claim.verdict == "convention" and name is not None and name not in EARNS:
            clash = _clash(name, keeps, used)
            if clash is not None:
                said = claim.diagnosis.text if claim.diagnosis is not None else ""
                text = f"another convention than in the same problem: {said}"
                verdict: Verdict = "follows" if claim.derived else "wrong"
                claim = replace(claim, verdict=verdict, diagnosis=Diagnosis("mixed-convention", text))
            else:
                used.add(name)
        if claim.verdict == "convention" and name in accept:
            claim = replace(claim, verdict="right")
        found.append(claim)
    return tuple(found)


def _clash(name: str, keeps: frozenset[str], used: set[str]) -> str | None:
    """The convention in use that another one contradicts."""
    if name in keeps:
        return "the key's own"
    rivals = {"mac": "2mac", "2mac": "mac"}
    rival = rivals.get(name)
    return rival if rival in used else None


def graded(problem: KeyProblem, place: int, claims: Sequence[Claim], key: Key) -> Part:
    """One problem of one submission: its first error among all `claims` of the problem, findings and points."""
    subject, asks = problem.subjects[place], problem.asks[place]
    wrong = next((number for number, claim in enumerate(claims) if claim.verdict == "wrong"), None)
    carried = next((number for number, claim in enumerate(claims) if claim.verdict == "follows"), None)
    findings: list[Finding] = []
    shares: list[Fraction] = []
    for ask in asks:
        found = _earned(ask, claims, subject, key)
        shares.append(found or Fraction(0))
        if found is None:
            findings.append(Finding("missing", f"`{ask.word}` is asked for and not given"))
        else:
            findings += _of_answer(ask, claims, subject)
    for left, right in problem.identities:
        shown = _shown(left, right, claims)
        shares.append(shown)
        if not shown:
            text = f"`{to_text(left)} = {to_text(right)}` is to be shown, and no right step ends with its right side"
            findings.append(Finding("missing", text))
    if subject.counts is not None:
        findings += _borrowed(claims)
    findings += _noted(claims)
    points = problem.points * (sum(shares, Fraction(0)) / len(shares) if shares else 0)
    first = wrong if wrong is not None else carried
    return Part(problem.id, first, tuple(findings), round(float(points), 6), float(problem.points))


def _of_answer(ask: Ask, claims: Sequence[Claim], subject: Subject) -> Iterator[Finding]:
    """A right result after a wrong derivative, and one that is never worked out."""
    name = said_name(ask.target, subject)
    mine = [number for number, claim in enumerate(claims) if claim.about == name]
    if subject.loss is None or not mine:
        return
    last = claims[mine[-1]]
    slopes = (claim for claim in claims[: mine[-1]] if claim.verdict == "wrong" and claim.about != name)
    wrong = next((claim for claim in slopes if _leads_on(claim.about or "", subject)), None)
    if last.verdict == "right" and wrong is not None:
        text = f"`{ask.word}` is right, but line {wrong.line}, on the way to it, is wrong"
        yield Finding("right-by-wrong-step", text)
    if last.expected.decimal is not None and not any(claims[number].final for number in mine):
        yield Finding("unfinished", f"`{ask.word}` is left as a formula: its value is never worked out")


def _leads_on(about: str, subject: Subject) -> bool:
    """Whether a derivative is on the way to others: that by a parameter or an input is an end."""
    name = about.partition("[")[0]
    return is_derivative(name) and derivative_parts(name)[1] not in subject.program.leaves


def _earned(ask: Ask, claims: Sequence[Claim], subject: Subject, key: Key) -> Fraction | None:
    """The share of an asked quantity that was earned, of a whole array element by element; None where it is missing."""
    name = said_name(ask.target, subject)
    by_name: dict[str, list[Claim]] = {}
    for claim in claims:
        if claim.about is not None and claim.about.partition("[")[0] == name.partition("[")[0]:
            by_name.setdefault(claim.about, []).append(claim)
    if "[" in name:
        by_name = {about: found for about, found in by_name.items() if about == name}
    if not by_name:
        return None
    shares = {about: _share(found, key) for about, found in by_name.items()}
    elements = {about: share for about, share in shares.items() if about.rstrip("]")[-1].isdigit() and "[" in about}
    whole = [share for about, share in shares.items() if about not in elements]
    if whole or "[" in name:
        return max(whole or shares.values())
    shape = subject.program.shape(ask.target.name)
    return sum(elements.values(), Fraction(0)) / max(prod(shape or ()), len(elements))


def _share(claims: Sequence[Claim], key: Key) -> Fraction:
    """What the claims of one quantity earn: the last number counts. Its own error is not carried forward to itself."""
    last = ([claim for claim in claims if claim.final] or list(claims))[-1]
    match last.verdict:
        case "right":
            return Fraction(1)
        case "follows" if not any(claim.verdict == "wrong" for claim in claims):
            return key.follows
        case "convention" if last.convention in EARNS:
            return Fraction(1)
        case _:
            return Fraction(0)


def _shown(left: Expr, right: Expr, claims: Sequence[Claim]) -> Fraction:
    """Whether an identity was shown: some right claim ends with its right side."""
    wanted = to_text(right).replace(" ", "")
    reached = [claim for claim in claims if (claim.given or "").replace(" ", "") == wanted]
    return Fraction(int(any(claim.verdict == "right" for claim in reached)))


def _borrowed(claims: Sequence[Claim]) -> Iterator[Finding]:
    """A right count into which a number went that is wrong where it was stated."""
    wrong: dict[str, int] = {}
    for claim in claims:
        if claim.verdict in ("wrong", "follows") and claim.final and _LARGE.fullmatch(claim.given or ""):
            wrong.setdefault(claim.given or "", claim.line)
        elif claim.verdict == "right" and not claim.final:
            used = next((number for number in _LARGE.findall(claim.given or "") if number in wrong), None)
            if used is not None:
                text = f"line {claim.line} is right, but the {used} in it is wrong in line {wrong[used]}"
                yield Finding("right-by-wrong-step", text)


def _noted(claims: Sequence[Claim]) -> Iterator[Finding]:
    seen: set[str] = set()
    for claim in claims:
        code = claim.diagnosis.code if claim.diagnosis is not None else ""
        text = claim.diagnosis.text if claim.diagnosis is not None else ""
        place = f"line {claim.line}"
        if code == "wrong-step" and claim.about is not None:
            yield Finding("right-by-wrong-step", f"{place}: {claim.about} is right, but by a wrong step")
        elif code == "mixed-convention" and code not in seen:
            seen.add(code)
            yield Finding("mixed-convention", f"{place}: {text}")
        elif claim.verdict == "convention" and code not in seen:
            seen.add(code)
            yield Finding("convention", f"{place}: {text}")
