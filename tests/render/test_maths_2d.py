"""Formulas in two dimensions: the drawings themselves, and laws that hold for every formula."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import backcalc
from backcalc.derive import derive
from backcalc.formula.print_unicode import to_unicode
from backcalc.formula.read import read_expression
from backcalc.formula.tree import Add, Call, Compare, Div, Expr, Mul, Neg, Pow, Reduce, Ref, num
from backcalc.render import grad_ascii, grad_text
from backcalc.render.grad_ascii import ASCII
from backcalc.render.maths_2d import displayed
from backcalc.render.maths_boxes import UNICODE, Box, Pen, above, beside, columns, raised, text

from .kinds import EXAMPLES

DRAWINGS = {
    "(a[i,j] - mu[j])/sqrt(var[j] + eps)": """
     a[i,j] − μ[j]
y = ───────────────
      _____________
    ╲╱ var[j] + eps
""",
    "exp(z[j])/sum(k=1..K, exp(z[k]))": """
     exp(z[j])
y = ────────────
     K
     Σ exp(z[k])
    k=1
""",
    "-((a + 1)/b)^2*c/(2*d)": """
      ⎛a + 1⎞²
      ⎜─────⎟ ·c
      ⎝  b  ⎠
y = − ──────────
         2·d
""",
    "1/(1 + exp(-(x - m)/(2*s)))": """
           1
y = ────────────────
           ⎛  x − m⎞
    1 + exp⎜− ─────⎟
           ⎝   2·s ⎠
""",
    "sqrt((a + b)/(c + 1))*x^((a + 1)/b)": """
                  a + 1
        ______    ─────
       ╱ a + b      b
y =   ╱  ───── · x
    ╲╱   c + 1
""",
    "sum(i=1..N, i != j, (x[i] + 1)/y[i])*sum(k=t+1..T, x[k])": """
    ⎛   N     x[i] + 1⎞   T
y = ⎜   Σ     ────────⎟·  Σ  x[k]
    ⎝i=1, i≠j   y[i]  ⎠ k=t+1
""",
    "a - (b + c)/(d + e)/f - (-2)*(g + 1)/h + x/N": """
         b + c
         ─────
         d + e    −2·(g + 1)
y = a − ─────── − ────────── + x/N
           f          h
""",
    "max(k=1..K, (z[k] + 1)/y[k])": """
           z[k] + 1
y =  max   ────────
    k=1..K   y[k]
""",
}


@pytest.mark.parametrize("formula", DRAWINGS)
def test_a_formula_looks_as_on_paper(formula: str) -> None:
    assert displayed("y", read_expression(formula)) == DRAWINGS[formula].strip("\n").split("\n")


def test_without_signs_the_drawing_is_made_of_strokes_and_letters() -> None:
    formula = read_expression("sum(k=1..K, ((a[k] + 1)/sqrt(mu + 1))^2)")
    lines = displayed("y", formula, ASCII)
    assert (
        "\n".join(lines or ())
        == r"""
                   2
     K  /a[k] + 1 \
y = sum |---------|
    k=1 |  _______|
        \\/ mu + 1/
