"""Deciding one link: exact numbers, a counterexample, the normal form, and cases where a function has pieces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backcalc.derive.key import key
from backcalc.derive.rules import simplify
from backcalc.derive.setting import Setting
from backcalc.derive.terms import merge, to_terms
from backcalc.derive.write import distribute, to_expr
from backcalc.formula.evaluate import definition
from backcalc.formula.functions import FUNCTIONS
from backcalc.formula.print_unicode import to_unicode
from backcalc.formula.read import read_expression
from backcalc.formula.tree import ZERO, Add, Call, Compare, Div, Expr, Mul, Neg, Num, Pow, Reduce, Ref, num, size, walk
from backcalc.transform.assumed import Known, known, with_case
from backcalc.transform.budget import Deadline, OutOfReach
from backcalc.transform.exponentials import shifts
from backcalc.transform.lemmas import ELEMENTARY, PROOFS
from backcalc.transform.normal import Normal, Undecided, Undefined
from backcalc.transform.points import Point
from backcalc.transform.polynomial import Polynomial
from backcalc.transform.proof import LinkProof, ProofStep
from backcalc.transform.question import Link, Question
from backcalc.transform.quotient import Quotient
from backcalc.transform.refute import tried
from backcalc.transform.slopes import confirmed

MOST_SUMS = 8  # in both sides together, where they are compared index by index
LONGEST = 200  # nodes of both sides
MOST_CASES = 6  # conditions told apart, one inside the other


def decided(question: Question, link: Link, points: list[Point], deadline: Deadline) -> LinkProof:
    """The verdict on one link with its steps."""
    steps = tuple(_derivatives(link))
    written = link.written
    try:
        for derivative in link.derivatives:
            if not confirmed(question, derivative, points, deadline):
                reason = f"the derivative {to_unicode(derivative.of)} as derived is not the slope of the function"
                return LinkProof(*written, None, "open", (*steps, ProofStep("open", f"not settled: {reason}")))
        trial = tried(question, link, points, deadline)
    except OutOfReach as limit:
        return LinkProof(*written, None, "open", (*steps, ProofStep("open", f"not settled: {limit}")))
    if trial.counterexample is not None:
        against = trial.counterexample
        at = ", ".join(f"{name} = {value}" for name, value in against.values.items())
        reason = f"{'at ' + at + ' ' if at else ''}the left side is {against.left}, the right side is {against.right}"
        return LinkProof(*written, False, "counterexample", (*steps, ProofStep("counterexample", reason)), against)
    if not trial.agreed:
        reason = "no point was found at which both sides are defined and could be evaluated"
        return LinkProof(*written, None, "open", (*steps, ProofStep("open", reason)))
    try:
        proof = _Proof(question, deadline)
        left, right, collapsed = _collapsed(question, link)
        found = (*collapsed, *proof.steps(left, right, known(question, link, deadline), ()))
    except (OutOfReach, Undefined, RecursionError) as limit:
        count = trial.agreed
        reason = f"holds at 60 digits at {count} random point{'s' * (count != 1)}, not proved: {_why(limit)}"
        return LinkProof(*written, None, "numeric", (*steps, ProofStep("numeric", reason)))
    method = "exact numbers" if _is_number(link) else "cases" if proof.cases else "normal form"
    domain = (ProofStep("domain", trial.alone),) if trial.alone else ()
    direct = _direct(link, steps)
    if direct is not None:
        return LinkProof(*written, True, "differentiation", (*direct, *domain))
    return LinkProof(*written, True, method, (*steps, *found, *domain))


def _direct(link: Link, steps: Sequence[ProofStep]) -> tuple[ProofStep, ...] | None:
    """The steps up to the one that ends with the other side, where one side is a derivative; else None."""
    for derived, other in ((link.written[0], link.right), (link.written[1], link.left)):
        if len(link.derivatives) == 1 and isinstance(derived, Call) and derived.function == "diff":
            for count, step in enumerate(steps, 1):
                if step.left == link.derivatives[0].of and step.right is not None and key(step.right) == key(other):
                    return (*steps[:count], ProofStep("equal", "this is the other side of the claim"))
    return None


def _collapsed(question: Question, link: Link) -> tuple[Expr, Expr, list[ProofStep]]:
    """The sides with conditions under sums used up, Σ_k [k = i]·x[k] as x[i], by the rules of derivatives."""
    setting = Setting({index: (num(1), extent) for index, extent in question.ranges.items()}, frozenset(question.sizes))
    steps: list[ProofStep] = []
    sides: list[Expr] = []
    for side in (link.left, link.right):
        sums = (node for node in walk(side) if isinstance(node, Reduce))
        if any(isinstance(node, Compare) for total in sums for node in walk(total.body)):
            found = to_expr(simplify(to_terms(side), setting)[0])
            if found != side:
                steps.append(ProofStep("collapse", "a condition under a sum picks its terms", side, found))
                side = found
        sides.append(side)
    return sides[0], sides[1], steps


def _why(limit: Exception) -> str:
    return "an expression is too deep" if isinstance(limit, RecursionError) else str(limit)


def _is_number(link: Link) -> bool:
    """Whether both sides are made of numbers by the four operations and whole powers."""
    allowed = (Num, Add, Mul, Div, Neg, Pow)
    nodes = [node for side in (link.left, link.right) for node in walk(side)]
    return all(isinstance(node, allowed) for node in nodes)


def _derivatives(link: Link) -> Iterator[ProofStep]:
    """The derivatives in the claim, worked out."""
    shown: set[str] = set()
    for used in dict.fromkeys(name for derivative in link.derivatives for name in derivative.functions):
        yield from lemma(used)
    for derivative in link.derivatives:
        assert isinstance(derivative.of, Call)
        function = derivative.of.arguments[0]
        if derivative.function not in shown:
            shown.add(derivative.function)
            yield ProofStep("name", "what is differentiated, by a name", function, derivative.body)
        for step in derivative.steps:
            yield ProofStep(step.rule, step.reason, derivative.of, step.after)


def lemma(function: str) -> Iterator[ProofStep]:
    """The steps from the definition of a function to its derivative; none for what is elementary.

    >>> [step.reason for step in lemma("softplus")][:2]
    ['what softplus is', 'chain rule']
    """
    if function in ELEMENTARY or function not in PROOFS or FUNCTIONS[function].definition is None:
        return
    called = Call(function, (Ref("u"),))
    yield ProofStep("definition", f"what {function} is", called, definition(function, (Ref("u"),)))
    for formula, reason in PROOFS[function]:
        yield ProofStep("lemma", reason, Call("diff", (called, Ref("u"))), read_expression(formula))


@dataclass
class _Proof:
    """One attempt; `cases` says whether conditions had to be told apart."""

    question: Question
    deadline: Deadline
    cases: bool = False

    def steps(self, left: Expr, right: Expr, known: Known, case: tuple[Expr, ...]) -> list[ProofStep]:
        """The steps that prove two expressions equal. Raises OutOfReach or Undefined."""
        normal = known.normal(self.deadline)
        try:
            forms = self._forms(normal, left, right)
            difference = forms[0] - forms[1]
            if difference.over.is_zero or normal.powers.sign(difference.over) == 0:
                return list(_told(left, right, normal, forms, case, known))
            switch = _absolute_value(normal, difference.over)
        except Undecided as undecided:
            switch = undecided.polynomial
        if switch is None and _same_sums(left, right, self.question):
            return [ProofStep("sums", "multiplied out, both are the same sums in another order", left, right)]
        if switch is None:
            raise OutOfReach("the normal forms of both sides differ" + _where(case))
        return self._apart(left, right, known, case, switch)

    def _forms(self, normal: Normal, left: Expr, right: Expr) -> tuple[Quotient, Quotient]:
        forms = normal.quotient(left), normal.quotient(right)
        if len(normal.logarithms) > 1:  # once all are known, those of products fall apart into those of factors
            normal.seen.clear()
            forms = normal.quotient(left), normal.quotient(right)
        return forms

    def _apart(
        self, left: Expr, right: Expr, known: Known, case: tuple[Expr, ...], switch: Polynomial
    ) -> list[ProofStep]:
        """The proof in each case of a sign that is possible."""
        if len(case) == MOST_CASES:
            raise OutOfReach(f"more than {MOST_CASES} conditions would have to be told apart")
        self.cases = True
        found: list[ProofStep] = []
        for operator in (">", "==", "<"):
            condition = Compare((operator,), _sides(switch))
            there = with_case(known, switch, operator, (left, right), self.deadline)
            if there is None:
                continue
            inside, sides = there
            try:
                found += self.steps(*sides, inside, (*case, condition))
            except Undefined as reason:
                found.append(ProofStep("case", f"where {_and((*case, condition))} one side is not defined: {reason}"))
        return found


def _same_sums(left: Expr, right: Expr, question: Question) -> bool:
    """Whether the difference of sums over several indices cancels term by term, whatever the order of the indices."""
    difference = Add((left, Neg(right)))
    sums = sum(isinstance(node, Reduce) for node in walk(difference))
    if not 2 <= sums <= MOST_SUMS or size(difference) > LONGEST:
        return False
    setting = Setting({index: (num(1), extent) for index, extent in question.ranges.items()}, frozenset(question.sizes))
    return not simplify(distribute(merge(to_terms(difference))), setting)[0]


def _sides(switch: Polynomial) -> tuple[Expr, Expr]:
    """x - 3 compared with 0 is x compared with 3."""
    constant = -switch.terms.get((), 0)
    rest = switch + Polynomial.number(constant)
    return rest.expr, Polynomial.number(constant).expr


def _absolute_value(normal: Normal, difference: Polynomial) -> Polynomial | None:
    """What an absolute value in the difference is of: its sign may decide."""
    for generator in difference.generators():
        match generator.expr:
            case Call("abs", (inside,)) if generator.period:
                return normal.quotient(inside).over
    return None


def _and(case: Sequence[Expr]) -> str:
    return " and ".join(to_unicode(condition).removeprefix("[").removesuffix("]") for condition in case)


def _where(case: Sequence[Expr]) -> str:
    return f" where {_and(case)}" if case else ""


def _told(
    left: Expr, right: Expr, normal: Normal, forms: tuple[Quotient, Quotient], case: tuple[Expr, ...], known: Known
) -> Iterator[ProofStep]:
    """The steps of a proof by normal form."""
    shown = [form.expr for form in forms]
    if left == right and not case:
        yield ProofStep("equal", "both sides are the same")
        return
    if case:
        yield ProofStep("case", f"where {_and(case)} both sides are the same", *shown)
        return
    for call, meaning in normal.used.values():
        yield ProofStep("definition", f"{call.function} in elementary functions", call, meaning.expr)
    for fact, value in known.facts:
        yield ProofStep("given", "this sum is given", fact, value)
    for name, side, form in (("left", left, shown[0]), ("right", right, shown[1])):
        yield from shifts(name, side, forms[name == "right"], normal)
        if key(side) != key(form):
            yield ProofStep("normal form", f"the {name} side as one fraction of independent terms", side, form)
    if shown[0] == shown[1]:
        yield ProofStep("equal", "both sides are the same")
    else:
        difference = Add((shown[0], Neg(shown[1])))
        yield ProofStep("equal", "over a common denominator every term of the difference cancels", difference, ZERO)
