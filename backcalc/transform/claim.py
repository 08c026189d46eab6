"""Reading a claim: a chain of equalities, what is assumed of its names, and names for what is differentiated in it.

Every side becomes an equation of a program, so that whole arrays are written out and every index finds its range by the
same rules as in a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from backcalc.formula.errors import FormulaError
from backcalc.formula.functions import WHOLE
from backcalc.formula.infer import build_program
from backcalc.formula.lexer import tokens
from backcalc.formula.print_text import to_text
from backcalc.formula.program import CONSTANTS, Program
from backcalc.formula.read import read_expression
from backcalc.formula.source import ProgramErrors, SourceEquation
from backcalc.formula.tree import (
    Call,
    Compare,
    Expr,
    Num,
    Pow,
    Reduce,
    Ref,
    Table,
    children,
    fresh_name,
    names,
    rebuild,
    size,
    substitute,
    walk,
)
from backcalc.formula.whole import written_out
from backcalc.net.equations import has_huge_power
from backcalc.transform.latex_claim import is_latex, latex_sides

MOST_NODES = 1_500
MOST_DIFFERENTIATED = 300
MOST_SIDES = 12


class ClaimError(ValueError):
    """A claim or an assumption that cannot be read, or that says nothing; the message says where and what to write."""


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What is given: comparisons that hold, sums of known value, names that stand for others, shapes of arrays."""

    comparisons: tuple[Compare, ...] = ()
    facts: tuple[tuple[Reduce, Expr], ...] = ()
    equal: Mapping[str, Expr] = field(default_factory=dict)
    shapes: Mapping[str, tuple[Expr, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Claim:
    """A claim as read: `sides` are the names of the equations of `program` that the chain says are equal.

    `functions` are those equations that a derivative is taken of; `notes` say what was understood.
    """

    text: str
    written: tuple[Expr, ...]
    sides: tuple[str, ...]
    functions: tuple[str, ...]
    program: Program
    given: Assumptions
    notes: tuple[str, ...] = ()


def read_claim(text: str, given: Sequence[str] = ()) -> Claim:
    """Reads `left = right`, or a chain of more, under assumptions such as `x > 0`, `sum(k, t[k]) = 1`, `z: [K]`.

    Raises ClaimError, and FormulaError with the place.

    >>> [to_text(side) for side in read_claim("tanh(x) = 2*sigmoid(2*x) - 1").written]
    ['tanh(x)', '2*sigmoid(2*x) - 1']
    """
    operands = _read(text)
    if len(operands) < 2:
        raise ClaimError("a claim is an equality, `left = right`, or a chain of them; there is no `=` in this one")
    assumed = _assumptions(given)
    taken = frozenset().union(*(names(side) for side in operands), assumed.shapes.keys(), CONSTANTS)
    for wrong in sorted(_reserved(operands)):
        raise ClaimError(f"`{wrong}` is a derivative by its name; write the derivative as `diff(f, x)`")
    places = tuple(dict.fromkeys(index for side in operands for index in free_indices(side)))
    writer = _Functions(set(taken), list[SourceEquation](), places)
    sides = [writer.lifted(_natural(side)) for side in operands]
    shapes, sizes, notes = _vectors(operands, assumed, taken)
    sizes |= dict.fromkeys(_counted([*operands, *(fact for fact, _ in assumed.facts)]))
    labels = [writer.name(f"side{count}") for count in range(1, len(sides) + 1)]
    equations = [*writer.equations]
    for label, side in zip(labels, sides, strict=True):
        equations.append(SourceEquation(writer.left(label, side), side))
    fact_names = []
    for fact, _ in assumed.facts:
        fact_names.append(writer.name("given"))
        equations.append(SourceEquation(Ref(fact_names[-1], tuple(map(Ref, free_indices(fact)))), fact))
    functions = tuple(equation.left.name for equation in writer.equations)
    try:
        program = build_program(written_out(equations, shapes, sizes), shapes, sizes)
    except ProgramErrors as errors:
        raise ClaimError("\n".join(_said(error.message, labels) for error in errors.errors)) from None
    _check(program, operands, labels, writer.equations)
    facts = tuple(
        (program.by_name[name].body, value) for name, (_, value) in zip(fact_names, assumed.facts, strict=True)
    )
    settled = tuple((fact, value) for fact, value in facts if isinstance(fact, Reduce))
    whole = Assumptions(assumed.comparisons, settled, assumed.equal, assumed.shapes)
    return Claim(text.strip(), operands, tuple(labels), functions, program, whole, notes)


def _read(text: str) -> tuple[Expr, ...]:
    """The sides of a chain of equalities; one where there is no `=` outside brackets."""
    sides: list[Expr] = list(latex_sides(text)) if is_latex(text) else []
    for start, end in [] if sides else _pieces(text):
        try:
            sides.append(read_expression(text[start:end]))
        except FormulaError as error:
            hint = error.hint
            if prime := re.fullmatch(r"unknown function `(\w+)'+`", error.message):
                hint = f"a derivative is written `diff({prime[1]}(x), x)`"
            raise FormulaError(error.message, text, error.start + start, error.end + start, hint) from None
    count = sum(map(size, sides))
    if count > MOST_NODES:
        raise ClaimError(f"the claim has {count} parts; at most {MOST_NODES} are read")
    if len(sides) > MOST_SIDES:
        raise ClaimError(f"the claim has {len(sides)} sides; at most {MOST_SIDES} are read")
    if any(map(has_huge_power, sides)):
        raise ClaimError("a power in the claim is too large to be computed")
    if any(isinstance(node, Table) for side in sides for node in walk(side)):
        raise ClaimError("an array spelled out cannot stand in a claim: write its entries")
    return tuple(sides)


def _pieces(text: str) -> list[tuple[int, int]]:
    """Where the sides of a chain begin and end."""
    found, depth, start = [], 0, 0
    for token in tokens(text):
        if token.kind in ("operator", "reducer"):
            depth += (token.text in "([{" or token.kind == "reducer") - (token.text in ")]}")
        if depth == 0 and token.text in ("=", "=="):
            found.append((start, token.start))
            start = token.end
    return [*found, (start, len(text))]


def _natural(expr: Expr) -> Expr:
    """Powers of e as the exponential function."""
    changed = rebuild(expr, _natural)
    return Call("exp", (changed.exponent,)) if isinstance(changed, Pow) and changed.base == Ref("e") else changed


def _reserved(sides: Iterable[Expr]) -> set[str]:
    found = {node.name for side in sides for node in walk(side) if isinstance(node, Ref)}
    return {name for name in found if "/" in name}


# -- assumptions ---------------------------------------------------------------------------------


def _assumptions(given: Sequence[str]) -> Assumptions:
    comparisons: list[Compare] = []
    facts: list[tuple[Reduce, Expr]] = []
    equal: dict[str, Expr] = {}
    shapes: dict[str, tuple[Expr, ...]] = {}
    for part in (part for text in given for part in _split(text)):
        name, colon, axes = part.partition(":")
        if colon:
            shapes[name.strip()] = _shape(name.strip(), axes.strip())
            continue
        match _read(part):
            case (Reduce("sum") as total, Num() as value):
                facts.append((total, value))
            case (Call("sum", (Ref(array, ()),)), Num() as value):
                index = fresh_name("k", {array})
                facts.append((Reduce("sum", index, None, None, None, Ref(array, (Ref(index),))), value))
            case (Ref(left, ()), right) if left not in names(right) and left not in equal:
                equal = _settled(equal, left, right)
            case (Compare(operators, _) as comparison,) if "==" not in operators:
                comparisons.append(comparison)
            case _:
                help = "write a comparison (`x > 0`), `name = formula`, `sum(k, t[k]) = 1` or a shape (`z: [K]`)"
                raise ClaimError(f"this is no assumption that can be used: `{part}`; {help}")
    return Assumptions(tuple(comparisons), tuple(facts), equal, shapes)


def _settled(equal: Mapping[str, Expr], name: str, value: Expr) -> dict[str, Expr]:
    """The equalities with one more put in everywhere: no name that stands for another is left in any."""
    value = substitute(value, equal)
    if name in names(value):
        raise ClaimError(f"`{name}` is given by itself: {name} = {to_text(value)}")
    return {**{other: substitute(known, {name: value}) for other, known in equal.items()}, name: value}


def _split(text: str) -> list[str]:
    """The assumptions of one text, split at commas and semicolons outside brackets, and at the word `and`."""
    parts, depth, start = [], 0, 0
    text = text.replace(" and ", " ; ")
    for position, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if character in ",;" and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    return [part.strip() for part in [*parts, text[start:]] if part.strip()]


def _shape(name: str, axes: str) -> tuple[Expr, ...]:
    if not (name.isidentifier() and axes.startswith("[") and axes.endswith("]")):
        raise ClaimError(f"a shape is written `z: [K]` or `W: [2, N]`, not `{name}: {axes}`")
    found = tuple(read_expression(axis) for axis in axes[1:-1].split(",") if axis.strip())
    for axis in found:
        whole = isinstance(axis, Num) and axis.value.denominator == 1 and 1 <= axis.value <= 100
        if not whole and not (isinstance(axis, Ref) and not axis.indices):
            raise ClaimError(f"a size is a number from 1 to 100 or a letter, not `{to_text(axis)}`")
    return found


def _vectors(
    sides: Sequence[Expr], given: Assumptions, taken: frozenset[str]
) -> tuple[dict[str, tuple[Expr, ...]], dict[str, int | None], tuple[str, ...]]:
    """The shapes: those given, and a vector for every name that a function of whole arrays is applied to."""
    shapes = dict(given.shapes)
    sizes: dict[str, int | None] = {
        node.name: None for shape in shapes.values() for node in shape if isinstance(node, Ref)
    }
    indexed = {node.name for side in sides for node in walk(side) if isinstance(node, Ref) and node.indices}
    guessed: dict[str, None] = {}
    for side in sides:
        for node in walk(side):
            match node:
                case Call(function, (Ref(name, ()),)) if function in WHOLE and name not in {*shapes, *CONSTANTS}:
                    if name not in indexed:
                        guessed[name] = None
    if not guessed:
        return shapes, sizes, ()
    axis = next(iter(sizes), None) or fresh_name("K", taken | shapes.keys())
    sizes.setdefault(axis, None)
    shapes |= {name: (Ref(axis),) for name in guessed}
    said = ", ".join(guessed)
    note = f"{said} {'is a vector' if len(guessed) == 1 else 'are vectors'} of {axis} numbers; other names are numbers"
    return shapes, sizes, (note,)


def _counted(sides: Iterable[Expr]) -> list[str]:
    """The names that bound a sum: whole numbers, as N in `sum(n=1..N, …)`."""
    sums = [node for side in sides for node in walk(side) if isinstance(node, Reduce)]
    bound = {total.index for total in sums}
    edges = [edge for total in sums for edge in (total.lower, total.upper) if edge is not None]
    return sorted(frozenset().union(*map(names, edges)) - bound)


# -- derivatives ---------------------------------------------------------------------------------


@dataclass
class _Functions:
    """Gives every function under a `diff` a name and an equation of its own, the innermost first.

    `places` are the free indices of the whole claim: the i of `z[i]` is an index in `(i = j)` too.
    """

    taken: set[str]
    equations: list[SourceEquation]
    places: tuple[str, ...]

    def left(self, name: str, expr: Expr) -> Ref:
        """The left side of the equation that gives an expression a name, with its free indices."""
        return Ref(name, tuple(Ref(place) for place in self.places if place in names(expr)))

    def name(self, wanted: str) -> str:
        found = fresh_name(wanted, self.taken)
        self.taken.add(found)
        return found

    def is_new(self, function: Ref) -> bool:
        """Whether a name is none of those given to functions here."""
        return all(equation.left.name != function.name for equation in self.equations)

    def lifted(self, expr: Expr) -> Expr:
        changed = rebuild(expr, self.lifted)
        if not (isinstance(changed, Call) and changed.function == "diff"):
            return changed
        function, variable = changed.arguments
        if not isinstance(variable, Ref) or variable.name in CONSTANTS:
            raise ClaimError(f"`diff(f, x)` takes a name to differentiate by, not `{to_text(variable)}`")
        if isinstance(function, Ref) and function.name != variable.name and self.is_new(function):
            shown = to_text(function)
            raise ClaimError(f"nothing says how `{shown}` depends on `{to_text(variable)}`: write its formula for it")
        if size(function) > MOST_DIFFERENTIATED:
            raise ClaimError(f"`diff` of a formula with more than {MOST_DIFFERENTIATED} parts is not derived here")
        known = next((each.left for each in self.equations if each.right == function), None)
        if known is None:
            known = self.left(self.name("f"), function)
            self.equations.append(SourceEquation(known, function))
        return Call("diff", (known, variable))


def free_indices(expr: Expr) -> tuple[str, ...]:
    """The names that stand plainly in index brackets and that no sum binds, in the order they are read.

    >>> free_indices(read_expression("z[i] - sum(k, W[j,k]*z[k])"))
    ('i', 'j')
    """
    found: dict[str, None] = {}

    def look(part: Expr, inside: bool, bound: frozenset[str]) -> None:
        match part:
            case Ref(name, ()):
                if inside and name not in bound:
                    found[name] = None
            case Ref(_, indices):
                for index in indices:
                    look(index, True, bound)
            case Reduce(_, index, lower, upper, exclude, body):
                for edge in (lower, upper, exclude):
                    if edge is not None:
                        look(edge, inside, bound)
                look(body, inside, bound | {index})
            case _:
                for inner in children(part):
                    look(inner, inside, bound)

    look(expr, False, frozenset())
    return tuple(found)


def _said(message: str, labels: Sequence[str]) -> str:
    for count, label in enumerate(labels, 1):
        message = message.replace(f"`{label}`", f"side {count} of the claim")
    return message


def _check(
    program: Program, written: Sequence[Expr], labels: Sequence[str], functions: Sequence[SourceEquation]
) -> None:
    ranks = [len(program.shapes[label]) for label in labels]
    plain = {rank for rank, side in zip(ranks, written, strict=True) if not free_indices(side)}
    if len(plain - {0}) > 1:
        raise ClaimError("the sides of the claim are arrays with different numbers of axes")
    for equation in functions:
        if not equation.left.indices and program.shapes[equation.left.name]:
            raise ClaimError(
                f"`{to_text(equation.right)}` is an array, and so is what it is differentiated by, perhaps: "
                "say which element by which, as in `diff(exp(z[i]), z[j])`"
            )
    for wrong in (node for e in program.equations for node in walk(e.body) if isinstance(node, Call)):
        if wrong.function == "diff" and len(set(map(to_text, wrong.arguments))) == 1:
            raise ClaimError("a derivative of a name by itself")
