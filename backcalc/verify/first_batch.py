"""The gradients of a training held against the derived ones, on its first mini-batch, before a step is made."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np

from backcalc.derive.derivation import Check, derive
from backcalc.formula.integers import EvaluationError
from backcalc.net import Network
from backcalc.numeric.arena import floats
from backcalc.numeric.data import Data, source
from backcalc.numeric.initialise import begin
from backcalc.numeric.parts import parted
from backcalc.numeric.plans import engine_for
from backcalc.numeric.run import Objective, Runner, starting
from backcalc.numeric.settings import Training
from backcalc.verify.vectors import evaluate_vectors

SAMPLES = 4
"""So many samples of the mini-batch at most: a derived formula is evaluated as it stands, one array an equation."""

CLOSE = 1e-9  # relative to the largest entry, in double precision
AGAINST = "the derived formulas on the first mini-batch"


def samples_for(data: Data, settings: Training) -> int:
    """How many samples of the first mini-batch are held against the formulas."""
    return min(SAMPLES, settings.batch, data.size - int(np.ceil(settings.validation * data.size)))


def check_first_batch(network: Network, data: Data, settings: Training) -> Check:
    """Compares every parameter's gradient, as the training computes it, with its derived formula.

    The network states its mini-batch, `batch: n`; the first n samples that the first trial would see are taken, with
    its first parameters. Raises what `train` raises before its first step, and DerivationError.
    """
    settings = replace(settings, dtype="float64")
    runner = Runner(network)
    objective = Objective(runner, l1=settings.l1, l2=settings.l2)
    (name, shape), *_ = network.inputs.items()
    parts = parted(data.fitting(shape), objective, settings)
    random = source([settings.seed, 0], legacy=settings.legacy)
    flat = begin(network, runner.nodes, runner.arena, [random], settings.initialise, np.dtype(np.float64))
    chosen = random.permutation(parts.size)[: samples_for(data, settings)]
    x, t = parts.x[chosen][None], parts.t[chosen][None]
    still = starting(runner, 1, np.dtype(np.float64))
    given = {each: np.array(floats(network.values[each])) for each in network.values}
    for each in still.keys() & given.keys():
        still[each][...] = given[each]
    drawn = runner.draw([deepcopy(random)], len(chosen), np.dtype(np.float64))
    parameters = {each: array.copy() for each, array in runner.arena.named(flat).items()}
    leaves = {**still, **parameters, **drawn, name: x, str(objective.loss.target): t}
    values = given | {each: array[0] for each, array in leaves.items()}
    engine = engine_for(runner, objective, flat, still)
    engine.step(x, t, [random])
    samples = f"{len(chosen)} of its {min(settings.batch, parts.size)} samples"
    return _compared(network, values, runner.arena.named(engine.gradients), samples)


def _compared(network: Network, values: dict[str, Any], found: dict[str, Any], samples: str) -> Check:
    derivation = derive(network, wrt=tuple(found), view="index")
    program = derivation.adjoint_program()
    try:
        leaves = {name: values[name].reshape(program.shape(name) or ()) for name in program.leaves}
        store = {**leaves, **evaluate_vectors(program, leaves, {})}
    except EvaluationError as error:
        return Check(AGAINST, None, False, f"nothing could be evaluated: {error}")
    worst, count = 0.0, 0
    for name, gradient in found.items():
        if name not in derivation.adjoints:
            expected = np.zeros_like(gradient[0])  # what the loss does not depend on
        else:
            expected = store[derivation.adjoints[name].name]
        scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
        worst = max(worst, float(np.abs(gradient[0] - expected).max(initial=0.0)) / scale)
        count += expected.size
    passed = worst <= CLOSE
    return Check(AGAINST, worst, passed, f"{count:,} derivatives, {samples}, double precision")
