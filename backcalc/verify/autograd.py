"""PyTorch's automatic differentiation as a witness of the derived gradients, where PyTorch is installed.

The forward equations are evaluated number by number with tensors of one element, and differentiated by what PyTorch has
recorded: it sees neither the derivation nor our kernels.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from importlib import import_module
from importlib.util import find_spec
from math import e, isfinite, pi
from typing import Any

from backcalc.derive.arrays import work
from backcalc.derive.derivation import Check, Derivation
from backcalc.formula.evaluate import COMPARISONS, Arithmetic, Array, evaluate
from backcalc.formula.integers import EvaluationError
from backcalc.verify.point import Point

AFFORDABLE = 50_000  # operations, each a few microseconds
CLOSE = 1e-9  # relative to the largest derivative of the array, in double precision


def check_autograd(derivation: Derivation, point: Point, store: Mapping[str, Array[Any]]) -> Check | None:
    """Every derived adjoint in `store` against PyTorch's derivative at the point.

    None where PyTorch is not installed, where what is differentiated is not one number, or where double precision does
    not reach.
    """
    program, loss = derivation.program, derivation.loss
    if find_spec("torch") is None or program.shapes[loss] or derivation.network.given:
        return None
    if work(program, point.sizes) > AFFORDABLE:
        return None
    torch: Any = import_module("torch")
    numbers = tensors(torch)
    leaves = {
        name: {place: _leaf(torch, value) for place, value in array.items()} for name, array in point.values.items()
    }
    try:
        found = {**leaves, **evaluate(program, leaves, numbers, point.sizes)}
    except (EvaluationError, OverflowError):
        return None
    total = found[loss][()]
    if not total.requires_grad or not isfinite(total.item()):
        return None
    entries = [
        (adjoint, place)
        for adjoint in derivation.adjoints.values()
        for place in store[adjoint.name]
        if found[adjoint.of][place].requires_grad  # what the file sets to a constant has no record
    ]
    if not entries:
        return None
    asked = [found[adjoint.of][place] for adjoint, place in entries]
    slopes = torch.autograd.grad(total, asked, allow_unused=True)
    scale: dict[str, float] = {}
    for adjoint, place in entries:
        scale[adjoint.name] = max(scale.get(adjoint.name, 1.0), abs(float(store[adjoint.name][place])))
    worst = max(
        abs((0.0 if slope is None else slope.item()) - float(store[adjoint.name][place])) / scale[adjoint.name]
        for (adjoint, place), slope in zip(entries, slopes, strict=True)
    )
    detail = f"version {torch.__version__}, {len(entries)} derivatives, {point.chosen}"
    return Check("PyTorch's automatic differentiation", worst, worst <= CLOSE, detail)


def _leaf(torch: Any, value: Fraction) -> Any:
    return torch.tensor(float(value), dtype=torch.float64, requires_grad=True)


def tensors(torch: Any) -> Arithmetic[Any]:
    """Tensors of one number in double precision as an arithmetic of the evaluator."""

    def number(value: Fraction | float) -> Any:
        return torch.tensor(float(value), dtype=torch.float64)

    zero = number(0.0)
    functions = ("exp", "log", "sqrt", "abs", "erf", "sin", "cos", "floor", "sign", "sigmoid", "tanh", "relu")
    return Arithmetic(
        number=number,
        power=lambda base, exponent: base**exponent,
        functions={name: getattr(torch, name) for name in functions} | {"softplus": lambda u: torch.logaddexp(u, zero)},
        compare=lambda operator, a, b: COMPARISONS[operator](a, b),
        constants={"e": number(e), "pi": number(pi)},
    )
