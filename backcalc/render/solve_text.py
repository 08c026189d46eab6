"""The model solution of a homework as text: every problem worked out, its answers in a box at the end."""

from __future__ import annotations

from collections.abc import Iterator

from backcalc.check.solution import Part, Result, Solution
from backcalc.count.table import as_text, pretty
from backcalc.derive.derivation import Derivation
from backcalc.derive.exact import Exact
from backcalc.formula.names import lettered
from backcalc.formula.print_unicode import to_unicode
from backcalc.formula.tree import Expr
from backcalc.net.errors import printable
from backcalc.render import prove_text
from backcalc.render.count_text import shown_shape
from backcalc.render.grad_text import MOST_ENTRIES, Printer
from backcalc.render.layout import WIDTH, equation, heading, paragraph
from backcalc.render.matrix_text import MatrixPrinter
from backcalc.render.solve_words import (
    STATED,
    accepted,
    checked,
    counted,
    shares,
    sum_of,
    summary,
    table_fields,
    title,
    verdict,
)
from backcalc.render.table_text import Column, grid
from backcalc.render.values import nested, shown
from backcalc.render.verify_text import said


def render(solution: Solution, steps: str = "full", digits: int | None = None, width: int = WIDTH) -> str:
    """The whole solution within `width` columns; `brief` leaves the way of every derivative out."""
    lines = heading(printable(solution.name), "═")
    lines += paragraph(summary(solution), 0, width)
    for sentence in accepted(solution):
        lines += paragraph(sentence, 0, width)
    for part in solution.parts:
        lines += ["", "", *heading(title(part), "━"), *_Problem(part, steps == "full", digits, width).lines()]
    return "\n".join([*lines, "", "", *paragraph(verdict(solution), 0, width), ""])


