"""The beginning of a derivation's document: title, what is wanted, conventions, every symbol with its meaning."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backcalc.derive.derivation import Derivation
from backcalc.formula.functions import FUNCTIONS
from backcalc.formula.print_latex import LatexPrinter, latex_name, to_latex
from backcalc.formula.tree import Call, Compare, Expr, Reduce, Ref, walk
from backcalc.net.network import Node
from backcalc.render.document import Block, Formula, Grid, Heading, Items, Paragraph, Words
from backcalc.render.grad_text import MOST_ENTRIES
from backcalc.render.grad_words import joined
from backcalc.render.latex_values import array_latex, printer_of
from backcalc.render.symbols import Symbol, symbols

_ONES: Words = (Formula(r"\mathbf{1}"), " is the column of ones. A vector is a column.")


def head(
    derivation: Derivation, wanted: Sequence[str], full: bool, digits: int | None, printer: LatexPrinter
) -> Iterator[Block]:
    """Everything that stands before the forward pass."""
    network = derivation.network
    yield Heading(1, (network.name,))
    if network.nodes:
        yield Paragraph(_chain(derivation))
    yield Paragraph(("Wanted: ", *joined([(Formula(latex),) for latex in wanted]), "."))
    yield Heading(2, ("Conventions",))
    yield Items(tuple(conventions(derivation, full)))
    yield Heading(2, ("Symbols",))
    yield from _symbols(derivation, digits, printer)


def _chain(derivation: Derivation) -> Words:
    """The layers one after the other, with the shapes of their outputs."""
    network = derivation.network
    found: list[Words] = [(Formula(latex_name(n)), f" ({_sizes(shape)})") for n, shape in network.inputs.items()]
    found += [_layer(node) for node in network.nodes]
    if not network.given:
        found.append((Formula(latex_name(derivation.loss)),))
    arrow: Words = (" ", Formula(r"\to"), " ")
    return tuple(word for place, part in enumerate(found) for word in ((*arrow, *part) if place else part))


def _layer(node: Node) -> Words:
    size = f" ({_sizes(node.output_shape)})"
    if node.name.startswith(node.layer.kind):
        return (f"{node.name}{size}",)
    return (f"{node.layer.kind} ", Formula(latex_name(node.name)), size)


def _sizes(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape))


# -- conventions ------------------------------------------------------------------------------------


def conventions(derivation: Derivation, full: bool) -> Iterator[Words]:
    """What one has to know to read the rest: layout, factors of the loss, signs, kinks."""
    network, program, loss = derivation.network, derivation.program, Formula(latex_name(derivation.loss))
    if network.loss in program.by_name and not network.given:
        body = program.by_name[network.loss or ""].body
        factors = Formula(f"{latex_name(network.loss or '')} = {printer_of(derivation).write(body)}")
        yield ("The loss with all its factors: ", factors, ".")
    if any(
        program.shapes[gradient.adjoint.of]
        for gradient in derivation.gradients
        if gradient.adjoint.of in program.shapes
    ):
        above = (loss, " followed by that of ") if program.shapes.get(derivation.loss) else ()
        yield (
            Formula(rf"\frac{{\partial {loss.latex}}}{{\partial A}}"),
            " has the shape of ",
            *above,
            Formula("A"),
            ".",
        )
    if any(node.layer.kind == "dense" for node in network.nodes):
        yield ("Rows of a weight matrix are output units, columns are inputs: ", Formula("z = W x + b"), ".")
    if derivation.updates:
        rate, by = to_latex(Ref(network.update.symbol)), rf"\frac{{\partial {loss.latex}}}{{\partial w}}"
        if network.update.kind == "sgd":
            yield (
                "An update goes down the gradient: ",
                Formula(rf"\Delta w = -{rate} \, {by}"),
                " with the rate ",
                Formula(rate),
                ".",
            )
    if derivation.view != "scalar":
        yield ("Indices count from 1.",)
    if derivation.view == "matrix":
        yield (Formula(r"\odot"), " and ", Formula(r"\oslash"), " multiply and divide entry by entry; ", *_ONES)
    yield from _signs(derivation, full)


def _signs(derivation: Derivation, full: bool) -> Iterator[Words]:
    """The signs that occur, and the derivatives that are a matter of convention."""
    written = list(_expressions(derivation, full))
    calls = dict.fromkeys(node.function for expr in written for node in walk(expr) if isinstance(node, Call))
    if "log" in calls:
        yield (Formula(r"\log"), " is the natural logarithm.")
    if "sigmoid" in calls:
        yield (Formula(r"\sigma(u) = \frac{1}{1 + \exp(-u)}"), ".")
    if any(isinstance(node, Compare) for expr in written for node in walk(expr)):
        yield ("[condition] is 1 where it holds and 0 elsewhere.",)
    forward = [equation.body for equation in derivation.program.equations]
    for function in dict.fromkeys(n.function for e in forward for n in walk(e) if isinstance(n, Call)):
        domain = FUNCTIONS[function].domain if function in FUNCTIONS else ""
        where, _, slope = domain.partition(": derivative ")
        if "kink" in where or "jump" in where:
            place = where if "kinks" in where else f"a {where}"
            at = "there" if "kinks" not in where else "at each"
            yield (Formula(FUNCTIONS[function].latex), f" has {place}; its derivative {at} is taken as {slope or 0}.")
    extremes = {node.operation for e in forward for node in walk(e) if isinstance(node, Reduce)} & {"max", "min"}
    # Bounds of sums in what is derived have max and min too, which are no functions of the network.
    called = {node.function for e in forward for node in walk(e) if isinstance(node, Call)}
    if extremes or {"max", "min"} & called:
        yield ("A tie for the largest or smallest goes to the first.",)


def _expressions(derivation: Derivation, full: bool) -> Iterator[Expr]:
    yield from (equation.body for equation in derivation.program.equations)
    for part in derivation.parts:
        for adjoint in part.needed:
            yield adjoint.closed
            if full:
                yield from (step.after for step in adjoint.steps)
        for block in part.backward:
            yield from (line.formula for line in block.lines)


# -- symbols ----------------------------------------------------------------------------------------


def _symbols(derivation: Derivation, digits: int | None, printer: LatexPrinter) -> Iterator[Block]:
    """A table of every symbol: shape, meaning, and its value where the file gives a short one."""
    network = derivation.network
    groups: dict[tuple[tuple[Expr, ...], str, str], list[str]] = {}
    for symbol in symbols(derivation):
        groups.setdefault((symbol.shape, symbol.meaning, _value(symbol, derivation, digits, printer)), []).append(
            latex_name(symbol.name) if not symbol.name.endswith("]") else to_latex(Ref(symbol.name))
        )
    rows = [
        ((Formula(r",\, ".join(names)),), _shape(shape), (meaning,), ((Formula(value),) if value else ("",)))
        for (shape, meaning, value), names in groups.items()
    ]
    valued = any(value for _, _, value in groups)
    columns = ("symbol", "shape", "meaning", "value") if valued else ("symbol", "shape", "meaning")
    yield Grid(columns, tuple(row[: len(columns)] for row in rows))
    told = [
        Formula(
            rf"\frac{{\partial {latex_name(network.loss or '')}}}{{\partial {latex_name(of)}}} = {latex_name(given)}"
        )
        for of, given in network.given.items()
    ]
    if told:
        yield Paragraph(("Given instead of a loss: ", *joined([(formula,) for formula in told]), "."))
    if network.drawn is not None and network.drawn.names:
        scale = f" and scale {network.drawn.scale}" if network.drawn.scale != 1 else ""
        names = [(Formula(latex_name(name)),) for name in network.drawn.names]
        yield Paragraph((f"Drawn with seed {network.drawn.seed}{scale}: ", *joined(names), "."))


def _value(symbol: Symbol, derivation: Derivation, digits: int | None, printer: LatexPrinter) -> str:
    values = derivation.values.get(symbol.name)
    if symbol.name not in derivation.program.leaves or values is None or len(values) > MOST_ENTRIES:
        return ""
    return array_latex(values, digits, printer)


def _shape(shape: tuple[Expr, ...]) -> Words:
    if not shape:
        return ("a number",)
    return (Formula(r" \times ".join(to_latex(extent) for extent in shape)),)
