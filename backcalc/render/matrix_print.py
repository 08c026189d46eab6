r"""Formulas over whole arrays as a line of Unicode or as LaTeX.

⊙ and ⊘ are the product and the quotient of entries. Neither mixes with a matrix product without parentheses.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from backcalc.derive.matrix import (
    Apply,
    Diagonal,
    DiagonalMatrix,
    Einsum,
    Elementwise,
    Full,
    Identity,
    Mask,
    Named,
    Node,
    Ones,
    Power,
    Product,
    RowReduce,
    Scalar,
    Scale,
    Softmax,
    SquaredNorm,
    Sum,
    Trace,
    Transpose,
    Unit,
    is_scalar,
)
from backcalc.formula.functions import FUNCTIONS
from backcalc.formula.print_latex import to_latex
from backcalc.formula.print_unicode import to_unicode
from backcalc.formula.tree import ONE, Add, Div, Expr, Mul, Neg, Num, Ref, num

SUM, SIGNED, ENTRIES, MATRIX, POSTFIX, ATOM = range(6)

_LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SIGNS = {
    "==": ("=", "="),
    "!=": ("≠", r"\ne"),
    "<=": ("≤", r"\le"),
    ">=": ("≥", r"\ge"),
    "<": ("<", "<"),
    ">": (">", ">"),
}


def matrix_unicode(node: Node) -> str:
    """The formula as a terminal shows it.

    >>> N, K, M = Ref("N"), Ref("K"), Ref("M")
    >>> X, delta, b = Named("X", (N, K)), Named("dJ/dZ", (N, M)), Named("b", (M,))
    >>> matrix_unicode(Product((Transpose(delta), X)))
    '(∂J/∂Z)ᵀ X'
    >>> matrix_unicode(Sum((delta, Product((Ones(N), Transpose(b))))))
    '∂J/∂Z + 𝟙 bᵀ'
    """
    return UnicodeMatrixPrinter().write(node)


def matrix_latex(node: Node) -> str:
    r"""The formula in LaTeX, for mathematics mode.

    >>> X, delta = Named("X", (Ref("N"), Ref("K"))), Named("dJ/dZ", (Ref("N"), Ref("M")))
    >>> print(matrix_latex(Product((Transpose(delta), X))))
    \left(\frac{\partial J}{\partial Z}\right)^{\top} \, X
    """
    return LatexMatrixPrinter().write(node)


@dataclass(frozen=True, slots=True)
class UnicodeMatrixPrinter:
    """The printer; a style of its own changes how the pieces look, not where parentheses stand."""

    def write(self, node: Node, level: int = SUM) -> str:
        text, own = self.parts(node)
        return text if own >= level else self.enclose(text)

    def parts(self, node: Node) -> tuple[str, int]:
        match node:
            case Named(name, _):
                return self.expr(Ref(name)), (MATRIX if name.startswith("d") and "/" in name else ATOM)
            case Scalar(value) | Full(value, _):
                return self.expr(value), _level(value)
            case Ones(size):
                return self.ones(size), ATOM
            case Unit(_, place):
                return self.unit(place), ATOM
            case Identity():
                return "I", ATOM
            case Transpose(of):
                return self.raised(of, self.top()), POSTFIX
            case Product(factors):
                return self.gap().join(
                    self.write(factor, MATRIX + (isinstance(factor, Product))) for factor in factors
                ), MATRIX
            case RowReduce(operation, of):
                return self.call(f"row{operation}", [self.write(of)]), ATOM
            case Diagonal(of) | DiagonalMatrix(of):
                return self.call("diag", [self.write(of)]), ATOM
            case Trace(of):
                return self.call("tr", [self.write(of)]), ATOM
            case SquaredNorm(of):
                return self.norm(self.write(of), self.squared()), POSTFIX
            case Scale(factor, of):
                return self.multiple(factor, of)
            case Sum(terms):
                return self.sum(terms), SUM
            case Elementwise(over, under):
                return self.entries(node, over, under), ENTRIES
            case Power(of, exponent):
                if exponent == 2 and isinstance(of, Named):
                    return self.entries(node, (of, of), ()), ENTRIES
                return self.power(of, exponent), POSTFIX
            case Apply("sqrt", (SquaredNorm(of),)):
                return self.norm(self.write(of), ""), ATOM
            case Apply(function, arguments):
                return self.call(function, [self.write(argument) for argument in arguments]), ATOM
            case Mask(operators, operands):
                return self.mask(operators, operands), ATOM
            case Softmax(of):
                return self.call("softmax", [self.write(of)]), ATOM
            case Einsum(operands, result):
                return self.einsum(operands, result), ATOM

    # -- pieces -----------------------------------------------------------------------------------

    def sum(self, terms: tuple[Node, ...]) -> str:
        text = self.write(terms[0], SIGNED)
        for term in terms[1:]:
            positive = _positive(term)
            sign = "+" if positive is None else self.minus()
            text += f" {sign} {self.write(term if positive is None else positive, ENTRIES)}"
        return text

    def multiple(self, factor: Node, of: Node) -> tuple[str, int]:
        """−A, 2·A, 1/N·A, A/√(d)."""
        if isinstance(factor, Scalar):
            if (opposite := _opposite(factor.value)) is not None:
                rest = of if opposite == ONE else Scale(Scalar(opposite), of)
                return self.minus() + self.write(rest, ENTRIES), SIGNED
            match factor.value:
                case Div(Num(value), below) if value == 1 and not isinstance(below, Ref):
                    return self.divided(of, below)
        front = self.write(factor, POSTFIX if isinstance(factor, Product) else MATRIX)
        return f"{front}{self.times()}{self.write(of, ENTRIES if isinstance(of, Scale) else MATRIX)}", ENTRIES

    def divided(self, of: Node, below: Expr) -> tuple[str, int]:
        return f"{self.write(of, MATRIX)}/{self.denominator(below)}", ENTRIES

    def denominator(self, below: Expr) -> str:
        text = self.expr(below)
        return self.enclose(text) if isinstance(below, (Add, Mul, Div, Neg)) else text

    def entries(self, node: Node, over: tuple[Node, ...], under: tuple[Node, ...]) -> str:
        """A ⊙ B ⊘ C; of numbers, a·b/c."""
        number = is_scalar(node)
        times, by = (self.times(), "/") if number else (f" {self.odot()} ", f" {self.oslash()} ")
        above = times.join(self.write(part, POSTFIX if isinstance(part, Product) else MATRIX) for part in over)
        if not under:
            return above
        below = times.join(self.write(part, POSTFIX) for part in under)
        return (above or "1") + by + (below if len(under) == 1 else self.enclose(below))

    def mask(self, operators: tuple[str, ...], operands: tuple[Node, ...]) -> str:
        text = self.write(operands[0])
        for operator, operand in zip(operators, operands[1:], strict=True):
            text += f" {self.sign(operator)} {self.write(operand)}"
        return f"[{text}]"

    def einsum(self, operands: tuple[tuple[Node, tuple[str, ...]], ...], result: tuple[str, ...]) -> str:
        letters = _letters([label for _, labels in operands for label in labels])
        pattern = ",".join("".join(letters[label] for label in labels) for _, labels in operands)
        pattern += "->" + "".join(letters[label] for label in result)
        return self.call("einsum", [self.quoted(pattern), *(self.write(node) for node, _ in operands)])

    # -- style ------------------------------------------------------------------------------------

    def expr(self, expr: Expr) -> str:
        return to_unicode(expr)

    def enclose(self, text: str) -> str:
        return f"({text})"

    def ones(self, size: Expr) -> str:
        return "𝟙"

    def unit(self, place: Expr) -> str:
        text = to_unicode(place)
        return f"e{text.translate(_LOWERED)}" if text.isdigit() else f"e_{text}"

    def raised(self, of: Node, script: str) -> str:
        return self.write(of, ATOM) + script

    def power(self, of: Node, exponent: Fraction) -> str:
        return (
            f"{self.write(of, ATOM)}^⊙{to_unicode(num(exponent))}"
            if exponent.denominator == 1
            else (f"{self.write(of, ATOM)}^⊙({to_unicode(num(exponent))})")
        )

    def call(self, function: str, arguments: list[str]) -> str:
        name = FUNCTIONS[function].unicode if function in FUNCTIONS else function
        return f"{name}({', '.join(arguments)})"

    def norm(self, text: str, script: str) -> str:
        return f"‖{text}‖{script}"

    def squared(self) -> str:
        return "²"

    def sign(self, operator: str) -> str:
        return _SIGNS[operator][0]

    def quoted(self, text: str) -> str:
        return f'"{text}"'

    def top(self) -> str:
        return "ᵀ"

    def gap(self) -> str:
        return " "

    def minus(self) -> str:
        return "−"

    def times(self) -> str:
        return "·"

    def odot(self) -> str:
        return "⊙"

    def oslash(self) -> str:
        return "⊘"


@dataclass(frozen=True, slots=True)
class LatexMatrixPrinter(UnicodeMatrixPrinter):
    """The same in LaTeX."""

    def expr(self, expr: Expr) -> str:
        return to_latex(expr)

    def enclose(self, text: str) -> str:
        return rf"\left({text}\right)" if "\\frac" in text or "\\left" in text else f"({text})"

    def ones(self, size: Expr) -> str:
        return r"\mathbf{1}"

    def unit(self, place: Expr) -> str:
        return rf"\mathbf{{e}}_{{{to_latex(place)}}}"

    def power(self, of: Node, exponent: Fraction) -> str:
        return self.raised(of, rf"^{{\odot {to_latex(num(exponent))}}}")

    def divided(self, of: Node, below: Expr) -> tuple[str, int]:
        return rf"\frac{{1}}{{{to_latex(below)}}} \, {self.write(of, MATRIX)}", ENTRIES

    def call(self, function: str, arguments: list[str]) -> str:
        name = FUNCTIONS[function].latex if function in FUNCTIONS else rf"\operatorname{{{function}}}"
        inner = ", ".join(arguments)
        if function == "sqrt":
            return rf"\sqrt{{{inner}}}"
        return name + self.enclose(inner)

    def norm(self, text: str, script: str) -> str:
        return rf"\left\lVert {text} \right\rVert{script}"

    def squared(self) -> str:
        return "^{2}"

    def sign(self, operator: str) -> str:
        return _SIGNS[operator][1]

    def quoted(self, text: str) -> str:
        return rf"\texttt{{{text}}}"

    def mask(self, operators: tuple[str, ...], operands: tuple[Node, ...]) -> str:
        text = UnicodeMatrixPrinter.mask(self, operators, operands)
        return rf"\left{text[:-1]}\right]"

    def top(self) -> str:
        return r"^{\top}"

    def gap(self) -> str:
        return r" \, "

    def minus(self) -> str:
        return "-"

    def times(self) -> str:
        return r" \, "

    def odot(self) -> str:
        return r"\odot"

    def oslash(self) -> str:
        return r"\oslash"


def _opposite(value: Expr) -> Expr | None:
    """-value where value opens with a minus sign, else None."""
    match value:
        case Num(number) if number < 0:
            return num(-number)
        case Neg(operand):
            return operand
        case Mul((Num(number), *rest)) if number < 0:
            return Mul((num(-number), *rest)) if number != -1 else (rest[0] if len(rest) == 1 else Mul(tuple(rest)))
        case Div(Num() | Mul((Num(), *_)) | Neg() as above, below) if _opposite(above) is not None:
            return Div(_opposite(above) or ONE, below)
        case _:
            return None


def _positive(term: Node) -> Node | None:
    """The term without its minus sign, None where it has none."""
    match term:
        case Scale(Scalar(value), of) if (opposite := _opposite(value)) is not None:
            return of if opposite == ONE else Scale(Scalar(opposite), of)
        case Scalar(value) if (opposite := _opposite(value)) is not None:
            return Scalar(opposite)
        case Full(value, shape) if (opposite := _opposite(value)) is not None:
            return Full(opposite, shape)
        case _:
            return None


def _level(value: Expr) -> int:
    match value:
        case Add():
            return SUM
        case Neg():
            return SIGNED
        case Num(number):
            return SIGNED if number < 0 else MATRIX if number.denominator != 1 else ATOM
        case Mul() | Div():
            return SIGNED if _opposite(value) is not None else MATRIX
        case _:
            return ATOM


def _letters(labels: list[str]) -> dict[str, str]:
    """A letter of its own for every index, its first letter where that is free."""
    letters: dict[str, str] = {}
    for label in dict.fromkeys(labels):
        taken = set(letters.values()) | {other for other in labels if len(other) == 1 and other != label}
        choice = [label[0].lower(), *"abcdefghijklmnopqrstuvwxyz", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
        letters[label] = next(
            letter for letter in choice if letter.isascii() and letter.isalpha() and letter not in taken
        )
    return letters
