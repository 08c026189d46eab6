"""Matrix forms: read off index formulas, proved, and computed with NumPy; what does not fit cannot be built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, note, settings

from backcalc.derive import derive
from backcalc.derive.matrix import Einsum, Elementwise, Named, Node, Ones, Product, Scale, Sum, Trace, Transpose
from backcalc.derive.matrix_algebra import walk_nodes
from backcalc.derive.matrix_entry import equal
from backcalc.derive.matrix_read import MatrixForm, matrix_form
from backcalc.derive.matrix_shape import ShapeMismatch
from backcalc.derive.matrix_view import matrix_view
from backcalc.formula.read import read_expression
from backcalc.formula.tree import ONE, Expr, Ref, num
from backcalc.net import load_network
from backcalc.render.matrix_print import matrix_unicode
from backcalc.verify.matrix_forms import check_forms, numpy_value

from .array_formulas import AXES, SIZES, formulas
from .witness import value

N, M, P = (Ref(name) for name in "nmp")
SHAPES: Mapping[str, tuple[Expr, ...]] = {
    "A": (N, M), "B": (M, P), "C": (N, P), "D": (N, M), "S": (N, N), "R": (N, N),
    "x": (N,), "y": (M,), "z": (N,), "w": (P,), "c": (), "T": (N, M, P), "U": (M, P, Ref("q")),
    "V": (N, ONE), "O": (ONE, M),
}  # fmt: skip
Env = Mapping[str, Any]


def read(formula: str, indices: str = "", axes: Mapping[str, Expr] = AXES) -> MatrixForm:
    """The form of `formula` with these free indices, each over its own size."""
    left = {"result": tuple(axes[index] for index in indices)}
    return matrix_form("result", tuple(indices), read_expression(formula), {**SHAPES, **left})


def arrays() -> dict[str, Any]:
    draw = np.random.default_rng(7)
    return {
        name: draw.uniform(0.2, 1.0, [SIZES[axis.name] if isinstance(axis, Ref) else 1 for axis in shape])
        for name, shape in SHAPES.items()
    }


def by_index(formula: Expr, indices: str, env: Env, axes: Mapping[str, Expr] = AXES) -> Any:
    """The formula entry by entry: loops, and nothing of the matrix forms."""
    store = {n: {tuple(i + 1 for i in at): float(v) for at, v in np.ndenumerate(a)} for n, a in env.items()}
    extents = [SIZES[axis.name] for index in indices if isinstance(axis := axes[index], Ref)]
    result = np.zeros(extents)
    for place in np.ndindex(*extents):
        frame = {**SIZES, **{index: at + 1 for index, at in zip(indices, place, strict=True)}}
        result[place] = float(value(formula, frame, store))
    return result


# -- textbook forms --------------------------------------------------------------------------------

FORMS: list[tuple[str, str, str, Callable[[Env], Any]]] = [
    ("sum(j=1..m, A[i,j]*B[j,k])", "ik", "A B", lambda e: e["A"] @ e["B"]),
    ("sum(i=1..n, A[i,j]*C[i,k])", "jk", "Aᵀ C", lambda e: e["A"].T @ e["C"]),
    ("sum(i=1..n, A[i,j]*C[i,k])", "kj", "Cᵀ A", lambda e: e["C"].T @ e["A"]),
    ("sum(k=1..p, B[j,k]*C[i,k])", "ij", "C Bᵀ", lambda e: e["C"] @ e["B"].T),
    ("sum(j=1..m, A[i,j]*y[j])", "i", "A y", lambda e: e["A"] @ e["y"]),
    ("sum(i=1..n, A[i,j]*x[i])", "j", "Aᵀ x", lambda e: e["A"].T @ e["x"]),
    ("sum(i=1..n, sum(j=1..m, x[i]*A[i,j]*y[j]))", "", "xᵀ A y", lambda e: e["x"] @ e["A"] @ e["y"]),
    ("sum(i=1..n, sum(j=1..n, x[i]*S[i,j]*x[j]))", "", "xᵀ S x", lambda e: e["x"] @ e["S"] @ e["x"]),
    ("sum(i=1..n, x[i]*z[i])", "", "xᵀ z", lambda e: e["x"] @ e["z"]),
    ("x[i]*y[j]", "ij", "x yᵀ", lambda e: np.outer(e["x"], e["y"])),
    ("A[i,j]*D[i,j]", "ij", "A ⊙ D", lambda e: e["A"] * e["D"]),
    ("A[i,j]*D[i,j]", "ji", "Aᵀ ⊙ Dᵀ", lambda e: (e["A"] * e["D"]).T),
    ("A[i,j] + y[j]", "ij", "A + 𝟙 yᵀ", lambda e: e["A"] + e["y"]),
    ("A[i,j] + x[i]", "ij", "A + x 𝟙ᵀ", lambda e: e["A"] + e["x"][:, None]),
    ("x[i]", "ij", "x 𝟙ᵀ", lambda e: np.repeat(e["x"][:, None], 3, 1)),
    ("1", "ij", "𝟙 𝟙ᵀ", lambda e: np.ones((2, 3))),
    ("1 - A[i,j]^2", "ij", "1 − A ⊙ A", lambda e: 1 - e["A"] ** 2),
    ("sum(i=1..n, A[i,j])", "j", "Aᵀ 𝟙", lambda e: e["A"].sum(0)),
    ("sum(j=1..m, A[i,j])", "i", "A 𝟙", lambda e: e["A"].sum(1)),
    ("sum(j=1..m, A[i,j]*D[i,j])", "i", "rowsum(A ⊙ D)", lambda e: (e["A"] * e["D"]).sum(1)),
    ("sum(i=1..n, A[i,j]*D[i,j])", "j", "(A ⊙ D)ᵀ 𝟙", lambda e: (e["A"] * e["D"]).sum(0)),
    ("sum(i=1..n, sum(j=1..m, A[i,j]^2))", "", "‖A‖²", lambda e: np.linalg.norm(e["A"]) ** 2),
    ("sqrt(sum(i=1..n, x[i]^2))", "", "‖x‖", lambda e: np.linalg.norm(e["x"])),
    ("1/2*sum(i=1..n, sum(j=1..m, (A[i,j] - D[i,j])^2))", "", "1/2·‖A − D‖²",
     lambda e: np.sum((e["A"] - e["D"]) ** 2) / 2),
    ("sum(i=1..n, S[i,i])", "", "tr(S)", lambda e: np.trace(e["S"])),
    ("sum(i=1..n, sum(j=1..n, S[i,j]*R[j,i]))", "", "tr(S R)", lambda e: np.trace(e["S"] @ e["R"])),
    ("sum(i=1..n, sum(j=1..m, A[i,j]*D[i,j]))", "", "𝟙ᵀ (A ⊙ D) 𝟙", lambda e: np.trace(e["A"].T @ e["D"])),
    ("sum(i=1..n, A[i,j]*x[i]*C[i,k])", "jk", "Aᵀ diag(x) C", lambda e: e["A"].T @ np.diag(e["x"]) @ e["C"]),
    ("A[i,j]*sum(k=1..p, B[j,k]*C[i,k])", "ij", "A ⊙ (C Bᵀ)", lambda e: e["A"] * (e["C"] @ e["B"].T)),
    ("exp(A[i,j])/sum(j=1..m, exp(A[i,j]))", "ij", "softmax(A)",
     lambda e: np.exp(e["A"]) / np.exp(e["A"]).sum(1, keepdims=True)),
    ("exp(x[i])/sum(i=1..n, exp(x[i]))", "i", "softmax(x)", lambda e: np.exp(e["x"]) / np.exp(e["x"]).sum()),
    ("log(sum(i=1..n, exp(x[i])))", "", "log(𝟙ᵀ exp(x))", lambda e: np.log(np.exp(e["x"]).sum())),
    ("A[i,j]*(D[i,j] > 1/2)", "ij", "A ⊙ [D > 1/2]", lambda e: e["A"] * (e["D"] > 0.5)),
    ("max(j=1..m, A[i,j])", "i", "rowmax(A)", lambda e: e["A"].max(1)),
    ("A[i,j] - mean(j=1..m, A[i,j])", "ij", "A − 1/m·A 𝟙 𝟙ᵀ", lambda e: e["A"] - e["A"].mean(1, keepdims=True)),
    ("x[i] - mean(i=1..n, x[i])", "i", "x − 1/n·(𝟙ᵀ x)·𝟙", lambda e: e["x"] - e["x"].mean()),
    ("mean(i=1..n, mean(j=1..m, (A[i,j] - D[i,j])^2))", "", "‖A − D‖²/(m·n)",
     lambda e: ((e["A"] - e["D"]) ** 2).mean()),
    ("V[i,1]*O[1,j]", "ij", "V O", lambda e: e["V"] @ e["O"]),
    ("sum(j=1..m, A[i,j]*O[1,j])*V[i,1]", "i", "(A Oᵀ) ⊙ V", lambda e: (e["A"] @ e["O"].T * e["V"])[:, 0]),
    ("x[i] - (i == 2)", "i", "x − e₂", lambda e: e["x"] - np.array([0, 1])),
    ("c*A[i,j]/n", "ij", "c/n·A", lambda e: e["c"] * e["A"] / 2),
    ("A[i,j]/(x[i]*y[j])", "ij", "A ⊘ ((x 𝟙ᵀ) ⊙ (𝟙 yᵀ))", lambda e: e["A"] / np.outer(e["x"], e["y"])),
    ("sum(i=1..n, T[i,j,k]*A[i,j])", "jk", 'einsum("ijk,ij->jk", T, A)',
     lambda e: np.einsum("ijk,ij->jk", e["T"], e["A"])),
    ("sum(j=1..m, T[i,j,k]*U[j,k,l])", "ikl", 'einsum("ijk,jkl->ikl", T, U)',
     lambda e: np.einsum("ijk,jkl->ikl", e["T"], e["U"])),
    ("relu(T[i,j,k])", "ijk", "relu(T)", lambda e: np.maximum(e["T"], 0)),
]  # fmt: skip


@pytest.mark.parametrize(("formula", "indices", "text", "by_hand"), FORMS, ids=[row[2] for row in FORMS])
def test_forms(formula: str, indices: str, text: str, by_hand: Callable[[Env], Any]) -> None:
    """The text by heart, its value by NumPy written by hand, and the node's own value."""
    form, env = read(formula, indices), arrays()
    assert form.node is not None, form.reason
    assert matrix_unicode(form.node) == text
    expected = np.asarray(by_hand(env))
    found = numpy_value(form.node, env, SIZES).reshape(expected.shape)
    assert np.allclose(found, expected, rtol=1e-13)


