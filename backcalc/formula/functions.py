"""The functions of scalars, as data: what each is, and its derivative, written in the language itself.

A definition or derivative may call the function itself (`sigmoid(u)*(1 - sigmoid(u))`), as derivations on paper do.
The value of a derivative at a kink is the stated convention: 0 for relu, relu6, abs and hard_*, `slope` for
leaky_relu, `alpha` for elu; ties in max and min go to the first argument.

>>> FUNCTIONS["tanh"].derivative
'1 - tanh(u)^2'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Function:
    """A function of scalars: `definition` and `derivatives` (one for each argument) are formulas in `arguments`."""

    name: str
    arguments: tuple[str, ...]
    definition: str | None
    derivatives: tuple[str, ...]
    unicode: str
    latex: str
    domain: str = ""
    variadic: bool = False

    @property
    def arity(self) -> int:
        """How many arguments it takes; at least that many where it is `variadic`."""
        return len(self.arguments)

    @property
    def derivative(self) -> str:
        """The derivative in the first argument."""
        return self.derivatives[0]


def _one(
    name: str, definition: str | None, derivative: str, latex: str | None = None, *, unicode: str = "", domain: str = ""
) -> Function:
    """A function of the one variable u."""
    return Function(
        name, ("u",), definition, (derivative,), unicode or name, latex or rf"\operatorname{{{name}}}", domain
    )


_ALL = (
    _one("exp", None, "exp(u)", r"\exp"),
    _one("log", None, "1/u", r"\log", domain="u > 0"),
    _one("sqrt", None, "1/(2*sqrt(u))", r"\sqrt", unicode="√", domain="u > 0; at 0 only the value"),
    _one("sin", None, "cos(u)", r"\sin"),
    _one("cos", None, "-sin(u)", r"\cos"),
    _one("abs", "if(u < 0, -u, u)", "sign(u)", domain="kink at 0: derivative 0"),
    _one("erf", None, "2/sqrt(pi)*exp(-u^2)"),
    _one("sign", "(u > 0) - (u < 0)", "0", domain="jump at 0: derivative 0"),
    _one("relu", "max(0, u)", "(u > 0)", r"\operatorname{ReLU}", domain="kink at 0: derivative 0"),
    _one("relu6", "min(max(0, u), 6)", "(0 < u < 6)", r"\operatorname{ReLU6}", domain="kinks at 0, 6: derivative 0"),
    Function(
        "leaky_relu",
        ("u", "slope"),
        "if(u > 0, u, slope*u)",
        ("if(u > 0, 1, slope)", "if(u > 0, 0, u)"),
        "leaky_relu",
        r"\operatorname{LeakyReLU}",
        "kink at 0: derivative slope",
    ),
    Function(
        "elu",
        ("u", "alpha"),
        "if(u > 0, u, alpha*(exp(u) - 1))",
        ("if(u > 0, 1, alpha*exp(u))", "if(u > 0, 0, exp(u) - 1)"),
        "elu",
        r"\operatorname{ELU}",
        "kink at 0: derivative alpha",
    ),
    _one(
        "gelu",
        "1/2*u*(1 + erf(u/sqrt(2)))",
        "1/2*(1 + erf(u/sqrt(2))) + u*exp(-u^2/2)/sqrt(2*pi)",
        r"\operatorname{GELU}",
    ),
    _one("silu", "u*sigmoid(u)", "sigmoid(u)*(1 + u*(1 - sigmoid(u)))", r"\operatorname{SiLU}"),
    _one("hard_sigmoid", "relu6(u + 3)/6", "(-3 < u < 3)/6", r"\operatorname{hard\,sigmoid}", domain="kinks at -3, 3"),
    _one(
        "hard_swish",
        "u*relu6(u + 3)/6",
        "(u > 3) + (-3 < u < 3)*(2*u + 3)/6",
        r"\operatorname{hard\,swish}",
        domain="kinks at -3, 3: derivative 0",
    ),
    _one("softplus", "log(1 + exp(u))", "sigmoid(u)"),
    _one("sigmoid", "1/(1 + exp(-u))", "sigmoid(u)*(1 - sigmoid(u))", r"\sigma", unicode="σ"),
    _one("tanh", "(exp(u) - exp(-u))/(exp(u) + exp(-u))", "1 - tanh(u)^2", r"\tanh"),
    # LeCun et al. 1998, appendix A: f(u) = A tanh(S u), A = 1.7159, S = 2/3, so that f(1) = 1 and f(-1) = -1.
    _one("scaled_tanh", "1.7159*tanh(2/3*u)", "1.7159*2/3*(1 - tanh(2/3*u)^2)", r"\operatorname{scaled\,tanh}"),
    Function("if", ("c", "a", "b"), None, ("0", "if(c, 1, 0)", "if(c, 0, 1)"), "if", r"\operatorname{if}"),
    Function(
        "max", ("u", "v"), None, ("(u >= v)", "(v > u)"), "max", r"\max", "a tie goes to the first", variadic=True
    ),
    Function(
        "min", ("u", "v"), None, ("(u <= v)", "(v < u)"), "min", r"\min", "a tie goes to the first", variadic=True
    ),
    Function("diff", ("f", "x"), None, (), "diff", r"\operatorname{diff}", "∂f/∂x of a quantity f by a quantity x"),
    Function("div", ("u", "n"), None, ("0", "0"), "div", r"\operatorname{div}", "floor of u/n; integers, n > 0"),
    Function("mod", ("u", "n"), "u - n*div(u, n)", ("1", "-div(u, n)"), "mod", r"\bmod", "integers, n > 0"),
)

FUNCTIONS: Mapping[str, Function] = MappingProxyType({function.name: function for function in _ALL})
"""Every function of scalars by its name. Functions of more arguments than `arguments` names (max, min) nest."""

ALIASES: Mapping[str, str] = MappingProxyType({"ln": "log", "sigma": "sigmoid"})
"""Other names under which a function is read; `sigma` so that σ(z) is."""

WHOLE: Mapping[str, str] = MappingProxyType(
    {
        "softmax": r"\operatorname{softmax}",
        "log_softmax": r"\operatorname{log\,softmax}",
        "sumsq": r"\operatorname{sumsq}",
        "norm2": r"\operatorname{norm}_{2}",
        "sum": r"\operatorname{sum}",
        "mean": r"\operatorname{mean}",
        "prod": r"\operatorname{prod}",
        "max": r"\max",
        "min": r"\min",
    }
)
"""The functions of one whole array, each with its LaTeX: the softmax along the last axis, the others over all entries.

They are written out with indices (`formula.whole`) before a program is made of them, as are `matmul` and `transpose`.
"""

REDUCTIONS = ("sum", "mean", "prod", "max", "min", "argmax", "argmin")
"""The reductions over an index; `max` and `min` are also functions of their arguments."""
