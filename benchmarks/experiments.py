"""The experiments of `examples/experiments` run whole, their results beside those that other programs found.

    python benchmarks/experiments.py [--runs FOLDER] [--only iris-width,margin] [--jobs N]

The references are of PyTorch 2.13 and of hand-written NumPy in double precision, 20 or 1000 repeats each; limits are
three standard errors of so many repeats as the experiment has, unless the line says otherwise. The table is written to
`docs/experiments.md` when all have run. A run that is cut off goes on where it was. The surfaces take most of the time.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import fmean, stdev

from backcalc.numeric.experiment import Results, read_experiment, run
from backcalc.numeric.experiment.sweep import KIND
from backcalc.numeric.runs import Folder, RunError

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ROOT / "examples" / "experiments"
PAGE = ROOT / "docs" / "experiments.md"


@dataclass(frozen=True)
class Line:
    """One line of the table: what was measured, the number, that of the reference, how far apart they may be."""

    what: str
    measured: str
    reference: str
    limit: str
    holds: bool


def near(what: str, measured: float, reference: float, limit: float, digits: int = 4) -> Line:
    """A number that may be so far from its reference."""
    texts = [f"{number:.{digits}g}" for number in (measured, reference, limit)]
    return Line(what, texts[0], texts[1], f"± {texts[2]}", abs(measured - reference) <= limit)


def mean(results: Results, row: int, measure: str) -> float:
    return results.rows[row].summaries[measure].mean


# Width: mean and standard deviation of the test accuracy of 1000 networks.
IRIS = {
    10: (0.4436, 0.1865),
    20: (0.6118, 0.1974),
    30: (0.7417, 0.1422),
    40: (0.8101, 0.0942),
    50: (0.8402, 0.0894),
    60: (0.8660, 0.0839),
    70: (0.8835, 0.0797),
    80: (0.9011, 0.0720),
    90: (0.9168, 0.0717),
    100: (0.9329, 0.0645),
}


def iris(results: Results) -> Iterator[Line]:
    found = [mean(results, row, "test.accuracy") for row in range(len(IRIS))]
    for (units, (expected, sd)), each in zip(IRIS.items(), found, strict=True):
        yield near(f"test accuracy, {units} neurons", each, expected, 3 * sd / results.repeats**0.5)
    yield near("mean over all widths, which hides the effect", sum(found) / len(found), 0.795, 0.039)


def collapse(results: Results) -> Iterator[Line]:
    born, later = ({text: 1000 * each.mean for text, each in row.summaries.items()} for row in results.rows)
    yield near("dead at birth, of 1000 (theory)", born["dead"], 909.877, 27, 6)
    yield near("dead after an epoch", later["dead"], 937.45, 27, 6)
    yield near("constant after an epoch", later["output.range = 0"], 940.45, 25, 6)


def leaky(results: Results) -> Iterator[Line]:
    found = {text: 1000 * each.mean for text, each in results.rows[1].summaries.items()}
    yield near("dead, of 1000", found["dead"], 0, 0)
    yield near("range below 0.000001", found["output.range < 0.000001"], 328, 45)
    yield near("range below 0.001", found["output.range < 0.001"], 680.2, 45)
    yield near("constant in single precision", found["output.range = 0"], 72, 30)


# The least and the largest of one to four runs, and their mean, by depth and width.
SURFACES = (
    (297.59, 297.69, 297.63),
    (297.48, 297.48, 297.48),
    (213.76, 236.63, 224.14),
    (191.73, 211.09, 200.22),
    (139.04, 168.53, 148.06),
    (103.40, 130.32, 114.29),
)
# Three hidden layers of 64, eight runs of `benchmarks/surfaces.py` in PyTorch 2.13.
SURFACES_AGAIN = (107.40, 97.30, 128.66, 114.94, 91.04, 108.52, 107.28, 98.27)


def surfaces(results: Results) -> Iterator[Line]:
    losses = [[each.measures["test.loss"] or 0.0 for each in row.runs] for row in results.rows]
    for row, (low, high, middle), numbers in zip(results.rows, SURFACES, losses, strict=True):
        depth, found = row.labels["net"][8], sum(numbers) / len(numbers)
        title = f"test RMSE, {depth} hidden layer{'s' * (depth != '1')} of {row.labels['sizes.u']}"
        inside = abs(found - middle) <= 0.15 * middle
        yield Line(title, f"{found:.4g}", f"{low:.1f} to {high:.1f}, mean {middle:.1f}", "mean ± 15 %", inside)
    again, error = fmean(SURFACES_AGAIN), stdev(SURFACES_AGAIN) * 2**0.5 / len(SURFACES_AGAIN) ** 0.5
    yield near("the last, against eight runs in PyTorch", fmean(losses[-1]), again, 3 * error)
    for width in (0, 1):
        one, two, three = losses[width::2]
        ordered = min(one) > max(two) and min(two) > max(three)
        ranges = " > ".join(f"{min(each):.0f}–{max(each):.0f}" for each in (one, two, three))
        yield Line(f"order of depths, {(16, 64)[width]} wide", ranges, "one > two > three", "no overlap", ordered)


def layers(results: Results, kind: str, name: str, arm: tuple[str, ...]) -> float:
    """The mean factor from one layer to the next, from the second on."""
    (row,) = (row for row in results.rows if tuple(row.labels.values()) == arm)
    first, last = (row.summaries[f"{kind}.rms.{name}_{layer}"].mean for layer in (2, 5))
    return float((last / first) ** (1 / 3))


def signals(results: Results) -> Iterator[Line]:
    for deviation in ("0.01", "0.14", "0.28"):
        factor = 50**0.5 * float(deviation)
        arm = ("relu", f"normal:{deviation}")
        yield near(f"ReLU, s = {deviation}, activations", layers(results, "activation", "h", arm), factor, 0.1 * factor)
        yield near(f"ReLU, s = {deviation}, gradients", 1 / layers(results, "gradient", "a", arm), factor, 0.1 * factor)
    for kind, factor in (("sigmoid", 0.025), ("tanh", 0.1)):
        found = 1 / layers(results, "gradient", "a", (kind, "normal:0.01"))
        yield near(f"{kind}, s = 0.01, gradients", found, factor, 0.1 * factor)
    found = layers(results, "activation", "h", ("tanh", "normal:0.01"))
    yield near("tanh, s = 0.01, activations", found, 0.1, 0.01)


def schemes(results: Results) -> Iterator[Line]:
    for scheme, factor in (("glorot_normal", 0.5**0.5), ("he_normal", 1.0)):
        found = layers(results, "activation", "h", (scheme, "relu"))
        back = 1 / layers(results, "gradient", "a", (scheme, "relu"))
        yield near(f"ReLU, {scheme}, activations", found, factor, 0.1 * factor)
        yield near(f"ReLU, {scheme}, gradients", back, factor, 0.1 * factor)


def twice(results: Results) -> Iterator[Line]:
    once, doubled = ([row.summaries["val.loss"] for row in results.rows[place::2]] for place in (0, 1))
    least = min(each.least for each in doubled)
    yield Line("least loss of softmax taken twice", f"{least:.4f}", "1.461150", "never below", least >= 1.461150)
    yield near("rate 0.1, taken twice", doubled[-1].mean, 1.5235, 3 * max(doubled[-1].error, 0.0053))
    yield near("rate 0.1, logits", once[-1].mean, 0.1038, 3 * max(once[-1].error, 0.0165 / 5**0.5))
    for words, found in (("logits", once), ("taken twice", doubled)):
        better = all(a.mean > b.mean for a, b in pairwise(found))
        text = " > ".join(f"{each.mean:.3g}" for each in found)
        yield Line(f"rates 0.005 to 0.1, {words}", text, "larger is better", "order", better)


def margin(results: Results) -> Iterator[Line]:
    weights = (0.09828205396492784, -0.09308898741461144), (12.800798851030114, -11.972843917633629)
    for row, expected, accuracy in zip(results.rows, weights, (0.978, 0.971), strict=True):
        measures, title = row.runs[0].measures, row.labels["loss"]
        found = [measures[f"weight.w{place}"] or 0.0 for place in (1, 2)]
        error = max(abs(a - b) for a, b in zip(found, expected, strict=True))
        yield Line(f"{title}, both weights, largest error", f"{error:.1g}", "0", "≤ 1e-9", error <= 1e-9)
        yield near(f"{title}, test accuracy", measures["test.accuracy"] or 0.0, accuracy, 0)


GRADIENTS = (
    0.0024459584849,
    0.0026201934201,
    -0.00030764566614,
    -0.000241875023,
    -0.00034768167796,
    -0.00037199639138,
    0.004925766628,
    -0.00058022868434,
    -0.00065976509496,
    0.022160112629,
    0.024330972928,
    0.017971741371,
    0.029249230265318685,
)


def two_three_one(results: Results) -> Iterator[Line]:
    loss, *found = (number or 0.0 for number in results.rows[0].runs[0].measures.values())
    yield Line("loss", f"{loss:.16f}", "0.1332476222330792", "≤ 1e-15", abs(loss - 0.1332476222330792) <= 1e-15)
    error = max(abs(a - b) for a, b in zip(found, GRADIENTS, strict=True))
    yield Line("13 gradients, largest error", f"{error:.1g}", "0", "≤ 1e-12", error <= 1e-12)


def lenet(results: Results) -> Iterator[Line]:
    found = mean(results, 0, "test.accuracy")
    yield Line("test accuracy, mean of 5 trials", f"{found:.4f}", "0.985", "at least", found >= 0.985)


CHECKS: Mapping[str, Callable[[Results], Iterator[Line]]] = {
    "iris-width": iris,
    "narrow-collapse": collapse,
    "narrow-leaky": leaky,
    "signals-fade": signals,
    "signals-schemes": schemes,
    "softmax-twice": twice,
    "margin": margin,
    "two-three-one-gradients": two_three_one,
    "digits-lenet": lenet,
    "surface-depth": surfaces,
}


def ran(name: str, runs: Path, jobs: int) -> Results:
    """The results of a shipped experiment, kept in a folder and gone on with where there is one."""
    experiment = read_experiment(SHIPPED / f"{name}.yaml")
    try:
        Folder.old(runs / name, KIND)
    except RunError:
        return run(experiment, runs / name, jobs=jobs)
    return run(experiment, runs / name, resume=True, jobs=jobs)


HEAD = """\
# The experiments, rerun

