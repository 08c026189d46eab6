"""Wrong calls and wrong input: exit status 2, a message on standard error, nothing on standard output."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import backcalc.net
from backcalc.cli.program import COMMANDS
from backcalc.net.load import LARGEST_FILE

DATA = Path(__file__).parents[1] / "data"
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["grda", "lenet5"], "No such command 'grda'"),
        (["grad"], "Missing argument 'NET'"),
        (["grad", "lenet5", "lenet5"], "unexpected extra argument"),
        (["count", "lenet5", "--flop", "mac"], "--flops"),
        (
            ["count", "lenet5", "--format", "docx"],
            "'docx' is not one of 'text', 'markdown', 'latex', 'html', 'csv', 'json'",
        ),
        (["grad", "lenet5", "--view", "cube"], "'cube' is not one of 'scalar', 'index', 'matrix'"),
        (["count", "lenet5", "--flops", "flops"], "'flops' is not one of exact, 2mac, mac, torchvision"),
        (["count", "lenet5", "--batch", "0"], "0 is not in the range x>=1"),
        (["count", "lenet5", "--batch", "many"], "'many' is not a valid integer"),
        (["grad", "lenet5", "--digits", "0"], "0 is not in the range"),
        (["count", "lenet5", "--explain", "conv1", "--format", "json"], "--explain is for --format text"),
        (["count", "lenet5", "--explain", "conv9"], "conv9"),
        (["zoo", "--output", "no/such/folder/zoo.txt"], "there is no folder"),
        (["zoo", "--output", "."], ". is a folder"),
    ],
)
def test_a_wrong_call(arguments: list[str], words: str, run: Callable[..., Any]) -> None:
    result = run(*arguments)
    assert (result.status, result.out) == (2, "")
    assert words in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize("command", ["grad", "count", "verify"])
def test_a_file_that_is_not_there(command: str, run: Callable[..., Any], tmp_path: Path) -> None:
    result = run(command, tmp_path / "nett.yaml")
    assert (result.status, result.out) == (2, "")
    assert "nett.yaml" in result.err
    assert "Traceback" not in result.err


def test_a_faulty_file_is_told_with_its_place(run: Callable[..., Any], net: Path) -> None:
    net.write_text(net.read_text(encoding="utf-8").replace("softmax:", "sofmax:"), encoding="utf-8")
    result = run("count", net)
    assert (result.status, result.out) == (2, "")
    assert f"{net}:5:" in result.err
    assert "- sofmax: {name: y}" in result.err
    assert "^" in result.err
    assert "did you mean `softmax`" in result.err


def test_a_faulty_formula_is_told_with_its_place(run: Callable[..., Any], net: Path) -> None:
    net.write_text("equations: |\n  J = 2x\nvalues: {x: 1}\n", encoding="utf-8")
    result = run("grad", net)
    assert (result.status, result.out) == (2, "")
    assert "J = 2x" in result.err
    assert "2*x" in result.err


def test_debug_shows_the_traceback_and_the_message(run: Callable[..., Any], tmp_path: Path) -> None:
    result = run("count", tmp_path / "nett.yaml", "--debug")
    assert (result.status, result.out) == (2, "")
    assert "Traceback (most recent call last)" in result.err
    assert "nett.yaml" in result.err.splitlines()[-1] or "nett.yaml" in result.err.rpartition("Traceback")[2]


def test_a_fault_of_ours_asks_for_a_report(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(source: object, **options: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr(backcalc.net, "load_network", broken)
    result = run("count", "lenet5")
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("internal error: KeyError: 'x'\n")
    assert "Traceback" not in result.err


def test_an_interrupt_inside_a_command(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(source: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(backcalc.net, "load_network", interrupted)
    result = run("count", "lenet5")
    assert (result.status, result.out) == (130, "")
    assert result.err.strip() == "interrupted"


def feed(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_standard_input_is_read(run: Callable[..., Any], net: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    feed(monkeypatch, net.read_bytes())
    piped = run("count", "-", "--format", "json")
    assert (piped.status, piped.err) == (0, "")
    assert json.loads(piped.out)["totals"] == json.loads(run("count", net, "--format", "json").out)["totals"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"#" * (LARGEST_FILE + 1), "<stdin>: error: the text has more than 1000000 bytes"),
        (b"name: \xff", "<stdin>: error: the text is not UTF-8: byte 0xFF at position 7"),
        (b"", "<stdin>: error: the file is empty"),
        (b"lenet5", "<stdin>:1:1: error: expected keys"),
        (b"net.yaml", "<stdin>:1:1: error: expected keys"),
    ],
    ids=["long", "bytes", "empty", "a name", "a path"],
)
def test_standard_input_that_is_no_network(
    data: bytes, words: str, run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    feed(monkeypatch, data)
    result = run("count", "-")
    assert (result.status, result.out) == (2, "")
    assert words in result.err
    assert result.err
    assert "internal error" not in result.err


SWEEP = """
name: two widths
net: {input: 1, layers: [dense: {name: h, units: 2}, relu, dense: 1], loss: mse, update: {sgd: {rate: 0.1}}}
data: abs:40
train: {epochs: 1}
vary: {h.units: [2, 3]}
repeats: 2
measure: [train.loss]
"""


def arguments(command: str, net: Path) -> list[Any]:
    """What a command needs."""
    sweep = net.with_name("sweep.yaml")
    sweep.write_text(SWEEP, encoding="utf-8")
    others: dict[str, list[Any]] = {
        "experiment": [sweep],
        "show": [net, "--equations"],
        "convert": [DATA / "cnn.pt2"],
        "zoo": [],
        "schema": [],
        "check": [EXAMPLES / "homework" / "key.yaml"],
        "solve": [EXAMPLES / "homework" / "key.yaml"],
        "prove": ["1 - sigmoid(x) = sigmoid(-x)"],
        "train": [EXAMPLES / "spirals.yaml", "--data", "spirals:40", "--epochs", "1"],
    }
    return others.get(command, [net])


@pytest.mark.parametrize("command", COMMANDS)
def test_the_exit_status_is_0_where_all_is_well(command: str, run: Callable[..., Any], net: Path) -> None:
    result = run(command, *arguments(command, net))
    assert (result.status, result.err) == (0, "")
    assert result.out.endswith("\n")
    assert not result.out.endswith("\n\n")


@pytest.mark.parametrize("command", [command for command in COMMANDS if command not in ("show", "convert")])
def test_json_is_json(command: str, run: Callable[..., Any], net: Path) -> None:
    result = run(command, *arguments(command, net), "--format", "json")
    document = json.loads(result.out)
    assert result.status == 0
    assert command == "schema" or next(iter(document.items())) == ("schema_version", 1)
