"""Every bad file answers with exactly the message that stands beside it, all its faults at once, and soon."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from backcalc.net import InputError, load_network
from backcalc.net.errors import Problem

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


LAYERS = "input: {x: 3}\nlayers: [dense: 2]\n"

# What is too large, too deep or too much to stand in a file of its own, and the line that answers it.
PATHOLOGICAL = {
    "ten megabytes": ("#" * 10_000_000 + "\n", "error: the file has more than 1000000 characters"),
    "a megabyte of layers": ("layers:\n" + "  - a\n" * 160_000, "error: the file has more than 50000 keys and values"),
    "too many layers": ("input: 3\nlayers:\n" + "  - relu\n" * 10_001, "error: there are more than 10000 layers"),
    "deep flow": ("a: " + "[" * 10_000, "error: lists and mappings are nested deeper than 30"),
    "deep flow, closed": ("a: " + "[" * 10_000 + "]" * 10_000, "error: lists and mappings are nested deeper than 30"),
    "deep mappings": ("{a: " * 10_000, "error: lists and mappings are nested deeper than 30"),
    "deep blocks": (
        "".join(" " * depth + "a:\n" for depth in range(1_400)),
        "error: lists and mappings are nested deeper than 30",
    ),
    "deep dashes": ("- " * 10_000, "error: lists and mappings are nested deeper than 30"),
    "deep formula": (
        "equations: |\n  J = " + "(" * 9_000 + "x" + ")" * 9_000,
        "error: the formula is nested more than 100 deep",
    ),
    "deep short formula": (
        "equations: |\n  J = " + "(" * 2_000 + "x" + ")" * 2_000,
        "error: the formula is nested more than 100 deep",
    ),
    "long formula": (
        "equations: |\n  J = x" + " + x" * 10_000,
        "error: the formula is too long: 40005 characters, at most 20000 are read",
    ),
    "long equations": (
        "equations: |\n" + f"  a = {'x + ' * 2_000}x\n" * 30,
        "error: the equations have more than 200000 characters",
    ),
    "many equations": (
        "equations: |\n" + "".join(f"  a{n} = x\n" for n in range(2_001)),
        "error: there are more than 2000 equations",
    ),
    "a million digits": (
        LAYERS + f"values: {{x: [{'9' * 900_000}, 1, 2]}}",
        "error: a number of 900000 characters is too long, at most 100 are read",
    ),
    "a million digits in a formula": (
        f"equations: J = {'9' * 900_000}",
        "error: the equations have more than 200000 characters",
    ),
    "ten thousand anchors": (
        "a: [" + ", ".join(f"&a{n} x" for n in range(10_000)) + "]",
        "error: anchors and aliases (`&a0`) are not allowed",
    ),
    "many wrong kinds": ("input: 3\nlayers:\n" + "  - rleu\n" * 9_999, "error: unknown layer kind `rleu`"),
    "many unknown names": (
        LAYERS + f"find: [{', '.join(f'nothing{n}' for n in range(20_000))}]",
        "error: unknown name `nothing0`",
    ),
    "a range without end": (
        LAYERS + "values: {x1..x999999999: 1}",
        "error: the range `x1..x999999999` has more than 10000 names",
    ),
    "many ranges": (
        "input: 10000000\nlayers: [relu]\nvalues: {"
        + ", ".join(f"x{n}001..x{n + 1}000: 1" for n in range(1, 9_000))
        + "}",
        "error: the ranges name more than 20000 places",
    ),
    "huge array of numbers": (
        "input: 1000000000\nlayers: [relu]\nvalues: {x: 0}",
        "error: `x` has the shape [1000000000]: too large to be filled",
    ),
    "a line that never ends": ("x" * 999_000, "error: expected keys such as `input`, `layers` or `equations`, got "),
}


@pytest.mark.parametrize("name", PATHOLOGICAL)
def test_pathological_input_answers_within_two_seconds(name: str) -> None:
    text, message = PATHOLOGICAL[name]
    start = time.process_time()
    error = refused(text if "\n" in text else f"{text}\n")
    assert time.process_time() - start < 2
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
