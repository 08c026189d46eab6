"""A derivation as a notebook: the text in Markdown cells, and one cell of NumPy code that checks itself.

Source: the notebook format 4.4, https://nbformat.readthedocs.io/en/latest/format_description.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from backcalc.derive.derivation import Derivation
from backcalc.render.document import Block, Heading
from backcalc.render.grad_document import document
from backcalc.render.grad_markdown import block
from backcalc.render.grad_python import function_lines
from backcalc.render.numpy_check import check_lines


def render(derivation: Derivation, steps: str = "full", digits: int | None = None) -> str:
    """The notebook as JSON; a cell for every section, the code last."""
    sections = list(_sections(document(derivation, steps, digits).blocks))
    cells: list[dict[str, Any]] = [_cell("markdown", "\n\n".join(map(block, section))) for section in sections]
    cells.append(_cell("markdown", "## In NumPy\n\nThe same formulas as a function. The cell runs as it is."))
    cells.append({**_cell("code", source(derivation)), "execution_count": None, "outputs": []})
    notebook = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 4,
    }
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def source(derivation: Derivation) -> str:
    """The code cell: the function and its check."""
    return "\n".join([*function_lines(derivation), *check_lines(derivation)])


def _sections(blocks: tuple[Block, ...]) -> Iterator[list[Block]]:
    """The blocks from one heading to the next of the same rank."""
    section: list[Block] = []
    for part in blocks:
        if isinstance(part, Heading) and part.level <= 2 and section:
            yield section
            section = []
        section.append(part)
    yield section


def _cell(kind: str, text: str) -> dict[str, Any]:
    return {"cell_type": kind, "metadata": {}, "source": text.splitlines(keepends=True)}
