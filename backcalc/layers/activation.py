"""Activations: functions of each number alone."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Annotated, ClassVar

from pydantic import Field, Strict

from backcalc.layers.base import Cost, Layer, LayerEquations, Shape, axis_names, times
from backcalc.layers.fields import Exact


class Activation(Layer):
    """A function of each number alone; subclasses name the function and the operations that one number takes.

    A function of several branches costs what its longest branch takes.
    """

    function: ClassVar[str]
    operations: ClassVar[Mapping[str, str]]

    def formula(self, u: str) -> str:
        """The function of the number u, as text."""
        return f"{self.function}({u})"

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        axes = ",".join(axis_names(shape, name, source))
        return LayerEquations((f"{name}[{axes}] = {self.formula(f'{source}[{axes}]')}",))

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


class Relu6(Activation):
    """min(max(0, u), 6): two comparisons (Krizhevsky, "Convolutional deep belief networks on CIFAR-10", 2010).

    >>> Relu6().cost((3,)).operations
    mappingproxy({'compare': '2'})
    """

    kind: ClassVar[str] = "relu6"
    function: ClassVar[str] = "relu6"
    operations: ClassVar[Mapping[str, str]] = MappingProxyType({"compare": "2"})


class LeakyRelu(Activation):
    """u where u > 0, else slope*u: a comparison, and on the left a multiplication (Maas, Hannun, Ng 2013, eq. 2).

    >>> LeakyRelu().equations("h", "z", (3,)).lines
    ('h[i] = leaky_relu(z[i], 1/100)',)
    """

    kind: ClassVar[str] = "leaky_relu"
    main: ClassVar[str | None] = "slope"
    function: ClassVar[str] = "leaky_relu"
    operations: ClassVar[Mapping[str, str]] = MappingProxyType({"compare": "1", "multiply": "1"})

    slope: Exact = Field(Fraction(1, 100), description="factor of negative numbers")

    def formula(self, u: str) -> str:
        return f"leaky_relu({u}, {self.slope})"


class Elu(Activation):
    """u where u > 0, else alpha*(exp(u) - 1): a comparison, and on the left an exponential, a difference, a product.

    Clevert, Unterthiner, Hochreiter, "Fast and accurate deep network learning by exponential linear units" (2016).

    >>> Elu(alpha=2).equations("h", "z", (3,)).lines
    ('h[i] = elu(z[i], 2)',)
    """

    kind: ClassVar[str] = "elu"
    main: ClassVar[str | None] = "alpha"
    function: ClassVar[str] = "elu"
    operations: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"compare": "1", "exp": "1", "add": "1", "multiply": "1"}
    )

    alpha: Exact = Field(Fraction(1), description="what very negative numbers approach, with a minus")

    def formula(self, u: str) -> str:
        return f"elu({u}, {self.alpha})"


class Gelu(Activation):
    """1/2*u*(1 + erf(u/sqrt(2))), or its approximation by tanh (Hendrycks, Gimpel 2016, section 2).

    Exact: two multiplications, a division, an erf, an addition. Approximate: six multiplications, two additions and
    a tanh; square roots of numbers are constants.

    >>> Gelu(approximate=True).equations("h", "z", (3,)).lines
    ('h[i] = 1/2*z[i]*(1 + tanh(sqrt(2/pi)*(z[i] + 0.044715*z[i]^3)))',)
    """

    kind: ClassVar[str] = "gelu"
    function: ClassVar[str] = "gelu"
    operations: ClassVar[Mapping[str, str]] = MappingProxyType({"multiply": "2", "divide": "1", "erf": "1", "add": "1"})
    by_tanh: ClassVar[Mapping[str, str]] = MappingProxyType({**Tanh.operations, "multiply": "6", "add": "4"})

    approximate: Annotated[bool, Strict()] = Field(False, description="whether tanh stands for erf")

    def formula(self, u: str) -> str:
        return f"1/2*{u}*(1 + tanh(sqrt(2/pi)*({u} + 0.044715*{u}^3)))" if self.approximate else f"gelu({u})"

    def cost(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Cost:
        return Cost(operations=self.by_tanh if self.approximate else self.operations, units=times(*shape))


class Silu(Activation):
    """u*sigmoid(u), also called swish: a multiplication and a sigmoid (Elfwing, Uchibe, Doya 2018, eq. 2)."""

    kind: ClassVar[str] = "silu"
    function: ClassVar[str] = "silu"
    operations: ClassVar[Mapping[str, str]] = MappingProxyType({"multiply": "1", **Sigmoid.operations})


class HardSigmoid(Activation):
    """relu6(u + 3)/6: an addition, two comparisons, a division (Howard et al., MobileNetV3, 2019, section 5.2)."""

    kind: ClassVar[str] = "hard_sigmoid"
    function: ClassVar[str] = "hard_sigmoid"
    operations: ClassVar[Mapping[str, str]] = MappingProxyType({"add": "1", "compare": "2", "divide": "1"})


class HardSwish(Activation):
    """u*relu6(u + 3)/6: a multiplication and a hard sigmoid (Howard et al., MobileNetV3, 2019, section 5.2)."""

    kind: ClassVar[str] = "hard_swish"
    function: ClassVar[str] = "hard_swish"
    operations: ClassVar[Mapping[str, str]] = MappingProxyType({"multiply": "1", **HardSigmoid.operations})


class Softplus(Activation):
    """log(1 + exp(u)): an exponential, an addition, a logarithm (Dugas et al. 2001)."""

    kind: ClassVar[str] = "softplus"
    function: ClassVar[str] = "softplus"
    operations: ClassVar[Mapping[str, str]] = MappingProxyType({"exp": "1", "add": "1", "log": "1"})


class Sign(Activation):
    """(u > 0) - (u < 0), which is -1, 0 or 1: two comparisons and a difference."""

    kind: ClassVar[str] = "sign"
    function: ClassVar[str] = "sign"
    operations: ClassVar[Mapping[str, str]] = MappingProxyType({"compare": "2", "add": "1"})


class Linear(Layer):
    """The identity: costs nothing."""

    kind: ClassVar[str] = "linear"

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        axes = ",".join(axis_names(shape, name, source))
        return LayerEquations((f"{name}[{axes}] = {source}[{axes}]",))
