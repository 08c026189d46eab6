"""A derivation as a NumPy function `loss_and_grads(params, batch)`, written from the closed formulas.

The forward pass and every derivative on the way are a line each, below the formula that they compute. The code needs
NumPy alone, and checks itself when it is run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from backcalc.derive.derivation import Derivation
from backcalc.formula.print_text import to_text
from backcalc.formula.program import Equation, Program, Rows
from backcalc.formula.tree import Expr, Reduce, Ref, fresh_name, num, substitute, walk
from backcalc.render.numpy_check import DIFFERENCES, check_lines
from backcalc.render.numpy_code import Coder
from backcalc.render.numpy_helpers import FUNCTION_NAMES, helper_lines
from backcalc.render.numpy_index import from_zero, whole_code
from backcalc.render.numpy_names import Identifiers
from backcalc.render.numpy_parts import answer_key, harmless, has_loss, leaves_of, quoted
from backcalc.render.numpy_tensor import Frame, aligned, numeric
from backcalc.render.symbols import Symbol, symbols

WIDTH = 100
CAREFUL = "what a mask leaves out may divide by 0"


def render(derivation: Derivation) -> str:
    """A module that runs as it is: the function, and a check of its gradients under `if __name__ == "__main__"`."""
    check = [f"    {line}" if line else "" for line in check_lines(derivation)]
    return "\n".join([*function_lines(derivation), 'if __name__ == "__main__":', *check, ""])


def function_lines(derivation: Derivation) -> list[str]:
    """The imports, what the function needs, and the function."""
    parts = [(part, _program(part)) for part in derivation.parts]
    blocks = [(program, block) for part, program in parts for block in _needed(part, program)]
    coder = Coder(derivation.program, _identifiers([program for _, program in parts]))
    body = _body(derivation, coder, blocks)
    careful = [f'@np.errstate(all="ignore")  # {CAREFUL}'] if coder.careful else []
    helpers = helper_lines(tuple(coder.helpers))
    imports = ["import math", ""] if any("math." in line for line in helpers) else []
    head = [*_module_docstring(derivation), "", *imports, "import numpy as np", "", ""]
    return [
        *head,
        *helpers,
        *careful,
        "def loss_and_grads(params, batch):",
        *_docstring(derivation),
        *body,
        "",
        "",
        *_differences(derivation),
    ]


def _differences(derivation: Derivation) -> list[str]:
    """The function that compares with differences, where there is a loss."""
    return [*DIFFERENCES, "", ""] if has_loss(derivation) else []


# -- which equations --------------------------------------------------------------------------------


def _program(part: Derivation) -> Program:
    """Forward equations and derivatives, those that are 0 because nothing leads to them included."""
    program = part.adjoint_program()
    alone = {g.adjoint.name: g.adjoint for g in part.gradients if g.adjoint.name not in program.shapes}
    return program.extended(
        tuple(adjoint.equation for adjoint in alone.values()), {name: a.shape for name, a in alone.items()}
    )


def _needed(part: Derivation, program: Program) -> Iterator[Equation | Rows]:
    """What leads to the loss and to what was asked for, in the order of evaluation."""
    waiting = [gradient.adjoint.name for gradient in part.gradients]
    if has_loss(part):
        waiting.append(part.loss)
    wanted: set[str] = set()
    while waiting:
        name = waiting.pop()
        equation = program.by_name.get(name)
        if name not in wanted and equation is not None:
            wanted.add(name)
            waiting += program.needs(equation)
    for block in program.blocks:
        own = (block,) if isinstance(block, Equation) else block.equations
        if any(equation.name in wanted for equation in own):
            yield block


def _identifiers(programs: Sequence[Program]) -> Identifiers:
    equations = [equation for program in programs for equation in program.equations]
    bound = {node.index for e in equations for node in walk(e.body) if isinstance(node, Reduce)}
    bound |= {index for equation in equations for index in equation.indices}
    bound |= {fresh_name(index, bound) for index in bound}  # where a sum inside a sum has the same index
    arrays = {name for program in programs for name in program.shapes}
    sizes = {name for program in programs for name in program.sizes}
    return Identifiers(arrays, bound, sizes, FUNCTION_NAMES)


# -- the function -----------------------------------------------------------------------------------


def _body(derivation: Derivation, coder: Coder, blocks: Sequence[tuple[Program, Equation | Rows]]) -> list[str]:
    _unpacked(derivation, coder)
    forward = {equation.name for equation in derivation.program.equations}
    done: set[str] = set()
    passed = ""
    for program, block in blocks:
        own = (block,) if isinstance(block, Equation) else block.equations
        if {equation.name for equation in own} <= done:
            continue
        done |= {equation.name for equation in own}
        here = "forward pass" if own[0].name in forward else "derivatives"
        if here != passed:
            coder.line("")
            coder.line(f"# {here}")
            passed = here
        coder.program = program
        _equation(coder, block) if isinstance(block, Equation) else _rows(coder, block)
    coder.line("")
    loss = coder.spell.array(derivation.loss) if has_loss(derivation) else "None"
    found = {
        answer_key(part, gradient): coder.spell.array(gradient.adjoint.name)
        for part in derivation.parts
        for gradient in part.gradients
    }
    coder.line("grads = {")
    for name, code in found.items():
        coder.line(f"    {quoted(name)}: {code},")
    coder.line("}")
    coder.line(f"return {loss}, grads")
    return coder.lines


def _unpacked(derivation: Derivation, coder: Coder) -> None:
    """The arrays and the sizes by their names."""
    program = derivation.program
    for group, names_ in zip(("params", "batch"), leaves_of(derivation), strict=True):
        for name in names_:
            kind = "int" if name in program.index_names else "float"
            coder.line(f"{coder.spell.array(name)} = np.asarray({group}[{quoted(name)}], dtype={kind})")
    for size, value in program.sizes.items():
        coder.line(f"{coder.spell.index_or_size(size)} = {value if value is not None else _extent(size, coder)}")


def _extent(size: str, coder: Coder) -> str:
    """Where a size is read off: the axis of an array that is given."""
    for name in coder.program.leaves:
        for axis, extent in enumerate(coder.program.shapes[name]):
            if extent == Ref(size):
                return f"{coder.spell.array(name)}.shape[{axis}]"
    return f"int(batch[{quoted(size)}])"


def _comment(coder: Coder, equation: Equation) -> None:
    text = f"{to_text(equation.left)} = {to_text(equation.body)}"
    for place, line in enumerate(wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)):
        coder.line(f"# {line}" if place == 0 else f"#     {line}")


def _equation(coder: Coder, equation: Equation) -> None:
    """One array, whole."""
    shape = coder.program.shapes[equation.name]
    coder.temporaries.clear()
    _comment(coder, equation)
    frame = Frame({index: (num(1), extent) for index, extent in zip(equation.indices, shape, strict=True)})
    found = numeric(coder.value(equation.body, frame))
    name = coder.spell.array(equation.name)
    if not equation.indices or set(found.dims) == set(equation.indices):
        code = aligned(found, equation.indices).code
    elif found.code.startswith("np.array("):  # a table: its axes are all there
        code = found.code
    else:
        code = f"np.broadcast_to({aligned(found, equation.indices).code}, {_shape(coder, shape)})"
    coder.line(f"{name} = {code}")


def _rows(coder: Coder, block: Rows) -> None:
    """Arrays that are computed row by row together."""
    program, outer = coder.program, coder.indent
    for equation in block.equations:
        coder.line(f"{coder.spell.array(equation.name)} = np.zeros({_shape(coder, program.shapes[equation.name])})")
    lengths = [program.shapes[e.name][block.axes[e.name]] for e in block.equations]
    first = block.equations[0]
    index = first.indices[block.axes[first.name]]
    sizes = list(dict.fromkeys(coder.whole(length) for length in lengths))
    most = sizes[0] if len(sizes) == 1 else f"max({', '.join(sizes)})"
    counter = coder.spell.index(index)
    rows = f"range(1, {most} + 1)"
    coder.line(f"for {counter} in {rows if block.step > 0 else f'reversed({rows})'}:")
    coder.indent, coder.mesh = outer + "    ", None
    for equation, length in zip(block.equations, lengths, strict=True):
        coder.temporaries.clear()
        _comment(coder, equation)
        if len(sizes) > 1:
            coder.line(f"if {counter} <= {coder.whole(length)}:")
            coder.indent += "    "
        _row(coder, equation, block.axes[equation.name], index, length)
        coder.indent = outer + "    "
    coder.indent, coder.mesh = outer, None


def _row(coder: Coder, equation: Equation, axis: int, index: str, length: Expr) -> None:
    """One row of one array; every equation counts the rows by the same index."""
    own, shape = equation.indices[axis], coder.program.shapes[equation.name]
    others = [(other, extent) for other, extent in zip(equation.indices, shape, strict=True) if other != own]
    body = equation.body if own == index else substitute(equation.body, {own: Ref(index)})
    frame = Frame({other: (num(1), extent) for other, extent in others}, {index: (num(1), length)})
    found = aligned(numeric(coder.value(body, frame)), [other for other, _ in others])
    place = ", ".join([":"] * axis + [coder.whole(from_zero(Ref(index)))])
    coder.line(f"{coder.spell.array(equation.name)}[{place}] = {found.code}")


def _shape(coder: Coder, shape: Sequence[Expr]) -> str:
    sizes = [whole_code(extent, coder.spell.index_or_size) for extent in shape]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"


# -- docstrings -------------------------------------------------------------------------------------


def _module_docstring(derivation: Derivation) -> list[str]:
    title = harmless(derivation.network.name)
    return [
        f'"""Loss and gradients of {title}, as NumPy code.',
        "",
        "Every line computes the formula above it, in which indices count from 1.",
        '"""',
    ]


