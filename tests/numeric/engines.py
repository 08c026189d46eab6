"""Two engines side by side: the plan that a network gets, and the reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from backcalc.layers.embedding import Embedding
from backcalc.net import load_network
from backcalc.numeric.engine import Engine, Reference
from backcalc.numeric.plans import engine_for
from backcalc.numeric.run import Objective, Runner, starting

Make: TypeAlias = Callable[[Runner, Objective, Any, dict[str, Any]], Engine]


def engines(
    net: dict[str, Any], trials: int = 1, dtype: Any = np.float64, make: Make = engine_for
) -> tuple[Engine, Reference, Runner]:
    """The two, with equal parameters."""
    runner = Runner(load_network(net))
    objective = Objective(runner)
    flat = np.random.default_rng(0).normal(0, 0.5, (trials, runner.arena.size)).astype(dtype)
    still = [starting(runner, trials, np.dtype(dtype)) for _ in range(2)]
    return (
        make(runner, objective, flat.copy(), still[0]),
        Reference(runner, objective, flat.copy(), still[1]),
        runner,
    )


def agree(
    net: dict[str, Any],
    samples: int,
    trials: int = 1,
    dtype: Any = np.float64,
    tolerance: float = 1e-11,
    make: Make = engine_for,
    *,
    classes: bool = False,
) -> Engine:
    """Two steps with changed parameters between them, so that no buffer keeps what it should not."""
    plan, reference, runner = engines(net, trials, dtype, make)
    generator = np.random.default_rng(1)
    (shape,) = runner.network.inputs.values()
    out = runner.output.output_shape
    for step in range(2):
        x = generator.normal(size=(trials, samples, *shape)).astype(dtype)
        first = runner.nodes[0].layer
        if isinstance(first, Embedding):
            x = generator.integers(1, int(first.vocabulary) + 1, x.shape).astype(dtype)
        t = generator.dirichlet(np.ones(out[-1]), (trials, samples, *out[:-1])).astype(dtype)
        if classes:
            t = generator.integers(1, out[-1] + 1, (trials, samples)).astype(dtype)
        sources = [[np.random.default_rng([step, trial]) for trial in range(trials)] for _ in range(2)]
        given = x.copy(), t.copy()
        found, expected = plan.step(x, t, sources[0]), reference.step(*given, sources[1])
        np.testing.assert_array_equal(x, given[0])
        np.testing.assert_array_equal(t, given[1])
        near(found.losses, expected.losses, tolerance)
        near(found.output, expected.output, tolerance)
        near(plan.gradients, reference.gradients, tolerance)
        for name, array in reference.still.items():
            near(plan.still[name], array, tolerance)
        for engine in (plan, reference):
            engine.flat -= 0.1 * engine.gradients
    return plan


def near(found: Any, expected: Any, tolerance: float) -> None:
    """Equal but for rounding, which goes by the largest number that was added up."""
    largest = max(1.0, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * largest)
