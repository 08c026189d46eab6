"""Hostile and broken LaTeX is answered within a second, in words of its own, and never by a crash."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backcalc.formula.latex_read import Symbols, Unreadable, read_latex, read_rows
from backcalc.formula.spans import DocumentTooLong, find_spans
from backcalc.formula.tidy_text import tidy
from tests.formula import latex_corpus as corpus

SECONDS = 1.0
KNOWN = corpus.VECTORS
SNIPPETS = [text for group in (corpus.SCALAR, corpus.INDEXED, corpus.SAMPLES, corpus.COUNTS) for text, _ in group]
PIECES = st.sampled_from(
    [
        *(r"\frac", r"\sum", "_", "^", "{", "}", "(", ")", r"\\", "&", "$", "|", r"\|", "=", "+", "-", "x", "1", ","),
        *(r"\begin{cases}", r"\end{cases}", r"\begin{aligned}", r"\end{aligned}", r"\left(", r"\partial", r"\text{"),
        *(r"\hat", r"\sqrt", "'", "²", "₁", "ᵀ", "½", "\u202e", "\x00", "%", "#", "~", "1,000", "e5", "d", r"\log"),
    ]
)
LATEX = st.one_of(
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


@given(mutated() | LATEX, st.booleans())
@settings(max_examples=800, deadline=None)
def test_broken_latex_is_read_or_refused_with_a_place(text: str, words: bool) -> None:
    start = time.process_time()
    found = read_rows(text, KNOWN, words=words)
    assert time.process_time() - start < SECONDS
    for piece in found:
        if isinstance(piece, Unreadable):
            assert piece.message and 0 <= piece.start <= piece.end <= len(text) + 1
            assert len(str(piece)) < 600
        else:
            assert 0 <= piece.start <= piece.end <= len(text)
            assert len(piece.relations) == len(piece.sides) - (not piece.continues)


TOO_DEEP = "the formula is nested more than 100 deep"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x" * 20_001, "the formula is too long: 20001 characters, at most 20000 are read"),
        ("x+" * 6_000, "the formula has more than 5000 parts"),
        ("{" * 9_000, None),
        ("(" * 9_000, None),
        (r"\frac{1}{" * 2_000, None),
        (r"\sqrt{" * 3_000 + "x" + "}" * 1_000, None),
        ("-" * 4_900 + "x", None),
        ("x^" * 2_400 + "x", "two exponents on one symbol"),
        ("x" + "^{x" * 1_500 + "}" * 1_500, None),
        ("x" + "'" * 4_000, "a name with more than 3 primes"),
        ("x_" * 2_400 + "1", None),
        (r"\hat" * 4_000 + "x", None),
        (r"\hat{" * 3_000 + "x", None),
        ("x/" * 2_400 + "x", TOO_DEEP),
        (r"\log " * 3_000 + "x", None),
        (r"\sigma'" * 2_000, None),
        ("|" * 4_900, None),
        ("x" + "^T" * 2_000, TOO_DEEP),
        (r"\begin{cases}" * 1_400, None),
        (r"\begin{array}" * 1_400, None),
        (r"\begin{pmatrix} 1 & " * 900, None),
        (r"\sum_" * 2_000, None),
        (r"\sum_i " * 1_500 + "x_i", None),
        ("9" * 10_000, "a number may have at most 100 digits"),
        ("1e999999999", "the exponent of a number may be at most 400"),
        ("0." + "1" * 10_000, "a number may have at most 100 digits"),
        ("1,000" + ",000" * 4_000, "a number may have at most 100 digits"),
        ("x" + "²" * 10_000, None),
        ("xy" * 9_000, None),
        ("1x" * 2_400 + "1", None),
        ("x_{" + "i," * 2_400 + "j}", "too many subscripts"),
        (r"\text{" * 3_000, "`{` is never closed"),
        (r"\text{a}" * 2_000, None),
        ("f(" * 2_000, None),
        (r"\frac{d}{dx}" * 1_200 + "x", None),
        (r"\nabla" * 2_900, None),
        ("d" * 19_000 + "/d", None),
        (r"w^{(i)}" * 1_000, None),
        (r"\left" * 3_900, None),
        ("a=" * 2_400 + "a", None),
        ("x y " * 2_400, None),
        ("x_1 x^{(1)} 2x(1) 1/2x " * 200, None),
        (r"\log x y " * 900, None),
        ("\u202e" * 10, "unexpected character `U+202E`"),
    ],
    ids=lambda value: (value or "any")[:16] if isinstance(value, str | None) else "",
)
def test_each_attack_is_answered_within_a_second(text: str, message: str | None) -> None:
    for words in (False, True):
        start = time.process_time()
        found = read_rows(text, KNOWN, words=words)
        shown = [str(piece) for piece in found if isinstance(piece, Unreadable)]
        assert time.process_time() - start < SECONDS
        if message is not None and not words:
            assert message in shown[0]


@pytest.mark.parametrize(
    "text",
    [
        "$" * 50_000,
        "`" * 50_000,
        "$x" * 50_000,
        r"\[" * 50_000,
        r"\begin{align}" * 30_000,
        "```\n" * 60_001,
        "<script>" * 20_000,
        "<!--" * 20_000,
        "|a" * 9_000 + "\n" + "|-" * 9_000,
        "|-\n" * 30_000,
        "1 = 2 " * 30_000,
        "x = 1\n" * 10_000,
        "a\tb\tc\n" * 15_000,
        "total " * 40_000 + "= 5",
        "5 " * 100_000,
        "(" * 100_000,
        "'a': array([" * 10_000,
        "array([" * 20_000 + "]" * 20_000,
        "ğ‘" * 30_000,
        "âˆ’" * 30_000,
    ],
    ids=lambda text: text[:12],
)
def test_a_hostile_document_is_searched_within_two_seconds(text: str) -> None:
    start = time.process_time()
    for tex in (False, True):
        try:
            find_spans(tidy(text).text, tex=tex)
        except DocumentTooLong as error:
            assert "the document" in str(error)
    assert time.process_time() - start < 3 * SECONDS


def test_the_deepest_readable_formula_needs_no_more_stack_than_there_is() -> None:
    for text in ("(" * 95 + "x" + ")" * 95, r"\frac{1}{" * 95 + "x" + "}" * 95, r"\sqrt{" * 90 + "x" + "}" * 90):
        assert read_latex(text, Symbols())
