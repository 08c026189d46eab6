"""Random small layers of every kind, each with an input shape that it takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from backcalc.layers import KINDS, Layer, Shape, ShapeError

Case = tuple[Layer, Shape]


def _small(draw: Callable[..., Any], least: int = 1, most: int = 3) -> int:
    return int(draw(st.integers(least, most)))


def _axes(draw: Callable[..., Any], axes: int, least: int, most: int) -> int | tuple[int, ...]:
    one = st.integers(least, most)
    return draw(st.one_of(one, st.tuples(*[one] * axes)))  # type-neutral: one number, or one per axis


def _input(draw: Callable[..., Any], axes: int, channels: int | None = None) -> Shape:
    spatial = tuple(_small(draw, 1, 7 if axes == 1 else 5) for _ in range(axes))
    if axes == 1 and channels is None and draw(st.booleans()):
        return spatial
    return (channels or _small(draw), *spatial)


@st.composite
def convolutions(draw: Callable[..., Any]) -> Case:
    axes = _small(draw, 1, 2)
    fields: dict[str, Any] = {
        "kernel": _axes(draw, axes, 1, 3),
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
    kind = draw(st.sampled_from(["relu", "sigmoid", "tanh", "scaled_tanh", "softmax", "linear", "flatten"]))
    return KINDS[kind](), tuple(_small(draw) for _ in range(_small(draw, 1, 3)))


@st.composite
def rbf(draw: Callable[..., Any]) -> Case:
    return KINDS["rbf"](units=_small(draw)), (_small(draw, 1, 4),)


def layers() -> st.SearchStrategy[Case]:
    return st.one_of(convolutions(), poolings(), subsamplings(), dense(), simple(), rbf())


def fitting(layer: Layer, shape: Shape) -> Case:
    """Discards what the layer refuses."""
    try:
        layer.output_shape(shape)
    except ShapeError:
        assume(False)
    return layer, shape
