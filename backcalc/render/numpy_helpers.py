"""The small functions that generated NumPy code brings along: reads outside a range, and functions NumPy has not."""

from __future__ import annotations

from collections.abc import Sequence

from backcalc.formula.evaluate import definition
from backcalc.formula.functions import FUNCTIONS
from backcalc.formula.program import Program
from backcalc.formula.tree import Ref
from backcalc.render.numpy_code import Coder
from backcalc.render.numpy_names import Identifiers
from backcalc.render.numpy_tensor import Frame

_WRITTEN = {
    "clipped": (
        "def clipped(array, *places):",
        '    """Entries at places counted from 0; a place outside, which a mask leaves out, is moved to the edge."""',
        "    return array[tuple(np.clip(place, 0, extent - 1) for place, extent in zip(places, array.shape))]",
    ),
    "padded": (
        "def padded(array, *places):",
        '    """Entries at places counted from 0; zero outside the array."""',
        "    inside = True",
        "    for place, extent in zip(places, array.shape):",
        "        inside = inside & (0 <= place) & (place < extent)",
        "    return np.where(inside, clipped(array, *places), 0.0)",
    ),
    "log_sum_exp": (
        "def log_sum_exp(u, axis):",
        '    """log(sum(exp(u))) along an axis, without overflow: the largest is taken out of the sum."""',
        "    top = u.max(axis=axis, keepdims=True)",
        "    return np.squeeze(top + np.log(np.exp(u - top).sum(axis=axis, keepdims=True)), axis)",
    ),
    "erf": ('erf = np.vectorize(math.erf, otypes=[float], doc="The error function, entry by entry.")',),
    "relu": ("def relu(u):", "    return np.maximum(u, 0.0)"),
    "sigmoid": ("def sigmoid(u):", "    return 0.5 * (1.0 + np.tanh(0.5 * u))  # 1/(1 + exp(-u)) without overflow"),
    "softplus": ("def softplus(u):", "    return np.logaddexp(0.0, u)  # log(1 + exp(u)) without overflow"),
}

FUNCTION_NAMES = frozenset({*_WRITTEN, *FUNCTIONS})
"""What no array may be called in the code."""


def helper_lines(names: Sequence[str]) -> list[str]:
    """The functions of these names and those that they need, each followed by two empty lines.

    >>> print("\\n".join(helper_lines(["silu"])).rstrip())
    def sigmoid(u):
        return 0.5 * (1.0 + np.tanh(0.5 * u))  # 1/(1 + exp(-u)) without overflow
    <BLANKLINE>
    <BLANKLINE>
    def silu(u):
        return u * sigmoid(u)
    """
    found: dict[str, Sequence[str]] = {}
    for name in names:
        _add(name, found)
    return [line for lines in found.values() for line in (*lines, "", "")]


def _add(name: str, found: dict[str, Sequence[str]]) -> None:
    if name in found:
        return
    if name == "padded":
        _add("clipped", found)
    if name in _WRITTEN:
        found[name] = _WRITTEN[name]
        return
    arguments = FUNCTIONS[name].arguments
    coder = Coder(Program(dict.fromkeys(arguments, ()), ()), Identifiers(arguments, (), (), FUNCTION_NAMES))
    body = coder.value(definition(name, tuple(map(Ref, arguments))), Frame())
    for needed in coder.helpers:
        _add(needed, found)
    words = ", ".join(coder.spell.array(argument) for argument in arguments)
    found[name] = (f"def {name}({words}):", f"    return {body.code}")
