"""The radial basis units of LeNet-5's output: squared distances to fixed centres (LeCun et al. 1998, eq. 7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

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
    show_shape,
    times,
)
from backcalc.layers.fields import Positive


class Rbf(Layer):
    """`y[i] = sum(k, (x[k] - W[i,k])^2)`; the centres W are fixed, training does not change them.

    >>> Rbf(units=10).cost((84,)).connections
    '84*10'
    """

    kind: ClassVar[str] = "rbf"
    main: ClassVar[str | None] = "units"

    units: Positive = Field(description="number of outputs, one fixed centre each")

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 1:
            raise ShapeError(f"rbf works on a vector [features], but got {show_shape(shape)}", "put flatten before it")
        return (self.units,)

    def shape_formula(self, shape: Shape) -> str:
        return f"units = {self.units}"

    def parameters(self, name: str, shape: Shape) -> tuple[Parameter, ...]:
        return (Parameter(f"W_{name}", (self.units, shape[-1]), "weight", trainable=False),)

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        i, k = fresh_indices("i k", name, source)
        return LayerEquations((f"{name}[{i}] = sum({k}, ({source}[{k}] - W_{name}[{i},{k}])^2)",))

    def cost(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Cost:
        features = shape[-1]
        return Cost(
            weights=times(features, self.units),
            connections=times(features, self.units),
            operations={"multiply": f"{features}", "add": f"{features} + {features - 1}"},
            units=f"{self.units}",
        )

    def in_words(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Mapping[str, str]:
        return {"weights": "inputs·units", "params": "the centres are fixed",
                "connections": "inputs·units"}  # fmt: skip

    def receptive(self, shape: Shape) -> Window:
        return WHOLE
