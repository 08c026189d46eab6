"""The witnesses of large networks: whole arrays in double precision, differences along random directions.

For every leaf, with a random direction u: (J(w + hu) − J(w − hu))/2h against Σ ∂J/∂w·u. A wrong entry anywhere changes
the right-hand side.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

import numpy as np

from backcalc.derive.derivation import Check, Derivation
from backcalc.formula.integers import EvaluationError, integer
from backcalc.formula.program import Equation, Program
from backcalc.formula.tree import Expr
from backcalc.verify.point import Values
from backcalc.verify.vectors import LARGEST, Floats, evaluate_vectors, evaluated

STEP = 1e-6
CLOSE = 1e-5
ROUNDING = 1e-9  # what rounding leaves of a difference quotient of a loss of size 1
ATTEMPTS = 6


def check_large(derivation: Derivation, given: Values) -> tuple[Check, ...]:
    """Both sides of every step, and differences in every leaf, at one random point."""
    program = derivation.program
    numbers = sum(prod(program.shape(name) or (1,)) for name in program.leaves)
    if numbers > LARGEST:
        detail = f"nothing was evaluated: the network has {numbers:,} inputs and parameters"
        return (Check("any witness", None, False, detail),)
    reason = "no point was found"
    for values in points(program, given):
        try:
            with np.errstate(all="ignore"):
                store = {**values, **evaluate_vectors(derivation.adjoint_program(), values, {})}
                if not np.isfinite(store[derivation.loss]).all():
                    reason = f"{derivation.loss} is not a finite number there"
                    continue
                return _steps(derivation, store), _directions(derivation, values, store)
        except EvaluationError as error:
            reason = str(error)
    return (Check("any witness", None, False, f"nothing could be evaluated: {reason}"),)


def points(program: Program, given: Values) -> Iterator[dict[str, Floats]]:
    """The given values where there are any, random ones of a size that keeps sums near 1 elsewhere."""
    whole = program.index_names
    for attempt in range(ATTEMPTS):
        source = np.random.default_rng(attempt)
        values: dict[str, Floats] = {}
        for name in program.leaves:
            shape = program.shape(name)
            if shape is None:
                raise EvaluationError(f"the size of `{name}` is a symbol")
            if name in given:
                values[name] = np.array([float(value) for value in given[name].values()]).reshape(shape)
            elif name in whole:
                values[name] = np.ones(shape)
            else:
                low = -1.0 if attempt % 2 == 0 else 0.05
                fan_in = max(1.0, float(np.prod(shape[1:]))) if shape else 1.0
                values[name] = source.uniform(low, 1.0, shape) / np.sqrt(fan_in)
        yield values


def _steps(derivation: Derivation, store: Mapping[str, Floats]) -> Check:
    program = derivation.adjoint_program()
    worst, passed, checked, total = 0.0, True, 0, 0
    for adjoint in derivation.adjoints.values():
        for step in adjoint.steps:
            if step.before is None:
                continue
            total += 1
            try:
                sides = [_side(program, adjoint.name, adjoint.indices, s, store) for s in (step.before, step.after)]
            except EvaluationError:
                continue  # too large written out; the differences cover its result
            checked += 1
            scale = max(1.0, float(np.abs(sides[1]).max(initial=0.0)))
            error = float(np.abs(sides[0] - sides[1]).max(initial=0.0)) / scale
            worst, passed = max(worst, error), passed and error <= 1e-9  # no comparison holds for what is no number
    detail = (
        f"{total} steps" if checked == total else f"{checked} of {total} steps, the others are too large written out"
    )
    what = "both sides of every step" if checked == total else "both sides of the steps that are not too long"
    return Check(what, worst, passed, f"{detail}; double precision, {_where(derivation)}")


def _where(derivation: Derivation) -> str:
    """Where it was evaluated, the numbers of symbolic sizes too."""
    symbols = [name for name, size in derivation.network.program.sizes.items() if size is None]
    sizes = ", ".join(f"{name} = {derivation.program.sizes[name]}" for name in symbols)
    return "random values" + (f" and sizes {sizes}" if sizes else "")


def _side(program: Program, name: str, indices: tuple[str, ...], side: Expr, store: Mapping[str, Floats]) -> Any:
    known = {size: value for size, value in program.sizes.items() if value is not None}
    ranges = [(1, integer(axis, known)) for axis in program.shapes[name]]
    return evaluated(Equation(name, indices, side), program, store, known, ranges)


def _directions(derivation: Derivation, values: Mapping[str, Floats], store: Mapping[str, Floats]) -> Check:
    program, loss = derivation.program, derivation.loss
    known = {size: value for size, value in program.sizes.items() if value is not None}
    source = np.random.default_rng(1)
    worst, count, passed = 0.0, 0, True
    names = [name for name in program.leaves if name in derivation.adjoints and name not in program.index_names]
    for name in names:
        shape = tuple(integer(axis, known) for axis in program.shapes[name])
        direction = np.asarray(source.choice([-1.0, 1.0], shape))
        ends = [{**values, name: values[name] + sign * STEP * direction} for sign in (1, -1)]
        high, low = (evaluate_vectors(program, end, {})[loss] for end in ends)
        along = store[derivation.adjoints[name].name] * direction
        inner = tuple(range(along.ndim - direction.ndim, along.ndim))
        error = np.abs((high - low) / (2 * STEP) - along.sum(axis=inner))
        scale = np.sqrt((along**2).sum(axis=inner))
        passed = passed and bool(np.all(error <= CLOSE * scale + ROUNDING * np.maximum(1.0, np.abs(high))))
        worst = max(worst, float((error / np.maximum(1.0, scale)).max(initial=0.0)))
        count += along.size
    detail = f"{count:,} derivatives along {len(names)} random directions, h = 1e-6, double precision"
    detail += f", {_where(derivation)}"
    return Check("central differences of the forward equations", worst, passed, detail)
