"""Reverse mode on equations, by one rule.

Each read `u[e(o,s)]` in the body of `v[o]` sends to the adjoint of u

    dJ/du[a]  +=  Σ_{o,s} dJ/dv[o] · ∂v[o]/∂read · Π_k [a_k = e_k]

and the deltas are solved for summed indices. Shared weights, transposes, broadcasting and convolutions need no rule of
their own: several reads add up.

Source: the adjoint accumulation of A. Griewank, A. Walther, *Evaluating Derivatives*, 2nd ed., SIAM 2008, ch. 3.2,
written for indexed equations.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from backcalc.derive.chain_rule import chain_rule, contributions
from backcalc.derive.deltas import tidy_indices
from backcalc.derive.facts import Fact, centred, shares, worth_naming
from backcalc.derive.partial import partials
from backcalc.derive.rules import Rule, simplify
from backcalc.derive.setting import Setting
from backcalc.derive.target import Target, derivative_name, index_names, target_of
from backcalc.derive.terms import Term, Terms, multiply, put, rename_apart, to_terms
from backcalc.derive.unroll import unrolled
from backcalc.derive.write import to_expr
from backcalc.formula.names import is_derivative
from backcalc.formula.program import Equation, Program
from backcalc.formula.recurrence import Edge, row_spelled_out
from backcalc.formula.tree import Add, Compare, Expr, Reduce, Ref, names, num, size, walk

INSERTABLE = 50  # nodes: a longer upstream derivative is never put in for its name
LONGEST_ENTRY = 60  # nodes of an entry of a Jacobian or a Hessian in which all derivatives are put in


@dataclass(frozen=True, slots=True)
class Step:
    """One application of one rule: `before` becomes `after`, for the reason given.

    `general` is the chain rule as a formula, ∂J/∂h[i] = Σ_j ∂J/∂z[j]·∂z[j]/∂h[i]; only the first step has it.
    """

    rule: str
    after: Expr
    reason: str
    before: Expr | None = None
    general: Expr | None = None


@dataclass(frozen=True, slots=True)
class Adjoint:
    """The derivative of the loss with respect to one array.

    `name` is what it is called, `loss` what is differentiated: where it is an array, a Jacobian, its own indices come
    first in `indices` and `shape`. `chain` names the derivatives upstream, `closed` has them put in where that is
    shorter; `readers` are the equations that read the array, `reads` how often they do, `functions` those whose
    derivative was used.
    """

    name: str
    of: str
    loss: str
    indices: tuple[str, ...]
    shape: tuple[Expr, ...]
    chain: Expr
    closed: Expr
    readers: tuple[str, ...]
    reads: int
    steps: tuple[Step, ...]
    functions: tuple[str, ...] = ()

    @property
    def equation(self) -> Equation:
        """The adjoint as an equation of the language."""
        return Equation(self.name, self.indices, self.closed)


def differentiate(
    program: Program, loss: str, stated: tuple[Fact, ...] = (), wanted: Collection[str] | None = None
) -> tuple[Adjoint, ...]:
    """The derivative of `loss` with respect to every array that it depends on, from the loss backwards.

    Intermediates come in reverse order, then the leaves in the order they are declared, but for those that stand in an
    index, as the class in `y[t]`: they are whole numbers and have no derivative. `stated` are facts about
    leaves, such as that given targets sum to 1; `wanted` leaves out what leads to none of these.
    Raises NotDifferentiable where a reader has no derivative rule.
    """
    setting_parts = _named(program, stated)
    reaching = _reaching(program, loss)
    if wanted is not None:
        reaching &= _reached(program, wanted)
    target = target_of(program, loss)
    found: dict[str, Adjoint] = {}
    intermediates = [equation.name for equation in reversed(program.equations) if equation.name in reaching]
    leaves = [name for name in program.leaves if name in reaching and name not in program.index_names]
    for name in [*intermediates, *leaves]:
        if name != loss or target.recurs:
            found[name] = _adjoint(program, target, name, found, setting_parts, reaching)
    return tuple(found.values())


def _reached(program: Program, names: Collection[str]) -> frozenset[str]:
    """Everything that one of the arrays has an influence on, themselves included."""
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += [equation.name for equation in program.readers.get(name, ())]
            waiting += [edge.array for edge in program.edges if edge.name == name]
    return frozenset(seen)


def with_adjoints(program: Program, adjoints: Iterable[Adjoint]) -> Program:
    """Forward equations, then the derivatives as equations of the same language; those it has already stay alone."""
    adjoints = tuple(adjoint for adjoint in adjoints if adjoint.name not in program.shapes)
    shapes = {adjoint.name: adjoint.shape for adjoint in adjoints}
    beside = {edge.name: edge for edge in program.edges}
    edges = []
    for adjoint in adjoints:
        edge = beside.get(adjoint.of)
        if edge is not None:
            leading = len(adjoint.shape) - len(program.shapes[adjoint.of])
            edges.append(Edge(derivative_name(adjoint.loss, edge.array), edge.axis + leading, edge.row))
    return program.extended(tuple(adjoint.equation for adjoint in adjoints), shapes, tuple(edges))


def _reaching(program: Program, loss: str) -> frozenset[str]:
    """Everything that the loss depends on."""
    seen: set[str] = set()
    waiting = [loss]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        equation = program.by_name.get(name)
        if equation is not None:
            waiting += [read for read in program.needs(equation) if read in program.shapes]
    return frozenset(seen)


def _named(program: Program, stated: tuple[Fact, ...]) -> Setting:
    """What the simplifier may know about this program, without the ranges of one derivative."""
    named = tuple(
        equation for equation in reversed(program.equations) if worth_naming(equation, program.padded, program.shapes)
    )
    reads = [ref for equation in program.equations for ref in equation.reads()]
    whole = frozenset().union(*(names(index) for ref in reads for index in ref.indices))
    totals = tuple(fact for equation in program.equations if (fact := shares(equation)) is not None)
    means = tuple(mean for equation in program.equations if (mean := centred(equation)) is not None)
    reach: dict[str, tuple[Equation, ...]] = {}
    for equation in named:
        anchor = min((ref.name for ref in equation.reads() if ref.name in program.shapes), default="")
        reach[anchor] = (*reach.get(anchor, ()), equation)
    facts = stated + totals + means
    inside = {name: shape for name, shape in program.shapes.items() if name not in program.padded}
    return Setting({}, frozenset(program.sizes), named, reach, facts, whole, inside)


def _adjoint(
    program: Program,
    target: Target,
    name: str,
    upstream: Mapping[str, Adjoint],
    known: Setting,
    reaching: Collection[str],
) -> Adjoint:
    loss = target.name
    own = index_names(program, name, target.indices)
    indices, shape = target.indices + own, target.shape + program.shapes[name]
    # Every axis counts from 1.
    setting = replace(known, ranges={index: (num(1), extent) for index, extent in zip(indices, shape, strict=True)})
    edge = next((edge for edge in program.edges if edge.name == name), None)
    array = name if edge is None else edge.array
    place = row_spelled_out(Ref(name, tuple(Ref(index) for index in own))).indices
    raw: list[Term] = []
    general: list[Expr] = []
    readers: list[str] = []
    reads = 0
    functions: list[str] = []
    if name == loss:  # the row itself, beside the later rows that read it
        deltas = [Compare(("==",), pair) for pair in zip(target.places, place, strict=True)]
        raw.append(Term(brackets=tuple(deltas)))
    for equation in program.readers.get(name, ()):
        if equation.name not in reaching:
            continue
        found = contributions(program, equation, target, array, place, indices)
        if edge is not None:  # a derivative by a boundary row is read under its own name
            found += contributions(program, equation, target, name, tuple(Ref(index) for index in own), indices)
        if found:
            raw.extend(found)
            reads += len(found)
            readers.append(equation.name)
            if equation.name != loss:
                general.append(chain_rule(program, equation, target, array, place, indices))
            functions += [function for part in partials(equation.body, array) for function in part.functions]
    start = to_expr(tuple(raw))
    pattern = None if len(general) < len(readers) else general[0] if len(general) == 1 else Add(tuple(general))
    steps = [Step("chain rule", start, _chain_reason(name, readers), general=pattern if general else None)]
    terms, trail = simplify(tuple(raw), setting)
    steps += _record(start, trail)
    chain = to_expr(terms)
    room = LONGEST_ENTRY if target.indices or is_derivative(loss) else 0
    statistics = _statistics(program, name, target, readers)
    inserted = _insert(terms, upstream, setting, room, statistics)
    closed = chain
    if inserted is not None:
        with_names, result, inner_trail = inserted
        before = to_expr(with_names)
        steps.append(Step("insert", before, "the derivatives upstream are put in", before=chain))
        steps += _record(before, inner_trail)
        closed = to_expr(result)
    used = tuple(dict.fromkeys(functions))
    called = target.derivative(name)
    whole = unrolled(to_terms(closed), called, indices, shape) if name in readers else None
    if whole is not None:
        steps.append(Step("unroll", whole, "the recurrence put into itself, down to the last row", before=closed))
        steps += _record(whole, simplify(to_terms(whole), setting)[1])
    return Adjoint(called, name, loss, indices, shape, chain, closed, tuple(readers), reads, tuple(steps), used)


def _record(before: Expr, trail: tuple[tuple[object, Terms], ...]) -> list[Step]:
    steps = []
    for rule, terms in trail:
        assert isinstance(rule, Rule)
        after = to_expr(terms)
        if after != before:
            steps.append(Step(rule.name, after, rule.reason, before=before))
        before = after
    return steps


def _chain_reason(name: str, readers: list[str]) -> str:
    if not readers:
        return f"nothing on the way to the loss reads {name}"
    return f"{name} is read by " + " and by ".join(readers)


def _insert(
    terms: Terms, upstream: Mapping[str, Adjoint], setting: Setting, room: int, statistics: frozenset[str]
) -> tuple[Terms, Terms, tuple[tuple[object, Terms], ...]] | None:
    """The terms with short upstream derivatives put in and simplified, where that is shorter or within the `room`.

    Those by the `statistics` of an array are put in wherever they then are gone: one formula instead of three.
    """
    read = {base.name for term in terms for base, _ in term.factors if isinstance(base, Ref)}
    short = [a for a in upstream.values() if a.name in read and size(a.closed) <= INSERTABLE]
    own = {a.name: a for a in short if a.name not in names(a.closed)}  # a recurrence stays one
    if statistics and statistics & read <= own.keys():
        one = _put_in(terms, {name: own[name] for name in statistics & read}, setting, 2 * size(to_expr(terms)))
        if one is not None:
            return one
    return _put_in(terms, own, setting, max(size(to_expr(terms)), room))


def _put_in(
    terms: Terms, upstream: Mapping[str, Adjoint], setting: Setting, longest: int
) -> tuple[Terms, Terms, tuple[tuple[object, Terms], ...]] | None:
    """The terms with derivatives put in, the result of simplifying that, and how; None where it is as long as that."""
    opened: list[Term] = []
    for term in terms:
        opened += _open(term, upstream, frozenset(setting.ranges))
    if tuple(opened) == terms:
        return None
    # A sum reads best with a term first that is added.
    opened.sort(key=lambda term: term.coefficient < 0)
    result, trail = simplify(tuple(opened), setting)
    if size(to_expr(result)) >= longest:
        return None
    return tuple(opened), result, trail


def _statistics(program: Program, name: str, target: Target, readers: Iterable[str]) -> frozenset[str]:
    """The derivatives by what sums the array up, as its mean and its variance: fewer indices, and a sum."""
    rank = len(program.shapes[name])
    found = [
        target.derivative(reader)
        for reader in readers
        if reader != target.name
        and len(program.by_name[reader].indices) < rank
        and any(isinstance(node, Reduce) for node in walk(program.by_name[reader].body))
    ]
    return frozenset(found) if len(list(readers)) > 1 else frozenset()


def _open(term: Term, upstream: Mapping[str, Adjoint], free: frozenset[str]) -> list[Term]:
    """The term with every factor dJ/dv[e] replaced by its closed form at e, whose sums take no `free` index."""
    open_terms = [replace(term, factors=(), sums=())]
    bound = term.bound | free
    for base, exponent in term.factors:
        adjoint = upstream.get(base.name) if isinstance(base, Ref) and exponent == 1 else None
        if adjoint is None or not isinstance(base, Ref):
            parts: Terms = (Term(factors=((base, exponent),)),)
        else:
            values = dict(zip(adjoint.indices, base.indices, strict=True))
            parts = tuple(tidy_indices(put(rename_apart(part, bound), values)) for part in to_terms(adjoint.closed))
        open_terms = [multiply(left, part) for left in open_terms for part in parts]
    return [replace(found, sums=term.sums + found.sums) for found in open_terms]
