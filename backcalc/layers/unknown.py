"""A place for what another program computes and this one has no layer for: its shape is known, its cost is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from backcalc.layers.base import WHOLE, Cost, Layer, LayerEquations, Parameter, Shape, Window, times
from backcalc.layers.fields import Read
from backcalc.layers.own import SHAPE_SCHEMA, SHAPES_SCHEMA, read_shape, read_shapes


def _operator(value: object) -> str:
    if isinstance(value, str) and 0 < len(value) <= 200 and value.isprintable():
        return value
    raise ValueError("expected the name of an operator, at most 200 characters, all of them visible")


class Unknown(Layer):
    """An operator without equations here. Its parameters count; what it computes does not, so totals are "at least".

    Nothing can be derived through it.

    >>> layer = Unknown(operator="Einsum", shape=[4, 8], parameters={"table": [8, 2]})
    >>> layer.output_shape((3,)), layer.cost((3,)).params
    ((4, 8), '8*2')
    >>> layer.notes((3,))
    ('the operator Einsum is unknown: its operations are not counted, so the totals are at least',)
    """

    kind: ClassVar[str] = "unknown"
    main: ClassVar[str | None] = "operator"
    any_number: ClassVar[bool] = True

    operator: Annotated[str, Read(_operator, {"type": "string"})] = Field(description="what the operator is called")
    shape: Annotated[Shape, Read(read_shape, SHAPE_SCHEMA)] = Field(description="shape of the output")
    sizes: Annotated[Mapping[str, Shape], Read(read_shapes, SHAPES_SCHEMA)] = Field(
        {}, alias="parameters", description="the operator's parameters with their shapes"
    )

    def output_shape(self, shape: Shape) -> Shape:
        return self.shape

    def shape_formula(self, shape: Shape) -> str:
        return "as the file says"

    def parameters(self, name: str, shape: Shape) -> tuple[Parameter, ...]:
        suffix = name[len(self.name) :] if self.name else ""
        return tuple(Parameter(word + suffix, size, "weight") for word, size in self.sizes.items())

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        """No lines: whoever puts equations together refuses a network with such a layer."""
        return LayerEquations(())

    def cost(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Cost:
        count = " + ".join(times(*size) for size in self.sizes.values()) or "0"
        return Cost(weights=count, params=count)

    def in_words(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Mapping[str, str]:
        words = dict.fromkeys(("connections", "macs", "flops"), "not counted: the operator is unknown")
        return {"weights": "the parameters of the operator", **words}

    def counted(self, shape: Shape) -> bool:
        return False

    def notes(self, shape: Shape) -> tuple[str, ...]:
        return (f"the operator {self.operator} is unknown: its operations are not counted, so the totals are at least",)

    def receptive(self, shape: Shape) -> Window:
        return WHOLE
