"""An ONNX file as plain data: nodes, names, shapes, and small constants. Large arrays are passed over.

Field numbers are those of onnx.proto3 (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3).
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from math import isfinite, prod
from pathlib import Path
from typing import TypeAlias

from backcalc.layers import Shape
from backcalc.readers.bounded import opened, refuse
from backcalc.readers.wire import FIXED32, Span, Wire, real, signed

MOST_NODES = 20_000
MOST_NUMBERS = 4_096
MOST_AXES = 16
DEEPEST_GRAPH = 8

_INTEGERS = {2: "B", 3: "b", 4: "H", 5: "h", 6: "i", 7: "q", 9: "?", 12: "I", 13: "Q"}
_REALS = {1: "f", 10: "e", 11: "d"}

_LARGEST_SINGLE = 3.4e38

Attribute: TypeAlias = "int | Fraction | str | tuple[int, ...] | Tensor | None"


@dataclass(frozen=True, slots=True)
class Tensor:
    """An array: its name, axes, whether it holds whole numbers, and its numbers where they are few."""

    name: str
    dims: Shape
    integer: bool
    numbers: tuple[Fraction, ...] | None


@dataclass(frozen=True, slots=True)
class OnnxNode:
    """An operator: what it is, what it is called, the names that it reads and makes.

    Of a graph inside it, the branch of an `If`, it reads the arrays and what that reads from around it.
    """

    operator: str
    name: str
    reads: tuple[str, ...]
    makes: tuple[str, ...]
    attributes: Mapping[str, Attribute]


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """A model. Axes of unknown length are named; `producer` says what wrote the file."""

    producer: str
    opset: int
    nodes: tuple[OnnxNode, ...]
    tensors: Mapping[str, Tensor]
    inputs: Mapping[str, tuple[int | str, ...]]
    outputs: tuple[str, ...]
    shapes: Mapping[str, tuple[int | str, ...]]


def decimal(value: float) -> Fraction:
    """The shortest decimal that a 32-bit number is the nearest to, exactly.

    >>> decimal(real(0x3DCCCCCD))
    Fraction(1, 10)
    """
    if not isfinite(value):
        return Fraction(0)
    for digits in range(6, 10) if abs(value) < _LARGEST_SINGLE else ():
        text = f"{value:.{digits}g}"
        if struct.pack("<f", float(text)) == struct.pack("<f", value):
            return Fraction(Decimal(text))
    return Fraction(Decimal(repr(value)))


def read_model(path: Path) -> OnnxModel:
    """The model in a file. Raises InputError where it is cut off, larger than sensible, or none."""
    with opened(path) as file:
        try:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (ValueError, OSError):
            refuse(str(path), "the file is empty or cannot be read")
        with data, memoryview(data) as view:  # only what is looked at comes into memory
            return _Reader(Wire(view, str(path))).model((0, len(view)))


@dataclass
class _Reader:
    wire: Wire
    tensors: dict[str, Tensor] = field(default_factory=dict)

    def model(self, span: Span) -> OnnxModel:
        producer, version, opset, graph = "", "", 0, None
        for number, _, value in self.wire.fields(span):
            if number == 2:
                producer = self.wire.text(value)
            elif number == 3:
                version = self.wire.text(value)
            elif number == 8:
                domain, release = "", 0
                for inner, _, what in self.wire.fields(self.wire.span(value)):
                    domain = self.wire.text(what) if inner == 1 else domain
                    release = what if inner == 2 and isinstance(what, int) else release
                opset = release if domain in ("", "ai.onnx") else opset
            elif number == 7:
                graph = self.wire.span(value)
        if graph is None or not opset:
            refuse(self.wire.file, "this is no ONNX model: it has no graph or names no operators")
        return self.graph(graph, f"{producer} {version}".strip(), opset)

    def graph(self, span: Span, producer: str, opset: int) -> OnnxModel:
        nodes: list[OnnxNode] = []
        inputs: dict[str, tuple[int | str, ...]] = {}
        shapes: dict[str, tuple[int | str, ...]] = {}
        outputs: list[str] = []
        for number, _, value in self.wire.fields(span):
            if number == 1:
                nodes.append(self.node(self.wire.span(value)))
                if len(nodes) > MOST_NODES:
                    refuse(self.wire.file, f"the graph has more than {MOST_NODES} nodes")
            elif number == 5:
                tensor = self.tensor(self.wire.span(value))
                if tensor.name in self.tensors:
                    refuse(self.wire.file, f"the array `{tensor.name[:80]}` is there twice")
                self.tensors[tensor.name] = tensor
            elif number in (11, 12, 13):
                name, dims = self.value(self.wire.span(value))
                if number == 11:
                    inputs[name] = dims
                elif number == 12:
                    outputs.append(name)
                shapes[name] = dims
        inputs = {name: dims for name, dims in inputs.items() if name not in self.tensors}
        return OnnxModel(producer, opset, tuple(nodes), self.tensors, inputs, tuple(outputs), shapes)

    def inside(self, span: Span, depth: int) -> list[str]:
        """The names that the graphs of an attribute read from around them, and those of their own arrays."""
        found: list[str] = []
        for number, _, graph in self.wire.fields(span):
            if number not in (6, 11):
                continue
            if depth == DEEPEST_GRAPH:
                refuse(self.wire.file, f"graphs stand within graphs more than {DEEPEST_GRAPH} deep")
            made = set[str]()
            for part, _, value in self.wire.fields(self.wire.span(graph)):
                if part == 1:
                    node = self.node(self.wire.span(value), depth + 1)
                    found += (name for name in node.reads if name not in made)
                    made.update(node.makes)
                elif part == 5:
                    tensor = self.tensor(self.wire.span(value))
                    self.tensors.setdefault(tensor.name, tensor)
                    found.append(tensor.name)
                elif part == 11:
                    made.add(self.value(self.wire.span(value))[0])
            found = [name for name in found if name not in made]
        return list(dict.fromkeys(found))

    def node(self, span: Span, depth: int = 0) -> OnnxNode:
        reads: list[str] = []
        makes: list[str] = []
        name = operator = domain = ""
        attributes: dict[str, Attribute] = {}
        for number, _, value in self.wire.fields(span):
            if number == 1:
                reads.append(self.wire.text(value))
            elif number == 2:
                makes.append(self.wire.text(value))
            elif number == 3:
                name = self.wire.text(value)
            elif number == 4:
                operator = self.wire.text(value)
            elif number == 5:
                key, attribute = self.attribute(self.wire.span(value))
                attributes[key] = attribute
                reads += self.inside(self.wire.span(value), depth)
            elif number == 7:
                domain = self.wire.text(value)
        if domain not in ("", "ai.onnx"):
            operator = f"{domain}.{operator}"
        return OnnxNode(operator, name, tuple(reads), tuple(makes), attributes)

    def attribute(self, span: Span) -> tuple[str, Attribute]:
        name = ""
        found: Attribute = None
        integers: list[int] = []
        for number, kind, value in self.wire.fields(span):
            if number == 1:
                name = self.wire.text(value)
            elif number == 2 and isinstance(value, int) and kind == FIXED32:
                found = decimal(real(value))
            elif number == 3 and isinstance(value, int):
                found = signed(value)
            elif number == 4:
                found = self.wire.text(value)
            elif number == 5:
                found = self.tensor(self.wire.span(value))
            elif number == 8:
                integers += self.wire.integers(kind, value)
        return name, tuple(integers) if integers else found

    def tensor(self, span: Span) -> Tensor:
        dims: list[int] = []
        kind, name, raw = 0, "", None
        typed: dict[int, list[tuple[int, int | Span]]] = {}
        for number, wire_type, value in self.wire.fields(span):
            if number == 1:
                dims += self.wire.integers(wire_type, value)
            elif number == 2 and isinstance(value, int):
                kind = value
            elif number == 8:
                name = self.wire.text(value)
            elif number == 9:
                raw = self.wire.span(value)
            elif number in (4, 5, 7, 10, 11):
                typed.setdefault(number, []).append((wire_type, value))
        if len(dims) > MOST_AXES or any(size < 0 for size in dims):
            refuse(self.wire.file, f"the array `{name[:80]}` has the axes {dims[:MOST_AXES]}")
        numbers = self.numbers(kind, prod(dims), raw, typed) if prod(dims) <= MOST_NUMBERS else None
        return Tensor(name, tuple(dims), kind in _INTEGERS, numbers)

    def numbers(
        self, kind: int, count: int, raw: Span | None, typed: Mapping[int, list[tuple[int, int | Span]]]
    ) -> tuple[Fraction, ...] | None:
        """The numbers of an array; None where they are stored elsewhere, or not as many as its axes say."""
        code = _INTEGERS.get(kind) or _REALS.get(kind)
        if code is None:
            return None
        found: list[Fraction] = []
        if raw is not None and raw[1] - raw[0] == count * struct.calcsize(f"<{code}"):
            values = struct.unpack(f"<{count}{code}", bytes(self.wire.data[raw[0] : raw[1]]))
            found = [Fraction(value) if kind in _INTEGERS else decimal(value) for value in values]
        for number, entries in typed.items():
            for wire_type, value in entries:
                if number in (5, 7, 11):
                    found += map(Fraction, self.wire.integers(wire_type, value))
                elif number == 4 and isinstance(value, tuple) and (value[1] - value[0]) == 4 * count:
                    reals = struct.unpack(f"<{count}f", bytes(self.wire.data[value[0] : value[1]]))
                    found += map(decimal, reals)
                elif number == 4 and isinstance(value, int):
                    found.append(decimal(real(value)))
        return tuple(found) if len(found) == count else None

    def value(self, span: Span) -> tuple[str, tuple[int | str, ...]]:
        """The name of a value and its axes; () where they are not given."""
        name, dims = "", list[int | str]()
        for number, _, value in self.wire.fields(span):
            if number == 1:
                name = self.wire.text(value)
            elif number == 2:
                for place in self._nested(self.wire.span(value), 1, 2, 1):
                    dims.append(self._axis(place))
                    if len(dims) > MOST_AXES:
                        refuse(self.wire.file, f"the value `{name[:80]}` has more than {MOST_AXES} axes")
        return name, tuple(dims)

    def _nested(self, span: Span, *path: int) -> list[Span]:
        """The messages that lie behind a path of field numbers."""
        spans = [span]
        for wanted in path:
            spans = [
                self.wire.span(value)
                for each in spans
                for number, _, value in self.wire.fields(each)
                if number == wanted
            ]
        return spans

    def _axis(self, span: Span) -> int | str:
        for number, _, value in self.wire.fields(span):
            if number == 1 and isinstance(value, int):
                return signed(value)
            if number == 2:
                return self.wire.text(value)
        return "?"
