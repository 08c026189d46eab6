"""Reverse mode on equations, by one rule.

Each read `u[e(o,s)]` in the body of `v[o]` sends to the adjoint of u

    dJ/du[a]  +=  Σ_{o,s} dJ/dv[o] · ∂v[o]/∂read · Π_k [a_k = e_k]

and the deltas are solved for summed indices. Shared weights, transposes, broadcasting and convolutions need no rule of
their own: several reads add up.

Source: the adjoint accumulation of A. Griewank, A. Walther, *Evaluating Derivatives*, 2nd ed., SIAM 2008, ch. 3.2,
written for indexed equations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from backcalc.derive.facts import Fact, centred, shares, worth_naming
from backcalc.derive.partial import Partial, partials
from backcalc.derive.rules import Rule, simplify
from backcalc.derive.setting import Setting
from backcalc.derive.terms import Bound, Term, Terms, multiply, put, rename_apart, single, to_terms
from backcalc.derive.write import to_expr
from backcalc.formula.program import Equation, Program
from backcalc.formula.tree import (
    ONE,
    Add,
    Call,
    Compare,
    Expr,
    Mul,
    Reduce,
    Ref,
    Table,
    fresh_name,
    names,
    num,
    size,
    substitute,
)

INSERTABLE = 30  # nodes: a longer upstream derivative is never put in for its name


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

    `chain` names the derivatives upstream, `closed` has them put in where that is shorter; `readers` are the equations
    that read the array, `reads` how often they do, `functions` those whose derivative was used.
    """

    of: str
    loss: str
    indices: tuple[str, ...]
    chain: Expr
    closed: Expr
    readers: tuple[str, ...]
    reads: int
    steps: tuple[Step, ...]
    functions: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """`dJ/dz`."""
        return derivative_name(self.loss, self.of)

    @property
    def equation(self) -> Equation:
        """The adjoint as an equation of the language."""
        return Equation(self.name, self.indices, self.closed)


def derivative_name(loss: str, of: str) -> str:
    """The one name of a derivative.

    >>> derivative_name("J", "w1")
    'dJ/dw1'
    """
    return f"d{loss}/d{of}"


def differentiate(program: Program, loss: str, stated: tuple[Fact, ...] = ()) -> tuple[Adjoint, ...]:
    """The derivative of the scalar `loss` with respect to every array that it depends on, from the loss backwards.

    Intermediates come in reverse order, then the leaves in the order they are declared, but for those that stand in an
    index, as the class in `y[t]`: they are whole numbers and have no derivative. `stated` are facts about
    leaves, such as that given targets sum to 1.
    Raises NotDifferentiable where a reader has no derivative rule.
    """
    setting_parts = _named(program, stated)
    reaching = _reaching(program, loss)
    found: dict[str, Adjoint] = {}
    intermediates = [equation.name for equation in reversed(program.equations) if equation.name in reaching]
    leaves = [name for name in program.leaves if name in reaching and name not in program.index_names]
    for name in [*intermediates, *leaves]:
        if name != loss:
            found[name] = _adjoint(program, loss, name, found, setting_parts)
    return tuple(found.values())


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
            waiting.extend(ref.name for ref in equation.reads() if ref.name in program.shapes)
    return frozenset(seen)


def _named(program: Program, stated: tuple[Fact, ...]) -> Setting:
    """What the simplifier may know about this program, without the ranges of one derivative."""
    named = tuple(equation for equation in reversed(program.equations) if worth_naming(equation, program.padded))
    reads = [ref for equation in program.equations for ref in equation.reads()]
    whole = frozenset().union(*(names(index) for ref in reads for index in ref.indices))
    totals = tuple(fact for equation in program.equations if (fact := shares(equation)) is not None)
    means = tuple(mean for equation in program.equations if (mean := centred(equation)) is not None)
    reach: dict[str, tuple[Equation, ...]] = {}
    for equation in named:
        anchor = min((ref.name for ref in equation.reads() if ref.name in program.shapes), default="")
        reach[anchor] = (*reach.get(anchor, ()), equation)
    facts = stated + totals + means
    return Setting({}, frozenset(program.sizes), named, reach, facts, whole)


