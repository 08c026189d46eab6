"""How long a training step takes: forward, backward and Adam, in single precision.

Plans beside the plain reference kernels, in one run, with the share of the fastest matrix product that was measured on
this machine just before; PyTorch beside them where it is installed. Every pair is measured in turns, medians of rounds:
in processor time, since products take one thread and other programs may be running; beside PyTorch in time that passes.

    python benchmarks/training.py [--rounds 30]
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import numpy as np

from backcalc.net import Network, load_network
from backcalc.numeric.data import Data, load_data, source, stacked
from backcalc.numeric.engine import Engine, Reference
from backcalc.numeric.initialise import begin
from backcalc.numeric.kernels import Pass
from backcalc.numeric.optimise import Optimiser
from backcalc.numeric.plans import engine_for
from backcalc.numeric.run import Objective, Runner, starting
from backcalc.numeric.threads import blas_threads
from backcalc.numeric.train import train

BATCH = 64
ADAM = {"adam": {"rate": "0.001"}}


@dataclass(frozen=True)
class Work:
    """A network to be trained, and how many floating point operations a sample takes in a step."""

    name: str
    network: Network
    flops: int


def dense(*sizes: int) -> int:
    """Multiply-adds of a chain of dense layers, forward and back; the first needs no derivative by its input."""
    pairs = [a * b for a, b in pairwise(sizes)]
    return 2 * (3 * sum(pairs) - pairs[0])


def mlp(*sizes: int) -> Work:
    layers: list[Any] = []
    for units in sizes[1:]:
        layers += [{"dense": units}, "relu"]
    net = {"input": sizes[0], "layers": [*layers[:-1], "softmax"], "loss": "cross_entropy", "update": ADAM}
    return Work(f"MLP {'-'.join(map(str, sizes))}", load_network(net), dense(*sizes))


def works() -> list[Work]:
    lenet = load_network("lenet5")
    maps = 2 * (2 * 6 * 25 * 784 + 3 * 16 * 150 * 100)
    fields = {"layers": [{"dense": 128}, "relu", {"dense": 784}, "sigmoid"], "loss": "bce", "update": ADAM}
    coder = load_network({"input": 784, **fields})
    tall = dense(400, 120, 84, 10) + 2 * 400 * 120
    return [
        Work("LeNet-5", lenet, maps + tall),
        mlp(784, 256, 10),
        mlp(784, 204, 202, 10),
        Work("autoencoder 784-128-784", coder, dense(784, 128, 784)),
    ]


def step_of(work: Work, make: Callable[[Runner, Objective, Any, dict[str, Any]], Engine]) -> Callable[[], None]:
    """One training step on random images."""
    runner = Runner(work.network)
    objective = Objective(runner)
    dtype = np.dtype(np.float32)
    flat = begin(work.network, runner.nodes, runner.arena, [source(0)], {}, dtype)
    engine = make(runner, objective, flat, starting(runner, 1, dtype))
    rule = Optimiser(load_network({"equations": "J = w^2", "update": ADAM}).update, engine.flat, 0.001)
    generator = source(1)
    (shape,) = runner.network.inputs.values()
    x = generator.random((1, BATCH, *shape)).astype(dtype)
    out = objective.shape
    t = x if out == (784,) else np.eye(out[0], dtype=dtype)[generator.integers(0, out[0], (1, BATCH))]

    def step() -> None:
        engine.step(x, t, [generator])
        rule.step(engine.flat, engine.gradients)

    return step


def peak(size: int = 1024) -> float:
    """The fastest matrix product in single precision, operations a second."""
    a = np.ones((size, size), np.float32)
    out, best = np.empty_like(a), float("inf")
    for _ in range(10):
        began = clock()
        np.matmul(a, a, out=out)
        best = min(best, clock() - began)
    return 2 * size**3 / best


def clock() -> float:
    """Seconds of processor time; of time that passes where PyTorch is there, which has several threads."""
    return time.process_time() if find_spec("torch") is None else time.perf_counter()


def measured(steps: dict[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    """The median seconds of each, measured in turns."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    for step in steps.values():
        step()
    for _ in range(rounds):
        for name, step in steps.items():
            began = clock()
            step()
            times[name].append(clock() - began)
    return {name: statistics.median(each) for name, each in times.items()}


