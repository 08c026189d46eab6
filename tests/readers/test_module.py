"""A live module of PyTorch, where that is installed: exported in memory, counted, and left as it was."""

from __future__ import annotations

from typing import Any

import pytest

import backcalc
from backcalc.net import InputError
from backcalc.readers.files import Module


class NoModule:
    """What has parameters, but no PyTorch knows."""

    def named_parameters(self) -> Any:
        return iter(())


def test_what_is_a_module() -> None:
    assert isinstance(NoModule(), Module)
    assert not isinstance({"input": 3}, Module)


def test_a_module_needs_the_shape_of_its_input() -> None:
    with pytest.raises(InputError, match="NoModule: error: the shape of the input is needed"):
        backcalc.count(NoModule())


def test_a_live_module_is_counted_and_left_alone() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not needed, and not installed here")
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(288, 5))
    module.train()
    before, random = {name: value.clone() for name, value in module.state_dict().items()}, torch.get_rng_state()
    table = backcalc.count(module, (3, 8, 8))
    assert table.totals.params == sum(parameter.numel() for parameter in module.parameters())
    assert table.totals.macs.value == 8 * 36 * 27 + 288 * 5
    assert module.training
    assert torch.equal(random, torch.get_rng_state())
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    with pytest.raises(InputError, match="PyTorch cannot export the module"):
        backcalc.count(module, (4, 8, 8))
