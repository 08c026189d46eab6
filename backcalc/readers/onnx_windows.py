"""Convolutions and pooling of ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from backcalc.layers import Shape
from backcalc.readers import operators
from backcalc.readers.onnx_arguments import Given, Operator, computed, integer, integers, learned
from backcalc.readers.onnx_graph import Walk
from backcalc.readers.onnx_model import OnnxNode
from backcalc.readers.values import Misfit, Value


def convolution(walk: Walk, node: OnnxNode, given: Given) -> Value:
    """Conv."""
    x, weight, bias = computed(given), learned(given, 1), learned(given, 2)
    if weight is None or len(weight.dims) < 3 or len(weight.dims) != len(x.dims):
        raise Misfit("with weights of other axes")
    kernel = weight.dims[2:]
    ones = (1,) * len(kernel)
    stride, dilation = integers(node, "strides", ones), integers(node, "dilations", ones)
    return operators.convolution(
        walk.graph,
        walk.word(node, weight),
        x,
        weight,
        bias,
        stride=stride,
        pads=_pads(node, walk.graph.sample(x), kernel, stride, dilation),
        dilation=dilation,
        groups=integer(node, "group", 1),
        comment=walk.folding(node, weight),
    )


def transposed_convolution(walk: Walk, node: OnnxNode, given: Given) -> Value:
    """ConvTranspose."""
    x, weight, bias = computed(given), learned(given, 1), learned(given, 2)
    if weight is None or len(weight.dims) < 3 or len(weight.dims) != len(x.dims) or "output_shape" in node.attributes:
        raise Misfit("with weights of other axes")
    kernel = weight.dims[2:]
    ones, zeros = (1,) * len(kernel), (0,) * len(kernel)
    stride, dilation = integers(node, "strides", ones), integers(node, "dilations", ones)
    return operators.transposed_convolution(
        walk.graph,
        walk.word(node, weight),
        x,
        weight,
        bias,
        stride=stride,
        pads=_pads(replace(node, attributes={**node.attributes, "auto_pad": "NOTSET"}), (), kernel, stride, dilation),
        output_padding=integers(node, "output_padding", zeros),
        dilation=dilation,
        groups=integer(node, "group", 1),
    )


def pool(kind: str) -> Operator:
    """MaxPool and AveragePool."""

    def operator(walk: Walk, node: OnnxNode, given: Given) -> Value:
        x, size = computed(given), integers(node, "kernel_shape", ())
        ones = (1,) * len(size)
        stride = integers(node, "strides", ones)
        if set(integers(node, "dilations", ones)) - {1} or not size or walk.uses[(*node.makes, "", "")[1]]:
            raise Misfit("with gaps or indices")
        return operators.pool(
            walk.graph,
            walk.word(node),
            kind,
            x,
            size=size,
            stride=stride,
            pads=_pads(node, walk.graph.sample(x), size, stride, ones),
            ceil=bool(integer(node, "ceil_mode", 0)),
            counts_padding=bool(integer(node, "count_include_pad", 0)),
        )

    return operator


def _pads(
    node: OnnxNode, shape: Shape, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> list[tuple[int, int]]:
    """The cells before and after each spatial axis."""
    axes = len(kernel)
    automatic = node.attributes.get("auto_pad", "NOTSET")
    if automatic in ("SAME_UPPER", "SAME_LOWER"):
        pads = []
        for size, taps, step, apart in zip(shape[1:], kernel, stride, dilation, strict=True):
            missing = max(0, (-(-size // step) - 1) * step + (taps - 1) * apart + 1 - size)
            pair = (missing // 2, missing - missing // 2)
            pads.append(pair if automatic == "SAME_UPPER" else pair[::-1])
        return pads
    flat = integers(node, "pads", (0,) * (2 * axes)) if automatic == "NOTSET" else (0,) * (2 * axes)
    if len(flat) != 2 * axes or min(flat, default=0) < 0:
        raise Misfit(f"with the pads {list(flat)[:8]}")
    return list(zip(flat[:axes], flat[axes:], strict=True))
