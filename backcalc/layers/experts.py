"""From the equations of one expert and one token to those of all: arrays get further indices in front."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from backcalc.formula.print_text import to_text
from backcalc.formula.read import read_equation
from backcalc.formula.tree import Expr, Reduce, Ref, Table, rebuild, walk


def of_all(lines: Iterable[str], in_front: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """The equations with the indices of `in_front` before those that an array has. They must be none of `words`.

    An index that is called as one of the arrays stays an index.

    >>> list(of_all(["h[i] = relu(z[i]) + x[i]"], {"h": ("t", "e"), "z": ("t", "e"), "x": ("t",)}))
    ['h[t,e,i] = relu(z[t,e,i]) + x[t,i]']
    """

    for left, right in map(read_equation, lines):
        own = {index.name for index in left.indices if isinstance(index, Ref)}
        own |= {part.index for part in walk(right) if isinstance(part, Reduce)}
        here = {array: indices for array, indices in in_front.items() if array not in own}
        yield f"{to_text(_lifted(left, here))} = {to_text(_lifted(right, here))}"


def _lifted(expr: Expr, in_front: Mapping[str, tuple[str, ...]]) -> Expr:
    expr = rebuild(expr, lambda part: _lifted(part, in_front))
    if isinstance(expr, Ref) and expr.name in in_front:
        return Ref(expr.name, (*map(Ref, in_front[expr.name]), *expr.indices))
    return expr


def words(lines: Iterable[str]) -> Collection[str]:
    """The names of all arrays and indices.

    >>> sorted(words(["z[j] = sum(k, W[j,k]*x[k])"]))
    ['W', 'j', 'k', 'x', 'z']
    """
    parts = [part for line in lines for side in read_equation(line) for part in walk(side)]
    found = {part.name for part in parts if isinstance(part, Ref)}
    return found | {part.index for part in parts if isinstance(part, Reduce)}


def tables(lines: Iterable[str]) -> Collection[str]:
    """The arrays that are spelled out, which are the same for every expert.

    >>> tables(["M = [[1, 0]]", "y[i] = M[1,i]*x[i]"])
    {'M'}
    """
    return {left.name for left, right in map(read_equation, lines) if isinstance(right, Table)}
