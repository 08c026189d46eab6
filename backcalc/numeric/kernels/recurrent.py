"""Recurrent layers: one step after the other, and back through time.

A cell is a step forward that says how to step back. Gates stand side by side: their weights are one matrix.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import numpy as np

from backcalc.layers.recurrent import Gru, Lstm, Rnn
from backcalc.layers.recurrent_base import Recurrent
from backcalc.numeric.kernels.activation import sigmoid
from backcalc.numeric.kernels.base import Array, Gradients, Kernel, Pass, Result

Cell = TypeVar("Cell", bound=Recurrent)
States: TypeAlias = tuple[Array, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One step: the new states, that of the output first, and the derivatives by what it read from those by them.

    What it read are the numbers from the input `[trials, samples, gates·units]` and the states before.
    """

    states: States
    back: Callable[[States], tuple[Array, States]]


@dataclass
class Weights:
    """The arrays of a pass with all gates in one, and the derivatives by them that the steps add up."""

    matrix: Array
    state: Array
    bias: Array | None
    state_bias: Array | None

    def __post_init__(self) -> None:
        self.by_state = np.zeros_like(self.state)
        self.by_state_bias = None if self.state_bias is None else np.zeros_like(self.state_bias)

    def of_state(self, before: Array, gates: slice = slice(None)) -> Array:
        """The product with the state before, and the bias that belongs to it."""
        product = before @ self.state[:, gates].swapaxes(1, 2)
        return product if self.state_bias is None else product + self.state_bias[:, None, gates]

    def back(self, gradient: Array, before: Array, gates: slice = slice(None)) -> Array:
        """The derivative by the state before; those by weights and bias are added up."""
        self.by_state[:, gates] += gradient.swapaxes(1, 2) @ before
        if self.by_state_bias is not None:
            self.by_state_bias[:, gates] += gradient.sum(axis=1)
        return gradient @ self.state[:, gates]


class RecurrentKernel(Kernel[Cell]):
    """What recurrent layers share: stacked passes in one or both directions."""

    states: int = 1

    @abstractmethod
    def step(self, given: Array, before: States, weights: Weights) -> Step:
        """One step of the cell; `given` is what comes from the input, biases included."""

    def forward(self, inputs: Sequence[Array], parameters: Sequence[Array], going: Pass) -> Result:
        layer, (x,) = self.layer, inputs
        directions = 2 if layer.bidirectional else 1
        each = (2 + layer.vectors) * len(layer.gates)
        backs: list[list[Callable[[Array], tuple[Array, list[Array]]]]] = []
        taken = 0
        for _ in range(layer.layers):
            outputs, level = [], []
            for direction in range(directions):
                arrays = parameters[taken : taken + each]
                taken += each
                states, back = self._pass(x, arrays, reverse=direction == 1)
                outputs.append(states)
                level.append(back)
            backs.append(level)
            x = np.concatenate(outputs, axis=3) if directions == 2 else outputs[0]
        units = layer.units
        last = layer.returns == "last"
        output = x
        if last:
            ends = [x[:, :, -1, :units], x[:, :, 0, units:]][:directions]
            output = np.concatenate(ends, axis=2)
        whole = x.shape

        def backward(gradient: Array) -> Gradients:
            into = gradient
            if last:
                into = np.zeros(whole, gradient.dtype)
                into[:, :, -1, :units] = gradient[..., :units]
                into[:, :, 0, units:] = gradient[..., units:]
            found: list[Array] = []
            for level in reversed(backs):
                parts = np.split(into, len(level), axis=3)
                both = [back(part) for back, part in zip(level, parts, strict=True)]
                into = both[0][0] + both[1][0] if len(both) == 2 else both[0][0]
                found = [array for _, arrays in both for array in arrays] + found
            return Gradients((into,), tuple(found))

        return Result(output, backward)

    def _pass(
        self, x: Array, arrays: Sequence[Array], *, reverse: bool
    ) -> tuple[Array, Callable[[Array], tuple[Array, list[Array]]]]:
        """The states after all steps of one direction, and the derivatives by x and by the arrays."""
        kinds = 2 + self.layer.vectors
        matrix, state, *biases = (np.concatenate(arrays[kind::kinds], axis=1) for kind in range(kinds))
        bias, state_bias = (*biases, None, None)[:2]
        weights = Weights(matrix, state, bias, state_bias)
        given = x @ matrix.swapaxes(1, 2)[:, None]
        if bias is not None:
            given += bias[:, None, None]
        trials, samples, count = x.shape[:3]
        order = range(count - 1, -1, -1) if reverse else range(count)
        before: States = (np.zeros((trials, samples, self.layer.units), x.dtype),) * self.states
        states = np.empty((trials, samples, count, self.layer.units), x.dtype)
        steps: dict[int, Step] = {}
        for t in order:
            steps[t] = self.step(given[:, :, t], before, weights)
            before = steps[t].states
            states[:, :, t] = before[0]

        def back(gradient: Array) -> tuple[Array, list[Array]]:
            weights.__post_init__()
            by_given = np.empty_like(given)
            carried: States = tuple(np.zeros_like(each) for each in before)
            for t in reversed(order):
                carried = (carried[0] + gradient[:, :, t], *carried[1:])
                by_given[:, :, t], carried = steps[t].back(carried)
            by_matrix = (by_given.swapaxes(2, 3) @ x).sum(axis=1)
            by_bias = by_given.sum(axis=(1, 2))
            whole = [by_matrix, weights.by_state, by_bias, weights.by_state_bias][:kinds]
            gates = len(self.layer.gates)
            parts = [np.split(each, gates, axis=1) for each in whole if each is not None]
            return by_given @ matrix[:, None], [part[gate] for gate in range(gates) for part in parts]

        return states, back


