"""What the backward pass costs: for every layer the derivative by its input and the derivatives by its parameters.

The operations are those of the derived equations: `dJ/dx[k] = sum(j, dJ/dy[j]*W[j,k])` is a multiplication for every
weight, and an addition less for every input. Norms are in their closed form (Ioffe, Szegedy 2015, section 3); a
comparison that lets a gradient through or not is no operation. Taps on padding count as they do forward.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod
from types import MappingProxyType
from typing import TypeAlias

from backcalc.count.conventions import per_unit
from backcalc.layers.base import Cost, product, times
from backcalc.layers.matmul import Matmul
from backcalc.net import Node

Operations: TypeAlias = Mapping[str, str]
"""How many of each kind, `macs` among them, as formulas with their numbers."""


@dataclass(frozen=True, slots=True)
class Backward:
    """The operations of the derivative by what a layer reads, and of those by its parameters.

    `known` is False where single operations are not known, only multiply-accumulates.
    """

    inputs: Operations = field(default_factory=dict)
    parameters: Operations = field(default_factory=dict)
    known: bool = True


Rule: TypeAlias = Callable[[Node, Cost, int], Backward]
"""From a layer in its place, what it costs, and how many samples run at once."""


def backward(node: Node, cost: Cost, batch: int = 1) -> Backward:
    """What a layer costs backwards.

    >>> from backcalc.net import load_network
    >>> node = load_network("{input: {x: 3}, layers: [dense: 2]}").nodes[0]
    >>> backward(node, node.layer.cost((3,), bias=False)).inputs
    {'macs': '3*2', 'multiply': '3*2', 'add': '3*2 - 3'}
    """
    kind = node.layer.kind
    each = _BY_TANH if getattr(node.layer, "approximate", False) else _EACH.get(kind)
    if each is not None:
        return Backward({word: product(batch, number, *node.input_shape) for word, number in each.items()})
    if kind in _RULES:
        return _RULES[kind](node, cost, batch)
    if cost.macs != "0":
        macs = {"macs": product(batch, cost.macs)}
        return Backward(macs, macs, known=False)
    return Backward(known=not cost.operations and cost.params == "0")


def _weighed(node: Node, cost: Cost, batch: int) -> Backward:
    """Inputs times weights, added up: every product goes to its input and to its weight."""
    macs = product(batch, cost.macs)
    each, added = {"macs": macs, "multiply": macs}, f"{macs} - {_group(cost.weights)}"
    if cost.biases != "0":
        uses = product(batch, per_unit(cost.operations["bias"], cost.units))
        added += f" + {uses} - {_group(cost.biases)}"
    return Backward({**each, "add": f"{macs} - {product(batch, *_reached(node))}"}, {**each, "add": added})


def _reached(node: Node) -> tuple[int, ...]:
    """How many inputs the windows reach along each axis: a stride longer than the window passes over some."""
    windows = node.layer.receptive(node.input_shape)
    if not isinstance(windows, tuple) or any(window.stride < 1 for window in windows):
        return node.input_shape
    channels, sizes = node.input_shape[: -len(windows)], node.input_shape[-len(windows) :]
    cells: list[int] = []
    for window, size, places in zip(windows, sizes, node.output_shape[-len(windows) :], strict=True):
        extent, stride = int(window.extent or size), int(window.stride)
        cells.append(min(size, (places - 1) * stride + extent - window.padding if extent > stride else places * extent))
    return (*channels, *cells)


def _scaled(node: Node, cost: Cost, batch: int) -> Backward:
    """Every number times a weight of its channel."""
    every = product(batch, *node.output_shape)
    each = {"multiply": every}
    return Backward(each, {**each, "add": f"{every} - {_group(cost.weights)}"})


def _shifted(node: Node, cost: Cost, batch: int) -> Backward:
    """A weight added to every number that it is for: its derivatives are added up over the samples."""
    return Backward(parameters={"add": product(batch - 1, cost.connections)})


def _looked_up(node: Node, cost: Cost, batch: int) -> Backward:
    """Rows of a table: what comes back is added to the row."""
    return Backward(parameters={"add": product(batch, cost.connections)})


def _averaged(node: Node, cost: Cost, batch: int) -> Backward:
    """Every output sends its share to the inputs of its window."""
    inputs = product(batch, *_reached(node))
    return Backward({"multiply": inputs, "add": f"{product(batch, cost.window_inputs)} - {inputs}"})


def _largest(node: Node, cost: Cost, batch: int) -> Backward:
    """Every output hands its gradient to the largest input of its window; where windows overlap it is added there."""
    windows = node.layer.receptive(node.input_shape)
    assert isinstance(windows, tuple)
    overlap = any(int(window.extent or 1) > window.stride for window in windows)
    return Backward({"add": product(batch, *node.output_shape)} if overlap else {})


def _subsampled(node: Node, cost: Cost, batch: int) -> Backward:
    """A coefficient times the sum of a window, and a bias: the sum is multiplied out, as it is forward."""
    channels, outputs = node.input_shape[0], product(batch, *node.output_shape)
    inputs, uses = product(batch, *_reached(node)), product(batch, *node.output_shape, _group(_window(node)))
    added = f"{uses} - {channels}" + (f" + {outputs} - {channels}" if cost.biases != "0" else "")
    return Backward({"multiply": inputs}, {"multiply": uses, "add": added})


def _window(node: Node) -> str:
    windows = node.layer.receptive(node.input_shape)
    assert isinstance(windows, tuple)
    return times(*(int(window.extent or 1) for window in windows))


def _distant(node: Node, cost: Cost, batch: int) -> Backward:
    """Squared distances to centres that stay: `dx[k] = 2*sum(i, dy[i]*(x[k] - w[i,k]))`."""
    (features,), (units,) = node.input_shape, node.output_shape
    pairs, sums = product(batch, features, units), product(batch, features)
    return Backward({"multiply": f"{pairs} + {sums}", "add": f"{pairs} + {product(batch, features, units - 1)}"})


def _repeated(node: Node, cost: Cost, batch: int) -> Backward:
    """Copies of every input: what comes back of them is added up."""
    return Backward({"add": f"{product(batch, *node.output_shape)} - {product(batch, *node.input_shape)}"})


def _turned(node: Node, cost: Cost, batch: int) -> Backward:
    """Pairs turned back by the same angles: a product less a sign of it."""
    counts = {kind: product(batch, cost.operations[kind], cost.units) for kind in ("multiply", "add")}
    return Backward(counts)


def _biased_places(node: Node, cost: Cost, batch: int) -> Backward:
    """A weight added wherever two places lie that way to each other."""
    return Backward(parameters={"add": f"{product(batch, cost.connections)} - {_group(cost.weights)}"})


def _multiplied(node: Node, cost: Cost, batch: int) -> Backward:
    """A product of two computed matrices: each gets what comes back times the other."""
    assert isinstance(node.layer, Matmul)
    macs, sizes = product(2, batch, cost.macs), (product(batch, *shape) for shape in node.layer.shapes)
    return Backward({"macs": macs, "multiply": macs, "add": " - ".join((macs, *sizes))})


def _joined(node: Node, cost: Cost, batch: int) -> Backward:
    """A product of several: each gets what comes back times the others."""
    several = len(node.inputs)
    return Backward({"multiply": product(batch, several * (several - 1), *node.output_shape)})


def _by_rows(node: Node, cost: Cost, batch: int) -> Backward:
    """Softmax: `y[i]*(dy[i] - sum(k, dy[k]*y[k]))`."""
    *rows, size = node.input_shape
    over = product(batch, *rows)
    return Backward({"multiply": product(2, over, size), "add": product(over, f"{size - 1} + {size}")})


def _by_log_rows(node: Node, cost: Cost, batch: int) -> Backward:
    """Its logarithm: `dy[i] - exp(x[i])*sum(k, dy[k])/sum(k, exp(x[k]))`."""
    *rows, size = node.input_shape
    over = product(batch, *rows)
    each = dict.fromkeys(("multiply", "divide", "exp"), product(over, size))
    return Backward({**each, "add": product(over, f"2*{size - 1} + {size}")})


def _rows_of(node: Node, batch: int) -> tuple[int, int]:
    """How many rows a norm is over, and how many numbers a row has."""
    shape, layer = node.input_shape, node.layer
    every = batch * prod(shape)
    match layer.kind:
        case "batchnorm":
            return shape[0], every // shape[0]
        case "groupnorm":
            rows = batch * int(getattr(layer, "groups", 1))
            return rows, every // rows
        case _:
            size = shape[(getattr(layer, "axis", None) or len(shape)) - 1]
            return every // size, size


def _normed(node: Node, cost: Cost, batch: int) -> Backward:
    """`(h[k] - mean(h) - xhat[k]*mean(h*xhat))/s` with `h = gamma*dy`; rmsnorm is without the second term."""
    rows, size = _rows_of(node, batch)
    every, centred = times(rows, size), node.layer.kind != "rmsnorm"
    inputs = {
        "multiply": f"{every} + {times(rows, f'({size} + {3 if centred else 2}*{size})')}",
        "add": times(rows, f"({2 if centred else 1}*{size - 1} + {2 if centred else 1}*{size} + 1)"),
        "divide": every,
        "sqrt": f"{rows}",
    }
    added = [f"{every} - {_group(each)}" for each in (cost.weights, cost.biases) if each != "0"]
    return Backward(inputs, {"multiply": every, "add": " + ".join(added)} if cost.weights != "0" else {})


def _attended(node: Node, cost: Cost, batch: int) -> Backward:
    from backcalc.count.backward_attention import back_through_attention

    return Backward(*back_through_attention(node, cost, batch))


def _recurred(node: Node, cost: Cost, batch: int) -> Backward:
    from backcalc.count.backward_recurrent import back_through_time

    return Backward(*back_through_time(node, batch, bias=cost.biases != "0"))


def _group(text: str) -> str:
    return f"({text})" if " " in text else text


_EACH: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        **{kind: {} for kind in ("relu", "relu6", "linear", "sign", "dropout")},
        "leaky_relu": {"multiply": 1, "compare": 1},
        "elu": {"multiply": 1, "compare": 1, "exp": 1},
        "sigmoid": {"multiply": 2, "add": 1},
        "tanh": {"multiply": 2, "add": 1},
        "scaled_tanh": {"multiply": 4, "divide": 1, "exp": 2, "negate": 1, "add": 3},
        "gelu": {"multiply": 4, "divide": 3, "exp": 1, "erf": 1, "negate": 1, "add": 2},
        "silu": {"multiply": 3, "divide": 1, "exp": 1, "negate": 1, "add": 3},
        "softplus": {"multiply": 1, "divide": 1, "exp": 1, "negate": 1, "add": 1},
        "hard_sigmoid": {"multiply": 1},
        "hard_swish": {"multiply": 2, "compare": 1, "divide": 1, "add": 2},
    }
)
"""The operations for one number: `dy*y*(1 - y)` of a sigmoid is two products and a difference."""

_BY_TANH = {"multiply": 16, "divide": 1, "exp": 2, "negate": 1, "add": 8}
"""Those of `gelu` by its approximation."""

_RULES: Mapping[str, Rule] = MappingProxyType(
    {
        **dict.fromkeys(("dense", "conv1d", "conv2d", "conv3d", "locally_connected2d"), _weighed),
        **dict.fromkeys(("conv_transpose1d", "conv_transpose2d"), _weighed),
        **dict.fromkeys(("batchnorm", "layernorm", "groupnorm", "rmsnorm"), _normed),
        **dict.fromkeys(("avgpool1d", "avgpool2d", "global_avgpool", "adaptive_avgpool2d"), _averaged),
        **dict.fromkeys(("maxpool1d", "maxpool2d"), _largest),
        **dict.fromkeys(("positional", "class_token"), _shifted),
        "add": lambda node, cost, batch: Backward(),
        **dict.fromkeys(("formula", "unknown"), lambda node, cost, batch: Backward(known=False)),
        **dict.fromkeys(("rnn", "lstm", "gru"), _recurred),
        "attention": _attended,
        "embedding": _looked_up,
        "layer_scale": _scaled,
        "matmul": _multiplied,
        "normalise": lambda node, cost, batch: Backward({"multiply": product(batch, *node.input_shape)}),
        "rbf": _distant,
        "relative_bias": _biased_places,
        "rotary": _turned,
        "subsample2d": _subsampled,
        "upsample2d": _repeated,
        "multiply": _joined,
        "softmax": _by_rows,
        "log_softmax": _by_log_rows,
    }
)
