"""The derivation of a network's gradients: data, complete, to be rendered by others.

`derive` runs the whole: forward values, the derivatives of the loss from the back to the front, the gradients asked
for, and their update rules, every formula with its exact value where values are given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite

from backcalc.derive.adjoint import Adjoint, differentiate, with_adjoints
from backcalc.derive.arrays import Failure
from backcalc.derive.exact import Exact
from backcalc.derive.expand import with_derivatives
from backcalc.derive.given import decider, known_values, stated_facts
from backcalc.derive.gradient import Gradient, gradient_of
from backcalc.derive.ground import Ground
from backcalc.derive.kinks import kinks
from backcalc.derive.question import DerivationError, Question, questions
from backcalc.derive.sharing import sharing
from backcalc.derive.target import derivative_name
from backcalc.derive.update import Change, changes
from backcalc.derive.written import Block, View, needed, written
from backcalc.formula.evaluate import Array
from backcalc.formula.print_unicode import to_unicode
from backcalc.formula.program import Program
from backcalc.formula.tree import Expr, Ref, num, walk
from backcalc.net import Network, find_names
from backcalc.net.names import Place


@dataclass(frozen=True, slots=True)
class Check:
    """One independent verification: what it was held against, the largest error, and whether that is small enough."""

    against: str
    max_error: float | None
    passed: bool
    detail: str = ""


def finite(error: float | None) -> float | None:
    """The error as JSON can say it: null where it is beyond every number."""
    return error if error is not None and isfinite(error) else None


@dataclass(frozen=True)
class Derivation:
    """Everything that is known after differentiating: formulas, values, steps, updates, checks.

    `loss` is what is differentiated: the loss of the network, or an array whose Jacobian is asked for, or a gradient
    whose derivative is; those come in `further`, each with the program that leads to it. `values` holds every leaf,
    intermediate and derivative that has a value; `forward` and `backward` are the lines of the scalar view, empty in
    the index view. `adjoints` are in the order in which they are derived; `needed` are those
    that lead to what was asked for, `stated` the leaves whose given values a fact was read off.
    """

    network: Network
    program: Program
    loss: str
    view: View
    adjoints: Mapping[str, Adjoint]
    gradients: tuple[Gradient, ...]
    updates: tuple[Change, ...]
    values: Mapping[str, Array[Exact]]
    forward: tuple[Block, ...]
    backward: tuple[Block, ...]
    rate: Expr
    notes: tuple[str, ...] = ()
    verified: tuple[Check, ...] = ()
    sharing: tuple[str, ...] = ()
    needed: tuple[Adjoint, ...] = ()
    stated: frozenset[str] = frozenset()
    further: tuple[Derivation, ...] = ()
    failures: tuple[Failure, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every verification that ran holds, and one did."""
        own = bool(self.verified) and all(check.passed for check in self.verified)
        return own and all(part.passed for part in self.further)

    @property
    def parts(self) -> tuple[Derivation, ...]:
        """Itself, then the Jacobians and second derivatives."""
        return (self, *self.further)

    @property
    def asked(self) -> tuple[str, ...]:
        """The names that were asked for."""
        return tuple(gradient.asked for gradient in self.gradients)

    def adjoint_program(self) -> Program:
        """Forward equations, then the derivatives as equations of the same language."""
        return with_adjoints(self.program, self.adjoints.values())


