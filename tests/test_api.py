"""The functions at the front door take every kind of source and stay functions."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import pytest

import backcalc
from backcalc.net.errors import InputError

NET = """\
input: {x: 2}
layers:
  - dense: {name: z, units: 2, bias: false}
  - softmax
loss: {nll: {target: 1}}
values: {x: [1, 2], W_z: [[1, 0], [0, 1]]}
"""


def test_every_kind_of_source_means_the_same(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(NET, encoding="utf-8")
    plain = {
        "input": {"x": 2},
        "layers": [{"dense": {"name": "z", "units": 2, "bias": False}}, "softmax"],
        "loss": {"nll": {"target": 1}},
        "values": {"x": [1, 2], "W_z": [[1, 0], [0, 1]]},
    }
    sources = [path, str(path), NET, plain, backcalc.load(path)]
    assert [backcalc.count(source).totals.params for source in sources] == [4] * 5
    assert all(backcalc.verify(source).passed for source in sources)
    first, *others = (backcalc.grad(source, wrt=["W_z"]) for source in sources)
    assert all(other.gradients == first.gradients for other in others)


def test_a_loaded_network_is_returned_as_it_is() -> None:
    network = backcalc.load("lenet5")
    assert backcalc.load(network) is network


def test_the_functions_stay_functions_beside_packages_of_the_same_name() -> None:
    for name in ("count", "verify"):
        importlib.import_module(f"backcalc.{name}")
    for name in backcalc.__all__:
        assert inspect.isfunction(getattr(backcalc, name))
    assert backcalc.count("lenet5").totals == backcalc.count("lenet5").totals
    assert inspect.ismodule(importlib.import_module("backcalc.count"))


def test_a_test_may_still_replace_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backcalc, "count", len)
    assert backcalc.count("abc") == 3


def test_bad_input_raises() -> None:
    with pytest.raises(InputError, match="did you mean `dense`"):
        backcalc.load({"input": 2, "layers": [{"denze": 3}]})
    with pytest.raises(InputError):
        backcalc.count("input: 2\nlayers: [dense: 0]\n")


def test_the_functions_are_documented() -> None:
    for name in backcalc.__all__:
        assert "Raises" in (inspect.getdoc(getattr(backcalc, name)) or "")
