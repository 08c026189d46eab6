"""Every layer's equations, deliberately broken one at a time: the witnesses notice.

The derivation is that of the true equations; the forward pass is then a broken one. What a layer computes is bent a
little, so that its value and its slope change, and the derivation must no longer verify.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from backcalc.derive import Derivation, derive
from backcalc.formula.program import Equation
from backcalc.formula.tree import Add, Mul, Num, Table
from backcalc.net import load_network
from backcalc.verify import check
from tests.net.test_show import LAYERS

FLAT = {"sign", "mixture"}
"""Kinds whose intermediates have slopes of 0, or choose: what is bent there may make no difference to a slope."""


def bent(equation: Equation) -> Equation:
    """u + u²/8 + 1/16 in the place of u."""
    square = Mul((Num(Fraction(1, 8)), equation.body, equation.body))
    return replace(equation, body=Add((equation.body, square, Num(Fraction(1, 16)))))


def broken(derivation: Derivation, name: str) -> Derivation:
    equations = tuple(bent(e) if e.name == name else e for e in derivation.program.equations)
    return replace(derivation, program=derivation.program.part(equations))


@pytest.mark.parametrize("kind", sorted(set(LAYERS) - FLAT))
def test_a_broken_equation_is_noticed(kind: str) -> None:
    shape, layer = LAYERS[kind]
    network = load_network(f"input: {shape}\nlayers: [{layer}]\nloss: sse\nfind: [x]\n")
    derivation = derive(network, view="index")
    assert all(one.passed for one in check(derivation))
    own = [
        equation.name
        for equation in derivation.program.equations
        if equation.layer == network.nodes[-1].name
        and not isinstance(equation.body, Table)
        and not equation.name.endswith("]")
    ]
    assert own
    for name in own:
        assert not all(one.passed for one in check(broken(derivation, name))), name
