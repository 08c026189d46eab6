"""What the README shows is what the program prints."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import backcalc
from backcalc.cli import main

ROOT = Path(backcalc.__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"^```text\n\$ backcalc (.*?)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("command", "shown"), SHOWN, ids=[command for command, _ in SHOWN])
def test_the_output_in_the_readme_is_real(
    command: str, shown: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(shlex.split(command)) == 0
    output = capsys.readouterr().out
    parts = [part.strip("\n") for part in re.split(r"^…$", shown, flags=re.MULTILINE)]
    for part in parts:
        assert part in output


def test_the_readme_shows_something() -> None:
    assert len(SHOWN) >= 3


def test_the_python_example_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    derivation = backcalc.grad("examples/shared-kernel.yaml", wrt=["w1"])
    value = derivation.gradients[0].value
    assert value is not None and str(value[()]) == "0"
    assert backcalc.count("lenet5").totals.params == 61706
