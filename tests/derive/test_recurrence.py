"""Backpropagation through time: the backward recurrence, its unrolled sum, and the values by plain loops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, note, settings

import backcalc
from backcalc.derive import Derivation, derive
from backcalc.formula.print_text import to_text
from backcalc.net import Network
from backcalc.render import grad_json
from backcalc.verify.witnesses import verified

from .recurrences import recurrences
from .rows import disagreements
from .witness import MP, OnKink, Store, random_leaves

CALM = [HealthCheck.filter_too_much, HealthCheck.too_slow, HealthCheck.data_too_large]


def derivation(equations: str, find: Sequence[str] | None = None, **keys: Any) -> Derivation:
    return derive(backcalc.load({"equations": equations, **keys}), find)


def closed(found: Derivation) -> dict[str, str]:
    return {adjoint.name: to_text(adjoint.closed) for adjoint in found.adjoints.values()}


def solved(found: Derivation, name: str) -> str | None:
    """The last line of a recurrence that was solved; None where it was not."""
    adjoint = found.adjoints[name]
    rules = [step.rule for step in adjoint.steps]
    return to_text(adjoint.steps[-1].after) if "unroll" in rules else None


def holds(found: Derivation, sizes: Mapping[str, int], **leaves: Any) -> bool:
    """Chains, closed forms and unrolled sums are the difference quotients, and the package's own witnesses agree."""
    store: Store = random_leaves(found.program, 7, sizes) | leaves
    assert disagreements(found, store, sizes, most=8) == []
    return all(check.passed for part in verified(found).parts for check in part.verified)


# -- formulas ------------------------------------------------------------------------------------

ELMAN = """
h[t,j] = tanh(sum(k=1..H, U[j,k]*h[t-1,k]) + sum(k=1..D, W[j,k]*x[t,k]) + b[j])
h[0,j] = h0[j]
y[t] = sum(j, v[j]*h[t,j])
J = 1/2*sum(t=1..T, (y[t] - d[t])^2)
"""


def test_backpropagation_through_time() -> None:
    found = derivation(ELMAN, sizes={"T": None, "H": None, "D": None})
    formulas = closed(found)
    upstream = "sum(j2=1..H, dJ/dh[t+1,j2]*(1 - h[t+1,j2]^2)*U[j2,j])*(t < T)"
    assert to_text(found.adjoints["h"].chain) == f"{upstream} + dJ/dy[t]*v[j]"
    assert formulas["dJ/dU"] == "sum(t=1..T, dJ/dh[t,j]*(1 - h[t,j]^2)*h[t-1,k])"
    assert formulas["dJ/dW"] == "sum(t=1..T, dJ/dh[t,j]*(1 - h[t,j]^2)*x[t,k])"
    assert formulas["dJ/db"] == "sum(t=1..T, dJ/dh[t,j]*(1 - h[t,j]^2))"
    assert formulas["dJ/dh[0]"] == "sum(j2=1..H, dJ/dh[1,j2]*(1 - h[1,j2]^2)*U[j2,j])"
    assert to_text(found.adjoints["h0"].closed) == "dJ/dh[0,j]"
    assert solved(found, "h") is None  # a matrix stands between the rows
    assert holds(found, {"T": 3, "H": 2, "D": 4})


