"""`backcalc count` at the command line: the formats, two networks, two conventions, and calls that are wrong."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from backcalc.cli.program import cli


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["count", *arguments])


CSV = (
    "layer,kind,output,weights,biases,params,connections,MACs,FLOPs,activations,field,output formula,params formula,"
    "connections formula,MACs formula,FLOPs formula,field formula,notes"
)


@pytest.mark.parametrize(
    ("form", "first"),
    [
        ("text", "lenet5: input x [1, 28, 28]"),
        ("markdown", "## lenet5: counts"),
        ("latex", r"% needs \usepackage{booktabs,longtable}"),
        ("html", "<!doctype html>"),
        ("csv", CSV),
        ("json", "{"),
    ],
)
def test_every_format(form: str, first: str) -> None:
    done = run("lenet5", "--format", form)
    assert done.exit_code == 0
    assert done.output.splitlines()[0] == first
    assert "61706" in done.output


def test_two_networks() -> None:
    done = run("resnet50", "--vs", "resnet50-2015", "--flops", "mac")
    assert done.exit_code == 0
    assert done.output.startswith("1: resnet50\n2: resnet50-2015\n")
    assert "4089184256  3857973248" in done.output
    answer = json.loads(run("lenet5", "--vs", "lenet5-1998", "--format", "json").output)
    assert answer["nets"] == ["lenet5", "lenet5-1998"]


def test_two_conventions() -> None:
    done = run("resnet18", "--explain-difference", "fvcore,thop")
    assert done.exit_code == 0
    assert done.output.startswith("resnet18: FLOPs counted as `fvcore` and as `thop`\n")
    answer = json.loads(run("resnet18", "--explain-difference", "fvcore, thop", "--format", "json").output)
    assert answer["difference"] == sum(term["value"] for term in answer["terms"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--explain-difference", "fvcore"), "takes two conventions, as in fvcore,thop"),
        (("--explain-difference", "fvcore,thp"), "'thp' is not one of exact, 2mac, mac, torchvision, torchinfo"),
        (("--explain-difference", "fvcore,thop", "--vs", "vgg11"), "--vs and --explain-difference exclude each other"),
        (("--explain-difference", "fvcore,thop", "--format", "csv"), "is for --format text and json"),
        (("--explain", "conv1", "--format", "markdown"), "--explain is for --format text"),
        (("--vs", "lenet"), "did you mean `lenet5`?"),
        (("--flops", "thopp"), "'thopp' is not one of"),
    ],
)
def test_calls_that_are_wrong(arguments: tuple[str, ...], message: str) -> None:
    done = run("lenet5", *arguments)
    assert done.exit_code == 2
    assert message in " ".join(done.output.split())
