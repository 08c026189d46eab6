"""The matrix view as a page, and its formulas as text, which an independent reader computes to the same values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, note, settings

import backcalc
from backcalc.derive.matrix import Named, Node, Ones, Product, Scalar, Scale, Sum, Transpose, Unit
from backcalc.derive.matrix_read import matrix_form
from backcalc.formula.read import read_expression
from backcalc.formula.tree import Expr, Ref, num
from backcalc.render import grad_json, matrix_text
from backcalc.render.matrix_print import UnicodeMatrixPrinter, matrix_latex, matrix_unicode
from backcalc.verify.matrix_forms import numpy_value

from ..derive.array_formulas import AXES, SIZES, formulas

EXAMPLES = Path(backcalc.__file__).parents[1] / "examples"


def page(source: str | Path | Mapping[str, object], steps: str = "brief") -> str:
    return matrix_text.render(backcalc.grad(source, view="matrix"), steps=steps)


# -- a reader of what is printed -------------------------------------------------------------------

_TOKEN = re.compile(r'"[^"]*"|𝟙[a-z]|[A-Za-z_√][A-Za-z_0-9]*|\d+|\^⊙\d+|[^\s\w]|²|ᵀ')
_CALLS: Mapping[str, Callable[[Any], Any]] = {
    "exp": np.exp,
    "tanh": np.tanh,
    "log": np.log,
    "√": np.sqrt,
    "rowsum": lambda a: a.sum(1, keepdims=True),
    "tr": lambda a: np.trace(a).reshape(1, 1),
    "diag": lambda a: np.diag(a[:, 0]) if a.shape[1] == 1 else np.diag(a).reshape(-1, 1),
    "softmax": lambda a: np.exp(a) / np.exp(a).sum(0 if a.shape[1:] == (1,) else -1, keepdims=True),
}


class SizedOnes(UnicodeMatrixPrinter):
    """𝟙 with its size behind it, which the place would say."""

    def ones(self, size: Expr) -> str:
        assert isinstance(size, Ref)
        return f"𝟙{size.name}"


class Reader:
    """Computes the printed text, by precedence alone: ᵀ ², then products side by side, then ⊙ ⊘ · /, then + −."""

    def __init__(self, text: str, env: Mapping[str, Any]) -> None:
        self.tokens = [*_TOKEN.findall(text), ""]
        self.env, self.at, self.in_norm = env, 0, False

    def take(self, expected: str = "") -> str:
        token = self.tokens[self.at]
        assert not expected or token == expected, (token, expected)
        self.at += 1
        return token

    @property
    def next(self) -> str:
        return self.tokens[self.at]

    def sum(self) -> Any:
        negative = self.next == "−" and bool(self.take())
        total = -self.entries() if negative else self.entries()
        while self.next in ("+", "−"):
            total = total + self.entries() if self.take() == "+" else total - self.entries()
        return total

    def entries(self) -> Any:
        result = self.product()
        while self.next in ("⊙", "⊘", "·", "/"):
            result = result * self.product() if self.take() in "⊙·" else result / self.product()
        return result

    def product(self) -> Any:
        result = self.postfix()
        while re.match(r"[\w(\[𝟙√]", self.next) or (self.next == "‖" and not self.in_norm):
            result = result @ self.postfix()
        return result

    def postfix(self) -> Any:
        result = self.atom()
        while self.next in ("ᵀ", "²") or self.next.startswith("^"):
            script = self.take()
            result = result.T if script == "ᵀ" else result ** (2 if script == "²" else int(script[2:]))
        return result

    def atom(self) -> Any:
        token = self.take()
        if token == "(":
            inner = self.sum()
            self.take(")")
            return inner
        if token == "‖":
            self.in_norm = True
            inner = np.sqrt(np.square(self.sum()).sum()).reshape(1, 1)
            self.take("‖")
            self.in_norm = False
            return inner
        if token == "[":
            left = self.sum()
            self.take(">")
            right = self.sum()
            self.take("]")
            return (left > right) * 1.0
        if token.startswith("𝟙"):
            return np.ones((SIZES[token[1:]], 1))
        if token.isdigit():
            return np.full((1, 1), float(token))
        if token == "einsum":
            return self.einsum()
        if self.next == "(" and token in _CALLS:
            self.take("(")
            inner = self.sum()
            self.take(")")
            return _CALLS[token](inner)
        if token in SIZES:
            return np.full((1, 1), float(SIZES[token]))
        return self.env[token].reshape(self.env[token].shape + (1,) * (2 - self.env[token].ndim))

    def einsum(self) -> Any:
        self.take("(")
        pattern = self.take().strip('"')
        operands = []
        for labels in pattern.partition("->")[0].split(","):
            self.take(",")
            operand = self.sum()
            operands.append(operand.reshape(operand.shape[: len(labels)]))
        self.take(")")
        result = np.einsum(pattern, *operands)
        return result.reshape(result.shape + (1,) * (2 - result.ndim))


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(formulas())
def test_what_is_printed_means_what_it_should(case: tuple[str, str, dict[str, tuple[Expr, ...]]]) -> None:
    """Parentheses and signs: read back by precedence, the text computes what the node computes."""
    text, free, shapes = case
    form = matrix_form("r", tuple(free), read_expression(text), {**shapes, "r": tuple(AXES[i] for i in free)})
    assume(form.node is not None)
    assert form.node is not None
    draw = np.random.default_rng(5)
    env = {n: draw.uniform(0, 1, [SIZES[a.name] for a in s if isinstance(a, Ref)]) for n, s in shapes.items()}
    printed = SizedOnes().write(form.node)
    note(printed)
    reader = Reader(printed, env)
    found = reader.sum()
    assert reader.next == ""
    expected = numpy_value(form.node, env, SIZES)
    assert np.allclose(np.broadcast_to(found, expected.shape), expected, rtol=1e-10, atol=1e-12)


# -- formulas --------------------------------------------------------------------------------------

N, K, M = Ref("N"), Ref("K"), Ref("M")
X, B, DELTA, SQUARE = Named("X", (N, K)), Named("b", (M,)), Named("dJ/dZ", (N, M)), Named("W_q", (N, N))


@pytest.mark.parametrize(
    ("node", "text", "latex"),
    [
        (Product((Transpose(X), DELTA)), "Xᵀ ∂J/∂Z", r"X^{\top} \, \frac{\partial J}{\partial Z}"),
        (Product((Transpose(DELTA), Ones(N))), "(∂J/∂Z)ᵀ 𝟙",
         r"\left(\frac{\partial J}{\partial Z}\right)^{\top} \, \mathbf{1}"),
        (Sum((DELTA, Product((Ones(N), Transpose(B))))), "∂J/∂Z + 𝟙 bᵀ",
         r"\frac{\partial J}{\partial Z} + \mathbf{1} \, b^{\top}"),
        (Sum((X, Scale(Scalar(num(-2)), X))), "X − 2·X", r"X - 2 \, X"),
        (Scale(Scalar(num(-1)), Sum((X, X))), "−(X + X)", r"-(X + X)"),
        (Transpose(Sum((SQUARE, SQUARE))), "(W_q + W_q)ᵀ", r"(W_{\mathrm{q}} + W_{\mathrm{q}})^{\top}"),
        (Unit(N, num(12)), "e₁₂", r"\mathbf{e}_{12}"),
        (Unit(N, Ref("t")), "e_t", r"\mathbf{e}_{t}"),
    ],
)  # fmt: skip
def test_text_and_latex(node: Node, text: str, latex: str) -> None:
    assert matrix_unicode(node) == text
    assert matrix_latex(node) == latex


def test_latex_of_softmax_backward() -> None:
    shapes: dict[str, tuple[Expr, ...]] = {"P": (N, M), "dJ/dP": (N, M), "r": (N, M)}
    formula = read_expression("P[i,j]*(dJ/dP[i,j] - sum(k=1..M, dJ/dP[i,k]*P[i,k]))", losses=("J",))
    form = matrix_form("r", ("i", "j"), formula, shapes)
    assert form.node is not None
    assert matrix_latex(form.node) == (
        r"P \odot \left(\frac{\partial J}{\partial P} - \operatorname{rowsum}"
        r"\left(\frac{\partial J}{\partial P} \odot P\right) \, \mathbf{1}^{\top}\right)"
    )


# -- pages -----------------------------------------------------------------------------------------


def test_a_page() -> None:
    """The example of the README, as a student reads it."""
    text = page(EXAMPLES / "mlp-whole-arrays.yaml")
    assert text.startswith(
        """\
