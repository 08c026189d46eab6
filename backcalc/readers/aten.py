"""The operators of ATen that exported programs have, by name, each as a layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, TypeAlias

from backcalc.readers import aten_moves, formulas, operators
from backcalc.readers.aten_sequences import attention, recurrent
from backcalc.readers.draft import alike
from backcalc.readers.exported import Call, Walk
from backcalc.readers.values import Constant, Misfit, Value, Weight

Operator: TypeAlias = Callable[[Walk, Call], Any]


def _per_axis(value: Any, axes: int, default: int) -> list[int]:
    """One number for each axis."""
    numbers = [default] if value is None or value == [] else value if isinstance(value, list) else [value]
    return list(numbers) * axes if len(numbers) == 1 else list(numbers)


def _conv(walk: Walk, call: Call) -> Value:
    x, weight = call.value("input"), call.weight("weight")
    if weight is None:
        raise Misfit
    axes = len(weight.dims) - 2
    padding = call.get("padding")
    pads = padding if isinstance(padding, str) else [(each, each) for each in _per_axis(padding, axes, 0)]
    return operators.convolution(
        walk.graph,
        call.word,
        x,
        weight,
        call.weight("bias"),
        stride=_per_axis(call.get("stride"), axes, 1),
        pads=pads,
        dilation=_per_axis(call.get("dilation"), axes, 1),
        groups=call.get("groups", 1),
    )


def _conv_transpose(walk: Walk, call: Call) -> Value:
    weight = call.weight("weight")
    if weight is None:
        raise Misfit
    axes = len(weight.dims) - 2
    return operators.transposed_convolution(
        walk.graph,
        call.word,
        call.value("input"),
        weight,
        call.weight("bias"),
        stride=_per_axis(call.get("stride"), axes, 1),
        pads=[(each, each) for each in _per_axis(call.get("padding"), axes, 0)],
        output_padding=_per_axis(call.get("output_padding"), axes, 0),
        dilation=_per_axis(call.get("dilation"), axes, 1),
        groups=call.get("groups", 1),
    )


def _linear(walk: Walk, call: Call) -> Value:
    weight = call.weight("weight")
    if weight is None:
        raise Misfit
    return operators.dense(walk.graph, call.word, call.value("input"), weight, call.weight("bias"), by_columns=False)


def _addmm(walk: Walk, call: Call) -> Value:
    """`self + mat1 mat2`, as GPT-2's Conv1D has it."""
    weight = call.weight("mat2")
    if weight is None or call.get("beta", 1) != 1 or call.get("alpha", 1) != 1:
        raise Misfit("with factors")
    return operators.dense(walk.graph, call.word, call.value("mat1"), weight, call.weight("self"), by_columns=True)


def _matmul(walk: Walk, call: Call) -> Value:
    x, other = call.value(), call.get("other", call.get("mat2"))
    if isinstance(other, Weight):
        return operators.dense(walk.graph, call.word, x, other, None, by_columns=True)
    if not isinstance(other, Value):
        raise Misfit("with a fixed array")
    return operators.matmul(walk.graph, call.word, x, other)


def _batch_norm(walk: Walk, call: Call) -> Value:
    learned = call.weight("weight"), call.weight("bias")
    walk.graph.alone(*learned)
    made = operators.batch_norm(
        walk.graph,
        call.word,
        call.value("input"),
        epsilon=call.get("eps", Fraction("1e-5")),
        momentum=call.get("momentum", Fraction("0.1")),
        scaled=None not in learned,
    )
    return walk.graph.own(made, *learned)


def _layer_norm(kind: str) -> Operator:
    def operator(walk: Walk, call: Call) -> Value:
        learned = call.weight("weight"), call.weight("bias")
        if learned[0] is None or (kind == "layernorm" and learned[1] is None):
            raise Misfit("without a scale and a shift")
        walk.graph.alone(*learned)
        epsilon = call.get("eps", Fraction("1e-5") if kind == "layernorm" else Fraction(0))
        x, over = call.value("input"), call.get("normalized_shape")
        made = operators.feature_norm(walk.graph, call.word, kind, x, over, epsilon)
        return walk.graph.own(made, *learned)

    return operator


def _group_norm(walk: Walk, call: Call) -> Value:
    learned = call.weight("weight"), call.weight("bias")
    if None in learned:
        raise Misfit("without a scale and a shift")
    walk.graph.alone(*learned)
    x, epsilon = call.value("input"), call.get("eps", Fraction("1e-5"))
    made = operators.simple(walk.graph, call.word, "groupnorm", x, groups=call.get("num_groups"), epsilon=epsilon)
    return walk.graph.own(made, *learned)


