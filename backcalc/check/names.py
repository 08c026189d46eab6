"""A student's formula in the names of the key: aliases, own definitions, elements, derivatives; ranges of sums."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice

from backcalc.check.subject import Subject, alias_indices
from backcalc.derive import DerivationError, derive
from backcalc.derive.partial import NotDifferentiable
from backcalc.derive.target import derivative_name
from backcalc.formula.errors import nearest
from backcalc.formula.latex_symbols import INDEX_LETTERS
from backcalc.formula.names import derivative_parts, is_derivative
from backcalc.formula.print_text import to_text
from backcalc.formula.program import CONSTANTS
from backcalc.formula.tree import (
    ONE,
    Add,
    Call,
    Compare,
    Div,
    Expr,
    Mul,
    Num,
    Pow,
    Reduce,
    Ref,
    Table,
    children,
    names,
    num,
    rebuild,
    substitute,
    walk,
)
from backcalc.net import load_network
from backcalc.net.errors import InputError
from backcalc.net.names import NameFault, Place

PLACES = ("a_", "b_", "c_", "d_")
"""The indices of an element of an array that has no name of its own."""

MOST_NAMES = 400
_SIGMA = re.compile(r"(sigma|s)_?(\d*)")
_EPSILON = frozenset({"eps", "epsilon"})


class Unknown(Exception):
    """A name that the key does not have, among those that are `known`."""

    def __init__(self, name: str, known: Iterable[str] = ()) -> None:
        super().__init__(name)
        self.name, self.known = name, known

    @property
    def near(self) -> str | None:
        """The nearest name that the key has."""
        return nearest(self.name, islice(self.known, MOST_NAMES))


class NotFormula(Exception):
    """What can be read but is no formula of numbers here; the sentence says why."""


@dataclass(frozen=True)
class Translator:
    """Puts the key's names for the student's. `own` are the student's own definitions, `elements` those of arrays.

    `wanted` collects the derivatives that the key has not derived yet, as `dy/dz`, `notes` what is faulty in the
    notation and can mean one thing only.
    """

    subject: Subject
    own: Mapping[str, Expr] = field(default_factory=dict)
    elements: Mapping[str, Expr] = field(default_factory=dict, kw_only=True)
    wanted: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __call__(self, expr: Expr, bound: frozenset[str] = frozenset()) -> Expr:
        """The same formula in the key's names. Raises Unknown and NotFormula."""
        match expr:
            case Ref(name, ()) if name in bound or name.startswith("#"):
                return expr
            case Ref():
                return self.reference(expr, bound)
            case Mul((Ref("Delta" | "delta" as step, ()), Ref(name, indices), *rest)) if (
                step not in self.own and f"Delta{name}" in self._shapes
            ):
                delta = self.reference(Ref(f"Delta{name}", indices), bound)
                return Mul((delta, *(self(part, bound) for part in rest))) if rest else delta
            case Pow(Ref(name, indices), Num(power)) if power == 2 and (variance := self._variance(name, indices)):
                return self.reference(variance, bound)
            case Pow(Ref(name, ()) as base, exponent) if name in CONSTANTS and name in self.own and names(exponent):
                return Pow(base, self(exponent, bound))  # e^z stays the exponential, whatever e is
            case Call("diff", (above, below)):
                return self.derivative(above, below, bound)
            case Call("norm2", (inner,)) if not self.has_whole(size := self(inner, bound)):
                return Call("abs", (size,))
            case Compare(operators, operands):
                return Compare(operators, tuple(self._compared(part, bound) for part in operands))
            case Call("softmax", (Ref(name, (*before, Ref(index))) as entry,)) if index not in self._shapes:
                over = Ref(name, (*before, Ref("k_")))
                return self(
                    Div(Call("exp", (entry,)), Reduce("sum", "k_", None, None, None, Call("exp", (over,)))), bound
                )
            case Reduce(operation, index, lower, upper, exclude, body):
                inner = self(body, bound | {index})
                if lower is None or upper is None or (lower == ONE and self._is_count(upper, index, inner)):
                    upper = self._extent(index, inner)
                    lower = ONE
                else:
                    lower, upper = self._index(lower, bound), self._index(upper, bound)
                left_out = None if exclude is None else self._index(exclude, bound)
                return Reduce(operation, index, lower, upper, left_out, inner)
            case _:
                return rebuild(expr, lambda part: self(part, bound))

    def _compared(self, expr: Expr, bound: frozenset[str]) -> Expr:
        """One side of a comparison: a single letter that the key does not have is an index there."""
        if isinstance(expr, Ref) and not expr.indices and expr.name in INDEX_LETTERS and expr.name not in self._shapes:
            return expr
        return self(expr, bound)

    def _variance(self, name: str, indices: tuple[Expr, ...]) -> Ref | None:
        """What σ² is, where the key speaks of a variance and not of σ."""
        found = _SIGMA.fullmatch(name)
        known = self._shapes.keys() | self.subject.aliases.keys()
        if found is None or name in known or found[1] in known or "var" not in known:
            return None
        return Ref("var", (num(int(found[2])),) if found[2] and not indices else indices)

    def _is_count(self, upper: Expr, index: str, body: Expr) -> bool:
        """Whether the upper end of a sum is a letter for how many there are, that nothing else defines: `n`."""
        if not isinstance(upper, Ref) or upper.indices or len(upper.name) != 1:
            return False
        known = self._shapes.keys() | self.subject.program.sizes.keys() | self.subject.aliases.keys() | self.own.keys()
        return upper.name not in known and extent(index, body, self.subject) is not None

    def has_whole(self, expr: Expr) -> bool:
        """Whether a formula reads a whole array."""
        return any(isinstance(node, Ref) and not node.indices and self._shapes.get(node.name) for node in walk(expr))

    @property
    def _shapes(self) -> Mapping[str, tuple[Expr, ...]]:
        return self.subject.program.shapes

    def reference(self, ref: Ref, bound: frozenset[str]) -> Expr:
        """A name with its indices, as the key calls it."""
        name, indices = ref.name, tuple(self._index(index, bound) for index in ref.indices)
        if name in self.subject.aliases:
            if self.subject.aliases[name].endswith(".T"):
                return self._fitted(self.subject.aliases[name].removesuffix(".T"), indices[::-1], bound)
            place = self._place(self.subject.aliases[name])
            own = alias_indices(name, len(self._shapes[place.array])) if place.indices is None else ()
            if own:
                return self._fitted(place.array, (*indices, *own), bound)
            if not indices:
                return self._placed(place)
            if place.indices is None:
                return self._fitted(place.array, indices, bound)
        if name.startswith("Delta_") and name not in self._shapes:
            name = f"Delta{name[6:]}"
        if name in self._shapes:
            return self._fitted(name, indices, bound)
        if name in self.own and not indices:
            return self.own[name]
        if name in self.elements and len(indices) == len(places := axes(self.elements[name])):
            return substitute(self.elements[name], dict(zip(places, indices, strict=True)))
        if not indices and (name in self.subject.program.sizes or name in CONSTANTS):
            return Ref(name)
        if is_derivative(name):
            above, below = derivative_parts(name)
            if not indices or below in self._shapes or below in self.subject.aliases:
                return self.derivative(Ref(above), Ref(below, indices), bound)
        if name in _EPSILON and not indices:
            for other in _EPSILON - {name}:
                if other in self._shapes:
                    return Ref(other)
        if not indices:
            return self._placed(self._place(name))
        raise self._unknown(name)

    def _placed(self, place: Place) -> Expr:
        indices = tuple(num(index) for index in place.indices or ())
        return self._fitted(place.array, indices)

    def _place(self, name: str) -> Place:
        try:
            return self.subject.names.place(name)
        except NameFault:
            raise self._unknown(name) from None

    def _unknown(self, name: str) -> Unknown:
        return Unknown(name, self._shapes)

    def _fitted(self, name: str, indices: tuple[Expr, ...], bound: frozenset[str] = frozenset()) -> Expr:
        shape = self._shapes[name]
        if (
            len(indices) == 1 != len(shape)
            and (step := _step(indices[0])) is not None
            and f"new_{name}" in self._shapes
        ):
            return Ref(f"new_{name}" if step else name)
        indices = self._with_sample(name, indices, shape, bound)
        if shape and not indices and all(axis == ONE for axis in shape):
            return Ref(name, (ONE,) * len(shape))
        if indices and len(indices) != len(shape):
            raise NotFormula(f"`{name}` has {len(shape)} indices, not {len(indices)}")
        for index, extent in zip(indices, shape, strict=False):
            if isinstance(index, Num) and isinstance(extent, Num) and not 1 <= index.value <= extent.value:
                raise NotFormula(f"an index of `{name}` is outside its range")
        return Ref(name, indices)

    def _with_sample(
        self, name: str, indices: tuple[Expr, ...], shape: tuple[Expr, ...], bound: frozenset[str]
    ) -> tuple[Expr, ...]:
        """The indices with the one of the sample put in where it is left out, and left out where it has no place."""
        if indices and len(indices) == len(shape) - 1 and shape[0] == self.subject.samples:
            letter = min(bound, default="i")
            self.notes.append(f"the sample's index {letter} is left out at {name}")
            return (Ref(letter), *indices)
        letters = isinstance(indices[0], Ref) if indices else False
        if len(indices) == len(shape) + 1 > 1 and letters and name in self.subject.program.leaves:
            self.notes.append(f"{name} is the same for every sample and has no such index")
            return indices[1:]
        return indices

    def _index(self, index: Expr, bound: frozenset[str]) -> Expr:
        """What stands in an index: letters there are indices, not quantities."""
        if isinstance(index, Ref) and not index.indices:
            return index
        return rebuild(index, lambda part: self._index(part, bound))

    def derivative(self, above: Expr, below: Expr, bound: frozenset[str]) -> Expr:
        """∂f/∂x, by its one name where f and x are quantities."""
        top, by = self(above, bound), self(below, bound)
        if isinstance(by, Ref) and not isinstance(top, Ref) and not self.subject.program.equations:
            return slope(top, by.name)
        if not (isinstance(top, Ref) and isinstance(by, Ref)):
            raise NotFormula("a derivative of or by something that has no name of its own")
        if top == by and len(top.indices) == len(self._shapes.get(top.name, ())):
            return ONE
        name = derivative_name(top.name, by.name)
        if name not in self._shapes:
            if not (top.name in self._shapes and by.name in self._shapes) or "#" in name:
                raise self._unknown(name)
            self.wanted.append(name)
            raise Unknown(name)
        indices = top.indices + by.indices
        if len(indices) not in (0, len(self._shapes[name])):
            raise NotFormula(f"`{name}` has {len(self._shapes[name])} indices, not {len(indices)}")
        return Ref(name, indices)

    def _extent(self, index: str, body: Expr) -> Expr:
        """The upper end of an index whose range is not written: the size of the axis that it counts."""
        found = extent(index, body, self.subject)
        if found is None:
            raise NotFormula(f"the range of `{index}` is not said")
        return found


