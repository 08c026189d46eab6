"""The generated NumPy function: run as it is, against the derivation's own values and against differences of its loss.

The values come from `verify.vectors`, another evaluation of the same equations that shares nothing with the code.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given as drawn_from
from hypothesis import settings

import backcalc
from backcalc.derive import Derivation, derive
from backcalc.formula.integers import integer
from backcalc.net import InputError, Network
from backcalc.render import grad_ipynb, grad_python
from backcalc.render.numpy_parts import answer_key, leaves_of
from backcalc.verify.vectors import evaluate_vectors
from tests.derive.networks import networks, programs

from .kinds import EXAMPLES, KINDS

SIZES = {"N": 3, "K": 4, "M": 5, "D": 2, "T": 6, "m": 2, "J2": 7, "S": 3, "H": 3, "E": 5, "F": 4, "V": 8}


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


@settings(max_examples=15, deadline=None, derandomize=True)
@drawn_from(networks())
def test_the_function_of_a_random_network_is_right(network: Network) -> None:
    check(derive(network, view="index"))


@settings(max_examples=40, deadline=None, derandomize=True)
@drawn_from(programs())
def test_the_function_of_random_formulas_is_right(network: Network) -> None:
    check(derive(network, view="index"))


@pytest.mark.parametrize("name", ["shared-kernel", "batch-norm", "six-weights", "relu-softmax-batch"])
def test_the_module_runs_alone(name: str, tmp_path: Path) -> None:
    file = tmp_path / "generated.py"
    file.write_text(grad_python.render(backcalc.grad(EXAMPLES / f"{name}.yaml")), encoding="utf-8")
    found = subprocess.run([sys.executable, "-I", "-W", "error", str(file)], capture_output=True, text=True, check=True)
    assert found.stderr == ""
    worst = float(found.stdout.splitlines()[-1].rpartition(":")[2])
    assert worst < 1e-6
    if name in ("shared-kernel", "six-weights"):  # the file has values, so the exact gradients are known
        assert "the exact values: all agree" in found.stdout


def test_the_check_sees_a_wrong_gradient(tmp_path: Path) -> None:
    right = grad_python.render(backcalc.grad(EXAMPLES / "six-weights.yaml"))
    more = r"    grads = {name: 1.001 * gradient + 1e-6 for name, gradient in grads.items()}\n    return \1, grads"
    wrong, times = re.subn(r"    return (\w+), grads", more, right)
    assert times == 1
    found = subprocess.run([sys.executable, "-c", wrong], capture_output=True, text=True, check=False)
    assert found.returncode == 1 and "AssertionError" in found.stderr


@pytest.mark.parametrize("name", ["shared-kernel", "batch-norm", "logistic-neuron"])
def test_the_code_of_the_notebook_runs(name: str) -> None:
    notebook = json.loads(grad_ipynb.render(backcalc.grad(EXAMPLES / f"{name}.yaml")))
    (code,) = ("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code")
    run = "import sys; exec(compile(sys.stdin.read(), 'cell', 'exec'))"
    found = subprocess.run(
        [sys.executable, "-W", "error", "-c", run], input=code, capture_output=True, text=True, check=True
    )
    assert float(found.stdout.splitlines()[-1].rpartition(":")[2]) < 1e-6


def test_the_notebook_is_of_the_format_it_says() -> None:
    notebook = json.loads(grad_ipynb.render(backcalc.grad(EXAMPLES / "shared-kernel.yaml")))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 4)
    assert set(notebook) == {"cells", "metadata", "nbformat", "nbformat_minor"}
    keys = {"markdown": {"cell_type", "metadata", "source"}}
    keys["code"] = {*keys["markdown"], "execution_count", "outputs"}
    for cell in notebook["cells"]:
        assert set(cell) == keys[cell["cell_type"]]
        assert cell["source"] and all(line.endswith("\n") for line in cell["source"][:-1])
    headings = [cell["source"][0].strip() for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    assert headings[0] == "# shared kernel" and headings[-2:] == ["## Verified", "## In NumPy"]


@pytest.mark.parametrize("name", ['a"""; import os; os.abort(); """', 'a\\"', "ends in a \\", '"""'])
def test_the_name_of_a_file_is_words_and_never_code(name: str) -> None:
    text = grad_python.render(backcalc.grad({"name": name, "equations": "J = (w*x)^2", "find": ["w"]}))
    imported = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import)]
    assert [alias.name for node in imported for alias in node.names] == ["numpy"]
    with pytest.raises(InputError, match="the control character U"):
        backcalc.load({"name": name + "\nimport os", "equations": "J = (w*x)^2"})


def test_a_name_that_python_uses_gets_another() -> None:
    text = grad_python.render(derive(backcalc.load(KINDS["shadows"]), view="index"))
    assert 'lambda_ = np.asarray(params["lambda"], dtype=float)' in text
    assert 'np_ = np.asarray(params["np"], dtype=float)' in text
    assert "params_ = lambda_ * np_ ** 2" in text
