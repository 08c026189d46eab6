"""The bench at which one student's work on one problem is judged: what was stated, and the ladder of verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from backcalc.check.asked import expected_of
from backcalc.check.case import Case
from backcalc.check.chosen import choice, left_open, with_value
from backcalc.check.compare import EQUALS, Formula, Outcome, Witness, compare, constant
from backcalc.check.conditions import conditions, never_holds, under
from backcalc.check.conventions import distinguished, under_other
from backcalc.check.explain import explain
from backcalc.check.follow import Own, Spot, only_rounded, recomputed
from backcalc.check.interval import Interval
from backcalc.check.names import PLACES, NotFormula, Translator, Unknown, axes, free_indices, is_quantity
from backcalc.check.read import Link, Read, joined
from backcalc.check.result import Claim, Diagnosis, Expected, Verdict
from backcalc.check.subgradients import SENTENCE, claims_derivative
from backcalc.check.subject import Subject
from backcalc.check.whole import Misfit, element, turned
from backcalc.check.written import entries, is_number, loosened
from backcalc.formula.evaluate import Array
from backcalc.formula.latex_chain import Side
from backcalc.formula.latex_names import ELSEWHERE
from backcalc.formula.print_text import to_text
from backcalc.formula.program import CONSTANTS
from backcalc.formula.tree import Expr, Num, Ref, Table, walk

FARTHEST = 3
"""So many lines further down a line that begins with `=` may go on with a chain."""

Side_ = Formula | Unknown | NotFormula
"""One side in the key's names, or why it is not."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What was decided of a link."""

    verdict: Verdict
    diagnosis: Diagnosis | None = None
    witness: Witness | None = None
    convention: str | None = None
    derived: bool = False


