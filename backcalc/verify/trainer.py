"""The gradients that training computes as a witness of the derived ones: forward and backward layer by layer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from backcalc.derive.derivation import Check, Derivation
from backcalc.formula.integers import EvaluationError
from backcalc.formula.program import Program
from backcalc.numeric.kernels.base import NotTrainable
from backcalc.numeric.run import Runner, loss_and_gradients
from backcalc.verify.large import points
from backcalc.verify.point import Values, numbers_for
from backcalc.verify.vectors import Floats, evaluate_vectors

AGAINST = "NumPy backprop, layer by layer, as in training"
CLOSE = 1e-9  # relative to the largest entry, in double precision


def check_trainer(derivation: Derivation, given: Values) -> Check | None:
    """Every parameter's derived gradient against that of the kernels, at random values where the file has none.

    None where there is nothing to compare: equations without layers, another question than the loss, or a layer that
    arrays cannot be computed of.
    """
    network = derivation.network
    if network.criterion is None or network.given or derivation.loss != network.loss:
        return None
    try:
        names = Runner(network).arena.pieces.keys() & derivation.adjoints.keys()
    except NotTrainable:
        return None
    program = replace(derivation.program, sizes={**derivation.program.sizes, **numbers_for(derivation.program)})
    adjoints = replace(derivation, program=program).adjoint_program()
    for values in points(program, given) if names else ():
        try:
            with np.errstate(all="ignore"):
                store = {**values, **evaluate_vectors(adjoints, values, {})}
                if np.isfinite(store[derivation.loss]).all():
                    return _compared(derivation, sorted(names), values, store)
        except (EvaluationError, KeyError):
            return None
    return None


def _compared(derivation: Derivation, names: list[str], values: dict[str, Floats], store: dict[str, Floats]) -> Check:
    batched = _is_batched(derivation)
    batch = {name: array if batched else array[None] for name, array in values.items()}
    _, found = loss_and_gradients(derivation.network, values, batch, training=batched)
    worst, count = 0.0, 0
    for name in names:
        expected = store[derivation.adjoints[name].name]
        scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
        worst = max(worst, float(np.abs(found[name] - expected).max(initial=0.0)) / scale)
        count += expected.size
    return Check(AGAINST, worst, worst <= CLOSE, f"{count:,} derivatives, at {_values(derivation.program, derivation)}")


def _is_batched(derivation: Derivation) -> bool:
    """Whether the derivation is over a mini-batch: its inputs have one axis more than those of the network."""
    name, shape = next(iter(derivation.network.inputs.items()))
    return len(derivation.program.shapes[name]) > len(shape)


def _values(program: Program, derivation: Derivation) -> str:
    every: Any = set(program.leaves) <= derivation.network.values.keys()
    return "the given values" if every else "random values"