""".strip("\n")
    )


@pytest.mark.parametrize("formula", ["1/2*x", "x/N", "w[j,k]/2", "sqrt(d)*x", "-1/y[1]", "sum(k=1..K, w[j,k]*x[k])"])
def test_what_reads_as_well_in_one_line_stays_there(formula: str) -> None:
    assert displayed("y", read_expression(formula)) is None


def test_a_sum_is_drawn_where_one_line_is_too_narrow() -> None:
    formula = read_expression("sum(k=1..K, weight[j,k]*x[k]) + sum(k=1..H, other[j,k]*h[k]) + b[j]")
    assert displayed("y", formula, width=60) is not None and displayed("y", formula) is None


def test_a_long_formula_is_broken_before_its_signs() -> None:
    formula = read_expression("(a + b)/c - (d + e)/f + (g + h)/k")
    assert displayed("y", formula, width=20, after="(why)") == [
        "    a + b   d + e",
        "y = ───── − ─────",
        "      c       f",
        "",
        "       g + h",
        "     + ─────   (why)",
        "         k",
    ]


def test_what_fits_no_row_is_left_to_one_line() -> None:
    assert displayed("y", read_expression("(first + second + third)/(x + z)"), width=20) is None


def test_a_reason_stands_behind_or_below() -> None:
    formula = read_expression("(a + b)/c")
    assert displayed("y", formula, after="(fold)") == ["    a + b", "y = ─────   (fold)", "      c"]
    assert displayed("y", formula, width=14, after="(fold)") == ["    a + b", "y = ─────", "      c", "    (fold)"]
    assert displayed("y", formula, width=10, after="= 3/2") == ["    a + b", "y = ─────", "      c", "  = 3/2"]


# -- laws -----------------------------------------------------------------------------------------

_words = st.text("ab─ ", min_size=1, max_size=6)


def _is_box(box: Box) -> bool:
    return 0 <= box.baseline < box.height and {columns(line) for line in box.lines} == {box.width}


@given(st.lists(_words, min_size=1, max_size=5), st.sampled_from([UNICODE, ASCII]), st.data())
@settings(deadline=None, max_examples=60)
def test_every_box_is_a_rectangle_of_the_width_that_follows_from_its_parts(
    words: list[str], pen: Pen, data: st.DataObject
) -> None:
    boxes = [text(word) for word in words]
    stack = above(*boxes, baseline=data.draw(st.integers(0, len(boxes) - 1)))
    row = beside(stack, *boxes)
    root, fenced, fraction = pen.root(stack), pen.enclosed(stack), pen.fraction(row, stack)
    assert all(map(_is_box, [stack, row, root, fenced, fraction, raised(stack, row)]))
    assert stack.width == max(map(len, words)) and row.width == stack.width + sum(map(len, words))
    assert root.width == stack.height + stack.width + 2 and fenced.width == stack.width + 2
    assert raised(stack, row).width == stack.width + row.width and fraction.width in {
        max(3, row.width) + n for n in (0, 2)
    }
    assert fraction.lines[fraction.baseline] == pen.bar * fraction.width


def test_a_mark_over_a_letter_takes_no_column() -> None:
    assert _is_box(above(text("v̂"), text("ab"), baseline=0)) and UNICODE.fraction(text("v̂ + x"), text("a")).width == 5


_refs = st.sampled_from([Ref("a"), Ref("mu"), Ref("x", (Ref("i"),)), Ref("dJ/dz", (Ref("j"),)), num(2), num(-3)])


def _grown(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    pairs = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        pairs.map(Add),
        pairs.map(Mul),
        inner.map(Neg),
        st.tuples(inner, inner).map(lambda parts: Div(*parts)),
        st.tuples(inner, st.sampled_from([num(2), Ref("p")])).map(lambda parts: Pow(*parts)),
        st.tuples(st.sampled_from(["sqrt", "exp", "sigmoid"]), inner).map(lambda p: Call(p[0], (p[1],))),
        inner.map(lambda body: Reduce("sum", "k", num(1), Ref("K"), None, body)),
        inner.map(lambda body: Reduce("max", "k", Ref("i"), Ref("K"), Add((Ref("j"), num(1))), body)),
        inner.map(lambda body: Reduce("mean", "k", None, None, Add((Ref("j"), num(1))), body)),
        inner.map(lambda part: Call("if", (Compare((">",), (part, num(2))), part, Ref("c")))),
        pairs.map(lambda parts: Call("max", parts[:2])),
    )


_formulas = st.recursive(_refs, _grown, max_leaves=9)


def _atoms(line: str) -> Counter[str]:
    """Names and numbers; a root that is drawn is no name."""
    return Counter(word for word in re.findall(r"[^\W_²³]+|[²³]", line) if word != "sqrt")


@given(_formulas, st.sampled_from([40, 80]), st.sampled_from([UNICODE, ASCII]))
@settings(deadline=None, max_examples=200)
def test_nothing_is_lost_and_nothing_is_wider(formula: Expr, width: int, pen: Pen) -> None:
    lines = displayed("y", formula, pen, 2, width, "(why)")
    if lines is None:
        return
    assert max(map(columns, lines)) <= width
    assert all(line == line.rstrip() for line in lines)
    superscripts = str.maketrans("²", "2") if pen is ASCII else {}
    said = pen.spell(f"y = {to_unicode(formula)} (why)").replace("^", " ").translate(superscripts)
    assert _atoms(" ".join(lines)) == _atoms(said)


@pytest.mark.parametrize("name", ["batch-norm", "layer-norm", "softmax-jacobian", "attention", "transformer-block"])
def test_a_text_with_drawings_fits_and_is_broken_nowhere_within_one(name: str) -> None:
    result = derive(backcalc.load(EXAMPLES / f"{name}.yaml"), view="index")
    signs, letters = grad_text.render(result).splitlines(), grad_ascii.render(result).splitlines()
    assert max(map(len, signs)) <= 80 and max(map(len, letters)) <= 80
    assert any(re.search("── *$", line) and " = " in line for line in signs)
    assert not any(set(line) & set("╲⎛") for line in grad_text.render(result, "brief"))
    assert "\n\n\n" not in "\n".join(signs)
