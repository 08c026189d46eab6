"""Derivation: reverse mode on indexed equations, simplified like a person, as data."""

from backcalc.derive.derivation import Derivation, derive
from backcalc.derive.question import DerivationError

__all__ = ["Derivation", "DerivationError", "derive"]
