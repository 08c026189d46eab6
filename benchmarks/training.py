"""How long a training step takes: forward, backward and Adam, in single precision, batch 64.

Plans beside the plain reference kernels, in one run, with the share of the fastest matrix product that was measured on
this machine just before. Where PyTorch is installed its best variant stands beside them (eager; fused Adam; channels
last; compiled with `--compile`), and its trainings one at a time beside ours all at once. Everything is measured in
turns, medians of rounds: in processor time where products take one thread and nothing else is compared; beside
PyTorch in time that passes, both with as many threads. Other programs that are running spoil that.

    python benchmarks/training.py [--rounds 30] [--threads 2] [--compile]
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import numpy as np

from backcalc.net import Network, load_network
from backcalc.numeric.data import Data, load_data, source, stacked
from backcalc.numeric.engine import Reference
from backcalc.numeric.initialise import begin
from backcalc.numeric.kernels import Pass
from backcalc.numeric.optimise import Optimiser
from backcalc.numeric.run import Objective, Runner, starting
from backcalc.numeric.running import Running
from backcalc.numeric.settings import Training
from backcalc.numeric.threads import blas_threads
from backcalc.numeric.train import train

rival = import_module("rival") if find_spec("torch") else None
"""The same work in PyTorch, in the file beside this one."""

BATCH = 64
STEPS = 10
"""So many steps are one turn, behind as many that are not counted, which wake up and fill the caches."""
REST = 0.15
"""Seconds before a turn, in which threads of the turn before that look out for more work fall asleep."""
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


def with_norms() -> Network:
    """LeNet-5 with tanh, average pooling and batch norm behind every convolution and hidden layer."""
    layers: list[Any] = []
    for filters, padding in ((6, "same"), (16, "valid")):
        conv = {"filters": filters, "kernel": 5, "padding": padding}
        layers += [{"conv2d": conv}, "batchnorm", "tanh", {"avgpool2d": 2}]
    layers += ["flatten", *(part for units in (120, 84) for part in ({"dense": units}, "batchnorm", "tanh"))]
    layers += [{"dense": 10}, "softmax"]
    return load_network({"input": [1, 28, 28], "layers": layers, "loss": "cross_entropy", "update": ADAM})


def works() -> list[Work]:
    lenet = load_network("lenet5")
    maps = 2 * (2 * 6 * 25 * 784 + 3 * 16 * 150 * 100)
    fields = {"layers": [{"dense": 128}, "relu", {"dense": 784}, "sigmoid"], "loss": "bce", "update": ADAM}
    coder = load_network({"input": 784, **fields})
    tall = dense(400, 120, 84, 10) + 2 * 400 * 120
    return [
        Work("LeNet-5", lenet, maps + tall),
        Work("LeNet-5, batch norm", with_norms(), maps + tall),
        mlp(784, 256, 10),
        mlp(784, 204, 202, 10),
        Work("autoencoder 784-128-784", coder, dense(784, 128, 784)),
    ]


def running_of(work: Work, threads: int) -> Running:
    """A training on random images, an epoch of which is `STEPS` steps."""
    generator = source(1)
    (shape,) = work.network.inputs.values()
    x = generator.random((BATCH * STEPS, *shape))
    out = work.network.nodes[-1].output_shape
    if out == (784,):
        data = Data("images", x, x)
    else:
        classes = tuple(map(str, range(out[0])))
        data = Data("images", x, np.arange(len(x)) % out[0], classes=classes)
    return Running(work.network, data, Training(epochs=10**6, batch=BATCH, rate=0.001, threads=threads))


def reference_of(work: Work) -> Callable[[], None]:
    """One training step on random images by the reference kernels."""
    runner = Runner(work.network)
    objective = Objective(runner)
    dtype = np.dtype(np.float32)
    flat = begin(work.network, runner.nodes, runner.arena, [source(0)], {}, dtype)
    engine = Reference(runner, objective, flat, starting(runner, 1, dtype))
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
    return time.process_time() if rival is None else time.perf_counter()


@dataclass(frozen=True)
class Row:
    """So many steps in a row, as in a training, and how many threads a matrix product has meanwhile."""

    steps: Callable[[], None]
    threads: int


def repeated(step: Callable[[], None], threads: int) -> Row:
    """A row of one step."""

    def steps() -> None:
        for _ in range(STEPS):
            step()

    return Row(steps, threads)


def trained(running: Running, threads: int) -> Row:
    """A row of a training: processes that train together have one thread each."""

    def steps() -> None:
        for _ in running.one_epoch():
            pass

    return Row(steps, 1 if running.divided else threads)


def measured(rows: dict[str, Row], rounds: int) -> dict[str, float]:
    """The median seconds a step of each, measured in turns."""
    times: dict[str, list[float]] = {name: [] for name in rows}
    for _ in range(rounds):
        for name, row in rows.items():
            time.sleep(REST)
            with blas_threads(row.threads):
                row.steps()
                began = clock()
                row.steps()
                times[name].append((clock() - began) / STEPS)
    return {name: statistics.median(each) for name, each in times.items()}


def dying(trials: int, threads: int) -> tuple[float, int]:
    """Ten layers of two ReLU neurons on |x|, one epoch of 47 steps, all trials at once: seconds, building included.

    And how many put out 0 everywhere.
    """
    layers: list[Any] = [{"repeat": {"times": 10, "layers": [{"dense": {"name": "a", "units": 2}}, "relu"]}}]
    net = {"input": 1, "layers": [*layers, {"dense": {"name": "y", "units": 1, "bias": False}}], "loss": "mse"}
    schemes = {"": "he_normal", "y": "glorot_uniform"}
    settings = Training(epochs=1, batch=64, trials=trials, initialise=schemes, style="keras", threads=threads)
    times = []
    for _ in range(3):
        began = clock()
        network = load_network(net | {"update": ADAM})
        data = stacked([load_data("abs:3000", seed=seed) for seed in range(trials)])
        history = train(network, data, settings)
        times.append(clock() - began)
    x = np.linspace(-2.6, 2.6, 101)[None, :, None] * np.ones((trials, 1, 1))
    runner = Runner(network)
    flat = np.concatenate([history.parameters[name].reshape(trials, -1) for name in runner.arena.pieces], axis=1)
    out = runner.forward(flat, {}, {"x": x.astype(flat.dtype)}, Pass()).outputs["y"]
    return statistics.median(times), int((np.abs(out).max(axis=(1, 2)) == 0).sum())


def sweep(trials: int, threads: int) -> float:
    """Networks 4-50-50-3 on data as large as Iris, ten epochs, all at once: seconds of one training."""
    generator = source(0)
    x, y = generator.normal(size=(150, 4)), np.arange(150.0) % 3
    data = Data("flowers", x[:120], y[:120], x[120:], y[120:], classes=("1", "2", "3"))
    layers = [{"dense": 50}, "relu", {"dense": 50}, "relu", {"dense": 3}, "softmax"]
    network = load_network({"input": 4, "layers": layers, "loss": "cross_entropy", "update": ADAM})
    times = []
    for _ in range(5):
        began = clock()
        train(network, data, epochs=10, batch=32, trials=trials, style="keras", threads=threads)
        times.append(clock() - began)
    return statistics.median(times) / trials


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--threads", type=int, default=1 if rival is None else 2)
    parser.add_argument("--compile", action="store_true", help="PyTorch's compiled variant too, which takes a minute")
    arguments = parser.parse_args()
    with blas_threads(arguments.threads):
        report(arguments.rounds, arguments.threads, compiled=arguments.compile)


def report(rounds: int, threads: int, *, compiled: bool) -> None:
    """Prints the tables."""
    fastest = peak()
    print(f"NumPy {np.__version__}, batch {BATCH}, float32, threads {threads}, sgemm {fastest / 1e9:.0f} GFLOP/s")
    print(f"{'step':24} {'reference':>10} {'plan':>9} {'faster':>7} {'of peak':>8}  PyTorch")
    for work in works():
        running = running_of(work, threads)
        others = {} if rival is None else rival.variants(work.network, BATCH, threads, compiled=compiled)
        steps = {"reference": reference_of(work), **others}
        found = measured(
            {"plan": trained(running, threads), **{name: repeated(step, threads) for name, step in steps.items()}},
            rounds,
        )
        running.close()
        share = work.flops * BATCH / found["plan"] / fastest
        torch = "not installed"
        if others:
            best = min(others, key=found.__getitem__)
            torch = f"{found['eager'] / found['plan']:.2f} times eager, {found[best] / found['plan']:.2f} times {best}"
        times = f"{found['reference'] * 1e3:7.2f} ms {found['plan'] * 1e3:6.2f} ms"
        print(f"{work.name:24} {times} {found['reference'] / found['plan']:6.1f}x {share:7.0%}  {torch}")
    seconds, dead = dying(1000, threads)
    alone = None if rival is None else rival.dying_relu(2) / 2
    beside = ratio(alone, seconds / 1000)
    print(f"dying ReLU, 1000 networks, 47 steps: {seconds:.2f} s, {dead} put out 0 everywhere{beside}")
    each = sweep(100, threads)
    alone = None if rival is None else rival.flowers(2) / 2
    print(f"4-50-50-3, 10 epochs of 120 samples, 100 at once: {each * 1e3:.2f} ms each{ratio(alone, each)}")
    if sys.platform != "win32" and rival is None:
        print(f"largest memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def ratio(theirs: float | None, ours: float) -> str:
    """How many times as long PyTorch takes for one of them."""
    return "" if theirs is None else f"; PyTorch one at a time {theirs * 1e3:.1f} ms each, {theirs / ours:.0f} times"


if __name__ == "__main__":
    main()
