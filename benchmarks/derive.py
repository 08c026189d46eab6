"""How long derivations take, and how that grows: whole processes, and the engine beside SymPy.

    python benchmarks/derive.py [--runs N]

Every `backcalc grad` runs N times (default 3) as a process of its own, in turn with the others; the table shows the
median of its user + system time. Two lines are ratios and mean the same on every machine:

- 64 hidden layers against 32: whole processes less an empty one, so that start-up does not flatter the ratio;
- SymPy on an 8-16-10 ReLU softmax network: `sympy.diff` of the expanded loss by a few weights spread over both layers,
  scaled to all 314, against the engine, which derives all of them; both in this process, imports not counted.

The last column is what the project allows itself on the machine it is developed on; nothing fails where it is passed.
It measures the `backcalc` of the interpreter it runs under. POSIX only (it asks the kernel for the children's times).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

MLP = """\
name: {count} hidden layers
input: {{x: 8}}
layers:
  - repeat: {{name: block, times: {count}, layers: [{{dense: 8}}, relu]}}
  - dense: {{name: z, units: 3}}
  - softmax: {{name: y}}
loss: {{cross_entropy: {{name: J, target: t}}}}
"""

LENET = """\
name: LeNet-5
input: {x: [1, 28, 28]}
layers:
  - conv2d: {filters: 6, kernel: 5, padding: 2}
  - relu
  - maxpool2d: 2
  - conv2d: {filters: 16, kernel: 5}
  - relu
  - maxpool2d: 2
  - flatten
  - dense: 120
  - relu
  - dense: 84
  - relu
  - dense: 10
  - softmax
loss: {cross_entropy: {target: t}}
"""

BOTTLENECK = """\
  - conv2d: {{name: {name}1, inputs: [{source}], filters: {width}, kernel: 1, bias: false}}
  - batchnorm: {{name: {name}1_n}}
  - relu: {{name: {name}1_r}}
  - conv2d: {{name: {name}2, filters: {width}, kernel: 3, stride: {stride}, padding: 1, bias: false}}
  - batchnorm: {{name: {name}2_n}}
  - relu: {{name: {name}2_r}}
  - conv2d: {{name: {name}3, filters: {wide}, kernel: 1, bias: false}}
  - batchnorm: {{name: {name}3_n}}
{projection}  - add: {{name: {name}, inputs: [{name}3_n, {shortcut}]}}
  - relu: {{name: {name}_r}}
"""

PROJECTION = """\
  - conv2d: {{name: {name}p, inputs: [{source}], filters: {wide}, kernel: 1, stride: {stride}, bias: false}}
  - batchnorm: {{name: {name}p_n}}
"""


def bottleneck(name: str, source: str, width: int, stride: int = 1, project: bool = False) -> str:
    """The layers of one block of He et al. 2016, figure 5, right; with a projection where its shape changes."""
    fields: dict[str, Any] = {"name": name, "source": source, "width": width, "wide": 4 * width, "stride": stride}
    projection = PROJECTION.format(**fields) if project else ""
    return BOTTLENECK.format(**fields, projection=projection, shortcut=f"{name}p_n" if project else source)


RESNET = f"""\
name: the distinct blocks of ResNet-50
input: {{x: [3, 224, 224]}}
layers:
  - conv2d: {{name: stem, filters: 64, kernel: 7, stride: 2, padding: 3, bias: false}}
  - batchnorm: {{name: stem_n}}
  - relu: {{name: stem_r}}
  - maxpool2d: {{name: pool, size: 3, stride: 2, padding: 1}}
{bottleneck("a", "pool", 64, project=True)}\
{bottleneck("b", "a_r", 64)}\
{bottleneck("c", "b_r", 128, stride=2, project=True)}\
{bottleneck("d", "c_r", 128)}\
  - global_avgpool
  - dense: {{name: z, units: 1000}}
  - softmax: {{name: y}}
loss: {{cross_entropy: {{name: J, target: t}}}}
batch: N
"""

SHALLOW = """\
name: 8-16-10
input: {x: 8}
layers:
  - dense: {name: z, units: 16}
  - relu: {name: h}
  - dense: {name: a, units: 10}
  - softmax: {name: y}