def axes(element: Expr) -> tuple[str, ...]:
    """The letters of `PLACES` in the element of an array: as many as it has axes."""
    found = {node.name for node in walk(element) if isinstance(node, Ref)}
    return tuple(letter for letter in PLACES if letter in found)


def _step(index: Expr) -> int | None:
    """0 for the index t of a time step, 1 for t + 1; None for any other."""
    if index == Ref("t"):
        return 0
    return 1 if index in (Add((Ref("t"), ONE)), Add((ONE, Ref("t")))) else None


def slope(formula: Expr, by: str) -> Expr:
    """The derivative of a formula by one of its letters, all of which are independent. Raises NotFormula."""
    if any(isinstance(node, Ref) and node.name.startswith("#") for node in walk(formula)):
        raise NotFormula("a derivative of a formula with rounded numbers")
    try:
        network = load_network({"equations": f"f = {to_text(formula)}"})
        closed = derive(network, wrt=[by], view="index").adjoints[by].closed
        return substitute(closed, {"f": formula}) if by != "f" else closed
    except (InputError, DerivationError, NotDifferentiable, KeyError, ValueError):
        raise NotFormula("this derivative cannot be taken") from None


def extent(index: str, body: Expr, subject: Subject) -> Expr | None:
    """The size of the first axis that an index counts plainly in a formula; None where there is none."""
    for node in walk(body):
        if isinstance(node, Ref) and node.name in subject.program.shapes:
            for at, size in zip(node.indices, subject.program.shapes[node.name], strict=False):
                if at == Ref(index):
                    return size
    return None


