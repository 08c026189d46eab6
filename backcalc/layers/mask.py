"""Which steps a step sees: all, those before it, or those near it."""

from __future__ import annotations

from dataclasses import dataclass

from backcalc.layers.base import times
from backcalc.layers.slide import affine


@dataclass(frozen=True, slots=True)
class Mask:
    """Which keys the query of a step sees: those before it (`causal`) and nearer than `window`, of `keys` in all.

    >>> Mask(9, causal=True).range("i"), Mask(9, window=3).range("i")
    ('=1..i', '=max(1,i-2)..min(9,i+2)')
    >>> Mask(9, causal=True, window=3).condition("i", "j")
    'i-2 <= j <= i'
    """

    keys: int
    causal: bool = False
    window: int | None = None

    @property
    def near(self) -> int | None:
        """How near a key must be, where that leaves any out."""
        return self.window if self.window is not None and self.window < self.keys else None

    @property
    def masks(self) -> bool:
        """Whether a query may not see all keys."""
        return self.keys > 1 and (self.causal or self.near is not None)

    def range(self, i: str) -> str:
        """The keys that the query of step i sees, as the range of a sum; empty where it sees all."""
        if not self.masks:
            return ""
        lower, upper = "1", i
        if self.near is not None:
            lower = f"max(1,{affine((1, i), constant=1 - self.near)})"
        if not self.causal and self.near is not None:
            upper = f"min({self.keys},{affine((1, i), constant=self.near - 1)})"
        return f"={lower}..{upper}"

    def condition(self, i: str, j: str) -> str:
        """The same as a condition on the key j."""
        lower = "" if self.near is None else f"{affine((1, i), constant=1 - self.near)} <= "
        upper = i if self.causal or self.near is None else affine((1, i), constant=self.near - 1)
        return f"{lower}{j} <= {upper}"

    def pairs(self, steps: int) -> str:
        """How many pairs of a query and a key there are, as text."""
        if not self.masks:
            return times(steps, self.keys)
        near = self.near
        if near is None:
            return f"{steps}*({steps} + 1)/2"
        if self.causal:
            return f"({steps}*{near} - {near}*({near} - 1)/2)"
        return f"({steps}*(2*{near} - 1) - {near}*({near} - 1))"
