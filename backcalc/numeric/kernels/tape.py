"""A tape: arrays that know what they were computed from, so that one walk back gives every derivative."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from backcalc.numeric.kernels.base import Array, summed_to


@dataclass(frozen=True, slots=True, eq=False)
class Var:
    """An array, and what it was computed from, each with how to go back to it."""

    value: Array
    parents: tuple[tuple[Var, Callable[[Array], Array]], ...] = ()


def backward(output: Var, gradient: Array, wanted: Sequence[Var]) -> list[Array | None]:
    """The derivatives by the wanted variables, from that by the output; None where nothing leads to one."""
    order: list[Var] = []
    seen: set[int] = set()
    pending = [(output, False)]
    while pending:
        var, done = pending.pop()
        if done:
            order.append(var)
        elif id(var) not in seen:
            seen.add(id(var))
            pending.append((var, True))
            pending.extend((parent, False) for parent, _ in var.parents)
    found: dict[int, Array] = {id(output): gradient}
    for var in reversed(order):
        into = found.get(id(var))
        if into is None:
            continue
        for parent, back in var.parents:
            share = back(into)
            found[id(parent)] = found[id(parent)] + share if id(parent) in found else share
    return [found.get(id(var)) for var in wanted]


def constant(value: Array) -> Var:
    """An array that no derivative is asked of."""
    return Var(value)


def add(a: Var, b: Var) -> Var:
    """a + b."""
    return Var(a.value + b.value, ((a, _to(a)), (b, _to(b))))


def multiply(a: Var, b: Var) -> Var:
    """a·b."""
    return Var(
        a.value * b.value,
        ((a, lambda g: summed_to(g * b.value, a.value.shape)), (b, lambda g: summed_to(g * a.value, b.value.shape))),
    )


def divide(a: Var, b: Var) -> Var:
    """a/b."""
    value = a.value / b.value
    return Var(
        value,
        (
            (a, lambda g: summed_to(g / b.value, a.value.shape)),
            (b, lambda g: summed_to(-g * value / b.value, b.value.shape)),
        ),
    )


def pointwise(a: Var, value: Array, slope: Array) -> Var:
    """A function of each number, by its value and its derivative."""
    return Var(value, ((a, lambda g: g * slope),))


def choose(condition: Array, a: Var, b: Var) -> Var:
    """a where the condition holds, else b."""
    value = np.where(condition, a.value, b.value)
    return Var(
        value,
        (
            (a, lambda g: summed_to(np.where(condition, g, 0), a.value.shape)),
            (b, lambda g: summed_to(np.where(condition, 0, g), b.value.shape)),
        ),
    )


def _to(var: Var) -> Callable[[Array], Array]:
    return lambda gradient: summed_to(gradient, var.value.shape)
