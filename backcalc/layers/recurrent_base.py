"""What recurrent layers share: a cell reads a sequence step by step, together with its own state after the step before.

The state before the first step is zero. Stacked layers and both directions are passes of the same cell with arrays of
their own. A layer `h` of one pass has the weights `W_h` (input) and `U_h` (state), of two stacked layers `W_h_1` and
`W_h_2`; the pass from the last step to the first has `_reverse` behind that, `W_h_reverse` or `W_h_1_reverse`; gates
come last, `W_h_1_reverse_i`. With `biases: 2`, as in PyTorch, `b_h` is added to the product with the input and `bU_h`
to that with the state.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, Strict

from backcalc.layers.base import (
    WHOLE,
    Cost,
    Layer,
    LayerEquations,
    Parameter,
    Shape,
    ShapeError,
    Window,
    fresh_indices,
    product,
    show_shape,
    times,
)
from backcalc.layers.fields import Positive, Read, whole
from backcalc.layers.recurrent_cell import Cell, Pass

MOST_STACKED = 100


def _vectors(value: object) -> int:
    if value not in (0, 1, 2) or isinstance(value, bool):
        raise ValueError("expected 0, 1, or 2 for PyTorch's two vectors")
    return whole(value)


def _stacked(value: object) -> int:
    message = f"expected a whole number from 1 to {MOST_STACKED}"
    try:
        number = whole(value)
    except ValueError:
        raise ValueError(message) from None
    if not 1 <= number <= MOST_STACKED:
        raise ValueError(message)
    return number


class Recurrent(Layer):
    """What recurrent layers share. A subclass states one step of its cell.

    `gates` are how the names of its weights end, `carried` the letters of the arrays besides the state that the next
    step reads.
    """

    main: ClassVar[str | None] = "units"
    gates: ClassVar[tuple[str, ...]] = ("",)
    carried: ClassVar[tuple[str, ...]] = ()

    units: Positive = Field(description="number of units of the state")
    returns: Literal["last", "all"] = Field(
        "last", alias="return", description="the state after the last step, or the states after all steps"
    )
    vectors: Annotated[int, Read(_vectors, {"enum": [0, 1, 2]})] = Field(
        1, alias="biases", description="vectors of biases: none, one, or two as in PyTorch, one beside each product"
    )
    bidirectional: Annotated[bool, Strict()] = Field(
        False, description="whether a second pass goes from the last step to the first; its state stands behind"
    )
    layers: Annotated[int, Read(_stacked, {"type": "integer", "minimum": 1, "maximum": MOST_STACKED})] = Field(
        1, description="number of stacked layers, each of which reads all states of the one below"
    )

    @abstractmethod
    def step(self, cell: Cell) -> tuple[str, ...]:
        """The equations of one step, that of the state last."""

    @abstractmethod
    def inner(self) -> tuple[str, ...]:
        """The letters of the arrays that a step computes besides the state."""

    @abstractmethod
    def pointwise(self) -> Mapping[str, int]:
        """The operations that a unit takes in a step besides its weighted sums."""

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def _width(self) -> int:
        """How many numbers a step puts out."""
        return self._directions * self.units

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 2:
            hint = f"for one feature a step put `reshape: [{shape[0]}, 1]` before it" if len(shape) == 1 else None
            raise ShapeError(f"{self.kind} works on [time, features], but got {show_shape(shape)}", hint)
        return (shape[0], self._width) if self.returns == "all" else (self._width,)

    def shape_formula(self, shape: Shape) -> str:
        wide = f"2*{self.units} = {self._width}" if self.bidirectional else f"units = {self.units}"
        return f"{wide}, {'for each' if self.returns == 'all' else 'after the last'} of the {shape[0]} steps"

    def parameters(self, name: str, shape: Shape) -> tuple[Parameter, ...]:
        return tuple(array for level in self._passes(name, "", shape) for way in level for array in self._arrays(way))

    def _arrays(self, way: Pass) -> Iterator[Parameter]:
        for gate in self.gates:
            yield Parameter(f"W_{way.label}{gate}", (self.units, way.features), "weight")
            yield Parameter(f"U_{way.label}{gate}", (self.units, self.units), "weight")
            for bias in ("b", "bU")[: self.vectors]:
                yield Parameter(f"{bias}_{way.label}{gate}", (self.units,), "bias")

    def _passes(self, name: str, source: str, shape: Shape, t: str = "t", s: str = "s") -> Iterator[tuple[Pass, ...]]:
        """The passes of each of the stacked layers; one that goes back counts its own steps, by `s`."""
        steps, features = shape
        for level in range(1, self.layers + 1):
            label = name if self.layers == 1 else f"{name}_{level}"
            is_output = level == self.layers and self.returns == "all" and not self.bidirectional
            forward = Pass(label, name if is_output else f"h_{label}", source, features, t, t)
            back = Pass(f"{label}_reverse", f"h_{label}_reverse", source, features, s, f"{steps + 1}-{s}")
            yield (forward, back) if self.bidirectional else (forward,)
            source, features = f"{'y' if self.bidirectional else 'h'}_{label}", self._width

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        steps = shape[0]
        levels = tuple(self._passes(name, source, shape))
        both = [level[0].source for level in levels[1:] if self.bidirectional]
        shapes = {array: (steps, self.units) for level in levels for way in level for array in self._computed(way)}
        shapes |= dict.fromkeys(both, (steps, self._width))
        weights = (array.name for array in self.parameters(name, shape))
        j, k, t, s = fresh_indices("j k t s", name, source, *shapes, *weights)
        all_steps = (f"{t},", f"{steps + 1}-{t},")
        lines: list[str] = []
        for number, level in enumerate(self._passes(name, source, shape, t, s)):
            for way in level:
                lines += self.step(Cell(way, self.vectors, j, k))
                carried = [*(f"{letter}_{way.label}" for letter in self.carried), way.state]
                lines += [f"{array}[0,{j}] = 0" for array in carried]
            if number < len(both):
                lines.append(f"{both[number]}[{t},{j}] = {self._joined(level, j, all_steps)}")
        if self.returns == "last":
            lines.append(f"{name}[{j}] = {self._joined(level, j, (f'{steps},', f'{steps},'))}")
        elif self.bidirectional:
            lines.append(f"{name}[{t},{j}] = {self._joined(level, j, all_steps)}")
        return LayerEquations(tuple(lines), shapes={array: size for array, size in shapes.items() if array != name})

    def _computed(self, way: Pass) -> Iterator[str]:
        """The arrays that a pass computes."""
        yield from (f"{letter}_{way.label}" for letter in self.inner())
        yield way.state

    def _joined(self, level: tuple[Pass, ...], j: str, steps: tuple[str, str]) -> str:
        """The states of a pass, or of both one behind the other, each at its own step, as a right side."""
        if len(level) == 1:
            return f"{level[0].state}[{steps[0]}{j}]"
        # `j-0` and not `j`: an index read plainly would have the range of that one array.
        forward, back = (f"{way.state}[{step}{j}-" for way, step in zip(level, steps, strict=True))
        return f"if({j} <= {self.units}, {forward}0], {back}{self.units}])"

    def cost(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Cost:
        steps, units, vectors = shape[0], self.units, self.vectors if bias else 0
        passes = self._directions * self.layers
        products, uses = f"{{}} + {units}", f"{{}} + {units}" + (f" + {vectors}" if vectors else "")
        operations = {kind: product(passes, count) for kind, count in self.pointwise().items()}
        for kind, sums in (("multiply", products), ("add", f"{products} - 1")):
            operations[kind] = " + ".join(filter(None, (self._in_all(shape, sums), operations.get(kind))))
        return Cost(
            weights=self._in_all(shape, products, units),
            biases=product(passes, len(self.gates), vectors, units),
            params=self._in_all(shape, uses, units),
            connections=self._in_all(shape, uses, units, steps),
            macs=self._in_all(shape, products, units, steps),
            operations={**operations, "bias": product(passes, len(self.gates), vectors)},
            units=times(units, steps),
        )

    def _in_all(self, shape: Shape, inside: str, *factors: int) -> str:
        """A sum over all gates of all passes; in `inside`, `{}` is how many features the pass reads."""
        count, features = self._directions * len(self.gates), shape[1]
        terms = [product(count, inside.format(features), *factors)]
        if self.layers > 1:
            terms.append(product((self.layers - 1) * count, inside.format(self._width), *factors))
        return " + ".join(terms)

    def in_words(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Mapping[str, str]:
        gates = "" if len(self.gates) == 1 else f"{len(self.gates)}·"
        vectors = self.vectors if bias else 0
        products, uses = (f"{gates}(inputs + units{more})·units" for more in ("", f" + {vectors}" if vectors else ""))
        several = [word for word, is_so in (("layer", self.layers > 1), ("direction", self.bidirectional)) if is_so]
        each = f", for every {' and '.join(several)}" if several else ""
        return {
            "weights": products + each,
            "biases": f"{gates}{vectors}·units{each}" if vectors > 1 else f"{gates}units{each}",
            "params": uses + each,
            "connections": f"{uses}·steps{each}",
            "macs": f"{products}·steps{each}",
            "unit": "step of a unit",
        }

    def receptive(self, shape: Shape) -> Window:
        return WHOLE