def _adjoint(program: Program, loss: str, name: str, upstream: Mapping[str, Adjoint], known: Setting) -> Adjoint:
    indices = _index_names(program, name)
    ranges = {
        index: (num(1), extent) for index, extent in zip(indices, program.shapes[name], strict=True)
    }  # every axis counts from 1
    setting = replace(known, ranges=ranges)
    raw: list[Term] = []
    general: list[Expr] = []
    readers: list[str] = []
    reads = 0
    functions: list[str] = []
    for equation in program.readers.get(name, ()):
        if equation.name != loss and equation.name not in upstream:
            continue
        own = _contributions(program, equation, loss, name, indices)
        if own:
            raw.extend(own)
            reads += len(own)
            readers.append(equation.name)
            if equation.name != loss:
                general.append(_chain_rule(program, equation, loss, name, indices))
            functions += [function for part in partials(equation.body, name) for function in part.functions]
    start = to_expr(tuple(raw))
    pattern = None if len(general) < len(readers) else general[0] if len(general) == 1 else Add(tuple(general))
    steps = [Step("chain rule", start, _chain_reason(name, readers), general=pattern)]
    terms, trail = simplify(tuple(raw), setting)
    steps += _record(start, trail)
    chain = to_expr(terms)
    inserted = _insert(terms, loss, upstream, setting)
    closed = chain
    if inserted is not None:
        with_names, result, inner_trail = inserted
        before = to_expr(with_names)
        steps.append(Step("insert", before, "the derivatives upstream are put in", before=chain))
        steps += _record(before, inner_trail)
        closed = to_expr(result)
    used = tuple(dict.fromkeys(functions))
    return Adjoint(name, loss, indices, chain, closed, tuple(readers), reads, tuple(steps), used)


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


def _index_names(program: Program, name: str) -> tuple[str, ...]:
    """The free indices of a derivative: those of its equation, for a leaf those of its first reading."""
    equation = program.by_name.get(name)
    if equation is not None and not isinstance(equation.body, Table):
        return equation.indices
    chosen: list[str] = []
    first = next((ref for e in program.equations for ref in e.reads() if ref.name == name and ref.indices), None)
    for position in range(len(program.shapes[name])):
        index = first.indices[position] if first is not None else None
        plain = index.name if isinstance(index, Ref) and not index.indices else "ijklmn"[position % 6]
        chosen.append(fresh_name(plain, set(chosen) | set(program.shapes) | set(program.sizes)))
    return tuple(chosen)


def _contributions(program: Program, equation: Equation, loss: str, name: str, indices: tuple[str, ...]) -> list[Term]:
    """One term for every read of `name` in the equation, its deltas still standing."""
    if isinstance(equation.body, Table):
        upstream = derivative_name(loss, equation.name)
        return [
            _contribution(part, Ref(upstream, tuple(num(i) for i in place)), [], indices)
            for place, item in table_entries(equation.body)
            for part in partials(item, name)
        ]
    taken = frozenset(indices) | names(equation.body) | frozenset(program.shapes)
    renaming: dict[str, Expr] = {}
    outer: list[Bound] = []
    for index, extent in zip(equation.indices, program.shapes[equation.name], strict=True):
        own = fresh_name(index, taken) if index in indices else index
        taken |= {own}
        renaming[index] = Ref(own)
        outer.append(Bound(own, num(1), extent))
    body = substitute(equation.body, renaming)
    place_refs = tuple(Ref(bound.index) for bound in outer)
    weight: Expr = ONE if equation.name == loss else Ref(derivative_name(loss, equation.name), place_refs)
    return [_contribution(part, weight, outer, indices) for part in partials(body, name)]


def _contribution(part: Partial, weight: Expr, outer: list[Bound], indices: tuple[str, ...]) -> Term:
    """Σ over the equation's own indices and the sums around the read of weight · local derivative · deltas."""
    part = _apart(part, frozenset(indices) | {bound.index for bound in outer})
    deltas = [Compare(("==",), (Ref(index), place)) for index, place in zip(indices, part.read.indices, strict=True)]
    sums = (*outer, *part.sums)
    taken = frozenset(bound.index for bound in sums) | frozenset(indices)
    product = Term(brackets=tuple(deltas))
    for factor in (weight, *part.factors):
        inner = single(factor)
        if inner is None:
            return replace(product, coefficient=product.coefficient * 0)
        product = multiply(product, rename_apart(inner, taken))
    return replace(product, sums=(*sums, *product.sums))


