"""The sign of life: only after a while, only where a person looks, and gone afterwards."""

from __future__ import annotations

import io
import time

import pytest

from backcalc.cli import busy as module
from backcalc.cli.busy import busy


class Terminal(io.StringIO):
    """A standard error that a person looks at."""

    def isatty(self) -> bool:
        return True


def run(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, seconds: float, *, quiet: bool = False) -> str:
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    monkeypatch.setenv("TERM", "xterm")
    with busy("grad …", quiet=quiet):
        time.sleep(seconds)
    return stream.getvalue()


def test_long_work_is_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "grad …" in run(monkeypatch, Terminal(), 0.6)


def test_short_work_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, Terminal(), 0.0) == ""


def test_a_file_gets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, io.StringIO(), 0.6) == ""


def test_quiet_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, Terminal(), 0.6, quiet=True) == ""
