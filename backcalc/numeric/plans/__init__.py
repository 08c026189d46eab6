"""Fast plans: buffers laid out once for a network and a batch, and who computes which network."""

from __future__ import annotations

from backcalc.numeric.engine import Engine, Reference
from backcalc.numeric.kernels.base import Array
from backcalc.numeric.run import Objective, Runner


def engine_for(runner: Runner, objective: Objective, flat: Array, still: dict[str, Array]) -> Engine:
    """The fastest engine that can compute the network."""
    return Reference(runner, objective, flat, still)
