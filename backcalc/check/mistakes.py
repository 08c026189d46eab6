"""Mistakes in derivations that have a name: each is one function that says what happened, or None.

A mistake is recognised by its result: what the derivation would give with the mistake made is what the student has.
Method: K. VanLehn, *Mind Bugs*, MIT Press 1990.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

from backcalc.check.case import Case
from backcalc.check.number_mistakes import NUMBER_MISTAKES
from backcalc.check.path_mistakes import FACTOR_MISTAKES, NAME_MISTAKES, PATH_MISTAKES
from backcalc.formula.print_unicode import to_unicode
from backcalc.formula.tree import Add, Call, Compare, Div, Expr, Mul, Neg, Num, Reduce, Ref, num, rebuild, walk

Mistake = Callable[[Case], "str | None"]


def sign(case: Case) -> str | None:
    """The right result with the other sign."""
    if case.gives(Neg(case.left.expr)):
        return "the sign is the wrong way round; everything else is right"
    return None


def no_path(case: Case) -> str | None:
    """A derivative by something that the loss does not depend on, given as if it did."""
    body = case.body
    if case.adjoint is None or body is None:
        return None
    if any(isinstance(node, Compare) for node in walk(body)) and case.gives(_open_brackets(body)):
        above, below = case.adjoint.loss, case.adjoint.of
        return f"{above} does not depend on this element of {below}: the derivative is 0"
    return None


def update_sign(case: Case) -> str | None:
    """A step up the hill instead of down."""
    if case.about is None or not case.about.name.startswith("new_"):
        return None
    name = case.about.name.removeprefix("new_")
    if case.gives(Add((Ref(name, case.about.indices), Neg(Ref(f"Delta{name}", case.about.indices))))):
        return "the step goes against the gradient: the new value is the old one minus η times the gradient"
    return None


def rate_missing(case: Case) -> str | None:
    """The learning rate left out of a step."""
    rate = case.subject.rate
    if case.about is None or rate is None:
        return None
    if case.about.name.startswith("Delta") and case.gives(Div(case.about, Ref(rate))):
        return "the learning rate η is missing: this is −∂J/∂w, not −η·∂J/∂w"
    name = case.about.name.removeprefix("new_")
    step = Div(Ref(f"Delta{name}", case.about.indices), Ref(rate))
    if name != case.about.name and case.gives(Add((Ref(name, case.about.indices), step))):
        return "the learning rate η is missing in the step"
    return None


def chain_factor(case: Case) -> str | None:
    """One factor of the chain rule left out."""
    for formula in case.formulas():
        factors = case.factors(formula)
        for place, factor in enumerate(factors):
            rest = (*factors[:place], *factors[place + 1 :])
            without: Expr = rest[0] if len(rest) == 1 else Mul(rest) if rest else num(1)
            for candidate in (without, Neg(without)) if isinstance(formula, Neg) else (without,):
                if len(factors) > 1 and not isinstance(factor, Num) and case.gives(candidate):
                    return f"the factor {_shown(factor)} is missing"
    return None


def factor_twice(case: Case) -> str | None:
    """One factor of the chain rule put in twice."""
    for formula in case.formulas():
        for factor in case.factors(formula):
            if not isinstance(factor, Num) and case.gives(Mul((formula, factor))):
                return f"the factor {_shown(factor)} is there twice"
    return None


def constant_factor(case: Case) -> str | None:
    """A constant factor lost or added: the 2 of a square, a 1/2, a 1/N."""
    if case.subject.loss is None and not case.subject.exact:
        return None
    factors = [Fraction(1, 2), Fraction(2), Fraction(-1, 2), Fraction(-2)]
    for factor in factors:
        if case.gives(Mul((num(factor), case.left.expr))):
            return f"this is {factor} times the right result: look at the constant factors, as the 2 of a square"
    for size in case.subject.program.sizes:
        if case.gives(Mul((Ref(size), case.left.expr))) or case.gives(Div(case.left.expr, Ref(size))):
            return f"a factor {size} or 1/{size} too many: is it a sum or a mean over the samples?"
    return None


def slope_elsewhere(case: Case) -> str | None:
    """The derivative of an activation at its output instead of its input, or the other way round."""
    for formula in case.formulas():
        for inner, outer in _activations(case):
            for old, new in ((inner, outer), (outer, inner)):
                if case.gives(_swapped(formula, old, new)):
                    return f"the slope is taken at {_shown(new)} instead of {_shown(old)}"
    return None


def one_minus(case: Case) -> str | None:
    """`1 + y` where `1 − y` belongs, or the bracket left out."""
    for formula in case.formulas():
        if any(case.gives(candidate) for candidate in (_turned(formula), *_turned_once(formula))):
            return "a sign inside a bracket is wrong: 1 + … where 1 − … belongs, or the other way round"
    return None


def sum_term(case: Case) -> str | None:
    """One term of a sum left out: a path of a shared weight, a cross term of the softmax."""
    for formula in case.formulas():
        if isinstance(formula, Reduce) and isinstance(formula.lower, Num) and isinstance(formula.upper, Num):
            first, last = int(formula.lower.value), int(formula.upper.value)
            for index in range(first, min(last, first + 20) + 1):
                short = Reduce(formula.operation, formula.index, formula.lower, formula.upper, num(index), formula.body)
                if case.gives(short):
                    return f"one path is missing: the term with {formula.index} = {index} of the sum"
        if isinstance(formula, Add) and len(formula.terms) > 1:
            for place, term in enumerate(formula.terms):
                rest = (*formula.terms[:place], *formula.terms[place + 1 :])
                if case.gives(rest[0] if len(rest) == 1 else Add(rest)):
                    return f"the term {_shown(term)} is missing"
    return None


def absolute(case: Case) -> str | None:
    """The size of a difference in place of the signed difference."""
    if case.gives(Call("abs", (case.left.expr,))):
        return "the absolute value stands where the sign matters"
    return None


def reciprocal(case: Case) -> str | None:
    """Upside down."""
    if case.gives(Div(num(1), case.left.expr)):
        return "the fraction is upside down"
    return None


def log_base(case: Case) -> str | None:
    """The logarithm to the base 10 or 2 in place of the natural one."""
    equations = case.subject.program.equations
    if not any(isinstance(node, Call) and node.function == "log" for each in equations for node in walk(each.body)):
        return None
    for base in (10, 2):
        for factor in (Call("log", (num(base),)), Div(num(1), Call("log", (num(base),)))):
            if case.gives(Mul((factor, case.left.expr))):
                return f"this is the logarithm to the base {base}; `log` is natural here"
    return None


def _activations(case: Case) -> list[tuple[Ref, Ref]]:
    """The inputs and outputs of the functions of one argument among the equations, where they are numbers."""
    found = []
    for equation in case.subject.program.equations:
        body = equation.body
        if isinstance(body, Call) and len(body.arguments) == 1 and isinstance(body.arguments[0], Ref):
            found.append((body.arguments[0], equation.left))
    return found[:20]


def _swapped(expr: Expr, old: Ref, new: Ref) -> Expr:
    """The formula that reads one array where it read another at the same place."""
    if isinstance(expr, Ref) and expr.name == old.name and len(expr.indices) == len(new.indices):
        return Ref(new.name, expr.indices)
    return rebuild(expr, lambda part: _swapped(part, old, new))


def _turned(expr: Expr) -> Expr:
    """The formula with `1 − u` as `1 + u`."""
    match expr:
        case Add((Num(value), Neg(inner))) if value == 1:
            return Add((num(1), inner))
        case _:
            return rebuild(expr, _turned)


def _turned_once(expr: Expr) -> Iterator[Expr]:
    """The formula with one `1 − u` as `1 + u`, for each."""
    brackets = [node for node in walk(expr) if _turned(node) != node and isinstance(node, Add)]
    for bracket in dict.fromkeys(brackets[:12]):
        yield replaced(expr, bracket, _turned(bracket))


def replaced(expr: Expr, old: Expr, new: Expr) -> Expr:
    """The formula with another expression in place of every occurrence of a part."""
    return new if expr == old else rebuild(expr, lambda part: replaced(part, old, new))


def _open_brackets(expr: Expr) -> Expr:
    """The formula as if every condition in it held."""
    return num(1) if isinstance(expr, Compare) else rebuild(expr, _open_brackets)


def _shown(expr: Expr) -> str:
    return to_unicode(expr, scalar_names=True)


MISTAKES: tuple[Mistake, ...] = (
    sign,
    no_path,
    update_sign,
    rate_missing,
    *PATH_MISTAKES,
    *FACTOR_MISTAKES,
    chain_factor,
    sum_term,
    constant_factor,
    slope_elsewhere,
    one_minus,
    absolute,
    reciprocal,
    log_base,
    factor_twice,
    *NAME_MISTAKES,
    *NUMBER_MISTAKES,
)
"""The mistakes, those first that explain most."""
