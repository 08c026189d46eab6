"""Mistakes in counting that have a name: each changes the formula behind a number and sees whether that fits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from fractions import Fraction
from itertools import combinations
from math import prod

from backcalc.check.case import Case
from backcalc.check.size_mistakes import bias_in_some, input_as_layer, not_floored
from backcalc.formula.integers import EvaluationError, rational
from backcalc.formula.read import read_expression
from backcalc.formula.tree import Add, Expr, Num, num, rebuild, walk
from backcalc.net.network import Node

Mistake = Callable[[Case], "str | None"]
FARTHEST = 12
"""How far off a width may be that was copied wrong."""


def depth_forgotten(case: Case) -> str | None:
    """A kernel counted on one input map instead of on all."""
    node = _node(case)
    if node is None or len(node.input_shape) < 2:
        return None
    depth = node.input_shape[0]
    for formula in _formulas(case):
        if any(_is(case, changed) for changed in _without(formula, depth)):
            return f"the depth is forgotten: every kernel reaches through all {depth} input maps"
    return None


def bias_counted(case: Case) -> str | None:
    """Biases counted where they are not, or not counted where they are."""
    counts, network = case.subject.counts, case.subject.network
    if case.about is None or counts is None or network is None:
        return None
    name = case.about.name
    other = counts.variants["bias"].get(name)
    if other is not None and _is(case, num(other)):
        return "the biases are counted here and not in the key, or the other way round"
    if not name.endswith(("weights", "params", "trainable")):
        return None
    layer = counts.dotted[name].rpartition(".")[0] if name in counts.dotted else ""
    biases = sum(_biases(node) for node in network.nodes if layer in ("", node.name))
    added = biases if name.endswith("weights") else biases - counts.values[f"{layer}_biases" if layer else "biases"]
    if added and _is(case, num(counts.values[name] + added)):
        return f"{biases} biases are counted here, which the key leaves out"
    return None


def _biases(node: Node) -> int:
    """The biases that a layer has, or would have: one for each of its filters or units."""
    weight = next((parameter for parameter in node.parameters if parameter.role == "weight"), None)
    return 0 if weight is None or not node.output_shape else node.output_shape[0]


def bias_a_position(case: Case) -> str | None:
    """One bias for every output position instead of one a filter."""
    node = _node(case)
    if node is None or len(node.output_shape) < 2 or case.about is None or case.subject.counts is None:
        return None
    outputs, filters = prod(node.output_shape), node.output_shape[0]
    own = case.subject.counts.values[case.about.name]
    if case.about.name.endswith(("biases", "_params")) and any(
        _is(case, num(total)) for total in (outputs, own - filters + outputs)
    ):
        return f"a filter has one bias for all positions: {filters} biases, not {outputs}"
    return None


def pooling_weights(case: Case) -> str | None:
    """Weights given to a pooling layer, which has none."""
    node = _node(case)
    if node is None or "pool" not in type(node.layer).kind or case.about is None:
        return None
    if case.about.name.endswith(("_weights", "_biases", "_params", "_trainable")):
        if node.layer.parameters(node.name, node.input_shape):
            return None
        return "a pooling layer has no weights (the subsampling of 1998 had a coefficient and a bias a map)"
    return None


def connection_table(case: Case) -> str | None:
    """The partial connections of 1998 in place of a kernel over all maps."""
    node = _node(case)
    if node is None or node.input_shape[:1] != (6,) or node.output_shape[:1] != (16,):
        return None
    said = "this is the connection table of 1998, 60 of 96 pairs{}; a modern layer reads all maps"
    if any(_is(case, changed) for formula in _formulas(case) for changed in _replaced(formula, 96, 60)):
        return said.format("")
    if case.value is not None and case.about is not None and case.subject.counts is not None:
        pairs = Fraction(case.subject.counts.values[case.about.name] * 60, 96)
        for times in (0, 1, *_places(node)):
            if _is(case, num(pairs + 16 * times)):
                return said.format(", with a bias for each of its 16 maps" if times else "")
    return None


def _places(node: Node) -> tuple[int, ...]:
    return (prod(node.output_shape[1:]),)


def mac_for_flop(case: Case) -> str | None:
    """A multiply-accumulate counted as one operation."""
    if case.about is None or case.subject.counts is None:
        return None
    name = case.about.name
    macs = case.subject.counts.values.get(name.replace("flops", "macs"))
    if "flops" in name and macs is not None and _is(case, num(macs)):
        return "these are multiply-accumulates; each is a multiplication and an addition"
    return None


def additions(case: Case) -> str | None:
    """n additions for n products, where n − 1 are enough."""
    if case.about is None or "flops" not in case.about.name:
        return None
    for formula in _formulas(case):
        if any(_is(case, changed) for changed in _one_more(formula)):
            return "n products need n − 1 additions, not n"
    return None


def kernel_squared(case: Case) -> str | None:
    """The side of a kernel counted once, or its area squared."""
    node = _node(case)
    if node is None:
        return None
    for formula in _formulas(case):
        for size in {int(n.value) for n in walk(formula) if isinstance(n, Num) and n.value.denominator == 1}:
            if 1 < size < 12:
                squared = [*_replaced(formula, size, size * size), _every(formula, size, size * size)]
                if any(_is(case, part) for part in squared):
                    return f"the kernel is {size} wide: its side is squared once too often"
                if any(_is(case, part) for part in _without(formula, size)):
                    return f"a factor {size} is missing: is the kernel's area its side squared?"
    return None


def padding_or_stride(case: Case) -> str | None:
    """An output size that comes of another padding or stride, one off."""
    node = _node(case)
    if node is None or len(node.output_shape) < 2 or node.output_shape[-1] == node.input_shape[-1] == 1:
        return None
    own, before = node.output_shape[-1], node.input_shape[-1]
    candidates = [own - 1, own + 1, own - 2, own + 2, before, own - 4, own + 4]
    for size in candidates:
        for formula in _formulas(case):
            if size > 0 and size != own and _is(case, _every(formula, own, size)):
                return f"the output is {own} wide, not {size}: check padding, stride and the + 1"
    return None


def neighbour_width(case: Case) -> str | None:
    """The width of a neighbouring layer in the formula of one layer."""
    network = case.subject.network
    widths = {size for node in network.nodes for size in node.output_shape} if network is not None else set()
    found = next(((row, old, new) for row, old, new in _misread(case, widths) if new in widths), None)
    return (
        None if found is None else f"{found[2]}, the width of another layer, stands where {found[1]} belongs{found[0]}"
    )


def wrong_width(case: Case) -> str | None:
    """A number in the formula of one layer that was copied wrong."""
    found = next(_misread(case), None)
    if found is not None:
        return f"{found[2]} stands where {found[1]} belongs{found[0]}"
    for formula in _formulas(case):  # of a kernel, all sides at once
        for side in sorted({value for _, value in _numbers(formula) if 1 < value < FARTHEST}):
            for other in range(1, FARTHEST):
                if other != side and any(_is(case, changed) for changed in _sides(formula, side, other)):
                    return f"{other} stands where {side} belongs"
    return None


def _misread(case: Case, others: Set[int] = frozenset()) -> Iterator[tuple[str, int, int]]:
    """Where, and which number, and with which other in its place a formula comes to what the student has."""
    if case.about is None or case.subject.counts is None or case.value is None or not case.value.is_point:
        return
    counts = case.subject.counts
    given = int(case.value)
    name = case.about.name
    for row in counts.sums.get(name, (name,)):
        text = counts.formulas.get(row)
        if text is None or row not in counts.values:
            continue
        formula = read_expression(text)
        wanted = given - (counts.values[name] - counts.values[row])
        layer = counts.dotted.get(row, row).rpartition(".")[0]
        for place, old in _numbers(formula):
            near = range(max(1, old - FARTHEST), old + FARTHEST + 1)
            for new in sorted(others) or near:
                if new != old and old > 12 and _value(_at(formula, place, new)) == wanted:
                    yield f", in {layer or name}", old, new


def layer_left_out(case: Case) -> str | None:
    """One layer missing in a total, or counted twice."""
    if case.about is None or case.subject.counts is None:
        return None
    counts = case.subject.counts
    for row in counts.sums.get(case.about.name, ()):
        amount, total = counts.values[row], counts.values[case.about.name]
        layer = counts.dotted.get(row, row).rpartition(".")[0]
        if amount and _is(case, num(total - amount)):
            return f"{layer} is left out of the sum"
        if amount and _is(case, num(total + amount)):
            return f"{layer} is in the sum twice"
    return None


def digits_swapped(case: Case) -> str | None:
    """Two neighbouring digits the wrong way round."""
    if case.about is None or case.subject.counts is None:
        return None
    right = str(case.subject.counts.values[case.about.name])
    for place in range(len(right) - 1):
        turned = right[:place] + right[place + 1] + right[place] + right[place + 2 :]
        if turned != right and turned[0] != "0" and _is(case, num(int(turned))):
            return f"two digits are swapped: {right} is right"
    return None


# -- formulas, changed ------------------------------------------------------------------------------


def _node(case: Case) -> Node | None:
    """The layer that it is about; of a total, the only layer that has any."""
    counts, network = case.subject.counts, case.subject.network
    if counts is None or network is None or case.about is None:
        return None
    if case.about.name in counts.dotted:
        return network.node(counts.dotted[case.about.name].rpartition(".")[0])
    if case.about.name != "biases":
        return None
    having = [node for node in network.nodes if any(parameter.role == "bias" for parameter in node.parameters)]
    return having[0] if len(having) == 1 else None


def _formulas(case: Case) -> Iterator[Expr]:
    counts = case.subject.counts
    if counts is not None and case.about is not None and case.about.name in counts.formulas:
        yield read_expression(counts.formulas[case.about.name])


def _is(case: Case, expr: Expr) -> bool:
    value = _value(expr)
    return value is not None and case.gives(num(value))


def _value(expr: Expr) -> Fraction | None:
    try:
        return rational(expr, {})
    except EvaluationError:
        return None


def _numbers(expr: Expr) -> list[tuple[int, int]]:
    """The whole numbers of a formula, each with its running number."""
    nodes = [node for node in walk(expr) if isinstance(node, Num)]
    return [(place, int(node.value)) for place, node in enumerate(nodes) if node.value.denominator == 1]


def _at(expr: Expr, place: int, value: int) -> Expr:
    """The formula with another number at a place."""
    counter = iter(range(10_000))

    def change(part: Expr) -> Expr:
        if isinstance(part, Num):
            return num(value) if next(counter) == place else part
        return rebuild(part, change)

    return change(expr)


def _replaced(expr: Expr, old: int, new: int) -> Iterator[Expr]:
    for place, value in _numbers(expr):
        if value == old:
            yield _at(expr, place, new)


def _without(expr: Expr, factor: int) -> Iterator[Expr]:
    """The formula with one factor left out, once."""
    yield from _replaced(expr, factor, 1)


def _every(expr: Expr, old: int, new: int) -> Expr:
    """The formula with every occurrence of a number changed."""
    if isinstance(expr, Num):
        return num(new) if expr.value == old else expr
    return rebuild(expr, lambda part: _every(part, old, new))


def _sides(expr: Expr, old: int, new: int) -> Iterator[Expr]:
    """The formula with every occurrence of a number changed, or with two of more: the others are no sides."""
    yield _every(expr, old, new)
    places = [place for place, value in _numbers(expr) if value == old]
    for first, second in combinations(places, 2) if len(places) > 2 else ():
        yield _at(_at(expr, first, new), second, new)


def _one_more(expr: Expr) -> Iterator[Expr]:
    """The formula with `n` for one `n − 1`, which stands there as its number."""
    for total in [node for node in walk(expr) if isinstance(node, Add)]:
        for term in total.terms:
            if isinstance(term, Num) and term.value not in (0, 1):
                more = tuple(Num(term.value + 1) if part == term else part for part in total.terms)
                yield _exchanged(expr, total, Add(more))


def _exchanged(expr: Expr, old: Expr, new: Expr) -> Expr:
    return new if expr == old else rebuild(expr, lambda part: _exchanged(part, old, new))


COUNT_MISTAKES: tuple[Mistake, ...] = (
    bias_counted,
    pooling_weights,
    depth_forgotten,
    bias_a_position,
    connection_table,
    mac_for_flop,
    additions,
    not_floored,
    padding_or_stride,
    layer_left_out,
    input_as_layer,
    kernel_squared,
    digits_swapped,
    neighbour_width,
    bias_in_some,
    wrong_width,
)
"""The mistakes, those first that explain most."""
