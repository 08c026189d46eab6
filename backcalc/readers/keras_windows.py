"""Convolutions, pooling, and zeros around, of Keras: windows that slide over channels-last images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from backcalc.readers.draft import alike
from backcalc.readers.keras_model import Walk
from backcalc.readers.keras_shared import Config, Layer, activated, check_activation, one, shared
from backcalc.readers.keras_tensor import Tensor, channels_first, keras_shape
from backcalc.readers.values import Misfit


def _pads(x: Tensor, config: Config, sizes: Sequence[int], kernel: Sequence[int]) -> tuple[Tensor, Any]:
    """The padding of a window, with zeros that stand around already; what is left of them stays."""
    padding = config.get("padding", "valid")
    if not x.pads or padding != "valid":
        return x, None if padding == "valid" else padding
    if all(before == after for before, after in x.pads):
        return replace(x, pads=()), alike([before for before, _ in x.pads])
    strides, spread = config.get("strides", 1), config.get("dilation_rate", 1)
    for axis, (size, taps, pair) in enumerate(zip(sizes, kernel, x.pads, strict=True)):
        step = strides if isinstance(strides, int) else strides[axis]
        apart = spread if isinstance(spread, int) else spread[axis]
        missing = max(0, (-(-size // step) - 1) * step + (taps - 1) * apart + 1 - size)
        if pair != (missing // 2, missing - missing // 2):
            return x, None
    return replace(x, pads=()), "same"


def _numbers(value: Any, axes: int) -> list[int]:
    return [value] * axes if isinstance(value, int) else list(value)


def _window(walk: Walk, config: Config, x: Tensor, axes: int) -> tuple[Tensor, dict[str, Any]]:
    """What convolutions share: their input, and their arguments."""
    if config.get("padding") == "causal":
        before = (config["kernel_size"][0] - 1) * _numbers(config.get("dilation_rate", 1), 1)[0]
        x, config = replace(x, pads=((before, 0),)), {**config, "padding": "valid"}
    kernel = _numbers(config["kernel_size"], axes)
    if x.pads and not x.first:
        x = Tensor(channels_first(walk.draft, x), True)
    shape = keras_shape(walk.draft, x)
    if len(shape) != axes + 1:
        raise Misfit(f"on {len(shape)} axes")
    x, padding = _pads(x, config, shape[:-1], kernel)
    arguments = {"kernel": alike(kernel), "padding": padding}
    for ours, theirs in (("stride", "strides"), ("dilation", "dilation_rate")):
        numbers = _numbers(config.get(theirs, 1), axes)
        arguments[ours] = None if set(numbers) == {1} else alike(numbers)
    return x, arguments


def convolution(axes: int) -> Layer:
    """A convolution over so many axes."""

    def layer(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
        check_activation(config)
        x, arguments = _window(walk, config, one(given), axes)
        groups, known = config.get("groups", 1), walk.tied(word, word)
        weights, biases = shared(walk, word, known, config)
        source = _read_first(walk, x)
        name = walk.draft.add(
            f"conv{axes}d",
            word,
            [source],
            filters=config["filters"],
            **arguments,
            groups=groups if groups != 1 else None,
            bias=None if config.get("use_bias", True) else False,
            weights=weights,
            biases=biases,
        )
        walk.named[word] = walk.named[word] if known else name
        return _behind(walk, word, config, name)

    return layer


def depthwise(axes: int) -> Layer:
    """A convolution of each channel alone."""

    def layer(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
        check_activation(config)
        x, arguments = _window(walk, config, one(given), axes)
        name = _depth(walk, word, config, x, arguments, axes, bias=config.get("use_bias", True))
        return _behind(walk, word, config, name)

    return layer


def _depth(
    walk: Walk, word: str, config: Config, x: Tensor, arguments: Mapping[str, Any], axes: int, *, bias: bool
) -> str:
    channels = keras_shape(walk.draft, x)[-1]
    filters = channels * config.get("depth_multiplier", 1)
    source = _read_first(walk, x)
    return walk.draft.add(
        f"conv{axes}d", word, [source], filters=filters, **arguments, groups=channels, bias=None if bias else False
    )


def separable(axes: int) -> Layer:
    """A depthwise convolution and a 1×1 one: two layers here."""

    def layer(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
        check_activation(config)
        x, arguments = _window(walk, config, one(given), axes)
        deep = _depth(walk, f"{word}_depthwise", config, x, arguments, axes, bias=False)
        bias = None if config.get("use_bias", True) else False
        name = walk.draft.add(f"conv{axes}d", word, [deep], filters=config["filters"], kernel=1, bias=bias)
        return _behind(walk, word, config, name)

    return layer


def transposed(axes: int) -> Layer:
    """A convolution read backwards."""

    def layer(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
        check_activation(config)
        if config.get("output_padding") is not None or config.get("groups", 1) != 1:
            raise Misfit("with output padding or groups")
        x, arguments = _window(walk, config, one(given), axes)
        name = walk.draft.add(
            f"conv_transpose{axes}d",
            word,
            [_read_first(walk, x)],
            filters=config["filters"],
            **arguments,
            bias=None if config.get("use_bias", True) else False,
        )
        return _behind(walk, word, config, name)

    return layer


def _read_first(walk: Walk, x: Tensor) -> str:
    return channels_first(walk.draft, replace(x, first=x.first or walk.channels_first))


def _behind(walk: Walk, word: str, config: Config, name: str) -> Tensor:
    tensor = Tensor(name, not walk.channels_first)
    return activated(walk, f"{word}_activation", config.get("activation"), tensor)


def pool(kind: str, axes: int) -> Layer:
    """`maxpool` or `avgpool` over so many axes."""

    def layer(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
        source = _read_first(walk, one(given))
        size = _numbers(config["pool_size"], axes)
        stride = _numbers(config.get("strides") or size, axes)
        same = config.get("padding", "valid") == "same"
        if same:
            sizes = walk.draft.shapes[source][1:]
            missing = [
                max(0, (-(-cells // step) - 1) * step + taps - cells)
                for cells, step, taps in zip(sizes, stride, size, strict=True)
            ]
            same = any(missing)
        if same and kind == "avgpool":
            raise Misfit("whose means leave padding out")
        name = walk.draft.add(
            f"{kind}{axes}d",
            word,
            [source],
            size=alike(size),
            stride=None if stride == size else alike(stride),
            padding="same" if same else None,
        )
        return Tensor(name, not walk.channels_first)

    return layer


def global_pool(kind: str) -> Layer:
    """The mean or the largest number of each channel."""

    def layer(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
        source = _read_first(walk, one(given))
        shape = walk.draft.shapes[source]
        if kind == "global_avgpool":
            name = walk.draft.add(kind, word, [source])
        elif len(shape) in (2, 3):
            pooled = walk.draft.add(f"maxpool{len(shape) - 1}d", word, [source], size=alike(shape[1:]))
            name = walk.draft.add("flatten", f"{word}_flat", [pooled])
        else:
            raise Misfit(f"over {len(shape) - 1} axes")
        if not config.get("keepdims"):
            return Tensor(name)
        ones = [1] * (len(shape) - 1)
        return Tensor(walk.draft.add("reshape", f"{word}_kept", [name], shape=[shape[0], *ones]), True)

    return layer


def zeros(axes: int) -> Layer:
    """Zeros around, which a convolution behind them may take as its padding."""

    def layer(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
        padding = config["padding"]
        pairs = [padding] if axes == 1 else padding
        pads = tuple((each, each) if isinstance(each, int) else (each[0], each[1]) for each in _numbers(pairs, axes))
        if any(min(pair) < 0 or max(pair) > 10_000 for pair in pads):
            raise Misfit("that cuts cells off")
        x = one(given)
        name = _read_first(walk, x) if x.pads else channels_first(walk.draft, x)
        return Tensor(name, True, pads)

    return layer


def upsample(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
    """Every cell repeated."""
    if config.get("interpolation", "nearest") != "nearest":
        raise Misfit("by interpolation")
    source = _read_first(walk, one(given))
    name = walk.draft.add("upsample2d", word, [source], factor=alike(_numbers(config["size"], 2)))
    return Tensor(name, not walk.channels_first)