@pytest.mark.parametrize(
    ("formula", "indices", "reason"),
    [
        ("sum(j=1..2, A[i,j+1]*y[j])", "i", "it reads A[i,j+1]"),
        ("sum(j=1..2, A[i,j])", "i", "j does not run over a whole axis of A"),
        ("sum(j=i..m, A[i,j])", "i", "the sum over j does not run over a whole axis"),
        ("x[i]*(i <= j)", "ij", "[i ≤ j] compares indices"),
        ("T[i,i,k]", "ik", "i does not run over a whole axis of T"),
    ],
)
def test_what_has_no_form_says_why(formula: str, indices: str, reason: str) -> None:
    form = read(formula, indices)
    assert form.node is None
    assert form.reason == reason


# -- shapes ----------------------------------------------------------------------------------------

A, B, X = (Named(name, SHAPES[name]) for name in ("A", "B", "x"))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Product((B, A)), "a product of m×p and n×m: the inner sizes p and n differ"),
        (lambda: Product((A, Transpose(B))), "a product of n×m and p×m: the inner sizes m and p differ"),
        (lambda: Sum((A, Transpose(A))), "a sum of n×m and m×n: the shapes differ"),
        (lambda: Elementwise((A, B)), "an elementwise product of n×m and m×p: the shapes differ"),
        (lambda: Elementwise((A,), (B,)), "an elementwise quotient of n×m and m×p: the shapes differ"),
        (lambda: Trace(A), "a trace of a matrix that is not square, n×m"),
        (lambda: Scale(X, A), "a multiple by n×1: the factor has to be a number, 1×1"),
        (lambda: Transpose(Named("T", SHAPES["T"])), "a transpose of an array with 3 axes, n×m×p"),
        (lambda: Einsum(((A, ("i", "j")), (B, ("i", "k"))), ("j",)), "an einsum whose index i has the sizes n and m"),
        (lambda: Einsum(((A, ("i", "j")),), ("k",)), "an einsum whose result has an index that no operand has: k"),
        (lambda: Einsum(((A, ("i",)),), ("i",)), "an einsum with 1 labels for an array that is n×m"),
    ],
)
def test_a_wrong_shape_cannot_be_built(build: Callable[[], Node], message: str) -> None:
    with pytest.raises(ShapeMismatch) as error:
        build()
    assert str(error.value) == message


