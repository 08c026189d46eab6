"""One problem of a submission: every line read, what it is about found out, its claims judged in their order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from time import monotonic

from backcalc.check.bench import Bench
from backcalc.check.compare import Formula
from backcalc.check.digits import other_digits
from backcalc.check.key import KeyProblem
from backcalc.check.labels import is_close, labelled
from backcalc.check.names import NotFormula, Translator, Unknown
from backcalc.check.notation import own_notation
from backcalc.check.prose import stated
from backcalc.check.read import Line, Link, Lost, Read, chains, led, statements, untorn
from backcalc.check.result import Claim, Diagnosis
from backcalc.check.shapes import judged_shape
from backcalc.check.spoken import Meant, Speech, number
from backcalc.check.subject import Subject
from backcalc.formula.integers import EvaluationError, rational
from backcalc.formula.latex_chain import Side
from backcalc.formula.tree import Expr, Num, Ref, num

MOST_CLAIMS = 1_000
MOST_TRIED = 1_000
"""So many numbers beside words that may mean several quantities are tried."""
MOST_EXPLAINED = 100
"""So many wrong claims of a problem are told with their cause."""
SECONDS = 30.0
"""For one submission; what is left then is undecided."""

Found = tuple[Line, Claim]


@dataclass
class Work:
    """One problem under one of its networks."""

    problem: KeyProblem
    place: int
    deadline: float
    claimed: list[Found] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    tried: int = 0

    def claims(self, lines: Sequence[Line]) -> list[Found]:
        """Every claim of the lines. A first pass finds out which derivatives are spoken of."""
        subject = self.problem.subjects[self.place]
        wanted = wanted_derivatives(lines, subject, self.deadline)
        if wanted:
            subject = self.problem.with_jacobians(self.place, wanted)
        subject, self.notes = own_notation(lines, subject)
        speech = Speech(subject, lines)
        bench = Bench(subject, self.problem.id, rows=_rows(lines))
        for line in lines:
            if len(self.claimed) > MOST_CLAIMS:
                break
            if monotonic() > self.deadline:
                text = f"the submission took longer than {SECONDS:.0f} s; from here on nothing was judged"
                self.claimed.append((line, self._unjudged(line, text)))
                break
            if bench.explains and sum(claim.verdict == "wrong" for _, claim in self.claimed) > MOST_EXPLAINED:
                bench.explains = False
            bench = self._line(bench, line, speech) if not line.doubt else self._doubted(bench, line, speech)
        return self.claimed

    def _doubted(self, bench: Bench, line: Line, speech: Speech) -> Bench:
        """What is supposed or quoted is a claim only where it is right, and nothing follows from it."""
        before = len(self.claimed)
        copy = replace(bench, own=dict(bench.own), definitions=dict(bench.definitions))
        self._line(copy, line, speech)
        self.claimed[before:] = [pair for pair in self.claimed[before:] if fine(pair[1])]
        return bench

    def _line(self, bench: Bench, line: Line, speech: Speech) -> Bench:
        whole = untorn(line)
        if whole is None:
            return bench
        if whole is not line:
            before = len(self.claimed)
            bench = self._line(bench, whole, speech)
            self.claimed[before:] = [(line, claim) for _, claim in self.claimed[before:]]
            return bench
        for said in stated(line, bench.subject):
            for read in chains(said, bench.subject):
                if isinstance(read, Read):
                    bench = self._judged(bench, line, [read, *_other_readings(read)], sure=said.kind == "sure")
        if not line.text:
            return bench
        if line.kind in ("array", "number", "shape") and (ways := list(labelled(line, self._asked(), bench.subject))):
            if line.beside.strip():
                return self._judged(bench, line, ways, sure=len(ways) == 1)
            return self._recognised(bench, line, ways)
        meant = speech.meant(line)
        if meant is not None and meant.shape and (claim := judged_shape(line, meant, bench.subject, self.problem.id)):
            self.claimed.append((line, claim))
            return bench
        if line.is_formula or (line.kind == "cell" and meant is not None and number(line.text) is None):
            pieces = statements(line)
            return self._formulas(bench, line, meant) if len(pieces) == 1 else self._apart(bench, line, pieces)
        if meant is not None and (side := number(line.text)) is not None:
            self.tried += 1
            if self.tried == MOST_TRIED:
                text = f"more than {MOST_TRIED} numbers stand beside words: from here on they are not judged"
                self.claimed.append((line, self._unjudged(line, text)))
            return bench if self.tried >= MOST_TRIED else self._spoken(bench, line, _lone(line, side), meant)
        return bench

    def _recognised(self, bench: Bench, line: Line, ways: Sequence[Read]) -> Bench:
        """A number that nothing names is a claim only where it is one of those that are asked for."""
        tried = (_tried(bench, way, explained=False) for way in ways)
        good = next((pair for pair in tried if all(fine(claim) for claim in pair[1])), None)
        self.claimed += [(line, claim) for claim in good[1]] if good is not None else []
        return bench if good is None else good[0]

    def _asked(self) -> frozenset[str]:
        return frozenset(ask.target.name for ask in self.problem.asks[self.place])

    def _apart(self, bench: Bench, line: Line, pieces: Sequence[Line]) -> Bench:
        """`z = 2 h = 2`: two formulas, or a product where that is right and they are not."""
        before = len(self.claimed)
        found: list[tuple[Bench, list[Found]]] = []
        for way in (pieces, (line,)):
            copy = replace(bench, own=dict(bench.own), definitions=dict(bench.definitions))
            for piece in way:
                copy = self._formulas(copy, piece, None)
            found.append((copy, [(line, claim) for _, claim in self.claimed[before:]]))
            del self.claimed[before:]
            if all(fine(claim) for _, claim in found[-1][1]):
                break
        else:
            found.append(found[0])
        chosen, claims = found[-1]
        self.claimed += claims
        return chosen

    def _formulas(self, bench: Bench, line: Line, meant: Meant | None) -> Bench:
        alone, arrays = meant is not None, bench.arrays
        found = list(chains(line, bench.subject, alone=alone, own=arrays))
        bench = _with_meanings(bench, found)
        for place in range(len(found)):
            if bench.arrays != arrays:  # defined in this line, and used further on
                arrays = bench.arrays
                again = list(chains(line, bench.subject, alone=alone, own=arrays))
                found = again if len(again) == len(found) else found
            read = found[place]
            if isinstance(read, Lost):
                if line.is_formula:
                    self.claimed.append((line, self._unreadable(read)))
                bench.last = None
            elif meant is not None and _nameless(read, bench.subject):
                bench = self._spoken(bench, line, read, meant)
                meant = None  # the words before a formula say nothing of a second one
            elif read.links or read.continues:
                bench = self._judged(bench, line, [read, *_other_readings(read)], sure=True)
        return bench

    def _spoken(self, bench: Bench, line: Line, read: Read, meant: Meant) -> Bench:
        """Judges what has no name but the words beside it."""
        if not read.links and isinstance(read.first.expr, Ref):
            return bench  # a name alone says nothing
        plain = replace(read, continues=False)
        values = [*meant.refs]
        targets = [self._target(ref, meant, bench.subject) for ref in values]
        ways = [_said(line, led(way, target)) for way in (plain, *other_digits(plain)) for target in targets]
        tried = [_tried(bench, way, explained=False) for way in ways]
        good = next((pair for pair in tried if all(fine(claim) for claim in pair[1])), None)
        fact = next((fact for fact in sorted(meant.facts) if _ends_with(read, fact)), None)
        if good is None and fact is not None:
            good = _tried(bench, plain if read.links else _said(line, led(plain, Num(fact))))
        if good is None and meant.sure and ways:
            good = _tried(bench, ways[0])
        if good is None and read.links:
            good = _tried(bench, plain)
        if good is None:
            return bench
        self.claimed += [(line, claim) for claim in good[1]]
        return good[0]

    def _target(self, ref: Ref, meant: Meant, subject: Subject) -> Expr:
        """The quantity, or its value under the convention that the words name."""
        if meant.convention is None or subject.counts is None:
            return ref
        other = subject.counts.variants[meant.convention].get(ref.name)
        return ref if other is None else num(other)

    def _judged(self, bench: Bench, line: Line, ways: Sequence[Read], *, sure: bool) -> Bench:
        """Judges a chain; where it can be read in several ways, by the first way in which nothing is wrong."""
        if len(ways) == 1 and sure and not bench.variants:
            self.claimed += [(line, claim) for claim in bench.judge(ways[0])]
            return bench
        tried = [_tried(bench, way) for way in ways]
        tried[0][0].variants = _variants(bench, tried)
        good = next((pair for pair in tried if all(fine(claim) for claim in pair[1])), None)
        if good is None and any(claim.verdict == "wrong" for claim in tried[0][1]):
            tried += [_tried(other, way) for other in _defined_otherwise(bench) for way in ways]
            good = next((pair for pair in tried if all(fine(claim) for claim in pair[1])), None)
        if good is None and not sure:
            turned = (pair for pair in tried if any(_is_turned(claim) for claim in pair[1]))
            good = next(turned, None)
        if good is None and sure and any(_open(pair[1]) for pair in tried):
            good = next(pair for pair in tried if _open(pair[1]))
        if good is None and not sure:
            close = is_close(line)
            explained = all(_explained(claim) for claim in tried[0][1]) and not close
            good = tried[0] if explained else (tried[0][0], tuple(_doubtful(claim, close) for claim in tried[0][1]))
        chosen, claims = good or tried[0]
        self.claimed += [(line, claim) for claim in claims]
        return chosen

    def _unreadable(self, lost: Lost) -> Claim:
        return Claim(
            self.problem.id,
            lost.number,
            lost.column,
            lost.length,
            lost.source,
            lost.text,
            "",
            None,
            "unreadable",
            diagnosis=Diagnosis("unreadable", lost.message),
        )

    def _unjudged(self, line: Line, text: str) -> Claim:
        return Claim(
            self.problem.id,
            line.number,
            line.column,
            1,
            line.source.split("\n")[0],
            line.text[:60],
            "",
            None,
            "undecided",
            diagnosis=Diagnosis("time", text),
        )


def fine(claim: Claim) -> bool:
    """Whether nothing is wrong with a claim."""
    return claim.verdict in ("right", "convention")


def _open(claims: Iterable[Claim]) -> bool:
    return not any(claim.verdict == "wrong" for claim in claims)


def _is_turned(claim: Claim) -> bool:
    return claim.verdict == "wrong" and claim.diagnosis is not None and claim.diagnosis.code == "transposed"


def _explained(claim: Claim) -> bool:
    """Whether a wrong claim has a cause, and so is about what it was taken for."""
    return claim.diagnosis is None or claim.diagnosis.code not in ("wrong", "substituted", "shape")


def _doubtful(claim: Claim, close: bool) -> Claim:
    """A claim that may be about something else is not called wrong, nor one that says it is no more than close."""
    if claim.verdict not in ("wrong", "follows"):
        return claim
    if close:
        text = "said to be close only: it is not equal in all the digits that are written"
        return replace(claim, verdict="undecided", diagnosis=Diagnosis("open", text))
    text = "not true of what it most likely means, but the words leave open which quantity is meant"
    return replace(claim, verdict="undecided", diagnosis=Diagnosis("which-quantity", text))


def _tried(bench: Bench, read: Read, *, explained: bool = True) -> tuple[Bench, tuple[Claim, ...]]:
    copy = replace(bench, own=dict(bench.own), definitions=dict(bench.definitions))
    copy.explains = bench.explains and explained
    claims = tuple(copy.judge(read))
    copy.explains = bench.explains
    return copy, claims


def _variants(bench: Bench, tried: Sequence[tuple[Bench, tuple[Claim, ...]]]) -> dict[str, tuple[Formula, ...]]:
    """The definitions that can be read in several ways, with those of the chain whose readings were tried."""
    found = dict(bench.variants)
    for name, formula in tried[0][0].definitions.items():
        if formula is not bench.definitions.get(name):
            others = [copy.definitions.get(name, formula) for copy, _ in tried[1:]]
            found[name] = tuple(other for other in others if other != formula)
    return {name: others for name, others in found.items() if others}


def _defined_otherwise(bench: Bench) -> Iterator[Bench]:
    """The bench with one of the student's definitions read in another way."""
    for name, others in bench.variants.items():
        for other in others:
            yield replace(bench, definitions={**bench.definitions, name: other}, variants={})


