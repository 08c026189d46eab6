"""The student's own notation: names that mean something else than in the key, found out from their definitions.

`q_1 = max(0, w_1 x_1 + w_2 x_2)` says that q is what the key calls h; `z_j = Σ_k w_kj x_k` that w has its indices the
other way round. A name that the key has can stand for the quantity before or after its activation, for nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from backcalc.check.compare import Formula, compare
from backcalc.check.names import NotFormula, Translator, Unknown
from backcalc.check.read import Line, Read, chains
from backcalc.check.subject import Subject
from backcalc.formula.names import is_derivative
from backcalc.formula.tree import Call, Expr, Num, Ref, num, walk

MOST_DEFINITIONS = 60
MOST_CANDIDATES = 40


def own_notation(lines: Iterable[Line], subject: Subject) -> tuple[Subject, tuple[str, ...]]:
    """The subject with the student's names as aliases, and what was found out, in sentences."""
    if subject.loss is None or not subject.program.equations:
        return subject, ()
    aliases: dict[str, str] = {}
    kept: set[str] = set()
    for name, definition in _definitions(lines, subject):
        here = subject.with_aliases(aliases) if aliases else subject
        if name.name in kept | aliases.keys() | subject.aliases.keys() or is_derivative(name.name):
            continue
        try:
            expr = Translator(here)(definition)
            own = _own(name, here)
        except (Unknown, NotFormula):
            continue
        if _is_plain(expr):
            continue
        if own is not None and _true(own, expr, here):
            kept.add(name.name)
            continue
        turned = _turned(own, definition, here) if own is not None else None
        meant = next((other for other in _candidates(name, own, here) if _true(other, expr, here)), None)
        if turned is not None:
            aliases[turned] = f"{turned}.T"
        elif meant is not None:
            aliases[name.name] = meant.name if name.indices else _target(meant)
    added = {alias: of for alias, of in aliases.items() if alias not in kept}
    said = tuple(_sentence(alias, of) for alias, of in added.items())
    return subject.with_aliases(added) if added else subject, said


def _sentence(alias: str, of: str) -> str:
    if of == f"{alias}.T":
        return f"the indices of your {alias} are the other way round from the key's, by your own use of it"
    return f"your {alias} is what the key calls {of}, by your own definition of it"


def _turned(own: Ref, definition: Expr, subject: Subject) -> str | None:
    """The matrix that has to be read with its indices turned round for a definition to be true."""
    names = dict.fromkeys(node.name for node in walk(definition) if isinstance(node, Ref) and len(node.indices) == 2)
    for name in names:
        if name in subject.program.leaves:
            turned = subject.with_aliases({name: f"{name}.T"})
            try:
                expr = Translator(turned)(definition)
            except (Unknown, NotFormula):
                continue
            if _true(own, expr, turned):
                return name
    return None


def _definitions(lines: Iterable[Line], subject: Subject) -> Iterator[tuple[Ref, Expr]]:
    """Every `name = formula` of the lines, in their order."""
    found = 0
    for line in lines:
        for read in chains(line, subject) if line.text and line.is_formula else ():
            if not isinstance(read, Read) or not read.links or read.others:
                continue
            left = read.first.expr
            if isinstance(left, Ref) and read.links[0].relation in ("=", ":="):
                found += 1
                if found > MOST_DEFINITIONS:
                    return
                yield left, read.links[0].right.expr


def _own(name: Ref, subject: Subject) -> Ref | None:
    """What the key has under a name; None where it has nothing."""
    try:
        found = Translator(subject)(name)
    except Unknown:
        return None
    return found if isinstance(found, Ref) else None


def _is_plain(expr: Expr) -> bool:
    """Whether a formula is too little to tell anything by: a number, a name, or without any name."""
    return isinstance(expr, Ref | Num) or not any(isinstance(node, Ref) for node in walk(expr))


def _candidates(name: Ref, own: Ref | None, subject: Subject) -> Iterator[Ref]:
    """Quantities of the forward pass that a name with these indices may be; a leaf is none."""
    counts: Mapping[str, int] = subject.counts.values if subject.counts is not None else {}
    equations = [
        equation
        for equation in subject.program.equations
        if not is_derivative(equation.name)
        and equation.name not in counts
        and not equation.name.startswith(("Delta", "new_"))
        and equation.name != subject.loss
    ]
    digits = name.name[len(name.name.rstrip("0123456789")) :]
    for equation in equations[:MOST_CANDIDATES]:
        rank = len(equation.indices)
        if own is not None and not _beside(own.name, equation.name, subject):
            continue
        if len(name.indices) == rank:
            yield Ref(equation.name, name.indices)
        elif not name.indices and rank == 1 and digits:
            yield Ref(equation.name, (num(int(digits)),))
        elif own is not None and len(own.indices) == rank:
            yield Ref(equation.name, own.indices)


def _beside(one: str, other: str, subject: Subject) -> bool:
    """Whether one of two quantities is an activation of the other: a name may stand for either."""
    for inner, outer in ((one, other), (other, one)):
        equation = subject.program.by_name.get(outer)
        match equation.body if equation is not None else None:
            case Call(_, (Ref(name),)) if name == inner:
                return True
    return False


def _true(ref: Ref, expr: Expr, subject: Subject) -> bool:
    """Whether a definition is true of a quantity, as a function and not only at the given values."""
    try:
        outcome = compare(Formula(ref), Formula(expr), subject)
    except (NotFormula, ArithmeticError, LookupError, ValueError, RecursionError):
        return False
    return outcome.holds is True and outcome.elsewhere is None and not outcome.normalised


def _target(ref: Ref) -> str:
    places = [str(index.value) for index in ref.indices if isinstance(index, Num)]
    return f"{ref.name}[{','.join(places)}]" if places else ref.name