def test_a_wrong_transposition_of_square_matrices_is_not_proved() -> None:
    """Where the shapes let it pass, the proof does not."""
    S, R = Named("S", (N, N)), Named("R", (N, N))
    formula = read_expression("sum(k=1..n, S[k,i]*R[k,j])")
    assert equal(Product((Transpose(S), R)), formula, ("i", "j"))
    for wrong in [(S, R), (Transpose(R), S), (S, Transpose(R)), (Transpose(S), Transpose(R))]:
        assert not equal(Product(wrong), formula, ("i", "j"))
    assert not equal(Product((Transpose(S), R)), formula, ("j", "i"))
    assert not equal(Ones(N), read_expression("2"), ("i",))


# -- what computer algebra gets wrong --------------------------------------------------------------


def forms_of(net: Mapping[str, object]) -> dict[str, str]:
    """The text of every form of a network, each held against its index formula with NumPy."""
    derivation = derive(load_network(net), view="index")
    check = check_forms(derivation)
    assert check.passed and check.max_error is not None and check.max_error < 1e-12
    forms = matrix_view(derivation).forms
    return {name: matrix_unicode(form.node) if form.node else form.reason for name, form in forms.items()}


TWO_LAYERS = {
    "shapes": {"X": ["N", "D"], "V": ["D", "H"], "W": ["H", "K"], "T": ["N", "K"]},
    "equations": "A = X @ V\nS = sigmoid(A)\nY = S @ W\nJ = 1/2*sumsq(Y - T)",
    "find": ["V", "W"],
}


