"""What the reader makes of a formula, and the words it uses where it cannot read one."""

from __future__ import annotations

from fractions import Fraction

import pytest

from backcalc.formula.errors import FormulaError, nearest
from backcalc.formula.print_text import to_text
from backcalc.formula.read import read_equation, read_equations, read_expression, read_number
from backcalc.formula.tree import Add, Call, Compare, Div, Expr, Mul, Neg, Pow, Reduce, Ref, Table, num

a, b, c, i, j, k, x, y = (Ref(name) for name in "abcijkxy")
half = num(Fraction(1, 2))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a + b*c", Add((a, Mul((b, c))))),
        ("a - b - c", Add((a, Neg(b), Neg(c)))),
        ("a - (b - c)", Add((a, Neg(Add((b, Neg(c))))))),
        ("(a + b) + c", Add((Add((a, b)), c))),
        ("a/b*c", Mul((Div(a, b), c))),
        ("a*b/c", Div(Mul((a, b)), c)),
        ("a/b/c", Div(Div(a, b), c)),
        ("(a*b)*c", Mul((Mul((a, b)), c))),
        ("a^b^c", Pow(a, Pow(b, c))),
        ("a**b", Pow(a, b)),
        ("-x^2", Neg(Pow(x, num(2)))),
        ("-a*b", Neg(Mul((a, b)))),
        ("a*-b^2*c", Mul((a, Neg(Pow(b, num(2))), c))),
        ("a^-b^c", Pow(a, Neg(Pow(b, c)))),
        ("--a", Neg(Neg(a))),
        ("+a", a),
    ],
)
def test_precedence_is_that_of_paper(text: str, tree: Expr) -> None:
    assert read_expression(text) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("0.1", num(Fraction(1, 10))),
        ("1e-3", num(Fraction(1, 1000))),
        (".5", half),
        ("1/2", half),
        ("-1/2", num(Fraction(-1, 2))),
        ("-(1/2)", Neg(half)),
        ("1/2*x", Mul((half, x))),
        ("2*1/2", Div(Mul((num(2), num(1))), num(2))),
        ("1/2^x", Div(num(1), Pow(num(2), x))),
        ("1/0", Div(num(1), num(0))),
        ("(1)/2", Div(num(1), num(2))),
        ("0.5/2", Div(half, num(2))),
        ("-2", num(-2)),
        ("-2*x", Mul((num(-2), x))),
        ("-2^x", Neg(Pow(num(2), x))),
        ("a - 2*x", Add((a, Mul((num(-2), x))))),
        ("a - 1/2", Add((a, num(Fraction(-1, 2))))),
        ("9**9**9**9", Pow(num(9), Pow(num(9), Pow(num(9), num(9))))),
    ],
)
def test_literals_are_exact_and_take_their_sign(text: str, tree: Expr) -> None:
    assert read_expression(text) == tree


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("γ₁·x₂ − β", "gamma1*x2 - beta"),
        (r"\gamma_1 \cdot x", "gamma_1*x"),
        ("Γ[i]×Δt", "Gamma[i]*Deltat"),
        ("µ + μ", "mu + mu"),
        ("𝑥²", "x^2"),
        ("x⁻¹²", "x^(-12)"),
        ("2³", "2^3"),
        ("x²^y", "(x^2)^y"),
        ("a ≤ b ≠ c ≥ x", "a <= b != c >= x"),
        ("√x²", "sqrt(x)^2"),
        ("√(x + 1)", "sqrt(x + 1)"),
        ("ŷ − y\u0302", "yhat - yhat"),
        ("ln(x)", "log(x)"),
        ("σ(x)", "sigmoid(x)"),
        ("Σ(k, x[k])", "sum(k, x[k])"),
        ("∑ (k, x[k])", "sum(k, x[k])"),
        ("Σ[i,j]*Π", "Sigma[i,j]*Pi"),
        ("Σ_{k=1..K} x[k]·y + b", "sum(k=1..K, x[k]*y) + b"),
        ("Π_{k} x[k]", "prod(k, x[k])"),
        ("Σ_{k≠j} x[k]", "sum(k != j, x[k])"),
        ("max_{k=1..K, k≠j} x[k]", "max(k=1..K, k != j, x[k])"),
        ("y[i]·[x[i] = j]", "y[i]*(x[i] == j)"),
        ("x'", "x′"),
        ("a ÷ b", "a/b"),
    ],
)
def test_signs_and_letters_of_paper_are_read(typed: str, plain: str) -> None:
    assert read_expression(typed) == read_expression(plain)


