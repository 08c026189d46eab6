"""`diff(f, x)` in an equation: the derivative is derived, and read under its name.

`s = sum(k, diff(J, w[k])*v[k])` becomes `s = sum(k, dJ/dw[k]*v[k])` behind the equations of the derivatives of J, so
that the engine can run on its own output: a Hessian-vector product is the gradient of s.
"""

from __future__ import annotations

from dataclasses import replace

from backcalc.derive.adjoint import differentiate, with_adjoints
from backcalc.derive.target import derivative_name
from backcalc.formula.program import Equation, Program
from backcalc.formula.tree import ONE, ZERO, Call, Compare, Expr, Mul, Ref, rebuild, walk


def with_derivatives(program: Program) -> Program:
    """The program with every `diff(f, x)` put in as a derivative of its own; the same program where there is none."""
    for equation in program.equations:
        wanted = [node for node in walk(equation.body) if isinstance(node, Call) and node.function == "diff"]
        if wanted:
            return with_derivatives(_expanded(program, equation, wanted[0]))
    return program


def _expanded(program: Program, equation: Equation, derivative: Call) -> Program:
    """The program with one derivative put in, and the equations that compute it before."""
    above, below = derivative.arguments
    assert isinstance(above, Ref) and isinstance(below, Ref)
    place = program.equations.index(equation)
    head, tail = program.part(program.equations[:place]), program.equations[place:]
    name = derivative_name(above.name, below.name)
    if name not in program.shapes:
        adjoints = [*differentiate(head, above.name, (), {below.name})]
        head = with_adjoints(head, adjoints)
    value: Expr = Ref(name, above.indices + below.indices) if name in head.shapes else _direct(above, below)
    body = _put(equation.body, derivative, value)
    return head.part((*head.equations, replace(equation, body=body), *tail[1:]))


def _direct(above: Ref, below: Ref) -> Expr:
    """The derivative of what does not depend on `below`, which is 0, and of an array by itself."""
    if above.name != below.name:
        return ZERO
    deltas = [Compare(("==",), pair) for pair in zip(above.indices, below.indices, strict=True)]
    return ONE if not deltas else deltas[0] if len(deltas) == 1 else Mul(tuple(deltas))


def _put(expr: Expr, derivative: Call, value: Expr) -> Expr:
    return value if expr == derivative else rebuild(expr, lambda part: _put(part, derivative, value))
