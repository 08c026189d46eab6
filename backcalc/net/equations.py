"""From the equations of a file to a program, with every fault at its place in the file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction

from backcalc.formula.errors import FormulaError
from backcalc.formula.infer import build_program
from backcalc.formula.lexer import tokens
from backcalc.formula.names import spelled
from backcalc.formula.program import CONSTANTS, Program
from backcalc.formula.read import read_equation, read_expression
from backcalc.formula.source import ProgramErrors, SourceEquation
from backcalc.formula.tree import Expr, Neg, Num, Pow, Ref, Table, children, walk
from backcalc.formula.whole import written_out
from backcalc.layers import Shape
from backcalc.net.errors import did_you_mean, said
from backcalc.net.given import Given, check_given, given_equation
from backcalc.net.load import Document, Mark, Path
from backcalc.net.spec import NetFile, described, shown

LONGEST_EQUATIONS = 200_000
MOST_EQUATIONS = 2_000
LARGEST_POWER = 10_000
"""Powers of numbers have at most so many binary digits, and exponents are at most this."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the equations: its text without the comment, and the mark of its first character in the file.

    `exact` says whether offsets in the text are offsets in the file.
    """

    text: str
    mark: Mark
    exact: bool

    def at(self, start: int, length: int) -> Mark:
        """The mark of a part of the line."""
        if not self.exact:
            return self.mark
        return Mark(self.mark.line, self.mark.column + start, max(length, 1))


def equation_lines(document: Document, text: str, path: Path = ("equations",)) -> list[Line]:
    """The equations at a place of a file, one a line, without comments and empty lines, each with its place."""
    mark = document.mark(path)
    lines: list[Line] = []
    for number, raw in enumerate(text.split("\n")):
        formula = raw.partition("#")[0].rstrip()
        if not formula.strip():
            continue
        row = mark.line + number + 1  # the text of a block begins on the line after its `|`
        if mark.block == "|" and row <= len(document.lines) and document.lines[row - 1].endswith(raw):
            lines.append(Line(formula, Mark(row, len(document.lines[row - 1]) - len(raw) + 1, len(formula)), True))
        else:
            plain = not mark.block and mark.length == len(text) and number == 0
            lines.append(Line(formula, mark, plain))
    return lines


def read_program(
    document: Document,
    spec: NetFile,
    known: Mapping[str, Shape],
    loss: str | None,
    given: tuple[Given, ...] = (),
) -> tuple[Program, tuple[str, ...]] | None:
    """The program of a file of equations and the names of its parameters; None where something is wrong.

    `known` are the shapes of the values in the file: they settle sizes that nothing else does. `given` are upstream
    gradients, whose equation stands behind the others.
    """
    before = len(document.problems)
    lines, sources = read_lines(document, spec.equations or "", ("equations",))
    sizes = dict(spec.sizes or {})
    shapes = _shapes(document, spec, sizes)
    if len(document.problems) > before:
        return None
    return _built(document, spec, lines, sources, shapes, sizes, known, loss, given)


def read_lines(document: Document, text: str, path: Path) -> tuple[list[Line], list[SourceEquation]]:
    """The equations at a place of a file, each with its line; what cannot be read is reported."""
    sources: list[SourceEquation] = []
    if len(text) > LONGEST_EQUATIONS:
        document.report(path, f"the equations have more than {LONGEST_EQUATIONS} characters", key=True)
        return [], sources
    if document.mark(path).block == ">":
        document.report(path, "`>` joins the lines into one", "write `equations: |`")
        return [], sources
    lines = equation_lines(document, text, path)
    if len(lines) > MOST_EQUATIONS:
        document.report(path, f"there are more than {MOST_EQUATIONS} equations", key=True)
        return lines, sources
    for line in lines:
        try:
            left, right = read_equation(line.text)
            sources.append(SourceEquation(left, right))
        except FormulaError as error:
            where = line.at(error.start, error.end - error.start)
            document.problems.append(document.problem_at(where, error.message, error.hint))
            continue
        if has_huge_power(right):
            found = re.search(r"\^|\*\*", line.text)
            where = line.at(found.start(), len(found[0])) if found else line.mark
            document.problems.append(document.problem_at(where, "a power is too large to be computed"))
    if not lines:
        document.report(path, "there are no equations")
    return lines, sources


def has_huge_power(expr: Expr) -> bool:
    """Whether a formula holds a power that nobody could compute: found without computing it.

    >>> has_huge_power(read_expression("9^9^9^9")), has_huge_power(read_expression("2^10 + x^2"))
    (True, False)
    """
    try:
        _constant(expr)
    except OverflowError:
        return True
    return False


def _constant(expr: Expr) -> Fraction | None:
    """The value of a power of numbers, None of anything else. Raises OverflowError where it is too large."""
    parts = [_constant(part) for part in children(expr)]
    match expr, parts:
        case Num(value), _:
            return value
        case Neg(), [Fraction() as value]:
            return -value
        case Pow(), [base, Fraction() as exponent]:
            bits = 1 if base is None else (base.numerator * base.denominator).bit_length()
            if abs(exponent) * bits > LARGEST_POWER:
                raise OverflowError
            if base and exponent.denominator == 1:
                return base**exponent.numerator
    return None


def _shapes(document: Document, spec: NetFile, sizes: dict[str, int | None]) -> dict[str, tuple[Expr | int, ...]]:
    """The declared shapes; a name in them that is no size yet becomes a symbolic one."""
    shapes: dict[str, tuple[Expr | int, ...]] = {}
    for name, axes in (spec.shapes or {}).items():
        read: list[Expr | int] = []
        for position, axis in enumerate(axes):
            if isinstance(axis, int):
                read.append(axis)
                continue
            try:
                expr = read_expression(axis)
            except FormulaError as error:
                message = f"`shapes`: expected a size, got `{shown(axis)}`: {error.message}"
                document.report(("shapes", name, position), message, error.hint)
                continue
            for node in walk(expr):
                if isinstance(node, Ref):
                    sizes.setdefault(node.name, None)
            read.append(expr)
        shapes[name] = tuple(read)
    return shapes


def _built(
    document: Document,
    spec: NetFile,
    lines: list[Line],
    sources: list[SourceEquation],
    shapes: dict[str, tuple[Expr | int, ...]],
    sizes: dict[str, int | None],
    values: Mapping[str, Shape],
    loss: str | None,
    given: tuple[Given, ...],
) -> tuple[Program, tuple[str, ...]] | None:
    defined = {source.left.name for source in sources}
    read = {node.name for source in sources for node in walk(source.right) if isinstance(node, Ref)}
    gradients = {entry.gradient for entry in given}
    _known(document, "pad", list(spec.pad or []), read | defined)
    _known(document, "shapes", list(spec.shapes or {}), read | defined | gradients)
    if loss is not None and loss not in defined:
        message = f"no equation defines the loss `{shown(loss)}`"
        document.report(("loss",), message, did_you_mean(loss, defined))
    from_values: dict[str, tuple[Expr | int, ...]] = {
        name: shape
        for name, shape in values.items()
        if shape and name in read and name not in defined and name not in shapes
    }
    padded = frozenset(spec.pad or [])
    known = {name: shape for name, shape in shapes.items() if name not in gradients} | from_values
    try:
        sources = written_out(sources, known, sizes, padded)
        if given:
            program = _with_given(document, lines, sources, shapes | from_values, sizes, padded, values, given)
        else:
            scalars = [each.left.name for each in sources if not _is_array(each)]
            if loss in defined and loss not in scalars:
                document.report(("loss",), f"the loss `{loss}` is an array, but a loss is one number")
            last = loss or (scalars[-1] if scalars else None)
            program = build_program(sources, known, sizes, padded, last)
    except ProgramErrors as errors:
        report_faults(document, lines, errors)
        return None
    if program is None:
        return None
    constants = CONSTANTS - defined
    parameters = tuple(name for name in program.leaves if name in read and name not in sizes and name not in constants)
    return program, parameters


def _is_array(source: SourceEquation) -> bool:
    return bool(source.left.indices) or isinstance(source.right, Table)


def _with_given(
    document: Document,
    lines: list[Line],
    sources: list[SourceEquation],
    shapes: Mapping[str, tuple[Expr | int, ...]],
    sizes: dict[str, int | None],
    padded: frozenset[str],
    values: Mapping[str, Shape],
    given: tuple[Given, ...],
) -> Program | None:
    """The program that ends with the scalar whose derivatives are the given ones.

    Values of a gradient settle its size only where the equations leave it open. Raises ProgramErrors.
    """
    before = len(document.problems)
    defined = {source.left.name: len(source.left.indices) + _depth(source.right) for source in sources}
    read = {node.name for source in sources for node in walk(source.right) if isinstance(node, Ref)}
    check_given(document, given, defined, read | set(sizes))
    if len(document.problems) > before:
        return None
    lines.append(Line(given[0].of, document.mark(given[0].path, key=True), False))
    whole = [*sources, given_equation(given, defined)]
    program = build_program(whole, shapes, sizes, padded, given[0].loss)
    shown = {
        entry.gradient: values[entry.gradient]
        for entry in given
        if program.shape(entry.of) is None and len(values.get(entry.gradient, ())) == defined[entry.of]
    }
    return build_program(whole, {**shapes, **shown}, sizes, padded, given[0].loss) if shown else program


def _depth(expr: Expr) -> int:
    """How many axes an array has that is spelled out."""
    return 1 + _depth(expr.items[0]) if isinstance(expr, Table) else 0


def report_faults(document: Document, lines: list[Line], errors: ProgramErrors) -> None:
    """Every fault of the equations at its place in the file."""
    told: set[Mark] = set()
    for fault in errors.errors:
        mark = _token(lines[fault.equation], fault.token)
        if mark in told:  # `c = c + 1` after `c = …` is one mistake
            continue
        told.add(mark)
        document.problems.append(document.problem_at(mark, fault.message, fault.hint))


def report_in_layer(document: Document, errors: ProgramErrors, text: str, path: Path) -> None:
    """Every fault of the equations of a layer at its place in the file."""
    report_faults(document, equation_lines(document, text, path), errors)


def _known(document: Document, key: str, names: list[str], known: set[str]) -> None:
    for position, name in enumerate(names):
        if name not in known:
            path = (key, position if key == "pad" else name)
            message = f"`{key}`: no equation has the name `{shown(name)}`"
            document.report(path, message, did_you_mean(name, sorted(known)), key=key != "pad")


def _token(line: Line, token: str) -> Mark:
    """Where a word or a formula stands in a line: as itself, or in another spelling of the same."""
    for found in re.finditer(r"\\?[^\W\d]\w*", line.text):
        if found[0] == token or spelled(found[0].removeprefix("\\")) == token:
            return line.at(found.start(), found.end() - found.start())
    with suppress(FormulaError):
        for ignored in ((), ("(", ")")):  # what is printed may have other parentheses than what was read
            there = [part for part in tokens(line.text)[:-1] if part.text not in ignored]
            wanted = [part[:2] for part in tokens(token)[:-1] if part.text not in ignored]
            for place in range(len(there) - len(wanted) + 1):
                parts = there[place : place + len(wanted)]
                if [part[:2] for part in parts] == wanted:
                    return line.at(parts[0].start, parts[-1].end - parts[0].start)
    start = len(line.text) - len(line.text.lstrip())
    return line.at(start, len(line.text) - start)


def loss_name(document: Document, raw: object) -> str | None:
    """`loss` of a file of equations: the name of the scalar that is differentiated."""
    if raw is None:
        return None
    if isinstance(raw, str):
        return spelled(raw.strip().removeprefix("\\"))
    help = f"write `loss: J`; {said(['nll', 'mse'])} and the like belong to layers"
    document.report(("loss",), f"the loss of equations is the name of a scalar, got {described(raw)}", help)
    return None
