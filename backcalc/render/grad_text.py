"""A derivation as text: the network, the forward pass, the backward pass step by step, the update, the verification."""

from __future__ import annotations

from typing import Any

from backcalc.derive.adjoint import Adjoint
from backcalc.derive.derivation import Derivation
from backcalc.derive.exact import Exact
from backcalc.derive.gradient import Gradient
from backcalc.derive.ground import is_copy, is_identity
from backcalc.derive.scalar import Line
from backcalc.derive.written import Block
from backcalc.formula.evaluate import Array
from backcalc.formula.functions import FUNCTIONS
from backcalc.formula.print_unicode import to_unicode
from backcalc.formula.read import read_expression
from backcalc.formula.tree import ZERO, Call, Expr, Ref, Table, num, rebuild, substitute, walk
from backcalc.render.grad_brief import in_brief, one_line
from backcalc.render.grad_signs import chain, conventions, in_letters, symbol_lines, without_value
from backcalc.render.layout import WIDTH, equation, heading, paragraph, spaced
from backcalc.render.maths_2d import displayed
from backcalc.render.maths_boxes import UNICODE, Pen
from backcalc.render.origin_text import given_opening, origin_lines
from backcalc.render.symbols import derived_by
from backcalc.render.update_text import update_lines
from backcalc.render.values import nested, put_in, shown, without_means_of_one
from backcalc.render.verify_text import said

MOST_ENTRIES = 12  # of an array that is printed with its values


def render(derivation: Derivation, steps: str = "full", digits: int | None = None, width: int = WIDTH) -> str:
    """The whole derivation within `width` columns; `brief` leaves the way out and keeps formulas and values."""
    printer = Printer(derivation, steps == "full", digits, width)
    return "\n".join([*printer.all(), ""])


