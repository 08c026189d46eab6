"""A derivation as a document: the content of the text, with formulas that Markdown, LaTeX and notebooks set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backcalc.derive.adjoint import Adjoint
from backcalc.derive.derivation import Derivation
from backcalc.derive.exact import Exact
from backcalc.derive.gradient import Gradient
from backcalc.derive.matrix_read import MatrixForm
from backcalc.derive.matrix_view import matrix_view
from backcalc.derive.scalar import Line
from backcalc.derive.written import Block as Lines
from backcalc.formula.evaluate import Array
from backcalc.formula.functions import FUNCTIONS
from backcalc.formula.print_latex import latex_name
from backcalc.formula.print_unicode import to_unicode
from backcalc.formula.read import read_expression
from backcalc.formula.tree import ZERO, Call, Expr, Ref, Table, num, rebuild, substitute
from backcalc.render.document import Block, Document, Equations, Formula, Heading, Items, Paragraph, Right, Row, Words
from backcalc.render.grad_head import head
from backcalc.render.grad_text import MOST_ENTRIES, Printer
from backcalc.render.grad_update import update_blocks
from backcalc.render.grad_words import Speaker, joined
from backcalc.render.latex_values import DerivationPrinter, array_latex, number_rights, printer_of, value_rights
from backcalc.render.matrix_print import matrix_latex
from backcalc.render.verify_text import said


def document(derivation: Derivation, steps: str = "full", digits: int | None = None) -> Document:
    """Title, what is wanted, conventions, symbols; forward pass, backward pass, result, update, verification.

    `brief` leaves the way of every derivative out and keeps formulas and values; `digits` are those of decimals.
    """
    return Document(tuple(_Filler(derivation, steps == "full", digits).all()))


class _Filler:
    """The blocks of one derivation, or of one of its parts."""

    def __init__(self, derivation: Derivation, full: bool, digits: int | None) -> None:
        self.derivation, self.full, self.digits = derivation, full, digits
        self.scalar = derivation.view == "scalar"
        self.text = Printer(derivation, full, digits, 80)  # which lines and which names, as in the text
        self.printer = printer_of(derivation, scalar_names=self.scalar)
        self.indexed = printer_of(derivation)
        self.speaker = Speaker(derivation, self.scalar)
        self.forms = dict(matrix_view(derivation).forms) if derivation.view == "matrix" else {}

    def all(self) -> Iterator[Block]:
        wanted = [self.math(_element(g)) for g in self.derivation.gradients if not self.text.said_by_entries(g)]
        parts = [type(self)(part, self.full, self.digits) for part in self.derivation.further]
        wanted += [part.math(gradient.left) for part in parts for gradient in part.derivation.gradients]
        yield from head(self.derivation, wanted, self.full, self.digits, self.printer)
        yield Heading(2, ("Forward pass",))
        yield from self.forward()
        yield Heading(2, ("Backward pass",))
        yield from self.backward()
        yield Heading(2, ("Result",))
        yield from self.result()
        yield from update_blocks(self.derivation, self.printer, self.digits)
        for part in parts:
            wanted = [part.math(gradient.left) for gradient in part.derivation.gradients]
            yield Heading(2, joined([(Formula(latex),) for latex in wanted]))
            yield from part.backward()
            yield Heading(3, ("Result",))
            yield from part.result()
        yield from self.verification(parts)

    def math(self, expr: Expr) -> str:
        return self.printer.write(expr)

    # -- forward ----------------------------------------------------------------------------------

    def forward(self) -> Iterator[Block]:
        rows: list[Row] = []
        program, unstated = self.derivation.program, self.text.unstated
        if self.scalar:
            for block in [block for block in self.derivation.forward if block.of != unstated]:
                if self.full and len(block.lines) > 1:
                    read = dict.fromkeys(ref.name for ref in program.by_name[block.of].reads())
                    tables = [n for n in read if n in program.by_name and isinstance(program.by_name[n].body, Table)]
                    rows += [self.definition(name) for name in (*tables, block.of)]
                rows += [self.line(line) for line in block.lines]
        else:
            for equation in [equation for equation in program.equations if equation.name != unstated]:
                rows += [self.definition(equation.name), *self.formed(equation.name)]
                rows += self.array(Ref(equation.name), self.derivation.values.get(equation.name))
        yield Equations(tuple(rows))

    def definition(self, name: str) -> Row:
        equation = self.derivation.program.by_name[name]
        if isinstance(equation.body, Table):
            return Row(latex_name(name), (("=", self.indexed.write(equation.body)),))
        body = self.text.through(equation.body) if self.scalar else equation.body
        return Row(self.indexed.write(equation.left), (("=", self.indexed.write(body)),))

    def formed(self, name: str) -> Iterator[Row]:
        """The matrix form below the formula in indices, in the matrix view."""
        form: MatrixForm | None = self.forms.get(name)
        if form is not None and form.node is not None:
            yield Row(self.indexed.write(Ref(name)), (("=", matrix_latex(form.node)),))

    def line(self, line: Line) -> Row:
        return Row(self.math(line.left), (("=", self.math(line.formula)), *self.numbers(line.formula, line.value)))

    def numbers(self, formula: Expr, value: Exact | None) -> list[Right]:
        return number_rights(formula, value, self.derivation.values, self.digits, self.printer)

    def array(self, left: Ref, values: Array[Exact] | None) -> list[Row]:
        """The values of a small array."""
        if values is None or len(values) > MOST_ENTRIES:
            return []
        if len(values) == 1 and () in values:
            return [Row(self.indexed.write(left), tuple(value_rights(values[()], self.digits, self.indexed)))]
        return [Row(self.indexed.write(left), (("=", array_latex(values, self.digits, self.indexed)),))]

    # -- backward ---------------------------------------------------------------------------------

    def backward(self) -> Iterator[Block]:
        if self.scalar:
            by_name = {adjoint.name: adjoint for adjoint in self.derivation.adjoints.values()}
            for number, block in enumerate(self.derivation.backward, start=1):
                adjoint = by_name[block.of]
                way = self.way(adjoint) if self.full and adjoint.indices and len(adjoint.steps) > 1 else []
                yield from self.opening(number, adjoint)
                yield from self.lines([*way], block)
        else:
            for number, adjoint in enumerate(self.derivation.needed, start=1):
                yield from self.opening(number, adjoint)
                left = self.indexed.write(_indexed(adjoint))
                way = self.way(adjoint) if self.full else [Row(left, (("=", self.indexed.write(adjoint.closed)),))]
                values = self.array(Ref(adjoint.name), self.derivation.values.get(adjoint.name))
                yield Equations((*way, *self.formed(adjoint.name), *values))

    def opening(self, number: int, adjoint: Adjoint) -> Iterator[Block]:
        """`1. ∂J/∂y: y goes into J`, and the derivatives of functions that are used."""
        seen = self.text.through_copies(adjoint)
        left = Formula(self.indexed.write(Ref(adjoint.name)))
        yield Heading(3, (f"{number}. ", left, *self.why(adjoint, seen)))
        lemmas = [lemma(function) for function in seen.functions]
        if lemmas:
            yield Paragraph(("With ", *joined([(Formula(latex),) for latex in lemmas]), "."))

    def why(self, adjoint: Adjoint, seen: Adjoint) -> Words:
        network = self.derivation.network
        readers = [name for name in seen.readers if name != self.text.unstated]
        goes = (": ", Formula(self.indexed.write(Ref(adjoint.of))), " goes into ")
        given = network.given.get(adjoint.of)
        if given is not None and not readers:
            return (" = ", Formula(latex_name(given)), " is given")
        used = f"{to_unicode(Ref(adjoint.of))} is used"
        shared = next((sentence for sentence in self.derivation.sharing if sentence.startswith(used)), None)
        if shared is not None:
            return (": ", *self.speaker.words(shared))
        if not readers:
            return ()
        names = [self.speaker.name(reader) for reader in self.text.readers(seen)]
        added = (" and the given ", Formula(latex_name(given)), " is added") if given is not None else ()
        return (*goes, *joined(names), *added)

    def way(self, adjoint: Adjoint) -> list[Row]:
        """The steps in indices: chain rule, deltas, names, simplification, each with its reason."""
        seen = self.text.through_copies(adjoint)
        names: dict[str, Expr] = {old: Ref(new) for old, new in zip(seen.indices, adjoint.indices, strict=True)}
        left = self.indexed.write(_indexed(adjoint))
        if seen.readers == (self.text.unstated,):
            return [Row(left, (("=", self.indexed.write(seen.closed)),), ("given",))]
        rows: list[Row] = []
        for position, step in enumerate(seen.steps):
            if step.general is not None:
                general = substitute(_renamed(step.general, seen.of, adjoint.of), names)
                rows.append(Row(left, (("=", self.indexed.write(general)),), ("chain rule",)))
            reason = f"{step.rule}: {step.reason}" if position else "local derivatives"
            after = self.indexed.write(substitute(step.after, names))
            rows.append(Row("" if rows else left, (("=", after),), self.speaker.words(reason)))
        return rows

    def lines(self, way: list[Row], block: Lines) -> Iterator[Block]:
        """The lines of the scalar view; where a value is 0, why."""
        rows = way
        for line in block.lines:
            rows += self.backward_rows(line)
            if line.because:
                yield Equations(tuple(rows))
                yield Paragraph(("It is 0 because ", *self.speaker.words(line.because), "."))
                rows = []
        if rows:
            yield Equations(tuple(rows))

    def backward_rows(self, line: Line) -> Iterator[Row]:
        left = self.math(line.left)
        if line.formula == ZERO and line.absent:
            loss = self.derivation.loss
            place = line.left.indices[self.printer.lead :]
            below = Ref(self.text.derived.get(line.of, line.of.removeprefix(f"d{loss}/d")), place)
            above = Ref(loss, line.left.indices[: self.printer.lead])
            verb = " does not depend on " if self.text.derived else " does not contain "
            why: Words = (Formula(self.math(above)), verb, Formula(self.math(below)))
            yield Row(left, (("=", "0"),), why)
            return
        yield self.line(line)
        if line.short is not None:
            yield Row("", (("=", self.math(line.short)), *self.numbers(line.short, line.value)))
        if line.inserted is not None:
            reason = self.speaker.words(line.how) if line.how else ("everything put in",)
            yield Row("", (("=", self.math(line.inserted)),), reason)

    # -- answers ----------------------------------------------------------------------------------

    def result(self) -> Iterator[Block]:
        rows = [r for g in self.derivation.gradients if not self.text.said_by_entries(g) for r in self.gradient(g)]
        if rows:
            yield Equations(tuple(rows))
        said = [*self.derivation.sharing, *(f"Note: {note}" for note in self.derivation.notes)]
        if said:
            yield Items(tuple((*self.speaker.words(sentence), ".") for sentence in said))

    def gradient(self, gradient: Gradient) -> list[Row]:
        adjoint, value = gradient.adjoint, gradient.value
        left = self.math(gradient.left)
        if not adjoint.readers and adjoint.steps:
            return [Row(left, (("=", self.math(gradient.formula)),), self.speaker.words(adjoint.steps[0].reason))]
        rights: list[Right] = [("=", self.math(self.text.written(gradient)))]
        if value is not None and len(value) == 1:
            (single,) = value.values()
            found = value_rights(single, self.digits, self.printer)
            return [Row(left, (*rights, *(right for right in found if right[1] != rights[0][1])))]
        formed = list(self.formed(adjoint.name)) if gradient.place is None else []
        return [Row(left, tuple(rights)), *formed, *self.array(Ref(adjoint.name), value)]

    def verification(self, parts: Sequence[_Filler]) -> Iterator[Block]:
        yield Heading(2, ("Verified",))
        if not self.derivation.verified:
            yield Paragraph(("Nothing: this result has not been verified.",))
            return
        for filler in (self, *parts):
            if filler is not self:
                names = [(Formula(filler.math(g.left)),) for g in filler.derivation.gradients]
                yield Paragraph((*joined(names), ":"))
            yield Items(tuple((said(check),) for check in filler.derivation.verified))
        if not self.derivation.passed:
            yield Paragraph(("This result is NOT verified.",))


def _indexed(adjoint: Adjoint) -> Ref:
    return Ref(adjoint.name, tuple(Ref(index) for index in adjoint.indices))


def _element(gradient: Gradient) -> Ref:
    return Ref(gradient.adjoint.name, tuple(num(i) for i in gradient.place or ()))


def _renamed(expr: Expr, old: str, new: str) -> Expr:
    """The same expression about another array, in the chain rule of something that is handed on unchanged."""
    if isinstance(expr, Ref) and expr.name == old:
        return Ref(new, expr.indices)
    return rebuild(expr, lambda part: _renamed(part, old, new))


def lemma(function: str) -> str:
    r"""`\log'(u) = \frac{1}{u}`, from the table of functions."""
    entry = FUNCTIONS[function]
    printer = DerivationPrinter()
    arguments = ", ".join(latex_name(argument) for argument in entry.arguments)
    if function == "sqrt":
        return rf"\frac{{d\sqrt{{u}}}}{{du}} = {printer.write(read_expression(entry.derivative))}"
    if function == "abs":
        return rf"|u|' = {printer.write(Call('sign', (Ref('u'),)))}"
    return rf"{entry.latex}'({arguments}) = {printer.write(read_expression(entry.derivative))}"
