"""The kinds of layers that need a network around them, under `exact` and `mac`, against the executed equations.

The other kinds are in `test_kinds`; together they are all that there are. `BACKCALC_EXAMPLES=500` makes a long run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backcalc.count import count
from backcalc.count.interpreter import Array, Execution, execute
from backcalc.layers import KINDS
from backcalc.net import Network, Node, load_network

from .nets import (
    COUNTED,
    OPEN,
    Net,
    attentions,
    formulas,
    handed_on,
    learned,
    merges,
    mixtures,
    norms,
    products,
    recurrences,
    turned,
)
from .strategies import SIMPLE
from .test_kinds import EXAMPLES

STRATEGIES: dict[str, Callable[[], st.SearchStrategy[Net]]] = {
    "norms": norms,
    "handed on": handed_on,
    "merges": merges,
    "matrix products": products,
    "learned arrays": learned,
    "rotary": turned,
    "attention": attentions,
    "recurrent": recurrences,
}
CASE = settings(max_examples=EXAMPLES, deadline=None, derandomize=True)


def executed(network: Network, node: Node) -> dict[str, Execution]:
    """The layer's equations, executed on numbers of which some are negative; tokens are numbers of rows."""
    roles = {each.name: each.role for each in node.parameters}
    shapes = {**{each.name: each.shape for each in node.parameters}, **network.inputs}
    values: dict[str, Array] = {}
    for name, shape in shapes.items():
        places = product(*(range(1, size + 1) for size in shape))
        values[name] = {at: Fraction((-1) ** n * (3 * n % 23 + 1), 29) for n, at in enumerate(places)}
        if roles.get(name) == "statistic":  # a variance is not negative
            values[name] = {at: abs(number) for at, number in values[name].items()}
    if node.layer.kind == "embedding":
        rows = node.parameters[0].shape[0]
        values["x"] = {at: Fraction(1 + n % rows) for n, at in enumerate(values["x"])}
    weights, biases = ([name for name in roles if roles[name] == role] for role in ("weight", "bias"))
    return execute(network.program, values, weights=weights, biases=biases)


def pairs(node: Node, memory: int | None) -> int:
    """How many pairs of a query and a key there are in all heads, twice the numbers of each."""
    layer, steps = node.layer, node.input_shape[0]
    far, causal = getattr(layer, "window", None) or steps, getattr(layer, "causal", False)
    seen = [
        (i, j)
        for i, j in product(range(steps), range(memory or steps))
        if memory or (abs(i - j) < far and not (causal and j > i))
    ]
    return len(seen) * 2 * node.parameters[0].shape[0]


@pytest.mark.parametrize("kind", STRATEGIES)
def test_counts_are_those_of_the_executed_equations(kind: str) -> None:
    CASE(given(STRATEGIES[kind]())(_agrees))()


def _agrees(net: Net) -> None:
    network = load_network(net)
    (node,) = network.nodes
    done = executed(network, node)
    operations: Counter[str] = sum((each.operations for each in done.values()), Counter())
    reads: Counter[str] = sum((each.reads for each in done.values()), Counter())
    macs = operations.pop("mac", 0)
    if node.layer.kind == "attention":  # products of two computed numbers are multiply-accumulates too
        macs += pairs(node, network.inputs["m"][0] if "m" in network.inputs else None)
    if node.layer.kind == "matmul":
        macs += operations["multiply"]
    if node.layer.kind in ("batchnorm", "layernorm", "groupnorm", "rmsnorm", "layer_scale"):
        macs = 0  # a gain is none
    row = count(network, causal="exact").rows[0]
    assert row.flops == operations.total()
    assert count(network, flops="mac", causal="exact").rows[0].flops == row.macs == macs
    weights, biases = (
        [each for each in node.parameters if each.role == role and each.trainable] for role in ("weight", "bias")
    )
    assert (row.weights, row.biases) == (sum(each.count for each in weights), sum(each.count for each in biases))
    if node.layer.kind not in ("batchnorm", "layernorm", "groupnorm", "rmsnorm"):  # norms have no connections
        uses = sum(reads[each.name] for each in (*weights, *biases))
        assert row.connections == uses
        inside = count(network, causal="exact", padding_connections=False).rows[0]
        assert inside.connections == uses  # there is no padding
        bare = count(network, causal="exact", bias=False).rows[0]
        assert bare.connections == uses - sum(reads[each.name] for each in biases)
    assert row.activations == prod(node.output_shape)


@CASE
@given(mixtures())
def test_of_a_mixture_the_experts_that_answer_count(net: Net) -> None:
    """The equations compute every expert; of what these take, and of the weighted sum, the share of the active ones."""
    network = load_network(net)
    (node,) = network.nodes
    layer: Any = node.layer
    share, done = Fraction(layer.active, layer.experts), executed(network, node)
    router = [name for name in ("s_y", "rank_y", "p_y") if name in done]
    operations: Counter[str] = sum((done[name].operations for name in router), Counter())
    experts: Counter[str] = sum(
        (each.operations for name, each in done.items() if name not in (*router, "y")), Counter()
    )
    tokens, features = prod(node.input_shape[:-1]), node.output_shape[-1]
    joined = features * tokens * (layer.active + layer.active - 1)
    macs = operations.pop("mac") + experts.pop("mac") * share
    row = count(network).rows[0]
    assert row.flops == operations.total() + experts.total() * share + joined
    assert count(network, flops="mac").rows[0].flops == row.macs == macs


@CASE
@given(formulas(COUNTED))
def test_of_own_equations_operations_on_each_number_count(net: Net) -> None:
    network = load_network(net)
    (node,) = network.nodes
    done, table = executed(network, node), count(network)
    operations = done["y"].operations
    operations.pop("mac", None)
    assert (table.uncounted, table.rows[0].flops) == ((), operations.total())
    assert table.rows[0].params == len(node.parameters)


@CASE
@given(formulas(OPEN))
def test_of_own_equations_the_rest_is_at_least(net: Net) -> None:
    table = count(load_network(net))
    assert (table.uncounted, table.rows[0].flops) == (("y",), 0)


def test_every_kind_is_tested() -> None:
    """Here or in `test_kinds`; of an operator that is unknown nothing is executed."""
    here = {
        *("batchnorm", "layernorm", "groupnorm", "rmsnorm", "dropout", "gaussian_noise", "stochastic_depth", "split"),
        *("add", "multiply", "concat", "matmul", "embedding", "positional", "class_token", "layer_scale"),
        *("relative_bias", "rotary", "attention", "rnn", "lstm", "gru", "mixture", "formula"),
    }
    there = {
        *SIMPLE,
        *(f"{word}{axes}d" for word in ("conv",) for axes in (1, 2, 3)),
        *(f"{word}{axes}d" for word in ("conv_transpose", "maxpool", "avgpool") for axes in (1, 2)),
        *("locally_connected2d", "global_avgpool", "adaptive_avgpool2d", "subsample2d", "dense", "normalise", "rbf"),
        *("reshape", "transpose", "slice", "channel_shuffle", "upsample2d"),
    }
    assert here | there == set(KINDS) - {"unknown"}
