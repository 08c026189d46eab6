"""What the engine is held against: an evaluator of the tests' own, differences, and SymPy on the unrolled scalar.

It shares the expression tree and the program with the package, and no line of evaluation or calculus.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from itertools import product
from typing import Any

import mpmath
import sympy

from backcalc.derive import Derivation
from backcalc.derive.arrays import elements
from backcalc.formula.program import Program
from backcalc.formula.tree import Add, Call, Compare, Div, Expr, Mul, Neg, Num, Pow, Reduce, Ref, Table, walk

MP = mpmath.mp.clone()
MP.dps = 60
STEP = MP.mpf(10) ** -20

Place = tuple[int, ...]
Store = dict[str, dict[Place, Any]]

SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


class OnKink(Exception):
    """The point lies where a derivative is a convention."""


def _sigmoid(u: Any) -> Any:
    return 1 / (1 + MP.exp(-u))


def _relu(u: Any) -> Any:
    if abs(u) < 1e-12:
        raise OnKink
    return u if u > 0 else MP.mpf(0)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "exp": MP.exp,
    "log": MP.log,
    "sqrt": MP.sqrt,
    "erf": MP.erf,
    "sin": MP.sin,
    "cos": MP.cos,
    "tanh": MP.tanh,
    "sigmoid": _sigmoid,
    "relu": _relu,
    "abs": abs,
    "sign": MP.sign,
    "scaled_tanh": lambda u: MP.mpf("1.7159") * MP.tanh(2 * u / 3),
    "silu": lambda u: u * _sigmoid(u),
    "gelu": lambda u: u * (1 + MP.erf(u / MP.sqrt(2))) / 2,
    "softplus": lambda u: MP.log(1 + MP.exp(u)),
    "relu6": lambda u: min(max(u, MP.mpf(0)), MP.mpf(6)),
    "leaky_relu": lambda u, slope: u if u > 0 else slope * u,
    "elu": lambda u, alpha: u if u > 0 else alpha * (MP.exp(u) - 1),
    "hard_sigmoid": lambda u: min(max(u + 3, MP.mpf(0)), MP.mpf(6)) / 6,
    "hard_swish": lambda u: u * min(max(u + 3, MP.mpf(0)), MP.mpf(6)) / 6,
}


def _best(values: list[Any], largest: bool) -> int:
    """The first place of the extreme; a near tie between different numbers is a kink."""
    order = sorted(values, reverse=largest)
    if len(order) > 1 and abs(order[0] - order[1]) < 1e-12:
        raise OnKink
    return values.index(order[0])


def whole(expr: Expr, frame: Mapping[str, int], store: Mapping[str, Mapping[Place, Any]]) -> int:
    """An index: integers stay integers as long as they can."""
    match expr:
        case Num(number) if number.denominator == 1:
            return number.numerator
        case Ref(name, ()) if name in frame:
            return frame[name]
        case Add(terms):
            return sum(whole(term, frame, store) for term in terms)
        case Neg(operand):
            return -whole(operand, frame, store)
        case Mul((left, right)):
            return whole(left, frame, store) * whole(right, frame, store)
        case Call("div", (u, n)):
            return whole(u, frame, store) // whole(n, frame, store)
        case Call("mod", (u, n)):
            return whole(u, frame, store) % whole(n, frame, store)
        case Call(("max" | "min") as function, parts):
            return (max if function == "max" else min)(whole(part, frame, store) for part in parts)
    return int(MP.nint(value(expr, frame, store)))


def _order(factor: Expr) -> int:
    """Iverson: behind a bracket that is 0 nothing is read; among brackets those that read nothing come first."""
    if not isinstance(factor, Compare):
        return 2
    return int(any(isinstance(node, Ref) and node.indices for node in walk(factor)))


def value(
    expr: Expr, frame: Mapping[str, int], store: Mapping[str, Mapping[Place, Any]], padded: Iterable[str] = ()
) -> Any:
    """The number that an expression stands for, by recursion on what was written."""

    def go(part: Expr) -> Any:
        return value(part, frame, store, padded)

    match expr:
        case Num(number):
            return MP.mpf(number.numerator) / number.denominator
        case Ref(name, ()):
            if name in frame:
                return MP.mpf(frame[name])
            return store[name][()] if name in store else {"e": +MP.e, "pi": +MP.pi}[name]
        case Ref(name, indices):
            place = tuple(whole(index, frame, store) for index in indices)
            return store[name][place] if place in store[name] or name not in padded else MP.mpf(0)
        case Add(terms):
            return sum((go(term) for term in terms), MP.mpf(0))
        case Neg(operand):
            return -go(operand)
        case Mul(factors):
            result = MP.mpf(1)
            for factor in sorted(factors, key=_order):
                result *= go(factor)
                if result == 0:
                    return result
            return result
        case Div(numerator, denominator):
            return go(numerator) / go(denominator)
        case Pow(base, exponent):
            high = go(exponent)
            return go(base) ** (int(high) if high == int(high) else high)
        case Compare(operators, operands):
            parts = [go(operand) for operand in operands]
            return MP.mpf(all(SIGNS[op](a, b) for op, a, b in zip(operators, parts, parts[1:], strict=False)))
        case Call("if", (condition, yes, no)):
            return go(yes) if go(condition) != 0 else go(no)
        case Call(("max" | "min") as function, parts_):
            numbers = [go(part) for part in parts_]
            return numbers[_best(numbers, function == "max")]
        case Call("div", (u, n)):
            return MP.floor(go(u) / go(n))
        case Call("mod", (u, n)):
            return go(u) - go(n) * MP.floor(go(u) / go(n))
        case Call(function, arguments):
            return FUNCTIONS[function](*(go(argument) for argument in arguments))
        case Reduce(operation, index, lower, upper, exclude, body):
            assert lower is not None and upper is not None
            span = range(whole(lower, frame, store), whole(upper, frame, store) + 1)
            places = [k for k in span if exclude is None or whole(exclude, frame, store) != k]
            numbers = [value(body, {**frame, index: k}, store, padded) for k in places]
            if operation == "sum":
                return sum(numbers, MP.mpf(0))
            if operation == "mean":
                return sum(numbers, MP.mpf(0)) / len(numbers)
            if operation == "prod":
                return MP.fprod(numbers)
            at = _best(numbers, operation.endswith("max"))
            return MP.mpf(places[at]) if operation.startswith("arg") else numbers[at]
        case Table():
            raise AssertionError("a table is read entry by entry")


def places(program: Program, name: str, sizes: Mapping[str, int]) -> list[Place]:
    """Every index of an array."""
    known = {n: v for n, v in program.sizes.items() if v is not None} | dict(sizes)
    extents = [int(value(axis, known, {})) for axis in program.shapes[name]]
    return list(product(*(range(1, extent + 1) for extent in extents)))


def random_leaves(program: Program, seed: int, sizes: Mapping[str, int]) -> Store:
    """Numbers for all leaves: thirds of primes, of both signs, none of them 0."""
    source = random.Random(seed)

    def number() -> Any:
        return MP.mpf(source.choice([-1, 1]) * source.randint(5, 120)) / 101

    return {name: {place: number() for place in places(program, name, sizes)} for name in program.leaves}


def forward(program: Program, leaves: Store, sizes: Mapping[str, int], fixed: Store | None = None) -> Store:
    """All equations in order; an array in `fixed` is not computed but taken from there."""
    store: Store = {**leaves, **(fixed or {})}
    known = {n: v for n, v in program.sizes.items() if v is not None} | dict(sizes)
    for equation in program.equations:
        if fixed and equation.name in fixed:
            continue
        array = {}
        for place in places(program, equation.name, sizes):
            body: Expr = equation.body
            for index in place if isinstance(body, Table) else ():
                assert isinstance(body, Table)
                body = body.items[index - 1]
            frame = {**known, **dict(zip(equation.indices, place, strict=False))}
            array[place] = value(body, frame, store, program.padded)
        store[equation.name] = array
    return store


def slope(program: Program, store: Store, loss: str, name: str, place: Place, sizes: Mapping[str, int]) -> Any:
    """(J(u + h) - J(u - h))/2h, everything behind u computed anew."""
    ends = []
    behind = {name}
    for equation in program.equations:
        if any(ref.name in behind for ref in equation.reads()):
            behind.add(equation.name)
    before = {other: array for other, array in store.items() if other not in behind}
    for step in (STEP, -STEP):
        moved = {name: {**store[name], place: store[name][place] + step}}
        ends.append(forward(program, {}, sizes, {**before, **moved})[loss][()])
    return (ends[0] - ends[1]) / (2 * STEP)


def disagreements(
    derivation: Derivation, leaves: Store, sizes: Mapping[str, int] | None = None, most: int = 4
) -> list[str]:
    """The derivatives, chain and closed form, that are not the difference quotient of the equations.

    Every derivative is evaluated everywhere; of each array about `most` entries, spread over it, are looked at.
    """
    sizes = sizes or {}
    program, found = derivation.program, []
    store = forward(program, leaves, sizes)
    known = {n: v for n, v in program.sizes.items() if v is not None} | dict(sizes)
    for adjoint in derivation.adjoints.values():
        store[adjoint.name] = {}
        everywhere = places(program, adjoint.of, sizes)
        looked_at = everywhere[:: max(1, len(everywhere) // most)]
        for place in everywhere:
            frame = {**known, **dict(zip(adjoint.indices, place, strict=True))}
            closed = value(adjoint.closed, frame, store, program.padded)
            store[adjoint.name][place] = closed
            if place not in looked_at:
                continue
            chain = value(adjoint.chain, frame, store, program.padded)
            true = slope(program, store, derivation.loss, adjoint.of, place, sizes)
            found += [
                f"{adjoint.name}{list(place)} {what} = {MP.nstr(claim, 12)}, not {MP.nstr(true, 12)}"
                for what, claim in (("chain", chain), ("closed", closed))
                if not abs(claim - true) <= MP.mpf(10) ** -25 * max(1, abs(true))
            ]
    return found


def generic(derivation: Derivation, sizes: Mapping[str, int] | None = None, attempts: int = 6) -> Store | None:
    """Leaves for which nothing sits on a kink; None where none were found."""
    for seed in range(attempts):
        leaves = random_leaves(derivation.program, seed, sizes or {})
        for name, given in derivation.network.values.items():  # given targets: facts may be read off them
            leaves[name] = {place: MP.mpf(v.numerator) / v.denominator for place, v in elements(given).items()}
        try:
            forward(derivation.program, leaves, sizes or {})
        except (OnKink, ZeroDivisionError, TypeError):  # mpmath leaves the reals by complex numbers
            continue
        return leaves
    return None


# -- SymPy on the unrolled scalar ----------------------------------------------------------------


def unrolled(program: Program, loss: str, leaves: Store) -> tuple[Any, dict[tuple[str, Place], Any]]:
    """J as one SymPy expression in a symbol for every leaf; where the formula branches, the one taken at `leaves`."""
    numbers = forward(program, leaves, {})
    known = {n: v for n, v in program.sizes.items() if v is not None}
    symbols = {
        (name, place): sympy.Symbol("_".join([name, *map(str, place)]), real=True)
        for name in program.leaves
        for place in places(program, name, {})
    }
    store: Store = {name: {} for name in program.shapes}
    for (name, place), symbol in symbols.items():
        store[name][place] = symbol

    def go(expr: Expr, frame: Mapping[str, int]) -> Any:
        def number(part: Expr) -> Any:
            return value(part, {**known, **frame}, numbers, program.padded)

        match expr:
            case Num(q):
                return sympy.Rational(q.numerator, q.denominator)
            case Ref(name, ()) if name in frame:
                return sympy.Integer(frame[name])
            case Ref(name, indices):
                place = tuple(int(number(index)) for index in indices)
                return sympy.Integer(0) if place not in store[name] and name in program.padded else store[name][place]
            case Add(terms):
                return sympy.Add(*(go(term, frame) for term in terms))
            case Neg(operand):
                return -go(operand, frame)
            case Mul(factors):
                return sympy.Mul(*(go(factor, frame) for factor in factors))
            case Div(over, under):
                return go(over, frame) / go(under, frame)
            case Pow(base, exponent):
                return go(base, frame) ** go(exponent, frame)
            case Compare() | Call("div" | "mod", _):
                return sympy.Integer(int(number(expr)))
            case Call("relu", (u,)):
                return go(u, frame) if number(u) > 0 else sympy.Integer(0)
            case Call(("max" | "min") as function, parts):
                return go(parts[_best([number(part) for part in parts], function == "max")], frame)
            case Call("sigmoid", (u,)):
                return 1 / (1 + sympy.exp(-go(u, frame)))
            case Call("scaled_tanh", (u,)):
                return sympy.Rational("1.7159") * sympy.tanh(sympy.Rational(2, 3) * go(u, frame))
            case Call(function, (u,)):
                return getattr(sympy, function)(go(u, frame))
            case Reduce(operation, index, lower, upper, _, body):
                assert lower is not None and upper is not None
                span = range(int(number(lower)), int(number(upper)) + 1)
                frames = [{**frame, index: k} for k in span]
                if operation in ("max", "min"):
                    at = _best(
                        [value(body, {**known, **f}, numbers, program.padded) for f in frames], operation == "max"
                    )
                    return go(body, frames[at])
                total = sympy.Add(*(go(body, f) for f in frames))
                return total / len(frames) if operation == "mean" else total
        raise AssertionError(expr)

    for equation in program.equations:
        for place in places(program, equation.name, {}):
            store[equation.name][place] = go(equation.body, dict(zip(equation.indices, place, strict=True)))
    return store[loss][()], symbols


def exact_leaves(program: Program, seed: int) -> dict[str, dict[Place, Fraction]]:
    """Fractions for all leaves, the same in every arithmetic."""
    source = random.Random(seed)
    return {
        name: {
            place: Fraction(source.choice([-1, 1]) * source.randint(5, 60), 37) for place in places(program, name, {})
        }
        for name in program.leaves
    }
