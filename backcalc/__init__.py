"""backcalc derives the gradients of a neural network step by step, exactly, and counts the network too.

Every function takes a network as a path, the name of a built-in network, YAML text, a dict or a `Network`:

>>> import backcalc
>>> backcalc.count("lenet5").totals.params
61706
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from backcalc.check import Key, Report
    from backcalc.check.solution import Solution
    from backcalc.count import Table
    from backcalc.derive import Derivation
    from backcalc.net import Network
    from backcalc.numeric.data import Data
    from backcalc.numeric.experiment import Results
    from backcalc.numeric.history import History
    from backcalc.numeric.train import Progress
    from backcalc.readers import Module
    from backcalc.transform import Folding, Proof
    from backcalc.verify import Verification

__all__ = ["check", "count", "experiment", "fold", "grad", "load", "prove", "solve", "train", "verify"]
__version__ = "0.1.0"


def load(
    source: str | Path | Mapping[str, object] | Network | Module,
    input_shape: Sequence[int] | Sequence[Sequence[int]] | None = None,
    *,
    at: Mapping[str, int | None] | None = None,
) -> Network:
    """Reads and checks a network; one that is loaded already is returned as it is. `at` gives numbers for its sizes.

    >>> import backcalc
    >>> backcalc.load({"input": {"x": 3}, "layers": [{"dense": 2}, "relu"]}).nodes[-1].output_shape
    (2,)

    A path that ends with `.keras`, `.onnx`, `.pt2` or `.json` is a file of another program; a module of PyTorch, where
    that is installed, needs the shape of its input without the batch axis, or the shapes of several.

    Raises `backcalc.net.errors.InputError`, which names every fault with its place.
    """
    from backcalc.net import Network, load_network
    from backcalc.readers import Module, is_foreign, read_file

    if isinstance(source, Network):
        return source
    if isinstance(source, Module):
        from backcalc.readers.module import read_module

        return read_module(source, input_shape, at=at)
    return read_file(source, at=at) if is_foreign(source) else load_network(source, at=at)


def grad(
    source: str | Path | Mapping[str, object] | Network,
    *,
    wrt: Sequence[str] | None = None,
    view: Literal["scalar", "index", "matrix"] | None = None,
) -> Derivation:
    """Derives the gradients of the loss, step by step, and checks them.

    `wrt` names what to differentiate by (default: what the file's `find` asks, else every parameter); `view` shows
    every element by itself, arrays by index, or whole arrays as matrices (default: what fits the network's size).

    >>> import backcalc
    >>> derivation = backcalc.grad({"equations": "J = (w*x - t)^2", "values": {"x": 3, "t": 1, "w": 1}}, wrt=["w"])
    >>> derivation.passed, str(derivation.values["dJ/dw"][()].value)
    (True, '12')

    Raises `backcalc.net.errors.InputError`, and `backcalc.derive.DerivationError` where there is nothing to derive.
    """
    from backcalc.derive import derive
    from backcalc.render.notebook import shown
    from backcalc.verify import verified

    return shown(verified(derive(load(source), wrt=None if wrt is None else tuple(wrt), view=view)))


def count(
    source: str | Path | Mapping[str, object] | Network | Module,
    input_shape: Sequence[int] | Sequence[Sequence[int]] | None = None,
    *,
    flops: str = "exact",
    bias: bool = True,
    padding_connections: bool = True,
    pooling_connections: bool = False,
    batch: int = 1,
    causal: Literal["full", "exact"] = "full",
    at: Mapping[str, int | None] | None = None,
) -> Table:
    """Counts shapes, parameters, connections, MACs, FLOPs, activations, memory and receptive field, a row a layer.

    `source` may be a module of PyTorch, `count(module, (3, 32, 32))`, with the shape of its input without the batch
    axis. `at` gives numbers for the `sizes` of the file, `causal="exact"` leaves out products that attention masks.

    >>> import backcalc
    >>> [row.weights for row in backcalc.count("lenet5", bias=False).rows if row.weights]
    [150, 2400, 48000, 10080, 840]

    Raises `backcalc.net.errors.InputError`.
    """
    from backcalc.count import count
    from backcalc.render.count_notebook import shown

    table = count(
        load(source, input_shape, at=at),
        flops=flops,
        bias=bias,
        padding_connections=padding_connections,
        pooling_connections=pooling_connections,
        batch=batch,
        causal=causal,
    )
    return shown(table)


def verify(source: str | Path | Mapping[str, object] | Network, *, wrt: Sequence[str] | None = None) -> Verification:
    """Computes the gradients by every independent way at hand and compares them.

    >>> import backcalc
    >>> backcalc.verify({"equations": "J = sigmoid(w*x)", "values": {"x": 3, "w": 1}}).passed
    True

    Raises `backcalc.net.errors.InputError`, and `backcalc.derive.DerivationError` where there is nothing to derive.
    """
    from backcalc.render.notebook import shown_verification
    from backcalc.verify import verify

    return shown_verification(verify(load(source), wrt=None if wrt is None else tuple(wrt)))


def train(
    source: str | Path | Mapping[str, object] | Network,
    data: str | Data,
    *,
    optimizer: str | None = None,
    progress: Callable[[Progress], None] | None = None,
    **settings: Any,
) -> History:
    """Trains a network with NumPy and tests it: the curves of every trial, the test, and the parameters.

    `data` is a name (`iris`, `spirals:300`, `csv:FILE#COLUMN`) or arrays; of a set without samples for testing a fifth
    is kept for that. `optimizer` is another update rule than the file's, and `settings` are those of
    `backcalc.numeric.settings.Training`: `epochs`, `batch`, `trials`, `seed`, `rate` and the others.

    >>> import backcalc
    >>> net = {"input": 2, "layers": [{"dense": 3}, "softmax"], "loss": "cross_entropy"}
    >>> history = backcalc.train(net, "blobs:90", optimizer="adam", rate=0.1, epochs=20, batch=10)
    >>> history.params, history.test["metric"][0] > 0.9
    (9, True)

    Raises `backcalc.net.errors.InputError`, `backcalc.numeric.data.DataError`, and
    `backcalc.numeric.settings.TrainingError`, also where the loss becomes no finite number.
    """
    from backcalc.numeric.prepare import prepared, with_rule
    from backcalc.numeric.train import train
    from backcalc.render.train_notebook import shown_history

    network = with_rule(load(source), optimizer)
    given = prepared(data, seed=settings.get("seed", 0)) if isinstance(data, str) else data
    return shown_history(train(network, given, progress=progress, **settings))


def experiment(source: str | Path | Mapping[str, object], folder: str | Path | None = None, **options: Any) -> Results:
    """Runs an experiment: a sweep over values of a network, its data or its training, each repeated.

    What is given a `folder` is written there as it comes, and gone on with by `resume=True`. `jobs` is how many
    processes work, `cluster` the address of a Dask scheduler; the numbers do not depend on either.

    >>> import backcalc
    >>> net = {"input": 2, "layers": [{"dense": {"name": "a", "units": 4}}, "relu", {"dense": 3}, "softmax"],
    ...        "loss": "nll", "update": {"adam": {"rate": 0.05}}}
    >>> results = backcalc.experiment({"net": net, "data": "blobs:60", "train": {"epochs": 20}, "repeats": 3,
    ...                                "vary": {"a.units": [2, 8]}, "measure": ["test.accuracy", "params"]})
    >>> [row.summaries["params"].mean for row in results.rows], len(results.rows[0].runs)
    ([15.0, 51.0], 3)

    Raises `backcalc.net.errors.InputError`, which names every fault with its place, and what `train` raises.
    """
    from pathlib import Path

    from backcalc.numeric.experiment import read_experiment, run
    from backcalc.render.train_notebook import shown_results

    return shown_results(run(read_experiment(source), None if folder is None else Path(folder), **options))


def prove(claim: str, *, given: Sequence[str] | str = ()) -> Proof:
    """Proves or refutes an equality of formulas, or a chain of them, under assumptions such as `x > 0`.

    >>> import backcalc
    >>> backcalc.prove("diff(softplus(x), x) = sigmoid(x)").holds, backcalc.prove("sqrt(x^2) = x").holds
    (True, False)

    `holds` is None where the claim is neither proved nor refuted. Raises `backcalc.transform.ClaimError`, and
    `backcalc.formula.errors.FormulaError` for a formula that cannot be read.
    """
    from backcalc.render.transform_notebook import shown_proof
    from backcalc.transform import prove

    return shown_proof(prove(claim, (given,) if isinstance(given, str) else tuple(given)))


def fold(source: str | Path | Mapping[str, object] | Network) -> Folding:
    """An equivalent smaller network: linear layers multiplied out, norms folded into the layer beside them.

    >>> import backcalc
    >>> folding = backcalc.fold({"input": 3, "layers": [{"dense": 4}, {"dense": 2}]})
    >>> [node.name for node in folding.network.nodes], folding.passed
    (['dense_2'], True)

    Raises `backcalc.net.errors.InputError`.
    """
    from backcalc.net import Network
    from backcalc.render.transform_notebook import shown_folding
    from backcalc.transform import fold
    from backcalc.transform.written import entries

    return shown_folding(fold(load(source), {} if isinstance(source, Network) else entries(source)))


def check(key: str | Path | Mapping[str, object] | Key, submissions: str | Path | Sequence[str | Path] = ()) -> Report:
    """Checks homework against a key: every claim with its verdict, the first wrong step of each problem, and why.

    `submissions` are files or folders; without any, the report holds the key's own answers.

    >>> import backcalc
    >>> key = {"name": "sheet", "problems": [{"id": 1, "count": "lenet5", "bias": False, "ask": ["conv2.weights"]}]}
    >>> [(answer.asked, answer.expected.exact) for answer in backcalc.check(key).answers]
    [('conv2.weights', '2400')]

    Raises `backcalc.net.errors.InputError`, which names every fault with its place.
    """
    from pathlib import Path

    from backcalc.check import check
    from backcalc.render.check_notebook import shown

    return shown(check(key, [submissions] if isinstance(submissions, str | Path) else submissions))


def solve(key: str | Path | Mapping[str, object] | Key) -> Solution:
    """Works out the model solution of a homework: every problem of a key, its answers, and how they were verified.

    >>> import backcalc
    >>> problem = {"id": 1, "count": "lenet5", "bias": False, "ask": ["conv2.weights"], "points": 5}
    >>> solution = backcalc.solve({"problems": [problem]})
    >>> [(result.word, str(result.values[()])) for result in solution.parts[0].results], solution.holds
    ([('conv2.weights', '2400')], True)

    Raises `backcalc.net.errors.InputError`, which names every fault with its place.
    """
    from backcalc.check.solve import solve
    from backcalc.render.solve_notebook import shown

    return shown(solve(key))


class _Package(ModuleType):
    """Keeps `backcalc.count` the function when Python, on importing the package of that name, would rebind it."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in __all__ and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
