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


def exact(module: Any, shape: Any) -> tuple[int, int]:
    """Parameters and multiply-accumulates, every operator of the module known."""
    table = backcalc.count(module, shape, flops="mac")
    assert table.uncounted == ()
    assert table.totals.params == sum(parameter.numel() for parameter in module.parameters())
    return table.totals.params, table.totals.macs.value


def test_transformers_of_pytorch_are_counted_exactly() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not needed, and not installed here")
    nn, width, inner, steps, seen = torch.nn, 64, 256, 10, 7
    alone = 4 * steps * width**2 + 2 * steps**2 * width
    dense = 2 * steps * width * inner
    across = 2 * (steps + seen) * width**2 + 2 * steps * seen * width
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(width, 4, inner, batch_first=True), 2)
    for mode in (True, False):
        assert exact(encoder.train(mode), (steps, width))[1] == 2 * (alone + dense)
    decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(width, 4, inner, batch_first=True), 2)
    assert exact(decoder, ((steps, width), (seen, width)))[1] == 2 * (alone + across + dense)


def test_only_the_last_state_of_a_recurrent_layer() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not needed, and not installed here")

    class Last(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = torch.nn.LSTM(8, 6, batch_first=True)

        def forward(self, x: Any) -> Any:
            return self.lstm(x)[1][0][-1]

    assert exact(Last(), (5, 8)) == (4 * (6 * 8 + 6 * 6 + 12), 5 * 4 * (8 * 6 + 6 * 6))


# Published parameters and multiply-accumulates (torchvision's metadata, DeepSpeed's count).
@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("swin_t", (28_288_354, 4_490_566_656)),
        ("mobilenet_v3_small", (2_542_856, 56_510_400)),
        ("efficientnet_b0", (5_288_548, 385_814_752)),
        ("convnext_tiny", (28_589_128, 4_455_531_264)),
        ("shufflenet_v2_x1_0", (2_278_604, 144_907_992)),
        ("vit_b_32", (88_224_232, 4_409_186_304)),
    ],
)
def test_live_networks_of_torchvision_have_their_published_numbers(name: str, published: tuple[int, int]) -> None:
    models = pytest.importorskip("torchvision", reason="torchvision is not needed, and not installed here").models
    assert exact(getattr(models, name)(weights=None).eval(), (3, 224, 224)) == published


def test_what_the_module_has_but_does_not_use_is_said() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not needed, and not installed here")
    module = torch.nn.Linear(3, 2)
    module.spare = torch.nn.Parameter(torch.zeros(7))
    table = backcalc.count(module, (3,))
    assert table.totals.params == 8
    assert "Not read by the program, and not counted: spare." in table.remarks
