"""`count` and `convert` with files of other programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import backcalc
from backcalc.cli import main

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def call(*arguments: object) -> tuple[int, str, str]:
        status = main([str(argument) for argument in arguments])
        return status, *capsys.readouterr()

    return call


@pytest.mark.parametrize("name", ["cnn.onnx", "cnn.pt2", "image.keras", "image-keras.json", "qwen2-config.json"])
def test_count_reads_other_programs(name: str, run: Callable[..., Any]) -> None:
    status, out, err = run("count", DATA / name, "--format", "json")
    assert (status, err) == (0, "")
    assert json.loads(out)["totals"] == backcalc.count(DATA / name).to_json()["totals"]


def test_sizes_of_a_configuration_are_given_numbers(run: Callable[..., Any]) -> None:
    status, out, _ = run("count", DATA / "gpt2-config.json", "--at", "T=8", "--format", "json")
    document = json.loads(out)
    assert status == 0
    assert document["layers"][-1]["output_shape"] == [8, 50257]
    assert document["totals"]["macs"] == 8 * 123_532_032 + 12 * 2 * 8 * 8 * 768


def test_convert_writes_a_file_that_counts_the_same(run: Callable[..., Any], tmp_path: Path) -> None:
    target = tmp_path / "net.yaml"
    assert run("convert", DATA / "image.keras", "--output", target) == (0, "", "")
    assert backcalc.count(target).totals == backcalc.count(DATA / "image.keras").totals


def test_strict_refuses_what_is_not_counted(run: Callable[..., Any]) -> None:
    status, out, err = run("count", DATA / "unknown.pt2", "--strict")
    assert (status, out) == (2, "")
    assert err == f"{DATA / 'unknown.pt2'}: error: layer `cumsum`: the operator cumsum is unknown and not counted\n"
    assert run("count", DATA / "cnn.pt2", "--strict")[0] == 0


def test_totals_say_at_least(run: Callable[..., Any]) -> None:
    _, out, _ = run("count", DATA / "unknown.pt2")
    assert "  MACs         at least 64 + 16 = 80\n" in out
    assert "  unknown      what cumsum takes is not counted\n" in out
    assert "at least" not in run("count", DATA / "cnn.pt2")[1]


def test_tensors_are_listed(run: Callable[..., Any]) -> None:
    status, out, err = run("count", DATA / "cnn.safetensors")
    assert status == 0
    assert err == "tensors alone state no network: the config.json beside them does\n"
    assert out.splitlines()[-1].split() == ["total", "2327"]
    status, out, _ = run("count", DATA / "cnn.safetensors", "--format", "json")
    assert json.loads(out)["totals"] == {"params": 2327}
    status, out, err = run("convert", DATA / "cnn.safetensors")
    assert (status, out) == (2, "")
    assert "a network cannot be rebuilt from it" in err


def test_a_file_that_is_not_there(run: Callable[..., Any], tmp_path: Path) -> None:
    for command in ("count", "convert"):
        status, out, err = run(command, tmp_path / "model.onnx")
        assert (status, out) == (2, "")
        assert err == f"{tmp_path / 'model.onnx'}: error: there is no such file\n"
