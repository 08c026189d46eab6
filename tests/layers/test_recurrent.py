"""Recurrent layers against NumPy loops, the published counts of Keras and PyTorch, and the interpreter."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest

import backcalc
from backcalc.count import count
from backcalc.count.interpreter import execute
from backcalc.count.table import Formula
from backcalc.derive import derive
from backcalc.formula.evaluate import evaluate
from backcalc.formula.floats import FLOATS
from backcalc.formula.print_text import to_text
from backcalc.layers import KINDS
from backcalc.net import InputError, load_network
from backcalc.render.equations_yaml import equations_yaml

STEPS, FEATURES, UNITS = 5, 3, 2
GATES = {"rnn": [""], "lstm": ["_i", "_f", "_g", "_o"], "gru": ["_z", "_r", "_h"]}
CASES = list(product(GATES, [0, 1, 2], [False, True], [1, 2], ["last", "all"]))


def sigmoid(u: Any) -> Any:
    return 1 / (1 + np.exp(-u))


def states(kind: str, vectors: int, x: Any, arrays: dict[str, Any], label: str) -> list[Any]:
    """The states of one pass over the steps of x, as the papers and the manuals of Keras and PyTorch have them."""

    def b(gate: str, which: str) -> Any:
        return arrays.get(f"{which}_{label}{gate}", 0)

    def into(gate: str, at: Any, before: Any) -> Any:
        return arrays[f"W_{label}{gate}"] @ at + b(gate, "b") + arrays[f"U_{label}{gate}"] @ before + b(gate, "bU")

    h = c = np.zeros(UNITS)
    found = []
    for at in x:
        if kind == "rnn":
            h = np.tanh(into("", at, h))
        elif kind == "lstm":
            i, f, o = (sigmoid(into(gate, at, h)) for gate in ("_i", "_f", "_o"))
            c = f * c + i * np.tanh(into("_g", at, h))
            h = o * np.tanh(c)
        else:
            z, r = (sigmoid(into(gate, at, h)) for gate in ("_z", "_r"))
            if vectors == 2:  # PyTorch and cuDNN, Keras with reset_after
                new = arrays[f"W_{label}_h"] @ at + b("_h", "b")
                new = np.tanh(new + r * (arrays[f"U_{label}_h"] @ h + b("_h", "bU")))
            else:  # Cho et al. 2014
                new = np.tanh(into("_h", at, r * h))
            h = z * h + (1 - z) * new
        found.append(h)
    return found


def expected(case: tuple[Any, ...], x: Any, arrays: dict[str, Any]) -> Any:
    kind, vectors, bidirectional, layers, returns = case
    for level in range(1, layers + 1):
        label = "y" if layers == 1 else f"y_{level}"
        forward = states(kind, vectors, x, arrays, label)
        last = forward[-1]
        out = np.stack(forward)
        if bidirectional:
            back = states(kind, vectors, x[::-1], arrays, f"{label}_reverse")
            last = np.concatenate(
                [last, back[-1]]
            )  # both directions' last, as `h_n` of PyTorch and Bidirectional of Keras
            out = np.concatenate([out, np.stack(back[::-1])], axis=1)
        x = out
    return out if returns == "all" else last


def layer(case: tuple[Any, ...], name: str = "y") -> dict[str, Any]:
    kind, vectors, bidirectional, layers, returns = case
    fields = {"biases": vectors, "bidirectional": bidirectional, "layers": layers, "return": returns}
    return {kind: {"name": name, "units": UNITS, **fields}}


def cells(value: Any) -> dict[tuple[int, ...], float]:
    return {tuple(place + 1 for place in at): float(number) for at, number in np.ndenumerate(np.asarray(value))}


@pytest.mark.parametrize(
    ("case", "batch"), [*((case, None) for case in CASES), *((case, 2) for case in CASES[::7])], ids=str
)
def test_the_states_are_those_of_numpy(case: tuple[Any, ...], batch: int | None) -> None:
    net: dict[str, Any] = {"input": {"x": [STEPS, FEATURES]}, "layers": [layer(case)]}
    network = load_network(net | ({"batch": "N"} if batch else {}))
    source = np.random.default_rng(5)
    arrays = {each.name: source.normal(size=each.shape) for each in network.nodes[0].parameters}
    x = source.normal(size=(batch or 1, STEPS, FEATURES))
    values = {name: cells(array) for name, array in arrays.items()} | {"x": cells(x if batch else x[0])}
    found = evaluate(network.program, values, FLOATS, {"N": batch} if batch else None)["y"]
    answers = np.stack([expected(case, sample, arrays) for sample in x])
    assert found == pytest.approx(cells(answers if batch else answers[0]))
    assert network.nodes[0].output_shape == answers.shape[1:]


# Counts of other programs: `sum(p.numel() for p in module.parameters())` in PyTorch, `count_params()` in Keras.
PUBLISHED = [
    ("rnn", 10, {"units": 20, "biases": 2}, 640),  # torch.nn.RNN(10, 20)
    ("lstm", 10, {"units": 20, "biases": 2}, 2560),  # torch.nn.LSTM(10, 20)
    ("gru", 10, {"units": 20, "biases": 2}, 1920),  # torch.nn.GRU(10, 20)
    ("lstm", 16, {"units": 32, "biases": 2, "layers": 2, "bidirectional": True}, 37_888),  # torch.nn.LSTM(16, 32, 2, …)
    ("lstm", 10, {"units": 20}, 2480),  # keras.layers.LSTM(20)
    # The guide "Working with RNNs" of Keras: LSTM(128), GRU(256) behind it SimpleRNN(128), Bidirectional(LSTM(64)).
    ("lstm", 64, {"units": 128}, 98_816),
    ("gru", 64, {"units": 256, "biases": 2}, 247_296),
    ("rnn", 256, {"units": 128}, 49_280),
    ("lstm", 10, {"units": 64, "bidirectional": True}, 38_400),
    # The example "Bidirectional LSTM on IMDB" of Keras, both of its layers.
    ("lstm", 128, {"units": 64, "bidirectional": True}, 98_816),
]


@pytest.mark.parametrize(("kind", "features", "fields", "params"), PUBLISHED)
def test_parameters_are_those_of_keras_and_pytorch(
    kind: str, features: int, fields: dict[str, Any], params: int
) -> None:
    network = load_network({"input": {"x": [10, features]}, "layers": [{kind: fields}]})
    table = count(network)
    assert table.totals.params == params == sum(array.count for array in network.nodes[0].parameters)


def test_macs_of_two_layers_in_both_directions() -> None:
    """368,640: the products of torch.nn.LSTM(16, 32, 2, bidirectional=True) in 10 steps, by hand."""
    fields = {"units": 32, "layers": 2, "bidirectional": True, "biases": 2}
    table = count(load_network({"input": {"x": [10, 16]}, "layers": [{"lstm": fields}]}))
    assert table.totals.macs.value == 368_640 == 10 * 2 * 4 * 32 * (16 + 32 + 64 + 32)


@pytest.mark.parametrize("case", CASES[::5], ids=str)
def test_costs_are_those_of_the_executed_equations(case: tuple[Any, ...]) -> None:
    network = load_network({"input": {"x": [STEPS, FEATURES]}, "layers": [layer(case)]})
    (node,) = network.nodes
    values = {
        array.name: {at: Fraction(sum(at), 7 * number + 2) for at in product(*(range(1, n + 1) for n in array.shape))}
        for number, array in enumerate(node.parameters)
    }
    values["x"] = {at: Fraction(sum(at), 9) for at in product(range(1, STEPS + 1), range(1, FEATURES + 1))}
    weights = [array.name for array in node.parameters if array.role == "weight"]
    biases = [array.name for array in node.parameters if array.role == "bias"]
    done = execute(network.program, values, weights=weights, biases=biases)
    executed: Counter[str] = sum((each.operations for each in done.values()), Counter())
    reads: Counter[str] = sum((each.reads for each in done.values()), Counter())
    cost = node.layer.cost(node.input_shape)
    units = Formula(cost.units).value
    assert Formula(cost.macs).value == executed.pop("mac") == sum(reads[name] for name in weights)
    assert +Counter({word: Formula(text).value * units for word, text in cost.operations.items()}) == +executed
    assert Formula(cost.connections).value == sum(reads[name] for name in (*weights, *biases))
    assert Formula(cost.weights).value == sum(array.count for array in node.parameters if array.role == "weight")
    assert Formula(cost.biases).value == sum(array.count for array in node.parameters if array.role == "bias")
    assert Formula(cost.params).value == Formula(cost.weights).value + Formula(cost.biases).value
    bare = node.layer.cost(node.input_shape, bias=False)
    assert (Formula(bare.params).value, bare.biases) == (Formula(cost.weights).value, "0")
    assert Formula(bare.connections).value == Formula(cost.macs).value


def test_the_names_of_the_arrays() -> None:
    """Stacked layers, directions and gates, in this order."""
    fields = {"units": 2, "layers": 2, "bidirectional": True, "biases": 2}
    names = [array.name for array in KINDS["lstm"](**fields).parameters("h", (5, 3))]
    assert names[:4] == ["W_h_1_i", "U_h_1_i", "b_h_1_i", "bU_h_1_i"]
    assert names[16] == "W_h_1_reverse_i"
    assert names[-1] == "bU_h_2_reverse_o"
    assert [array.name for array in KINDS["rnn"](units=2).parameters("h", (5, 3))] == ["W_h", "U_h", "b_h"]
    gates = [array.name for array in KINDS["gru"](units=2, biases=0).parameters("h", (5, 3))]
    assert gates == ["W_h_z", "U_h_z", "W_h_r", "U_h_r", "W_h_h", "U_h_h"]


def test_the_state_is_the_output_where_all_of_it_is_wanted() -> None:
    assert KINDS["rnn"](units=2, **{"return": "all"}).equations("h", "x", (5, 3)).lines == (
        "h[t,j] = tanh(sum(k, W_h[j,k]*x[t,k]) + sum(k, U_h[j,k]*h[t-1,k]) + b_h[j])",
        "h[0,j] = 0",
    )


def test_both_directions_stand_in_a_row() -> None:
    one = KINDS["rnn"](units=2, bidirectional=True, biases=0, **{"return": "all"})
    stated = one.equations("y", "x", (5, 3))
    assert stated.lines[2:] == (
        "h_y_reverse[s,j] = tanh(sum(k, W_y_reverse[j,k]*x[6-s,k]) + sum(k, U_y_reverse[j,k]*h_y_reverse[s-1,k]))",
        "h_y_reverse[0,j] = 0",
        "y[t,j] = if(j <= 2, h_y[t,j-0], h_y_reverse[6-t,j-2])",
    )
    assert dict(stated.shapes) == {"h_y": (5, 2), "h_y_reverse": (5, 2)}


def test_indices_make_way_for_arrays() -> None:
    (line, _) = KINDS["rnn"](units=2, **{"return": "all"}).equations("t", "k", (5, 3)).lines
    assert line == "t[t2,j] = tanh(sum(k2, W_t[j,k2]*k[t2,k2]) + sum(k2, U_t[j,k2]*t[t2-1,k2]) + b_t[j])"


MISTAKES = [
    (
        "input: 5",
        "rnn: 3",
        "layer `rnn_1` (rnn): rnn works on [time, features], but got [5]",
        "for one feature a step put `reshape: [5, 1]` before it",
    ),
    (
        "input: {x: [2, 3, 4]}",
        "gru: 3",
        "layer `gru_1` (gru): gru works on [time, features], but got [2, 3, 4]",
        None,
    ),
    ("input: {x: [4, 3]}", "rnn: {units: 2, retrun: all}", "unknown key `retrun` of `rnn`", "did you mean `return`?"),
    (
        "input: {x: [4, 3]}",
        "lstm: {units: 2, colour: red}",
        "unknown key `colour` of `lstm`",
        "`lstm` takes `name`, `inputs`, `units`, `return`, `biases`, `bidirectional` and `layers`",
    ),
    (
        "input: {x: [4, 3]}",
        "lstm: {units: 2, return: first}",
        "`return`: expected `last` or `all`, got `first`",
        None,
    ),
    (
        "input: {x: [4, 3]}",
        "gru: {units: 2, biases: b}",
        "`biases`: expected 0, 1, or 2 for PyTorch's two vectors, got `b`",
        None,
    ),
    (
        "input: {x: [4, 3]}",
        "gru: {units: 2, biases: true}",
        "`biases`: expected 0, 1, or 2 for PyTorch's two vectors, got `true`",
        None,
    ),
    (
        "input: {x: [4, 3]}",
        "lstm: {units: 2, layers: 101}",
        "`layers`: expected a whole number from 1 to 100, got `101`",
        None,
    ),
]


@pytest.mark.parametrize(("given", "text", "message", "help"), MISTAKES)
def test_mistakes(given: str, text: str, message: str, help: str | None) -> None:
    with pytest.raises(InputError) as error:
        load_network(f"{given}\nlayers: [{text}]\n")
    (problem,) = error.value.problems
    assert (problem.message, problem.help) == (message, help)


# Every cell, both forms of the GRU, both directions, two layers, and mini-batches.
SMALL = [
    (("rnn", 1, False, 1, "all"), None),
    (("rnn", 1, True, 1, "last"), None),
    (("rnn", 2, False, 2, "last"), "N"),
    (("lstm", 1, False, 1, "last"), None),
    (("lstm", 1, True, 1, "all"), 2),
    (("gru", 1, False, 1, "last"), None),
    (("gru", 2, False, 1, "all"), "N"),
]


def small(case: tuple[Any, ...], batch: str | int | None) -> dict[str, Any]:
    net = {"input": {"x": [3, 1]}, "layers": [layer(case)], "loss": "sse"} | ({"batch": batch} if batch else {})
    return {**net, "find": [*load_network(net).parameters, "x"]}


@pytest.mark.parametrize(("case", "batch"), [*SMALL[:4], *SMALL[5:]], ids=str)
def test_gradients_are_verified(case: tuple[Any, ...], batch: str | int | None) -> None:
    derivation = backcalc.grad(small(case, batch), view="index")
    assert derivation.passed, [str(check) for check in derivation.verified]
    assert any("differences" in check.against for check in derivation.verified)


@pytest.mark.parametrize(("case", "batch"), SMALL, ids=str)
def test_gradients_are_the_differences_of_numpy(case: tuple[Any, ...], batch: str | int | None) -> None:
    """No equation of ours is in the differences: they are those of the loops above."""
    network = load_network(small(case, batch))
    source = np.random.default_rng(11)
    arrays = {each.name: source.normal(size=each.shape) for each in network.nodes[0].parameters}
    x = source.normal(size=(2 if batch else 1, 3, 1))
    t = source.normal(size=(len(x), *network.nodes[0].output_shape))

    def loss() -> float:
        return float(np.mean([np.sum((expected(case, each, arrays) - y) ** 2) for each, y in zip(x, t, strict=True)]))

    leaves = {**arrays, "x": x if batch else x[0], "t": t if batch else t[0]}
    program = derive(network, view="index").adjoint_program()
    sizes = {"N": 2} if batch == "N" else None
    found = evaluate(program, {name: cells(value) for name, value in leaves.items()}, FLOATS, sizes)
    assert found["J"][()] == pytest.approx(loss())
    for name in (*arrays, "x"):
        array = leaves[name]
        for place, gradient in found[f"dJ/d{name}"].items():
            at = tuple(index - 1 for index in place)
            before = array[at]
            sides = []
            for array[at] in (before + 1e-5, before - 1e-5):
                sides.append(loss())
            array[at] = before
            assert gradient == pytest.approx((sides[0] - sides[1]) / 2e-5, rel=1e-6, abs=1e-8), (name, place)


@pytest.mark.parametrize(("case", "batch"), SMALL, ids=str)
def test_the_equations_are_read_back(case: tuple[Any, ...], batch: str | int | None) -> None:
    one = load_network(small(case, batch))
    other = load_network(equations_yaml(one))
    assert [line.left for line in other.program.equations] == [line.left for line in one.program.equations]
    assert [to_text(line.body) for line in other.program.equations] == [
        to_text(line.body) for line in one.program.equations
    ]
    assert other.program.shapes == one.program.shapes
    assert other.find == one.find
