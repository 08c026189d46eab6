"""Losses: one scalar of the network's last output y and a target t, as an equation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from backcalc.layers.base import Shape, ShapeError, first_paragraph, fresh_indices, show_shape
from backcalc.layers.fields import DEEPEST_LIST, Exact, Nested, Read


@dataclass(frozen=True, slots=True)
class Target:
    """What the output is compared with: an array (shape `()`: a number) and its values where the file gives them."""

    name: str
    shape: Shape
    values: Nested | None = None


@dataclass(frozen=True, slots=True)
class LossEquation:
    """The loss as one equation in the language of formulas, and the target it reads, if it reads one."""

    line: str
    target: Target | None


def _target(value: object, depth: int = 0) -> str | Nested:
    """A target as the file has it: a name, a number or a nested list of numbers."""
    if isinstance(value, str) and value.strip():
        return value.strip()
    if isinstance(value, int | Fraction) and not isinstance(value, bool):
        return Fraction(value)
    if isinstance(value, list | tuple) and value and depth < DEEPEST_LIST:
        items = [_target(item, depth + 1) for item in value]
        if not any(isinstance(item, str) for item in items):
            return tuple(item for item in items if not isinstance(item, str))
    raise ValueError("expected a number, a list of numbers, or a name")


class Loss(BaseModel, ABC):
    """A loss on the output y with target t; a subclass writes the formula."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, json_schema_extra=first_paragraph)

    kind: ClassVar[str]
    main: ClassVar[str | None] = "target"

    name: str = Field("J", description="name of the loss")
    target: Annotated[
        str | Nested, Read(_target, {"anyOf": [{"type": "number"}, {"type": "string"}, {"type": "array"}]})
    ] = Field("t", description="what the output should be: a number, a list, or a name")
    factor: Exact = Field(Fraction(1), description="exact factor of the whole loss")
    over: Literal["sum", "mean"] = Field("mean", description="how the samples of a batch are joined")

    @abstractmethod
    def equation(self, output: str, shape: Shape) -> LossEquation:
        """The loss of the array `output` of `shape`. Raises ShapeError where output or target do not fit."""

    def _given(self, shape: Shape) -> Target:
        """The target as an array like the output, or one number for all of it."""
        if isinstance(self.target, str):
            return Target(self.target, shape)
        if isinstance(self.target, Fraction):
            return Target("t", (), self.target)
        given = _nested_shape(self.target)
        if given != shape:
            came = "a list that is not rectangular" if given is None else f"of shape {show_shape(given)}"
            raise ShapeError(f"the target of {self.kind} is {came}, but the output has the shape {show_shape(shape)}")
        return Target("t", shape, self.target)

    def _scaled(self, body: str, *, negative: bool = False) -> str:
        """The body times the factor and a sign, as one writes it."""
        factor = -self.factor if negative else self.factor
        if factor in (1, -1):
            return body if factor == 1 else f"-{body}"
        return f"{factor}*{body}"


class _Elementwise(Loss):
    """A loss that joins a term for every number of the output."""

    joined: ClassVar[str] = "sum"
    negative: ClassVar[bool] = False
    term: ClassVar[str]

    def equation(self, output: str, shape: Shape) -> LossEquation:
        return self._joined(output, shape, self._given(shape))

    def _joined(self, output: str, shape: Shape, target: Target) -> LossEquation:
        wanted = "i j k" if len(shape) <= 3 else " ".join(f"i{axis}" for axis in range(1, len(shape) + 1))
        axes = fresh_indices(wanted, self.name, output, target.name)[: len(shape)]
        brackets = f"[{','.join(axes)}]"
        body = self.term.format(y=output + brackets, t=target.name + (brackets if target.shape else ""))
        for axis in reversed(axes):
            body = f"{self.joined}({axis}, {body})"
        return LossEquation(f"{self.name} = {self._scaled(body, negative=self.negative)}", target)


class SumOfSquares(_Elementwise):
    """`sum(i, (y[i] - t[i])^2)`, times the factor (often 1/2).

    >>> SumOfSquares(factor="1/2").equation("y", (2,)).line
    'J = 1/2*sum(i, (y[i] - t[i])^2)'
    """

    kind: ClassVar[str] = "sse"
    term: ClassVar[str] = "({y} - {t})^2"


class MeanSquare(_Elementwise):
    """`mean(i, (y[i] - t[i])^2)`: the mean over all outputs, times the factor.

    >>> MeanSquare(target=[0, 1]).equation("y", (2,)).target.values
    (Fraction(0, 1), Fraction(1, 1))
    """

    kind: ClassVar[str] = "mse"
    joined: ClassVar[str] = "mean"
    term: ClassVar[str] = "({y} - {t})^2"


class BinaryCrossEntropy(_Elementwise):
    """`-sum(i, t[i]*log(y[i]) + (1 - t[i])*log(1 - y[i]))`, every output a probability of its own."""

    kind: ClassVar[str] = "bce"
    negative: ClassVar[bool] = True
    term: ClassVar[str] = "({t}*log({y}) + (1 - {t})*log(1 - {y}))"


class CrossEntropy(_Elementwise):
    """`-sum(i, t[i]*log(y[i]))` for probabilities y; a whole number as target is a class, counted from 1.

    >>> CrossEntropy(target=2).equation("y", (3,)).target.values
    (Fraction(0, 1), Fraction(1, 1), Fraction(0, 1))
    """

    kind: ClassVar[str] = "cross_entropy"
    negative: ClassVar[bool] = True
    term: ClassVar[str] = "{t}*log({y})"

    def equation(self, output: str, shape: Shape) -> LossEquation:
        if isinstance(self.target, Fraction):
            right = _class(self.kind, self.target, shape)
            one_hot = tuple(Fraction(number == right) for number in range(1, shape[0] + 1))
            return self._joined(output, shape, Target("t", shape, one_hot))
        return super().equation(output, shape)


class NegativeLogLikelihood(Loss):
    """`-log(y[t])` for probabilities y; the target is a class, counted from 1.

    >>> NegativeLogLikelihood(target=1).equation("y", (2,)).line
    'J = -log(y[1])'
    """

    kind: ClassVar[str] = "nll"

    def equation(self, output: str, shape: Shape) -> LossEquation:
        if isinstance(self.target, tuple):
            raise ShapeError("the target of nll is one class number, counted from 1", "for a list use cross_entropy")
        if isinstance(self.target, str):
            _vector(self.kind, shape)
            right, target = self.target, Target(self.target, ())
        else:
            right, target = str(_class(self.kind, self.target, shape)), None
        return LossEquation(f"{self.name} = {self._scaled(f'log({output}[{right}])', negative=True)}", target)


def _vector(kind: str, shape: Shape) -> None:
    if len(shape) != 1:
        raise ShapeError(f"{kind} works on a vector of probabilities, but the output is {show_shape(shape)}")


def _class(kind: str, target: Fraction, shape: Shape) -> int:
    _vector(kind, shape)
    if target.denominator != 1 or not 1 <= target <= shape[0]:
        raise ShapeError(f"the target of {kind} is a class from 1 to {shape[0]}, but is {target}")
    return target.numerator


def _nested_shape(values: Nested) -> Shape | None:
    """The shape of a nested list, None where it is not rectangular."""
    if isinstance(values, Fraction):
        return ()
    shapes: Sequence[Shape | None] = list({_nested_shape(item) for item in values})
    if len(shapes) != 1 or shapes[0] is None:
        return None
    return (len(values), *shapes[0])
