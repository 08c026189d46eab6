"""Update rules applied, as formulas and in numbers: the first step, or as many as the file asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from backcalc.derive.adjoint import Adjoint, with_adjoints
from backcalc.derive.arrays import elements, work
from backcalc.derive.decimals import DECIMALS
from backcalc.derive.exact import EXACT, Exact
from backcalc.derive.gradient import Gradient
from backcalc.derive.question import DerivationError
from backcalc.derive.target import derivative_name
from backcalc.derive.terms import merge, to_terms
from backcalc.derive.write import to_expr
from backcalc.formula.evaluate import Array, evaluate, evaluate_expression
from backcalc.formula.integers import EvaluationError
from backcalc.formula.program import Program
from backcalc.formula.read import read_expression
from backcalc.formula.tree import ZERO, Add, Expr, Mul, Neg, Num, Pow, Ref, num, rebuild, substitute
from backcalc.net.network import Network, Update
from backcalc.net.update import UPDATES

MOST_EXACT_WORK = 500_000
"""So many operations with exact numbers all steps together may take; more are computed with many digits."""

MOST_WORK = 4_000_000
"""So many operations all steps together may take."""

Arrays = dict[str, Array[Exact]]


@dataclass(frozen=True, slots=True)
class Move:
    """One of several steps of one parameter: the loss before and after it, and the gradient that it goes by."""

    number: int
    formula: Expr
    loss: Exact
    gradient: Array[Exact]
    delta: Array[Exact]
    new: Array[Exact]
    after: Exact


@dataclass(frozen=True, slots=True)
class Change:
    """The update of one parameter: `formula` is its new value, `delta` the difference to the old one.

    Where the file asks for several steps, `moves` are all of them, and formula, delta and new are those of the first.
    """

    name: str
    formula: Expr
    delta: Array[Exact] | None
    new: Array[Exact] | None
    moves: tuple[Move, ...] = ()


def rule_equations(update: Update) -> tuple[tuple[str, str], ...]:
    """The equations of an update rule as text, the last for the new w."""
    rule = UPDATES[update.kind]
    return rule.flagged if update.flag and rule.flagged else rule.equations


def step_formula(update: Update, rate: Expr, number: int = 1, state: Mapping[str, Expr] | None = None) -> Expr:
    """The new `w` in `w` and `g`. `state` holds what the rule remembers from before, `v` and `s`; 0 where it does not.

    >>> from backcalc.formula.print_text import to_text
    >>> update, rate = Update("momentum", Fraction(1, 10)), num(Fraction(1, 10))
    >>> to_text(step_formula(update, rate)), to_text(step_formula(update, rate, state={"v": Ref("v_w")}))
    ('w - 1/10*g', 'w - 1/10*(9/10*v_w + g)')
    """
    if update.kind == "sgd":
        step = Mul((num(-rate.value), Ref("g"))) if isinstance(rate, Num) else Neg(Mul((rate, Ref("g"))))
        return Add((Ref("w"), step))
    known = _known(update, rate, number, state or {})
    for name, text in rule_equations(update):
        formula = substitute(read_expression(text), known)
        known[name] = _powered(formula) if state else _simplified(formula)
    return known["w"]


def _known(update: Update, rate: Expr, number: int, state: Mapping[str, Expr]) -> dict[str, Expr]:
    """What the names in a rule stand for: its arguments, its rate, the number of the step, what it remembers."""
    rule = UPDATES[update.kind]
    known: dict[str, Expr] = {name: num(value) for name, value in {**rule.arguments, **update.arguments}.items()}
    known |= {f"{name}0": state.get(name, ZERO) for name in rule.state}
    return known | {"k": num(number), "eta": rate}


def _simplified(expr: Expr) -> Expr:
    """The expression with numbers put together, innermost first: `1 - 0.9^1` is 1/10."""
    return to_expr(merge(to_terms(rebuild(expr, _simplified))))


def _powered(expr: Expr) -> Expr:
    """The expression with powers and sums of numbers as one number, and without terms that are 0."""
    expr = rebuild(expr, _powered)
    match expr:
        case Pow(Num(base), Num(exponent)) if exponent.denominator == 1 and (base or exponent >= 0):
            return num(base**exponent.numerator)
        case Neg(Num(value)):
            return num(-value)
        case Neg(Mul((Num(value), *factors))):
            return Mul((num(-value), *factors))
        case Mul(factors) if ZERO in factors:
            return ZERO
        case Add(terms) if ZERO in terms:
            rest = tuple(term for term in terms if term != ZERO)
            return Add(rest) if len(rest) > 1 else rest[0] if rest else ZERO
        case Add(terms) if all(isinstance(term, Num) for term in terms):
            return num(sum((term.value for term in terms if isinstance(term, Num)), Fraction(0)))
    return expr


def changes(
    network: Network,
    program: Program,
    adjoints: Mapping[str, Adjoint],
    gradients: Sequence[Gradient],
    rate: Expr,
    store: Mapping[str, Array[Exact]],
) -> tuple[Change, ...]:
    """The updates of the parameters among what was asked for.

    With `steps` all trainable parameters move together, each step from the gradients at the parameters of the step
    before; in a file of equations those move that were asked for. Raises DerivationError where a step has no value.
    """
    update = network.update
    asked = [gradient for gradient in gradients if gradient.adjoint.of in network.parameters]
    single = [_change(gradient, update, rate, store) for gradient in asked]
    if update.steps is None or not asked or not isinstance(rate, Num):
        return tuple(single)
    moving = network.parameters if network.nodes else tuple(dict.fromkeys(g.adjoint.of for g in asked))
    path = _path(network, program, adjoints, [name for name in moving if name not in program.index_names], rate)
    return tuple(_moved(change, gradient, path, update, rate) for change, gradient in zip(single, asked, strict=True))


def _change(gradient: Gradient, update: Update, rate: Expr, store: Mapping[str, Array[Exact]]) -> Change:
    """The first step of one array, own name or element."""
    adjoint = gradient.adjoint
    state = {name: f"{name}_{adjoint.of}" for name in UPDATES[update.kind].state}
    formula = _stated(gradient, update, rate, update.made + 1, {n: s for n, s in state.items() if s in update.state})
    if gradient.value is None or not isinstance(rate, Num):
        return Change(gradient.asked, formula, None, None)
    before = store.get(adjoint.of)
    if before is None and update.kind == "adamw":
        return Change(gradient.asked, formula, None, None)
    slopes = store[adjoint.name] if gradient.place is not None else gradient.value
    remembered = {name: _state(update, array, slopes) for name, array in state.items()}
    delta, _ = _stepped(update, rate, update.made + 1, before, slopes, remembered)
    new = None if before is None else {at: before[at] + difference for at, difference in delta.items()}
    return Change(gradient.asked, formula, _picked(delta, gradient), None if new is None else _picked(new, gradient))


def _picked(array: Array[Exact], gradient: Gradient) -> Array[Exact]:
    """The array, or its one element that was asked for."""
    return array if gradient.place is None else {(): array[gradient.place]}


def _stated(gradient: Gradient, update: Update, rate: Expr, number: int, state: Mapping[str, str]) -> Expr:
    """The new value of a parameter as a formula; `state` are the names of the arrays that the rule remembers."""
    adjoint = gradient.adjoint
    indices = tuple(Ref(i) for i in adjoint.indices) if gradient.place is None else tuple(map(num, gradient.place))
    remembered = {name: Ref(array, indices) for name, array in state.items()}
    names = {"w": Ref(adjoint.of, indices), "g": Ref(adjoint.name, indices)}
    return substitute(step_formula(update, rate, number, remembered), names)


def _state(update: Update, name: str, like: Array[Exact]) -> Array[Exact]:
    """What the rule remembers of an array before the first step."""
    given = update.state.get(name)
    if given is None:
        return dict.fromkeys(like, Exact.of(Fraction(0)))
    return {at: Exact.of(Fraction(value)) for at, value in elements(given).items()}


def _stepped(
    update: Update,
    rate: Expr,
    number: int,
    before: Array[Exact] | None,
    gradient: Array[Exact],
    state: Mapping[str, Array[Exact]],
) -> tuple[dict[tuple[int, ...], Exact], dict[str, Array[Exact]]]:
    """The differences that a step makes, and what the rule remembers after it.

    Where the parameter itself has no value, the difference does not depend on it.
    """
    known = _known(update, rate, number, {})
    kept = {name: text for name, text in known.items() if not name.endswith("0")}
    equations = [(name, _powered(substitute(read_expression(text), kept))) for name, text in rule_equations(update)]
    delta: dict[tuple[int, ...], Exact] = {}
    after: dict[str, dict[tuple[int, ...], Exact]] = {name: {} for name in state}
    zero = Exact.of(Fraction(0))
    for at, slope in gradient.items():
        # Only rules whose step depends on w itself need it; the others are computed from 0, where nothing is lost.
        start = before[at] if before is not None and update.kind == "adamw" else zero
        frame: Arrays = {f"{name}0": {(): array[at]} for name, array in state.items()}
        frame |= {"w": {(): start}, "g": {(): slope}}
        for name, formula in equations:
            frame[name] = {(): evaluate_expression(formula, {}, frame, EXACT)}
        delta[at] = frame["w"][()] + -start
        for name in after:
            after[name][at] = frame[name][()]
    return delta, dict(after)


# -- several steps -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Moment:
    """One step of all parameters: the loss before it, their gradients, the differences, their new values."""

    number: int
    loss: Exact
    gradients: Arrays
    deltas: Arrays
    values: Arrays


def _path(
    network: Network, program: Program, adjoints: Mapping[str, Adjoint], moving: Sequence[str], rate: Expr
) -> tuple[tuple[_Moment, ...], Exact]:
    """Every step, and the loss after the last. Raises DerivationError."""
    update, loss = network.update, network.loss
    assert update.steps is not None and loss is not None
    whole = with_adjoints(program, adjoints.values())
    cost = work(whole) * (update.steps + 1)
    if cost > MOST_WORK:
        raise DerivationError(
            f"`steps: {update.steps}` takes about {cost:,} operations, at most {MOST_WORK:,} are made;"
            " ask for fewer steps"
        )
    exact = cost <= MOST_EXACT_WORK
    values: Arrays = {
        name: {at: Exact.of(Fraction(value)) for at, value in elements(nested).items()}
        for name, nested in network.values.items()
        if name in whole.leaves
    }
    remembered = UPDATES[update.kind].state
    state: dict[str, Arrays] = {
        parameter: {name: _state(update, f"{name}_{parameter}", values[parameter]) for name in remembered}
        for parameter in moving
    }
    moments: list[_Moment] = []
    for number in range(update.made + 1, update.made + update.steps + 1):
        store = _evaluated(whole, values, f"step {number}", exact)
        gradients: Arrays = {}
        deltas: Arrays = {}
        for name in moving:
            zeros = dict.fromkeys(values[name], Exact.of(Fraction(0)))
            gradients[name] = store.get(derivative_name(loss, name), zeros)
            deltas[name], state[name] = _stepped(update, rate, number, values[name], gradients[name], state[name])
            state[name] = {word: _shortened(array) for word, array in state[name].items()}
        new: Arrays = {name: {at: values[name][at] + d for at, d in delta.items()} for name, delta in deltas.items()}
        moments.append(_Moment(number, store[loss][()], gradients, deltas, new))
        values |= {name: _shortened(array) for name, array in new.items()}
    return tuple(moments), _evaluated(program, values, f"the loss after step {number}", exact)[loss][()]


def _evaluated(program: Program, values: Arrays, where: str, exact: bool) -> Mapping[str, Array[Exact]]:
    """Every value, with exact numbers or with many digits. Raises DerivationError."""
    try:
        if exact:
            return evaluate(program, values, EXACT)
        rounded = {name: {at: value.approx for at, value in array.items()} for name, array in values.items()}
        found = evaluate(program, rounded, DECIMALS)
        return {name: {at: Exact(None, value) for at, value in array.items()} for name, array in found.items()}
    except (EvaluationError, ZeroDivisionError) as error:
        reason = str(error) or "division by zero"
        raise DerivationError(f"{where} cannot be computed: {reason}; a smaller rate may help") from None


def _shortened(array: Array[Exact]) -> Array[Exact]:
    """The array with fractions as they are, and other numbers as decimals: exact forms would grow with every step."""
    return {at: value if value.rational is not None else Exact(None, value.approx) for at, value in array.items()}


def _moved(
    change: Change, gradient: Gradient, path: tuple[tuple[_Moment, ...], Exact], update: Update, rate: Expr
) -> Change:
    """The change with all of its steps."""
    moments, last = path
    name = gradient.adjoint.of
    losses = [*(moment.loss for moment in moments[1:]), last]
    names = {word: f"{word}_{name}" for word in UPDATES[update.kind].state}
    moves: list[Move] = []
    for moment, after in zip(moments, losses, strict=True):
        first = moment.number == update.made + 1
        formula = change.formula if first else _stated(gradient, update, rate, moment.number, names)
        slope, delta, new = (_picked(a[name], gradient) for a in (moment.gradients, moment.deltas, moment.values))
        moves.append(Move(moment.number, formula, moment.loss, slope, delta, new, after))
    return Change(change.name, change.formula, moves[0].delta, moves[0].new, tuple(moves))
