"""The equations of every kind: as text, and their values against plain loops written for this test alone."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings

from backcalc.formula.evaluate import evaluate
from backcalc.formula.floats import FLOATS
from backcalc.formula.infer import build_program
from backcalc.formula.read import read_equation
from backcalc.formula.source import SourceEquation
from backcalc.layers import KINDS, ShapeError
from tests.count.strategies import (
    averages,
    convolutions,
    local,
    moves,
    normalised,
    poolings,
    subsamplings,
    transposed,
)
from tests.count.test_oracle import entries, run

QUICK = settings(max_examples=100, deadline=None, derandomize=True)


@pytest.mark.parametrize(
    ("kind", "fields", "shape", "lines"),
    [
        ("dense", {"units": 2}, (3,), ["y[j] = sum(k, W_y[j,k]*x[k]) + b_y[j]"]),
        ("dense", {"units": 2, "bias": False}, (5, 3), ["y[t,j] = sum(k, W_y[j,k]*x[t,k])"]),
        ("dense", {"units": 2, "weights": "V"}, (3,), ["y[j] = sum(k, V[j,k]*x[k]) + b_y[j]"]),
        (
            "conv2d",
            {"filters": 3, "kernel": [2, 3], "stride": [2, 1]},
            (4, 6, 6),
            ["y[f,i,j] = sum(c, sum(a, sum(b, W_y[f,c,a,b]*x[c,2*i+a-2,j+b-1]))) + b_y[f]"],
        ),
        ("conv1d", {"filters": 1, "kernel": 2}, (3,), ["y[i] = sum(a, W_y[1,1,a]*x[i+a-1]) + b_y[1]"]),
        ("conv1d", {"filters": 2, "kernel": 2}, (3,), ["y[f,i] = sum(a, W_y[f,1,a]*x[i+a-1]) + b_y[f]"]),
        (
            "conv1d",
            {"filters": 4, "kernel": 2, "groups": 2, "bias": False},
            (6, 3),
            ["y[f,i] = sum(c, sum(a, W_y[f,c,a]*x[3*div(f-1,2)+c,i+a-1]))"],
        ),
        (
            "conv1d",
            {"filters": 2, "kernel": 1, "connections": [[1, 3], [2]], "bias": False},
            (3, 3),
            ["M_y = [[1, 0, 1], [0, 1, 0]]", "y[f,i] = sum(c, (M_y[f,c] == 1)*sum(a, W_y[f,c,a]*x[c,i+a-1]))"],
        ),
        ("maxpool1d", {"size": 2}, (4,), ["y[i] = max(a=1..2, x[2*i+a-2])"]),
        (
            "maxpool2d",
            {"size": 3, "stride": 2, "padding": 1},
            (2, 4, 5),
            ["y[c,i,j] = max(a=max(1,4-2*i)..3, max(b=max(1,4-2*j)..min(3,8-2*j), x[c,2*i+a-3,2*j+b-3]))"],
        ),
        ("avgpool2d", {"size": 2}, (2, 4, 4), ["y[c,i,j] = sum(a=1..2, sum(b=1..2, x[c,2*i+a-2,2*j+b-2]))/4"]),
        (
            "subsample2d",
            {"size": 2},
            (2, 4, 4),
            ["y[c,i,j] = a_y[c]*sum(a=1..2, sum(b=1..2, x[c,2*i+a-2,2*j+b-2])) + b_y[c]"],
        ),
        (
            "conv3d",
            {"filters": 2, "kernel": [1, 2, 3], "bias": False},
            (1, 3, 3, 3),
            ["y[f,i,j,k] = sum(c, sum(a, sum(b, sum(d, W_y[f,c,a,b,d]*x[c,i+a-1,j+b-1,k+d-1]))))"],
        ),
        (
            "conv_transpose1d",
            {"filters": 2, "kernel": 3, "stride": 2, "padding": 1},
            (4, 5),
            ["y[f,i] = sum(c, sum(a, sum(o, W_y[c,f,a]*x[c,o]*(i == 2*o+a-3)))) + b_y[f]"],
        ),
        (
            "conv_transpose1d",
            {"filters": 4, "kernel": 3, "stride": 2, "groups": 2, "dilation": 2},
            (6, 5),
            [
                "y[f,i] = sum(c=1..3, sum(a, sum(o, W_y[3*div(f-1,2)+c,mod(f-1,2)+1,a]"
                "*x[3*div(f-1,2)+c,o]*(i == 2*o+2*a-3)))) + b_y[f]"
            ],
        ),
        (
            "conv_transpose2d",
            {"filters": 1, "kernel": 2, "stride": [2, 3]},
            (1, 2, 2),
            [
                "y[f,i,j] = sum(c, sum(a, sum(b, sum(o, sum(p, "
                "W_y[c,f,a,b]*x[c,o,p]*(i == 2*o+a-2)*(j == 3*p+b-3)))))) + b_y[f]"
            ],
        ),
        (
            "locally_connected2d",
            {"filters": 2, "kernel": 2, "stride": 2},
            (1, 4, 4),
            ["y[f,i,j] = sum(c, sum(a, sum(b, W_y[f,i,j,c,a,b]*x[c,2*i+a-2,2*j+b-2]))) + b_y[f,i,j]"],
        ),
        ("global_avgpool", {}, (3, 8), ["y[c] = sum(i, x[c,i])/8"]),
        (
            "adaptive_avgpool2d",
            {"size": [2, 1]},
            (3, 4, 5),
            ["y[c,i,j] = sum(a=1..2, sum(b=1..5, x[c,2*i+a-2,5*j+b-5]))/10"],
        ),
        ("upsample2d", {"factor": [1, 3]}, (2, 2, 2), ["y[c,i,j] = x[c,i,div(j-1,3)+1]"]),
        ("reshape", {"shape": [2, 6]}, (12,), ["y[t,j] = x[6*t+j-6]"]),
        ("reshape", {"shape": [-1, 4]}, (2, 3, 4), ["y[t,j] = x[div(t-1,3)+1,mod(t-1,3)+1,j]"]),
        ("reshape", {"shape": [3]}, (1, 3, 1), ["y[i] = x[1,i,1]"]),
        (
            "reshape",
            {"shape": [3, 2]},
            (2, 3),
            ["y[t,j] = x[div(2*t+j-3,3)+1,mod(2*t+j-3,3)+1]"],
        ),
        ("transpose", {}, (2, 3), ["y[t,j] = x[j,t]"]),
        ("transpose", {"axes": [1, 2]}, (2, 3, 4), ["y[c,i,j] = x[i,c,j]"]),
        ("transpose", {"axes": [3, 1, 2]}, (2, 3, 4), ["y[c,i,j] = x[i,j,c]"]),
        ("slice", {"start": 2}, (5,), ["y[i] = x[i+1]"]),
        ("slice", {"stop": 2}, (5,), ["y[i] = x[i+0]"]),
        ("slice", {"axis": 2, "step": 2}, (3, 5), ["y[t,j] = x[t,2*j-1]"]),
        ("channel_shuffle", {"groups": 3}, (6, 2), ["y[t,j] = x[2*mod(t-1,3)+div(t-1,3)+1,j]"]),
        ("channel_shuffle", {"groups": 1}, (6, 2), ["y[t,j] = x[t,j]"]),
        ("normalise", {"mean": Fraction(-1, 2), "std": Fraction(1, 4)}, (2,), ["y[i] = (x[i] - (-1/2))/(1/4)"]),
        (
            "normalise",
            {"mean": [0, "1/2"], "std": [2, 3]},
            (2, 4, 4),
            ["mean_y = [0, 1/2]", "std_y = [2, 3]", "y[c,i,j] = (x[c,i,j] - mean_y[c])/std_y[c]"],
        ),
        ("relu", {}, (3,), ["y[i] = relu(x[i])"]),
        ("relu6", {}, (3,), ["y[i] = relu6(x[i])"]),
        ("leaky_relu", {}, (3,), ["y[i] = leaky_relu(x[i], 1/100)"]),
        ("elu", {}, (3,), ["y[i] = elu(x[i], 1)"]),
        ("gelu", {}, (2, 2, 2, 2), ["y[c,i,j,k] = gelu(x[c,i,j,k])"]),
        ("gelu", {"approximate": True}, (3,), ["y[i] = 1/2*x[i]*(1 + tanh(sqrt(2/pi)*(x[i] + 0.044715*x[i]^3)))"]),
        ("silu", {}, (3,), ["y[i] = silu(x[i])"]),
        ("hard_sigmoid", {}, (3,), ["y[i] = hard_sigmoid(x[i])"]),
        ("hard_swish", {}, (3,), ["y[i] = hard_swish(x[i])"]),
        ("softplus", {}, (3,), ["y[i] = softplus(x[i])"]),
        ("sign", {}, (3,), ["y[i] = sign(x[i])"]),
        ("log_softmax", {}, (2, 3), ["y[t,j] = x[t,j] - log(sum(k, exp(x[t,k])))"]),
        ("sigmoid", {}, (2, 3), ["y[t,j] = sigmoid(x[t,j])"]),
        ("linear", {}, (2, 3, 4), ["y[c,i,j] = x[c,i,j]"]),
        ("softmax", {}, (3,), ["y[i] = exp(x[i])/sum(k, exp(x[k]))"]),
        ("softmax", {}, (2, 3), ["y[t,j] = exp(x[t,j])/sum(k, exp(x[t,k]))"]),
        ("flatten", {}, (3,), ["y[i] = x[i]"]),
        ("flatten", {}, (2, 3), ["y[n] = x[div(n-1,3)+1,mod(n-1,3)+1]"]),
        ("rbf", {"units": 2}, (3,), ["y[i] = sum(k, (x[k] - W_y[i,k])^2)"]),
    ],
)
def test_equations_as_textbooks_have_them(kind, fields, shape, lines):
    assert list(KINDS[kind](**fields).equations("y", "x", shape).lines) == lines


def test_index_names_make_way_for_arrays_of_the_same_name():
    (line,) = KINDS["dense"](units=2).equations("j", "k", (3,)).lines
    assert line == "j[j2] = sum(k2, W_j[j2,k2]*k[k2]) + b_j[j2]"


def test_padded_reads_are_declared():
    assert KINDS["conv1d"](filters=1, kernel=3, padding=1).equations("y", "x", (3,)).padded == {"x"}
    assert KINDS["conv1d"](filters=1, kernel=3).equations("y", "x", (3,)).padded == frozenset()
    assert KINDS["maxpool1d"](size=2, padding=1).equations("y", "x", (3,)).padded == frozenset()


def cells(value, axes):
    return (value,) * axes if isinstance(value, int) else tuple(value)


def starts(layer, shape, axes):
    """The first cell of every window along each axis, counted from 0, padding negative."""
    out = layer.output_shape(shape)[-axes:]
    stride = cells(layer.stride or layer.size, axes)
    kernel = cells(getattr(layer, "kernel", None) or layer.size, axes)
    dilation = cells(getattr(layer, "dilation", 1), axes)
    for axis in range(axes):
        size = shape[len(shape) - axes + axis]
        before = 0
        if layer.padding == "same":
            before = max(0, (out[axis] - 1) * stride[axis] + (kernel[axis] - 1) * dilation[axis] + 1 - size) // 2
        elif layer.padding != "valid":
            before = cells(layer.padding, axes)[axis]
        yield [place * stride[axis] - before for place in range(out[axis])]


@QUICK
@given(convolutions())
def test_convolutions_are_the_sums_of_their_windows(case):
    layer, shape = case
    axes = layer.axes
    full = shape if len(shape) > axes else (1, *shape)
    x = list_of(full, entries(shape))
    W = list(entries(layer.parameters("y", shape)[0].shape).values())
    per_group = full[0] // layer.groups
    kernel, dilation = cells(layer.kernel, axes), cells(layer.dilation, axes)
    b = list(entries((layer.filters,)).values()) if layer.bias else [0] * layer.filters
    expected = []
    for f in range(layer.filters):
        group = f // (layer.filters // layer.groups)
        for corner in product(*starts(layer, shape, axes)):
            total = b[f]
            for c in range(per_group):
                if layer.connections and c + 1 not in layer.connections[f]:
                    continue
                for number, tap in enumerate(product(*map(range, kernel))):
                    place = [s + t * d for s, t, d in zip(corner, tap, dilation, strict=True)]
                    weight = W[(f * per_group + c) * len(list(product(*map(range, kernel)))) + number]
                    total += weight * x.get((group * per_group + c, *place), 0)
            expected.append(total)
    assert list(run(layer, shape).values.values()) == expected


def list_of(full, values):
    """The input by indices from 0, with a channel."""
    return dict(zip(product(*map(range, full)), values.values(), strict=True))


@QUICK
@given(poolings())
def test_pooling_takes_its_windows_alone(case):
    layer, shape = case
    axes = layer.axes
    full = shape if len(shape) > axes else (1, *shape)
    x = list_of(full, entries(shape))
    size, padding = cells(layer.size, axes), cells(layer.padding, axes)
    expected = []
    for c in range(full[0]):
        for corner in product(*starts(layer, shape, axes)):
            places = [
                [s + t for t in range(k) if s + t < n + p]  # PyTorch: what overhangs the padding is no part of a window
                for s, k, n, p in zip(corner, size, full[1:], padding, strict=True)
            ]
            window = list(product(*places))
            seen = [x[c, *place] for place in window if (c, *place) in x]
            expected.append(max(seen) if "max" in layer.kind else Fraction(sum(seen)) / len(window))
    assert list(run(layer, shape).values.values()) == expected


@settings(QUICK, max_examples=50)
@given(transposed())
def test_a_transposed_convolution_adds_every_cell_times_the_window(case):
    """By scattering, as it is defined: every input cell adds its multiple of the window to the output."""
    layer, shape = case
    axes = layer.axes
    full = shape if len(shape) > axes else (1, *shape)
    x, out = list_of(full, entries(shape)), layer.output_shape(shape)[-axes:]
    kernel, stride, dilation = (cells(field, axes) for field in (layer.kernel, layer.stride, layer.dilation))
    inputs, filters = full[0] // layer.groups, layer.filters // layer.groups
    W = list_of((full[0], filters, *kernel), entries(layer.parameters("y", shape)[0].shape))
    cut = [0 if layer.padding == "valid" else layer.padding] * axes
    if layer.padding == "same":
        assert out == tuple(n * s for n, s in zip(full[1:], stride, strict=True))
        cut = [max(0, (k - 1) * d + 1 - s) // 2 for k, d, s in zip(kernel, dilation, stride, strict=True)]
    b = list(entries((layer.filters,)).values()) if layer.bias else [0] * layer.filters
    y = {(f, *place): b[f] for f in range(layer.filters) for place in product(*map(range, out))}
    for c, *cell in x:
        for f, tap in product(range(filters), product(*map(range, kernel))):
            landed = [o * s + t * d - p for o, s, t, d, p in zip(cell, stride, tap, dilation, cut, strict=True)]
            place = (c // inputs * filters + f, *landed)
            if place in y:
                y[place] += W[c, f, *tap] * x[c, *cell]
    assert list(run(layer, shape).values.values()) == list(y.values())


@QUICK
@given(local())
def test_a_locally_connected_layer_has_weights_of_its_own_everywhere(case):
    layer, shape = case
    x, out = list_of(shape, entries(shape)), layer.output_shape(shape)
    kernel, corners = cells(layer.kernel, 2), [list(axis) for axis in starts(layer, shape, 2)]
    W = list_of((*out, shape[0], *kernel), entries((*out, shape[0], *kernel)))
    b = list_of(out, entries(out)) if layer.bias else dict.fromkeys(product(*map(range, out)), 0)
    expected = [
        b[f, i, j]
        + sum(
            W[f, i, j, c, s, t] * x.get((c, corners[0][i] + s, corners[1][j] + t), 0)
            for c in range(shape[0])
            for s in range(kernel[0])
            for t in range(kernel[1])
        )
        for f, i, j in product(*map(range, out))
    ]
    assert list(run(layer, shape).values.values()) == expected


@QUICK
@given(averages())
def test_adaptive_pooling_takes_the_windows_of_pytorch(case):
    """PyTorch's windows: from floor(i*n/m) to ceil((i + 1)*n/m), counted from 0."""
    layer, shape = case
    x, out = list_of(shape, entries(shape)), layer.output_shape(shape)
    sizes = out[1:] or (1,) * (len(shape) - 1)
    expected = []
    for c, *place in product(range(shape[0]), *map(range, sizes)):
        axes = zip(place, shape[1:], sizes, strict=True)
        window = list(product(*(range(i * n // m, -(-(i + 1) * n // m)) for i, n, m in axes)))
        expected.append(Fraction(sum(x[c, *cell] for cell in window)) / len(window))
    assert list(run(layer, shape).values.values()) == expected


def test_adaptive_pooling_may_copy_and_overlap():
    layer = KINDS["adaptive_avgpool2d"](size=[3, 2])
    x = list(entries((1, 1, 3)).values())
    assert list(run(layer, (1, 1, 3)).values.values()) == [(x[0] + x[1]) / 2, (x[1] + x[2]) / 2] * 3


@QUICK
@given(moves())
def test_what_moves_numbers_moves_each_to_its_place(case):
    layer, shape = case
    x = list_of(shape, entries(shape))
    y = list(run(layer, shape).values.values())
    match layer.kind:
        case "reshape":
            assert y == list(x.values())
            return
        case "transpose":
            order = [axis - 1 for axis in layer.axes]
            if len(shape) == 2:
                order = [1, 0]  # two axes change places, whichever is named first
            move = {tuple(place[axis] for axis in order): place for place in x}
            assert y == [x[move[place]] for place in sorted(move)]
        case "slice":
            kept = range(layer.start - 1, layer.stop, layer.step)
            assert y == [x[place] for place in sorted(x) if place[layer.axis - 1] in kept]
        case "channel_shuffle":
            each = shape[0] // layer.groups
            dealt = [group * each + number for number in range(each) for group in range(layer.groups)]
            assert y == [x[c, *place] for c in dealt for place in product(*map(range, shape[1:]))]
        case _:
            rows, columns = cells(layer.factor, 2)
            places = product(range(shape[0]), range(shape[1] * rows), range(shape[2] * columns))
            assert y == [x[c, i // rows, j // columns] for c, i, j in places]


@QUICK
@given(normalised())
def test_normalising_takes_mean_and_deviation_of_the_channel(case):
    layer, shape = case
    mean, std = (given if isinstance(given, tuple) else (given,) * shape[0] for given in (layer.mean, layer.std))
    x = list_of(shape, entries(shape))
    assert list(run(layer, shape).values.values()) == [(x[p] - mean[p[0]]) / std[p[0]] for p in x]


def normal_distribution(u, steps=2000):
    """The integral of the normal density up to u, by Simpson's rule from 0."""
    density = [math.exp(-((u * n / steps) ** 2) / 2) for n in range(steps + 1)]
    weights = [1, *([4, 2] * (steps // 2))[:-1], 1]
    area = sum(weight * height for weight, height in zip(weights, density, strict=True))
    return 1 / 2 + u / steps / 3 * area / math.sqrt(2 * math.pi)


@pytest.mark.parametrize(
    ("kind", "fields", "function"),
    [
        ("relu6", {}, lambda u: 0 if u < 0 else 6 if u > 6 else u),
        ("leaky_relu", {}, lambda u: u if u > 0 else u / 100),
        ("leaky_relu", {"slope": Fraction(1, 5)}, lambda u: u if u > 0 else u / 5),
        ("elu", {}, lambda u: u if u > 0 else math.expm1(u)),
        ("elu", {"alpha": 2}, lambda u: u if u > 0 else 2 * math.expm1(u)),
        ("gelu", {}, lambda u: u * normal_distribution(u)),
        ("gelu", {"approximate": True}, lambda u: u / (1 + math.exp(-math.sqrt(8 / math.pi) * (u + 0.044715 * u**3)))),
        ("silu", {}, lambda u: u / (1 + math.exp(-u))),
        ("hard_sigmoid", {}, lambda u: min(max(u / 6 + 1 / 2, 0), 1)),
        ("hard_swish", {}, lambda u: u * min(max(u / 6 + 1 / 2, 0), 1)),
        ("softplus", {}, lambda u: math.log1p(math.exp(u))),
        ("sign", {}, lambda u: math.copysign(1, u)),
    ],
)
def test_activations_are_the_functions_of_their_papers(kind, fields, function):
    x = {(n,): Fraction(13 * (-1) ** n * n, 20) for n in range(1, 11)}  # -6.5 to 6.5, on both sides of every kink
    program = build_program(
        [SourceEquation(*read_equation(line)) for line in KINDS[kind](**fields).equations("y", "x", (10,)).lines],
        {"x": (10,), "y": (10,)},
    )
    y = evaluate(program, {"x": {place: float(u) for place, u in x.items()}}, FLOATS)["y"]
    assert list(y.values()) == pytest.approx([function(float(u)) for u in x.values()], rel=1e-9, abs=1e-12)


def test_log_softmax_is_the_logarithm_of_softmax():
    shape = (2, 3)
    logs, shares = (run(KINDS[kind](), shape).values.values() for kind in ("log_softmax", "softmax"))
    assert list(logs) == pytest.approx([math.log(share) for share in shares])


@QUICK
@given(subsamplings())
def test_subsampling_is_a_scaled_sum_and_a_bias(case):
    layer, shape = case
    x, (height, width) = list_of(shape, entries(shape)), cells(layer.size, 2)
    a = b = list(entries(shape[:1]).values())
    expected = [
        a[c] * sum(x[c, i * height + s, j * width + t] for s in range(height) for t in range(width)) + b[c]
        for c in range(shape[0])
        for i in range(shape[1] // height)
        for j in range(shape[2] // width)
    ]
    assert list(run(layer, shape).values.values()) == expected


def test_flatten_goes_through_channels_rows_columns():
    assert list(run(KINDS["flatten"](), (2, 3, 4)).values.values()) == list(entries((2, 3, 4)).values())


def test_own_names_fill_the_array():
    (weights,) = KINDS["conv1d"](filters=1, kernel=2, bias=False, weights=["w1", "w2"]).parameters("q", (3,))
    assert (weights.shape, weights.entries) == ((1, 1, 2), ((("w1", "w2"),),))
    weights, biases = KINDS["dense"](units=2, weights=[["w1", 3], ["w1", "w2"]], biases="b").parameters("z", (2,))
    assert weights.entries == (("w1", Fraction(3)), ("w1", "w2"))
    assert (biases.name, biases.entries) == ("b", None)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([["w1", "w2", "w3"]], "the weights have the shape [2, 2], but weights is a list of shape [1, 3]"),
        ([["w1", "w2"], ["w3"]], "the weights have the shape [2, 2], but weights is a list that is not rectangular"),
        (Fraction(2), "the weights have the shape [2, 2], but weights is one number"),
        (["w1", "w2"], "the weights have the shape [2, 2], but weights is a list of shape [2]"),
    ],
)
def test_lists_of_weights_that_do_not_fit(weights, message):
    with pytest.raises(ShapeError) as error:
        KINDS["dense"](units=2, weights=weights).parameters("z", (2,))
    assert str(error.value) == message
