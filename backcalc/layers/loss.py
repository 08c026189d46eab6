"""Losses: one scalar of the network's last output y and a target t, as an equation.

What all losses share stands here, and those that measure a distance from the target: sse, mse, rmse, mae, huber.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, ClassVar, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from backcalc.layers.base import Shape, ShapeError, first_paragraph, fresh_indices, show_shape
from backcalc.layers.fields import DEEPEST_LIST, Exact, Nested, Read

TargetIs: TypeAlias = Literal["numbers", "distribution", "bits", "signs"]
"""What a target is, beyond a number or an array: shares that sum to 1, zeros and ones, or -1 and 1."""


@dataclass(frozen=True, slots=True)
class Target:
    """What the output is compared with: an array (shape `()`: a number) and its values where the file gives them."""

    name: str
    shape: Shape
    values: Nested | None = None

    def at(self, axes: tuple[str, ...]) -> str:
        """The number that the output at those indices is compared with, as text."""
        return f"{self.name}[{','.join(axes)}]" if self.shape else self.name


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
    of: ClassVar[str] = "probabilities"
    target_is: ClassVar[TargetIs] = "numbers"

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


class Elementwise(Loss):
    """A loss that joins a term for every number of the output."""

    joined: ClassVar[str] = "sum"
    negative: ClassVar[bool] = False
    term: ClassVar[str]

    def equation(self, output: str, shape: Shape) -> LossEquation:
        return self._joined(output, shape, self._given(shape))

    def _joined(self, output: str, shape: Shape, target: Target) -> LossEquation:
        wanted = "i j k" if len(shape) <= 3 else " ".join(f"i{axis}" for axis in range(1, len(shape) + 1))
        axes = fresh_indices(wanted, self.name, output, target.name)[: len(shape)]
        body = self._term(output, target, axes)
        for axis in reversed(axes):
            body = f"{self.joined}({axis}, {body})"
        return LossEquation(f"{self.name} = {self._scaled(self._whole(body), negative=self.negative)}", target)

    def _term(self, output: str, target: Target, axes: tuple[str, ...]) -> str:
        """The term of the output's number at those indices, as text."""
        return self.term.format(y=f"{output}[{','.join(axes)}]", t=target.at(axes))

    def _whole(self, body: str) -> str:
        """The loss from its joined terms, as text."""
        return body


class OneClass(Loss):
    """A loss of a vector whose target is one class, counted from 1."""

    def _class(self, shape: Shape) -> tuple[str, Target | None]:
        """The class as text: its number, or the name that holds it, which is then read."""
        if isinstance(self.target, tuple):
            instead = self.kind.replace("nll", "cross_entropy")
            hint = None if instead == self.kind else f"for a list use {instead}"
            raise ShapeError(f"the target of {self.kind} is one class number, counted from 1", hint)
        if isinstance(self.target, str):
            check_vector(self.kind, shape, self.of)
            return self.target, Target(self.target, ())
        return str(class_number(self.kind, self.target, shape, self.of)), None


class SumOfSquares(Elementwise):
    """`sum(i, (y[i] - t[i])^2)`, times the factor (often 1/2).

    >>> SumOfSquares(factor="1/2").equation("y", (2,)).line
    'J = 1/2*sum(i, (y[i] - t[i])^2)'
    """

    kind: ClassVar[str] = "sse"
    term: ClassVar[str] = "({y} - {t})^2"


class MeanSquare(Elementwise):
    """`mean(i, (y[i] - t[i])^2)`: the mean over all outputs, times the factor.

    >>> MeanSquare(target=[0, 1]).equation("y", (2,)).target.values
    (Fraction(0, 1), Fraction(1, 1))
    """

    kind: ClassVar[str] = "mse"
    joined: ClassVar[str] = "mean"
    term: ClassVar[str] = "({y} - {t})^2"


class RootMeanSquare(Elementwise):
    """`sqrt(mean(i, (y[i] - t[i])^2))`: the root of the mean over all outputs and samples, times the factor.

    >>> RootMeanSquare().equation("y", (2,)).line
    'J = sqrt(mean(i, (y[i] - t[i])^2))'
    """

    kind: ClassVar[str] = "rmse"
    joined: ClassVar[str] = "mean"
    term: ClassVar[str] = "({y} - {t})^2"

    def _whole(self, body: str) -> str:
        return f"sqrt({body})"


class MeanAbsolute(Elementwise):
    """`mean(i, abs(y[i] - t[i]))`: the mean over all outputs, times the factor; at the kink its derivative is 0.

    >>> MeanAbsolute().equation("y", (2,)).line
    'J = mean(i, abs(y[i] - t[i]))'
    """

    kind: ClassVar[str] = "mae"
    joined: ClassVar[str] = "mean"
    term: ClassVar[str] = "abs({y} - {t})"


class Huber(Elementwise):
    """The mean over all outputs of e^2/2 where |e| ≤ delta, else delta*(|e| - delta/2), for errors e = y - t.

    Huber, "Robust estimation of a location parameter" (1964).

    >>> Huber(delta=2).equation("y", (2,)).line
    'J = mean(i, if(abs(y[i] - t[i]) <= 2, 1/2*(y[i] - t[i])^2, 2*abs(y[i] - t[i]) - 2))'
    """

    kind: ClassVar[str] = "huber"
    joined: ClassVar[str] = "mean"

    delta: Exact = Field(Fraction(1), description="error from which the loss grows no faster than a line")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.delta <= 0:
            raise ValueError(f"delta is {self.delta}, but must be more than 0")
        return self

    def _term(self, output: str, target: Target, axes: tuple[str, ...]) -> str:
        error = f"{output}[{','.join(axes)}] - {target.at(axes)}"
        line = f"abs({error})" if self.delta == 1 else f"{self.delta}*abs({error})"
        return f"if(abs({error}) <= {self.delta}, 1/2*({error})^2, {line} - {self.delta**2 / 2})"


def check_vector(kind: str, shape: Shape, of: str) -> None:
    """Raises ShapeError where the output is no vector."""
    if len(shape) != 1:
        raise ShapeError(f"{kind} works on a vector of {of}, but the output is {show_shape(shape)}")


def class_number(kind: str, target: Fraction, shape: Shape, of: str) -> int:
    """The class, counted from 1, that a target means for a vector of outputs. Raises ShapeError."""
    check_vector(kind, shape, of)
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
