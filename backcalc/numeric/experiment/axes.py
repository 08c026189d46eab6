"""What varies: the values of every axis, and where in the net, the data or the training each is put."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

from backcalc.layers import KINDS
from backcalc.net.errors import did_you_mean, said
from backcalc.net.load import Document, Path, Plain, exact_number
from backcalc.net.spec import NetFile, shown
from backcalc.numeric.experiment.spec import Samples, Train

MOST_VALUES = 1000
MOST_ARMS = 2000
WHOLE = ("net", "data")
"""Axes that stand for all of something."""

_RANGE = re.compile(r"\s*(\S+?)\s*\.\.\s*(\S+?)(?:\s+step\s+(\S+))?\s*")


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: its path, as `hidden1.units`, and its values; one that `follows` takes those of the first axis."""

    path: str
    values: tuple[Plain, ...]
    follows: bool = False


class AxisFault(ValueError):
    """Where an axis cannot be read or put, with the way out."""

    def __init__(self, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.help = help


def read_axes(document: Document, vary: Mapping[str, Any]) -> tuple[Axis, ...]:
    """The axes of `vary`, in order; what is wrong is reported."""
    axes: list[Axis] = []
    for path, raw in vary.items():
        place = ("vary", path)
        if raw == "same":
            if any(not axis.follows for axis in axes):
                axes.append(Axis(path, next(axis.values for axis in axes if not axis.follows), follows=True))
            else:
                document.report(place, "`same` follows the first axis, but there is none before it")
            continue
        try:
            values = tuple(raw) if isinstance(raw, list) else _range(raw)
        except AxisFault as fault:
            document.report(place, str(fault), fault.help)
            continue
        if not values:
            document.report(place, f"`{shown(path)}` has no values", "write `[1, 2]`, `10..100 step 10` or `same`")
        elif len(values) > MOST_VALUES:
            document.report(place, f"`{shown(path)}` has {len(values)} values; {MOST_VALUES} are taken at most")
        elif (twice := _twice(values)) is not None:
            document.report((*place, twice), f"`{shown(path)}` has this value twice", "remove one of the two")
        else:
            axes.append(Axis(path, values))
    return tuple(axes)


def _twice(values: tuple[Plain, ...]) -> int | None:
    return next((place for place, value in enumerate(values) if value in values[:place]), None)


def _range(raw: object) -> tuple[Plain, ...]:
    """The numbers of `10..100 step 10`, both ends among them.

    >>> _range("1..2 step 0.5")
    (1, Fraction(3, 2), 2)
    """
    found = _RANGE.fullmatch(raw) if isinstance(raw, str) and len(raw) <= 200 else None
    help = "write `[1, 2]`, `10..100 step 10` or `same`"
    if found is None:
        raise AxisFault(f"expected a list of values or a range, got `{shown(raw)}`", help)
    try:
        numbers = [exact_number(word) for word in (found[1], found[2], found[3] or "1")]
    except ValueError as error:
        raise AxisFault(str(error)) from None
    first, last, step = numbers
    if first is None or last is None or step is None:
        raise AxisFault(f"a range is of numbers, but this is `{shown(raw)}`", help)
    if step <= 0 or last < first:
        raise AxisFault(f"`{shown(raw)}` has no values: a range goes up, by a step of more than 0")
    count = int((Fraction(last) - Fraction(first)) / Fraction(step)) + 1
    if count > MOST_VALUES:
        raise AxisFault(f"`{shown(raw)}` has {count} values; {MOST_VALUES} are taken at most")
    every = (Fraction(first) + place * Fraction(step) for place in range(count))
    return tuple(value.numerator if value.denominator == 1 else value for value in every)


def grid(axes: tuple[Axis, ...]) -> Iterator[tuple[Plain, ...]]:
    """Every combination of values, a value an axis; the last axis varies fastest.

    >>> list(grid((Axis("a", (1, 2)), Axis("b", (1, 2), follows=True), Axis("c", (3,)))))
    [(1, 1, 3), (2, 2, 3)]
    """
    free = [axis for axis in axes if not axis.follows]
    for chosen in product(*(axis.values for axis in free)):
        own = dict(zip((axis.path for axis in free), chosen, strict=True))
        yield tuple(chosen[0] if axis.follows else own[axis.path] for axis in axes)


def put(parts: Mapping[str, Any], path: str, value: Plain) -> None:
    """Puts a value where the path leads, in `net`, `data` and `train`, plain as files hold them, which are changed.

    Raises AxisFault where it leads nowhere.
    """
    words = path.split(".")
    if words[0] in ("train", "data") and len(words) > 1:
        model = Train if words[0] == "train" else Samples
        _known(words[1], model.model_fields, f"`{words[0]}`")
        _inside(parts[words[0]], words[1:], value)
        return
    net = parts["net"]
    if words[0] in NetFile.model_fields and words[0] not in ("layers", "name"):
        if words[0] == "sizes":
            _known(words[-1], net.get("sizes") or {}, "`sizes` of the net")
        _inside(net, words, value)
        return
    if len(words) != 2:
        help = "write `LAYER.argument`, `sizes.u`, `train.rate`, `data.scale`, `net` or `data`"
        raise AxisFault(f"`{shown(path)}` leads to nothing that can vary", help)
    layer, argument = words
    found = [(entries, place, name) for entries, place, name in _layers(net) if name == layer]
    if not found:
        names = list(dict.fromkeys(name for _, _, name in _layers(net)))
        candidates = [*(f"{name}.{argument}" for name in names), *(f"train.{word}" for word in Train.model_fields)]
        known = f"its layers are {said([f'`{name}`' for name in names[:20]], 'and')}" if names else None
        raise AxisFault(f"the net has no layer `{shown(layer)}`", did_you_mean(path, candidates, known))
    for entries, place, name in found:
        entries[place] = _changed(entries[place], name, argument, value)


def place_of(document: Document, axis: Axis, value: Plain) -> Path:
    """Where a value of an axis stands: in the list of its values, else where all of them do."""
    place: Path = ("vary", axis.path)
    return (*place, axis.values.index(value)) if (*place, 0) in document.values else place


def _known(word: str, words: Any, owner: str) -> None:
    if word not in words:
        raise AxisFault(
            f"{owner} has no `{shown(word)}`", did_you_mean(word, words, f"it has {said(list(words), 'and')}")
        )


def _inside(data: dict[str, Any], words: list[str], value: Plain) -> None:
    """Puts a value into nested mappings; what stands in the way in short form is opened."""
    *way, last = words
    for word in way:
        inner = data.get(word)
        if isinstance(inner, str):  # `update: adam` is `update: {adam: {}}`
            inner = {inner: {}}
        data[word] = inner = inner if isinstance(inner, dict) else {}
        data = inner
    data[last] = deepcopy(value)


def _layers(net: Mapping[str, Any]) -> Iterator[tuple[list[Any], int, str]]:
    """Every layer of the file: the list it stands in, its place there, and its name."""
    counts: dict[str, int] = {}

    def walk(entries: Any, times: int) -> Iterator[tuple[list[Any], int, str]]:
        for place, entry in enumerate(entries if isinstance(entries, list) else []):
            kind, arguments = _taken_apart(entry)
            if kind == "repeat":
                often = arguments.get("times", 1)
                yield from walk(arguments.get("layers"), times * (often if isinstance(often, int) else 1))
                continue
            counts[kind] = counts.get(kind, 0) + times
            own = arguments.get("name") if isinstance(arguments, dict) else None
            yield entries, place, str(own or f"{kind}_{counts[kind]}")

    yield from walk(net.get("layers"), 1)


def _taken_apart(entry: Any) -> tuple[str, Any]:
    """The kind of a layer and its arguments, none where it stands alone."""
    return (entry, None) if isinstance(entry, str) else next(iter(entry.items()))


def _changed(entry: Any, name: str, argument: str, value: Plain) -> dict[str, Any]:
    """A layer with another argument, or of another kind, under the name that it had."""
    kind, arguments = _taken_apart(entry)
    if not isinstance(arguments, dict):
        arguments = {} if arguments is None else {str(KINDS[kind].main): arguments}
    if argument == "kind":
        if not isinstance(value, str) or value not in KINDS:
            raise AxisFault(f"unknown layer kind `{shown(value)}`", did_you_mean(str(value), KINDS))
        takes = KINDS[value].model_fields
        return {value: {"name": name} | {word: own for word, own in arguments.items() if word in takes}}
    takes = KINDS[kind].model_fields
    if argument not in takes:
        words = [word for word in takes if word != "name"]
        help = did_you_mean(argument, [*words, "kind"], f"it has {said([*words, 'kind'], 'and')}")
        raise AxisFault(f"layer `{name}` is `{kind}`, which has no `{shown(argument)}`", help)
    return {kind: arguments | {argument: deepcopy(value)}}
