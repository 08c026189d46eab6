"""Layers that are random while a network trains, and do nothing afterwards: dropout and Gaussian noise.

A derivation over a mini-batch trains: what was drawn is then an array of the equations, given like an input. The
derivation of one sample is of the network as it is used, where these layers hand on what they read.
"""

from __future__ import annotations

from abc import abstractmethod
from fractions import Fraction
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from backcalc.layers.base import Layer, LayerEquations, Samples, Shape, axis_names
from backcalc.layers.fields import Exact


def _share(value: Fraction) -> Fraction:
    if not 0 <= value < 1:
        raise ValueError("expected a number from 0 to less than 1")
    return value


def _spread(value: Fraction) -> Fraction:
    if value < 0:
        raise ValueError("expected a number from 0")
    return value


class _Noise(Layer):
    """A layer of one drawn number for every number of a sample; `drawn` is how the array of them begins."""

    drawn: ClassVar[str]

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        places = ",".join(axis_names(shape, name, source))
        return LayerEquations((f"{name}[{places}] = {source}[{places}]",))

    def batch_equations(self, name: str, source: str, shape: Shape, samples: Samples) -> LayerEquations:
        array = f"{self.drawn}_{name}"
        places = ",".join(axis_names(shape, name, source))
        line = f"{name}[{places}] = {self._disturbed(f'{source}[{places}]', f'{array}[{places}]')}"
        return LayerEquations((line,), draws={array: shape})

    @abstractmethod
    def _disturbed(self, number: str, drawn: str) -> str:
        """What becomes of a number of the input."""


class Dropout(_Noise):
    """`y = mask*x/(1 - rate)`, the mask 1 with probability 1 - rate, else 0 (Srivastava et al. 2014, inverted).

    >>> Dropout(rate="1/2").batch_equations("y", "x", (3,), Samples("n", "N")).lines
    ('y[i] = 2*mask_y[i]*x[i]',)
    >>> Dropout(rate="1/2").equations("y", "x", (3,)).lines
    ('y[i] = x[i]',)
    """

    kind: ClassVar[str] = "dropout"
    main: ClassVar[str | None] = "rate"
    drawn: ClassVar[str] = "mask"

    rate: Annotated[Exact, AfterValidator(_share)] = Field(description="share of the numbers that are set to 0")

    def _disturbed(self, number: str, drawn: str) -> str:
        factor = 1 / (1 - self.rate)
        return f"{drawn}*{number}" if factor == 1 else f"{factor}*{drawn}*{number}"


class GaussianNoise(_Noise):
    """`y = x + std*noise`, the noise of mean 0 and variance 1.

    >>> GaussianNoise(std="0.1").batch_equations("y", "x", (3,), Samples("n", "N")).lines
    ('y[i] = x[i] + 1/10*noise_y[i]',)
    """

    kind: ClassVar[str] = "gaussian_noise"
    main: ClassVar[str | None] = "std"
    drawn: ClassVar[str] = "noise"

    std: Annotated[Exact, AfterValidator(_spread)] = Field(description="standard deviation of the noise")

    def _disturbed(self, number: str, drawn: str) -> str:
        return f"{number} + {drawn}" if self.std == 1 else f"{number} + {self.std}*{drawn}"
