"""What students write is read as what it says; what it does not say is never made up."""

from __future__ import annotations

import pytest

from backcalc.formula.latex_read import Symbols, Unreadable, read_latex
from backcalc.formula.print_text import to_text
from tests.formula import latex_corpus as corpus


def said(sides: tuple[str, ...], relations: tuple[str, ...]) -> str:
    """A chain on one line; it begins with a relation where it continues another."""
    joined = zip(relations, sides[len(sides) - len(relations) :], strict=True)
    first = sides[: len(sides) - len(relations)]
    return " ".join([*first, *(f"{relation} {side}" for relation, side in joined)])


def readings(text: str, symbols: Symbols, *, words: bool = False) -> str:
    """Every chain of a formula, its alternatives behind ` | `."""
    found = []
    for chain in read_latex(text, symbols, words=words):
        ways = [chain.sides, *(other.sides for other in chain.alternatives)]
        lines = [said(tuple(to_text(side.expr) for side in way), chain.relations) for way in ways]
        found.append((f"[{chain.word}] " if chain.word else "") + " | ".join(lines))
    return " ; ".join(found)


CASES = [
    *((text, expected, corpus.SCALARS, False) for text, expected in corpus.SCALAR),
    *((text, expected, corpus.VECTORS, False) for text, expected in corpus.INDEXED),
    *((text, expected, corpus.BATCH, False) for text, expected in corpus.SAMPLES),
    *((text, expected, corpus.MATRICES, False) for text, expected in corpus.MATRIX),
    *((text, expected, corpus.NOTHING, False) for text, expected in corpus.COUNTS),
    *((text, expected, corpus.MATRICES, True) for text, expected in corpus.CODE),
]


@pytest.mark.parametrize(("text", "expected", "symbols", "words"), CASES, ids=[case[0] for case in CASES])
def test_a_formula_is_read_as_what_it_says(text: str, expected: str | None, symbols: Symbols, words: bool) -> None:
    if expected is None:
        with pytest.raises(Unreadable):
            read_latex(text, symbols, words=words)
    else:
        assert readings(text, symbols, words=words) == expected
