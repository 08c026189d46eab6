"""Laws of the normal form: rewriting keeps the value, keys tell apart what differs, no bound is claimed wrongly."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from backcalc.derive.key import key
from backcalc.derive.partial import NotDifferentiable, partials
from backcalc.derive.terms import merge, multiply, power, to_terms
from backcalc.derive.write import distribute, splice, to_expr
from backcalc.formula.affine import at_least, linear, tidy
from backcalc.formula.print_text import to_text
from backcalc.formula.read import read_expression
from backcalc.formula.tree import Add, Expr, Mul, Reduce, Ref, num, substitute

from .witness import MP, STEP, Store, value, whole

QUICK = settings(max_examples=150, deadline=None, derandomize=True)


@st.composite
def texts(draw: st.DrawFn, depth: int = 3, scope: tuple[str, ...] = ()) -> str:
    """A formula over the scalars u, v, w and the arrays x[3], y[3]; all positive at the points below."""
    leaves = ["u", "v", "w", "2", "1/3", "x[1]", "y[2]", *(f"{a}[{i}]" for a in "xy" for i in scope)]
    if depth == 0:
        return draw(st.sampled_from(leaves))
    one = draw(texts(depth - 1, scope))
    match draw(st.sampled_from(["leaf", "+", "-", "*", "*", "/", "^", "neg", "call", "sum", "sum", "bracket"])):
        case "+" | "-" | "*" | "/" as sign:
            return f"({one}) {sign} ({draw(texts(depth - 1, scope))})"
        case "^":
            return f"({one})^{draw(st.sampled_from(['2', '3', '-1', '0', '(1/2)', '(-3/2)', '(1/3)']))}"
        case "neg":
            return f"-({one})"
        case "call":
            return f"{draw(st.sampled_from(['exp', 'sigmoid', 'sqrt', 'log']))}(1/4*({one}))"
        case "sum":
            index = "ijklmn"[len(scope)]
            lower = draw(st.sampled_from(["1", "2", scope[-1] if scope else "1"]))
            return f"sum({index}={lower}..3, {draw(texts(depth - 1, (*scope, index)))})"
        case "bracket" if scope:
            return f"({one})*({scope[0]} {draw(st.sampled_from(['==', '<=', '!=']))} {scope[-1]})"
    return one


def points() -> list[Store]:
    source = random.Random(5)

    def one() -> Store:
        scalars: Store = {name: {(): MP.mpf(2 * source.randint(20, 290) + 1) / 194} for name in "uvw"}
        return scalars | {name: {(i,): MP.mpf(source.randint(20, 300)) / 101 for i in (1, 2, 3)} for name in "xy"}

    return [one() for _ in range(2)]


POINTS = points()


def values(expr: Expr) -> list[Any]:
    """The values at the points; a formula that is no real number there is no example."""
    try:
        found = [value(expr, {}, store) for store in POINTS]
        assume(all(abs(v) < 1e12 and not isinstance(v, MP.mpc) for v in found))
    except (ZeroDivisionError, TypeError, OverflowError):
        assume(False)
    return found


def same(left: Expr, right: Expr) -> bool:
    pairs = zip(values(left), (value(right, {}, store) for store in POINTS), strict=True)
    return all(abs(a - b) <= MP.mpf(10) ** -35 * max(1, abs(a)) for a, b in pairs)


@QUICK
@given(texts())
def test_terms_and_back_keep_the_value(text: str) -> None:
    expr = read_expression(text)
    values(expr)
    terms = to_terms(expr)
    for form in (terms, merge(terms), distribute(terms), splice(terms), merge(distribute(merge(terms)))):
        assert same(expr, to_expr(form)), to_text(to_expr(form))


@QUICK
@given(texts(depth=2), texts(depth=2))
def test_multiplying_terms_multiplies_values(one: str, other: str) -> None:
    left, right = read_expression(one), read_expression(other)
    values(Mul((left, right)))
    product_ = tuple(multiply(a, b) for a in to_terms(left) for b in to_terms(right))
    assert same(Mul((left, right)), to_expr(product_))


def test_a_root_of_a_square_is_not_taken() -> None:
    (square,) = to_terms(read_expression("x^2"))
    assert power(square, Fraction(1, 2)) is None
    (cube,) = to_terms(read_expression("x^3"))
    raised = power(cube, Fraction(1, 3))
    assert raised is not None and to_text(to_expr((raised,))) == "x"


# -- keys ----------------------------------------------------------------------------------------


def _shuffled(expr: Expr, source: random.Random) -> Expr:
    """The same expression, its terms and factors in another order, its bound indices renamed."""
    from backcalc.formula.tree import rebuild

    changed = rebuild(expr, lambda part: _shuffled(part, source))
    match changed:
        case Add(terms):
            return Add(tuple(source.sample(terms, len(terms))))
        case Mul(factors):
            return Mul(tuple(source.sample(factors, len(factors))))
        case Reduce(operation, index, lower, upper, exclude, body):
            fresh = f"q{source.randint(100, 999)}{index}"
            return Reduce(operation, fresh, lower, upper, exclude, substitute(body, {index: Ref(fresh)}))
    return changed


@QUICK
@given(texts(), st.integers(0, 99))
def test_the_key_does_not_see_names_and_order(text: str, seed: int) -> None:
    expr = read_expression(text)
    assert key(_shuffled(expr, random.Random(seed))) == key(expr)


@QUICK
@given(st.lists(texts(), min_size=2, max_size=6))
def test_equal_keys_mean_equal_values(written: list[str]) -> None:
    for left, right in combinations([read_expression(text) for text in written], 2):
        if key(left) == key(right):
            assert same(left, right)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a - b", "b - a"),
        ("a/b", "b/a"),
        ("a^b", "b^a"),
        ("-a^2", "(-a)^2"),
        ("sum(i=1..N, a[i])", "sum(i=1..M, a[i])"),
        ("sum(i=1..N, a[i])", "sum(i=2..N, a[i])"),
        ("sum(i=1..N, a[i])", "max(i=1..N, a[i])"),
        ("sum(i=1..N, sum(k=1..N, W[i,k]*c[i]))", "sum(i=1..N, sum(k=1..N, W[k,i]*c[i]))"),
        ("sum(i=1..N, a[i]*b[k])", "sum(i=1..N, a[i]*b[i])"),
        ("sum(k != j, k=1..N, x[k])".replace(", k=1..N", ""), "sum(k, x[k])"),
        ("x[i+1]", "x[i-1]"),
        ("x[i,j]", "x[j,i]"),
        ("(i <= j)", "(j <= i)"),
        ("(i <= j)", "(i < j)"),
        ("if(a, b, c)", "if(a, c, b)"),
        ("1/2*x", "2*x"),
    ],
)
def test_different_expressions_have_different_keys(one: str, other: str) -> None:
    assert key(read_expression(one)) != key(read_expression(other))


# -- index expressions ---------------------------------------------------------------------------

INDICES = ("i", "k", "o", "N")


@st.composite
def affine(draw: st.DrawFn) -> str:
    parts = [f"{draw(st.integers(-2, 3))}*{name}" for name in draw(st.lists(st.sampled_from(INDICES), max_size=3))]
    whole = " + ".join([*parts, str(draw(st.integers(-4, 4)))])
    match draw(st.sampled_from(["plain", "plain", "div", "mod", "max", "min"])):
        case ("div" | "mod") as function:
            return f"{function}({whole}, {draw(st.integers(2, 4))})"
        case ("max" | "min") as function:
            return f"{function}({whole}, i - 1)"
    return whole


RANGES = {
    "i": (num(1), read_expression("N")),
    "k": (num(2), read_expression("i + 1")),
    "o": (read_expression("i"), read_expression("2*N")),
}


def frames() -> list[dict[str, int]]:
    """Every value of the indices for the first sizes."""
    found = []
    for n in range(1, 5):
        for i in range(1, n + 1):
            found += [{"N": n, "i": i, "k": k, "o": o} for k, o in product(range(2, i + 2), range(i, 2 * n + 1))]
    return found


FRAMES = frames()


@settings(max_examples=400, deadline=None, derandomize=True)
@given(affine(), affine())
def test_what_is_claimed_of_bounds_holds_in_a_loop(left: str, right: str) -> None:
    low, high = read_expression(right), read_expression(left)
    if at_least(high, low, RANGES, frozenset({"N"})):
        assert all(whole(high, frame, {}) >= whole(low, frame, {}) for frame in FRAMES)


@pytest.mark.parametrize(
    ("left", "right", "holds"),
    [
        ("i", "1", True),
        ("N", "i", True),
        ("o", "i", True),
        ("i + 1", "k", True),
        ("2*N", "i + 1", True),
        ("i", "2", False),
        ("i - 1", "1", False),
        ("N", "2", False),
        ("k", "i", False),
        ("div(i, 2)", "0", True),
        ("div(i, 2)", "1", False),
        ("3", "div(i, 2)", False),  # N may be any number
        ("mod(i, 3)", "0", True),
        ("2", "mod(i, 3)", True),
        ("1", "mod(i, 3)", False),
        ("v", "v", True),
        ("v", "0", False),
    ],
)
def test_bounds(left: str, right: str, holds: bool) -> None:
    assert at_least(read_expression(left), read_expression(right), RANGES, frozenset({"N"})) is holds


@settings(max_examples=200, deadline=None, derandomize=True)
@given(affine(), affine(), st.integers(-3, 3))
def test_linear_forms_keep_the_value(left: str, right: str, scale: int) -> None:
    one, other = read_expression(left), read_expression(right)
    form = (linear(one) * Fraction(scale) - linear(other)).expr()
    for frame in FRAMES[::7]:
        assert whole(tidy(one), frame, {}) == whole(one, frame, {})
        assert whole(form, frame, {}) == scale * whole(one, frame, {}) - whole(other, frame, {})


# -- local derivatives ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "w*3 + x[1]",
        "-(w*u)",
        "w*u*w*v",
        "u/w",
        "w/u",
        "w/w^2",
        "w^3",
        "w^(1/2)",
        "w^u",
        "u^w",
        "w^w",
        "w^0*u",
        "exp(w)*log(w)",
        "sqrt(w)*sigmoid(w*u)",
        "tanh(w)^2",
        "gelu(w) + silu(w) + softplus(w) + erf(w)",
        "leaky_relu(-w, 1/5)*elu(-w, 2)",
        "leaky_relu(-u, w) + elu(-u, w)",
        "hard_swish(w) + relu6(w) + hard_sigmoid(w) + scaled_tanh(w)",
        "if(u > 0, w^2, w^3)",
        "if(u < 0, w^2, w^3)",
        "max(w, 1/100)*min(w, 100)*max(1/100, w)*max(w, 100)",
        "max(w^2, w)",
        "(w > 1)*w",
        "sum(k=1..3, w^k*x[k])",
        "sum(k=1..3, k != 2, x)".replace("k != 2, x", "x[k]*w"),
        "mean(k=2..3, x[k]*w)",
        "prod(k=1..3, x[k] + w)",
        "prod(k=1..3, sum(j=k..3, w*x[j]))",
        "max(k=1..3, w*x[k])",
        "min(k=1..3, w*x[k] + k)",
        "w*argmax(k=1..3, x[k])",
        "max(k=1..3, sum(j=1..3, w^j*x[k]*y[j]))",
    ],
)
def test_every_kind_of_node(text: str) -> None:
    """Σ over the partials of one read is the difference quotient."""
    expr = read_expression(text)
    for store in POINTS:
        total = MP.mpf(0)
        for part in partials(expr, "w"):
            whole: Expr = Mul((num(1), num(1), *part.factors))
            for bound in reversed(part.sums):
                whole = Reduce("sum", bound.index, bound.lower, bound.upper, None, whole)
            total += value(whole, {}, store)
        w = store["w"][()]
        ends = [value(expr, {}, {**store, "w": {(): w + h}}) for h in (STEP, -STEP)]
        slope = (ends[0] - ends[1]) / (2 * STEP)
        assert abs(total - slope) <= MP.mpf(10) ** -30 * max(1, abs(slope))


@pytest.mark.parametrize("text", ["x[w]", "div(w, 2)", "mod(w, 2)"])
def test_what_has_no_derivative_says_so(text: str) -> None:
    with pytest.raises(NotDifferentiable):
        list(partials(read_expression(text), "w"))


def test_a_rivals_name_is_not_captured() -> None:
    """The engine's own index for the other factors is not one that the formula uses."""
    (part,) = partials(read_expression("prod(k=1..3, x[k]*y[k2])"), "x")
    (others,) = part.factors[-1:]
    assert "y[k2]" in to_text(part.factors[0]) + to_text(others)
    found = [node for factor in part.factors for node in [factor] if isinstance(node, Reduce)]
    assert found and found[0].index not in ("k", "k2")
