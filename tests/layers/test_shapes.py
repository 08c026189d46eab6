"""Shapes, their formulas, and what is refused, in words."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from backcalc.formula.integers import integer
from backcalc.formula.read import read_expression
from backcalc.layers import KINDS, LOSSES, ShapeError
from backcalc.layers.conv_transpose import Spread
from backcalc.layers.slide import Slide, slides


def sliding_places(slide: Slide) -> list[int]:
    """Where windows start, by trying every place from the left: the definition of the output size."""
    places, start = [], -slide.before
    while start + slide.extent <= slide.size + slide.after:
        places.append(start)
        start += slide.stride
    return places


SLIDES = st.builds(
    Slide,
    size=st.integers(1, 20),
    taps=st.integers(1, 5),
    stride=st.integers(1, 4),
    dilation=st.integers(1, 3),
    before=st.integers(0, 3),
    after=st.integers(0, 3),
).filter(lambda slide: slide.extent <= slide.size + slide.before + slide.after)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(SLIDES)
def test_output_size_and_taps_are_those_of_sliding(slide):
    places = sliding_places(slide)
    assert slide.output == len(places)
    cells = [start + tap * slide.dilation for start in places for tap in range(slide.taps)]
    assert slide.taps_inside == sum(0 <= cell < slide.size for cell in cells)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(SLIDES)
def test_the_formula_of_the_size_gives_the_size(slide):
    text, _, value = slide.formula.partition(" = ")
    # floor((a)/s) is div(a, s) in the language; the formula has it only where the division leaves a rest
    readable = re.sub(r"floor\(\((.*)\)/(\d+)\)", r"div(\1, \2)", text)
    assert integer(read_expression(readable), {}) == int(value) == slide.output


@pytest.mark.parametrize(
    ("slide", "formula"),
    [
        (Slide(28, 5, before=2, after=2), "(28 + 2*2 - 5)/1 + 1 = 28"),
        (Slide(12, 4, 2, before=1, after=1), "(12 + 2*1 - 4)/2 + 1 = 6"),
        (Slide(12, 5, 2), "floor((12 - 5)/2) + 1 = 4"),
        (Slide(12, 5, 2, ceil=True), "ceil((12 - 5)/2) + 1 = 5"),
        (Slide(12, 3, 1, 2), "(12 - 2*(3 - 1) - 1)/1 + 1 = 8"),
        (Slide(8, 2, before=0, after=1), "(8 + 1 - 2)/1 + 1 = 8"),
        # PyTorch: a last window that would start behind the input is left out
        (Slide(3, 2, 3, before=1, after=1, ceil=True), "(3 + 2*1 - 2)/3 + 1 = 2"),
        (Slide(3, 1, 3, before=1, after=1, ceil=True), "ceil((3 + 2*1 - 1)/3) + 1 - 1 = 2"),
    ],
)
def test_formulas_as_people_write_them(slide, formula):
    assert slide.formula == formula


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(1, 20), st.integers(1, 5), st.integers(1, 4), st.integers(1, 2))
def test_same_gives_size_over_stride_rounded_up(size, taps, stride, dilation):
    (slide,) = slides("conv1d", (size,), (taps,), (stride,), "same", dilation=(dilation,))
    assert slide.output == -(-size // stride)
    assert 0 <= slide.after - slide.before <= 1


@pytest.mark.parametrize(
    ("kind", "fields", "shape", "output"),
    [
        ("dense", {"units": 120}, (400,), (120,)),
        ("dense", {"units": 2}, (7, 3), (7, 2)),
        ("conv1d", {"filters": 1, "kernel": 2}, (3,), (2,)),
        ("conv1d", {"filters": 4, "kernel": 2}, (3,), (4, 2)),
        ("conv1d", {"filters": 1, "kernel": 2}, (1, 3), (1, 2)),
        ("conv2d", {"filters": 6, "kernel": 5, "padding": "same"}, (1, 28, 28), (6, 28, 28)),
        ("conv2d", {"filters": 2, "kernel": [1, 3], "stride": [2, 1]}, (3, 7, 9), (2, 4, 7)),
        ("maxpool1d", {"size": 2}, (5,), (2,)),
        ("maxpool2d", {"size": 2}, (6, 28, 28), (6, 14, 14)),
        ("maxpool2d", {"size": 3, "stride": 2, "ceil": True}, (6, 6, 7), (6, 3, 3)),
        ("avgpool2d", {"size": 3, "stride": 1, "padding": 1}, (2, 4, 5), (2, 4, 5)),
        ("subsample2d", {"size": 2}, (6, 28, 28), (6, 14, 14)),
        ("conv3d", {"filters": 2, "kernel": [1, 2, 3], "stride": [1, 1, 2]}, (3, 4, 5, 7), (2, 4, 4, 3)),
        # PyTorch: (n - 1)*stride - 2*padding + dilation*(kernel - 1) + output_padding + 1
        ("conv_transpose1d", {"filters": 1, "kernel": 3, "stride": 2}, (4,), (9,)),
        ("conv_transpose1d", {"filters": 1, "kernel": 3}, (1, 4), (1, 6)),
        ("conv_transpose2d", {"filters": 3, "kernel": 4, "stride": 2, "padding": 1}, (8, 7, 9), (3, 14, 18)),
        (
            "conv_transpose2d",
            {"filters": 4, "kernel": 3, "stride": 2, "padding": 1, "output_padding": [1, 0], "groups": 2},
            (2, 5, 5),
            (4, 10, 9),
        ),
        ("conv_transpose2d", {"filters": 3, "kernel": [5, 2], "stride": 3, "padding": "same"}, (8, 7, 9), (3, 21, 27)),
        ("conv_transpose1d", {"filters": 2, "kernel": 3, "dilation": 2}, (1, 4), (2, 8)),
        ("locally_connected2d", {"filters": 2, "kernel": 3, "stride": 2, "padding": "same"}, (3, 5, 6), (2, 3, 3)),
        ("global_avgpool", {}, (8, 5, 6), (8,)),
        ("adaptive_avgpool2d", {"size": 7}, (512, 7, 14), (512, 7, 7)),
        ("adaptive_avgpool2d", {"size": [2, 1]}, (3, 5, 6), (3, 2, 1)),
        ("adaptive_avgpool2d", {"size": 7}, (3, 1, 1), (3, 7, 7)),
        ("adaptive_avgpool2d", {"size": 3}, (3, 7, 6), (3, 3, 3)),
        ("upsample2d", {"factor": [2, 3]}, (3, 4, 5), (3, 8, 15)),
        ("reshape", {"shape": [3, -1]}, (2, 3, 4), (3, 8)),
        ("reshape", {"shape": 24}, (2, 3, 4), (24,)),
        ("transpose", {}, (2, 3), (3, 2)),
        ("transpose", {"axes": [1, 3]}, (2, 3, 4), (4, 3, 2)),
        ("transpose", {"axes": [2, 3, 1]}, (2, 3, 4), (3, 4, 2)),
        ("slice", {"start": 2, "stop": 5}, (6,), (4,)),
        ("slice", {"axis": 3, "step": 2}, (2, 3, 5), (2, 3, 3)),
        ("channel_shuffle", {"groups": 2}, (6, 4, 4), (6, 4, 4)),
        ("normalise", {"mean": 0, "std": 1}, (3, 4), (3, 4)),
        ("log_softmax", {}, (3, 4), (3, 4)),
        ("flatten", {}, (16, 5, 5), (400,)),
        ("relu", {}, (2, 3), (2, 3)),
        ("softmax", {}, (10,), (10,)),
        ("rbf", {"units": 10}, (84,), (10,)),
    ],
)
def test_output_shapes(kind, fields, shape, output):
    assert KINDS[kind](**fields).output_shape(shape) == output


@pytest.mark.parametrize(
    ("kind", "fields", "shape", "message"),
    [
        (
            "dense",
            {"units": 2},
            (6, 5, 5),
            "dense works on a vector [features] or on [time, features], but got [6, 5, 5]; put flatten before it",
        ),
        ("rbf", {"units": 2}, (6, 5), "rbf works on a vector [features], but got [6, 5]; put flatten before it"),
        (
            "conv2d",
            {"filters": 2, "kernel": 5},
            (28, 28),
            "conv2d works on [channels, height, width], but got [28, 28]; an image of one channel is [1, 28, 28]",
        ),
        (
            "conv1d",
            {"filters": 2, "kernel": 5},
            (1, 28, 28),
            "conv1d works on [length] or [channels, length], but got [1, 28, 28]",
        ),
        (
            "conv2d",
            {"filters": 2, "kernel": 5},
            (6, 3, 3),
            "the window of conv2d, 5x5, is larger than its input [6, 3, 3]; "
            "make the window smaller or the padding larger",
        ),
        (
            "conv1d",
            {"filters": 2, "kernel": 5, "dilation": 2, "padding": 1},
            (6,),
            "the window of conv1d, 5 with dilation 2 (spanning 9), is larger than its input [6], "
            "which is 8 with its padding; make the window smaller or the padding larger",
        ),
        (
            "conv2d",
            {"filters": 4, "kernel": 1, "groups": 2},
            (3, 2, 2),
            "conv2d has 2 groups, but its input [3, 2, 2] has 3 channels; the channels must be a multiple of 2",
        ),
        (
            "conv2d",
            {"filters": 2, "kernel": 1, "connections": [[1], [2, 7]]},
            (6, 2, 2),
            "row 2 of the connections of conv2d names map 7, but its input [6, 2, 2] has 6 channels",
        ),
        (
            "maxpool2d",
            {"size": 2, "padding": 2},
            (1, 4, 4),
            "maxpool2d has windows of 2 that lie on its padding of 2 alone; the padding is at most 1",
        ),
        (
            "conv3d",
            {"filters": 1, "kernel": 3},
            (3, 4, 5),
            "conv3d works on [channels, depth, height, width], but got [3, 4, 5]; "
            "an image of one channel is [1, 3, 4, 5]",
        ),
        (
            "conv_transpose2d",
            {"filters": 1, "kernel": 3, "padding": 3},
            (1, 4, 5),
            "the padding of conv_transpose2d cuts off all that comes out of its input [1, 4, 5]: "
            "(4 - 1)*1 + 3 - 2*3 = 0, (5 - 1)*1 + 3 - 2*3 = 1; make the padding smaller",
        ),
        (
            "conv_transpose1d",
            {"filters": 2, "kernel": 3, "groups": 2},
            (3, 4),
            "conv_transpose1d has 2 groups, but its input [3, 4] has 3 channels; the channels must be a multiple of 2",
        ),
        (
            "adaptive_avgpool2d",
            {"size": 4},
            (8, 8, 7),
            "adaptive_avgpool2d shares 7 cells of its input [8, 8, 7] among 4 windows, which are not equal; "
            "choose a size that divides 7",
        ),
        ("global_avgpool", {}, (8,), "global_avgpool works on [channels, height, width], but got [8]"),
        ("reshape", {"shape": [2, 4]}, (3, 3), "[3, 3] has 9 numbers, but [2, 4] needs 8"),
        ("reshape", {"shape": [2, -1]}, (3, 3), "[3, 3] has 9 numbers, but [2, -1] needs a multiple of 2"),
        (
            "transpose",
            {},
            (2, 3, 4),
            "transpose without axes works on a matrix, but got [2, 3, 4]; "
            "say which axes change places, as in `transpose: [1, 2]`",
        ),
        (
            "transpose",
            {"axes": [1, 4]},
            (2, 3, 4),
            "transpose names the axes [1, 4], but its input [2, 3, 4] has 3; name two axes, or every axis once",
        ),
        ("slice", {"start": 4}, (3, 5), "slice takes from 4 on along axis 1, but its input [3, 5] has 3 there"),
        ("slice", {"stop": 6, "axis": 2}, (3, 5), "slice takes 1 to 6 along axis 2, but its input [3, 5] has 5 there"),
        ("slice", {"axis": 3}, (3, 5), "slice takes along axis 3, but its input [3, 5] has 2"),
        (
            "channel_shuffle",
            {"groups": 4},
            (6, 2, 2),
            "channel_shuffle has 4 groups, but its input [6, 2, 2] has 6 channels; "
            "the channels must be a multiple of 4",
        ),
        (
            "normalise",
            {"mean": [0, 1], "std": 1},
            (3, 4, 4),
            "the mean of normalise has 2 numbers, but its input [3, 4, 4] has 3 channels",
        ),
        (
            "upsample2d",
            {"factor": 2},
            (4, 5),
            "upsample2d works on [channels, height, width], but got [4, 5]; an image of one channel is [1, 4, 5]",
        ),
        (
            "subsample2d",
            {"size": 3},
            (1, 2, 2),
            "the window of subsample2d, 3x3, is larger than its input [1, 2, 2]; "
            "make the window smaller or the padding larger",
        ),
    ],
)
def test_impossible_shapes_are_refused_in_words(kind, fields, shape, message):
    with pytest.raises(ShapeError) as error:
        KINDS[kind](**fields).output_shape(shape)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("kind", "fields", "message"),
    [
        ("dense", {"units": 0}, "expected a whole number from 1"),
        ("dense", {"units": True}, "expected a whole number"),
        ("dense", {"units": Fraction(1, 2)}, "expected a whole number"),
        ("dense", {"units": 2, "bias": 1}, "Input should be a valid boolean"),
        ("dense", {"units": 2, "bias": False, "biases": ["b"]}, "biases are named, but bias is false"),
        ("dense", {"units": 2, "weights": [[None]]}, "expected a name, a number, or a list of names and numbers"),
        ("conv2d", {"filters": 2, "kernel": "5"}, "expected a whole number from 1 to 100000, or one per axis"),
        ("conv2d", {"filters": 2, "kernel": [5, 5, 5]}, "kernel of conv2d is one number or 2, but got 3"),
        ("conv1d", {"filters": 2, "kernel": 5, "stride": [1, 1]}, "stride of conv1d is one number, but got 2"),
        (
            "conv2d",
            {"filters": 2, "kernel": 5, "padding": "sam"},
            "expected valid, same, a whole number from 0 to 100000, or one per axis",
        ),
        ("conv2d", {"filters": 3, "kernel": 5, "groups": 2}, "3 filters cannot be shared by 2 groups"),
        ("conv2d", {"filters": 3, "kernel": 5, "connections": [[1]]}, "connections has 1 rows for 3 filters"),
        (
            "conv2d",
            {"filters": 1, "kernel": 5, "connections": [[1, 1]]},
            "row 1 of connections must list different maps, counted from 1",
        ),
        (
            "conv2d",
            {"filters": 2, "kernel": 5, "connections": [[1], [1]], "groups": 2},
            "a table of connections and groups exclude each other",
        ),
        (
            "conv2d",
            {"filters": 1, "kernel": 1, "connections": [[1]], "weights": [["w"]]},
            "single weights cannot be named where a table of connections leaves some out",
        ),
        ("relu", {"units": 2}, "Extra inputs are not permitted"),
        ("conv_transpose1d", {"filters": 3, "kernel": 2, "groups": 2}, "3 filters cannot be shared by 2 groups"),
        (
            "conv_transpose1d",
            {"filters": 1, "kernel": 2, "output_padding": 1},
            "output_padding is 1, but must be less than the stride or the dilation",
        ),
        (
            "conv_transpose1d",
            {"filters": 1, "kernel": 2, "stride": 2, "padding": "same", "output_padding": 1},
            "output_padding goes with padding in numbers: same fixes the size already",
        ),
        ("upsample2d", {"factor": [2, 2, 2]}, "factor of upsample2d is one number or 2, but got 3"),
        ("reshape", {"shape": [-1, -1]}, "expected 1 to 8 sizes, of which one may be -1: what is left"),
        ("reshape", {"shape": [0]}, "expected 1 to 8 sizes, of which one may be -1: what is left"),
        ("transpose", {"axes": [1, 1]}, "expected a list of different axes, counted from 1"),
        ("transpose", {"axes": [0, 1]}, "expected a whole number from 1"),
        ("slice", {"start": 3, "stop": 2}, "stop is 2, but start is 3: nothing is left"),
        ("normalise", {"mean": 0, "std": [1, 0]}, "std is divided by and must not be 0"),
        ("normalise", {"mean": "x", "std": 1}, "expected a number, as 2, 0.5 or 17/6"),
        ("leaky_relu", {"slope": True}, "expected a number, as 2, 0.5 or 17/6"),
        ("gelu", {"approximate": "tanh"}, "Input should be a valid boolean"),
    ],
)
def test_impossible_fields_are_refused_in_words(kind, fields, message):
    with pytest.raises(ValidationError) as error:
        KINDS[kind](**fields)
    assert [each["msg"].removeprefix("Value error, ") for each in error.value.errors()] == [message]


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.builds(
        Spread,
        size=st.integers(1, 6),
        taps=st.integers(1, 4),
        stride=st.integers(1, 4),
        dilation=st.integers(1, 3),
        before=st.integers(0, 3),
        after=st.integers(0, 3),
        extra=st.integers(0, 2),
    ).filter(lambda spread: spread.output > 0)
)
def test_a_spread_lands_where_a_convolution_of_the_output_would_read(spread):
    """What lands on cell i from cell o is what window o of the convolution backwards reads there."""
    back = Slide(spread.output, spread.taps, spread.stride, spread.dilation, spread.before, spread.after)
    read = [
        o * spread.stride + tap * spread.dilation - spread.before
        for o in range(spread.size)
        for tap in range(spread.taps)
    ]
    inside = [cell for cell in read if 0 <= cell < spread.output]
    assert (spread.landing, spread.reached) == (len(inside), len(set(inside)))
    if not spread.extra:
        assert (back.output, back.taps_inside) == (spread.size, spread.landing)
    text, _, value = spread.formula.partition(" = ")
    assert integer(read_expression(text), {}) == int(value) == spread.output


def test_whole_numbers_may_come_as_fractions():
    assert KINDS["conv2d"](filters=Fraction(6), kernel=Fraction(5)).kernel == 5


def test_every_field_has_a_description_for_the_schema():
    for kind, layer in (KINDS | LOSSES).items():
        schema = layer.model_json_schema()
        assert schema["description"] and ">>>" not in schema["description"]
        for name, field in schema["properties"].items():
            assert field.get("description"), f"{kind}.{name}"
