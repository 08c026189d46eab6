"""Stages of random layers of random shapes against their kernels, forward and back, twice with other numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from backcalc.net import Node
from backcalc.numeric.arena import arena_of
from backcalc.numeric.kernels import Pass, kernel_of
from backcalc.numeric.plans.joined import Joint
from backcalc.numeric.plans.kernelled import Numbers
from backcalc.numeric.plans.layout import as_samples, laid_out
from backcalc.numeric.plans.makers import stage_of
from backcalc.numeric.plans.place import Place
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

QUICK = settings(max_examples=150, deadline=None, derandomize=True)
LAYERS = st.one_of(
    *(convolutions(), transposed(), local(), poolings(), averages(), subsamplings()),
    *(dense(), simple(), moves(), normalised(), rbf()),
)


@QUICK
@given(LAYERS, st.integers(1, 3), st.booleans(), st.booleans())
def test_a_stage_is_its_kernel(case: Any, samples: int, wanted: bool, editable: bool) -> None:
    layer, shape = case
    node = Node("y", layer, ("x",), shape, layer.output_shape(shape), layer.parameters("y", shape))
    kernel, generator = kernel_of(node, (shape,)), np.random.default_rng(0)
    arena = arena_of([node])
    still = {name: np.zeros((1, *each.shape)) for name, each in arena.still.items()}
    numbers = Numbers(arena, np.zeros((1, arena.size)), np.zeros((1, arena.size)), still)
    stage = stage_of(Place(node, kernel, (shape,), samples, numbers, wanted=wanted, editable=editable))
    for _ in range(2):
        numbers.flat[...] = generator.uniform(-1, 1, numbers.flat.shape)
        numbers.gradients.fill(0)
        x = generator.uniform(-1, 1, (samples, *shape))
        parameters = [numbers.read(parameter.name) for parameter in node.parameters]
        expected = kernel.forward([x[None].copy()], parameters, Pass(True))
        arriving = np.ascontiguousarray(laid_out(x))
        output = stage.forward([arriving], {}) if isinstance(stage, Joint) else stage.forward(arriving, {})
        np.testing.assert_allclose(as_samples(output), expected.output[0], rtol=1e-12, atol=1e-12)
        upstream = generator.uniform(-1, 1, expected.output.shape)
        back = expected.backward(upstream)
        gradient = np.ascontiguousarray(laid_out(upstream[0]))
        into = stage.backward(gradient)[0] if isinstance(stage, Joint) else stage.backward(gradient)
        close = {"rtol": 1e-10, "atol": 1e-12}
        if wanted:
            assert into is not None and back.inputs[0] is not None
            np.testing.assert_allclose(as_samples(into), back.inputs[0][0], **close)
            into += 1  # whoever has it may change it
        wished = np.zeros_like(numbers.gradients)
        for parameter, each in zip(node.parameters, back.parameters, strict=True):
            if each is not None:
                arena.give(wished, parameter.name, each)
        np.testing.assert_allclose(numbers.gradients, wished, **close)
