r"""Claims and assumptions as they are typed for a paper: `\frac{d}{dx}\tanh x = 1 - \tanh^2 x`, with dollars or not."""

from __future__ import annotations

from backcalc.formula.errors import FormulaError
from backcalc.formula.latex_chain import Chain
from backcalc.formula.latex_read import read_latex
from backcalc.formula.latex_symbols import Symbols
from backcalc.formula.latex_tokens import Unreadable
from backcalc.formula.tree import Compare, Expr

_FRAMES = ("$$", "$", r"\[", r"\]", r"\(", r"\)")


def is_latex(text: str) -> bool:
    """Whether a text is LaTeX: it has a command or dollars."""
    return "\\" in text or "$" in text


def latex_sides(text: str) -> tuple[Expr, ...]:
    r"""The sides of a chain of equalities in LaTeX; one, a comparison, where its signs are those of order.

    >>> from backcalc.formula.print_text import to_text
    >>> [to_text(side) for side in latex_sides(r"$\tanh'(x) = 1 - \tanh^2 x$")]
    ['diff(tanh(x), x)', '1 - tanh(x)^2']
    >>> [to_text(side) for side in latex_sides(r"\gamma \ge 0")]
    ['gamma >= 0']

    Raises FormulaError with the place.
    """
    plain = text
    for frame in _FRAMES:
        plain = plain.replace(frame, " " * len(frame))  # places stay where they are
    try:
        chains = read_latex(plain, Symbols())
    except Unreadable as error:
        raise FormulaError(error.message, text, error.start, error.end, error.hint) from None
    if len(chains) != 1 or chains[0].continues:
        message = "a claim in LaTeX is one chain of equalities" if chains else "there is no formula in this LaTeX"
        raise FormulaError(message, text, 0, len(text), "write `left = right`")
    return _sides(chains[0], text)


def _sides(chain: Chain, text: str) -> tuple[Expr, ...]:
    sides = tuple(side.expr for side in chain.sides)
    signs = set(chain.relations)
    if signs <= {"=", "=="}:
        return sides
    if signs <= {"<", "<=", ">", ">=", "!="}:
        return (Compare(chain.relations, sides),)
    wrong = next(sign for sign in chain.relations if sign not in ("=", "=="))
    raise FormulaError(f"a claim is made of `=`, and here stands `{wrong}`", text, chain.start, chain.end)
