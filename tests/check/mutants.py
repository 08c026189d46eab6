"""Pages of claims, right ones rewritten and wrong ones broken, each wrong one certified by plain floating point."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from pathlib import Path
from random import Random

from backcalc.check.key import Key, load_key
from backcalc.check.names import NotFormula, Translator, Unknown
from backcalc.check.plain import plain_chain
from backcalc.check.result import Claim
from backcalc.check.subject import Subject
from backcalc.derive.arrays import evaluate_available
from backcalc.formula.evaluate import Array, evaluate_expression
from backcalc.formula.floats import FLOATS
from backcalc.formula.integers import EvaluationError, integer
from backcalc.formula.print_latex import to_latex
from backcalc.formula.print_text import to_text
from backcalc.formula.program import Equation
from backcalc.formula.tree import Call, Compare, Expr, Ref, Table, num, substitute, walk
from backcalc.net import load_network

from .rewrites import RIGHT, broken, everywhere, named_mistakes

EXAMPLES = Path(__file__).parents[2] / "examples"
LONGEST = 600
"""Characters of a claim; longer formulas are not written by hand."""


@dataclass(frozen=True, slots=True)
class Page:
    """Claims of one network, a line each; `broken` is the number of the wrong one, `causes` the codes that name it.

    `written` are the formulas that the lines state of the quantities, in the key's names.
    """

    network: str
    lines: tuple[str, ...]
    broken: int | None = None
    causes: tuple[str, ...] = ()
    suffix: str = ".txt"
    written: tuple[tuple[Equation, Expr] | None, ...] = ()

    def key(self) -> Key:
        """The key that the page is checked against."""
        return key_of(self.network)

    def number_of(self, line: int) -> int:
        """The number of the claim that stands on a line."""
        return line - 1

    def misread(self, claim: Claim) -> bool:
        """Whether a claim was read as something that has another value than what was written."""
        number = self.number_of(claim.line)
        if not self.written or claim.verdict == "unreadable" or self.written[number] is None:
            return False
        equation, body = self.written[number] or (None, None)
        assert equation is not None and body is not None
        subject = key_of(self.network).problems[0].subjects[0]
        chain = plain_chain(claim.read_as, subject.symbols.losses)
        if chain is None or len(chain.sides) != 2:
            return False
        try:
            read = Translator(subject)(chain.sides[1].expr)
        except (Unknown, NotFormula):
            return False
        return _difference(self.network, equation, body, read) == "different"


@lru_cache
def key_of(name: str) -> Key:
    """The key of an example, or of a built-in network that is counted."""
    path = EXAMPLES / f"{name}.yaml"
    if not path.exists():
        return load_key({"problems": [{"id": 1, "count": name, "ask": ["params"]}]})
    asked = load_network(path).program.equations[-1].name
    return load_key({"problems": [{"id": 1, "net": str(path), "ask": [asked]}]})


def subject_of(name: str) -> Subject:
    """The quantities of a network."""
    return key_of(name).problems[0].subjects[0]


@lru_cache
def equations(name: str) -> tuple[Equation, ...]:
    """The formulas of an example, forward and backward, but for the counts and arrays that are spelled out."""
    subject = subject_of(name)
    counts = subject.counts.values if subject.counts is not None else {}
    return tuple(
        equation
        for equation in subject.program.equations
        if equation.name not in counts
        and "^" not in equation.name
        and not any(isinstance(node, Table | Compare) for node in walk(equation.body))
        and not any(isinstance(node, Call) and node.function in ("gather", "argmax") for node in walk(equation.body))
        and len(to_text(equation.body)) < LONGEST // 2
        and not _is_zero(equation.body)
    )


def _is_zero(body: Expr) -> bool:
    return body == num(0)


# -- the witness ------------------------------------------------------------------------------------


@lru_cache
def _values(name: str, seed: int) -> tuple[dict[str, int], dict[str, Array[float]]]:
    """All quantities in plain floating point: at the given values, and at values of its own where there are none."""
    subject = subject_of(name)
    program = subject.program
    source = Random(seed)
    sizes = {
        size: value if value is not None else 3 + place for place, (size, value) in enumerate(program.sizes.items())
    }
    store: dict[str, Array[float]] = {}
    for leaf in program.leaves:
        array: dict[tuple[int, ...], float] = {}
        given = subject.exact.get(leaf)
        for place in product(*(range(1, integer(axis, sizes) + 1) for axis in program.shapes[leaf])):
            if given is not None and place in given:
                array[place] = float(given[place].approx)
            elif leaf in program.index_names:
                array[place] = float(source.randint(1, 2))
            else:
                array[place] = source.uniform(0.3, 2.5)
        store[leaf] = array
    values, _ = evaluate_available(program, store, FLOATS, sizes)
    return sizes, dict(values)


def _difference(name: str, equation: Equation, one: Expr | None, other: Expr) -> str:
    """`different` where two formulas of a quantity differ somewhere, `scaled` where by one constant factor, `same`."""
    subject = subject_of(name)
    seen: list[tuple[float, float]] = []
    for seed in (11, 12):
        sizes, values = _values(name, seed)
        axes = [range(1, integer(axis, sizes) + 1) for axis in subject.program.shapes[equation.name]]
        for place in product(*axes):
            frame = {index: num(at) for index, at in zip(equation.indices, place, strict=True)}
            try:
                right = (
                    values[equation.name][place]
                    if one is None
                    else evaluate_expression(substitute(one, frame), sizes, values, FLOATS, subject.program)
                )
                mine = evaluate_expression(substitute(other, frame), sizes, values, FLOATS, subject.program)
            except (EvaluationError, OverflowError, ZeroDivisionError, LookupError, ValueError):
                return "undefined"
            seen.append((right, mine))
    if all(abs(a - b) <= 1e-9 * max(abs(a), abs(b), 1e-12) for a, b in seen):
        return "same"
    if not any(abs(a - b) > 1e-4 * max(abs(a), abs(b), 1e-6) for a, b in seen):
        return "close"
    ratios = [b / a for a, b in seen if a]
    if ratios and len(ratios) == len(seen) and max(ratios) - min(ratios) <= 1e-9 * abs(ratios[0]):
        return "scaled"
    return "different"


def certified(name: str, equation: Equation, body: Expr) -> bool:
    """Whether plain floating point finds that a formula is not the quantity's, be it by a constant factor."""
    return _difference(name, equation, None, body) in ("different", "scaled")


