"""The operators of ONNX, by name, each as a layer (https://onnx.ai/onnx/operators/)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from backcalc.readers import formulas, operators
from backcalc.readers.draft import alike
from backcalc.readers.onnx_arguments import Given, Operator, computed, exact, integer, integers, learned, whole
from backcalc.readers.onnx_fold import squeezed, unsqueezed
from backcalc.readers.onnx_graph import Walk
from backcalc.readers.onnx_model import OnnxNode
from backcalc.readers.onnx_recurrent import gru, lstm, rnn
from backcalc.readers.onnx_windows import convolution, pool, transposed_convolution
from backcalc.readers.values import Constant, Misfit, Operand, Value, Weight


def _gemm(walk: Walk, node: OnnxNode, given: Given) -> Value:
    x, weight, bias = computed(given), learned(given, 1), learned(given, 2)
    scaled = any(exact(node, factor, "1") != 1 for factor in ("alpha", "beta"))
    if weight is None or integer(node, "transA", 0) or scaled:
        raise Misfit("with factors or a turned input")
    by_columns = not integer(node, "transB", 0)
    return operators.dense(walk.graph, walk.word(node, weight), x, weight, bias, by_columns=by_columns)


def _matmul(walk: Walk, node: OnnxNode, given: Given) -> Value:
    a, b = given[:2]
    if isinstance(a, Value) and isinstance(b, Value):
        return operators.matmul(walk.graph, walk.word(node), a, b)
    x, weight = computed(given), learned(given, 1)
    if weight is None:
        raise Misfit
    bias, after = _bias_behind(walk, node, weight)
    word = walk.word(node, bias or weight)
    made = operators.dense(walk.graph, word, x, weight, bias, by_columns=True)
    if after is not None:
        walk.values[after.makes[0]] = made
        walk.done.add(after.makes[0])
    return made


def _bias_behind(walk: Walk, node: OnnxNode, weight: Weight) -> tuple[Weight | None, OnnxNode | None]:
    """The vector that is added to a product, and the node that adds it, where nothing else reads the product."""
    product = node.makes[0]
    after = walk.readers.get(product)
    if walk.uses[product] != 1 or after is None or after.operator != "Add":
        return None, None
    other = next((walk.values.get(name) for name in after.reads if name != product), None)
    fits = isinstance(other, Weight) and other.dims == weight.dims[-1:]
    return (other, after) if fits and isinstance(other, Weight) else (None, None)


def _batch_norm(walk: Walk, node: OnnxNode, given: Given) -> Value:
    scaled = all(isinstance(learned(given, place), Weight) for place in (1, 2))
    moved = 1 - exact(node, "momentum", "9/10")
    epsilon = exact(node, "epsilon", "1/100000")
    word = walk.word(node, given[1] if isinstance(given[1], Weight) else None)
    walk.graph.alone(*given[1:3])
    made = operators.batch_norm(walk.graph, word, computed(given), epsilon=epsilon, momentum=moved, scaled=scaled)
    return walk.graph.own(made, *given[1:3])


def _layer_norm(kind: str) -> Operator:
    def operator(walk: Walk, node: OnnxNode, given: Given) -> Value:
        x, gamma = computed(given), learned(given, 1)
        if gamma is None or (kind == "layernorm" and (len(given) < 3 or given[2] is None)):
            raise Misfit("without a scale and a shift")
        over = len(x.dims) - integer(node, "axis", -1) % len(x.dims)
        features = walk.graph.sample(x)[-over:]
        epsilon = exact(node, "epsilon", "1/100000")
        walk.graph.alone(*given[1:3])
        made = operators.feature_norm(walk.graph, walk.word(node, gamma), kind, x, features, epsilon)
        return walk.graph.own(made, *given[1:3])

    return operator


def _group_norm(walk: Walk, node: OnnxNode, given: Given) -> Value:
    gamma = learned(given, 1)
    groups, epsilon = integer(node, "num_groups", 1), exact(node, "epsilon", "1/100000")
    if gamma is None or gamma.dims != walk.graph.sample(computed(given))[:1]:
        raise Misfit("with other scales than one a channel")
    word = walk.word(node, gamma)
    walk.graph.alone(*given[1:3])
    made = operators.simple(walk.graph, word, "groupnorm", computed(given), groups=groups, epsilon=epsilon)
    return walk.graph.own(made, *given[1:3])


def _activation(kind: str, **defaults: tuple[str, str]) -> Operator:
    """A function of each number; `defaults` are our arguments, with the attribute and what it is without one."""

    def operator(walk: Walk, node: OnnxNode, given: Given) -> Value:
        arguments = {ours: exact(node, theirs, default) for ours, (theirs, default) in defaults.items()}
        return operators.simple(walk.graph, walk.word(node), kind, computed(given), **arguments)

    return operator


def _gelu(walk: Walk, node: OnnxNode, given: Given) -> Value:
    approximate = node.attributes.get("approximate") == "tanh"
    return operators.simple(walk.graph, walk.word(node), "gelu", computed(given), approximate=approximate or None)


def _hard_sigmoid(walk: Walk, node: OnnxNode, given: Given) -> Value:
    if abs(exact(node, "alpha", "1/5") - Fraction(1, 6)) > Fraction(1, 10**6) or exact(node, "beta", "1/2") != 0.5:
        raise Misfit("with another slope than 1/6")
    return operators.simple(walk.graph, walk.word(node), "hard_sigmoid", computed(given))


def _clip(walk: Walk, node: OnnxNode, given: Given) -> Value:
    ends = [node.attributes.get(name) for name in ("min", "max")]
    if len(given) > 1:
        ends = [each.scalar if isinstance(each, Constant) else None for each in (*given[1:], None, None)[:2]]
    if ends[0] == 0 and (ends[1] is None or ends[1] == 6):
        return operators.simple(walk.graph, walk.word(node), "relu" if ends[1] is None else "relu6", computed(given))
    raise Misfit("to other ends than 0 and 6")


def _axes(node: OnnxNode, given: Given) -> tuple[int, ...]:
    asked = whole(given, 1)
    return asked if asked is not None else integers(node, "axes", ())


def _reduce(function: str) -> Operator:
    def operator(walk: Walk, node: OnnxNode, given: Given) -> Value:
        x, keep = computed(given), bool(integer(node, "keepdims", 1))
        axes = {axis % len(x.dims) for axis in _axes(node, given)}
        if function == "sum" and axes == {*range(2, len(x.dims))} and len(x.dims) > 2 and x.batch == 0 and not x.folded:
            return operators.global_mean(walk.graph, walk.word(node), x, keep=keep)
        if not axes:
            raise Misfit("over all axes")
        return formulas.mean(walk.graph, walk.word(node), x, sorted(axes), keep=keep, function=function)

    return operator


def _reshape(walk: Walk, node: OnnxNode, given: Given) -> Value:
    x, sizes = computed(given), tuple(map(walk.graph.sized, whole(given, 1) or ()))
    dims = [x.dims[place] if size == 0 and place < len(x.dims) else size for place, size in enumerate(sizes)]
    count, known = 1, 1
    for size in x.dims:
        count *= size
    for size in dims:
        known *= size if size != -1 else 1
    if dims.count(-1) > 1 or known < 1:
        raise Misfit(f"to {dims[:8]}")
    return walk.graph.reshaped(x, tuple(count // known if size == -1 else size for size in dims))


def _flatten(walk: Walk, node: OnnxNode, given: Given) -> Value:
    x, axis = computed(given), integer(node, "axis", 1)
    ahead = behind = 1
    for place, size in enumerate(x.dims):
        ahead, behind = (ahead * size, behind) if place < axis % (len(x.dims) + 1) else (ahead, behind * size)
    return walk.graph.reshaped(x, (ahead, behind))


def _transpose(walk: Walk, node: OnnxNode, given: Given) -> Operand:
    found = given[0]
    rank = len(found.dims) if found is not None else 0
    order = integers(node, "perm", range(rank)[::-1])
    if isinstance(found, Weight) and order == (1, 0):
        return replace(found, dims=found.dims[::-1], turned=not found.turned)
    if not isinstance(found, Value):
        return Constant(tuple(found.dims[axis] for axis in order) if found is not None else ())
    if sorted(order) != [*range(rank)]:
        raise Misfit(f"by {list(order)[:8]}")
    return walk.graph.transposed(walk.word(node), found, order)


def _concat(walk: Walk, node: OnnxNode, given: Given) -> Value:
    parts = [each for each in given if isinstance(each, Value | Weight)]
    if len(parts) < len(given):
        raise Misfit("with fixed numbers")
    return operators.concat(walk.graph, walk.word(node), parts, integer(node, "axis", 0))


def _slice(walk: Walk, node: OnnxNode, given: Given) -> Value:
    x = computed(given)
    if len(given) > 1:
        starts, ends = whole(given, 1) or (), whole(given, 2) or ()
        axes, steps = whole(given, 3) or tuple(range(len(starts))), whole(given, 4) or (1,) * len(starts)
    else:
        starts, ends = integers(node, "starts", ()), integers(node, "ends", ())
        axes, steps = integers(node, "axes", range(len(starts))), (1,) * len(starts)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        x = operators.taken(walk.graph, walk.word(node), x, axis, start, end, step)
    return x


def _split(walk: Walk, node: OnnxNode, given: Given) -> tuple[Value, ...]:
    x, axis = computed(given), integer(node, "axis", 0)
    size = x.dims[axis % len(x.dims)]
    sizes = whole(given, 1) or integers(node, "split", ())
    if not sizes:
        each = -(-size // len(node.makes))
        sizes = (*(each,) * (len(node.makes) - 1), size - each * (len(node.makes) - 1))
    found, start = [], 0
    for name, length in zip(node.makes, sizes, strict=True):
        found.append(operators.taken(walk.graph, name, x, axis, start, start + length))
        start += length
    return tuple(found)


def _gather(walk: Walk, node: OnnxNode, given: Given) -> Value:
    table, index = given[0], given[1]
    axis = integer(node, "axis", 0)
    if isinstance(table, Weight) and isinstance(index, Value) and axis == 0 and len(table.dims) == 2:
        return operators.embedding(walk.graph, walk.word(node, table), table, index)
    if isinstance(table, Value) and isinstance(index, Constant) and index.numbers and len(index.numbers) == 1:
        place = int(index.numbers[0])
        if not index.dims:
            return operators.selected(walk.graph, walk.word(node), table, axis, place)
        place += table.dims[axis] if place < 0 else 0
        return operators.taken(walk.graph, walk.word(node), table, axis, place, place + 1)
    raise Misfit("of several places")


def _arithmetic(operation: str) -> Operator:
    def operator(walk: Walk, node: OnnxNode, given: Given) -> Value:
        return formulas.arithmetic(walk.graph, walk.word(node), operation, *given[:2])

    return operator


def _formula(text: str) -> Operator:
    def operator(walk: Walk, node: OnnxNode, given: Given) -> Value:
        return formulas.elementwise(walk.graph, walk.word(node), text, computed(given))

    return operator


def _pow(walk: Walk, node: OnnxNode, given: Given) -> Value:
    exponent = given[1].scalar if isinstance(given[1], Constant) else None
    if exponent is None:
        raise Misfit("with a computed exponent")
    return formulas.elementwise(walk.graph, walk.word(node), f"{{}}^{formulas.number(exponent)}", computed(given))


def _expand(walk: Walk, node: OnnxNode, given: Given) -> Value:
    x, sizes = computed(given), tuple(map(walk.graph.sized, whole(given, 1) or ()))
    rank = max(len(sizes), len(x.dims))
    pairs = zip((1,) * (rank - len(sizes)) + sizes, (1,) * (rank - len(x.dims)) + x.dims, strict=True)
    return formulas.repeated(walk.graph, walk.word(node), x, tuple(map(max, pairs)))


def _pad(walk: Walk, node: OnnxNode, given: Given) -> Value:
    x, flat = computed(given), whole(given, 1) or integers(node, "pads", ())
    zeros = len(given) < 3 or given[2] is None or (isinstance(given[2], Constant) and given[2].scalar == 0)
    rank = len(x.dims)
    if node.attributes.get("mode", "constant") != "constant" or not zeros or len(flat) != 2 * rank or x.folded:
        raise Misfit("with something else than zeros")
    pairs = list(zip(flat[:rank], flat[rank:], strict=True))
    if any(pairs.pop(x.batch)) or x.batch != 0:
        raise Misfit("of samples")
    return operators.padded(walk.graph, walk.word(node), x, pairs)


def _resize(walk: Walk, node: OnnxNode, given: Given) -> Value:
    x = computed(given)
    scales = [int(each) for each in given[2].numbers or ()] if len(given) > 2 and isinstance(given[2], Constant) else []
    if not scales and len(given) > 3 and isinstance(given[3], Constant):
        wanted = [int(each) for each in given[3].numbers or ()]
        scales = [size // old if size % old == 0 else 0 for size, old in zip(wanted, x.dims, strict=True)]
    nearest = node.attributes.get("mode", "nearest") == "nearest"
    if len(scales) != 4 or len(x.dims) != 4 or scales[:2] != [1, 1] or min(scales) < 1 or not nearest or x.batch:
        raise Misfit("other than nearest by whole factors")
    name = walk.graph.draft.add("upsample2d", walk.word(node), [walk.graph.read(x)], factor=alike(scales[2:]))
    return Value(name, (x.dims[0], *walk.graph.draft.shapes[name]))


def _shape(walk: Walk, node: OnnxNode, given: Given) -> Constant:
    sizes = computed(given).dims[integer(node, "start", 0) : integer(node, "end", 1 << 30)]
    return Constant((len(sizes),), tuple(map(Fraction, sizes)), integer=True)


def _softmax(kind: str) -> Operator:
    def operator(walk: Walk, node: OnnxNode, given: Given) -> Value:
        axis = integer(node, "axis", -1 if walk.model.opset >= 13 else 1)
        return operators.softmax(walk.graph, walk.word(node), kind, computed(given), axis)

    return operator


def _dropout(walk: Walk, node: OnnxNode, given: Given) -> Value:
    ratio = given[1].scalar if len(given) > 1 and isinstance(given[1], Constant) else None
    rate = ratio if ratio is not None else exact(node, "ratio", "1/2")
    return operators.simple(walk.graph, walk.word(node), "dropout", computed(given), rate=rate)


OPERATORS: Mapping[str, Operator] = {
    "Conv": convolution,
    "ConvTranspose": transposed_convolution,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm("layernorm"),
    "RMSNormalization": _layer_norm("rmsnorm"),
    "SimplifiedLayerNormalization": _layer_norm("rmsnorm"),
    "GroupNormalization": _group_norm,
    "Relu": _activation("relu"),
    "Sigmoid": _activation("sigmoid"),
    "Tanh": _activation("tanh"),
    "Softplus": _activation("softplus"),
    "HardSwish": _activation("hard_swish"),
    "HardSigmoid": _hard_sigmoid,
    "Swish": _activation("silu"),
    "LeakyRelu": _activation("leaky_relu", slope=("alpha", "1/100")),
    "Elu": _activation("elu", alpha=("alpha", "1")),
    "Gelu": _gelu,
    "Clip": _clip,
    "Softmax": _softmax("softmax"),
    "LogSoftmax": _softmax("log_softmax"),
    "Dropout": _dropout,
    "MaxPool": pool("maxpool"),
    "AveragePool": pool("avgpool"),
    "GlobalAveragePool": lambda walk, node, given: operators.global_mean(
        walk.graph, walk.word(node), computed(given), keep=True
    ),
    "ReduceMean": _reduce("sum"),
    "ReduceMax": _reduce("max"),
    "ReduceMin": _reduce("min"),
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Squeeze": lambda walk, node, given: walk.graph.reshaped(
        computed(given), squeezed(computed(given).dims, _axes(node, given))
    ),
    "Unsqueeze": lambda walk, node, given: walk.graph.reshaped(
        computed(given), unsqueezed(computed(given).dims, _axes(node, given))
    ),
    "Transpose": _transpose,
    "Concat": _concat,
    "Slice": _slice,
    "Split": _split,
    "Gather": _gather,
    "Expand": _expand,
    "Pad": _pad,
    "Resize": _resize,
    "Add": _arithmetic("add"),
    "Sub": _arithmetic("sub"),
    "Mul": _arithmetic("mul"),
    "Div": _arithmetic("div"),
    "Pow": _pow,
    "Sqrt": _formula("sqrt({})"),
    "Reciprocal": _formula("1/{}"),
    "Exp": _formula("exp({})"),
    "Log": _formula("log({})"),
    "Erf": _formula("erf({})"),
    "Abs": _formula("abs({})"),
    "Neg": _formula("-{}"),
    "Identity": lambda walk, node, given: computed(given),
    "Cast": lambda walk, node, given: computed(given),
    "Shape": _shape,
    "LSTM": lstm,
    "GRU": gru,
    "RNN": rnn,
}
"""What each operator becomes."""
