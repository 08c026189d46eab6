"""What a trained network does, as arrays to be drawn: filters, activations, gradients, mistakes, regions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from backcalc.layers.activation import Sigmoid
from backcalc.layers.conv import Conv2d
from backcalc.layers.dense import Dense
from backcalc.layers.noise import Dropout, GaussianNoise
from backcalc.layers.shape import Flatten, Reshape
from backcalc.net import Network
from backcalc.numeric.data import Data
from backcalc.numeric.engine import at_once
from backcalc.numeric.history import History
from backcalc.numeric.kernels.base import Array, Pass
from backcalc.numeric.parts import ready
from backcalc.numeric.run import Forward, Objective, Runner, starting

MOST_SAMPLES = 256
"""So many samples give the distributions."""
MOST_NUMBERS = 4000
"""So many numbers of a layer are kept."""
MOST_LAYERS = 12
MOST_FILTERS = 64
MOST_SHOWN = 24
GRID = 200
"""Points along each side of a plane whose regions are drawn."""

STILL = (Flatten, Reshape, Dropout, GaussianNoise)
"""Layers that put out what they read, when the network answers: their numbers would be drawn twice."""


@dataclass(frozen=True, slots=True, eq=False)
class Filters:
    """The weights of the first layer, each as the image it looks for, `[filters, channels, height, width]`."""

    layer: str
    images: Array
    of: int


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """Some images `[samples, channels, height, width]` with what they are and what they were taken for."""

    images: Array
    truths: tuple[str, ...] = ()
    guesses: tuple[str, ...] = ()
    rebuilt: Array | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """The class of every point of a grid over the plane, `[rows upwards, columns]`, and the samples in it."""

    left: float
    right: float
    low: float
    high: float
    classes: Array
    points: Array
    labels: Array


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """A trained network seen through samples; what does not apply to it is None or empty.

    `which` says which samples: those for testing, where there are any. `confusion` counts them by their class (rows)
    and by what each trial took them for (columns), all `trials` together; the rest is of the first trial. `activations`
    are numbers of each layer's output, `gradients` those of the loss's derivative by it, for a mini-batch of `samples`.
    """

    which: str
    trials: int
    samples: int
    classes: tuple[str, ...]
    activations: Mapping[str, Array] = field(default_factory=dict)
    gradients: Mapping[str, Array] = field(default_factory=dict)
    confusion: Array | None = None
    filters: Filters | None = None
    shown: Shown | None = None
    regions: Regions | None = None


def looked(network: Network, data: Data, history: History) -> Look:
    """Looks at what a training has left behind. A first trial that was lost is passed over."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return _Looking(network, data, history).look()


