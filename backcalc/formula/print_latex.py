r"""Tree to LaTeX: `\frac`, `\sum_{k=1}^{K}`, one subscript a name, and parentheses only where they are needed."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction

from backcalc.formula.functions import FUNCTIONS, WHOLE
from backcalc.formula.names import ACCENTS, GREEK, derivative_parts, is_derivative, second_derivative
from backcalc.formula.print_text import (
    ATOM,
    COMPARE,
    FACTOR,
    POWER,
    PRODUCT,
    SIGNED,
    SUM,
    digits,
    is_matmul,
    short_decimal,
)
from backcalc.formula.recurrence import row_spelled_out
from backcalc.formula.tree import Add, Call, Compare, Div, Expr, Mul, Neg, Num, Pow, Reduce, Ref, Table

_SIGNS = {"==": "=", "!=": r"\ne", "<": "<", "<=": r"\le", ">": ">", ">=": r"\ge"}
_COMMANDS = {name for name in GREEK.values() if name[0].islower() and name != "omicron"} | {
    "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega",
}  # fmt: skip
_BIG = {"sum": r"\sum", "prod": r"\prod"}
_OPERATORS = {
    "mean": r"\operatorname*{mean}",
    "max": r"\max",
    "min": r"\min",
    "argmax": r"\operatorname*{arg\,max}",
    "argmin": r"\operatorname*{arg\,min}",
}
_TALL = re.compile(r"\\(?:frac|sum|prod|begin|left\b)")
_NAME = re.compile(r"([^\W\d_]+)([0-9]*)")


def to_latex(expr: Expr, *, scalar_names: bool = False) -> str:
    r"""The formula in LaTeX, for mathematics mode. `scalar_names` writes W[1,2] as `W_{12}`.

    >>> from backcalc.formula.read import read_expression
    >>> print(to_latex(read_expression("1/2*sum(k=1..K, (yhat[k] - y[k])^2)")))
    \frac{1}{2} \sum_{k=1}^{K} (\hat{y}_{k} - y_{k})^{2}
    >>> print(to_latex(read_expression("∂J/∂W_q[j,k]*gamma")))
    \frac{\partial J}{\partial W_{\mathrm{q},\,j,k}} \, \gamma
    """
    return LatexPrinter(scalar_names).write(expr)


def latex_name(name: str, places: str = "") -> str:
    r"""A name with its subscripts, those of the name itself first, upright, then the indices in `places`.

    >>> print(latex_name("W_i", "i,2"), latex_name("x1'"), latex_name("gamma", "j"), latex_name("W_fc_1"))
    W_{\mathrm{i},\,i,2} x_{1}' \gamma_{j} W_{\mathrm{fc\_1}}
    """
    bare = name.rstrip("'")
    base, *lower = bare.split("_")
    found = _NAME.fullmatch(base)
    if found is None or not all(lower):
        stem, subscripts = r"\mathrm{" + bare.replace("_", r"\_") + "}", [places]
    else:
        stem, subscripts = _stem(found[1]), [found[2], *_subscripts(lower), places]
    below = r",\,".join(part for part in subscripts if part)
    return stem + (f"_{{{below}}}" if below else "") + name[len(bare) :]


def _stem(letters: str) -> str:
    for accent in ACCENTS:
        stem = letters.removesuffix(accent)
        if stem != letters and (len(stem) == 1 or stem in _COMMANDS):
            return rf"\{accent}{{{_stem(stem)}}}"
    if letters in _COMMANDS:
        return "\\" + letters
    return letters if len(letters) == 1 else rf"\mathrm{{{letters}}}"


def _subscripts(parts: list[str]) -> list[str]:
    """What is in a name below the line: upright, for it is no index; with a word in it, as the one word that it is."""
    if len(parts) > 1 and any(len(part) > 1 and not part.isdigit() and part not in _COMMANDS for part in parts):
        return [r"\mathrm{" + r"\_".join(parts) + "}"]
    return [rf"\mathrm{{{part}}}" if len(part) == 1 and part.isalpha() else _subscript(part) for part in parts]


def _subscript(part: str) -> str:
    return part if part.isdigit() else _stem(part)


@dataclass(frozen=True, slots=True)
class LatexPrinter:
    """Prints a tree as LaTeX; levels as in `print_text`."""

    scalar_names: bool = False
    tight: bool = False

    def write(self, expr: Expr, level: int = SUM) -> str:
        """The LaTeX of a part, enclosed where its place asks for it."""
        text, own = self.parts(expr)
        return text if own >= level else self.enclose(expr, text)

    def enclose(self, expr: Expr, text: str) -> str:
        """The text in parentheses, a comparison in the brackets of Iverson."""
        left, right = "[]" if isinstance(expr, Compare) else "()"
        return rf"\left{left}{text}\right{right}" if _TALL.search(text) else f"{left}{text}{right}"

    def parts(self, expr: Expr) -> tuple[str, int]:
        """The LaTeX of a tree, and its level."""
        match expr:
            case Num(value):
                return self.number(value)
            case Ref():
                return self.name(row_spelled_out(expr))
            case Add(terms):
                return self.sum([self.write(term, SIGNED) for term in terms]), SUM
            case Neg(operand):
                return "-" + self.write(operand, PRODUCT), SIGNED
            case Mul(factors):
                return self.product(factors)
            case Div(numerator, denominator):
                return rf"\frac{{{self.write(numerator)}}}{{{self.write(denominator)}}}", FACTOR
            case Pow(base, exponent):
                return self.power(base, exponent)
            case Call("matmul", (left, right)):
                return self.matmul(left, right), PRODUCT
            case Call("transpose", (operand,)):
                return f"{self.below_script(operand)}^{{\\top}}", POWER
            case Call(function, arguments):
                return self.call(function, arguments)
            case Compare(operators, operands):
                return self.comparison(operators, operands), COMPARE
            case Reduce():
                return self.reduction(expr)
            case Table(items):
                return self.table(items), ATOM

    # -- leaves -----------------------------------------------------------------------------------

    def number(self, value: Fraction) -> tuple[str, int]:
        above, below = digits(abs(value.numerator)), digits(value.denominator)
        short = above if below == "1" else short_decimal(abs(value))
        text = short or rf"\frac{{{above}}}{{{below}}}"
        return (f"-{text}", SIGNED) if value < 0 else (text, ATOM if short else FACTOR)

    def name(self, expr: Ref) -> tuple[str, int]:
        places = self.places(expr.indices)
        if is_derivative(expr.name):
            return self.derivative(expr.name, places), FACTOR
        return latex_name(expr.name, places), ATOM

    def derivative(self, name: str, places: str) -> str:
        """A derivative as a fraction, a second one with its squares; the indices stand with the last name."""
        if twice := second_derivative(name):
            above, first, second = twice
            below = rf"\partial {latex_name(first)}\,\partial {latex_name(second, places)}"
            if first == second:
                below = rf"\partial {latex_name(first, places)}^{{2}}"
            return rf"\frac{{\partial^{{2}} {latex_name(above)}}}{{{below}}}"
        above, below = derivative_parts(name)
        top = self.derivative(above, "") if is_derivative(above) else latex_name(above)
        under = self.derivative(below, places) if is_derivative(below) else latex_name(below, places)
        return rf"\frac{{\partial {top}}}{{\partial {under}}}"

    def places(self, indices: tuple[Expr, ...]) -> str:
        """The indices as a subscript; in the scalar view W[1,2] has the subscript 12."""
        inner = replace(self, tight=True)
        written = [inner.write(index) for index in indices]
        joined = self.scalar_names and all(len(place) == 1 and place.isdigit() for place in written)
        return ("" if joined else ",").join(written)

    # -- operators --------------------------------------------------------------------------------

    def sum(self, terms: list[str]) -> str:
        gap = "" if self.tight else " "
        rest = (f"{gap}-{gap}{term[1:]}" if term.startswith("-") else f"{gap}+{gap}{term}" for term in terms[1:])
        return terms[0] + "".join(rest)

    def product(self, factors: tuple[Expr, ...]) -> tuple[str, int]:
        last = len(factors) - 1
        text = ""
        for place, factor in enumerate(factors):
            # A sum sign draws in what follows; a sign is bare only before a literal that begins the product.
            part, own = self.parts(factor)
            signed_first = place == 0 and isinstance(factor, Num)
            if (own < FACTOR and not signed_first) or (isinstance(factor, Reduce) and place < last):
                part = self.enclose(factor, part)
            text += part if place == 0 else _between(factors[place - 1], factor, part) + part
        return text, SIGNED if text.startswith("-") else PRODUCT

    def power(self, base: Expr, exponent: Expr) -> tuple[str, int]:
        below = self.below_script(base)
        fraction = isinstance(exponent, Num) and exponent.value.denominator > 1
        above = str(exponent.value) if fraction and isinstance(exponent, Num) else self.write(exponent)
        return f"{below}^{{{above}}}", POWER

    def below_script(self, base: Expr) -> str:
        """What an exponent or a ⊤ is written above; a prime is one already, so a name that has one is braced."""
        text = self.write(base, ATOM)
        return f"{{{text}}}" if text.endswith("'") else text

    def matmul(self, left: Expr, right: Expr) -> str:
        """`A @ B`: side by side it would look like a product of entries."""
        text = self.write(left, PRODUCT if is_matmul(left) else FACTOR)
        first = self.enclose(left, text) if isinstance(left, Reduce) else text
        return rf"{first} \mathbin{{@}} {self.write(right, FACTOR)}"

    def comparison(self, operators: tuple[str, ...], operands: tuple[Expr, ...]) -> str:
        text = self.write(operands[0])
        for operator, operand in zip(operators, operands[1:], strict=True):
            text += f" {_SIGNS[operator]} {self.write(operand)}"
        return text

    # -- calls ------------------------------------------------------------------------------------

    def call(self, function: str, arguments: tuple[Expr, ...]) -> tuple[str, int]:
        """Functions with a notation of their own, and the others as `\\name(…)`."""
        match function, arguments:
            # Each argument is written once, or nesting would double the work at every level.
            case "mod", (value, divisor):
                return rf"{self.write(value, PRODUCT)} \bmod {self.write(divisor, FACTOR)}", SUM
            case "if", (condition, then, otherwise):
                bare = isinstance(condition, Compare)
                when = self.parts(condition)[0] if bare else rf"{self.write(condition)} \ne 0"
                rows = rf"{self.write(then)} & \text{{if }} {when} \\ {self.write(otherwise)} & \text{{otherwise}}"
                return rf"\begin{{cases}} {rows} \end{{cases}}", SUM
            case "diff", (Ref() as above, Ref() as below):
                return rf"\frac{{\partial {self.write(above)}}}{{\partial {self.write(below)}}}", FACTOR
        written = [self.write(argument) for argument in arguments]
        match function:
            case "sqrt":
                return rf"\sqrt{{{written[0]}}}", ATOM
            case "abs":
                return rf"\left|{written[0]}\right|", ATOM
            case "div":
                return rf"\left\lfloor \frac{{{written[0]}}}{{{written[1]}}} \right\rfloor", ATOM
            case _:
                inside = ", ".join(written)
                left, right = (r"\left(", r"\right)") if _TALL.search(inside) else ("(", ")")
                name = FUNCTIONS[function].latex if function in FUNCTIONS else WHOLE[function]
                return f"{name}{left}{inside}{right}", FACTOR

    def reduction(self, expr: Reduce) -> tuple[str, int]:
        index = latex_name(expr.index)
        body = self.write(expr.body, PRODUCT)
        lower, upper = (None if bound is None else self.write(bound) for bound in (expr.lower, expr.upper))
        left_out = rf"{index} \ne {self.write(expr.exclude)}" if expr.exclude is not None else ""
        if expr.operation not in _BIG:
            ranged = index if lower is None else rf"{lower} \le {index} \le {upper}"
            under = r",\; ".join(part for part in (ranged if lower or not left_out else "", left_out) if part)
            return f"{_OPERATORS[expr.operation]}_{{{under}}} {body}", FACTOR
        sign = _BIG[expr.operation]
        if lower is None:
            return f"{sign}_{{{left_out or index}}} {body}", FACTOR
        under = f"{index}={lower}"
        if left_out:
            under = rf"\substack{{{under} \\ {left_out}}}"
        return f"{sign}_{{{under}}}^{{{upper}}} {body}", FACTOR

    def table(self, items: tuple[Expr, ...]) -> str:
        rows = [
            " & ".join(map(self.write, item.items)) if isinstance(item, Table) else self.write(item) for item in items
        ]
        flat = not any(isinstance(item, Table) for item in items)
        inside = (" & " if flat else r" \\ ").join(rows)
        return rf"\begin{{pmatrix}} {inside} \end{{pmatrix}}"


def _between(left: Expr, right: Expr, text: str) -> str:
    """What stands between two factors: a dot where they would run together, as in 5·5, x·(a + b), 2·½."""
    grouped = text.startswith(("(", "[", r"\left(", r"\left["))
    if (
        text[0].isdigit()
        or (grouped and isinstance(left, Ref))
        or (isinstance(left, Num) and isinstance(right, Num | Div))
    ):
        return r" \cdot "
    return " " if isinstance(left, Num) else r" \, "
