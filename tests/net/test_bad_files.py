"""Every bad file answers with exactly the message that stands beside it, all its faults at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from backcalc.net import InputError, load_network
from backcalc.net.errors import Problem
from tests.hanging import guard_against_hanging
from tests.net.hostile import LAYERS, PATHOLOGICAL

BAD = Path(__file__).with_name("bad")
FILES = sorted(BAD.glob("*.yaml"))


def refused(source: str | Path | Mapping[str, Any], label: str | None = None) -> InputError:
    with pytest.raises(InputError) as caught:
        load_network(source, label=label)
    return caught.value


def test_there_are_enough_bad_files() -> None:
    assert len(FILES) >= 150
    assert {file.with_suffix(".txt") for file in FILES} == set(BAD.glob("*.txt"))


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_message(file: Path) -> None:
    assert str(refused(file, file.name)) + "\n" == file.with_suffix(".txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_caret_stands_under_the_line(file: Path) -> None:
    """Line and column of every problem are places in the file as an editor counts them."""
    lines = file.read_bytes().decode("utf-8", "replace").split("\n")
    for problem in refused(file, file.name).problems:
        if problem.line:
            assert problem.source_line == lines[problem.line - 1]
            assert 1 <= problem.column <= len(problem.source_line) + 1
            assert problem.length >= 1


@pytest.mark.parametrize("name", PATHOLOGICAL)
def test_pathological_input_is_answered(name: str) -> None:
    text, message = PATHOLOGICAL[name]
    with guard_against_hanging():
        error = refused(text if "\n" in text else f"{text}\n")
    assert message in str(error).split("\n")[0]
    assert len(str(error)) < 30_000


def test_a_large_file_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.write_bytes(b"#" * 10_000_000)
    assert str(refused(path, "large.yaml")) == (
        "large.yaml: error: the file has more than 1000000 bytes\n"
        "    = help: put large arrays into an .npz file, `values: {file: arrays.npz}`"
    )


def test_a_tag_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    refused('name: !!python/object/apply:os.system ["touch owned"]\n')
    assert not list(tmp_path.iterdir())


def test_no_such_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(LAYERS)
    answers = {
        "nett.yaml": "did you mean `net.yaml`?",
        "lenet": "did you mean `lenet5`?",
        "other": "`backcalc zoo` lists the built-in networks",
    }
    for name, help in answers.items():
        assert str(refused(name)) == f"{name}: error: there is no such file or built-in network\n    = help: {help}"
    assert str(refused(tmp_path)).endswith("error: the file cannot be read: is a directory")


def test_the_text_of_a_problem() -> None:
    problem = Problem("net.yaml", 4, 5, 5, "  - con2d: {filters: 6}", "unknown layer kind `con2d`", "did you mean …?")
    assert str(problem).split("\n") == [
        "net.yaml:4:5: error: unknown layer kind `con2d`",
        "  4 |   - con2d: {filters: 6}",
        "    |     ^^^^^",
        "    = help: did you mean …?",
    ]


def test_the_caret_is_right_behind_wide_letters() -> None:
    lines = str(Problem("f", 1, 5, 1, "{数: @}", "what")).split("\n")
    assert lines[2].index("^") == len("  1 | {数: ") + 1  # the Chinese letter takes two columns


def test_a_mapping_has_places_too() -> None:
    error = refused({"input": {"x": 3}, "layers": [{"dense": 2}, {"rleu": {"name": "h"}}]})
    assert str(error).split("\n")[:3] == [
        "<mapping>:4:6: error: unknown layer kind `rleu`",
        "  4 |   - {rleu: {name: h}}",
        "    |      ^^^^",
    ]
