"""The layers of Keras, by class, each as one or several layers here (https://keras.io/api/layers/)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any, TypeAlias

from backcalc.readers.draft import alike, clean
from backcalc.readers.keras_activations import ACTIVATIONS
from backcalc.readers.keras_model import Walk
from backcalc.readers.keras_recurrent import bidirectional, recurrent
from backcalc.readers.keras_tensor import Tensor, as_keras, channels_first, keras_shape
from backcalc.readers.values import Misfit

Config: TypeAlias = Mapping[str, Any]
Layer: TypeAlias = Callable[[Walk, str, Config, Sequence[Tensor]], Tensor]


def _one(given: Sequence[Tensor]) -> Tensor:
    if len(given) != 1:
        raise Misfit(f"of {len(given)} inputs")
    return given[0]


def exact(value: Any) -> Fraction:
    """A number of the file, as it is written there."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Misfit("with a number that is none")
    return Fraction(repr(value))


def activated(walk: Walk, word: str, name: Any, x: Tensor) -> Tensor:
    """The activation that a layer has besides, as a layer of its own."""
    if isinstance(name, dict):
        name = name.get("config") if isinstance(name.get("config"), str) else name.get("class_name")
    if name in (None, "linear"):
        return x
    if name not in ACTIVATIONS:
        raise Misfit(f"{name}"[:40])
    kind, arguments = ACTIVATIONS[name]
    along_rows = kind in ("softmax", "log_softmax") and x.first
    source = as_keras(walk.draft, x) if along_rows or x.pads else x.name
    made = walk.draft.add(kind, word, [source], **arguments)
    return Tensor(made, x.first and not along_rows)


def _known(config: Config) -> None:
    """Refuses an activation that has no layer here before anything is added."""
    name = config.get("activation")
    name = name.get("config") if isinstance(name, dict) and isinstance(name.get("config"), str) else name
    if name not in (None, "linear") and (not isinstance(name, str) or name not in ACTIVATIONS):
        raise Misfit(f"with the activation {name}"[:60])


