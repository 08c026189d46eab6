"""A network as a file of equations: what `show --equations` prints, and what `load_network` reads back.

>>> from backcalc.net import load_network
>>> net = "input: 2\\nlayers: [dense: {name: y, units: 1}]\\nloss: sse\\nvalues: {x: 0.5}"
>>> print(equations_yaml(load_network(net)))
name: network
shapes:
  x: [2]
  W_y: [1, 2]
  b_y: [1]
  y: [1]
  t: [1]
equations: |
  # y: dense
  y[j] = sum(k=1..2, W_y[j,k]*x[k]) + b_y[j]
  # J: loss
  J = sum(i=1..1, (y[i] - t[i])^2)
loss: J
values:
  x: [1/2, 1/2]
update: {sgd: {rate: eta}}
find: [W_y, b_y]
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction

from backcalc.formula.print_text import to_text
from backcalc.formula.program import Program
from backcalc.formula.tree import Expr, Ref, Table
from backcalc.layers.fields import Nested
from backcalc.net import Network
from backcalc.net.update import UPDATES


def equations_yaml(network: Network) -> str:
    """The network as the text of a net.yaml file of equations: the same values, gradients and update."""
    program = network.program
    used = {read.name for line in program.equations for read in line.reads()} | set(program.by_name)
    lines = [f"name: {_word(network.name)}"]
    if program.sizes:
        sizes = (f"{name}: {'null' if size is None else size}" for name, size in program.sizes.items())
        lines.append(f"sizes: {{{', '.join(sizes)}}}")
    lines += ["shapes:", *_shapes(program, used)] if any(program.shapes.values()) else []
    if program.padded:
        lines.append(f"pad: [{', '.join(sorted(program.padded))}]")
    lines += ["equations: |", *_equations(network)]
    if network.given:
        entries = (f"d{program.loss}/d{of}: {gradient}" for of, gradient in network.given.items())
        lines.append(f"given: {{{', '.join(entries)}}}")
    elif program.loss is not None:
        lines.append(f"loss: {program.loss}")
    values = {name: value for name, value in network.values.items() if name in used}
    lines += ["values:", *(f"  {name}: {_number(value)}" for name, value in values.items())] if values else []
    rate = network.update.symbol if network.update.rate is None else network.update.rate
    arguments = [f"rate: {rate}", *(f"{name}: {value}" for name, value in network.update.arguments.items())]
    if network.update.steps is not None:
        arguments.append(f"steps: {network.update.steps}")
    state = {name: _number(value) for name, value in network.update.state.items()}
    state |= {"k": str(network.update.made)} if network.update.made else {}
    if state:
        arguments.append(f"state: {{{', '.join(f'{name}: {value}' for name, value in state.items())}}}")
    if network.update.flag:
        arguments.append(f"{UPDATES[network.update.kind].flag}: true")
    lines.append(f"update: {{{network.update.kind}: {{{', '.join(arguments)}}}}}")
    find = [_word(name) for name in network.find if name.partition("[")[0] in used or "/" in name]
    lines += [f"find: [{', '.join(find)}]"] if find else []
    return "\n".join(lines)


def _shapes(program: Program, used: set[str]) -> Iterator[str]:
    for name, shape in program.shapes.items():
        if shape and name in used and not name.endswith("]"):  # a boundary row has the shape of its array
            yield f"  {name}: [{', '.join(_size(axis) for axis in shape)}]"


def _size(axis: Expr) -> str:
    return _word(to_text(axis))


def _equations(network: Network) -> Iterator[str]:
    """The equations, each layer's under its name and kind."""
    kinds = {node.name: type(node.layer).kind for node in network.nodes}
    before = ""
    for line in network.program.equations:
        if network.given and line.name == network.loss:
            continue  # it stands for the given gradients
        if line.layer != before:
            yield f"  # {line.layer}: {kinds.get(line.layer, 'loss')}"
        before = line.layer
        left = Ref(line.name) if isinstance(line.body, Table) else line.left
        yield f"  {to_text(left)} = {to_text(line.body)}"


def _number(value: Nested) -> str:
    if isinstance(value, Fraction):
        return str(value)
    return f"[{', '.join(_number(item) for item in value)}]"


def _word(text: str) -> str:
    """A text as it is where YAML reads it as that text, else in quotes."""
    plain = text.replace("_", "").replace("-", "")
    return text if plain.isalnum() and text.isascii() and text[0].isalnum() else json.dumps(text, ensure_ascii=False)
