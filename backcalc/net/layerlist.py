"""The list `layers` of a file as layers: each entry is `kind`, `kind: main argument` or `kind: {arguments}`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from backcalc.formula.names import spelled
from backcalc.layers import KINDS, Layer
from backcalc.layers.mixture import Mixture
from backcalc.layers.own import Formula
from backcalc.net.errors import did_you_mean, said
from backcalc.net.load import Document, Path
from backcalc.net.repeat import Block, Entry, Repeat, Single, expanded, size_of
from backcalc.net.sizes import computed
from backcalc.net.spec import MOST_LAYERS, described, name, shown, validated

NOT_SIZES = frozenset({"name", "inputs", "weights", "biases"})
"""Arguments whose words are names of arrays, not of sizes."""


def read_layers(
    document: Document, entries: Sequence[Any], sizes: Mapping[str, int], inputs: Collection[str] = ()
) -> list[Entry]:
    """Every layer with its name, blocks that repeat written out; what is wrong is reported.

    `inputs` are those of the network; the first layer reads the input, where there is one.
    """
    items = tuple(_items(document, entries, sizes, ("layers",)))
    return expanded(document, items, next(iter(inputs)) if len(inputs) == 1 else None)


def _items(
    document: Document, entries: Sequence[Any], sizes: Mapping[str, int], place: Path
) -> Iterator[Single | Block]:
    for position, raw in enumerate(entries):
        kind, arguments, path = _taken_apart(document, raw, (*place, position))
        if kind is None:
            continue
        if kind == "repeat":
            block = _block(document, arguments, path, sizes)
            if block is not None:
                yield block
            continue
        model = _kind(document, kind, path)
        given = None if model is None else _arguments(document, model, arguments, path, sizes)
        if given is not None and model is Mixture:
            given = _with_experts(document, given, path, sizes)
        layer = None
        if given is not None and model is not None:
            layer, _ = validated(model, given, path, document, f"`{kind}`")
        if isinstance(layer, Formula):
            layer = _readable(document, layer, (*path, "equations"))
        yield Single(kind, _name_of(arguments if given is None else given), path, layer)


def _readable(document: Document, layer: Formula, path: Path) -> Formula | None:
    """The layer where its equations can be read; what cannot be read is reported."""
    from backcalc.net.equations import read_lines

    before = len(document.problems)
    read_lines(document, layer.text, path)
    return layer if len(document.problems) == before else None


def _block(document: Document, arguments: object, path: Path, sizes: Mapping[str, int]) -> Block | None:
    if not isinstance(arguments, dict):
        help = "write `repeat: {name: block, times: 12, layers: […]}`"
        document.report(path, f"`repeat` takes `times` and `layers`, got {described(arguments)}", help)
        return None
    given = {word: _sized(document, arguments[word], (*path, word), sizes) for word in arguments if word != "layers"}
    if "layers" in arguments:
        given["layers"] = arguments["layers"]
    repeat, _ = validated(Repeat, given, path, document, "`repeat`")
    layers = arguments.get("layers")
    if not isinstance(layers, list):
        return None
    if not layers:
        document.report((*path, "layers"), "there are no layers", key=True)
    copies: list[tuple[Single | Block, ...]] = []
    count = 0
    for letters in _letters(document, repeat, given, path):
        copies.append(tuple(_items(document, layers, {**sizes, **letters}, (*path, "layers"))))
        count += size_of(copies[-1])
        if not 0 < count <= MOST_LAYERS:
            break  # nothing to repeat, or more than a network may have, which is told later
    return Block(_name_of(given), 1 if repeat is None else repeat.times, path, tuple(copies))


def _letters(
    document: Document, repeat: Repeat | None, given: Mapping[str, Any], path: Path
) -> Sequence[Mapping[str, int]]:
    """What the letters of a block stand for in each copy, once where the copies are alike; 1 for what is wrong."""
    misfits = {} if repeat is None else repeat.misfits()
    for word, count in misfits.items():
        message = f"`{word}` has {count} {'number' if count == 1 else 'numbers'}, but `times` is {given['times']}"
        document.report((*path, "sizes", word), message, "give one number for each copy")
    if repeat is None or misfits:
        sizes = given.get("sizes")
        return [dict.fromkeys(sizes if isinstance(sizes, dict) else (), 1)]
    return [repeat.letters(copy) for copy in range(repeat.times)] if repeat.sizes else [{}]


def _with_experts(
    document: Document, given: dict[str, Any], path: Path, sizes: Mapping[str, int]
) -> dict[str, Any] | None:
    """The arguments of a mixture with the layers of an expert read; None where one of them could not be."""
    layers = given.get("layers")
    if not isinstance(layers, list):
        return given
    items = tuple(_items(document, layers, sizes, (*path, "layers")))
    for item in items:
        if isinstance(item, Block):
            document.report(item.path, "`repeat` cannot stand in a mixture", "write its layers out", key=True)
    read = [item.layer for item in items if isinstance(item, Single) and item.layer is not None]
    return {**given, "layers": read} if len(read) == len(layers) else None


def _name_of(arguments: object) -> str | None:
    """The name in the arguments of a layer, if there is one."""
    try:
        return name(arguments.get("name")) if isinstance(arguments, Mapping) else None
    except ValueError:
        return None


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
    help = did_you_mean(kind, [*KINDS, "repeat"], "`backcalc schema` lists the kinds")
    document.report(path, f"unknown layer kind `{shown(kind)}`", help, key=True)
    return None


def _arguments(
    document: Document, model: type[Layer], raw: object, path: Path, sizes: Mapping[str, int]
) -> dict[str, Any] | None:
    """The arguments by name, names in their one spelling, known sizes as numbers."""
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        if model.main is None:
            help = f"write `{model.kind}`, or `{model.kind}: {{name: …}}`"
            document.report(path, f"`{model.kind}` takes no main argument, got {described(raw)}", help)
            return None
        if model.main != "inputs":
            return {model.main: _sized(document, raw, path, sizes)}
        raw = {"inputs": raw}
    given: dict[str, Any] = {}
    for word, value in raw.items():
        if word in ("weights", "biases"):
            given[word] = _names(document, value, (*path, word), word)
        elif word == "inputs":
            words = [value] if isinstance(value, str) else value
            given[word] = [_spelled(item) for item in words] if isinstance(words, list) else words
        elif word == model.also:
            given[word] = _spelled(value)
        elif word == "name":
            given[word] = _one_name(document, value, (*path, word))
        elif word == "layers" and model is Mixture:
            given[word] = value  # each of them is read by itself
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


def _names(document: Document, value: object, path: Path, argument: str) -> object:
    """Own names in their one spelling, as deep as they are nested; numbers as they are."""
    if isinstance(value, list):
        return [_names(document, item, (*path, number), argument) for number, item in enumerate(value)]
    if not isinstance(value, str):
        return value
    try:
        return name(value)
    except ValueError as error:
        document.report(path, f"`{argument}`: {error}, got {described(value)}")
        return "w"


def _sized(document: Document, value: object, path: Path, sizes: Mapping[str, int]) -> object:
    """The value with names of sizes, and what is computed from them, replaced by numbers."""
    if isinstance(value, list):
        return [_sized(document, item, (*path, number), sizes) for number, item in enumerate(value)]
    if isinstance(value, dict):
        return {word: _sized(document, item, (*path, word), sizes) for word, item in value.items()}
    if not isinstance(value, str):
        return value
    number = sizes[value] if value in sizes else computed(value, sizes)
    return value if number is None else number
