"""Mixtures of experts against loops in NumPy, the published size of Mixtral, and the executed equations."""

from __future__ import annotations

import json
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
from backcalc.formula.evaluate import evaluate
from backcalc.formula.floats import FLOATS
from backcalc.formula.print_text import to_text
from backcalc.net import InputError, load_network
from backcalc.render.equations_yaml import equations_yaml

PLAIN = [{"dense": {"name": "u", "units": 4}}, {"tanh": {"name": "h"}}, {"dense": {"name": "v", "units": 2}}]
GATED = [
    {"dense": {"name": "w1", "units": 4, "bias": False}},
    {"silu": {"name": "g"}},
    {"dense": {"name": "w3", "units": 4, "bias": False, "inputs": "moe"}},
    {"multiply": ["g", "w3"]},
    {"dense": {"name": "w2", "units": 2, "bias": False}},
]
EXPERTS, FEATURES, STEPS = 5, 3, 6


def mixture(layers: list[Any], active: int, experts: int = EXPERTS) -> dict[str, Any]:
    return {"mixture": {"name": "moe", "experts": experts, "active": active, "layers": layers}}


def network(layers: list[Any], active: int, shape: tuple[int, ...], **more: Any) -> Any:
    return load_network({"input": {"x": list(shape)}, "layers": [mixture(layers, active)], **more})


def cells(value: Any) -> dict[tuple[int, ...], float]:
    return {tuple(place + 1 for place in at): float(number) for at, number in np.ndenumerate(np.asarray(value))}


def plain(a: dict[str, Any], e: int, x: Any) -> Any:
    hidden = np.tanh(a["W_moe_u"][e] @ x + a["b_moe_u"][e])
    return a["W_moe_v"][e] @ hidden + a["b_moe_v"][e]


def gated(a: dict[str, Any], e: int, x: Any) -> Any:
    """Mixtral's expert: w2(silu(w1(x))·w3(x))."""
    u = a["W_moe_w1"][e] @ x
    return a["W_moe_w2"][e] @ (u / (1 + np.exp(-u)) * (a["W_moe_w3"][e] @ x))


def answer(expert: Any, a: dict[str, Any], active: int, x: Any) -> Any:
    """One token: the softmax of the largest scores weighs the experts that have them."""
    scores = a["R_moe"] @ x
    best = sorted(range(EXPERTS), key=lambda e: -scores[e])[:active]  # sorted is stable: of equal scores the first
    total = sum(np.exp(scores[e]) for e in best)
    return sum(np.exp(scores[e]) / total * expert(a, e, x) for e in best)


@pytest.mark.parametrize("active", [1, 2, EXPERTS])
@pytest.mark.parametrize(("layers", "expert"), [(PLAIN, plain), (GATED, gated)], ids=["plain", "gated"])
@pytest.mark.parametrize("shape", [(FEATURES,), (STEPS, FEATURES)], ids=["vector", "steps"])
@pytest.mark.parametrize("batch", [None, 2])
def test_the_best_experts_answer(
    active: int, layers: list[Any], expert: Any, shape: tuple[int, ...], batch: int | None
) -> None:
    net = network(layers, active, shape, **({"batch": "N"} if batch else {}))
    source = np.random.default_rng(7)
    arrays = {each.name: source.normal(size=each.shape) for each in net.nodes[0].parameters}
    x = source.normal(size=(*([batch] if batch else []), *shape))
    values = {name: cells(array) for name, array in arrays.items()} | {"x": cells(x)}
    found = evaluate(net.program, values, FLOATS, {"N": batch} if batch else None)["moe"]
    tokens = [answer(expert, arrays, active, token) for token in x.reshape(-1, FEATURES)]
    assert found == pytest.approx(cells(np.stack(tokens).reshape(*x.shape[:-1], 2)))
    assert net.nodes[0].output_shape == (*shape[:-1], 2)


def test_of_equal_scores_the_first_are_chosen() -> None:
    net = network([{"dense": 1}], 2, (1,))
    values = {"x": {(1,): 1.0}, "R_moe": {(e, 1): [3.0, 5.0, 3.0, 3.0, 1.0][e - 1] for e in range(1, 6)}}
    values |= {"W_moe_dense_1": {(e, 1, 1): 10.0**e for e in range(1, 6)}}
    values |= {"b_moe_dense_1": {(e, 1): 0.0 for e in range(1, 6)}}
    found = evaluate(net.program, values, FLOATS)
    assert list(found["rank_moe"].values()) == [1, 0, 2, 3, 4]
    share = 1 / (1 + np.exp(-2))
    assert found["moe"] == pytest.approx({(1,): 100 * share + 10 * (1 - share)})


