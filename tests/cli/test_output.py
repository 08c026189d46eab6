"""Where results go: whole files or none, pipes that close, terminals and encodings."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from backcalc.cli import common, output
from backcalc.cli.common import Answer, command
from backcalc.cli.output import write_file, write_stdout


def answering(text: str, status: int = 0, messages: tuple[str, ...] = ()) -> click.Command:
    """A command that answers with what it is given."""

    @command("answer")
    def answer(form: str) -> Answer:
        return Answer(text, status, messages)

    return answer


def call(what: click.Command, *arguments: str) -> int:
    status: int = what.main(args=list(arguments), standalone_mode=False)
    return status


def test_text_and_messages_go_apart(capsys: pytest.CaptureFixture[str]) -> None:
    status = call(answering("result\n\n", 1, ("it does not hold",)))
    assert (status, *capsys.readouterr()) == (1, "result\n", "it does not hold\n")


def test_quiet_takes_the_messages_only(capsys: pytest.CaptureFixture[str]) -> None:
    status = call(answering("result", 1, ("it does not hold",)), "--quiet")
    assert (status, *capsys.readouterr()) == (1, "result\n", "")


def test_output_takes_the_result_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "result.txt"
    status = call(answering("σ′ = σ·(1 − σ)", 1, ("a message",)), "--output", str(target))
    assert (status, *capsys.readouterr()) == (1, "", "a message\n")
    assert target.read_bytes() == "σ′ = σ·(1 − σ)\n".encode()
    assert list(tmp_path.iterdir()) == [target]


def test_output_dash_is_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(answering("result"), "-o", "-") == 0
    assert capsys.readouterr().out == "result\n"


@pytest.mark.parametrize("failure", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_a_write_that_fails_leaves_the_old_file(
    failure: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(descriptor: int) -> None:
        raise failure

    target = tmp_path / "result.txt"
    target.write_text("old", encoding="utf-8")
    monkeypatch.setattr(output.os, "fsync", fail)
    with pytest.raises((KeyboardInterrupt, OSError)):
        write_file(target, "new")
    assert target.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_an_error_leaves_the_old_file(run: Callable[..., Any], net: Path) -> None:
    target = net.with_name("table.txt")
    target.write_text("old", encoding="utf-8")
    net.write_text("layers: nonsense\n", encoding="utf-8")
    assert run("count", net, "--output", target).status == 2
    assert target.read_text(encoding="utf-8") == "old"
    assert sorted(net.parent.iterdir()) == [net, target]


def test_colours_stay_out_of_pipes_and_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_stdout(click.style("red", fg="red"))
    write_file(tmp_path / "red.txt", click.style("red", fg="red"))
    assert capsys.readouterr().out == "red"
    assert (tmp_path / "red.txt").read_text(encoding="utf-8") == "red"


@pytest.mark.parametrize(("no_color", "coloured"), [(None, True), ("", True), ("1", False)])
def test_colours_on_a_terminal(
    no_color: str | None, coloured: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if no_color is None:
        monkeypatch.delenv("NO_COLOR", raising=False)
    else:
        monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    write_stdout(click.style("red", fg="red"))
    assert ("\x1b[31m" in capsys.readouterr().out) is coloured


@pytest.mark.parametrize("env", [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "latin-1"}])
def test_the_output_is_unicode_whatever_the_locale(
    env: dict[str, str], start: Callable[..., subprocess.Popen[bytes]], net: Path
) -> None:
    out, err = start("count", net, env=env).communicate(timeout=60)
    assert err == b""
    assert "·" in out.decode("utf-8")


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), OSError(5, "Input/output error")])
def test_standard_output_that_takes_nothing_is_told(
    failure: OSError, run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(text: str, output: str | None) -> None:
        raise failure

    monkeypatch.setattr(common, "deliver", fail)
    result = run("zoo")
    assert (result.status, result.out, result.err) == (2, "", f"error: {failure.strerror}\n")
