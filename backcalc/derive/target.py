"""What is differentiated, and what its derivatives are called."""

from __future__ import annotations

from dataclasses import dataclass

from backcalc.formula.names import derivative_parts, is_derivative
from backcalc.formula.program import Program, Rows
from backcalc.formula.tree import Expr, Ref, Table, fresh_name


def derivative_name(loss: str, of: str) -> str:
    """The one name of a derivative, a second derivative among them.

    >>> derivative_name("J", "w1"), derivative_name("dJ/dw1", "w2"), derivative_name("dJ/dw", "w")
    ('dJ/dw1', 'd^2J/(dw1 dw2)', 'd^2J/dw^2')
    >>> derivative_name("dJ/dw", "dJ/dz")
    'd(dJ/dw)/d(dJ/dz)'
    """
    if not is_derivative(loss) and not is_derivative(of):
        return f"d{loss}/d{of}"
    if not is_derivative(of) and not is_derivative(derivative_parts(loss)[0]):
        above, by = derivative_parts(loss)
        return f"d^2{above}/d{of}^2" if by == of else f"d^2{above}/(d{by} d{of})"
    above, below = (f"({name})" if is_derivative(name) else name for name in (loss, of))
    return f"d{above}/d{below}"


@dataclass(frozen=True, slots=True)
class Target:
    """What is differentiated: a scalar, or an array whose indices `indices` then stand free in every derivative.

    `recurs` says that it is part of a recurrence, so that it is reached from its own later rows too.
    """

    name: str
    indices: tuple[str, ...] = ()
    shape: tuple[Expr, ...] = ()
    recurs: bool = False

    def derivative(self, of: str) -> str:
        """The name of its derivative with respect to an array; the rows of a boundary row are counted behind its own.

        >>> Target("J").derivative("h[0]"), Target("y", ("i",)).derivative("h[0]")
        ('dJ/dh[0]', 'dy/dh[:,0]')
        """
        name = derivative_name(self.name, of)
        if not of.endswith("]") or not name.endswith("]"):
            return name
        array, _, row = name.rpartition("[")
        return f"{array}[{':,' * len(self.indices)}{row}"

    @property
    def places(self) -> tuple[Expr, ...]:
        """Its indices as expressions."""
        return tuple(Ref(index) for index in self.indices)


def target_of(program: Program, name: str) -> Target:
    """The target of that name, its indices those of its equation."""
    recurs = any(isinstance(block, Rows) and name in block.axes for block in program.blocks)
    return Target(name, index_names(program, name, ()), program.shapes[name], recurs)


def index_names(program: Program, name: str, taken: tuple[str, ...]) -> tuple[str, ...]:
    """The free indices of a derivative: those of its equation, for a leaf those of its first reading; none is taken."""
    equation = program.by_name.get(name)
    wanted: list[str]
    if equation is not None and not isinstance(equation.body, Table):
        if not set(equation.indices) & set(taken):
            return equation.indices
        wanted = list(equation.indices)
    else:
        first = next((ref for e in program.equations for ref in e.reads() if ref.name == name and ref.indices), None)
        wanted = []
        for position in range(len(program.shapes[name])):
            index = first.indices[position] if first is not None else None
            plain = index.name if isinstance(index, Ref) and not index.indices else "ijklmn"[position % 6]
            wanted.append(plain)
    chosen: list[str] = []
    used = set(taken) | set(program.shapes) | set(program.sizes)
    for letter in wanted:
        free = [other for other in "ijklmnpqr" if other not in used]
        chosen.append(free[0] if letter in taken and free else fresh_name(letter, used))
        used.add(chosen[-1])
    return tuple(chosen)
