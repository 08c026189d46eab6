"""The model solution of a homework as a notebook: a cell for every problem, and the gradients in NumPy behind it."""

from __future__ import annotations

import json
from typing import Any

from backcalc.check.solution import Solution
from backcalc.render.document import Document, Paragraph
from backcalc.render.grad_ipynb import source
from backcalc.render.grad_markdown import written
from backcalc.render.solve_document import opening, sections
from backcalc.render.solve_words import verdict


def render(solution: Solution, steps: str = "full", digits: int | None = None) -> str:
    """The notebook as JSON, in the format 4.4; every cell of code runs by itself."""
    cells: list[dict[str, Any]] = [_cell("markdown", written(opening(solution)))]
    for part, section in sections(solution, steps, digits):
        cells.append(_cell("markdown", written(section)))
        if part.derivation is not None and part.backward:
            code = _cell("code", source(part.derivation))
            cells.append({**code, "execution_count": None, "outputs": []})
    cells.append(_cell("markdown", written(Document((Paragraph((verdict(solution),)),)))))
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


def _cell(kind: str, text: str) -> dict[str, Any]:
    return {"cell_type": kind, "metadata": {}, "source": text.splitlines(keepends=True)}
