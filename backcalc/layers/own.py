"""A layer of one's own: equations in the language of formulas that define its output from what it reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import Field, PrivateAttr

from backcalc.formula.errors import nearest
from backcalc.formula.names import spelled
from backcalc.layers.base import (
    WHOLE,
    Cost,
    Layer,
    LayerEquations,
    Parameter,
    Shape,
    ShapeError,
    Window,
    times,
)
from backcalc.layers.fields import Read, positive

if TYPE_CHECKING:
    from backcalc.formula.program import Program
    from backcalc.formula.source import SourceEquation
    from backcalc.formula.tree import Expr

MOST_AXES = 8


def _name(value: object) -> str:
    if isinstance(value, str) and value.strip():
        return spelled(value.strip().removeprefix("\\"))
    raise ValueError("expected a name")


def read_shape(value: object) -> Shape:
    """A list of sizes, `[]` for a single number."""
    try:
        if isinstance(value, list | tuple) and len(value) <= MOST_AXES:
            return tuple(positive(size) for size in value)
    except ValueError:
        pass
    raise ValueError("expected a list of sizes, as [3] or [2, 3], [] for a number")


def read_shapes(value: object) -> Mapping[str, Shape]:
    """Parameters with their shapes."""
    if not isinstance(value, dict):
        raise ValueError("expected the parameters with their shapes, as {a: [3]}")
    found: dict[str, Shape] = {}
    for word, shape in value.items():
        try:
            found[_name(word)] = read_shape(shape)
        except ValueError as error:
            raise ValueError(f"the shape of `{word}`: {error}") from None
    return found


def _equations(value: object) -> str:
    if isinstance(value, str) and value.strip():
        return value
    raise ValueError("expected equations, one a line")


SHAPE_SCHEMA: dict[str, object] = {
    "type": "array",
    "items": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}]},
}
SHAPES_SCHEMA: dict[str, object] = {"type": "object", "additionalProperties": SHAPE_SCHEMA}


class Formula(Layer):
    """A layer of your own: equations that define its output from what it reads, which they call by its name.

    Every array that they read is an input of the layer or one of its parameters.

    >>> square = Formula(name="y", equations="y[i] = g*h[i]^2", parameters={"g": []})
    >>> square = square.reading(("h",), ((3,),))
    >>> square.output_shape((3,)), square.parameters("y", (3,))[0].shape
    ((3,), ())
    >>> square.equations("y", "h", (3,)).lines
    ('y[i] = g*h[i]^2',)
    """

    kind: ClassVar[str] = "formula"
    any_number: ClassVar[bool] = True

    name: str = Field(description="name of the layer's output, which the equations define")
    text: Annotated[str, Read(_equations, {"type": "string"})] = Field(
        alias="equations", description="the equations, one a line, in the language of formulas"
    )
    sizes: Annotated[Mapping[str, Shape], Read(read_shapes, SHAPES_SCHEMA)] = Field(
        {}, alias="parameters", description="the layer's parameters with their shapes, [] of a single number"
    )
    shape: Annotated[Shape | None, Read(read_shape, SHAPE_SCHEMA)] = Field(
        None, description="shape of the output, where the equations leave it open"
    )

    _written: tuple[str, ...] | None = PrivateAttr(None)
    _reads: Mapping[str, tuple[str, Shape]] = PrivateAttr(default_factory=dict)

    def model_post_init(self, context: object) -> None:
        """Keeps the names of the inputs as they are written: in a block that repeats they become others."""
        self._written = self.inputs

    def reading(self, sources: tuple[str, ...], shapes: tuple[Shape, ...]) -> Self:
        placed = self.model_copy(update={"inputs": sources})
        written = self._written or tuple(self._spelled(source) for source in sources)
        placed._reads = dict(zip(written, zip(sources, shapes, strict=True), strict=True))
        return placed

    def output_shape(self, shape: Shape) -> Shape:
        program = self._program()
        if self.name not in program.by_name:
            raise ShapeError(f"no equation defines `{self.name}`, the output of the layer")
        for name in program.by_name:
            if program.shape(name) is None:
                hint = f"give it, as in `shape: [{', '.join('3' for _ in program.shapes[name])}]`"
                raise ShapeError(f"nothing says how large `{name}` is", hint if name == self.name else None)
        if program.is_symbolic():
            size = next(name for name, number in program.sizes.items() if number is None)
            raise ShapeError(f"nothing says how large the size `{size}` is", "write the range, as in `sum(k=1..3, …)`")
        return program.shape(self.name) or ()

    def shape_formula(self, shape: Shape) -> str:
        return "as its equations say"

    def parameters(self, name: str, shape: Shape) -> tuple[Parameter, ...]:
        suffix = name[len(self.name) :]
        return tuple(Parameter(word + suffix, size, "weight") for word, size in self.sizes.items())

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        from backcalc.formula.print_text import to_text

        program, suffix = self._program(), name[len(self.name) :]
        names = {word: word + suffix for word in (*self.sizes, *program.by_name)}
        names |= {written: source for written, (source, _) in self._reads.items()}
        stated = [(_renamed(line.left, names), _renamed(line.right, names)) for line in self._stated()]
        inner = {names[word]: program.shape(word) or () for word in program.by_name if word != self.name}
        return LayerEquations(tuple(f"{to_text(left)} = {to_text(right)}" for left, right in stated), shapes=inner)

    def cost(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Cost:
        count = " + ".join(times(*size) for size in self.sizes.values()) or "0"
        found = self._operations() or {}
        return Cost(
            weights=count, params=count, operations={kind: f"{number}" for kind, number in found.items() if number}
        )

    def counted(self, shape: Shape) -> bool:
        return self._operations() is not None

    def _operations(self) -> Mapping[str, int] | None:
        """The operations of all equations, where they can be read off."""
        from backcalc.layers.own_cost import operations

        return operations(self._program())

    def in_words(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Mapping[str, str]:
        words = dict.fromkeys(("connections", "macs"), "not counted for equations of your own")
        if not self.counted(shape):
            words["flops"] = words["macs"]
        return {"weights": "the parameters of the equations", "unit": "layer", **words}

    def notes(self, shape: Shape) -> tuple[str, ...]:
        if self.counted(shape):
            return ()
        return ("sums and choices in equations of your own are not counted, so the totals are at least",)

    def receptive(self, shape: Shape) -> Window:
        return WHOLE

    def _spelled(self, source: str) -> str:
        """What the equations call the output before: by its name, in a block that repeats without the copy's number."""
        from backcalc.formula.order import needed_names
        from backcalc.formula.read import read_equations
        from backcalc.formula.source import SourceEquation

        lines = (SourceEquation(left, right) for left, right, *_ in read_equations(self.text))
        read = frozenset().union(*map(needed_names, lines))
        shorter = source
        while shorter not in read and (found := _COPY.fullmatch(shorter)):
            shorter = found[1]
        return shorter if shorter in read else source

    def _stated(self) -> list[SourceEquation]:
        """The equations with indices, by the names that they have in the text. Raises ProgramErrors."""
        from backcalc.formula.order import needed_names
        from backcalc.formula.program import CONSTANTS
        from backcalc.formula.read import read_equations
        from backcalc.formula.source import ProgramError, ProgramErrors, SourceEquation
        from backcalc.formula.whole import written_out

        lines = [SourceEquation(left, right) for left, right, *_ in read_equations(self.text)]
        defined, known = {line.left.name for line in lines}, self._known()
        faults: list[ProgramError] = []
        for position, line in enumerate(lines):
            for name in sorted(needed_names(line) - defined - known.keys() - CONSTANTS):
                message = f"`{name}` is no input of the layer, none of its parameters, and no equation defines it"
                close = nearest(name, [*known, *defined])
                faults.append(ProgramError(message, position, name, f"did you mean `{close}`?" if close else _READS))
            if line.left.name in known:
                message = f"`{line.left.name}` is read by the layer and cannot be defined by it"
                faults.append(ProgramError(message, position, line.left.name))
        if faults:
            raise ProgramErrors(faults)
        return written_out(lines, self._declared())

    def _known(self) -> dict[str, Shape]:
        """The shapes of what the equations may read besides each other."""
        return {written: shape for written, (_, shape) in self._reads.items()} | dict(self.sizes)

    def _declared(self) -> dict[str, Shape]:
        return self._known() | ({self.name: self.shape} if self.shape is not None else {})

    def _program(self) -> Program:
        """The equations as a program of its own. Raises ProgramErrors."""
        from backcalc.formula.infer import build_program

        return build_program(self._stated(), self._declared())


_COPY = re.compile(r"(.+)_[0-9]+")
_READS = "name earlier outputs in `inputs` and arrays of weights in `parameters`"


def _renamed(expr: Expr, names: Mapping[str, str], bound: frozenset[str] = frozenset()) -> Any:
    """The expression with other names for arrays; what an index is called stays."""
    from backcalc.formula.tree import Reduce, Ref, rebuild

    if isinstance(expr, Ref) and expr.name in names and (expr.indices or expr.name not in bound):
        expr = Ref(names[expr.name], expr.indices)
    inner = bound | {expr.index} if isinstance(expr, Reduce) else bound
    return rebuild(expr, lambda part: _renamed(part, names, inner))
