"""What `backcalc count` costs on deep networks: processor time of whole processes, beside PyTorch and torchinfo.

    python benchmarks/count.py [--runs N] [--torch-python PYTHON]

Every command runs as a new process; medians of N runs (default 7), interleaved, the largest memory of any run. Then
a network of 1000 layers is counted in this process. Building resnet152 and GPT-2 XL in PyTorch and summarising them
with torchinfo is measured in the same run: by PYTHON, an interpreter that has torch, torchvision and torchinfo, which
is by default the one that runs this. There the models are made without numbers, on the device `meta`, which is the
fastest way; resnet152 is made with its weights too, as people do.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from types import MappingProxyType

ROOT = Path(__file__).resolve().parents[1]
BARE = "python -c pass"
RESNET = """
import torch, torchinfo, torchvision
with torch.device(DEVICE):
    model = torchvision.models.resnet152()
torchinfo.summary(model, input_size=(1, 3, 224, 224), device=DEVICE, verbose=0)
"""
GPT2 = """
import torch, torchinfo
from torch import nn

class Block(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.before, self.after = nn.LayerNorm(d), nn.LayerNorm(d)
        self.attention = nn.MultiheadAttention(d, heads, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))

    def forward(self, x):
        h = self.before(x)
        x = x + self.attention(h, h, h, need_weights=False)[0]
        return x + self.mlp(self.after(x))

class GPT2(nn.Module):
    def __init__(self, d=1600, heads=25, blocks=48, words=50257, places=1024):
        super().__init__()
        self.words, self.places = nn.Embedding(words, d), nn.Embedding(places, d)
        self.blocks = nn.Sequential(*(Block(d, heads) for _ in range(blocks)))
        self.norm, self.head = nn.LayerNorm(d), nn.Linear(d, words, bias=False)
        self.head.weight = self.words.weight

    def forward(self, tokens):
        x = self.words(tokens) + self.places(torch.arange(tokens.shape[1], device=tokens.device))
        return self.head(self.norm(self.blocks(x)))

with torch.device("meta"):
    model, tokens = GPT2(), torch.zeros(1, 1024, dtype=torch.long)
torchinfo.summary(model, input_data=tokens, device="meta", verbose=0)
"""
# What it is measured against, and the program.
TORCHINFO: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "torchinfo resnet152, meta": ("backcalc count resnet152", RESNET.replace("DEVICE", '"meta"')),
        "torchinfo resnet152": ("backcalc count resnet152", RESNET.replace("DEVICE", '"cpu"')),
        "torchinfo gpt2-xl, meta": ("backcalc count gpt2-xl", GPT2),
    }
)
TIMES_FASTER = 10
# Command, the processor seconds that it may take, and the megabytes of memory.
COMMANDS: dict[str, tuple[float, int] | None] = {
    "backcalc --help": (0.15, 120),
    "backcalc count lenet5": (0.3, 120),
    "backcalc count resnet50": None,
    "backcalc count resnet152": (0.6, 120),
    "backcalc count gpt2-xl": (0.5, 120),
    "backcalc count densenet201": None,
    "backcalc zoo --check": None,
}


def arguments_of(command: str, torch_python: str) -> list[str]:
    """What is run for a command of the table."""
    if command in TORCHINFO:
        return [torch_python, "-c", TORCHINFO[command][1]]
    return [sys.executable, *(["-c", "pass"] if command == BARE else ["-m", *command.split()])]


def has_torchinfo(python: str) -> bool:
    """Whether that interpreter is one, and can import all that is measured against."""
    found = "from importlib.util import find_spec\nassert all(map(find_spec, ('torch', 'torchvision', 'torchinfo')))"
    try:
        return subprocess.run([python, "-c", found], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def process_cost(command: str, torch_python: str) -> tuple[float, float]:
    """User and system seconds, and the largest resident memory in MB, of one process. Raises SystemExit."""
    arguments = arguments_of(command, torch_python)
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
    parser.add_argument(
        "--torch-python", default=sys.executable, metavar="PYTHON", help="an interpreter that has torch and torchinfo"
    )
    options = parser.parse_args()
    runs, torch_python = options.runs, options.torch_python
    commands = [BARE, *COMMANDS]
    compared = has_torchinfo(torch_python)
    if compared:
        commands += TORCHINFO

    for command in commands:  # once unmeasured: byte code and file cache are warm for every run that counts
        process_cost(command, torch_python)
    costs: dict[str, list[tuple[float, float]]] = {command: [] for command in commands}
    for _ in range(runs):
        for command in commands:
            costs[command].append(process_cost(command, torch_python))

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
    if compared:
        for command, (ours, _) in TORCHINFO.items():
            ratio = median(theirs / own for (theirs, _), (own, _) in zip(costs[command], costs[ours], strict=True))
            print(f"{command} takes {ratio:.1f} times as long as {ours} (wanted: at least {TIMES_FASTER})")
    else:
        print(f"not compared with torchinfo: {torch_python} has no torch, torchvision and torchinfo (--torch-python)")
    yaml, whole, counting = thousand_layers()
    print(
        f"1000 layers: YAML {yaml:.3f} s, reading it all {whole:.3f} s, counting {counting:.3f} s, "
        f"together {whole - yaml + counting:.3f} s besides the YAML (allowed: 1 s)"
    )


if __name__ == "__main__":
    main()
