"""Random small layers of every kind, each with an input shape that it takes."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from backcalc.layers import KINDS, Layer, Shape, ShapeError

Case = tuple[Layer, Shape]

SIMPLE = [
    *("relu", "relu6", "leaky_relu", "elu", "gelu", "silu", "hard_sigmoid", "hard_swish", "softplus", "sign"),
    *("sigmoid", "tanh", "scaled_tanh", "softmax", "log_softmax", "linear", "flatten"),
]


def _small(draw: Callable[..., Any], least: int = 1, most: int = 3) -> int:
    return int(draw(st.integers(least, most)))


def _axes(draw: Callable[..., Any], axes: int, least: int, most: int) -> int | tuple[int, ...]:
    one = st.integers(least, most)
    return draw(st.one_of(one, st.tuples(*[one] * axes)))  # type-neutral: one number, or one per axis


def _input(draw: Callable[..., Any], axes: int, channels: int | None = None) -> Shape:
    spatial = tuple(_small(draw, 1, (7, 5, 3)[axes - 1]) for _ in range(axes))
    if axes == 1 and channels is None and draw(st.booleans()):
        return spatial
    return (channels or _small(draw), *spatial)


@st.composite
def convolutions(draw: Callable[..., Any]) -> Case:
    axes = _small(draw, 1, 3)
    fields: dict[str, Any] = {
        "kernel": _axes(draw, axes, 1, 3 if axes < 3 else 2),
        "stride": _axes(draw, axes, 1, 3),
        "dilation": _axes(draw, axes, 1, 2),
        "padding": draw(st.one_of(st.sampled_from(["valid", "same"]), st.integers(0, 2))),
        "bias": draw(st.booleans()),
    }
    variant = draw(st.sampled_from(["plain", "groups", "table"]))
    if variant == "groups":
        groups, per_group = _small(draw), _small(draw, 1, 2)
        shape = _input(draw, axes, groups * per_group)
        fields |= {"groups": groups, "filters": groups * _small(draw, 1, 2)}
    elif variant == "table":
        shape = _input(draw, axes, _small(draw))
        rows = st.lists(st.integers(1, shape[0]), min_size=1, unique=True)
        fields["connections"] = draw(st.lists(rows, min_size=1, max_size=3))
        fields["filters"] = len(fields["connections"])
    else:
        shape = _input(draw, axes)
        fields["filters"] = _small(draw)
    return fitting(KINDS[f"conv{axes}d"](**fields), shape)


@st.composite
def poolings(draw: Callable[..., Any], kinds: tuple[str, ...] = ("maxpool", "avgpool"), ceil: bool = True) -> Case:
    axes = _small(draw, 1, 2)
    fields: dict[str, Any] = {"size": _axes(draw, axes, 1, 3), "padding": _axes(draw, axes, 0, 1)}
    if draw(st.booleans()):
        fields["stride"] = _axes(draw, axes, 1, 3)
    fields["ceil"] = ceil and draw(st.booleans())
    return fitting(KINDS[f"{draw(st.sampled_from(kinds))}{axes}d"](**fields), _input(draw, axes))


@st.composite
def subsamplings(draw: Callable[..., Any]) -> Case:
    shape = (_small(draw), _small(draw, 2, 5), _small(draw, 2, 5))
    return fitting(KINDS["subsample2d"](size=_axes(draw, 2, 1, 2)), shape)


@st.composite
def dense(draw: Callable[..., Any]) -> Case:
    shape = tuple(_small(draw, 1, 4) for _ in range(_small(draw, 1, 2)))
    return KINDS["dense"](units=_small(draw), bias=draw(st.booleans())), shape


@st.composite
def simple(draw: Callable[..., Any]) -> Case:
    kind = draw(st.sampled_from(SIMPLE))
    fields = {"approximate": True} if kind == "gelu" and draw(st.booleans()) else {}
    return KINDS[kind](**fields), tuple(_small(draw) for _ in range(_small(draw, 1, 3)))


@st.composite
def rbf(draw: Callable[..., Any]) -> Case:
    return KINDS["rbf"](units=_small(draw)), (_small(draw, 1, 4),)


@st.composite
def transposed(draw: Callable[..., Any]) -> Case:
    axes, groups = _small(draw, 1, 2), _small(draw, 1, 2)
    channels = groups * _small(draw, 1, 2)
    fields: dict[str, Any] = {
        "filters": groups * _small(draw, 1, 2),
        "kernel": _axes(draw, axes, 1, 3),
        "stride": _axes(draw, axes, 1, 3),
        "dilation": _axes(draw, axes, 1, 2),
        "padding": draw(st.one_of(st.sampled_from(["valid", "same"]), st.integers(0, 2))),
        "groups": groups,
        "bias": draw(st.booleans()),
    }
    if fields["padding"] != "same":
        steps, gaps = (
            fields[name] if isinstance(fields[name], tuple) else (fields[name],) * axes
            for name in ("stride", "dilation")
        )
        fields["output_padding"] = draw(st.integers(0, min(map(max, zip(steps, gaps, strict=True))) - 1))
    spatial = tuple(_small(draw, 1, 4 if axes == 1 else 3) for _ in range(axes))
    shape = spatial if axes == 1 and channels == 1 and draw(st.booleans()) else (channels, *spatial)
    return fitting(KINDS[f"conv_transpose{axes}d"](**fields), shape)


@st.composite
def local(draw: Callable[..., Any]) -> Case:
    fields = {
        "filters": _small(draw),
        "kernel": _axes(draw, 2, 1, 3),
        "stride": _axes(draw, 2, 1, 2),
        "padding": draw(st.one_of(st.sampled_from(["valid", "same"]), st.integers(0, 1))),
        "bias": draw(st.booleans()),
    }
    return fitting(KINDS["locally_connected2d"](**fields), (_small(draw), _small(draw, 1, 4), _small(draw, 1, 4)))


@st.composite
def moves(draw: Callable[..., Any]) -> Case:
    """What only moves numbers."""
    kind = draw(st.sampled_from(["reshape", "transpose", "slice", "channel_shuffle", "upsample2d"]))
    shape = tuple(_small(draw, 1, 4) for _ in range(3 if kind == "upsample2d" else _small(draw, 1, 3)))
    match kind:
        case "reshape":
            numbers = prod(shape)
            sizes = [draw(st.sampled_from([size for size in range(1, numbers + 1) if numbers % size == 0]))]
            fields: dict[str, Any] = {"shape": draw(st.permutations([*sizes, -1, 1]))}
        case "transpose":
            assume(len(shape) > 1)
            fields = {"axes": draw(st.permutations(range(1, len(shape) + 1)))}
        case "slice":
            axis = _small(draw, 1, len(shape))
            start = _small(draw, 1, shape[axis - 1])
            fields = {"axis": axis, "start": start, "stop": _small(draw, start, shape[axis - 1]), "step": _small(draw)}
        case "channel_shuffle":
            groups = _small(draw)
            shape, fields = (groups * shape[0], *shape[1:]), {"groups": groups}
        case _:
            fields = {"factor": _axes(draw, 2, 1, 3)}
    return KINDS[kind](**fields), shape


@st.composite
def averages(draw: Callable[..., Any]) -> Case:
    """Average pooling to a size that is given."""
    shape = (_small(draw), _small(draw, 1, 6), _small(draw, 1, 6))
    if draw(st.booleans()):
        return KINDS["global_avgpool"](), shape[: _small(draw, 2, 3)]
    # More windows than cells are copies, which an execution computes once.
    size = (_small(draw, 1, min(3, shape[1])), _small(draw, 1, min(3, shape[2])))
    return fitting(KINDS["adaptive_avgpool2d"](size=size), shape)


@st.composite
def normalised(draw: Callable[..., Any]) -> Case:
    shape = tuple(_small(draw) for _ in range(_small(draw, 1, 3)))
    number = st.fractions(-2, 2, max_denominator=5)
    fields = {"mean": draw(st.one_of(number, st.lists(number, min_size=shape[0], max_size=shape[0])))}
    number = number.filter(bool)
    fields["std"] = draw(st.one_of(number, st.lists(number, min_size=shape[0], max_size=shape[0])))
    return KINDS["normalise"](**fields), shape


def layers() -> st.SearchStrategy[Case]:
    return st.one_of(
        *(convolutions(), transposed(), local(), poolings(), averages(), subsamplings()),
        *(dense(), simple(), moves(), normalised(), rbf()),
    )


def fitting(layer: Layer, shape: Shape) -> Case:
    """Discards what the layer refuses."""
    try:
        layer.output_shape(shape)
    except ShapeError:
        assume(False)
    return layer, shape
