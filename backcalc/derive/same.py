"""Whether two formulas of one derivation are the same: their difference, written out, simplifies to 0.

`key` compares how formulas are put together; here names are opened by their definitions, derivatives by their formulas,
products are multiplied out and roots brought together, so that `Σ (p - t)·x` and `Σ p·x - Σ t·x` are one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from backcalc.derive.adjoint import Adjoint
from backcalc.derive.facts import centred, shares, worth_naming
from backcalc.derive.rules import simplify
from backcalc.derive.setting import Setting
from backcalc.derive.terms import Term, Terms, all_names, merge, multiply, rename_apart, to_terms
from backcalc.derive.write import distribute, to_expr
from backcalc.formula.program import Equation, Program
from backcalc.formula.tree import ONE, Add, Call, Expr, Neg, Ref, names, num, rebuild, size, substitute, walk

LARGEST = 4_000  # nodes of a formula that is still written out
ROUNDS = 6


def same(left: Expr, right: Expr, program: Program, adjoints: Mapping[str, Adjoint], indices: tuple[str, ...]) -> bool:
    """Whether two formulas with the free `indices` agree for every value; False means not shown.

    >>> from backcalc.formula.infer import build_program
    >>> from backcalc.formula.read import read_expression
    >>> program = build_program([], {"p": (Ref("N"),), "t": (Ref("N"),)}, {"N": None})
    >>> left, right = "sum(n=1..N, p[n] - t[n])", "sum(n=1..N, p[n]) - sum(m=1..N, t[m])"
    >>> same(read_expression(left), read_expression(right), program, {}, ())
    True
    """
    difference: Expr = Add((left, Neg(right)))
    definitions = _definitions(program, adjoints)
    ranges = {index: (num(1), extent) for index, extent in _ranges(indices, difference, program, adjoints).items()}
    facts = [fact for equation in program.equations if (fact := shares(equation) or centred(equation)) is not None]
    setting = Setting(ranges, frozenset(program.sizes), facts=tuple(facts))
    terms = to_terms(difference)
    for _ in range(ROUNDS):
        terms, _ = simplify(_together(distribute(terms)), setting)
        if not (terms := merge(terms)):
            return True
        opened = _opened(to_expr(terms), definitions)
        if size(opened) > LARGEST:
            return False
        terms = to_terms(opened)
    return False


def _definitions(program: Program, adjoints: Mapping[str, Adjoint]) -> dict[str, Equation]:
    """What a name stands for, where it may be put in: named quantities, means and derivatives, but no recurrences."""
    worth = (e for e in program.equations if worth_naming(e, program.padded, program.shapes) or centred(e) is not None)
    found = {equation.name: equation for equation in worth}
    found |= {adjoint.name: adjoint.equation for adjoint in adjoints.values()}
    return {name: equation for name, equation in found.items() if name not in names(equation.body)}


def _opened(expr: Expr, definitions: Mapping[str, Equation]) -> Expr:
    """The expression with every defined name replaced once, what stands inside functions included."""
    if isinstance(expr, Ref) and (equation := definitions.get(expr.name)) is not None:
        return substitute(equation.body, dict(zip(equation.indices, expr.indices, strict=True)))
    expr = rebuild(expr, lambda part: _opened(part, definitions))
    match expr:
        case Call("sigmoid", (Neg(u),)):
            return Add((ONE, Neg(Call("sigmoid", (u,)))))
        case Call("tanh", (Neg(u),)):
            return Neg(Call("tanh", (u,)))
        case _:
            return expr


def _together(terms: Terms) -> Terms:
    """Fractional powers as roots, u^(-3/2) as 1/√u³, and powers of one sum as products of sums."""
    found = []
    for term in terms:
        free = all_names(term)
        plain = Term(term.coefficient, (), term.brackets)
        for base, exponent in term.factors:
            inner = to_terms(base)
            if len(inner) == 1 and inner[0].sums and exponent.denominator == 1 and 2 <= exponent <= 4:
                for _ in range(exponent.numerator):
                    plain = multiply(plain, rename_apart(inner[0], free | all_names(plain)))
                continue
            if exponent.denominator == 2:
                base, exponent = Call("sqrt", (base,)), 2 * exponent
            plain = multiply(plain, Term(factors=((base, Fraction(exponent)),)))
        found.append(replace(plain, sums=term.sums + plain.sums))
    return tuple(found)


def _ranges(indices: tuple[str, ...], expr: Expr, program: Program, adjoints: Mapping[str, Adjoint]) -> dict[str, Expr]:
    """How far the free indices run, read off the arrays that they stand in by themselves."""
    shapes = {**program.shapes, **{adjoint.name: adjoint.shape for adjoint in adjoints.values()}}
    found: dict[str, Expr] = {}
    for part in walk(expr):
        if isinstance(part, Ref) and part.name in shapes:
            for index, extent in zip(part.indices, shapes[part.name], strict=False):
                if isinstance(index, Ref) and index.name in indices:
                    found.setdefault(index.name, extent)
    return found
