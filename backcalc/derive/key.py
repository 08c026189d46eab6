"""Equality of expressions up to what does not matter: the names of bound indices, the order of terms and factors."""

from __future__ import annotations

from backcalc.formula.affine import linear
from backcalc.formula.tree import Add, Call, Compare, Div, Expr, Mul, Neg, Num, Pow, Reduce, Ref, Table


def key(expr: Expr, bound: tuple[str, ...] = ()) -> str:
    """A text that is equal for expressions that differ only in bound names and the order of terms and factors.

    >>> from backcalc.formula.read import read_expression
    >>> key(read_expression("sum(i, a[i]*b)")) == key(read_expression("sum(k, b*a[k])"))
    True
    """
    match expr:
        case Num(value):
            return str(value)
        case Ref(name, ()):
            return f"#{len(bound) - 1 - bound[::-1].index(name)}" if name in bound else name
        case Ref(name, indices):
            return f"{name}[{','.join(index_key(index, bound) for index in indices)}]"
        case Add(terms):
            return "(" + "+".join(sorted(key(term, bound) for term in terms)) + ")"
        case Mul(factors):
            return "(" + "*".join(sorted(key(factor, bound) for factor in factors)) + ")"
        case Neg(operand):
            return f"-{key(operand, bound)}"
        case Div(numerator, denominator):
            return f"({key(numerator, bound)}/{key(denominator, bound)})"
        case Pow(base, exponent):
            return f"({key(base, bound)}^{key(exponent, bound)})"
        case Call(function, arguments):
            return f"{function}({','.join(key(argument, bound) for argument in arguments)})"
        case Compare(operators, operands):
            shown = [index_key(operand, bound) for operand in operands]
            if operators == ("==",):
                shown.sort()
            return "[" + shown[0] + "".join(f"{op}{part}" for op, part in zip(operators, shown[1:], strict=True)) + "]"
        case Reduce(operation, index, lower, upper, exclude, body):
            edges = [index_key(part, bound) if part is not None else "" for part in (lower, upper, exclude)]
            return f"{operation}({';'.join(edges)};{key(body, (*bound, index))})"
        case Table(items):
            return "[" + ",".join(key(item, bound) for item in items) + "]"


def index_key(expr: Expr, bound: tuple[str, ...]) -> str:
    form = linear(expr)
    parts = sorted(f"{coefficient}·{key(atom, bound)}" for atom, coefficient in form.coefficients.items())
    return "+".join([*parts, str(form.constant)]) if form.constant or not parts else "+".join(parts)
