"""Arithmetic on the small fixed numbers of a graph: exporters compute shapes and indices with operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import prod, sqrt

from backcalc.layers import Shape
from backcalc.readers.onnx_model import MOST_NUMBERS, OnnxNode, decimal
from backcalc.readers.values import Constant, Misfit

MOST_BITS = 512

_BINARY: Mapping[str, Callable[[Fraction, Fraction], Fraction | int]] = {
    "Add": lambda a, b: a + b,
    "Sub": lambda a, b: a - b,
    "Mul": lambda a, b: a * b,
    "Mod": lambda a, b: a % b,
    "Min": min,
    "Max": max,
    "Equal": lambda a, b: a == b,
    "Less": lambda a, b: a < b,
    "LessOrEqual": lambda a, b: a <= b,
    "Greater": lambda a, b: a > b,
    "GreaterOrEqual": lambda a, b: a >= b,
    "And": lambda a, b: bool(a) and bool(b),
}
_WHOLE = (2, 3, 4, 5, 6, 7, 9, 12, 13)
"""The types of whole numbers, as ONNX numbers them."""

_UNARY: Mapping[str, Callable[[Fraction], Fraction | int]] = {
    "Neg": lambda a: -a,
    "Not": lambda a: not a,
    "Sqrt": lambda a: decimal(sqrt(a)) if a >= 0 else Fraction(0),
    "Identity": lambda a: a,
    "Floor": lambda a: a // 1,
}


def folded(node: OnnxNode, given: Sequence[Constant | None], dims: Shape | None) -> Constant:
    """What an operator makes of fixed numbers; `dims` are the axes that the file gives, where it does."""
    known = [each for each in given if each is not None]
    try:
        whole = node.attributes.get("to") in _WHOLE if node.operator == "Cast" else all(each.integer for each in known)
        found = _folded(node, known)
        if any(
            max(each.numerator.bit_length(), each.denominator.bit_length()) > MOST_BITS for each in found.numbers or ()
        ):
            raise Misfit  # squares of squares have more digits than memory holds
        return replace(found, integer=whole)
    except (Misfit, ZeroDivisionError, IndexError, OverflowError, ValueError, TypeError):
        return Constant(() if dims is None else dims)


def _folded(node: OnnxNode, given: Sequence[Constant]) -> Constant:
    if any(each.numbers is None for each in given):
        raise Misfit
    first = given[0]
    axis = node.attributes.get("axis", 0)
    match node.operator:
        case name if name in _BINARY and len(given) == 2:
            return _elementwise(_BINARY[name], *given)
        case name if name in _UNARY:
            return Constant(first.dims, tuple(Fraction(_UNARY[name](each)) for each in first.numbers or ()))
        case "Div":
            whole = all(each.integer for each in given)
            return _elementwise((lambda a, b: a // b) if whole else (lambda a, b: a / b), *given)
        case "Cast":
            cut = node.attributes.get("to") in _WHOLE
            return Constant(first.dims, tuple(Fraction(int(each)) if cut else each for each in first.numbers or ()))
        case "Squeeze" | "Unsqueeze" | "Reshape" | "Flatten":
            return _other_axes(node, given)
        case "Concat" if all(len(each.dims) == 1 for each in given):
            numbers = tuple(number for each in given for number in each.numbers or ())
            return _bounded((len(numbers),), numbers)
        case "Gather" if isinstance(axis, int) and axis in (0, -len(first.dims)) and len(first.dims) == 1:
            return Constant(given[1].dims, tuple((first.numbers or ())[int(each)] for each in given[1].numbers or ()))
        case "Slice" if len(first.dims) == 1 and len(given) >= 3:
            start, stop = (int(each.numbers[0]) for each in given[1:3] if each.numbers)
            step = int((given[4].numbers or (1,))[0]) if len(given) > 4 else 1
            numbers = (first.numbers or ())[start:stop:step]
            return Constant((len(numbers),), numbers)
        case "Range":
            start, stop, step = (int(each.scalar or 0) for each in given)
            numbers = tuple(map(Fraction, range(start, stop, step)[: MOST_NUMBERS + 1]))
            return _bounded((len(numbers),), numbers)
        case "Expand":
            ones = Constant(tuple(int(size) for size in given[1].numbers or ()), (Fraction(1),))
            return _elementwise(lambda a, b: a, first, Constant(ones.dims, (Fraction(1),) * _count(ones.dims)))
        case "ConstantOfShape":
            dims = tuple(int(size) for size in first.numbers or ())
            value = node.attributes.get("value")
            numbers = getattr(value, "numbers", None) or (Fraction(0),)
            return Constant(dims, numbers[:1] * _count(dims))
        case "Where":
            return _elementwise(lambda a, b: a or b, *given[1:]) if given[0].scalar is None else _either(given)
    raise Misfit


def _either(given: Sequence[Constant]) -> Constant:
    return given[1] if given[0].scalar else given[2]


def _other_axes(node: OnnxNode, given: Sequence[Constant]) -> Constant:
    first = given[0]
    asked = node.attributes.get("axes")
    if not isinstance(asked, tuple):
        asked = tuple(int(each) for each in given[1].numbers or ()) if len(given) > 1 else ()
    if node.operator == "Reshape":
        sizes = list(asked)
        rest = len(first.numbers or ()) // (prod(size for size in sizes if size != -1) or 1)
        return Constant(tuple(rest if size == -1 else size for size in sizes), first.numbers)
    if node.operator == "Squeeze":
        return Constant(squeezed(first.dims, asked), first.numbers)
    return Constant(unsqueezed(first.dims, asked), first.numbers)


def squeezed(dims: Shape, axes: Sequence[int]) -> Shape:
    """The axes without those of length 1 that are named, or all of them.

    >>> squeezed((1, 3, 1), [0]), squeezed((1, 3, 1), [])
    ((3, 1), (3,))
    """
    gone = {axis % len(dims) for axis in axes} if axes else {axis for axis, size in enumerate(dims) if size == 1}
    if any(dims[axis] != 1 for axis in gone):
        raise Misfit(f"of axes that are longer than 1 in {list(dims)}")
    return tuple(size for axis, size in enumerate(dims) if axis not in gone)


def unsqueezed(dims: Shape, axes: Sequence[int]) -> Shape:
    """The axes with new ones of length 1, where they stand in the end.

    >>> unsqueezed((3,), [0, 2])
    (1, 3, 1)
    """
    rank = len(dims) + len(axes)
    new = {axis % rank for axis in axes}
    rest = iter(dims)
    return tuple(1 if axis in new else next(rest) for axis in range(rank))


def _elementwise(function: Callable[[Fraction, Fraction], Fraction | int], a: Constant, b: Constant) -> Constant:
    rank = max(len(a.dims), len(b.dims))
    one, other = ((1,) * (rank - len(each.dims)) + each.dims for each in (a, b))
    dims = tuple(map(max, one, other))
    if _count(dims) and any(len({*pair} - {1}) > 1 for pair in zip(one, other, strict=True)):
        raise Misfit
    numbers = []
    for place in product(*map(range, dims)):
        left, right = ((each.numbers or ())[_offset(place, sizes)] for each, sizes in ((a, one), (b, other)))
        numbers.append(Fraction(function(left, right)))
    return Constant(dims, tuple(numbers))


def _offset(place: Sequence[int], dims: Shape) -> int:
    offset = 0
    for index, size in zip(place, dims, strict=True):
        offset = offset * size + (index if size > 1 else 0)
    return offset


def _count(dims: Shape) -> int:
    count = prod(dims)
    if not 0 <= count <= MOST_NUMBERS:
        raise Misfit
    return count


def _bounded(dims: Shape, numbers: tuple[Fraction, ...]) -> Constant:
    _count(dims)
    return Constant(dims, numbers)
