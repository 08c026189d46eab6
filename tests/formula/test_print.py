"""What is printed: the text reads back as the same tree, whatever the tree; Unicode and LaTeX look as on paper."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backcalc.formula.functions import FUNCTIONS, REDUCTIONS, WHOLE
from backcalc.formula.pieces import reads_indexed
from backcalc.formula.print_latex import to_latex
from backcalc.formula.print_text import to_text
from backcalc.formula.print_unicode import to_unicode
from backcalc.formula.read import read_equation, read_expression
from backcalc.formula.tree import (
    Add,
    Call,
    Compare,
    Div,
    Expr,
    Mul,
    Neg,
    Num,
    Pow,
    Reduce,
    Ref,
    Table,
    num,
    rebuild,
    walk,
)

LOSSES = {"J", "L2"}
NAMES = st.sampled_from(
    [
        *("a", "b", "x", "i", "k", "d", "e", "J", "_a", "x'", "d2", "h1", "dJ", "dz", "dx", "pi", "sum", "max"),
        *("gamma", "yhat", "that", "W_q", "gamma_bn1", "varsigma", "Sigma", "Alpha"),
    ]
)
DERIVATIVES = st.sampled_from(
    [
        "dJ/dz",
        "dJ/dgamma",
        "dJ/dW_q",
        "dL2/dx",
        "d^2J/dw^2",
        "d^2J/(dw1 dw2)",
        "d(dJ/dw)/d(dJ/dz)",
        "d(dJ/dw)/dz",
        "dJ/d(dL2/dz)",
    ]
)
NUMBERS = st.one_of(
    st.integers(-3, 12).map(num),
    st.fractions(-3, 3, max_denominator=12).map(num),
    st.sampled_from(["1.7159", "-0.001", "1e150", "-1e-120", "1234.567e-200"]).map(lambda text: Num(Fraction(text))),
)
LEAVES = st.one_of(NUMBERS, NAMES.map(Ref), DERIVATIVES.map(Ref))
OPERATORS = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])


def nodes(parts: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    """Every kind of node over these parts, those that could be mistaken for one another more often."""

    def call(name: str) -> st.SearchStrategy[Expr]:
        low = FUNCTIONS[name].arity
        high = 4 if FUNCTIONS[name].variadic else low
        return st.lists(parts, min_size=low, max_size=high).map(lambda given: Call(name, tuple(given)))

    def chain(length: int) -> st.SearchStrategy[Expr]:
        signs = st.lists(OPERATORS, min_size=length, max_size=length).map(tuple)
        return st.builds(Compare, signs, st.lists(parts, min_size=length + 1, max_size=length + 1).map(tuple))

    def reduction(
        operation: str, index: str, bounds: tuple[Expr, Expr] | None, exclude: Expr | None, body: Expr, read: bool
    ) -> Expr:
        lower, upper = bounds or (None, None)
        return Reduce(operation, index, lower, upper, exclude, Ref("x", (Ref(index), body)) if read else body)

    def looks_bound(operation: str, index: str, sign: str | None, value: Expr, body: Expr) -> Expr:
        first = Ref(index) if sign is None else Compare((sign,), (Ref(index), value))
        return Call(operation, (first, Ref("x", (Ref(index), body))))

    def whole(function: str, operand: Expr) -> Expr:
        # `sum(x[k])` is refused: it has forgotten its index.
        forgotten = function in REDUCTIONS and reads_indexed(operand)
        return Call("transpose" if forgotten else function, (operand,))

    several = st.lists(parts, min_size=2, max_size=4).map(tuple)
    extremes = st.sampled_from(["max", "min"])
    return st.one_of(
        several.map(Add),
        several.map(Mul),
        parts.map(Neg),
        st.builds(Div, parts, parts),
        st.builds(Pow, parts, parts),
        st.builds(Ref, NAMES | DERIVATIVES, st.lists(parts, min_size=1, max_size=3).map(tuple)),
        st.sampled_from(sorted(FUNCTIONS)).flatmap(call),
        st.integers(1, 3).flatmap(chain),
        st.builds(
            reduction,
            st.sampled_from(REDUCTIONS),
            NAMES,
            st.none() | st.tuples(parts, parts),
            st.none() | parts,
            parts,
            st.booleans(),
        ),
        st.builds(whole, st.sampled_from([*sorted(WHOLE), "transpose"]), parts),
        st.lists(parts, min_size=2, max_size=2).map(lambda given: Call("matmul", tuple(given))),
        st.builds(looks_bound, extremes, NAMES, st.none() | OPERATORS, parts, parts),
    )


TREES = st.recursive(LEAVES, nodes, max_leaves=12)
TABLES = st.recursive(TREES, lambda rows: st.lists(rows, min_size=1, max_size=3).map(lambda row: Table(tuple(row))))


def signed(expr: Expr) -> Expr:
    """The tree with a minus before a product that begins with a number taken into that number."""
    expr = rebuild(expr, signed)
    match expr:
        case Neg(Num(value)) if value >= 0:
            return num(-value)
        case Neg(Mul((Num() | Div() | Mul() | Call() as first, *rest))) if (begun := signed(Neg(first))) != Neg(first):
            return Mul((begun, *rest))
        case Neg(Div(numerator, denominator)) if (begun := signed(Neg(numerator))) != Neg(numerator):
            return Div(begun, denominator)
        case Neg(Call("matmul", (left, right))) if (begun := signed(Neg(left))) != Neg(left):
            return Call("matmul", (begun, right))
        case _:
            return expr


@given(TREES)
@example(Div(Ref("dJ"), Ref("dz")))
@example(Div(Mul((Ref("a"), Ref("dJ"))), Mul((Ref("dz"), Ref("b")))))
@example(Div(num(1), num(2)))
@example(Mul((num(2), num(Fraction(1, 2)))))
@example(Neg(num(Fraction(-1, 2))))
@example(Mul((Reduce("sum", "k", None, None, None, Ref("x")), Ref("y"))))
@example(Call("transpose", (num(2),)))
@example(Call("transpose", (Pow(Ref("x"), num(2)),)))
@example(Call("transpose", (Call("sqrt", (Ref("x"),)),)))
@example(Call("matmul", (Mul((Ref("a"), Ref("b"))), Call("matmul", (Ref("c"), Ref("d"))))))
@example(Mul((Call("matmul", (Ref("a"), Reduce("sum", "k", None, None, None, Ref("x")))), Ref("b"))))
@settings(max_examples=1200, deadline=None)
def test_every_tree_reads_back_as_itself(expr: Expr) -> None:
    assert read_expression(to_text(expr), losses=LOSSES) == expr
    if not any(isinstance(part, Call) and part.function == "diff" for part in walk(expr)):
        # A terminal shows −2·x the same, whether the sign is that of the number or of the product.
        assert signed(read_expression(to_unicode(expr), losses=LOSSES)) == signed(expr)


@given(TABLES)
@settings(max_examples=150, deadline=None)
def test_every_right_hand_side_reads_back_as_itself(expr: Expr) -> None:
    assert read_equation(f"y = {to_text(expr)}", losses=LOSSES) == (Ref("y"), expr)


def latex_fault(text: str) -> str | None:
    """A second subscript or superscript on one symbol, or braces or delimiters that do not match; else None."""
    scripts: list[set[str]] = [set()]
    left = 0
    for token in re.findall(r"\\[A-Za-z]+\*?|\\.|[{}^_']|\s+|.", text):
        if token == "{":
            scripts.append(set())
        elif token == "}":
            scripts.pop()
            if not scripts:
                return "unmatched }"
        elif token in ("_", "^", "'"):
            kind = "^" if token == "'" else token
            if kind in scripts[-1]:
                return f"double {kind}"
            scripts[-1].add(kind)
        elif not token.isspace():
            # A braced script belongs to the symbol before it: only a new symbol begins anew.
            scripts[-1] = set()
        if token in (r"\left", r"\right"):
            left += 1 if token == r"\left" else -1
        if left < 0:
            return r"unmatched \right"
    return None if len(scripts) == 1 and left == 0 else "left open"


def test_the_latex_checker_can_fail() -> None:
    assert latex_fault("x_{1}_{2}") == "double _"
    assert latex_fault("x^{1}^{2}") == "double ^"
    assert latex_fault("x'^{2}") == "double ^"
    assert latex_fault(r"\frac{1}{2") == "left open"
    assert latex_fault(r"\left(x)") == "left open"
    assert latex_fault(r"x_{1}^{2} y_{1}'") is None


@given(TREES, st.booleans())
@settings(max_examples=600, deadline=None)
def test_latex_never_doubles_a_script_and_always_closes(expr: Expr, scalar: bool) -> None:
    assert latex_fault(to_latex(expr, scalar_names=scalar)) is None


@pytest.mark.parametrize(
    ("formula", "unicode", "latex"),
    [
        ("-log(y1)", "−log(y1)", r"-\log(y_{1})"),
        ("sum(k=1..3, W[j,k]*x[k])", "Σ_{k=1..3} W[j,k]·x[k]", r"\sum_{k=1}^{3} W_{j,k} \, x_{k}"),
        ("dJ/dz[j]", "∂J/∂z[j]", r"\frac{\partial J}{\partial z_{j}}"),
        ("x[i]*(q[i] > 0)", "x[i]·[q[i] > 0]", r"x_{i} \cdot [q_{i} > 0]"),
        ("(i == j)*a", "[i = j]·a", r"[i = j] \, a"),
        ("(5*5*1 + 1)*6", "(5·5·1 + 1)·6", r"(5 \cdot 5 \cdot 1 + 1) \cdot 6"),
        ("-y2*(w3 - w5)", "−y2·(w3 − w5)", r"-y_{2} \cdot (w_{3} - w_{5})"),
        ("-2*x - 1/2", "−2·x − 1/2", r"-2 x - \frac{1}{2}"),
        ("1/2*x^2", "1/2·x²", r"\frac{1}{2} x^{2}"),
        ("2*(1/2)", "2·(1/2)", r"2 \cdot \frac{1}{2}"),
        ("x^(-1)", "x⁻¹", "x^{-1}"),
        ("x^(1/2)", "x^(1/2)", "x^{1/2}"),
        ("(x^2)^3", "(x²)³", "(x^{2})^{3}"),
        ("(1/2)^n", "(1/2)^n", r"\left(\frac{1}{2}\right)^{n}"),
        ("(-x)^2", "(−x)²", "(-x)^{2}"),
        ("-x^2", "−x²", "-x^{2}"),
        ("a - (b - c)", "a − (b − c)", "a - (b - c)"),
        ("a/(b*c)", "a/(b·c)", r"\frac{a}{b \, c}"),
        ("a/b/c", "(a/b)/c", r"\frac{\frac{a}{b}}{c}"),
        ("dJ/dW_q[j,k]^2", "(∂J/∂W_q[j,k])²", r"\left(\frac{\partial J}{\partial W_{\mathrm{q},\,j,k}}\right)^{2}"),
        ("a/(dJ/dz)", "a/(∂J/∂z)", r"\frac{a}{\frac{\partial J}{\partial z}}"),
        ("x1'^2", "x1'²", "{x_{1}'}^{2}"),
        ("x_1'", "x_1'", "x_{1}'"),
        ("W_i[i,2]", "W_i[i,2]", r"W_{\mathrm{i},\,i,2}"),
        ("b_fc_1[j]", "b_fc_1[j]", r"b_{\mathrm{fc\_1},\,j}"),
        ("W_q[1,2]", "W_q[1,2]", r"W_{\mathrm{q},\,1,2}"),
        ("yhat[k] - ybar", "ŷ[k] − ȳ", r"\hat{y}_{k} - \bar{y}"),
        ("gammahat*Gamma_bn1", "gammahat·Γ_bn1", r"\hat{\gamma} \, \Gamma_{\mathrm{bn1}}"),
        ("sqrt(var[j] + eps)", "√(var[j] + eps)", r"\sqrt{\mathrm{var}_{j} + \mathrm{eps}}"),
        ("sigmoid(z)*(1 - sigmoid(z))", "σ(z)·(1 − σ(z))", r"\sigma(z) \, (1 - \sigma(z))"),
        ("tanh(u)^2", "tanh(u)²", r"(\tanh(u))^{2}"),
        ("abs(x)^2", "abs(x)²", r"\left|x\right|^{2}"),
        (
            "exp(z[i])/sum(k=1..K, exp(z[k]))",
            "exp(z[i])/(Σ_{k=1..K} exp(z[k]))",
            r"\frac{\exp(z_{i})}{\sum_{k=1}^{K} \exp(z_{k})}",
        ),
        ("sum(k, x[k])*y", "(Σ_{k} x[k])·y", r"\left(\sum_{k} x_{k}\right) \, y"),
        ("y*sum(k, x[k] + 1)", "y·Σ_{k} (x[k] + 1)", r"y \, \sum_{k} (x_{k} + 1)"),
        (
            "sum(k=1..K, k != j, x[k])",
            "Σ_{k=1..K, k≠j} x[k]",
            r"\sum_{\substack{k=1 \\ k \ne j}}^{K} x_{k}",
        ),
        ("sum(k != j, x[k])", "Σ_{k≠j} x[k]", r"\sum_{k \ne j} x_{k}"),
        ("prod(k=1..K, x[k])", "Π_{k=1..K} x[k]", r"\prod_{k=1}^{K} x_{k}"),
        (
            "max(a=1..2, max(b=1..2, x[2*i+a-2,2*j+b-2]))",
            "max_{a=1..2} max_{b=1..2} x[2·i+a−2,2·j+b−2]",
            r"\max_{1 \le a \le 2} \max_{1 \le b \le 2} x_{2 i+a-2,2 j+b-2}",
        ),
        ("max(k != j, x[k])", "max_{k≠j} x[k]", r"\max_{k \ne j} x_{k}"),
        ("max(0, 1 - t*y)", "max(0, 1 − t·y)", r"\max(0, 1 - t \, y)"),
        (
            "if(u > 0, u, a*u)",
            "if(u > 0, u, a·u)",
            r"\begin{cases} u & \text{if } u > 0 \\ a \, u & \text{otherwise} \end{cases}",
        ),
        (
            "x[div(i-1,4)+1]",
            "x[div(i−1,4)+1]",
            r"x_{\left\lfloor \frac{i-1}{4} \right\rfloor+1}",
        ),
        ("2*mod(i, 2)", "2·mod(i, 2)", r"2 (i \bmod 2)"),
        ("1.7159*tanh(2/3*u)", "1.7159·tanh(2/3·u)", r"1.7159 \tanh\left(\frac{2}{3} u\right)"),
        ("0.1*x", "0.1·x", "0.1 x"),
        ("diff(y, x)^2", "(∂y/∂x)²", r"\left(\frac{\partial y}{\partial x}\right)^{2}"),
        ("_a", "_a", r"\mathrm{\_a}"),
        ("X @ W.T + b", "X @ Wᵀ + b", r"X \mathbin{@} W^{\top} + b"),
        ("(A @ B)*c @ D", "((A @ B)·c) @ D", r"((A \mathbin{@} B) \, c) \mathbin{@} D"),
        ("x1'.T^2", "(x1'ᵀ)²", r"({x_{1}'}^{\top})^{2}"),
        ("softmax(Z)*norm2(w)", "softmax(Z)·norm2(w)", r"\operatorname{softmax}(Z) \, \operatorname{norm}_{2}(w)"),
    ],
)
def test_printed_as_in_a_textbook(formula: str, unicode: str, latex: str) -> None:
    expr = read_expression(formula, losses=LOSSES)
    assert to_unicode(expr) == unicode
    assert to_latex(expr) == latex


@pytest.mark.parametrize(
    ("formula", "unicode", "latex"),
    [
        ("w1*x[1] + w2*x[2]", "w1·x1 + w2·x2", r"w_{1} \, x_{1} + w_{2} \, x_{2}"),
        ("h1[2]*W[1,2]*W[1,12]", "h1_2·W12·W1,12", r"h_{1,\,2} \, W_{12} \, W_{1,12}"),
        ("dJ/dz[1]", "∂J/∂z1", r"\frac{\partial J}{\partial z_{1}}"),
        ("x[i]", "x[i]", "x_{i}"),
    ],
)
def test_the_scalar_view(formula: str, unicode: str, latex: str) -> None:
    expr = read_expression(formula, losses=LOSSES)
    assert to_unicode(expr, scalar_names=True) == unicode
    assert to_latex(expr, scalar_names=True) == latex


def test_an_array_is_a_matrix_in_latex() -> None:
    table = read_equation("W = [[a, 1/2], [c, d]]")[1]
    assert to_text(table) == "[[a, 1/2], [c, d]]"
    assert to_latex(table) == r"\begin{pmatrix} a & \frac{1}{2} \\ c & d \end{pmatrix}"
    assert to_latex(Table((Ref("a"), Ref("b")))) == r"\begin{pmatrix} a & b \end{pmatrix}"
