"""The formulas of an answer: put into one another, compared with those of the books, and evaluated at numbers."""

from __future__ import annotations

import random
from collections.abc import Mapping
from itertools import product
from typing import Any

from backcalc.derive.terms import to_terms
from backcalc.derive.write import distribute
from backcalc.formula.read import read_expression
from backcalc.formula.tree import Add, Expr, Neg, Ref, rebuild, substitute, walk

from ..derive.witness import MP, Place, Store, value


def read(found: Mapping[str, Any], formula: str) -> Expr:
    """A formula of the answer, in which `dJ/dz` is one name."""
    return read_expression(formula, losses={found["loss"]["name"]})


def closed(found: Mapping[str, Any], formula: str) -> Expr:
    """A formula of the answer in which every `dJ/dX[…]` is replaced by its own formula, and so on to the end."""
    return _closed(read(found, formula), found)


def _closed(expr: Expr, found: Mapping[str, Any]) -> Expr:
    if isinstance(expr, Ref) and "/" in expr.name:
        name = expr.name.partition("/d")[2]
        row = found["adjoints"].get(name) or found["gradients"][name]
        places = dict(zip(row["indices"], expr.indices, strict=True))
        return _closed(substitute(read(found, row["formula"]), places), found)
    return rebuild(expr, lambda part: _closed(part, found))


def same(ours: Expr, book: Expr) -> bool:
    """Whether two formulas are equal by the normal form of the package: their difference, multiplied out, is empty."""
    return distribute(to_terms(Add((ours, Neg(book))))) == ()


def derivative(found: Mapping[str, Any], name: str) -> tuple[tuple[str, ...], Expr]:
    """The indices and the closed formula of a gradient or, where it is none, of an adjoint."""
    row = found["gradients"].get(name) or found["adjoints"][name]
    return tuple(row["indices"]), closed(found, row["formula"])


def at_numbers(expr: Expr, indices: tuple[str, ...], shape: tuple[int, ...], store: Store) -> dict[Place, Any]:
    """The formula at every index from 1, by the tests' own evaluator; sizes stand in the store as plain names."""
    free = {node.name for node in walk(expr) if isinstance(node, Ref)}
    assert not any("/" in name for name in free), "the formula is not closed"
    places = product(*(range(1, extent + 1) for extent in shape))
    return {place: value(expr, dict(zip(indices, place, strict=True)), store) for place in places}


def numbers(source: random.Random, *shape: int) -> dict[Place, Any]:
    """Random numbers of both signs, none of them 0."""
    places = product(*(range(1, extent + 1) for extent in shape))
    return {place: MP.mpf(source.choice([-1, 1]) * source.randint(5, 150)) / 101 for place in places}


def number(size: int) -> dict[Place, Any]:
    """A size as a plain name of the store."""
    return {(): MP.mpf(size)}


def agree(ours: Mapping[Place, Any], theirs: Mapping[Place, Any]) -> bool:
    """Whether two arrays are equal to 50 digits."""
    return ours.keys() == theirs.keys() and all(abs(ours[place] - theirs[place]) < 1e-50 for place in ours)