def _dense(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
    _known(config)
    x, draft = _one(given), walk.draft
    bias = None if config.get("use_bias", True) else False
    shape = keras_shape(draft, x)
    if len(shape) > 2 and x.first and len(shape) < 5:
        name = draft.add(
            f"conv{len(shape) - 1}d",
            word,
            [channels_first(draft, x)],
            filters=config["units"],
            kernel=1,
            bias=bias,
            comment="a Dense on the channels of each place",
        )
        return activated(walk, f"{word}_activation", config.get("activation"), Tensor(name, True))
    source = as_keras(draft, x)
    if len(shape) > 2:
        raise Misfit(f"on {len(shape)} axes")
    known = walk.tied(word, word)
    weights, biases = _shared(walk, word, known, config)
    name = draft.add("dense", word, [source], units=config["units"], bias=bias, weights=weights, biases=biases)
    walk.named.setdefault(word, name)
    return activated(walk, f"{word}_activation", config.get("activation"), Tensor(name))


def _shared(walk: Walk, word: str, known: str | None, config: Config) -> tuple[str | None, str | None]:
    """The arrays of the first call of a layer that is called again."""
    if known is None or walk.draft.array(known, "W_") is None:
        return None, None
    return f"W_{known}", f"b_{known}" if config.get("use_bias", True) else None


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


def _conv(axes: int) -> Layer:
    def layer(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
        _known(config)
        x, arguments = _window(walk, config, _one(given), axes)
        groups, known = config.get("groups", 1), walk.tied(word, word)
        weights, biases = _shared(walk, word, known, config)
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


def _depthwise(axes: int) -> Layer:
    def layer(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
        _known(config)
        x, arguments = _window(walk, config, _one(given), axes)
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


def _separable(axes: int) -> Layer:
    def layer(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
        _known(config)
        x, arguments = _window(walk, config, _one(given), axes)
        deep = _depth(walk, f"{word}_depthwise", config, x, arguments, axes, bias=False)
        bias = None if config.get("use_bias", True) else False
        name = walk.draft.add(f"conv{axes}d", word, [deep], filters=config["filters"], kernel=1, bias=bias)
        return _behind(walk, word, config, name)

    return layer


def _transposed(axes: int) -> Layer:
    def layer(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
        _known(config)
        if config.get("output_padding") is not None or config.get("groups", 1) != 1:
            raise Misfit("with output padding or groups")
        x, arguments = _window(walk, config, _one(given), axes)
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


def _pool(kind: str, axes: int) -> Layer:
    def layer(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
        source = _read_first(walk, _one(given))
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


def _global(kind: str) -> Layer:
    def layer(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
        source = _read_first(walk, _one(given))
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


def _simple(kind: str, **arguments: tuple[str, Any]) -> Layer:
    """A layer that keeps the shape; `arguments` are ours, with the name and the default of theirs."""

    def layer(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
        x = _one(given)
        source = with_pads(walk, x)
        fields: dict[str, Any] = {
            ours: exact(config.get(theirs, default)) for ours, (theirs, default) in arguments.items()
        }
        return Tensor(walk.draft.add(kind, word, [source], **fields), x.first)

    return layer


def with_pads(walk: Walk, x: Tensor) -> str:
    """The array with the zeros around it, in the order that it has."""
    return channels_first(walk.draft, replace(x, first=True)) if x.pads else x.name


def _batch_norm(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
    x = _one(given)
    shape = keras_shape(walk.draft, x)
    axis = config.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) else axis
    last = axis in (-1, len(shape))
    if not last and not walk.channels_first:
        raise Misfit("over another axis")
    if not config.get("center", True) or not config.get("scale", True):
        return _norm_without(walk, word, config, x)
    source = channels_first(walk.draft, x) if last and len(shape) > 1 else x.name
    moved = 1 - exact(config.get("momentum", 0.99))
    name = walk.draft.add("batchnorm", word, [source], epsilon=exact(config.get("epsilon", 0.001)), momentum=moved)
    return Tensor(name, x.first or (last and len(shape) > 1))


def _norm_without(walk: Walk, word: str, config: Config, x: Tensor) -> Tensor:
    """A batch norm that has no scale or no shift: an unknown operator with the parameters that it has."""
    source = channels_first(walk.draft, x)
    shape = walk.draft.shapes[source]
    own = {"beta": config.get("center", True), "gamma": config.get("scale", True)}
    arrays = {f"{array}_{walk.draft.fresh(clean(word))}": [shape[0]] for array, there in own.items() if there}
    left_out = " and ".join(array for array, there in own.items() if not there)
    name = walk.draft.add(
        "unknown",
        word,
        [source],
        operator=f"BatchNormalization without {left_out}",
        shape=list(shape),
        parameters=arrays or None,
        comment="its running mean and variance are not counted",
    )
    return Tensor(name, True)


def _layer_scale(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
    """The class of Keras's own ConvNeXt: a gain for each channel."""
    return Tensor(walk.draft.add("layer_scale", word, [channels_first(walk.draft, _one(given))]), True)


def _feature_norm(kind: str) -> Layer:
    def layer(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
        x = _one(given)
        axis = config.get("axis", -1)
        axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
        rank = len(walk.draft.shapes[x.name])
        if axis not in (-1, rank) or not config.get("center", True) or not config.get("scale", True):
            raise Misfit("without a scale and a shift, or over another axis")
        epsilon = exact(config.get("epsilon", 0.001 if kind == "layernorm" else 1e-6))
        over = (1 if x.first else rank) if rank > 2 or x.first else None
        name = walk.draft.add(kind, word, [with_pads(walk, x)], epsilon=epsilon, axis=over)
        return Tensor(name, x.first)

    return layer


def _group_norm(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
    source = channels_first(walk.draft, _one(given))
    if config.get("axis", -1) != -1 or not config.get("center", True) or not config.get("scale", True):
        raise Misfit("without a scale and a shift, or over another axis")
    groups = config.get("groups", 32)
    channels = walk.draft.shapes[source][0]
    epsilon = exact(config.get("epsilon", 0.001))
    fields: dict[str, Any] = {"groups": channels if groups == -1 else groups, "epsilon": epsilon}
    return Tensor(walk.draft.add("groupnorm", word, [source], **fields), True)


def _activation(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
    return activated(walk, word, config.get("activation"), _one(given))


def _relu(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
    slope, top = config.get("negative_slope") or 0, config.get("max_value")
    if config.get("threshold") or (slope and top is not None) or top not in (None, 6):
        raise Misfit("with a threshold or another end than 6")
    if slope:
        return _simple("leaky_relu", slope=("negative_slope", 0))(walk, word, config, given)
    return activated(walk, word, "relu" if top is None else "relu6", _one(given))


def _leaky_relu(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
    slope = config.get("negative_slope", config.get("alpha", 0.3))
    return _simple("leaky_relu", slope=("slope", slope))(walk, word, {}, given)


def _softmax(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
    if config.get("axis", -1) != -1:
        raise Misfit("along another axis than the last")
    return activated(walk, word, "softmax", _one(given))


def _flatten(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
    x = _one(given)
    source = with_pads(walk, x)
    shape = walk.draft.shapes[source]
    moved = x.first and min(shape[0], max(shape[1:])) > 1
    comment = (
        "channel by channel, where Keras goes place by place: the next layer's weights are the same in another order"
        if moved
        else None
    )
    return Tensor(walk.draft.add("flatten", word, [source], comment=comment))


def _reshape(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
    source = as_keras(walk.draft, _one(given))
    name = walk.draft.add("reshape", word, [source], shape=list(config["target_shape"]))
    if len(walk.draft.shapes[name]) == 3 and not walk.channels_first:
        first = channels_first(walk.draft, Tensor(name))
        return Tensor(first, True)
    return Tensor(name)


def _permute(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
    source = as_keras(walk.draft, _one(given))
    order = list(config["dims"])
    return Tensor(source if order == sorted(order) else walk.draft.add("transpose", word, [source], axes=order))


def _zeros(axes: int) -> Layer:
    def layer(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
        padding = config["padding"]
        pairs = [padding] if axes == 1 else padding
        pads = tuple((each, each) if isinstance(each, int) else (each[0], each[1]) for each in _numbers(pairs, axes))
        if any(min(pair) < 0 or max(pair) > 10_000 for pair in pads):
            raise Misfit("that cuts cells off")
        x = _one(given)
        name = _read_first(walk, x) if x.pads else channels_first(walk.draft, x)
        return Tensor(name, True, pads)

    return layer


def _upsample(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
    if config.get("interpolation", "nearest") != "nearest":
        raise Misfit("by interpolation")
    source = _read_first(walk, _one(given))
    name = walk.draft.add("upsample2d", word, [source], factor=alike(_numbers(config["size"], 2)))
    return Tensor(name, not walk.channels_first)


def _embedding(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
    x = _one(given)
    if walk.calls.get(word, 1) > 1:
        raise Misfit("whose table another layer has")
    fields = {"vocabulary": config["input_dim"], "units": config["output_dim"]}
    comment = "Keras counts tokens from 0, here they count from 1"
    return Tensor(walk.draft.add("embedding", word, [x.name], comment=comment, **fields))


def _merge(kind: str) -> Layer:
    def layer(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
        sources, first = _together(walk, given)
        fields: dict[str, Any] = {}
        if kind == "concat":
            rank = len(walk.draft.shapes[sources[0]])
            axis = config.get("axis", -1)
            axis = axis - 1 if axis > 0 else axis % rank  # of the axes without the batch, from 0
            axis = (axis + 1) % rank if first else axis
            fields["axis"] = axis + 1 if axis else None
        if len(sources) < 2:
            raise Misfit("of one input")
        return Tensor(walk.draft.add(kind, word, sources, **fields), first)

    return layer


def _together(walk: Walk, given: Sequence[Tensor]) -> tuple[list[str], bool]:
    """The arrays that a layer joins, all with their axes in one order."""
    first = any(tensor.first for tensor in given)
    names = [channels_first(walk.draft, tensor) if first else with_pads(walk, tensor) for tensor in given]
    return names, first


def _rescaling(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
    scale, offset = config.get("scale"), config.get("offset", 0)
    x, factor = _one(given), exact(scale)
    if factor == 0:
        raise Misfit("by 0")
    fields = {"mean": f"{-exact(offset) / factor}", "std": f"{1 / factor}"}
    return Tensor(walk.draft.add("normalise", word, [with_pads(walk, x)], **fields), x.first)


def _attention(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
    if len(given) not in (2, 3) or len({tensor.name for tensor in given[1:]}) > 1:
        raise Misfit("whose keys and values differ")
    query, memory = as_keras(walk.draft, given[0]), as_keras(walk.draft, given[1])
    size = config["key_dim"]
    if config.get("value_dim", size) not in (None, size) or config.get("output_shape") is not None:
        raise Misfit("with other sizes of values")
    features = walk.draft.shapes[query][-1]
    name = walk.draft.add(
        "attention",
        word,
        [query] if memory == query else [query, memory],
        heads=config["num_heads"],
        head_size=size if size * config["num_heads"] != features else None,
        memory=memory if memory != query else None,
        bias=None if config.get("use_bias", True) else False,
    )
    return Tensor(name)


def _same(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
    return _one(given)


LAYERS: Mapping[str, Layer] = {
    "Dense": _dense,
    **{f"Conv{axes}D": _conv(axes) for axes in (1, 2, 3)},
    **{f"DepthwiseConv{axes}D": _depthwise(axes) for axes in (1, 2)},
    **{f"SeparableConv{axes}D": _separable(axes) for axes in (1, 2)},
    **{f"Conv{axes}DTranspose": _transposed(axes) for axes in (1, 2)},
    **{f"MaxPooling{axes}D": _pool("maxpool", axes) for axes in (1, 2)},
    **{f"AveragePooling{axes}D": _pool("avgpool", axes) for axes in (1, 2)},
    **{f"GlobalAveragePooling{axes}D": _global("global_avgpool") for axes in (1, 2, 3)},
    **{f"GlobalMaxPooling{axes}D": _global("global_maxpool") for axes in (1, 2)},
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _feature_norm("layernorm"),
    "RMSNormalization": _feature_norm("rmsnorm"),
    "GroupNormalization": _group_norm,
    "Activation": _activation,
    "ReLU": _relu,
    "LeakyReLU": _leaky_relu,
    "ELU": _simple("elu", alpha=("alpha", 1.0)),
    "Softmax": _softmax,
    **dict.fromkeys(("Dropout", "SpatialDropout1D", "SpatialDropout2D"), _simple("dropout", rate=("rate", 0.5))),
    "GaussianNoise": _simple("gaussian_noise", std=("stddev", 1.0)),
    "LayerScale": _layer_scale,
    "StochasticDepth": _simple("stochastic_depth", rate=("drop_path_rate", 0.0)),
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Permute": _permute,
    **{f"ZeroPadding{axes}D": _zeros(axes) for axes in (1, 2)},
    "UpSampling2D": _upsample,
    "Embedding": _embedding,
    "Add": _merge("add"),
    "Multiply": _merge("multiply"),
    "Concatenate": _merge("concat"),
    "Rescaling": _rescaling,
    "MultiHeadAttention": _attention,
    "LSTM": recurrent("lstm"),
    "GRU": recurrent("gru"),
    "SimpleRNN": recurrent("rnn"),
    "Bidirectional": bidirectional,
    **dict.fromkeys(("ActivityRegularization", "Identity"), _same),
}
"""What each class becomes."""
