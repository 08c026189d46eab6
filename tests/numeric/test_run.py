"""Whole networks: those of the examples, of two inputs, with an output of their own; what is missing is said."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backcalc
from backcalc.net import Network, load_network
from backcalc.numeric.kernels import NotTrainable
from backcalc.numeric.run import Objective, Runner, loss_and_gradients
from tests.numeric.networks import by_equations

EXAMPLES = Path(backcalc.__file__).parents[1] / "examples"


def valued() -> dict[str, Network]:
    """The examples of layers that have a value for everything, and few numbers."""
    found = {}
    for file in sorted(EXAMPLES.glob("*.yaml")):
        network = load_network(file)
        if not network.nodes or network.criterion is None:
            continue
        if set(network.program.leaves) <= network.values.keys() and not network.program.is_symbolic():
            found[file.stem] = network
    return found


VALUED = valued()


def numbers(value: Any) -> Any:
    return np.array(value, dtype=object).astype(float)


def test_there_are_such_examples() -> None:
    assert len(VALUED) >= 4


@pytest.mark.parametrize("name", VALUED)
def test_examples_have_the_gradients_that_are_derived(name: str) -> None:
    network = VALUED[name]
    values = {key: numbers(value) for key, value in network.values.items()}
    expected = by_equations(network, {key: values[key] for key in network.program.leaves})
    is_batch = all(values[key].shape != shape for key, shape in network.inputs.items())
    batch = {key: values[key] if is_batch else values[key][None] for key in network.inputs}
    target = network.criterion.target if network.criterion is not None else ""
    if isinstance(target, str) and target in values:
        batch[target] = values[target] if is_batch else values[target][None]
    loss, gradients = loss_and_gradients(network, values, batch, training=is_batch)
    assert loss == pytest.approx(float(expected[str(network.loss)]), rel=1e-12)
    for key in network.parameters:
        np.testing.assert_allclose(gradients[key], expected[f"d{network.loss}/d{key}"], rtol=1e-12, atol=1e-12)


def test_two_inputs_and_an_output_in_the_middle() -> None:
    layers = [
        {"dense": {"name": "a", "units": 2, "inputs": ["x"]}},
        {"dense": {"name": "b", "units": 2, "inputs": ["u"]}},
        {"multiply": {"name": "y", "inputs": ["a", "b"]}},
        {"dense": {"name": "aside", "units": 1}},
    ]
    net = {"input": {"x": 3, "u": 1}, "layers": layers, "loss": "sse", "output": "y", "random": 0, "batch": 2}
    network = load_network(net | {"find": ["W_a", "b_b", "x", "u"]})
    values = {key: numbers(value) for key, value in network.values.items()}
    expected = by_equations(network, values)
    loss, gradients = loss_and_gradients(network, values, {key: values[key] for key in ("x", "u", "t")})
    assert loss == pytest.approx(float(expected["J"]), rel=1e-12)
    for key in ("W_a", "b_b", "x", "u"):
        np.testing.assert_allclose(gradients[key], expected[f"dJ/d{key}"], rtol=1e-12)
    assert "W_aside" not in gradients


def test_a_saturated_softmax_has_a_finite_loss() -> None:
    net = {"input": 2, "layers": ["linear", "softmax"], "loss": "nll"}
    loss, gradients = loss_and_gradients(load_network(net), {}, {"x": [[1000.0, 0.0]], "t": [2]})
    assert loss == 1000 and gradients["x"].tolist() == [[1, -1]]
    bits = {"input": 2, "layers": ["linear", "sigmoid"], "loss": "bce"}
    loss, gradients = loss_and_gradients(load_network(bits), {}, {"x": [[800.0, -800.0]], "t": [[0, 1]]})
    assert loss == 1600 and gradients["x"].tolist() == [[1, -1]]


def test_what_is_missing_is_said() -> None:
    with pytest.raises(NotTrainable, match="a set of equations has no layers to train"):
        Runner(load_network({"equations": "J = w^2"}))
    letters = {"sizes": {"D": None, "F": None}, "input": "D", "layers": [{"dense": "F"}], "loss": "sse"}
    with pytest.raises(NotTrainable, match="arrays need sizes that are numbers; give one to `D`, `F`, in `sizes`"):
        Runner(load_network(letters))
    with pytest.raises(NotTrainable, match="the network has no loss; add one"):
        Objective(Runner(load_network({"input": 2, "layers": ["relu"]})))
    net = {"input": 2, "layers": [{"dense": 1}], "loss": "mse", "penalty": {"l2": "lambda"}}
    with pytest.raises(NotTrainable, match="the factor `lambda` of the penalty has no value"):
        Objective(Runner(load_network(net)))
    assert Objective(Runner(load_network(net | {"values": {"lambda": Fraction(1, 2)}}))).l2 == 0.5