MIXTRAL = """\
input: {tokens: 8}
layers:
  - embedding: {name: e, vocabulary: 32000, units: 4096}
  - repeat:
      name: block
      times: 32
      layers:
        - rmsnorm
        - attention: {name: a, heads: 32, kv_heads: 8, head_size: 128, causal: true, bias: false}
        - add: {name: r, inputs: [block, a]}
        - rmsnorm
        - mixture:
            name: moe
            experts: 8
            active: 2
            layers:
              - dense: {name: w1, units: 14336, bias: false}
              - silu: {name: g}
              - dense: {name: w3, units: 14336, bias: false, inputs: moe}
              - multiply: [g, w3]
              - dense: {name: w2, units: 4096, bias: false}
        - add: [r, moe]
  - rmsnorm
  - dense: {units: 32000, bias: false}
"""


def test_the_size_of_mixtral() -> None:
    """46,702,792,704 parameters (transformers 5.23, mixtral-8x7b), of which 12.9e9 answer for a token (Mistral AI)."""
    table = count(load_network(MIXTRAL))
    assert table.totals.params == 46_702_792_704
    row = table.row("moe_1")
    words = row.notes[0].split()
    answering, every = int(words[0]), int(words[3])
    assert every == row.params == 8 * (4096 + 3 * 4096 * 14_336)
    assert round((table.totals.params - 32 * (every - answering)) / 1e9, 1) == 12.9
    assert row.macs == 8 * (8 * 4096 + 2 * 3 * 4096 * 14_336)


def executed(net: Any) -> dict[str, Any]:
    leaves = net.program.leaves
    values = {
        name: {at: Fraction(sum(at) % 5 - 2, number + 3) for at in product(*(range(1, n + 1) for n in shape))}
        for number, name in enumerate(leaves)
        if (shape := net.program.shape(name)) is not None
    }
    parameters = net.nodes[0].parameters
    roles = {role: [each.name for each in parameters if each.role == role] for role in ("weight", "bias")}
    return execute(net.program, values, weights=roles["weight"], biases=roles["bias"])