FORMS = {
    "one number": (
        "h[t] = u*h[t-1] + x[t]\nh[0] = w\nJ = 1/2*sum(t=1..T, (h[t] - d[t])^2)",
        "dJ/dh[t+1]*u*(t < T) + h[t] - d[t]",
        "sum(s=t..T, (h[s] - d[s])*prod(r=t + 1..s, u))",
    ),
    "a product": (
        "h[t] = x[t]*h[t-1]\nh[0] = w\nJ = sum(t=1..T, c[t]*h[t])",
        "dJ/dh[t+1]*x[t+1]*(t < T) + c[t]",
        "sum(s=t..T, c[s]*prod(r=t + 1..s, x[r]))",
    ),
    "the last row alone": (
        "h[t] = tanh(a*h[t-1] + x[t])\nh[0] = w\nJ = h[T]^2",
        "dJ/dh[t+1]*(1 - h[t+1]^2)*a*(t < T) + 2*h[T]*(t == T)",
        "2*h[T]*prod(r=t + 1..T, (1 - h[r]^2)*a)",
    ),
    "every second row": (
        "h[t] = a*h[t-2] + x[t]\nh[0] = w\nh[-1] = v\nJ = sum(t=1..T, c[t]*h[t])",
        "dJ/dh[t+2]*a*(t + 2 <= T) + c[t]",
        None,
    ),
    "two rows back": (
        "h[t] = a*h[t-1] + b*h[t-2] + x[t]\nh[0] = w\nh[-1] = v\nJ = sum(t=1..T, c[t]*h[t])",
        "dJ/dh[t+1]*a*(t < T) + dJ/dh[t+2]*b*(t + 2 <= T) + c[t]",
        None,
    ),
    "all earlier rows": (
        "h[t] = x[t] + sum(s=1..t-1, A[t,s]*h[s])\nJ = sum(t=1..T, c[t]*h[t])",
        "sum(t2=t + 1..T, dJ/dh[t2]*A[t2,t]) + c[t]",
        None,
    ),
    "a filter over earlier rows": (
        "h[t] = sum(k=1..2, w[k]*h[t-k]) + x[t]\nh[0] = v\nh[-1] = v\nJ = sum(t=1..T, c[t]*h[t])",
        "sum(k=1..min(2, T - t), dJ/dh[k+t]*w[k]) + c[t]",
        None,
    ),
    "down, with a guard": (
        "h[t] = if(t < T, a*h[t+1], 0) + x[t]\nJ = sum(t=1..T, c[t]*h[t])",
        "dJ/dh[t-1]*a*(1 < t) + c[t]",
        None,
    ),
    "down, with a pad": (
        "h[t] = tanh(a*h[t+1] + x[t])\nJ = sum(t=1..T, c[t]*h[t])",
        "dJ/dh[t-1]*(1 - h[t-1]^2)*a*(1 < t) + c[t]",
        None,
    ),
    "up, with a pad": (
        "h[t] = a*h[t-1] + x[t]\nJ = sum(t=1..T, c[t]*h[t])",
        "dJ/dh[t+1]*a*(t < T) + c[t]",
        "sum(s=t..T, c[s]*prod(r=t + 1..s, a))",
    ),
    "a maximum": (
        "h[t] = max(h[t-1], a*x[t])\nh[0] = w\nJ = sum(t=1..T, c[t]*h[t])",
        "dJ/dh[t+1]*(h[t] >= a*x[t+1])*(t < T) + c[t]",
        None,
    ),
}


@pytest.mark.parametrize("case", FORMS)
def test_the_backward_recurrence_and_its_solution(case: str) -> None:
    equations, recurrence, solution = FORMS[case]
    shapes = {"x": ["T"], "h": ["T"]} | ({"A": ["T", "T"]} if "A[" in equations else {})
    pad = ["h"] if "pad" in case else []
    found = derivation(equations, sizes={"T": None}, shapes=shapes, pad=pad)
    assert closed(found)["dJ/dh"] == recurrence
    assert solved(found, "h") == solution
    for rows in (1, 2, 5):
        assert holds(found, {"T": rows})


def test_columns_that_do_not_mix_are_solved_each_by_itself() -> None:
    equations = "h[t,j] = f[t,j]*h[t-1,j] + x[t,j]\nh[0,j] = 0\nJ = sum(t=1..T, sum(j=1..H, c[t,j]*h[t,j]))"
    found = derivation(equations, sizes={"T": None, "H": None})
    assert solved(found, "h") == "sum(s=t..T, c[s,j]*prod(r=t + 1..s, f[r,j]))"
    assert holds(found, {"T": 3, "H": 2})