What the experiments in `examples/experiments` give, beside what PyTorch and hand-written NumPy gave for the same. Every
number is a mean over repeats that each have a seed of their own; where the limit is not said otherwise it is three
standard errors. Made by `python benchmarks/experiments.py`; one experiment alone is
`backcalc experiment examples/experiments/iris-width.yaml`.
"""


NOTES = {
    "surface-depth": """\
Reference: the least and the largest of one to four runs, and their mean. What is measured is the network as the last
epoch left it, and that is partly chance: the statistics of a batch norm lag behind its weights, and from one epoch to
the next the error goes up or down by as much as a fifth. So a mean of few runs says little. Three hidden layers of 64
were trained eight times in PyTorch too, by `benchmarks/surfaces.py`: there the limit is three standard errors.
""",
}
"""What the numbers of an experiment do not say by themselves."""


def page(tables: Mapping[str, tuple[Results, list[Line]]]) -> str:
    """The page with a table an experiment."""
    parts = [HEAD]
    for name, (results, lines) in tables.items():
        arms = f"{len(results.rows)} arm{'s' * (len(results.rows) > 1)}"
        repeats = f"{results.repeats} repeat{'s' * (results.repeats > 1)} each"
        parts += [f"\n## {results.name[0].upper()}{results.name[1:]}\n", f"`{name}.yaml`: {arms}, {repeats}.\n"]
        parts += ["| what | here | reference | limit | |", "| --- | --- | --- | --- | --- |"]
        for line in lines:
            sign = "✓" if line.holds else "✗"
            parts.append(f"| {line.what} | {line.measured} | {line.reference} | {line.limit} | {sign} |")
        if name in NOTES:
            parts.append(f"\n{NOTES[name].rstrip()}")
    return "\n".join(parts) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "experiments", help="where the runs are kept")
    parser.add_argument("--only", help="names of experiments, as iris-width,margin; the page is then not written")
    parser.add_argument("--jobs", type=int, default=1, help="processes that work at once")
    given = parser.parse_args()
    names = given.only.split(",") if given.only else list(CHECKS)
    tables: dict[str, tuple[Results, list[Line]]] = {}
    for name in names:
        began = time.perf_counter()
        results = ran(name, given.runs, given.jobs)
        tables[name] = results, list(CHECKS[name](results))
        print(f"{name}, {time.perf_counter() - began:.0f} s", flush=True)
        for line in tables[name][1]:
            sign = "✓" if line.holds else "✗"
            print(f"  {sign} {line.what}: {line.measured} ({line.reference}, {line.limit})", flush=True)
    if not given.only:
        PAGE.write_text(page(tables), encoding="utf-8")
    return int(not all(line.holds for _, lines in tables.values() for line in lines))


if __name__ == "__main__":
    sys.exit(main())
