"""The commands, run as a grader runs them: arguments in, JSON out."""

from __future__ import annotations

import json
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from backcalc.cli import main

EXAMPLES = Path(__file__).parents[2] / "examples"


def answer(command: str, net: object, *options: str, said: str = "") -> dict[str, Any]:
    """What a command answers about a network; `said` is what it must say on standard error, by default nothing."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main([command, str(net), *options, "--format", "json"])
    assert (status, err.getvalue()) == (0, said)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def grad(net: str, *options: str) -> dict[str, Any]:
    """`backcalc grad` of an example; every witness of the result must have passed."""
    found = answer("grad", EXAMPLES / f"{net}.yaml", *options)
    assert found["verified"] and all(check["passed"] for check in found["verified"])
    return found


def count(net: str, *options: str) -> dict[str, Any]:
    """`backcalc count` of an example."""
    return answer("count", EXAMPLES / f"{net}.yaml", *options)


def rows(table: dict[str, Any], field: str, *names: str) -> list[Any]:
    """A field of the named layers of a count, in that order."""
    by_name = {row["name"]: row for row in table["layers"]}
    return [by_name[name][field] for name in names]


def changed(net: str, folder: Path, **replaced: str) -> Path:
    """A copy of an example in `folder`, one line per keyword replaced: that of the key with that name."""
    lines = (EXAMPLES / f"{net}.yaml").read_text(encoding="utf-8").splitlines()
    for key, line in replaced.items():
        places = [number for number, old in enumerate(lines) if old.startswith(f"{key}:")]
        assert len(places) == 1, f"{net}.yaml has {len(places)} lines of `{key}`"
        lines[places[0]] = f"{key}: {line}"
    path = folder / f"{net}-changed.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