def test_the_trap_of_two_layers() -> None:
    """The derivative by the first weights, where rules for whole arrays have multiplied (N, H) by (H, N)."""
    forms = forms_of(TWO_LAYERS)
    assert forms["dJ/dW"] == "Sᵀ ∂J/∂Y"
    assert forms["dJ/dS"] == "∂J/∂Y Wᵀ"
    assert forms["dJ/dA"] == "∂J/∂S ⊙ S ⊙ (1 − S)"
    assert forms["dJ/dV"] == "Xᵀ ∂J/∂A"


def test_the_two_layers_by_hand_and_by_differences() -> None:
    derivation = derive(load_network(TWO_LAYERS), view="index")
    forms = matrix_view(derivation).forms
    sizes = {"N": 5, "D": 2, "H": 4, "K": 3}
    draw = np.random.default_rng(3)
    env: dict[str, Any] = {
        name: draw.normal(size=shape) for name, shape in {"X": (5, 2), "V": (2, 4), "W": (4, 3), "T": (5, 3)}.items()
    }

    def loss(V: Any) -> float:
        return float(np.sum((1 / (1 + np.exp(-env["X"] @ V)) @ env["W"] - env["T"]) ** 2) / 2)

    for name in ("A", "S", "Y", "dJ/dY", "dJ/dS", "dJ/dA", "dJ/dV", "dJ/dW"):
        node = forms[name].node
        assert node is not None
        env[name] = numpy_value(node, env, sizes)
    S = 1 / (1 + np.exp(-env["X"] @ env["V"]))
    delta = ((S @ env["W"] - env["T"]) @ env["W"].T) * S * (1 - S)
    assert np.allclose(env["dJ/dV"], env["X"].T @ delta, rtol=1e-12)
    for place in np.ndindex(2, 4):
        h = np.zeros((2, 4))
        h[place] = 1e-5
        slope = (loss(env["V"] + h) - loss(env["V"] - h)) / 2e-5
        assert slope == pytest.approx(env["dJ/dV"][place], rel=1e-7, abs=1e-8)


def test_traces_and_what_is_made_of_them() -> None:
    """Sums of traces, their logarithm and exponential: not 0."""
    net = {
        "shapes": {"W": ["n", "n"], "B": ["n", "n"], "u": ["n"], "lam": []},
        "equations": "a = sum(i, W[i,i])\nb = sum(i, sum(j, W[i,j]*B[j,i]))\nc = sum(i, sum(j, u[i]*W[i,j]*u[j]))\n"
        "J = lam*a/2 + log(b) + exp(a) + c",
        "find": ["W", "u"],
    }
    forms = forms_of(net)
    assert forms["a"] == "tr(W)" and forms["b"] == "tr(W B)" and forms["c"] == "uᵀ W u"
    assert forms["dJ/du"] == "(W + Wᵀ) u"
    assert "I" in forms["dJ/dW"] and "Bᵀ" in forms["dJ/dW"] and "u uᵀ" in forms["dJ/dW"]


