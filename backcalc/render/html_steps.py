"""The steps of a derivation on the picture of its network: which box and which arrows each of them works on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backcalc.derive.adjoint import Adjoint
from backcalc.derive.derivation import Derivation
from backcalc.derive.exact import Exact
from backcalc.formula.evaluate import Array
from backcalc.formula.names import derivative_parts, is_derivative
from backcalc.formula.print_latex import latex_name, to_latex
from backcalc.formula.print_unicode import to_unicode
from backcalc.formula.tree import Ref
from backcalc.render.document import Row
from backcalc.render.graph import Graph
from backcalc.render.show_svg import Label
from backcalc.render.values import decimal_text, nested

MOST_ENTRIES = 3  # of an array that stands beside an arrow
LONGEST_VALUE = 22  # letters of what stands there
LONGEST_NUMBER = 6  # letters of an exact number there
MOST_NAMES = 3  # of parameters beside one arrow


@dataclass(frozen=True, slots=True)
class Step:
    """What a step is called in words, and the numbers of its boxes and arrows; `gradient` is written on an arrow."""

    label: str
    boxes: tuple[int, ...] = ()
    edges: tuple[int, ...] = ()
    gradient: str = ""


class Stage:
    """A derivation beside its picture."""

    def __init__(self, derivation: Derivation, graph: Graph) -> None:
        self.derivation, self.graph = derivation, graph
        self.places = {vertex.name: place for place, vertex in enumerate(graph.vertices)}
        self.edges = {edge: place for place, edge in enumerate(dict.fromkeys(graph.edges))}
        self.lefts = dict(self._lefts())

    def box(self, name: str) -> str | None:
        """The box in which an array is computed; that of its first reader where it has none, as a weight."""
        program, waiting, seen = self.derivation.program, [name], set[str]()
        while waiting:
            name = waiting.pop(0)
            if is_derivative(name):  # in second derivatives; it stands where the array is that it is by
                name = derivative_parts(name)[1]
            if name in self.places:
                return name
            equation = program.by_name.get(name)
            if equation is not None and equation.layer in self.places:
                return equation.layer
            seen.add(name)
            waiting += [reader.name for reader in program.readers.get(name, ()) if reader.name not in seen]
        return None

    def forward(self, rows: Sequence[Row]) -> Iterator[tuple[Step | None, tuple[Row, ...]]]:
        """The rows of the forward pass, those of one box together."""
        found: list[Row] = []
        current: str | None = None
        for row in rows:
            name = self.lefts.get(row.left)
            box = current if name is None else self.box(name)
            if found and box != current:
                yield self._forward(current), tuple(found)
                found = []
            current = box
            found.append(row)
        if found:
            yield self._forward(current), tuple(found)

    def backward(self) -> Iterator[Step]:
        """A step for every derivative, in the order of the document."""
        for part in self.derivation.parts:
            for adjoint in derived(part):
                yield self._backward(adjoint)

    def labels(self) -> Iterator[Label]:
        """The derivative by what an arrow carries, where it begins; that by what is in a box, where one comes in."""
        outward = {source: (source, target) for source, target in reversed(self.graph.edges)}
        inward = {target: (source, target) for source, target in reversed(self.graph.edges)}
        inside: dict[str, list[tuple[str, str]]] = {}
        for name, adjoint in self._told().items():
            text = to_unicode(Ref(adjoint.name))
            if name in outward:
                yield Label(outward[name], text + self._value(adjoint.name), text)
            elif name in self.derivation.program.leaves and (box := self.box(name)) in inward:
                inside.setdefault(box or "", []).append((text, self._value(adjoint.name)))
        for box, found in inside.items():
            names = [text for text, _ in found]
            more = ", …" if len(names) > MOST_NAMES else ""
            value = found[0][1] if len(names) == 1 else ""
            yield Label(inward[box], ", ".join(names[:MOST_NAMES]) + more + value, "\n".join(names), at_end=True)

    def _told(self) -> dict[str, Adjoint]:
        """What is derived by each array, the first time."""
        found: dict[str, Adjoint] = {}
        for part in self.derivation.parts:
            for adjoint in derived(part):
                found.setdefault(adjoint.of, adjoint)
        return found

    def _value(self, name: str) -> str:
        """` = (1/2, −1/2)` of a few short numbers, else nothing."""
        return short_value(self.derivation.values.get(name))

    def _lefts(self) -> Iterator[tuple[str, str]]:
        """The left sides of the forward pass, as they are written, with the arrays they are of."""
        for equation in self.derivation.program.equations:
            yield latex_name(equation.name), equation.name
            yield to_latex(equation.left), equation.name
        for block in self.derivation.forward:
            for line in block.lines:
                yield to_latex(line.left), block.of
                yield to_latex(line.left, scalar_names=True), block.of

    def _forward(self, box: str | None) -> Step | None:
        if box is None:
            return None
        return Step(f"forward, {to_unicode(Ref(box))}", (self.places[box],), self._beside(box))

    def _backward(self, adjoint: Adjoint) -> Step:
        own, name = self.box(adjoint.of), to_unicode(Ref(adjoint.name))
        readers = dict.fromkeys(self.box(reader) for reader in adjoint.readers)
        if own is None:
            return Step(f"backward, {name}")
        arrows = tuple(self.edges[own, reader] for reader in readers if reader and (own, reader) in self.edges)
        if adjoint.of in self.derivation.program.leaves and own != adjoint.of:
            arrows = ()  # a weight works on what comes into its box
        return Step(f"backward, {name}", (self.places[own],), arrows or self._beside(own), name)

    def _beside(self, box: str) -> tuple[int, ...]:
        """The arrows that come into a box; those that leave it where none does."""
        coming = tuple(place for (_, target), place in self.edges.items() if target == box)
        return coming or tuple(place for (source, _), place in self.edges.items() if source == box)


def derived(part: Derivation) -> tuple[Adjoint, ...]:
    """The derivatives that the document shows, in its order."""
    if part.view != "scalar":
        return part.needed
    by_name = {adjoint.name: adjoint for adjoint in part.adjoints.values()}
    return tuple(by_name[block.of] for block in part.backward)


def short_value(values: Array[Exact] | None) -> str:
    """A number or a row of a few behind its sign, where that is short.

    >>> from fractions import Fraction
    >>> short_value({(1,): Exact.of(Fraction(1, 2)), (2,): Exact.of(Fraction(-3))})
    ' = (1/2, −3)'
    """
    if values is None or not 0 < len(values) <= MOST_ENTRIES or any(len(place) > 1 for place in values):
        return ""
    whole = nested(values, _number)
    text = f"({', '.join(whole)})" if isinstance(whole, list) else str(whole)
    sign = "=" if all(map(_exact, values.values())) else "≈"
    return f" {sign} {text}" if len(text) <= LONGEST_VALUE else ""


def _number(value: Exact) -> str:
    """A number in as few letters as say it; a rounded one has four digits."""
    return _exact(value) or decimal_text(value, 4).replace("-", "−")


def _exact(value: Exact) -> str:
    tree = value.expr()
    exact = "" if tree is None else to_unicode(tree)
    return exact if len(exact) <= LONGEST_NUMBER else ""
