"""A stack of networks is each of them alone: losses, gradients and statistics of every layer in every variant."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backcalc.net import load_network
from backcalc.numeric.kernels import Pass
from backcalc.numeric.run import Objective, Runner, starting, step
from tests.numeric.cases import CASES


@pytest.mark.parametrize(("label", "layers", "shape"), CASES, ids=[label for label, *_ in CASES])
def test_a_stack_of_trials_is_each_of_them_alone(label: str, layers: list[Any], shape: tuple[int, ...]) -> None:
    runner = Runner(load_network({"input": {"x": list(shape)}, "layers": layers, "loss": "sse"}))
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