class RnnKernel(RecurrentKernel[Rnn]):
    """`h = tanh(W x + U h + b)`."""

    def step(self, given: Array, before: States, weights: Weights) -> Step:
        h = np.tanh(given + weights.of_state(before[0]))

        def back(gradients: States) -> tuple[Array, States]:
            inner = gradients[0] * (1 - h * h)
            return inner, (weights.back(inner, before[0]),)

        return Step((h,), back)


class LstmKernel(RecurrentKernel[Lstm]):
    """`c = f c + i g`, `h = o tanh(c)`."""

    states = 2

    def step(self, given: Array, before: States, weights: Weights) -> Step:
        h, c = before
        a_i, a_f, a_g, a_o = np.split(given + weights.of_state(h), 4, axis=2)
        i, f, g, o = sigmoid(a_i), sigmoid(a_f), np.tanh(a_g), sigmoid(a_o)
        cell = f * c + i * g
        squashed = np.tanh(cell)

        def back(gradients: States) -> tuple[Array, States]:
            by_h, by_c = gradients
            by_cell = by_c + by_h * o * (1 - squashed * squashed)
            slopes = (by_cell * g * i * (1 - i), by_cell * c * f * (1 - f), by_cell * i * (1 - g * g))
            inner = np.concatenate([*slopes, by_h * squashed * o * (1 - o)], axis=2)
            return inner, (weights.back(inner, h), by_cell * f)

        return Step((o * squashed, cell), back)


class GruKernel(RecurrentKernel[Gru]):
    """`h = z h + (1 - z) n`; with two vectors of biases the reset gate stands behind the product with the state."""

    def step(self, given: Array, before: States, weights: Weights) -> Step:
        (h,), units = before, self.layer.units
        both, third = slice(0, 2 * units), slice(2 * units, None)
        after = self.layer.vectors == 2
        z, r = np.split(sigmoid(given[..., both] + weights.of_state(h, both)), 2, axis=2)
        from_state = weights.of_state(h, third) if after else weights.of_state(r * h, third)
        n = np.tanh(given[..., third] + (r * from_state if after else from_state))

        def back(gradients: States) -> tuple[Array, States]:
            (by_h,) = gradients
            by_n = by_h * (1 - z) * (1 - n * n)
            by_before = by_h * z
            if after:
                by_r = by_n * from_state
                by_before = by_before + weights.back(by_n * r, h, third)
            else:
                by_reset = weights.back(by_n, r * h, third)
                by_r = by_reset * h
                by_before = by_before + by_reset * r
            gates = np.concatenate([by_h * (h - n) * z * (1 - z), by_r * r * (1 - r)], axis=2)
            by_before = by_before + weights.back(gates, h, both)
            return np.concatenate([gates, by_n], axis=2), (by_before,)

        return Step((z * h + (1 - z) * n,), back)
