"""The operators of ATen that move numbers and compute none: views, slices, rows of tables."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from backcalc.readers import formulas, operators
from backcalc.readers.exported import Call, Walk
from backcalc.readers.values import Constant, Misfit, Operand, Value, Weight

PARTED = "in parts"
"""What stands for an array whose parts are arrays of their own."""


def same_numbers(walk: Walk, call: Call) -> Operand:
    """What moves no number: the axes are those that the file gives."""
    x = next((each for each in (call.get("self"), call.get("input")) if each is not None), None)
    if isinstance(x, Weight):
        return replace(x, dims=call.dims[0])
    if not isinstance(x, Value):
        return Constant(call.dims[0], x.numbers if isinstance(x, Constant) else None)
    return walk.graph.reshaped(x, call.dims[0])


def permuted(walk: Walk, call: Call) -> Operand:
    """The axes in another order."""
    x, order = call.get("self"), call.get("dims")
    if order is None:
        rank = len(call.dims[0])
        order = [*range(rank)]
        one, other = call.get("dim0", 0) % rank, call.get("dim1", 1) % rank
        order[one], order[other] = other, one
    if isinstance(x, Weight):
        if x.rows is not None:
            return replace(x, dims=call.dims[0])
        if len(x.dims) != 2 or [axis % 2 for axis in order] != [1, 0]:
            raise Misfit("of a trained array")
        return replace(x, dims=x.dims[::-1], turned=not x.turned)
    return walk.graph.transposed(call.word, call.value(), order)


def expanded(walk: Walk, call: Call) -> Operand:
    """Axes of length 1 made longer."""
    x = call.get("self")
    if isinstance(x, Weight):
        return replace(x, dims=call.dims[0])
    return formulas.repeated(walk.graph, call.word, call.value(), call.dims[0])


def concatenated(walk: Walk, call: Call) -> Value:
    """One behind the other."""
    parts = call.get("tensors", [])
    if not all(isinstance(each, Value | Weight) for each in parts):
        raise Misfit("with fixed numbers")
    return operators.concat(walk.graph, call.word, parts, call.get("dim", 0))


def split_up(walk: Walk, call: Call) -> tuple[Operand, ...]:
    """`chunk`, `split` and `unbind`: their lengths are those that the file gives."""
    x, axis = call.get("self"), call.get("dim", 0)
    if isinstance(x, Weight):
        return _rows_of(walk, x, call)
    x, found, start = call.value(), [], 0
    for name, dims in zip(call.makes, call.dims, strict=True):
        length = dims[axis] if len(dims) == len(x.dims) else 1
        part = operators.taken(walk.graph, name, x, axis, start, start + length)
        found.append(walk.graph.reshaped(part, dims))
        start += length
    return tuple(found)


def _rows_of(walk: Walk, x: Weight, call: Call) -> tuple[Operand, ...]:
    """Parts of a trained array, each as an array of its own: the projections of attention are stored as one."""
    known, axis = walk.graph.tied(x), call.get("dim", 0)
    if x.of or x.rows is not None or x.turned or axis or (known or PARTED) != PARTED:
        raise Misfit("of a trained array")
    walk.graph.tie(x, PARTED)
    found, start = list[Operand](), 0
    for dims in call.dims:
        stop = start + dims[0] if len(dims) == len(x.dims) else start + 1
        found.append(Weight(f"{x.name}[{start}:{stop}]", dims, dims))
        start = stop
    return tuple(found)


def sliced(walk: Walk, call: Call) -> Operand:
    """Some cells of an axis."""
    x = call.get("self")
    if isinstance(x, Weight):
        return replace(x, dims=call.dims[0])
    axis, far = call.get("dim", 0), 1 << 62
    start, stop = call.get("start", 0), call.get("end", far)
    return operators.taken(walk.graph, call.word, call.value(), axis, start, stop, call.get("step", 1))


def selected(walk: Walk, call: Call) -> Value:
    """One cell of an axis, which is then gone."""
    return operators.selected(walk.graph, call.word, call.value(), call.get("dim", 0), call.get("index", 0))


def gathered(walk: Walk, call: Call) -> Operand:
    """Rows of a trained table, as many as the fixed numbers between the brackets."""
    table, (rows, *others) = call.get("self"), call.get("indices", [None])
    if not isinstance(table, Weight) or not isinstance(rows, Constant) or any(each is not None for each in others):
        raise Misfit
    return replace(table, dims=call.dims[0], rows=prod(rows.dims))


def rolled(walk: Walk, call: Call) -> Value:
    """The cells of an axis moved on, those at its end to its beginning."""
    found, shifts, axes = call.value(), call.get("shifts", []), call.get("dims", [])
    if len(axes) != len(shifts):
        raise Misfit("over all axes")
    for number, (shift, axis) in enumerate(zip(shifts, axes, strict=True)):
        cut = -shift % found.dims[axis]
        if cut:
            far = found.dims[axis]
            parts = [
                operators.taken(walk.graph, f"{call.word}_{part}_{number + 1}", found, axis, start, stop)
                for part, start, stop in (("first", cut, far), ("last", 0, cut))
            ]
            found = operators.concat(walk.graph, f"{call.word}_{number + 1}", parts, axis)
    return found


def embedded(walk: Walk, call: Call) -> Operand:
    """Rows of a table, one for each token."""
    weight, tokens = call.weight("weight"), call.get("indices")
    if weight is None:
        raise Misfit
    if isinstance(tokens, Constant) and tokens.scalar is not None and tokens.dims[:1] == (walk.graph.batch,):
        like = Value("", tokens.dims)
        fixed = walk.graph.given(f"{call.word}_tokens", replace(tokens, dims=(1, *tokens.dims[1:])), like)
        return operators.embedding(walk.graph, call.word, weight, fixed)
    if isinstance(tokens, Constant):
        return replace(weight, dims=(*tokens.dims, *weight.dims[1:]))
    return operators.embedding(walk.graph, call.word, weight, call.value("indices"))
