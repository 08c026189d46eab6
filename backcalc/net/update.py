"""The update rules, as data: each is a few equations in the language of formulas.

`w` is a parameter before the step, `g` its gradient, `eta` the rate, `k` the number of the step; `v0` and `s0` are what
the rule remembers from the step before, 0 at first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class UpdateRule:
    """One rule: its arguments with their defaults, its equations in order (the last is the new `w`), its source.

    A `flag` is an argument that is true or false; where it is true, the equations are `flagged`.
    """

    kind: str
    equations: tuple[tuple[str, str], ...]
    source: str
    arguments: Mapping[str, Fraction] = field(default_factory=dict)
    flag: str | None = None
    flagged: tuple[tuple[str, str], ...] = ()

    @property
    def state(self) -> tuple[str, ...]:
        """What the rule remembers from step to step.

        >>> UPDATES["sgd"].state, UPDATES["adam"].state
        ((), ('v', 's'))
        """
        read = " ".join(text for _, text in self.equations)
        return tuple(name for name, _ in self.equations if f"{name}0" in read)


_TINY = Fraction(1, 10**8)

_ALL = (
    UpdateRule("sgd", (("w", "w - eta*g"),), "gradient descent"),
    UpdateRule(
        "momentum",
        (("v", "beta*v0 + g"), ("w", "w - eta*v")),
        "Polyak 1964, in the form of Sutskever et al. 2013 with the rate outside",
        {"beta": Fraction(9, 10)},
        "rate_inside",
        (("v", "beta*v0 + eta*g"), ("w", "w - v")),
    ),
    UpdateRule(
        "nesterov",
        (("v", "beta*v0 + g"), ("w", "w - eta*(g + beta*v)")),
        "Sutskever et al. 2013, equations 3 and 4, in terms of the looked-ahead parameter",
        {"beta": Fraction(9, 10)},
    ),
    UpdateRule(
        "rmsprop",
        (("s", "rho*s0 + (1 - rho)*g^2"), ("w", "w - eta*g/(sqrt(s) + epsilon)")),
        "Tieleman and Hinton 2012, lecture 6.5",
        {"rho": Fraction(9, 10), "epsilon": _TINY},
    ),
    UpdateRule(
        "adagrad",
        (("s", "s0 + g^2"), ("w", "w - eta*g/(sqrt(s) + epsilon)")),
        "Duchi, Hazan and Singer 2011",
        {"epsilon": _TINY},
    ),
    UpdateRule(
        "adam",
        (
            ("v", "beta1*v0 + (1 - beta1)*g"),
            ("s", "beta2*s0 + (1 - beta2)*g^2"),
            ("vhat", "v/(1 - beta1^k)"),
            ("shat", "s/(1 - beta2^k)"),
            ("w", "w - eta*vhat/(sqrt(shat) + epsilon)"),
        ),
        "Kingma and Ba 2015, algorithm 1",
        {"beta1": Fraction(9, 10), "beta2": Fraction(999, 1000), "epsilon": _TINY},
    ),
    UpdateRule(
        "adamw",
        (
            ("v", "beta1*v0 + (1 - beta1)*g"),
            ("s", "beta2*s0 + (1 - beta2)*g^2"),
            ("vhat", "v/(1 - beta1^k)"),
            ("shat", "s/(1 - beta2^k)"),
            ("w", "w - eta*(vhat/(sqrt(shat) + epsilon) + decay*w)"),
        ),
        "Loshchilov and Hutter 2019, algorithm 2",
        {"beta1": Fraction(9, 10), "beta2": Fraction(999, 1000), "epsilon": _TINY, "decay": Fraction(1, 100)},
    ),
)

UPDATES: Mapping[str, UpdateRule] = MappingProxyType({rule.kind: rule for rule in _ALL})
"""Every update rule by its name."""
