"""The equations of every kind: as text, and their values against plain loops written for this test alone."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings

from backcalc.layers import KINDS, ShapeError
from tests.count.strategies import convolutions, poolings, subsamplings
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
        ("relu", {}, (3,), ["y[i] = relu(x[i])"]),
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
