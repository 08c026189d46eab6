"""Random sums of products of arrays, for what reads formulas over whole arrays."""

from __future__ import annotations

from hypothesis import strategies as st

from backcalc.formula.print_text import to_text
from backcalc.formula.tree import Expr, Ref

SIZES = {"n": 2, "m": 3, "p": 4, "q": 5}  # pairwise distinct: equal sizes would hide a transposition
AXES: dict[str, Expr] = {index: Ref(size) for index, size in zip("ijkl", SIZES, strict=True)}


@st.composite
def formulas(draw: st.DrawFn) -> tuple[str, str, dict[str, tuple[Expr, ...]]]:
    """A sum of products of arrays at random indices, some inside functions; its free indices in any order."""
    shapes: dict[str, tuple[Expr, ...]] = {}

    def factor() -> str:
        letters = "".join(draw(st.permutations("ijkl")))[: draw(st.sampled_from([0, 1, 1, 2, 2, 2, 3]))]
        name = f"a_{letters}"
        shapes[name] = tuple(AXES[letter] for letter in letters)
        read = f"{name}[{','.join(letters)}]" if letters else name
        return draw(
            st.sampled_from(["{}", "{}", "{}", "exp({})", "{}^2", "(1 - {})", "tanh({})", "({} > 1/2)"])
        ).format(read)

    free = "".join(draw(st.permutations("ijkl")))[: draw(st.sampled_from([0, 1, 2, 2, 3]))]
    terms = []
    for _ in range(draw(st.integers(1, 2))):
        product = "*".join(factor() for _ in range(draw(st.integers(1, 4))))
        if draw(st.integers(0, 4)) == 0:
            product = f"({product})/(1 + ({factor()})^2)"
        for letter in draw(st.permutations([letter for letter in "ijkl" if letter not in free])):
            if f"{letter}" in "".join(name.partition("_")[2] for name in shapes) or draw(st.integers(0, 5)) == 0:
                product = f"sum({letter}=1..{to_text(AXES[letter])}, {product})"
        terms.append(draw(st.sampled_from(["{}", "{}", "3*{}", "-{}/2", "log(1 + ({})^2)"])).format(product))
    return " + ".join(terms), free, shapes