def test_a_derivative_is_one_name_where_its_loss_is_known() -> None:
    name = Ref("dJ/dz", (i, j))
    assert read_expression("dJ/dz[i,j]", losses={"J"}) == name
    assert read_expression("∂J/∂z[i,j]") == name
    assert read_expression("dJ/dz") == Div(Ref("dJ"), Ref("dz"))
    assert read_expression("dJ / dz", losses={"J"}) == Div(Ref("dJ"), Ref("dz"))
    assert read_expression("delta/denom", losses={"J"}) == Div(Ref("delta"), Ref("denom"))
    assert read_expression("∂J/∂γ₁") == Ref("dJ/dgamma1")
    assert read_expression(r"\frac{\partial J}{\partial w_1}") == Ref("dJ/dw1")
    assert read_expression(r"2*\frac{\partial J}{\partial \gamma}[j]") == Mul((num(2), Ref("dJ/dgamma", (j,))))


def test_comparisons_chain() -> None:
    body = Add((i, Neg(a), num(1)))
    assert read_expression("1 <= i-a+1 <= P") == Compare(("<=", "<="), (num(1), body, Ref("P")))
    assert read_expression("if(i = j, a, b)") == Call("if", (Compare(("==",), (i, j)), a, b))
    assert read_expression("(i = j)*a") == Mul((Compare(("==",), (i, j)), a))


def test_reductions() -> None:
    xk = Ref("x", (k,))
    n = Ref("K")
    assert read_expression("sum(k, x[k])") == Reduce("sum", "k", None, None, None, xk)
    assert read_expression("mean(k=1..K, x[k])") == Reduce("mean", "k", num(1), n, None, xk)
    assert read_expression("prod(k != j, x[k])") == Reduce("prod", "k", None, None, j, xk)
    assert read_expression("argmax(k=1..K, k != j, x[k])") == Reduce("argmax", "k", num(1), n, j, xk)
    assert read_expression("sum(k=2*i-1..2*i, x[k])") == Reduce(
        "sum", "k", Add((Mul((num(2), i)), num(-1))), Mul((num(2), i)), None, xk
    )


def test_a_maximum_reduces_only_over_what_stands_in_brackets() -> None:
    xk = Ref("x", (k,))
    assert read_expression("max(a, b)") == Call("max", (a, b))
    assert read_expression("max(k, x[k])") == Reduce("max", "k", None, None, None, xk)
    assert read_expression("max(k, x)") == Call("max", (k, x))
    assert read_expression("max((k), x[k])") == Call("max", (k, xk))
    assert read_expression("min(k != j, x[k])") == Reduce("min", "k", None, None, j, xk)
    assert read_expression("max(k=1..2, y)") == Reduce("max", "k", num(1), num(2), None, y)
    assert read_expression("max(k, x[k], y)") == Call("max", (k, xk, y))
    inner = Reduce("sum", "k", None, None, None, xk)
    assert read_expression("max(k, sum(k, x[k]))") == Call("max", (k, inner))


def matmul(left: Expr, right: Expr) -> Expr:
    return Call("matmul", (left, right))


def transpose(operand: Expr) -> Expr:
    return Call("transpose", (operand,))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a @ b.T + c", Add((matmul(a, transpose(b)), c))),
        ("a @ b @ c", matmul(matmul(a, b), c)),
        ("a @ (b @ c)", matmul(a, matmul(b, c))),
        ("a*b @ c", matmul(Mul((a, b)), c)),
        ("a @ b*c", Mul((matmul(a, b), c))),
        ("a @ b/c", Div(matmul(a, b), c)),
        ("-a @ b", Neg(matmul(a, b))),
        ("-2 @ a", matmul(num(-2), a)),
        ("a @ b^2", matmul(a, Pow(b, num(2)))),
        ("a.T^2", Pow(transpose(a), num(2))),
        ("a^b.T", Pow(a, transpose(b))),
        ("-a.T.T", Neg(transpose(transpose(a)))),
        ("x[1].T", transpose(Ref("x", (num(1),)))),
        ("sum(k=a..T, x[k])", Reduce("sum", "k", a, Ref("T"), None, Ref("x", (k,)))),
        ("aᵀ @ b", matmul(transpose(a), b)),
        (r"a^{\top} @ b^\top", matmul(transpose(a), transpose(b))),
        ("a^⊤ ⊙ b", Mul((transpose(a), b))),
        ("aᵀ²", Pow(transpose(a), num(2))),
        ("sum(a @ b)", Call("sum", (matmul(a, b),))),
        ("max(a)/norm2(b)", Div(Call("max", (a,)), Call("norm2", (b,)))),
        ("softmax(-a)", Call("softmax", (Neg(a),))),
        ("mean(sum(k, x[k]))", Call("mean", (Reduce("sum", "k", None, None, None, Ref("x", (k,))),))),
    ],
)
def test_whole_arrays(text: str, tree: Expr) -> None:
    assert read_expression(text) == tree