def derive(network: Network, wrt: Sequence[str] | None = None, view: View | None = None) -> Derivation:
    """Differentiates the loss of a network with respect to `wrt` (default: what the file asks for).

    Jacobians (`dy/dx`) and second derivatives (`d^2J/dw^2`) that are asked for come as `further` derivations. Without a
    `view` small networks are written out number by number, larger ones in indices.
    Raises DerivationError where there is no loss, NotDifferentiable where a function has no derivative.
    """
    program, loss = with_derivatives(network.program), network.loss
    words = find_names(network, wrt, label="wrt") if wrt else _found(network.find, program)
    asked = questions(words, program, loss)
    if loss is not None and program.shapes.get(loss, ()):
        raise DerivationError(f"the loss `{loss}` is an array; only a scalar can be differentiated here")
    for question in asked:
        if question.first is not None and program.shapes[question.above]:
            message = f"only a number has second derivatives here, and `{question.above}` is an array"
            raise DerivationError(f"`{question.asked}`: {message}")
    own = [question for question in asked if question.target == (loss or "")]
    first = dict.fromkeys(
        Question(_once(q.above, q.first, loss), q.above, Place(q.first.array)) for q in asked if q.first
    )
    own += [base for base in first if base.target == loss and base.by.array not in [q.by.array for q in own]]
    further = [base for base in first if base.target != loss]
    further += [question for question in asked if question.target != loss and question not in further]
    if (loss is None or loss not in program.shapes) and (own or not further):
        raise DerivationError(
            "there is nothing to differentiate: the file has no loss; add one, as in `loss: {sse: {}}`"
        )
    parts: list[Derivation] = []
    if loss is not None and (own or not further):
        parts.append(_part(network, program, loss, own, view))
    for target in dict.fromkeys(question.target for question in further):
        about = [question for question in further if question.target == target]
        parts.append(_part(network, _leading_to(target, program, parts), target, about, view, parts))
    return replace(parts[0], further=tuple(parts[1:]))


def _once(above: str, first: Place, loss: str | None) -> str:
    """How the first derivative is asked for that a second one goes through."""
    return first.array if above == loss else derivative_name(above, first.array)


def _found(names: tuple[str, ...], program: Program) -> tuple[str, ...]:
    """What is asked for where nobody asked: everything but whole numbers, unless those alone."""
    return tuple(name for name in names if name not in program.index_names) or names


def _leading_to(target: str, program: Program, parts: Sequence[Derivation]) -> Program:
    """The program that computes the target: the forward equations, and the derivatives before it where it is one."""
    part = next((part for part in parts if any(a.name == target for a in part.adjoints.values())), None)
    if target in program.shapes or part is None:
        return program
    adjoints = part.adjoints
    by_name = {adjoint.name: adjoint for adjoint in adjoints.values()}
    waiting, seen = [target], set[str]()
    while waiting:
        name = waiting.pop()
        if name in by_name and name not in seen:
            seen.add(name)
            waiting += [node.name for node in walk(by_name[name].closed) if isinstance(node, Ref)]
    return with_adjoints(program, [adjoint for adjoint in adjoints.values() if adjoint.name in seen])


def _part(
    network: Network,
    program: Program,
    loss: str,
    asked: Sequence[Question],
    view: View | None,
    before: Sequence[Derivation] = (),
) -> Derivation:
    """The derivatives of one target; `before` are the parts that come first, whose values hold here too."""
    stated = stated_facts(network, program)
    by = None if loss == network.loss else {question.by.array for question in asked}
    found = differentiate(program, loss, stated, by) if loss in program.shapes else ()
    adjoints = {adjoint.of: adjoint for adjoint in found}
    store, failures, notes = known_values(network, program, adjoints)
    ground = Ground(program, loss, adjoints, decider(store, program))
    gradients = tuple(gradient_of(question, program, loss, adjoints, store) for question in asked)
    seen = {equation.name for part in before for equation in part.program.equations}
    seen |= {adjoint.name for part in before for adjoint in part.adjoints.values()}
    shown, forward, backward = written(program, ground, adjoints, gradients, store, view, seen)
    rate: Expr = num(network.update.rate) if network.update.rate is not None else Ref(network.update.symbol)
    told = {failure.name for part in before for failure in part.failures}
    notes += tuple(f"{to_unicode(Ref(f.name))} has no value: {f.reason}" for f in failures if f.name not in told)
    notes += () if before else kinks(program, ground, store)
    return Derivation(
        network=network,
        program=program,
        loss=loss,
        view=shown,
        adjoints=adjoints,
        gradients=gradients,
        updates=changes(network, program, adjoints, gradients, rate, store) if loss == network.loss else (),
        values=store,
        forward=forward,
        backward=backward,
        rate=rate,
        notes=notes,
        sharing=() if before else sharing(gradients, program, ground, shown == "scalar"),
        needed=tuple(needed(adjoints, gradients, program, through=shown == "scalar")),
        stated=frozenset(fact.name for fact in stated),
        failures=failures,
    )


def with_checks(derivation: Derivation, checks: tuple[Check, ...]) -> Derivation:
    """The derivation with the verifications that were made of it."""
    return replace(derivation, verified=checks)