# -- pages --------------------------------------------------------------------------------------------


def left_of(equation: Equation) -> str:
    """How the left side of a quantity is written."""
    return to_text(equation.left).replace("new_", "new ").replace("Delta", "delta ")


def rewritten(equation: Equation, source: Random) -> Expr:
    """The formula written in another way."""
    body = equation.body
    for _ in range(source.randint(1, 2)):
        body = everywhere(body, source.choice(RIGHT), source)
    return body if len(to_text(body)) < LONGEST else equation.body


def written(equation: Equation, body: Expr, latex: bool) -> str:
    """A claim as a line of a submission."""
    if latex:
        return f"${to_latex(equation.left)} = {to_latex(body)}$"
    return f"{left_of(equation)} = {to_text(body)}"


def formula_pages(name: str, amount: int, source: Random) -> Iterator[Page]:
    """Pages with one wrong formula each among right ones, `amount` of them; right formulas and values besides."""
    known = list(equations(name))
    mistakes = list(_mistakes(name, source))
    source.shuffle(mistakes)
    while 0 < len(mistakes) < amount:
        mistakes += list(_mistakes(name, source)) or mistakes
    for equation, body, causes in mistakes[:amount]:
        latex = source.random() < 0.3 and _in_latex(equation)
        others = source.sample(known, min(len(known), source.randint(1, 2)))
        others = [other for other in others if other != equation and (not latex or _in_latex(other))]
        at = source.randint(0, len(others))
        rows = [(other, rewritten(other, source)) for other in others]
        rows.insert(at, (equation, body))
        lines = tuple(written(*row, latex) for row in rows)
        yield Page(name, lines, at, causes, ".md" if latex else ".txt", tuple(rows))
    yield from _values_pages(name, amount, source)


def _in_latex(equation: Equation) -> bool:
    """Whether a formula can be written in LaTeX so that it means one thing only."""
    named = [node.name for node in (equation.left, *walk(equation.body)) if isinstance(node, Ref)]
    return not any(name.startswith(("Delta", "new_")) or "_" in name for name in named)


def _mistakes(name: str, source: Random) -> Iterator[tuple[Equation, Expr, tuple[str, ...]]]:
    """Certified mistakes of every formula: those with a name, and as many at random places."""
    for equation in equations(name):
        pairs = [(body, codes) for body, codes in named_mistakes(equation.body, source)]
        at_random = [(body, ()) for body in broken(equation.body, source)]
        source.shuffle(at_random)
        if equation.name.startswith(("Delta", "new_")):
            pairs = [(body, (*codes, "rate-missing", "update-sign")) for body, codes in pairs]
        for body, codes in [*pairs, *at_random[: len(pairs) + 4]]:
            if len(to_text(body)) < LONGEST and _difference(name, equation, None, body) == "different":
                yield equation, body, tuple(codes)


