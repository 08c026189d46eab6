"""What `backcalc check` makes of right work and of wrong work: accusations, misses, first errors, causes.

    python benchmarks/mutations.py [--sample N] [--processes 2] [--minutes M] [--seed 0] [--show 20]

Pages of claims are made from the formulas of the examples, forward and backward, and from the counts of built-in
networks. Right ones are rewritten: reordered, multiplied out, activations in exponentials, other notation, in LaTeX and
as plain text, numbers rounded. A wrong page has one claim broken, by a named mistake or at a random place, among right
ones. That a claim is wrong is certified by an evaluation in plain floating point at other values, which shares no code
with the check; what is a convention (a constant factor of a squared error, the sign of a step) is not called wrong.

- false accusations: right claims called `wrong` or `follows`
- silent misreadings: claims whose reading has another value than what was written
- misses: wrong claims that are not called `wrong`
- first error: wrong pages whose first error is the broken claim
- cause: claims broken by a named mistake whose diagnosis names it
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from backcalc.check import check
from backcalc.check.result import Claim
from backcalc.check.submission import read_text

if TYPE_CHECKING:
    from tests.check.mutants import Page

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
mutants = import_module("check.mutants")

_EXAMPLES = """
shared-kernel six-weights logistic-neuron batch-norm-one-to-one output-sigmoid output-softmax output-linear hinge
attention batch-norm batch-norm-hidden batch-norm-input batch-norm-numbers bptt decay gaussian gru iris-one-hidden
iris-two-hidden kl-gaussians layer-norm linear-stack logistic-hessian max-pool mlp-whole-arrays narrow-relu
negative-sampling neuron perceptron relu-softmax-batch shared-kernel-equations word2vec
"""
EXAMPLES = _EXAMPLES.split()
COUNTED = ("lenet5", "lenet5-1998", "digits-mlp", "alexnet", "vgg11", "vgg16")
FULL = 10_000
"""So many right claims and wrong claims make a whole run."""


@dataclass
class Tally:
    """What became of the claims of some pages; `shown` are those that should have come out otherwise."""

    counts: Counter[str] = field(default_factory=Counter)
    shown: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, other: Tally) -> None:
        """Takes another tally in."""
        self.counts += other.counts
        self.shown += other.shown
        self.seconds += other.seconds

    def note(self, what: str, page: Page, claim: Claim | None) -> None:
        """Counts something that went wrong and keeps its place."""
        self.counts[what] += 1
        if claim is None:
            self.shown.append(f"{what}: {page.network}: {page.lines} line {page.broken}")
            return
        code = claim.diagnosis.code if claim.diagnosis is not None else ""
        said = claim.diagnosis.text if claim.diagnosis is not None else ""
        self.shown.append(f"{what}: {page.network}: {claim.claim} [{claim.verdict} {code}: {said}] {page.causes}")


def judged(pages: list[Page]) -> Tally:
    """Checks pages that belong to one network."""
    tally = Tally()
    start = time.perf_counter()
    key = pages[0].key() if pages else None
    for page in pages:
        assert key is not None
        (submission,) = check(key, [read_text("\n".join(page.lines), suffix=page.suffix)]).submissions
        _count(page, list(submission.claims), submission.parts[0].first_error, tally)
    tally.seconds = time.perf_counter() - start
    return tally


def _count(page: Page, claims: list[Claim], first: int | None, tally: Tally) -> None:
    wanted = page.broken
    for claim in claims:
        if page.number_of(claim.line) == wanted:
            continue
        tally.counts["right"] += 1
        if claim.verdict in ("wrong", "follows"):
            tally.note("false accusation", page, claim)
        elif claim.verdict in ("undecided", "unreadable"):
            tally.note(f"right {claim.verdict}", page, claim)
        if page.misread(claim):
            tally.note("silent misreading", page, claim)
    if wanted is None:
        return
    mine = [claim for claim in claims if page.number_of(claim.line) == wanted]
    tally.counts["wrong"] += 1
    found = [claim for claim in mine if claim.verdict == "wrong"]
    if not mine or not found:
        verdicts = {claim.verdict for claim in mine}
        tally.note(
            "wrong undecided" if verdicts & {"undecided", "unreadable"} else "miss", page, mine[0] if mine else None
        )
        return
    if any(page.misread(claim) for claim in mine):
        tally.note("silent misreading", page, mine[0])
    if first is None or page.number_of(claims[first].line) != wanted:
        tally.note("first error wrong", page, None if first is None else claims[first])
    if page.causes:
        tally.counts["named"] += 1
        code = found[0].diagnosis.code if found[0].diagnosis is not None else ""
        if code not in page.causes:
            tally.note("cause wrong", page, found[0])


def _task(task: tuple[str, str, int, int]) -> Tally:
    kind, network, amount, seed = task
    source = Random(f"{network}{seed}")
    pages = mutants.formula_pages if kind == "formula" else mutants.counting_pages
    return judged(list(pages(network, amount, source)))


def run(amount: int, processes: int, seed: int, seconds: float) -> Tally:
    """All networks in turn, each with its share of `amount` wrong pages and as many right ones, until time is up."""
    rounds = max(1, amount // 2500)
    share = max(1, -(-amount // (rounds * (len(EXAMPLES) + len(COUNTED)))))
    tasks = [
        (kind, name, share, seed + number)
        for number in range(rounds)
        for kind, names in (("formula", EXAMPLES), ("count", COUNTED))
        for name in names
    ]
    total, end = Tally(), time.perf_counter() + seconds
    with ProcessPoolExecutor(processes) as pool:
        waiting = [pool.submit(_task, task) for task in tasks]
        for done in as_completed(waiting):
            total.add(done.result())
            if time.perf_counter() > end:
                pool.shutdown(wait=True, cancel_futures=True)
                break
    return total


def table(tally: Tally, wall: float) -> str:
    """The result as lines of text."""
    counts = tally.counts
    right, wrong, named = counts["right"], counts["wrong"], counts["named"]
    found = wrong - counts["miss"] - counts["wrong undecided"]

    def share(part: int, whole: int) -> str:
        return f"{part:7} of {whole:6}  {part / whole:8.3%}" if whole else f"{part:7} of {whole:6}"

    rows = [
        ("false accusations", share(counts["false accusation"], right)),
        ("silent misreadings", share(counts["silent misreading"], right + wrong)),
        ("misses", share(counts["miss"], wrong)),
        ("undecided or unreadable, right", share(counts["right undecided"] + counts["right unreadable"], right)),
        ("undecided or unreadable, wrong", share(counts["wrong undecided"], wrong)),
        ("first error right", share(found - counts["first error wrong"], found)),
        ("cause right", share(named - counts["cause wrong"], named)),
        ("time", f"{wall:.0f} s, {tally.seconds:.0f} s of work"),
    ]
    return "\n".join(f"{name:32} {value}" for name, value in rows)


def main() -> int:
    """Runs the benchmark; 1 where a right claim was accused or a claim was misread."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sample", type=int, default=FULL, metavar="N", help="wrong claims, about as many right ones")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=60.0, metavar="M", help="stops early, with what there is")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", type=int, default=0, metavar="N", help="what came out otherwise, so many of each")
    options = parser.parse_args()
    start = time.perf_counter()
    tally = run(options.sample, options.processes, options.seed, 60 * options.minutes)
    print(table(tally, time.perf_counter() - start))
    seen: Counter[str] = Counter()
    for line in tally.shown:
        what = line.partition(":")[0]
        seen[what] += 1
        if seen[what] <= options.show:
            print(line)
    return int(bool(tally.counts["false accusation"] or tally.counts["silent misreading"]))


if __name__ == "__main__":
    raise SystemExit(main())
