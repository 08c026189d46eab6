"""Softmax and its logarithm: functions of a whole row, along the last axis."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from backcalc.layers.base import (
    POINT,
    WHOLE,
    Cost,
    Layer,
    LayerEquations,
    Shape,
    Window,
    axis_names,
    fresh_indices,
    times,
)


class RowFunction(Layer):
    """What functions of a row share; a subclass writes one entry and counts one row."""

    @abstractmethod
    def entry(self, here: str, total: str) -> str:
        """One entry of the output, from the input at its place and the sum of the row's exponentials, as text."""

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        *rows, last = axis_names(shape, name, source)
        (k,) = fresh_indices("k", name, source, *rows, last)
        here, there = ",".join((*rows, last)), ",".join((*rows, k))
        entry = self.entry(f"{source}[{here}]", f"sum({k}, exp({source}[{there}]))")
        return LayerEquations((f"{name}[{here}] = {entry}",))

    def in_words(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Mapping[str, str]:
        return {"unit": "row"}

    def receptive(self, shape: Shape) -> Window | tuple[Window, ...]:
        if len(shape) == 1:
            return WHOLE
        return (*(POINT for _ in shape[1:-1]), WHOLE) if len(shape) > 2 else POINT


class Softmax(RowFunction):
    """`y[i] = exp(z[i])/sum(k, exp(z[k]))` along the last axis; each exponential and the sum are computed once.

    >>> Softmax().cost((10,)).operations
    {'exp': '10', 'add': '9', 'divide': '10'}
    """

    kind: ClassVar[str] = "softmax"

    def entry(self, here: str, total: str) -> str:
        return f"exp({here})/{total}"

    def cost(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Cost:
        *rows, size = shape
        return Cost(operations={"exp": f"{size}", "add": f"{size - 1}", "divide": f"{size}"}, units=times(*rows))


class LogSoftmax(RowFunction):
    """`y[i] = z[i] - log(sum(k, exp(z[k])))` along the last axis: the logarithm of the sum is computed once a row.

    >>> LogSoftmax().cost((10,)).operations
    {'exp': '10', 'add': '9 + 10', 'log': '1'}
    """

    kind: ClassVar[str] = "log_softmax"

    def entry(self, here: str, total: str) -> str:
        return f"{here} - log({total})"

    def cost(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Cost:
        *rows, size = shape
        return Cost(operations={"exp": f"{size}", "add": f"{size - 1} + {size}", "log": "1"}, units=times(*rows))
