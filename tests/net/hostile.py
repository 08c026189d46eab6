"""Networks that are too large, too deep or too much to stand in a file of their own, and the line that answers each."""

from __future__ import annotations

LAYERS = "input: {x: 3}\nlayers: [dense: 2]\n"
BLOCK = "repeat: {times: 100000, layers: ["


def sized(times: int) -> str:
    """The beginning of a block of so many copies, each with a size of its own."""
    return f"repeat: {{times: {times}, sizes: {{c: [{', '.join(['1'] * times)}]}}, layers: ["


PATHOLOGICAL = {
    "ten megabytes": ("#" * 10_000_000 + "\n", "error: the file has more than 1000000 characters"),
    "a megabyte of layers": ("layers:\n" + "  - a\n" * 160_000, "error: the file has more than 50000 keys and values"),
    "too many layers": ("input: 3\nlayers:\n" + "  - relu\n" * 10_001, "error: there are more than 10000 layers"),
    "deep flow": ("a: " + "[" * 10_000, "error: lists and mappings are nested deeper than 30"),
    "deep flow, closed": ("a: " + "[" * 10_000 + "]" * 10_000, "error: lists and mappings are nested deeper than 30"),
    "deep mappings": ("{a: " * 10_000, "error: lists and mappings are nested deeper than 30"),
    "deep blocks": (
        "".join(" " * depth + "a:\n" for depth in range(1_400)),
        "error: lists and mappings are nested deeper than 30",
    ),
    "deep dashes": ("- " * 10_000, "error: lists and mappings are nested deeper than 30"),
    "deep formula": (
        "equations: |\n  J = " + "(" * 9_000 + "x" + ")" * 9_000,
        "error: the formula is nested more than 100 deep",
    ),
    "deep short formula": (
        "equations: |\n  J = " + "(" * 2_000 + "x" + ")" * 2_000,
        "error: the formula is nested more than 100 deep",
    ),
    "long formula": (
        "equations: |\n  J = x" + " + x" * 10_000,
        "error: the formula is too long: 40005 characters, at most 20000 are read",
    ),
    "long equations": (
        "equations: |\n" + f"  a = {'x + ' * 2_000}x\n" * 30,
        "error: the equations have more than 200000 characters",
    ),
    "many equations": (
        "equations: |\n" + "".join(f"  a{n} = x\n" for n in range(2_001)),
        "error: there are more than 2000 equations",
    ),
    "a million digits": (
        LAYERS + f"values: {{x: [{'9' * 900_000}, 1, 2]}}",
        "error: a number of 900000 characters is too long, at most 100 are read",
    ),
    "a million digits in a formula": (
        f"equations: J = {'9' * 900_000}",
        "error: the equations have more than 200000 characters",
    ),
    "ten thousand anchors": (
        "a: [" + ", ".join(f"&a{n} x" for n in range(10_000)) + "]",
        "error: anchors and aliases (`&a0`) are not allowed",
    ),
    "many wrong kinds": ("input: 3\nlayers:\n" + "  - rleu\n" * 9_999, "error: unknown layer kind `rleu`"),
    "many unknown names": (
        LAYERS + f"find: [{', '.join(f'nothing{n}' for n in range(20_000))}]",
        "error: unknown name `nothing0`",
    ),
    "a range without end": (
        LAYERS + "values: {x1..x999999999: 1}",
        "error: the range `x1..x999999999` has more than 10000 names",
    ),
    "many ranges": (
        "input: 10000000\nlayers: [relu]\nvalues: {"
        + ", ".join(f"x{n}001..x{n + 1}000: 1" for n in range(1, 9_000))
        + "}",
        "error: the ranges name more than 20000 places",
    ),
    "huge array of numbers": (
        "input: 1000000000\nlayers: [relu]\nvalues: {x: 0}",
        "error: `x` has the shape [1000000000]: too large to be filled",
    ),
    "endless blocks": (
        "input: 3\nlayers: [repeat: {times: 1000000000, layers: [relu]}]",
        "error: there are more than 10000 layers",
    ),
    "endless blocks within blocks": (
        f"input: 3\nlayers: [{BLOCK * 3}relu{']}' * 3}]",
        "error: there are more than 10000 layers",
    ),
    "endless blocks of nothing": (
        "input: 3\nlayers: [repeat: {times: 1000000000, layers: [repeat: {times: 1000000000, layers: []}]}]",
        "error: there are no layers",
    ),
    "nested blocks with sizes": (
        f"input: 3\nlayers: [{sized(300) * 6}relu{']}' * 6}]",
        "error: there are more than 10000 layers",
    ),
    "a long list of sizes": (
        f"input: 3\nlayers: [{sized(20_000)}dense: c]}}]",
        "error: there are more than 10000 layers",
    ),
    "a line that never ends": ("x" * 999_000, "error: expected keys such as `input`, `layers` or `equations`, got "),
}
