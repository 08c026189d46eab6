"""Sizes of maps and arrays: `6 × 14 × 14`, `(None, 14, 14, 6)`, `(12 + 2 − 4)/2 + 1`, in any order of their axes."""

from __future__ import annotations

from backcalc.check.compare import Witness
from backcalc.check.read import Line, Lost, chains
from backcalc.check.result import Claim, Diagnosis, Expected, Verdict
from backcalc.check.size_mistakes import rounded_up
from backcalc.check.spoken import Meant, kind_shapes, number, shown_shape
from backcalc.check.subject import Subject
from backcalc.formula.integers import EvaluationError, rational
from backcalc.formula.tree import Expr, Mul
from backcalc.net.network import Node

Shape = tuple[int, ...]


def judged_shape(line: Line, meant: Meant, subject: Subject, part: str) -> Claim | None:
    """The claim that a line makes of the output shape of a layer; None where it is none, or may mean another layer."""
    given = _given(line, subject)
    shapes = kind_shapes(subject, meant.of)
    if given is None:
        return None
    layer = next((name for name in meant.shape if name in shapes and _same(given, shapes[name], meant.of)), None)
    printed = line.text.startswith(("(None", "[(None"))
    certain = meant.sure and meant.of == "shape" and len(meant.shape) == 1 and (len(given) > 1 or printed)
    if layer is None and not certain:
        return None
    named = layer or meant.shape[0]
    field = "output_shape" if meant.of == "shape" else "kernel"
    node = None if subject.network is None else subject.network.node(named)
    wanted, mine = _written(shapes[named]), _written(given)
    verdict: Verdict = "right" if layer is not None else "wrong"
    diagnosis = None if layer is not None else _cause(given, shapes[named], wanted, node)
    return Claim(
        part=part,
        line=line.number,
        column=line.column,
        length=len(line.text.split("\n")[0]),
        source_line=line.source.split("\n")[0],
        claim=" ".join(f"{line.beside} {line.text}".split()),
        read_as=f"{named}.{field} = {mine}",
        about=f"{named}.{field}",
        verdict=verdict,
        given=mine,
        expected=Expected(wanted),
        diagnosis=diagnosis,
        witness=None if layer is not None else Witness({}, wanted, mine),
        final=True,
    )


def _given(line: Line, subject: Subject) -> Shape | None:
    """The sizes that a line has, from the factors of a product."""
    if line.kind == "shape" or line.text.startswith(("(None", "[(None")):
        return shown_shape(line.text)
    if number(line.text) is not None:
        side = number(line.text)
        return _sizes(side.expr) if side is not None else None
    read = next(iter(chains(line, subject, alone=True)), None)
    if read is None or isinstance(read, Lost) or read.links:
        return None
    return _sizes(read.first.expr)


def _sizes(expr: Expr) -> Shape | None:
    factors = expr.factors if isinstance(expr, Mul) else (expr,)
    try:
        values = [rational(factor, {}) for factor in factors]
    except EvaluationError:
        return None
    if any(value.denominator != 1 or not 0 < value < 10**9 for value in values):
        return None
    return tuple(int(value) for value in values)


def _same(given: Shape, own: Shape, of: str) -> bool:
    """Whether these are the sizes of a shape: in any order of its axes, without axes of 1, or its width alone."""
    mine, wanted = [sorted(size for size in shape if size != 1) for shape in (given, own)]
    if mine == wanted:
        return True
    if of == "kernel":
        return sorted(given) in (sorted(own), sorted(own[1:]))
    if len(own) > 1 and len(set(own[1:])) == 1:
        return set(given) == {own[1]} and len(given) < len(own)  # the map without its depth
    return False


def _cause(given: Shape, own: Shape, wanted: str, node: Node | None) -> Diagnosis:
    """Why a shape is wrong, where one of its sizes differs."""
    if node is not None and own == node.output_shape and (up := rounded_up(node)) is not None and _same(given, up, ""):
        text = f"the output is {own[-1]} wide, not {up[-1]}: a window that does not fit is left out"
        return Diagnosis("not-floored", text)
    off = sorted(set(given) - set(own))
    if len(off) == 1 and len(own) > 1 and own[0] in given:
        text = f"the output is {own[-1]} wide, not {off[0]}: check padding, stride and the + 1"
        return Diagnosis("padding-or-stride", text)
    return Diagnosis("shape", f"the output has the shape {wanted}")


def _written(shape: Shape) -> str:
    return "[" + ", ".join(map(str, shape)) + "]"
