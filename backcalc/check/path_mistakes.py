"""Mistakes in what a derivative runs through: gates, cross terms, statistics of a batch, indices turned round."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, count

from backcalc.check.case import Case
from backcalc.check.compare import compare
from backcalc.formula.names import derivative_parts, is_derivative
from backcalc.formula.print_unicode import to_unicode
from backcalc.formula.tree import ONE, Add, Compare, Div, Expr, Mul, Neg, Reduce, Ref, num, rebuild, substitute, walk

MOST_REFS = 12


def gated_by_gradient(case: Case) -> str | None:
    """A ReLU shut by the sign of what flows back instead of by its own input."""
    if case.about is None or case.body is None or not is_derivative(case.about.name):
        return None
    body = case.body
    gates = [node for node in walk(body) if isinstance(node, Compare) and node.operators in ((">",), (">=",))]
    gates = [gate for gate in gates if isinstance(gate.operands[0], Ref)]
    if not gates:
        return None
    own = to_unicode(gates[0].operands[0], scalar_names=True)
    flowing = [node for node in walk(body) if isinstance(node, Ref) and is_derivative(node.name)]
    for back in flowing[:4]:
        for gate in gates:
            if case.gives(exchanged(body, gate, Compare(gate.operators, (back, *gate.operands[1:])))):
                return f"the ReLU is shut by the sign of the gradient; what counts is the sign of its own input {own}"
    if not flowing and case.is_number and case.gives(num(0)):
        return f"the slope of a ReLU is 1 wherever its own input {own} is positive, whatever sign the gradient has"
    return None


def cross_terms(case: Case) -> str | None:
    """Only the diagonal of the softmax's Jacobian: ∂y_j/∂z_i for j ≠ i left out."""
    if case.adjoint is None or case.about is None:
        return None
    above, below = case.adjoint.loss, case.adjoint.of
    for equation in case.subject.program.equations:
        known = f"d{above}/d{equation.name}" in case.subject.adjoints
        if not known or len(equation.indices) != len(case.about.indices):
            continue
        reduced = (node for node in walk(equation.body) if isinstance(node, Reduce))
        if not any(isinstance(node, Ref) and node.name == below for part in reduced for node in walk(part.body)):
            continue
        y = Ref(equation.name, case.about.indices)
        back = Ref(f"d{above}/d{equation.name}", case.about.indices)
        if case.gives(Mul((back, y, Add((num(1), Neg(y)))))):
            return f"only ∂{equation.name}_i/∂{below}_i is there: every {below}_i changes all outputs of the softmax"
    return None


def through_statistics(case: Case) -> str | None:
    """A term of batch normalisation's backward pass forgotten: through the mean, or through the variance."""
    body = case.body
    for total in [node for node in walk(body) if isinstance(node, Add)][:4] if body is not None else ():
        terms = [(term, stat) for term in total.terms if (stat := _statistic(case, term)) is not None]
        for number in range(1, len(terms) + 1):
            for dropped in combinations(terms, number):
                rest = tuple(term for term in total.terms if term not in [one for one, _ in dropped])
                short = rest[0] if len(rest) == 1 else Add(rest)
                if rest and body is not None and case.gives(exchanged(body, total, short)):
                    names = " and ".join(dict.fromkeys(stat for _, stat in dropped))
                    return f"the path through {names} is forgotten: it is computed from every sample of the batch"
    return None


def _statistic(case: Case, term: Expr) -> str | None:
    """The mean or variance over the samples that a term flows back through."""
    for node in walk(term):
        if isinstance(node, Ref) and is_derivative(node.name) and not node.name.startswith("d("):
            _, below = derivative_parts(node.name)
            equation = case.subject.program.by_name.get(below)
            own = case.about is not None and len(node.indices) < len(case.about.indices)
            if own and equation is not None and any(isinstance(part, Reduce) for part in walk(equation.body)):
                return below
    if case.adjoint is None or case.about is None:
        return None
    summed = [node for node in walk(term) if isinstance(node, Reduce) and node.upper == case.subject.samples]
    squared = any(len(factors) > 1 for node in summed if (factors := case.factors(node.body)))
    return None if not summed else "the variance" if squared else "the mean"


def transposed_weight(case: Case) -> str | None:
    """A matrix read by column where it is read by row."""
    for formula in case.formulas():
        names = dict.fromkeys(node.name for node in walk(formula) if isinstance(node, Ref) and len(node.indices) == 2)
        for name in list(names)[:MOST_REFS]:
            if case.gives(_turned(formula, name)):
                return f"the indices of {name} are the wrong way round: this reads the transposed matrix"
    return None


def updated_weights(case: Case) -> str | None:
    """A weight that was already updated, used in the same step."""
    for formula in case.formulas():
        read = dict.fromkeys(node.name for node in walk(formula) if isinstance(node, Ref))
        moved = [name for name in read if f"new_{name}" in case.subject.program.shapes]
        for name in moved[:MOST_REFS]:
            if case.gives(_exchanged_name(formula, name, f"new_{name}")):
                return f"{name} is put in as it is after the update; every gradient of a step uses the old weights"
    return None


