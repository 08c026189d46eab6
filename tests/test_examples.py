"""The index of the examples lists every file, and its commands run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import backcalc
from backcalc.cli import main

ROOT = Path(backcalc.__file__).parents[1]
EXAMPLES = ROOT / "examples"
INDEX = (EXAMPLES / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\| `backcalc (.*?)` \| \S", INDEX, flags=re.MULTILINE)


def test_every_row_is_a_command() -> None:
    rows = [line for line in INDEX.splitlines() if line.startswith("| `")]
    assert len(rows) == len(COMMANDS) == len(set(COMMANDS))


def test_every_example_is_listed() -> None:
    listed = {word for command in COMMANDS for word in shlex.split(command) if word.endswith(".yaml")}
    assert listed == {f"examples/{file.name}" for file in EXAMPLES.glob("*.yaml")}


def test_every_file_of_arrays_is_read_by_an_example() -> None:
    files = {file.name for file in EXAMPLES.iterdir() if file.is_file()} - {"README.md"}
    nets = {name for name in files if name.endswith(".yaml")}
    read = {name for net in nets for name in re.findall(r"file: (\S+?)[},]", (EXAMPLES / net).read_text("utf-8"))}
    assert files - nets == read


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.yaml")), ids=lambda file: file.stem)
def test_an_example_says_what_it_is(file: Path) -> None:
    first, *rest = file.read_text(encoding="utf-8").splitlines()
    assert first.startswith("# ")
    assert sum(line.startswith("name: ") for line in rest) == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_runs(command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    status = main(shlex.split(command))
    out, err = capsys.readouterr()
    assert (status, err) == (0, "")
    assert out.strip()
    if command.startswith("grad"):
        assert "✓" in out and "✗" not in out


@pytest.mark.parametrize("number", ["51626", "52078", "203530", "60"])
def test_the_numbers_of_the_index_are_real(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    (row,) = (line for line in INDEX.splitlines() if f" {number} " in line)
    command = re.findall(r"`backcalc (.*?)`", row)[0]
    assert main([word.replace("examples/", f"{EXAMPLES}/") for word in shlex.split(command)]) == 0
    shown = capsys.readouterr().out.replace(",", "").replace("\u202f", "").replace("\u00a0", "")
    assert number in shown
