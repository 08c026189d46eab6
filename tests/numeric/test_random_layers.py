"""Random layers of random shapes: forward against the equations, gradients against finite differences of the kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from backcalc.formula.evaluate import evaluate
from backcalc.formula.floats import FLOATS
from backcalc.formula.infer import build_program
from backcalc.formula.read import read_equation
from backcalc.formula.source import SourceEquation
from backcalc.net import Node
from backcalc.numeric.kernels import Kernel, Pass, kernel_of
from tests.count.strategies import (
    averages,
    convolutions,
    dense,
    local,
    moves,
    normalised,
    poolings,
    rbf,
    simple,
    subsamplings,
    transposed,
)
from tests.numeric.networks import array, cells

QUICK = settings(max_examples=60, deadline=None, derandomize=True)
LAYERS = st.one_of(
    *(convolutions(), transposed(), local(), poolings(), averages(), subsamplings()),
    *(dense(), simple(), moves(), normalised(), rbf()),
)


def placed(case: Any) -> tuple[Node, Kernel[Any]]:
    layer, shape = case
    node = Node("y", layer, ("x",), shape, layer.output_shape(shape), layer.parameters("y", shape))
    return node, kernel_of(node, (shape,))


def numbers(node: Node, trials: int, samples: int) -> tuple[Any, list[Any]]:
    generator = np.random.default_rng(0)
    x = generator.uniform(-1, 1, (trials, samples, *node.input_shape))
    return x, [generator.uniform(-1, 1, (trials, *parameter.shape)) for parameter in node.parameters]


def by_equations(node: Node, x: Any, parameters: list[Any]) -> Any:
    """What the equations make of one sample."""
    stated = node.stated(None)
    shapes = {"x": node.input_shape, "y": node.output_shape, **stated.shapes}
    shapes |= {parameter.name: parameter.shape for parameter in node.parameters}
    lines = [SourceEquation(*read_equation(line)) for line in stated.lines]
    program = build_program(lines, shapes, padded=stated.padded)
    values = {"x": cells(x)} | {p.name: cells(value) for p, value in zip(node.parameters, parameters, strict=True)}
    return array(evaluate(program, values, FLOATS)["y"])


@QUICK
@given(LAYERS)
def test_every_trial_and_sample_is_what_the_equations_say(case: Any) -> None:
    node, kernel = placed(case)
    x, parameters = numbers(node, 2, 2)
    output = kernel.forward([x], parameters, Pass()).output
    assert output.shape == (2, 2, *node.output_shape)
    for trial, sample in np.ndindex(2, 2):
        expected = by_equations(node, x[trial, sample], [parameter[trial] for parameter in parameters])
        np.testing.assert_allclose(output[trial, sample], expected, rtol=1e-12, atol=1e-12)


@QUICK
@given(LAYERS)
def test_gradients_are_those_of_finite_differences(case: Any) -> None:
    """Along one random direction at once, through a random linear loss; a bracket of both steps avoids no kink."""
    node, kernel = placed(case)
    x, parameters = numbers(node, 2, 3)
    generator = np.random.default_rng(1)
    upstream = generator.uniform(-1, 1, (2, 3, *node.output_shape))
    found = kernel.forward([x], parameters, Pass()).backward(upstream)
    arrays, gradients = [x, *parameters], [*found.inputs, *found.parameters]
    directions = [generator.uniform(-1, 1, each.shape) for each in arrays]
    step = 1e-6

    def loss(side: int) -> float:
        moved = [each + side * step * direction for each, direction in zip(arrays, directions, strict=True)]
        return float((kernel.forward(moved[:1], moved[1:], Pass()).output * upstream).sum())

    slope = sum(float((g * d).sum()) for g, d in zip(gradients, directions, strict=True))
    np.testing.assert_allclose((loss(1) - loss(-1)) / (2 * step), slope, rtol=1e-6, atol=1e-7)