def test_a_delta_with_two_vectors_is_a_matrix_and_no_number() -> None:
    form = read("(i == j)*x[i]*z[j]", "ij", {"i": N, "j": N})
    assert form.node is not None
    env = arrays()
    assert np.allclose(numpy_value(form.node, env, SIZES), np.diag(env["x"] * env["z"]))


# -- whole derivations -----------------------------------------------------------------------------


def test_attention_backward() -> None:
    """Q Kᵀ/√d, softmax, V, as published: dS = P ⊙ (dP − rowsum(dP ⊙ P))."""
    net = {
        "shapes": {"Q": ["T", "d"], "K": ["S", "d"], "V": ["S", "m"], "G": ["T", "m"]},
        "equations": "Z = Q @ K.T / sqrt(d)\nP = softmax(Z)\nO = P @ V\nJ = sum(O*G)",
        "find": ["Q", "K", "V"],
    }
    forms = forms_of(net)
    assert forms["Z"] == "Q Kᵀ/√(d)" and forms["P"] == "softmax(Z)" and forms["O"] == "P V"
    assert forms["dJ/dP"] == "∂J/∂O Vᵀ"
    assert forms["dJ/dV"] == "Pᵀ ∂J/∂O"
    assert forms["dJ/dZ"] == "P ⊙ (∂J/∂P − rowsum(∂J/∂P ⊙ P) 𝟙ᵀ)"
    assert forms["dJ/dQ"] == "∂J/∂Z K/√(d)"
    assert forms["dJ/dK"] == "(∂J/∂Z)ᵀ Q/√(d)"


def test_attention_over_a_batch_is_an_einsum() -> None:
    net = {
        "shapes": {"Q": ["B", "T", "d"], "K": ["B", "S", "d"], "V": ["B", "S", "m"], "G": ["B", "T", "m"]},
        "equations": "Z[n,i,j] = sum(k, Q[n,i,k]*K[n,j,k])/sqrt(d)\n"
        "P[n,i,j] = exp(Z[n,i,j])/sum(k, exp(Z[n,i,k]))\nO[n,i,j] = sum(k, P[n,i,k]*V[n,k,j])\n"
        "J = sum(n, sum(i, sum(j, O[n,i,j]*G[n,i,j])))",
        "find": ["Q"],
    }
    forms = forms_of(net)
    assert forms["P"] == "softmax(Z)"
    assert forms["dJ/dZ"] == 'P ⊙ (∂J/∂P − einsum("nia,nia,j->nij", ∂J/∂P, P, 𝟙))'
    assert forms["dJ/dQ"] == 'einsum("nij,njk->nik", ∂J/∂Z, K)/√(d)'


def test_softmax_with_cross_entropy() -> None:
    net = {
        "batch": "N",
        "input": {"x": 3},
        "layers": [{"dense": {"name": "z", "units": 2}}, {"softmax": {"name": "y"}}],
        "loss": {"cross_entropy": {}},
    }
    forms = forms_of(net)
    assert forms["z"] == "x W_zᵀ + 𝟙 b_zᵀ" and forms["y"] == "softmax(z)"
    assert forms["dJ/dz"] == "1/N·(y ⊙ (t 𝟙 𝟙ᵀ) − t)"
    assert forms["dJ/dW_z"] == "(∂J/∂z)ᵀ x" and forms["dJ/db_z"] == "(∂J/∂z)ᵀ 𝟙"


def test_one_sample() -> None:
    net = {
        "input": {"x": 3},
        "layers": [{"dense": {"name": "z", "units": 4}}, {"tanh": {"name": "h"}}, {"dense": {"name": "y", "units": 2}}],
        "loss": {"sse": {}},
    }
    forms = forms_of(net)
    assert forms["z"] == "W_z x + b_z" and forms["h"] == "tanh(z)" and forms["y"] == "W_y h + b_y"
    assert forms["J"] == "‖y − t‖²" and forms["dJ/dy"] == "2·(y − t)"
    assert forms["dJ/dh"] == "W_yᵀ ∂J/∂y" and forms["dJ/dz"] == "∂J/∂h ⊙ (1 − h ⊙ h)"
    assert forms["dJ/dW_z"] == "∂J/∂z xᵀ" and forms["dJ/db_z"] == "∂J/∂z"


