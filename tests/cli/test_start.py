"""Start-up time is a feature: what each command must not import."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import backcalc

ROOT = Path(backcalc.__file__).parents[1]
HEAVY = {"pydantic", "ruamel", "rich", "sympy", "numpy", "mpmath"}


def imported(program: str) -> set[str]:
    """The heavy packages that a fresh interpreter holds after running a program."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{program}\nprint(*sys.modules, file=sys.stderr)"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    modules = {name.partition(".")[0] for name in done.stderr.split()}
    assert "backcalc" in modules
    return modules & HEAVY


def after_command(*arguments: str) -> set[str]:
    return imported(f"from backcalc.cli import main\nassert main({list(arguments)!r}) == 0")


def test_the_package_and_its_help_import_nothing_heavy() -> None:
    assert imported("import backcalc") == set()
    assert after_command("--help") == set()
    assert after_command("--version") == set()
    assert after_command("grad", "--help") == set()


@pytest.mark.parametrize("arguments", [["count", "lenet5"], ["count", "lenet5", "--format", "json"], ["zoo"]])
def test_counting_imports_no_algebra_and_no_arrays(arguments: list[str]) -> None:
    assert not after_command(*arguments) & {"sympy", "numpy", "mpmath"}


def test_what_is_imported_is_seen() -> None:
    assert imported("import backcalc, numpy") == {"numpy"}
