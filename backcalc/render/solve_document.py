"""The model solution of a homework as a document, which Markdown, LaTeX, HTML and notebooks set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from backcalc.check.solution import Part, Result, Solution
from backcalc.count.table import as_text
from backcalc.derive.derivation import Derivation
from backcalc.formula.names import lettered
from backcalc.formula.tree import Expr
from backcalc.net.errors import printable
from backcalc.render import prove_latex
from backcalc.render.count_text import shown_shape
from backcalc.render.document import (
    Block,
    Document,
    Equations,
    Formula,
    Grid,
    Heading,
    Items,
    Paragraph,
    Right,
    Row,
    Words,
)
from backcalc.render.grad_document import document as derived
from backcalc.render.grad_text import MOST_ENTRIES
from backcalc.render.grad_words import joined
from backcalc.render.latex_layout import WIDTH, measure
from backcalc.render.latex_values import DerivationPrinter, array_latex, value_rights
from backcalc.render.solve_words import (
    STATED,
    accepted,
    counted,
    shares,
    sum_of,
    summary,
    table_fields,
    title,
    verdict,
)
from backcalc.render.verify_text import said


def document(solution: Solution, steps: str = "full", digits: int | None = None) -> Document:
    """The title, then a section for every problem with its answers, boxed, at the end."""
    return Document(tuple(_blocks(solution, steps, digits)))


def sections(solution: Solution, steps: str = "full", digits: int | None = None) -> Iterator[tuple[Part, Document]]:
    """The document of every problem by itself."""
    for part in solution.parts:
        yield part, Document(tuple(_problem(part, steps, digits)))


def opening(solution: Solution) -> Document:
    """What stands before the first problem."""
    conventions = tuple((sentence,) for sentence in accepted(solution))
    blocks: list[Block] = [Heading(1, (printable(solution.name),)), Paragraph((summary(solution),))]
    return Document((*blocks, *([Items(conventions)] if conventions else [])))


def _blocks(solution: Solution, steps: str, digits: int | None) -> Iterator[Block]:
    yield from opening(solution).blocks
    for _, section in sections(solution, steps, digits):
        yield from section.blocks
    yield Paragraph((verdict(solution),))


def _problem(part: Part, steps: str, digits: int | None) -> Iterator[Block]:
    yield Heading(2, (title(part),))
    each = f" ({share})" if (share := shares(part)) else ""
    if part.proofs:
        count = len(part.proofs)
        yield Paragraph((f"To be shown: {count} claim{'s' if count != 1 else ''}{each}.",))
        for number, proof in enumerate(part.proofs, 1):
            yield Heading(3, (f"Claim {number}" if count > 1 else "Claim",))
            yield from _deeper(prove_latex.blocks(proof), 2)
        return
    printer = _printer(part)
    yield Paragraph(("Asked: ", *joined([_name(result, printer) for result in part.results]), f"{each}."))
    if part.kind == "answers":
        yield Paragraph((STATED,))
    for variant in part.variants:
        yield Paragraph((f"Instead of it {printable(variant.name)} may be meant, throughout.",))
    if part.derivation is not None:
        yield from _derived(part, part.derivation, steps, digits)
    if part.table is not None:
        yield from _counts(part, steps)
    if part.checks:
        yield Heading(3, ("Verified",))
        yield Items(tuple((said(check),) for check in part.checks))
    yield Heading(3, ("Answer",))
    yield from _answers(part.results, printer, digits)
    for variant in part.variants:
        yield Paragraph((f"Or, for {printable(variant.name)}:",))
        yield from _answers(variant.results, printer, digits)


def _derived(part: Part, derivation: Derivation, steps: str, digits: int | None) -> Iterator[Block]:
    """The derivation as `grad` writes it, its headings one level deeper; no backward pass where none is asked for."""
    yield Paragraph((f"Network: {printable(derivation.network.name)}",))
    blocks = derived(derivation, steps, digits).blocks[1:]
    if not part.backward:
        blocks = tuple(_without(blocks, ("Backward pass", "Result")))
    yield from _deeper(blocks, 1)


def _without(blocks: Sequence[Block], names: Sequence[str]) -> Iterator[Block]:
    """The blocks without some of the sections, and without the sentence on what is wanted."""
    left_out = False
    for block in blocks:
        if isinstance(block, Heading) and block.level == 2:
            left_out = block.words[0] in names
        if not left_out and not (isinstance(block, Paragraph) and block.words[0] == "Wanted: "):
            yield block


def _deeper(blocks: Sequence[Block] | Iterator[Block], levels: int) -> Iterator[Block]:
    for block in blocks:
        yield replace(block, level=block.level + levels) if isinstance(block, Heading) else block


def _counts(part: Part, steps: str) -> Iterator[Block]:
    """The table of counts, with the columns that are asked for."""
    table, fields = part.table, table_fields(part)
    assert table is not None
    yield Paragraph((f"Network: {printable(table.net)}. {' '.join(counted(part))}",))
    rows = [row for row in table.rows if steps == "full" or any(getattr(row, field) for field in fields)]
    cells: list[tuple[Words, ...]] = [
        ((row.name,), (shown_shape(row.output_shape),), *((as_text(getattr(row, field)),) for field in fields))
        for row in rows
    ]
    totals = table.totals.to_json()
    cells.append((("total",), ("",), *((str(totals[field]),) for field in fields)))
    if fields:
        yield Grid(("layer", "output", *fields), tuple(cells))


# -- answers ----------------------------------------------------------------------------------------


def _printer(part: Part) -> DerivationPrinter:
    derivation = part.derivation
    if derivation is None:
        return DerivationPrinter()
    lead = len(derivation.program.shapes.get(derivation.loss, ()))
    return DerivationPrinter(scalar_names=derivation.view == "scalar", above=derivation.loss, lead=lead)


def _name(result: Result, printer: DerivationPrinter) -> Words:
    if result.of is None:
        return (printable(lettered(result.word)),)
    new = ("the new ",) if result.verb == "new" else ()
    return (*new, Formula(_left(result, result.of, printer)))


def _left(result: Result, of: Expr, printer: DerivationPrinter) -> str:
    return (r"\Delta " if result.verb == "delta" else "") + printer.write(of)


def _answers(results: Sequence[Result], printer: DerivationPrinter, digits: int | None) -> Iterator[Block]:
    for result in results:
        yield Equations(tuple(_answer(result, printer, digits)))
        yield from _remarks(result)


def _answer(result: Result, printer: DerivationPrinter, digits: int | None) -> Iterator[Row]:
    """The formula, and the value in a box; the whole in a box where it is short."""
    left = _left(result, result.of, printer) if result.of is not None else rf"\text{{{_plain(result.word)}}}"
    formula: list[Right] = [] if result.formula is None else [("=", printer.write(result.formula))]
    values = _value(result, printer, digits)
    if len(values) > 1 and values[0] in formula:
        values = values[1:]
    rights = [*formula, *(right for right in values if right not in formula)]
    sign = r"\leftarrow" if result.verb == "new" else "="
    if result.tolerance and rights:
        rights[-1] = (rights[-1][0], rf"{rights[-1][1]} \pm {float(result.tolerance):g}")
    if not rights:
        yield Row(left, (("=", r"\text{no value}"),))
        return
    whole = " ".join([left, *(f"{sign if not place else mark} {latex}" for place, (mark, latex) in enumerate(rights))])
    if measure(whole) <= WIDTH - 8:
        yield Row("", (("", rf"\boxed{{{whole}}}"),))
        return
    last = rights[-1]
    boxed = (last[0], rf"\boxed{{{last[1]}}}") if measure(last[1]) <= WIDTH - 20 else last
    yield Row(left, ((sign if len(rights) > 1 else boxed[0], rights[0][1] if len(rights) > 1 else boxed[1]),))
    if len(rights) > 1:
        yield Row("", (*rights[1:-1], boxed))


def _value(result: Result, printer: DerivationPrinter, digits: int | None) -> list[Right]:
    values = result.values
    if values is None:
        return []
    if len(values) > MOST_ENTRIES:
        return [("=", rf"\text{{an array of {len(values)} numbers}}")]
    if len(values) > 1:
        return [("=", array_latex(values, digits, printer))]
    return value_rights(next(iter(values.values())), digits, printer)


def _remarks(result: Result) -> Iterator[Block]:
    if result.terms:
        yield Paragraph((f"Added up: {sum_of(result)}.",))
    for name, value in result.others:
        yield Paragraph((f"Under the convention {name}: {value}.",))


def _plain(word: str) -> str:
    """A word within mathematics, without what LaTeX would take for a command."""
    return "".join(character if character.isalnum() or character in " .-" else "\\_" for character in printable(word))
