"""Random claims: a true rewriting is never refuted, a change that an independent evaluator sees is never proved."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

from backcalc.formula.print_text import to_text
from backcalc.formula.tree import Add, Call, Compare, Div, Expr, Mul, Neg, Num, Pow, Ref, num, rebuild, walk
from backcalc.transform import prove
from backcalc.transform.refute import Counterexample

from .witness import MP, value

CALM = [HealthCheck.too_slow, HealthCheck.filter_too_much]
NAMES = ("x", "y", "z")
SMOOTH = ("tanh", "sigmoid", "softplus", "silu", "exp", "gelu", "sin", "cos", "erf")
KINKED = ("relu", "abs", "sign")
POINTS = [{name: MP.mpf(shift + 7 * place) / 11 for place, name in enumerate(NAMES)} for shift in (-13, 2, 5, -4, 31)]

leaves = st.one_of(
    st.sampled_from(NAMES).map(Ref),
    st.builds(Fraction, st.integers(-4, 4), st.integers(1, 5)).map(Num),
)


def grown(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    return st.one_of(
        st.tuples(inner, inner).map(Add),
        st.tuples(inner, inner).map(Mul),
        st.tuples(inner, inner).map(lambda pair: Add((pair[0], Neg(pair[1])))),
        st.tuples(inner, inner).map(lambda pair: Div(*pair)),
        st.tuples(inner, st.integers(1, 3)).map(lambda pair: Pow(pair[0], num(pair[1]))),
        st.tuples(st.sampled_from(SMOOTH + KINKED), inner).map(lambda pair: Call(pair[0], (pair[1],))),
        st.tuples(inner, inner).map(lambda pair: Call("max", pair)),
    )


expressions = st.recursive(leaves, grown, max_leaves=6)


def _tanh(u: Expr) -> Expr:
    return Add((Mul((num(2), Call("sigmoid", (Mul((num(2), u)),)))), num(-1)))


def _relu(u: Expr) -> Expr:
    return Div(Add((u, Call("abs", (u,)))), num(2))


def _max(u: Expr, v: Expr) -> Expr:
    return Div(Add((u, v, Call("abs", (Add((u, Neg(v))),)))), num(2))


TRUE: dict[str, Callable[..., Expr]] = {
    "tanh": _tanh,
    "sigmoid": lambda u: Add((num(1), Neg(Call("sigmoid", (Neg(u),))))),
    "softplus": lambda u: Add((u, Call("softplus", (Neg(u),)))),
    "silu": lambda u: Mul((u, Call("sigmoid", (u,)))),
    "exp": lambda u: Div(num(1), Call("exp", (Neg(u),))),
    "erf": lambda u: Neg(Call("erf", (Neg(u),))),
    "sin": lambda u: Neg(Call("sin", (Neg(u),))),
    "relu": _relu,
    "abs": lambda u: Call("max", (u, Neg(u))),
    "sign": lambda u: Add((Compare((">",), (u, num(0))), Neg(Compare(("<",), (u, num(0)))))),
    "max": _max,
}


def rewritten(expr: Expr) -> Expr:
    """The same function written otherwise: sums and products turned round, functions by other functions."""
    inner = rebuild(expr, rewritten)
    match inner:
        case Add(terms):
            return Add(terms[::-1])
        case Mul((first, Add((left, right)))):
            return Add((Mul((first, left)), Mul((first, right))))
        case Mul(factors):
            return Mul(factors[::-1])
        case Div(above, below):
            return Mul((above, Pow(below, num(-1))))
        case Pow(base, Num(exponent)) if exponent == 2:
            return Mul((base, base))
        case Call(function, arguments) if function in TRUE:
            return TRUE[function](*arguments)
        case _:
            return inner


@settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=CALM)
@given(expressions)
def test_true_rewritings_are_never_refuted(expr: Expr) -> None:
    other = rewritten(expr)
    claim = f"{to_text(expr)} = {to_text(other)}"
    note(claim)
    assert prove(claim, seconds=1).holds is not False


@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=CALM)
@given(expressions.filter(lambda expr: not any(isinstance(node, Call) for node in walk(expr))))
def test_rational_functions_are_always_decided(expr: Expr) -> None:
    claim = f"{to_text(expr)} = {to_text(rewritten(expr))}"
    note(claim)
    proof = prove(claim, seconds=2)
    assert proof.holds is True or "no point" in proof.links[0].steps[-1].reason


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=CALM)
@given(expressions, st.data())
def test_changes_that_a_witness_sees_are_never_proved(expr: Expr, data: st.DataObject) -> None:
    exponents = [node.exponent for node in walk(expr) if isinstance(node, Pow)]
    places = [node for node in walk(expr) if not any(node is exponent for exponent in exponents)]
    chosen = data.draw(st.sampled_from(places))
    by = data.draw(st.sampled_from(["sign", "more", "name", "scale"]))
    changed = _changed(expr, chosen, by)
    assume(changed != expr)
    differs = any(_apart(expr, changed, point) for point in POINTS)
    claim = f"{to_text(expr)} = {to_text(rewritten(changed))}"
    note(claim)
    proof = prove(claim, seconds=1)
    if differs:
        assert proof.holds is not True
    if proof.holds is False:
        assert _confirmed(expr, rewritten(changed), proof.counterexample)


def _changed(expr: Expr, chosen: Expr, by: str) -> Expr:
    if expr is chosen:
        match by:
            case "sign":
                return Neg(expr)
            case "more":
                return Add((expr, num(Fraction(1, 1000))))
            case "scale":
                return Mul((num(Fraction(1001, 1000)), expr))
            case _:
                return Ref("y") if isinstance(expr, Ref) else expr
    return rebuild(expr, lambda part: _changed(part, chosen, by))


def _apart(left: Expr, right: Expr, point: dict[str, object]) -> bool:
    try:
        a, b = value(left, point), value(right, point)
    except (ZeroDivisionError, ValueError, OverflowError):
        return False
    return bool(abs(a - b) > MP.mpf(10) ** -30 * (1 + abs(a) + abs(b)))


def _confirmed(left: Expr, right: Expr, against: Counterexample | None) -> bool:
    """Whether the witness too sees both sides differ at the counterexample, as far as its digits go."""
    assert against is not None
    values = {name: Fraction(text) for name, text in against.values.items()}
    point = {name: MP.mpf(number.numerator) / number.denominator for name, number in values.items()}
    if any(_near_kink(side, point) for side in (left, right)):
        return True  # the witness rounds where the package is exact
    a, b = value(left, point), value(right, point)
    return bool(abs(a - b) > MP.mpf(10) ** -100 * (abs(a) + abs(b)))


def _near_kink(expr: Expr, point: dict[str, object]) -> bool:
    for node in walk(expr):
        match node:
            case Call(("relu" | "abs" | "sign"), (inside,)):
                apart = value(inside, point)
            case Call("max", (a, b)) | Compare(_, (a, b)):
                apart = value(a, point) - value(b, point)
            case _:
                continue
        if abs(apart) < MP.mpf(10) ** -30:
            return True
    return False


def test_the_rewritings_are_true() -> None:
    """The witness of the witness: every rewriting is checked by the other evaluator at five points."""
    for function in SMOOTH + KINKED:
        expr = Call(function, (Add((Ref("x"), Ref("y"))),))
        for point in POINTS:
            assert abs(value(expr, point) - value(rewritten(expr), point)) < MP.mpf(10) ** -40
