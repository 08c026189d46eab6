"""`backcalc count` at the command line: the formats, two networks, two conventions, and calls that are wrong."""

from __future__ import annotations

import json
from pathlib import Path

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
        ("latex", r"% needs \usepackage{booktabs,longtable,array}"),
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
        (("--at", "T=3"), "lenet5 has no size `T` = help: it declares no `sizes`"),
        (("--at", "T"), "`T`: expected a whole number from 1 to 1000000000, got ``"),
        (("--solve", "params = 1e6"), "--solve and --for belong together"),
        (("--for", "d"), "--solve and --for belong together"),
        (("--solve", "params = 1e6", "--for", "d"), "lenet5 has no size `d`"),
        (("--solve", "params = 1e6", "--for", "d", "--cost", "training"), "--solve and --cost training exclude each"),
        (("--cost", "training", "--flops", "thop"), "`thop` says nothing of the backward pass"),
        (("--cost", "training", "--format", "csv"), "--cost training is for --format text and json"),
        (("--cost", "training", "--optimiser", "adm"), "unknown optimiser `adm`; did you mean `adam`?"),
        (("--optimiser", "adam"), "--optimiser is for --cost training"),
        (("--cost", "training", "--pooling-connections"), "--cost training counts no connections"),
    ],
)
def test_calls_that_are_wrong(arguments: tuple[str, ...], message: str) -> None:
    done = run("lenet5", *arguments)
    assert done.exit_code == 2
    assert message in " ".join(done.output.split())


def test_numbers_for_sizes() -> None:
    done = run("gpt2", "--at", "T=128", "--flops", "mac", "--format", "json")
    totals = json.loads(done.output)["totals"]
    assert (totals["params"], totals["macs"]) == (124_439_808, 128 * 123_532_032 + 12 * 2 * 128**2 * 768)
    exact = json.loads(run("gpt2", "--at", "T=128", "--causal", "exact", "--format", "json").output)
    assert totals["macs"] - exact["totals"]["macs"] == 12 * 2 * 768 * 128 * 127 // 2


def test_a_step_of_training() -> None:
    done = run("resnet18", "--cost", "training", "--flops", "2mac", "--optimiser", "adam")
    assert done.exit_code == 0
    assert "step       10648412160 FLOPs, the loss and the update itself left out\n" in done.output
    assert "state of adam" in done.output
    answer = json.loads(run("resnet18", "--cost", "training", "--flops", "2mac", "--format", "json").output)
    assert answer["training"]["step"] == 10_648_412_160
    assert [each["precision"] for each in answer["memory"]["by_precision"]] == ["fp32", "bf16", "mixed"]
    assert answer["totals"]["params"] == 11_689_512


def test_a_size_for_a_total() -> None:
    net = "{sizes: {d: null}, input: {x: d}, layers: [dense: d]}"
    done = CliRunner().invoke(cli, ["count", "-", "--solve", "params = 1e6", "--for", "d"], input=net)
    assert done.output.splitlines() == [
        "network: params = d² + d",
        "d = 999 gives 999000",
        "d = 1000 gives 1001000",
        "no d gives exactly 1000000",
    ]
    exact = ["count", "-", "--solve", "params=110", "--for", "d", "--format", "json"]
    answer = json.loads(CliRunner().invoke(cli, exact, input=net).output)
    assert (answer["exact"], answer["near"], answer["formula"]) == ([10], [], "d² + d")


def test_a_size_with_a_number_in_the_file_is_solved_for_too() -> None:
    done = run("llama-2-7b", "--solve", "macs = 850000871424", "--for", "T")
    assert done.output.endswith("T = 128 gives exactly 850000871424\n")


OPEN = """
sizes: {d: null, T: null}
input: {x: [T, d]}
layers: [layernorm, dense: d, unknown: {operator: Fold, shape: [d]}]
"""


@pytest.mark.parametrize("arguments", [("--flops", "2mca"), ("--explain-difference", "exact,2mca")])
def test_a_convention_that_is_none_is_told_the_nearest(arguments: tuple[str, str]) -> None:
    done = run("lenet5", *arguments)
    assert done.exit_code == 2
    assert "'2mca' is not one of exact, 2mac, mac" in done.stderr
    assert "Did you mean 2mac?" in done.stderr


def test_two_conventions_with_letters(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(OPEN, encoding="utf-8")
    done = run(str(tmp_path / "net.yaml"), "--explain-difference", "fvcore,thop")
    assert done.exit_code == 0
    assert "-T·d" in done.output
    assert "(4 - 5)·T·d = -T·d" in done.output


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--vs", "lenet5"),
        ("--cost", "training"),
        ("--explain-difference", "exact,mac"),
        ("--solve", "params = 1e6", "--for", "d"),
    ],
)
def test_strict_refuses_what_is_unknown_whatever_is_asked(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "net.yaml").write_text(OPEN, encoding="utf-8")
    done = run(str(tmp_path / "net.yaml"), "--strict", *arguments)
    assert done.exit_code == 2
    assert "the operator Fold is unknown and not counted" in done.stderr


def test_totals_that_are_at_least_are_no_answer_to_how_large(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(OPEN, encoding="utf-8")
    done = run(str(tmp_path / "net.yaml"), "--at", "T=8", "--solve", "macs = 1e6", "--for", "d")
    assert done.exit_code == 2
    assert "macs can be more than what is counted: of unknown_1 it is not known" in done.stderr
    training = run(str(tmp_path / "net.yaml"), "--cost", "training").output
    assert "forward    at least " in training and "step       at least " in training


def test_options_that_would_not_be_heard_are_refused() -> None:
    done = run("lenet5", "--explain-difference", "fvcore,thop", "--no-bias")
    assert done.exit_code == 2
    assert "--explain-difference compares whole conventions" in done.stderr


def test_a_name_cannot_steer_the_terminal() -> None:
    net = '{name: "\\e]0;x\\a", input: {x: 3}, layers: [dense: 3]}'
    done = CliRunner().invoke(cli, ["count", "-"], input=net)
    assert done.exit_code == 2
    assert "`name`: the control character U+001B is not allowed here" in done.stderr
    assert "\x1b" not in done.output


def test_what_a_reader_changed_is_said_in_every_format() -> None:
    file = str(Path(__file__).parents[1] / "data" / "cnn-script.onnx")
    folded = "the exporter has folded a batch norm into it"
    for form in ("text", "markdown", "latex", "html", "json"):
        assert folded in run(file, "--format", form).output.replace("\n", " ")