@dataclass
class Bench:
    """Judges the links of one problem in their order.

    `own` are the values that the student stated, `definitions` names that only the student has, `variants` what those
    may mean that can be read otherwise. Without `explains` no cause is looked for. `rows` are the lines of the
    document by their numbers.
    """

    subject: Subject
    part: str
    own: dict[Spot, Own] = field(default_factory=dict)
    definitions: dict[str, Formula] = field(default_factory=dict)
    variants: dict[str, tuple[Formula, ...]] = field(default_factory=dict)
    wanted: list[str] = field(default_factory=list)
    about: Ref | None = None
    last: Side | None = None
    line: int = 0
    explains: bool = True
    rows: Mapping[int, str] = field(default_factory=dict)

    def judge(self, read: Read) -> Iterator[Claim]:
        """The claims of one chain, in its order."""
        links = read.links
        goes_on = read.goes_on and self.last is not None and read.line.number - self.line <= FARTHEST
        if goes_on and self.last is not None:
            before = joined(read.line, self.last, read.first, read.relations[0], read.first.start)
            links = (before, *links)
        if not links:
            return
        sides = [links[0].left, *(link.right for link in links)]
        relations = ["=", *(link.relation for link in links)]
        formulas = [self._formula(side, relation) for side, relation in zip(sides, relations, strict=True)]
        self.about = self._about(formulas) or (self.about if goes_on else None)
        self.last, self.line = sides[-1], links[-1].number
        for place, link in enumerate(links):
            left, right = formulas[place], formulas[place + 1]
            yield self._judged(link, left, right, first=place == 0 and not goes_on)

    def _judged(self, link: Link, left: Side_, right: Side_, *, first: bool) -> Claim:
        about = self.about
        if first and isinstance(link.left.expr, Ref) and link.left.expr.name in self.definitions:
            left = Unknown(link.left.expr.name)  # an own name may be given a new meaning
        elif first and isinstance(link.left.expr, Ref) and self._renames(link, left, right):
            left = Unknown(link.left.expr.name)
        if isinstance(left, Formula) and isinstance(right, Formula):
            value = choice(left, link, self.subject) if first else None
            if value is not None and isinstance(left.expr, Ref):
                self.subject = with_value(self.subject, left.expr.name, value)
                text = f"the key leaves `{left.expr.name}` open: taken as the value that you choose for it"
                return self._claim(link, None, Ruling("undecided", Diagnosis("definition", text)))
            try:
                ruling = self._narrowed(self._rule(left, right, about, link), left, right, about, link)
            except NotFormula as fault:
                ruling = self._shapes(right, about, str(fault))
            except (ArithmeticError, LookupError, RecursionError, ValueError) as fault:  # untrusted, and it goes on
                ruling = Ruling("undecided", Diagnosis("open", f"this cannot be computed: {fault}"))
            self._remember(about, right, ruling)
            return self._claim(link, about, ruling)
        if isinstance(left, Unknown) and first and _defines(link, left) and isinstance(right, Formula):
            self.definitions[left.name] = right
            text = f"`{left.name}` is not a name of the key: taken as your own name for the right side"
            return self._claim(link, None, Ruling("undecided", Diagnosis("definition", text)))
        if isinstance(left, Formula) and isinstance(right, Misfit):
            return self._claim(link, about, self._misfit(left, right))
        return self._claim(link, about, Ruling("undecided", _reason(left, right)))

    def _renames(self, link: Link, left: Side_, right: Side_) -> bool:
        """Whether `e = y - t` gives the name of a constant to something else."""
        if not (isinstance(left, Formula) and isinstance(right, Formula) and link.relation in EQUALS):
            return False
        if left.expr != link.left.expr or not isinstance(left.expr, Ref) or left.expr.name not in CONSTANTS:
            return False
        try:
            return not compare(left, right, self.subject, link.relation).holds
        except (NotFormula, ArithmeticError, LookupError, RecursionError, ValueError):
            return True

    # -- reading ------------------------------------------------------------------------------------

    def _formula(self, side: Side, relation: str) -> Side_:
        loose, known = loosened(side, self.subject.plain_values, about=relation == "≈")
        own = {name: formula.whole or formula.expr for name, formula in self.definitions.items()}
        translator = Translator(self.subject, own, self.wanted, elements=self._elements())
        try:
            expr = whole = translator(loose)
            if not isinstance(expr, Ref) and translator.has_whole(expr):
                expr = element(expr, self.subject)
        except (Unknown, NotFormula) as fault:
            return fault
        letters = {node.name for node in walk(expr) if isinstance(node, Ref)}
        for formula in self.definitions.values():
            known |= {name: value for name, value in formula.known.items() if name in letters}
        return Formula(expr, known, tuple(dict.fromkeys(translator.notes)), whole)

    @property
    def arrays(self) -> dict[str, int]:
        """The arrays that the student has defined, each with its number of axes."""
        return {name: len(axes(expr)) for name, expr in self._elements().items()}

    def _elements(self) -> dict[str, Expr]:
        """An element of each array that the student has defined."""
        shapes = self.subject.program.shapes
        found: dict[str, Expr] = {}
        for name, formula in self.definitions.items():
            expr = formula.expr
            if isinstance(expr, Ref) and not expr.indices:
                expr = Ref(expr.name, tuple(map(Ref, PLACES[: len(shapes.get(expr.name, ()))])))
            if axes(expr):
                found[name] = expr
        return found

    def _about(self, formulas: list[Side_]) -> Ref | None:
        for formula in formulas:
            if isinstance(formula, Formula) and isinstance(formula.expr, Ref) and is_quantity(formula.expr):
                return formula.expr
        return None

    # -- the ladder -----------------------------------------------------------------------------------

    def _rule(self, left: Formula, right: Formula, about: Ref | None, link: Link) -> Ruling:
        outcome = compare(left, right, self.subject, link.relation)
        if about is None or link.relation not in EQUALS or about in (left.expr, right.expr):
            if outcome.holds is not False:
                return self._holds(outcome, link, left, right)
            return self._fails(outcome, left, right, about, link)
        target = Formula(about)
        told, before = compare(target, right, self.subject), compare(target, left, self.subject)
        if outcome.holds and told.holds:
            return self._holds(outcome, link, left, right)
        if outcome.holds and told.holds is False:
            found = self._other(about, right, link)
            if found is not None:
                return replace(found, derived=before.holds is False)
            text = "computed correctly from the value before it, which is not right"
            code = "carried-forward"
            if before.holds:
                code, text = "rounded-too-early", "the numbers put in are right, but rounded too early for these digits"
            return Ruling("follows", Diagnosis(code, text), _of(about, told, self.subject))
        if outcome.holds is False and told.holds and before.holds is False:
            text = "the result is right, but it does not follow from the line before it, which is wrong"
            return Ruling("right", Diagnosis("wrong-step", text), outcome.witness)
        if outcome.holds is False:
            return self._fails(outcome, left, right, about, link)
        return Ruling("undecided", Diagnosis("open", outcome.reason or told.reason))

    def _holds(self, outcome: Outcome, link: Link, *sides: Formula) -> Ruling:
        """What is true, or was not settled."""
        if outcome.holds is None:
            return Ruling("undecided", Diagnosis("open", outcome.reason))
        said = [*link.left.notes, *link.right.notes, *(note for side in sides for note in side.notes)]
        notes = [note for note in dict.fromkeys(said) if note != ELSEWHERE]
        if outcome.elsewhere is not None:
            text = f"true at the given values only: {outcome.elsewhere}"
            return Ruling("right", Diagnosis("only-here", text), outcome.elsewhere)
        if outcome.normalised:
            return Ruling("right", Diagnosis("targets-add-up", "true where the targets add up to 1"))
        if notes:
            return Ruling("right", Diagnosis("notation", "; ".join(notes)))
        return Ruling("right")

    def _fails(self, outcome: Outcome, left: Formula, right: Formula, about: Ref | None, link: Link) -> Ruling:
        """What is false: true under another convention, carried forward, or wrong."""
        if ELSEWHERE in link.left.notes:
            return Ruling("undecided", Diagnosis("which-quantity", ELSEWHERE))
        if about is not None and left.expr == about:
            found = self._other(about, right, link)
            if found is not None:
                return found
        if outcome.at_kink and claims_derivative(left.expr, right.expr):
            return Ruling("convention", Diagnosis("subgradient", SENTENCE), outcome.witness, "subgradient")
        if link.relation in EQUALS:
            name = about.name if about is not None else ""
            point = recomputed(self.subject, self.own, name)
            if point is not None and compare(left, right, self.subject, link.relation, point).holds:
                if only_rounded(self.own, name):
                    text = "follows from your own earlier values, which were rounded too early for these digits"
                    return Ruling("follows", Diagnosis("rounded-too-early", text), _of(about, outcome, self.subject))
                text = "computed correctly from your own earlier value, which is not right"
                return Ruling("follows", Diagnosis("carried-forward", text), _of(about, outcome, self.subject))
        if is_number(link.left.expr) and is_number(link.right.expr):
            text = "one number is set equal to another: most likely the name before it could not be read"
            return Ruling("undecided", Diagnosis("two-numbers", text))
        if any(note.endswith("no such index") for note in right.notes):
            text = f"{right.notes[0]}; with that put right it is still not true: look at what the sum runs over"
            return Ruling("wrong", Diagnosis("index", text), outcome.witness)
        if not self.explains:
            return Ruling("wrong", Diagnosis("wrong", "the two sides are not equal"), outcome.witness)
        case = Case(self.subject, left, right, about, self.own)
        return Ruling("wrong", explain(case), outcome.witness)

    def _other(self, about: Ref, right: Formula, link: Link) -> Ruling | None:
        """The convention under which it is true, where there is one."""
        for name, text in under_other(about, right, link.right, self.subject):
            return Ruling("convention", Diagnosis(name, text), convention=name)
        return None

    def _narrowed(self, ruling: Ruling, left: Formula, right: Formula, about: Ref | None, link: Link) -> Ruling:
        """What is false, under the condition on its indices beside it; undecided for want of a value."""
        if ruling.verdict not in ("wrong", "follows"):
            return ruling
        told = Formula(about) if about is not None and ruling.verdict == "follows" else left
        free = left_open(told, right, self.subject)
        if free is not None:
            text = f"it depends on `{free}`, to which the key gives no value, and no other line does"
            return Ruling("undecided", Diagnosis("open", text))
        letters = free_indices(left.expr, self.subject) | free_indices(right.expr, self.subject)
        beside = conditions(link, self.rows, letters)
        if not beside:
            return ruling
        first = beside[0].expr
        if first is not None and link.relation in EQUALS:
            outcome = compare(left.with_expr(under(first, left.expr, right.expr)), right, self.subject)
            some, none = map(left.with_expr, never_holds(first, left.expr))
            if outcome.holds and compare(some, none, self.subject).holds is False:
                return self._holds(outcome, link, left, right)
        text = f"not true of every index, and nothing was decided under the condition beside it: `{beside[0].text}`"
        return Ruling("undecided", Diagnosis("condition", text))

    def _misfit(self, left: Formula, fault: Misfit) -> Ruling:
        """A product whose sizes do not fit: wrong where it would be right with one matrix transposed."""
        for name, expr in turned(fault.expr, self.subject):
            if compare(left, left.with_expr(expr), self.subject).as_function:
                text = f"{name} is the wrong way round: the product needs the transposed matrix"
                return Ruling(
                    "wrong",
                    Diagnosis("transposed-weight", text),
                    Witness({}, str(fault), "a product", "what is written"),
                )
        return Ruling("undecided", _reason(fault))

    def _shapes(self, right: Formula, about: Ref | None, reason: str) -> Ruling:
        """An array of another shape: the same numbers in another layout, the transposed array, or a wrong shape."""
        array = self.subject.given.store.get(about.name) if about is not None and not about.indices else None
        if array is None or not isinstance(right.expr, Table):
            return Ruling("undecided", Diagnosis("open", reason))
        cells = dict(entries(right.expr))
        if len(cells) != len(array):
            return Ruling("wrong", Diagnosis("shape", reason), Witness({}, f"{len(array)} numbers", f"{len(cells)}"))
        turned = {place[::-1]: cell for place, cell in cells.items()}
        if turned.keys() == array.keys() and _all_meet(turned, right, array):
            text = "these are the right numbers, but the array is transposed: its shape must be that of the parameter"
            return Ruling("wrong", Diagnosis("transposed", text), Witness({}, reason, "transposed"))
        flat = dict(zip(sorted(array), (cells[place] for place in sorted(cells)), strict=True))
        if _all_meet(flat, right, array):
            return Ruling("right", Diagnosis("notation", f"the right numbers in another layout: {reason}"))
        return Ruling("wrong", Diagnosis("shape", reason), Witness({}, reason, ""))

    # -- what is kept -----------------------------------------------------------------------------------

    def _remember(self, about: Ref | None, right: Formula, ruling: Ruling) -> None:
        """Keeps the number that the student stated of a quantity."""
        if about is None or ruling.verdict in ("undecided", "unreadable"):
            return
        code = ruling.diagnosis.code if ruling.diagnosis is not None else ""
        right_one = ruling.verdict == "right" or code == "rounded-too-early"
        cells: dict[tuple[int, ...], Expr]
        if isinstance(right.expr, Table) and not about.indices:
            cells = dict(entries(right.expr))
        elif all(isinstance(index, Num) for index in about.indices):
            cells = {tuple(i.value.numerator for i in about.indices if isinstance(i, Num)): right.expr}
        else:
            return
        for place, cell in cells.items():
            value = _number(cell, right) or constant(right.with_expr(cell), self.subject)
            if value is not None:
                self.own[about.name, place] = Own(value, right_one)

    def _claim(self, link: Link, about: Ref | None, ruling: Ruling) -> Claim:
        keeps = frozenset[str]()
        expected = Expected()
        if about is not None:
            expected = expected_of(about, self.subject)
            if ruling.verdict == "right":
                keeps = distinguished(about, self.subject)
        return Claim(
            part=self.part,
            line=link.number,
            column=link.column,
            length=link.length,
            source_line=link.source,
            claim=link.text,
            read_as=f"{_said(link.left)} {link.relation} {_said(link.right)}",
            about=None if about is None else said_name(about, self.subject),
            verdict=ruling.verdict,
            given=_said(link.right),
            expected=expected,
            diagnosis=ruling.diagnosis,
            witness=ruling.witness,
            convention=ruling.convention,
            derived=ruling.derived,
            keeps=keeps,
            final=is_number(link.right.expr),
        )


