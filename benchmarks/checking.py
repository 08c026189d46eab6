"""How long checking takes: a page, and a whole class in processes of their own beside the same work in one process.

    python benchmarks/checking.py [--submissions N] [--jobs N]

Every submission has 20 claims on the two problems of examples/homework, some of them wrong, each with numbers of its
own so that nothing is found twice. The class is checked by worker processes, then one after the other in this process;
the two lines are measured in turn, so that a busy machine slows both. The last columns are what the project allows
itself on the machine that it is developed on, with two processors; nothing fails where it is passed.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

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


def in_workers(paths: Sequence[Path], jobs: int | None) -> tuple[float, float, float, int]:
    """Seconds, processor seconds of the slowest page, the most megabytes of a process, and claims."""
    from backcalc.check.classroom import check_class, handed_in

    start = time.perf_counter()
    checked = check_class(KEY, handed_in(paths), jobs=jobs)
    claims = sum(len(submission.claims) for submission in checked.report.submissions)
    return time.perf_counter() - start, checked.seconds, checked.megabytes, claims


def in_process(paths: Sequence[Path]) -> tuple[float, int]:
    """Seconds in this process, the key read once, and claims."""
    from backcalc.check import check, load_key

    start = time.perf_counter()
    report = check(load_key(KEY), paths)
    return time.perf_counter() - start, sum(len(submission.claims) for submission in report.submissions)


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
        workers, slowest, megabytes, claims = in_workers(paths, options.jobs)
        alone, same = in_process(paths)
    assert claims == same
    count = options.submissions
    print(f"{count} submissions with {claims} claims, {claims / count:.1f} a page")
    print(f"{'':34}{'seconds':>8}  {'allowed':>8}")
    print(f"{'the class, in workers':34}{workers:8.1f}  {CLASS * count / 300:8.1f}")
    print(f"{'the class, in one process':34}{alone:8.1f}")
    print(f"{'the slowest page (processor)':34}{slowest:8.2f}  {PAGE:8.1f}")
    print(f"{'the most memory of a worker, MB':34}{megabytes:8.0f}  {MEMORY:8.0f}")


if __name__ == "__main__":
    main()
