"""The list `layers` of a file as layers: each entry is `kind`, `kind: main argument` or `kind: {arguments}`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backcalc.formula.names import spelled
from backcalc.layers import KINDS, Layer
from backcalc.net.errors import did_you_mean, said
from backcalc.net.load import Document, Path
from backcalc.net.spec import LATER_KINDS, described, name, shown, validated

NOT_SIZES = frozenset({"name", "inputs", "weights", "biases"})
"""Arguments whose words are names of arrays, not of sizes."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of `layers`: its name, where it stands, and the layer, None where it could not be read."""

    name: str
    path: Path
    layer: Layer | None


def read_layers(document: Document, entries: Sequence[Any], sizes: Mapping[str, int | None]) -> list[Entry]:
    """Every entry with its name; what is wrong is reported."""
    found: list[Entry] = []
    counts: Counter[str] = Counter()
    for position, raw in enumerate(entries):
        kind, arguments, path = _taken_apart(document, raw, ("layers", position))
        if kind is None:
            continue
        counts[kind] += 1
        default = f"{kind}_{counts[kind]}"
        model = _kind(document, kind, path)
        if model is None:
            found.append(Entry(_name_of(arguments, default), path, None))
            continue
        given = _arguments(document, model, arguments, path, sizes)
        layer = None
        if given is not None:
            layer, _ = validated(model, given, path, document, f"`{kind}`")
        found.append(Entry(_name_of(given, default), path, layer))
    return found


def _name_of(arguments: object, default: str) -> str:
    try:
        return name(arguments.get("name")) if isinstance(arguments, Mapping) else default
    except ValueError:
        return default


def _taken_apart(document: Document, raw: object, path: Path) -> tuple[str | None, Any, Path]:
    """The kind of an entry, its arguments (None where there are none) and its place."""
    if isinstance(raw, str):
        return raw, None, path
    if isinstance(raw, dict) and len(raw) == 1:
        (kind,) = raw
        return kind, raw[kind], (*path, kind)
    if isinstance(raw, dict) and raw:
        kind, *others = raw
        help = f"indent what belongs to the layer, or write `{shown(kind)}: {{…, {shown(others[0])}: …}}`"
        message = f"a layer has one kind, but here are {said([f'`{shown(word)}`' for word in raw], 'and')}"
        document.report((*path, others[0]), message, help, key=True)
    else:
        help = "write `relu`, `dense: 120` or `dense: {units: 120, name: fc1}`"
        document.report(path, f"expected a layer, got {described(raw)}", help)
    return None, None, path


def _kind(document: Document, kind: str, path: Path) -> type[Layer] | None:
    """The class of a kind; an unknown one is reported."""
    if kind in KINDS:
        return KINDS[kind]
    if kind in LATER_KINDS:
        document.report(path, f"`{kind}` layers are not supported by this version", key=True)
    else:
        known = [*KINDS, *LATER_KINDS]
        help = did_you_mean(kind, known, f"the kinds are {said(list(KINDS), 'and')}")
        document.report(path, f"unknown layer kind `{shown(kind)}`", help, key=True)
    return None


def _arguments(
    document: Document, model: type[Layer], raw: object, path: Path, sizes: Mapping[str, int | None]
) -> dict[str, Any] | None:
    """The arguments by name, names in their one spelling, known sizes as numbers."""
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        if model.main is None:
            help = f"write `{model.kind}`, or `{model.kind}: {{name: …}}`"
            document.report(path, f"`{model.kind}` takes no main argument, got {described(raw)}", help)
            return None
        return {model.main: _sized(document, raw, path, sizes)}
    given: dict[str, Any] = {}
    for word, value in raw.items():
        if word in ("weights", "biases"):
            given[word] = _names(document, value, (*path, word))
        elif word == "inputs":
            words = [value] if isinstance(value, str) else value
            given[word] = [_spelled(item) for item in words] if isinstance(words, list) else words
        elif word == "name":
            given[word] = _one_name(document, value, (*path, word))
        else:
            given[word] = _sized(document, value, (*path, word), sizes)
    return given


def _spelled(value: object) -> object:
    return spelled(value.strip().removeprefix("\\")) if isinstance(value, str) else value


def _one_name(document: Document, value: object, path: Path) -> str | None:
    try:
        return name(value)
    except ValueError as error:
        document.report(path, f"`name`: {error}, got {document.written(path) or described(value)}")
        return None


def _names(document: Document, value: object, path: Path) -> object:
    """Own names in their one spelling, as deep as they are nested; numbers as they are."""
    if isinstance(value, list):
        return [_names(document, item, (*path, number)) for number, item in enumerate(value)]
    if not isinstance(value, str):
        return value
    try:
        return name(value)
    except ValueError as error:
        document.report(path, f"`{path[3]}`: {error}, got {described(value)}")
        return "w"


def _sized(document: Document, value: object, path: Path, sizes: Mapping[str, int | None]) -> object:
    """The value with names of sizes replaced by their numbers."""
    if isinstance(value, list):
        return [_sized(document, item, (*path, number), sizes) for number, item in enumerate(value)]
    if not isinstance(value, str) or value not in sizes:
        return value
    number = sizes[value]
    if number is None:
        message = f"the size `{value}` has no number: layers of symbolic sizes are not supported by this version"
        document.report(path, message, f"give it one, as in `sizes: {{{value}: 3}}`")
        return 1
    return number
