"""One entry of a matrix form as an index formula, and the proof that it is the formula it was read from."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import permutations

from backcalc.derive.key import key
from backcalc.derive.matrix import (
    Apply,
    Diagonal,
    DiagonalMatrix,
    Einsum,
    Elementwise,
    Full,
    Identity,
    Mask,
    Named,
    Node,
    Ones,
    Power,
    Product,
    RowReduce,
    Scalar,
    Scale,
    Softmax,
    SquaredNorm,
    Sum,
    Trace,
    Transpose,
    Unit,
)
from backcalc.derive.matrix_algebra import parts, product
from backcalc.derive.matrix_shape import same
from backcalc.derive.terms import Term, inside, merge, put, single, term_key, to_terms
from backcalc.derive.write import distribute, term_expr
from backcalc.formula.tree import (
    ONE,
    ZERO,
    Add,
    Call,
    Compare,
    Div,
    Expr,
    Mul,
    Neg,
    Num,
    Pow,
    Reduce,
    Ref,
    fresh_name,
    names,
    num,
    rebuild,
    substitute,
)

MOST_TERMS = 40  # of one product that is multiplied out
FEW_SUMS = 4  # whose orders are all tried


def entry(node: Node, *places: Expr) -> Expr:
    """The entry at `places` (row and column of a matrix, row and 1 of a column) as an index formula.

    >>> from backcalc.formula.print_text import to_text
    >>> A, B = Named("A", (Ref("N"), Ref("K"))), Named("B", (Ref("M"), Ref("K")))
    >>> to_text(entry(Product((A, Transpose(B))), Ref("i"), Ref("j")))
    'sum(k=1..K, A[i,k]*B[j,k])'
    """
    mentioned = frozenset().union(*(names(place) for place in places))
    return _entry(node, places, mentioned | _mentioned(node))


def equal(node: Node, formula: Expr, indices: tuple[str, ...]) -> bool:
    """Whether a matrix form is proved to be an index formula: both have the same normal form.

    >>> from backcalc.formula.read import read_expression
    >>> delta, x = Named("d", (Ref("N"), Ref("M"))), Named("x", (Ref("N"), Ref("K")))
    >>> formula = read_expression("sum(n=1..N, d[n,j]*x[n,k])")
    >>> equal(Product((Transpose(delta), x)), formula, ("j", "k"))
    True
    >>> equal(Product((Transpose(x), delta)), formula, ("j", "k"))
    False
    """
    places: tuple[Expr, ...] = tuple(Ref(index) for index in indices) + (ONE,) * (2 - len(indices))
    return normal(Add((entry(node, *places), Neg(formula)))) == ZERO


def normal(expr: Expr) -> Expr:
    """The expression multiplied out, like terms added up, in an order that does not depend on how it was written."""
    if isinstance(expr, Div):
        return normal(Mul((expr.numerator, _inverse(expr.denominator))))
    if isinstance(expr, Reduce) and expr.operation == "mean" and expr.lower == ONE and expr.upper is not None:
        return normal(Mul((replace(expr, operation="sum"), _inverse(expr.upper))))
    inner = expr if isinstance(expr, Ref) else rebuild(expr, normal)
    if isinstance(inner, Compare) and inner.operators == ("==",):  # [i = j] is [j = i]
        inner = Compare(inner.operators, tuple(sorted(inner.operands, key=key)))
    if isinstance(inner, Pow):
        inner = _parted(inner)
    opened = distribute(to_terms(inner), limit=MOST_TERMS)
    terms = merge(tuple(_ordered(_monic(_without_idle_sums(term))) for term in opened))
    if not terms:
        return ZERO
    ordered = [_written(term) for term in sorted(terms, key=lambda term: (term_key(term), term.coefficient))]
    return ordered[0] if len(ordered) == 1 else Add(tuple(ordered))


def _parted(power: Pow) -> Expr:
    """(a·Σ_k b[k])^n as a^n·(Σ_k b[k])^n: what stands before a sum has the power of its own."""
    term = single(power.base)
    if term is None or not term.sums or not isinstance(power.exponent, Num) or power.exponent.value.denominator != 1:
        return power
    front = tuple(factor for factor in term.factors if not names(factor[0]) & term.bound)
    kept = power.exponent.value < 0  # 1/[condition] is not [condition]
    conditions = () if kept else tuple(bracket for bracket in term.brackets if not names(bracket) & term.bound)
    outer = term_expr(Term(term.coefficient, front, conditions))
    core = Term(
        factors=tuple(factor for factor in term.factors if factor not in front),
        brackets=tuple(bracket for bracket in term.brackets if bracket not in conditions),
        sums=term.sums,
    )
    return Mul((Pow(outer, power.exponent), Pow(term_expr(core), power.exponent)))


def _inverse(expr: Expr) -> Expr:
    """1/expr factor by factor, so that a power below the line is not multiplied out."""
    match expr:
        case Mul(factors):
            return Mul(tuple(_inverse(factor) for factor in factors))
        case Div(numerator, denominator):
            return Mul((denominator, _inverse(numerator)))
        case Pow(base, Num(exponent)):
            return Pow(base, num(-exponent))
        case _:
            return Pow(expr, num(-1))


def _ordered(term: Term) -> Term:
    """The term with many sums in an order that does not depend on their names: by the factors that read each index,
    and by those that read the indices of these, and so on."""
    if len(term.sums) <= FEW_SUMS:
        return term
    ranks = dict.fromkeys((bound.index for bound in term.sums), 0)
    for _ in term.sums:
        seen: dict[str, str] = {}
        for index in ranks:
            values: dict[str, Expr] = {other: Ref(f"@{rank}") for other, rank in ranks.items()}
            values[index] = Ref("@")
            readers = [
                (base, e) for base, e in (*term.factors, *((b, 1) for b in term.brackets)) if index in names(base)
            ]
            seen[index] = f"{ranks[index]}" + "".join(sorted(f"{key(substitute(b, values))}^{e}" for b, e in readers))
        found = sorted(set(seen.values()))
        ranks = {index: found.index(text) for index, text in seen.items()}
    return replace(term, sums=tuple(sorted(term.sums, key=lambda bound: ranks[bound.index])))


def _written(term: Term) -> Expr:
    """The term with its sums in an order that does not depend on their names; as they are, where they are many."""
    if not 2 <= len(term.sums) <= FEW_SUMS:
        return term_expr(term)
    return min((term_expr(replace(term, sums=order)) for order in permutations(term.sums)), key=key)


def _without_idle_sums(term: Term) -> Term:
    """The term without its sums over one value or over nothing: Σ_{k=1..1} a[k] is a[1], Σ_{k=1..N} a is N·a."""
    for bound in term.sums:
        rest = replace(term, sums=tuple(other for other in term.sums if other is not bound))
        if same(bound.lower, bound.upper):
            return _without_idle_sums(put(rest, {bound.index: bound.lower}))
        if bound.lower == ONE and not rest.mentions(bound.index):
            return _without_idle_sums(inside(rest, Term(factors=((bound.upper, Fraction(1)),))))
    return term


def _monic(term: Term) -> Term:
    """The term with sums below the line brought to one leading coefficient: 1/(2·v + 2·c) is 1/2·1/(v + c)."""
    coefficient, factors = term.coefficient, []
    for base, exponent in term.factors:
        if isinstance(base, Add) and exponent < 0 and exponent.denominator == 1:
            inner = merge(to_terms(base))
            lead = min(inner, key=term_key).coefficient
            coefficient *= lead**exponent.numerator
            base = normal(Add(tuple(term_expr(replace(part, coefficient=part.coefficient / lead)) for part in inner)))
        factors.append((base, exponent))
    return replace(term, coefficient=coefficient, factors=tuple(factors))


def _mentioned(node: Node) -> frozenset[str]:
    """Every name that stands in a node: arrays, numbers and sizes."""
    own = frozenset().union(*(names(size) for size in node.shape))
    match node:
        case Named(name, _):
            own |= {name}
        case Scalar(value) | Full(value, _) | Unit(_, value):
            own |= names(value)
        case _:
            pass
    return own.union(*(_mentioned(part) for part in parts(node)))


def _entry(node: Node, places: tuple[Expr, ...], taken: frozenset[str]) -> Expr:
    def at(part: Node) -> Expr:
        return _entry(part, places, taken)

    match node:
        case Named(name, sizes):
            return Ref(name, places[: len(sizes)])
        case Scalar(value) | Full(value, _):
            return value
        case Ones():
            return ONE
        case Unit(_, place):
            return Compare(("==",), (places[0], place))
        case Identity():
            return Compare(("==",), places)
        case Transpose(of):
            return _entry(of, places[::-1], taken)
        case Product((DiagonalMatrix(of), *rest)):
            return Mul((_entry(of, (places[0], ONE), taken), at(product(*rest))))
        case Product((*rest, DiagonalMatrix(of))):
            return Mul((at(product(*rest)), _entry(of, (places[1], ONE), taken)))
        case Product((first, *rest)):
            following: Node = rest[0] if len(rest) == 1 else Product(tuple(rest))
            inner, below = _over(first.shape[1], taken)
            left = _entry(first, (places[0], inner), below)
            return _summed(Mul((left, _entry(following, (inner, places[1]), below))), ((inner, first.shape[1]),))
        case RowReduce(operation, of):
            inner, below = _over(of.shape[1], taken)
            body = _entry(of, (places[0], inner), below)
            return Reduce(operation, inner.name, ONE, of.shape[1], None, body) if isinstance(inner, Ref) else body
        case Diagonal(of):
            return _entry(of, (places[0], places[0]), taken)
        case DiagonalMatrix(of):
            return Mul((_entry(of, (places[0], ONE), taken), Compare(("==",), places)))
        case Trace(of):
            inner, below = _over(of.shape[0], taken)
            return _summed(_entry(of, (inner, inner), below), ((inner, of.shape[0]),))
        case SquaredNorm(of):
            axes: list[Expr] = []
            for size in of.shape:
                axis, taken = _over(size, taken)
                axes.append(axis)
            return _summed(Pow(_entry(of, tuple(axes), taken), num(2)), tuple(zip(axes, of.shape, strict=True)))
        case Scale(factor, of):
            return Mul((_entry(factor, (ONE, ONE), taken), at(of)))
        case Sum(terms):
            return Add(tuple(at(term) for term in terms))
        case Elementwise(over, under):
            top: Expr = Mul((ONE, *(at(part) for part in over)))
            return Div(top, Mul((ONE, *(at(part) for part in under)))) if under else top
        case Power(of, exponent):
            return Pow(at(of), num(Fraction(exponent)))
        case Apply(function, arguments):
            return Call(function, tuple(at(argument) for argument in arguments))
        case Mask(operators, operands):
            return Compare(operators, tuple(at(operand) for operand in operands))
        case Softmax(of):
            last = node.axis
            inner, below = _over(of.shape[last], taken)
            along = (*places[:last], inner, *places[last + 1 :])
            total = _summed(Call("exp", (_entry(of, along, below),)), ((inner, of.shape[last]),))
            return Div(Call("exp", (at(of),)), total)
        case Einsum(operands, result):
            return _einsum(node, operands, dict(zip(result, places, strict=False)), taken)
        case _:
            raise AssertionError(node)


def _einsum(
    node: Einsum, operands: tuple[tuple[Node, tuple[str, ...]], ...], values: dict[str, Expr], taken: frozenset[str]
) -> Expr:
    sums: list[tuple[Expr, Expr]] = []
    for label, size in node.extents.items():
        if label not in values:
            values[label], taken = _over(size, taken)
            sums.append((values[label], size))
    factors = []
    for operand, labels in operands:
        places = tuple(values[label] for label in labels)
        factors.append(_entry(operand, places + (ONE,) * (2 - len(places)), taken))
    return _summed(Mul((ONE, *factors)), tuple(sums))


def _over(size: Expr, taken: frozenset[str]) -> tuple[Expr, frozenset[str]]:
    """An index for an axis that is summed over, 1 where that has one entry; and the names that are taken then."""
    if same(size, ONE):
        return ONE, taken
    name = fresh_name("k", taken)
    return Ref(name), taken | {name}


def _summed(body: Expr, sums: tuple[tuple[Expr, Expr], ...]) -> Expr:
    for index, size in reversed(sums):
        if isinstance(index, Ref):
            body = Reduce("sum", index.name, ONE, size, None, body)
    return body
