"""Attention and what goes with it: values against NumPy, costs against the interpreter, published counts, gradients."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import backcalc
from backcalc.count.conventions import EXACT
from backcalc.count.interpreter import execute
from backcalc.count.table import Formula
from backcalc.formula.evaluate import evaluate
from backcalc.formula.floats import FLOATS
from backcalc.formula.print_text import to_text
from backcalc.layers import KINDS, Shape
from backcalc.net import InputError, Network, load_network

QUICK = settings(max_examples=40, deadline=None, derandomize=True)

Values = dict[str, np.ndarray[Any, Any]]


def array(value: Any) -> dict[tuple[int, ...], float]:
    """The numbers of an array by their places, from 1."""
    return {tuple(place + 1 for place in at): float(number) for at, number in np.ndenumerate(np.asarray(value))}


def drawn(network: Network, samples: int | None = None) -> Values:
    """Different numbers for every leaf; inputs have the axis of the samples where there is a batch."""
    source = np.random.default_rng(11)
    shapes = {each.name: each.shape for node in network.nodes for each in node.parameters}
    shapes |= {name: shape if samples is None else (samples, *shape) for name, shape in network.inputs.items()}
    return {name: source.normal(size=shape) for name, shape in shapes.items()}


def forward(network: Network, values: Values, samples: int | None = None) -> np.ndarray[Any, Any]:
    """The output of the network, by its equations."""
    given = {name: array(value) for name, value in values.items()}
    sizes = None if samples is None else {"N": samples}
    name, shape = network.nodes[-1].name, network.nodes[-1].output_shape
    found = evaluate(network.program, given, FLOATS, sizes)[name]
    result = np.empty(shape if samples is None else (samples, *shape))
    assert len(found) == result.size
    for place, number in found.items():
        result[tuple(index - 1 for index in place)] = number
    return result


def turned(x: np.ndarray[Any, Any], base: float) -> np.ndarray[Any, Any]:
    """Rotary positions of [time, size] by complex numbers: the pair is a number, turning is a product."""
    steps, size = x.shape
    pairs = x[:, : size // 2] + 1j * x[:, size // 2 :]
    angles = np.outer(np.arange(steps), base ** (-2 * np.arange(size // 2) / size))
    pairs = pairs * np.exp(1j * angles)
    return np.concatenate([pairs.real, pairs.imag], axis=1)


def attention(values: Values, x: Any, memory: Any = None, **fields: Any) -> np.ndarray[Any, Any]:
    """Attention with loops over heads and a mask of minus infinities, of one sample."""
    heads, groups = fields["heads"], fields.get("kv_heads", fields["heads"])
    memory = x if memory is None else memory

    def projected(each: str, y: Any) -> Any:
        return y @ values[f"W{each}_a"].T + values.get(f"b{each}_a", 0)

    q, k, v = projected("q", x), projected("k", memory), projected("v", memory)
    size = q.shape[1] // heads
    steps, keys = len(x), len(memory)
    mask = np.zeros((steps, keys))
    for i in range(steps):
        for j in range(keys):
            hidden = fields.get("causal", False) and j > i
            far = "window" in fields and abs(i - j) >= fields["window"]
            mask[i, j] = -np.inf if hidden or far else 0
    context = []
    for head in range(heads):
        group = head * groups // heads
        mine = [each[:, at * size : (at + 1) * size] for each, at in ((q, head), (k, group), (v, group))]
        if "rotary" in fields:
            mine[0], mine[1] = (turned(each, fields["rotary"]) for each in mine[:2])
        scores = mine[0] @ mine[1].T / np.sqrt(size) + mask
        if "relative_bias" in fields:
            side, table = fields["relative_bias"], values["B_a"].reshape(heads, -1)[head]
            cells = [(row, column) for row in range(side) for column in range(side)]
            for (i, one), (j, other) in product(enumerate(cells), enumerate(cells)):
                row, column = one[0] - other[0] + side - 1, one[1] - other[1] + side - 1
                scores[i, j] += table[row * (2 * side - 1) + column]
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        context.append(weights / weights.sum(axis=1, keepdims=True) @ mine[2])
    return np.concatenate(context, axis=1) @ values["Wo_a"].T + values.get("bo_a", 0)


CASES: dict[str, tuple[Shape, dict[str, Any]]] = {
    "one head": ((4, 3), {"heads": 1}),
    "heads": ((5, 6), {"heads": 2}),
    "heads of one number": ((4, 3), {"heads": 3}),
    "a root that is whole": ((3, 8), {"heads": 2}),
    "no bias": ((3, 6), {"heads": 2, "bias": False}),
    "size": ((3, 5), {"heads": 2, "head_size": 4}),
    "causal": ((5, 6), {"heads": 2, "causal": True}),
    "grouped": ((6, 5), {"heads": 4, "kv_heads": 2, "head_size": 3}),
    "one key head": ((4, 6), {"heads": 3, "kv_heads": 1, "head_size": 2}),
    "window": ((6, 4), {"heads": 2, "window": 2}),
    "causal window": ((6, 4), {"heads": 1, "causal": True, "window": 3}),
    "window of one": ((4, 3), {"heads": 1, "causal": True, "window": 1}),
    "wide window": ((3, 4), {"heads": 1, "window": 9}),
    "rotary": ((5, 12), {"heads": 2, "rotary": 100, "causal": True}),
    "rotary grouped": ((3, 8), {"heads": 2, "kv_heads": 1, "rotary": 10}),
    "relative bias": ((9, 4), {"heads": 2, "relative_bias": 3}),
    "relative bias of one head": ((4, 3), {"heads": 1, "relative_bias": 2, "causal": True}),
}


def one(shape: Shape, fields: dict[str, Any], **more: Any) -> Network:
    return load_network({"input": {"x": list(shape)}, "layers": [{"attention": {"name": "a", **fields}}], **more})


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("samples", [None, 2])
def test_attention_is_numpy(case: str, samples: int | None) -> None:
    shape, fields = CASES[case]
    network = one(shape, fields, **({} if samples is None else {"batch": "N"}))
    values = drawn(network, samples)
    each = values["x"] if samples else values["x"][None]
    expected = np.stack([attention(values, x, **fields) for x in each])
    assert forward(network, values, samples) == pytest.approx(expected if samples else expected[0])


@pytest.mark.parametrize("samples", [None, 2])
@pytest.mark.parametrize(
    "fields", [{"heads": 2}, {"heads": 3, "kv_heads": 1, "head_size": 5}], ids=["plain", "grouped"]
)
def test_keys_and_values_come_from_the_memory(fields: dict[str, Any], samples: int | None) -> None:
    net = {"input": {"x": [3, 4], "m": [5, 7]}, "layers": [{"attention": {"name": "a", "inputs": "x", "memory": "m"}}]}
    net["layers"][0]["attention"] |= fields
    network = load_network({**net, **({} if samples is None else {"batch": "N"})})
    values = drawn(network, samples)
    pairs = zip(values["x"], values["m"], strict=True) if samples else [(values["x"], values["m"])]
    expected = np.stack([attention(values, x, m, **fields) for x, m in pairs])
    assert forward(network, values, samples) == pytest.approx(expected if samples else expected[0])
    assert network.nodes[0].inputs == ("x", "m")


def test_probabilities_sum_to_one_over_what_is_seen() -> None:
    network = one((5, 4), {"heads": 2, "causal": True, "window": 3})
    given = {name: array(value) for name, value in drawn(network).items()}
    p = evaluate(network.program, given, FLOATS)["p_a"]
    for h, i in product((1, 2), range(1, 6)):
        assert sum(p[h, i, j] for j in range(1, 6)) == pytest.approx(1)
        assert [p[h, i, j] > 0 for j in range(1, 6)] == [i - 3 < j <= i for j in range(1, 6)]


@st.composite
def attentions(draw: Any) -> tuple[dict[str, Any], Shape, Shape | None]:
    groups = draw(st.integers(1, 2))
    heads = groups * draw(st.integers(1, 2))
    size = draw(st.integers(1, 4))
    shape = (draw(st.integers(1, 5)), draw(st.integers(1, 5)))
    fields: dict[str, Any] = {"heads": heads, "kv_heads": groups, "head_size": size, "bias": draw(st.booleans())}
    if draw(st.booleans()):
        return fields, shape, (draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    fields["causal"] = draw(st.booleans())
    if draw(st.booleans()):
        fields["window"] = draw(st.integers(1, 6))
    if size % 2 == 0 and draw(st.booleans()):
        fields["rotary"] = draw(st.integers(2, 100))
    if shape[0] in (1, 4) and draw(st.booleans()):
        fields["relative_bias"] = {1: 1, 4: 2}[shape[0]]
    return fields, shape, None


@QUICK
@given(attentions())
def test_costs_are_those_of_the_executed_equations(case: tuple[dict[str, Any], Shape, Shape | None]) -> None:
    fields, shape, memory = case
    inputs = {"x": list(shape)} | ({} if memory is None else {"m": list(memory)})
    fields |= {"name": "a", "inputs": "x"} | ({} if memory is None else {"memory": "m"})
    network = load_network({"input": inputs, "layers": [{"attention": fields}]})
    node = network.nodes[0]
    roles = {each.name: each.role for each in node.parameters}
    values = {
        name: {at: Fraction((-1) ** n * (3 * n % 7 + 1), 20) for n, at in enumerate(array(value))}
        for name, value in drawn(network).items()
    }
    done = execute(
        network.program,
        values,
        weights=[name for name, role in roles.items() if role == "weight"],
        biases=[name for name, role in roles.items() if role == "bias"],
    )
    operations = sum((each.operations for each in done.values()), Counter())
    cost = node.layer.cost(shape)
    stated = {kind: Formula(count).value for kind, count in cost.operations.items()}
    macs = operations.pop("mac", 0)
    assert +Counter(stated) == +operations
    assert Formula(EXACT.formula(cost)).value == operations.total()
    # Products of a weight are the projections; the rest are scores and contexts, of what is seen.
    attended = sum(prod(reads) for reads in seen(fields, shape, memory))
    assert Formula(cost.macs).value - Formula(cost.masked_macs).value == macs + attended
    used = {role: sum(done_.reads[name] for done_ in done.values() for name in roles if roles[name] == role)
            for role in ("weight", "bias")}  # fmt: skip
    assert Formula(cost.connections).value == used["weight"] + used["bias"]
    assert Formula(node.layer.cost(shape, bias=False).connections).value == used["weight"]
    for role, text in (("weight", cost.weights), ("bias", cost.biases)):
        assert Formula(text).value == sum(each.count for each in node.parameters if each.role == role)
    assert Formula(cost.params).value == sum(each.count for each in node.parameters)


def seen(fields: dict[str, Any], shape: Shape, memory: Shape | None) -> list[tuple[int, int]]:
    """For every pair of a query and a key that it sees: the numbers of all heads, twice over."""
    far = fields.get("window") or 99
    return [
        (2, fields["heads"] * fields["head_size"])
        for i in range(shape[0])
        for j in range((memory or shape)[0])
        if memory or (abs(i - j) < far and not (fields["causal"] and j > i))
    ]


@pytest.mark.parametrize(
    ("fields", "shape", "params"),
    [
        # Dosovitskiy et al. 2021, ViT-B/16: 4·768² + 4·768.
        ({"heads": 12}, (197, 768), 2_362_368),
        # Radford et al. 2019, GPT-2 small: a block of 7 087 872, less its two norms and its two dense layers.
        ({"heads": 12, "causal": True}, (1024, 768), 7_087_872 - (8 * 768**2 + 5 * 768 + 4 * 768)),
        # Llama 3 8B: 32 heads and 8 key-value heads of 128, no biases: q and o of 4096², k and v of 4096·1024.
        ({"heads": 32, "kv_heads": 8, "bias": False, "causal": True}, (8, 4096), 41_943_040),
    ],
)
def test_published_parameters(fields: dict[str, Any], shape: Shape, params: int) -> None:
    layer = KINDS["attention"](**fields)
    assert Formula(layer.cost(shape).params).value == params


def test_macs_are_of_all_pairs_and_say_how_many_are_masked() -> None:
    layer = KINDS["attention"](heads=2, causal=True)
    cost = layer.cost((5, 6))
    assert Formula(cost.macs).value == 5 * 6 * (2 * 6 + 2 * 6) + 2 * 5**2 * 6
    assert Formula(cost.macs).value - Formula(cost.masked_macs).value == 5 * 6 * (2 * 6 + 2 * 6) + 2 * 15 * 6
    assert layer.notes((5, 6)) == ("the mask makes 2·(5·5 - 5·(5 + 1)/2)·6 of the MACs needless",)
    assert KINDS["attention"](heads=2).cost((5, 6)).masked_macs == "0"
    assert KINDS["attention"](heads=2).notes((5, 6)) == ()


SAMPLE = ("no bias", "causal", "grouped", "window", "causal window", "rotary grouped", "relative bias of one head")
BATCH = ("one head", "causal window", "relative bias of one head")


@pytest.mark.parametrize(
    ("case", "batch"), [*((case, {}) for case in SAMPLE), *((case, {"batch": "N"}) for case in BATCH)]
)
def test_gradients_are_verified(case: str, batch: dict[str, Any]) -> None:
    shape, fields = CASES[case]
    net = {"input": {"x": list(shape)}, "layers": [{"attention": {"name": "a", **fields}}], "loss": "sse", **batch}
    parameters = [each.name for each in load_network(net).nodes[0].parameters]
    derivation = backcalc.grad({**net, "find": ["x", *parameters]}, view="index")
    assert derivation.passed, [str(check) for check in derivation.verified]


@pytest.mark.parametrize(("heads", "batch"), [("heads: 3, kv_heads: 1", ""), ("heads: 1", "batch: N\n")])
def test_gradients_by_the_memory_are_verified(heads: str, batch: str) -> None:
    text = (
        "input: {x: [2, 4], m: [5, 7]}\nlayers:\n  - dense: {name: z, units: 6, inputs: x}\n"
        f"  - attention: {{name: a, {heads}, head_size: 2, memory: m}}\nloss: sse\n"
        f"find: [x, m, Wk_a, Wv_a, bq_a]\n{batch}"
    )
    derivation = backcalc.grad(text, view="index")
    assert derivation.passed, [str(check) for check in derivation.verified]


def test_the_gradient_of_the_scores_is_that_of_the_textbook() -> None:
    """P∘(P̄ − rowsum(P̄∘P)), and ∂J/∂q from it: Vaswani et al. 2017 differentiated by hand."""
    net = {"input": {"x": [4, 3]}, "layers": [{"attention": {"name": "a", "heads": 1}}], "loss": "sse"}
    derivation = backcalc.grad({**net, "find": ["score_a", "q_a", "k_a"]}, view="index")
    formulas = [to_text(each.formula) for each in derivation.gradients]
    assert formulas == [
        "p_a[i,j]*(dJ/dp_a[i,j] - sum(j2=1..4, dJ/dp_a[i,j2]*p_a[i,j2]))",
        "sum(j=1..4, dJ/dscore_a[i,j]*k_a[j,r])/sqrt(3)",
        "sum(i2=1..4, dJ/dscore_a[i2,i]*q_a[i2,r])/sqrt(3)",
    ]


def test_a_causal_gradient_runs_over_what_was_seen() -> None:
    net = {"input": {"x": [4, 3]}, "layers": [{"attention": {"name": "a", "heads": 1, "causal": True}}], "loss": "sse"}
    derivation = backcalc.grad({**net, "find": ["q_a", "k_a", "v_a"]}, view="index")
    formulas = [to_text(each.formula) for each in derivation.gradients]
    assert formulas == [
        "sum(j=1..i, dJ/dscore_a[i,j]*k_a[j,r])/sqrt(3)",
        "sum(i2=i..4, dJ/dscore_a[i2,i]*q_a[i2,r])/sqrt(3)",
        "sum(i2=i..4, dJ/dcontext_a[i2,r]*p_a[i2,i])",
    ]


def test_the_memory_of_a_block_is_named_inside_and_outside() -> None:
    text = (
        "input: {x: [3, 4], m: [5, 4]}\nlayers:\n  - dense: {name: h, units: 4, inputs: x}\n"
        "  - repeat: {name: b, times: 2, layers: [attention: {name: a, heads: 2},"
        " attention: {name: c, heads: 2, memory: m}, attention: {name: d, heads: 1, memory: a}]}\n"
    )
    inputs = {node.name: node.inputs for node in load_network(text).nodes}
    assert inputs["c_1"] == ("a_1", "m") and inputs["c_2"] == ("a_2", "m")
    assert inputs["d_1"] == ("c_1", "a_1") and inputs["d_2"] == ("c_2", "a_2")


def test_what_a_query_sees() -> None:
    table = backcalc.count(
        "input: {x: 9}\nlayers:\n  - embedding: {name: e, vocabulary: 3, units: 4}\n"
        "  - attention: {name: a, heads: 1, window: 3, causal: true}\n"
        "  - attention: {name: b, heads: 1, window: 2}\n  - attention: {name: c, heads: 1}\n"
    )
    assert [row.receptive_field for row in table.rows] == [1, 3, 5, 9]


@pytest.mark.parametrize(
    ("text", "message", "help"),
    [
        (
            "input: {x: [5, 7]}\nlayers: [attention: {name: a, heads: 2}]",
            "layer `a` (attention): 7 features of [5, 7] are not divisible into 2 heads",
            "give the numbers in a head, as in `head_size: 64`",
        ),
        (
            "input: 7\nlayers: [attention: {name: a, heads: 2}]",
            "layer `a` (attention): attention works on [time, features], but got [7]",
            None,
        ),
        (
            "input: {x: [5, 6]}\nlayers: [attention: {name: a, heads: 3, kv_heads: 2}]",
            "`attention`: kv_heads is 2, which does not divide the 3 heads",
            None,
        ),
        (
            "input: {x: [5, 6], memo: [2, 3]}\nlayers: [attention: {heads: 3, inputs: x, memory: meno}]",
            "unknown name `meno`",
            "did you mean `memo`?",
        ),
        (
            "input: {x: [5, 6], m: 3}\nlayers: [attention: {name: a, heads: 3, inputs: x, memory: m}]",
            "layer `a` (attention): the memory of attention is [time, features], but got [3]",
            None,
        ),
        (
            "input: {x: [5, 6], m: [2, 3]}\nlayers: [attention: {heads: 3, inputs: x, memory: m, causal: true}]",
            "`attention`: causal compares places of one sequence, but keys come from the memory",
            None,
        ),
        (
            "input: {x: [5, 6]}\nlayers: [attention: {name: a, heads: 2, rotary: 100}]",
            "layer `a` (attention): rotary turns pairs of numbers, but a head has 3",
            None,
        ),
        (
            "input: {x: [5, 6]}\nlayers: [attention: {name: a, heads: 2, relative_bias: 2}]",
            "layer `a` (attention): the window of the relative bias has 2x2 = 4 cells, but there are 5 steps",
            None,
        ),
        (
            "input: {x: [5, 6]}\nlayers: [attention: {heads: 2, memory: 3}]",
            "`memory`: expected a text, got `3`",
            None,
        ),
    ],
)
def test_what_attention_cannot_take(text: str, message: str, help: str | None) -> None:
    with pytest.raises(InputError) as error:
        load_network(text + "\n")
    assert [(problem.message, problem.help) for problem in error.value.problems] == [(message, help)]