def free_indices(expr: Expr, subject: Subject, bound: frozenset[str] = frozenset()) -> dict[str, Expr]:
    """The letters that stand in indices and that nothing binds, each with the size of the axis that it counts."""
    found: dict[str, Expr] = {}

    def look(part: Expr, bound: frozenset[str]) -> None:
        match part:
            case Reduce(_, index, lower, upper, exclude, body):
                for outer in (lower, upper, exclude):
                    if outer is not None:
                        look(outer, bound)
                look(body, bound | {index})
            case Ref(_, indices):
                for at in indices:
                    for node in walk(at):
                        if isinstance(node, Ref) and node.name not in bound and node.name not in known:
                            size = extent(node.name, expr, subject)
                            if size is not None:
                                found.setdefault(node.name, size)
            case Table(items):
                for item in items:
                    look(item, bound)
            case _:
                for inner in children(part):
                    look(inner, bound)

    known = subject.program.shapes.keys() | subject.program.sizes.keys()
    look(expr, bound)
    return found


def is_quantity(expr: Expr) -> bool:
    """Whether a formula is one name by itself, an element or a whole array."""
    return isinstance(expr, Ref) and not expr.name.startswith("#") and expr.name not in CONSTANTS


def at(expr: Expr, frame: Mapping[str, int]) -> Expr:
    """The formula with numbers for its free indices."""
    return substitute(expr, {name: num(index) for name, index in frame.items()}) if frame else expr