@pytest.mark.parametrize("shape", [(FEATURES,), (STEPS, FEATURES)], ids=["vector", "steps"])
@pytest.mark.parametrize("layers", [PLAIN, GATED], ids=["plain", "gated"])
@pytest.mark.parametrize("active", [1, 2, EXPERTS])
def test_costs_are_those_of_the_experts_that_answer(shape: tuple[int, ...], layers: list[Any], active: int) -> None:
    """The equations compute all experts: of what these take, and of the weighted sum, the active ones' share counts."""
    net = network(layers, active, shape)
    done, cost, tokens = executed(net), net.nodes[0].layer.cost(shape), STEPS if len(shape) == 2 else 1
    router = {name: each for name, each in done.items() if name in ("s_moe", "rank_moe", "p_moe")}
    operations: Counter[str] = sum((each.operations for each in router.values()), Counter())
    reads: Counter[str] = sum((each.reads for each in done.values()), Counter())
    for name, each in done.items():
        if name not in (*router, "moe"):
            operations += Counter({kind: number * active // EXPERTS for kind, number in each.operations.items()})
    operations += Counter({"multiply": active * 2 * tokens, "add": (active - 1) * 2 * tokens})
    macs = operations.pop("mac")
    units = Formula(cost.units).value
    assert +Counter({kind: Formula(text).value * units for kind, text in cost.operations.items()}) == operations
    assert Formula(cost.macs).value == macs
    used = {each.name: reads[each.name] for each in net.nodes[0].parameters}
    router_uses = used.pop("R_moe")
    assert Formula(cost.connections).value == router_uses + sum(used.values()) * active // EXPERTS
    for role, text in (("weight", cost.weights), ("bias", cost.biases)):
        assert Formula(text).value == sum(each.count for each in net.nodes[0].parameters if each.role == role)
    assert Formula(cost.params).value == Formula(cost.weights).value + Formula(cost.biases).value
    bare = net.nodes[0].layer.cost(shape, bias=False)
    assert Formula(bare.params).value == Formula(cost.weights).value
    assert Formula(bare.macs).value == Formula(cost.macs).value == Formula(bare.connections).value


@pytest.mark.parametrize(
    ("active", "layers", "batch"),
    [(1, PLAIN, ""), (2, PLAIN, "N"), (2, GATED, ""), (3, GATED, "")],
    ids=["one", "batch", "gated", "all"],
)
def test_gradients_are_verified(active: int, layers: list[Any], batch: str) -> None:
    net = {"input": {"x": [2, FEATURES]}, "layers": [mixture(layers, active, 3)], "loss": "sse"}
    found = load_network(net | ({"batch": batch} if batch else {}))
    derivation = backcalc.grad({**net, "find": [*found.parameters, "x"]} | ({"batch": batch} if batch else {}))
    assert derivation.passed, [str(check) for check in derivation.verified]


def test_a_mixture_of_mixtures() -> None:
    inner = {"mixture": {"name": "i", "experts": 2, "active": 1, "layers": [{"dense": 2}]}}
    net = {"input": {"x": 3}, "layers": [mixture([{"dense": {"name": "u", "units": 4}}, inner], 2, 3)], "loss": "sse"}
    one = load_network(net)
    assert one.program.shape("W_moe_i_dense_1") == (3, 2, 2, 4)
    assert count(one).totals.params == 3 * 3 + 3 * (4 * (3 + 1) + 2 * 4 + 2 * 2 * (4 + 1))
    derivation = backcalc.grad({**net, "find": ["R_moe", "R_moe_i", "W_moe_i_dense_1"]}, view="index")
    assert derivation.passed, [str(check) for check in derivation.verified]


def test_no_gradient_reaches_the_scores_of_one_expert_alone() -> None:
    """Alone it has the weight 1, whatever its score is."""
    net = {
        "input": 2,
        "layers": [mixture([{"dense": 2}], 1, 3)],
        "loss": {"sse": {"target": [1, 2]}},
        "find": ["R_moe"],
    }
    arrays = {"x": [1, 2], "R_moe": [[1, 0], [0, 1], [1, 1]], "W_moe_dense_1": [[[1, 2], [3, 4]]] * 3}
    derivation = backcalc.grad({**net, "values": {**arrays, "b_moe_dense_1": [[1, 0]] * 3}})
    assert {str(value.value) for value in derivation.values["dJ/dR_moe"].values()} == {"0"}
    assert str(derivation.values["rank_moe"][3,].value) == "0"


@pytest.mark.parametrize("batch", ["", "batch: N\n"])
def test_the_equations_are_read_back(batch: str) -> None:
    text = "input: {x: [2, 3]}\n" + batch + f"layers: {json.dumps([mixture(GATED, 2)])}\nloss: sse\n"
    one = load_network(text)
    other = load_network(equations_yaml(one))
    assert [to_text(line.body) for line in other.program.equations] == [
        to_text(line.body) for line in one.program.equations
    ]
    assert other.program.shapes.keys() == one.program.shapes.keys()


def test_dropout_in_experts_draws_for_every_token_and_expert() -> None:
    layers = [{"dense": {"name": "u", "units": 4}}, {"dropout": 0.5}, {"dense": {"name": "v", "units": 2}}]
    net = network(layers, 2, (STEPS, FEATURES), batch=7)
    assert net.program.shape("mask_moe_dropout_1") == (7, STEPS, EXPERTS, 4)
    lines = {line.name: f"{to_text(line.left)} = {to_text(line.body)}" for line in net.program.equations}
    assert lines["moe_dropout_1"] == "moe_dropout_1[n,t,e,i] = 2*mask_moe_dropout_1[n,t,e,i]*moe_u[n,t,e,i]"


def test_arrays_that_are_spelled_out_are_the_same_for_all_experts() -> None:
    net = network([{"normalise": {"mean": [1, 2, 3], "std": 2}}, {"dense": 2}], 2, (FEATURES,))
    assert net.nodes[0].stated(None).lines[3:5] == (
        "mean_moe_normalise_1 = [1, 2, 3]",
        "moe_normalise_1[e,i] = (x[i] - mean_moe_normalise_1[i])/2",
    )
    assert net.program.shape("mean_moe_normalise_1") == (3,)


def test_indices_make_way_for_arrays_and_for_indices_of_the_experts() -> None:
    arguments = mixture(PLAIN, 2)["mixture"] | {"name": "t"}
    net = load_network({"input": {"e": [2, 3]}, "layers": [{"mixture": arguments}]})
    assert net.nodes[0].stated(None).lines[0] == "s_t[t2,e2] = sum(k, R_t[e2,k]*e[t2,k])"
    net = load_network({"input": {"k": [2, 3]}, "layers": [mixture(PLAIN, 2)]})
    lines = [f"{to_text(line.left)} = {to_text(line.body)}" for line in net.program.equations]
    assert lines[5] == "moe_v[t,e,j] = sum(i=1..4, W_moe_v[e,j,i]*moe_h[t,e,i]) + b_moe_v[e,j]"
    conv = [{"conv1d": {"filters": 1, "kernel": 2}}]
    lines = network(conv, 2, (FEATURES,)).nodes[0].stated(None).lines
    assert lines[1] == "rank_moe[e] = sum(a2 != e, if(a2 < e, s_moe[a2] >= s_moe[e], s_moe[a2] > s_moe[e]))"
    assert lines[3] == "moe_conv1d_1[e,i] = sum(a, W_moe_conv1d_1[e,1,1,a]*x[i+a-1]) + b_moe_conv1d_1[e,1]"


MISTAKES = [
    ("relu", "`layers`: expected a list of layers, at least one, got `relu`", None),
    ("[]", "`layers`: expected a list of layers, at least one, got `[]`", None),
    ("[dens: 3]", "unknown layer kind `dens`", "did you mean `dense`?"),
    ("[repeat: {times: 2, layers: [relu]}]", "`repeat` cannot stand in a mixture", "write its layers out"),
    (
        "[dense: {units: 2, weights: w}]",
        "`mixture`: layers of experts cannot name single weights: every expert has its own",
        None,
    ),
    (
        "[batchnorm]",
        "layer `m` (mixture): `batchnorm_1` of the experts: batchnorm needs samples, but an expert sees one token",
        None,
    ),
    (
        "[dense: {units: 2, inputs: x}]",
        "layer `m` (mixture): `dense_1` of the experts reads `x`, which does not stand before it",
        "what it can read is `m`",
    ),
    (
        "[dense: {name: a, units: 2}, relu: {name: a}]",
        "layer `m` (mixture): the name `a` is taken twice in the experts",
        None,
    ),
    (
        "[relu: {inputs: [m, m]}]",
        "layer `m` (mixture): `relu_1` of the experts: relu reads one input, but `inputs` names 2",
        None,
    ),
    (
        "[add: [m]]",
        "layer `m` (mixture): `add_1` of the experts: add reads two inputs or more, but `inputs` names 1",
        None,
    ),
    ("[reshape: [1, 3]]", "layer `m` (mixture): an expert must put out a vector, but puts out [1, 3]", None),
    (
        "[lstm: 3]",
        "layer `m` (mixture): `lstm_1` of the experts: lstm works on [time, features], but got [3]",
        "for one feature a step put `reshape: [3, 1]` before it",
    ),
]


@pytest.mark.parametrize(("layers", "message", "help"), MISTAKES)
def test_mistakes(layers: str, message: str, help: str | None) -> None:
    text = f"input: 3\nlayers: [mixture: {{name: m, experts: 3, active: 2, layers: {layers}}}]\n"
    with pytest.raises(InputError) as error:
        load_network(text)
    (problem,) = error.value.problems
    assert (problem.message, problem.help) == (message, help)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mixture: {experts: 3, active: 4, layers: [relu]}", "`mixture`: active is 4, but there are 3 experts"),
        ("mixture: {experts: 3, layers: [relu]}", "`mixture` needs `active`"),
    ],
)
def test_how_many_experts_answer(text: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        load_network(f"input: 3\nlayers: [{text}]\n")
    assert [problem.message for problem in error.value.problems] == [message]


def test_a_mixture_works_on_tokens() -> None:
    with pytest.raises(
        InputError, match=r"works on a vector \[features\] or on \[time, features\], but got \[1, 3, 4\]"
    ):
        network(PLAIN, 2, (1, 3, 4))
