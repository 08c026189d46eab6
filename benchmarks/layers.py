"""How long a training step takes for one network of every family: forward, backward and Adam, float32, batch 64.

Plans beside the plain reference kernels, in turns in one run, medians of rounds. Where PyTorch is installed the same
network stands beside them, with fused Adam, with as many threads.

    python benchmarks/layers.py [--rounds 20] [--threads 1] [FAMILY ...]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from backcalc.net import load_network
from backcalc.numeric.engine import Engine, Reference
from backcalc.numeric.initialise import begin
from backcalc.numeric.optimise import Optimiser
from backcalc.numeric.plans import engine_for
from backcalc.numeric.run import Objective, Runner, starting
from backcalc.numeric.threads import blas_threads

rival = import_module("rival_layers") if find_spec("torch") else None
"""The same networks in PyTorch, in the file beside this one."""

BATCH = 64
VOCABULARY = 50


def conv(filters: int, kernel: int = 3, **fields: Any) -> dict[str, Any]:
    return {"conv2d": {"filters": filters, "kernel": kernel, "padding": "same", "bias": False, **fields}}


def residual() -> dict[str, Any]:
    """Two blocks of ResNet on 16 maps of 16×16."""
    layers: list[Any] = [conv(16), "batchnorm", {"relu": {"name": "r0"}}]
    for block in (1, 2):
        layers += [conv(16), "batchnorm", "relu", conv(16), {"batchnorm": {"name": f"n{block}"}}]
        layers += [{"add": [f"n{block}", f"r{block - 1}"]}, {"relu": {"name": f"r{block}"}}]
    return {"input": [3, 16, 16], "layers": [*layers, "global_avgpool", {"dense": 10}, "softmax"]}


def depthwise() -> dict[str, Any]:
    """Three blocks of MobileNet: depthwise, then 1×1, each with batch norm and ReLU6."""
    layers: list[Any] = [conv(16), "batchnorm", "relu6"]
    for before, after in ((16, 32), (32, 32), (32, 64)):
        layers += [conv(before, groups=before), "batchnorm", "relu6", conv(after, 1), "batchnorm", "relu6"]
    return {"input": [3, 16, 16], "layers": [*layers, "global_avgpool", {"dense": 10}, "softmax"]}


def sounds() -> dict[str, Any]:
    """Convolutions and pooling over signals of 128 steps."""
    layers: list[Any] = []
    for filters in (16, 32, 64):
        layers += [{"conv1d": {"filters": filters, "kernel": 5, "padding": "same"}}, "relu", {"maxpool1d": 2}]
    return {"input": [1, 128], "layers": [*layers, "flatten", {"dense": 10}, "softmax"]}


def coder() -> dict[str, Any]:
    """Convolutions with stride, and the way back by transposed ones."""
    down = {"kernel": 3, "stride": 2, "padding": 1}
    up = {"kernel": 2, "stride": 2}
    layers: list[Any] = [{"conv2d": {"filters": 8, **down}}, "relu", {"conv2d": {"filters": 16, **down}}, "relu"]
    layers += [{"conv_transpose2d": {"filters": 8, **up}}, "relu", {"conv_transpose2d": {"filters": 1, **up}}]
    return {"input": [1, 28, 28], "layers": [*layers, "sigmoid"], "loss": "bce"}


def transformer() -> dict[str, Any]:
    """One block over 16 tokens of 32 features, four heads."""
    layers: list[Any] = [
        {"embedding": {"vocabulary": VOCABULARY, "units": 32}},
        {"positional": {"name": "e", "length": 16}},
    ]
    layers += ["layernorm", {"attention": {"name": "a", "heads": 4}}, {"add": {"name": "s", "inputs": ["e", "a"]}}]
    layers += ["layernorm", {"dense": 128}, "gelu", {"dense": {"name": "f", "units": 32}}, {"add": ["s", "f"]}]
    return {"input": [16], "layers": [*layers, "flatten", {"dense": 10}, "softmax"]}


def recurrent(kind: str) -> Callable[[], dict[str, Any]]:
    """A recurrent layer of 32 units over 20 steps of 16 features."""
    return lambda: {"input": [20, 16], "layers": [{kind: {"units": 32}}, {"dense": 10}, "softmax"]}


def grouped() -> dict[str, Any]:
    """Convolutions with group norm and SiLU."""
    layers: list[Any] = []
    for filters in (16, 32):
        layers += [conv(filters), {"groupnorm": 4}, "silu", {"avgpool2d": 2}]
    return {"input": [3, 16, 16], "layers": [*layers, "flatten", {"dense": 10}, "softmax"]}


FAMILIES: dict[str, Callable[[], dict[str, Any]]] = {
    "residual": residual,
    "depthwise": depthwise,
    "conv1d": sounds,
    "transposed": coder,
    "transformer": transformer,
    "rnn": recurrent("rnn"),
    "lstm": recurrent("lstm"),
    "gru": recurrent("gru"),
    "groupnorm": grouped,
}


def step_of(net: dict[str, Any], make: Callable[..., Engine]) -> Callable[[], None]:
    """One training step on random samples."""
    network = load_network({"loss": "cross_entropy", **net})
    runner = Runner(network)
    objective = Objective(runner)
    dtype = np.dtype(np.float32)
    generator = np.random.default_rng(0)
    flat = begin(network, runner.nodes, runner.arena, [generator], {}, dtype)
    engine = make(runner, objective, flat, starting(runner, 1, dtype))
    adam = {"adam": {"rate": "0.001"}}
    rule = Optimiser(load_network({"equations": "J = w^2", "update": adam}).update, engine.flat, 0.001)
    x, t = samples(net["input"], objective.shape, generator)

    def step() -> None:
        engine.step(x[None], t[None], [generator])
        rule.step(engine.flat, engine.gradients)

    return step


def samples(shape: list[int], out: tuple[int, ...], generator: Any) -> tuple[Any, Any]:
    """Tokens, or numbers; classes as one-hot vectors, or the images themselves."""
    if len(shape) == 1:
        x = generator.integers(1, VOCABULARY + 1, (BATCH, *shape)).astype(np.float32)
    else:
        x = generator.random((BATCH, *shape)).astype(np.float32)
    t = x if len(out) == 3 else np.eye(*out, dtype=np.float32)[generator.integers(0, out[0], BATCH)]
    return x, t


def measured(steps: dict[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    """The median seconds of each, measured in turns: processor time, or time that passes with several threads."""
    clock = time.process_time if rival is None else time.perf_counter
    times: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(rounds + 1):
        for name, step in steps.items():
            began = clock()
            step()
            if turn:  # the first one plans
                times[name].append(clock() - began)
    return {name: statistics.median(each) for name, each in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("families", nargs="*", metavar="FAMILY", help=f"of {', '.join(FAMILIES)}; all by default")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    print(f"{'step':12} {'reference':>11} {'plan':>10} {'faster':>7}  PyTorch")
    with blas_threads(arguments.threads):
        for name in arguments.families or FAMILIES:
            report(name, FAMILIES[name](), arguments.rounds, arguments.threads)


def report(name: str, net: dict[str, Any], rounds: int, threads: int) -> None:
    """Prints the line of one network."""
    steps = {"reference": step_of(net, Reference), "plan": step_of(net, engine_for)}
    if rival is not None:
        steps["torch"] = rival.step_of(name, threads)
    found = measured(steps, rounds)
    torch = f"{found['torch'] * 1e3:6.2f} ms, {found['torch'] / found['plan']:.2f} times" if rival else "not installed"
    times = f"{found['reference'] * 1e3:8.2f} ms {found['plan'] * 1e3:7.2f} ms"
    print(f"{name:12} {times} {found['reference'] / found['plan']:6.1f}x  {torch}", flush=True)


if __name__ == "__main__":
    main()