def test_rows_on_the_second_axis() -> None:
    equations = "h[n,t] = tanh(a*h[n,t-1] + x[n,t])\nh[n,0] = b[n]\nJ = sum(n=1..N, sum(t=1..T, c[n,t]*h[n,t]))"
    found = derivation(equations, sizes={"N": None, "T": None})
    assert closed(found)["dJ/dh[:,0]"] == "dJ/dh[n,1]*(1 - h[n,1]^2)*a"
    assert solved(found, "h") == "sum(s=t..T, c[n,s]*prod(r=t + 1..s, (1 - h[n,r]^2)*a))"
    assert holds(found, {"N": 2, "T": 3})


def test_two_boundary_rows_have_their_own_gradients() -> None:
    equations = "h[t] = a*h[t-1] + b*h[t-2] + x[t]\nh[0] = p\nh[-1] = q\nJ = sum(t=1..T, h[t]^2)"
    found = derivation(equations, ["p", "q", "h[0]"], sizes={"T": None}, shapes={"x": ["T"]})
    formulas = closed(found)
    assert formulas["dJ/dh[0]"] == "dJ/dh[1]*a + dJ/dh[2]*b*(2 <= T)"
    assert formulas["dJ/dh[-1]"] == "dJ/dh[1]*b"
    for rows in (1, 2, 4):
        assert holds(found, {"T": rows})


@pytest.mark.parametrize(
    ("loss", "by_row_0"),
    [
        ("sum(t=0..T, h[t]^2)", "dJ/dh[1]*(1 - h[1]^2)*a + 2*h[0]"),
        ("h[0]*h[T]", "dJ/dh[1]*(1 - h[1]^2)*a + h[T]"),
        ("sum(t=1..T, (h[t] - h[t-1])^2)", "dJ/dh[1]*(1 - h[1]^2)*a + 2*(h[0] - h[1])"),
    ],
)
def test_a_loss_that_reads_the_boundary_row(loss: str, by_row_0: str) -> None:
    lines = f"h[t] = tanh(a*h[t-1] + x[t])\nh[0] = w^2\nJ = {loss}"
    found = derivation(lines, sizes={"T": None}, shapes={"x": ["T"]})
    assert closed(found)["dJ/dh[0]"] == by_row_0
    assert holds(found, {"T": 4})


def test_one_recurrence_behind_another_that_runs_the_other_way() -> None:
    equations = """
    h[t] = tanh(a*h[t-1] + x[t])
    h[0] = 0
    g[t] = if(t < T, tanh(b*g[t+1]), 0) + h[t]
    J = sum(t=1..T, c[t]*g[t])
    """
    found = derivation(equations, sizes={"T": None}, shapes={"x": ["T"]})
    assert closed(found)["dJ/dg"] == "dJ/dg[t-1]*(1 - tanh(b*g[t])^2)*b*(1 < t) + c[t]"
    assert solved(found, "h") == "sum(s=t..T, dJ/dg[s]*prod(r=t + 1..s, (1 - h[r]^2)*a))"
    assert holds(found, {"T": 4})


def test_reads_by_quotients_and_by_values() -> None:
    equations = """
    h[t,j] = tanh(a*h[t-1,j] + E[tok[t],j]*v[div(t+1,2)] + v[mod(t,3)+1])
    h[0,j] = 0
    J = sum(t=1..T, sum(j=1..2, h[t,j]^2))
    """
    found = derivation(equations, ["E", "v", "a"], sizes={"T": None}, shapes={"E": [5, 2], "v": [3], "h": ["T", 2]})
    tokens = {(t,): t % 3 + 1 for t in range(1, 6)}
    assert disagreements(found, random_leaves(found.program, 1, {"T": 5}) | {"tok": tokens}, {"T": 5}, most=10) == []


# -- numbers by plain loops ----------------------------------------------------------------------


def by_hand(x: Any, d: Any, weights: Mapping[str, Any]) -> dict[str, Any]:
    """Werbos' algorithm for the Elman network above, with arrays that count from 0."""
    U, W, b, v, h0 = (weights[name] for name in ("U", "W", "b", "v", "h0"))
    states = [h0]
    for row in x:
        states.append(np.tanh(U @ states[-1] + W @ row + b))
    errors = np.array([v @ state for state in states[1:]]) - d
    grads = {name: np.zeros_like(array) for name, array in weights.items()}
    carried = np.zeros_like(h0)
    for t in reversed(range(len(x))):
        by_state = carried + errors[t] * v
        before = by_state * (1 - states[t + 1] ** 2)
        grads["U"] += np.outer(before, states[t])
        grads["W"] += np.outer(before, x[t])
        grads["b"] += before
        grads["v"] += errors[t] * states[t + 1]
        carried = U.T @ before
    return {**grads, "h0": carried}


