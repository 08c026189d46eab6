"""Tree to one line of mathematics for a terminal: `−log(y1)`, `Σ_{k=1..3} W[j,k]·x[k]`, `∂J/∂z[j]`.

What is printed can be copied and read again: `read_expression(to_unicode(tree)) == tree`, but for `diff(y, x)`,
printed as ∂y/∂x, and the scalar view (`scalar_names=True`), where x[1] is x1.
"""

from __future__ import annotations

from dataclasses import dataclass

from backcalc.formula.functions import FUNCTIONS
from backcalc.formula.names import derivative_parts, is_derivative, lettered, second_derivative
from backcalc.formula.print_text import ATOM, COMPARE, FACTOR, POWER, PRODUCT, SUM, LinePrinter
from backcalc.formula.tree import Call, Compare, Expr, Mul, Neg, Num, Reduce, Ref

_SIGNS = {"==": "=", "!=": "≠", "<=": "≤", ">=": "≥"}
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_BIG = {"sum": "Σ", "prod": "Π"}


def to_unicode(expr: Expr, *, scalar_names: bool = False) -> str:
    """The formula as a terminal shows it.

    >>> from backcalc.formula.read import read_expression
    >>> formula = read_expression("-y[2]*(W[1,2] - w5)*h1[2]^2")
    >>> to_unicode(formula)
    '−y[2]·(W[1,2] − w5)·h1[2]²'
    >>> to_unicode(formula, scalar_names=True)
    '−y2·(W12 − w5)·h1_2²'
    """
    return UnicodePrinter(minus="−", times="·", decimals=True, scalar_names=scalar_names).write(expr)


def scalar_name(name: str, indices: tuple[Expr, ...]) -> str | None:
    """The name of one element, x[1] as x1, h1[2] as h1_2, W[1,12] as W1,12; None where an index is no number.

    >>> from backcalc.formula.tree import num
    >>> scalar_name("W", (num(1), num(2))), scalar_name("W", (num(1), num(12))), scalar_name("x", (Ref("i"),))
    ('W12', 'W1,12', None)
    """
    places: list[str] = []
    for index in indices:
        if not (isinstance(index, Num) and index.value.denominator == 1 and index.value >= 1):
            return None
        places.append(str(index.value.numerator))
    joint = "," if any(len(place) > 1 for place in places) else ""
    return name + ("_" if name[-1:].isdigit() and places else "") + joint.join(places)


@dataclass(frozen=True, slots=True)
class UnicodePrinter(LinePrinter):
    """The line printer with mathematical signs."""

    scalar_names: bool = False

    def enclose(self, expr: Expr, text: str) -> str:
        return f"[{text}]" if isinstance(expr, Compare) else f"({text})"

    def write(self, expr: Expr, level: int = COMPARE) -> str:
        # A comparison that stands for 1 or 0 is bracketed everywhere, but for the condition of an `if`.
        return LinePrinter.write(self, expr, max(level, SUM))

    def name(self, expr: Ref) -> tuple[str, int]:
        if not is_derivative(expr.name):
            return self.element(expr), ATOM
        if twice := second_derivative(expr.name):
            above, first, second = twice
            below = f"∂{self.spell(first)}²" if first == second else f"∂{self.spell(first)}∂{self.spell(second)}"
            return f"∂²{self.spell(above)}/{below}{self.indices(expr.indices)}", FACTOR
        above, below = derivative_parts(expr.name)
        top = f"({self.name(Ref(above))[0]})" if is_derivative(above) else self.spell(above)
        if is_derivative(below):
            return f"∂{top}/∂({self.name(Ref(below))[0]}){self.indices(expr.indices)}", FACTOR
        return f"∂{top}/∂{self.element(Ref(below, expr.indices))}", FACTOR

    def element(self, expr: Ref) -> str:
        """An array at its indices, x[1] as x1 in the scalar view."""
        scalar = scalar_name(self.spell(expr.name), expr.indices) if self.scalar_names else None
        return scalar if scalar is not None else self.spell(expr.name) + self.indices(expr.indices)

    def spell(self, name: str) -> str:
        return lettered(name)

    def sign(self, operator: str) -> str:
        return _SIGNS.get(operator, operator)

    def function(self, name: str) -> str:
        return FUNCTIONS[name].unicode if name in FUNCTIONS else name

    def transposed(self) -> str:
        return "ᵀ"

    def call(self, function: str, arguments: tuple[Expr, ...]) -> tuple[str, int]:
        if function == "if" and isinstance(arguments[0], Compare):
            condition = self.comparison(arguments[0].operators, arguments[0].operands)
            rest = [self.write(argument) for argument in arguments[1:]]
            return f"if({self.comma().join([condition, *rest])})", ATOM
        if function in ("max", "min") and isinstance(arguments[0], Compare):
            return f"{function}({self.comma().join(self.write(argument) for argument in arguments)})", ATOM
        if function == "diff" and all(isinstance(argument, Ref) for argument in arguments):
            return self.derivative(*(a for a in arguments if isinstance(a, Ref))), FACTOR
        return LinePrinter.call(self, function, arguments)

    def derivative(self, above: Ref, below: Ref) -> str:
        """∂y[i]/∂x[j]; of a gradient by an array, ∂²J/∂w[i]∂w[j]."""
        if not is_derivative(above.name) or is_derivative(below.name):
            written = ((self.write(side), is_derivative(side.name)) for side in (above, below))
            return "/".join(f"∂({side})" if inner else f"∂{side}" for side, inner in written)
        top, by = derivative_parts(above.name)
        first = Ref(by, above.indices)
        if first == below:
            return f"∂²{self.spell(top)}/∂{self.write(first)}²"
        return f"∂²{self.spell(top)}/∂{self.write(first)}∂{self.write(below)}"

    def is_open(self, expr: Expr) -> bool:
        match expr:
            case Reduce():
                return True
            case Mul(factors):
                return isinstance(factors[-1], Reduce)
            case Call("matmul", (_, right)):
                return isinstance(right, Reduce)
            case Neg(operand):
                return self.is_open(operand)
            case _:
                return False

    def power(self, base: Expr, exponent: Expr) -> tuple[str, int]:
        if isinstance(exponent, Num) and exponent.value.denominator == 1 and abs(exponent.value) < 1000:
            return self.write(base, ATOM) + str(exponent.value).translate(_RAISED), POWER
        return LinePrinter.power(self, base, exponent)

    def reduction(self, expr: Reduce) -> tuple[str, int]:
        parts = [self.range(expr)] if expr.lower is not None else []
        if expr.exclude is not None:
            parts.append(f"{self.spell(expr.index)}≠{self.write(expr.exclude, SUM)}")
        under = ", ".join(parts or [self.spell(expr.index)])
        return f"{_BIG.get(expr.operation, expr.operation)}_{{{under}}} {self.write(expr.body, PRODUCT)}", FACTOR
