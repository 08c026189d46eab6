"""What scales the branch of a residual before it is added: layer scale and stochastic depth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from backcalc.layers.base import Cost, Layer, LayerEquations, Parameter, Samples, Shape, axis_names, times
from backcalc.layers.noise import Dropout


class LayerScale(Layer):
    """`y = gamma*x`, one learned gain a channel, or a feature of [time, features] (Touvron et al. 2021, CaiT, eq. 4).

    >>> LayerScale().equations("y", "x", (4, 3)).lines
    ('y[t,j] = gamma_y[j]*x[t,j]',)
    """

    kind: ClassVar[str] = "layer_scale"

    @staticmethod
    def _axis(shape: Shape) -> int:
        """The axis of the channels: the first of a map, the last of [time, features]."""
        return 1 if len(shape) == 2 else 0

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def parameters(self, name: str, shape: Shape) -> tuple[Parameter, ...]:
        return (Parameter(f"gamma_{name}", (shape[self._axis(shape)],), "weight"),)

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        axes = axis_names(shape, name, source)
        places = ",".join(axes)
        return LayerEquations((f"{name}[{places}] = gamma_{name}[{axes[self._axis(shape)]}]*{source}[{places}]",))

    def cost(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Cost:
        gains, places = f"{shape[self._axis(shape)]}", times(*shape)
        return Cost(weights=gains, params=gains, connections=places, operations={"multiply": "1"}, units=places)

    def in_words(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Mapping[str, str]:
        gains = "features" if len(shape) == 2 else "channels"
        return {"weights": gains, "params": gains, "connections": "outputs"}


class StochasticDepth(Dropout):
    """`y = mask*x/(1 - rate)`, one mask for all numbers of a sample (Huang et al. 2016, section 3; scaled as dropout).

    >>> StochasticDepth(rate="1/2").batch_equations("y", "x", (3,), Samples("n", "N")).lines
    ('y[i] = 2*mask_y*x[i]',)
    """

    kind: ClassVar[str] = "stochastic_depth"

    def batch_equations(self, name: str, source: str, shape: Shape, samples: Samples) -> LayerEquations:
        places = ",".join(axis_names(shape, name, source))
        mask = f"{self.drawn}_{name}"
        line = f"{name}[{places}] = {self._disturbed(f'{source}[{places}]', mask)}"
        return LayerEquations((line,), draws={mask: ()})
