"""A derivation as JSON, with stable field names: loss, values, adjoints, gradients, updates, steps, verified."""

from __future__ import annotations

from math import isfinite
from typing import Any

from backcalc.derive.adjoint import Adjoint
from backcalc.derive.derivation import Derivation, finite
from backcalc.derive.exact import Exact
from backcalc.derive.gradient import Gradient
from backcalc.derive.matrix_view import adjoint_form
from backcalc.derive.scalar import Line
from backcalc.derive.terms import merge, to_terms
from backcalc.derive.update import Change, Move
from backcalc.derive.write import negated, to_expr
from backcalc.derive.written import Block
from backcalc.formula.evaluate import Array
from backcalc.formula.integers import EvaluationError, integer
from backcalc.formula.print_text import to_text
from backcalc.formula.program import Equation
from backcalc.formula.tree import ZERO, Add, Expr, Ref, num
from backcalc.net.network import Drawn
from backcalc.net.update import UPDATES
from backcalc.render.latex_values import printer_of
from backcalc.render.matrix_print import matrix_latex, matrix_unicode
from backcalc.render.values import decimal_text, nested, put_in

SCHEMA_VERSION = 1
GIVEN = "the upstream gradient is given"


def render(derivation: Derivation, digits: int | None = None) -> dict[str, Any]:
    """The whole derivation; decimals are numbers, or strings of `digits` digits where that is given."""
    writers = [_Writer(part, digits) for part in derivation.parts]
    writer = writers[0]
    program, loss, network = derivation.program, derivation.loss, derivation.network
    forward = {equation.name for equation in program.equations}
    return {
        "schema_version": SCHEMA_VERSION,
        "net": network.name,
        "view": derivation.view,
        "loss": None
        if network.given
        else {
            "name": loss,
            "formula": to_text(program.by_name[loss].body),
            **writer.value(derivation.values.get(loss)),
        },
        "given": {f"d{loss}/d{of}": gradient for of, gradient in network.given.items()},
        "random": _random(network.drawn),
        "values": {
            name: writer.value(derivation.values.get(name))
            for name in (*program.leaves, *(equation.name for equation in stated_equations(derivation)))
        },
        "adjoints": {name: writer.adjoint(name) for name in _intermediates(derivation)},
        "gradients": {name: entry for each in writers for name, entry in each.gradients().items()},
        "updates": {change.name: writer.update(change) for change in derivation.updates},
        "steps": [step for each in writers for step in each.steps()],
        "verified": [
            {"against": c.against, "max_error": finite(c.max_error), "passed": c.passed, "detail": c.detail}
            for part in derivation.parts
            for c in part.verified
        ],
        "notes": [*derivation.sharing, *derivation.notes],
        "asked": [name for part in derivation.parts for name in part.asked],
        "sizes": {name: size for name, size in program.sizes.items() if forward},
    }


def stated_equations(derivation: Derivation) -> tuple[Equation, ...]:
    """The equations of the network, without the scalar that stands for given gradients."""
    network = derivation.network
    return tuple(e for e in derivation.program.equations if not (network.given and e.name == network.loss))


def _random(drawn: Drawn | None) -> dict[str, Any] | None:
    """What was drawn at random, and how to draw it again."""
    if drawn is None:
        return None
    return {"seed": drawn.seed, "scale": str(drawn.scale), "drawn": list(drawn.names)}


def _intermediates(derivation: Derivation) -> list[str]:
    """What the forward pass computes on the way, without the loss and arrays that merely collect own names."""
    own = set(derivation.network.own_names)
    return [e.name for e in derivation.program.equations if e.name != derivation.loss and e.name not in own]