def test_equations() -> None:
    assert read_equation("h[0,j] = 0") == (Ref("h", (num(0), j)), num(0))
    assert read_equation("W = [[a, b], [c, 1/2]]") == (Ref("W"), Table((Table((a, b)), Table((c, half)))))
    assert read_equation("g = [a > b]*c")[1] == Mul((Compare((">",), (a, b)), c))
    assert read_equation("dJ/dz[j] = a", losses={"J"})[0] == Ref("dJ/dz", (j,))
    text = "# batch norm\n\n  a = 1  # one\n\tb = 2*a\n"
    assert read_equations(text) == (
        (a, num(1), 3, "a = 1  # one"),
        (b, Mul((num(2), a)), 4, "b = 2*a"),
    )


def test_numbers() -> None:
    assert [read_number(text) for text in ("3", "-0.1", "1e-3", "17/6", "+2", " 2.5/5 ")] == [
        3,
        Fraction(-1, 10),
        Fraction(1, 1000),
        Fraction(17, 6),
        2,
        Fraction(1, 2),
    ]


EXPRESSION_ERRORS = [
    ("2x", "expected an operator\n  2x\n   ^\nhelp: write `2*x`"),
    ("a b", "expected an operator\n  a b\n    ^\nhelp: write `a*b`"),
    ("2(a + b)", "expected an operator\n  2(a + b)\n   ^\nhelp: write `2*(…)`"),
    ("(a + b)(c)", "expected an operator\n  (a + b)(c)\n         ^\nhelp: write `)*(…)`"),
    ("sigmod(x)", "unknown function `sigmod`\n  sigmod(x)\n  ^^^^^^\nhelp: did you mean `sigmoid`?"),
    ("ReLU(x)", "unknown function `ReLU`\n  ReLU(x)\n  ^^^^\nhelp: did you mean `relu`?"),
    ("foo (a+b)", "unknown function `foo`\n  foo (a+b)\n  ^^^\nhelp: to multiply, write `foo*(…)`"),
    ("a + ", "expected a value after `+`\n  a +\n      ^"),
    ("a * / b", "expected a value, not `/`\n  a * / b\n      ^"),
    ("", "the formula is empty"),
    ("(a", "`(` is never closed\n  (a\n  ^"),
    ("a)", "`)` closes nothing\n  a)\n   ^"),
    ("x[i)", "`[` is closed by `)`\n  x[i)\n     ^\nhelp: expected `]`"),
    ("x[]", "expected an index\n  x[]\n    ^"),
    ("(a)[1]", "only a name can be indexed\n  (a)[1]\n     ^"),
    ("exp(a, b)", "`exp` takes one argument, not 2\n  exp(a, b)\n  ^^^\nhelp: write `exp(u)`"),
    ("if(a, b)", "`if` takes three arguments, not 2\n  if(a, b)\n  ^^\nhelp: write `if(c, a, b)`"),
    (
        "max()",
        "`max` takes two arguments or more, or an index and a body, not 0\n  max()\n  ^^^\nhelp: write `max(u, v)`",
    ),
    (
        "mean(x[k] + y)",
        "`mean` takes an index and a body\n  mean(x[k] + y)\n  ^^^^\n"
        "help: write `mean(k, x[k])` or `mean(k=1..K, x[k])`",
    ),
    (
        "argmax(x)",
        "`argmax` takes an index and a body\n  argmax(x)\n  ^^^^^^\nhelp: write `argmax(k, x[k])` or "
        "`argmax(k=1..K, x[k])`",
    ),
    ("softmax(x, y)", "`softmax` takes one argument, not 2\n  softmax(x, y)\n  ^^^^^^^\nhelp: write `softmax(X)`"),
    ("softmx(x)", "unknown function `softmx`\n  softmx(x)\n  ^^^^^^\nhelp: did you mean `softmax`?"),
    ("a @ @ b", "expected a value, not `@`\n  a @ @ b\n      ^"),
    ("a.t", "unexpected character `.`\n  a.t\n   ^\nhelp: the transpose of `X` is `X.T`"),
    ("a.T[1]", "only a name can be indexed\n  a.T[1]\n     ^"),
    (
        "sum(x[k])",
        "`sum` takes an index and a body\n  sum(x[k])\n  ^^^\nhelp: write `sum(k, x[k])` or `sum(k=1..K, x[k])`",
    ),
    (
        "sum(k=1..K)",
        "`sum` takes a range and a body\n  sum(k=1..K)\n  ^^^\nhelp: write `sum(k, x[k])` or `sum(k=1..K, x[k])`",
    ),
    (
        "sum(k=1..K, j != 1, x)",
        "expected the value that `k` leaves out\n  sum(k=1..K, j != 1, x)\n              ^^^^^^\nhelp: write `k != j`",
    ),
    ("sum(1..K, x)", "a range is written `k=1..K`\n  sum(1..K, x)\n      ^"),
    ("exp(k=1..2)", "a range can only be the first argument of a sum\n  exp(k=1..2)\n      ^^^"),
    (
        "1..3",
        "a range can only be the first argument of a sum\n  1..3\n   ^^\nhelp: write `sum(k=1..K, x[k])`",
    ),
    ("a = b", "`=` cannot stand here\n  a = b\n    ^\nhelp: two values are compared with `==`"),
    ("a ? b", "unexpected character `?`\n  a ? b\n    ^"),
    ("a\x00", "unexpected character `U+0000`\n  a�\n   ^"),
    ("x_{1}", "unexpected `{`\n  x_{1}\n    ^\nhelp: indices stand in brackets: `x[1]`"),
    (r"\gama*x", "unknown command `\\gama`\n  \\gama*x\n  ^^^^^\nhelp: did you mean `\\gamma`?"),
    ("∂J", "expected a derivative\n  ∂J\n  ^^\nhelp: write it as `∂J/∂w`, without blanks"),
    ("[a, b]*c", "an array can only be the whole right-hand side of an equation\n  [a, b]*c\n  ^^^^^^"),
    ("a, b", "unexpected `,`\n  a, b\n   ^"),
]