def _values_pages(name: str, amount: int, source: Random) -> Iterator[Page]:
    """Values rounded to a few digits, right, and wrong in one digit."""
    subject = subject_of(name)
    cells = [
        (equation, place, value)
        for equation in equations(name)
        for place, value in list(subject.exact.get(equation.name, {}).items())[:20]
        if not equation.name.startswith("#")
    ]
    for equation, place, value in source.sample(cells, min(len(cells), amount // 4)):
        left = left_of(equation).partition("[")[0] + (f"[{','.join(map(str, place))}]" if place else "")
        digits = source.randint(2, 6)
        yield Page(name, (f"{left} = {value.decimal():.{digits}f}",))


def counting_pages(name: str, amount: int, source: Random) -> Iterator[Page]:
    """Counts of layers with their formulas, and the same by mistakes of counting."""
    subject = subject_of(name)
    counts = subject.counts
    assert counts is not None
    rows = [
        (row.name, field)
        for row in counts.table.rows
        for field in ("weights", "params", "connections", "flops", "macs")
        if counts.values[f"{row.name}_{field}"]
    ]
    for _ in range(amount):
        layer, field = source.choice(rows)
        right = [f"{one}.{of} = {counts.values[f'{one}_{of}']}" for one, of in source.sample(rows, min(2, len(rows)))]
        right = [line for line in right if not line.startswith(f"{layer}.{field} ")]
        value, causes = _miscounted(name, layer, field, source)
        if value is None:
            continue
        at = source.randint(0, len(right))
        lines = [*right[:at], f"{layer}.{field} = {value}", *right[at:]]
        yield Page(name, tuple(lines), at, causes)


def _miscounted(name: str, layer: str, field: str, source: Random) -> tuple[int | None, tuple[str, ...]]:
    """A wrong count, computed here from the layer's own sizes; None where it happens to be right under a convention."""
    subject = subject_of(name)
    assert subject.counts is not None and subject.network is not None
    counts, node = subject.counts, subject.network.node(layer)
    assert node is not None
    value = counts.values[f"{layer}_{field}"]
    weight = next((parameter.shape for parameter in node.parameters if parameter.role == "weight"), None)
    ways: list[tuple[int, tuple[str, ...]]] = []
    if weight is not None and len(weight) == 4 and field in ("weights", "params"):
        filters, depth, height, width = (int(str(size)) for size in weight)
        bias = filters if field == "params" else 0
        if depth > 1:
            ways.append((filters * height * width + bias, ("depth-forgotten",)))
        ways.append((filters * depth * (height + 1) * (width + 1) + bias, ("wrong-width", "kernel-squared")))
        if height > 1:
            ways.append((filters * depth * height + bias, ("kernel-squared",)))
            ways.append((filters * depth * height**4 + bias, ("kernel-squared",)))
        if field == "params":
            outputs = filters * int(node.output_shape[1]) * int(node.output_shape[2])
            ways.append((filters * depth * height * width + outputs, ("bias-a-position",)))
    if weight is not None and len(weight) == 2 and field in ("weights", "params"):
        out, into = (int(str(size)) for size in weight)
        bias = out if field == "params" else 0
        ways += [(out * (into + step) + bias, ("wrong-width",)) for step in (-1, 1) if into > 12]
        ways += [((out + step) * into + (out + step) * bool(bias), ("wrong-width",)) for step in (-2, 2) if out > 12]
    if weight is not None and field == "weights":
        ways.append((value + int(str(weight[0])), ("bias-counted",)))
    text = str(value)
    spots = [place for place in range(len(text) - 1) if text[place] != text[place + 1] and text[place + 1] != "0"]
    if spots:
        place = source.choice(spots)
        ways.append((int(text[:place] + text[place + 1] + text[place] + text[place + 2 :]), ("digits-swapped",)))
    ways.append((value + source.choice((-7, 5, 11, 13)), ()))
    right = {value} | {other.get(f"{layer}_{field}") for other in counts.variants.values()}
    ways = [way for way in ways if way[0] not in right]
    found = source.choice(ways)
    same = tuple(code for other, codes in ways if other == found[0] for code in codes)
    return found[0], same
