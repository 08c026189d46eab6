"""Random small networks of one layer, for the kinds that need more than a shape: names, tokens, several inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

Net = dict[str, Any]
"""A document of one layer, called `y`."""


def _net(kind: str, shapes: dict[str, Any], **fields: Any) -> Net:
    named = {**fields, "name": "y"}
    return {"input": shapes, "layers": [{kind: named}]}


def _small(draw: Callable[..., Any], least: int = 1, most: int = 3) -> int:
    return int(draw(st.integers(least, most)))


def _shape(draw: Callable[..., Any], least: int = 1, most: int = 3) -> list[int]:
    return [_small(draw, 1, 3) for _ in range(_small(draw, least, most))]


@st.composite
def norms(draw: Callable[..., Any]) -> Net:
    kind = draw(st.sampled_from(["batchnorm", "layernorm", "groupnorm", "rmsnorm"]))
    shape, fields = _shape(draw), dict[str, Any]()
    if kind == "groupnorm":
        fields["groups"] = _small(draw)
        shape[0] = fields["groups"] * _small(draw, 2, 3)
    elif kind != "batchnorm" and (len(shape) == 3 or draw(st.booleans())):
        fields["axis"] = _small(draw, 1, len(shape))
    return _net(kind, {"x": shape}, **fields)


@st.composite
def handed_on(draw: Callable[..., Any]) -> Net:
    """What does nothing to one sample, or hands on a part of it."""
    kind = draw(st.sampled_from(["dropout", "gaussian_noise", "stochastic_depth", "split"]))
    shape = _shape(draw)
    if kind == "split":
        parts, axis = _small(draw), _small(draw, 1, len(shape))
        shape[axis - 1] *= parts
        return _net(kind, {"x": shape}, parts=parts, part=_small(draw, 1, parts), axis=axis)
    return _net(kind, {"x": shape}, **({"std": 0.5} if kind == "gaussian_noise" else {"rate": 0.5}))


@st.composite
def merges(draw: Callable[..., Any]) -> Net:
    kind, names = draw(st.sampled_from(["add", "multiply", "concat"])), list("abcd")[: _small(draw, 2, 4)]
    shape = _shape(draw)
    return _net(kind, {name: list(shape) for name in names}, inputs=names)


@st.composite
def products(draw: Callable[..., Any]) -> Net:
    before, (rows, inner, columns) = _shape(draw, 0, 2), (_small(draw) for _ in range(3))
    return _net("matmul", {"a": [*before, rows, inner], "b": [*before, inner, columns]}, inputs=["a", "b"])


@st.composite
def learned(draw: Callable[..., Any]) -> Net:
    """Arrays that are looked up, added, put before, or multiplied with."""
    kind = draw(st.sampled_from(["embedding", "positional", "class_token", "layer_scale", "relative_bias"]))
    steps, features = _small(draw), _small(draw)
    match kind:
        case "embedding":
            return _net(kind, {"x": steps}, vocabulary=_small(draw, 1, 5), units=features)
        case "positional":
            return _net(kind, {"x": [steps, features]}, length=steps + _small(draw, 0, 2))
        case "relative_bias":
            rows, columns = _small(draw, 1, 2), _small(draw, 1, 3)
            return _net(kind, {"x": [steps, rows * columns, rows * columns]}, window=[rows, columns])
        case "class_token":
            return _net(kind, {"x": [steps, features]})
        case _:
            return _net(kind, {"x": _shape(draw)})


@st.composite
def turned(draw: Callable[..., Any]) -> Net:
    return _net("rotary", {"x": [*_shape(draw, 1, 2), 2 * _small(draw, 1, 3)]}, base=_small(draw, 2, 100))


@st.composite
def attentions(draw: Callable[..., Any]) -> Net:
    """Heads that share keys, masks, windows, rotary and relative places, and keys of a memory."""
    groups = _small(draw, 1, 2)
    heads, size = groups * _small(draw, 1, 2), _small(draw, 1, 4)
    shape = [_small(draw, 1, 4), _small(draw, 1, 4)]
    fields: Net = {"heads": heads, "kv_heads": groups, "head_size": size, "bias": draw(st.booleans())}
    if draw(st.integers(0, 3)) == 0:
        memory = [_small(draw, 1, 4), _small(draw, 1, 4)]
        return _net("attention", {"x": shape, "m": memory}, inputs="x", memory="m", **fields)
    fields["causal"] = draw(st.booleans())
    if draw(st.booleans()):
        fields["window"] = _small(draw, 1, 5)
    if size % 2 == 0 and draw(st.booleans()):
        fields["rotary"] = _small(draw, 2, 100)
    if shape[0] in (1, 4) and draw(st.booleans()):
        fields["relative_bias"] = {1: 1, 4: 2}[shape[0]]
    return _net("attention", {"x": shape}, **fields)


@st.composite
def recurrences(draw: Callable[..., Any]) -> Net:
    fields = {
        "units": _small(draw, 1, 2),
        "biases": _small(draw, 0, 2),
        "bidirectional": draw(st.booleans()),
        "layers": _small(draw, 1, 2),
        "return": draw(st.sampled_from(["last", "all"])),
    }
    return _net(draw(st.sampled_from(["rnn", "lstm", "gru"])), {"x": [_small(draw), _small(draw)]}, **fields)


@st.composite
def mixtures(draw: Callable[..., Any]) -> Net:
    """Experts of two dense layers, or gated as Mixtral's are."""
    experts, features, inner = _small(draw, 1, 4), _small(draw), _small(draw)
    bias = {"bias": draw(st.booleans())}
    plain: list[Any] = [{"dense": {"units": inner, **bias}}, "tanh", {"dense": {"units": features, **bias}}]
    gated: list[Any] = [
        {"dense": {"name": "v", "units": inner, **bias}},
        {"silu": {"name": "g"}},
        {"dense": {"name": "u", "units": inner, "inputs": "y", **bias}},
        {"multiply": ["g", "u"]},
        {"dense": {"units": features, **bias}},
    ]
    shape = [features] if draw(st.booleans()) else [_small(draw, 1, 3), features]
    fields = {"experts": experts, "active": _small(draw, 1, experts), "layers": draw(st.sampled_from([plain, gated]))}
    return _net("mixture", {"x": shape}, **fields)


COUNTED = ["a*x[i]^2 + exp(x[i])", "-x[i]/(2 + x[i]^2)", "max(x[i], a*x[i])", "if(i > 1, x[i-1], 0)", "a + 2*3*x[i]"]
OPEN = ["sum(k, x[k])*x[i] - a", "if(x[i] > 0, x[i], a)", "exp(x[i]) + a*exp(x[i])", "tanh(a*x[i])"]


@st.composite
def formulas(draw: Callable[..., Any], bodies: list[str]) -> Net:
    """A layer of one's own: a line of operations on each number, or of sums, choices, and functions."""
    body = draw(st.sampled_from(bodies))
    parameters = {"parameters": {"a": []}} if "a" in body.replace("max", "").replace("tanh", "") else {}
    size = _small(draw, 1, 4)
    return _net("formula", {"x": size}, equations=f"y[i] = {body}", shape=[size], **parameters)