class _Looking:
    def __init__(self, network: Network, data: Data, history: History) -> None:
        self.given, self.history = data, history
        self.settings = history.settings
        self.runner = Runner(network)
        self.objective = Objective(self.runner)
        (self.source,) = network.inputs
        self.data = data.fitting(network.inputs[self.source])
        tested = data.x_test is not None and data.y_test is not None
        self.which = "test" if tested else "training"
        x, y = (self.data.x_test, self.data.y_test) if tested else (self.data.x, self.data.y)
        assert x is not None and y is not None
        self.y = y
        self.x, self.t = ready(self.data, x, y, self.objective, self.settings)
        arena, dtype = self.runner.arena, np.dtype(self.settings.dtype)
        trials = self.settings.trials
        self.flat = np.empty((trials, arena.size), dtype)
        for name, piece in arena.pieces.items():
            piece.view(self.flat)[...] = history.parameters[name]
        self.still = starting(self.runner, trials, dtype)
        self.still |= {name: history.parameters[name] for name in self.still}
        finite = np.flatnonzero(np.isfinite(self.flat).all(axis=1))
        self.trial = int(finite[0]) if len(finite) else 0

    def look(self) -> Look:
        """All that applies."""
        few = self.x[:MOST_SAMPLES]
        forward = self.forward(few)
        target = self.t[:MOST_SAMPLES][None]
        own = self.flat[self.trial : self.trial + 1]
        start = self.objective.gradient(forward, target)
        _, into = self.runner.backward(own, forward, self.objective.of, start)
        nodes = [node for node in self.runner.nodes if not isinstance(node.layer, STILL)]
        layers = [node.name for node in nodes][:MOST_LAYERS]
        return Look(
            which=self.which,
            trials=self.settings.trials,
            samples=len(few),
            classes=self.data.classes,
            activations={name: _picked(forward.outputs[name]) for name in layers},
            gradients={name: _picked(into[name]) for name in layers if name in into},
            confusion=self.confusion() if self.classifies else None,
            filters=self.filters(),
            shown=self.shown(forward.outputs[self.runner.output.name][0]),
            regions=self.regions() if self.classifies and self.data.shape == (2,) else None,
        )

    @property
    def classifies(self) -> bool:
        return bool(self.data.classes) and not self.settings.reconstruct and not self.data.stacked

    def forward(self, x: Array, trial: int | None = None) -> Forward:
        place = self.trial if trial is None else trial
        own = slice(place, place + 1)
        still = {name: array[own] for name, array in self.still.items()}
        return self.runner.forward(self.flat[own], still, {self.source: x[None]}, Pass())

    def chosen(self, x: Array, trial: int | None = None) -> Array:
        """The class that every sample is taken for."""
        width = at_once(self.runner, 1)
        parts = (x[start : start + width] for start in range(0, len(x), width))
        return np.concatenate([self._class(self.put_out(part, trial)) for part in parts])

    def put_out(self, x: Array, trial: int | None) -> Array:
        output: Array = self.forward(x, trial).outputs[self.runner.output.name][0]
        return output

    def _class(self, output: Array) -> Array:
        if output.shape[-1] > 1:
            found: Array = output.argmax(axis=-1)
            return found
        level = 0.5 if isinstance(self.runner.output.layer, Sigmoid) else 0.0
        one: Array = (output[..., 0] > level).astype(np.intp)
        return one

    def confusion(self) -> Array:
        count = len(self.data.classes)
        found = np.zeros((count, count), np.intp)
        for trial in range(self.settings.trials):
            if np.isfinite(self.flat[trial]).all():
                np.add.at(found, (self.y.astype(np.intp), self.chosen(self.x, trial)), 1)
        return found

    def image_shape(self) -> tuple[int, ...] | None:
        """The shape of a sample that is an image, whatever shape the network reads it in."""
        for shape in (self.given.shape, self.data.shape):
            if len(shape) == 3 and shape[0] in (1, 3):
                return shape
        side = round(self.data.shape[0] ** 0.5) if len(self.data.shape) == 1 else 0
        return (1, side, side) if side >= 8 and side * side == self.data.shape[0] else None

    def filters(self) -> Filters | None:
        """The weights of the first layer that has any, where it reads images."""
        shape = self.image_shape()
        node = next((node for node in self.runner.nodes if any(p.role == "weight" for p in node.parameters)), None)
        if shape is None or node is None:
            return None
        weight = next(each for each in node.parameters if each.role == "weight")
        own = slice(self.trial, self.trial + 1)
        found = self.runner.arena.read(self.flat[own], {}, weight.name)[0]
        if isinstance(node.layer, Dense) and node.input_shape == (int(np.prod(shape)),):
            found = found.reshape(len(found), *shape) if found.shape[-1] == node.input_shape[0] else found.T
        elif not isinstance(node.layer, Conv2d) or max(found.shape[2:]) == 1:
            return None
        images = found.reshape(len(found), *shape) if found.ndim == 2 else found
        return Filters(node.name, images[:MOST_FILTERS], len(images))

    def shown(self, output: Array) -> Shown | None:
        """The first images, with classes or with what the network made of them."""
        shape = self.image_shape()
        if shape is None:
            return None
        count = min(MOST_SHOWN, len(output))
        images = self.x[:count].reshape(count, *shape)
        if self.settings.reconstruct:
            return Shown(images, rebuilt=output[:count].reshape(count, *shape))
        if not self.classifies:
            return None
        names = self.data.classes
        truths = tuple(names[int(label)] for label in self.y[:count])
        return Shown(images, truths, tuple(names[int(label)] for label in self._class(output[:count])))

    def regions(self) -> Regions:
        """The plane around the samples, a little more on every side."""
        low, high = self.x.min(axis=0), self.x.max(axis=0)
        margin = np.where(high > low, high - low, 1) * 0.08
        low, high = low - margin, high + margin
        across, up = (np.linspace(low[axis], high[axis], GRID, dtype=self.x.dtype) for axis in (0, 1))
        plane = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
        classes = self.chosen(plane).reshape(GRID, GRID)
        ends = (float(low[0]), float(high[0]), float(low[1]), float(high[1]))
        return Regions(*ends, classes, self.x[:1000], self.y[:1000].astype(np.intp))


def _picked(array: Array) -> Array:
    """Finite numbers of an array; of many some, drawn at random, always the same: every n-th would be of few units."""
    flat = array.ravel()
    flat = flat[np.isfinite(flat)]
    if flat.size > MOST_NUMBERS:
        flat = np.random.default_rng(0).choice(flat, MOST_NUMBERS, replace=False)
    return flat.astype(float)
