"""A fixed layer before the network: inputs less their mean, divided by their standard deviation."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from backcalc.layers.base import Cost, Layer, LayerEquations, Shape, ShapeError, axis_names, show_shape, times
from backcalc.layers.fields import Read, exact

_ONE_OR_MANY = {"anyOf": [{"type": "number"}, {"type": "string"}, {"type": "array", "minItems": 1}]}


def _numbers(value: object) -> Fraction | tuple[Fraction, ...]:
    """One exact number, or one per channel."""
    if isinstance(value, list | tuple) and value:
        return tuple(exact(item) for item in value)
    return exact(value)


Numbers = Annotated[Fraction | tuple[Fraction, ...], Read(_numbers, _ONE_OR_MANY)]
"""One exact number, or one per channel."""


class Normalise(Layer):
    """`y[c,i,j] = (x[c,i,j] - mean[c])/std[c]` with fixed numbers, which are no parameters; channels come first.

    >>> Normalise(mean="1/2", std=2).equations("y", "x", (3,)).lines
    ('y[i] = (x[i] - 1/2)/2',)
    >>> Normalise(mean=[0, 1], std=2).equations("y", "x", (2, 4)).lines
    ('mean_y = [0, 1]', 'y[t,j] = (x[t,j] - mean_y[t])/2')
    """

    kind: ClassVar[str] = "normalise"

    mean: Numbers = Field(description="what is subtracted: one number, or one per channel")
    std: Numbers = Field(description="what is divided by: one number, or one per channel")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if 0 in (self.std if isinstance(self.std, tuple) else (self.std,)):
            raise ValueError("std is divided by and must not be 0")
        return self

    def output_shape(self, shape: Shape) -> Shape:
        for what, given in (("mean", self.mean), ("std", self.std)):
            if isinstance(given, tuple) and len(given) != shape[0]:
                raise ShapeError(
                    f"the {what} of normalise has {len(given)} numbers, "
                    f"but its input {show_shape(shape)} has {shape[0]} channels"
                )
        return shape

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        mean, std = f"mean_{name}", f"std_{name}"
        axes = axis_names(shape, name, source, mean, std)
        lines, shapes, put = [], {}, []
        for array, given in ((mean, self.mean), (std, self.std)):
            if isinstance(given, tuple):
                lines.append(f"{array} = [{', '.join(map(str, given))}]")
                shapes[array] = shape[:1]
                put.append(f"{array}[{axes[0]}]")
            else:
                put.append(f"({given})" if given < 0 or (array == std and given.denominator > 1) else f"{given}")
        here = ",".join(axes)
        lines.append(f"{name}[{here}] = ({source}[{here}] - {put[0]})/{put[1]}")
        return LayerEquations(tuple(lines), shapes=shapes)

    def cost(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Cost:
        shifted = "0" if self.mean == 0 else "1"
        return Cost(operations={"add": shifted, "divide": "1"}, units=times(*shape))