class _Problem:
    """One problem of the text."""

    def __init__(self, part: Part, full: bool, digits: int | None, width: int) -> None:
        self.part, self.full, self.digits, self.width = part, full, digits, width
        self.printer = None if part.derivation is None else _printer(part.derivation, full, digits, width)

    def lines(self) -> Iterator[str]:
        part = self.part
        each = f" ({share})" if (share := shares(part)) else ""
        if part.proofs:
            yield from self.proofs(each)
            return
        names = ", ".join(("the new " if r.verb == "new" else "") + self.left(r) for r in part.results)
        yield from paragraph(f"Asked: {names}{each}.", 0, self.width)
        if part.kind == "answers":
            yield from paragraph(STATED, 0, self.width)
        for variant in part.variants:
            yield from paragraph(f"Instead of it {printable(variant.name)} may be meant, throughout.", 0, self.width)
        yield ""
        if self.printer is not None:
            yield from self.derived(self.printer)
        if part.table is not None:
            yield from self.counts()
        yield from self.verified()
        yield from self.box()

    def derived(self, printer: Printer) -> Iterator[str]:
        """The derivation as `grad` prints it; without a backward pass where no derivative is asked for."""
        forward = printer.forward()
        backward = [*printer.backward(), *printer.result(), *printer.updates()] if self.part.backward else []
        title = printer.title([*forward, *backward])[2:]
        yield from paragraph(f"Network: {printable(printer.derivation.network.name)}", 0, self.width)
        yield from [line for line in title if line != "Wanted: ."]
        yield from [*forward, *backward]

    def counts(self) -> Iterator[str]:
        """The table, a row a layer, with the columns that are asked for; `brief` has only rows that count."""
        table, fields = self.part.table, table_fields(self.part)
        assert table is not None
        yield from paragraph(f"Network: {printable(table.net)}", 0, self.width)
        for sentence in counted(self.part):
            yield from paragraph(sentence, 0, self.width)
        rows = [row for row in table.rows if self.full or any(getattr(row, field) for field in fields)]
        totals = table.totals.to_json()
        columns = [Column("layer", tuple(row.name for row in rows), "total", right=False)]
        columns.append(Column("output", tuple(shown_shape(row.output_shape) for row in rows), "", right=False))
        columns += [
            Column(field, tuple(as_text(getattr(row, field)) for row in rows), str(totals[field])) for field in fields
        ]
        yield from ["", *grid(columns).splitlines(), ""] if fields else [""]

    def verified(self) -> Iterator[str]:
        checks = checked(self.part)
        if checks or self.printer is not None:
            yield from heading("Verified")
            for check in checks:
                yield from paragraph(said(check), 2, self.width)
            if not self.part.holds:
                yield from paragraph("This result is NOT verified.", 2, self.width)
            yield ""

    def box(self) -> Iterator[str]:
        """The answers, framed."""
        lines = [line for result in self.part.results for line in self.answer(result)]
        for variant in self.part.variants:
            lines += paragraph(f"or, for {printable(variant.name)}:", 0, self.width - 4)
            lines += [line for result in variant.results for line in self.answer(result)]
        inside = max(len(line) for line in ["Answer", *lines])
        yield f"┌─ Answer {'─' * (inside - 7)}┐"
        for line in lines:
            yield f"│ {line:<{inside}} │"
        yield f"└{'─' * (inside + 2)}┘"

    def answer(self, result: Result) -> list[str]:
        """One answer: its name, its formula, its value."""
        width = self.width - 4
        rights = [] if result.formula is None else [self.math(result.formula)]
        values = result.values
        if values is not None and len(values) > MOST_ENTRIES:
            rights.append(f"an array of {len(values)} numbers, in full in --format json")
        elif values is not None and len(values) > 1:
            rights.append(self.array(result))
        elif values is not None:
            rights += self.number(next(iter(values.values())), rights)
        rights = rights or ["no value"]
        tolerance = f" ± {float(result.tolerance):g}" if result.tolerance else ""
        lines = equation(self.left(result), [*rights[:-1], rights[-1] + tolerance], 0, width)
        if result.verb == "new":
            lines[0] = lines[0].replace(" = ", " ← ", 1)
        for line in [sum_of(result)] if result.terms else []:
            lines += paragraph(line, 4, width)
        for name, value in result.others:
            lines += paragraph(f"under the convention `{name}`: {value}", 4, width)
        return lines

    def number(self, value: Exact, before: list[str]) -> list[str]:
        """The value behind the formula, without saying the same twice."""
        text = shown(value, self.digits)
        if text.startswith("≈ ") and before:
            before[-1] += f" {text}"
            return []
        text = text.removeprefix("≈ ")
        return [] if before[-1:] == [text] else [text]

    def array(self, result: Result) -> str:
        def row(part: object) -> str:
            return f"({', '.join(map(row, part))})" if isinstance(part, list) else str(part)

        assert result.values is not None
        return row(nested(result.values, lambda value: shown(value, self.digits).rpartition("≈ ")[2]))

    def left(self, result: Result) -> str:
        """How the asked quantity is written."""
        if result.of is None:
            return printable(lettered(result.word))
        return ("Δ" if result.verb == "delta" else "") + self.math(result.of)

    def math(self, expr: Expr) -> str:
        if self.printer is not None:
            return self.printer.math(expr)
        return pretty(to_unicode(expr))

    def proofs(self, each: str) -> Iterator[str]:
        """Every claim with its proof."""
        count = len(self.part.proofs)
        yield from paragraph(f"To be shown: {count} claim{'s' if count != 1 else ''}{each}.", 0, self.width)
        for number, proof in enumerate(self.part.proofs, 1):
            yield from ["", *heading(f"Claim {number}" if count > 1 else "Claim")]
            yield from prove_text.lines_of(proof, self.width)


def _printer(derivation: Derivation, full: bool, digits: int | None, width: int) -> Printer:
    kind = MatrixPrinter if derivation.view == "matrix" else Printer
    printer = kind(derivation, full, digits, width)
    printer.pen = None
    return printer
