"""Images changed at random before they are trained on, so that what does not matter to their class is not learnt.

Only mini-batches of training are changed, anew in every epoch, each trial by its own random numbers; validation and
test see the images as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from backcalc.layers.base import show_shape
from backcalc.numeric.kernels.base import Array
from backcalc.numeric.settings import Training, TrainingError


def check_augments(settings: Training, shape: tuple[int, ...]) -> None:
    """Raises TrainingError where what is trained on is no image `[channels, height, width]`, or a shift leaves none."""
    if not settings.augments:
        return
    about, does = ("flip", "mirrors") if settings.flip else ("shift", "moves")
    if len(shape) != 3:
        message = f"`{about}` {does} images [channels, height, width], but an input is {show_shape(shape)}"
        raise TrainingError(message, about)
    if settings.shift >= min(shape[1:]):
        height, width = shape[1:]
        message = f"a shift by up to {settings.shift} pixels leaves nothing of an image of {height}×{width}"
        raise TrainingError(message, "shift")


def augmented(x: Array, settings: Training, randoms: Sequence[Any]) -> Array:
    """The images `[trials, samples, channels, height, width]`, changed; the arrays that are given stay as they are.

    >>> x = np.arange(6.0).reshape(1, 1, 1, 2, 3)
    >>> augmented(x, Training(shift=1), [np.random.default_rng(4)])[0, 0, 0].tolist()
    [[0.0, 0.0, 0.0], [0.0, 1.0, 2.0]]
    """
    trials, samples = x.shape[:2]
    found = x.copy()
    for trial in range(trials):
        if settings.flip:
            mirrored = randoms[trial].uniform(size=samples) < 0.5
            found[trial, mirrored] = found[trial, mirrored][..., ::-1]
        if settings.shift:
            width = 2 * settings.shift + 1
            moves = np.floor(randoms[trial].uniform(0, width, (samples, 2))).astype(int) - settings.shift
            found[trial] = _moved(found[trial], moves)
    return found


def _moved(images: Array, moves: Array) -> Array:
    """Every image moved down and right by its own numbers of pixels, zeros where it was not."""
    moved = np.zeros_like(images)
    for down, right in {(int(down), int(right)) for down, right in moves}:
        alike = (moves == (down, right)).all(axis=1)
        to = (..., _from(down), _from(right))
        part = np.zeros_like(images[alike])
        part[to] = images[alike][(..., _from(-down), _from(-right))]
        moved[alike] = part
    return moved


def _from(move: int) -> slice:
    """Where pixels arrive that move so far along an axis; where they come from is that of the opposite move."""
    return slice(move, None) if move > 0 else slice(None, move or None)
