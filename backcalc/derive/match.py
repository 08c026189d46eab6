"""Patterns: whether an expression is a definition with its indices put in, and which."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from backcalc.derive.key import key
from backcalc.formula.affine import Linear, linear
from backcalc.formula.tree import Call, Compare, Expr, Num, Reduce, Ref, children, names, substitute, walk

Binding = Mapping[str, Expr]


def match(pattern: Expr, expr: Expr, variables: frozenset[str], binding: Binding) -> Binding | None:
    """The values of the index `variables` that make `pattern` the same as `expr`, or None.

    >>> from backcalc.formula.read import read_expression
    >>> found = match(read_expression("exp(z[i])"), read_expression("exp(z[3])"), frozenset({"i"}), {})
    >>> dict(found or {})
    {'i': Num(value=Fraction(3, 1))}
    """
    match pattern:
        case Ref(name, ()) if name in variables:
            if name in binding:
                return binding if key(binding[name]) == key(expr) else None
            return {**binding, name: expr} if _is_place(expr) else None
        case Ref(name, indices) if indices:
            if not isinstance(expr, Ref) or expr.name != name or len(expr.indices) != len(indices):
                return None
            return _match_places(list(zip(indices, expr.indices, strict=True)), variables, binding)
        case Reduce():
            if not isinstance(expr, Reduce) or expr.operation != pattern.operation:
                return None
            if [part is None for part in _edges(expr)] != [part is None for part in _edges(pattern)]:
                return None
            body = substitute(expr.body, {expr.index: Ref(f"{pattern.index}'")})
            inner = substitute(pattern.body, {pattern.index: Ref(f"{pattern.index}'")})
            pairs = [
                (a, b) for a, b in zip(_edges(pattern), _edges(expr), strict=True) if a is not None and b is not None
            ]
            pairs.append((inner, body))
        case _:
            if type(pattern) is not type(expr) or _head(pattern) != _head(expr):
                return None
            if len(children(pattern)) != len(children(expr)):
                return None
            pairs = list(zip(children(pattern), children(expr), strict=True))
    found: Binding | None = binding
    for left, right in pairs:
        if found is None:
            return None
        found = match_parts(left, right, variables, found)
    return found


def _match_places(pairs: list[tuple[Expr, Expr]], variables: frozenset[str], binding: Binding) -> Binding | None:
    """The indices of a read: where one is shifted, as in `h[t-1]`, the variable is solved for."""
    found: Binding | None = binding
    for pattern, expr in pairs:
        if found is None:
            return None
        form = linear(pattern)
        free = [atom for atom in form.coefficients if isinstance(atom, Ref) and atom.name in variables]
        if isinstance(pattern, Ref) or len(free) != 1 or abs(form.coefficients[free[0]]) != 1 or not _is_place(expr):
            found = match_parts(pattern, expr, variables, found)
            continue
        value = (linear(expr) - form.without(free[0])) * form.coefficients[free[0]]
        name = free[0].name
        if name in found and (value - linear(found[name])) != Linear({}, Fraction(0)):
            return None
        found = {**found, name: found.get(name, value.expr())}
    return found


def match_parts(left: Expr, right: Expr, variables: frozenset[str], binding: Binding) -> Binding | None:
    """Like `match`, but parts without a variable need only be equal up to bound names and order."""
    if not (names(left) & variables):
        return binding if key(left) == key(right) else None
    return match(left, right, variables, binding)


def _edges(expr: Reduce) -> tuple[Expr | None, Expr | None, Expr | None]:
    return expr.lower, expr.upper, expr.exclude


def _is_place(expr: Expr) -> bool:
    """Whether an expression can stand in an index: no function, no array."""
    return not any(
        isinstance(node, (Reduce, Compare)) or (isinstance(node, Ref) and node.indices) for node in walk(expr)
    )


def _head(expr: Expr) -> object:
    match expr:
        case Num(value):
            return value
        case Ref(name, _):
            return name
        case Call(function, _):
            return function
        case Compare(operators, _):
            return operators
        case _:
            return None