def test_values_are_those_of_a_loop() -> None:
    source = np.random.default_rng(11)
    shapes = {"U": (2, 2), "W": (2, 3), "b": (2,), "v": (2,), "h0": (2,)}
    weights = {name: source.integers(-9, 9, shape) / 8 for name, shape in shapes.items()}
    x, d = source.integers(-9, 9, (4, 3)) / 8, source.integers(-9, 9, 4) / 8
    values = {name: array.tolist() for name, array in {**weights, "x": x, "d": d}.items()}
    asked = [*shapes, "h", "h[0]"]
    result = backcalc.grad({"equations": ELMAN, "sizes": {"T": 4, "H": 2, "D": 3}, "values": values, "find": asked})
    answer = grad_json.render(result)
    expected = by_hand(x, d, weights)
    for name in shapes:
        assert np.array(answer["gradients"][name]["decimal"]) == pytest.approx(expected[name], rel=1e-12)
        assert answer["gradients"][name]["shape"] == list(shapes[name])
    assert answer["gradients"]["h[0]"]["decimal"] == pytest.approx(expected["h0"].tolist(), rel=1e-12)
    assert np.array(answer["gradients"]["h"]["decimal"]).shape == (4, 2)  # rows 1..T; row 0 is a key of its own
    assert np.array(answer["values"]["h"]["decimal"]).shape == (4, 2)
    assert np.array(answer["values"]["h[0]"]["decimal"]) == pytest.approx(weights["h0"])
    assert all(check["passed"] for check in answer["verified"])


def test_the_scalar_view_writes_every_row() -> None:
    equations = "h[t] = tanh(a*h[t-1] + x[t])\nh[0] = w\nJ = h[3]^2"
    found = derivation(equations, ["a"], shapes={"x": [3]}, values={"x": [1, "1/2", -1], "a": "1/3", "w": 2})
    assert found.view == "scalar"
    forward = [to_text(line.left) for block in found.forward for line in block.lines]
    assert forward == ["h[0]", "h[1]", "h[2]", "h[3]", "J"]
    backward = [to_text(line.left) for block in found.backward for line in block.lines]
    assert backward == ["dJ/dh[3]", "dJ/dh[2]", "dJ/dh[1]", "dJ/da"]


@pytest.mark.parametrize("size", [None, 3])
def test_a_batch_carries_every_sample_through_its_own_rows(size: int | None) -> None:
    net: dict[str, Any] = {
        "input": {"x": [4, 3]},
        "layers": [{"rnn": {"name": "h", "units": 2}}, {"dense": {"name": "y", "units": 2}}],
        "loss": {"mse": {"name": "J", "target": "t"}},
        "batch": "N" if size is None else size,
    }
    found = derive(backcalc.load(net))
    assert closed(found)["dJ/dU_h"].startswith("sum(n=1..")
    assert holds(found, {"N": 3})


# -- random recurrences --------------------------------------------------------------------------


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=CALM)
@given(recurrences())
def test_random_recurrences_against_differences(network: Network) -> None:
    note("\n".join(f"{to_text(e.left)} = {to_text(e.body)}" for e in network.program.equations))
    found = derive(network)
    looked = False
    for sizes in ({"T": 4, "H": 2}, {"T": 3, "H": 1}):
        for seed in range(3):
            leaves = random_leaves(found.program, seed, sizes)
            if "tok" in leaves:
                leaves["tok"] = {place: MP.mpf((place[0] * (seed + 2)) % 4 + 1) for place in leaves["tok"]}
            try:
                assert disagreements(found, leaves, sizes) == []
            except OnKink:
                continue
            looked = True
            break
    assume(looked)
    assert all(check.passed for check in verified(found).verified)
