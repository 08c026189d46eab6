"""Published experiments, rerun: how many narrow networks die, against rates that were found by other programs.

The rates are those of 20 times 1000 networks in PyTorch, the rate at birth that of a transfer operator on the signs of
activations; limits are three standard errors.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backcalc.net import load_network
from backcalc.numeric.data import load_data, stacked
from backcalc.numeric.kernels import Pass
from backcalc.numeric.run import Runner
from backcalc.numeric.train import train

TRIALS = 400
DATA = stacked([load_data("abs:3000", seed=seed) for seed in range(TRIALS)])


def outputs(activation: Any, epochs: int, trials: int = TRIALS) -> Any:
    """What ten layers of two neurons put out for all points, before or after an epoch of Keras's Adam."""
    layers: list[Any] = [{"repeat": {"times": 10, "layers": [{"dense": {"name": "a", "units": 2}}, activation]}}]
    layers.append({"dense": {"name": "y", "units": 1, "bias": False}})
    net = load_network({"input": 1, "layers": layers, "loss": "mse", "update": {"adam": {"rate": "0.001"}}})
    schemes = {"": "he_normal", "y": "glorot_uniform"}
    history = train(net, DATA, epochs=epochs, batch=64, trials=trials, initialise=schemes, style="keras")
    runner = Runner(net)
    flat = np.concatenate([history.parameters[name].reshape(trials, -1) for name in runner.arena.pieces], axis=1)
    x = DATA.x.astype(np.float32)
    return runner.forward(flat, {}, {"x": x}, Pass()).outputs["y"]


def limit(share: float) -> float:
    return 3 * (share * (1 - share) / TRIALS) ** 0.5


@pytest.mark.parametrize(("epochs", "share"), [(0, 0.909877), (1, 0.93745)])
def test_most_narrow_relu_networks_are_born_dead_and_more_die(epochs: int, share: float) -> None:
    dead = (outputs("relu", epochs) == 0).all(axis=(1, 2)).mean()
    assert dead == pytest.approx(share, abs=limit(share))


def test_leaky_networks_do_not_die_but_are_flat() -> None:
    y = outputs("leaky_relu", 1)
    assert not (y == 0).all(axis=(1, 2)).any()
    flat = (np.ptp(y, axis=(1, 2)) < 1e-3).mean()
    assert flat == pytest.approx(0.6802, abs=limit(0.6802))
