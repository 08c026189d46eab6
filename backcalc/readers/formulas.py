"""What has no layer of its own, as a layer of equations: elementwise arithmetic, means, padding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from math import isqrt

from backcalc.layers import Shape
from backcalc.layers.base import axis_names
from backcalc.readers.draft import clean
from backcalc.readers.operators import simple
from backcalc.readers.values import Constant, Graph, Misfit, Operand, Value, Weight

SIGNS: Mapping[str, str] = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
LONGEST_NUMBER = 60


def number(value: Fraction) -> str:
    """A number as a formula has it."""
    text = f"{value}"
    if len(text) > LONGEST_NUMBER:
        raise Misfit("with a number of too many digits")
    return text if value.denominator == 1 and value >= 0 else f"({text})"


def elementwise(graph: Graph, word: str, function: str, x: Value) -> Value:
    """A function of each number alone, as `sqrt({})`."""
    name = graph.draft.fresh(clean(word, "formula"))
    source, shape = graph.read(x), graph.sample(x)
    places = ",".join(axis_names(shape, name, source))
    text = f"{name}[{places}] = {function.format(f'{source}[{places}]')}"
    return replace(x, name=graph.draft.add("formula", name, [source], equations=text))


def arithmetic(graph: Graph, word: str, operation: str, a: Operand, b: Operand) -> Value:
    """`a + b`, `a - b`, `a*b` or `a/b`, number by number, broadcast as in NumPy."""
    if isinstance(a, Value) and isinstance(b, Value):
        return _of_values(graph, word, operation, a, b)
    if isinstance(a, Value) and isinstance(b, Constant):
        return _with_number(graph, word, operation, a, b)
    if isinstance(a, Constant) and isinstance(b, Value):
        if operation in ("add", "mul"):
            return _with_number(graph, word, operation, b, a)
        if a.scalar is None:
            raise Misfit("of fixed numbers")
        return elementwise(graph, word, f"{number(a.scalar)} {SIGNS[operation]} {{}}", b)
    if isinstance(a, Value) and isinstance(b, Weight):
        return _with_weight(graph, word, operation, a, b, swapped=False)
    if isinstance(a, Weight) and isinstance(b, Value):
        return _with_weight(graph, word, operation, b, a, swapped=True)
    raise Misfit("of what is not computed")


def _of_values(graph: Graph, word: str, operation: str, a: Value, b: Value) -> Value:
    one, other = _aligned(graph.sample(a), graph.sample(b))
    longer = a if len(a.dims) >= len(b.dims) else b
    dims = _broadcast(a.dims, b.dims)
    sources = [graph.read(a, one), graph.read(b, other)]
    kind = {"add": "add", "mul": "multiply"}.get(operation)
    if kind == "multiply" or (kind == "add" and one == other):
        return replace(longer, name=graph.draft.add(kind, word, sources), dims=dims)
    name = graph.draft.fresh(clean(word, "formula"))
    out = _broadcast(one, other)
    axes = axis_names(out, name, *sources)
    left, right = (
        f"{source}[{','.join(_places(shape, out, axes))}]" for source, shape in zip(sources, (one, other), strict=True)
    )
    text = f"{name}[{','.join(axes)}] = {left} {SIGNS[operation]} {right}"
    shape = list(out) if out not in (one, other) else None
    added = graph.draft.add("formula", name, list(dict.fromkeys(sources)), equations=text, shape=shape)
    return replace(longer, name=added, dims=dims)


def _with_number(graph: Graph, word: str, operation: str, x: Value, constant: Constant) -> Value:
    """With one fixed number: a layer that subtracts and divides, or none where nothing changes."""
    value = constant.scalar
    if value is None:
        return _of_values(graph, word, operation, x, graph.given(f"{word}_fixed", constant, x))
    dims = _broadcast(x.dims, constant.dims)
    if len(dims) != len(x.dims) or dims != x.dims:
        raise Misfit("with fixed numbers of more axes")
    if value == (0 if operation in ("add", "sub") else 1):
        return x
    if value == 0:
        raise Misfit("with 0")
    mean = {"add": -value, "sub": value}.get(operation, Fraction(0))
    std = {"mul": 1 / value, "div": value}.get(operation, Fraction(1))
    if max(len(f"{mean}"), len(f"{std}")) > LONGEST_NUMBER:
        raise Misfit("with a number of too many digits")
    said = f"{SIGNS[operation]} {float(value):.6g}"
    return simple(graph, word, "normalise", x, mean=mean, std=std, comment=f"the file has {said}")


def _with_weight(graph: Graph, word: str, operation: str, x: Value, weight: Weight, *, swapped: bool) -> Value:
    """With a trained array: learned positions, a gain a channel, or a formula with a parameter."""
    shape = graph.sample(x)
    if weight.of:
        raise Misfit("with weights that are computed")
    if weight.rows is not None:
        return _with_places(graph, word, operation, x, weight)
    own = weight.dims
    while len(own) > len(shape) and own[0] == 1:
        own = own[1:]
    if _broadcast(own, shape) != shape or len(own) > len(shape):
        raise Misfit(f"of {list(weight.dims)} and {list(shape)}")
    rows = len(shape) == 2 and own == shape and weight.stored[-1:] == shape[-1:] and len(weight.stored) >= 2
    if operation == "add" and rows and weight.stored[-2] >= shape[0] and graph.tied(weight) is None:
        length = weight.stored[-2]
        name = graph.draft.add("positional", word, [graph.read(x)], length=length)
        graph.tie(weight, f"P_{name}")
        return replace(x, name=name)
    name = graph.draft.fresh(clean(word, "formula"))
    source = graph.read(x)
    known = graph.tied(weight)
    array = known or graph.draft.fresh(clean(f"w_{weight.name}", "w"))
    axes = axis_names(shape, name, source, array)
    if weight.turned or own != tuple(weight.stored)[-len(own) :] or len(weight.stored) > 8:
        raise Misfit("with a view of a trained array")
    stored = weight.stored
    full = (*("1",) * (len(stored) - len(own)), *_places(own, shape[-len(own) :], axes[len(axes) - len(own) :]))
    learned = f"{array}[{','.join(full)}]" if stored else array
    computed = f"{source}[{','.join(axes)}]"
    first, second = (learned, computed) if swapped else (computed, learned)
    text = f"{name}[{','.join(axes)}] = {first} {SIGNS[operation]} {second}"
    added = graph.draft.add("formula", name, [source], equations=text, parameters={array: list(stored)})
    graph.tie(weight, array)
    return replace(x, name=added)


def _with_places(graph: Graph, word: str, operation: str, x: Value, table: Weight) -> Value:
    """With a number for every relative place of two cells of a window (Liu et al., "Swin Transformer", 2021, eq. 4).

    Which row of the table stands where is not read: it is taken to be as in the paper.
    """
    shape, steps = graph.sample(x), x.dims[-1]
    side = isqrt(steps)
    across = 2 * side - 1
    places, heads = table.stored if len(table.stored) == 2 else (0, 0)
    rows_fit = (table.rows, places, steps) == (steps**2, across**2, side**2)
    if operation != "add" or not rows_fit or shape[-3:] != (heads, steps, steps) or table.dims[-3:] != shape[-3:]:
        raise Misfit("with rows of a trained table")
    name, source = graph.draft.fresh(clean(word, "formula")), graph.read(x)
    known = graph.tied(table)
    array = known or graph.draft.fresh(clean(f"w_{table.name}", "w"))
    axes = axis_names(shape, name, source, array)
    *_, head, t, u = axes
    row, column = f"div({t}-1,{side})-div({u}-1,{side})", f"mod({t}-1,{side})-mod({u}-1,{side})"
    place = f"{across}*({row})+{column}+{across * (side - 1) + side}"
    text = f"{name}[{','.join(axes)}] = {source}[{','.join(axes)}] + {array}[{place},{head}]"
    comment = "the rows of its table are taken to be the places of two cells, seen from each other, row by row"
    arrays = {array: list(table.stored)}
    added = graph.draft.add("formula", name, [source], equations=text, parameters=arrays, comment=comment)
    graph.tie(table, array)
    return replace(x, name=added)


def mean(graph: Graph, word: str, x: Value, axes: Sequence[int], *, keep: bool, function: str = "sum") -> Value:
    """The mean along axes of the file (`function="sum"`), or their largest or smallest number (`max`, `min`)."""
    along = sorted(graph.axis(x, axis) for axis in axes)
    shape, source = graph.sample(x), graph.read(x)
    name = graph.draft.fresh(clean(word, "formula"))
    places = axis_names(shape, name, source)
    body = f"{source}[{','.join(places)}]"
    for axis in reversed(along):
        body = f"{function}({places[axis]}, {body})"
    count = 1
    for axis in along:
        count *= shape[axis]
    rest = [place for axis, place in enumerate(places) if axis not in along]
    divided = f"{body}/{count}" if function == "sum" else body
    if not rest:
        raise Misfit("of a whole sample")
    added = graph.draft.add("formula", name, [source], equations=f"{name}[{','.join(rest)}] = {divided}")
    gone = {axis % len(x.dims) for axis in axes}
    kept = tuple(1 if axis in gone else size for axis, size in enumerate(x.dims) if keep or axis not in gone)
    batch = x.batch if keep else x.batch - sum(axis < x.batch for axis in gone)
    return Value(added, kept, batch, x.folded)


def repeated(graph: Graph, word: str, x: Value, dims: Shape) -> Value:
    """Axes of length 1 made longer."""
    shape = graph.sample(x)
    longer = len(dims) - len(x.dims)
    wide = Value("", dims, x.batch + longer, x.folded)
    out = graph.sample(wide)
    if out == shape or dims == x.dims:
        return replace(x, dims=dims, batch=x.batch + longer)
    if longer or x.folded or dims[x.batch] != x.dims[x.batch]:
        raise Misfit("to more samples or axes")
    name, source = graph.draft.fresh(clean(word, "repeated")), graph.read(x)
    axes = axis_names(out, name, source)
    text = f"{name}[{','.join(axes)}] = {source}[{','.join(_places(shape, out, axes))}]"
    return replace(wide, name=graph.draft.add("formula", name, [source], equations=text, shape=list(out)))


def _aligned(one: Shape, other: Shape) -> tuple[Shape, Shape]:
    rank = max(len(one), len(other))
    return (1,) * (rank - len(one)) + one, (1,) * (rank - len(other)) + other


def _broadcast(one: Shape, other: Shape) -> Shape:
    left, right = _aligned(one, other)
    if any(len({*pair} - {1}) > 1 for pair in zip(left, right, strict=True)):
        raise Misfit(f"of {list(one)} and {list(other)}")
    return tuple(map(max, left, right))


def _places(own: Shape, out: Shape, axes: Sequence[str]) -> list[str]:
    return ["1" if size == 1 < whole else axis for size, whole, axis in zip(own, out, axes, strict=True)]
