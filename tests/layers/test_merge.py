"""Several inputs and branches: add, multiply, concat, against NumPy and plain loops."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import backcalc
from backcalc.count.interpreter import execute
from backcalc.count.table import Formula
from backcalc.formula.evaluate import evaluate
from backcalc.formula.floats import FLOATS
from backcalc.net import InputError, load_network

QUICK = settings(max_examples=30, deadline=None, derandomize=True)


def array(value: Any) -> dict[tuple[int, ...], float]:
    return {tuple(place + 1 for place in at): float(number) for at, number in np.ndenumerate(np.asarray(value))}


@QUICK
@given(
    st.sampled_from(["add", "multiply", "concat"]),
    st.lists(st.integers(1, 3), min_size=1, max_size=3),
    st.integers(2, 4),
    st.sampled_from(["", "N"]),
    st.data(),
)
def test_merging_is_numpy(kind: str, shape: list[int], count: int, batch: str, data: st.DataObject) -> None:
    axis = data.draw(st.integers(1, len(shape)))
    shapes = [list(shape) for _ in range(count)]
    if kind == "concat":
        for each in shapes:
            each[axis - 1] = data.draw(st.integers(1, 3))
    names = ["a", "b", "c", "i"][:count]  # one of them is what an index would be called
    arguments: dict[str, Any] = {"name": "y", "inputs": names} | ({"axis": axis} if kind == "concat" else {})
    network: dict[str, Any] = {"input": dict(zip(names, shapes, strict=True)), "layers": [{kind: arguments}]}
    if batch:
        network["batch"] = batch
    loaded = load_network(network)
    source = np.random.default_rng(3)
    lead = [2] if batch else []
    given = [source.normal(size=(*lead, *each)) for each in shapes]
    joined = {"add": sum, "multiply": lambda parts: np.prod(np.stack(parts), axis=0)}
    expected = joined[kind](given) if kind in joined else np.concatenate(given, axis=axis - 1 + len(lead))
    values = {name: array(each) for name, each in zip(names, given, strict=True)}
    found = evaluate(loaded.program, values, FLOATS, {"N": 2} if batch else None)["y"]
    assert found == pytest.approx(array(expected))
    assert loaded.nodes[0].output_shape == expected.shape[len(lead) :]


NETS = {
    "residual": "input: 3\nlayers: [dense: {name: z, units: 3}, tanh: {name: h}, add: [x, h]]\nloss: sse\n",
    "gate": "input: {a: 3, b: 2}\n"
    "layers: [dense: {name: u, units: 2, inputs: a}, sigmoid: {name: g}, multiply: [g, b]]\n"
    "loss: {mse: {factor: 1/2}}\nfind: [W_u, a, b]\n",
    "inception": "input: {x: [1, 4, 4]}\nlayers:\n"
    "  - conv2d: {name: p, filters: 2, kernel: 1}\n"
    "  - conv2d: {name: q, filters: 1, kernel: 3, padding: same, inputs: x}\n"
    "  - concat: {name: y, inputs: [p, x, q]}\n  - flatten\n  - dense: 2\nloss: sse\nfind: [W_p, W_q, x]\n",
    "square": "input: 3\nlayers: [dense: {name: z, units: 2}, multiply: [z, z]]\nloss: sse\n",
}


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("batch", ["", "batch: N\n"])
def test_gradients_are_verified(name: str, batch: str) -> None:
    derivation = backcalc.grad(NETS[name] + batch, view="index")
    assert derivation.passed, [str(check) for check in derivation.verified]


@pytest.mark.parametrize("kind", ["add", "multiply", "concat"])
@pytest.mark.parametrize("count", [2, 3, 4])
def test_costs_are_those_of_the_executed_equations(kind: str, count: int) -> None:
    names = list("abcd")[:count]
    network = load_network(
        {"input": {name: [2, 3] for name in names}, "layers": [{kind: {"name": "y", "inputs": names}}]}
    )
    places = {(i, j): Fraction(3 * i + j) for i in (1, 2) for j in (1, 2, 3)}
    done = execute(network.program, dict.fromkeys(names, places))["y"]
    cost = network.nodes[0].layer.cost((2, 3))
    units = Formula(cost.units).value
    assert +Counter({key: Formula(text).value * units for key, text in cost.operations.items()}) == +done.operations


def test_costs_and_receptive_fields() -> None:
    table = backcalc.count(
        "input: {x: [2, 8, 8]}\nlayers:\n"
        "  - conv2d: {name: a, filters: 2, kernel: 3, padding: same}\n"
        "  - conv2d: {name: b, filters: 2, kernel: 5, padding: same, inputs: x}\n"
        "  - add: {name: s, inputs: [x, a, b]}\n"
        "  - multiply: {name: m, inputs: [a, b]}\n"
        "  - concat: {name: c, inputs: [a, b, x]}\n"
        "  - conv2d: {name: d, filters: 1, kernel: 2}\n"
    )
    rows = {row.name: row for row in table.rows}
    places = 2 * 8 * 8
    assert [rows[name].flops for name in "smc"] == [2 * places, places, 0]
    assert [rows[name].params for name in "smc"] == [0, 0, 0]
    assert [rows[name].connections for name in "smc"] == [0, 0, 0]
    assert [rows[name].receptive_field for name in "absmcd"] == [3, 5, 5, 5, 5, 6]
    assert rows["s"].formulas.receptive_field == "the largest of 1, 3, 5"
    assert rows["c"].formulas.output_shape == "2 + 2 + 2 = 6"
    assert rows["c"].output_shape == (6, 8, 8)
    assert not any(row.notes for row in table.rows)


def test_branches_that_do_not_align_are_told() -> None:
    table = backcalc.count(
        "input: {x: [1, 8, 8]}\nlayers:\n"
        "  - maxpool2d: {name: a, size: 2}\n"
        "  - conv2d: {name: b, filters: 1, kernel: 5, inputs: x}\n"
        "  - add: {name: s, inputs: [a, b]}\n"
    )
    assert table.rows[-1].receptive_field == 5
    assert table.rows[-1].notes == ("the branches do not align; the receptive field is the largest of theirs",)


@pytest.mark.parametrize(
    ("text", "message", "help"),
    [
        (
            "input: 3\nlayers: [relu: {name: h}, add]",
            "`add` needs `inputs`",
            "`inputs` is the names of two inputs or more, earlier outputs or inputs of the network",
        ),
        (
            "input: 3\nlayers: [relu, add: [x]]",
            "`add` reads two inputs or more, but `inputs` names 1",
            None,
        ),
        (
            "input: 3\nlayers: [relu: {name: hidden}, add: [x, hiden]]",
            "unknown name `hiden`",
            "did you mean `hidden`?",
        ),
        (
            "input: 3\nlayers: [relu: {name: h}, relu: {inputs: [x, h]}]",
            "`relu` reads one input, but `inputs` names 2",
            "`add`, `multiply` and `concat` join several",
        ),
        (
            "input: {a: 3, b: 4}\nlayers: [add: {name: y, inputs: [a, b]}]",
            "layer `y` (add): add joins inputs of one shape, but got [3], [4]",
            None,
        ),
        (
            "input: {a: [1, 3], b: [2, 4]}\nlayers: [concat: {name: y, inputs: [a, b]}]",
            "layer `y` (concat): concat joins inputs that differ along axis 1 alone, but got [1, 3], [2, 4]",
            None,
        ),
        (
            "input: {a: 3, b: 4}\nlayers: [concat: {name: y, inputs: [a, b], axis: 2}]",
            "layer `y` (concat): concat along axis 2 needs inputs with so many axes, but got [3], [4]",
            None,
        ),
    ],
)
def test_what_cannot_be_merged(text: str, message: str, help: str | None) -> None:
    with pytest.raises(InputError) as error:
        load_network(text + "\n")
    assert [(problem.message, problem.help) for problem in error.value.problems] == [(message, help)]


def test_the_way_to_every_input_is_told() -> None:
    with pytest.raises(InputError) as error:
        load_network("input: {a: 3, b: 4}\nlayers: [relu: {name: h, inputs: a}, add: {name: y, inputs: [h, b]}]\n")
    assert error.value.problems[0].note == "the shapes on the way: a [3] → h [3]; b [4] → y"


@QUICK
@given(st.lists(st.integers(1, 3), min_size=1, max_size=3), st.sampled_from(["", "N"]), st.data())
def test_a_gate_weighs_as_numpy_broadcasts(shape: list[int], batch: str, data: st.DataObject) -> None:
    shapes = [[data.draw(st.sampled_from([1, size])) for size in shape], shape]
    first, second = data.draw(st.permutations(shapes))
    network: dict[str, Any] = {
        "input": {"a": first, "b": second},
        "layers": [{"multiply": {"name": "y", "inputs": ["a", "b"]}}],
    }
    loaded = load_network(network | ({"batch": batch} if batch else {}))
    source = np.random.default_rng(5)
    given_ = [source.normal(size=(*([2] if batch else []), *each)) for each in (first, second)]
    values = dict(zip("ab", map(array, given_), strict=True))
    found = evaluate(loaded.program, values, FLOATS, {"N": 2} if batch else None)["y"]
    assert found == pytest.approx(array(given_[0] * given_[1]))
    assert loaded.nodes[0].output_shape == tuple(shape)
    assert backcalc.count(loaded).totals.flops.value == int(np.prod(shape))


def test_the_gradient_of_a_gate_adds_over_the_places() -> None:
    text = (
        "input: {x: [2, 2, 2]}\nlayers:\n  - adaptive_avgpool2d: 1\n  - conv2d: {filters: 2, kernel: 1}\n"
        "  - sigmoid: {name: g}\n  - multiply: {name: m, inputs: [x, g]}\n  - flatten\nloss: sse\n"
    )
    assert backcalc.grad(text, view="index").passed


@pytest.mark.parametrize("shapes", [([2, 3], [2, 2]), ([2, 1, 1], [2, 1])])
def test_what_is_no_gate(shapes: tuple[list[int], list[int]]) -> None:
    with pytest.raises(InputError, match=r"an axis of length 1 stands for all lengths, as in a gate"):
        load_network({"input": dict(zip("ab", shapes, strict=True)), "layers": [{"multiply": ["a", "b"]}]})
