"""Every answer of a derivation or counting problem is asserted where the table says, or left out for a reason."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from .facts import FACTS, LEFT_OUT

FOLDER = Path(__file__).parent


def _tests() -> dict[str, str]:
    """The text of every test of the sheets, decorators included, by its name."""
    found: dict[str, str] = {}
    for file in sorted(FOLDER.glob("test_sheet_*.py")):
        text = file.read_text(encoding="utf-8")
        lines = text.splitlines()
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                assert node.name not in found, f"two tests are called {node.name}"
                found[node.name] = "\n".join(lines[first - 1 : node.end_lineno])
    return found


TESTS = _tests()


@pytest.mark.parametrize("key", FACTS)
def test_every_fact_is_asserted_where_the_table_says(key: str) -> None:
    assert f'"{key}"' in TESTS[FACTS[key].where]


def test_nothing_is_both_asserted_and_left_out() -> None:
    assert not FACTS.keys() & LEFT_OUT.keys()
    assert all(LEFT_OUT.values())


def test_all_five_sheets_are_there() -> None:
    sheets = {key.partition(".")[0] for key in (*FACTS, *LEFT_OUT)}
    assert sheets == {"000", "001", "002", "003", "004"}
    assert len(FACTS) + len(LEFT_OUT) == 147
