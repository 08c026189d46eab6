"""The model solution of a homework as JSON, with stable field names.

`{schema_version: 1, key, accept: [NAME], points, holds, problems: [{id, kind, points, asked, derivation, table, proofs,
other_networks, verified, holds}]}`, where

- `kind` is `net`, `count`, `claims` or `answers`;
- `asked` is a list of `{asked, points, formula, latex, exact, decimal, tolerance, conventions}`: `formula` in the
  syntax of files, `exact` and `decimal` nested lists for an array, null where letters are open, `tolerance` null but
  for answers that the key states, `conventions` the values under other conventions of counting, by name;
- `derivation` is what `grad --format json` writes, `table` what `count --format json` writes, `proofs` a list of what
  `prove --format json` writes; null or empty where the problem has none;
- `other_networks` are those that may be meant instead, `{net, asked}`;
- `verified` is a list of `{against, max_error, passed, detail}`; a proof is its own.
"""

from __future__ import annotations

from typing import Any

from backcalc.check.solution import Part, Result, Solution
from backcalc.derive.derivation import finite
from backcalc.derive.exact import Exact
from backcalc.formula.print_latex import to_latex
from backcalc.formula.print_text import to_text
from backcalc.net.errors import printable
from backcalc.render import grad_json
from backcalc.render.solve_words import checked
from backcalc.render.values import decimal_text, nested


def render(solution: Solution, digits: int | None = None) -> dict[str, Any]:
    """The whole solution; decimals are numbers, or strings of `digits` digits where that is given."""
    return {
        "schema_version": 1,
        "key": printable(solution.name),
        "accept": [name for name, _ in solution.accepted],
        "points": float(solution.points),
        "holds": solution.holds,
        "problems": [_problem(part, digits) for part in solution.parts],
    }


def _problem(part: Part, digits: int | None) -> dict[str, Any]:
    return {
        "id": part.id,
        "kind": part.kind,
        "points": float(part.points),
        "asked": [_result(result, digits) for result in part.results],
        "derivation": None if part.derivation is None else grad_json.render(part.derivation, digits),
        "table": None if part.table is None else part.table.to_json(),
        "proofs": [proof.to_json() for proof in part.proofs],
        "other_networks": [
            {"net": printable(variant.name), "asked": [_result(result, digits) for result in variant.results]}
            for variant in part.variants
        ],
        "verified": [
            {"against": c.against, "max_error": finite(c.max_error), "passed": c.passed, "detail": c.detail}
            for c in checked(part)
        ],
        "holds": part.holds,
    }


def _result(result: Result, digits: int | None) -> dict[str, Any]:
    def decimal(value: Exact) -> float | str:
        return value.decimal() if digits is None else decimal_text(value, digits)

    formula, values = result.formula, result.values
    return {
        "asked": printable(result.word),
        "points": float(result.points),
        "formula": None if formula is None else to_text(formula),
        "latex": None if formula is None else to_latex(formula),
        "exact": None if values is None else nested(values, lambda value: value.text()),
        "decimal": None if values is None else nested(values, decimal),
        "tolerance": None if result.tolerance is None else float(result.tolerance),
        "conventions": dict(result.others),
    }