def pytorch(work: Work) -> Callable[[], None] | None:
    """The same step in PyTorch, eager, where it is installed."""
    if find_spec("torch") is None:
        return None
    import torch
    from torch import nn

    made: list[Any] = []
    for node in work.network.nodes[: -1 if work.network.nodes[-1].layer.kind in ("softmax", "sigmoid") else None]:
        layer, before, after = node.layer, node.input_shape, node.output_shape
        parts: dict[str, Callable[[], Any]] = {
            "dense": lambda b=before, a=after: nn.Linear(b[0], a[0]),
            "conv2d": lambda b=before, a=after, n=layer: nn.Conv2d(b[0], a[0], n.kernel, padding=n.padding),
            "maxpool2d": lambda n=layer: nn.MaxPool2d(n.size),
            "relu": nn.ReLU,
            "flatten": nn.Flatten,
        }
        made.append(parts[layer.kind]())
    model = nn.Sequential(*made)
    rule = torch.optim.Adam(model.parameters(), fused=True)
    (shape,) = work.network.inputs.values()
    x = torch.rand(BATCH, *shape)
    is_coder = work.network.nodes[-1].layer.kind == "sigmoid"
    t = x if is_coder else torch.randint(0, 10, (BATCH,))
    loss = nn.BCEWithLogitsLoss() if is_coder else nn.CrossEntropyLoss()

    def step() -> None:
        rule.zero_grad()
        loss(model(x), t).backward()
        rule.step()

    return step


def dying(trials: int) -> tuple[float, int]:
    """Ten layers of two ReLU neurons on |x|, one epoch of 47 steps, all trials at once: seconds, building included."""
    began = clock()
    layers: list[Any] = [{"repeat": {"times": 10, "layers": [{"dense": {"name": "a", "units": 2}}, "relu"]}}]
    net = {"input": 1, "layers": [*layers, {"dense": {"name": "y", "units": 1, "bias": False}}], "loss": "mse"}
    network = load_network(net | {"update": ADAM})
    data = stacked([load_data("abs:3000", seed=seed) for seed in range(trials)])
    schemes = {"": "he_normal", "y": "glorot_uniform"}
    history = train(network, data, epochs=1, batch=64, trials=trials, initialise=schemes, style="keras")
    seconds = clock() - began
    x = np.linspace(-2.6, 2.6, 101)[None, :, None] * np.ones((trials, 1, 1))
    runner = Runner(network)
    flat = np.concatenate([history.parameters[name].reshape(trials, -1) for name in runner.arena.pieces], axis=1)
    out = runner.forward(flat, {}, {"x": x.astype(flat.dtype)}, Pass()).outputs["y"]
    return seconds, int((np.abs(out).max(axis=(1, 2)) == 0).sum())


def sweep(trials: int) -> float:
    """Networks 4-50-50-3 on data as large as Iris, ten epochs, all at once: seconds of one training."""
    generator = source(0)
    x, y = generator.normal(size=(150, 4)), np.arange(150.0) % 3
    data = Data("flowers", x[:120], y[:120], x[120:], y[120:], classes=("1", "2", "3"))
    layers = [{"dense": 50}, "relu", {"dense": 50}, "relu", {"dense": 3}, "softmax"]
    network = load_network({"input": 4, "layers": layers, "loss": "cross_entropy", "update": ADAM})
    times = []
    for _ in range(5):
        began = clock()
        train(network, data, epochs=10, batch=32, trials=trials, style="keras")
        times.append(clock() - began)
    return statistics.median(times) / trials


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=30)
    rounds = arguments.parse_args().rounds
    with blas_threads(1):
        report(rounds)


def report(rounds: int) -> None:
    """Prints the table, every product on one thread."""
    fastest = peak()
    print(f"NumPy {np.__version__}, batch {BATCH}, float32, sgemm {fastest / 1e9:.0f} GFLOP/s")
    print(f"{'step':24} {'reference':>10} {'plan':>9} {'faster':>7} {'of peak':>8}  PyTorch")
    for work in works():
        steps = {"reference": step_of(work, Reference), "plan": step_of(work, engine_for)}
        other = pytorch(work)
        found = measured(steps if other is None else {**steps, "pytorch": other}, rounds)
        share = work.flops * BATCH / found["plan"] / fastest
        torch = (
            f"{found['pytorch'] * 1e3:.2f} ms, {found['pytorch'] / found['plan']:.2f} times"
            if other
            else "not installed"
        )
        times = f"{found['reference'] * 1e3:7.2f} ms {found['plan'] * 1e3:6.2f} ms"
        print(f"{work.name:24} {times} {found['reference'] / found['plan']:6.1f}x {share:7.0%}  {torch}")
    seconds, dead = dying(1000)
    print(f"dying ReLU, 1000 networks, 47 steps: {seconds:.2f} s, {dead} put out 0 everywhere")
    print(f"4-50-50-3, 10 epochs of 120 samples, 100 at once: {sweep(100) * 1e3:.2f} ms each")
    if sys.platform != "win32":
        print(f"largest memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
