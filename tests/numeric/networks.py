"""Networks in numbers, three ways: by the kernels, by their own equations, and by the derived formulas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from backcalc.derive import derive
from backcalc.formula.evaluate import evaluate
from backcalc.formula.floats import FLOATS
from backcalc.net import Network, load_network
from backcalc.numeric.run import loss_and_gradients

Arrays = Mapping[str, Any]


def cells(array: Any) -> dict[tuple[int, ...], float]:
    """The elements of an array by their indices from 1."""
    return {tuple(i + 1 for i in at): float(number) for at, number in np.ndenumerate(np.asarray(array))}


def array(elements: Mapping[tuple[int, ...], float]) -> Any:
    """The array of such elements."""
    if () in elements:
        return np.array(elements[()])
    whole = np.empty(tuple(max(axis) for axis in zip(*elements, strict=True)))
    for place, number in elements.items():
        whole[tuple(i - 1 for i in place)] = number
    return whole


def drawn(network: Network, seed: int, whole: Mapping[str, int] | None = None) -> dict[str, Any]:
    """Numbers for every leaf of the network's equations; `whole` are those that are classes or tokens, up to a size."""
    generator = np.random.default_rng(seed)
    found = {}
    for name in network.program.leaves:
        shape = network.program.shape(name)
        if name in (whole or {}):
            found[name] = generator.integers(1, whole[name] + 1, shape).astype(float)
        elif name.startswith("mask_"):
            found[name] = (generator.random(shape) < 0.6).astype(float)
        elif name.startswith("var_"):
            found[name] = generator.uniform(0.5, 2, shape)
        elif name in network.values:
            found[name] = np.array(network.values[name], dtype=object).astype(float)
        else:
            found[name] = generator.uniform(-1, 1, shape)
    return found


def by_equations(network: Network, values: Arrays) -> dict[str, Any]:
    """Everything that the equations compute, and dJ/d of everything, by the derived formulas."""
    program = derive(network).adjoint_program()
    store = evaluate(program, {name: cells(value) for name, value in values.items()}, FLOATS)
    return {name: array(elements) for name, elements in store.items()}


def loaded(layers: list[Any], shape: tuple[int, ...], batch: int | None = 2, loss: Any = "sse", **more: Any) -> Network:
    """The network of those layers, over a mini-batch or of one sample."""
    net = {"input": {"x": list(shape)}, "layers": layers, "loss": loss, **more}
    network = load_network(net | ({"batch": batch} if batch else {}))
    return load_network(net | ({"batch": batch} if batch else {}) | {"find": [*network.parameters, *_asked(network)]})


def _asked(network: Network) -> list[str]:
    return [name for name in network.inputs if name not in network.program.index_names]


def agree(network: Any, values: dict[str, Any], *, training: bool, samples: bool) -> None:
    """The kernels say what the equations and the derived formulas say, in double precision."""
    expected = by_equations(network, values)
    lead = (lambda value: value) if samples else (lambda value: np.asarray(value)[None])
    given = [*network.inputs, *(name for name in values if name.startswith(("mask_", "noise_")))]
    batch = {name: lead(values[name]) for name in given}
    if isinstance(network.criterion.target, str):
        batch[network.criterion.target] = lead(values[network.criterion.target])
    loss, gradients = loss_and_gradients(network, values, batch, training=training)
    assert loss == pytest.approx(float(expected[network.loss]), rel=1e-12, abs=1e-12)
    asked = [name for name in (*network.parameters, *network.inputs) if f"d{network.loss}/d{name}" in expected]
    assert set(network.parameters) <= set(asked)
    for name in asked:
        wanted = expected[f"d{network.loss}/d{name}"]
        found = gradients[name] if name in network.parameters or samples else gradients[name][0]
        np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-11, err_msg=name)
