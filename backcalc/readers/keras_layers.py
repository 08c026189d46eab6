"""The layers of Keras, by class, each as one or several layers here (https://keras.io/api/layers/)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backcalc.readers.draft import clean
from backcalc.readers.keras_model import Walk
from backcalc.readers.keras_recurrent import bidirectional, recurrent
from backcalc.readers.keras_shared import Config, Layer, activated, check_activation, exact, one, shared, with_pads
from backcalc.readers.keras_tensor import Tensor, as_keras, channels_first, keras_shape
from backcalc.readers.keras_windows import (
    convolution,
    depthwise,
    global_pool,
    pool,
    separable,
    transposed,
    upsample,
    zeros,
)
from backcalc.readers.values import Misfit


def _dense(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
    check_activation(config)
    x, draft = one(given), walk.draft
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
    weights, biases = shared(walk, word, known, config)
    name = draft.add("dense", word, [source], units=config["units"], bias=bias, weights=weights, biases=biases)
    walk.named.setdefault(word, name)
    return activated(walk, f"{word}_activation", config.get("activation"), Tensor(name))


def _simple(kind: str, **arguments: tuple[str, Any]) -> Layer:
    """A layer that keeps the shape; `arguments` are ours, with the name and the default of theirs."""

    def layer(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
        x = one(given)
        source = with_pads(walk, x)
        fields: dict[str, Any] = {
            ours: exact(config.get(theirs, default)) for ours, (theirs, default) in arguments.items()
        }
        return Tensor(walk.draft.add(kind, word, [source], **fields), x.first)

    return layer


def _batch_norm(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
    x = one(given)
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
    return Tensor(walk.draft.add("layer_scale", word, [channels_first(walk.draft, one(given))]), True)


def _feature_norm(kind: str) -> Layer:
    def layer(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
        x = one(given)
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
    source = channels_first(walk.draft, one(given))
    if config.get("axis", -1) != -1 or not config.get("center", True) or not config.get("scale", True):
        raise Misfit("without a scale and a shift, or over another axis")
    groups = config.get("groups", 32)
    channels = walk.draft.shapes[source][0]
    epsilon = exact(config.get("epsilon", 0.001))
    fields: dict[str, Any] = {"groups": channels if groups == -1 else groups, "epsilon": epsilon}
    return Tensor(walk.draft.add("groupnorm", word, [source], **fields), True)


def _activation(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
    return activated(walk, word, config.get("activation"), one(given))


def _relu(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
    slope, top = config.get("negative_slope") or 0, config.get("max_value")
    if config.get("threshold") or (slope and top is not None) or top not in (None, 6):
        raise Misfit("with a threshold or another end than 6")
    if slope:
        return _simple("leaky_relu", slope=("negative_slope", 0))(walk, word, config, given)
    return activated(walk, word, "relu" if top is None else "relu6", one(given))


def _leaky_relu(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
    slope = config.get("negative_slope", config.get("alpha", 0.3))
    return _simple("leaky_relu", slope=("slope", slope))(walk, word, {}, given)


def _softmax(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
    if config.get("axis", -1) != -1:
        raise Misfit("along another axis than the last")
    return activated(walk, word, "softmax", one(given))


def _flatten(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
    x = one(given)
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
    source = as_keras(walk.draft, one(given))
    name = walk.draft.add("reshape", word, [source], shape=list(config["target_shape"]))
    if len(walk.draft.shapes[name]) == 3 and not walk.channels_first:
        first = channels_first(walk.draft, Tensor(name))
        return Tensor(first, True)
    return Tensor(name)


def _permute(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
    source = as_keras(walk.draft, one(given))
    order = list(config["dims"])
    return Tensor(source if order == sorted(order) else walk.draft.add("transpose", word, [source], axes=order))


def _embedding(walk: Walk, word: str, config: Config, given: Sequence[Tensor]) -> Tensor:
    x = one(given)
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
    x, factor = one(given), exact(scale)
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
    return one(given)


LAYERS: Mapping[str, Layer] = {
    "Dense": _dense,
    **{f"Conv{axes}D": convolution(axes) for axes in (1, 2, 3)},
    **{f"DepthwiseConv{axes}D": depthwise(axes) for axes in (1, 2)},
    **{f"SeparableConv{axes}D": separable(axes) for axes in (1, 2)},
    **{f"Conv{axes}DTranspose": transposed(axes) for axes in (1, 2)},
    **{f"MaxPooling{axes}D": pool("maxpool", axes) for axes in (1, 2)},
    **{f"AveragePooling{axes}D": pool("avgpool", axes) for axes in (1, 2)},
    **{f"GlobalAveragePooling{axes}D": global_pool("global_avgpool") for axes in (1, 2, 3)},
    **{f"GlobalMaxPooling{axes}D": global_pool("global_maxpool") for axes in (1, 2)},
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
    **{f"ZeroPadding{axes}D": zeros(axes) for axes in (1, 2)},
    "UpSampling2D": upsample,
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
