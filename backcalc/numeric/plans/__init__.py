"""Fast plans: buffers laid out once for a network and a batch, and who computes which network."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from backcalc.layers.recurrent_base import Recurrent
from backcalc.net import Node
from backcalc.numeric.engine import Engine, Reference
from backcalc.numeric.kernels.base import Array
from backcalc.numeric.plans.chain import chain_of
from backcalc.numeric.plans.looped import Looped
from backcalc.numeric.plans.narrow import Narrow, is_narrow
from backcalc.numeric.plans.planned import Planned
from backcalc.numeric.plans.stacked import Stacked, is_stacked
from backcalc.numeric.run import Objective, Runner
from backcalc.numeric.share import Zeros

LARGE = 64
"""From so many numbers on that a layer computes at a time for a sample, one network after another is faster."""


def engine_for(
    runner: Runner, objective: Objective, flat: Array, still: dict[str, Array], zeros: Zeros = np.zeros
) -> Engine:
    """The fastest engine that can compute the network; `zeros` makes the arrays that several processes read."""
    nodes = chain_of(runner, objective)
    if nodes is not None and is_narrow(nodes, len(flat)):
        return Narrow(runner, objective, flat, still, nodes, zeros)
    if len(flat) == 1:
        return Planned(runner, objective, flat, still, zeros)
    if nodes is not None and is_stacked(nodes):
        return Stacked(runner, objective, flat, still, nodes, zeros)
    if is_large(runner.nodes):
        return Looped(runner, objective, flat, still, zeros)
    return Reference(runner, objective, flat, still)


def is_large(nodes: Sequence[Node]) -> bool:
    """Whether layers compute much on average: recurrent ones step by step, others all at once."""
    return sum(map(_at_a_time, nodes)) >= LARGE * len(nodes)


def _at_a_time(node: Node) -> int:
    layer = node.layer
    return layer.units * len(layer.gates) if isinstance(layer, Recurrent) else prod(node.output_shape)
