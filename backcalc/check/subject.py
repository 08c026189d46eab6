"""What one problem is about: its network as equations with every derivative, update and count, and their values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from random import Random
from re import Match
from re import compile as compile_pattern
from unicodedata import normalize

from backcalc.check.counts import Counts, counted
from backcalc.check.interval import INTERVALS, Interval
from backcalc.check.quantities import derived, with_counts, with_updates
from backcalc.derive import Derivation, derive
from backcalc.derive.adjoint import Adjoint
from backcalc.derive.arrays import evaluate_available, work
from backcalc.derive.exact import Exact
from backcalc.formula.evaluate import Array
from backcalc.formula.integers import EvaluationError, integer
from backcalc.formula.latex_symbols import INDEX_LETTERS, Symbols
from backcalc.formula.program import Program
from backcalc.formula.tree import Expr, Ref, num
from backcalc.net import Network
from backcalc.net.errors import InputError
from backcalc.net.names import Names

_MARKS = {"\u0302": "hat", "\u0303": "tilde", "\u0304": "bar"}
_ACCENTED = compile_pattern(
    r"\\(?P<mark>hat|tilde|bar)\s*(?:\{\s*(?P<of>\w+)\s*\}|(?P<under>\w))|(?P<base>\w)(?P<sign>[\u0302-\u0304])"
    r"|(?<=[A-Za-z])_(?P<behind>hat|tilde|bar)(?![a-z])"
)
MOST_WORK = 60_000
"""Operations that one evaluation at random values may take; what takes more is judged at the given values alone."""
MOST_POINTS = 10
MOST_LETTER_POINTS = 24
"""Points at which formulas of letters alone are tried, where nothing has to be computed first."""

Store = Mapping[str, Array[Interval]]


@dataclass(frozen=True)
class Point:
    """One choice of values: every quantity there, the sizes that were open, and whether targets add up to 1 in it."""

    store: Store
    sizes: Mapping[str, int]
    normalised: bool = False


@dataclass(frozen=True)
class Subject:
    """The quantities of a problem. `exact` are those that have a value; `counts` those of the layers.

    `bounds` are the values of answers that have a tolerance, in place of one exact value.
    """

    title: str
    program: Program
    loss: str | None
    exact: Mapping[str, Array[Exact]]
    counts: Counts | None = None
    network: Network | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    adjoints: Mapping[str, Adjoint] = field(default_factory=dict)
    bounds: Mapping[str, Interval] = field(default_factory=dict)
    rate: str | None = None
    derivation: Derivation | None = None

    @cached_property
    def given(self) -> Point:
        """The point of the given values: what follows from them has a value in it.

        It is computed again, as the values at random points are, so that what cancels is known to be uncertain.
        """
        store = {
            name: {place: Interval.known(value) for place, value in array.items()} for name, array in self.exact.items()
        }
        store |= {name: {(): value} for name, value in self.bounds.items()}
        sizes = {name: size for name, size in self.program.sizes.items() if size is not None}
        if 0 <= work(self.program, sizes) <= MOST_WORK:
            leaves = {name: store[name] for name in self.program.leaves if name in store}
            with suppress(EvaluationError):
                again, _ = evaluate_available(self.program, leaves, INTERVALS, sizes)
                store |= {name: dict(array) for name, array in again.items() if name in store}
        return Point(store, sizes)

    @cached_property
    def names(self) -> Names:
        """Every name with its shape."""
        return Names({name: self.program.shape(name) for name in self.program.shapes})

    @cached_property
    def symbols(self) -> Symbols:
        """What the reader of submissions knows before it reads."""
        ranks = {name: len(shape) for name, shape in self.program.shapes.items() if "/" not in name}
        scalars = {name for name, rank in ranks.items() if rank == 0} | set(self.program.sizes)
        arrays = {name: rank for name, rank in ranks.items() if rank}
        meant = {name: of.removesuffix(".T") for name, of in self.aliases.items()}
        arrays |= {
            name: 1 if alias_indices(name, ranks[of]) else ranks[of] for name, of in meant.items() if ranks.get(of)
        }
        scalars |= {name for name in self.aliases if name.isidentifier() and arrays.get(name, 1) == 1}
        steps = {f"Delta_{name[5:]}": rank for name, rank in ranks.items() if name.startswith("Delta")}
        scalars |= {name for name, rank in steps.items() if rank == 0}
        arrays |= {name: rank for name, rank in steps.items() if rank}
        losses = frozenset({name for name in (self.loss, *self.aliases) if name and self.loss_of(name)})
        letters = frozenset(index for equation in self.program.equations for index in equation.indices)
        return Symbols(frozenset(scalars), arrays, frozenset(), losses, letters)

    def with_aliases(self, added: Mapping[str, str]) -> Subject:
        """The same with further names for its quantities; what was computed of it stays."""
        other = replace(self, aliases={**self.aliases, **added})
        for name in ("given", "points", "open_points", "plain_values"):
            if name in self.__dict__:
                other.__dict__[name] = self.__dict__[name]
        return other

    @property
    def stated(self) -> bool:
        """Whether its quantities are answers that the key states itself."""
        return self.network is None and bool(self.exact)

    def loss_of(self, name: str) -> str | None:
        """The loss, where a name or an alias stands for it."""
        return self.loss if self.loss is not None and self.aliases.get(name, name) == self.loss else None

    @cached_property
    def plain_values(self) -> frozenset[Fraction]:
        """The values that are known as fractions: written in a submission they are meant exactly."""
        found = {value.rational for array in self.exact.values() for value in list(array.values())[:1000]}
        return frozenset(value for value in found if value is not None)

    def dotted(self, name: str) -> str:
        """A name as a person writes it: `conv2.weights`."""
        return self.counts.dotted.get(name, name) if self.counts is not None else name

    @cached_property
    def points(self) -> tuple[Point, ...]:
        """Random values of every leaf, all quantities computed from them; none where that would take long."""
        return tuple(self._drawn({name: self.given.store[name] for name in self._constant}))

    @cached_property
    def _constant(self) -> tuple[str, ...]:
        """What is the same at every point: the counts."""
        names = self.counts.values if self.counts is not None else {}
        return tuple(name for name in names if name in self.program.leaves)

    @cached_property
    def open_points(self) -> tuple[Point, ...]:
        """The given values where there are some, random ones for the leaves that have none."""
        known = {name: self.given.store[name] for name in self.program.leaves if name in self.given.store}
        return tuple(self._drawn(known))

    def moved(self, start: Point, name: str, place: tuple[int, ...], value: Fraction) -> Point | None:
        """A point with one number of a leaf changed and everything computed again; None where that is undefined."""
        leaves = {leaf: start.store[leaf] for leaf in self.program.leaves if leaf in start.store}
        leaves[name] = {**leaves[name], place: Interval.of(value)}
        try:
            store, _ = evaluate_available(self.program, leaves, INTERVALS, start.sizes)
        except EvaluationError:
            return None
        return Point(store, start.sizes, start.normalised)

    def _drawn(self, known: Store) -> Iterator[Point]:
        if not self.program.equations and not self.program.leaves:
            return
        source = Random(20)
        shared = any(self.program.shapes[name] for name in self.targets)
        count = MOST_POINTS if self.program.equations else MOST_LETTER_POINTS
        for number in range(count):
            sizes = _sizes(self.program, source)
            if not 0 <= work(self.program, sizes) <= MOST_WORK:
                return
            normalised = shared and number >= count - 3
            free = (name for name in self.program.leaves if name not in known)
            leaves = {name: self._leaf(name, sizes, source, number, normalised) for name in free}
            try:
                store, _ = evaluate_available(self.program, {**leaves, **known}, INTERVALS, sizes)
            except EvaluationError:
                continue
            yield Point(store, sizes, normalised)

    def _leaf(
        self, name: str, sizes: Mapping[str, int], source: Random, number: int, normalised: bool
    ) -> dict[tuple[int, ...], Interval]:
        """Values of a leaf: of several scales and signs, targets that add up to 1, classes as whole numbers."""
        shape = tuple(integer(axis, sizes) for axis in self.program.shapes[name])
        if name in self.program.index_names:
            return {place: Interval.of(Fraction(source.randint(1, 2))) for place in _places(shape)}
        positive = number % 3 == 0 or name.startswith(("eps", "eta", "lambda", "lr", "rate"))
        scale = (Fraction(1), Fraction(3), Fraction(1, 3))[number % 3]
        found: dict[tuple[int, ...], Fraction] = {}
        for place in _places(shape):
            value = Fraction(source.randint(1, 4000), 1009) * scale
            found[place] = value if positive or source.random() < 0.5 else -value
        if normalised and shape and name in self.targets:
            for place in found:
                row = [at for at in found if at[:-1] == place[:-1]]
                if place[-1] == 1:
                    total = sum(abs(found[at]) for at in row)
                    found.update({at: abs(found[at]) / total for at in row})
        return {place: Interval.of(value) for place, value in found.items()}

    @cached_property
    def samples(self) -> Expr | None:
        """The size of the axis of the samples: the first one of what the loss compares; None where there is none."""
        last = self.program.by_name.get(self.loss or "")
        for ref in last.reads() if last is not None else ():
            shape = self.program.shapes.get(ref.name, ())
            if len(shape) > 1 and ref.name not in self.program.index_names:
                return shape[0] if isinstance(shape[0], Ref) else None
        return None

    @cached_property
    def targets(self) -> frozenset[str]:
        """The leaves that the loss reads and that are not trained."""
        last = self.program.by_name.get(self.loss or "")
        trained = self.network.parameters if self.network is not None and self.network.nodes else ()
        if last is None:
            return frozenset()
        return frozenset(
            ref.name for ref in last.reads() if ref.name in self.program.leaves and ref.name not in trained
        )


def _places(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    places: list[tuple[int, ...]] = [()]
    for extent in shape:
        places = [(*place, index) for place in places for index in range(1, extent + 1)]
    return places


def _sizes(program: Program, source: Random) -> dict[str, int]:
    """Numbers for the open sizes, no two of them the same."""
    free = [name for name, value in program.sizes.items() if value is None]
    drawn = source.sample(range(2, 4 + len(free)), len(free))
    return {name: value for name, value in program.sizes.items() if value is not None} | dict(
        zip(free, drawn, strict=True)
    )


def network_subject(
    network: Network,
    *,
    bias: bool = True,
    aliases: Mapping[str, str] | None = None,
    jacobians: Iterable[str] = (),
    derives: bool = True,
    derivation: Derivation | None = None,
) -> Subject:
    """The quantities of a network; `jacobians` are derivatives beside those of the loss, such as `dy/dz`.

    What was derived of the loss before can be given as the `derivation`.

    Raises InputError and DerivationError.
    """
    counts = None
    if network.nodes:
        try:
            counts = counted(network, bias=bias)
        except InputError:
            if not derives:
                raise
    program = Program({}, ())
    exact: dict[str, Array[Exact]] = {}
    adjoints: dict[str, Adjoint] = {}
    loss, rate = None, None
    if derives:
        derivation = derivation or derive(network, wrt=None, view="index")
        program, exact, adjoints = derived(network, derivation, tuple(jacobians))
        loss = network.loss
        program, exact, rate = with_updates(network, program, exact, adjoints)
    if counts is not None:
        program, exact = with_counts(counts, program, exact)
    return Subject(
        network.name,
        program,
        loss,
        exact,
        counts,
        network,
        spelled_aliases(aliases or {}),
        adjoints,
        rate=rate,
        derivation=derivation if derives else None,
    )


def spelled_aliases(aliases: Mapping[str, str]) -> dict[str, str]:
    """The aliases by the names that the reader gives them: `\\hat z`, `z_hat` and `ẑ` are `zhat`.

    >>> spelled_aliases({"z_hat": "v", "ẑ": "v", "w": "u"})
    {'zhat': 'v', 'w': 'u'}
    """
    return {_ACCENTED.sub(_accent, normalize("NFD", name)): of for name, of in aliases.items()}


def alias_indices(name: str, rank: int) -> tuple[Expr, ...]:
    """The indices that an alias such as `w_jk` has in its name; none where it has not as many as there are axes."""
    letters = name.rpartition("_")[2] if "_" in name else ""
    fitting = len(letters) == rank > 0 and all(letter in INDEX_LETTERS for letter in letters)
    return tuple(Ref(letter) for letter in letters) if fitting else ()


def _accent(found: Match[str]) -> str:
    letter = found["of"] or found["under"] or found["base"] or ""
    mark = found["mark"] or found["behind"] or _MARKS[found["sign"]]
    return f"{letter}{mark}"


def answers_subject(
    title: str,
    answers: Mapping[str, tuple[Fraction, Fraction]],
    lists: Mapping[str, tuple[Fraction, ...]] | None = None,
) -> Subject:
    """Quantities that the key states itself, each with a tolerance; lists, such as shapes, exactly."""
    lists = lists or {}
    shapes: dict[str, tuple[Expr, ...]] = dict.fromkeys(answers, ())
    shapes |= {name: (num(len(items)),) for name, items in lists.items()}
    exact: dict[str, Array[Exact]] = {name: {(): Exact.of(value)} for name, (value, _) in answers.items()}
    exact |= {name: {(at,): Exact.of(v) for at, v in enumerate(items, start=1)} for name, items in lists.items()}
    bounds = {name: Interval.around(value, tolerance) for name, (value, tolerance) in answers.items()}
    return Subject(title, Program(shapes, ()), None, exact, bounds=bounds)


def letters_subject(title: str, letters: Iterable[str]) -> Subject:
    """Nothing but letters that may be any number: what identities are about."""
    return Subject(title, Program(dict.fromkeys(sorted(letters), ()), ()), None, {})
