"""What turns tokens into vectors and tells their place: embedding, learned positions, the class token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from backcalc.formula.size import Size, shown
from backcalc.layers.base import Cost, Layer, LayerEquations, Parameter, Shape, ShapeError, fresh_indices, show_shape
from backcalc.layers.base import times as product
from backcalc.layers.fields import Positive


def _of_steps(kind: str, shape: Shape) -> tuple[int, int]:
    """The steps and features of [time, features]. Raises ShapeError."""
    if len(shape) != 2:
        raise ShapeError(f"{kind} works on [time, features], but got {show_shape(shape)}")
    return shape[0], shape[1]


class Embedding(Layer):
    """`y[t,j] = E[x[t],j]`: row x[t] of a learned table for every token, tokens numbered from 1.

    Where the input stands there is no derivative by it: it is an index.

    >>> Embedding(vocabulary=50257, units=768).cost((1024,)).params
    '50257*768'
    """

    kind: ClassVar[str] = "embedding"
    main: ClassVar[str | None] = "vocabulary"

    vocabulary: Positive = Field(description="number of tokens there are")
    units: Positive = Field(description="numbers that stand for a token")

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 1:
            raise ShapeError(f"embedding works on tokens [time], whole numbers from 1, but got {show_shape(shape)}")
        return (*shape, self.units)

    def shape_formula(self, shape: Shape) -> str:
        return f"units = {self.units}, for each of the {shape[0]} tokens"

    def parameters(self, name: str, shape: Shape) -> tuple[Parameter, ...]:
        return (Parameter(f"E_{name}", (self.vocabulary, self.units), "weight"),)

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        t, j = fresh_indices("t j", name, source)
        return LayerEquations((f"{name}[{t},{j}] = E_{name}[{source}[{t}],{j}]",))

    def cost(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Cost:
        table = product(self.vocabulary, self.units)
        return Cost(weights=table, params=table, connections=product(*shape, self.units))

    def in_words(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Mapping[str, str]:
        return {"weights": "vocabulary·units", "params": "vocabulary·units", "connections": "tokens·units"}


class Positional(Layer):
    """`y[t,j] = x[t,j] + P[t,j]`: a learned vector for every place, added (Devlin et al. 2019, figure 2).

    >>> Positional(length=5).equations("y", "x", (5, 3)).lines
    ('y[t,j] = x[t,j] + P_y[t,j]',)
    """

    kind: ClassVar[str] = "positional"
    main: ClassVar[str | None] = "length"

    length: Positive = Field(description="number of places that there are vectors for")

    def output_shape(self, shape: Shape) -> Shape:
        steps, _ = _of_steps(self.kind, shape)
        if steps > self.length and not self.assumes(shape):
            raise ShapeError(f"positional has {self.length} places, but got {steps} steps in {show_shape(shape)}")
        return shape

    def assumes(self, shape: Shape) -> tuple[str, ...]:
        """Where the steps are a letter, and the places are not: that there are enough of them."""
        steps, length = shape[0], self.length
        is_open = isinstance(steps, Size) and not isinstance(length, Size)
        return (f"{shown(steps)} is at most {length}",) if is_open else ()

    def parameters(self, name: str, shape: Shape) -> tuple[Parameter, ...]:
        return (Parameter(f"P_{name}", (self.length, shape[1]), "weight"),)

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        t, j = fresh_indices("t j", name, source)
        # A plain index would run over all places: `t+0` says that only the first are read.
        place = t if shape[0] == self.length else f"{t}+0"
        return LayerEquations((f"{name}[{t},{j}] = {source}[{t},{j}] + P_{name}[{place},{j}]",))

    def cost(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Cost:
        table, places = product(self.length, shape[1]), product(*shape)
        return Cost(weights=table, params=table, connections=places, operations={"add": "1"}, units=places)

    def in_words(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Mapping[str, str]:
        return {"weights": "length·features", "params": "length·features", "connections": "steps·features"}


class ClassToken(Layer):
    """One learned row before the steps (Dosovitskiy et al. 2021, eq. 1).

    >>> ClassToken().equations("y", "x", (4, 3)).lines
    ('y[t,j] = if(t == 1, cls_y[j], x[t-1,j])',)
    """

    kind: ClassVar[str] = "class_token"

    def output_shape(self, shape: Shape) -> Shape:
        steps, features = _of_steps(self.kind, shape)
        return steps + 1, features

    def shape_formula(self, shape: Shape) -> str:
        return f"{shape[0]} + 1 = {shape[0] + 1}"

    def parameters(self, name: str, shape: Shape) -> tuple[Parameter, ...]:
        return (Parameter(f"cls_{name}", shape[1:], "weight"),)

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        t, j = fresh_indices("t j", name, source)
        return LayerEquations((f"{name}[{t},{j}] = if({t} == 1, cls_{name}[{j}], {source}[{t}-1,{j}])",))

    def cost(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Cost:
        return Cost(weights=f"{shape[1]}", params=f"{shape[1]}", connections=f"{shape[1]}")

    def in_words(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Mapping[str, str]:
        return {"weights": "features", "params": "features", "connections": "features", "output_shape": "steps + 1"}
