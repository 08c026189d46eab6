"""Which stage computes which layer of sequences and which norm of single samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from backcalc.layers import Layer
from backcalc.layers.attention import Attention
from backcalc.layers.embedding import ClassToken, Embedding, Positional
from backcalc.layers.norm import FeatureNorm, GroupNorm, LayerNorm, RmsNorm
from backcalc.layers.recurrent import Gru, Lstm, Rnn
from backcalc.layers.recurrent_base import Recurrent
from backcalc.layers.relative_bias import RelativeBias
from backcalc.layers.rotary import Rotary
from backcalc.numeric.kernels.attention import AttentionKernel, RelativeBiasKernel
from backcalc.numeric.kernels.norm import FeatureNormKernel
from backcalc.numeric.plans import recurrent
from backcalc.numeric.plans.attention import Attended, Biased, Heads, Rotated
from backcalc.numeric.plans.layout import axis_of
from backcalc.numeric.plans.norms import Normed
from backcalc.numeric.plans.place import Place
from backcalc.numeric.plans.stages import Stage
from backcalc.numeric.plans.steps import Embedded, Headed, Positioned


def _normed(place: Place) -> Stage:
    layer, kernel, shape = place.node.layer, place.kernel, place.arriving
    assert isinstance(layer, FeatureNorm) and isinstance(kernel, FeatureNormKernel)
    axis = axis_of(kernel.axis, len(shape) - 1)
    epsilon = float(layer.epsilon)
    return Normed(*place.views, shape, shape, (axis,), (axis,), epsilon, centred=layer.shifts)


def _group_normed(place: Place) -> Stage:
    layer, shape = place.node.layer, place.arriving
    assert isinstance(layer, GroupNorm)
    axis = axis_of(0, len(shape) - 1)
    apart = (*shape[:axis], layer.groups, shape[axis] // layer.groups, *shape[axis + 1 :])
    over = tuple(place for place in range(len(apart) - 1) if place != axis)
    return Normed(*place.views, shape, apart, over, (axis, axis + 1), float(layer.epsilon), centred=True)


def _embedded(place: Place) -> Stage | None:
    return None if len(place.shapes[0]) > 1 else Embedded(*place.views, place.arriving)


def _positioned(place: Place) -> Stage:
    return Positioned(*place.views, place.arriving)


def _headed(place: Place) -> Stage:
    return Headed(*place.views, place.leaving)


def _attended(place: Place) -> Stage | None:
    layer, kernel = place.node.layer, place.kernel
    assert isinstance(layer, Attention) and isinstance(kernel, AttentionKernel)
    if layer.memory is not None or len(place.shapes[0]) > 2:
        return None
    heads = Heads(kernel.heads, kernel.groups, kernel.size, kernel.hidden, kernel.table, layer.rotary)
    return Attended(heads, *place.views, place.arriving, first=not place.wanted)


def _rotated(place: Place) -> Stage:
    layer, rank = place.node.layer, len(place.shapes[0])
    assert isinstance(layer, Rotary)
    return Rotated(layer.base, place.arriving, axis_of(rank - 2, rank), place.dtype)


def _biased(place: Place) -> Stage:
    assert isinstance(place.kernel, RelativeBiasKernel)
    return Biased(place.kernel.table, *place.views, place.arriving)


def _recurred(place: Place) -> Stage:
    layer = place.node.layer
    assert isinstance(layer, Recurrent)
    kind: type[recurrent.Walk] = WALKS[type(layer)]
    if isinstance(layer, Gru) and layer.vectors == 2:
        kind = recurrent.LateGruWalk
    steps, features = place.shapes[0]
    directions = 2 if layer.bidirectional else 1
    parameters, gradients = place.views
    each = (2 + layer.vectors) * kind.gates
    levels: list[list[recurrent.Walk]] = []
    for level in range(layer.layers):
        extent = recurrent.Extent(steps, features, layer.units, place.samples)
        walks = []
        for direction in range(directions):
            start = (level * directions + direction) * each
            own = slice(start, start + each)
            first = level == 0 and not place.wanted
            walks.append(kind(parameters[own], gradients[own], extent, reverse=direction == 1, first=first))
        levels.append(walks)
        features = directions * layer.units
    return recurrent.Recurred(levels, last=layer.returns == "last")


WALKS: Mapping[type[Layer], type[recurrent.Walk]] = {
    Rnn: recurrent.RnnWalk,
    Lstm: recurrent.LstmWalk,
    Gru: recurrent.GruWalk,
}
"""The cell of each kind."""

SEQUENCE_MAKERS: Mapping[type[Layer], Callable[[Place], Stage | None]] = {
    LayerNorm: _normed,
    RmsNorm: _normed,
    GroupNorm: _group_normed,
    Embedding: _embedded,
    Positional: _positioned,
    ClassToken: _headed,
    Attention: _attended,
    Rotary: _rotated,
    RelativeBias: _biased,
    Rnn: _recurred,
    Lstm: _recurred,
    Gru: _recurred,
}
"""How the stage of such a layer is made; None is given where the layer has a form that its stage does not know."""