def other_name(case: Case) -> str | None:
    """One quantity in place of another at one spot of a formula."""
    for formula in () if case.is_number else case.formulas():
        read = [node for node in walk(formula) if isinstance(node, Ref) and node.indices]
        kinds = list(dict.fromkeys(read))[:MOST_REFS]
        for place, old in enumerate(read[: 2 * MOST_REFS]):
            for new in kinds:
                fits = new != old and new.indices == old.indices
                if fits and case.gives(_at(formula, place, new)):
                    mine, right = to_unicode(new, scalar_names=True), to_unicode(old, scalar_names=True)
                    return f"{mine} stands where {right} belongs"
    return None


def _at(expr: Expr, place: int, new: Expr) -> Expr:
    """The formula with another expression at its n-th name with indices."""
    counter = count()

    def change(part: Expr) -> Expr:
        if isinstance(part, Ref) and part.indices and next(counter) == place:
            return new
        return part if isinstance(part, Ref) else rebuild(part, change)

    return change(expr)


def exchanged(expr: Expr, old: Expr, new: Expr) -> Expr:
    """The formula with another expression in place of every occurrence of a part."""
    return new if expr == old else rebuild(expr, lambda part: exchanged(part, old, new))


def _turned(expr: Expr, name: str) -> Expr:
    if isinstance(expr, Ref) and expr.name == name and len(expr.indices) == 2:
        return Ref(name, expr.indices[::-1])
    return rebuild(expr, lambda part: _turned(part, name))


def _exchanged_name(expr: Expr, old: str, new: str) -> Expr:
    if isinstance(expr, Ref) and expr.name == old:
        return Ref(new, expr.indices)
    return rebuild(expr, lambda part: _exchanged_name(part, old, new))


def _uppers(case: Case) -> Iterator[Expr]:
    """The numbers over which something is summed in the formulas at hand and in the loss."""
    last = case.subject.program.by_name.get(case.subject.loss or "")
    for formula in (*case.formulas(), *([last.body] if last is not None else [])):
        for node in walk(formula):
            if isinstance(node, Reduce) and node.upper is not None and node.upper != num(1):
                yield node.upper


def sum_for_mean(case: Case) -> str | None:
    """A sum over the samples or outputs where their mean belongs, or the other way round."""
    for upper in dict.fromkeys(_uppers(case)):
        if case.gives(Mul((upper, case.left.expr))):
            return f"a sum stands where the mean over {to_unicode(upper)} belongs: divide by {to_unicode(upper)}"
        if case.gives(Div(case.left.expr, upper)):
            return f"this is divided by {to_unicode(upper)} once too often: is it a sum or a mean?"
    return None


def mean_without_sum(case: Case) -> str | None:
    """1/N of one sample where the mean over all of them belongs: the division is there, the sum is not."""
    for formula in case.formulas():
        for node in [node for node in walk(formula) if isinstance(node, Reduce) and node.operation == "sum"][:4]:
            letters = [
                Ref(node.index),
                *(ref for ref in walk(case.right.expr) if isinstance(ref, Ref) and not ref.indices),
            ]
            for letter in dict.fromkeys(letters[:MOST_REFS]):
                if case.gives(exchanged(formula, node, substitute(node.body, {node.index: letter}))):
                    return f"the sum over {node.index} is missing: this is one of its terms, divided as the mean is"
    return None


def restricted_sum(case: Case) -> str | None:
    """A sum over all but one where every term belongs: `Σ over j ≠ i` for `Σ over j`."""
    for node in [node for node in walk(case.right.expr) if isinstance(node, Reduce) and node.exclude is not None][:4]:
        whole = Reduce(node.operation, node.index, node.lower, node.upper, None, node.body)
        if compare(case.left, case.right.with_expr(exchanged(case.right.expr, node, whole)), case.subject).as_function:
            return f"the sum leaves out {node.index} = {to_unicode(node.exclude or ONE)}, which belongs to it"
    return None


def one_less(case: Case) -> str | None:
    """N − 1 where N belongs: the variance of a batch is divided by the number of its samples."""
    for upper in dict.fromkeys(_uppers(case)):
        less = Add((upper, num(-1)))
        if case.gives(Div(Mul((case.left.expr, upper)), less)):
            return (
                f"divided by {to_unicode(upper)} − 1 instead of {to_unicode(upper)}: batch normalisation divides by N"
            )
        if case.gives(Div(Mul((case.left.expr, less)), upper)):
            return f"divided by {to_unicode(upper)} where {to_unicode(upper)} − 1 belongs"
    return None


PATH_MISTAKES = (gated_by_gradient, cross_terms, through_statistics, updated_weights, transposed_weight)
FACTOR_MISTAKES = (sum_for_mean, one_less, mean_without_sum, restricted_sum)
NAME_MISTAKES = (other_name,)
