"""What the layers of Keras share: one input, exact numbers, activations, weights that two calls share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, TypeAlias

from backcalc.readers.keras_activations import ACTIVATIONS
from backcalc.readers.keras_model import Walk
from backcalc.readers.keras_tensor import Tensor, as_keras, channels_first
from backcalc.readers.values import Misfit

Config: TypeAlias = Mapping[str, Any]
Layer: TypeAlias = Callable[[Walk, str, Config, Sequence[Tensor]], Tensor]


def one(given: Sequence[Tensor]) -> Tensor:
    """The only input. Raises Misfit."""
    if len(given) != 1:
        raise Misfit(f"of {len(given)} inputs")
    return given[0]


def exact(value: Any) -> Fraction:
    """A number of the file, as it is written there."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Misfit("with a number that is none")
    return Fraction(repr(value))


def activated(walk: Walk, word: str, name: Any, x: Tensor) -> Tensor:
    """The activation that a layer has besides, as a layer of its own."""
    if isinstance(name, dict):
        name = name.get("config") if isinstance(name.get("config"), str) else name.get("class_name")
    if name in (None, "linear"):
        return x
    if name not in ACTIVATIONS:
        raise Misfit(f"{name}"[:40])
    kind, arguments = ACTIVATIONS[name]
    along_rows = kind in ("softmax", "log_softmax") and x.first
    source = as_keras(walk.draft, x) if along_rows or x.pads else x.name
    made = walk.draft.add(kind, word, [source], **arguments)
    return Tensor(made, x.first and not along_rows)


def check_activation(config: Config) -> None:
    """Refuses an activation that has no layer here before anything is added."""
    name = config.get("activation")
    name = name.get("config") if isinstance(name, dict) and isinstance(name.get("config"), str) else name
    if name not in (None, "linear") and (not isinstance(name, str) or name not in ACTIVATIONS):
        raise Misfit(f"with the activation {name}"[:60])


def shared(walk: Walk, word: str, known: str | None, config: Config) -> tuple[str | None, str | None]:
    """The arrays of the first call of a layer that is called again."""
    if known is None or walk.draft.array(known, "W_") is None:
        return None, None
    return f"W_{known}", f"b_{known}" if config.get("use_bias", True) else None


def with_pads(walk: Walk, x: Tensor) -> str:
    """The array with the zeros around it, in the order that it has."""
    return channels_first(walk.draft, replace(x, first=True)) if x.pads else x.name
