"""The operators that files of graphs share, as layers: products, windows, norms, and what moves numbers.

`word` is what the file calls the result. What has no layer here raises Misfit, and becomes an unknown operator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Any

from backcalc.readers.draft import alike
from backcalc.readers.padding import zeros_around
from backcalc.readers.values import Graph, Misfit, Value, Weight


def simple(graph: Graph, word: str, kind: str, x: Value, **arguments: Any) -> Value:
    """A layer that keeps the shape, as an activation."""
    return replace(x, name=graph.draft.add(kind, word, [graph.read(x)], **arguments))


def dense(graph: Graph, word: str, x: Value, weight: Weight, bias: Weight | None, *, by_columns: bool) -> Value:
    """`x W + b` along the last axis; `by_columns` where the file holds W as [in, out]."""
    if len(weight.dims) != 2 or (bias is not None and prod(bias.dims) not in (1, max(weight.dims[by_columns], 1))):
        raise Misfit(f"a matrix is needed, not {list(weight.dims)}")
    graph.axis(x, -1)
    *lead, features = graph.sample(x)
    inner, units = weight.dims if by_columns else weight.dims[::-1]
    if inner != features:
        raise Misfit(f"{inner} rows of weights for {features} features")
    source = graph.read(x, (prod(lead), features) if len(lead) > 1 else None)
    rows = weight.turned == by_columns  # whether the array itself is [out, in], as ours are
    known = graph.tied(weight) if rows else None
    name = graph.draft.add(
        "dense",
        word,
        [source],
        units=units,
        bias=None if bias is not None else False,
        weights=known,
        biases=graph.tied(bias),
        comment="the weights are those of an earlier layer" if known else None,
    )
    graph.tie(weight if rows else None, known or f"W_{name}")
    graph.tie(bias, f"b_{name}")
    return Value(name, (*x.dims[:-1], units), x.batch, x.folded)


def convolution(
    graph: Graph,
    word: str,
    x: Value,
    weight: Weight,
    bias: Weight | None,
    *,
    stride: Sequence[int],
    pads: Sequence[tuple[int, int]] | str,
    dilation: Sequence[int],
    groups: int,
    comment: str | None = None,
) -> Value:
    """A window of weights over the spatial axes; `pads` are the cells before and after each of them."""
    filters, _, *kernel = weight.dims
    _in_channels_first(graph, x, len(kernel))
    padding: str | int | list[int]
    if isinstance(pads, str):
        padding = pads
    elif all(before == after for before, after in pads):
        padding = alike([before for before, _ in pads])
    elif _is_same(graph.sample(x)[1:], kernel, stride, dilation, pads):
        padding = "same"
    else:
        x, padding = padded(graph, f"{word}_padded", x, [(0, 0), *pads]), 0
    known = graph.tied(weight)
    name = graph.draft.add(
        f"conv{len(kernel)}d",
        word,
        [graph.read(x)],
        filters=filters,
        kernel=alike(kernel),
        stride=_unless(1, stride),
        padding=padding or None,
        dilation=_unless(1, dilation),
        groups=groups if groups > 1 else None,
        bias=None if bias is not None else False,
        weights=known,
        biases=graph.tied(bias),
        comment=comment,
    )
    graph.tie(weight, known or f"W_{name}")
    graph.tie(bias, f"b_{name}")
    return _placed(graph, name, x)


def transposed_convolution(
    graph: Graph,
    word: str,
    x: Value,
    weight: Weight,
    bias: Weight | None,
    *,
    stride: Sequence[int],
    pads: Sequence[tuple[int, int]],
    output_padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Value:
    """A convolution read backwards; weights are `[in, out/groups, …]`. Pads that differ by a cell are taken up."""
    _, per_group, *kernel = weight.dims
    _in_channels_first(graph, x, len(kernel))
    if len(kernel) > 2:
        raise Misfit("over three axes")
    extra = [more + before - after for more, (before, after) in zip(output_padding, pads, strict=True)]
    if min(extra, default=0) < 0:
        raise Misfit("more is cut off at the end than at the beginning")
    name = graph.draft.add(
        f"conv_transpose{len(kernel)}d",
        word,
        [graph.read(x)],
        filters=per_group * groups,
        kernel=alike(kernel),
        stride=_unless(1, stride),
        padding=_unless(0, [before for before, _ in pads]),
        output_padding=_unless(0, extra),
        dilation=_unless(1, dilation),
        groups=groups if groups > 1 else None,
        bias=None if bias is not None else False,
    )
    return _placed(graph, name, x)


def pool(
    graph: Graph,
    word: str,
    kind: str,
    x: Value,
    *,
    size: Sequence[int],
    stride: Sequence[int],
    pads: Sequence[tuple[int, int]],
    ceil: bool = False,
    counts_padding: bool = True,
) -> Value:
    """`maxpool` or `avgpool` over the spatial axes."""
    _in_channels_first(graph, x, len(size))
    if len(size) > 2:
        raise Misfit("over three axes")
    padding: str | int | list[int] | None
    if all(before == after for before, after in pads):
        padding = _unless(0, [before for before, _ in pads])
    elif _is_same(graph.sample(x)[1:], size, stride, [1] * len(size), pads):
        padding = "same"
    else:
        raise Misfit("with more padding on one side")
    if kind == "avgpool" and padding is not None and not counts_padding:
        raise Misfit("whose means leave padding out")
    return _placed(
        graph,
        graph.draft.add(
            f"{kind}{len(size)}d",
            word,
            [graph.read(x)],
            size=alike(list(size)),
            stride=None if list(stride) == list(size) else alike(list(stride)),
            padding=padding,
            ceil=ceil or None,
        ),
        x,
    )


def batch_norm(graph: Graph, word: str, x: Value, *, epsilon: object, momentum: object, scaled: bool) -> Value:
    """Batch norm over the channels, the axis behind the samples."""
    if not scaled:
        raise Misfit("without a scale and a shift")
    if x.batch != 0 or x.folded or len(x.dims) < 2:
        raise Misfit("where the channels do not come first")
    return simple(graph, word, "batchnorm", x, epsilon=epsilon, momentum=momentum)


def feature_norm(graph: Graph, word: str, kind: str, x: Value, features: Sequence[int], epsilon: object) -> Value:
    """Layer norm or RMS norm over the last axis."""
    shape = graph.sample(x)
    if len(features) != 1 or shape[-1] != features[0]:
        raise Misfit(f"over {len(features)} axes")
    return simple(graph, word, kind, x, epsilon=epsilon, axis=len(shape) if len(shape) > 2 else None)


def softmax(graph: Graph, word: str, kind: str, x: Value, axis: int) -> Value:
    """Softmax along an axis; where that is not the last, it is the last for a moment."""
    graph.axis(x, axis)
    last = len(x.dims) - 1
    if axis % len(x.dims) == last:
        return simple(graph, word, kind, x)
    order = [*range(len(x.dims))]
    order[axis % len(x.dims)], order[last] = last, axis % len(x.dims)
    turned = simple(graph, word, kind, graph.transposed(f"{word}_turned", x, order))
    return graph.transposed(f"{word}_back", turned, order)


def embedding(graph: Graph, word: str, weight: Weight, tokens: Value) -> Value:
    """Rows of a table, one for each token."""
    vocabulary, units = weight.dims
    if graph.tied(weight):
        raise Misfit("of a table that another layer has")
    name = graph.draft.add(
        "embedding", word, [graph.read(tokens, (prod(graph.sample(tokens)),))], vocabulary=vocabulary, units=units
    )
    graph.tie(weight, f"E_{name}")
    return Value(name, (*tokens.dims, units), tokens.batch, tokens.folded)


def matmul(graph: Graph, word: str, a: Value, b: Value) -> Value:
    """The product of two computed arrays along the last two axes."""
    one, other = graph.sample(a), graph.sample(b)
    if min(len(one), len(other)) < 2:
        raise Misfit(f"of {list(one)} and {list(other)}")
    for value in (a, b):
        graph.axis(value, -1)
        graph.axis(value, -2)
    rank = max(len(one), len(other))
    one, other = (*(1,) * (rank - len(one)), *one), (*(1,) * (rank - len(other)), *other)
    name = graph.draft.add("matmul", word, [graph.read(a, one), graph.read(b, other)])
    longer = a if len(a.dims) >= len(b.dims) else b
    lead = [max(pair) for pair in zip(_lead(a, longer), _lead(b, longer), strict=True)]
    return Value(name, (*lead, a.dims[-2], b.dims[-1]), longer.batch, longer.folded)


def _lead(value: Value, longer: Value) -> tuple[int, ...]:
    """The axes before the last two, as many as the longer value has."""
    return (*(1,) * (len(longer.dims) - len(value.dims)), *value.dims[:-2])


def concat(graph: Graph, word: str, parts: Sequence[Value | Weight], axis: int) -> Value:
    """One behind the other along an axis; a single learned row in front of the steps is a class token."""
    values = [part for part in parts if isinstance(part, Value)]
    axis %= len(parts[0].dims)
    along = graph.axis(values[0], axis)
    if len(values) < len(parts):
        token, rest = parts[0], values[0]
        shape = graph.sample(rest)
        alone = isinstance(token, Weight) and prod(token.stored) == shape[-1]
        if len(parts) == 2 and alone and isinstance(token, Weight) and along == 0 and len(shape) == 2:
            name = graph.draft.add("class_token", word, [graph.read(rest)])
            return replace(rest, name=name, dims=_with(rest.dims, axis, rest.dims[axis] + 1))
        raise Misfit("of learned and computed parts")
    total = sum(value.dims[axis] for value in values)
    if len({(value.batch, value.folded, len(value.dims)) for value in values}) > 1:
        raise Misfit("of parts whose samples stand in different places")
    if len(values) == 1:
        return values[0]
    name = graph.draft.add("concat", word, [graph.read(value) for value in values], axis=along + 1 if along else None)
    return replace(values[0], name=name, dims=_with(values[0].dims, axis, total))


def taken(graph: Graph, word: str, x: Value, axis: int, start: int, stop: int, step: int = 1) -> Value:
    """The cells from `start` up to but not `stop` along an axis, counted from 0."""
    axis %= len(x.dims)
    size = x.dims[axis]
    start, stop = (max(0, min(size, end + size if end < 0 else end)) for end in (start, stop))
    if start == 0 and stop == size and step == 1:
        return x
    if stop <= start or step < 1:
        raise Misfit(f"from {start} to {stop} by {step}")
    along = graph.axis(x, axis)
    name = graph.draft.add(
        "slice",
        word,
        [graph.read(x)],
        start=start + 1,
        stop=stop,
        step=step,
        axis=along + 1,
    )
    return replace(x, name=name, dims=_with(x.dims, axis, -(-(stop - start) // step)))


def selected(graph: Graph, word: str, x: Value, axis: int, index: int) -> Value:
    """One cell of an axis, which is then gone."""
    axis %= len(x.dims)
    index += x.dims[axis] if index < 0 else 0
    found = taken(graph, word, x, axis, index, index + 1)
    return graph.reshaped(found, (*found.dims[:axis], *found.dims[axis + 1 :]))


def padded(graph: Graph, word: str, x: Value, pads: Sequence[tuple[int, int]]) -> Value:
    """Zeros before and after each axis of a sample."""
    if any(min(pair) < 0 for pair in pads):
        raise Misfit("that cuts cells off")
    if not any(map(any, pads)):
        return x
    name = zeros_around(graph.draft, word, graph.read(x), pads)
    return _placed(graph, name, x)


def global_mean(graph: Graph, word: str, x: Value, *, keep: bool) -> Value:
    """The mean of each channel."""
    channels = graph.sample(x)[0]
    name = graph.draft.add("global_avgpool", word, [graph.read(x)])
    return Value(name, (x.dims[0], channels, *((1,) * (len(x.dims) - 2) if keep else ())))


def _in_channels_first(graph: Graph, x: Value, axes: int) -> None:
    """Refuses what is not [samples, channels, …]."""
    if (x.folded and graph.batch > 1) or len(x.dims) != axes + 2 or x.batch != 0:
        raise Misfit(f"over {list(x.dims)}")


def _placed(graph: Graph, name: str, x: Value) -> Value:
    """What a layer puts out whose samples come first."""
    return Value(name, (x.dims[0], *graph.draft.shapes[name]), 0, x.folded)


def _unless(default: int, numbers: Sequence[int]) -> int | list[int] | None:
    """The numbers, or None where all of them are the default."""
    return None if set(numbers) <= {default} else alike(list(numbers))


def _with(dims: tuple[int, ...], axis: int, size: int) -> tuple[int, ...]:
    return (*dims[:axis], size, *dims[axis + 1 :])


def _is_same(
    sizes: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    pads: Sequence[tuple[int, int]],
) -> bool:
    """Whether the pads are those of `same`: as many outputs as inputs, divided by the stride, an odd cell last."""
    for size, taps, step, apart, (before, after) in zip(sizes, kernel, stride, dilation, pads, strict=True):
        missing = max(0, (-(-size // step) - 1) * step + (taps - 1) * apart + 1 - size)
        if (before, after) != (missing // 2, missing - missing // 2):
            return False
    return True