def _with_meanings(bench: Bench, found: Sequence[Read | Lost]) -> Bench:
    """The bench with the names that are explained behind the formula they stand in: `m x + a where m = …, a = …`."""
    words = [read.word if isinstance(read, Read) else "" for read in found]
    if "where" not in words:
        return bench
    behind = bench
    for read in found[words.index("where") :]:
        if isinstance(read, Read) and read.links:
            behind, _ = _tried(behind, read, explained=False)
    return replace(bench, own=dict(bench.own), definitions=dict(behind.definitions))


def _rows(lines: Sequence[Line]) -> dict[int, str]:
    """The lines of the document by their numbers."""
    found: dict[int, str] = {}
    for line in lines:
        if line.number not in found or "\n" in line.source:
            found |= {line.number + at: row for at, row in enumerate(line.source.split("\n"))}
    return found


def _other_readings(read: Read) -> Iterator[Read]:
    for links in read.others:
        yield replace(read, links=links, others=())
    yield from other_digits(read)


def _lone(line: Line, side: Side) -> Read:
    return Read(line, (), False, side, side, ())


def _said(line: Line, read: Read) -> Read:
    """The chain with the words before it in the text of its first link."""
    if not read.links:
        return read
    first = read.links[0]
    words = " ".join(f"{line.beside} {line.above}".split()[-8:])
    shown: Link = replace(first, text=f"{words} {first.text}".strip())
    return replace(read, links=(shown, *read.links[1:]))


