"""The dense (fully connected) layer: every output is a weighted sum of every input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from backcalc.layers.base import (
    POINT,
    WHOLE,
    Cost,
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
from backcalc.layers.weighted import WeightedLayer, parameter


class Dense(WeightedLayer):
    """`z[j] = sum(k, W[j,k]*x[k]) + b[j]`; after `[time, features]` the same for every step.

    >>> Dense(units=120).output_shape((400,))
    (120,)
    >>> Dense(units=120).cost((400,)).params
    '(400 + 1)*120'
    """

    kind: ClassVar[str] = "dense"
    main: ClassVar[str | None] = "units"

    units: Positive = Field(description="number of outputs")

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) not in (1, 2):
            raise ShapeError(
                f"dense works on a vector [features] or on [time, features], but got {show_shape(shape)}",
                "put flatten before it",
            )
        return (*shape[:-1], self.units)

    def shape_formula(self, shape: Shape) -> str:
        return f"units = {self.units}" if len(shape) == 1 else f"units = {self.units}, for each of the {shape[0]} steps"

    def parameters(self, name: str, shape: Shape) -> tuple[Parameter, ...]:
        weights = parameter(f"W_{name}", self.weights, (self.units, shape[-1]), "weight")
        if not self.bias:
            return (weights,)
        return weights, parameter(f"b_{name}", self.biases, (self.units,), "bias")

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        arrays = [parameter.name for parameter in self.parameters(name, shape)]
        j, k, t = fresh_indices("j k t", name, source, *arrays)
        step = f"{t}," if len(shape) == 2 else ""
        line = f"{name}[{step}{j}] = sum({k}, {arrays[0]}[{j},{k}]*{source}[{step}{k}])"
        return LayerEquations((line + (f" + {arrays[1]}[{j}]" if self.bias else ""),))

    def cost(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Cost:
        (*steps, features), units = shape, self.units
        biased = self.bias and bias
        params = times(f"({features} + 1)" if biased else features, units)
        operations = {"multiply": f"{features}", "add": f"{features - 1}", "bias": "1" if biased else "0"}
        return Cost(
            weights=times(features, units),
            biases=f"{units}" if biased else "0",
            params=params,
            connections=times(params, *steps),
            macs=times(features, units, *steps),
            operations=operations,
            units=times(units, *steps),
        )

    def in_words(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Mapping[str, str]:
        uses = "(inputs + 1)·units" if self.bias and bias else "inputs·units"
        steps = "" if len(shape) == 1 else "·steps"
        return {
            "weights": "inputs·units",
            "biases": "units",
            "params": uses,
            "connections": uses + steps,
            "macs": f"inputs·units{steps}",
        }

    def receptive(self, shape: Shape) -> Window:
        return WHOLE if len(shape) == 1 else POINT
