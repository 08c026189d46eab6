"""What `backcalc count` costs on deep networks: processor time of whole processes, beside a bare interpreter.

    python benchmarks/count.py [--runs N]

Every command runs as a new process; medians of N runs (default 7), interleaved, the largest memory of any run. Then
a network of 1000 layers is counted in this process. Where PyTorch, torchvision and torchinfo are installed, building
resnet152 there and summarising it is measured in the same way, and the ratio is printed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
BARE = "python -c pass"
TORCHINFO = "torchinfo resnet152"
PROGRAMS = {
    BARE: "pass",
    TORCHINFO: (
        "import torchinfo, torchvision\n"
        "torchinfo.summary(torchvision.models.resnet152(), input_size=(1, 3, 224, 224), verbose=0)"
    ),
}
# Command, the processor seconds that it may take, and the megabytes of memory.
COMMANDS: dict[str, tuple[float, int] | None] = {
    "backcalc count lenet5": (0.3, 120),
    "backcalc count resnet50": None,
    "backcalc count resnet152": (0.6, 120),
    "backcalc count gpt2-xl": (0.5, 120),
    "backcalc count densenet201": None,
    "backcalc zoo --check": None,
}


def process_cost(command: str) -> tuple[float, float]:
    """User and system seconds, and the largest resident memory in MB, of one process. Raises SystemExit."""
    program = PROGRAMS.get(command)
    arguments = [sys.executable, *(["-m", *command.split()] if program is None else ["-c", program])]
    # byte code is kept, as where the package is installed
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(arguments, cwd=ROOT, env=kept, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    with process.stderr:
        complaint = process.stderr.read().decode(errors="replace")
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{command}: exit status {process.returncode}\n{complaint}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000


def thousand_layers() -> tuple[float, float, float]:
    """Processor seconds to read the YAML of a network of 1000 layers, for all of reading it, and to count it."""
    from backcalc.count import count
    from backcalc.net import load_network
    from backcalc.net.load import read_document

    line = "  - conv2d: {{filters: {}, kernel: 3, padding: 1}}\n"
    text = "input: {x: [8, 16, 16]}\nlayers:\n" + "".join(line.format(8 + number % 7) for number in range(1000))
    marks = [time.process_time()]
    read_document(text, "net.yaml")
    marks.append(time.process_time())
    network = load_network(text)
    marks.append(time.process_time())
    assert count(network).totals.params > 0
    marks.append(time.process_time())
    return marks[1] - marks[0], marks[2] - marks[1], marks[3] - marks[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7, metavar="N", help="runs of each command (default 7)")
    runs = parser.parse_args().runs
    commands = [BARE, *COMMANDS]
    if all(map(find_spec, ("torch", "torchvision", "torchinfo"))):
        commands.append(TORCHINFO)

    for command in commands:  # once unmeasured: byte code and file cache are warm for every run that counts
        process_cost(command)
    costs: dict[str, list[tuple[float, float]]] = {command: [] for command in commands}
    for _ in range(runs):
        for command in commands:
            costs[command].append(process_cost(command))

    seconds = {command: median(cost for cost, _ in found) for command, found in costs.items()}
    width = max(map(len, commands))
    print(f"{'command':<{width}}  median s  allowed s  ratio to bare  memory MB  allowed MB")
    for command in commands:
        allowed = COMMANDS.get(command)
        limits = ("", "") if allowed is None else (f"{allowed[0]:.2f}", str(allowed[1]))
        memory = max(size for _, size in costs[command])
        ratio = seconds[command] / seconds[BARE]
        numbers = f"{seconds[command]:8.3f}  {limits[0]:>9}  {ratio:13.1f}  {memory:9.0f}  {limits[1]:>10}"
        print(f"{command:<{width}}  {numbers}".rstrip())
    if TORCHINFO in seconds:
        ratio = seconds[TORCHINFO] / seconds["backcalc count resnet152"]
        print(f"torchinfo takes {ratio:.1f} times as long for resnet152 (wanted: at least 10)")
    yaml, whole, counting = thousand_layers()
    print(f"1000 layers: YAML {yaml:.3f} s, all of reading {whole:.3f} s, counting {counting:.3f} s (allowed: 1 s)")


if __name__ == "__main__":
    main()