two layers over whole arrays
════════════════════════════
Wanted: ∂J/∂W1, ∂J/∂b1, ∂J/∂W2, ∂J/∂b2.
Conventions: the loss with all its factors is J = 1/2·Σ_{i=1..N} Σ_{j=1..2}
(Z[i,j] − T[i,j])².

Shapes and layout
─────────────────
  X: N×3        W1: 4×3       b1: 4×1       W2: 2×4       b2: 2×1
  T: N×2        A: N×4        H: N×4        Z: N×2        J: a number
  The first index is the row, the second the column; a vector is a column; ∂J/∂A
  has the shape of A.
  ⊙ multiplies entry by entry; 𝟙 is the column of ones, as long as its place
  asks; ‖A‖² is the sum of the squares of all entries; functions apply to every
  entry.

Forward pass
────────────
  A = X W1ᵀ + 𝟙 b1ᵀ   N×4
  H = tanh(A)   N×4
  Z = H W2ᵀ + 𝟙 b2ᵀ   N×2
  J = 1/2·‖Z − T‖²

Backward pass
─────────────
1. ∂J/∂Z[i,j] = Z[i,j] − T[i,j]   (Z goes into J)
   ∂J/∂Z = Z − T   N×2
"""
    )
    assert (
        """\
4. ∂J/∂W1[j,k] = Σ_{i=1..N} ∂J/∂A[i,j]·X[i,k]   (W1 goes into A)
   ∂J/∂W1 = (∂J/∂A)ᵀ X   (4×N)(N×3) = 4×3
