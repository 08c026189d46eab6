"""How long checking takes: a page, and a whole class in processes of their own beside the same work in one process.

    python benchmarks/checking.py [--submissions N] [--jobs N]

Every submission has 20 claims on the two problems of examples/homework, some of them wrong, each with numbers of its
own so that nothing is found twice. The class is checked by worker processes, then one after the other in this process;
the two lines are measured in turn, so that a busy machine slows both. The last columns are what the project allows
itself on the machine that it is developed on, with two processors; nothing fails where it is passed.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backcalc.check import Report, check, load_key
from backcalc.check.classroom import check_class, handed_in

ROOT = Path(__file__).resolve().parent.parent
KEY = ROOT / "examples" / "homework" / "key.yaml"
CLAIMS = 20
PAGE, CLASS, MEMORY = 1.0, 90.0, 500.0
"""Seconds for a page, seconds for 300 of them on two processors, megabytes for a worker."""

TEMPLATE = """\
# Problem 1

$z_1 = w_3 h_1 + w_4 h_2 = 2$, $z_2 = w_5 h_1 + w_6 h_2 = 2$, $y_1 = 0.5$ and $y_2 = 1 - y_1 = 0.5$.

$$\\frac{{\\partial J}}{{\\partial y_1}} = -\\frac{{1}}{{y_1}} = {a}$$

$$\\frac{{\\partial J}}{{\\partial z_1}} = y_1 - 1 = {b}$$

$$\\frac{{\\partial J}}{{\\partial w_3}} = \\frac{{\\partial J}}{{\\partial z_1}} h_1 = {c}$$

The two paths of $w_1$ cancel: $\\Delta w_1 = {d}$.

# Problem 2

conv2.weights = 16*6*5*5 = {e}

fc1.weights = 400*120 = 48000

weights = 150 + 2400 + 48000 + 10080 + 840 = {f}
"""
RIGHT = {"a": "-2", "b": "-0.5", "c": "-0.75", "d": "0", "e": "2400", "f": "61470"}


def submission(number: int) -> str:
    """A page with about one wrong number in three of those that are asked for."""
    source = random.Random(number)
    values = {name: right if source.random() < 0.7 else str(source.randint(1, 99_999)) for name, right in RIGHT.items()}
    return TEMPLATE.format(**values)


@dataclass(frozen=True)
class Measured:
    """Seconds on the clock and of processors, this process and its children together, and what was found."""

    seconds: float
    processor: float
    found: Report
    slowest: float = 0
    megabytes: float = 0


def in_workers(paths: Sequence[Path], jobs: int | None) -> Measured:
    """The class in processes of its own."""
    start, before = time.perf_counter(), processor()
    checked = check_class(KEY, handed_in(paths), jobs=jobs)
    seconds, used = time.perf_counter() - start, processor() - before
    return Measured(seconds, used, checked.report, checked.seconds, checked.megabytes)


def in_process(paths: Sequence[Path]) -> Measured:
    """The class in this process, the key read once."""
    start, before = time.perf_counter(), processor()
    report = check(load_key(KEY), paths)
    return Measured(time.perf_counter() - start, processor() - before, report)


def processor() -> float:
    """Processor seconds of this process and of the children that have ended."""
    return sum(os.times()[:4])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--submissions", type=int, default=300, metavar="N", help="pages of the class (default 300)")
    parser.add_argument("--jobs", type=int, metavar="N", help="workers (default: one a processor)")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number}.md" for number in range(options.submissions)]
        for number, path in enumerate(paths):
            path.write_text(submission(number), encoding="utf-8")
        in_process(paths[:2])  # once unmeasured: imports
        workers, alone = in_workers(paths, options.jobs), in_process(paths)
    found = [[submission.counts for submission in each.found.submissions] for each in (workers, alone)]
    assert found[0] == found[1], "the same work has the same verdicts in either way"
    claims = sum(sum(counts.values()) for counts in found[0])
    count = options.submissions
    print(f"{count} submissions with {claims} claims, {claims / count:.1f} a page")
    print(f"{'':34}{'seconds':>8}  {'processor':>9}  {'allowed':>8}")
    print(f"{'the class, in workers':34}{workers.seconds:8.1f}  {workers.processor:9.1f}  {CLASS * count / 300:8.1f}")
    print(f"{'the class, in one process':34}{alone.seconds:8.1f}  {alone.processor:9.1f}")
    print(f"{'the slowest page':34}{'':8}  {workers.slowest:9.2f}  {PAGE:8.1f}")
    print(f"{'the most memory of a worker, MB':34}{workers.megabytes:8.0f}  {'':9}  {MEMORY:8.0f}")


if __name__ == "__main__":
    main()
