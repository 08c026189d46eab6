"""The exit status says whether everything holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import backcalc
from backcalc.derive.derivation import Check
from backcalc.verify import Verification

WRONG = Check("differences", 0.5, False, "2 derivatives")
UNKNOWN = Check("any witness", None, False, "too many operations")
RIGHT = Check("closed forms", 0.0, True, "2 values")


@pytest.mark.parametrize(
    ("checks", "status", "message"),
    [
        ([RIGHT], 0, ""),
        ([RIGHT, WRONG], 1, "not verified by differences: 2 derivatives\n"),
        ([UNKNOWN], 0, "not verified by any witness: too many operations\n"),
    ],
)
def test_grad(
    checks: list[Check],
    status: int,
    message: str,
    run: Callable[..., Any],
    net: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    derivation = replace(backcalc.grad(net), verified=tuple(checks))
    monkeypatch.setattr(backcalc, "grad", lambda *_, **__: derivation)
    result = run("grad", net)
    assert (result.status, result.err) == (status, message)
    assert "∂J/∂w1" in result.out


@pytest.mark.parametrize(
    ("checks", "status", "message"),
    [
        ([RIGHT], 0, ""),
        ([RIGHT, WRONG], 1, "not verified by differences: 2 derivatives\n"),
        ([UNKNOWN], 1, "not verified by any witness: too many operations\n"),
        ([], 1, ""),
    ],
)
def test_verify(
    checks: list[Check],
    status: int,
    message: str,
    run: Callable[..., Any],
    net: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(backcalc, "verify", lambda *_, **__: Verification("net", tuple(checks)))
    result = run("verify", net, "--format", "json")
    assert (result.status, result.err) == (status, message)
    assert f'"passed": {"true" if status == 0 else "false"}' in result.out
    assert run("verify", net, "--quiet", "--format", "json").err == ""
