"""How long bad and hostile input takes to be answered, and in how much memory: nobody may be kept waiting by a file.

    python benchmarks/hostile.py [CORPUS …]

Every corpus is the one that the tests use; they hold what is answered, this holds how soon. The table shows the input
that takes most processor time, and the most memory of any. What is limited in memory runs in a process of its own and
is measured with its start; submissions are checked as a class, whose processes measure themselves. Exit status 1 where
a limit is passed. A name of a corpus, or its beginning, measures that one alone. POSIX only.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from backcalc.check.classroom import Handed, check_class, handed_in
from backcalc.formula.errors import FormulaError
from backcalc.formula.latex_read import read_rows
from backcalc.formula.print_latex import to_latex
from backcalc.formula.print_text import to_text
from backcalc.formula.read import read_expression
from backcalc.formula.spans import DocumentTooLong, find_spans
from backcalc.formula.tidy_text import tidy
from backcalc.net import InputError, load_network
from backcalc.transform import prove

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
of_formulas, of_networks, of_files, of_claims, of_data, of_submissions = (
    import_module(f"tests.{room}.hostile") for room in ("formula", "net", "readers", "transform", "cli", "check")
)
VECTORS = import_module("tests.formula.latex_corpus").VECTORS

# A process begins with the memory of the one that it was forked from, so this small one stands between.
MEASURED = """
import json, resource, subprocess, sys
status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([status, used.ru_utime + used.ru_stime, used.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)]))
"""


@dataclass(frozen=True)
class Cost:
    """Seconds of processor time for one input, or the most that one of several took; megabytes where limited."""

    name: str
    seconds: float
    megabytes: float = 0
    inputs: int = 1


@dataclass(frozen=True)
class Corpus:
    """Inputs of one kind and what each may take."""

    name: str
    costs: Callable[[Path], Iterable[Cost]]
    seconds: float
    megabytes: float | None = None


def in_process(name: str, work: Callable[[], object]) -> Cost:
    """One input in this process, whether it is answered or refused."""
    start = time.process_time()
    with suppress(FormulaError, DocumentTooLong, InputError):
        work()
    return Cost(name, time.process_time() - start)


def command(name: str, folder: Path, *arguments: str) -> Cost:
    """One run of `backcalc` that refuses its input, as a process of its own. Raises SystemExit where it does not."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    line = [sys.executable, "-c", MEASURED, sys.executable, "-m", "backcalc", *arguments]
    done = subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    status, seconds, megabytes = json.loads(done.stdout)
    if status != 2:
        raise SystemExit(f"{name}: exit status {status}, not 2")
    return Cost(name, seconds, megabytes)


def as_class(name: str, key: str, works: Sequence[Handed], folder: Path, inputs: int = 1) -> Cost:
    """Submissions checked as a class, each by a process of its own: the most that one of them took."""
    (folder / "key.yaml").write_text(key, encoding="utf-8")
    checked = check_class(folder / "key.yaml", works)
    return Cost(name, checked.seconds, checked.megabytes, inputs)


def submission(name: str, key: str, path: Path, text: str) -> Cost:
    """One submission, checked as a class of one."""
    path.write_text(text, encoding="utf-8")
    return as_class(name, key, handed_in([path]), path.parent)


def formulas(_: Path) -> Iterator[Cost]:
    for text in (*(text for text, _ in of_formulas.PLAIN), *of_formulas.LARGEST):
        yield in_process(text, lambda text=text: to_latex(read_expression(to_text(read_expression(text)))))


def latex(_: Path) -> Iterator[Cost]:
    for text, _ in of_formulas.LATEX:
        yield in_process(text, lambda text=text: [read_rows(text, VECTORS, words=words) for words in (False, True)])


def documents(_: Path) -> Iterator[Cost]:
    for text in of_formulas.DOCUMENTS:
        yield in_process(text, lambda text=text: find_spans(tidy(text).text))
        yield in_process(text, lambda text=text: find_spans(tidy(text).text, tex=True))


def networks(_: Path) -> Iterator[Cost]:
    for name, (text, _) in of_networks.PATHOLOGICAL.items():
        yield in_process(name, lambda text=text: load_network(f"{text}\n"))
    for path in sorted((ROOT / "tests" / "net" / "bad").glob("*.yaml")):
        yield in_process(path.name, lambda path=path: load_network(path))


def network_files(folder: Path) -> Iterator[Cost]:
    for name, (file, make, _) in of_files.HOSTILE.items():
        (folder / file).write_bytes(make())
        yield command(name, folder, "count", file)


def training_data(folder: Path) -> Iterator[Cost]:
    of_data.faulty(folder)
    for net, data in of_data.HEAVY:
        yield command(data, folder, "train", net, "--data", data)


def claims(_: Path) -> Iterator[Cost]:
    for claim, _, _ in of_claims.CLAIMS:
        yield in_process(claim, lambda claim=claim: prove(claim))


def refused_claims(folder: Path) -> Iterator[Cost]:
    for arguments, _ in of_claims.REFUSED:
        yield command(" ".join(arguments), folder, "prove", *arguments)


def texts(folder: Path) -> Iterator[Cost]:
    for number, (text, _, _) in enumerate(of_submissions.HOSTILE):
        yield submission(text, json.dumps(of_submissions.SHARED_KERNEL), folder / f"{number}.txt", text)


def volumes(folder: Path) -> Iterator[Cost]:
    for name, (suffix, text, _) in of_submissions.VOLUMES.items():
        yield submission(name, json.dumps(of_submissions.WEIGHTS), folder / f"volume{suffix}", text)


def attacks(folder: Path) -> Iterator[Cost]:
    works = handed_in([of_submissions.CORPUS, of_submissions.made(folder / "made")], each=True)
    yield as_class("all in one class", of_submissions.ATTACKED, works, folder, len(works))


CORPORA = (
    Corpus("formulas", formulas, 2),
    Corpus("LaTeX", latex, 2),
    Corpus("documents", documents, 3),
    Corpus("networks", networks, 2),
    Corpus("network files", network_files, 2, 300),
    Corpus("training data", training_data, 2, 300),
    Corpus("claims of prove", claims, 5),
    Corpus("refused claims", refused_claims, 2),
    Corpus("submissions", texts, 3, 1000),
    Corpus("large submissions", volumes, 3, 1000),
    Corpus("attack corpus", attacks, 3, 1000),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", nargs="*", metavar="CORPUS", help=", ".join(corpus.name for corpus in CORPORA))
    wanted = tuple(parser.parse_args().corpora) or ("",)
    passed = False
    print(f"{'corpus':18} inputs  slowest s  limit s  most MB  limit MB  slowest input")
    for corpus in (corpus for corpus in CORPORA if corpus.name.startswith(wanted)):
        with tempfile.TemporaryDirectory() as folder:
            costs = list(corpus.costs(Path(folder)))
        inputs, most = sum(cost.inputs for cost in costs), max(cost.megabytes for cost in costs)
        slowest = max(costs, key=lambda cost: cost.seconds)
        passed |= slowest.seconds > corpus.seconds or most > (corpus.megabytes or most)
        memory = f"{most:9.0f}{corpus.megabytes:10.0f}" if corpus.megabytes is not None else " " * 19
        line = f"{corpus.name:18}{inputs:7}{slowest.seconds:11.2f}{corpus.seconds:9.0f}{memory}"
        print(f"{line}  {ascii(slowest.name[:24])[1:-1]:.40}", flush=True)
    sys.exit(int(passed))


if __name__ == "__main__":
    main()