def _apart(part: Partial, taken: frozenset[str]) -> Partial:
    """The partial with its own summed indices renamed away from `taken`."""
    for position, bound in enumerate(part.sums):
        if bound.index not in taken:
            taken |= {bound.index}
            continue
        mentioned = frozenset().union(*(names(factor) for factor in (part.read, *part.factors)))
        own = fresh_name(bound.index, taken | mentioned)
        value: dict[str, Expr] = {bound.index: Ref(own)}
        later = tuple(
            Bound(b.index, substitute(b.lower, value), substitute(b.upper, value)) for b in part.sums[position + 1 :]
        )
        read = substitute(part.read, value)
        assert isinstance(read, Ref)
        part = replace(
            part,
            read=read,
            factors=tuple(substitute(factor, value) for factor in part.factors),
            sums=(*part.sums[:position], replace(bound, index=own), *later),
        )
        taken |= {own}
    return part


def _chain_rule(program: Program, equation: Equation, loss: str, name: str, indices: tuple[str, ...]) -> Expr:
    """Σ_o ∂J/∂v[o] · ∂v[o]/∂u[a], for display."""
    own = tuple(fresh_name(index, set(indices)) for index in equation.indices)
    place = tuple(Ref(index) for index in own)
    local = Call("diff", (Ref(equation.name, place), Ref(name, tuple(Ref(index) for index in indices))))
    if equation.name == loss:
        return local
    product: Expr = Mul((Ref(derivative_name(loss, equation.name), place), local))
    for index, extent in reversed(list(zip(own, program.shapes[equation.name], strict=True))):
        product = Reduce("sum", index, num(1), extent, None, product)
    return product


def table_entries(table: Table, prefix: tuple[int, ...] = ()) -> list[tuple[tuple[int, ...], Expr]]:
    """The entries of a table with their indices from 1."""
    found = []
    for position, item in enumerate(table.items, start=1):
        if isinstance(item, Table):
            found += table_entries(item, (*prefix, position))
        else:
            found.append(((*prefix, position), item))
    return found


def _insert(
    terms: Terms, loss: str, upstream: Mapping[str, Adjoint], setting: Setting
) -> tuple[Terms, Terms, tuple[tuple[object, Terms], ...]] | None:
    """The terms with short upstream derivatives put in and simplified, where that is shorter; else None."""
    read = {base.name for term in terms for base, _ in term.factors if isinstance(base, Ref)}
    own = [upstream[name] for name in (n.removeprefix(f"d{loss}/d") for n in read) if name in upstream]
    short = {adjoint.name: adjoint for adjoint in own if size(adjoint.closed) <= INSERTABLE}
    opened: list[Term] = []
    for term in terms:
        opened += _open(term, short)
    if tuple(opened) == terms:
        return None
    result, trail = simplify(tuple(opened), setting)
    if size(to_expr(result)) >= size(to_expr(terms)):
        return None
    return tuple(opened), result, trail


def _open(term: Term, upstream: Mapping[str, Adjoint]) -> list[Term]:
    """The term with every factor dJ/dv[e] replaced by its closed form at e."""
    open_terms = [replace(term, factors=(), sums=())]
    bound = term.bound
    for base, exponent in term.factors:
        adjoint = upstream.get(base.name) if isinstance(base, Ref) and exponent == 1 else None
        if adjoint is None or not isinstance(base, Ref):
            parts: Terms = (Term(factors=((base, exponent),)),)
        else:
            values = dict(zip(adjoint.indices, base.indices, strict=True))
            parts = tuple(put(rename_apart(part, bound), values) for part in to_terms(adjoint.closed))
        open_terms = [multiply(left, part) for left in open_terms for part in parts]
    return [replace(found, sums=term.sums + found.sums) for found in open_terms]
