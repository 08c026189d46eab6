"""Exponentials of sums taken apart, exp(z + c) as exp(z)·exp(c), and what does not count taken out of sums."""

from __future__ import annotations

from collections.abc import Iterator

from backcalc.formula.tree import Add, Call, Expr, Mul, Neg, Reduce, names, rebuild
from backcalc.transform.normal import Normal
from backcalc.transform.proof import ProofStep
from backcalc.transform.quotient import Quotient


def shifts(name: str, side: Expr, form: Quotient, normal: Normal) -> Iterator[ProofStep]:
    """The two steps that bring exp(c) before Σ_k exp(z[k] + c); none where there is nothing to take out.

    What they say is held against the normal form of the side.
    """
    apart = split(side)
    out = pulled(apart)
    if out != apart != side and normal.quotient(out).expr == form.expr == normal.quotient(apart).expr:
        yield ProofStep("exponentials", f"on the {name} side, the exponential of a sum is a product", side, apart)
        yield ProofStep("take out", "what does not depend on the index goes before the sum", apart, out)


def split(expr: Expr) -> Expr:
    """Every exponential of a sum as a product of exponentials.

    >>> from backcalc.formula.print_text import to_text
    >>> from backcalc.formula.read import read_expression
    >>> to_text(pulled(split(read_expression("sum(k=1..3, exp(z[k] - c))"))))
    'exp(-c)*sum(k=1..3, exp(z[k]))'
    """
    changed = rebuild(expr, split)
    match changed:
        case Call("exp", (Add(terms),)):
            return Mul(tuple(Call("exp", (term,)) for term in terms))
        case Mul(factors) if any(isinstance(factor, Mul) for factor in factors):
            return Mul(
                tuple(f for factor in factors for f in (factor.factors if isinstance(factor, Mul) else [factor]))
            )
        case _:
            return changed


def pulled(expr: Expr) -> Expr:
    """Factors without the index of a sum before it."""
    changed = rebuild(expr, pulled)
    match changed:
        case Reduce("sum", index, lower, upper, exclude, Mul(factors)):
            outside = tuple(factor for factor in factors if index not in names(factor))
            inside = tuple(factor for factor in factors if index in names(factor))
            if not outside or not inside:
                return changed
            body = Mul(inside) if len(inside) > 1 else inside[0]
            return Mul((*outside, Reduce("sum", index, lower, upper, exclude, body)))
        case Neg(Mul((first, *rest))):
            return Mul((Neg(first), *rest))
        case _:
            return changed
