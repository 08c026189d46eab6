"""Activations: functions of each number alone, and softmax along the last axis."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from backcalc.layers.base import POINT, WHOLE, Cost, Layer, LayerEquations, Shape, Window, fresh_indices, times


def _axes(shape: Shape, *taken: str) -> tuple[str, ...]:
    """Index names for every axis, as textbooks have them: `i` for a vector, `t,j` for steps, `c,i,j` for maps."""
    wanted = {1: "i", 2: "t j", 3: "c i j"}.get(len(shape), " ".join(f"i{axis}" for axis in range(1, len(shape) + 1)))
    return fresh_indices(wanted, *taken)


class Activation(Layer):
    """A function of each number alone; subclasses name the function and the operations that one number takes."""

    function: ClassVar[str]
    operations: ClassVar[Mapping[str, str]]

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        axes = ",".join(_axes(shape, name, source))
        return LayerEquations((f"{name}[{axes}] = {self.function}({source}[{axes}])",))

    def cost(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Cost:
        return Cost(operations=self.operations, units=times(*shape))


class Relu(Activation):
    """max(0, u): one comparison.

    >>> Relu().equations("h", "z", (3,)).lines
    ('h[i] = relu(z[i])',)
    """

    kind: ClassVar[str] = "relu"
    function: ClassVar[str] = "relu"
    operations: ClassVar[Mapping[str, str]] = MappingProxyType({"compare": "1"})


class Sigmoid(Activation):
    """1/(1 + exp(-u)): a sign, an exponential, an addition, a division."""

    kind: ClassVar[str] = "sigmoid"
    function: ClassVar[str] = "sigmoid"
    operations: ClassVar[Mapping[str, str]] = MappingProxyType({"negate": "1", "exp": "1", "add": "1", "divide": "1"})


class Tanh(Activation):
    """(exp(u) - exp(-u))/(exp(u) + exp(-u)): a sign, two exponentials, two additions, a division."""

    kind: ClassVar[str] = "tanh"
    function: ClassVar[str] = "tanh"
    operations: ClassVar[Mapping[str, str]] = MappingProxyType({"negate": "1", "exp": "2", "add": "2", "divide": "1"})


class ScaledTanh(Activation):
    """1.7159*tanh(2/3*u): two multiplications and a tanh (LeCun et al. 1998, eq. 6)."""

    kind: ClassVar[str] = "scaled_tanh"
    function: ClassVar[str] = "scaled_tanh"
    operations: ClassVar[Mapping[str, str]] = MappingProxyType({"multiply": "2", **Tanh.operations})


class Linear(Layer):
    """The identity: costs nothing."""

    kind: ClassVar[str] = "linear"

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        axes = ",".join(_axes(shape, name, source))
        return LayerEquations((f"{name}[{axes}] = {source}[{axes}]",))


class Softmax(Layer):
    """`y[i] = exp(z[i])/sum(k, exp(z[k]))` along the last axis; each exponential and the sum are computed once.

    >>> Softmax().cost((10,)).operations
    {'exp': '10', 'add': '9', 'divide': '10'}
    """

    kind: ClassVar[str] = "softmax"

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        *rows, last = _axes(shape, name, source)
        (k,) = fresh_indices("k", name, source, *rows, last)
        here, there = ",".join((*rows, last)), ",".join((*rows, k))
        return LayerEquations((f"{name}[{here}] = exp({source}[{here}])/sum({k}, exp({source}[{there}]))",))

    def cost(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Cost:
        *rows, size = shape
        return Cost(operations={"exp": f"{size}", "add": f"{size - 1}", "divide": f"{size}"}, units=times(*rows))

    def in_words(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Mapping[str, str]:
        return {"unit": "row"}

    def receptive(self, shape: Shape) -> Window | tuple[Window, ...]:
        if len(shape) == 1:
            return WHOLE
        return (*(POINT for _ in shape[1:-1]), WHOLE) if len(shape) > 2 else POINT
