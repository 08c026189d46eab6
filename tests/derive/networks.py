"""Random small networks of every layer at hand, and random programs with symbolic sizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

import backcalc
from backcalc.net import Network
from backcalc.net.errors import InputError

ACTIVATIONS = ("relu", "sigmoid", "tanh", "scaled_tanh", "linear")
Draw = Callable[[st.SearchStrategy[Any]], Any]


def _convolution(draw: Draw, axes: int, channels: int) -> dict[str, Any]:
    one = st.integers(1, 2)
    fields: dict[str, Any] = {
        "filters": draw(one),
        "kernel": draw(st.integers(2, 3) if axes == 1 else st.just([2, 3])),
        "stride": draw(one),
        "padding": draw(st.sampled_from(["valid", "same", 1])),
        "dilation": draw(one),
    }
    if channels == 2:
        variant = draw(st.sampled_from(["plain", "groups", "table"]))
        if variant == "groups":
            fields |= {"groups": 2, "filters": 2}
        elif variant == "table":
            fields |= {"connections": [[2], [1, 2]], "filters": 2}
    return {f"conv{axes}d": fields}


def _pooling(draw: Draw, axes: int) -> dict[str, Any]:
    kind = draw(st.sampled_from(["maxpool", "avgpool"]))
    fields: dict[str, Any] = {"size": draw(st.integers(2, 3))}
    if draw(st.booleans()):
        fields["stride"] = draw(st.integers(1, 3))
    fields["padding"] = draw(st.integers(0, 1))
    fields["ceil"] = draw(st.booleans())
    return {f"{kind}{axes}d": fields}


def _tail(draw: Draw) -> tuple[list[Any], dict[str, Any]]:
    """A dense layer, an output activation and a loss that fits it."""
    units = draw(st.integers(2, 3))
    head: list[Any] = [{"dense": {"units": units, "bias": draw(st.booleans())}}]
    loss = draw(st.sampled_from(["nll", "cross_entropy", "mse", "sse", "bce"]))
    if loss in ("nll", "cross_entropy"):
        head.append("softmax")
        return head, {loss: {"target": draw(st.integers(1, units))}}
    if loss == "bce":
        head.append("sigmoid")
    return head, {loss: {"target": draw(st.one_of(st.just("t"), st.just("1/3"))), "factor": "1/2"}}


@st.composite
def networks(draw: Draw) -> Network:
    """An image or a vector through one to three layers, then a dense one and a loss."""
    layers: list[Any] = []
    kind = draw(st.sampled_from(["image", "signal", "vector"]))
    if kind == "image":
        channels = draw(st.integers(1, 2))
        shape: Any = [channels, draw(st.integers(3, 4)), 5]
        pick = draw(st.sampled_from(["conv", "pool", "both", "subsample"]))
        if pick in ("conv", "both"):
            layers.append(_convolution(draw, 2, channels))
        if pick in ("pool", "both"):
            layers.append(_pooling(draw, 2))
        if pick == "subsample":
            layers.append({"subsample2d": [2, 2]} if draw(st.booleans()) else {"subsample2d": 2})
        layers += [draw(st.sampled_from(ACTIVATIONS)), "flatten"]
    elif kind == "signal":
        shape = draw(st.integers(5, 8))
        layers.append(_convolution(draw, 1, 1))
        layers.append(draw(st.sampled_from(ACTIVATIONS)))
        if draw(st.booleans()):
            layers.append(_pooling(draw, 1))
        layers.append("flatten")
    else:
        shape = draw(st.integers(2, 4))
        layers.append(draw(st.sampled_from([{"dense": 3}, {"rbf": 3}, {"dense": {"units": 5, "bias": False}}])))
        layers.append(draw(st.sampled_from([*ACTIVATIONS, "softmax"])))
    tail, loss = _tail(draw)
    return loaded({"input": {"x": shape}, "layers": [*layers, *tail], "loss": loss})


def loaded(source: dict[str, Any]) -> Network:
    """The network; a shape that does not fit is no example."""
    try:
        return backcalc.load(source)
    except InputError:
        assume(False)
        raise


# -- programs with symbolic sizes ----------------------------------------------------------------


class _Writer:
    """Writes random formulas over a[N], b[M], p[N] (padded), W[N,M], A[N,N], g[4] and the scalar s."""

    def __init__(self, draw: Draw, extra: tuple[tuple[str, str], ...] = ()) -> None:
        self.draw, self.extra, self.count = draw, extra, 0

    def read(self, scope: dict[str, str]) -> str:
        rows = [index for index, size in scope.items() if size == "N"]
        columns = [index for index, size in scope.items() if size == "M"]
        options = ["s", "g[2]", "g[4]"]
        for i in rows:
            options += [f"a[{i}]", f"a[N+1-{i}]", f"p[{i}-1]", f"p[{i}+1]", f"A[{i},{i}]"]
            options += [f"A[{i},{k}]" for k in rows] + [f"W[{i},{j}]" for j in columns]
        options += [f"b[{j}]" for j in columns]
        options += [f"{name}[{index}]" for name, size in self.extra for index, s in scope.items() if s == size]
        return str(self.draw(st.sampled_from(options)))

    def expr(self, scope: dict[str, str], depth: int) -> str:
        if depth == 0:
            return self.read(scope)
        one = self.expr(scope, depth - 1)
        match self.draw(st.sampled_from(["read", "+", "-", "*", "/", "^", "call", "sum", "sum", "bracket"])):
            case "read":
                return self.read(scope)
            case "+" | "-" | "*" as sign:
                return f"({one} {sign} {self.expr(scope, depth - 1)})"
            case "/":
                return f"({one}/(2 + ({self.expr(scope, depth - 1)})^2))"
            case "^":
                return f"({one})^{self.draw(st.sampled_from(['2', '3', '1']))}"
            case "call":
                return f"{self.draw(st.sampled_from(['sigmoid', 'tanh', 'exp']))}(1/3*({one}))"
            case "bracket" if len(rows := [i for i, size in scope.items() if size == "N"]) > 1:
                return f"({one})*({rows[0]} {self.draw(st.sampled_from(['<=', '==', '<']))} {rows[1]})"
            case _:
                self.count += 1
                index, size = f"k{self.count}", self.draw(st.sampled_from(["N", "M"]))
                return f"sum({index}=1..{size}, {self.expr({**scope, index: size}, depth - 1)})"


@st.composite
def programs(draw: Draw) -> Network:
    """u over N, v over M that reads u, and J over both."""
    plain = _Writer(draw)
    u = plain.expr({"i": "N"}, draw(st.integers(1, 3)))
    with_u = _Writer(draw, (("u", "N"),))
    v = with_u.expr({"j": "M"}, draw(st.integers(1, 2)))
    rest = _Writer(draw, (("u", "N"), ("v", "M")))
    loss = rest.expr({"m": "N", "n": "M"}, 2)
    lines = [f"u[i] = {u}", f"v[j] = {v}", f"J = sum(m=1..N, sum(n=1..M, {loss} + u[m]*v[n]))"]
    shapes = {"a": ["N"], "b": ["M"], "p": ["N"], "W": ["N", "M"], "A": ["N", "N"], "g": [4], "s": []}
    shapes |= {"u": ["N"], "v": ["M"]}
    text = "\n".join(lines)
    used = {name: shape for name, shape in shapes.items() if name in "uv" or f"{name}[" in text}
    return loaded(
        {"sizes": {"N": None, "M": None}, "shapes": used, "pad": ["p"] if "p" in used else [], "equations": text}
    )
