"""Shapes and counts against an interpreter that executes the layer's equations and counts what it does."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import product
from math import prod

from hypothesis import given, settings

from backcalc.count.conventions import EXACT
from backcalc.count.interpreter import Execution, execute
from backcalc.count.table import Formula
from backcalc.formula.infer import build_program
from backcalc.formula.read import read_equation
from backcalc.formula.source import SourceEquation
from backcalc.layers import Cost, Layer, Shape
from backcalc.layers.conv_transpose import TransposedConvolution
from backcalc.layers.pool import PoolingWithStride

from .strategies import layers, poolings

QUICK = settings(max_examples=150, deadline=None, derandomize=True)


def run(layer: Layer, shape: Shape) -> Execution:
    """The layer executed from `x` to `y`, all equations of it as one count.

    A function of two branches is given what takes the longer one, for its cost is that of the longest.
    """
    equations = layer.equations("y", "x", shape)
    parameters = layer.parameters("y", shape)
    shapes = {"x": shape, "y": layer.output_shape(shape)} | dict(equations.shapes)
    shapes |= {parameter.name: parameter.shape for parameter in parameters}
    lines = [SourceEquation(*read_equation(line)) for line in equations.lines]
    program = build_program(lines, shapes, padded=equations.padded)
    values = {name: entries(shape) for name, shape in shapes.items() if name not in ("y", *equations.shapes)}
    if layer.kind in ("leaky_relu", "elu"):
        values["x"] = {place: -abs(number) for place, number in values["x"].items()}
    done = execute(
        program,
        values,
        weights=[parameter.name for parameter in parameters if parameter.role == "weight"],
        biases=[parameter.name for parameter in parameters if parameter.role == "bias"],
    )
    return done["y"]


def entries(shape: Shape) -> dict[tuple[int, ...], Fraction]:
    """Numbers that all differ, some negative."""
    places = product(*(range(1, size + 1) for size in shape))
    return {place: Fraction((-1) ** count * (3 * count + 1), 7) for count, place in enumerate(places)}


def operations(cost: Cost) -> Counter[str]:
    units = Formula(cost.units).value
    return +Counter({kind: Formula(count).value * units for kind, count in cost.operations.items()})


def executed_operations(execution: Execution) -> Counter[str]:
    return +Counter({kind: count for kind, count in execution.operations.items() if kind != "mac"})


@QUICK
@given(layers())
def test_the_shape_is_that_of_the_executed_equations(case):
    layer, shape = case
    places = run(layer, shape).values.keys()
    assert tuple(max(axis) for axis in zip(*places, strict=True)) == layer.output_shape(shape)


def is_padded_pooling(layer: Layer, shape: Shape) -> bool:
    return isinstance(layer, PoolingWithStride) and any(s.before or s.overhangs for s in layer._slides(shape))


def uncut(layer: Layer) -> Layer:
    """A transposed convolution of which padding cuts nothing off; any other layer as it is."""
    is_transposed = isinstance(layer, TransposedConvolution)
    return layer.model_copy(update={"padding": 0, "output_padding": 0}) if is_transposed else layer


@QUICK
@given(layers())
def test_operations_are_those_of_the_executed_equations(case):
    layer, shape = case
    if is_padded_pooling(layer, shape):
        return  # padding is skipped there, but counts: see the test with the padding spelled out
    assert operations(layer.cost(shape)) == executed_operations(run(layer, shape))


@QUICK
@given(poolings(ceil=False))
def test_padding_counts_in_pooling_as_if_it_were_input(case):
    layer, shape = case
    windows = layer._slides(shape)
    padded = (*shape[: -layer.axes], *(slide.size + slide.before + slide.after for slide in windows))
    execution = run(layer.model_copy(update={"padding": 0}), padded)
    assert len(execution.values) == prod(layer.output_shape(shape))
    assert operations(layer.cost(shape)) == executed_operations(execution)
    assert Formula(layer.cost(shape).window_inputs).value == execution.reads["x"]


@QUICK
@given(layers())
def test_macs_are_products_of_a_weight_and_an_input(case):
    layer, shape = case
    assert Formula(layer.cost(shape).macs).value == run(uncut(layer), shape).operations["mac"]


@QUICK
@given(layers())
def test_connections_are_reads_of_inputs_and_biases(case):
    layer, shape = case
    execution = run(layer, shape)
    pooling = "pool" in layer.kind
    weighted = bool(layer.parameters("y", shape))
    if not (pooling or weighted):
        assert layer.cost(shape).connections == "0"
        return
    biases = execution.reads["b_y"]
    inside = execution.reads["x"] + biases
    cost = layer.cost(shape, padding_connections=False)
    assert Formula(cost.window_inputs if pooling else cost.connections).value == inside
    if not is_padded_pooling(layer, shape):
        cost = layer.cost(shape)
        text = cost.window_inputs if pooling else cost.connections
        cut_off = run(uncut(layer), shape).reads["x"] - execution.reads["x"]
        assert Formula(text).value == inside + execution.padding_reads["x"] + cut_off


@QUICK
@given(layers())
def test_parameters_are_the_entries_that_are_read(case):
    layer, shape = case
    execution = run(uncut(layer), shape)
    parameters = layer.parameters("y", shape)
    for role, text in (("weight", layer.cost(shape).weights), ("bias", layer.cost(shape).biases)):
        arrays = [parameter for parameter in parameters if parameter.role == role]
        touched = sum(len(execution.touched.get(array.name, ())) for array in arrays)
        assert Formula(text).value == touched == sum(array.count for array in arrays)
    trainable = sum(array.count for array in parameters if array.trainable)
    assert Formula(layer.cost(shape).params).value == trainable


@QUICK
@given(layers())
def test_without_bias_only_the_biases_are_gone(case):
    layer, shape = case
    cost, bare = layer.cost(shape), layer.cost(shape, bias=False)
    execution = run(layer, shape)
    biases = len(execution.touched.get("b_y", ()))
    assert bare.biases == "0"
    assert Formula(cost.params).value - Formula(bare.params).value == biases
    assert Formula(cost.connections).value - Formula(bare.connections).value == execution.reads["b_y"]
    assert operations(cost) - operations(bare) == +Counter(bias=execution.operations["bias"])
    assert Formula(EXACT.formula(cost)).value == sum(operations(cost).values())
