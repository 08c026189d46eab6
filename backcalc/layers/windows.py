"""One layer for every window of an input: its equations get the index of the window in front."""

from __future__ import annotations

from backcalc.layers.base import LayerEquations, fresh_indices


def in_windows(equations: LayerEquations, windows: int, name: str, source: str) -> LayerEquations:
    """The equations of one window for all of them: what they define and read but the weights has one axis more.

    >>> in_windows(LayerEquations(("y[j] = w*x[j]",)), 4, "y", "x").lines
    ('y[n,j] = w*x[n,j]',)
    """
    from backcalc.layers.experts import of_all, words  # reads formulas, which other layers need not

    (n,) = fresh_indices("n", name, source, *words(equations.lines))
    lines = of_all(equations.lines, dict.fromkeys((name, source, *equations.shapes), (n,)))
    shapes = {array: (windows, *shape) for array, shape in equations.shapes.items()}
    return LayerEquations(tuple(lines), equations.padded, shapes)