def _activation(kind: str, **arguments: tuple[str, str]) -> Operator:
    """A function of each number; `arguments` are ours, with the name and the default of theirs."""

    def operator(walk: Walk, call: Call) -> Value:
        given = {ours: call.get(theirs, Fraction(default)) for ours, (theirs, default) in arguments.items()}
        return operators.simple(walk.graph, call.word, kind, call.value(), **given)

    return operator


def _gelu(walk: Walk, call: Call) -> Value:
    approximate = call.get("approximate", "none") == "tanh"
    return operators.simple(walk.graph, call.word, "gelu", call.value(), approximate=approximate or None)


def _hardtanh(walk: Walk, call: Call) -> Value:
    if (call.get("min_val", -1), call.get("max_val", 1)) != (0, 6):
        raise Misfit("to other ends than 0 and 6")
    return operators.simple(walk.graph, call.word, "relu6", call.value())


def _softplus(walk: Walk, call: Call) -> Value:
    if call.get("beta", 1) != 1:
        raise Misfit("with beta")
    return operators.simple(walk.graph, call.word, "softplus", call.value())


def _dropout(walk: Walk, call: Call) -> Value:
    rate = call.get("p", Fraction(1, 2))
    x = call.value("input" if "input" in call.arguments else "self")  # in place it is called `self`
    return operators.simple(walk.graph, call.word, "dropout", x, rate=rate) if rate else x


def _pool(kind: str, axes: int) -> Operator:
    def operator(walk: Walk, call: Call) -> Value:
        size = _per_axis(call.get("kernel_size"), axes, 1)
        if set(_per_axis(call.get("dilation"), axes, 1)) != {1} or call.get("divisor_override") is not None:
            raise Misfit("with gaps or another divisor")
        return operators.pool(
            walk.graph,
            call.word,
            kind,
            call.value(),
            size=size,
            stride=_per_axis(call.get("stride") or size, axes, 1),
            pads=[(each, each) for each in _per_axis(call.get("padding"), axes, 0)],
            ceil=call.get("ceil_mode", False),
            counts_padding=call.get("count_include_pad", True),
        )

    return operator


def _adaptive(walk: Walk, call: Call) -> Value:
    x, size = call.value(), call.get("output_size")
    if set(size) == {1} and x.batch == 0 and not x.folded:
        return operators.global_mean(walk.graph, call.word, x, keep=True)
    if len(size) != 2 or len(x.dims) != 4:
        raise Misfit(f"to {size}")
    name = walk.graph.draft.add("adaptive_avgpool2d", call.word, [walk.graph.read(x)], size=alike(size))
    return Value(name, (x.dims[0], *walk.graph.draft.shapes[name]))


def _reduce(function: str) -> Operator:
    def operator(walk: Walk, call: Call) -> Value:
        x, keep = call.value(), call.get("keepdim", False)
        asked = call.get("dim", [])
        axes = {axis % len(x.dims) for axis in (asked if isinstance(asked, list) else [asked])}
        maps = axes == {*range(2, len(x.dims))} and len(x.dims) > 2 and x.batch == 0 and not x.folded
        if function == "sum" and maps:
            return operators.global_mean(walk.graph, call.word, x, keep=keep)
        if not axes:
            raise Misfit("over all axes")
        return formulas.mean(walk.graph, call.word, x, sorted(axes), keep=keep, function=function)

    return operator


def _arithmetic(operation: str) -> Operator:
    def operator(walk: Walk, call: Call) -> Value:
        a, b = call.get("self"), call.get("other")
        if call.get("alpha", 1) != 1 or call.get("rounding_mode") is not None:
            raise Misfit("with a factor")
        operands = [Constant((), (Fraction(each),)) if isinstance(each, int | Fraction) else each for each in (a, b)]
        first, second = operands if operation != "rsub" else operands[::-1]
        return formulas.arithmetic(walk.graph, call.word, operation.removeprefix("r"), first, second)

    return operator


def _formula(text: str) -> Operator:
    return lambda walk, call: formulas.elementwise(walk.graph, call.word, text, call.value())


def _pow(walk: Walk, call: Call) -> Value:
    exponent = call.get("exponent")
    if not isinstance(exponent, int | Fraction):
        raise Misfit("with a computed exponent")
    text = f"{{}}^{formulas.number(Fraction(exponent))}"
    return formulas.elementwise(walk.graph, call.word, text, call.value())


