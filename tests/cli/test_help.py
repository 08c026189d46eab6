"""The help: what is listed, that every command shows examples, and that the examples run."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import backcalc
from backcalc.cli.names import split_names
from backcalc.cli.program import COMMANDS, cli

ROOT = Path(backcalc.__file__).parents[1]


def examples(text: str) -> list[list[str]]:
    """The commands that a help text shows, without `backcalc` and without the words that explain them."""
    lines = re.findall(r"^ +backcalc (.*?)(?: {2,}.*)?$", text, flags=re.MULTILINE)
    return [shlex.split(line) for line in lines]


def test_help_lists_every_command_that_exists(run: Callable[..., Any]) -> None:
    result = run("--help")
    listed = re.findall(r"^  (\w+) {2,}\S", result.out.partition("Commands:")[2], flags=re.MULTILINE)
    assert (result.status, result.err) == (0, "")
    assert tuple(listed) == COMMANDS
    assert {file.stem for file in (ROOT / "backcalc" / "cli").glob("*.py")} >= set(COMMANDS)
    assert "..." not in result.out.partition("Commands:")[2], "a summary is cut off"
    assert "_BACKCALC_COMPLETE=bash_source" in result.out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_the_shared_options_and_an_example(name: str, run: Callable[..., Any]) -> None:
    result = run(name, "--help")
    assert (result.status, result.err) == (0, "")
    for option in ("--format", "-o, --output FILE", "-q, --quiet", "--debug", "-h, --help"):
        assert option in result.out
    assert [arguments[0] for arguments in examples(result.out)] == [name] * len(examples(result.out)) != []


def test_the_examples_run(run: Callable[..., Any], net: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    for given, here in (("cnn.onnx", "model.onnx"), ("nested.keras", "model.keras")):
        shutil.copy(ROOT / "tests" / "data" / given, tmp_path / here)
    net.write_text(net.read_text(encoding="utf-8").replace("name: z", "name: conv1"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in ("", *COMMANDS):
        for arguments in examples(run(*filter(None, [name]), "--help").out):
            result = run(*arguments)
            assert (result.status, result.err) == (0, ""), arguments
            assert result.out or "--output" in arguments


def test_version(run: Callable[..., Any]) -> None:
    result = run("--version")
    assert (result.status, result.out, result.err) == (0, f"backcalc {backcalc.__version__}\n", "")


def test_each_command_carries_its_own_name() -> None:
    context = cli.make_context("backcalc", ["zoo"])
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        assert command.name == name


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        (["w1,w2"], ("w1", "w2")),
        (["w1", "w2"], ("w1", "w2")),
        (["W[1,2],b[1]"], ("W[1,2]", "b[1]")),
        ([" w1 , ,w2,"], ("w1", "w2")),
        ([], ()),
    ],
)
def test_names_split_at_commas_outside_brackets(typed: list[str], names: tuple[str, ...]) -> None:
    assert split_names(typed) == names


def test_completion_offers_commands_networks_and_files(start: Callable[..., Any]) -> None:
    def complete(words: str) -> str:
        env = {"_BACKCALC_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        out, _ = start(env=env).communicate(timeout=60)
        return out.decode()

    assert complete("backcalc ").split() == [f"plain,{name}" for name in COMMANDS]
    assert "plain,lenet5-1998" in complete("backcalc count len").split()
    assert "file,net" in complete("backcalc count net").split()
