"""The check that generated NumPy code brings along: its own numbers, and central differences of its loss."""

from __future__ import annotations

from collections.abc import Sequence

from backcalc.derive.derivation import Derivation
from backcalc.derive.exact import Exact
from backcalc.formula.evaluate import Array
from backcalc.formula.integers import EvaluationError, integer
from backcalc.formula.tree import Expr, Ref, walk
from backcalc.render.numpy_parts import answer_key, has_loss, leaves_of, quoted
from backcalc.render.values import nested

MOST_ENTRIES = 64  # of an array that is written out
SIZES = (3, 4, 5, 2, 6)  # of symbols, different ones, so that a transposed array does not go unseen

DIFFERENCES = '''
def largest_difference(params, batch, step=1e-6):
    """The largest difference between the gradients and central differences of the loss, near the parameters."""
    rng = np.random.default_rng(1)
    near = {name: np.array(array + rng.uniform(0.001, 0.02, np.shape(array))) for name, array in params.items()}
    point = [near, {name: np.array(array) for name, array in batch.items()}]
    grads = loss_and_grads(*point)[1]
    worst = 0.0
    for group in point:
        for name in [name for name in group if name in grads]:
            for place in rng.permutation(group[name].size)[:20]:
                ends = []
                for sign in (1, -1):
                    moved = np.array(group[name], dtype=float)
                    moved.flat[place] += sign * step
                    there = [{**each, name: moved} if each is group else each for each in point]
                    ends.append(loss_and_grads(*there)[0])
                slope = (ends[0] - ends[1]) / (2 * step)
                worst = max(worst, abs(slope - np.asarray(grads[name]).flat[place]) / max(1.0, abs(slope)))
    return worst
'''.strip().splitlines()


def check_lines(derivation: Derivation) -> list[str]:
    """A call of the function with the values of the file, random ones where there are none, and what it must give."""
    params, batch = leaves_of(derivation)
    random = any(_given(derivation, name) is None for name in (*params, *batch))
    lines = ["rng = np.random.default_rng(0)"] if random else []
    lines += _group("params", params, derivation) + _group("batch", batch, derivation)
    lines.append("loss, grads = loss_and_grads(params, batch)")
    if has_loss(derivation):
        lines.append(f'print("{derivation.loss} =", loss)')
    lines += ["for name, gradient in grads.items():", '    print(name, "gradient:", gradient, sep="\\n")']
    if not random:
        lines += _expected(derivation)
    if has_loss(derivation):
        lines.append('print("largest difference from central differences:", largest_difference(params, batch))')
    return lines


def _group(group: str, names: Sequence[str], derivation: Derivation) -> list[str]:
    lines = [f"{group} = {{"]
    for name in names:
        value, whole = _given(derivation, name), name in derivation.program.index_names
        lines.append(f"    {quoted(name)}: {_drawn(derivation, name) if value is None else _literal(value, whole)},")
    return [*lines, "}"] if names else [f"{group} = {{}}"]


def _given(derivation: Derivation, name: str) -> Array[Exact] | None:
    """The values of an array that is small enough to be written out."""
    values = derivation.values.get(name)
    return values if values is not None and len(values) <= MOST_ENTRIES else None


def _literal(values: Array[Exact], whole: bool = False) -> str:
    """Numbers as Python writes them, nested in an array; `whole` ones stand in an index."""
    text = repr(nested(values, lambda value: int(value.decimal()) if whole else float(value.decimal())))
    return f"np.array({text})" if () not in values else text


def _drawn(derivation: Derivation, name: str) -> str:
    """Random numbers in the shape of an array; whole ones where it stands in an index."""
    program = derivation.program
    symbols = dict(zip((size for size, value in program.sizes.items() if value is None), SIZES, strict=False))
    known = {**{size: value for size, value in program.sizes.items() if value is not None}, **symbols}
    shape = tuple(_size(axis, known) for axis in program.shapes[name])
    if name in program.index_names:
        return f"rng.integers(1, {_classes(derivation, name, known)}, {shape}, endpoint=True)"
    return f"rng.uniform(0.1, 0.9, {shape})"


def _size(axis: Expr, known: dict[str, int]) -> int:
    try:
        return integer(axis, known)
    except EvaluationError:
        return SIZES[0]


def _classes(derivation: Derivation, name: str, known: dict[str, int]) -> int:
    """How far an array that stands in an index may count."""
    extents = [
        _size(extent, known)
        for equation in derivation.program.equations
        for ref in equation.reads()
        for index, extent in zip(ref.indices, derivation.program.shapes.get(ref.name, ()), strict=False)
        if any(isinstance(node, Ref) and node.name == name for node in walk(index))
    ]
    return min(extents, default=1)


def _expected(derivation: Derivation) -> list[str]:
    """The exact values of the derivation, where they are few."""
    found = {}
    for part in derivation.parts:
        for gradient in part.gradients:
            values = part.values.get(gradient.adjoint.name)
            if values is not None and len(values) <= MOST_ENTRIES:
                found[answer_key(part, gradient)] = values
    if not found:
        return []
    lines = ["expected = {", *(f"    {quoted(name)}: {_literal(values)}," for name, values in found.items()), "}"]
    return [
        *lines,
        "for name, value in expected.items():",
        "    assert np.allclose(grads[name], value, rtol=1e-9, atol=1e-12), name",
        'print("the exact values:", "all agree")',
    ]
