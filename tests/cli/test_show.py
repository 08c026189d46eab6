"""`backcalc show`: what it prints is a file that the other commands read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backcalc.net import load_network


def test_the_equations_are_a_network(run: Callable[..., Any], net: Path, tmp_path: Path) -> None:
    file = tmp_path / "equations.yaml"
    assert run("show", net, "--equations", "--output", file).status == 0
    gradients = [json.loads(run("grad", each, "--format", "json").out)["gradients"] for each in (net, file)]
    exact = [{name: gradient["exact"] for name, gradient in each.items()} for each in gradients]
    assert exact[0] == exact[1] != {}


def test_a_file_of_equations_is_shown_as_it_is(run: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "net.yaml"
    file.write_text("name: a net\nequations: |\n  J = 1/N*sum(i=1..N, w*x[i])\nsizes: {N: null}\nfind: [w]\n")
    result = run("show", file, "--equations")
    assert result.out == (
        'name: "a net"\nsizes: {N: null}\nshapes:\n  x: [N]\nequations: |\n  J = 1/N*sum(i=1..N, w*x[i])\n'
        "loss: J\nupdate: {sgd: {rate: eta}}\nfind: [w]\n"
    )
    assert load_network(result.out).program == load_network(file).program


@pytest.mark.parametrize(
    ("form", "begins"),
    [("text", "two units"), ("svg", "<svg"), ("html", "<!doctype"), ("dot", "digraph"), ("mermaid", "flow")],
)
def test_a_picture_in_every_format(form: str, begins: str, run: Callable[..., Any], net: Path) -> None:
    result = run("show", net, "--format", form)
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith(begins)


@pytest.mark.parametrize(
    ("kind", "message"),
    [("json", "'json' is not one of 'text', 'svg'"), ("svg", "equations are text: leave out --format")],
)
def test_other_formats_are_refused(kind: str, message: str, run: Callable[..., Any], net: Path) -> None:
    result = run("show", net, "--equations", "--format", kind)
    assert (result.status, result.out) == (2, "")
    assert message in result.err
