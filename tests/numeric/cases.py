"""Small networks with every kind of layer in every variant: a label, the layers, the shape of the input."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

HALF = Fraction(1, 2)

D, H = {"dense": {"name": "h", "units": 3}}, {"tanh": {"name": "u"}}


def conv(axes: int, **fields: Any) -> dict[str, Any]:
    return {f"conv{axes}d": {"filters": 2, "kernel": 2, **fields}}


def up(axes: int, **fields: Any) -> dict[str, Any]:
    return {f"conv_transpose{axes}d": {"filters": 2, "kernel": 2, **fields}}


def pool(kind: str, axes: int, **fields: Any) -> dict[str, Any]:
    return {f"{kind}pool{axes}d": {"size": 2, **fields}}


ACTIVATIONS = ["relu", "relu6", "leaky_relu", {"elu": 2}, "gelu", {"gelu": {"approximate": True}}, "silu"]
ACTIVATIONS += ["hard_sigmoid", "hard_swish", "softplus", "sigmoid", "tanh", "scaled_tanh", "softmax", "log_softmax"]
ACTIVATIONS += ["linear", "sign", {"leaky_relu": HALF}]

MAPS: list[tuple[str, list[Any], tuple[int, ...]]] = [
    ("dense", [{"dense": 3}], (2,)),
    ("dense steps", [{"dense": {"units": 2, "bias": False}}], (3, 2)),
    ("dense tied", [{"dense": {"units": 2, "weights": "W"}}, "tanh", {"dense": {"units": 2, "weights": "W"}}], (2,)),
    ("dense own", [{"dense": {"units": 2, "weights": [["w1", "w2"], ["w2", 3]], "biases": ["c", "c"]}}], (2,)),
    ("rbf", [D, {"rbf": 2}], (2,)),
    ("conv1d vector", [conv(1, filters=1, weights=["w1", "w2"], bias=False)], (4,)),
    ("conv1d vector maps", [conv(1)], (4,)),
    ("conv1d groups", [conv(1, groups=2, filters=4, stride=2)], (4, 4)),
    ("conv2d", [conv(2, padding="same")], (2, 3, 3)),
    ("conv2d stride", [conv(2, kernel=[2, 3], stride=[2, 1], padding=1)], (1, 3, 3)),
    ("conv2d dilation", [conv(2, dilation=2, bias=False)], (1, 4, 3)),
    ("conv2d left over", [conv(2, stride=2)], (1, 5, 4)),
    ("conv2d table", [conv(2, connections=[[1, 2], [2]])], (2, 3, 2)),
    ("conv3d", [conv(3, kernel=[1, 2, 2], padding=[0, 1, 0])], (1, 2, 2, 2)),
    ("transposed 1d", [up(1, stride=2, padding=1, output_padding=1, kernel=3)], (2, 3)),
    ("transposed 1d vector", [up(1, filters=1, stride=2, kernel=3)], (3,)),
    ("transposed 1d same", [up(1, stride=2, kernel=3, padding="same")], (2, 2)),
    ("transposed 1d dilation", [up(1, stride=3, dilation=2, bias=False)], (2, 2)),
    ("transposed 2d groups", [up(2, groups=2, stride=[1, 2])], (2, 2, 2)),
    ("locally connected", [{"locally_connected2d": {"filters": 2, "kernel": 2, "padding": 1, "stride": 2}}], (2, 3, 2)),
    ("max 1d", [pool("max", 1)], (5,)),
    ("max 2d", [pool("max", 2, stride=1)], (2, 3, 3)),
    ("max 2d padded", [pool("max", 2, size=3, stride=2, padding=1)], (1, 4, 5)),
    ("max 2d ceil", [pool("max", 2, stride=2, ceil=True)], (1, 3, 5)),
    ("avg 1d", [pool("avg", 1)], (2, 4)),
    ("avg 2d ceil", [pool("avg", 2, size=3, stride=2, padding=1, ceil=True)], (1, 4, 4)),
    ("subsample", [{"subsample2d": 2}], (2, 4, 4)),
    ("global avg", ["global_avgpool"], (2, 2, 3)),
    ("adaptive", [{"adaptive_avgpool2d": [2, 1]}], (2, 4, 3)),
    ("adaptive overlapping", [{"adaptive_avgpool2d": 2}], (1, 3, 3)),
    ("adaptive copies", [{"adaptive_avgpool2d": 2}], (1, 1, 2)),
    ("upsample", [{"upsample2d": [2, 1]}, "tanh"], (2, 2, 2)),
    ("flatten", ["flatten", D], (2, 2)),
    ("reshape", [{"reshape": [-1, 2]}, "tanh"], (2, 3)),
    ("transpose", ["transpose", D], (2, 3)),
    ("transpose order", [{"transpose": [3, 1, 2]}, "tanh"], (2, 3, 2)),
    ("transpose two", [{"transpose": [1, 3]}, "tanh"], (2, 3, 2)),
    ("slice", [{"slice": {"start": 2, "stop": 5, "step": 2}}], (6,)),
    ("slice axis", [{"slice": {"axis": 2, "stop": 2}}], (2, 3)),
    ("split", [{"split": {"parts": 2, "part": 2, "axis": 2}}], (2, 4)),
    ("shuffle", [{"channel_shuffle": 2}, "tanh"], (6, 2)),
    ("normalise", [{"normalise": {"mean": [HALF, 1], "std": [2, 3]}}], (2, 2)),
    ("normalise one", [{"normalise": {"mean": HALF, "std": 3}}], (3,)),
    *((f"activation {number}", [each], (3,)) for number, each in enumerate(ACTIVATIONS)),
    ("softmax rows", ["softmax"], (2, 3)),
    ("add", [D, H, {"dense": {"name": "v", "units": 3}}, {"add": ["h", "v"]}], (2,)),
    ("multiply", [conv(1), "tanh", {"multiply": ["conv1d_1", "tanh_1", "tanh_1"]}], (2, 3)),
    ("gate", ["tanh", {"slice": {"axis": 2, "stop": 1}}, {"multiply": ["tanh_1", "slice_1"]}], (2, 3)),
    ("concat", [D, {"concat": ["x", "h"]}], (2,)),
    ("matmul", ["tanh", {"matmul": ["tanh_1", "x"]}], (2, 2)),
    ("concat axis", ["tanh", {"concat": {"inputs": ["x", "tanh_1", "x"], "axis": 2}}], (2, 2)),
    ("batchnorm", [D, {"batchnorm": {"epsilon": "0.1"}}], (2,)),
    ("batchnorm maps", [{"batchnorm": {}}], (2, 2, 2)),
    ("layernorm", ["layernorm"], (2, 3)),
    ("layernorm axis", [{"layernorm": {"axis": 1}}], (2, 1, 2)),
    ("groupnorm", [{"groupnorm": 2}], (4, 2)),
    ("rmsnorm", ["rmsnorm"], (3,)),
    ("dropout", [D, {"dropout": "1/4"}, {"dense": 2}], (2,)),
    ("noise", [{"gaussian_noise": "1/2"}, D], (2,)),
    ("stochastic depth", [{"stochastic_depth": "1/4"}, D], (2,)),
    ("layer scale", ["layer_scale"], (2, 3)),
    ("layer scale maps", ["layer_scale"], (2, 2, 2)),
]

SEQUENCES: list[tuple[str, list[Any], tuple[int, ...]]] = [
    ("embedding", [{"embedding": {"vocabulary": 4, "units": 2}}, "tanh"], (3,)),
    ("positional", [{"positional": 5}], (3, 2)),
    ("class token", ["class_token"], (2, 2)),
    ("rotary", [{"rotary": 100}, "tanh"], (3, 4)),
    ("rotary heads", ["rotary", "tanh"], (2, 2, 2)),
    ("relative bias", [{"relative_bias": [2, 1]}, "tanh"], (2, 2, 2)),
    ("attention", [{"attention": 1}], (2, 2)),
    ("attention heads", [{"attention": {"heads": 2, "bias": False}}], (2, 4)),
    ("attention last bias", [{"attention": {"heads": 2, "kv_heads": 1, "output_bias": False}}], (2, 4)),
    ("attention causal", [{"attention": {"heads": 1, "causal": True}}], (3, 2)),
    ("attention window", [{"attention": {"heads": 2, "kv_heads": 1, "window": 2, "head_size": 1}}], (3, 2)),
    ("attention near", [{"attention": {"heads": 1, "causal": True, "window": 2, "rotary": 10}}], (3, 2)),
    ("attention windows", [{"attention": {"heads": 2, "causal": True}}, {"reshape": [-1]}], (2, 2, 2)),
    ("attention places", [{"attention": {"heads": 2, "relative_bias": 2, "head_size": 1}}], (4, 2)),
    (
        "attention memory",
        [{"dense": {"name": "m", "units": 3}}, {"attention": {"heads": 1, "memory": "m", "inputs": ["x"]}}],
        (2, 2),
    ),
    ("rnn", [{"rnn": {"units": 2}}], (3, 2)),
    ("rnn all", [{"rnn": {"units": 2, "return": "all", "bidirectional": True, "biases": 0}}], (2, 2)),
    ("rnn stacked", [{"rnn": {"units": 2, "layers": 2, "bidirectional": True, "biases": 2}}], (2, 2)),
    ("lstm", [{"lstm": {"units": 2}}], (2, 2)),
    ("lstm both", [{"lstm": {"units": 1, "biases": 2, "bidirectional": True, "return": "all"}}], (2, 2)),
    ("gru", [{"gru": {"units": 2}}], (2, 2)),
    ("gru after", [{"gru": {"units": 2, "biases": 2, "return": "all"}}], (2, 2)),
    ("gru none", [{"gru": {"units": 1, "biases": 0, "layers": 2}}], (2, 1)),
    (
        "mixture",
        [{"mixture": {"name": "moe", "experts": 3, "active": 2, "layers": [{"dense": 2}, "tanh"]}}],
        (2, 2),
    ),
    (
        "formula",
        [D, {"formula": {"name": "f", "equations": "f[i] = a*h[i]^2/(1 + max(k, h[k])^2)", "parameters": {"a": []}}}],
        (2,),
    ),
    (
        "formula of two",
        [
            D,
            {
                "formula": {
                    "name": "f",
                    "inputs": ["h", "x"],
                    "equations": "s = mean(k, x[k])\nf[i] = exp(G[i]*h[i]) + prod(k, x[k]) - s",
                    "parameters": {"G": [3]},
                }
            },
        ],
        (2,),
    ),
]

CASES = [*MAPS, *SEQUENCES]
