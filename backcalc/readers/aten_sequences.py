"""Attention and recurrent layers of ATen: one operator each, one or several layers here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from math import isqrt
from typing import Any

from backcalc.layers.base import axis_names
from backcalc.readers import formulas, operators
from backcalc.readers.draft import clean
from backcalc.readers.exported import Call, Walk
from backcalc.readers.values import Constant, Graph, Misfit, Operand, Value, Weight


def attention(walk: Walk, call: Call) -> Value:
    """`softmax(q k / sqrt(size)) v` as the products and the softmax that it is."""
    graph, word = walk.graph, call.word.replace("scaled_dot_product_attention", "attention")
    query, key, value = (call.value(name) for name in ("query", "key", "value"))
    size = query.dims[-1]
    if call.get("enable_gqa", False):
        raise Misfit("with shared heads")
    last = [*range(len(key.dims) - 2), len(key.dims) - 1, len(key.dims) - 2]
    scores = operators.matmul(graph, f"{word}_scores", query, graph.transposed(f"{word}_keys", key, last))
    scale, root = call.get("scale"), isqrt(size)
    if scale is None and root**2 != size:
        scores = formulas.elementwise(graph, f"{word}_scaled", f"{{}}/sqrt({size})", scores)
    else:
        factor = Constant((), (Fraction(1, root) if scale is None else Fraction(scale),))
        scores = formulas.arithmetic(graph, f"{word}_scaled", "mul", scores, factor)
    if call.get("is_causal", False):
        scores = _causal(graph, f"{word}_masked", scores)
    elif call.get("attn_mask") is not None:
        mask = call.get("attn_mask")
        scores = formulas.arithmetic(graph, f"{word}_masked", "add", scores, mask)
    weights = operators.softmax(graph, f"{word}_weights", "softmax", scores, -1)
    if rate := call.get("dropout_p", 0):
        weights = operators.simple(graph, f"{word}_dropout", "dropout", weights, rate=rate)
    return operators.matmul(graph, word, weights, value)


def _causal(graph: Graph, word: str, scores: Value) -> Value:
    name, source = graph.draft.fresh(clean(word, "masked")), graph.read(scores)
    axes = axis_names(graph.sample(scores), name, source)
    places = ",".join(axes)
    text = f"{name}[{places}] = if({axes[-1]} <= {axes[-2]}, {source}[{places}], -10^9)"
    comment = "a step sees itself and those before it"
    return replace(scores, name=graph.draft.add("formula", name, [source], equations=text, comment=comment))


def recurrent(kind: str, states: int) -> Callable[[Walk, Call], Any]:
    """A recurrent layer, which hands on so many states besides what it puts out."""

    def operator(walk: Walk, call: Call) -> tuple[Operand, ...]:
        x, first = call.value("input"), call.get("hx", [])
        arrays: Sequence[Operand] = call.get("params", [])
        directions, levels = 2 if call.get("bidirectional") else 1, call.get("num_layers", 1)
        biased, per = call.get("has_biases", True), 4 if call.get("has_biases", True) else 2
        given = first if isinstance(first, list) else [first]
        if not all(isinstance(each, Constant) and each.scalar == 0 for each in given):
            raise Misfit("with states before the first step")
        if len(arrays) != directions * levels * per or not all(isinstance(each, Weight) for each in arrays):
            raise Misfit("with projections")
        if kind == "gru" and not biased:
            raise Misfit("that resets behind the product, without biases")
        read = [name in walk.uses for name in call.makes]
        last = read == [False, True, False][: len(read)] and directions == levels == 1
        if (any(read[1:]) and not last) or x.folded or x.batch != (not call.get("batch_first")):
            raise Misfit("whose last states are read, or of one sample")
        walk.graph.alone(*arrays)
        recurrent = arrays[1]
        units = recurrent.dims[-1] if isinstance(recurrent, Weight) else 1
        own = arrays[0].name.rpartition(".")[0] if isinstance(arrays[0], Weight) else ""
        name = walk.graph.draft.add(
            kind,
            own or call.word,
            [walk.graph.read(x)],
            units=units,
            biases=2 if biased else 0,
            bidirectional=directions == 2 or None,
            layers=levels,
            **{"return": "last" if last else "all"},
        )
        if last:  # [layers, samples, units]
            state = walk.graph.own(Value(name, (1, walk.graph.batch, units), 1), *arrays)
            return None, state, *(None,) * (states - 1)
        made = walk.graph.own(Value(name, (*x.dims[:-1], directions * units), x.batch), *arrays)
        return made, *(None,) * states

    return operator
