"""Every kernel against the equations of its layer, and its gradients against the derived formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backcalc.layers import KINDS
from backcalc.numeric.kernels import KERNELS, Pass
from backcalc.numeric.run import Objective, Runner, loss_and_gradients, starting, step
from tests.numeric.cases import CASES, MAPS
from tests.numeric.networks import agree, drawn, loaded


@pytest.mark.parametrize(("label", "layers", "shape"), MAPS, ids=[label for label, *_ in MAPS])
def test_training_over_a_mini_batch(label: str, layers: list[Any], shape: tuple[int, ...]) -> None:
    network = loaded(layers, shape)
    agree(network, drawn(network, 1), training=True, samples=True)


IN_USE = [case for case in CASES if case[0] in ("batchnorm", "batchnorm maps", "dropout", "noise", "stochastic depth")]


@pytest.mark.parametrize(("label", "layers", "shape"), IN_USE, ids=[label for label, *_ in IN_USE])
def test_in_use_one_sample(label: str, layers: list[Any], shape: tuple[int, ...]) -> None:
    network = loaded(layers, shape, batch=None)
    agree(network, drawn(network, 2), training=False, samples=False)


def test_every_kind_of_layer_has_a_kernel_and_a_case() -> None:
    assert {KINDS[kind] for kind in KINDS} - {Unknown} == set(KERNELS)
    tested = {type(node.layer) for _, layers, shape in CASES for node in loaded(layers, shape).nodes}
    assert tested == set(KERNELS)


def test_single_precision_stays_single() -> None:
    for _, layers, shape in CASES:
        network = loaded(layers, shape)
        values = drawn(network, 5, {"x": 4} if layers[0] == CASES[0] else None)
        if any("embedding" in layer for layer in layers if isinstance(layer, dict)):
            values["x"] = np.ones((2, *shape))
        _, gradients = loss_and_gradients(network, values, values, dtype=np.float32)
        assert {gradient.dtype for gradient in gradients.values()} == {np.dtype(np.float32)}, layers


@pytest.mark.parametrize(("label", "layers", "shape"), CASES, ids=[label for label, *_ in CASES])
def test_a_stack_of_trials_is_each_of_them_alone(label: str, layers: list[Any], shape: tuple[int, ...]) -> None:
    runner = Runner(loaded(layers, shape))
    objective = Objective(runner)
    generator = np.random.default_rng(0)
    trials, samples, dtype = 3, 4, np.dtype(float)
    flat = generator.uniform(-1, 1, (trials, runner.arena.size))
    x = generator.uniform(-1, 1, (trials, samples, *shape))
    if label == "embedding":
        x = generator.integers(1, 5, x.shape).astype(float)
    batch = {"x": x, "t": generator.uniform(-1, 1, (trials, samples, *runner.output.output_shape))}
    masks = runner.draw([np.random.default_rng(trial) for trial in range(trials)], samples, dtype)
    together = step(runner, objective, flat, starting(runner, trials, dtype), batch, Pass(True, masks))
    for trial in range(trials):
        own = slice(trial, trial + 1)
        alone_batch = {name: array[own] for name, array in batch.items()}
        going = Pass(True, {name: mask[own] for name, mask in masks.items()})
        alone = step(runner, objective, flat[own], starting(runner, 1, dtype), alone_batch, going)
        np.testing.assert_allclose(together.losses[own], alone.losses, rtol=1e-11)
        np.testing.assert_allclose(together.gradients[own], alone.gradients, rtol=1e-9, atol=1e-11)
        for name, found in alone.statistics.items():
            for one, all_of_them in zip(found, together.statistics[name], strict=True):
                np.testing.assert_allclose(all_of_them[own], one, rtol=1e-11)
