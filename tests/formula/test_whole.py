"""Whole arrays, written out with indices: what comes out is what NumPy computes, and what does not fit is said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backcalc.formula.evaluate import evaluate
from backcalc.formula.floats import FLOATS
from backcalc.formula.infer import build_program
from backcalc.formula.print_text import to_text
from backcalc.formula.read import read_equation
from backcalc.formula.source import ProgramErrors, SourceEquation
from backcalc.formula.tree import Add, Call, Compare, Div, Expr, Mul, Neg, Num, Pow, Ref, num
from backcalc.formula.whole import written_out

Array: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Shape: TypeAlias = tuple[int, ...]

REDUCED: Mapping[str, Callable[[Array], Any]] = {
    "sum": np.sum,
    "mean": np.mean,
    "prod": np.prod,
    "max": np.max,
    "min": np.min,
    "sumsq": lambda a: np.sum(a**2),
    "norm2": lambda a: np.sqrt(np.sum(a**2)),
}
ELEMENTWISE: Mapping[str, Callable[..., Any]] = {
    "tanh": np.tanh,
    "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    "relu": lambda a: np.maximum(a, 0),
    "max": np.maximum,
    "if": lambda c, a, b: np.where(c != 0, a, b),
}


def softmax(a: Array) -> Array:
    powers = np.exp(a)
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def by_numpy(expr: Expr, values: Mapping[str, Array]) -> Any:
    """What NumPy makes of a formula over whole arrays."""

    def of(part: Expr) -> Any:
        return by_numpy(part, values)

    match expr:
        case Num(value):
            return float(value)
        case Ref(name, ()):
            return values[name]
        case Add(terms):
            total = of(terms[0])
            for term in terms[1:]:
                total = total + of(term)
            return total
        case Mul(factors):
            product = of(factors[0])
            for factor in factors[1:]:
                product = product * of(factor)
            return product
        case Neg(operand):
            return -of(operand)
        case Div(above, below):
            return of(above) / of(below)
        case Pow(base, exponent):
            return of(base) ** of(exponent)
        case Compare((">",), (left, right)):
            return np.asarray(of(left) > of(right), dtype=float)
        case Call("matmul", (left, right)):
            return of(left) @ of(right)
        case Call("transpose", (operand,)):
            array = np.asarray(of(operand))
            return array if array.ndim < 2 else np.swapaxes(array, -1, -2)
        case Call("softmax", (operand,)):
            return softmax(of(operand))
        case Call("log_softmax", (operand,)):
            return np.log(softmax(of(operand)))
        case Call(function, (operand,)) if function in REDUCED:
            return REDUCED[function](of(operand))
        case Call(function, arguments):
            return ELEMENTWISE[function](*map(of, arguments))
        case _:
            raise AssertionError(expr)


@dataclass
class Arrays:
    """Draws formulas of a wanted shape; every leaf is an array of its own. All sizes but 1 are different."""

    draw: st.DrawFn
    shapes: dict[str, Shape] = field(default_factory=dict)

    def leaf(self, shape: Shape) -> Expr:
        known = [name for name, old in self.shapes.items() if old == shape]
        name = self.draw(st.sampled_from([f"A{len(self.shapes)}", *known]))
        self.shapes[name] = shape
        return Ref(name)

    def smaller(self, shape: Shape) -> Shape:
        """A shape that broadcasts to this one."""
        kept = shape[self.draw(st.integers(0, len(shape))) :]
        return tuple(self.draw(st.sampled_from([size, 1])) for size in kept)

    def other_size(self, *used: int) -> int:
        return self.draw(st.sampled_from([size for size in (2, 3, 4, 5) if size not in used]))

    def any_shape(self) -> Shape:
        sizes = self.draw(st.permutations([2, 3, 4]))
        return tuple(sizes[: self.draw(st.integers(1, 3))])

    def formula(self, shape: Shape, depth: int) -> Expr:
        if depth == 0 or self.draw(st.integers(0, 9)) == 0:
            return self.leaf(shape) if bool(shape) or self.draw(st.booleans()) else num(self.draw(st.integers(-2, 3)))
        kinds = ["elementwise", "call", "power", "matmul", *(["softmax"] if shape else ["reduction"] * 3)]
        kinds += ["transpose", "transpose"] if len(shape) > 1 else []
        match self.draw(st.sampled_from(kinds)):
            case "elementwise":
                return self.elementwise(shape, depth)
            case "call":
                return self.call(shape, depth)
            case "power":
                return Pow(self.formula(shape, depth - 1), num(2))
            case "matmul":
                return self.matmul(shape, depth)
            case "softmax":
                # Kept small, so that its powers are.
                inner = Call("tanh", (self.formula(shape, depth - 1),))
                return Call(self.draw(st.sampled_from(["softmax", "log_softmax"])), (inner,))
            case "reduction":
                function = self.draw(st.sampled_from(sorted(REDUCED)))
                return Call(function, (self.formula(self.any_shape(), depth - 1),))
            case _:
                return Call("transpose", (self.formula((*shape[:-2], shape[-1], shape[-2]), depth - 1),))

    def elementwise(self, shape: Shape, depth: int) -> Expr:
        parts = [self.formula(shape, depth - 1), self.formula(self.smaller(shape), depth - 1)]
        if self.draw(st.booleans()):
            parts.reverse()
        match self.draw(st.sampled_from(["+", "-", "*", "/", ">"])):
            case "+":
                return Add(tuple(parts))
            case "-":
                return Add((Neg(parts[0]), Neg(parts[1])))
            case "*":
                return Mul(tuple(parts))
            case "/":
                return Div(parts[0], Add((num(2), Call("tanh", (parts[1],)))))
            case _:
                return Compare((">",), tuple(parts))

    def call(self, shape: Shape, depth: int) -> Expr:
        function = self.draw(st.sampled_from(sorted(ELEMENTWISE)))
        count = {"max": 2, "if": 3}.get(function, 1)
        parts = [self.formula(shape, depth - 1)]
        parts += [self.formula(self.smaller(shape), depth - 1) for _ in range(count - 1)]
        return Call(function, tuple(reversed(parts)))

    def matmul(self, shape: Shape, depth: int) -> Expr:
        inner = self.other_size(*shape)
        left: Shape
        right: Shape
        match len(shape):
            case 0:
                left, right = (inner,), (inner,)
            case 1 if self.draw(st.booleans()):
                left, right = (*shape, inner), (inner,)
            case 1:
                left, right = (inner,), (inner, *shape)
            case _:
                lead = shape[:-2]
                left, right = (*lead, shape[-2], inner), (*self.smaller(lead), inner, shape[-1])
        return Call("matmul", (self.formula(left, depth - 1), self.formula(right, depth - 1)))


@st.composite
def formulas(draw: st.DrawFn) -> tuple[Expr, dict[str, Shape], frozenset[int]]:
    """A formula, the shapes of its arrays, and the sizes that are written as symbols."""
    arrays = Arrays(draw)
    expr = arrays.formula(
        draw(st.permutations([2, 3, 4]).flatmap(lambda s: st.sampled_from([s[:n] for n in range(4)]).map(tuple))), 3
    )
    return expr, arrays.shapes, frozenset(draw(st.sets(st.sampled_from([2, 3, 4, 5]))))


@given(formulas(), st.integers(0, 1000))
@settings(max_examples=400, deadline=None)
def test_written_out_a_formula_is_what_numpy_computes(
    case: tuple[Expr, dict[str, Shape], frozenset[int]], seed: int
) -> None:
    expr, shapes, symbolic = case
    random = np.random.default_rng(seed)
    values = {name: random.uniform(-1, 1, shape) for name, shape in shapes.items()}
    expected = np.asarray(by_numpy(expr, values))
    declared = {
        name: tuple(Ref(f"S{size}") if size in symbolic else num(size) for size in shape)
        for name, shape in shapes.items()
    }
    sizes = dict.fromkeys((f"S{size}" for size in symbolic), None)
    left, right = read_equation(f"R = {to_text(expr)}")
    assert right == expr
    lines = written_out([SourceEquation(left, right)], declared, sizes)
    program = build_program(lines, declared, sizes)
    stored = {
        name: {tuple(i + 1 for i in place): float(value[place]) for place in np.ndindex(value.shape)}
        for name, value in values.items()
    }
    result = evaluate(program, stored, FLOATS, {f"S{size}": size for size in symbolic})["R"]
    assert set(result) == {tuple(i + 1 for i in place) for place in np.ndindex(expected.shape)}
    for place in np.ndindex(expected.shape):
        assert result[tuple(i + 1 for i in place)] == pytest.approx(expected[place], rel=1e-9, abs=1e-9)


SHAPES: dict[str, tuple[Expr | int, ...]] = {
    "X": (Ref("N"), Ref("D")),
    "W": (Ref("M"), Ref("D")),
    "V": (Ref("N"), Ref("M")),
    "b": (Ref("M"),),
    "c": (Ref("N"), 1),
    "A": (2, 3, 4),
    "B": (5, 4, 2),
    "s": (),
}


def lines(text: str, shapes: Mapping[str, tuple[Expr | int, ...]] = SHAPES) -> list[str]:
    sources = [SourceEquation(*read_equation(line)) for line in text.split("; ")]
    names = {"N": None, "D": None, "M": None}
    return [f"{to_text(line.left)} = {to_text(line.right)}" for line in written_out(sources, shapes, names)]


@pytest.mark.parametrize(
    ("whole", "indexed"),
    [
        ("Z = X @ W.T + b", "Z[i,j] = sum(k=1..D, X[i,k]*W[j,k]) + b[j]"),
        ("J = 1/2*sumsq(V - c)", "J = 1/2*sum(i=1..N, sum(j=1..M, (V[i,j] - c[i,1])^2))"),
        ("Y = softmax(V)", "Y[i,j] = exp(V[i,j])/sum(k=1..M, exp(V[i,k]))"),
        ("y = softmax(b)", "y[i] = exp(b[i])/sum(j=1..M, exp(b[j]))"),
        ("Y = log_softmax(V)", "Y[i,j] = V[i,j] - log(sum(k=1..M, exp(V[i,k])))"),
        ("h = relu(W.T @ b)", "h[i] = relu(sum(j=1..M, W[j,i]*b[j]))"),
        ("q = b @ b", "q = sum(i=1..M, b[i]*b[i])"),
        ("P = 2*X @ W.T", "P[i,j] = sum(k=1..D, 2*X[i,k]*W[j,k])"),
        ("P = V @ W @ X.T", "P[i,j] = sum(k=1..D, sum(l=1..M, V[i,l]*W[l,k])*X[j,k])"),
        ("Q = c*(V > s)", "Q[i,j] = c[i,1]*(V[i,j] > s)"),
        ("n = norm2(b)/mean(V)", "n = sqrt(sum(i=1..M, b[i]^2))/mean(i=1..N, mean(j=1..M, V[i,j]))"),
        ("x = b.T", "x[i] = b[i]"),
        ("i = b^2; R = V*i", "i[j] = b[j]^2; R[j,k] = V[j,k]*i[k]"),  # a name that is taken is no index
        ("J = sum(Z); Z = X @ W.T", "J = sum(i=1..N, sum(j=1..M, Z[i,j])); Z[i,j] = sum(k=1..D, X[i,k]*W[j,k])"),
        # The two styles mix: read in brackets what is defined whole, and whole what is defined with indices.
        ("Z = 2*V; J = sum(i, Z[i,1])", "Z[i,j] = 2*V[i,j]; J = sum(i, Z[i,1])"),
        ("z[j] = sum(k, W[j,k]*x[k]); J = sumsq(z) + x @ x",
         "z[j] = sum(k, W[j,k]*x[k]); J = sum(i=1..M, z[i]^2) + sum(i=1..D, x[i]*x[i])"),
        ("H = 2*V; h[i,j] = H[i,j] + 1; J = sum(h)",
         "H[i,j] = 2*V[i,j]; h[i,j] = H[i,j] + 1; J = sum(i=1..N, sum(j=1..M, h[i,j]))"),
        ("u[i] = b[i]/norm2(b)", "u[i] = b[i]/sqrt(sum(j=1..M, b[j]^2))"),
        ("J = sum(k, b[k]*sum(X))", "J = sum(k, b[k]*sum(i=1..N, sum(j=1..D, X[i,j])))"),
        ("T = [[p, q], [r, 1]]; U = T @ T", "T = [[p, q], [r, 1]]; U[i,j] = sum(k=1..2, T[i,k]*T[k,j])"),
        ("a = p*q + 1; z[j] = a*b[j]", "a = p*q + 1; z[j] = a*b[j]"),  # nothing whole: nothing changes
    ],
)  # fmt: skip
def test_written_out_as_on_paper(whole: str, indexed: str) -> None:
    assert "; ".join(lines(whole)) == indexed


@pytest.mark.parametrize(
    ("text", "part", "message", "hint"),
    [
        ("Z = X @ W", "X @ W", "`X @ W`: (N×D) times (M×D): the inner sizes D and M differ", "did you mean `W.T`?"),
        ("Z = V.T @ W", "V.T @ W", "`V.T @ W`: (M×N) times (M×D): the inner sizes N and M differ",
         "did you mean `V`?"),
        ("Z = X @ b", "X @ b", "`X @ b`: (N×D) times (M): the inner sizes D and M differ", None),
        ("Z = A @ B", "A @ B", "`A @ B`: (2×3×4) times (5×4×2): the leading sizes 2 and 5 differ", None),
        ("Z = 2 @ X", "2 @ X", "`2 @ X`: `@` multiplies arrays, but `2` is a single number",
         "a number and an array are multiplied by `*`"),
        ("Z = V + b + X", "V + b + X", "`V + b + X`: (N×M) plus (N×D): the sizes M and D differ", None),
        ("Z = 1 - V - V.T + b", "1 - V - V.T", "`1 - V - V.T`: (N×M) minus (M×N): the sizes N and M differ",
         "did you mean `V`?"),
        ("Z = X*W", "X*W", "`X*W`: (N×D) times (M×D): the sizes N and M differ", None),
        ("Z = X*W.T", "X*W.T", "`X*W.T`: (N×D) times (D×M): the sizes N and D differ",
         "`*` multiplies entry by entry; the matrix product is `@`"),
        ("Z = X/b", "X/b", "`X/b`: (N×D) divided by (M): the sizes D and M differ", None),
        ("Z = X^b", "X^b", "`X^b`: (N×D) to the power (M): the sizes D and M differ", None),
        ("Z = X > b", "X > b", "`X > b`: (N×D) compared with (M): the sizes D and M differ", None),
        ("Z = max(X, b)", "max(X, b)", "`max(X, b)`: (N×D) and (M): the sizes D and M differ", None),
        ("Z = Q @ X", "Q", "the shape of `Q` is not known, but `Q @ X` needs it",
         "declare it, as in `shapes: {Q: [N, D]}`"),
        ("J = sum(2*q)", "q", "the shape of `q` is not known, but `sum(2*q)` needs it",
         "declare it, as in `shapes: {q: [N]}`"),
        ("J = q*X; L = sum(k, q[k,1,2])", "q", "the shape of `q` is not known, and it stands here without brackets",
         "declare it, as in `shapes: {q: [N, D, K]}`"),
        ("z[i] = sum(k, U[i,k]); J = sum(z)", "z",
         "the shape of `z` is not known, and it stands here without brackets",
         "declare it, as in `shapes: {z: [N]}`"),
        ("J = sum(softmax(s))", "softmax(s)", "`softmax(s)`: expected an array, but `s` is a single number", None),
        ("Z[i,j] = X @ W.T", "X @ W.T", "`X @ W.T` is an array (N×M), but `Z[i,j]` is a single number",
         "write `Z = …` without indices"),
        ("J = sum(k, b[k]*b)", "b[k]*b", "`b[k]*b` is an array (M), but a single number belongs here",
         "write `b[i]`"),
        ("Z = V[b,1]*V", "b", "`b` is an array (M), but a single number belongs here", "write `b[i]`"),
        ("b = 2*V", "b", "`b` is declared (M), but `2*V` is (N×M)", None),
        ("s = 2*V", "s", "`s` is declared a number, but `2*V` is (N×M)", None),
        ("Z = " + "softmax(" * 13 + "b" + ")" * 13, "softmax(" * 9 + "b" + ")" * 9,
         "`softmax(softmax(softmax(softmax(softmax(softmax(softmax(soft…` is too large when it is written out with "
         "indices", "give its parts names of their own, as in `A = X @ W`"),
    ],
)  # fmt: skip
def test_what_does_not_fit_word_by_word(text: str, part: str, message: str, hint: str | None) -> None:
    with pytest.raises(ProgramErrors) as caught:
        lines(text)
    (error,) = caught.value.errors
    assert (error.token, error.message, error.hint) == (part, message, hint)


def test_every_equation_that_does_not_fit_is_reported_and_none_that_only_follows_from_it() -> None:
    with pytest.raises(ProgramErrors) as caught:
        lines("P = X @ W; Q = P @ X; R = V + X; h[i,j] = R[i,j]; J = sum(h)")
    assert [error.equation for error in caught.value.errors] == [0, 2]


def test_equal_sizes_need_not_be_written_the_same() -> None:
    shapes: dict[str, tuple[Expr | int, ...]] = {"a": (Mul((num(2), Ref("K"))),), "b": (6,), "c": (Ref("I"),)}
    sources = [SourceEquation(*read_equation("z = a + b + c"))]
    (line,) = written_out(sources, shapes, {"K": 3, "I": 1})
    assert to_text(line.right) == "a[i] + b[i] + c[1]"
