"""What dense and convolution layers share: a bias that can be left out, and own names for single entries."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, Strict, model_validator

from backcalc.layers.base import Layer, Parameter, Shape, ShapeError, show_shape
from backcalc.layers.fields import Entries, OwnEntries


class WeightedLayer(Layer):
    """A layer with an array of weights and, unless left out, one bias per output unit or map."""

    bias: Annotated[bool, Strict()] = Field(True, description="whether a bias is added")
    weights: OwnEntries | None = Field(
        None, description="own names (a name given twice is one shared weight) or fixed numbers of the weights"
    )
    biases: OwnEntries | None = Field(None, description="own names or fixed numbers of the biases")

    @model_validator(mode="after")
    def _biases_need_bias(self) -> Self:
        if self.biases is not None and not self.bias:
            raise ValueError("biases are named, but bias is false")
        return self


def parameter(
    name: str, given: Entries | None, shape: Shape, role: Literal["weight", "bias"], *, absent: int = 0
) -> Parameter:
    """The array called `name`, or by the one name that was given for it, with the entries that were given.

    Leading axes of length 1 may be left out of the list. Raises ShapeError where a list does not fit the shape.

    >>> parameter("W_q", ("w1", "w2"), (1, 1, 2), "weight").entries
    ((('w1', 'w2'),),)
    """
    match given:
        case None:
            return Parameter(name, shape, role, absent=absent)
        case str():
            return Parameter(given, shape, role, absent=absent)
        case _:
            return Parameter(name, shape, role, entries=_fitted(given, shape, role), absent=absent)


def _fitted(entries: Entries, shape: Shape, role: str) -> Entries:
    """The entries nested exactly as deep as the shape."""
    written = _shape_of(entries)
    left_out = len(shape) - len(written) if written is not None else -1
    if left_out < 0 or shape[left_out:] != written or any(size != 1 for size in shape[:left_out]):
        came = "one number" if written == () else "a list that is not rectangular"
        came = f"a list of shape {show_shape(written)}" if written else came
        plural = "weights" if role == "weight" else "biases"
        raise ShapeError(f"the {plural} have the shape {show_shape(shape)}, but {plural} is {came}")
    for _ in range(left_out):
        entries = (entries,)
    return entries


def _shape_of(entries: Entries) -> Shape | None:
    """The shape of a nested list, None where it is not rectangular."""
    if not isinstance(entries, tuple):
        return ()
    shapes = {_shape_of(item) for item in entries}
    if len(shapes) != 1:
        return None
    (inner,) = shapes
    return None if inner is None else (len(entries), *inner)
