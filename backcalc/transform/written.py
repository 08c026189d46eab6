"""The folded network as a net.yaml, and read back from it: what is written is what is checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from backcalc.formula.size import shown
from backcalc.layers.fields import Nested
from backcalc.net import load_network
from backcalc.net.errors import InputError
from backcalc.net.load import read_document
from backcalc.net.network import Network, Node
from backcalc.net.text import inline, source_of
from backcalc.transform.chain import fields
from backcalc.transform.folding import FoldError

SHORT = 20  # characters of a fraction that stays one
KEPT = ("batch", "loss", "given", "update", "penalty")


def folded_yaml(
    network: Network, nodes: tuple[Node, ...], values: Mapping[str, Nested], kept: Mapping[str, Any]
) -> str:
    """The layers that are left as a file; `kept` holds the other entries of the file they come from."""
    lines = [f"name: {inline(network.name)}"]
    if kept.get("sizes"):
        lines.append(f"sizes: {inline(kept['sizes'])}")
    inputs = {name: [shown(size) for size in shape] for name, shape in network.inputs.items()}
    lines += [f"input: {inline(inputs)}", "layers:"]
    before = next(iter(network.inputs)) if len(network.inputs) == 1 else None
    for node in nodes:
        lines.append(f"  - {inline({type(node.layer).kind: _arguments(node, before)})}")
        before = node.name
    if network.output is not None:
        lines.append(f"output: {network.output}")
    lines += [f"{key}: {inline(kept[key])}" for key in KEPT if kept.get(key) is not None]
    gone = _names(network.nodes) - _names(nodes)
    stated = kept.get("values")
    takes = _names(nodes) | network.inputs.keys() | (stated.keys() if isinstance(stated, Mapping) else set())
    still = {name: value for name, value in network.values.items() if name in takes - gone}
    numbers = {**still, **values}
    if numbers:
        lines += ["values:", *(f"  {name}: {_numbers(value)}" for name, value in numbers.items())]
    find = [word for word in _words(kept.get("find")) if not any(_mentions(word, name) for name in gone)]
    if find:
        lines.append(f"find: {inline(find)}")
    return "\n".join([*lines, ""])


def entries(source: str | Path | Mapping[str, Any]) -> dict[str, Any]:
    """The entries of a file that is known to be right, as plain data: its loss, its update, what it asks for."""
    read = source_of(source)
    data = read_document(read.text, read.label).data
    return dict(data) if isinstance(data, dict) else {}


def folded_network(text: str) -> Network:
    """The folded file read back. Raises FoldError where the file does not hold the network."""
    try:
        return load_network(text, label="the folded network")
    except InputError as error:
        raise FoldError(f"the folded network cannot be written as a file of layers: {error}") from None


def _arguments(node: Node, before: str | None) -> dict[str, Any]:
    """What the file says of one layer: its name, its inputs where they are not the layer before, its fields."""
    given: dict[str, Any] = {"name": node.name}
    if node.inputs != (before,):
        given["inputs"] = list(node.inputs)
    own = {key: value for key, value in fields(node.layer).items() if key not in ("name", "inputs")}
    return given | {key: _plain(value) for key, value in own.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return shown(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _numbers(value: Nested) -> str:
    """Numbers as the file has them: fractions, and long ones that end as decimals."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_numbers, value))}]"
    return str(value) if len(str(value)) <= SHORT else _decimal(value)


def _decimal(value: Fraction) -> str:
    """A fraction that ends as a decimal, written as one; others as they are."""
    places = next((count for count in range(60) if (value * 10**count).denominator == 1), None)
    if places is None:
        return str(value)
    digits = str(abs(value.numerator) * 10**places // value.denominator).zfill(places + 1)
    point = len(digits) - places
    return ("-" if value < 0 else "") + digits[:point] + (f".{digits[point:]}" if places else "")


def _names(nodes: tuple[Node, ...]) -> set[str]:
    """Layers, their arrays, and own names of entries."""
    found = {node.name for node in nodes}
    for node in nodes:
        for parameter in node.parameters:
            found |= {parameter.name, *_own(parameter.entries)}
    return found


def _own(entries: Any) -> Iterator[str]:
    if isinstance(entries, tuple):
        for item in entries:
            yield from _own(item)
    elif isinstance(entries, str):
        yield entries


def _words(find: Any) -> list[str]:
    return [find] if isinstance(find, str) else [str(word) for word in find or ()]


def _mentions(word: str, name: str) -> bool:
    """Whether an entry of `find` asks about a name: by itself, an element of it, or a derivative by it."""
    rest = word.replace("/d", " ").replace("[", " ").replace("..", " ").replace("(", " ").replace(")", " ")
    return name in rest.replace("^2", " ").split() or word.startswith(f"d{name}/")
