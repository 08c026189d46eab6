"""What results show of themselves in a notebook: Markdown and LaTeX, the same data, and no mathematics inside HTML."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import backcalc
from backcalc.transform import prove

EXAMPLES = Path(__file__).parents[2] / "examples"
KEY = {"name": "sheet", "problems": [{"id": 1, "count": "lenet5", "bias": False, "ask": ["conv2.weights"]}]}
STACK = {"name": "stack", "input": 3, "layers": [{"dense": 4}, {"dense": 2}], "loss": "cross_entropy"}


def _experiment() -> Any:
    net = {"name": "two", "input": 2, "layers": [{"dense": {"name": "a", "units": 3}}, "softmax"], "loss": "nll"}
    return backcalc.experiment(
        {
            "net": net,
            "data": "blobs:30",
            "train": {"epochs": 1, "rate": 0.1},
            "vary": {"train.batch": [5, 10]},
            "measure": ["params"],
        }
    )


def _training() -> Any:
    net = {"name": "line_1", "input": 2, "layers": [{"dense": 3}, "softmax"], "loss": "cross_entropy"}
    return backcalc.train(net, "blobs:30", rate=0.1, epochs=2, batch=10)


SHOWN: dict[str, tuple[Callable[[], Any], str]] = {
    "grad": (lambda: backcalc.grad(EXAMPLES / "logistic-neuron.yaml"), "## Result"),
    "count": (lambda: backcalc.count("lenet5"), "| conv2 | conv2d |"),
    "prove": (lambda: backcalc.prove("2*sigmoid(2*x) - 1 = tanh(x)"), "The claim is proved"),
    "refuted": (lambda: backcalc.prove("sqrt(x^2) = x"), "The claim does not hold: at x = "),
    "fold": (lambda: backcalc.fold(STACK), "The folded network is equal."),
    "verify": (lambda: backcalc.verify(EXAMPLES / "logistic-neuron.yaml"), "All ways agree."),
    "check": (lambda: backcalc.check(KEY), "| `conv2.weights` | `2400` |"),
    "solve": (lambda: backcalc.solve(KEY), "2400"),
    "train": (_training, r"# line\_1, trained on blobs"),
    "experiment": (_experiment, "params"),
}


@pytest.mark.parametrize("name", SHOWN)
def test_every_result_shows_itself_by_markdown_and_never_by_html(name: str) -> None:
    make, words = SHOWN[name]
    result: Any = make()
    assert words in result._repr_markdown_()
    assert not any(hasattr(result, f"_repr_{other}_") for other in ("html", "mimebundle", "svg"))


@pytest.mark.parametrize("name", ["grad", "prove", "refuted", "fold"])
def test_results_that_are_formulas_are_latex_too(name: str) -> None:
    latex = SHOWN[name][0]()._repr_latex_()
    assert latex.startswith("$$\n\\begin{aligned}\n") and latex.endswith("\n\\end{aligned}\n$$")


def test_what_is_shown_is_the_same_data() -> None:
    claim = "diff(softplus(x), x) = sigmoid(x)"
    plain, shown = prove(claim), backcalc.prove(claim)
    assert isinstance(shown, type(plain)) and shown == backcalc.prove(claim)
    assert all(getattr(plain, each.name) == getattr(shown, each.name) for each in fields(plain))


def test_the_folded_file_stands_in_code() -> None:
    folding: Any = backcalc.fold(STACK)
    text = folding._repr_markdown_()
    assert text.endswith(f"```text\n{folding.text.rstrip()}\n```\n")
