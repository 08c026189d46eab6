"""Sines and cosines of normal forms, by the addition theorems and sin² = 1 - cos²."""

from __future__ import annotations

from fractions import Fraction

from backcalc.derive.key import key
from backcalc.formula.tree import Call
from backcalc.transform.polynomial import Generator, Polynomial
from backcalc.transform.quotient import Quotient

LARGEST_MULTIPLE = 8


def of(function: str, angle: Quotient) -> Quotient:
    """sin or cos of a sum, in sines and cosines of its single terms."""
    sine, cosine = _both(angle)
    return sine if function == "sin" else cosine


def _both(angle: Quotient) -> tuple[Quotient, Quotient]:
    sine, cosine = Quotient.number(0), Quotient.number(1)
    for monomial, coefficient in angle.over.terms.items():
        unit, multiple = Fraction(1, coefficient.denominator), coefficient.numerator
        if abs(multiple) > LARGEST_MULTIPLE:
            unit, multiple = abs(coefficient), 1 if coefficient > 0 else -1
        single = _generators(Quotient(Polynomial({monomial: unit}), angle.under))
        turned = (single[0] if multiple > 0 else -single[0], single[1])
        for _ in range(abs(multiple)):
            sine, cosine = sine * turned[1] + cosine * turned[0], cosine * turned[1] - sine * turned[0]
    return sine, cosine


def _generators(angle: Quotient) -> tuple[Quotient, Quotient]:
    shown = angle.expr
    above, beside = Call("sin", (shown,)), Call("cos", (shown,))
    cosine = Polynomial.of(Generator(key(beside), beside))
    sine = Generator(key(above), above, False, 2, Polynomial.number(1) - cosine * cosine)
    return Quotient.of(sine), Quotient(cosine)
