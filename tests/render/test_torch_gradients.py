"""The generated NumPy function against the gradients of PyTorch: recorded ones, and live where PyTorch is installed.

`data/torch_gradients.py` says what PyTorch computed, and writes the numbers with its version.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backcalc.derive import derive
from backcalc.net import load_network
from backcalc.render import grad_python

DATA = Path(__file__).with_name("data")
RECORDED = json.loads((DATA / "torch_gradients.json").read_text(encoding="utf-8"))
TORCH = importlib.util.find_spec("torch") is not None


def generated(net: dict[str, Any]) -> Any:
    """The function that is written for a network."""
    scope: dict[str, Any] = {"__name__": "generated"}
    exec(compile(grad_python.render(derive(load_network(net), view="index")), "generated", "exec"), scope)
    return scope["loss_and_grads"]


def agree(found: Any, expected: Any) -> bool:
    """Within 1e-10 of the largest entry; of a gradient that is 0 throughout, of 1."""
    found, expected = np.asarray(found), np.asarray(expected)
    close = np.abs(found - expected).max() <= 1e-10 * max(1.0, np.abs(expected).max())
    return found.shape == expected.shape and bool(close)


def compare(case: dict[str, Any]) -> None:
    with np.errstate(over="raise", invalid="raise"):
        loss, grads = generated(case["net"])(case["params"], case["batch"])
    assert agree(loss, case["loss"])
    assert grads.keys() == case["grads"].keys()
    assert [name for name in grads if not agree(grads[name], case["grads"][name])] == []


def test_a_dozen_kinds_were_recorded() -> None:
    assert int(RECORDED["torch"].split(".")[0]) >= 2
    assert len(RECORDED["nets"]) >= 12
    assert all(
        any(np.abs(np.asarray(g)).max() > 1e-3 for g in case["grads"].values()) for case in RECORDED["nets"].values()
    )


@pytest.mark.parametrize("name", RECORDED["nets"])
def test_the_gradients_are_those_that_pytorch_gave(name: str) -> None:
    compare(RECORDED["nets"][name])


def test_logits_beyond_what_an_exponential_holds() -> None:
    case = RECORDED["nets"]["large logits"]
    weights = np.asarray(case["params"]["W_z"])
    assert np.abs(weights).max() > 710  # exp(710) is beyond double precision
    loss, grads = generated(case["net"])(case["params"], case["batch"])
    assert np.isfinite(loss) and all(np.isfinite(gradient).all() for gradient in grads.values())


def test_a_wrong_gradient_is_seen() -> None:
    case = json.loads(json.dumps(RECORDED["nets"]["mlp"]))
    case["grads"]["b_z"][0] += 1e-8
    with pytest.raises(AssertionError):
        compare(case)


@pytest.mark.skipif(not TORCH, reason="PyTorch is not installed")
def test_the_record_is_what_pytorch_computes_here() -> None:
    spec = importlib.util.spec_from_file_location("torch_gradients", DATA / "torch_gradients.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["torch_gradients"] = module
    spec.loader.exec_module(module)
    for name, (net, loss) in module.NETS.items():
        params, batch = module.drawn(net, f"{name} again")
        value, grads = module.gradients(loss, params, batch)
        compare({"net": net, "params": params, "batch": batch, "loss": value, "grads": grads})
