"""Random networks and programs: the derivation against differences and against SymPy on the unrolled scalar."""

from __future__ import annotations

import sympy
from hypothesis import HealthCheck, assume, given, note, settings

from backcalc.derive import derive
from backcalc.derive.arrays import elements
from backcalc.formula.print_text import to_text
from backcalc.net import Network

from .networks import networks, programs
from .witness import (
    MP,
    OnKink,
    disagreements,
    exact_leaves,
    forward,
    generic,
    places,
    unrolled,
    value,
)

CALM = [HealthCheck.filter_too_much, HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=CALM)
@given(networks())
def test_networks_against_differences(network: Network) -> None:
    derivation = derive(network)
    leaves = generic(derivation)
    assume(leaves is not None)
    assert leaves is not None
    assert disagreements(derivation, leaves) == []


@settings(max_examples=220, deadline=None, derandomize=True, suppress_health_check=CALM)
@given(programs())
def test_symbolic_sizes_against_differences(network: Network) -> None:
    """N = 3 and M = 2 differ from each other and from the 4 of g, so that no transposition can hide."""
    note("\n".join(f"{to_text(e.left)} = {to_text(e.body)}" for e in network.program.equations))
    derivation = derive(network)
    for sizes in ({"N": 3, "M": 2}, {"N": 1, "M": 5}):
        leaves = generic(derivation, sizes)
        assert leaves is not None
        assert disagreements(derivation, leaves, sizes) == []


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=CALM)
@given(networks())
def test_networks_against_sympy_on_the_unrolled_scalar(network: Network) -> None:
    """SymPy differentiates the scalar that the equations unroll to; at fractions both are the same to 40 digits."""
    derivation = derive(network)
    program = derivation.program
    assume(sum(len(places(program, name, {})) for name in program.leaves) <= 20)
    given_ones = {name: elements(v) for name, v in network.values.items()}
    fractions = exact_leaves(program, 3) | given_ones
    leaves = {n: {at: MP.mpf(v.numerator) / v.denominator for at, v in array.items()} for n, array in fractions.items()}
    try:
        store = forward(program, leaves, {})
    except (OnKink, ZeroDivisionError, TypeError):
        assume(False)
    scalar, symbols = unrolled(program, derivation.loss, leaves)
    point = {symbol: sympy.Rational(*fractions[n][at].as_integer_ratio()) for (n, at), symbol in symbols.items()}
    for adjoint in derivation.adjoints.values():
        store[adjoint.name] = {
            at: value(adjoint.closed, dict(zip(adjoint.indices, at, strict=True)), store, program.padded)
            for at in places(program, adjoint.of, {})
        }
    for (name, at), symbol in list(symbols.items())[::5]:
        true = sympy.diff(scalar, symbol).xreplace(point).evalf(45)
        claim = store[f"d{derivation.loss}/d{name}"][at] if name in derivation.adjoints else MP.mpf(0)
        assert abs(MP.mpf(str(true)) - claim) <= MP.mpf(10) ** -38 * max(1, abs(claim))
