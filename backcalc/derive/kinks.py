"""Values that sit on a kink: where a derivative is a convention, the reader is told."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import product

from backcalc.derive.exact import EXACT, Exact
from backcalc.derive.ground import Ground, TooWide
from backcalc.formula.evaluate import Array, evaluate_expression
from backcalc.formula.integers import EvaluationError
from backcalc.formula.print_unicode import to_unicode
from backcalc.formula.program import Program
from backcalc.formula.tree import Call, Expr, Num, Ref, Table, num, walk

KINKS: Mapping[str, tuple[tuple[int, ...], str]] = {
    "relu": ((0,), "0"),
    "relu6": ((0, 6), "0"),
    "abs": ((0,), "0"),
    "sign": ((0,), "0"),
    "hard_sigmoid": ((-3, 3), "0"),
    "hard_swish": ((-3, 3), "0"),
    "leaky_relu": ((0,), "its slope on the left"),
    "elu": ((0,), "its alpha"),
}
"""Where each function has a kink, and what its derivative is taken to be there."""

MOST_ELEMENTS = 2000


def kinks(program: Program, ground: Ground, store: Mapping[str, Array[Exact]]) -> tuple[str, ...]:
    """A sentence for every element whose value sits on a kink or in a tie.

    `q2 = 0 is on the kink of relu: its derivative there is taken as 0`.
    """
    found: list[str] = []
    for equation in program.equations:
        shape = program.shape(equation.name)
        if equation.name not in store or shape is None or isinstance(equation.body, Table):
            continue
        if not any(isinstance(node, Call) or _is_extreme(node) for node in walk(equation.body)):
            continue
        places = list(product(*(range(1, extent + 1) for extent in shape)))[:MOST_ELEMENTS]
        for place in places:
            left = Ref(equation.name, tuple(num(i) for i in place))
            try:
                written = ground(equation.body, dict(zip(equation.indices, place, strict=True)))
                found += [note for node in walk(written) if (note := _note(node, left, store)) is not None]
            except (TooWide, EvaluationError):
                break
    return tuple(dict.fromkeys(found))


def _is_extreme(node: Expr) -> bool:
    return getattr(node, "operation", "") in ("max", "min")


def _note(node: Expr, left: Ref, store: Mapping[str, Array[Exact]]) -> str | None:
    match node:
        case Call(function, (argument, *_)) if function in KINKS:
            points, convention = KINKS[function]
            value = evaluate_expression(argument, {}, store, EXACT)
            for point in points:
                if EXACT.compare("==", value, Exact.of(Fraction(point))):
                    shown = to_unicode(argument, scalar_names=True)
                    what = f"{shown} = {point}" if not isinstance(argument, Num) else shown
                    return f"{what} is on the kink of {function}: its derivative there is taken as {convention}"
        case Call(("max" | "min") as function, parts):
            values = [evaluate_expression(part, {}, store, EXACT) for part in parts]
            order = ">" if function == "max" else "<"
            best = values[0]
            for value in values[1:]:
                best = value if EXACT.compare(order, value, best) else best
            ties = [part for part, value in zip(parts, values, strict=True) if EXACT.compare("==", value, best)]
            if len(ties) > 1:
                shown = " and ".join(to_unicode(part, scalar_names=True) for part in ties[:3])
                name = to_unicode(left, scalar_names=True)
                place = "largest" if function == "max" else "smallest"
                return f"{shown} tie for the {place} in {name}: the first takes it"
    return None