loss: {cross_entropy: {name: J, target: t}}
"""

PROCESSES: Mapping[str, tuple[str | Path, float | None]] = {
    "an empty process": ("", None),
    "LeNet-5, index view": (LENET, 2),
    "a transformer block, symbolic sizes": (ROOT / "examples" / "transformer-block.yaml", 3),
    "ResNet-50, each distinct block once": (RESNET, 10),
    "32 hidden layers": (MLP.format(count=32), None),
    "64 hidden layers": (MLP.format(count=64), None),
}
GROWTH = 2.2
FASTER = 200
WEIGHTS = 8 * 16 + 16 + 16 * 10 + 10
SAMPLES = (("W_z", 1, 1), ("b_z", 9), ("W_a", 4, 7), ("b_a", 10))


def processor_time(arguments: list[str]) -> float:
    """User and system seconds of one process; raises where it does not exit with 0."""
    process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    with process.stderr:
        complaint = process.stderr.read().decode(errors="replace")
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(arguments)}: exit status {process.returncode}\n{complaint}")
    return usage.ru_utime + usage.ru_stime


def arguments(source: str | Path, folder: Path) -> list[str]:
    """The process that derives a network, its text put into a file of its own."""
    if source == "":
        return [sys.executable, "-c", "pass"]
    if isinstance(source, str):
        path = folder / f"{abs(hash(source))}.yaml"
        path.write_text(source, encoding="utf-8")
        source = path
    return [sys.executable, "-m", "backcalc", "grad", str(source), "--view", "index", "--steps", "brief"]


def engine_time() -> float:
    """Seconds for all gradients of the 8-16-10 network, symbols throughout; the file is read before."""
    import backcalc
    from backcalc.derive import derive

    network = backcalc.load(SHALLOW)
    derive(network, view="index")  # the first run pays for imports
    start = time.perf_counter()
    derive(network, view="index")
    return time.perf_counter() - start


def sympy_time() -> float:
    """Seconds of `sympy.diff` on the expanded loss of the same network, by a few weights, scaled to all of them."""
    import sympy

    symbols: dict[tuple[Any, ...], Any] = {}

    def symbol(*place: Any) -> Any:
        return symbols.setdefault(place, sympy.Symbol("_".join(map(str, place)), real=True))

    h = []
    for j in range(1, 17):
        z = sum(symbol("W_z", j, k) * symbol("x", k) for k in range(1, 9)) + symbol("b_z", j)
        h.append(sympy.Piecewise((z, z > 0), (0, True)))
    a = [sum(symbol("W_a", i, j) * h[j - 1] for j in range(1, 17)) + symbol("b_a", i) for i in range(1, 11)]
    total = sympy.Add(*(sympy.exp(each) for each in a))
    loss = -sympy.Add(*(symbol("t", i) * sympy.log(sympy.exp(a[i - 1]) / total) for i in range(1, 11)))
    start = time.perf_counter()
    for place in SAMPLES:
        sympy.diff(loss, symbols[place])
    return (time.perf_counter() - start) * WEIGHTS / len(SAMPLES)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="runs of each process (default 3)")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        commands = {name: arguments(source, Path(folder)) for name, (source, _) in PROCESSES.items()}
        times: dict[str, list[float]] = {name: [] for name in commands}
        for command in commands.values():  # once unmeasured: byte code and file cache are warm
            processor_time(command)
        for _ in range(options.runs):
            for name, command in commands.items():
                times[name].append(processor_time(command))

    width = max(map(len, PROCESSES))
    print(f"{'whole process':<{width}}  median s   min s  allowed s")
    for name, (_, allowed) in PROCESSES.items():
        shown = "" if allowed is None else f"{allowed:9.1f}"
        print(f"{name:<{width}}  {median(times[name]):8.2f}  {min(times[name]):6.2f}  {shown}".rstrip())
    empty = median(times["an empty process"])
    growth = (median(times["64 hidden layers"]) - empty) / (median(times["32 hidden layers"]) - empty)
    print(f"\n64 hidden layers take {growth:.2f} times as long as 32 (allowed: {GROWTH})")
    ours, theirs = engine_time(), sympy_time()
    print(
        f"8-16-10: the engine {ours:.3f} s, sympy.diff about {theirs:.0f} s (scaled from {len(SAMPLES)} of "
        f"{WEIGHTS} weights): {theirs / ours:.0f} times (allowed: at least {FASTER})"
    )


if __name__ == "__main__":
    main()
