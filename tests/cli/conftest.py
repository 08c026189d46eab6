"""How the tests of the commands run them: inside this process, or as a process of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

import backcalc
from backcalc.cli import main

collect_ignore = [] if os.name == "posix" else ["test_posix.py"]

NET = """\
name: two units
input: {x: 2}
layers:
  - dense: {name: z, units: 2, bias: false, weights: [[w1, w2], [w3, w4]]}
  - softmax: {name: y}
loss: {nll: {name: J, target: 1}}
values: {x: [1, 2], w1..w4: 0.5}
"""


@dataclass(frozen=True, slots=True)
class Run:
    """What a command left behind."""

    status: int
    out: str
    err: str


@pytest.fixture
def net(tmp_path: Path) -> Path:
    """A small network in a folder of its own."""
    path = tmp_path / "net.yaml"
    path.write_text(NET, encoding="utf-8")
    return path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Run]:
    """Runs a command inside this process."""

    def call(*arguments: object) -> Run:
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Run(status, out, err)

    return call


@pytest.fixture
def start(tmp_path: Path) -> Callable[..., subprocess.Popen[bytes]]:
    """Starts a command as a process of its own, in a folder of its own."""

    def call(
        *arguments: object, env: Mapping[str, str] | None = None, limit: int | None = None
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "backcalc", *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(Path(backcalc.__file__).parents[1]), **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=partial(_begin, limit) if os.name == "posix" else None,
        )

    return call


def _begin(limit: int | None) -> None:
    """Ctrl-C reaches the command even where whoever runs the tests ignores it, as a background job does.

    A file may have `limit` bytes at most, where that is given.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if limit is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