def test_one_output_over_a_batch() -> None:
    """An axis of one entry: ∂J/∂h[n,i] = ∂J/∂z[n,1]·W[1,i] is a product of a column and a row."""
    net = {
        "batch": "N",
        "input": {"x": 2},
        "layers": [{"dense": {"name": "h", "units": 3}}, {"dense": {"name": "z", "units": 1}}],
        "loss": {"mse": {}},
    }
    forms = forms_of(net)
    assert forms["dJ/dh"] == "∂J/∂z W_z" and forms["dJ/dW_z"] == "(∂J/∂z)ᵀ h"
    assert forms["J"] == "1/N·‖z − t‖²"


def test_batch_norm_with_symbolic_n() -> None:
    net = {
        "batch": "N",
        "input": {"x": 3},
        "layers": [{"batchnorm": {"name": "q"}}],
        "loss": {"sse": {}},
    }
    forms = forms_of(net)
    assert forms["mu_q"] == "1/N·xᵀ 𝟙"
    assert forms["q"] == "(𝟙 γ_qᵀ) ⊙ hat_q + 𝟙 β_qᵀ"
    assert forms["dJ/dgamma_q"] == "(∂J/∂q ⊙ hat_q)ᵀ 𝟙"
    assert forms["dJ/dbeta_q"] == "(∂J/∂q)ᵀ 𝟙"
    assert not any("no " in text or "proved" in text for text in forms.values())


def test_convolution_says_why_it_stays_an_index_formula() -> None:
    net = {
        "input": {"x": [1, 4, 5]},
        "layers": [{"conv2d": {"name": "q", "filters": 2, "kernel": 3}}],
        "loss": {"sse": {}},
    }
    forms = forms_of(net)
    assert forms["q"] == "it reads x[c,i+a−1,j+b−1]"
    assert forms["dJ/dW_q"] == "it reads x[c,i+a−1,j+b−1]"
    assert forms["dJ/db_q"] == 'einsum("fij->f", ∂J/∂q)'
    assert forms["dJ/dq"] == "2·(q − t)"


def test_a_form_that_is_wrong_is_caught_by_numpy() -> None:
    """The check of the forms can fail: a transposed factor of a square matrix."""
    net = {"shapes": {"S": [3, 3], "x": [3]}, "equations": "y = S @ x\nJ = sumsq(y)", "find": ["x"]}
    derivation = derive(load_network(net), view="index")
    view = matrix_view(derivation)
    S, delta = Named("S", (num(3), num(3))), Named("dJ/dy", (num(3),))
    form = view.forms["dJ/dx"]
    assert form.node == Product((Transpose(S), delta))
    wrong = MatrixForm(form.of, form.indices, form.formula, Product((S, delta)))
    changed = type(view)({**view.forms, "dJ/dx": wrong}, view.updates)
    assert check_forms(derivation, view).passed
    assert not check_forms(derivation, changed).passed


# -- random formulas -------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(formulas())
def test_random_formulas(case: tuple[str, str, dict[str, tuple[Expr, ...]]]) -> None:
    """Each sum of products has a form, and NumPy computes from it what the loops compute from the formula."""
    text, free, shapes = case
    formula = read_expression(text)
    form = matrix_form("result", tuple(free), formula, {**shapes, "result": tuple(AXES[i] for i in free)})
    note(f"{text} [{free}]: {form.reason}")
    if form.node is None:  # a number, or a power of sums inside a logarithm that the normal form does not settle
        assert not free or "log(" in text
        return
    note(matrix_unicode(form.node))
    draw = np.random.default_rng(11)
    env = {n: draw.uniform(0, 1, [SIZES[a.name] for a in s if isinstance(a, Ref)]) for n, s in shapes.items()}
    expected = by_index(formula, free, env)
    found = numpy_value(form.node, env, SIZES).reshape(expected.shape)
    assert np.allclose(found, expected, rtol=1e-11, atol=1e-12)
    if all(len(shape) <= 2 for shape in shapes.values()) and len(free) <= 2 and text.count("*") <= 1:
        assert not any(isinstance(node, Einsum) for node in walk_nodes(form.node))
