"""The generated NumPy function: run as it is, against the derivation's own values and against differences of its loss.

The values come from `verify.vectors`, another evaluation of the same equations that shares nothing with the code.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import backcalc
from backcalc.derive import Derivation, derive
from backcalc.formula.integers import integer
from backcalc.net import Network
from backcalc.render import grad_python
from backcalc.render.numpy_parts import answer_key, leaves_of
from backcalc.verify.vectors import evaluate_vectors
from tests.derive.networks import networks, programs

EXAMPLES = Path(backcalc.__file__).parents[1] / "examples"
SIZES = {"N": 3, "K": 4, "M": 5, "D": 2, "T": 6, "m": 2, "J2": 7}


def layers(shape: Any, *parts: Any, loss: Any = "sse", **more: Any) -> dict[str, Any]:
    return {"input": {"x": shape}, "layers": list(parts), "loss": loss, **more}


KINDS: dict[str, dict[str, Any]] = {
    "dense": layers(3, {"dense": 4}, "tanh", {"dense": 2}, "softmax", loss={"nll": {"target": 2}}),
    "batch": layers(3, {"dense": 4}, "relu", {"dense": 2}, "softmax", loss="cross_entropy", batch="N"),
    "conv-stride": layers(
        [2, 5, 4], {"conv2d": {"filters": 2, "kernel": [2, 3], "stride": 2, "padding": 1}}, "relu", "flatten",
        {"dense": 2},
    ),
    "conv-dilation": layers(
        [2, 6, 7], {"conv2d": {"filters": 2, "kernel": 2, "dilation": 2, "groups": 2}}, "sigmoid", "flatten"
    ),
    "conv-table": layers(
        [2, 5, 5], {"conv2d": {"filters": 2, "kernel": 2, "connections": [[2], [1, 2]]}}, "flatten", {"dense": 1}
    ),
    "conv-transpose": layers([2, 3, 3], {"conv_transpose2d": {"filters": 2, "kernel": 3, "stride": 2}}, "flatten"),
    "maxpool-overlap": layers([1, 7], {"maxpool1d": {"size": 3, "stride": 2, "padding": 1}}, "flatten", {"dense": 2}),
    "maxpool2d": layers([2, 5, 5], {"maxpool2d": {"size": 2, "ceil": True}}, "flatten", {"dense": 2}),
    "avgpool": layers([2, 5, 5], {"avgpool2d": {"size": 3, "stride": 2, "padding": 1}}, "flatten", {"dense": 2}),
    "batchnorm": layers(3, {"dense": 4}, "batchnorm", "relu", {"dense": 1}, loss="mse", batch="N"),
    "layernorm": layers([3, 4], "layernorm", {"dense": 2}, "gelu", loss="mse"),
    "rnn": layers([4, 3], {"rnn": {"units": 2}}, {"dense": 1}, loss="mse"),
    "rnn-batch": layers([4, 3], {"rnn": {"units": 2, "return": "all"}}, loss="mse", batch="N"),
    "lstm-both-ways": layers([3, 2], {"lstm": {"units": 2, "bidirectional": True}}, {"dense": 1}, loss="mse"),
    "gru": layers([3, 2], {"gru": {"units": 2}}, {"dense": 2}, loss="mse"),
    "attention": layers([4, 4], {"attention": {"heads": 2, "causal": True}}, loss="mse"),
    "attention-batch": layers([3, 4], {"attention": {"heads": 2}}, "flatten", {"dense": 2}, loss="mse", batch="N"),
    "embedding": layers(
        [3], {"embedding": {"vocabulary": 5, "units": 2}}, {"attention": {"heads": 1, "causal": True}}, "flatten",
        {"dense": 2}, loss="mse",
    ),
    "mixture": layers([3, 4], {"mixture": {"experts": 3, "active": 2, "layers": [{"dense": 4}]}}, loss="mse"),
    "hinge": layers(3, {"dense": 3}, loss={"hinge": {"target": 2}}),
    "kinks": layers(
        4, {"dense": 4}, "leaky_relu", {"dense": 3}, "elu", {"dense": 3}, "hard_swish", {"dense": 3}, "silu",
        {"dense": 2}, "softplus",
    ),
    "penalty": layers(3, {"dense": 2}, loss="sse", penalty={"l2": "1/10"}),
    "upstream": {
        "input": {"x": 3}, "layers": [{"dense": {"name": "y", "units": 2}}], "given": {"dJ/dy": "G"},
        "find": ["W_y", "x"],
    },
    "jacobian": {**layers(3, {"dense": {"name": "z", "units": 2}}, {"softmax": {"name": "y"}}), "find": ["dy/dx"]},
    "second": {"equations": "y = tanh(w*x + b)\nJ = 1/2*(y - t)^2", "find": ["w", "d^2J/dw^2", "d^2J/(dw db)"]},
    "hessian": {
        "equations": "z = sum(k=1..3, w[k]*x[k])\nJ = log(1 + exp(z))", "shapes": {"w": [3], "x": [3]},
        "find": ["d^2J/dw^2"],
    },
    "recurrence": {
        "sizes": {"T": None}, "find": ["u", "w", "h[0]"],
        "equations": "h[t] = tanh(u*h[t-1] + w*x[t])\nh[0] = s\nJ = sum(t=1..T, (h[t] - d[t])^2)",
    },
    "gather": {
        "shapes": {"E": ["M", 2], "k": ["N"]}, "sizes": {"N": None, "M": None}, "find": ["E"],
        "equations": "v[i,j] = E[k[i],j]^2\nJ = sum(i=1..N, sum(j=1..2, i*v[i,j]))",
    },
    "shadows": {
        "shapes": {"lambda": [3], "np": [3], "sum": []}, "find": ["lambda", "np", "sum"],
        "equations": "params[i] = lambda[i]*np[i]^2\nJ = sum*sum(i=1..3, exp(params[i]))",
    },
    "extremes": {
        "shapes": {"A": [3, 4]}, "find": ["A"],
        "equations": "m[i] = max(j=1..4, A[i,j])\nn[j] = min(i=1..3, A[i,j])\np = prod(i=1..3, m[i])\n"
        "J = p + sum(j != 2, n[j]) + mean(j, n[j]^2) + max(A[1,1], A[2,2]) + abs(A[3,1])",
    },
    "triangle": {
        "shapes": {"a": [4, 4]}, "find": ["a"],
        "equations": "r[i] = sum(j=1..i, a[i,j]^2*a[j,i])\nJ = sum(i=1..4, r[i]^2)",
    },
}  # fmt: skip


def drawn(derivation: Derivation, seed: int = 0) -> dict[str, Any]:
    """Random values of every leaf; the given ones where the formulas use a fact about them, as that they sum to 1."""
    source, program = np.random.default_rng(seed), derivation.program
    values: dict[str, Any] = {}
    for name in program.leaves:
        shape = tuple(integer(axis, SIZES) for axis in program.shapes[name])
        whole = name in program.index_names
        values[name] = source.integers(1, 3, shape, endpoint=True) if whole else source.uniform(0.1, 0.9, shape)
        if name in derivation.stated:
            values[name] = np.array([float(value.decimal()) for value in derivation.values[name].values()]).reshape(
                shape
            )
    return values


def function_of(derivation: Derivation) -> Any:
    """The generated function itself."""
    scope: dict[str, Any] = {"__name__": "generated"}
    exec(compile(grad_python.render(derivation), "generated", "exec"), scope)
    return scope


def check(derivation: Derivation, seed: int = 0) -> None:
    """Every entry of the answer equals the derivation's own formulas; the gradients equal central differences."""
    scope = function_of(derivation)
    values = drawn(derivation, seed)
    params, batch = ({name: values[name] for name in names} for names in leaves_of(derivation))
    batch |= {size: SIZES[size] for size, value in derivation.program.sizes.items() if value is None}
    loss, grads = scope["loss_and_grads"](params, batch)
    for part in derivation.parts:
        store = evaluate_vectors(part.adjoint_program(), values, SIZES)
        if part is derivation and loss is not None:
            assert np.allclose(loss, store[part.loss], rtol=1e-10, atol=1e-12)
        for gradient in part.gradients:
            found = grads[answer_key(part, gradient)]
            expected = store.get(gradient.adjoint.name, np.zeros(np.shape(found)))
            assert np.shape(found) == np.shape(expected)
            assert np.allclose(found, expected, rtol=1e-10, atol=1e-12), gradient.asked
    if loss is not None:
        assert scope["largest_difference"](params, batch) < 1e-6


@pytest.mark.parametrize("name", KINDS)
def test_the_function_is_right(name: str) -> None:
    check(derive(backcalc.load(KINDS[name]), view="index"))


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.yaml")), ids=lambda file: file.stem)
def test_the_function_of_an_example_is_right(file: Path) -> None:
    network = backcalc.load(file)
    if network.loss is None:
        pytest.skip("the example has no loss: it is there to be counted")
    if sum(int(np.prod(network.program.shape(name) or (1,))) for name in network.program.leaves) > 100_000:
        pytest.skip("the same layers as in a smaller example")
    check(derive(network, view="index"))
