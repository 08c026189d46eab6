"""Processor time of whole commands, from the start of the interpreter to its end.

    python benchmarks/startup.py [--runs N] [COMMAND …]

Each command runs N times (default 9), in turn with the others, so that a slow moment of the machine touches all alike.
The table shows the median of user + system time of the process, the smallest run, and the ratio of the median to that
of a bare `python -c pass` in the same run: the ratio compares between machines, the seconds do not. The last column is
what the project allows itself on the machine it is developed on; nothing fails where it is passed.

It measures the `backcalc` of the interpreter it runs under. POSIX only (it asks the kernel for the children's times).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
BARE = "python -c pass"
COMMANDS: dict[str, float | None] = {
    "backcalc --help": 0.15,
    "backcalc zoo": None,
    "backcalc count lenet5": 0.3,
    "backcalc count lenet5 --format json": 0.3,
    "backcalc grad examples/shared-kernel.yaml": 1.5,
    "backcalc verify examples/shared-kernel.yaml": None,
}


def processor_time(arguments: list[str]) -> float:
    """User and system seconds of one process and the children it waited for; raises where it does not exit with 0."""
    process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    with process.stderr:
        complaint = process.stderr.read().decode(errors="replace")
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(arguments)}: exit status {process.returncode}\n{complaint}")
    return usage.ru_utime + usage.ru_stime


def argument_list(command: str) -> list[str]:
    """The process for a command: this interpreter, so that what is measured is what is installed beside it."""
    if command == BARE:
        return [sys.executable, "-c", "pass"]
    return [sys.executable, "-m", *command.split()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=9, metavar="N", help="runs of each command (default 9)")
    parser.add_argument("commands", nargs="*", metavar="COMMAND", help='quoted, like "backcalc count lenet5"')
    options = parser.parse_args()
    commands = [BARE, *(options.commands or COMMANDS)]

    for command in commands:  # once unmeasured: byte code and file cache are warm for every run that counts
        processor_time(argument_list(command))
    times: dict[str, list[float]] = {command: [] for command in commands}
    for _ in range(options.runs):
        for command in commands:
            times[command].append(processor_time(argument_list(command)))

    width = max(map(len, commands))
    bare = median(times[BARE])
    print(f"{'command':<{width}}  median s   min s   ratio  allowed s")
    for command in commands:
        allowed = COMMANDS.get(command)
        print(
            f"{command:<{width}}  {median(times[command]):8.3f}  {min(times[command]):6.3f}  "
            f"{median(times[command]) / bare:6.1f}  {'' if allowed is None else f'{allowed:9.2f}'}".rstrip()
        )


if __name__ == "__main__":
    main()
