"""Gradients back through time: what PyTorch counts, and the equations of the textbooks, executed and counted."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from backcalc.count.backward import backward
from backcalc.count.interpreter import execute
from backcalc.count.table import Formula
from backcalc.count.whole import whole
from backcalc.derive import derive
from backcalc.formula.infer import build_program
from backcalc.formula.read import read_equation
from backcalc.formula.source import SourceEquation
from backcalc.net import load_network

from .adjoints import leaves, network_of, plain

STEPS, FEATURES, UNITS = 4, 3, 2
DOUBLE: dict[str, Any] = {"bidirectional": True}


@pytest.mark.parametrize(
    ("kind", "fields", "first", "behind"),
    [
        ("rnn", {}, 39_936, 45_056),
        ("rnn", DOUBLE, 79_872, 90_112),
        ("rnn", {"layers": 2}, 100_352, 105_472),
        ("gru", {}, 119_808, 135_168),
        ("gru", DOUBLE, 239_616, 270_336),
        ("gru", {"layers": 2}, 301_056, 316_416),
    ],
)
def test_products_are_those_of_pytorch(kind: str, fields: dict[str, Any], first: int, behind: int) -> None:
    """Half of torch.utils.flop_counter of PyTorch 2.15.0, both ways: torch.nn.RNN and GRU, 16 to 32, 10 steps.

    First without a gradient of the input, then with one.
    """
    layer = {kind: {"units": 32, "biases": 2, "return": "all", **fields}}
    found = whole(load_network({"input": {"x": [10, 16]}, "layers": [layer]}), flops="mac")
    assert (found.step, found.unknown) == (first, ())
    row = whole(load_network({"input": {"x": [10, 16]}, "layers": ["layer_scale", layer]}), flops="mac").rows[1]
    assert row.forward + row.backward == behind


def gradient(gates: str, state: str = "h") -> list[str]:
    """The derivatives by what a cell reads and by its arrays, from those by the sums of its gates."""
    lines = ["dx[t,k] = " + " + ".join(f"sum(j, dz{gate}[t,j]*W{gate}[j,k])" for gate in gates)]
    for gate in gates:
        lines.append(f"dW{gate}[j,k] = sum(t, dz{gate}[t,j]*x[t,k])")
        lines.append(f"db{gate}[j] = sum(t, dz{gate}[t,j])")
    return lines


def state(gates: str, kept: str = "") -> str:
    """The derivative by the state: the gates of the next step, and what is handed on besides."""
    parts = [f"sum(k, dz{gate}[t+1,k]*U{gate}[k,j])" for gate in gates]
    return f"dh[t,j] = DYif(t < {STEPS}, {' + '.join([*parts, kept] if kept else parts)}, 0)"


def before(gate: str, read: str = "h") -> str:
    return f"dU{gate}[j,k] = sum(t, dz{gate}[t,j]*{read}[t-1,k])"


RNN = [state("a"), "dza[t,j] = dh[t,j]*(1 - h[t,j]^2)", *gradient("a"), before("a")]
LSTM = [
    state("ifgo"),
    f"dc[t,j] = dh[t,j]*o[t,j]*(1 - u[t,j]^2) + if(t < {STEPS}, dc[t+1,j]*f[t+1,j], 0)",
    "dzi[t,j] = dc[t,j]*g[t,j]*i[t,j]*(1 - i[t,j])",
    "dzf[t,j] = dc[t,j]*c[t-1,j]*f[t,j]*(1 - f[t,j])",
    "dzg[t,j] = dc[t,j]*i[t,j]*(1 - g[t,j]^2)",
    "dzo[t,j] = dh[t,j]*u[t,j]*o[t,j]*(1 - o[t,j])",
    *gradient("ifgo"),
    *(before(gate) for gate in "ifgo"),
]
GATES_OF_GRU = [
    "dzn[t,j] = dh[t,j]*(1 - z[t,j])*(1 - n[t,j]^2)",
    "dzz[t,j] = dh[t,j]*(h[t-1,j] - n[t,j])*z[t,j]*(1 - z[t,j])",
]
GRU = [
    state("zr", "dh[t+1,j]*z[t+1,j] + dm[t+1,j]*r[t+1,j]"),
    *GATES_OF_GRU,
    "dm[t,k] = sum(j, dzn[t,j]*Un[j,k])",
    "dzr[t,j] = dm[t,j]*h[t-1,j]*r[t,j]*(1 - r[t,j])",
    *gradient("zrn"),
    *(before(gate) for gate in "zr"),
    "dUn[j,k] = sum(t, dzn[t,j]*m[t,k])",
]
BEHIND = [
    state("zr", "sum(k, da[t+1,k]*Un[k,j]) + dh[t+1,j]*z[t+1,j]"),
    *GATES_OF_GRU,
    "da[t,j] = dzn[t,j]*r[t,j]",
    "dzr[t,j] = dzn[t,j]*a[t,j]*r[t,j]*(1 - r[t,j])",
    *gradient("zrn"),
    *(before(gate) for gate in "zr"),
    "dUn[j,k] = sum(t, da[t,j]*h[t-1,k])",
    *(f"de{gate}[j] = sum(t, {'da' if gate == 'n' else f'dz{gate}'}[t,j])" for gate in "zrn"),
]
ENDINGS = {"rnn": {"a": ""}, "lstm": {gate: f"_{gate}" for gate in "ifgo"}, "gru": {"z": "_z", "r": "_r", "n": "_h"}}


@pytest.mark.parametrize("returns", ["last", "all"])
@pytest.mark.parametrize(
    ("kind", "vectors", "lines"), [("rnn", 1, RNN), ("lstm", 1, LSTM), ("gru", 1, GRU), ("gru", 2, BEHIND)]
)
def test_the_equations_of_the_textbook(kind: str, vectors: int, lines: list[str], returns: str) -> None:
    """With the values that the derivation gives, and the operations that are counted."""
    network = network_of([STEPS, FEATURES], {kind: {"units": UNITS, "biases": vectors, "return": returns}})
    program = derive(network, wrt=["x", *network.parameters]).adjoint_program()
    given = leaves(program)
    values = given | {name: each.values for name, each in execute(program, given).items()}
    all_of_it = "y" if returns == "all" else "h_y"
    own = {word: values[all_of_it if word == "h" else f"{word}_y"] for word in "hifgoczrnm"
           if word == "h" or f"{word}_y" in values}  # fmt: skip
    for gate, ending in ENDINGS[kind].items():
        own |= {f"{word}{gate}": values[f"{word}_y{ending}"] for word in "WU"}
    if kind == "lstm":
        import math

        own["u"] = {at: math.tanh(number) for at, number in own["c"].items()}
    if vectors == 2:
        steps, places = range(1, STEPS + 1), range(1, UNITS + 1)
        behind = {(t, j): sum(own["Un"][j, k] * (own["h"][t - 1, k] if t > 1 else 0) for k in places)
                  + values["bU_y_h"][j,] for t in steps for j in places}  # fmt: skip
        own["a"] = behind
    own["x"], own["dy"] = given["x"], given["G"]
    # What is handed in from above: to every step, or to the last alone.
    above = "dy[t,j] + " if returns == "all" else f"if(t == {STEPS}, dy[j], 0) + "
    text = [line.replace("DY", above) for line in lines]
    shapes = {name: tuple(map(max, zip(*entries, strict=True))) for name, entries in own.items()}
    grid = (STEPS, UNITS)
    shapes |= dict.fromkeys(("dh", "dc", "dm", "da", *(f"dz{gate}" for gate in ENDINGS[kind])), grid)
    shapes |= {"dx": (STEPS, FEATURES)}
    made = {line.partition("[")[0] for line in text}
    shapes = {name: shape for name, shape in shapes.items() if name in own or name in made}
    done = execute(
        build_program([SourceEquation(*read_equation(line)) for line in text], shapes, padded=frozenset("hc")), own
    )
    expected = {"dx": "dJ/dx"}
    for gate, ending in ENDINGS[kind].items():
        expected |= {f"d{word}{gate}": f"dJ/d{word}_y{ending}" for word in "WUb"}
    for ours, theirs in expected.items():
        for place, number in done[ours].values.items():
            assert float(number) == pytest.approx(float(values[theirs][place]), abs=1e-9), ours
    node = network.nodes[0]
    found = backward(node, node.layer.cost(node.input_shape))
    assert found.known
    total: Counter[str] = sum((each.operations for name, each in done.items() if name != "dx"), Counter())
    assert counted(found.inputs) == plain(done["dx"].operations)
    assert counted(found.parameters) == plain(total)


def counted(operations: Any) -> Counter[str]:
    return +Counter({kind: Formula(text).value for kind, text in operations.items() if kind != "macs"})
