"""Fast plans: buffers laid out once for a network and a batch, and who computes which network."""

from __future__ import annotations

import numpy as np

from backcalc.numeric.engine import Engine
from backcalc.numeric.kernels.base import Array
from backcalc.numeric.plans.chain import chain_of
from backcalc.numeric.plans.looped import Looped
from backcalc.numeric.plans.narrow import Narrow, is_narrow
from backcalc.numeric.plans.planned import Planned
from backcalc.numeric.plans.stacked import Stacked, is_stacked
from backcalc.numeric.run import Objective, Runner
from backcalc.numeric.share import Zeros


def engine_for(
    runner: Runner, objective: Objective, flat: Array, still: dict[str, Array], zeros: Zeros = np.zeros
) -> Engine:
    """The fastest engine that can compute the network; `zeros` makes the arrays that several processes read."""
    nodes = chain_of(runner, objective)
    if nodes is not None and is_narrow(nodes, len(flat)):
        return Narrow(runner, objective, flat, still, nodes, zeros)
    if nodes is not None and len(flat) > 1 and is_stacked(nodes):
        return Stacked(runner, objective, flat, still, nodes, zeros)
    if len(flat) > 1:
        return Looped(runner, objective, flat, still, zeros)
    return Planned(runner, objective, flat, still, zeros)
