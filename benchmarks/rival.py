"""The same training steps in PyTorch, in all the ways that are worth trying."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from backcalc.net import Network, Node


def model_of(network: Network) -> nn.Sequential:
    """The layers of a chain, without the activation that the loss contains."""
    nodes = network.nodes[: -1 if network.nodes[-1].layer.kind in ("softmax", "sigmoid") else None]
    return nn.Sequential(*(_module(node) for node in nodes))


def _module(node: Node) -> nn.Module:
    layer: Any = node.layer
    before, after = node.input_shape, node.output_shape
    made: dict[str, Callable[[], nn.Module]] = {
        "dense": lambda: nn.Linear(before[0], after[0]),
        "conv2d": lambda: nn.Conv2d(before[0], after[0], layer.kernel, padding=layer.padding),
        "maxpool2d": lambda: nn.MaxPool2d(layer.size),
        "avgpool2d": lambda: nn.AvgPool2d(layer.size),
        "batchnorm": lambda: nn.BatchNorm2d(before[0]) if len(before) == 3 else nn.BatchNorm1d(before[0]),
        "relu": nn.ReLU,
        "tanh": nn.Tanh,
        "flatten": nn.Flatten,
    }
    return made[layer.kind]()


def variants(network: Network, batch: int, threads: int, *, compiled: bool) -> dict[str, Callable[[], None]]:
    """One step forward, back and of Adam: eager, with fused Adam, with channels last, and compiled."""
    torch.set_num_threads(threads)
    found = {"eager": _step(network, batch, fused=False), "fused": _step(network, batch)}
    if any(len(shape) == 3 for shape in network.inputs.values()):
        found["fused, channels last"] = _step(network, batch, last=True)
    if compiled:
        found["compiled"] = _step(network, batch, compiled=True)
    return found


def _step(
    network: Network, batch: int, *, fused: bool = True, last: bool = False, compiled: bool = False
) -> Callable[[], None]:
    model: Any = model_of(network)
    (shape,) = network.inputs.values()
    x = torch.rand(batch, *shape)
    if last:
        model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    is_coder = network.nodes[-1].layer.kind == "sigmoid"
    t = x if is_coder else torch.randint(0, network.nodes[-1].output_shape[0], (batch,))
    loss = nn.BCEWithLogitsLoss() if is_coder else nn.CrossEntropyLoss()
    rule = torch.optim.Adam(model.parameters(), fused=fused)
    run = torch.compile(model) if compiled else model

    def step() -> None:
        rule.zero_grad()
        loss(run(x), t).backward()
        rule.step()

    return step


def dying_relu(trials: int) -> float:
    """Ten layers of two ReLU neurons on |x|, one epoch of 47 steps, one network after another: seconds."""
    torch.set_num_threads(1)
    began = time.perf_counter()
    for _ in range(trials):
        layers: list[nn.Module] = []
        for width in (1, *[2] * 9):
            layers += [nn.Linear(width, 2), nn.ReLU()]
        model = nn.Sequential(*layers, nn.Linear(2, 1, bias=False))
        x = torch.rand(3000, 1) * 4 - 2
        _train(model, x, x.abs(), nn.MSELoss(), batch=64, epochs=1)
    return time.perf_counter() - began


def flowers(trials: int) -> float:
    """Networks 4-50-50-3 on 120 samples, ten epochs, one after another: seconds."""
    torch.set_num_threads(1)
    began = time.perf_counter()
    for _ in range(trials):
        model = nn.Sequential(nn.Linear(4, 50), nn.ReLU(), nn.Linear(50, 50), nn.ReLU(), nn.Linear(50, 3))
        x, y = torch.randn(120, 4), torch.arange(120) % 3
        _train(model, x, y, nn.CrossEntropyLoss(), batch=32, epochs=10)
    return time.perf_counter() - began


def _train(model: nn.Module, x: torch.Tensor, y: torch.Tensor, loss: nn.Module, *, batch: int, epochs: int) -> None:
    rule = torch.optim.Adam(model.parameters(), fused=True)
    for _ in range(epochs):
        order = torch.randperm(len(x))
        for start in range(0, len(x), batch):
            part = order[start : start + batch]
            rule.zero_grad()
            loss(model(x[part]), y[part]).backward()
            rule.step()
