"""Indices kept apart from arrays and sizes, so that a name has one meaning everywhere."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace

from backcalc.formula.program import Equation
from backcalc.formula.tree import Expr, Reduce, Ref, fresh_name, names, rebuild, substitute, walk


def apart(equation: Equation, taken: Set[str]) -> Equation:
    """The equation with no index called by a name that is `taken`.

    >>> apart(Equation("y", ("i",), Ref("x", (Ref("i"),))), {"i"}).indices
    ('i_i',)
    """
    reductions = walk_reductions(equation.body)
    used = set(taken) | set(equation.indices) | {part.index for part in reductions} | names(equation.body)
    renamed: dict[str, str] = {}
    for index in dict.fromkeys((*equation.indices, *(part.index for part in reductions))):
        if index in taken:
            renamed[index] = fresh_name(f"i_{index}", used)
            used.add(renamed[index])
    if not renamed:
        return equation
    free = {index: Ref(renamed[index]) for index in equation.indices if index in renamed}
    body = rename_reductions(substitute(equation.body, free), renamed)
    return Equation(equation.name, tuple(renamed.get(i, i) for i in equation.indices), body, equation.layer)


def walk_reductions(expr: Expr) -> tuple[Reduce, ...]:
    """Every reduction in an expression, outer ones first."""
    return tuple(part for part in walk(expr) if isinstance(part, Reduce))


def rename_reductions(expr: Expr, renamed: Mapping[str, str]) -> Expr:
    """The expression with the bound indices called otherwise."""
    changed = rebuild(expr, lambda part: rename_reductions(part, renamed))
    if isinstance(changed, Reduce) and changed.index in renamed:
        own = renamed[changed.index]
        return replace(changed, index=own, body=substitute(changed.body, {changed.index: Ref(own)}))
    return changed
