"""The tables of kinds: every name leads to the class of that name, and only what is asked for is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import backcalc
from backcalc.layers import KINDS, LOSSES


def test_every_name_leads_to_its_class() -> None:
    for table in (KINDS, LOSSES):
        assert [made.kind for made in table.values()] == list(table)
        assert len(set(table.values())) == len(table)


def test_every_class_of_the_folder_has_a_name() -> None:
    """A layer that stands in no table cannot be written in a file."""
    named = {made for table in (KINDS, LOSSES) for made in table.values()}
    modules = {sys.modules[made.__module__] for made in named}
    found = {value for module in modules for value in vars(module).values() if isinstance(value, type)}
    assert {made for made in found if isinstance(vars(made).get("kind"), str)} == named


def test_an_unknown_name() -> None:
    assert "con2d" not in KINDS
    with pytest.raises(KeyError):
        KINDS["con2d"]


def test_counting_a_small_network_imports_no_attention() -> None:
    program = "import sys, backcalc; backcalc.count('lenet5'); print(*sys.modules)"
    root = Path(backcalc.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root)
    loaded = set(done.stdout.split())
    assert "backcalc.layers.conv" in loaded
    assert not loaded & {"backcalc.layers.attention", "backcalc.layers.recurrent", "backcalc.layers.local"}
