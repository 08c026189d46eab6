"""Where the values of a derivation come from, as text: from the file, instead of a loss, or drawn."""

from __future__ import annotations

from collections.abc import Callable, Collection

from backcalc.derive.derivation import Derivation
from backcalc.derive.exact import Exact
from backcalc.formula.evaluate import Array
from backcalc.formula.print_unicode import to_unicode
from backcalc.formula.tree import Ref
from backcalc.net.network import Network
from backcalc.render.layout import paragraph

MOST_ENTRIES = 12  # of an array that is printed with its values

Listed = Callable[[Array[Exact]], str]
"""How an array is printed in a line."""


def origin_lines(derivation: Derivation, listed: Listed, width: int) -> list[str]:
    """The gradients that are given instead of a loss, the values of the file, and those that were drawn."""
    network = derivation.network
    drawn = network.drawn.names if network.drawn is not None else ()
    leaves = derivation.program.leaves
    told = [f"∂{network.loss}/∂{to_unicode(Ref(of))} = {to_unicode(Ref(g))}" for of, g in network.given.items()]
    lines = paragraph(f"Given instead of a loss: {', '.join(told)}.", 0, width) if told else []
    if given := _values(derivation, [name for name in leaves if name not in drawn], listed):
        lines += paragraph(f"Given: {given}.", 0, width)
    if network.drawn is not None and drawn:
        scale = f" and scale {network.drawn.scale}" if network.drawn.scale != 1 else ""
        found = _values(derivation, drawn, listed)
        large = [to_unicode(Ref(name)) for name in drawn if len(derivation.values.get(name, ())) > MOST_ENTRIES]
        more = f"the arrays {', '.join(large)}" if len(large) > 1 else f"the array {', '.join(large)}" if large else ""
        what = " and ".join(part for part in (found, more) if part) or "the values that are missing"
        lines += paragraph(f"Drawn with seed {network.drawn.seed}{scale}: {what}.", 0, width)
    return lines


def _values(derivation: Derivation, names: Collection[str], listed: Listed) -> str:
    """The values of small arrays, names of one value together: `x = (1/2, 1, −1/2), w1 = … = w6 = 1`."""
    groups: dict[str, list[str]] = {}
    for name, values in derivation.values.items():
        if name in names and len(values) <= MOST_ENTRIES:
            groups.setdefault(listed(values), []).append(to_unicode(Ref(name)))
    return ", ".join(f"{' = '.join(same)} = {value}" for value, same in groups.items())


def given_opening(network: Network, left: str, of: str, readers: list[str]) -> str | None:
    """How the derivative of an array begins whose upstream gradient is given; None for any other.

    `left` is what it is called, `readers` are what reads the array.
    """
    gradient = network.given.get(of)
    if gradient is None or network.loss is None:
        return None
    name, loss = to_unicode(Ref(gradient)), to_unicode(Ref(network.loss))
    others = [reader for reader in readers if reader != loss]
    if not others:
        return f"{left} = {name} is given"
    return f"{left}: {to_unicode(Ref(of))} goes into {' and '.join(others)}; the given {name} is added"
