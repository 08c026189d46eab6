"""The left sides of a set of equations, and an order in which they can be evaluated."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from backcalc.formula.source import ProgramError, ProgramErrors, SourceEquation
from backcalc.formula.tree import Ref, names, walk


def check_names(equations: Sequence[SourceEquation], sizes: Collection[str]) -> list[ProgramError]:
    """The errors of the left sides: a name stands there once, and not on its own right side."""
    errors: list[ProgramError] = []

    def fail(message: str, equation: int, token: str, hint: str | None = None) -> None:
        errors.append(ProgramError(message, equation, token, hint))

    first: dict[str, int] = {}
    for position, equation in enumerate(equations):
        name = equation.left.name
        if name in first:
            fail(
                f"`{name}` is defined twice: a name stands on the left once",
                position,
                name,
                f"give the second one a name of its own, as in `{name}2 = …`",
            )
        elif name in sizes:
            fail(f"`{name}` is a size and cannot be defined by an equation", position, name)
        first.setdefault(name, position)
        repeated = [part.name for part in equation.left.indices if isinstance(part, Ref)]
        for place, index in enumerate(repeated):
            if index in repeated[:place]:
                fail(f"the index `{index}` stands twice on the left of `{name}`", position, index)
        if any(not isinstance(part, Ref) for part in equation.left.indices):
            fail(
                f"the left side of `{name}` must have plain indices; recurrences with boundary rows "
                "are not supported by this version",
                position,
                name,
            )
        if any(isinstance(node, Ref) and node.name == name for node in walk(equation.right)):
            what = "recurrences are not supported by this version" if equation.left.indices else None
            fail(
                f"`{name}` is defined by itself" + (f": {what}" if what else ""),
                position,
                name,
                None if what else f"a name stands on the left once; write a new name, as in `{name}2 = …`",
            )
    return errors


def order(equations: Sequence[SourceEquation]) -> list[int]:
    """The positions of the equations in an order of evaluation, as written where that is possible.

    Raises ProgramErrors where they go round in a circle.
    """
    defined = {equation.left.name: position for position, equation in enumerate(equations)}
    needs = [
        sorted({defined[name] for name in needed_names(equation) if name in defined} - {position})
        for position, equation in enumerate(equations)
    ]
    ordered: list[int] = []
    done: set[int] = set()
    waiting = list(range(len(equations)))
    while waiting:
        ready = [position for position in waiting if done.issuperset(needs[position])]
        if not ready:
            raise ProgramErrors([_cycle(equations, waiting, needs)])
        # One at a time, so that what is written in order stays in order.
        ordered.append(ready[0])
        done.add(ready[0])
        waiting.remove(ready[0])
    return ordered


def needed_names(equation: SourceEquation) -> frozenset[str]:
    """The names that the right side reads; the indices of the left side are none of them."""
    return names(equation.right) - {index.name for index in equation.left.indices if isinstance(index, Ref)}


def _cycle(equations: Sequence[SourceEquation], waiting: list[int], needs: list[list[int]]) -> ProgramError:
    path = [waiting[0]]
    while True:
        following = next(position for position in needs[path[-1]] if position in waiting)
        if following in path:
            loop = [*path[path.index(following) :], following]
            break
        path.append(following)
    chain = " → ".join(f"`{equations[position].left.name}`" for position in loop)
    first = loop[0]
    return ProgramError(f"the equations go round in a circle: {chain}", first, equations[first].left.name)
