"""From a chain of layers to the stages of a plan; layers that belong together become one stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backcalc.layers import Layer
from backcalc.layers.activation import Linear
from backcalc.layers.conv import Conv2d
from backcalc.layers.dense import Dense as DenseLayer
from backcalc.layers.noise import Dropout
from backcalc.layers.norm import BatchNorm
from backcalc.layers.pool import AveragePooling, MaxPooling, PoolingWithStride
from backcalc.layers.residual import StochasticDepth
from backcalc.layers.shape import Flatten
from backcalc.layers.slide import per_axis
from backcalc.net import Node
from backcalc.numeric.arena import Arena
from backcalc.numeric.kernels.base import Array
from backcalc.numeric.kernels.conv import ConvKernel
from backcalc.numeric.plans import stages
from backcalc.numeric.plans.maps import Convolved, Sizes
from backcalc.numeric.plans.pooled import Pool, Pooled
from backcalc.numeric.run import Objective, Runner

PLANNED: tuple[type[Layer], ...] = (
    DenseLayer,
    Conv2d,
    Dropout,
    BatchNorm,
    Flatten,
    Linear,
    MaxPooling,
    AveragePooling,
    *stages.POINTWISE,
)
"""The layers that plans are made of."""


def chain_of(runner: Runner, objective: Objective) -> tuple[Node, ...] | None:
    """The layers up to what the loss reads, each reading the one before; None where that is not how the network is."""
    nodes: list[Node] = []
    (before,) = runner.network.inputs if len(runner.network.inputs) == 1 else ("",)
    for node in runner.nodes:
        if node.inputs != (before,):
            return None
        nodes.append(node)
        before = node.name
        if node.name == objective.of:
            break
    behind = runner.nodes[len(nodes) :]
    if len(behind) > 1 or any(not _is_planned(runner, node) for node in nodes):
        return None
    return tuple(nodes) if _groups(nodes) is not None else None


def _is_planned(runner: Runner, node: Node) -> bool:
    """Whether a plan knows the layer in its place."""
    layer = node.layer
    if not isinstance(layer, PLANNED) or isinstance(layer, StochasticDepth) or len(node.input_shape) not in (1, 3):
        return False
    if any(parameter.name in runner.arena.made for parameter in node.parameters):
        return False
    if isinstance(layer, Conv2d):
        return layer.groups == 1 and layer.connections is None
    shape = (1,) * len(node.input_shape)
    return type(layer) not in stages.POINTWISE or stages.pointwise(layer, shape, np.dtype(float)) is not None


@dataclass(frozen=True, slots=True)
class Group:
    """Layers that are one stage: a convolution with an activation and a pooling behind it, or a layer alone."""

    node: Node
    function: Node | None = None
    pool: Node | None = None


def _groups(nodes: Sequence[Node]) -> list[Group] | None:
    """The layers in groups; None where the windows of a pooling overlap."""
    groups: list[Group] = []
    rest = list(nodes)
    while rest:
        node = rest.pop(0)
        function = pool = None
        if isinstance(node.layer, Conv2d):
            if rest and type(rest[0].layer) in stages.POINTWISE:
                function = rest.pop(0)
            if rest and _tiles(rest[0]):
                pool = rest.pop(0)
        elif isinstance(node.layer, PoolingWithStride) and not _tiles(node):
            return None
        groups.append(Group(node, function, pool))
    return groups


def _tiles(node: Node) -> bool:
    """Whether a pooling has windows side by side, without padding, and none that hangs over."""
    layer = node.layer
    if not isinstance(layer, PoolingWithStride) or layer.axes != 2 or layer.ceil:
        return False
    size = per_axis(layer.size, 2)
    unpadded = layer.padding in (0, (0, 0), "valid")
    return unpadded and (layer.stride is None or per_axis(layer.stride, 2) == size)


def stages_of(
    nodes: Sequence[Node],
    runner: Runner,
    parameters: Mapping[str, Array],
    gradients: Mapping[str, Array],
    samples: int,
) -> list[stages.Stage]:
    """The stages for a block of samples, which read the parameters and add to the gradients where they stand."""
    made: list[stages.Stage] = []
    dtype = np.result_type(np.float32, *parameters.values())
    for place, group in enumerate(_groups(nodes) or ()):
        node = group.node
        names = [parameter.name for parameter in node.parameters if parameter.trainable]
        given = [parameters[name] for name in names], [gradients[name] for name in names]
        made.append(_stage(group, runner, *given, samples, dtype, made[-1] if place else None))
    return made


def _stage(
    group: Group,
    runner: Runner,
    parameters: list[Array],
    gradients: list[Array],
    samples: int,
    dtype: np.dtype[Any],
    before: stages.Stage | None,
) -> stages.Stage:
    node, layer = group.node, group.node.layer
    shape = stages.shape_of(node.output_shape, samples)
    match layer:
        case DenseLayer():
            return stages.Dense(parameters, gradients, samples, first=before is None)
        case Conv2d():
            return _convolved(group, runner, parameters, gradients, samples, first=before is None)
        case Flatten():
            same = len(node.input_shape) == 1
            return stages.Same() if same else stages.Flattened(node.input_shape, samples, dtype)
        case BatchNorm():
            return stages.BatchNormed(parameters, gradients, shape, float(layer.epsilon))
        case Dropout():
            return stages.Dropped(node.name, layer, shape, dtype)
        case Linear():
            return stages.Same()
        case PoolingWithStride():
            return Pooled(_pool(layer), node.input_shape, samples, dtype)
    function = stages.pointwise(layer, shape, dtype)
    assert function is not None
    copy = None if before is not None and before.free else np.empty(shape, dtype)
    return stages.Activation(function, copy)


def _convolved(
    group: Group, runner: Runner, parameters: list[Array], gradients: list[Array], samples: int, *, first: bool
) -> Convolved:
    node, kernel = group.node, runner.kernels[group.node.name]
    assert isinstance(kernel, ConvKernel)
    rows, columns = kernel.windows.axes
    pool = Pool() if group.pool is None else _pool(group.pool.layer)
    sizes = Sizes(node.input_shape[0], node.output_shape[0], rows, columns, samples)
    function = None
    if group.function is not None:
        averaged = group.pool is not None and not pool.largest
        high, wide = rows.places // pool.rows, columns.places // pool.columns
        shape: tuple[int, ...] = (high, sizes.filters, wide, samples)
        if averaged:
            shape = (high * pool.rows, sizes.filters, pool.columns * wide * samples)
        function = stages.pointwise(group.function.layer, shape, parameters[0].dtype)
    return Convolved(sizes, pool, function, parameters, gradients, first=first)


def _pool(layer: Layer) -> Pool:
    """The windows of a pooling layer."""
    assert isinstance(layer, PoolingWithStride)
    rows, columns = per_axis(layer.size, 2)
    return Pool(rows, columns, isinstance(layer, MaxPooling))


def arrays(arena: Arena, flat: Array) -> dict[str, Array]:
    """The parameters or gradients of the one trial by name, as views."""
    return {name: piece.view(flat)[0] for name, piece in arena.pieces.items()}
