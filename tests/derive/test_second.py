"""Jacobians, second derivatives and derivatives inside equations, against second differences of the loss alone."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import product
from typing import Any

import pytest

import backcalc
from backcalc.derive import Derivation, derive
from backcalc.derive.gradient import Gradient
from backcalc.derive.key import key
from backcalc.formula.print_text import to_text
from backcalc.formula.read import read_expression
from backcalc.net import InputError
from backcalc.render import grad_json, grad_text
from backcalc.verify.witnesses import verified

from .rows import disagreements, elementwise, second_slope, slope, values_of
from .witness import MP, Place, Store, places, random_leaves, value

TIGHT = MP.mpf(10) ** -25
SECOND = MP.mpf(10) ** -20  # what a second difference with h = 1e-15 leaves at 60 digits


def derivation(source: Mapping[str, Any]) -> Derivation:
    return derive(backcalc.load(source))


def answer(found: Derivation, asked: str) -> Gradient:
    (gradient,) = (gradient for part in found.parts for gradient in part.gradients if gradient.asked == asked)
    return gradient


def formula(found: Derivation, asked: str) -> str:
    return to_text(answer(found, asked).formula)


def leaves_of(found: Derivation, sizes: Mapping[str, int], seed: int = 3) -> Store:
    leaves = random_leaves(found.program, seed, sizes)
    for name, nested in found.network.values.items():
        leaves[name] = {
            at: MP.mpf(v.numerator) / v.denominator for at, v in backcalc.derive.arrays.elements(nested).items()
        }
    return leaves


def numbers(found: Derivation, asked: str, leaves: Store, sizes: Mapping[str, int]) -> dict[Place, Any]:
    """The elements of an answer, from its formula alone."""
    gradient = answer(found, asked)
    part = next(part for part in found.parts if gradient in part.gradients)
    store = values_of(part, leaves, sizes)
    known = {n: v for n, v in part.program.sizes.items() if v is not None} | dict(sizes)
    shape = dict(zip(gradient.adjoint.indices, gradient.adjoint.shape, strict=True))
    extents = [int(value(shape[index], known, {})) for index in gradient.indices]
    return {
        at: value(
            gradient.formula, {**known, **dict(zip(gradient.indices, at, strict=True))}, store, part.program.padded
        )
        for at in product(*(range(1, extent + 1) for extent in extents))
    }


# -- Jacobians -----------------------------------------------------------------------------------

SOFTMAX = {"sizes": {"K": None}, "equations": "y[i] = exp(z[i])/sum(k=1..K, exp(z[k]))", "find": ["dy/dz"]}


def test_the_jacobian_of_softmax() -> None:
    found = derivation(SOFTMAX)
    gradient = answer(found, "dy/dz")
    assert to_text(gradient.formula) == "y[i]*((i == j) - y[j])"
    assert to_text(gradient.left) == "dy/dz[i,j]"
    for size in (1, 2, 5):
        assert disagreements(found, leaves_of(found, {"K": size}), {"K": size}, most=25) == []
    assert verified(found).passed


def test_a_jacobian_in_json() -> None:
    net = {**SOFTMAX, "sizes": {"K": 2}, "values": {"z": [0, 0]}}
    shown = grad_json.render(backcalc.grad(net))
    assert list(shown["gradients"]) == ["dy/dz"]
    entry = shown["gradients"]["dy/dz"]
    assert (entry["formula"], entry["indices"], entry["shape"]) == ("y[i]*((i == j) - y[j])", ["i", "j"], [2, 2])
    assert entry["exact"] == [["1/4", "-1/4"], ["-1/4", "1/4"]]
    assert entry["decimal"] == [[0.25, -0.25], [-0.25, 0.25]]
    assert shown["updates"] == {}  # nothing descends along a Jacobian
    assert shown["loss"]["name"] == "y"


LAYERS: dict[str, Any] = {
    "input": {"x": 3},
    "layers": [{"dense": {"name": "z", "units": 2}}, {"softmax": {"name": "y"}}],
    "loss": {"nll": {"name": "J", "target": 1}},
}


def test_jacobians_of_a_network_of_layers() -> None:
    found = derivation({**LAYERS, "find": ["dy/dx", "dz/dW_z", "dy[1]/dx[2]", "dy[2]/dW_z", "dy/dx[1]", "dy/db_z[2]"]})
    assert formula(found, "dz/dW_z") == "x[k]*(i == j)"
    leaves = leaves_of(found, {})
    whole = numbers(found, "dy/dx", leaves, {})
    assert set(whole) == set(product((1, 2), (1, 2, 3)))
    for at, claim in whole.items():
        assert abs(claim - slope(found.program, leaves, {}, ("y", at[:1]), ("x", at[1:]))) < TIGHT
    assert numbers(found, "dy[1]/dx[2]", leaves, {})[()] == whole[1, 2]
    assert numbers(found, "dy/dx[1]", leaves, {}) == {(1,): whole[1, 1], (2,): whole[2, 1]}
    for (j, k), claim in numbers(found, "dy[2]/dW_z", leaves, {}).items():
        assert abs(claim - slope(found.program, leaves, {}, ("y", (2,)), ("W_z", (j, k)))) < TIGHT
    for (i,), claim in numbers(found, "dy/db_z[2]", leaves, {}).items():
        assert abs(claim - slope(found.program, leaves, {}, ("y", (i,)), ("b_z", (2,)))) < TIGHT


def test_the_jacobian_of_a_recurrence() -> None:
    """∂h_t/∂x_i = Π of what lies between, 0 where i comes after t (Pascanu et al. 2013, equation 5)."""
    lines = "h[t] = tanh(a*h[t-1] + x[t])\nh[0] = w"
    net = {"sizes": {"T": None}, "shapes": {"x": ["T"]}, "equations": lines, "find": ["dh/dx", "dh/da", "dh/dw"]}
    found = derivation(net)
    assert formula(found, "dh/dx") == "dh/dh[t,i]*(1 - h[i]^2)"
    assert formula(found, "dh/da") == "sum(t2=1..T, dh/dh[t,t2]*(1 - h[t2]^2)*h[t2-1])"
    (part,) = found.parts
    assert to_text(part.adjoints["h"].closed) == "(i == t) + dh/dh[t,i+1]*(1 - h[i+1]^2)*a*(i < T)"
    assert to_text(part.adjoints["h"].steps[-1].after) == "prod(r=i + 1..t, (1 - h[r]^2)*a)*(i <= t)"
    assert disagreements(found, leaves_of(found, {"T": 4}), {"T": 4}, most=16) == []


def test_an_array_by_itself() -> None:
    found = derivation({"shapes": {"x": [3]}, "equations": "y[i] = exp(x[i])", "find": ["dy/dy", "dy/dx"]})
    assert formula(found, "dy/dy") == "i == j"
    assert formula(found, "dy/dx") == "y[i]*(i == j)"


# -- Hessians ------------------------------------------------------------------------------------

LOGISTIC = """
a[n] = sum(d=1..D, w[d]*x[n,d])
p[n] = sigmoid(a[n])
J = -sum(n=1..N, t[n]*log(p[n]) + (1 - t[n])*log(1 - p[n]))
"""


def test_the_hessian_of_logistic_regression() -> None:
    """Xᵀ diag(p(1 − p)) X."""
    found = derivation({"sizes": {"N": None, "D": None}, "equations": LOGISTIC, "find": ["w", "d^2J/dw^2"]})
    assert formula(found, "w") == "sum(n=1..N, dJ/da[n]*x[n,d])"
    assert to_text(found.adjoints["a"].closed) == "p[n] - t[n]"
    assert formula(found, "d^2J/dw^2") == "sum(n=1..N, x[n,d]*p[n]*(1 - p[n])*x[n,i])"
    sizes = {"N": 4, "D": 3}
    leaves = leaves_of(found, sizes)
    hessian = numbers(found, "d^2J/dw^2", leaves, sizes)
    assert set(hessian) == set(product((1, 2, 3), repeat=2))
    for (d, i), claim in hessian.items():
        true = second_slope(found.network.program, leaves, sizes, "J", ("w", (d,)), ("w", (i,)))
        assert abs(claim - true) < SECOND
        assert abs(claim - hessian[i, d]) < TIGHT
    assert verified(found).passed


MLP = """
h[j] = tanh(sum(k=1..2, W[j,k]*x[k]) + b[j])
y[i] = sum(j=1..3, V[i,j]*h[j])
J = 1/2*sum(i=1..2, (y[i] - t[i])^2)
"""


def test_the_hessian_of_a_small_network() -> None:
    asked = ["d^2J/dW^2", "d^2J/(dW dV)", "d^2J/(dV dW)", "d^2J/db^2"]
    found = derivation({"equations": MLP, "shapes": {"x": [2]}, "find": asked})
    leaves = leaves_of(found, {})
    program = found.network.program
    hessian = numbers(found, "d^2J/dW^2", leaves, {})
    assert len(hessian) == 36
    for at in list(hessian)[::3]:
        true = second_slope(program, leaves, {}, "J", ("W", at[:2]), ("W", at[2:]))
        assert abs(hessian[at] - true) < SECOND
    for at, claim in hessian.items():
        assert abs(claim - hessian[at[2:] + at[:2]]) < TIGHT
    mixed = numbers(found, "d^2J/(dW dV)", leaves, {})
    turned = numbers(found, "d^2J/(dV dW)", leaves, {})
    for at, claim in mixed.items():
        assert abs(claim - turned[at[2:] + at[:2]]) < TIGHT
    for at in list(mixed)[::5]:
        assert abs(mixed[at] - second_slope(program, leaves, {}, "J", ("W", at[:2]), ("V", at[2:]))) < SECOND
    assert all(check.passed for part in verified(found).parts for check in part.verified)


def test_second_derivatives_by_own_names() -> None:
    net = {
        "input": {"x": 2},
        "layers": [
            {"dense": {"name": "z", "units": 1, "bias": False, "weights": [["w1", "w2"]]}},
            {"sigmoid": {"name": "y"}},
        ],
        "loss": {"sse": {"name": "J", "target": "t"}},
        "values": {"x": [2, -1], "w1": "1/2", "w2": "1/3", "t": [1]},
        "find": ["d^2J/(dw1 dw2)", "d^2J/dw1^2", "d^2J/dW_z^2"],
    }
    found = derivation(net)
    leaves = leaves_of(found, {})
    for asked, one, two in (("d^2J/(dw1 dw2)", "w1", "w2"), ("d^2J/dw1^2", "w1", "w1")):
        true = second_slope(found.network.program, leaves, {}, "J", (one, ()), (two, ()))
        assert abs(numbers(found, asked, leaves, {})[()] - true) < SECOND
    shown = grad_json.render(backcalc.grad(net))
    assert {"d^2J/(dw1 dw2)", "d^2J/dw1^2", "d^2J/dW_z^2"} <= set(shown["gradients"])
    block = shown["gradients"]["d^2J/dW_z^2"]
    assert block["shape"] == [1, 2, 1, 2]
    assert block["decimal"][0][0][0][1] == pytest.approx(shown["gradients"]["d^2J/(dw1 dw2)"]["decimal"], rel=1e-12)


CUBE = "J = sum(i=1..3, x[i]^3*x[1]) + w"


def test_elements_of_a_hessian_have_their_conditions_decided() -> None:
    found = derivation({"equations": CUBE, "find": ["d^2J/(dx[1] dx[2])", "d^2J/dx[3]^2", "d^2J/(dx dx[1])"]})
    assert formula(found, "d^2J/(dx[1] dx[2])") == "3*x[2]^2"
    assert formula(found, "d^2J/dx[3]^2") == "6*x[1]*x[3]"
    leaves = leaves_of(found, {})
    for (i,), claim in numbers(found, "d^2J/(dx dx[1])", leaves, {}).items():
        true = second_slope(found.network.program, leaves, {}, "J", ("x", (i,)), ("x", (1,)))
        assert abs(claim - true) < SECOND


def test_where_there_is_no_path_the_answer_is_0_with_the_reason() -> None:
    found = derivation({"equations": CUBE, "find": ["d^2J/(dx dw)", "d^2J/dw^2"]})
    for asked, reason in (("d^2J/(dx dw)", "dJ/dx does not depend on w"), ("d^2J/dw^2", "dJ/dw does not depend on w")):
        gradient = answer(found, asked)
        assert to_text(gradient.formula) == "0"
        assert gradient.adjoint.steps[-1].reason == reason
    assert "does not depend on w" in grad_text.render(verified(found))


def test_second_derivatives_of_a_number_that_is_not_the_loss() -> None:
    net = {"equations": "s = sum(i=1..3, x[i]^3)\nJ = s^2", "find": ["d^2s/dx^2", "ds/dx", "x", "d^2J/dx^2"]}
    found = derivation(net)
    assert formula(found, "d^2s/dx^2") == "6*x[i]*(i == j)"
    assert formula(found, "ds/dx") == "3*x[i]^2"
    leaves = leaves_of(found, {})
    for (i, j), claim in numbers(found, "d^2J/dx^2", leaves, {}).items():
        assert abs(claim - second_slope(found.network.program, leaves, {}, "J", ("x", (i,)), ("x", (j,)))) < SECOND
    assert all(part.passed for part in verified(found).parts)


def test_the_hessian_through_a_recurrence() -> None:
    """The derivative by the boundary row is read under its own name, and has a derivative itself."""
    net = {
        "sizes": {"T": None},
        "shapes": {"x": ["T"]},
        "equations": "h[t] = tanh(a*h[t-1] + x[t])\nh[0] = w\nJ = sum(t=0..T, h[t]^2)",
        "find": ["d^2J/(dw da)", "d^2J/dw^2", "d^2J/da^2", "d^2J/dx^2"],
    }
    found, sizes = derivation(net), {"T": 3}
    leaves = leaves_of(found, sizes)
    for asked, one, two in (("d^2J/(dw da)", "w", "a"), ("d^2J/dw^2", "w", "w"), ("d^2J/da^2", "a", "a")):
        true = second_slope(found.network.program, leaves, sizes, "J", (one, ()), (two, ()))
        assert abs(numbers(found, asked, leaves, sizes)[()] - true) < SECOND
    for at, claim in numbers(found, "d^2J/dx^2", leaves, sizes).items():
        true = second_slope(found.network.program, leaves, sizes, "J", ("x", at[:1]), ("x", at[1:]))
        assert abs(claim - true) < SECOND


# -- derivatives inside equations ----------------------------------------------------------------


def test_a_hessian_vector_product_is_the_hessian_times_the_vector() -> None:
    """Pearlmutter 1994: H v = ∂(v·∂J/∂w)/∂w."""
    sizes = {"N": 4, "D": 3}
    free = {"N": None, "D": None}
    line = "s = sum(k=1..D, diff(J, w[k])*v[k])"
    found = derivation({"sizes": free, "equations": LOGISTIC + line, "find": ["w", "v"]})
    whole = derivation({"sizes": free, "equations": LOGISTIC, "find": ["d^2J/dw^2"]})
    leaves = leaves_of(found, sizes)
    hessian = numbers(whole, "d^2J/dw^2", leaves, sizes)
    gradient = {
        at: slope(whole.program, leaves, sizes, ("J", ()), ("w", at)) for at in places(whole.program, "w", sizes)
    }
    for (d,), claim in numbers(found, "w", leaves, sizes).items():
        assert abs(claim - sum(hessian[d, i] * leaves["v"][i,] for i in (1, 2, 3))) < TIGHT
    for at, claim in numbers(found, "v", leaves, sizes).items():
        assert abs(claim - gradient[at]) < TIGHT
    assert verified(found).passed


def test_several_derivatives_of_one_loss_in_one_formula() -> None:
    """Every derivative that they share stands in the program once."""
    net = {
        "sizes": {"T": None},
        "shapes": {"x": ["T"]},
        "equations": """
            h[t] = tanh(a*h[t-1] + x[t])
            h[0] = w
            J = sum(t=1..T, h[t]^2)
            s = diff(J, w)*u + diff(J, a)*v + sum(t=1..T, diff(J, x[t])*c[t])
        """,
        "find": ["w", "a", "x"],
    }
    found = derivation(net)
    defined = [equation.name for equation in found.program.equations]
    assert len(defined) == len(set(defined))
    assert disagreements(found, leaves_of(found, {"T": 3}), {"T": 3}, most=6) == []
    assert verified(found).passed


DIFFS = {
    "of a power": ("p = x^3*y\nJ = diff(p, x)*z", "6*y*x*z", "x"),
    "twice": ("p = x^4\nq = diff(p, x)\nr = diff(q, x)\nJ = r*y", "24*x*y", "x"),
    "of a Jacobian": ("y[i] = x[i]^3\nJ = sum(i=1..3, sum(j=1..3, diff(y[i], x[j])))", "6*x[i]", "x"),
    "by itself": ("p = x^2\nJ = diff(p, p)*x", "1", "x"),
    "of what it does not depend on": ("p = x^2\nJ = diff(p, y)*x + y", "0", "x"),
}


@pytest.mark.parametrize("case", DIFFS)
def test_diff_in_an_equation(case: str) -> None:
    equations, expected, by = DIFFS[case]
    found = derivation({"equations": equations, "find": [by]})
    leaves = leaves_of(found, {})
    store = values_of(found, leaves, {})
    for at in places(found.program, by, {}):
        frame = dict(zip(("i",), at, strict=False))
        claim = store[f"dJ/d{by}"][at]
        assert abs(claim - value(read_expression(expected), frame, leaves)) < TIGHT
    assert elementwise(found.program, leaves, {})["J"][()] == store["J"][()]
    assert verified(found).passed


def test_diff_takes_names() -> None:
    with pytest.raises(InputError) as caught:
        backcalc.load({"equations": "J = sum(i=1..3, x[i]^2)\ns = diff(J + 1, x[1])"})
    (problem,) = caught.value.problems
    assert problem.message == "`diff` takes the name of an equation, and an array or number"
    assert problem.help == "give it a name of its own, as in `f = …`, and write `diff(f, x)`"


# -- how it is asked for -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spelling", ["d^2J/dx^2", "∂²J/∂x²", "d²J/dx²", "∂^2J/∂x^2", "d^{2}J/dx^{2}", "d^2J/(dx dx)", "d^2J/(dx*dx)"]
)
def test_spellings_of_a_second_derivative(spelling: str) -> None:
    found = derivation({"equations": "J = sum(i=1..3, x[i]^3)", "find": [spelling]})
    assert [to_text(g.formula) for g in found.further[0].gradients] == ["6*x[i]*(i == j)"]
    assert found.further[0].gradients[0].adjoint.name == "d^2J/dx^2"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("dy/dq", "unknown name `q`"),
        ("d^2J/dx", "expected a second derivative, got `d^2J/dx`"),
        ("d^2y/dx^2", "`d^2y/dx^2`: only a number has second derivatives here, and `y` is an array"),
        ("d^2J/dx[4]^2", "`x[4]` is outside of `x`: its indices run from 1 to 3"),
        ("y/x", "expected a name, an element or a range of names, got `y/x`"),
    ],
)
def test_what_cannot_be_asked_for(asked: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        backcalc.load({"equations": "y[i] = exp(x[i])\nJ = sum(i=1..3, y[i])", "shapes": {"x": [3]}, "find": [asked]})
    assert [problem.message for problem in caught.value.problems] == [message]


def test_exact_values_of_a_hessian() -> None:
    net = {"equations": "J = sum(i=1..2, sum(j=1..2, A[i,j]*x[i]*x[j]))", "find": ["d^2J/dx^2"]}
    values = {"A": [[1, "1/2"], [3, 4]], "x": [5, 7]}
    shown = grad_json.render(backcalc.grad({**net, "values": values}))
    assert shown["gradients"]["d^2J/dx^2"]["exact"] == [["2", "7/2"], ["7/2", "8"]]  # A + Aᵀ
    assert Fraction(shown["gradients"]["x"]["exact"][0]) == 2 * 5 + Fraction(7, 2) * 7


def test_equality_is_ours() -> None:
    """The names of summed indices and the order of factors do not matter, the placing of an index does."""
    ours = read_expression("sum(n=1..N, x[n,d]*p[n]*(1 - p[n])*x[n,i])")
    assert key(ours) == key(read_expression("sum(m=1..N, p[m]*(1 - p[m])*x[m,i]*x[m,d])"))
    assert key(ours) != key(read_expression("sum(m=1..N, p[m]*(1 - p[m])*x[m,d]*x[m,d])"))
