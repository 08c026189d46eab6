"""From an expression to its normal form: a quotient of polynomials in independent generators.

Hyperbolic functions and sigmoids become exponentials, `exp(2*x + y)` becomes e^x·e^x·e^y, logarithms of products become
sums, roots of squares become absolute values, constant factors leave sums over an index. Every rewriting is an identity
wherever both sides exist; two expressions whose difference has the normal form 0 are equal wherever both are defined.

>>> from backcalc.formula.read import read_expression
>>> difference = read_expression("tanh(x) - (2*sigmoid(2*x) - 1)")
>>> Normal(Deadline.after(1)).quotient(difference).over.is_zero
True
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

from backcalc.derive.key import key
from backcalc.formula.affine import tidy
from backcalc.formula.evaluate import definition
from backcalc.formula.functions import FUNCTIONS
from backcalc.formula.tree import (
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
    names,
)
from backcalc.transform import sums, trigonometry
from backcalc.transform.budget import Deadline, OutOfReach
from backcalc.transform.polynomial import LARGEST_EXPONENT, Generator, Polynomial
from backcalc.transform.powers import Powers
from backcalc.transform.quotient import Quotient
from backcalc.transform.signs import Inequality


class Undecided(Exception):
    """A condition hangs on the sign of a polynomial that is not known: the proof must tell cases apart."""

    def __init__(self, polynomial: Polynomial) -> None:
        super().__init__("the sign of a polynomial is not known")
        self.polynomial = polynomial


class Undefined(ArithmeticError):
    """The expression has no value: a division by zero, the root of a negative number."""


@dataclass
class Normal:
    """Makes normal forms under assumptions.

    `positive` are the arrays and numbers that are positive as a whole, `facts` the sums whose value is known. `used`
    collects what was rewritten by its definition, `bound` the indices of the sums around what is being rewritten. No
    sum is given an index that is `taken`. `seen` are the parts that have been rewritten already.
    """

    deadline: Deadline
    assumed: Sequence[Inequality] = ()
    positive: frozenset[str] = frozenset()
    facts: Sequence[tuple[Reduce, Expr]] = ()
    logarithms: list[Polynomial] = field(default_factory=list)
    used: dict[str, tuple[Call, Quotient]] = field(default_factory=dict)
    bound: tuple[str, ...] = ()
    taken: frozenset[str] = frozenset()
    seen: dict[int, tuple[Expr, Quotient]] = field(default_factory=dict)

    @property
    def powers(self) -> Powers:
        """Exponentials, logarithms and roots under the same assumptions."""
        return Powers(self.assumed, self.logarithms)

    def quotient(self, expr: Expr) -> Quotient:
        """The normal form. Raises Undecided, Undefined and OutOfReach."""
        self.deadline.check()
        if (known := self.seen.get(id(expr))) is not None and known[0] is expr:
            return known[1]
        try:
            found = self._quotient(expr)
        except ZeroDivisionError:
            raise Undefined("a division by zero") from None
        self.seen[id(expr)] = expr, found  # definitions read their argument several times
        return found

    def _quotient(self, expr: Expr) -> Quotient:
        match expr:
            case Num(value):
                return Quotient.number(value)
            case Ref("e", ()):
                return self.powers.exponential(Quotient.number(1))
            case Ref():
                return Quotient.of(self.letter(expr))
            case Add(terms):
                total = Quotient.number(0)
                for term in terms:
                    total = total + self.quotient(term)
                return total
            case Neg(operand):
                return -self.quotient(operand)
            case Mul(factors):
                return self._product(factors)
            case Div(numerator, denominator):
                return self.quotient(numerator) * self.quotient(denominator).inverse()
            case Pow(base, exponent):
                return self._power(self.quotient(base), self.quotient(exponent))
            case Compare():
                return self._piecewise(expr, lambda: Quotient.number(int(self.holds(expr))))
            case Call(function, arguments):
                return self._call(expr, function, arguments)
            case Reduce():
                return sums.reduction(self, expr)
            case _:
                raise OutOfReach("an array spelled out has no normal form")

    def letter(self, expr: Ref) -> Generator:
        """A name, or an element of an array, as a generator."""
        shown = Ref(expr.name, tuple(tidy(index) for index in expr.indices))
        positive = expr.name == "pi" or expr.name in self.positive
        return Generator(key(shown), shown, positive)

    def _product(self, factors: tuple[Expr, ...]) -> Quotient:
        result = Quotient.number(1)
        # A condition that does not hold makes the product 0, whatever stands beside it.
        for factor in sorted(factors, key=lambda factor: not isinstance(factor, Compare)):
            result = result * self.quotient(factor)
            if result.over.is_zero:
                return result
        return result

    def _power(self, base: Quotient, exponent: Quotient) -> Quotient:
        value = exponent.constant
        if value is None:
            return self.powers.exponential(exponent * self.powers.logarithm(base))
        if value.denominator != 1:
            return self._root(base, value)
        if abs(value) > LARGEST_EXPONENT:
            raise OutOfReach(f"an exponent is larger than {LARGEST_EXPONENT}")
        return base.raised(value.numerator)

    def _root(self, base: Quotient, exponent: Fraction) -> Quotient:
        constant = base.constant
        if constant is not None and constant < 0:
            raise Undefined("the root of a negative number")
        return self.powers.power(base, exponent)

    def _call(self, expr: Call, function: str, arguments: tuple[Expr, ...]) -> Quotient:
        match function, arguments:
            case "exp", (inside,):
                return self.powers.exponential(self.quotient(inside))
            case "log", (inside,):
                found = self.quotient(inside)
                if found.constant is not None and found.constant <= 0:
                    raise Undefined("the logarithm of a number that is not positive")
                return self.powers.logarithm(found)
            case "sqrt", (inside,):
                return self._root(self.quotient(inside), Fraction(1, 2))
            case "abs", (inside,):
                return self.powers.power(self.quotient(inside), Fraction(1))
            case "sin" | "cos", (inside,):
                return trigonometry.of(function, self.quotient(inside))
            case "erf", (inside,):
                return self._odd(function, self.quotient(inside))
            case "if", (condition, yes, no):
                return self._piecewise(expr, lambda: self.quotient(yes if self.holds(condition) else no))
            case "max" | "min", _:
                return self._piecewise(expr, lambda: self._extreme(function, arguments))
            case "sign", (inside,):
                return self._piecewise(expr, lambda: Quotient.number(self.sign(self.quotient(inside))))
            case _ if FUNCTIONS[function].definition is not None and function not in ("mod", "div"):
                return self._defined(expr)
            case _:
                return Quotient.of(Generator(key(expr), expr))

    def _defined(self, expr: Call) -> Quotient:
        found = self._piecewise(expr, lambda: self.quotient(definition(expr.function, expr.arguments)))
        if not set(self.bound) & names(expr):
            self.used.setdefault(key(expr), (expr, found))
        return found

    def _piecewise(self, expr: Expr, choose: sums.Choice) -> Quotient:
        """What a condition chooses; under a sum that the condition hangs on, a generator by itself."""
        try:
            return choose()
        except Undecided as undecided:
            inside = frozenset().union(*(names(g.expr) for g in undecided.polynomial.generators()))
            if not inside & set(self.bound):
                raise
            return Quotient.of(Generator(key(expr), expr))

    def _odd(self, function: str, inside: Quotient) -> Quotient:
        """f(-u) is -f(u)."""
        if inside.over.is_zero:
            return Quotient.number(0)
        turned = inside.over.terms[inside.over.leading] < 0
        shown = Call(function, ((-inside if turned else inside).expr,))
        found = Quotient.of(Generator(key(shown), shown))
        return -found if turned else found

    def _extreme(self, function: str, arguments: tuple[Expr, ...]) -> Quotient:
        best, *rivals = [self.quotient(argument) for argument in arguments]
        for rival in rivals:
            ahead = self.sign(rival - best)
            if ahead == (1 if function == "max" else -1):
                best = rival
        return best

    # -- conditions -------------------------------------------------------------------------------

    def holds(self, condition: Expr) -> bool:
        """Whether a condition holds. Raises Undecided."""
        if not isinstance(condition, Compare):
            return self.sign(self.quotient(condition)) != 0
        values = [self.quotient(operand) for operand in condition.operands]
        return all(
            _satisfied(operator, self.sign(left - right))
            for operator, (left, right) in zip(condition.operators, pairwise(values), strict=True)
        )

    def sign(self, value: Quotient) -> int:
        """The sign of a normal form, that of its factors multiplied. Raises Undecided."""
        if value.over.is_zero:
            return 0
        number, monomial, rest = value.over.parts
        result = 1 if number > 0 else -1
        odd = [Polynomial.of(g) for g, e in monomial if not g.positive and not (e.denominator == 1 and e % 2 == 0)]
        even = [Polynomial.of(g) for g, e in monomial if not g.positive and e.denominator == 1 and e % 2 == 0]
        odd += [rest, *(base for base, exponent in value.under.values() if exponent % 2)]
        for factor in odd:
            result *= self._sign_of(factor)
        for factor in even:
            result *= abs(self._sign_of(factor))
        return result

    def _sign_of(self, polynomial: Polynomial) -> int:
        found = self.powers.sign(polynomial)
        if found is None:
            raise Undecided(polynomial)
        return found


def _satisfied(operator: str, sign: int) -> bool:
    return {
        "==": sign == 0, "!=": sign != 0, "<": sign < 0, "<=": sign <= 0, ">": sign > 0, ">=": sign >= 0
    }[operator]  # fmt: skip