@pytest.mark.parametrize(("text", "words"), EXPRESSION_ERRORS, ids=[text for text, _ in EXPRESSION_ERRORS])
def test_errors_of_formulas_word_by_word(text: str, words: str) -> None:
    with pytest.raises(FormulaError) as caught:
        read_expression(text)
    assert str(caught.value) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a + b", "expected `=`\n  a + b\n    ^\nhelp: an equation is `name = formula`"),
        ("a == b", "expected `=`\n  a == b\n    ^^\nhelp: an equation has a single `=`"),
        ("a = b = c", "an equation has one `=`\n  a = b = c\n        ^\nhelp: two values are compared with `==`"),
        ("2*a = b", "expected the name that is defined\n  2*a = b\n  ^\nhelp: an equation is `name = formula`"),
        (
            "y[i+1] = a",
            "an index on the left is a plain name or an integer\n  y[i+1] = a\n  ^^^^^^\n"
            "help: define `y[i]`, read `x[i+1]`",
        ),
        ("y[i,i] = a", "the index `i` stands twice on the left\n  y[i,i] = a\n  ^^^^^^"),
        ("y =", "expected a value after `=`\n  y =\n     ^"),
        ("y = [a] + 1", "an array can only be the whole right-hand side of an equation\n  y = [a] + 1\n      ^^^"),
    ],
)
def test_errors_of_equations_word_by_word(text: str, words: str) -> None:
    with pytest.raises(FormulaError) as caught:
        read_equation(text)
    assert str(caught.value) == words


def test_all_lines_in_error_are_reported_at_once_and_placed_in_the_file() -> None:
    text = "a = 1\nb = 2a\n\nc = sqr(a)\n"
    with pytest.raises(FormulaError) as caught:
        read_equations(text)
    error = caught.value
    assert (error.line, error.column, error.source_line) == (2, 6, "b = 2a")
    assert [(other.line, other.column, other.message) for other in error.others] == [(4, 5, "unknown function `sqr`")]
    assert str(error) == (
        "expected an operator\n  b = 2a\n       ^\nhelp: write `2*a`\n"
        "unknown function `sqr`\n  c = sqr(a)\n      ^^^\nhelp: did you mean `sqrt`?"
    )


@pytest.mark.parametrize("text", ["", "x", "1/0", "1/2/3", "1 2", "1e999", "--1", "nan", "inf"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(FormulaError):
        read_number(text)


def test_a_long_line_is_cut_round_the_caret() -> None:
    with pytest.raises(FormulaError) as caught:
        read_expression("+".join(["a"] * 500) + "?" + "+b" * 500)
    _, line, caret = str(caught.value).split("\n")
    assert len(line) < 110 and line.startswith("  … ") and line.endswith(" …")
    assert line[caret.index("^")] == "?"


def test_nearest_is_close_or_nothing() -> None:
    assert nearest("con2d", ["conv1d", "conv2d", "dense"]) == "conv2d"
    assert nearest("RELU", ["elu", "relu"]) == "relu"
    assert nearest("slef", ["self"]) == "self"
    assert nearest("xyz", ["abc", "def"]) is None
    assert nearest("a" * 10_000, ["a"]) is None


def test_the_reader_never_changes_what_the_printer_wrote() -> None:
    text = "1/N*sum(i=1..N, (a[i,j] - mu[j])^2)"
    assert to_text(read_expression(text)) == text
