"""Both whole networks at one random input: the file as written against the file as it was."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import product

from backcalc.derive.arrays import work
from backcalc.derive.derivation import Check
from backcalc.formula.evaluate import Array, evaluate
from backcalc.formula.floats import FLOATS
from backcalc.formula.infer import build_program
from backcalc.formula.integers import EvaluationError
from backcalc.formula.program import Program
from backcalc.formula.read import read_equation
from backcalc.formula.source import ProgramErrors, SourceEquation
from backcalc.net.network import Network
from backcalc.transform.equal import Both

HEAVIEST = 400_000  # operations of an evaluation in double precision
CLOSE = 1e-9


def whole(old: Network, new: Network, folds: Sequence[Both]) -> Check:
    """Whether the outputs are the same numbers, in double precision, as the networks answer one sample."""
    against = "the output of the whole network, the file as written read back"
    try:
        programs = [answering(network) for network in (old, new)]
        if max(map(work, programs)) > HEAVIEST:
            return Check(against, None, True, "left out: the network is too large for that")
        store = _random(programs[0])
        for both in folds:
            wanted = tuple(both.program.by_name[name] for name in both.definitions)
            store.update(evaluate(both.program.part(wanted), store, FLOATS))
        found = [
            evaluate(program, {name: store[name] for name in program.leaves}, FLOATS)[_output(network)]
            for program, network in zip(programs, (old, new), strict=True)
        ]
    except (EvaluationError, ProgramErrors, KeyError) as error:
        return Check(against, None, True, f"left out: {error}")
    scale = max(1.0, *(abs(value) for value in found[0].values()))
    apart = max(abs(found[0][place] - found[1][place]) for place in found[0]) / scale
    return Check(against, apart, apart < CLOSE, f"{len(found[0])} outputs at random numbers")


def answering(network: Network) -> Program:
    """The layers of a network as equations, as they answer one sample; every array of parameters is a leaf."""
    lines: list[str] = []
    shapes: dict[str, tuple[int, ...]] = dict(network.inputs)
    padded: set[str] = set()
    for node in network.nodes:
        stated = node.stated(None)
        lines += stated.lines
        padded |= stated.padded
        shapes |= {parameter.name: parameter.shape for parameter in node.parameters}
        shapes |= dict(stated.shapes) | dict(stated.draws) | {node.name: node.output_shape}
    sources = [SourceEquation(*read_equation(line)) for line in lines]
    return build_program(sources, {name: shape for name, shape in shapes.items() if shape}, {}, frozenset(padded))


def _output(network: Network) -> str:
    return network.output or network.nodes[-1].name


def _random(program: Program) -> dict[str, Array[float]]:
    """Numbers for every leaf; variances are positive, and what stands in an index is 1."""
    source = random.Random("backcalc fold")
    values: dict[str, Array[float]] = {}
    for name in program.leaves:
        lowest = 0.1 if name.startswith("var") else -1.0
        places = product(*(range(1, extent + 1) for extent in program.shape(name) or ()))
        values[name] = {place: 1.0 if name in program.index_names else source.uniform(lowest, 1.0) for place in places}
    return values
