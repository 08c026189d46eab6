"""A claim with its derivatives worked out: links between expressions of leaves alone, and how they came about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice, pairwise

from backcalc.derive.adjoint import Adjoint, Step, differentiate, with_adjoints
from backcalc.derive.partial import NotDifferentiable, Partial, partials
from backcalc.derive.target import derivative_name
from backcalc.formula.print_text import to_text
from backcalc.formula.program import CONSTANTS, Equation, Program
from backcalc.formula.tree import (
    ONE,
    ZERO,
    Add,
    Call,
    Compare,
    Expr,
    Mul,
    Reduce,
    Ref,
    names,
    rebuild,
    size,
    substitute,
    walk,
)
from backcalc.transform.claim import Assumptions, Claim, ClaimError, free_indices
from backcalc.transform.lemmas import ELEMENTARY

MOST_NODES = 20_000
LONGEST_RULE = 1_200  # nodes of a derivative as it comes, up to which it is simplified step by step
MOST_PARTS = 400
MOST_SUMS = 6

Definitions = Mapping[str, tuple[tuple[str, ...], Expr]]


@dataclass(frozen=True, slots=True)
class Derivative:
    """A derivative that stands in the claim, `of`, worked out in `steps`; `body` is the function that has that name.

    `closed` is the result in leaves alone, `function_at` the function at the indices asked for; `functions` are those
    whose derivatives were used.
    """

    function: str
    body: Expr
    of: Call
    steps: tuple[Step, ...]
    value: Expr
    closed: Expr = ZERO
    function_at: Expr = ZERO
    functions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """One equality of the chain: as written, and in leaves alone."""

    written: tuple[Expr, Expr]
    left: Expr
    right: Expr
    derivatives: tuple[Derivative, ...]


@dataclass(frozen=True)
class Question:
    """What is to be decided: the links, the ranges of their free indices, and the arrays, sizes and names in them.

    `shapes` are those of the leaves; `whole` are the leaves that stand in an index and so are whole numbers.
    """

    links: tuple[Link, ...]
    ranges: Mapping[str, Expr]
    shapes: Mapping[str, tuple[Expr, ...]]
    sizes: tuple[str, ...]
    whole: frozenset[str]
    given: Assumptions


def question(claim: Claim) -> Question:
    """Works out the derivatives of a claim and puts them in. Raises ClaimError."""
    program = claim.program
    definitions: dict[str, tuple[tuple[str, ...], Expr]] = {}
    derivatives: dict[str, tuple[Derivative, ...]] = {}
    done = program.part(())
    for equation in program.equations:
        found: dict[Expr, Derivative] = {}
        body = equation.body
        for node in [node for node in walk(body) if isinstance(node, Call) and node.function == "diff"]:
            if node not in found:
                found[node], done = _derivative(done, node, definitions)
        body = _put(body, {node: derivative.value for node, derivative in found.items()})
        closed = [_in_leaves(each, definitions) for each in found.values()]
        derivatives[equation.name] = tuple(closed)
        definitions[equation.name] = (equation.indices, body)
        done = done.part((*done.equations, Equation(equation.name, equation.indices, body)))
    sides, ranges = _aligned(claim, {label: _inlined(definitions[label][1], definitions) for label in claim.sides})
    put = dict(claim.given.equal)
    links = []
    for count, (left, right) in enumerate(pairwise(claim.sides)):
        needed = [*_all(left, derivatives, claim), *_all(right, derivatives, claim)]
        worked = {derivative.of: derivative for derivative in needed}
        pair = (substitute(sides[left], put), substitute(sides[right], put))
        links.append(Link((claim.written[count], claim.written[count + 1]), *pair, tuple(worked.values())))
    facts = tuple((fact, value) for fact, value in claim.given.facts)
    comparisons = tuple(_compared(each, put) for each in claim.given.comparisons)
    given = Assumptions(comparisons, facts, claim.given.equal, claim.given.shapes)
    used = frozenset().union(*(names(side) for link in links for side in (link.left, link.right)))
    shapes = {
        name: program.shapes[name]
        for name in program.leaves
        if name in used and name not in CONSTANTS and name not in ranges and name not in program.sizes
    }
    for comparison in comparisons:
        if any(isinstance(side, Ref) and side.name in ranges for side in comparison.operands):
            raise ClaimError("an assumption is about numbers and arrays, not about an index: that is any place")
        known = {*shapes, *ranges, *program.sizes, *CONSTANTS, *free_indices(comparison)}
        for read in (node for node in walk(comparison) if isinstance(node, Ref) and not node.indices):
            if read.name not in known:
                shapes[read.name] = program.shapes.get(read.name, ())
    return Question(tuple(links), ranges, shapes, tuple(program.sizes), program.index_names, given)


def _compared(comparison: Compare, put: Mapping[str, Expr]) -> Compare:
    changed = substitute(comparison, put)
    assert isinstance(changed, Compare)
    return changed


def _all(label: str, derivatives: Mapping[str, tuple[Derivative, ...]], claim: Claim) -> list[Derivative]:
    """The derivatives that a side hangs on, the innermost first."""
    found: list[Derivative] = []
    for derivative in derivatives[label]:
        found += [inner for inner in _all(derivative.function, derivatives, claim) if inner not in found]
        found.append(derivative)
    return found


def _derivative(
    program: Program, node: Call, definitions: dict[str, tuple[tuple[str, ...], Expr]]
) -> tuple[Derivative, Program]:
    """One `diff(f, x)` by reverse mode, and the program with it; the derivatives on the way are defined too."""
    above, below = node.arguments
    assert isinstance(above, Ref) and isinstance(below, Ref)
    if below.name in program.index_names or below.name in program.sizes:
        raise ClaimError(f"`{below.name}` counts something, and nothing is differentiated by it")
    body = _inlined(definitions[above.name][1], definitions)
    try:
        parts = list(islice(partials(body, below.name), MOST_PARTS))
        sums = sum(isinstance(factor, Reduce) for factor in walk(body))
        if sums > MOST_SUMS or sum(size(factor) for part in parts for factor in part.factors) > LONGEST_RULE:
            return _at_once(program, node, body, parts)
        adjoints = differentiate(program, above.name, (), {below.name})
    except NotDifferentiable as error:
        raise ClaimError(str(error)) from None
    for adjoint in adjoints:
        definitions[adjoint.name] = (adjoint.indices, adjoint.closed)
    program = with_adjoints(program, [adjoint for adjoint in adjoints if adjoint.name not in program.by_name])
    found = next((adjoint for adjoint in adjoints if adjoint.of == below.name), None)
    if found is None:
        direct = _direct(above, below)
        reason = f"{below.name} does not stand in it" if direct == ZERO else "an array by one of its elements"
        return Derivative(above.name, body, node, (Step("differentiate", direct, reason),), direct), program
    value = Ref(derivative_name(above.name, below.name), above.indices + below.indices)
    told = _told(found, above.indices + below.indices)
    return Derivative(above.name, body, node, told, value, functions=found.functions), program


def _in_leaves(derivative: Derivative, definitions: Definitions) -> Derivative:
    closed = _inlined(derivative.value, definitions)
    return replace(derivative, closed=closed, function_at=_inlined(derivative.of.arguments[0], definitions))


def _at_once(program: Program, node: Call, body: Expr, parts: list[Partial]) -> tuple[Derivative, Program]:
    """A long function of a number, differentiated term by term and left as it comes: the normal form does the rest."""
    above, below = node.arguments
    assert isinstance(above, Ref) and isinstance(below, Ref)
    if len(parts) == MOST_PARTS or above.indices or below.indices or any(part.sums for part in parts):
        raise ClaimError(f"the derivative of `{to_text(body)[:60]} …` is too long to be derived here")
    terms = tuple(Mul(part.factors) if len(part.factors) > 1 else (*part.factors, ONE)[0] for part in parts)
    value = Add(terms) if len(terms) > 1 else terms[0]
    step = Step("differentiate", value, "sums, products and the chain rule, term by term")
    return Derivative(above.name, body, node, (step,), value), program


def _told(adjoint: Adjoint, places: tuple[Expr, ...]) -> tuple[Step, ...]:
    """The steps of a derivative, at the indices that the claim asks for."""
    here = dict(zip(adjoint.indices, places, strict=True))
    if adjoint.functions:
        many, known = "s" * (len(adjoint.functions) > 1), all(name in ELEMENTARY for name in adjoint.functions)
        reason = f"the derivative{many} of {', '.join(adjoint.functions)}{' by the table' * known}, and the chain rule"
    else:
        reason = "sums, products, quotients and powers, term by term"
    first = Step("differentiate", adjoint.steps[0].after, reason)
    steps = (first, *adjoint.steps[1:])
    if steps[-1].rule == "fold":
        steps = steps[:-1]  # to call the function by its name again is of no use in a proof
    return tuple(Step(step.rule, substitute(step.after, here), step.reason) for step in steps)


def _direct(above: Ref, below: Ref) -> Expr:
    if above.name != below.name:
        return ZERO
    deltas = [Compare(("==",), pair) for pair in zip(above.indices, below.indices, strict=True)]
    return ONE if not deltas else deltas[0] if len(deltas) == 1 else Mul(tuple(deltas))


def _put(expr: Expr, values: Mapping[Expr, Expr]) -> Expr:
    return values[expr] if expr in values else rebuild(expr, lambda part: _put(part, values))


def _inlined(expr: Expr, definitions: Definitions) -> Expr:
    """The expression in leaves alone. Raises ClaimError where that is too long."""

    def put(part: Expr) -> Expr:
        if isinstance(part, Ref) and part.name in definitions:
            indices, body = definitions[part.name]
            inner = _inlined(body, definitions)
            return substitute(inner, dict(zip(indices, part.indices, strict=True)))
        return rebuild(part, put)

    found = put(expr)
    if size(found) > MOST_NODES:
        raise ClaimError("the derivatives in the claim are too long to be written out")
    return found


def _aligned(claim: Claim, sides: Mapping[str, Expr]) -> tuple[dict[str, Expr], dict[str, Expr]]:
    """The sides with the same names for the same free indices, and the ranges of these."""
    ranges: dict[str, Expr] = {}
    result: dict[str, Expr] = {}
    whole: tuple[str, ...] | None = None
    for label, written in zip(claim.sides, claim.written, strict=True):
        inside = free_indices(written)  # an index takes its range from where it stands in an array
        for index, extent in zip(claim.program.by_name[label].indices, claim.program.shapes[label], strict=True):
            if index in inside:
                ranges.setdefault(index, extent)
    for label, written in zip(claim.sides, claim.written, strict=True):
        indices, body = claim.program.by_name[label].indices, sides[label]
        first = whole or next((tuple(ranges) for _ in [0] if len(ranges) == len(indices)), None)
        if indices and not any(isinstance(node, Ref) and node.indices for node in walk(written)):
            whole = first or indices  # written over whole arrays: its indices are named as elsewhere
            body = substitute(body, dict(zip(indices, map(Ref, whole), strict=True)))
            indices = whole
        result[label] = body
        for index, extent in zip(indices, claim.program.shapes[label], strict=True):
            ranges.setdefault(index, extent)
    return result, ranges