def _softmax(kind: str) -> Operator:
    return lambda walk, call: operators.softmax(walk.graph, call.word, kind, call.value(), call.get("dim", -1))


def _pad(walk: Walk, call: Call) -> Value:
    x, flat = call.value(), call.get("pad", [])
    if call.get("value", 0) != 0 or x.batch or x.folded or len(flat) > 2 * len(x.dims) - 2:
        raise Misfit("with something else than zeros")
    pairs = [(flat[2 * axis], flat[2 * axis + 1]) for axis in range(len(flat) // 2)][::-1]
    rest = len(x.dims) - 1 - len(pairs)
    return operators.padded(walk.graph, call.word, x, [(0, 0)] * rest + pairs)


def _upsample(walk: Walk, call: Call) -> Value:
    x, dims = call.value("input" if "input" in call.arguments else "self"), call.dims[0]
    factors = [size // old if size % old == 0 else 0 for size, old in zip(dims[2:], x.dims[2:], strict=True)]
    if len(factors) != 2 or not all(factors) or x.batch or x.folded:
        raise Misfit("by factors that are not whole")
    name = walk.graph.draft.add("upsample2d", call.word, [walk.graph.read(x)], factor=alike(factors))
    return Value(name, dims)


OPERATORS: Mapping[str, Operator] = {
    **dict.fromkeys(("conv1d", "conv2d", "conv3d"), _conv),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d"), _conv_transpose),
    "linear": _linear,
    "addmm": _addmm,
    **dict.fromkeys(("matmul", "bmm", "mm"), _matmul),
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm("layernorm"),
    "rms_norm": _layer_norm("rmsnorm"),
    "group_norm": _group_norm,
    "relu": _activation("relu"),
    "relu6": _activation("relu6"),
    "hardtanh": _hardtanh,
    "leaky_relu": _activation("leaky_relu", slope=("negative_slope", "0.01")),
    "elu": _activation("elu", alpha=("alpha", "1")),
    "gelu": _gelu,
    "silu": _activation("silu"),
    "hardswish": _activation("hard_swish"),
    "hardsigmoid": _activation("hard_sigmoid"),
    "softplus": _softplus,
    "sigmoid": _activation("sigmoid"),
    "tanh": _activation("tanh"),
    "softmax": _softmax("softmax"),
    "log_softmax": _softmax("log_softmax"),
    **dict.fromkeys(("dropout", "feature_dropout"), _dropout),
    **{f"{kind[:3]}_pool{axes}d": _pool(kind, axes) for kind in ("maxpool", "avgpool") for axes in (1, 2)},
    **dict.fromkeys(("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d"), _adaptive),
    "mean": _reduce("sum"),
    "amax": _reduce("max"),
    "amin": _reduce("min"),
    **dict.fromkeys(
        ("view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "_unsafe_view", "contiguous", "clone", "to",
         "_to_copy", "detach", "alias", "lift_fresh_copy", "type_as", "float"),
        aten_moves.same_numbers,
    ),
    **dict.fromkeys(("permute", "transpose", "t", "numpy_T"), aten_moves.permuted),
    "expand": aten_moves.expanded,
    "cat": aten_moves.concatenated,
    **dict.fromkeys(("chunk", "split", "split_with_sizes", "unbind"), aten_moves.split_up),
    "slice": aten_moves.sliced,
    "select": aten_moves.selected,
    "embedding": aten_moves.embedded,
    "index": aten_moves.gathered,
    "roll": aten_moves.rolled,
    "add": _arithmetic("add"),
    "sub": _arithmetic("sub"),
    "rsub": _arithmetic("rsub"),
    "mul": _arithmetic("mul"),
    "div": _arithmetic("div"),
    "pow": _pow,
    "sqrt": _formula("sqrt({})"),
    "rsqrt": _formula("1/sqrt({})"),
    "exp": _formula("exp({})"),
    "log": _formula("log({})"),
    "erf": _formula("erf({})"),
    "abs": _formula("abs({})"),
    "neg": _formula("-{}"),
    "reciprocal": _formula("1/{}"),
    "constant_pad_nd": _pad,
    "pad": _pad,
    "upsample_nearest2d": _upsample,
    "scaled_dot_product_attention": attention,
    "lstm": recurrent("lstm", 2),
    "gru": recurrent("gru", 1),
    "rnn_tanh": recurrent("rnn", 1),
}  # fmt: skip
"""What each operator becomes; those that end with `_`, in place, are the same."""
