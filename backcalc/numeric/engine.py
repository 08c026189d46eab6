"""Who computes a step: parameters, running statistics and gradients of all trials, in one place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Protocol, TypeAlias

import numpy as np

from backcalc.layers.loss import RootMeanSquare
from backcalc.numeric.kernels.base import Array, Pass
from backcalc.numeric.run import Objective, Runner

Metric: TypeAlias = Callable[[Array, Array], Array]


EVERY = slice(0, None)
"""All trials."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a step saw: the losses of all trials, and what the network put out."""

    losses: Array
    output: Array


class Engine(Protocol):
    """Computes gradients of mini-batches into `gradients`, for parameters that are changed in place between steps."""

    flat: Array
    gradients: Array
    still: dict[str, Array]
    divides: bool
    """Whether several processes can have shares of a step."""

    def step(self, x: Array, target: Array, randoms: Sequence[Any], trials: slice = EVERY) -> Measured:
        """Losses and gradients of a mini-batch `[trials, samples, …]`; the running statistics are moved.

        `trials` are those that the mini-batch belongs to, where an engine takes some of them.
        """
        ...


class Reference:
    """The engine that calls the reference kernels, for every network."""

    divides = False

    def __init__(self, runner: Runner, objective: Objective, flat: Array, still: dict[str, Array]) -> None:
        self.runner, self.objective = runner, objective
        self.flat, self.still = flat, still
        self.gradients = np.zeros_like(flat)
        (self.source,) = runner.network.inputs

    def step(self, x: Array, target: Array, randoms: Sequence[Any], trials: slice = EVERY) -> Measured:
        """Losses and gradients of a mini-batch of all trials."""
        drawn = self.runner.draw(randoms, x.shape[1], self.flat.dtype)
        forward = self.runner.forward(self.flat, self.still, {self.source: x}, Pass(True, drawn))
        into = self.objective.gradient(forward, target)
        self.gradients, _ = self.runner.backward(self.flat, forward, self.objective.of, into)
        self.objective.add_penalty(self.flat, self.gradients)
        for node in self.runner.nodes:
            batch = forward.results[node.name].statistics
            if batch:
                names = [parameter.name for parameter in node.parameters if parameter.role == "statistic"]
                moved = self.runner.kernels[node.name].moved([self.still[name] for name in names], batch)
                self.still |= dict(zip(names, moved, strict=True))
        losses = self.objective.value(forward, self.flat, target)
        return Measured(losses, forward.outputs[self.runner.output.name])


MOST_AT_ONCE = 2**19
"""So many numbers the layers put out at a time where a network is evaluated, those of all trials together."""


def at_once(runner: Runner, trials: int) -> int:
    """How many samples go through a network at a time, so that what it holds for them stays small."""
    numbers = sum(prod(node.output_shape) for node in runner.nodes)
    return max(1, MOST_AT_ONCE // (trials * max(1, numbers)))


def evaluated(
    engine: Engine, runner: Runner, objective: Objective, x: Array, target: Array, metric: Metric
) -> tuple[Array, Array]:
    """Loss, penalty left out, and metric of every trial on samples `[trials, samples, …]`, as the network is used."""
    trials, samples = x.shape[:2]
    (source,) = runner.network.inputs
    width = at_once(runner, trials)
    losses, metrics = np.zeros(trials), np.zeros(trials)
    by_mean, rooted = objective.loss.over == "mean", isinstance(objective.loss, RootMeanSquare)
    for start in range(0, samples, width):
        part = slice(start, start + width)
        forward = runner.forward(engine.flat, engine.still, {source: x[:, part]}, Pass())
        count = x[:, part].shape[1]
        value = objective.kernel.value(forward.outputs[objective.of], target[:, part]).astype(float)
        losses += (value**2 if rooted else value) * (count if by_mean else 1)
        metrics += metric(forward.outputs[runner.output.name], target[:, part]) * count
    losses /= samples if by_mean else 1
    metrics[np.isnan(losses)] = np.nan  # what a network without numbers puts out is right by chance
    return np.sqrt(losses) if rooted else losses, metrics / samples
