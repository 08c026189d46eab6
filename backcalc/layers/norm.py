"""Norms: numbers minus their mean, divided by their spread, then scaled by gamma and shifted by beta.

They differ in what the mean is taken over: a channel of all samples (batch), one sample's features (layer, RMS), a
group of one sample's channels (group).
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import prod
from typing import ClassVar

from pydantic import Field

from backcalc.layers.base import (
    POINT,
    WHOLE,
    Cost,
    Layer,
    LayerEquations,
    Parameter,
    Samples,
    Shape,
    ShapeError,
    Window,
    axis_names,
    fresh_indices,
    show_shape,
    times,
)
from backcalc.layers.fields import Exact, Positive


class Norm(Layer):
    """What all norms share: a scale gamma and a shift beta, one of each for every channel or feature.

    Beta is counted among the biases, but stays where biases are left out: a convolution without one relies on it.
    """

    shifts: ClassVar[bool] = True

    epsilon: Exact = Field(Fraction(1, 100_000), description="added to the variance, so that no division is by zero")

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def _channels(self, shape: Shape) -> int:
        """How many gammas there are."""
        return shape[0]

    def parameters(self, name: str, shape: Shape) -> tuple[Parameter, ...]:
        gamma = Parameter(f"gamma_{name}", (self._channels(shape),), "weight")
        return (gamma, Parameter(f"beta_{name}", gamma.shape, "bias")) if self.shifts else (gamma,)

    def _scaled(self, name: str, places: str, channel: str) -> str:
        """The last equation: the normalised numbers, scaled and shifted."""
        shift = f" + beta_{name}[{channel}]" if self.shifts else ""
        return f"{name}[{places}] = gamma_{name}[{channel}]*hat_{name}[{places}]{shift}"

    def _cost(self, shape: Shape, operations: Mapping[str, str], shifts: str, units: str) -> Cost:
        channels = self._channels(shape)
        return Cost(
            weights=f"{channels}",
            biases=f"{channels}" if self.shifts else "0",
            params=times(2, channels) if self.shifts else f"{channels}",
            operations={**operations, "bias": shifts if self.shifts else "0"},
            units=units,
        )

    def in_words(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Mapping[str, str]:
        both = "2·channels: a scale and a shift each"
        return {"weights": "channels", "biases": "channels", "params": both if self.shifts else "channels"}


class BatchNorm(Norm):
    """`y = gamma*(x - mu)/sqrt(var + epsilon) + beta` for each channel (Ioffe and Szegedy 2015, algorithm 1).

    Over a mini-batch, mu and var are the mean and the biased variance of the samples and positions; one sample is
    normalised with the running statistics mean and var, which training moves by `momentum` and no gradient changes.

    >>> BatchNorm().equations("y", "x", (3,)).lines[0]
    'hat_y[i] = (x[i] - mean_y[i])/sqrt(var_y[i] + 1/100000)'
    >>> BatchNorm().batch_equations("y", "x", (3,), Samples("n", "N")).lines[0]
    'mu_y[i] = 1/N*sum(n=1..N, x[n,i])'
    """

    kind: ClassVar[str] = "batchnorm"
    main: ClassVar[str | None] = "epsilon"

    momentum: Exact = Field(Fraction(1, 10), description="share of the batch in the next running statistics")

    def parameters(self, name: str, shape: Shape) -> tuple[Parameter, ...]:
        running = (Parameter(f"{word}_{name}", (shape[0],), "statistic", trainable=False) for word in ("mean", "var"))
        return *super().parameters(name, shape), *running

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        axes = axis_names(shape, name, source)
        places, channel = ",".join(axes), axes[0]
        spread = f"sqrt(var_{name}[{channel}] + {self.epsilon})"
        lines = (
            f"hat_{name}[{places}] = ({source}[{places}] - mean_{name}[{channel}])/{spread}",
            self._scaled(name, places, channel),
        )
        return LayerEquations(lines, shapes={f"hat_{name}": shape})

    def batch_equations(self, name: str, source: str, shape: Shape, samples: Samples) -> LayerEquations:
        axes = axis_names(shape, name, source, samples.index, samples.size)
        channel, n = axes[0], samples.index
        places = ",".join((n, *axes))
        mu, var, hat = f"mu_{name}", f"var_{name}", f"hat_{name}"

        def mean(body: str) -> str:
            for axis in reversed(axes[1:]):
                body = f"sum({axis}, {body})"
            return f"{samples.share_of(prod(shape[1:]))}*sum({n}=1..{samples.size}, {body})"

        centred = f"{source}[{places}] - {mu}[{channel}]"
        lines = (
            f"{mu}[{channel}] = {mean(f'{source}[{places}]')}",
            f"{var}[{channel}] = {mean(f'({centred})^2')}",
            f"{hat}[{places}] = ({centred})/sqrt({var}[{channel}] + {self.epsilon})",
            self._scaled(name, places, channel),
        )
        shapes = {mu: shape[:1], var: shape[:1], hat: shape}
        return LayerEquations(lines, shapes=shapes, batched=frozenset({hat, name}))

    def cost(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Cost:
        places = times(*shape[1:])
        operations = {"add": f"{places} + 1", "sqrt": "1", "divide": places, "multiply": places}
        return self._cost(shape, operations, places, f"{shape[0]}")

    def in_words(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Mapping[str, str]:
        return {**super().in_words(shape, bias=bias), "unit": "channel"}


class GroupNorm(Norm):
    """Mean and variance over each group of channels of one sample (Wu and He 2018, eq. 1); 1 group: all channels.

    >>> GroupNorm(groups=2).equations("y", "x", (6,)).lines[0]
    'mu_y[g] = sum(k=1..3, x[3*g+k-3])/3'
    """

    kind: ClassVar[str] = "groupnorm"
    main: ClassVar[str | None] = "groups"

    groups: Positive = Field(description="number of groups that the channels are divided into")

    def output_shape(self, shape: Shape) -> Shape:
        if shape[0] % self.groups:
            raise ShapeError(f"{shape[0]} channels of {show_shape(shape)} are not divisible into {self.groups} groups")
        if prod(shape) == self.groups:
            raise ShapeError(f"{self.groups} groups of {show_shape(shape)} hold one number each, which has no spread")
        return shape

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        axes = axis_names(shape, name, source)
        places, channel = ",".join(axes), axes[0]
        g, k = fresh_indices("g k", name, source, *axes)
        size, count = shape[0] // self.groups, prod(shape) // self.groups
        mu, var, hat = f"mu_{name}", f"var_{name}", f"hat_{name}"
        group, of = (f"[{g}]", f"[div({channel}-1,{size})+1]") if self.groups > 1 else ("", "")
        member = f"{size}*{g}+{k}-{size}" if self.groups > 1 else k
        read = f"{source}[{','.join((member, *axes[1:]))}]"

        def mean(body: str) -> str:
            for axis in reversed(axes[1:]):
                body = f"sum({axis}, {body})"
            return f"sum({k}=1..{size}, {body})/{count}"

        lines = (
            f"{mu}{group} = {mean(read)}",
            f"{var}{group} = {mean(f'({read} - {mu}{group})^2')}",
            f"{hat}[{places}] = ({source}[{places}] - {mu}{of})/sqrt({var}{of} + {self.epsilon})",
            self._scaled(name, places, channel),
        )
        groups = (self.groups,) if self.groups > 1 else ()
        return LayerEquations(lines, shapes={mu: groups, var: groups, hat: shape})

    def cost(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Cost:
        size = times(shape[0] // self.groups, *shape[1:])
        return self._cost(shape, _of_moments(size), size, f"{self.groups}")

    def in_words(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Mapping[str, str]:
        return {**super().in_words(shape, bias=bias), "unit": "group"}

    def receptive(self, shape: Shape) -> Window:
        return WHOLE


class FeatureNorm(Norm):
    """A norm over one axis: of a vector, of each step of `[time, features]`, or of what `axis` says.

    With `axis: 1` the channels at each place of a map are normalised together (Liu et al. 2022, ConvNeXt).
    """

    axis: Positive | None = Field(None, description="axis that is normalised over, counted from 1; by default the last")

    def output_shape(self, shape: Shape) -> Shape:
        if self.axis is None and len(shape) > 2:
            message = f"{self.kind} works on a vector [features] or on [time, features], but got {show_shape(shape)}"
            hint = "`groupnorm: 1` normalises all channels of a map together, `axis: 1` the channels of each place"
            raise ShapeError(message, hint)
        if self.axis is not None and self.axis > len(shape):
            message = f"{self.kind} is over axis {self.axis}, but its input {show_shape(shape)} has {len(shape)}"
            raise ShapeError(message)
        return shape

    def _over(self, shape: Shape) -> int:
        """The axis that is normalised over, counted from 0."""
        return len(shape) - 1 if self.axis is None else self.axis - 1

    def _channels(self, shape: Shape) -> int:
        return shape[self._over(shape)]

    def _rows(self, shape: Shape) -> Shape:
        """How many rows there are along each of the other axes."""
        over = self._over(shape)
        return (*shape[:over], *shape[over + 1 :])

    def _indices(self, name: str, source: str, shape: Shape) -> tuple[str, str, str, str, str]:
        """The places of an array, their index along the axis, the brackets of a row, k, and the places of a row."""
        axes, over = axis_names(shape, name, source), self._over(shape)
        (k,) = fresh_indices("k", name, source, *axes)
        rows = (*axes[:over], *axes[over + 1 :])
        row = f"[{','.join(rows)}]" if rows else ""
        return ",".join(axes), axes[over], row, k, ",".join((*axes[:over], k, *axes[over + 1 :]))

    def in_words(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Mapping[str, str]:
        words = super().in_words(shape, bias=bias)
        return {"unit": "row", **{key: text.replace("channels", "features") for key, text in words.items()}}

    def receptive(self, shape: Shape) -> Window:
        along_channels = self._over(shape) == (1 if len(shape) == 2 else 0)
        return POINT if len(shape) > 1 and along_channels else WHOLE


class LayerNorm(FeatureNorm):
    """Mean and variance over the features of one sample or step (Ba, Kiros and Hinton 2016, eq. 4).

    >>> LayerNorm().equations("y", "x", (3,)).lines[2]
    'hat_y[i] = (x[i] - mu_y)/sqrt(var_y + 1/100000)'
    """

    kind: ClassVar[str] = "layernorm"
    main: ClassVar[str | None] = "epsilon"

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        places, last, row, k, features = self._indices(name, source, shape)
        mu, var, hat = f"mu_{name}", f"var_{name}", f"hat_{name}"
        lines = (
            f"{mu}{row} = mean({k}, {source}[{features}])",
            f"{var}{row} = mean({k}, ({source}[{features}] - {mu}{row})^2)",
            f"{hat}[{places}] = ({source}[{places}] - {mu}{row})/sqrt({var}{row} + {self.epsilon})",
            self._scaled(name, places, last),
        )
        rows = self._rows(shape)
        return LayerEquations(lines, shapes={mu: rows, var: rows, hat: shape})

    def cost(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Cost:
        size = f"{self._channels(shape)}"
        return self._cost(shape, _of_moments(size), size, times(*self._rows(shape)))


class RmsNorm(FeatureNorm):
    """The features divided by their root mean square, scaled by gamma (Zhang and Sennrich 2019, eq. 4).

    >>> RmsNorm().equations("y", "x", (3,)).lines[:2]
    ('ms_y = mean(k, x[k]^2)', 'hat_y[i] = x[i]/sqrt(ms_y + 1/100000)')
    """

    kind: ClassVar[str] = "rmsnorm"
    main: ClassVar[str | None] = "epsilon"
    shifts: ClassVar[bool] = False

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        places, last, row, k, features = self._indices(name, source, shape)
        lines = (
            f"ms_{name}{row} = mean({k}, {source}[{features}]^2)",
            f"hat_{name}[{places}] = {source}[{places}]/sqrt(ms_{name}{row} + {self.epsilon})",
            self._scaled(name, places, last),
        )
        return LayerEquations(lines, shapes={f"ms_{name}": self._rows(shape), f"hat_{name}": shape})

    def cost(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Cost:
        size = self._channels(shape)
        operations = {"multiply": times(2, size), "add": f"{size}", "sqrt": "1", "divide": f"{size} + 1"}
        return self._cost(shape, operations, "0", times(*self._rows(shape)))


def _of_moments(size: str) -> Mapping[str, str]:
    """What it takes to normalise so many numbers by their own mean and variance, and to scale them.

    Mean and variance take 2·(size - 1) additions, size differences, size squares and 2 divisions; then come size
    differences, epsilon, a root, size divisions and size products.
    """
    return {"add": f"4*{size} - 1", "multiply": f"2*{size}", "divide": f"{size} + 2", "sqrt": "1"}