def _nameless(read: Read, subject: Subject) -> bool:
    """Whether a chain does not begin with a name."""
    return read.continues or not isinstance(read.first.expr, Ref)


def _ends_with(read: Read, fact: Fraction) -> bool:
    """Whether a chain of numbers comes to a value, as far as its last one is written."""
    side = read.last
    try:
        value = rational(side.expr, {})
    except EvaluationError:
        return False
    half = side.numbers[0].half_unit if isinstance(side.expr, Num) and side.numbers else Fraction(0)
    return abs(value - fact) <= half


def wanted_derivatives(lines: Sequence[Line], subject: Subject, deadline: float) -> tuple[str, ...]:
    """The derivatives that the lines speak of and the key has not derived: `dy/dz`."""
    translator = Translator(subject)
    seen: set[tuple[str, str]] = set()
    for line in lines:
        if monotonic() > deadline or len(seen) > MOST_CLAIMS:
            break
        if line.text:
            if (line.text, line.beside) in seen:
                continue
            seen.add((line.text, line.beside))
        said = [*stated(line, subject), *([line] if line.is_formula else [])]
        for read in (read for piece in said for read in chains(piece, subject)):
            if isinstance(read, Lost):
                continue
            for side in (read.first, *(link.right for link in read.links)):
                try:
                    translator(side.expr)
                except (Unknown, NotFormula):
                    continue
    return tuple(dict.fromkeys(translator.wanted))[:40]
