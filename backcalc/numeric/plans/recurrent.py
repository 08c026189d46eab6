"""Recurrent layers: the input's part of all steps is one product, then one step after the other in place.

Sequences are `[time, features, samples]`. Slopes of all steps are computed at once before the way back, on which a step
is a few products; what weights get of all steps is added up behind.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from backcalc.numeric.kernels.base import Array
from backcalc.numeric.plans.stages import Stage


@dataclass(frozen=True, slots=True)
class Extent:
    """How large a pass is."""

    steps: int
    features: int
    units: int
    samples: int


class Walk(ABC):
    """One direction of one layer. The arrays of all gates stand one behind the other in buffers of the walk.

    The states stand one place apart, before and after each step; the one before the first is 0.
    """

    gates: ClassVar[int] = 1

    def __init__(
        self, parameters: Sequence[Array], gradients: Sequence[Array], extent: Extent, *, reverse: bool, first: bool
    ) -> None:
        steps, units, samples = extent.steps, extent.units, extent.samples
        kinds, dtype, rows = len(parameters) // self.gates, parameters[0].dtype, self.gates * units
        self.parts, self.by_parts = ([each[kind::kinds] for kind in range(kinds)] for each in (parameters, gradients))
        self.joined = [np.empty((rows, *part[0].shape[1:]), dtype) for part in self.parts]
        self.matrix, self.state, *biases = self.joined
        self.bias, self.state_bias = (*biases, None, None)[:2]
        self.units, self.extent = units, extent
        self.given, self.by_given = (np.empty((steps, rows, samples), dtype) for _ in range(2))
        states = np.zeros((steps + 1, units, samples), dtype)
        self.before, self.after = (states[1:], states[:-1]) if reverse else (states[:-1], states[1:])
        self.order = range(steps - 1, -1, -1) if reverse else range(steps)
        self.carried, self.room = (np.empty((units, samples), dtype) for _ in range(2))
        self.into = None if first else np.empty((steps, extent.features, samples), dtype)
        self.x = self.given

    def row(self, gate: int, until: int | None = None) -> slice:
        """The rows of a gate, or of those until another."""
        return slice(gate * self.units, (gate + 1 if until is None else until) * self.units)

    @abstractmethod
    def step(self, t: int) -> None:
        """Computes the state after a step."""

    @abstractmethod
    def slopes(self) -> None:
        """Computes what the way back needs, of all steps at once."""

    @abstractmethod
    def back(self, t: int) -> None:
        """From what is carried, the derivative by the state after a step, to `by_given` and that by the one before."""

    def by_state(self) -> Array:
        """The derivatives by what the products with the state gave, `[time, rows, samples]`."""
        return self.by_given

    def forward(self, x: Array) -> Array:
        """The states after all steps."""
        self.x = x
        for whole, part in zip(self.joined, self.parts, strict=True):
            np.concatenate(part, out=whole)
        np.matmul(self.matrix, x, out=self.given)
        if self.bias is not None:
            self.given += self.bias[:, None]
        for t in self.order:
            self.step(t)
        return self.after

    def backward(self, gradients: Sequence[Array | None]) -> Array | None:
        """The derivative by x, from those by the states after each step."""
        self.slopes()
        self.carried.fill(0)
        for t in reversed(self.order):
            gradient = gradients[t]
            if gradient is not None:
                self.carried += gradient
            self.back(t)
        self._give()
        return None if self.into is None else np.matmul(self.matrix.T, self.by_given, out=self.into)

    def _give(self) -> None:
        """Adds the derivatives by the arrays to theirs."""
        by_state = self.by_state()
        found = [_summed(self.by_given, self.x), self.through_state(by_state)]
        found += [each.sum(axis=(0, 2)) for each in (self.by_given, by_state)][: len(self.joined) - 2]
        for parts, whole in zip(self.by_parts, found, strict=True):
            for part, each in zip(parts, np.split(whole, self.gates), strict=True):
                part += each

    def through_state(self, by_state: Array) -> Array:
        """The derivative by the weights of the state."""
        return _summed(by_state, self.before)


def _summed(gradient: Array, x: Array) -> Array:
    """The derivative by weights, over all steps."""
    total: Array = (gradient @ x.swapaxes(1, 2)).sum(axis=0)
    return total


def _squash(x: Array) -> None:
    """½ + ½ tanh(x/2), in place."""
    x *= 0.5
    np.tanh(x, out=x)
    x *= 0.5
    x += 0.5


class RnnWalk(Walk):
    """`h = tanh(W x + U h + b)`."""

    def step(self, t: int) -> None:
        h = self.after[t]
        np.matmul(self.state, self.before[t], out=h)
        h += self.given[t]
        if self.state_bias is not None:
            h += self.state_bias[:, None]
        np.tanh(h, out=h)

    def slopes(self) -> None:
        np.multiply(self.after, self.after, out=self.by_given)
        np.subtract(1, self.by_given, out=self.by_given)

    def back(self, t: int) -> None:
        inner = self.by_given[t]
        inner *= self.carried
        np.matmul(self.state.T, inner, out=self.carried)


class LstmWalk(Walk):
    """`c = f c + i g`, `h = o tanh(c)`; the gates stand in the order i, f, g, o."""

    gates = 4

    def __init__(
        self, parameters: Sequence[Array], gradients: Sequence[Array], extent: Extent, *, reverse: bool, first: bool
    ) -> None:
        super().__init__(parameters, gradients, extent, reverse=reverse, first=first)
        steps, units, samples = extent.steps, extent.units, extent.samples
        dtype = self.given.dtype
        cells = np.zeros((steps + 1, units, samples), dtype)
        self.cell_before, self.cell = (cells[1:], cells[:-1]) if reverse else (cells[:-1], cells[1:])
        self.squashed, self.by_squashed = (np.empty((steps, units, samples), dtype) for _ in range(2))
        self.sum, self.by_cell = np.empty_like(self.given[0]), np.empty_like(self.carried)

    def step(self, t: int) -> None:
        gates, cell = self.given[t], self.cell[t]
        np.matmul(self.state, self.before[t], out=self.sum)
        gates += self.sum
        if self.state_bias is not None:
            gates += self.state_bias[:, None]
        _squash(gates[self.row(0, 2)])
        i, f, g, o = (gates[self.row(gate)] for gate in range(4))
        np.tanh(g, out=g)
        _squash(o)
        np.multiply(f, self.cell_before[t], out=cell)
        np.multiply(i, g, out=self.room)
        cell += self.room
        np.tanh(cell, out=self.squashed[t])
        np.multiply(o, self.squashed[t], out=self.after[t])

    def slopes(self) -> None:
        i, _, g, o = (self.given[:, self.row(gate)] for gate in range(4))
        by_i, by_f, by_g, by_o = (self.by_given[:, self.row(gate)] for gate in range(4))
        np.subtract(1, self.given, out=self.by_given)
        self.by_given *= self.given  # s (1 - s), of all gates but g
        by_i *= g
        by_f *= self.cell_before
        by_o *= self.squashed
        np.multiply(g, g, out=by_g)
        np.subtract(1, by_g, out=by_g)
        by_g *= i
        np.multiply(self.squashed, self.squashed, out=self.by_squashed)
        np.subtract(1, self.by_squashed, out=self.by_squashed)
        self.by_squashed *= o
        self.by_cell.fill(0)

    def back(self, t: int) -> None:
        gates, units = self.by_given[t], self.units
        np.multiply(self.carried, self.by_squashed[t], out=self.room)
        self.by_cell += self.room
        inner = gates[: 3 * units].reshape(3, units, -1)
        inner *= self.by_cell
        outer = gates[3 * units :]
        outer *= self.carried
        self.by_cell *= self.given[t, self.row(1)]
        np.matmul(self.state.T, gates, out=self.carried)


class GruWalk(Walk):
    """`h = n + z (h - n)`; the gates stand in the order z, r, n. The state is reset before its product."""

    gates = 3

    def __init__(
        self, parameters: Sequence[Array], gradients: Sequence[Array], extent: Extent, *, reverse: bool, first: bool
    ) -> None:
        super().__init__(parameters, gradients, extent, reverse=reverse, first=first)
        shape, dtype = (extent.steps, extent.units, extent.samples), self.given.dtype
        self.reset, self.apart = (np.empty(shape, dtype) for _ in range(2))
        self.sum = np.empty_like(self.given[0])
        self.by_gates = np.empty_like(self.given)
        self.z, self.r, self.n = (self.given[:, self.row(gate)] for gate in range(3))
        self.by_z, self.by_r, self.by_n = (self.by_given[:, self.row(gate)] for gate in range(3))

    def step(self, t: int) -> None:
        before, h, n = self.before[t], self.after[t], self.n[t]
        both, sums = self.given[t, self.row(0, 2)], self.sum[self.row(0, 2)]
        np.matmul(self.state[self.row(0, 2)], before, out=sums)
        both += sums
        _squash(both)
        np.multiply(self.r[t], before, out=self.reset[t])
        np.matmul(self.state[self.row(2)], self.reset[t], out=h)
        n += h
        self._mix(t)

    def _mix(self, t: int) -> None:
        """The candidate, and the new state."""
        h, n = self.after[t], self.n[t]
        np.tanh(n, out=n)
        np.subtract(self.before[t], n, out=self.apart[t])
        np.multiply(self.z[t], self.apart[t], out=h)
        h += n

    def slopes(self) -> None:
        both = self.row(0, 2)
        np.subtract(1, self.given[:, both], out=self.by_given[:, both])
        np.multiply(self.n, self.n, out=self.by_n)
        np.subtract(1, self.by_n, out=self.by_n)
        self.by_n *= self.by_z  # (1 - z) (1 - n²)
        self.by_given[:, both] *= self.given[:, both]
        self.by_z *= self.apart
        self.by_r *= self._behind_reset()

    def _behind_reset(self) -> Array:
        """What the reset gate multiplies, of all steps."""
        return self.before

    def back(self, t: int) -> None:
        by_n, by_r, by_z, carried = self.by_n[t], self.by_r[t], self.by_z[t], self.carried
        by_n *= carried
        by_z *= carried
        np.matmul(self.state[self.row(2)].T, by_n, out=self.room)
        by_r *= self.room
        self.room *= self.r[t]
        carried *= self.z[t]
        carried += self.room
        np.matmul(self.state[self.row(0, 2)].T, self.by_given[t, self.row(0, 2)], out=self.room)
        carried += self.room

    def through_state(self, by_state: Array) -> Array:
        both = self.row(0, 2)
        return np.concatenate([_summed(by_state[:, both], self.before), _summed(self.by_n, self.reset)])


class LateGruWalk(GruWalk):
    """The product with the state is reset behind it, as in PyTorch; it has a bias of its own."""

    def step(self, t: int) -> None:
        gates, sums, third = self.given[t], self.sum, self.row(2)
        np.matmul(self.state, self.before[t], out=sums)
        assert self.state_bias is not None
        sums += self.state_bias[:, None]
        both = gates[self.row(0, 2)]
        both += sums[self.row(0, 2)]
        _squash(both)
        np.copyto(self.reset[t], sums[third])
        sums[third] *= self.r[t]
        gates[third] += sums[third]
        self._mix(t)

    def _behind_reset(self) -> Array:
        return self.reset

    def back(self, t: int) -> None:
        gates, by_gates, carried = self.by_given[t], self.by_gates[t], self.carried
        by_n = self.by_n[t]
        by_n *= carried
        self.by_z[t] *= carried
        self.by_r[t] *= by_n
        np.copyto(by_gates, gates)
        by_gates[self.row(2)] *= self.r[t]
        carried *= self.z[t]
        np.matmul(self.state.T, by_gates, out=self.room)
        carried += self.room

    def by_state(self) -> Array:
        return self.by_gates

    def through_state(self, by_state: Array) -> Array:
        return _summed(by_state, self.before)


class Recurred(Stage):
    """Stacked passes in one or both directions; puts out the states after all steps, or after the last of each."""

    def __init__(self, levels: Sequence[Sequence[Walk]], *, last: bool) -> None:
        self.levels, self.last = levels, last
        steps, units, samples = levels[0][0].after.shape
        dtype, directions = levels[0][0].after.dtype, len(levels[0])
        self.steps, self.units = steps, units
        self.joined = [np.empty((steps, directions * units, samples), dtype) for level in levels if len(level) > 1]
        self.ends = np.empty((directions * units, samples), dtype)

    def forward(self, x: Array, drawn: Mapping[str, Array]) -> Array:
        for place, level in enumerate(self.levels):
            outputs = [walk.forward(x) for walk in level]
            x = outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=1, out=self.joined[place])
        if not self.last:
            return x
        for walk, part in zip(self.levels[-1], self._parts(self.ends), strict=True):
            np.copyto(part, walk.after[walk.order[-1]])
        return self.ends

    def backward(self, gradient: Array) -> Array | None:
        level = self.levels[-1]
        given: list[Sequence[Array | None]] = [list(part) for part in self._parts(gradient)]
        if self.last:
            ends = zip(level, self._parts(gradient), strict=True)
            given = [[part if t == walk.order[-1] else None for t in range(self.steps)] for walk, part in ends]
        into: Array | None = None
        for level in reversed(self.levels):
            found = [walk.backward(each) for walk, each in zip(level, given, strict=True)]
            into, *others = found
            for other in others:
                if into is not None and other is not None:
                    into += other
            if into is not None and level is not self.levels[0]:
                given = [list(part) for part in self._parts(into)]
        return into

    def _parts(self, whole: Array) -> list[Array]:
        """What belongs to each direction, `[…, units, samples]`."""
        count = len(self.levels[0])
        return [whole[..., place * self.units : (place + 1) * self.units, :] for place in range(count)]
