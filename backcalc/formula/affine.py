"""Index expressions as linear forms: solve for an index, bound it, compare two of them.

`2*i + a - 2` is the linear form {i: 2, a: 1} with constant -2. What is not linear (`div(n-1, 4)`) is an atom.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from backcalc.formula.tree import Add, Call, Div, Expr, Mul, Neg, Num, Reduce, Ref, names, num, rebuild

Ranges = Mapping[str, tuple[Expr, Expr]]


@dataclass(frozen=True)
class Linear:
    """`constant + Σ coefficient·atom`, atoms in the order they first occur."""

    coefficients: Mapping[Expr, Fraction]
    constant: Fraction

    def __add__(self, other: Linear) -> Linear:
        total = dict(self.coefficients)
        for atom, coefficient in other.coefficients.items():
            total[atom] = total.get(atom, Fraction(0)) + coefficient
        return Linear({atom: c for atom, c in total.items() if c}, self.constant + other.constant)

    def __mul__(self, scale: Fraction) -> Linear:
        return Linear({atom: c * scale for atom, c in self.coefficients.items() if c * scale}, self.constant * scale)

    def __sub__(self, other: Linear) -> Linear:
        return self + other * Fraction(-1)

    def without(self, atom: Expr) -> Linear:
        """The form without one of its atoms."""
        return Linear({a: c for a, c in self.coefficients.items() if a != atom}, self.constant)

    def expr(self) -> Expr:
        """The form written out: positive terms first, the constant last.

        >>> from backcalc.formula.print_text import to_text
        >>> to_text((linear(Ref("a")) * Fraction(-1) + linear(Ref("i")) + linear(num(1))).expr())
        'i - a + 1'
        """
        ordered = sorted(self.coefficients.items(), key=lambda pair: pair[1] < 0)
        parts: list[Expr] = [_scaled(atom, coefficient) for atom, coefficient in ordered]
        if self.constant or not parts:
            parts.append(num(self.constant))
        return parts[0] if len(parts) == 1 else Add(tuple(parts))


def _scaled(atom: Expr, coefficient: Fraction) -> Expr:
    if abs(coefficient) == 1:
        return atom if coefficient > 0 else Neg(atom)
    return Mul((num(coefficient), atom))


def linear(expr: Expr) -> Linear:
    """The linear form of an index or size expression.

    >>> linear(Add((Mul((num(2), Ref("i"))), Neg(num(2))))) == Linear({Ref("i"): Fraction(2)}, Fraction(-2))
    True
    """
    match expr:
        case Num(value):
            return Linear({}, value)
        case Add(terms):
            total = linear(terms[0])
            for term in terms[1:]:
                total = total + linear(term)
            return total
        case Neg(operand):
            return linear(operand) * Fraction(-1)
        case Mul(factors):
            product = linear(factors[0])
            for factor in factors[1:]:
                other = linear(factor)
                if not other.coefficients:
                    product = product * other.constant
                elif not product.coefficients:
                    product = other * product.constant
                else:
                    return Linear({expr: Fraction(1)}, Fraction(0))
            return product
        case Div(numerator, Num(value)) if value:
            return linear(numerator) * (1 / value)
        case Call(("max" | "min") as function, arguments):
            return _extreme(function, arguments)
        case Call(("div" | "mod") as function, (Num(value), Num(n))) if n:
            return Linear({}, Fraction(value // n) if function == "div" else value % n)
        case _:
            return Linear({expr: Fraction(1)}, Fraction(0))


def _extreme(function: str, arguments: tuple[Expr, ...]) -> Linear:
    """`max(1, 0)` is 1, `max(i, i - 2)` is i; what cannot be decided stays."""
    kept: list[Linear] = []
    for form in (linear(argument) for argument in arguments):
        worse = [other for other in kept if _decided(form, other, function)]
        if any(_decided(other, form, function) for other in kept):
            continue
        kept = [other for other in kept if other not in worse] + [form]
    if len(kept) == 1:
        return kept[0]
    return Linear({Call(function, tuple(form.expr() for form in kept)): Fraction(1)}, Fraction(0))


def _decided(better: Linear, worse: Linear, function: str) -> bool:
    difference = better - worse if function == "max" else worse - better
    return not difference.coefficients and difference.constant >= 0


def tidy(expr: Expr) -> Expr:
    """An index or size expression written in its shortest linear form, also inside what it reads.

    >>> from backcalc.formula.print_text import to_text
    >>> from backcalc.formula.read import read_expression
    >>> to_text(tidy(read_expression("i - 2*(div(i - 1, 2) + 1) + 2")))
    'mod(i - 1, 2) + 1'
    """
    form = linear(expr)
    inner = Linear({}, form.constant)
    for atom, coefficient in form.coefficients.items():
        inner = inner + linear(tidied(atom)) * coefficient
    return _remainders(inner).expr()


def tidied(expr: Expr) -> Expr:
    """An expression with every index in it tidied: `x[i + 1 - 1]` is `x[i]`."""
    match expr:
        case Ref(name, indices):
            return Ref(name, tuple(tidy(index) for index in indices))
        case Call(("div" | "mod") as function, arguments):
            return Call(function, tuple(tidy(argument) for argument in arguments))
        case Reduce(operation, index, lower, upper, exclude, body) if lower is not None and upper is not None:
            return Reduce(operation, index, tidy(lower), tidy(upper), exclude, tidied(body))
        case _:
            return rebuild(expr, tidied)


def _remainders(form: Linear) -> Linear:
    """e - n·div(e, n) as mod(e, n), wherever that leaves fewer terms."""
    for atom, coefficient in form.coefficients.items():
        match atom:
            case Call("div", (inner, Num(n))) if n and coefficient % n == 0:
                times = -coefficient / n
                remainder = Linear({Call("mod", (inner, num(n))): times}, Fraction(0))
                changed = form.without(atom) - linear(inner) * times + remainder
                if len(changed.coefficients) < len(form.coefficients):
                    return _remainders(changed)
            case _:
                continue
    return form


def at_least(expr: Expr, bound: Expr, ranges: Ranges, sizes: frozenset[str]) -> bool:
    """Whether `expr >= bound` holds for every value of the indices in their ranges and every size ≥ 1.

    False means not proved. `sizes` are the names that stand for sizes.

    >>> at_least(Ref("i"), num(1), {"i": (num(1), Ref("N"))}, frozenset({"N"}))
    True
    """
    return _never_negative(linear(expr) - linear(bound), ranges, sizes)


def _without_quotients(form: Linear, ranges: Ranges, sizes: frozenset[str]) -> Linear:
    """The form with quotients and remainders at their least, where that is a number: mod(u, n) is from 0 to n - 1."""
    for atom, coefficient in form.coefficients.items():
        match atom:
            case Call("mod", (_, Num(n))):
                least = Fraction(0) if coefficient > 0 else n - 1
            case Call("div", (inner, Num(n))) if n > 0:
                edge = _edge(linear(inner) * Fraction(1 if coefficient > 0 else -1), ranges)
                if edge is None:
                    continue
                least = Fraction((edge if coefficient > 0 else -edge) // n)
            case _:
                continue
        form = form.without(atom) + Linear({}, least * coefficient)
    return form


def _edge(form: Linear, ranges: Ranges) -> Fraction | None:
    """The least value of a form whose indices run between numbers; None where they do not."""
    least = form.constant
    for atom, coefficient in form.coefficients.items():
        if not (isinstance(atom, Ref) and atom.name in ranges):
            return None
        end = ranges[atom.name][0 if coefficient > 0 else 1]
        if not isinstance(end, Num):
            return None
        least += coefficient * end.value
    return least


def _never_negative(form: Linear, ranges: Ranges, sizes: frozenset[str]) -> bool:
    for _ in range(len(ranges) + 1):
        for part, coefficient in form.coefficients.items():
            if isinstance(part, Call) and part.function == ("max" if coefficient > 0 else "min"):
                # A maximum is at least each of its parts: one that suffices is enough.
                rest = form.without(part)
                return any(_never_negative(rest + linear(one) * coefficient, ranges, sizes) for one in part.arguments)
        form = _without_quotients(form, ranges, sizes)
        inner = [atom for atom in form.coefficients if isinstance(atom, Ref) and atom.name in ranges]
        if not inner:
            break
        # An index whose range mentions another goes before it: k <= i + 1 says more of i - k than i >= 1 does.
        edges = [names(edge) for other in inner for edge in ranges[other.name]]
        atom = next((one for one in inner if not any(one.name in mentioned for mentioned in edges)), inner[0])
        coefficient = form.coefficients[atom]
        lower, upper = ranges[atom.name]
        form = form.without(atom) + linear(lower if coefficient > 0 else upper) * coefficient
    lowest = form.constant
    for part, coefficient in form.coefficients.items():
        if coefficient < 0 or not (isinstance(part, Ref) and part.name in sizes):
            return False
        lowest += coefficient
    return lowest >= 0
