"""The product of two computed matrices, as attention has them: scores `q k`, contexts `p v`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from backcalc.layers.base import (
    WHOLE,
    Cost,
    LayerEquations,
    Shape,
    ShapeError,
    Window,
    fresh_indices,
    show_shape,
    times,
)
from backcalc.layers.merge import Merge, places_in


class Matmul(Merge):
    """`y[i,j] = sum(k, a[i,k]*b[k,j])` along the last two axes; the axes before them, heads, go side by side.

    An axis of length 1 before the last two stands for all lengths.

    >>> heads = Matmul(inputs=["p", "v"]).reading(("p", "v"), ((12, 5, 5), (12, 5, 64)))
    >>> heads.output_shape((12, 5, 5)), heads.equations("y", "p", (12, 5, 5)).lines
    ((12, 5, 64), ('y[h,i,j] = sum(k, p[h,i,k]*v[h,k,j])',))
    >>> heads.cost((12, 5, 5)).macs
    '12*5*64*5'
    """

    kind: ClassVar[str] = "matmul"

    def _fit(self, shapes: tuple[Shape, ...]) -> None:
        came = ", ".join(show_shape(shape) for shape in shapes)
        if len(shapes) != 2:
            raise ShapeError(f"matmul multiplies two matrices, but got {came}")
        (*before, _, inner), (*other, height, _) = (shape if len(shape) > 1 else (0, 0) for shape in shapes)
        if len(before) != len(other) or any(len({*pair} - {1}) > 1 for pair in zip(before, other, strict=True)):
            raise ShapeError(f"matmul needs two matrices, or as many of both, but got {came}")
        if inner != height or not inner:
            hint = "`transpose` turns one of them round"
            raise ShapeError(f"matmul needs as many columns first as rows second, but got {came}", hint)
        if len(shapes[0]) > 5:
            raise ShapeError(f"matmul has at most 3 axes before the last two, but got {came}")

    def output_shape(self, shape: Shape) -> Shape:
        if not self._shapes:
            return shape
        (*before, rows, _), (*other, _, columns) = self._shapes
        return (*map(max, before, other), rows, columns)

    def shape_formula(self, shape: Shape) -> str:
        return "rows of the first, columns of the second"

    def equations(self, name: str, source: str, shape: Shape) -> LayerEquations:
        first, second = self.inputs
        out = self.output_shape(shape)
        *lead, i, j, k = fresh_indices(" ".join((*"hgf"[: len(out) - 2], *"ijk")), name, *self.inputs)
        left, right = (places_in(own[:-2], out[:-2], tuple(lead)) for own in self._shapes)
        product = f"{first}[{','.join((*left, i, k))}]*{second}[{','.join((*right, k, j))}]"
        return LayerEquations((f"{name}[{','.join((*lead, i, j))}] = sum({k}, {product})",))

    def cost(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Cost:
        out, inner = self.output_shape(shape), shape[-1]
        return Cost(
            macs=times(*out, inner),
            operations={"multiply": f"{inner}", "add": f"{inner - 1}"},
            units=times(*out),
        )

    def in_words(self, shape: Shape, *, bias: bool = True, padding_connections: bool = True) -> Mapping[str, str]:
        return {"macs": "outputs·columns of the first"}

    def receptive(self, shape: Shape) -> Window:
        return WHOLE
