"""The networks of `layers.py` in PyTorch, one step forward, back and of fused Adam."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

BATCH = 64


def _conv(before: int, after: int, kernel: int = 3, groups: int = 1) -> nn.Module:
    return nn.Conv2d(before, after, kernel, padding=kernel // 2, groups=groups, bias=False)


class Residual(nn.Module):
    """Two blocks of ResNet."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(_conv(3, 16), nn.BatchNorm2d(16), nn.ReLU())
        self.blocks = nn.ModuleList(
            nn.Sequential(_conv(16, 16), nn.BatchNorm2d(16), nn.ReLU(), _conv(16, 16), nn.BatchNorm2d(16))
            for _ in range(2)
        )
        self.last = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for block in self.blocks:
            x = functional.relu(block(x) + x)
        found: Tensor = self.last(x.mean(dim=(2, 3)))
        return found


class Transformer(nn.Module):
    """One block over tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.places = nn.Embedding(51, 32), nn.Parameter(torch.zeros(16, 32))
        self.before, self.between = nn.LayerNorm(32), nn.LayerNorm(32)
        self.attention = nn.MultiheadAttention(32, 4, batch_first=True)
        self.dense = nn.Sequential(nn.Linear(32, 128), nn.GELU(), nn.Linear(128, 32))
        self.last = nn.Linear(512, 10)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.table(tokens) + self.places
        y = self.before(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        x = x + self.dense(self.between(x))
        found: Tensor = self.last(x.flatten(1))
        return found


class Recurrent(nn.Module):
    """A recurrent layer, the state after the last step, and a dense layer."""

    def __init__(self, kind: type[nn.RNNBase]) -> None:
        super().__init__()
        self.cell, self.last = kind(16, 32, batch_first=True), nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.last(self.cell(x)[0][:, -1])
        return found


def _depthwise() -> nn.Module:
    layers: list[nn.Module] = [_conv(3, 16), nn.BatchNorm2d(16), nn.ReLU6()]
    for before, after in ((16, 32), (32, 32), (32, 64)):
        layers += [_conv(before, before, groups=before), nn.BatchNorm2d(before), nn.ReLU6()]
        layers += [_conv(before, after, 1), nn.BatchNorm2d(after), nn.ReLU6()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def _sounds() -> nn.Module:
    layers: list[nn.Module] = []
    for before, after in ((1, 16), (16, 32), (32, 64)):
        layers += [nn.Conv1d(before, after, 5, padding=2), nn.ReLU(), nn.MaxPool1d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(1024, 10))


def _coder() -> nn.Module:
    down = [nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, 1), nn.ReLU()]
    return nn.Sequential(*down, nn.ConvTranspose2d(16, 8, 2, 2), nn.ReLU(), nn.ConvTranspose2d(8, 1, 2, 2))


def _grouped() -> nn.Module:
    layers: list[nn.Module] = []
    for before, after in ((3, 16), (16, 32)):
        layers += [_conv(before, after), nn.GroupNorm(4, after), nn.SiLU(), nn.AvgPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(512, 10))


MODELS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "residual": (Residual, (3, 16, 16)),
    "depthwise": (_depthwise, (3, 16, 16)),
    "conv1d": (_sounds, (1, 128)),
    "transposed": (_coder, (1, 28, 28)),
    "transformer": (Transformer, (16,)),
    "rnn": (lambda: Recurrent(nn.RNN), (20, 16)),
    "lstm": (lambda: Recurrent(nn.LSTM), (20, 16)),
    "gru": (lambda: Recurrent(nn.GRU), (20, 16)),
    "groupnorm": (_grouped, (3, 16, 16)),
}


def step_of(name: str, threads: int) -> Callable[[], None]:
    """One training step on random samples."""
    torch.set_num_threads(threads)
    make, shape = MODELS[name]
    model = make()
    x = torch.randint(0, 50, (BATCH, *shape)) if len(shape) == 1 else torch.rand(BATCH, *shape)
    t = x if name == "transposed" else torch.randint(0, 10, (BATCH,))
    loss: Any = nn.BCEWithLogitsLoss() if name == "transposed" else nn.CrossEntropyLoss()
    rule = torch.optim.Adam(model.parameters(), fused=True)

    def step() -> None:
        rule.zero_grad()
        loss(model(x), t).backward()
        rule.step()

    return step
