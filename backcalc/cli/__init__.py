"""The commands: each parses its options, calls one function of the library and renders the result."""

from backcalc.cli.program import main

__all__ = ["main"]
