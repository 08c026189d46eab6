"""Every independent witness of a derivation, side by side."""

from backcalc.verify.witnesses import Verification, check, verified, verify

__all__ = ["Verification", "check", "verified", "verify"]