class _Writer:
    def __init__(self, derivation: Derivation, digits: int | None) -> None:
        self.derivation, self.digits = derivation, digits
        self.latex = printer_of(derivation).write

    def decimal(self, value: Exact) -> float | str:
        number = value.decimal()
        if self.digits is None and isfinite(number):
            return number
        return decimal_text(value, self.digits or 17)

    def value(self, array: Array[Exact] | None) -> dict[str, Any]:
        """`{exact, decimal}`, nested lists for an array; null where there is no value."""
        if array is None:
            return {"exact": None, "decimal": None}
        return {"exact": nested(array, lambda v: v.text()), "decimal": nested(array, self.decimal)}

    def formula(self, expr: Expr, indices: tuple[str, ...]) -> dict[str, Any]:
        return {"formula": to_text(expr), "indices": list(indices), "latex": self.latex(expr)}

    def matrix(self, adjoint: Adjoint) -> dict[str, Any]:
        """The matrix form, where there is one."""
        node = adjoint_form(self.derivation, adjoint).node
        return {} if node is None else {"matrix": matrix_unicode(node), "matrix_latex": matrix_latex(node)}

    def adjoint(self, name: str) -> dict[str, Any]:
        adjoint = self.derivation.adjoints.get(name)
        if adjoint is None:
            shape = self.derivation.program.shapes[name]
            return {**self.formula(ZERO, tuple("ijklmn"[: len(shape)])), "exact": None, "decimal": None}
        return {
            **self.formula(adjoint.closed, adjoint.indices),
            "chain": to_text(adjoint.chain),
            **(self.matrix(adjoint) if self.derivation.view == "matrix" else {}),
            **self.value(self.derivation.values.get(adjoint.name)),
        }

    def gradients(self) -> dict[str, Any]:
        found = {gradient.asked: self.gradient(gradient) for gradient in self.derivation.gradients}
        for array, own in self.derivation.network.own_names.items():
            if array not in found and any(name in found for name in own) and array in self.derivation.adjoints:
                found[array] = self.array(self.derivation.adjoints[array])
        return found

    def array(self, adjoint: Adjoint) -> dict[str, Any]:
        return {
            **self.formula(adjoint.closed, adjoint.indices),
            "shape": self.shape(adjoint.shape),
            **self.matrix(adjoint),
            **self.value(self.derivation.values.get(adjoint.name)),
        }

    def shape(self, shape: tuple[Expr, ...]) -> list[int | str]:
        sizes = {name: value for name, value in self.derivation.program.sizes.items() if value is not None}

        def extent(axis: Expr) -> int | str:
            try:
                return integer(axis, sizes)
            except EvaluationError:
                return to_text(axis)

        return [extent(axis) for axis in shape]

    def gradient(self, gradient: Gradient) -> dict[str, Any]:
        line = self.line_of(gradient)
        formula = gradient.formula if line is None else line.formula
        whole = gradient.place is None
        found = {
            **self.formula(formula, gradient.indices),
            "shape": self.shape(gradient.adjoint.shape) if whole else [],
            **(self.matrix(gradient.adjoint) if whole else {}),
            **self.value(gradient.value),
        }
        if line is not None:
            found["inserted"] = None if line.inserted is None else to_text(line.inserted)
            found["because"] = line.because or None
        elif not gradient.adjoint.readers:
            found["because"] = gradient.adjoint.steps[0].reason
        return found

    def line_of(self, gradient: Gradient) -> Line | None:
        """The written-out line of a scalar that was asked for."""
        if gradient.indices:
            return None
        for block in self.derivation.backward:
            for line in block.lines:
                if block.of == gradient.adjoint.name and line.place == (gradient.place or ()):
                    return line
        return None

    def update(self, change: Change) -> dict[str, Any] | list[dict[str, Any]]:
        """The one step, or the list of all steps where the file asks for them."""
        if change.moves:
            return [self.move(move) for move in change.moves]
        return {
            "formula": to_text(change.formula),
            "latex": self.latex(change.formula),
            "delta": self.value(change.delta),
            "new": self.value(change.new),
        }

    def move(self, move: Move) -> dict[str, Any]:
        return {
            "step": move.number,
            "formula": to_text(move.formula),
            "latex": self.latex(move.formula),
            "loss": self.value({(): move.loss}),
            "gradient": self.value(move.gradient),
            "delta": self.value(move.delta),
            "new": self.value(move.new),
            "loss_after": self.value({(): move.after}),
        }

    # -- steps ------------------------------------------------------------------------------------

    def steps(self) -> list[dict[str, Any]]:
        derivation = self.derivation
        by_name = {adjoint.name: adjoint for adjoint in derivation.adjoints.values()}
        found: list[dict[str, Any]] = []
        if derivation.view == "scalar":
            stated = {equation.name for equation in stated_equations(derivation)}
            for block in [block for block in derivation.forward if block.of in stated]:
                equation = derivation.program.by_name[block.of]
                found += [self.line(line, "forward", to_text(equation.body)) for line in block.lines]
            for block in derivation.backward:
                found += self.backward(block, by_name[block.of])
        else:
            found += [self.definition(equation) for equation in stated_equations(derivation)]
            for adjoint in derivation.adjoints.values():
                found += self.way(adjoint)
        return found + [step for change in derivation.updates for step in self.change(change)]

    def line(
        self, line: Line, rule: str, general: str, formula: Expr | None = None, reason: str = ""
    ) -> dict[str, Any]:
        written = line.formula if formula is None else formula
        filled = put_in(written, self.derivation.values)
        return {
            "of": to_text(line.left),
            "rule": rule,
            "reason": reason,
            "general": general,
            "formula": to_text(written),
            "latex": self.latex(written),
            "substituted": None if filled is None else to_text(filled, decimals=True),
            "exact": None if line.value is None else line.value.text(),
            "decimal": None if line.value is None else self.decimal(line.value),
        }

    def backward(self, block: Block, adjoint: Adjoint) -> list[dict[str, Any]]:
        general = to_text(adjoint.steps[0].general or adjoint.chain)
        if self.is_given(adjoint):
            return [self.line(line, "given", general, reason=GIVEN) for line in block.lines]
        found = self.way(adjoint)[:-1]
        for line in block.lines:
            found.append(self.line(line, "chain rule", general, reason=adjoint.steps[0].reason))
            if line.short is not None:
                reason = next((s.reason for s in adjoint.steps if s.rule == "insert"), "")
                found.append(self.line(line, "insert", to_text(adjoint.closed), line.short, reason))
            if line.inserted is not None or line.because:
                why = "; ".join(
                    part for part in (line.how, f"0 because {line.because}" if line.because else "") if part
                )
                formula = line.inserted or line.short or line.formula
                found.append(self.line(line, "everything put in", to_text(adjoint.closed), formula, why))
        return found

    def definition(self, equation: Equation) -> dict[str, Any]:
        return self.general(
            to_text(equation.left), "forward", equation.body, "", self.derivation.values.get(equation.name)
        )

    def way(self, adjoint: Adjoint) -> list[dict[str, Any]]:
        """The steps in indices; the value stands with the last."""
        left = to_text(Ref(adjoint.name, tuple(Ref(index) for index in adjoint.indices)))
        values = self.derivation.values.get(adjoint.name)
        if self.is_given(adjoint):
            return [self.general(left, "given", adjoint.closed, GIVEN, values)]
        last = len(adjoint.steps) - 1
        return [
            self.general(left, step.rule, step.after, step.reason, values if position == last else None, step.general)
            for position, step in enumerate(adjoint.steps)
        ]

    def is_given(self, adjoint: Adjoint) -> bool:
        """Whether a derivative is nothing but the upstream gradient in the file."""
        network = self.derivation.network
        return adjoint.of in network.given and adjoint.readers == (network.loss,)

    def general(
        self, of: str, rule: str, formula: Expr, reason: str, values: Array[Exact] | None, pattern: Expr | None = None
    ) -> dict[str, Any]:
        return {
            "of": of,
            "rule": rule,
            "reason": reason,
            "general": to_text(formula if pattern is None else pattern),
            "formula": to_text(formula),
            "latex": self.latex(formula),
            "substituted": None,
            **self.value(values),
        }

    def change(self, change: Change) -> list[dict[str, Any]]:
        gradient = next(g for g in self.derivation.gradients if g.asked == change.name)
        delta = to_expr(merge(to_terms(Add((change.formula, negated(_old(gradient)))))))
        reason = UPDATES[self.derivation.network.update.kind].source
        found = self.general(f"delta {change.name}", "update", delta, reason, change.delta)
        if change.delta is not None and () in change.delta:
            filled = put_in(delta, self.derivation.values)
            found["substituted"] = None if filled is None else to_text(filled, decimals=True)
        steps = [found, self.general(f"new {change.name}", "update", change.formula, reason, change.new)]
        for move in change.moves[1:]:
            rule = f"update, step {move.number}"
            steps.append(self.general(f"new {change.name}", rule, move.formula, reason, move.new))
        return steps


def _old(gradient: Gradient) -> Ref:
    """The parameter before the step."""
    indices = tuple(num(i) for i in gradient.place) if gradient.place else tuple(Ref(i) for i in gradient.indices)
    return Ref(gradient.adjoint.of, indices)