def said_name(about: Ref, subject: Subject) -> str:
    """A quantity as a person writes it: `conv2.weights`, `delta w1`, `dJ/dz[1]`."""
    plain = subject.dotted(about.name)
    text = to_text(about) if plain == about.name else plain
    if subject.loss is not None and text.startswith("Delta"):
        return f"delta {text[5:]}"
    return f"new {text[4:]}" if text.startswith("new_") else text


def _of(about: Ref | None, outcome: Outcome, subject: Subject) -> Witness | None:
    """What shows that something carried forward is not true: it speaks of the quantity, not of the link."""
    name = "the right value" if about is None else said_name(about, subject)
    return None if outcome.witness is None else replace(outcome.witness, of=name)


def _number(cell: Expr, formula: Formula) -> Interval | None:
    if isinstance(cell, Ref) and cell.name in formula.known:
        return formula.known[cell.name]
    return Interval.of(cell.value) if isinstance(cell, Num) else None


def _all_meet(cells: Mapping[tuple[int, ...], Expr], right: Formula, array: Array[Interval]) -> bool:
    values = {place: _number(cell, right) for place, cell in cells.items()}
    return all(value is not None and value.meets(array[place]) for place, value in values.items())


def _defines(link: Link, fault: Unknown) -> bool:
    expr = link.left.expr
    return link.relation in EQUALS and isinstance(expr, Ref) and not expr.indices and expr.name == fault.name


def _reason(*sides: object) -> Diagnosis:
    for side in sides:
        if isinstance(side, Unknown):
            hint = f"; did you mean `{side.near}`?" if side.near else ""
            return Diagnosis("unknown-name", f"`{side.name}` is not a name of the key{hint}")
        if isinstance(side, NotFormula):
            return Diagnosis("not-followed", str(side))
    return Diagnosis("open", "")


def _said(side: Side) -> str:
    """A side as it was read."""
    try:
        return to_text(side.expr)
    except ValueError:
        return "…"
