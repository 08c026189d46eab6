"""The update rules of `net/update.py` in place on the flat array of all parameters, and schedules of the rate.

Where programs differ the rule is named after one: `backcalc` is the rule as a file states it, which is PyTorch's;
`keras` puts epsilon where Keras does: under the root (rmsprop, adagrad), or beside the root of what is not yet
corrected (adam: `w - η √(1 - β₂ᵏ)/(1 - β₁ᵏ) v/(√s + ε)`, section 2 of Kingma and Ba 2015).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import cos, pi
from typing import Any, Literal, TypeAlias

import numpy as np

from backcalc.net import Update
from backcalc.net.update import UPDATES
from backcalc.numeric.kernels.base import Array
from backcalc.numeric.share import WHOLE, Share, Zeros, alike

Style: TypeAlias = Literal["backcalc", "keras", "pytorch"]

BLOCK = 32_768
"""So many numbers are updated at a time: all arrays of a rule stay in the cache."""

KERAS_EPSILON = 1e-7
KERAS_ACCUMULATOR = 0.1


@dataclass(frozen=True, slots=True)
class Schedule:
    """What the rate is multiplied by, from the number of the step, counted from 0.

    `constant`; `step`: `factor` after every `every` steps; `exponential`: the same, smoothly; `cosine`: from 1 to 0
    over `every` steps (Loshchilov and Hutter 2017, eq. 5, without restarts).

    >>> [Schedule("step", every=2, factor=0.5).at(step) for step in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    kind: Literal["constant", "step", "exponential", "cosine"] = "constant"
    every: int = 1
    factor: float = 1.0

    def at(self, step: int) -> float:
        """The multiple at a step."""
        match self.kind:
            case "step":
                return float(self.factor ** (step // self.every))
            case "exponential":
                return float(self.factor ** (step / self.every))
            case "cosine":
                return (1 + cos(pi * min(step / self.every, 1))) / 2
            case _:
                return 1.0


@dataclass(frozen=True, slots=True)
class Constants:
    """The numbers of a rule at one step: its arguments, how many steps there were with this one, and the style.

    An argument is one number, or `[trials, 1]` of them.
    """

    given: Mapping[str, Any]
    made: int
    keras: bool
    inside: bool

    def __getitem__(self, name: str) -> Any:
        return self.given[name]


Rule: TypeAlias = Callable[[Array, Array, tuple[Array, ...], Array, Array, Constants], None]
"""Changes a block of parameters and of the rule's state: w, g, state, rate, room to work in, the constants."""


def _sgd(w: Array, g: Array, state: tuple[Array, ...], rate: Array, room: Array, at: Constants) -> None:
    np.multiply(g, rate, out=room)
    w -= room


def _momentum(w: Array, g: Array, state: tuple[Array, ...], rate: Array, room: Array, at: Constants) -> None:
    (v,) = state
    v *= at["beta"]
    if at.inside or at.keras:
        np.multiply(g, rate, out=room)
        v += room
        w -= v
        return
    v += g
    np.multiply(v, rate, out=room)
    w -= room


def _nesterov(w: Array, g: Array, state: tuple[Array, ...], rate: Array, room: Array, at: Constants) -> None:
    (v,) = state
    v *= at["beta"]
    if at.keras:
        np.multiply(g, rate, out=room)
        v += room
        w -= room
        np.multiply(v, at["beta"], out=room)
        w -= room
        return
    v += g
    np.multiply(v, at["beta"], out=room)
    room += g
    room *= rate
    w -= room


def _second(s: Array, g: Array, keep: Any, room: Array) -> None:
    """`s ← keep·s + (1 - keep)·g²`."""
    np.multiply(g, g, out=room)
    room *= 1 - keep
    s *= keep
    s += room


def _over_root(w: Array, over: Array, s: Array, rate: Array, room: Array, at: Constants) -> None:
    """`w ← w - rate·over/(√s + ε)`, in Keras's style `√(s + ε)`."""
    if at.keras:
        np.add(s, at["epsilon"], out=room)
        np.sqrt(room, out=room)
    else:
        np.sqrt(s, out=room)
        room += at["epsilon"]
    np.divide(over, room, out=room)
    room *= rate
    w -= room


def _rmsprop(w: Array, g: Array, state: tuple[Array, ...], rate: Array, room: Array, at: Constants) -> None:
    _second(state[0], g, at["rho"], room)
    _over_root(w, g, state[0], rate, room, at)


def _adagrad(w: Array, g: Array, state: tuple[Array, ...], rate: Array, room: Array, at: Constants) -> None:
    np.multiply(g, g, out=room)
    s = state[0]
    s += room
    _over_root(w, g, s, rate, room, at)


def _adam(w: Array, g: Array, state: tuple[Array, ...], rate: Array, room: Array, at: Constants) -> None:
    # The state is kept as v/(1 - β₁) and s/(1 - β₂), which saves two passes; what that leaves out, and both
    # corrections, are two numbers: v̂/(√ŝ + ε) = v·√(1 - β₂ᵏ)/(1 - β₁ᵏ)/(√s + ε·√(1 - β₂ᵏ)).
    v, s = state
    v *= at["beta1"]
    v += g
    np.multiply(g, g, out=room)
    s *= at["beta2"]
    s += room
    root, share = (1 - at["beta2"] ** at.made) ** 0.5, (1 - at["beta2"]) ** 0.5
    np.sqrt(s, out=room)
    room += at["epsilon"] * (1 if at.keras else root) / share
    np.divide(v, room, out=room)
    room *= rate * (root / (1 - at["beta1"] ** at.made) * (1 - at["beta1"]) / share)
    w -= room


def _adamw(w: Array, g: Array, state: tuple[Array, ...], rate: Array, room: Array, at: Constants) -> None:
    np.multiply(w, rate * at["decay"], out=room)
    w -= room
    _adam(w, g, state, rate, room, at)


RULES: Mapping[str, Rule] = {
    "sgd": _sgd,
    "momentum": _momentum,
    "nesterov": _nesterov,
    "rmsprop": _rmsprop,
    "adagrad": _adagrad,
    "adam": _adam,
    "adamw": _adamw,
}
"""The rules by their names in files."""


class Optimiser:
    """One update rule with its state, for parameters `[trials, size]`; every trial may have numbers of its own.

    `decay` times the parameter is added to its gradient; `own` are arguments of the rule, one for every trial. `zeros`
    makes the arrays of the state.

    >>> w = np.array([[1.0, 2.0]])
    >>> Optimiser(Update("sgd"), w, rate=0.5).step(w, np.ones((1, 2)))
    >>> w.tolist()
    [[0.5, 1.5]]
    """

    def __init__(
        self,
        update: Update,
        flat: Array,
        rate: float | Array,
        *,
        style: Style = "backcalc",
        schedule: Schedule | None = None,
        decay: float | Array = 0.0,
        own: Mapping[str, Sequence[float]] | None = None,
        zeros: Zeros = np.zeros,
    ) -> None:
        rule = UPDATES[update.kind]
        keras = style == "keras"
        given: dict[str, Any] = {name: float(value) for name, value in {**rule.arguments, **update.arguments}.items()}
        if keras and "epsilon" in given and "epsilon" not in update.arguments:
            given["epsilon"] = KERAS_EPSILON
        given |= {name: np.array(values).reshape(-1, 1) for name, values in (own or {}).items()}
        self.rule = RULES[update.kind]
        self.given, self.keras, self.inside = given, keras, update.flag
        self.schedule = schedule or Schedule()
        self.rate: Array = np.asarray(rate, flat.dtype).reshape(-1, 1)
        self.made = 0
        first = KERAS_ACCUMULATOR if keras and update.kind == "adagrad" else 0.0
        self.decay: Array = np.asarray(decay, flat.dtype).reshape(-1, 1)
        self.decays = bool(self.decay.any())
        self.alike = len(self.rate) == len(self.decay) == 1 and not own
        self.state = tuple(alike(flat, zeros) for _ in rule.state)
        for array in self.state:
            array += first
        self._room = np.empty(BLOCK, flat.dtype)

    def step(self, flat: Array, gradients: Array, share: Share = WHOLE, places: Sequence[slice] | None = None) -> None:
        """Changes the parameters, or a share of them, in place; `places` are those of the one trial that are changed.

        The gradients lie in memory as the parameters do.
        """
        rate = self.rate * self.rate.dtype.type(self.schedule.at(self.made))
        self.made += 1
        at = Constants(self.given, self.made, self.keras, self.inside)
        arrays = (flat, gradients, *self.state)
        if self.alike:  # all trials are one line of numbers
            arrays = tuple(_line(array) for array in arrays)
        trials, size = arrays[0].shape
        width = max(1, BLOCK // trials)
        for own in (share.within(size),) if places is None else places:
            for start in range(own.start, own.stop, width):
                w, g, *state = (array[:, start : min(start + width, own.stop)] for array in arrays)
                room = self._room_like(w)
                if self.decays:
                    np.multiply(w, self.decay, out=room)
                    g += room
                self.rule(w, g, tuple(state), rate, room, at)

    def _room_like(self, block: Array) -> Array:
        """Room to work in, which lies in memory as the block does."""
        if block.size > self._room.size:
            self._room = np.empty(block.size, block.dtype)
        room = self._room[: block.size]
        by_trials = block.strides[0] >= block.strides[1]
        return room.reshape(block.shape) if by_trials else room.reshape(block.shape[::-1]).T


def _line(array: Array) -> Array:
    """All numbers in one row, as they lie in memory, without a copy."""
    return (array if array.flags.c_contiguous else array.T).reshape(1, -1)
