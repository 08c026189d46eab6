"""Zeros around an array, as a layer of equations."""

from __future__ import annotations

from collections.abc import Sequence

from backcalc.layers.base import fresh_indices
from backcalc.readers.draft import Draft, clean


def zeros_around(draft: Draft, word: str, source: str, pads: Sequence[tuple[int, int]]) -> str:
    """Zeros before and after each axis of an array, as a layer.

    >>> draft = Draft("m", "m")
    >>> zeros_around(draft, "y", draft.input("x", [3]), [(1, 0)])
    'y'
    >>> print(draft.text().splitlines()[-1])
      - formula: {name: y, equations: "y[c] = if(c > 1, x[c-1], 0)", shape: [4]}
    """
    shape = draft.shapes[source]
    name = draft.fresh(clean(word, "padded"))
    axes = fresh_indices(" ".join("cijklmno"[: len(shape)]), name, source)
    body = f"{source}[{','.join(f'{axis}-{before}' for axis, (before, _) in zip(axes, pads, strict=True))}]"
    for axis, size, (before, after) in zip(axes, shape, pads, strict=True):
        body = f"if({axis} <= {before + size}, {body}, 0)" if after else body
        body = f"if({axis} > {before}, {body}, 0)" if before else body
    out = [size + before + after for size, (before, after) in zip(shape, pads, strict=True)]
    text = f"{name}[{','.join(axes)}] = {body}"
    return draft.add("formula", name, [source], equations=text, shape=out, comment="zeros around")