class Printer:
    """The parts of the text, in order."""

    pen: Pen | None = UNICODE  # for formulas in two dimensions, None for one line everywhere

    def __init__(self, derivation: Derivation, full: bool, digits: int | None, width: int) -> None:
        self.derivation, self.full, self.digits, self.width = derivation, full, digits, width
        self.scalar = derivation.view == "scalar"
        self.brief = not full  # a small network fits a page
        self.derived = derived_by(derivation)
        network = derivation.network
        self.unstated = network.loss if network.given else None  # the scalar whose derivatives are the given ones

    def all(self) -> list[str]:
        written = [
            *self.forward(),
            *self.backward(),
            *self.result(),
            *self.updates(),
            *(line for part in self.derivation.further for line in self.part(part)),
            *self.verification(),
        ]
        return [*self.title(written), *spaced(written)]

    def math(self, expr: Expr) -> str:
        return self.unicode(expr, scalar_names=self.scalar)

    def unicode(self, expr: Expr, scalar_names: bool = False) -> str:
        """An expression as the terminal prints it, a Jacobian with the indices of both its sides: ∂y[i]/∂x[j]."""
        return to_unicode(self.both_sides(without_means_of_one(expr)), scalar_names=scalar_names)

    def displayed(self, left: str, expr: Expr, indent: int = 2, after: str = "") -> list[str]:
        """A general formula in two dimensions, apart from what stands around it; nothing where one line is better."""
        if self.pen is None or self.scalar or self.brief:
            return []
        meant = self.both_sides(without_means_of_one(expr))
        lines = displayed(left, meant, self.pen, indent, self.width, after)
        return ["", *lines, ""] if lines else []

    def both_sides(self, expr: Expr) -> Expr:
        if isinstance(expr, Ref) and (of := self.derived.get(expr.name)) is not None:
            loss = self.derivation.loss
            lead = len(self.derivation.program.shapes.get(loss, ()))
            return Call("diff", (Ref(loss, expr.indices[:lead]), Ref(of, expr.indices[lead:])))
        return rebuild(expr, self.both_sides)

    def equation(self, left: str, rights: list[str], indent: int = 2) -> list[str]:
        return equation(left, rights, indent, self.width)

    def part(self, part: Derivation) -> list[str]:
        """A Jacobian or a second derivative, behind the gradients."""
        printer = type(self)(part, self.full, self.digits, self.width)
        wanted = ", ".join(printer.math(gradient.left) for gradient in part.gradients)
        return [*heading(wanted), *printer.backward()[2:], *printer.result()[2:]]

    # -- what it is about -------------------------------------------------------------------------

    def title(self, written: list[str]) -> list[str]:
        derivation = self.derivation
        network = derivation.network
        lines = heading(network.name, "═")
        if network.nodes:
            lines += paragraph(chain(derivation), 0, self.width)
        asked = [gradient for gradient in derivation.gradients if not self.said_by_entries(gradient)]
        named = [self.math(_element(gradient)) for gradient in asked]
        for part in derivation.further:
            printer = type(self)(part, self.full, self.digits, self.width)
            named += [printer.math(gradient.left) for gradient in part.gradients]
        wanted = ", ".join(named)
        lines += paragraph(f"Wanted: {wanted}.", 0, self.width)
        if said := conventions(derivation, written):
            lines += paragraph(said, 0, self.width)
        lines += origin_lines(derivation, self.listed, self.width)
        return [*lines, "", *(self.symbols() if self.full else ())]

    def symbols(self) -> list[str]:
        """Every symbol once, with shape and meaning."""
        return list(symbol_lines(self.derivation, self.width))

    def listed(self, values: Array[Exact]) -> str:
        def row(part: Any) -> str:
            return f"({', '.join(row(item) for item in part)})" if isinstance(part, list) else str(part)

        return row(nested(values, lambda value: shown(value, self.digits).rpartition("≈ ")[2]))

    # -- forward ----------------------------------------------------------------------------------

    def forward(self) -> list[str]:
        lines = heading("Forward pass")
        if self.scalar:
            for block in [block for block in self.derivation.forward if block.of != self.unstated]:
                if self.full and len(block.lines) > 1:
                    lines += [*self.tables_of(block.of), *self.definition(block.of)]
                for line in block.lines:
                    lines += self.line(line, 4 if self.full and len(block.lines) > 1 else 2)
                lines += self.absent(block.of)
        else:
            for item in [item for item in self.derivation.program.equations if item.name != self.unstated]:
                lines += self.definition(item.name)
                lines += self.array(Ref(item.name), self.derivation.values.get(item.name))
                lines += self.absent(item.name)
        return [*lines, ""]

    def absent(self, name: str) -> list[str]:
        """Why a quantity has no value, where it cannot have one."""
        reason = without_value(self.derivation, name)
        return paragraph(reason, 4, self.width) if reason else []

    def tables_of(self, name: str) -> list[str]:
        """The arrays of own names that an equation reads, spelled out before it: `W_q = [[[w1, w2]]]`."""
        by_name = self.derivation.program.by_name
        read = dict.fromkeys(ref.name for ref in by_name[name].reads() if ref.name in by_name)
        tables = [array for array in read if isinstance(by_name[array].body, Table)]
        return [line for array in tables for line in self.definition(array)]

    def definition(self, name: str) -> list[str]:
        item = self.derivation.program.by_name[name]
        if isinstance(item.body, Table):
            return self.equation(name, [self.unicode(item.body)])
        left, body = self.unicode(item.left), self.through(item.body) if self.scalar else item.body
        return self.displayed(left, body) or self.equation(left, [self.unicode(body)])

    def through(self, expr: Expr) -> Expr:
        """The expression with what is merely handed on called by its own name: h for the flattened h."""
        if isinstance(expr, Ref):
            source = self.derivation.program.by_name.get(expr.name)
            if source is not None and is_identity(source) and isinstance(source.body, Ref):
                return self.through(Ref(source.body.name, expr.indices))
        return rebuild(expr, self.through)

    def line(self, line: Line, indent: int = 4) -> list[str]:
        """One scalar line: formula = numbers put in = value."""
        rights = [self.math(line.formula)]
        rights += self.numbers(line.formula, line.value)
        return self.equation(self.math(line.left), rights, indent)

    def numbers(self, formula: Expr, value: Exact | None) -> list[str]:
        """The numbers put in, and the value, without saying the same twice."""
        if value is None:
            known = put_in(formula, self.derivation.values, partly=True)
            return [] if known is None else [self.math(known)]
        found: list[str] = []
        filled = put_in(formula, self.derivation.values)
        if filled is not None:
            found.append(self.math(filled))
        result = shown(value, self.digits)
        # An equals sign and an almost-equals sign do not stand together.
        if result.startswith("≈ "):
            if not found:
                return [result[2:]]
            found[-1] += f" {result}"
            return found
        if found and result.startswith(f"{found[-1]} ≈"):
            return [result]
        if found[-1:] == [result] or result == self.math(formula):
            return [] if result == self.math(formula) else found
        return [*found, result]

    def array(self, left: Ref, values: Array[Exact] | None) -> list[str]:
        """The values of a small array, one line; nothing for a large one or one without values."""
        if values is None or len(values) > MOST_ENTRIES:
            return []
        return self.equation(self.unicode(left), [self.listed(values)], 4)

    # -- backward ---------------------------------------------------------------------------------

    def backward(self) -> list[str]:
        lines = heading("Backward pass")
        if self.scalar:
            by_name = {adjoint.name: adjoint for adjoint in self.derivation.adjoints.values()}
            blocks = [self.scalar_block(n, b, by_name[b.of]) for n, b in enumerate(self.derivation.backward, start=1)]
        else:
            blocks = [self.index_block(n, adjoint) for n, adjoint in enumerate(self.derivation.needed, start=1)]
        if self.brief:
            return [*lines, *(line for block in blocks for line in block), ""]
        return [*lines, *(line for block in blocks for line in [*block, ""])]

    def opening(self, number: int, adjoint: Adjoint) -> list[str]:
        left = self.unicode(Ref(adjoint.name))
        seen = self.through_copies(adjoint)
        used = f"{to_unicode(Ref(adjoint.of))} is used"
        shared = next((sentence for sentence in self.derivation.sharing if sentence.startswith(used)), None)
        readers = " and ".join(self.readers(seen))
        shared = None if shared is None else in_letters(shared, self.derivation)
        why = f": {shared or f'{self.unicode(Ref(adjoint.of))} goes into {readers}'}" if readers else ""
        given = given_opening(self.derivation.network, left, adjoint.of, self.readers(seen))
        lines = paragraph(f"{number}. {given or left + why}", 0, self.width)
        lemmas = [_lemma(function) for function in seen.functions]
        told = f"{lines[-1]}; {', '.join(lemmas)}"
        if lemmas and self.brief and len(told) <= self.width:
            return [*lines[:-1], told]
        return lines + [line for lemma in lemmas for line in paragraph(lemma, 3, self.width)]

    def readers(self, adjoint: Adjoint) -> list[str]:
        """What reads an array; for the own name of a weight, the elements that its layer computes with it."""
        by_name = self.derivation.program.by_name
        if not self.scalar or not all(isinstance(by_name[reader].body, Table) for reader in adjoint.readers):
            return [self.unicode(Ref(reader)) for reader in adjoint.readers]
        lines = [line for block in self.derivation.backward if block.of == adjoint.name for line in block.lines]
        above = f"d{self.derivation.loss}/d"
        found = [n for line in lines for n in walk(line.formula) if isinstance(n, Ref) and n.name.startswith(above)]
        return list(dict.fromkeys(self.math(Ref(n.name.removeprefix(above), n.indices)) for n in found))

    def through_copies(self, adjoint: Adjoint) -> Adjoint:
        """The derivative of what an array is handed on as, where a layer such as flatten leaves it as it is."""
        chain = adjoint.chain
        if isinstance(chain, Ref) and chain.indices == tuple(Ref(index) for index in adjoint.indices):
            for other in self.derivation.adjoints.values():
                if other.name == chain.name and is_copy(self.derivation.program.by_name[other.of]):
                    return self.through_copies(other)
        return adjoint

    def way(self, adjoint: Adjoint) -> list[str]:
        """The steps in indices: chain rule, deltas, names, simplification, each with its reason."""
        seen = self.through_copies(adjoint)
        names: dict[str, Expr] = {old: Ref(new) for old, new in zip(seen.indices, adjoint.indices, strict=True)}
        left = self.unicode(Ref(adjoint.name, tuple(Ref(index) for index in adjoint.indices)))
        lines: list[str] = []
        if seen.readers == (self.unstated,):
            return self.reasoned(left, self.unicode(seen.closed), "given")
        for position, step in enumerate(seen.steps):
            if step.general is not None:
                general = _renamed(step.general, seen.of, adjoint.of)
                lines += self.reasoned(left, self.unicode(substitute(general, names)), "chain rule")
            reason = f"{step.rule}: {step.reason}" if position else "local derivatives"
            name = " " * len(left) if lines else left
            after = substitute(step.after, names)
            drawn = self.displayed(name, after, 3, f"({reason})") if step is seen.steps[-1] else []
            lines += drawn or self.reasoned(name, self.unicode(after), reason)
        return lines

    def reasoned(self, left: str, right: str, reason: str) -> list[str]:
        """One step with its reason at the end of its line, or on a line of its own where that is too narrow."""
        lines = self.equation(left, [right], 3)
        if len(lines[-1]) + len(reason) + 5 <= self.width:
            return [*lines[:-1], f"{lines[-1]}   ({reason})"]
        return lines + paragraph(f"({reason})", len(left) + 6, self.width)

    def scalar_block(self, number: int, block: Block, adjoint: Adjoint) -> list[str]:
        opening = self.opening(number, adjoint)
        lines = self.way(adjoint) if self.full and adjoint.indices and len(adjoint.steps) > 1 else []
        for line in block.lines:
            lines += self.backward_line(line)
        return one_line(opening, lines, self.width) if self.brief else [*opening, *lines]

    def backward_line(self, line: Line) -> list[str]:
        left = self.math(line.left)
        blank = " " * len(left)
        numbers = self.numbers(line.formula, line.value) if self.full or line.short is None else []
        lines = self.equation(left, [self.math(line.formula), *numbers], 3)
        if line.formula == ZERO and line.absent:
            match self.both_sides(line.left):
                case Call("diff", (above, below)):
                    reason = f"{self.math(above)} does not depend on {self.math(below)}"
                case _:
                    reason = f"{self.derivation.loss} does not contain {self.math(_of(line, self.derivation.loss))}"
            return [f"{lines[0]}   ({reason})"]
        if line.short is not None:
            lines += self.equation(blank, [self.math(line.short), *self.numbers(line.short, line.value)], 3)
        if not self.full and line.because:
            ending = f"   (because {line.because})"
            return [*lines[:-1], lines[-1] + ending] if len(lines[-1] + ending) <= self.width else [*lines, ending]
        if line.inserted is not None and self.full:
            lines += self.reasoned(blank, self.math(line.inserted), line.how or "everything put in")
        if line.because:
            lines += paragraph(f"It is 0 because {line.because}.", 3, self.width)
        return lines

    def index_block(self, number: int, adjoint: Adjoint) -> list[str]:
        opening = self.opening(number, adjoint)
        left = self.unicode(Ref(adjoint.name, tuple(Ref(index) for index in adjoint.indices)))
        lines = self.way(adjoint) if self.full else self.equation(left, [self.unicode(adjoint.closed)], 3)
        lines += self.backward_array(adjoint)
        return one_line(opening, lines, self.width) if self.brief else [*opening, *lines]

    def backward_array(self, adjoint: Adjoint) -> list[str]:
        """The values of a derivative; in brief those that are asked for stand in the result alone."""
        if self.brief and any(gradient.adjoint is adjoint for gradient in self.derivation.gradients):
            return []
        return self.array(Ref(adjoint.name), self.derivation.values.get(adjoint.name))

    # -- answers ----------------------------------------------------------------------------------

    def result(self) -> list[str]:
        lines = heading("Result")
        for gradient in self.derivation.gradients:
            if not self.said_by_entries(gradient):
                lines += self.gradient(gradient)
        for sentence in self.derivation.sharing:
            lines += paragraph(f"{in_letters(sentence, self.derivation)}.", 2, self.width)
        for note in self.derivation.notes:
            lines += paragraph(f"Note: {in_letters(note, self.derivation)}.", 2, self.width)
        return [*lines, ""]

    def said_by_entries(self, gradient: Gradient) -> bool:
        """Whether an array is answered by its entries, which have names of their own."""
        own = self.derivation.network.own_names.get(gradient.adjoint.of, ())
        return bool(own) and set(own) <= set(self.derivation.asked)

    def gradient(self, gradient: Gradient) -> list[str]:
        adjoint = gradient.adjoint
        left = self.math(gradient.left)
        if not adjoint.readers and adjoint.steps:
            return self.equation(left, [f"{self.math(gradient.formula)}   ({adjoint.steps[0].reason})"])
        formula, value = self.written(gradient), gradient.value
        rights = [self.math(formula)]
        if value is not None and len(value) == 1:
            (single,) = value.values()
            text = shown(single, self.digits)
            near = text.startswith("≈")
            drawn = self.displayed(left, formula, after=text if near else f"= {text}")
            return drawn or self.equation(left, [f"{rights[0]} {text}"] if near else [*rights, text])
        lines = self.displayed(left, formula) or self.equation(left, rights)
        return lines + self.array(Ref(adjoint.name), value)

    def written(self, gradient: Gradient) -> Expr:
        """The formula of a gradient, looked through tables of own names where it is a scalar."""
        for block in self.derivation.backward:
            for line in block.lines:
                if block.of == gradient.adjoint.name and line.place == (gradient.place or ()):
                    return line.inserted or line.short or line.formula
        return gradient.formula

    def updates(self) -> list[str]:
        return update_lines(self.derivation, self.math, self.digits, self.width)

    def verification(self) -> list[str]:
        lines = heading("Verified")
        if not self.derivation.verified:
            return [*lines, "  Nothing: this result has not been verified."]
        for part in self.derivation.parts:
            if part is not self.derivation:
                printer = type(self)(part, self.full, self.digits, self.width)
                lines.append(f"  {', '.join(printer.math(gradient.left) for gradient in part.gradients)}:")
            for sentence in in_brief(part.verified) if self.brief else map(said, part.verified):
                lines += paragraph(sentence, 2, self.width)
        if not self.derivation.passed:
            lines += paragraph("This result is NOT verified.", 2, self.width)
        return lines


def _renamed(expr: Expr, old: str, new: str) -> Expr:
    """The same expression about another array, in the chain rule of something that is handed on unchanged."""
    if isinstance(expr, Ref) and expr.name == old:
        return Ref(new, expr.indices)
    return rebuild(expr, lambda part: _renamed(part, old, new))


def _element(gradient: Gradient) -> Ref:
    return Ref(gradient.adjoint.name, tuple(num(i) for i in gradient.place or ()))


def _of(line: Line, loss: str) -> Ref:
    return Ref(line.of.removeprefix(f"d{loss}/d"), line.left.indices)


def _lemma(function: str) -> str:
    """`log′(u) = 1/u`, from the table of functions."""
    entry = FUNCTIONS[function]
    arguments = ", ".join(entry.arguments)
    return f"{entry.unicode}′({arguments}) = {to_unicode(read_expression(entry.derivative))}"
