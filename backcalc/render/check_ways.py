"""The right way to what was asked or claimed, unfolding on a page: the steps of the derivation, or of the count."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from backcalc.check.key import Key, KeyProblem
from backcalc.derive import Derivation, DerivationError, derive
from backcalc.derive.partial import NotDifferentiable
from backcalc.formula.print_latex import to_latex
from backcalc.formula.read import read_expression
from backcalc.net.errors import InputError
from backcalc.render.document import Block, Equations, Heading, Row
from backcalc.render.grad_document import document
from backcalc.render.graph import graph_of
from backcalc.render.html_blocks import block
from backcalc.render.html_steps import Stage, derived

About = tuple[str, str]
"""A problem's id, and a quantity in it as a claim names it: `dJ/dz[1]`, `delta w1`, `conv2.weights`."""


@dataclass(frozen=True, slots=True)
class Ways:
    """Pieces of a page, each written once, and which of them leads to which quantity."""

    pieces: tuple[str, ...]
    places: Mapping[About, int]

    def html(self) -> str:
        """The pieces as templates, which a script copies to where they are opened."""
        return "\n".join(f'<template id="way-{place}">{piece}</template>' for place, piece in enumerate(self.pieces))


def ways(key: Key, wanted: Iterable[About]) -> Ways:
    """The ways to those quantities that the key leads to; of a problem that may mean several networks, none."""
    pieces: dict[str, int] = {}
    places: dict[About, int] = {}
    by_problem: dict[str, list[str]] = {}
    for part, about in dict.fromkeys(wanted):
        by_problem.setdefault(part, []).append(about)
    for problem in key.problems:
        for about, piece in _of_problem(problem, by_problem.get(problem.id, [])):
            places[problem.id, about] = pieces.setdefault(piece, len(pieces))
    return Ways(tuple(pieces), places)


def _of_problem(problem: KeyProblem, wanted: list[str]) -> Iterator[tuple[str, str]]:
    if not wanted or len(problem.subjects) != 1:
        return
    sections: Mapping[str, tuple[Block, ...]] = _counts(problem)
    if not sections and problem.subjects[0].loss is not None:
        sections = _derivation(problem, wanted)
    for about in wanted:
        blocks = sections.get(_base(about, problem.subjects[0].loss))
        if blocks:
            yield about, "\n".join(block(part, plain=True) for part in blocks)


def _base(about: str, loss: str | None) -> str:
    """The array that a quantity is of; of an update, the gradient that it takes."""
    name = about.partition("[")[0]
    for word in ("delta ", "new "):
        if name.startswith(word):
            return f"d{loss}/d{name.removeprefix(word)}"
    return name


def _counts(problem: KeyProblem) -> Mapping[str, tuple[Block, ...]]:
    """Each count with its formula and its value."""
    counts = problem.subjects[0].counts
    if counts is None or problem.derives:
        return {}
    found: dict[str, tuple[Block, ...]] = {}
    for name, value in counts.values.items():
        word = counts.dotted.get(name, name)
        formula = counts.formulas.get(name) or " + ".join(
            str(counts.values[row]) for row in counts.sums.get(name, ()) if counts.values[row]
        )
        rights = [("=", to_latex(read_expression(formula)))] if formula else []
        rights += [("=", str(value))] if not rights or rights[0][1] != str(value) else []
        found[word] = (Equations((Row(_upright(word), tuple(rights)),)),)
    return found


def _upright(word: str) -> str:
    return rf"\mathrm{{{word.replace('_', chr(92) + '_')}}}"


def _derivation(problem: KeyProblem, wanted: list[str]) -> Mapping[str, tuple[Block, ...]]:
    """The steps to every quantity of the forward pass and every derivative, as the derivation shows them."""
    from backcalc.verify import verified

    subject = problem.subjects[0]
    assert subject.network is not None and subject.loss is not None
    lead = f"d{subject.loss}/d"
    bases = [_base(about, subject.loss) for about in wanted]
    wrt = tuple(dict.fromkeys(base.removeprefix(lead) for base in bases if base.startswith(lead)))
    for asked in (wrt, ()):
        try:
            derivation = verified(derive(subject.network, wrt=asked or None))
        except (DerivationError, NotDifferentiable, InputError):
            continue
        return dict(_sections(derivation)) if derivation.passed else {}
    return {}


def _sections(derivation: Derivation) -> Iterator[tuple[str, tuple[Block, ...]]]:
    """The blocks of the document, quantity by quantity."""
    stage = Stage(derivation, graph_of(derivation.network))
    names = iter([adjoint.name for part in derivation.parts for adjoint in derived(part)])
    forward, name, found = False, "", list[Block]()
    for part in document(derivation).blocks:
        match part:
            case Heading(level, words):
                if name:
                    yield name, tuple(found)
                name, found, forward = "", [], words == ("Forward pass",)
                if level == 3 and isinstance(words[0], str) and words[0].rstrip(". ").isdigit():
                    name = next(names, "")
            case Equations(rows) if forward:
                yield from _forward(rows, stage.lefts)
            case _ if name:
                found.append(part)


def _forward(rows: Iterable[Row], lefts: Mapping[str, str]) -> Iterator[tuple[str, tuple[Block, ...]]]:
    by_name: dict[str, list[Row]] = {}
    name = ""
    for row in rows:
        name = lefts.get(row.left, name)
        by_name.setdefault(name, []).append(row)
    for name, own in by_name.items():
        yield name, (Equations(tuple(own)),)
