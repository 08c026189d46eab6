"""Why the derivatives of functions are what they are: short proofs, written in the language of formulas.

Each is a chain of formulas in u, all equal to the derivative, the last as the table of functions states it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

PROOFS: Mapping[str, tuple[tuple[str, str], ...]] = MappingProxyType(
    {
        "exp": (("exp(u)", "the series of the exponential function, term by term"),),
        "log": (
            ("1/exp(log(u))", "both sides of exp(log u) = u differentiated"),
            ("1/u", "exp(log u) = u"),
        ),
        "sqrt": (("1/(2*sqrt(u))", "both sides of the square of the root = u differentiated"),),
        "erf": (("2/sqrt(pi)*exp(-u^2)", "the integrand at the upper limit"),),
        "abs": (("(u > 0) - (u < 0)", "the slope on either side; 0 at the kink"), ("sign(u)", "the sign")),
        "relu": (
            ("if(u > 0, 1, 0)", "the slope on either side; 0 at the kink"),
            ("(u > 0)", "the same as a bracket"),
        ),
        "relu6": (("(0 < u < 6)", "slope 1 between the kinks, 0 elsewhere"),),
        "gelu": (
            ("1/2*(1 + erf(u/sqrt(2))) + 1/2*u*(2/sqrt(pi)*exp(-(u/sqrt(2))^2))/sqrt(2)", "product and chain rule"),
            ("1/2*(1 + erf(u/sqrt(2))) + u*exp(-u^2/2)/sqrt(2*pi)", "factors collected"),
        ),
        "silu": (
            ("sigmoid(u) + u*(sigmoid(u)*(1 - sigmoid(u)))", "product rule"),
            ("sigmoid(u)*(1 + u*(1 - sigmoid(u)))", "common factor"),
        ),
        "softplus": (
            ("exp(u)/(1 + exp(u))", "chain rule"),
            ("1/(1 + exp(-u))", "numerator and denominator divided by exp u"),
            ("sigmoid(u)", "the logistic function"),
        ),
        "sigmoid": (
            ("exp(-u)/(1 + exp(-u))^2", "chain rule"),
            ("1/(1 + exp(-u))*(exp(-u)/(1 + exp(-u)))", "as a product"),
            ("1/(1 + exp(-u))*(1 - 1/(1 + exp(-u)))", "1 added and taken away in the numerator"),
            ("sigmoid(u)*(1 - sigmoid(u))", "definition"),
        ),
        "tanh": (
            (
                "((exp(u) + exp(-u))^2 - (exp(u) - exp(-u))^2)/(exp(u) + exp(-u))^2",
                "quotient rule",
            ),
            ("1 - ((exp(u) - exp(-u))/(exp(u) + exp(-u)))^2", "divided term by term"),
            ("1 - tanh(u)^2", "definition"),
        ),
        "scaled_tanh": (("1.7159*2/3*(1 - tanh(2/3*u)^2)", "chain rule and the derivative of tanh"),),
    }
)
"""The proofs by function; what has none is told by its definition."""

ELEMENTARY = frozenset({"exp", "log", "sqrt", "sin", "cos", "erf", "abs"})
"""What is taken from the table of derivatives without a proof."""
