"""Every formula in LaTeX that any command writes, of every example, is set by KaTeX: one process of node for all."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from click.testing import CliRunner

import backcalc
from backcalc.cli.program import cli
from backcalc.derive import Derivation, derive
from backcalc.render import fold_latex, grad_html, grad_ipynb, grad_json, grad_latex, grad_markdown, prove_latex

from .kinds import EXAMPLES, KINDS
from .latex_check import NO_NODE, formulas, katex_is_here, refused_by_katex

# What is only counted has no loss; the others of one kind are the same layers once more.
COUNTED = ("conv-pool-flops", "lenet-32", "lenet-connection-table", "lenet-without-biases", "six-deep")
ALIKE = ("colour-mlp", "digits-autoencoder", "digits-deep", "digits-wide", "iris-two-hidden", "letters-mlp",
         "letters-two-hidden", "lenet-batch-norm", "lenet-batch-norm-dropout", "lenet-dropout", "lenet-tanh",
         "lenet-batch-norm-input", "narrow-relu", "surface-mlp", "two-three-one", "spirals")  # fmt: skip
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.yaml"))
DERIVED = [name for name in NAMES if name not in (*COUNTED, *ALIKE)]
CLAIMS = (
    "diff(tanh(x), x) = 1 - tanh(x)^2 = 4*sigmoid(2*x) - 4*sigmoid(2*x)^2",
    "diff(log(sum(exp(z))), z) = softmax(z)",
    "relu(x) = x",
    "sqrt(x^2) = x",
    "diff(gelu(x), x) = 1/2*(1 + erf(x/sqrt(2))) + x*exp(-x^2/2)/sqrt(2*pi)",
    "prod(k=1..K, exp(x[k])) = exp(sum(k=1..K, x[k]))",
)
JACOBIANS = {
    "softmax": KINDS["jacobian"],
    "recurrence": {
        "sizes": {"T": None, "H": None}, "shapes": {"U": ["H", "H"], "x": ["T", "H"]},
        "equations": "h[t,j] = tanh(sum(k, U[j,k]*h[t-1,k]) + x[t,j])\nh[0,j] = 0\nJ = sum(t=1..T, sum(j, h[t,j]^2))",
        "find": ["dh/dU"],
    },
}  # fmt: skip


def in_page(page: str) -> Iterator[tuple[bool, str]]:
    """The formulas of an HTML page, those behind its symbols included."""
    for kind, latex in re.findall(r'<(?:span|div) class="tex( display)?"[^>]*>(.*?)</(?:span|div)>', page, re.DOTALL):
        yield bool(kind), unescape(latex)
    data = re.search(r'<script type="application/json" id="symbols">(.*?)</script>', page, re.DOTALL)
    for symbol in json.loads(data[1])["list"] if data else ():
        yield from ((False, symbol[field]) for field in ("name", "shape", "value") if symbol[field])


def in_json(value: Any, key: str = "") -> Iterator[tuple[bool, str]]:
    """Every field of JSON whose name ends with `latex`."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from in_json(part, name)
    elif isinstance(value, list):
        for part in value:
            yield from in_json(part, key)
    elif key.endswith("latex") and value:
        yield True, value


def in_notebook(text: str) -> Iterator[tuple[bool, str]]:
    for cell in json.loads(text)["cells"]:
        if cell["cell_type"] == "markdown":
            yield from formulas("".join(cell["source"]))


def derivations() -> Iterator[Derivation]:
    yield from (derive(backcalc.load(EXAMPLES / f"{name}.yaml")) for name in DERIVED)
    yield from (derive(backcalc.load(source)) for source in (*JACOBIANS.values(), "lenet5"))


def everything() -> Iterator[tuple[bool, str]]:
    for derivation in derivations():  # a page holds what LaTeX and Markdown do, in every view
        yield from in_page(grad_html.render(derivation))
        yield from in_json(grad_json.render(derivation))
    for name in ("shared-kernel", "lstm", "batch-norm-numbers"):
        derivation = derive(backcalc.load(EXAMPLES / f"{name}.yaml"))
        yield from formulas(grad_latex.render(derivation, "brief"))
        yield from formulas(grad_markdown.render(derivation, digits=20))
    for claim in CLAIMS:
        proof = backcalc.prove(claim)
        yield from formulas(prove_latex.render(proof))
        yield from in_json(proof.to_json())
    folded = {"input": {"x": [2, 6, 6]}, "layers": [{"conv2d": {"filters": 2, "kernel": 3}}, "batchnorm", "relu"]}
    for source in (EXAMPLES / "linear-stack.yaml", {**folded, "random": {"seed": 0}}):
        yield from formulas(fold_latex.render(backcalc.fold(source)))
    for name in (*COUNTED, "batch-norm-numbers"):
        yield from written("count", str(EXAMPLES / f"{name}.yaml"), "--format", "latex")
    for name in ("lenet5", "resnet18", "gpt2"):
        yield from written("count", name, "--format", "markdown")
        yield from written("count", name, "--format", "latex")
    for form in ("latex", "markdown"):
        yield from written("solve", str(EXAMPLES / "homework" / "key.yaml"), "--format", form)


def written(*arguments: str) -> Iterator[tuple[bool, str]]:
    """The formulas of what a command prints."""
    result = CliRunner().invoke(cli, list(arguments), standalone_mode=False)
    assert result.exception is None, result.exception
    yield from formulas(result.stdout)


@pytest.mark.skipif(not katex_is_here(), reason=NO_NODE)
def test_katex_sets_every_formula() -> None:
    found = list(dict.fromkeys(everything()))
    assert len(found) > 3000
    assert refused_by_katex(found) == []


def test_nothing_is_left_unset_in_a_text() -> None:
    """A formula that is looked for in a page, a notebook and JSON is found in each of them."""
    derivation = derive(backcalc.load(EXAMPLES / "batch-norm.yaml"))
    page = {latex for _, latex in in_page(grad_html.render(derivation))}
    lines = grad_json.render(derivation)["gradients"]["gamma"]["latex"]
    assert any(lines in latex for latex in page)
    assert any(lines in latex for _, latex in in_notebook(grad_ipynb.render(derivation)))
    assert lines in {latex for _, latex in in_json(grad_json.render(derivation))}


@pytest.mark.parametrize("name", JACOBIANS)
def test_a_jacobian_in_json_has_the_indices_of_both_its_sides(name: str) -> None:
    derivation = derive(backcalc.load(JACOBIANS[name]))
    said = [latex for _, latex in in_json(grad_json.render(derivation))]
    below = rf"\frac{{\partial {derivation.loss}}}{{\partial"
    assert not [latex for latex in said if below in latex]
    if name == "recurrence":
        assert any(r"\frac{\partial h_{t,j}}{\partial h_{t_{2},i}}" in latex for latex in said)
