"""Hostile and broken LaTeX is answered in words of its own, and never by a crash."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backcalc.formula.latex_read import Symbols, Unreadable, read_latex, read_rows
from backcalc.formula.spans import DocumentTooLong, find_spans
from backcalc.formula.tidy_text import tidy
from tests.formula import latex_corpus as corpus
from tests.formula.hostile import DOCUMENTS, LATEX
from tests.hanging import guard_against_hanging

KNOWN = corpus.VECTORS
SNIPPETS = [text for group in (corpus.SCALAR, corpus.INDEXED, corpus.SAMPLES, corpus.COUNTS) for text, _ in group]
PIECES = st.sampled_from(
    [
        *(r"\frac", r"\sum", "_", "^", "{", "}", "(", ")", r"\\", "&", "$", "|", r"\|", "=", "+", "-", "x", "1", ","),
        *(r"\begin{cases}", r"\end{cases}", r"\begin{aligned}", r"\end{aligned}", r"\left(", r"\partial", r"\text{"),
        *(r"\hat", r"\sqrt", "'", "²", "₁", "ᵀ", "½", "\u202e", "\x00", "%", "#", "~", "1,000", "e5", "d", r"\log"),
    ]
)
ANYTHING = st.one_of(
    st.lists(PIECES, max_size=30).map(" ".join),
    st.lists(PIECES, max_size=30).map("".join),
    st.text(alphabet="\\{}[]()_^&$|'xyzdw12,.+-*/= \n~%∂Σσ√", max_size=60),
)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A formula of the corpus with some pieces cut out, doubled, swapped or put in."""
    text = draw(st.sampled_from(SNIPPETS))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        end = min(len(text), at + draw(st.integers(0, 6)))
        middle = draw(st.sampled_from(["", text[at:end] * 2, text[at:end][::-1]]) | PIECES)
        text = text[:at] + middle + text[end:]
    return text


@given(mutated() | ANYTHING, st.booleans())
@settings(max_examples=800, deadline=None)
def test_broken_latex_is_read_or_refused_with_a_place(text: str, words: bool) -> None:
    with guard_against_hanging():
        found = read_rows(text, KNOWN, words=words)
    for piece in found:
        if isinstance(piece, Unreadable):
            assert piece.message and 0 <= piece.start <= piece.end <= len(text) + 1
            assert len(str(piece)) < 600
        else:
            assert 0 <= piece.start <= piece.end <= len(text)
            assert len(piece.relations) == len(piece.sides) - (not piece.continues)


@pytest.mark.parametrize(
    ("text", "message"),
    LATEX,
    ids=lambda value: (value or "any")[:16] if isinstance(value, str | None) else "",
)
def test_each_attack_is_answered(text: str, message: str | None) -> None:
    for words in (False, True):
        with guard_against_hanging():
            found = read_rows(text, KNOWN, words=words)
            shown = [str(piece) for piece in found if isinstance(piece, Unreadable)]
        if message is not None and not words:
            assert message in shown[0]


@pytest.mark.parametrize(
    "text",
    DOCUMENTS,
    ids=lambda text: text[:12],
)
def test_a_hostile_document_is_searched_or_refused(text: str) -> None:
    for tex in (False, True):
        try:
            with guard_against_hanging():
                find_spans(tidy(text).text, tex=tex)
        except DocumentTooLong as error:
            assert "the document" in str(error)


def test_the_deepest_readable_formula_needs_no_more_stack_than_there_is() -> None:
    for text in ("(" * 95 + "x" + ")" * 95, r"\frac{1}{" * 95 + "x" + "}" * 95, r"\sqrt{" * 90 + "x" + "}" * 90):
        assert read_latex(text, Symbols())
