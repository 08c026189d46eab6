"""Derivation: reverse mode on indexed equations, simplified like a person, as data."""

from backcalc.derive.derivation import Derivation, DerivationError, derive

__all__ = ["Derivation", "DerivationError", "derive"]
