"""Fast plans: buffers laid out once for a network and a batch, and who computes which network."""

from __future__ import annotations

from collections.abc import Sequence

from backcalc.layers.conv import Conv2d
from backcalc.layers.loss import RootMeanSquare
from backcalc.net import Node
from backcalc.numeric.engine import Engine, Reference
from backcalc.numeric.kernels.base import Array
from backcalc.numeric.plans.chain import chain_of
from backcalc.numeric.plans.looped import Looped
from backcalc.numeric.plans.narrow import Narrow, is_narrow
from backcalc.numeric.plans.planned import Planned
from backcalc.numeric.plans.stacked import Stacked, is_stacked
from backcalc.numeric.run import Objective, Runner


def engine_for(runner: Runner, objective: Objective, flat: Array, still: dict[str, Array]) -> Engine:
    """The fastest engine that can compute the network."""
    nodes = chain_of(runner, objective)
    if nodes is None or isinstance(objective.loss, RootMeanSquare):  # a root joins all samples before its derivative
        return Reference(runner, objective, flat, still)
    if is_narrow(nodes, len(flat)) and _once_each(nodes):
        return Narrow(runner, objective, flat, still, nodes)
    if len(flat) == 1:
        return Planned(runner, objective, flat, still, nodes)
    if is_stacked(nodes) and _once_each(nodes):
        return Stacked(runner, objective, flat, still, nodes)
    if any(isinstance(node.layer, Conv2d) for node in nodes):
        return Looped(runner, objective, flat, still, nodes)
    return Reference(runner, objective, flat, still)


def _once_each(nodes: Sequence[Node]) -> bool:
    """Whether no two layers share an array, whose derivatives would have to be added."""
    names = [parameter.name for node in nodes for parameter in node.parameters]
    return len(names) == len(set(names))
