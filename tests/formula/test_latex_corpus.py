"""What students write is read as what it says; what it does not say is never made up."""

from __future__ import annotations

from fractions import Fraction

import pytest

from backcalc.formula.latex_read import Chain, Symbols, Unreadable, read_latex, read_rows
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


def test_the_corpus_is_as_large_as_it_says() -> None:
    assert len(CASES) >= 200


@pytest.mark.parametrize(
    ("text", "message", "start"),
    [
        ("f(x) = 2", "`f(…)` is a function that is not known, or a product", 0),
        (r"\tanh^{-1}(x)", "a function to the power −1 is its inverse or its reciprocal", 6),
        (r"a = \int x", "unknown command `\\int`", 4),
        ("n! = 2", "expected an operator, not `!`", 1),
        ("3 4", "two numbers stand side by side", 2),
        (r"\sqrt[3]{x}", "only the square root is read", 7),
        ("g_1(2, 3)", "`g_1(…)` is a function that is not known, or a product", 0),
        ("a(2, 3)", "`a` is no known function", 0),
        ("works slightly better", "words, or names side by side that are not known", 6),
        (r"\sum a b", "this sum does not say over which index it runs", 0),
        ("x^y^z", "two exponents on one symbol, not `^`", 3),
        ("a = \ufffd_1", "unexpected character `\ufffd`", 4),
        (r"\frac{\partial J}{\partial (a+b)}", "a derivative is taken by a name", 27),
    ],
)
def test_what_cannot_be_read_says_where_and_why(text: str, message: str, start: int) -> None:
    with pytest.raises(Unreadable) as caught:
        read_latex(text, corpus.NOTHING)
    assert (caught.value.message, caught.value.start) == (message, start)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1/2x", "1/2*x | 1/(2*x)"),
        ("2x3", "2*3 | 2*x[3]"),
        (r"\sum_i x_i + y_i", "sum(i, x[i] + y[i]) | sum(i, x[i]) + y[i]"),
        (r"\log x y", "log(x*y) | log(x) @ y | log(x)*y"),
        ("(1,200)", "[1, 200] | 1200"),
        ("x_1(i)", "x[i,1] | x[1]*i"),
        ("mc", "m*c | mc"),
        (r"\mu_B", "mu_B | mu[B]"),
        (r"x^{(1)}", "x[1] | x1"),
        (r"\frac{\delta J}{\delta w}", "delta*J/(delta*w) | dJ/dw"),
    ],
)
def test_what_is_ambiguous_has_all_its_readings_and_says_why(text: str, expected: str) -> None:
    assert readings(text, corpus.VECTORS) == expected
    (chain,) = read_latex(text, corpus.VECTORS)
    assert all(other.reason for other in chain.alternatives)


def test_the_written_digits_are_kept() -> None:
    (chain,) = read_latex(r"0.2880 \cdot 61,706 \approx 1.5e-3", Symbols())
    (left, right), numbers = chain.sides, [written for side in chain.sides for written in side.numbers]
    assert [written.text for written in numbers] == ["0.2880", "61,706", "1.5e-3"]
    assert [written.half_unit for written in numbers] == [Fraction(1, 20_000), 0, Fraction(1, 20_000)]
    assert (left.start, right.end) == (0, 34)
    (rounded,) = read_latex("~500K", Symbols(), words=True)
    (number,) = rounded.sides[0].numbers
    assert (number.value, number.half_unit, number.about) == (500_000, 500, True)
    (counted,) = read_latex(r"1599 \text{ FLOP}", Symbols())
    assert counted.sides[0].numbers[0].unit == "FLOP"


def test_an_unreadable_row_takes_none_with_it() -> None:
    found = read_rows(r"a = 1 \\ b = \int x \\ c = 3", Symbols())
    assert [isinstance(piece, Chain) for piece in found] == [True, False, True]


def test_faulty_notation_is_noted() -> None:
    (chain,) = read_latex(r"\frac{\partial L}{\hat z_1} = 1", corpus.BATCH)
    assert chain.sides[0].notes == ("a ∂ is missing in the denominator of a derivative",)
