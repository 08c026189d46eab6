r"""The signs of LaTeX and Unicode mathematics, each with its one spelling inside, and the words beside formulas."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

RELATIONS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("=", r"\equiv"), "="),
        "==": "==",
        **dict.fromkeys((":=", r"\coloneqq", "≔", r"\triangleq"), ":="),
        **dict.fromkeys(("≈", "≃", "≅", r"\approx", r"\simeq", r"\cong", r"\approxeq", r"\doteq"), "≈"),
        **dict.fromkeys(("←", "<-", r"\leftarrow", r"\gets"), "←"),
        **dict.fromkeys(("<", r"\lt"), "<"),
        **dict.fromkeys((">", r"\gt"), ">"),
        **dict.fromkeys(("≤", "<=", "⩽", r"\le", r"\leq", r"\leqslant"), "<="),
        **dict.fromkeys(("≥", ">=", "⩾", r"\ge", r"\geq", r"\geqslant"), ">="),
        **dict.fromkeys(("≠", "!=", r"\ne", r"\neq"), "!="),
    }
)
"""What joins the sides of a chain, in its one spelling."""

# The signs, by what they are called inside; `·` is the product that two matrices multiply as matrices.
OPERATORS: Mapping[str, str] = {
    **{sign: sign for sign in "+-/@%!"},
    **dict.fromkeys("−–", "-"),
    **dict.fromkeys(("*", "⊙", "∘", "⊛", "•", r"\ast", r"\odot", r"\circ", r"\bullet"), "*"),
    **dict.fromkeys(("·", "⋅", "×", r"\cdot", r"\times"), "·"),
    **dict.fromkeys(("÷", r"\div"), "/"),
    **dict.fromkeys((r"\bmod", r"\mod"), "mod"),
    **dict.fromkeys((r"\%",), "%"),
    **dict.fromkeys(("⊤", "ᵀ", r"\top", r"\intercal"), ".T"),
    "√": "√",
}
BRACKETS: Mapping[str, str] = {
    **{sign: sign for sign in "()[]{}|"},
    r"\{": "set{",
    r"\}": "}set",
    r"\lbrace": "set{",
    r"\rbrace": "}set",
    r"\lbrack": "[",
    r"\rbrack": "]",
    r"\lfloor": "⌊",
    r"\rfloor": "⌋",
    r"\lceil": "⌈",
    r"\rceil": "⌉",
    "⌊": "⌊",
    "⌋": "⌋",
    "⌈": "⌈",
    "⌉": "⌉",
    r"\lvert": "|(",
    r"\rvert": ")|",
    r"\lVert": "‖(",
    r"\rVert": ")‖",
    r"\vert": "|",
    r"\mid": "|",
    r"\|": "‖",
    r"\Vert": "‖",
    "‖": "‖",
    "||": "‖",
    r"\langle": "⟨",
    r"\rangle": "⟩",
}
SEPARATORS: Mapping[str, str] = {
    **dict.fromkeys((r"\Rightarrow", r"\implies", r"\Longrightarrow", "⇒", "=>", r"\therefore", "∴", "⟹"), "⇒"),
    **dict.fromkeys((r"\to", r"\rightarrow", r"\longrightarrow", r"\mapsto", "→", "⟶", "↦", "->"), "→"),
    **dict.fromkeys((r"\iff", r"\Leftrightarrow", "⇔", "⟺"), "⇔"),
    **dict.fromkeys((r"\quad", r"\qquad", r"\hspace", r"\hfill"), "gap"),
    **dict.fromkeys((",", ";"), ","),
    **dict.fromkeys((r"\because", "∵"), "because"),
}
LAYOUT = frozenset(
    {
        *(
            r"\left",
            r"\right",
            r"\middle",
            r"\big",
            r"\Big",
            r"\bigg",
            r"\Bigg",
            r"\bigl",
            r"\bigr",
            r"\Bigl",
            r"\Bigr",
        ),
        *(r"\biggl", r"\biggr", r"\Biggl", r"\Biggr", r"\limits", r"\nolimits", r"\displaystyle", r"\textstyle"),
        *(
            r"\scriptstyle",
            r"\nonumber",
            r"\notag",
            r"\hline",
            r"\strut",
            r"\mathstrut",
            r"\space",
            r"\enspace",
            r"\thinspace",
        ),
        *(r"\mathbin", r"\mathrel", r"\mathop", r"\mathord", r"\boxed", r"\mathbf", r"\boldsymbol", r"\bm", r"\pmb"),
        *(
            r"\mathcal",
            r"\mathscr",
            r"\mathfrak",
            r"\vec",
            r"\bf",
            r"\rm",
            r"\it",
            r"\large",
            r"\small",
            r"\normalsize",
        ),
        *(r"\ensuremath", r"\smash", r"\noindent", r"\centering", r"\bold", r"\underline", r"\left.", r"\right."),
    }
)

PROSE = frozenset(
    {
        *("if", "for", "when", "where", "otherwise", "else", "and", "or", "so", "then", "since", "with", "because"),
        *("as", "we", "get", "have", "let", "thus", "hence", "therefore", "that", "which", "is", "are", "the", "of"),
        *("to", "by", "from", "at", "all", "some", "any", "every", "using", "gives"),
    }
)
"""Words that stand between formulas, not in them."""

UNITS = frozenset(
    {
        *("FLOP", "FLOPs", "FLOPS", "flop", "flops", "MFLOP", "MFLOPs", "GFLOP", "GFLOPs", "MAC", "MACs"),
        *("B", "KB", "MB", "GB", "KiB", "MiB", "GiB", "bytes", "byte", "bits", "ms", "parameters", "parameter"),
        *("params", "param", "weights", "weight", "biases", "connections", "multiplications", "additions"),
        *("neurons", "units", "pixels", "channels", "filters", "times", "epochs", "samples"),
    }
)
"""What may stand behind a number without being a factor."""
