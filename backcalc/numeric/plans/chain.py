"""Whether a network is a chain of layers, as the engines for stacks of networks need it."""

from __future__ import annotations

from backcalc.net import Node
from backcalc.numeric.run import Objective, Runner


def chain_of(runner: Runner, objective: Objective) -> tuple[Node, ...] | None:
    """The layers up to what the loss reads, each reading the one before; None where that is not how the network is.

    Nor is it where two layers share an array, or one is made of own names: derivatives would have to be added.
    """
    nodes: list[Node] = []
    before, *others = runner.network.inputs
    for node in runner.nodes:
        if others or node.inputs != (before,):
            return None
        nodes.append(node)
        before = node.name
        if node.name == objective.of:
            break
    names = [parameter.name for node in nodes for parameter in node.parameters]
    once = len(names) == len(set(names)) and not any(name in runner.arena.made for name in names)
    return tuple(nodes) if once and len(runner.nodes) - len(nodes) <= 1 else None
