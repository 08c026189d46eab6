"""PyTorch as a witness: it agrees with what was derived, and would not with anything else."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

import backcalc
from backcalc.derive.derivation import derive
from backcalc.net import load_network
from backcalc.verify.autograd import check_autograd
from backcalc.verify.point import random_point
from backcalc.verify.witnesses import _evaluate

pytestmark = pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed")
EXAMPLES = Path(backcalc.__file__).parents[1] / "examples"


@pytest.mark.parametrize("name", ["shared-kernel", "batch-norm", "lstm", "attention", "bptt", "hinge", "max-pool"])
def test_pytorch_agrees(name: str) -> None:
    ways = [way for way in backcalc.verify(EXAMPLES / f"{name}.yaml").ways if "PyTorch" in way.against]
    assert [way.passed for way in ways] == [True]
    assert ways[0].max_error is not None and ways[0].max_error < 1e-9


def test_a_wrong_derivative_is_seen() -> None:
    derivation = derive(load_network({"equations": "y = w*x + b\nJ = (y - t)^2"}))
    point = random_point(derivation.program, {}, 0)
    store = _evaluate(derivation.adjoint_program(), point)
    right = check_autograd(derivation, point, store)
    assert right is not None and right.passed
    (adjoint,) = (a for a in derivation.adjoints.values() if a.of == "w")
    moved = {place: value * (1 + 1e-6) for place, value in store[adjoint.name].items()}
    wrong = check_autograd(replace(derivation), point, {**store, adjoint.name: moved})
    assert wrong is not None and not wrong.passed
