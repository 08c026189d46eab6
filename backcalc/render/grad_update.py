"""The updates of a derivation for its document: the rule, and every new value; several steps as a table."""

from __future__ import annotations

import re
from collections.abc import Iterator

from backcalc.derive.derivation import Derivation
from backcalc.derive.exact import Exact
from backcalc.derive.update import Change, rule_equations
from backcalc.formula.print_latex import LatexPrinter, latex_name, to_latex
from backcalc.formula.read import read_expression
from backcalc.formula.tree import Add, Expr, Num, Ref, num
from backcalc.net.network import Update
from backcalc.net.update import UPDATES
from backcalc.render.document import Block, Equations, Formula, Grid, Heading, Paragraph, Right, Row, Words
from backcalc.render.grad_words import joined
from backcalc.render.latex_values import value_rights
from backcalc.render.update_text import MOST_ENTRIES, start_of, state_words

ARROW = r"\leftarrow"


def update_blocks(derivation: Derivation, printer: LatexPrinter, digits: int | None) -> Iterator[Block]:
    """The section on updates; nothing where no parameter was asked for."""
    if not derivation.updates:
        return
    update, by = derivation.network.update, rf"\frac{{\partial {latex_name(derivation.loss)}}}{{\partial w}}"
    rate = to_latex(derivation.rate)
    yield Heading(2, ("Update",))
    known: Words = (", ", Formula(rf"\eta = {rate}")) if isinstance(derivation.rate, Num) else ()
    if update.kind == "sgd":
        yield Paragraph(("Gradient descent: ", Formula(rf"\Delta w = -\eta \, {by}"), *known, "."))
    else:
        yield Paragraph((f"{update.kind}, {start_of(update)}, with ", Formula(f"g = {by}"), *known, ":"))
        rules = ((to_latex(Ref(name)), to_latex(read_expression(text))) for name, text in rule_equations(update))
        yield Equations(tuple(Row(left, ((ARROW, right),)) for left, right in rules))
        values = {**UPDATES[update.kind].arguments, **update.arguments}
        told = [(Formula(f"{latex_name(name)} = {to_latex(num(value))}"),) for name, value in values.items()]
        words = tuple(_with_letters("; ".join(state_words(update)), update))
        if told or words:
            with_them: Words = ("with ", *joined(told), "; " if words else "") if told else ()
            yield Paragraph((*with_them, *words, "."))
    if update.steps is not None and any(change.moves for change in derivation.updates):
        yield from _table(derivation, printer, digits)
        return
    yield Equations(tuple(row for change in derivation.updates for row in _single(change, printer, digits)))


def _with_letters(sentence: str, update: Update) -> Iterator[str | Formula]:
    """The letters of a rule in a sentence about them as formulas."""
    known = {f"{name}0" for name in UPDATES[update.kind].state} | {"k"}
    for piece in re.split(r"(\w+)", sentence):
        if piece:
            yield Formula(latex_name(piece)) if piece in known else piece


def _single(change: Change, printer: LatexPrinter, digits: int | None) -> Iterator[Row]:
    """The one step of a parameter, a line for each of its numbers where they are few."""
    if change.delta is None or len(change.delta) > MOST_ENTRIES:
        target = change.formula.terms[0] if isinstance(change.formula, Add) else change.formula
        yield Row(printer.write(target), ((ARROW, printer.write(change.formula)),))
        return
    for place, delta in change.delta.items():
        name = printer.write(_element(change, place))
        yield Row(rf"\Delta {name}", tuple(value_rights(delta, digits, printer)))
        if change.new is not None:
            first, *rest = value_rights(change.new[place], digits, printer)
            rights: list[Right] = [(ARROW, first[1]), *rest]
            yield Row(name, tuple(rights))


def _element(change: Change, place: tuple[int, ...]) -> Expr:
    return Ref(change.name, tuple(num(i) for i in place)) if place else read_expression(change.name)


def _table(derivation: Derivation, printer: LatexPrinter, digits: int | None) -> Iterator[Block]:
    """Every step: the loss before it, and for each number its gradient, its difference and its new value."""
    changes, loss = derivation.updates, latex_name(derivation.loss)
    steps = "1 step" if len(changes[0].moves) == 1 else f"{len(changes[0].moves)} steps"
    yield Paragraph(
        (f"{steps}, in each of which all parameters move at once by the gradients at the values before it:",)
    )

    def cell(value: Exact) -> Words:
        return (Formula(value_rights(value, digits, printer)[-1][1]),)

    rows: list[tuple[Words, ...]] = []
    for position, first in enumerate(changes[0].moves):
        said: tuple[Words, Words] = ((str(first.number),), cell(first.loss))
        for change in changes:
            move = change.moves[position]
            if len(move.new) > MOST_ENTRIES:
                rows.append(
                    (
                        *said,
                        (Formula(printer.write(Ref(change.name))),),
                        ("…",),
                        ("…",),
                        (f"{len(move.new):,} numbers",),
                    )
                )
                said = (("",), ("",))
                continue
            for place in move.new:
                name = (Formula(printer.write(_element(change, place))),)
                rows.append((*said, name, cell(move.gradient[place]), cell(move.delta[place]), cell(move.new[place])))
                said = (("",), ("",))
    yield Grid(("step", "loss before", "parameter", "gradient", "difference", "new value"), tuple(rows))
    after = value_rights(changes[0].moves[-1].after, digits, printer)
    yield Paragraph((Formula(f"{loss} {after[0][0]} {after[0][1]}"), " after the last step."))