"""
        in text
    )
    assert "  W1 ← W1 − η·∂J/∂W1   b1 ← b1" in text
    found = " ".join(text.split())
    assert "forward equations, matrix forms equal the index formulas: largest error" in found
    found = " ".join(page(EXAMPLES / "mlp-whole-arrays.yaml", steps="full").split())
    assert "proved by normal form, computed with NumPy at random values and sizes N = 5" in found


def test_the_full_way_keeps_the_index_steps() -> None:
    text = page(EXAMPLES / "mlp-whole-arrays.yaml", steps="full")
    assert "collapse: a delta picks one term out of the sum" in text
    assert "  A[i,j] = Σ_{k=1..3} X[i,k]·W1[j,k] + b1[j]\n  A = X W1ᵀ + 𝟙 b1ᵀ   N×4\n" in text


def test_a_page_of_layers_says_its_layout() -> None:
    layers = [{"dense": {"name": "z", "units": 2}}, {"softmax": {"name": "y"}}]
    one = page({"input": {"x": 3}, "layers": layers, "loss": {"nll": {"target": 2}}})
    assert "  z = W_z x + b_z   2×1\n" in one
    assert "   ∂J/∂z = y − e₂   2×1\n" in one
    assert "rows of a weight matrix are output units" in " ".join(one.split())
    many = page({"batch": "N", "input": {"x": 3}, "layers": layers, "loss": {"cross_entropy": {}}})
    assert "  z = x W_zᵀ + 𝟙 b_zᵀ   N×2\n" in many
    assert "each row of a batch is a sample" in " ".join(many.split())


def test_what_has_no_matrix_form_stays_an_index_formula_and_says_why() -> None:
    text = page(EXAMPLES / "shared-kernel.yaml")
    assert "  q[i] = Σ_{a=1..2} W_q[1,1,a]·x[i+a−1]\n     (no matrix form: it reads W_q[1,1,a])\n" in text
    assert "  z = W_z flatten_1   (2×2)(2×1) = 2×1\n" in text
    assert text.count("∂J/∂w1 = ∂J/∂W_q[1,1,1]") == 2  # once in the backward pass, once in the result


def test_nothing_is_wider_than_the_page() -> None:
    for name in ("batch-norm", "mlp-whole-arrays", "shared-kernel", "logistic-neuron"):
        assert all(len(line) <= 80 for line in page(EXAMPLES / f"{name}.yaml", "full").splitlines())


def test_json_has_the_matrix_form() -> None:
    data = grad_json.render(backcalc.grad(EXAMPLES / "mlp-whole-arrays.yaml", view="matrix"))
    assert data["view"] == "matrix"
    assert data["gradients"]["W1"]["matrix"] == "(∂J/∂A)ᵀ X"
    assert data["gradients"]["W1"]["matrix_latex"].endswith(r"^{\top} \, X")
    assert data["adjoints"]["H"]["matrix"] == "∂J/∂Z W2"
    assert data["gradients"]["W1"]["formula"] == "sum(i=1..N, dJ/dA[i,j]*X[i,k])"
    conv = {"input": {"x": [1, 4, 5]}, "layers": [{"conv2d": {"filters": 2, "kernel": 3}}], "loss": {"sse": {}}}
    gradients = grad_json.render(backcalc.grad(conv))["gradients"]
    assert "matrix" not in gradients["W_conv2d_1"]
    assert gradients["b_conv2d_1"]["matrix"] == 'einsum("fij->f", ∂J/∂conv2d_1)'