def _docstring(derivation: Derivation) -> list[str]:
    known = {symbol.name: symbol for symbol in symbols(derivation)}
    lines = ['    """The loss and its gradients.', ""]
    if not has_loss(derivation):
        lines = ['    """The derivatives; there is no loss, None stands for it.', ""]
    for group, names_ in zip(("params", "batch"), leaves_of(derivation), strict=True):
        lines.append(f"    {group}: a dict of arrays{'' if names_ else ', of which none is needed'}")
        lines += [
            f"        {quoted(n)}: {_shape_text(known[n].shape)} {_meaning(known[n], derivation)}" for n in names_
        ]
    lines += ["", f"    Returns ({derivation.loss if has_loss(derivation) else None}, grads), where grads holds"]
    for part in derivation.parts:
        for gradient in part.gradients:
            shape = _shape_text(gradient.adjoint.shape)
            lines.append(f"        {quoted(answer_key(part, gradient))}: {shape} {gradient.adjoint.name}")
    return [*lines, '    """']


def _meaning(symbol: Symbol, derivation: Derivation) -> str:
    fact = ", whose entries must sum to 1: the formulas use that" if symbol.name in derivation.stated else ""
    return f"{harmless(symbol.meaning)}{fact}"


def _shape_text(shape: Sequence[Expr]) -> str:
    """`(N, 3)` for an array, `a number` for one without axes."""
    if not shape:
        return "a number,"
    return f"({', '.join(map(to_text, shape))}{',' if len(shape) == 1 else ''})"
