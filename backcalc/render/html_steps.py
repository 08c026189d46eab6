"""The steps of a derivation on the picture of its network: which box and which arrows each of them works on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backcalc.derive.adjoint import Adjoint
from backcalc.derive.derivation import Derivation
from backcalc.formula.names import derivative_parts, is_derivative
from backcalc.formula.print_latex import latex_name, to_latex
from backcalc.formula.print_unicode import to_unicode
from backcalc.formula.tree import Ref
from backcalc.render.document import Row
from backcalc.render.graph import Graph


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

    def labels(self) -> dict[tuple[str, str], str]:
        """The derivative by what an arrow carries, at the first arrow that carries it."""
        names: dict[str, str] = {}
        for part in self.derivation.parts:
            for adjoint in derived(part):
                names.setdefault(adjoint.of, to_unicode(Ref(adjoint.name)))
        first = {source: (source, target) for source, target in reversed(self.graph.edges)}
        return {edge: names[source] for source, edge in first.items() if source in names}

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
        coming = tuple(place for (_, target), place in self.edges.items() if target == box)
        return Step(f"forward, {to_unicode(Ref(box))}", (self.places[box],), coming)

    def _backward(self, adjoint: Adjoint) -> Step:
        own, name = self.box(adjoint.of), to_unicode(Ref(adjoint.name))
        readers = dict.fromkeys(self.box(reader) for reader in adjoint.readers)
        if own is None:
            return Step(f"backward, {name}")
        arrows = tuple(self.edges[own, reader] for reader in readers if reader and (own, reader) in self.edges)
        return Step(f"backward, {name}", (self.places[own],), arrows, name)


def derived(part: Derivation) -> tuple[Adjoint, ...]:
    """The derivatives that the document shows, in its order."""
    if part.view != "scalar":
        return part.needed
    by_name = {adjoint.name: adjoint for adjoint in part.adjoints.values()}
    return tuple(by_name[block.of] for block in part.backward)
